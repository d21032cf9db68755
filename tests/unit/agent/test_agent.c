/* SPDX-License-Identifier: Apache-2.0 */
/* The agent against a small world: a disk that survives, processes that obey, a clock that waits. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "wire/order.h"

#define SLOTS   16
#define RECORDS 512
#define DEVICE  "cam-7"

struct disk_slot {
    char *instance;
    struct kedge_digest content;
    char *json;
    bool current, running, modified;
};

struct world {
    struct kedge_key *device, *director;
    struct kedge_root root;
    struct kedge_agent_config config;
    struct kedge_agent *agent;
    kedge_ms now;
    int64_t generation;

    /* What survives a crash. */
    char *records[RECORDS];
    size_t record_count;
    struct disk_slot slots[SLOTS];

    /* Faults. */
    bool disk_full;        /* the journal cannot be written */
    const char *sick;      /* version whose probe fails */
    const char *dying;     /* version that exits at once */
    enum kedge_code fetch; /* outcome of a FETCH */
    int crash_at;          /* crash before this many more effects are carried out; -1: never */

    /* What is on the way. */
    struct kedge_buf envelope; /* the server's next answer */
    uint64_t exchange;         /* held by the server */
    kedge_ms answered;         /* it holds an answer for 10 s */
    unsigned fetches, starts, effects, lives;
    char trace[8192];
};

static void boot(struct world *world);
static void carry_out(struct world *world, struct kedge_agent_effects *effects);

static void send(struct world *world, const struct kedge_agent_message *in)
{
    kedge_auto(kedge_agent_effects) struct kedge_agent_effects out = {0};
    kedge_agent_step(world->agent, in, 1700000000000 + world->now, world->now, &out);
    carry_out(world, &out);
}

static struct disk_slot *find(struct world *world, const char *instance,
                              const struct kedge_digest *content)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (world->slots[i].instance && strcmp(world->slots[i].instance, instance) == 0 &&
            kedge_digest_equal(&world->slots[i].content, content))
            return &world->slots[i];
    return NULL;
}

static struct disk_slot *current(struct world *world, const char *instance)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (world->slots[i].instance && world->slots[i].current &&
            strcmp(world->slots[i].instance, instance) == 0)
            return &world->slots[i];
    return NULL;
}

static void drop(struct disk_slot *slot)
{
    free(slot->instance);
    free(slot->json);
    *slot = (struct disk_slot){0};
}

static void survey(struct world *world, uint64_t effect)
{
    struct kedge_agent_found found[SLOTS] = {0};
    struct kedge_agent_survey survey = {.at = found, .disk_free = 1 << 30};
    for (size_t i = 0; i < SLOTS; i++) {
        const struct disk_slot *slot = &world->slots[i];
        if (!slot->instance)
            continue;
        found[survey.count++] = (struct kedge_agent_found){
            .instance = slot->instance,
            .content = slot->content,
            .assignment = {slot->json, slot->json ? strlen(slot->json) : 0},
            .integrity = slot->modified ? KEDGE_INTEGRITY_MODIFIED : KEDGE_INTEGRITY_INTACT,
            .current = slot->current,
            .running = slot->running,
        };
    }
    send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_SURVEY,
                                              .effect = effect,
                                              .survey = &survey});
}

static enum kedge_code stage(struct world *world, const struct kedge_agent_effect *effect)
{
    struct disk_slot *slot = find(world, effect->instance, &effect->content);
    for (size_t i = 0; !slot; i++)
        if (!world->slots[i].instance)
            slot = &world->slots[i];
    struct kedge_buf json = {0};
    kedge_assignment_write(effect->assignment, &(struct kedge_json_writer){.out = &json});
    bool was_current = slot->current, was_running = slot->running;
    drop(slot);
    *slot = (struct disk_slot){.instance = kedge_alloc_strdup(effect->instance),
                               .content = effect->content,
                               .json = kedge_buf_take(&json),
                               .current = was_current,
                               .running = was_running};
    return KEDGE_OK;
}

static enum kedge_code start(struct world *world, const struct kedge_agent_effect *effect)
{
    struct disk_slot *slot = find(world, effect->instance, &effect->content);
    cr_assert_not_null(slot, "started what is not staged");
    cr_assert(!slot->running, "started twice");
    if (effect->assignment->runtime.handover == KEDGE_HANDOVER_REPLACE)
        for (size_t i = 0; i < SLOTS; i++)
            cr_assert(!world->slots[i].instance || !world->slots[i].running ||
                          strcmp(world->slots[i].instance, effect->instance) != 0,
                      "two at one port");
    world->starts++;
    slot->running = true;
    return KEDGE_OK;
}

/* The outcome of an effect that is carried out at once. */
static enum kedge_code perform(struct world *world, const struct kedge_agent_effect *effect)
{
    struct disk_slot *slot = NULL;
    if (effect->instance)
        slot = find(world, effect->instance, &effect->content);
    switch (effect->kind) {
    case KEDGE_AGENT_JOURNAL:
        if (world->disk_full)
            return KEDGE_LIMIT;
        cr_assert_lt(world->record_count, RECORDS);
        world->records[world->record_count] = kedge_alloc_zeroed(effect->bytes.size + 1);
        memcpy(world->records[world->record_count++], effect->bytes.data, effect->bytes.size);
        return KEDGE_OK;
    case KEDGE_AGENT_FETCH:
        world->fetches++;
        return world->fetch;
    case KEDGE_AGENT_STAGE:
        return stage(world, effect);
    case KEDGE_AGENT_START:
        return start(world, effect);
    case KEDGE_AGENT_PROBE:
        if (!slot || !slot->running)
            return KEDGE_UNAVAILABLE;
        return world->sick && strcmp(world->sick, effect->assignment->version) == 0
                   ? KEDGE_UNAVAILABLE
                   : KEDGE_OK;
    case KEDGE_AGENT_STOP:
        if (slot)
            slot->running = false;
        return KEDGE_OK;
    case KEDGE_AGENT_SWITCH:
        for (size_t i = 0; i < SLOTS; i++)
            if (world->slots[i].instance && strcmp(world->slots[i].instance, effect->instance) == 0)
                world->slots[i].current = &world->slots[i] == slot;
        return KEDGE_OK;
    case KEDGE_AGENT_REMOVE:
        if (slot) {
            cr_assert(!slot->running, "removed what runs");
            cr_assert(!slot->current, "removed what is current");
            drop(slot);
        }
        return KEDGE_OK;
    default:
        return KEDGE_OK;
    }
}

static void crash(struct world *world)
{
    kedge_agent_free(world->agent);
    world->exchange = 0;
    world->lives++;
    boot(world);
}

static void carry_out_one(struct world *world, const struct kedge_agent_effect *effect)
{
    if (world->crash_at == 0) {
        world->crash_at = -1;
        crash(world);
        return;
    }
    if (world->crash_at > 0)
        world->crash_at--;
    world->effects++;
    const char *word = kedge_word_name(&kedge_agent_effect_words, (int)effect->kind);
    if (strlen(world->trace) + 16 < sizeof world->trace && effect->instance) {
        strncat(world->trace, word, 16);
        strncat(world->trace, " ", 2);
    }
    if (effect->kind == KEDGE_AGENT_CANCEL) {
        if (effect->cancel == world->exchange) {
            world->exchange = 0;
            send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                      .effect = effect->cancel,
                                                      .code = KEDGE_UNAVAILABLE});
        }
        return;
    }
    if (effect->kind == KEDGE_AGENT_EXCHANGE) {
        world->exchange = effect->id;
        return;
    }
    if (effect->kind == KEDGE_AGENT_LOOK) {
        survey(world, effect->id);
        return;
    }
    unsigned life = world->lives;
    enum kedge_code code = perform(world, effect);
    char *instance = effect->instance ? kedge_alloc_strdup(effect->instance) : NULL;
    bool dies = effect->kind == KEDGE_AGENT_START && world->dying &&
                strcmp(world->dying, effect->assignment->version) == 0;
    if (dies)
        find(world, instance, &effect->content)->running = false;
    send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                              .effect = effect->id,
                                              .code = code,
                                              .message = code ? "it failed" : NULL});
    if (dies && life == world->lives)
        send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_EXITED,
                                                  .instance = instance,
                                                  .content = effect->content,
                                                  .message = "exited with status 1"});
    free(instance);
}

static void carry_out(struct world *world, struct kedge_agent_effects *effects)
{
    /* What a dead agent asked for is not carried out. */
    unsigned life = world->lives;
    for (size_t i = 0; i < effects->count && life == world->lives; i++)
        carry_out_one(world, &effects->at[i]);
}

static void boot(struct world *world)
{
    world->agent = kedge_agent_new(&world->config);
    for (size_t i = 0; i < world->record_count; i++)
        send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_RECORD,
                                                  .bytes = {world->records[i],
                                                            strlen(world->records[i])}});
    survey(world, 0);
}

static void answer(struct world *world)
{
    if (!world->exchange || !world->envelope.size || world->now < world->answered + 10000)
        return;
    world->answered = world->now;
    uint64_t exchange = world->exchange;
    world->exchange = 0;
    send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                              .effect = exchange,
                                              .bytes = kedge_buf_slice(&world->envelope)});
}

/* Lets time pass for `span` ms, the server answering with what it has. */
static void pass(struct world *world, kedge_ms span)
{
    kedge_ms end = world->now + span;
    while (world->now < end) {
        answer(world);
        kedge_ms wake = kedge_agent_wake(world->agent);
        world->now = wake > world->now && wake < world->now + 1000 ? wake : world->now + 1000;
        send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_TICK});
    }
}

struct member {
    const char *instance, *version, *bundle;
    enum kedge_run_state state;
    enum kedge_handover handover;
    bool application;
};

static struct kedge_assignment assignment(const struct member *member)
{
    static const char *const argv[] = {"./serve"};
    struct kedge_assignment a = {
        .instance = member->instance,
        .kind = member->application ? KEDGE_KIND_APPLICATION : KEDGE_KIND_MODEL,
        .deployment = "d",
        .bundle = member->bundle,
        .version = member->version,
        .state = member->state,
        .artifact = {.url = "hub:x", .size = 10, .format = KEDGE_FORMAT_TAR},
        .runtime = {.driver = KEDGE_DRIVER_PROCESS,
                    .command = {argv, 1},
                    .handover = member->handover,
                    .stop_timeout = 1000,
                    .probe = {.kind = KEDGE_PROBE_TCP,
                              .period = 5000,
                              .timeout = 1000,
                              .start_within = 10000,
                              .success_threshold = 1,
                              .failure_threshold = 3}},
    };
    a.artifact.digest = kedge_digest_of(member->version, strlen(member->version));
    kedge_assignment_seal(&a);
    return a;
}

/* The director signs a new order: this set, and one action on `touched` (or none). */
static void order(struct world *world, const struct member *members, uint32_t count,
                  enum kedge_verb verb, const char *touched)
{
    struct kedge_order_member rows[8] = {0};
    struct kedge_assignment set[8];
    struct kedge_buf json[8] = {0}, statement = {0};
    struct kedge_err err;
    for (uint32_t i = 0; i < count; i++) {
        set[i] = assignment(&members[i]);
        kedge_assignment_write(&set[i], &(struct kedge_json_writer){.out = &json[i]});
        rows[i] = (struct kedge_order_member){.instance = set[i].instance,
                                              .state = set[i].state,
                                              .artifact = set[i].artifact.digest,
                                              .json = kedge_buf_slice(&json[i])};
    }
    struct kedge_action action = {.id = "00000000000000000000000000000000",
                                  .verb = verb,
                                  .instance = touched,
                                  .reason = "test"};
    struct kedge_order written = {
        .device = DEVICE,
        .generation = ++world->generation,
        .plan = kedge_digest_of("plan", 4),
        .commit = "0123456789abcdef0123456789abcdef01234567",
        .source = "file:///fleet.git",
        .issued = 1700000000000 + world->now,
        .expires = 1700000000000 + world->now + 3600000,
        .actions = &action,
        .action_count = touched ? 1 : 0,
    };
    kedge_order_write(&written, rows, count, &statement);
    world->answered = world->now - 10000;
    kedge_buf_clear(&world->envelope);
    cr_assert_eq(kedge_envelope_sign(&world->envelope, KEDGE_ENVELOPE_IN_TOTO,
                                     kedge_buf_slice(&statement),
                                     (const struct kedge_key *const[]){world->director}, 1, &err),
                 0, "%s", err.msg);
    kedge_buf_release(&statement);
    for (uint32_t i = 0; i < count; i++)
        kedge_buf_release(&json[i]);
}

static void deploy(struct world *world, const char *version, enum kedge_handover handover)
{
    order(world, &(struct member){.instance = "m", .version = version, .handover = handover}, 1,
          KEDGE_VERB_DEPLOY, "m");
}

static struct world *world_new(void)
{
    struct world *world = kedge_alloc_zeroed(sizeof *world);
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    world->device = kedge_key_from_seed((const uint8_t[32]){1});
    world->director = kedge_key_from_seed((const uint8_t[32]){2});
    const struct kedge_public_key director = kedge_key_public(world->director);
    kedge_root_by_hand(&world->root, KEDGE_ROOT_DIRECTOR, &director, 1);
    world->crash_at = -1;
    world->now = 1000;
    world->config = (struct kedge_agent_config){
        .device = DEVICE,
        .state_dir = "/var/lib/kedge-agent",
        .key = world->device,
        .root = &world->root,
        .wait = 60000,
        .survey = 60000,
        .seed = 7,
    };
    boot(world);
    return world;
}

static void world_free(struct world *world)
{
    kedge_agent_free(world->agent);
    for (size_t i = 0; i < world->record_count; i++)
        free(world->records[i]);
    for (size_t i = 0; i < SLOTS; i++)
        drop(&world->slots[i]);
    kedge_key_free(world->device);
    kedge_key_free(world->director);
    kedge_buf_release(&world->envelope);
    free(world);
}

/* The version that serves under `instance`, proven; "" when none does. */
static const char *serving(struct world *world, const char *instance)
{
    static const char *const versions[] = {"1.0.0", "2.0.0", "3.0.0"};
    struct disk_slot *slot = current(world, instance);
    for (size_t i = 0; slot && slot->running && i < KEDGE_COUNT(versions); i++)
        if (strstr(slot->json, versions[i]))
            return versions[i];
    return "";
}

static size_t slot_count(struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < SLOTS; i++)
        count += world->slots[i].instance != NULL;
    return count;
}

static const struct kedge_progress *progress(struct world *world, struct kedge_arena *arena,
                                             const char *instance)
{
    const struct kedge_report *report = kedge_agent_report(world->agent, arena, 0);
    for (uint32_t i = 0; i < report->progress_count; i++)
        if (strcmp(report->progress[i].instance, instance) == 0)
            return &report->progress[i];
    return NULL;
}

Test(agent, deploys_updates_and_destroys)
{
    struct world *world = world_new();
    deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 10000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0", "%s", world->trace);
    cr_assert(kedge_agent_converged(world->agent));
    deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 10000);
    cr_assert_str_eq(serving(world, "m"), "2.0.0");
    cr_assert_eq(slot_count(world), 1, "the former version is removed");
    order(world, NULL, 0, KEDGE_VERB_DESTROY, "m");
    pass(world, 10000);
    cr_assert_eq(slot_count(world), 0);
    cr_assert(kedge_agent_converged(world->agent));
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, rolls_a_sick_version_back_and_does_not_try_it_again)
{
    for (int handover = KEDGE_HANDOVER_OVERLAP; handover <= KEDGE_HANDOVER_REPLACE; handover++) {
        struct world *world = world_new();
        deploy(world, "1.0.0", (enum kedge_handover)handover);
        pass(world, 10000);
        world->sick = "2.0.0";
        deploy(world, "2.0.0", (enum kedge_handover)handover);
        pass(world, 60000);
        cr_assert_str_eq(serving(world, "m"), "1.0.0", "%s", world->trace);
        struct kedge_arena arena = {0};
        const struct kedge_progress *said = progress(world, &arena, "m");
        cr_assert_not_null(said);
        cr_assert_eq(said->state, KEDGE_ACTION_ROLLED_BACK);
        cr_assert(strstr(said->message, "probe"), "%s", said->message);
        kedge_arena_release(&arena);
        unsigned starts = world->starts;
        crash(world);
        pass(world, 600000);
        cr_assert_eq(world->starts, starts, "not tried again, also after a restart");
        world->sick = NULL;
        deploy(world, "2.0.0", (enum kedge_handover)handover);
        pass(world, 60000);
        cr_assert_str_eq(serving(world, "m"), "2.0.0", "a newer order that names it frees it");
        world_free(world);
    }
    kedge_test_no_leaks();
}

Test(agent, rolls_back_a_version_that_exits)
{
    struct world *world = world_new();
    deploy(world, "1.0.0", KEDGE_HANDOVER_REPLACE);
    pass(world, 10000);
    world->dying = "2.0.0";
    deploy(world, "2.0.0", KEDGE_HANDOVER_REPLACE);
    pass(world, 30000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0", "%s", world->trace);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, stops_and_starts)
{
    struct world *world = world_new();
    struct member member = {.instance = "m", .version = "1.0.0"};
    order(world, &member, 1, KEDGE_VERB_DEPLOY, "m");
    pass(world, 10000);
    member.state = KEDGE_RUN_STOPPED;
    order(world, &member, 1, KEDGE_VERB_STOP, "m");
    pass(world, 10000);
    cr_assert(kedge_agent_converged(world->agent));
    cr_assert_str_eq(serving(world, "m"), "");
    cr_assert_eq(slot_count(world), 1, "the files stay");
    member.state = KEDGE_RUN_RUNNING;
    order(world, &member, 1, KEDGE_VERB_START, "m");
    pass(world, 10000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0");
    cr_assert_eq(world->fetches, 1);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, keeps_a_failed_version_that_shall_stand_still)
{
    struct world *world = world_new();
    struct member member = {.instance = "m", .version = "1.0.0"};
    world->dying = "1.0.0";
    order(world, &member, 1, KEDGE_VERB_DEPLOY, "m");
    pass(world, 30000);
    cr_assert_str_eq(serving(world, "m"), "");
    cr_assert_not(kedge_agent_converged(world->agent));
    member.state = KEDGE_RUN_STOPPED;
    order(world, &member, 1, KEDGE_VERB_STOP, "m"); /* the server saw it run before it died */
    pass(world, 30000);
    cr_assert(kedge_agent_converged(world->agent), "%s", world->trace);
    cr_assert_eq(slot_count(world), 1);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, heals_what_drifts)
{
    struct world *world = world_new();
    deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 10000);
    struct disk_slot *slot = current(world, "m");
    slot->running = false;
    send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_EXITED,
                                              .instance = "m",
                                              .content = slot->content,
                                              .message = "killed by signal 9"});
    pass(world, 20000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0", "started again");
    current(world, "m")->current = false;
    pass(world, 100000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0", "linked again");
    unsigned starts = world->starts;
    current(world, "m")->modified = true;
    pass(world, 100000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0");
    cr_assert(!current(world, "m")->modified, "unpacked anew");
    cr_assert_eq(world->starts, starts + 1, "and started from the new files");
    drop(current(world, "m"));
    pass(world, 100000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0", "brought back whole");
    cr_assert(kedge_agent_converged(world->agent));
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, moves_a_bundle_as_one)
{
    struct world *world = world_new();
    struct member members[] = {
        {.instance = "app", .version = "1.0.0", .application = true},
        {.instance = "m", .version = "1.0.0", .bundle = "app"},
    };
    order(world, members, 2, KEDGE_VERB_DEPLOY, "app");
    pass(world, 20000);
    cr_assert_str_eq(serving(world, "app"), "1.0.0");
    cr_assert_str_eq(serving(world, "m"), "1.0.0");
    /* The model is fine, the application is not: both go back. */
    members[0].version = "2.0.0";
    members[1].version = "3.0.0";
    world->sick = "2.0.0";
    order(world, members, 2, KEDGE_VERB_UPDATE, "app");
    pass(world, 60000);
    cr_assert_str_eq(serving(world, "app"), "1.0.0", "%s", world->trace);
    cr_assert_str_eq(serving(world, "m"), "1.0.0");
    members[0].version = "3.0.0";
    order(world, members, 2, KEDGE_VERB_UPDATE, "app");
    pass(world, 60000);
    cr_assert_str_eq(serving(world, "app"), "3.0.0");
    cr_assert_str_eq(serving(world, "m"), "3.0.0");
    cr_assert(kedge_agent_converged(world->agent));
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, refuses_orders_that_are_not_its_own)
{
    struct world *world = world_new();
    deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    struct kedge_buf old = {0};
    kedge_buf_add(&old, world->envelope.data, world->envelope.size);
    pass(world, 10000);
    deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 10000);
    world->answered = world->now - 10000;
    kedge_buf_clear(&world->envelope);
    kedge_buf_add(&world->envelope, old.data, old.size);
    pass(world, 10000);
    cr_assert_str_eq(serving(world, "m"), "2.0.0");
    struct kedge_arena arena = {0};
    const struct kedge_report *report = kedge_agent_report(world->agent, &arena, 0);
    cr_assert_not_null(report->refusal);
    cr_assert_str_eq(report->refusal->reason, "replay");
    crash(world);
    pass(world, 10000);
    cr_assert_str_eq(serving(world, "m"), "2.0.0", "nor after a restart");
    kedge_arena_release(&arena);
    kedge_buf_release(&old);
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, serves_on_with_a_full_disk)
{
    struct world *world = world_new();
    deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 10000);
    world->disk_full = true;
    deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 100000);
    cr_assert_str_eq(serving(world, "m"), "1.0.0");
    world->disk_full = false;
    pass(world, 200000);
    cr_assert_str_eq(serving(world, "m"), "2.0.0");
    world_free(world);
    kedge_test_no_leaks();
}

Test(agent, waits_longer_and_longer_for_what_cannot_be_fetched)
{
    struct world *world = world_new();
    world->fetch = KEDGE_NOTFOUND;
    deploy(world, "1.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 3600000);
    cr_assert_lt(world->fetches, 6, "%u fetches", world->fetches);
    struct kedge_arena arena = {0};
    const struct kedge_progress *said = progress(world, &arena, "m");
    cr_assert_eq(said->state, KEDGE_ACTION_FAILED);
    cr_assert_eq(said->code, KEDGE_NOTFOUND);
    kedge_arena_release(&arena);
    world->fetch = KEDGE_OK;
    deploy(world, "2.0.0", KEDGE_HANDOVER_OVERLAP);
    pass(world, 10000);
    cr_assert_str_eq(serving(world, "m"), "2.0.0");
    world_free(world);
    kedge_test_no_leaks();
}

/* One crash before each effect of a deployment, an update, a roll-back and a removal, in turn. */
Test(agent, converges_after_a_crash_at_any_effect, .timeout = 120)
{
    for (int handover = KEDGE_HANDOVER_OVERLAP; handover <= KEDGE_HANDOVER_REPLACE; handover++) {
        for (int point = 0, crashed = 1; crashed; point++) {
            struct world *world = world_new();
            crashed = 0;
            const char *const versions[] = {"1.0.0", "2.0.0", "3.0.0"};
            world->crash_at = point;
            for (size_t i = 0; i < KEDGE_COUNT(versions); i++) {
                world->sick = i == 1 ? "2.0.0" : NULL;
                deploy(world, versions[i], (enum kedge_handover)handover);
                pass(world, 60000);
                cr_assert_str_eq(serving(world, "m"),
                                 i == 0   ? "1.0.0"
                                 : i == 1 ? "1.0.0"
                                          : "3.0.0",
                                 "crash at %d, step %zu: %s", point, i, world->trace);
                cr_assert_eq(slot_count(world), 1, "crash at %d, step %zu", point, i);
            }
            order(world, NULL, 0, KEDGE_VERB_DESTROY, "m");
            pass(world, 60000);
            cr_assert_eq(slot_count(world), 0, "crash at %d", point);
            cr_assert(kedge_agent_converged(world->agent), "crash at %d", point);
            crashed = world->crash_at < 0;
            world_free(world);
        }
    }
}
