/* SPDX-License-Identifier: Apache-2.0 */
/* Two signatures: a device takes nothing that its director alone, or a release key alone, wants. The
 * device here has a disk that survives and does what it is asked at once. */
#include "agent/clearance.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "lib/leak.h"
#include "wire/release.h"

#define DEVICE "cam-7"
#define KEYS   4 /* of release: 0 to 2 are in the root, 3 is a stranger's */
#define SLOTS  8
#define START  1700000000000

struct staged {
    struct kedge_digest content;
    char *json, *version;
    bool running, current;
};

struct device {
    struct kedge_key *key, *director, *release[KEYS];
    struct kedge_root root;
    struct kedge_agent_config config;
    struct kedge_agent *agent;
    kedge_ms now;
    int64_t generation;

    /* the disk */
    struct staged slots[SLOTS];
    struct kedge_buf journal; /* records, each with its NUL */

    const char
        *tampered; /* what the hub gives instead of the artifact; its digest is not looked at */
    struct kedge_buf envelope, next_root; /* what the server has for it */
    uint64_t exchange;
    unsigned fetches, stages;
};

/* What the next order says of the one model. */
struct release {
    const char *version;
    unsigned signers; /* bit n: key n signs */
    int64_t counter;
    const char *model;     /* in the claim; NULL: the right one */
    const char *claimed;   /* version in the claim; NULL: the right one */
    uint32_t release_keys; /* that policy wants */
    bool twice;            /* each signature is there twice */
    bool stopped, no_artifact;
    const char *config;
};

static void boot(struct device *device);
static void step(struct device *device, const struct kedge_agent_message *in);

static struct staged *find(struct device *device, const struct kedge_digest *content)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (device->slots[i].json && kedge_digest_equal(&device->slots[i].content, content))
            return &device->slots[i];
    return NULL;
}

static void survey(struct device *device, uint64_t effect)
{
    struct kedge_agent_found found[SLOTS];
    struct kedge_agent_survey seen = {.at = found, .disk_free = 1 << 30};
    for (size_t i = 0; i < SLOTS; i++) {
        const struct staged *slot = &device->slots[i];
        if (slot->json)
            found[seen.count++] = (struct kedge_agent_found){
                .instance = "m",
                .content = slot->content,
                .assignment = {slot->json, strlen(slot->json)},
                .current = slot->current,
                .running = slot->running,
            };
    }
    step(device, &(struct kedge_agent_message){.kind = KEDGE_AGENT_SURVEY,
                                               .effect = effect,
                                               .survey = &seen});
}

static void stage(struct device *device, const struct kedge_assignment *assignment)
{
    struct staged *slot = find(device, &assignment->content);
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    for (size_t i = 0; !slot; i++)
        slot = device->slots[i].json ? NULL : &device->slots[i];
    device->stages++;
    free(slot->json);
    free(slot->version);
    kedge_assignment_write(assignment, &(struct kedge_json_writer){.out = &json});
    slot->content = assignment->content;
    slot->json = kedge_buf_take(&json);
    slot->version = kedge_alloc_strdup(assignment->version);
}

static void hash_of(const char *text, uint8_t hash[KEDGE_RELEASE_HASH])
{
    kedge_auto(kedge_release) struct kedge_release_state *state = kedge_release_begin();
    kedge_release_update(state, text, strlen(text));
    kedge_release_finish(state, hash);
}

/* An artifact's bytes are its version. */
static void carry_out(struct device *device, const struct kedge_agent_effect *effect)
{
    struct staged *slot = find(device, &effect->content);
    uint8_t hash[KEDGE_RELEASE_HASH];
    struct kedge_agent_message done = {.kind = KEDGE_AGENT_DONE, .effect = effect->id};
    switch (effect->kind) {
    case KEDGE_AGENT_EXCHANGE:
        device->exchange = effect->id;
        return;
    case KEDGE_AGENT_CANCEL:
        if (effect->cancel != device->exchange)
            return;
        device->exchange = 0;
        done.effect = effect->cancel;
        done.code = KEDGE_UNAVAILABLE;
        break;
    case KEDGE_AGENT_LOOK:
        survey(device, effect->id);
        return;
    case KEDGE_AGENT_ROOT:
        done.bytes = kedge_buf_slice(&device->next_root);
        break;
    case KEDGE_AGENT_JOURNAL:
        kedge_buf_add(&device->journal, effect->bytes.data, effect->bytes.size);
        kedge_buf_putc(&device->journal, '\0');
        break;
    case KEDGE_AGENT_FETCH:
        device->fetches++;
        hash_of(device->tampered ? device->tampered : effect->assignment->version, hash);
        done.hash = effect->hash ? hash : NULL;
        break;
    case KEDGE_AGENT_STAGE:
        stage(device, effect->assignment);
        break;
    case KEDGE_AGENT_START:
        slot->running = true;
        break;
    case KEDGE_AGENT_STOP:
        slot->running = false;
        break;
    case KEDGE_AGENT_SWITCH:
        for (size_t i = 0; i < SLOTS; i++)
            device->slots[i].current = &device->slots[i] == slot;
        break;
    case KEDGE_AGENT_REMOVE:
        if (slot) {
            free(slot->json);
            free(slot->version);
            *slot = (struct staged){0};
        }
        break;
    default:
        break;
    }
    step(device, &done);
}

static void step(struct device *device, const struct kedge_agent_message *in)
{
    kedge_auto(kedge_agent_effects) struct kedge_agent_effects effects = {0};
    kedge_agent_step(device->agent, in, START + device->now, device->now, &effects);
    for (size_t i = 0; i < effects.count; i++)
        carry_out(device, &effects.at[i]);
}

static void boot(struct device *device)
{
    device->agent = kedge_agent_new(&device->config);
    device->exchange = 0;
    for (size_t at = 0; at < device->journal.size;) {
        const char *record = device->journal.data + at;
        size_t size = strlen(record);
        step(device,
             &(struct kedge_agent_message){.kind = KEDGE_AGENT_RECORD, .bytes = {record, size}});
        at += size + 1;
    }
    survey(device, 0);
}

static void restart(struct device *device)
{
    kedge_agent_free(device->agent);
    boot(device);
}

static void pass(struct device *device, kedge_ms span)
{
    for (kedge_ms end = device->now + span; device->now < end; device->now += 500) {
        int64_t newest = device->next_root.size ? 2 : 0;
        if (device->exchange && (device->envelope.size || newest)) {
            uint64_t exchange = device->exchange;
            kedge_auto(kedge_buf) struct kedge_buf envelope = device->envelope;
            device->exchange = 0;
            device->envelope = (struct kedge_buf){0};
            step(device, &(struct kedge_agent_message){.kind = KEDGE_AGENT_DONE,
                                                       .effect = exchange,
                                                       .root = newest,
                                                       .bytes = kedge_buf_slice(&envelope)});
        }
        step(device, &(struct kedge_agent_message){.kind = KEDGE_AGENT_TICK});
    }
}

static void sign(const struct device *device, const struct release *release, unsigned key,
                 const struct kedge_assignment *assignment, struct kedge_buf *out)
{
    uint8_t hash[KEDGE_RELEASE_HASH];
    struct kedge_err err;
    const struct kedge_release_claim claim = {
        .model = release->model ? release->model : "m",
        .version = release->claimed ? release->claimed : release->version,
        .digest = assignment->artifact.digest,
        .size = assignment->artifact.size,
        .counter = release->counter,
        .runtime = kedge_assignment_runtime(assignment->artifact.format, &assignment->runtime),
    };
    hash_of(release->version, hash);
    cr_assert_eq(kedge_release_sign(device->release[key], hash, &claim, out, &err), 0, "%s",
                 err.msg);
}

/* The director orders it, and time passes. */
static void order(struct device *device, const struct release *release)
{
    struct kedge_buf texts[2 * KEYS] = {0};
    struct kedge_signature signatures[2 * KEYS];
    struct kedge_assignment a = {
        .instance = "m",
        .kind = KEDGE_KIND_MODEL,
        .deployment = "d",
        .version = release->version,
        .state = release->stopped ? KEDGE_RUN_STOPPED : KEDGE_RUN_RUNNING,
        .artifact = {.url = "hub:x", .size = 10, .format = KEDGE_FORMAT_TAR},
        .runtime = {.driver = KEDGE_DRIVER_FILES},
        .signatures = signatures,
        .release_keys = release->release_keys,
    };
    if (release->config)
        a.config = (struct kedge_slice){release->config, strlen(release->config)};
    a.artifact.digest = kedge_digest_of(release->version, strlen(release->version));
    if (release->no_artifact)
        a.artifact = (struct kedge_artifact_ref){0};
    for (unsigned copies = 0; copies <= release->twice; copies++)
        for (unsigned key = 0; key < KEYS; key++)
            if (release->signers >> key & 1) {
                struct kedge_buf *text = &texts[a.signature_count];
                sign(device, release, key, &a, text);
                signatures[a.signature_count++] = (struct kedge_signature){.value = text->data};
            }
    kedge_assignment_seal(&a);

    kedge_auto(kedge_buf) struct kedge_buf json = {0}, statement = {0};
    kedge_assignment_write(&a, &(struct kedge_json_writer){.out = &json});
    const struct kedge_order_member member = {.instance = "m",
                                              .state = a.state,
                                              .artifact = a.content,
                                              .json = kedge_buf_slice(&json)};
    const struct kedge_action action = {.id = "00000000000000000000000000000000",
                                        .verb = KEDGE_VERB_UPDATE,
                                        .instance = "m",
                                        .reason = "test"};
    const struct kedge_order written = {
        .device = DEVICE,
        .generation = ++device->generation,
        .plan = kedge_digest_of("plan", 4),
        .commit = "0123456789abcdef0123456789abcdef01234567",
        .source = "file:///fleet.git",
        .issued = START + device->now,
        .expires = START + device->now + 3600000,
        .actions = &action,
        .action_count = 1,
    };
    struct kedge_err err;
    kedge_order_write(&written, &member, 1, &statement);
    kedge_buf_clear(&device->envelope);
    cr_assert_eq(kedge_envelope_sign(&device->envelope, KEDGE_ENVELOPE_IN_TOTO,
                                     kedge_buf_slice(&statement),
                                     (const struct kedge_key *const[]){device->director}, 1, &err),
                 0, "%s", err.msg);
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++)
        kedge_buf_release(&texts[i]);
    pass(device, 10000);
}

static struct device *make(uint32_t threshold)
{
    struct device *device = kedge_alloc_zeroed(sizeof *device);
    struct kedge_err err;
    struct kedge_public_key keys[KEYS];
    cr_assert_eq(kedge_key_init(&err), 0);
    device->key = kedge_key_from_seed((const uint8_t[32]){1});
    device->director = kedge_key_from_seed((const uint8_t[32]){2});
    for (uint8_t i = 0; i < KEYS; i++) {
        device->release[i] = kedge_key_from_seed((const uint8_t[32]){(uint8_t)(10 + i)});
        keys[i] = kedge_key_public(device->release[i]);
    }
    const struct kedge_public_key director = kedge_key_public(device->director);
    kedge_root_by_hand(&device->root, KEDGE_ROOT_DIRECTOR, &director, 1);
    kedge_root_by_hand(&device->root, KEDGE_ROOT_RELEASE, keys, threshold ? 3 : 0);
    device->root.roles[KEDGE_ROOT_RELEASE].threshold = threshold;
    device->now = 1000;
    device->config = (struct kedge_agent_config){.device = DEVICE,
                                                 .state_dir = "/var/lib/kedge-agent",
                                                 .key = device->key,
                                                 .root = &device->root,
                                                 .wait = 60000,
                                                 .survey = 60000,
                                                 .seed = 7};
    boot(device);
    return device;
}

static void end(struct device *device)
{
    kedge_agent_free(device->agent);
    for (size_t i = 0; i < SLOTS; i++) {
        free(device->slots[i].json);
        free(device->slots[i].version);
    }
    for (size_t i = 0; i < KEYS; i++)
        kedge_key_free(device->release[i]);
    kedge_key_free(device->key);
    kedge_key_free(device->director);
    kedge_buf_release(&device->journal);
    kedge_buf_release(&device->envelope);
    kedge_buf_release(&device->next_root);
    free(device);
    kedge_test_no_leaks();
}

/* The version that `current` points to and that runs; "" when none does. */
static const char *serving(const struct device *device)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (device->slots[i].json && device->slots[i].current && device->slots[i].running)
            return device->slots[i].version;
    return "";
}

/* What the device says of its refusal; "" when it refuses nothing. */
static void expect(struct device *device, const char *version, enum kedge_denial denial,
                   const char *says)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_report *report = kedge_agent_report(device->agent, &arena, 0);
    const struct kedge_progress *said = report->progress_count ? report->progress : NULL;
    cr_expect_str_eq(serving(device), version);
    cr_assert_eq(said ? said->denial : KEDGE_DENIAL_NONE, denial, "%s",
                 said && said->message ? said->message : "nothing is said");
    cr_expect_eq(kedge_agent_converged(device->agent), denial == KEDGE_DENIAL_NONE);
    if (denial == KEDGE_DENIAL_NONE)
        return;
    cr_expect_eq(said->state, KEDGE_ACTION_FAILED);
    cr_expect_not_null(strstr(said->message, says), "'%s' is not in '%s'", says, said->message);
}

Test(clearance, both_signatures_together_are_taken)
{
    struct device *device = make(1);
    order(device, &(struct release){.version = "1.0.0", .signers = 1});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    order(device, &(struct release){.version = "1.1.0", .signers = 2});
    expect(device, "1.1.0", KEDGE_DENIAL_NONE, NULL);
    cr_expect_eq(device->fetches, 2);
    end(device);
}

/* Each row is an order of the true director. */
Test(clearance, the_directors_order_alone_is_refused)
{
    static const struct {
        struct release release;
        const char *says;
    } rows[] = {
        {{.version = "2.0.0"}, "of 0 keys, 1 are needed"},
        {{.version = "2.0.0", .signers = 8}, "no release key has signed"},
        {{.version = "2.0.0", .signers = 1, .model = "other"}, "for model 'other'"},
        {{.version = "2.0.0", .signers = 1, .claimed = "1.0.0"}, "for version '1.0.0'"},
        {{.version = "2.0.0", .signers = 1, .release_keys = 2}, "of 1 keys, 2 are needed"},
        {{.version = "2.0.0", .signers = 1, .no_artifact = true}, "no artifact"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct device *device = make(1);
        order(device, &(struct release){.version = "1.0.0", .signers = 1});
        unsigned stages = device->stages;
        order(device, &rows[i].release);
        expect(device, "1.0.0", KEDGE_DENIAL_UNSIGNED, rows[i].says);
        cr_expect_eq(device->stages, stages, "row %zu: nothing is staged", i);
        cr_expect_eq(device->fetches, 1, "row %zu: nothing is fetched either", i);
        restart(device);
        pass(device, 24 * 3600000);
        expect(device, "1.0.0", KEDGE_DENIAL_UNSIGNED, rows[i].says);
        cr_expect_eq(device->stages, stages);
        /* The same content, signed: it needs no more than an order that brings the signature. */
        order(device, &(struct release){.version = "2.0.0", .signers = 3});
        expect(device, "2.0.0", KEDGE_DENIAL_NONE, NULL);
        end(device);
    }
}

/* The signatures are right, and of other bytes than the hub gives. */
Test(clearance, other_bytes_are_refused_before_they_are_staged)
{
    struct device *device = make(1);
    order(device, &(struct release){.version = "1.0.0", .signers = 1});
    device->tampered = "something else";
    order(device, &(struct release){.version = "2.0.0", .signers = 1});
    expect(device, "1.0.0", KEDGE_DENIAL_UNSIGNED, "no release key has signed these bytes");
    cr_expect_eq(device->stages, 1);
    end(device);
}

Test(clearance, a_threshold_counts_keys)
{
    struct device *device = make(2);
    order(device, &(struct release){.version = "1.0.0", .signers = 1});
    expect(device, "", KEDGE_DENIAL_UNSIGNED, "of 1 keys, 2 are needed");
    order(device, &(struct release){.version = "1.0.0", .signers = 1, .twice = true});
    expect(device, "", KEDGE_DENIAL_UNSIGNED, "of 1 keys, 2 are needed");
    order(device, &(struct release){.version = "1.0.0", .signers = 1 | 8});
    expect(device, "", KEDGE_DENIAL_UNSIGNED, "of 1 keys, 2 are needed");
    order(device, &(struct release){.version = "1.0.0", .signers = 1 | 4});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    /* Policy may ask for more than the root, never for less. */
    order(device, &(struct release){.version = "1.1.0", .signers = 1, .release_keys = 1});
    expect(device, "1.0.0", KEDGE_DENIAL_UNSIGNED, "of 1 keys, 2 are needed");
    order(device, &(struct release){.version = "1.1.0", .signers = 7, .release_keys = 3});
    expect(device, "1.1.0", KEDGE_DENIAL_NONE, NULL);
    end(device);
}

/* Also over a restart, over a destroy, and when the journal was written anew. */
Test(clearance, a_counter_never_falls)
{
    struct device *device = make(1);
    order(device, &(struct release){.version = "1.0.0", .signers = 1, .counter = 3});
    order(device, &(struct release){.version = "1.1.0", .signers = 1, .counter = 3});
    expect(device, "1.1.0", KEDGE_DENIAL_NONE, NULL);
    order(device, &(struct release){.version = "1.0.0", .signers = 1, .counter = 3});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    order(device, &(struct release){.version = "2.0.0", .signers = 1, .counter = 5});
    expect(device, "2.0.0", KEDGE_DENIAL_NONE, NULL);
    unsigned fetches = device->fetches;
    for (int round = 0; round < 3; round++) {
        order(device, &(struct release){.version = "1.0.0", .signers = 1, .counter = 3});
        expect(device, "2.0.0", KEDGE_DENIAL_ROLLBACK, "release counter 3, this device has seen 5");
        restart(device);
        pass(device, 5000);
        expect(device, "2.0.0", KEDGE_DENIAL_ROLLBACK, "rollback");
    }
    cr_expect_eq(device->fetches, fetches, "what is below is not even fetched");
    order(device, &(struct release){.version = "1.0.0", .signers = 1, .counter = 5});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    end(device);
}

static void keep_record(struct kedge_slice record, void *payload)
{
    kedge_buf_add(payload, record.data, record.size);
    kedge_buf_putc(payload, '\0');
}

Test(clearance, counters_outlive_a_compaction)
{
    struct device *device = make(1);
    struct kedge_buf compacted = {0};
    order(device, &(struct release){.version = "1.0.0", .signers = 1, .counter = 7});
    kedge_agent_records(device->agent, keep_record, &compacted);
    kedge_buf_release(&device->journal);
    device->journal = compacted;
    restart(device);
    order(device, &(struct release){.version = "0.9.0", .signers = 1, .counter = 6});
    expect(device, "1.0.0", KEDGE_DENIAL_ROLLBACK, "this device has seen 7");
    end(device);
}

/* The counter is in the journal before anything of the release is on the disk. */
Test(clearance, a_counter_is_saved_before_its_release_is_staged)
{
    struct device *device = make(1);
    order(device,
          &(struct release){.version = "1.0.0", .signers = 1, .counter = 2, .stopped = true});
    cr_assert_eq(device->stages, 1);
    const char *saved = memmem(device->journal.data, device->journal.size, "\"release\"", 9);
    cr_assert_not_null(saved);
    /* The disk loses the staged folder and nothing else: the next life still knows. */
    for (size_t i = 0; i < SLOTS; i++) {
        free(device->slots[i].json);
        free(device->slots[i].version);
        device->slots[i] = (struct staged){0};
    }
    restart(device);
    order(device, &(struct release){.version = "0.9.0", .signers = 1, .counter = 1});
    expect(device, "", KEDGE_DENIAL_ROLLBACK, "this device has seen 2");
    end(device);
}

/* What lies staged and was never started is judged by what is known when it shall start. */
Test(clearance, what_was_staged_before_is_judged_again)
{
    struct device *device = make(1);
    order(device, &(struct release){.version = "1.0.0", .signers = 1, .stopped = true});
    expect(device, "", KEDGE_DENIAL_NONE, NULL);
    cr_assert_eq(device->stages, 1);
    order(device, &(struct release){.version = "1.0.0"});
    expect(device, "", KEDGE_DENIAL_UNSIGNED, "of 0 keys");
    restart(device);
    /* The key is taken from the root while the agent is down. */
    device->root.roles[KEDGE_ROOT_RELEASE].keys[0] = kedge_key_public(device->release[3]);
    restart(device);
    order(device, &(struct release){.version = "1.0.0", .signers = 1});
    expect(device, "", KEDGE_DENIAL_UNSIGNED, "no release key has signed");
    order(device, &(struct release){.version = "1.0.0", .signers = 8});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    cr_expect_eq(device->stages, 1, "its files were there all along");
    end(device);
}

/* Availability: a root that trusts other keys ends nothing that serves, and it is mended too. */
Test(clearance, what_was_confirmed_stays)
{
    struct device *device = make(1);
    order(device, &(struct release){.version = "1.0.0", .signers = 1});
    device->root.roles[KEDGE_ROOT_RELEASE].keys[0] = kedge_key_public(device->release[3]);
    restart(device);
    pass(device, 5000);
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    for (size_t i = 0; i < SLOTS; i++) {
        free(device->slots[i].json);
        free(device->slots[i].version);
        device->slots[i] = (struct staged){0};
    }
    restart(device);
    pass(device, 120000);
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    order(device, &(struct release){.version = "1.1.0", .signers = 1});
    expect(device, "1.0.0", KEDGE_DENIAL_UNSIGNED, "no release key has signed");
    end(device);
}

/* Keys given by hand, none of them for releases: the operator was told, and nobody is asked. */
Test(clearance, without_release_keys_the_director_decides)
{
    struct device *device = make(0);
    order(device, &(struct release){.version = "1.0.0"});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    order(device, &(struct release){.version = "1.1.0", .signers = 8, .counter = 9});
    order(device, &(struct release){.version = "1.0.0"});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    end(device);
}

/* A root of this version that the director's key, here a root key too, has signed; release keys from
 * `first` on. */
static void write_root(const struct device *device, int64_t version, size_t first,
                       struct kedge_buf *out)
{
    struct kedge_root root = {.version = version, .expires = START + 100LL * 86400000};
    struct kedge_public_key director = kedge_key_public(device->director);
    kedge_auto(kedge_buf) struct kedge_buf bare = {0};
    struct kedge_err err;
    root.roles[KEDGE_ROOT_ROOT] = (struct kedge_root_signers){{director}, 1, 1};
    root.roles[KEDGE_ROOT_DIRECTOR] = root.roles[KEDGE_ROOT_ROOT];
    root.roles[KEDGE_ROOT_RELEASE] = (struct kedge_root_signers){.count = 2, .threshold = 1};
    for (size_t i = 0; i < 2; i++)
        root.roles[KEDGE_ROOT_RELEASE].keys[i] = kedge_key_public(device->release[first + i]);
    cr_assert_eq(kedge_root_write(&root, &bare, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_root_sign(NULL, kedge_buf_slice(&bare), device->director, out, &err), 0,
                 "%s", err.msg);
}

/* A thief of key 0 has driven a counter up. The next root takes the key away: what it signed is
 * refused at once, without another order, and the counter shuts nobody out. */
Test(clearance, a_revoked_release_key_counts_no_more)
{
    struct device *device = make(1);
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf first = {0};
    write_root(device, 1, 0, &first);
    cr_assert_eq(kedge_root_pin(kedge_buf_slice(&first), NULL, &device->root, &err), 0, "%s",
                 err.msg);
    restart(device);
    order(device, &(struct release){.version = "1.0.0", .signers = 2, .counter = 1});
    expect(device, "1.0.0", KEDGE_DENIAL_NONE, NULL);
    order(device,
          &(struct release){.version = "6.6.6", .signers = 1, .counter = 1000, .stopped = true});
    cr_assert_eq(device->stages, 2, "the thief's lies staged");

    write_root(device, 2, 1, &device->next_root);
    pass(device, 60000);
    order(device, &(struct release){.version = "6.6.6", .signers = 1, .counter = 1000});
    expect(device, "1.0.0", KEDGE_DENIAL_UNSIGNED, "no release key has signed");
    order(device, &(struct release){.version = "1.1.0", .signers = 2, .counter = 2});
    expect(device, "1.1.0", KEDGE_DENIAL_NONE, NULL);
    restart(device);
    order(device, &(struct release){.version = "1.0.0", .signers = 2, .counter = 1});
    expect(device, "1.1.0", KEDGE_DENIAL_ROLLBACK, "this device has seen 2");
    end(device);
}
