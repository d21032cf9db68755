/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "base/table.h"
#include "draft.h"
#include "enrolment.h"
#include "inside.h"
#include "ledger.h"
#include "wire/batch.h"

#define BATCH 1000 /* orders signed and made durable together: memory stays bounded */
#define TOGETHER                                                                                   \
    64           /* orders from which on one signature for all is cheaper, and shorter to wait for
                         where a person or a token signs */
#define GRAIN 16 /* orders a core signs at least */

static int copy_envelope(const struct kedge_store_device *device, void *payload)
{
    kedge_buf_add(payload, device->envelope.data, device->envelope.size);
    return 0;
}

int kedge_dispatch_read(struct kedge_server *server, const char *device, struct kedge_buf *out,
                        struct kedge_err *err)
{
    return kedge_store_get_device(server->options.store, device, copy_envelope, out, err);
}

struct signing {
    const struct kedge_key *key;
    struct kedge_draft *drafts;
};

static void sign_each(unsigned worker, size_t first, size_t last, void *payload)
{
    (void)worker;
    struct signing *job = payload;
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    for (size_t i = first; i < last; i++) {
        struct kedge_draft *draft = &job->drafts[i];
        kedge_buf_clear(&statement);
        kedge_order_write(&draft->order, draft->members, draft->count, &statement);
        draft->code = kedge_envelope_sign(&draft->envelope, KEDGE_ENVELOPE_IN_TOTO,
                                          kedge_buf_slice(&statement), &job->key, 1, &draft->err);
    }
}

static int sign_apart(struct signing *job, size_t count, struct kedge_err *err)
{
    kedge_parallel_run(count, GRAIN, sign_each, job);
    for (size_t i = 0; i < count; i++)
        if (job->drafts[i].code < 0)
            return kedge_err_set(err, job->drafts[i].err.code, "%s", job->drafts[i].err.msg);
    return 0;
}

/* One signature for all of them, and a proof for each. */
static int sign_together(struct signing *job, size_t count, struct kedge_err *err)
{
    kedge_auto(kedge_batch) struct kedge_batch *batch = kedge_batch_new();
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    size_t *ends = kedge_alloc_array(count, sizeof *ends);
    for (size_t i = 0, start = 0; i < count; i++, start = bytes.size) {
        const struct kedge_draft *draft = &job->drafts[i];
        kedge_order_write(&draft->order, draft->members, draft->count, &bytes);
        ends[i] = bytes.size;
        (void)kedge_batch_add(batch, (struct kedge_slice){bytes.data + start, ends[i] - start});
    }
    int code = kedge_batch_sign(batch, &job->key, 1, err);
    for (size_t i = 0, start = 0; code == 0 && i < count; start = ends[i++])
        kedge_batch_write(batch, i, (struct kedge_slice){bytes.data + start, ends[i] - start},
                          &job->drafts[i].envelope);
    free(ends);
    return code;
}

/* JSON array of the instances an order names. */
static void write_authorised(const struct kedge_draft *draft, struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_array(&w);
    for (uint32_t i = 0; i < draft->count; i++)
        kedge_json_put_string(&w, draft->members[i].instance);
    kedge_json_end_array(&w);
}

static int append(struct kedge_server *server, struct kedge_event event, struct kedge_err *err)
{
    return kedge_store_append_event(server->options.store, &event, err);
}

static int store_actions(struct kedge_server *server, const struct kedge_draft *draft,
                         struct kedge_err *err)
{
    const struct kedge_order *order = &draft->order;
    const struct kedge_peer *peer = draft->peer;
    if (peer->generation > 0 && draft->row->report.generation < peer->generation &&
        append(server,
               (struct kedge_event){.at = order->issued,
                                    .kind = KEDGE_EVENT_ACTION_SUPERSEDED,
                                    .device = peer->name,
                                    .commit = order->commit,
                                    .message = "a newer order was issued before it was taken"},
               err) < 0)
        return err->code;
    for (uint32_t i = 0; i < order->action_count; i++) {
        const struct kedge_action *action = &order->actions[i];
        struct kedge_event event = {.at = order->issued,
                                    .kind = KEDGE_EVENT_ACTION_ISSUED,
                                    .commit = order->commit,
                                    .device = peer->name,
                                    .instance = action->instance,
                                    .verb = kedge_word_name(&kedge_verb_words, (int)action->verb),
                                    .from = action->from,
                                    .to = action->to,
                                    .action = action->id,
                                    .message = action->reason};
        if (append(server, event, err) < 0)
            return err->code;
    }
    return 0;
}

static int store_draft(struct kedge_server *server, const struct kedge_draft *draft,
                       struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf authorised = {0};
    write_authorised(draft, &authorised);
    struct kedge_store_device device = {
        .name = draft->peer->name,
        .generation = draft->order.generation,
        .issued = draft->order.issued,
        .expires = draft->order.expires,
        .set = draft->digest,
        .authorised = kedge_buf_slice(&authorised),
        .envelope = kedge_buf_slice(&draft->envelope),
    };
    if (kedge_store_put_device(server->options.store, &device, err) < 0)
        return err->code;
    if (draft->order.decommission) {
        const struct kedge_identity *row =
            kedge_identity_find(&server->actual.identities, draft->peer->name);
        if (kedge_enrolment_farewell(server->options.store, row, draft->order.generation, err) < 0)
            return err->code;
    }
    return store_actions(server, draft, err);
}

static void add_issued(struct kedge_server *server, struct kedge_peer *peer)
{
    if (server->issued_count == server->issued_capacity) {
        server->issued_capacity = server->issued_capacity ? 2 * server->issued_capacity : 64;
        server->issued =
            kedge_alloc_grow(server->issued, server->issued_capacity * sizeof(struct kedge_peer *));
    }
    server->issued[server->issued_count++] = peer;
}

/* What is durable now becomes true in memory. */
static void adopt(struct kedge_server *server, const struct kedge_draft *draft)
{
    struct kedge_peer *peer = draft->peer;
    struct kedge_actual_device *row = draft->row;
    peer->generation = draft->order.generation;
    peer->issued = draft->order.issued;
    peer->expires = draft->order.expires;
    peer->order = kedge_digest_of(draft->envelope.data, draft->envelope.size);
    peer->revoked = false;

    const char **names = kedge_arena_array(&row->arena, draft->count, sizeof *names);
    for (uint32_t i = 0; i < draft->count; i++)
        names[i] = kedge_arena_strdup(&row->arena, draft->members[i].instance);
    row->authorised = (struct kedge_strings){.at = names, .count = draft->count};
    row->generation = draft->order.generation;
    row->envelope_set = draft->digest;
    if (draft->order.decommission)
        kedge_identity_find(&server->actual.identities, peer->name)->farewell = peer->generation;
    for (uint32_t i = 0; i < draft->order.action_count; i++)
        server->counters.issued[draft->order.actions[i].verb]++;
    add_issued(server, peer);
    server->version++;
}

/* Signs a batch and makes it durable as one transaction. */
static int issue_batch(struct kedge_server *server, struct kedge_draft *drafts, size_t count,
                       struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    struct signing job = {.key = server->options.director, .drafts = drafts};
    int code = count < TOGETHER ? sign_apart(&job, count, err) : sign_together(&job, count, err);
    if (code < 0)
        return code;

    if (kedge_store_begin(store, err) < 0)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (store_draft(server, &drafts[i], err) < 0) {
            kedge_store_rollback(store);
            return err->code;
        }
    if (kedge_store_commit(store, err) < 0)
        return err->code;
    for (size_t i = 0; i < count; i++)
        adopt(server, &drafts[i]);
    return 0;
}

/* Steps of one device, from `first` on. */
static size_t steps_of_device(const struct kedge_plan *plan, size_t first)
{
    size_t end = first + 1;
    while (end < plan->count &&
           strcmp(plan->steps[end].change->device, plan->steps[first].change->device) == 0)
        end++;
    return end - first;
}

/* What holds a device back, as one digest: history is told when it changes. A device that never
 * reported is not held back, it is absent. */
static struct kedge_digest digest_holds(const struct kedge_step *steps, size_t count)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    for (size_t i = 0; i < count; i++)
        if (steps[i].blocker != KEDGE_BLOCKER_NONE && steps[i].blocker != KEDGE_BLOCKER_OFFLINE)
            kedge_buf_printf(&text, "%s|%d|%d|%s\n", steps[i].change->instance, steps[i].blocker,
                             steps[i].change->verb, steps[i].change->to ? steps[i].change->to : "");
    return text.size ? kedge_digest_of(text.data, text.size) : (struct kedge_digest){0};
}

static int record_holds(struct kedge_server *server, const struct kedge_step *steps, size_t count,
                        kedge_ms now, struct kedge_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct kedge_step *step = &steps[i];
        if (step->blocker == KEDGE_BLOCKER_NONE || step->blocker == KEDGE_BLOCKER_OFFLINE)
            continue;
        const struct kedge_change *change = step->change;
        struct kedge_event event = {
            .at = now,
            .kind = KEDGE_EVENT_ACTION_HELD,
            .commit = server->commit,
            .device = change->device,
            .instance = change->instance,
            .verb = kedge_word_name(&kedge_verb_words, (int)change->verb),
            .from = change->from,
            .to = change->to,
            .reason = kedge_word_name(&kedge_blocker_words, (int)step->blocker),
            .message = step->why,
        };
        if (append(server, event, err) < 0)
            return err->code;
    }
    return 0;
}

/* Tells history what is held from now on, for every device whose holds have changed. */
static int tell_holds(struct kedge_server *server, const struct kedge_plan *plan, kedge_ms now,
                      struct kedge_err *err)
{
    for (size_t first = 0, count; first < plan->count; first += count) {
        count = steps_of_device(plan, first);
        const struct kedge_step *steps = plan->steps + first;
        struct kedge_peer *peer = kedge_peer_find(&server->peers, steps->change->device);
        if (!peer)
            continue;
        struct kedge_digest holds = digest_holds(steps, count);
        if (kedge_digest_equal(&holds, &peer->holds))
            continue;
        if (!server->silent && record_holds(server, steps, count, now, err) < 0)
            return err->code;
        peer->holds = holds;
    }
    return 0;
}

static int record_all_holds(struct kedge_server *server, const struct kedge_plan *plan,
                            kedge_ms now, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    if (plan->held == 0)
        return 0;
    if (kedge_store_begin(store, err) < 0)
        return err->code;
    if (tell_holds(server, plan, now, err) < 0) {
        kedge_store_rollback(store);
        return err->code;
    }
    return kedge_store_commit(store, err);
}

static void release_batch(struct kedge_draft *drafts, size_t count, struct kedge_arena *arena)
{
    for (size_t i = 0; i < count; i++)
        kedge_buf_release(&drafts[i].envelope);
    kedge_arena_release(arena);
}

/* The next of those whose orders may have to be signed anew: everybody, or who is marked. */
static struct kedge_peer *next_peer(struct kedge_server *server, size_t *at)
{
    if (server->whole)
        return *at < server->peers.count ? server->peers.at[(*at)++] : NULL;
    while (*at < server->scope_count) {
        struct kedge_peer *peer = kedge_peer_find(&server->peers, server->scope[(*at)++]);
        if (peer)
            return peer;
    }
    return NULL;
}

static bool has_steps(const struct kedge_plan *plan, size_t *at, const char *device)
{
    while (*at < plan->count && strcmp(plan->steps[*at].change->device, device) < 0)
        (*at)++;
    return *at < plan->count && strcmp(plan->steps[*at].change->device, device) == 0;
}

/* Is there something wrong with the order that lies ready for a device that wants for nothing? It
 * binds nobody, or what it says is not wanted any more and would be done all the same. Whoever
 * leaves, or is held, has an order of its own kind. */
static bool misleads(const struct kedge_server *server, const struct kedge_peer *peer,
                     const struct kedge_actual_device *row, kedge_ms now)
{
    const struct kedge_identity *identity =
        kedge_identity_find(&server->actual.identities, peer->name);
    if (identity && (identity->standing != KEDGE_STANDING_MEMBER || identity->hold))
        return false;
    return peer->revoked || kedge_peer_deliverable(peer, row, now);
}

/* Devices without a change, but with such an order. */
static int renew(struct kedge_server *server, const struct kedge_plan *plan,
                 struct kedge_draft *drafts, kedge_ms now, struct kedge_err *err)
{
    size_t at = 0, step = 0, filled;
    struct kedge_peer *peer;
    int code = 0;
    do {
        struct kedge_arena arena = {0};
        for (filled = 0; filled < BATCH && (peer = next_peer(server, &at));) {
            struct kedge_actual_device *row = kedge_actual_find(&server->actual, peer->name);
            if (!row || !misleads(server, peer, row, now) || has_steps(plan, &step, peer->name))
                continue;
            drafts[filled] = (struct kedge_draft){
                .peer = peer,
                .row = row,
                .desired = kedge_table_find(server->desired->devices, peer->name),
            };
            if (drafts[filled].desired)
                filled += kedge_draft_prepare(server, plan, now, &drafts[filled], &arena);
        }
        if (filled)
            code = issue_batch(server, drafts, filled, err);
        release_batch(drafts, filled, &arena);
    } while (code == 0 && filled == BATCH);
    return code;
}

int kedge_dispatch_issue(struct kedge_server *server, const struct kedge_cycle_plan *pass,
                         kedge_ms now, struct kedge_err *err)
{
    const struct kedge_plan *plan = pass->plan;
    struct kedge_err refused;
    if (!server->options.director || kedge_roots_permit(server, &refused) < 0)
        return 0;
    struct kedge_draft *drafts = kedge_alloc_array(BATCH, sizeof *drafts);
    size_t filled = 0, first = 0;
    int result = 0;
    while (result == 0 && first < plan->count) {
        struct kedge_arena arena = {0};
        for (filled = 0; filled < BATCH && first < plan->count;) {
            size_t count = steps_of_device(plan, first);
            const struct kedge_change *change = plan->steps[first].change;
            drafts[filled] = (struct kedge_draft){
                .peer = kedge_peer_find(&server->peers, change->device),
                .row = kedge_actual_find(&server->actual, change->device),
                .desired = change->desired,
                .steps = plan->steps + first,
                .step_count = count,
            };
            filled += kedge_draft_prepare(server, plan, now, &drafts[filled], &arena);
            first += count;
        }
        if (filled)
            result = issue_batch(server, drafts, filled, err);
        release_batch(drafts, filled, &arena);
    }
    if (result == 0)
        result = renew(server, plan, drafts, now, err);
    free(drafts);
    return result < 0 ? result : record_all_holds(server, plan, now, err);
}

/* Has the device the order that says so, or does it lie ready for it? */
static bool is_told(const struct kedge_identity *identity, const struct kedge_peer *peer,
                    const struct kedge_actual_device *row, kedge_ms now)
{
    return identity->farewell && identity->farewell == peer->generation && !peer->revoked &&
           (kedge_peer_accepted(peer, row) || kedge_peer_deliverable(peer, row, now));
}

int kedge_dispatch_farewell(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    const struct kedge_server_options *options = &server->options;
    const struct kedge_identities *identities = &server->actual.identities;
    struct kedge_err refused;
    if (!options->director || options->store->read_only || server->dry ||
        kedge_roots_permit(server, &refused) < 0)
        return 0;
    for (size_t i = 0; i < identities->count; i++) {
        const struct kedge_identity *identity = identities->at[i];
        struct kedge_peer *peer = kedge_peer_find(&server->peers, identity->device);
        struct kedge_actual_device *row = kedge_actual_find(&server->actual, identity->device);
        if (identity->standing != KEDGE_STANDING_LEAVING || !peer || !row ||
            is_told(identity, peer, row, now))
            continue;
        struct kedge_draft draft = {.peer = peer, .row = row};
        kedge_draft_farewell(server, now, &draft);
        int code = issue_batch(server, &draft, 1, err);
        kedge_buf_release(&draft.envelope);
        if (code < 0 || kedge_ledger_revision(options->store, &server->identified, err) < 0)
            return err->code;
    }
    return 0;
}

static void read_authorised(struct kedge_slice json, struct kedge_actual_device *row)
{
    kedge_auto(kedge_json) json_t *list = NULL;
    struct kedge_err err;
    if (kedge_json_parse(json.data, json.size, KEDGE_LIMIT_ENVELOPE, &list, &err) < 0)
        return;
    size_t count = json_array_size(list);
    const char **names = kedge_arena_array(&row->arena, count, sizeof *names);
    row->authorised = (struct kedge_strings){.at = names};
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name)
            names[row->authorised.count++] = kedge_arena_strdup(&row->arena, name);
    }
}

/* An order that is void is nobody's. */
static bool is_revoked(const struct kedge_server *server, const struct kedge_store_device *device)
{
    return device->envelope.size && !kedge_roots_signed(server, device->envelope);
}

static void recall(const struct kedge_server *server, const struct kedge_store_device *device,
                   struct kedge_peer *peer, struct kedge_actual_device *row)
{
    peer->generation = device->generation;
    peer->issued = device->issued;
    peer->expires = device->expires;
    peer->order = kedge_digest_of(device->envelope.data, device->envelope.size);
    peer->revoked = is_revoked(server, device);
    if (!row)
        return;
    row->generation = device->generation;
    row->envelope_set = device->set;
    read_authorised(device->authorised, row);
}

struct recalling {
    struct kedge_server *server;
    struct kedge_peer *peer;
    struct kedge_actual_device *row;
};

static int visit_one(const struct kedge_store_device *device, void *payload)
{
    struct recalling *to = payload;
    recall(to->server, device, to->peer, to->row);
    return 0;
}

int kedge_dispatch_recall(struct kedge_server *server, struct kedge_peer *peer,
                          struct kedge_actual_device *row, struct kedge_err *err)
{
    struct recalling to = {.server = server, .peer = peer, .row = row};
    struct kedge_err why;
    int code = kedge_store_get_device(server->options.store, peer->name, visit_one, &to, &why);
    if (!code || code == KEDGE_NOTFOUND)
        return 0;
    *err = why;
    return code;
}

static int visit_each(const struct kedge_store_device *device, void *payload)
{
    struct recalling *to = payload;
    struct kedge_server *server = to->server;
    struct kedge_peer *peer = kedge_peer_add(&server->peers, device->name);
    if (peer->generation == device->generation)
        return 0; /* nothing new of this device */
    recall(server, device, peer, kedge_actual_find(&server->actual, device->name));
    add_issued(server, peer);
    return 0;
}

int kedge_dispatch_restore(struct kedge_server *server, struct kedge_err *err)
{
    struct recalling to = {.server = server};
    return kedge_store_each_device(server->options.store, visit_each, &to, err);
}

static int visit_judge(const struct kedge_store_device *device, void *payload)
{
    struct kedge_server *server = payload;
    struct kedge_peer *peer = kedge_peer_find(&server->peers, device->name);
    if (peer)
        peer->revoked = is_revoked(server, device);
    return 0;
}

int kedge_dispatch_judge(struct kedge_server *server, struct kedge_err *err)
{
    return kedge_store_each_device(server->options.store, visit_judge, server, err);
}
