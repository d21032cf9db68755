/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "wire/order.h"
#include "wire/release.h"

static void boot(struct world *world);
static void carry_out(struct world *world, struct kedge_agent_effects *effects);

void world_send(struct world *world, const struct kedge_agent_message *in)
{
    kedge_auto(kedge_agent_effects) struct kedge_agent_effects out = {0};
    kedge_agent_step(world->agent, in, 1700000000000 + world->now + world->skew, world->now, &out);
    carry_out(world, &out);
}

struct disk_slot *world_find(struct world *world, const char *instance,
                             const struct kedge_digest *content)
{
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        if (world->slots[i].instance && strcmp(world->slots[i].instance, instance) == 0 &&
            kedge_digest_equal(&world->slots[i].content, content))
            return &world->slots[i];
    return NULL;
}

struct disk_slot *world_current(struct world *world, const char *instance)
{
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        if (world->slots[i].instance && world->slots[i].current &&
            strcmp(world->slots[i].instance, instance) == 0)
            return &world->slots[i];
    return NULL;
}

void world_drop(struct disk_slot *slot)
{
    free(slot->instance);
    free(slot->json);
    *slot = (struct disk_slot){0};
}

static void survey(struct world *world, uint64_t effect)
{
    struct kedge_agent_found found[WORLD_SLOTS] = {0};
    struct kedge_agent_survey survey = {.at = found, .disk_free = 1 << 30};
    for (size_t i = 0; i < WORLD_SLOTS; i++) {
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
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_SURVEY,
                                                    .effect = effect,
                                                    .survey = &survey});
}

static enum kedge_code stage(struct world *world, const struct kedge_agent_effect *effect)
{
    struct disk_slot *slot = world_find(world, effect->instance, &effect->content);
    for (size_t i = 0; !slot; i++)
        if (!world->slots[i].instance)
            slot = &world->slots[i];
    struct kedge_buf json = {0};
    kedge_assignment_write(effect->assignment, &(struct kedge_json_writer){.out = &json});
    bool was_current = slot->current, was_running = slot->running;
    world_drop(slot);
    *slot = (struct disk_slot){.instance = kedge_alloc_strdup(effect->instance),
                               .content = effect->content,
                               .json = kedge_buf_take(&json),
                               .current = was_current,
                               .running = was_running};
    return KEDGE_OK;
}

static enum kedge_code start(struct world *world, const struct kedge_agent_effect *effect)
{
    struct disk_slot *slot = world_find(world, effect->instance, &effect->content);
    cr_assert_not_null(slot, "started what is not staged");
    cr_assert(!slot->running, "started twice");
    if (effect->assignment->runtime.handover == KEDGE_HANDOVER_REPLACE)
        for (size_t i = 0; i < WORLD_SLOTS; i++)
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
        slot = world_find(world, effect->instance, &effect->content);
    bool touches = effect->kind == KEDGE_AGENT_STOP || effect->kind == KEDGE_AGENT_SWITCH ||
                   effect->kind == KEDGE_AGENT_REMOVE;
    if (touches && world->stuck && strcmp(world->stuck, effect->instance) == 0)
        return KEDGE_IO;
    switch (effect->kind) {
    case KEDGE_AGENT_JOURNAL:
        if (world->disk_full)
            return KEDGE_LIMIT;
        cr_assert_lt(world->record_count, WORLD_RECORDS);
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
        for (size_t i = 0; i < WORLD_SLOTS; i++)
            if (world->slots[i].instance && strcmp(world->slots[i].instance, effect->instance) == 0)
                world->slots[i].current = &world->slots[i] == slot;
        return KEDGE_OK;
    case KEDGE_AGENT_REMOVE:
        if (slot) {
            cr_assert(!slot->running, "removed what runs");
            cr_assert(!slot->current, "removed what is current");
            world_drop(slot);
        }
        return KEDGE_OK;
    case KEDGE_AGENT_ERASE:
        cr_assert_eq(world_slots(world), 0, "erased beside what is still known");
        world->erased++;
        return world->disk_full ? KEDGE_IO : KEDGE_OK;
    default:
        return KEDGE_OK;
    }
}

static void add_record(struct kedge_slice record, void *payload)
{
    struct world *world = payload;
    char *copy = kedge_alloc_zeroed(record.size + 1);
    memcpy(copy, record.data, record.size);
    world->records[world->record_count++] = copy;
}

void world_compact(struct world *world)
{
    for (size_t i = 0; i < world->record_count; i++)
        free(world->records[i]);
    world->record_count = 0;
    kedge_agent_records(world->agent, add_record, world);
}

void world_crash(struct world *world)
{
    kedge_agent_free(world->agent);
    world->exchange = 0;
    world->lives++;
    boot(world);
}

static void give_root(struct world *world, const struct kedge_agent_effect *effect)
{
    cr_assert_eq(world->exchange, 0, "asked beside an exchange");
    bool there = effect->version < WORLD_ROOTS && world->roots[effect->version].size;
    world_send(world, &(struct kedge_agent_message){
                          .kind = KEDGE_AGENT_DONE,
                          .effect = effect->id,
                          .code = there ? KEDGE_OK : KEDGE_NOTFOUND,
                          .message = there ? NULL : "there is no such root",
                          .bytes = there ? kedge_buf_slice(&world->roots[effect->version])
                                         : (struct kedge_slice){0},
                      });
}

/* An artifact's bytes are its version. */
static void hash_of(const char *version, uint8_t hash[KEDGE_RELEASE_HASH])
{
    kedge_auto(kedge_release) struct kedge_release_state *state = kedge_release_begin();
    kedge_release_update(state, version, strlen(version));
    kedge_release_finish(state, hash);
}

static void carry_out_one(struct world *world, const struct kedge_agent_effect *effect)
{
    if (world->crash_at == 0) {
        world->crash_at = -1;
        world_crash(world);
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
            world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                            .effect = effect->cancel,
                                                            .code = KEDGE_UNAVAILABLE});
        }
        return;
    }
    if (effect->kind == KEDGE_AGENT_EXCHANGE) {
        world->exchange = effect->id;
        world->patience = effect->wait;
        kedge_buf_clear(&world->report);
        kedge_buf_add(&world->report, effect->bytes.data, effect->bytes.size);
        return;
    }
    if (effect->kind == KEDGE_AGENT_ROOT) {
        give_root(world, effect);
        return;
    }
    if (effect->kind == KEDGE_AGENT_LOOK) {
        survey(world, effect->id);
        return;
    }
    unsigned life = world->lives;
    uint8_t hash[KEDGE_RELEASE_HASH];
    enum kedge_code code = perform(world, effect);
    if (effect->hash)
        hash_of(effect->assignment->version, hash);
    char *instance = effect->instance ? kedge_alloc_strdup(effect->instance) : NULL;
    bool dies = effect->kind == KEDGE_AGENT_START && world->dying &&
                strcmp(world->dying, effect->assignment->version) == 0;
    if (dies)
        world_find(world, instance, &effect->content)->running = false;
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                    .effect = effect->id,
                                                    .code = code,
                                                    .hash = effect->hash ? hash : NULL,
                                                    .message = code ? "it failed" : NULL});
    if (dies && life == world->lives)
        world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_EXITED,
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
        world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_RECORD,
                                                        .bytes = {world->records[i],
                                                                  strlen(world->records[i])}});
    survey(world, 0);
}

static void answer(struct world *world)
{
    bool nothing = !world->envelope.size && !world->newest;
    if (!world->exchange || nothing || world->now < world->answered + 10000)
        return;
    world->answered = world->now;
    uint64_t exchange = world->exchange;
    world->exchange = 0;
    world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                    .effect = exchange,
                                                    .root = world->newest,
                                                    .bytes = kedge_buf_slice(&world->envelope)});
}

/* Lets time pass for `span` ms, the server answering with what it has. */
void world_pass(struct world *world, kedge_ms span)
{
    kedge_ms end = world->now + span;
    while (world->now < end) {
        answer(world);
        kedge_ms wake = kedge_agent_wake(world->agent);
        world->now = wake > world->now && wake < world->now + 1000 ? wake : world->now + 1000;
        world_send(world, &(struct kedge_agent_message){.kind = KEDGE_AGENT_TICK});
    }
}

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

static void sign_artifact(const struct kedge_assignment *a, struct kedge_buf *out)
{
    kedge_auto(kedge_key) struct kedge_key *key =
        kedge_key_from_seed((const uint8_t[32]){WORLD_RELEASE});
    const struct kedge_release_claim claim = {
        .model = a->instance,
        .version = a->version,
        .digest = a->artifact.digest,
        .size = a->artifact.size,
        .runtime = kedge_assignment_runtime(a->artifact.format, &a->runtime),
    };
    uint8_t hash[KEDGE_RELEASE_HASH];
    struct kedge_err err;
    hash_of(a->version, hash);
    cr_assert_eq(kedge_release_sign(key, hash, &claim, out, &err), 0, "%s", err.msg);
}

/* The director signs a new order: this set, and one action on `touched` (or none). */
void world_order(struct world *world, const struct member *members, uint32_t count,
                 enum kedge_verb verb, const char *touched)
{
    struct kedge_order_member rows[8] = {0};
    struct kedge_assignment set[8];
    struct kedge_buf json[8] = {0}, signed_by[8] = {0}, statement = {0};
    struct kedge_err err;
    for (uint32_t i = 0; i < count; i++) {
        set[i] = assignment(&members[i]);
        sign_artifact(&set[i], &signed_by[i]);
        const struct kedge_signature signature = {.value = signed_by[i].data};
        set[i].signatures = &signature;
        set[i].signature_count = 1;
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
        .device = WORLD_DEVICE,
        .generation = ++world->generation,
        .plan = kedge_digest_of("plan", 4),
        .commit = "0123456789abcdef0123456789abcdef01234567",
        .source = "file:///fleet.git",
        .issued = 1700000000000 + world->now + world->ahead,
        .expires = 1700000000000 + world->now + world->ahead + 3600000,
        .actions = &action,
        .action_count = touched ? 1 : 0,
        .decommission = world->last,
    };
    kedge_order_write(&written, rows, count, &statement);
    world->answered = world->now - 10000;
    kedge_buf_clear(&world->envelope);
    cr_assert_eq(kedge_envelope_sign(&world->envelope, KEDGE_ENVELOPE_IN_TOTO,
                                     kedge_buf_slice(&statement),
                                     (const struct kedge_key *const[]){world->director}, 1, &err),
                 0, "%s", err.msg);
    kedge_buf_release(&statement);
    for (uint32_t i = 0; i < count; i++) {
        kedge_buf_release(&json[i]);
        kedge_buf_release(&signed_by[i]);
    }
}

void world_deploy(struct world *world, const char *version, enum kedge_handover handover)
{
    world_order(world, &(struct member){.instance = "m", .version = version, .handover = handover},
                1, KEDGE_VERB_DEPLOY, "m");
}

struct world *world_new(void)
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
        .device = WORLD_DEVICE,
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

void world_free(struct world *world)
{
    kedge_agent_free(world->agent);
    for (size_t i = 0; i < world->record_count; i++)
        free(world->records[i]);
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        world_drop(&world->slots[i]);
    for (size_t i = 0; i < WORLD_ROOTS; i++)
        kedge_buf_release(&world->roots[i]);
    kedge_key_free(world->device);
    kedge_key_free(world->director);
    kedge_buf_release(&world->envelope);
    kedge_buf_release(&world->report);
    free(world);
}

/* The version that serves under `instance`, proven; "" when none does. */
const char *world_serving(struct world *world, const char *instance)
{
    static const char *const versions[] = {"1.0.0", "2.0.0", "3.0.0"};
    struct disk_slot *slot = world_current(world, instance);
    for (size_t i = 0; slot && slot->running && i < KEDGE_COUNT(versions); i++)
        if (strstr(slot->json, versions[i]))
            return versions[i];
    return "";
}

size_t world_slots(struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        count += world->slots[i].instance != NULL;
    return count;
}

const struct kedge_progress *world_progress(struct world *world, struct kedge_arena *arena,
                                            const char *instance)
{
    const struct kedge_report *report = kedge_agent_report(world->agent, arena, 0);
    for (uint32_t i = 0; i < report->progress_count; i++)
        if (strcmp(report->progress[i].instance, instance) == 0)
            return &report->progress[i];
    return NULL;
}
