/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "base/alloc.h"
#include "base/codec.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "census.h"
#include "cycle.h"
#include "dispatch.h"
#include "follow.h"
#include "grant.h"
#include "inside.h"
#include "intake.h"
#include "rights.h"
#include "trust.h"

#define GRANTED  3600000 /* ms a grant for blobs is good: a slow download can begin */
#define RETRY    1000  /* ms until a store that failed is tried again, and a manual one is asked */
#define SCAN     60000 /* ms between looks through all peers at the most */
#define SCAN_MIN 100   /* and at the least: waits end that much late */
#define ASK      2000  /* ms between looks at what the command line may have written */

void kedge_server_replies_release(struct kedge_server_replies *replies)
{
    for (size_t i = 0; i < replies->count; i++)
        kedge_buf_release(&replies->at[i].body);
    free(replies->at);
    *replies = (struct kedge_server_replies){0};
}

void kedge_server_replies_auto(struct kedge_server_replies *replies)
{
    kedge_server_replies_release(replies);
}

static struct kedge_server_reply *add_reply(struct kedge_server_replies *out,
                                            enum kedge_server_reply_kind kind, uint64_t from)
{
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? 2 * out->capacity : 16;
        out->at = kedge_alloc_grow(out->at, out->capacity * sizeof *out->at);
    }
    struct kedge_server_reply *reply = &out->at[out->count++];
    *reply = (struct kedge_server_reply){.kind = kind, .from = from};
    return reply;
}

static void answer_error(struct kedge_server_replies *out, uint64_t from,
                         const struct kedge_err *err)
{
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, from);
    struct kedge_json_writer w = {.out = &reply->body};
    reply->code = err->code;
    reply->type = "application/json";
    kedge_json_begin_object(&w);
    kedge_json_key(&w, "error");
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "code", kedge_code_name(err->code));
    kedge_json_add_string(&w, "message", err->msg);
    kedge_json_end_object(&w);
    kedge_json_end_object(&w);
}

void kedge_server_secret(const struct kedge_server *server, uint8_t secret[KEDGE_SERVER_SECRET])
{
    memcpy(secret, server->secret, KEDGE_SERVER_SECRET);
}

/* Starting. */

static int load_secret(struct kedge_server *server, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    char *text = NULL;
    if (kedge_store_get(store, "grant", &text, err) == 0) {
        bool read = kedge_hex_decode(text, strlen(text), server->secret, KEDGE_SERVER_SECRET);
        free(text);
        return read ? 0 : kedge_err_set(err, KEDGE_CORRUPT, "the store's 'grant' is no key");
    }
    if (err->code != KEDGE_NOTFOUND)
        return err->code;
    kedge_secret_random(server->secret, KEDGE_SERVER_SECRET);
    char hex[2 * KEDGE_SERVER_SECRET + 1];
    kedge_hex_encode(server->secret, KEDGE_SERVER_SECRET, hex);
    return store->read_only ? 0 : kedge_store_put(store, "grant", hex, err);
}

/* The last report of all tells until when we were there to hear: who had been silent for long by
 * then was offline already. */
static void restore_connections(struct kedge_server *server, kedge_ms now)
{
    kedge_ms latest = 0;
    for (size_t i = 0; i < server->peers.count; i++)
        if (server->peers.at[i]->seen > latest)
            latest = server->peers.at[i]->seen;
    for (size_t i = 0; i < server->peers.count; i++) {
        struct kedge_peer *peer = server->peers.at[i];
        peer->wait = KEDGE_SERVER_WAIT;
        peer->online = peer->seen && latest - peer->seen < KEDGE_SERVER_MISSES * KEDGE_SERVER_WAIT;
        if (peer->online)
            peer->seen = now;
    }
}

int kedge_server_restore(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    if (server->restored || !server->desired)
        return 0;
    if (kedge_doubt_restore(server->options.store, &server->actual.identities, err) < 0 ||
        kedge_intake_restore(server, err) < 0 || kedge_dispatch_restore(server, err) < 0)
        return err->code;
    restore_connections(server, now);
    server->issued_count = 0;
    server->restored = true;
    server->whole = true;
    server->version++;
    return 0;
}

/* What the store says is in force; its being unreadable is shown, and the next head may mend it. */
static int resume(struct kedge_server *server, struct kedge_err *err)
{
    char *commit = NULL, *since = NULL;
    if (kedge_store_get(server->options.store, "commit", &commit, err) < 0)
        return err->code == KEDGE_NOTFOUND ? 0 : err->code;
    if (strlen(commit) != KEDGE_COMMIT_TEXT - 1) {
        free(commit);
        return kedge_err_set(err, KEDGE_CORRUPT, "the store's 'commit' is no commit id");
    }
    memcpy(server->commit, commit, KEDGE_COMMIT_TEXT);
    free(commit);
    if (kedge_store_get(server->options.store, "since", &since, err) == 0)
        server->since = strtoll(since, NULL, 10);
    free(since);
    if (kedge_rights_open(server, err) < 0)
        return err->code;
    if (kedge_cycle_resume(server, server->commit, err) < 0) {
        memcpy(server->refused.commit, server->commit, KEDGE_COMMIT_TEXT);
        server->refused.reason = "unreadable";
        server->refused.err = *err;
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"rev", server->commit}, {"error", err->msg}),
                        "the commit in force cannot be read; waiting for a head");
    }
    return 0;
}

int kedge_server_new(const struct kedge_server_options *options, kedge_ms now,
                     struct kedge_server **out, struct kedge_err *err)
{
    kedge_auto(kedge_server) struct kedge_server *server = kedge_alloc_zeroed(sizeof *server);
    server->options = *options;
    server->written = -1; /* asked for again at the first step */
    server->silent = true;
    server->follow.next = now;
    server->scan = now;
    if (load_secret(server, err) < 0 || kedge_trust_open(server, err) < 0 ||
        kedge_roots_open(server, now, err) < 0 ||
        kedge_store_changed(options->store, &server->changed, err) < 0 ||
        kedge_admission_read(server, err) < 0 || resume(server, err) < 0 ||
        kedge_server_restore(server, now, err) < 0)
        return kedge_err_wrap(err, "cannot take up from the store");
    *out = server;
    server = NULL;
    return 0;
}

void kedge_server_free(struct kedge_server *server)
{
    if (!server)
        return;
    kedge_census_free(server->census);
    kedge_actual_release(&server->actual);
    kedge_peer_release(&server->peers);
    kedge_findings_release(&server->findings);
    kedge_cycle_free_pool(server->pool);
    kedge_buf_release(&server->trunk);
    kedge_roots_release(&server->roots);
    free(server->scope);
    free(server->issued);
    free(server);
}

void kedge_server_auto(struct kedge_server **server)
{
    kedge_server_free(*server);
}

void kedge_server_mark(struct kedge_server *server, const char *name)
{
    if (server->scope_count == server->scope_capacity) {
        server->scope_capacity = server->scope_capacity ? 2 * server->scope_capacity : 64;
        server->scope =
            kedge_alloc_grow(server->scope, server->scope_capacity * sizeof *server->scope);
    }
    server->scope[server->scope_count++] = kedge_peer_add(&server->peers, name)->name;
}

/* Delivering. */

static void answer_nothing(struct kedge_server *server, const struct kedge_peer *peer,
                           uint64_t from, kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, from);
    reply->root = server->roots.newest.version;
    kedge_grant_write(server->secret, peer->name, now + GRANTED, reply->grant);
}

static void answer_order(struct kedge_server *server, const struct kedge_peer *peer, uint64_t from,
                         kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    if (kedge_dispatch_read(server, peer->name, &envelope, &err) < 0) {
        answer_error(out, from, &err);
        return;
    }
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, from);
    reply->root = server->roots.newest.version;
    reply->type = KEDGE_SERVER_ENVELOPE;
    reply->body = envelope;
    envelope = (struct kedge_buf){0};
    kedge_grant_write(server->secret, peer->name, now + GRANTED, reply->grant);
}

/* A device that has refused this very order gets it again only when its wait is over: the two would
 * turn in circles. */
static bool has_refused(const struct kedge_peer *peer, const struct kedge_actual_device *row)
{
    return row && row->report.refusal && row->report.refusal->generation == peer->generation;
}

/* Who is in doubt gets nothing, not even what lies ready, but for the order to leave. */
static bool is_ready(const struct kedge_server *server, const struct kedge_peer *peer,
                     const struct kedge_actual_device *row, kedge_ms now)
{
    const struct kedge_identity *identity =
        kedge_identity_find(&server->actual.identities, peer->name);
    bool held = identity && identity->hold && identity->standing == KEDGE_STANDING_MEMBER;
    return !held && kedge_peer_deliverable(peer, row, now);
}

static void end_wait(struct kedge_server *server, struct kedge_peer *peer, kedge_ms now,
                     struct kedge_server_replies *out)
{
    uint64_t from = peer->held;
    peer->held = 0;
    if (is_ready(server, peer, kedge_actual_find(&server->actual, peer->name), now))
        answer_order(server, peer, from, now, out);
    else
        answer_nothing(server, peer, from, now, out);
}

static void answer_sync(struct kedge_server *server, const struct kedge_intake_item *item,
                        kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_peer *peer = item->peer;
    kedge_ms wait = item->in->wait;
    if (item->err.code) {
        answer_error(out, item->in->from, &item->err);
        return;
    }
    const struct kedge_identity *identity =
        kedge_identity_find(&server->actual.identities, peer->name);
    bool gone = identity && identity->standing == KEDGE_STANDING_GONE; /* that was its last word */
    if (item->lifeless || gone) {
        (void)add_reply(out, KEDGE_SERVER_ANSWER, item->in->from);
        return;
    }
    if (peer->held) { /* one wait a device: the older connection is given up */
        answer_nothing(server, peer, peer->held, now, out);
        peer->held = 0;
    }
    const struct kedge_actual_device *row = kedge_actual_find(&server->actual, peer->name);
    bool ready = is_ready(server, peer, row, now);
    if (ready && !(has_refused(peer, row) && wait > 0)) {
        answer_order(server, peer, item->in->from, now, out);
    } else if (wait <= 0 || (row && kedge_roots_behind(server, &row->report))) {
        answer_nothing(server, peer, item->in->from, now, out);
    } else {
        peer->held = item->in->from;
        peer->deadline = now + (wait < KEDGE_LIMIT_WAIT_MS ? wait : KEDGE_LIMIT_WAIT_MS);
        if (peer->deadline < server->scan)
            server->scan = peer->deadline;
    }
}

static void deliver_issued(struct kedge_server *server, kedge_ms now,
                           struct kedge_server_replies *out)
{
    for (size_t i = 0; i < server->issued_count; i++)
        if (server->issued[i]->held)
            end_wait(server, server->issued[i], now, out);
    server->issued_count = 0;
}

/* News of a root do not wait: what they revoke is in force on devices until they hear of it. */
static void deliver_root(struct kedge_server *server, kedge_ms now,
                         struct kedge_server_replies *out)
{
    for (size_t i = 0; server->roots.news && i < server->peers.count; i++)
        if (server->peers.at[i]->held)
            end_wait(server, server->peers.at[i], now, out);
    server->roots.news = false;
}

static void answer_root(struct kedge_server *server, const struct kedge_server_message *in,
                        struct kedge_server_replies *out)
{
    struct kedge_slice file = kedge_roots_file(server, in->version);
    struct kedge_err err;
    if (!file.size) {
        kedge_err_set(&err, KEDGE_NOTFOUND, "this server does not have that root document");
        answer_error(out, in->from, &err);
        return;
    }
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, in->from);
    reply->root = server->roots.newest.version;
    reply->type = KEDGE_SERVER_ENVELOPE;
    kedge_buf_add(&reply->body, file.data, file.size);
}

/* Time. */

static int record_offline(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    for (size_t i = 0; i < server->peers.count; i++) {
        struct kedge_peer *peer = server->peers.at[i];
        if (!peer->online || now - peer->seen < KEDGE_SERVER_MISSES * peer->wait)
            continue;
        struct kedge_event event = {.at = now,
                                    .kind = KEDGE_EVENT_DEVICE_OFFLINE,
                                    .device = peer->name};
        if (!store->in_transaction && kedge_store_begin(store, err) < 0)
            return err->code;
        if (kedge_store_append_event(store, &event, err) < 0) {
            kedge_store_rollback(store);
            return err->code;
        }
        peer->online = false;
        server->version++;
    }
    return store->in_transaction ? kedge_store_commit(store, err) : 0;
}

/* Ends waits that are over, finds who has gone silent, and says when to look again. */
static void scan(struct kedge_server *server, kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_err err;
    if (now < server->scan)
        return;
    if (!server->options.store->read_only && record_offline(server, now, &err) < 0)
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"error", err.msg}),
                        "history cannot be written");
    kedge_ms next = now + SCAN;
    for (size_t i = 0; i < server->peers.count; i++) {
        struct kedge_peer *peer = server->peers.at[i];
        kedge_ms silent = peer->seen + KEDGE_SERVER_MISSES * peer->wait;
        if (peer->held && peer->deadline <= now)
            end_wait(server, peer, now, out);
        if (peer->held && peer->deadline < next)
            next = peer->deadline;
        if (peer->online && silent < next)
            next = silent;
    }
    server->scan = next > now + SCAN_MIN ? next : now + SCAN_MIN;
    if (server->options.manual && server->scan > now + RETRY)
        server->scan = now + RETRY;
}

/* Manual mode: somebody else decides and signs; what they wrote is taken over. */
static int take_over(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    int64_t changed;
    char *commit = NULL;
    if (kedge_store_changed(server->options.store, &changed, err) < 0)
        return err->code;
    if (changed == server->changed)
        return 0;
    if (kedge_store_get(server->options.store, "commit", &commit, err) == 0 &&
        (!server->desired || strcmp(commit, server->commit) != 0) && resume(server, err) < 0) {
        free(commit);
        return err->code;
    }
    free(commit);
    if (kedge_server_restore(server, now, err) < 0 || kedge_dispatch_restore(server, err) < 0)
        return err->code;
    server->changed = changed;
    server->version++;
    return 0;
}

static int run(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    return kedge_cycle_run(server, now, err) < 0 || kedge_dispatch_farewell(server, now, err) < 0
               ? err->code
               : 0;
}

/* The right half of the picture, when something calls for it. */
static int work(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    if (server->options.manual)
        return take_over(server, now, err);
    if (kedge_server_restore(server, now, err) < 0 || kedge_admission_settle(server, now, err) < 0)
        return err->code;
    if ((server->wake && now >= server->wake) || (server->audit && now >= server->audit))
        server->whole = true;
    return run(server, now, err);
}

int kedge_server_pass(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    if (kedge_server_restore(server, now, err) < 0 || kedge_admission_settle(server, now, err) < 0)
        return err->code;
    server->whole = true;
    return run(server, now, err);
}

static void work_or_retry(struct kedge_server *server, kedge_ms now)
{
    struct kedge_err err;
    if (work(server, now, &err) == 0)
        return;
    kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"error", err.msg}), "pass failed; retrying");
    if (server->scan > now + RETRY)
        server->scan = now + RETRY;
}

static void answer_query(struct kedge_server *server, const struct kedge_server_message *in,
                         kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    if (kedge_view_write(server, in->query, now, &body, &err) < 0) {
        answer_error(out, in->from, &err);
        return;
    }
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, in->from);
    reply->type = in->query->view == KEDGE_VIEW_METRICS
                      ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                      : "application/json";
    reply->body = body;
    body = (struct kedge_buf){0};
}

static void answer_enrol(struct kedge_server *server, const struct kedge_server_message *in,
                         kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    bool waits = false;
    int code = in->kind == KEDGE_SERVER_ENROL
                   ? kedge_admission_enrol(server, in->evidence, now, &body, &waits, &err)
                   : kedge_admission_rotate(server, in->device, in->evidence, now, &body, &err);
    if (code < 0) {
        answer_error(out, in->from, &err);
        return;
    }
    struct kedge_peer *peer = in->device ? kedge_peer_find(&server->peers, in->device) : NULL;
    if (peer && peer->held) { /* with the old key: it is to come again with the new one */
        answer_nothing(server, peer, peer->held, now, out);
        peer->held = 0;
    }
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, in->from);
    reply->type = "application/json";
    reply->waits = waits;
    reply->body = body;
    body = (struct kedge_buf){0};
}

static void ask_pass(struct kedge_server *server, const struct kedge_server_message *in,
                     kedge_ms now, struct kedge_server_replies *out)
{
    server->whole = true;
    kedge_follow_hurry(server, now);
    struct kedge_server_reply *reply = add_reply(out, KEDGE_SERVER_ANSWER, in->from);
    reply->type = "application/json";
    kedge_buf_puts(&reply->body, "{\"requested\":true}");
}

static void take_message(struct kedge_server *server, const struct kedge_server_message *in,
                         kedge_ms now, struct kedge_server_replies *out)
{
    switch (in->kind) {
    case KEDGE_SERVER_HEAD:
        (void)kedge_follow_take(server, in->commit, now, &(struct kedge_err){0});
        break;
    case KEDGE_SERVER_UNREACHABLE:
        kedge_follow_lose(server, in->failure, now);
        break;
    case KEDGE_SERVER_RECONCILE:
        ask_pass(server, in, now, out);
        break;
    case KEDGE_SERVER_ENROL:
    case KEDGE_SERVER_ROTATE:
        answer_enrol(server, in, now, out);
        break;
    case KEDGE_SERVER_PUBLISH:
        kedge_roots_offer(server, in->evidence, now);
        break;
    case KEDGE_SERVER_WITHDRAW:
        kedge_roots_withdraw(server);
        break;
    case KEDGE_SERVER_TICK:
    case KEDGE_SERVER_SYNC:
    case KEDGE_SERVER_QUERY:
    case KEDGE_SERVER_ROOT:
        break;
    }
}

/* Whoever waits with a key that speaks no more is told now. */
static void turn_away(struct kedge_server *server, struct kedge_server_replies *out)
{
    struct kedge_err err;
    const uint8_t *key;
    for (size_t i = 0; i < server->peers.count; i++) {
        struct kedge_peer *peer = server->peers.at[i];
        const struct kedge_device *device =
            peer->held && server->desired
                ? kedge_spec_find(server->desired->specs, KEDGE_KIND_DEVICE, peer->name)
                : NULL;
        if (!device || kedge_admission_key(server, device, &key, &err) == 0)
            continue;
        answer_error(out, peer->held, &err);
        peer->held = 0;
    }
}

/* What the command line has written beside us counts from here on. */
static void ask_identities(struct kedge_server *server, kedge_ms now,
                           struct kedge_server_replies *out)
{
    struct kedge_err err;
    int64_t before = server->identified;
    if (kedge_admission_refresh(server, &err) < 0)
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"error", err.msg}), "the store is not read");
    if (server->identified != before)
        turn_away(server, out);
    server->ask = now + ASK;
}

void kedge_server_step(struct kedge_server *server, const struct kedge_server_message *in,
                       size_t count, kedge_ms now, struct kedge_server_replies *out)
{
    struct kedge_intake_item *items = kedge_alloc_array(count + 1, sizeof *items);
    size_t syncs = 0;
    ask_identities(server, now, out);

    /* reports ─▶ actual */
    for (size_t i = 0; i < count; i++)
        if (in[i].kind == KEDGE_SERVER_SYNC)
            items[syncs++] = (struct kedge_intake_item){.in = &in[i]};
    kedge_intake_reports(server, items, syncs, now);

    /* git ─▶ desired ─▶ ... ─▶ envelopes */
    for (size_t i = 0; i < count; i++)
        take_message(server, &in[i], now, out);
    work_or_retry(server, now);

    /* envelopes ─▶ device */
    for (size_t i = 0; i < syncs; i++)
        answer_sync(server, &items[i], now, out);
    deliver_issued(server, now, out);
    deliver_root(server, now, out);
    scan(server, now, out);

    for (size_t i = 0; i < count; i++)
        if (in[i].kind == KEDGE_SERVER_QUERY)
            answer_query(server, &in[i], now, out);
        else if (in[i].kind == KEDGE_SERVER_ROOT)
            answer_root(server, &in[i], out);
    if (kedge_follow_due(server, now))
        (void)add_reply(out, KEDGE_SERVER_FETCH, 0);
    free(items);
}

kedge_ms kedge_server_wake(const struct kedge_server *server)
{
    kedge_ms at = server->scan;
    const kedge_ms others[] = {server->options.manual || server->follow.fetching
                                   ? 0
                                   : server->follow.next,
                               server->wake, server->audit, server->ask};
    for (size_t i = 0; i < KEDGE_COUNT(others); i++)
        if (others[i] && others[i] < at)
            at = others[i];
    return at;
}

void kedge_server_drain(struct kedge_server *server, struct kedge_server_replies *out)
{
    for (size_t i = 0; i < server->peers.count; i++) {
        struct kedge_peer *peer = server->peers.at[i];
        if (peer->held)
            (void)add_reply(out, KEDGE_SERVER_ANSWER, peer->held);
        peer->held = 0;
    }
}

int kedge_server_query(struct kedge_server *server, const struct kedge_view_query *query,
                       kedge_ms now, struct kedge_buf *out, struct kedge_err *err)
{
    return kedge_view_write(server, query, now, out, err);
}

int64_t kedge_server_root(const struct kedge_server *server)
{
    return server->roots.newest.version;
}

const struct kedge_desired *kedge_server_desired(const struct kedge_server *server)
{
    return server->desired;
}

const struct kedge_actual *kedge_server_actual(const struct kedge_server *server)
{
    return &server->actual;
}
