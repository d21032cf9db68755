/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"

static const struct fixture_commit *find_commit(const struct fixture *fixture, const char *id)
{
    for (size_t i = 0; i < fixture->commit_count; i++)
        if (strcmp(fixture->commits[i].id, id) == 0)
            return &fixture->commits[i];
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int read_tree(void *self, const char *base, const char *commit, struct kedge_tree *out,
                     struct kedge_err *err)
{
    struct fixture *fixture = self;
    const struct fixture_commit *to = find_commit(fixture, commit);
    const struct fixture_commit *from = base ? find_commit(fixture, base) : NULL;
    if (!to)
        return kedge_err_set(err, KEDGE_NOTFOUND, "no commit %s", commit);
    *(base ? &fixture->delta_reads : &fixture->whole_reads) += 1;
    memcpy(out->commit, commit, KEDGE_COMMIT_TEXT);
    if (base)
        memcpy(out->base, base, KEDGE_COMMIT_TEXT);
    out->entries = kedge_arena_array(&out->arena, FIXTURE_FILES, sizeof *out->entries);
    for (size_t i = 0; i < FIXTURE_FILES; i++) {
        const char *text = to->files[i];
        if (from ? same_text(from->files[i], text) : !text)
            continue;
        struct kedge_tree_entry *entry = &out->entries[out->count++];
        entry->path = kedge_arena_printf(&out->arena, "%zu.yaml", i);
        entry->data = text ? kedge_arena_strdup(&out->arena, text) : NULL;
        entry->size = text ? strlen(text) : 0;
        struct kedge_digest digest = kedge_digest_of(text, entry->size);
        memcpy(entry->blob, digest.bytes, sizeof entry->blob);
    }
    out->files = out->count;
    return 0;
}

static int follows(void *self, const char *base, const char *head, struct kedge_err *err)
{
    const struct fixture *fixture = self;
    const struct fixture_commit *to = find_commit(fixture, head);
    if (to && !to->detached)
        return 0;
    return kedge_err_set(err, KEDGE_CONFLICT, "%.12s was not made on top of %.12s", head, base);
}

static int trust(void *self, const char *commit, struct kedge_err *err)
{
    (void)err;
    struct fixture *fixture = self;
    memcpy(fixture->trusted, commit, KEDGE_COMMIT_TEXT);
    return 0;
}

static void start(struct fixture *fixture)
{
    struct kedge_err err;
    fixture->options.store = fixture->store;
    fixture->options.director = fixture->director;
    fixture->options.source = "file:///fleet";
    cr_assert_eq(kedge_server_new(&fixture->options, fixture->now, &fixture->server, &err), 0, "%s",
                 err.msg);
}

void fixture_make(struct fixture *fixture)
{
    static const uint8_t seed[32] = {42};
    struct kedge_err err;
    kedge_log_set_level(KEDGE_LOG_ERROR);
    cr_assert_eq(kedge_key_init(&err), 0);
    cr_assert_eq(kedge_store_open("memory:", false, &fixture->store, &err), 0, "%s", err.msg);
    fixture->director = kedge_key_from_seed(seed);
    fixture->now = FIXTURE_START;
    fixture->options.revisions = (struct kedge_server_revisions){.self = fixture,
                                                                 .tree = read_tree,
                                                                 .follows = follows,
                                                                 .trust = trust};
    start(fixture);
}

void fixture_restart(struct fixture *fixture)
{
    kedge_server_free(fixture->server);
    kedge_server_replies_release(&fixture->replies);
    start(fixture);
}

void fixture_release(struct fixture *fixture)
{
    kedge_server_free(fixture->server);
    kedge_server_replies_release(&fixture->replies);
    kedge_store_close(fixture->store);
    kedge_key_free(fixture->director);
}

const char *fixture_commit(struct fixture *fixture, const char *zero, const char *one,
                           const char *two)
{
    struct fixture_commit *commit = &fixture->commits[fixture->commit_count++];
    cr_assert_leq(fixture->commit_count, FIXTURE_COMMITS);
    memset(commit->id, 'a' + (int)fixture->commit_count - 1, KEDGE_COMMIT_TEXT - 1);
    commit->files[0] = zero;
    commit->files[1] = one;
    commit->files[2] = two;
    return commit->id;
}

static void step(struct fixture *fixture, const struct kedge_server_message *message)
{
    kedge_server_replies_release(&fixture->replies);
    kedge_server_step(fixture->server, message, 1, fixture->now, &fixture->replies);
}

void fixture_head(struct fixture *fixture, const char *commit)
{
    step(fixture, &(struct kedge_server_message){.kind = KEDGE_SERVER_HEAD, .commit = commit});
}

void fixture_unreachable(struct fixture *fixture, const char *why)
{
    struct kedge_err err;
    kedge_err_set(&err, KEDGE_UNAVAILABLE, "%s", why);
    step(fixture,
         &(struct kedge_server_message){.kind = KEDGE_SERVER_UNREACHABLE, .failure = &err});
}

void fixture_wait(struct fixture *fixture, kedge_ms span)
{
    fixture->now += span;
    step(fixture, &(struct kedge_server_message){.kind = KEDGE_SERVER_TICK});
}

const struct kedge_server_reply *fixture_reply(const struct fixture *fixture, uint64_t from)
{
    for (size_t i = 0; i < fixture->replies.count; i++)
        if (fixture->replies.at[i].kind == KEDGE_SERVER_ANSWER &&
            fixture->replies.at[i].from == from)
            return &fixture->replies.at[i];
    return NULL;
}

json_t *fixture_view(struct fixture *fixture, struct kedge_view_query query)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    json_t *json = NULL;
    cr_assert_eq(kedge_server_query(fixture->server, &query, fixture->now, &text, &err), 0, "%s",
                 err.msg);
    cr_assert_eq(kedge_json_parse(text.data, text.size, KEDGE_MIB(16), &json, &err), 0, "%s in %s",
                 err.msg, text.data);
    return json;
}

struct counting {
    enum kedge_event_kind kind;
    size_t count;
};

static int count_event(const struct kedge_event *event, void *payload)
{
    struct counting *counting = payload;
    counting->count += event->kind == counting->kind;
    return 0;
}

size_t fixture_count_events(struct fixture *fixture, enum kedge_event_kind kind)
{
    struct counting counting = {.kind = kind};
    struct kedge_err err;
    cr_assert_eq(kedge_store_each_event(fixture->store, &(struct kedge_store_filter){0},
                                        count_event, &counting, &err),
                 0);
    return counting.count;
}

void fixture_device_make(struct fixture_device *device, const char *name, uint8_t seed)
{
    uint8_t bytes[32] = {seed};
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    *device = (struct fixture_device){.name = name, .key = kedge_key_from_seed(bytes)};
}

void fixture_device_release(struct fixture_device *device)
{
    kedge_key_free(device->key);
    kedge_arena_release(&device->arena);
}

char *fixture_device_yaml(const struct fixture_device *device, const char *labels)
{
    char key[KEDGE_KEY_TEXT];
    struct kedge_public_key public = kedge_key_public(device->key);
    struct kedge_buf text = {0};
    kedge_buf_printf(&text,
                     "---\napiVersion: kedge.dev/v1alpha1\nkind: Device\n"
                     "metadata: {name: %s, labels: {%s}}\nspec: {publicKey: \"%s\"}\n",
                     device->name, labels, kedge_public_key_format(&public, key));
    return kedge_buf_take(&text);
}

static struct kedge_report report_of(struct fixture_device *device, kedge_ms now)
{
    static const char *const runtimes[] = {"files", "process"};
    return (struct kedge_report){
        .device = device->name,
        .counter = ++device->counter,
        .generation = device->generation,
        .envelope = device->envelope,
        .at = now,
        .agent = "0.1.0",
        .capacity = {.arch = "amd64", .memory = 1LL << 32, .disk = 1LL << 36},
        .disk_free = 1LL << 35,
        .runtimes = {.at = runtimes, .count = 2},
        .instances = device->instances,
        .instance_count = device->erased ? 0 : device->count,
        .erased = device->erased,
        .progress = device->progress,
        .progress_count = device->progress != NULL,
        .refusal = device->refusal,
        .root = device->root,
        .root_refusal = device->root_refusal,
    };
}

void fixture_report(struct fixture_device *device, kedge_ms now, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    struct kedge_public_key key = kedge_key_public(device->key);
    struct kedge_report report = report_of(device, now);
    struct kedge_err err;
    report.link = ++device->link;
    report.previous = device->last;
    kedge_evidence_write(&report, &key, &statement);
    device->last = kedge_digest_of(statement.data, statement.size);
    cr_assert_eq(kedge_evidence_seal(kedge_buf_slice(&statement), device->key, out, &err), 0, "%s",
                 err.msg);
}

void fixture_uphold(struct fixture_device *device, kedge_ms now, struct kedge_buf *out)
{
    struct kedge_report report = report_of(device, now);
    struct kedge_err err;
    report.link = device->link;
    report.upholds = device->last;
    cr_assert_eq(kedge_evidence_sign(&report, device->key, out, &err), 0, "%s", err.msg);
}

const struct kedge_server_reply *fixture_send(struct fixture *fixture, const char *device,
                                              struct kedge_slice evidence, kedge_ms wait)
{
    fixture->now++;
    fixture->asked++;
    step(fixture, &(struct kedge_server_message){.kind = KEDGE_SERVER_SYNC,
                                                 .from = fixture->asked,
                                                 .device = device,
                                                 .evidence = evidence,
                                                 .wait = wait});
    return fixture_reply(fixture, fixture->asked);
}

const struct kedge_server_reply *fixture_sync(struct fixture *fixture,
                                              struct fixture_device *device, kedge_ms wait)
{
    kedge_auto(kedge_buf) struct kedge_buf evidence = {0};
    fixture_report(device, fixture->now, &evidence);
    return fixture_send(fixture, device->name, kedge_buf_slice(&evidence), wait);
}

void fixture_take(const struct fixture *fixture, struct fixture_device *device,
                  const struct kedge_server_reply *reply)
{
    cr_assert_not_null(reply);
    cr_assert_eq(reply->code, KEDGE_OK, "%s", reply->body.data);
    cr_assert_str_eq(reply->type, KEDGE_SERVER_ENVELOPE);
    struct kedge_public_key director = kedge_key_public(fixture->director);
    fixture_obey(&director, device, kedge_buf_slice(&reply->body), fixture->now);
}

void fixture_obey(const struct kedge_public_key *director, struct fixture_device *device,
                  struct kedge_slice envelope, kedge_ms now)
{
    struct kedge_envelope_trust trust = {.keys = director,
                                         .key_count = 1,
                                         .threshold = 1,
                                         .payload_type = KEDGE_ENVELOPE_IN_TOTO};
    struct kedge_order_memory memory = {.device = device->name,
                                        .generation = device->generation,
                                        .envelope = device->envelope};
    struct kedge_order order = {0};
    struct kedge_err err = {0};
    enum kedge_order_refusal refusal =
        kedge_order_admit(&device->arena, envelope, &trust, &memory, now, &order, &err);
    cr_assert_eq(refusal, KEDGE_ORDER_ACCEPTED, "%s", err.msg);
    device->generation = order.generation;
    device->envelope = kedge_digest_of(envelope.data, envelope.size);
    device->count = order.set_count;
    cr_assert_leq(order.set_count, KEDGE_COUNT(device->instances));
    for (uint32_t i = 0; i < order.set_count; i++)
        device->instances[i] = (struct kedge_reported){
            .instance = order.set[i].instance,
            .deployment = order.set[i].deployment,
            .version = order.set[i].version,
            .content = order.set[i].content,
            .state = order.set[i].state,
            .health = KEDGE_HEALTH_HEALTHY,
            .verified = order.set[i].state == KEDGE_RUN_RUNNING,
        };
}
