/* SPDX-License-Identifier: Apache-2.0 */
#include "draft.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "dispatch.h"
#include "inside.h"
#include "wire/batch.h"

#define STATEMENT_ROOM KEDGE_KIB(64) /* of an envelope: what is not its set */

/* The order that is in force for a device, verified: the store could hold anything. */
static int read_last(struct kedge_server *server, const char *device, struct kedge_arena *arena,
                     struct kedge_order *out, struct kedge_err *err)
{
    struct kedge_public_key own;
    const struct kedge_envelope_trust trust = kedge_roots_directors(server, &own);
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    if (kedge_dispatch_read(server, device, &envelope, err) < 0)
        return err->code;
    if (kedge_batch_verify(envelope.data, envelope.size, KEDGE_LIMIT_ENVELOPE, &trust, &payload,
                           err) < 0)
        return err->code;
    return kedge_order_read(arena, kedge_buf_slice(&payload), out, err);
}

static const struct kedge_assignment *find_member(const struct kedge_order *order,
                                                  const char *instance)
{
    for (uint32_t i = 0; i < order->set_count; i++)
        if (strcmp(order->set[i].instance, instance) == 0)
            return &order->set[i];
    return NULL;
}

static void add_member(struct kedge_draft *draft, const struct kedge_assignment *assignment,
                       struct kedge_slice json)
{
    draft->set[draft->count] = assignment;
    draft->members[draft->count++] = (struct kedge_order_member){
        .instance = assignment->instance,
        .state = assignment->state,
        .artifact = assignment->artifact.url ? assignment->artifact.digest : assignment->content,
        .json = json,
    };
}

/* A held change leaves the device what it was given before, or nothing. */
static void keep_member(struct kedge_draft *draft, const struct kedge_order *last,
                        const char *instance, struct kedge_arena *arena)
{
    const struct kedge_assignment *kept = find_member(last, instance);
    if (!kept)
        return;
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    kedge_assignment_write(kept, &(struct kedge_json_writer){.out = &json});
    const char *copy = kedge_arena_strndup(arena, json.data, json.size);
    add_member(draft, kept, (struct kedge_slice){copy, json.size});
}

/* The set: wanted rows and steps merged, both sorted by instance. */
static void build_set(struct kedge_draft *draft, const struct kedge_order *last,
                      struct kedge_arena *arena)
{
    const struct kedge_desired_device *desired = draft->desired;
    uint32_t wanted = desired ? desired->count : 0, d = 0;
    size_t s = 0;
    draft->set = kedge_arena_array(arena, wanted + draft->step_count, sizeof *draft->set);
    draft->members = kedge_arena_array(arena, wanted + draft->step_count, sizeof *draft->members);
    while (d < wanted || s < draft->step_count) {
        const struct kedge_desired_assignment *want = d < wanted ? desired->assignments[d] : NULL;
        const struct kedge_step *step = s < draft->step_count ? &draft->steps[s] : NULL;
        int order = !want   ? 1
                    : !step ? -1
                            : strcmp(want->assignment.instance, step->change->instance);
        if (order <= 0)
            d++;
        if (order >= 0)
            s++;
        bool refused = order >= 0 && step->change->refused; /* what is in force stands beside it */
        if (order >= 0 && step->blocker != KEDGE_BLOCKER_NONE && !refused)
            keep_member(draft, last, step->change->instance, arena);
        else if (order <= 0)
            add_member(draft, &want->assignment, want->json);
    }
    draft->digest = kedge_assignment_set_digest(draft->set, draft->count);
}

static uint32_t add_actions(struct kedge_draft *draft, const char *commit,
                            struct kedge_arena *arena)
{
    struct kedge_action *actions =
        kedge_arena_array(arena, draft->step_count, sizeof *draft->order.actions);
    uint32_t count = 0;
    for (size_t i = 0; i < draft->step_count; i++)
        if (draft->steps[i].blocker == KEDGE_BLOCKER_NONE)
            kedge_action_from_change(draft->steps[i].change, commit, &actions[count++]);
    draft->order.actions = actions;
    return count;
}

static bool any_step(const struct kedge_draft *draft, bool held)
{
    for (size_t i = 0; i < draft->step_count; i++)
        if ((draft->steps[i].blocker != KEDGE_BLOCKER_NONE) == held)
            return true;
    return false;
}

/* Base64 makes four bytes of three. */
static bool fits(const struct kedge_draft *draft)
{
    size_t size = STATEMENT_ROOM;
    for (uint32_t i = 0; i < draft->count; i++)
        size += (draft->members[i].json.size + KEDGE_LIMIT_NAME + KEDGE_DIGEST_TEXT) / 3 * 4;
    return size <= KEDGE_LIMIT_ENVELOPE;
}

/* A device whose server was restored from a backup is ahead of it. One that has forgotten what a
 * thief drove it up to is asked for no more than that. */
static int64_t newest_generation(const struct kedge_draft *draft)
{
    int64_t reported = draft->row->report.generation, ours = draft->peer->generation;
    if (reported == 0 && ours >= KEDGE_LIMIT_VERSION_NUMBER)
        return 0;
    return reported > ours ? reported : ours;
}

/* It obeys an order that was never signed here, and has yet to hear of a root that may revoke it:
 * nobody outbids a thief. */
static bool is_misled(const struct kedge_server *server, const struct kedge_draft *draft)
{
    const struct kedge_report *report = &draft->row->report;
    return report->generation > draft->peer->generation && kedge_roots_behind(server, report);
}

void kedge_draft_farewell(const struct kedge_server *server, kedge_ms now,
                          struct kedge_draft *draft)
{
    const struct kedge_server_options *options = &server->options;
    const char *name = draft->peer->name;
    draft->digest = kedge_assignment_set_digest(NULL, 0);
    draft->order = (struct kedge_order){
        .device = name,
        .generation = newest_generation(draft) + 1,
        .plan = kedge_digest_of(name, strlen(name)), /* no plan: what names nothing but it */
        .commit = server->commit,
        .source = options->source,
        .issued = now,
        .expires = now + (options->lifetime ? options->lifetime : KEDGE_SERVER_LIFETIME),
        .decommission = true,
    };
}

bool kedge_draft_prepare(struct kedge_server *server, const struct kedge_plan *plan, kedge_ms now,
                         struct kedge_draft *draft, struct kedge_arena *arena)
{
    const struct kedge_server_options *options = &server->options;
    struct kedge_peer *peer = draft->peer;
    struct kedge_order last = {0};
    struct kedge_err err;
    if (!draft->row || (draft->step_count && !any_step(draft, false)) || is_misled(server, draft))
        return false;
    if (any_step(draft, true) && peer->issued > 0 &&
        read_last(server, peer->name, arena, &last, &err) < 0) {
        /* Without it a held change could take away what must stay. */
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"device", peer->name}, {"error", err.msg}),
                        "the stored order cannot be read; the device keeps what it has");
        return false;
    }
    build_set(draft, &last, arena);
    if (peer->generation > 0 && !peer->revoked &&
        kedge_digest_equal(&draft->digest, &draft->row->envelope_set) &&
        (kedge_peer_accepted(peer, draft->row) || kedge_peer_deliverable(peer, draft->row, now)))
        return false;

    int64_t newest = newest_generation(draft);
    if (draft->count > KEDGE_LIMIT_INSTANCES || !fits(draft) ||
        newest >= KEDGE_LIMIT_VERSION_NUMBER) {
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"device", peer->name}),
                        "no order can be made of %u instances at generation %lld", draft->count,
                        (long long)newest);
        return false;
    }
    draft->order = (struct kedge_order){
        .device = peer->name,
        .generation = newest + 1,
        .plan = plan->digest,
        .commit = server->commit,
        .source = options->source,
        .issued = now,
        .expires = now + (options->lifetime ? options->lifetime : KEDGE_SERVER_LIFETIME),
    };
    draft->order.action_count = add_actions(draft, server->commit, arena);
    return true;
}
