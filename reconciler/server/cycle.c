/* SPDX-License-Identifier: Apache-2.0 */
/* One reconcile pass, in the order of the picture. Each arrow is one call.
 *
 *     git ─▶ tree ─▶ specs ─▶ desired ─┐
 *                                      ├─▶ changes ─▶ plan ─▶ actions ─▶ envelopes ─▶ device
 *              actual ◀─ reports ◀─────┴────────────────────────────────────────────────┘
 *
 * kedge_cycle_take is the left half: a commit comes into force, or is refused and the last good one
 * stays; of what comes into force, policy may hold parts (rights.h). kedge_cycle_run is the right
 * half: what is wanted is compared with what devices have proved to hold, and what is released
 * becomes signed orders. The line below, reports ─▶ actual, is intake.c. */
#include "cycle.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "core/diff.h"
#include "core/resolve.h"
#include "core/schedule.h"
#include "dispatch.h"
#include "inside.h"
#include "manifest/load.h"
#include "rights.h"
#include "trust.h"
#include "wire/vouch.h"

/* A pool whose garbage outgrows what lives is left behind. */
#define POOL_GROWTH 2

void kedge_cycle_free_pool(struct kedge_pool *pool)
{
    if (!pool)
        return;
    kedge_arena_release(&pool->arena);
    free(pool);
}

/* A revision on its way into force. */
struct candidate {
    struct kedge_server *server;
    const char *commit;
    struct kedge_pool *pool;              /* the server's own, or a fresh one */
    const struct kedge_judgement *judged; /* NULL until it is judged */
    struct kedge_buf trunk;               /* commits that were judged */
    const char *reason;                   /* what stands against it, should it fail */
};

static void candidate_auto(struct candidate *candidate)
{
    kedge_buf_release(&candidate->trunk);
}

/* Status, log and history have room for one finding: the first, in full, stands for all. */
static int tell_first(struct kedge_findings *findings, struct kedge_err *err)
{
    if (!findings->errors)
        return err->code;
    kedge_finding_sort(findings);
    const struct kedge_finding *first = findings->at;
    while (first->severity != KEDGE_SEVERITY_ERROR)
        first++;
    kedge_auto(kedge_buf) struct kedge_buf where = {0};
    if (first->at.file)
        kedge_buf_printf(&where, "%s:", first->at.file);
    if (first->at.line)
        kedge_buf_printf(&where, "%u:%u:", first->at.line, first->at.column);
    return kedge_err_set(err, err->code, "%zu error%s: %s %s%s%s%s", findings->errors,
                         findings->errors == 1 ? "" : "s", where.data ? where.data : "",
                         first->message, first->remedy ? "; " : "",
                         first->remedy ? first->remedy : "",
                         findings->errors > 1 ? "; 'kedge validate' shows all" : "");
}

/* git ─▶ tree ─▶ specs ─▶ desired, sharing with `previous` where that is not NULL. */
static int load(void *payload, const char *commit, const struct kedge_desired *previous,
                const struct kedge_desired **out, struct kedge_err *err)
{
    struct candidate *next = payload;
    struct kedge_server *server = next->server;
    const struct kedge_server_revisions *git = &server->options.revisions;
    const struct kedge_specs *before = previous ? previous->specs : NULL, *specs;
    struct kedge_arena *arena = &next->pool->arena;
    struct kedge_findings *findings = &server->findings;
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};

    kedge_findings_release(findings);
    memcpy(server->looked, commit, KEDGE_COMMIT_TEXT);

    next->reason = "unreadable";
    if (git->tree(git->self, before ? before->commit : NULL, commit, &tree, err) < 0)
        return err->code;

    next->reason = "invalid";
    if (kedge_load_specs(arena, before, &tree, findings, &specs, err) < 0 ||
        kedge_resolve_desired(arena, specs, previous, findings, out, err) < 0)
        return tell_first(findings, err);
    kedge_vouch_check(before, specs, findings);
    if (findings->errors) {
        kedge_err_set(err, KEDGE_INVALID, "release signatures are wrong");
        return tell_first(findings, err);
    }
    next->reason = "unreadable";
    return 0;
}

/* Judged as a difference from what is in force where that is possible, else whole in a fresh pool. */
static int load_candidate(struct kedge_server *server, struct candidate *next,
                          struct kedge_err *err)
{
    const struct kedge_judgement *judged = server->judged;
    bool fresh = !judged || server->pool->arena.used > POOL_GROWTH * server->pool->whole;
    next->server = server;
    next->pool = fresh ? kedge_alloc_zeroed(sizeof *next->pool) : server->pool;
    struct kedge_rights_walk walk = {.load = load,
                                     .payload = next,
                                     .pool = &next->pool->arena,
                                     .judged = fresh ? NULL : judged};
    int code = kedge_rights_walk(server, next->commit, &walk, err);
    next->judged = walk.judged;
    next->trunk = walk.trunk;
    if (walk.denied)
        next->reason = "policy";
    if (code < 0 && fresh)
        kedge_cycle_free_pool(next->pool);
    else if (fresh)
        next->pool->whole = next->pool->arena.used;
    return code;
}

/* A rewritten history could bring back anything that was ever refused or withdrawn. */
static int check_descent(struct kedge_server *server, struct candidate *next, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    if (!server->commit[0] || server->options.accept_rewrite)
        return 0;
    next->reason = "rewritten";
    if (git->follows(git->self, server->commit, next->commit, err) == 0)
        return 0;
    return kedge_err_wrap(err, "history was rewritten, the last good commit stays in force; put "
                               "it back, or run 'kedge reconcile --once --accept-rewrite'");
}

/* Who may push is Git's affair; whose commits count is decided here, before a manifest is read. */
static int check_signatures(struct kedge_server *server, struct candidate *next, kedge_ms now,
                            struct kedge_err *err)
{
    struct kedge_findings *findings = &server->findings;
    next->reason = "unverified";
    if (kedge_trust_check(server, next->commit, now, err) == 0)
        return 0;
    kedge_findings_release(findings);
    memcpy(server->looked, next->commit, KEDGE_COMMIT_TEXT);
    kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, next->reason, (struct kedge_position){0},
                      NULL, NULL, "%s", err->msg);
    return err->code;
}

/* Durable before it is acted upon: the pin in the mirror, then what the store says is in force. */
static int persist(struct kedge_server *server, const struct candidate *next, kedge_ms now,
                   struct kedge_err *err)
{
    const char *commit = next->commit;
    const struct kedge_server_options *options = &server->options;
    const struct kedge_server_revisions *git = &options->revisions;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_event event = {.at = now,
                                .kind = KEDGE_EVENT_REVISION_RECONCILED,
                                .commit = commit};
    if (server->dry)
        return 0;
    struct kedge_err ignored; /* who wrote a commit is for people; it may stay unsaid */
    if (git->describe)
        (void)git->describe(git->self, commit, &arena, &event.by, &event.message, &ignored);

    if (git->trust(git->self, commit, err) < 0)
        return err->code;
    if (kedge_store_begin(options->store, err) < 0)
        return err->code;
    if (kedge_store_put(options->store, "commit", commit, err) < 0 ||
        kedge_store_put(options->store, "since", kedge_arena_printf(&arena, "%lld", (long long)now),
                        err) < 0 ||
        kedge_store_put(options->store, "refused", "", err) < 0 ||
        kedge_trust_record(server, commit, err) < 0 ||
        kedge_rights_record(server, &next->trunk, err) < 0 ||
        kedge_store_append_event(options->store, &event, err) < 0) {
        kedge_store_rollback(options->store);
        return err->code;
    }
    return kedge_store_commit(options->store, err);
}

/* A device row that differs between two revisions. */
static void visit_row(const void *before, const void *after, void *payload)
{
    struct kedge_server *server = payload;
    const struct kedge_desired_device *old = before, *new = after;
    const char *name = new ? new->name : old->name;
    struct kedge_actual_device *row = kedge_actual_find(&server->actual, name);
    if (!row)
        return; /* it never reported: it is planned for when it does */
    const uint8_t *key =
        new ? kedge_identity_key(&server->actual.identities, new->device, NULL) : NULL;
    if (key && memcmp(row->key, key, KEDGE_KEY_SIZE) == 0)
        kedge_server_mark(server, row->name);
    else
        kedge_actual_remove(&server->actual, name); /* what another key signed proves nothing */
}

/* Windows and policies bear on devices whose own rows stay the same. */
static bool rules_differ(const struct kedge_specs *before, const struct kedge_specs *after)
{
    return before->kinds[KEDGE_KIND_MAINTENANCE_WINDOW] !=
               after->kinds[KEDGE_KIND_MAINTENANCE_WINDOW] ||
           before->kinds[KEDGE_KIND_POLICY] != after->kinds[KEDGE_KIND_POLICY];
}

/* A device of which policy holds something else than before. */
static void visit_refused(const void *before, const void *after, void *payload)
{
    const struct kedge_desired_refused *row = after ? after : before;
    if (kedge_actual_find(&((struct kedge_server *)payload)->actual, row->name))
        kedge_server_mark(payload, row->name);
}

static void adopt(struct kedge_server *server, struct candidate *next)
{
    const struct kedge_desired *before = server->desired, *after = next->judged->desired;
    if (before) {
        server->whole |= rules_differ(before->specs, after->specs);
        kedge_table_diff(before->devices, after->devices, visit_row, server);
        kedge_table_diff(before->refused, after->refused, visit_refused, server);
    } else {
        server->whole = true;
    }
    if (next->pool != server->pool)
        kedge_cycle_free_pool(server->pool);
    server->pool = next->pool;
    server->judged = next->judged;
    server->desired = after;
    server->unsettled = true;
    kedge_buf_release(&server->trunk);
    server->trunk = next->trunk;
    next->trunk = (struct kedge_buf){0};
    memcpy(server->commit, next->commit, KEDGE_COMMIT_TEXT);
    server->version++;
}

/* Remembers why, for status; tells history once, across restarts too. */
static void refuse(struct kedge_server *server, const struct candidate *next, kedge_ms now,
                   const struct kedge_err *why)
{
    struct kedge_store *store = server->options.store;
    memcpy(server->refused.commit, next->commit, KEDGE_COMMIT_TEXT);
    server->refused.reason = next->reason;
    server->refused.err = *why;
    server->version++;

    struct kedge_err err;
    char *known = NULL;
    if (server->dry)
        return;
    bool told =
        kedge_store_get(store, "refused", &known, &err) == 0 && strcmp(known, next->commit) == 0;
    free(known);
    struct kedge_event event = {.at = now,
                                .kind = KEDGE_EVENT_REVISION_REFUSED,
                                .commit = next->commit,
                                .reason = next->reason,
                                .message = why->msg};
    if (told || kedge_store_begin(store, &err) < 0)
        return;
    if (kedge_store_put(store, "refused", next->commit, &err) < 0 ||
        kedge_store_append_event(store, &event, &err) < 0)
        kedge_store_rollback(store);
    else
        (void)!kedge_store_commit(store, &err); /* told again at the next look */
}

/* The same bytes will be wrong again; what could not be read may be readable next time, and another
 * tag may name the same commit. */
static bool is_final(const struct kedge_server *server)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    const struct kedge_refused *refused = &server->refused;
    struct kedge_slice object;
    const char *name;
    if (git->tag && git->tag(git->self, &name, &object))
        return false;
    return refused->err.code == KEDGE_INVALID || refused->err.code == KEDGE_CONFLICT ||
           refused->err.code == KEDGE_DENIED;
}

int kedge_cycle_take(struct kedge_server *server, const char *commit, kedge_ms now,
                     struct kedge_err *err)
{
    struct kedge_refused *refused = &server->refused;
    if (server->desired && strcmp(commit, server->commit) == 0 && kedge_trust_covers(server)) {
        *refused = (struct kedge_refused){0};
        return 0;
    }
    if (refused->reason && strcmp(commit, refused->commit) == 0 && is_final(server))
        return kedge_err_set(err, refused->err.code, "%s", refused->err.msg);

    kedge_auto(candidate) struct candidate next = {.commit = commit};
    if (check_descent(server, &next, err) < 0 || check_signatures(server, &next, now, err) < 0 ||
        load_candidate(server, &next, err) < 0) {
        refuse(server, &next, now, err);
        return err->code;
    }
    if (persist(server, &next, now, err) < 0) {
        if (next.pool != server->pool)
            kedge_cycle_free_pool(next.pool);
        return err->code;
    }
    adopt(server, &next);
    if (server->trust.required)
        memcpy(server->trust.verified, commit, KEDGE_COMMIT_TEXT);
    server->since = now;
    *refused = (struct kedge_refused){0};
    return 0;
}

int kedge_cycle_resume(struct kedge_server *server, const char *commit, struct kedge_err *err)
{
    kedge_auto(candidate) struct candidate next = {.commit = commit};
    if (load_candidate(server, &next, err) < 0)
        return err->code;
    adopt(server, &next);
    return 0;
}

/* A destroy that no order has told the device of yet. */
static bool destroys_more(const struct kedge_changes *changes)
{
    for (size_t i = 0; i < changes->count && changes->verbs[KEDGE_VERB_DESTROY]; i++) {
        const struct kedge_change *change = &changes->at[i];
        const struct kedge_actual_device *row = change->actual;
        for (uint32_t k = 0; change->verb == KEDGE_VERB_DESTROY && row && k < row->authorised.count;
             k++)
            if (strcmp(row->authorised.at[k], change->instance) == 0)
                return true;
    }
    return false;
}

struct kedge_cycle_plan kedge_cycle_plan(const struct kedge_server *server,
                                         struct kedge_arena *arena, const char *const *devices,
                                         size_t count, kedge_ms now)
{
    const struct kedge_desired *desired = server->desired;
    const struct kedge_actual *actual = &server->actual;
    const struct kedge_changes *changes = NULL;
    if (devices)
        changes = kedge_diff_devices(arena, desired, actual, devices, count);
    /* The destroy budget is the fleet's: many small passes must not spend it many times. */
    if (!changes || destroys_more(changes))
        changes = kedge_diff_fleet(arena, desired, actual);
    return (struct kedge_cycle_plan){
        .changes = changes,
        .plan = kedge_schedule_plan(arena, changes, desired, actual, now),
    };
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of what is marked, sorted and unique. */
static size_t settle_scope(struct kedge_server *server)
{
    if (server->scope_count == 0)
        return 0;
    qsort(server->scope, server->scope_count, sizeof *server->scope, compare_names);
    size_t kept = 1;
    for (size_t i = 1; i < server->scope_count; i++)
        if (strcmp(server->scope[i], server->scope[kept - 1]) != 0)
            server->scope[kept++] = server->scope[i];
    server->scope_count = kept;
    return kept;
}

/* For metrics alone; nothing is decided by it. */
static void count_pass(struct kedge_counters *counters, kedge_ms took)
{
    size_t bucket = 0;
    for (kedge_ms bound = 1; bucket < KEDGE_PASS_BUCKETS && took > bound; bound *= 10)
        bucket++;
    counters->passes[bucket]++;
    counters->pass_time += took;
}

int kedge_cycle_run(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    size_t marked = settle_scope(server);
    if (!server->desired || (!server->whole && marked == 0))
        return 0;
    kedge_ms begun = kedge_clock_monotonic();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};

    /* desired, actual ─▶ changes ─▶ plan */
    const char *const *devices = server->whole ? NULL : server->scope;
    struct kedge_cycle_plan pass = kedge_cycle_plan(server, &arena, devices, marked, now);

    /* plan ─▶ actions ─▶ envelopes */
    if (kedge_dispatch_issue(server, &pass, now, err) < 0)
        return kedge_err_wrap(err, "cannot issue orders");

    /* When something that is held frees itself, or a clock tells otherwise, everything is looked at
     * again. */
    if (server->whole) {
        server->wake = pass.plan->wake;
        server->audit = now + KEDGE_SERVER_AUDIT;
    } else if (pass.plan->wake && (!server->wake || pass.plan->wake < server->wake)) {
        server->wake = pass.plan->wake;
    }
    server->whole = false;
    server->silent = false;
    server->scope_count = 0;
    count_pass(&server->counters, kedge_clock_monotonic() - begun);
    return 0;
}
