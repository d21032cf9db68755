/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "census.h"
#include "inside.h"
#include "inventory.h"
#include "view_write.h"

#define MOST_ITEMS 10000
#define MOST_HELD  100 /* objects that status names */

void kedge_view_add_word(struct kedge_view_job *job, const char *key,
                         const struct kedge_words *words, int value)
{
    kedge_json_add_string(&job->w, key, kedge_word_name(words, value));
}

void kedge_view_add_time(struct kedge_view_job *job, const char *key, kedge_ms at)
{
    char text[KEDGE_TIME_TEXT];
    if (at)
        kedge_json_add_string(&job->w, key, kedge_clock_format(at, text));
}

void kedge_view_add_digest(struct kedge_view_job *job, const char *key,
                           const struct kedge_digest *digest)
{
    char text[KEDGE_DIGEST_TEXT];
    if (!kedge_digest_is_zero(digest))
        kedge_json_add_string(&job->w, key, kedge_digest_format(digest, text));
}

void kedge_view_add_place(struct kedge_view_job *job, const char *key,
                          const struct kedge_position *at)
{
    if (at->file)
        kedge_json_add_string(&job->w, key,
                              kedge_arena_printf(job->arena, "%s:%u", at->file, at->line));
}

void kedge_view_add_hold(struct kedge_view_job *job, const struct kedge_step *step)
{
    if (!step || step->blocker == KEDGE_BLOCKER_NONE)
        return;
    kedge_json_key(&job->w, "hold");
    kedge_json_begin_object(&job->w);
    kedge_view_add_word(job, "blocker", &kedge_blocker_words, (int)step->blocker);
    kedge_json_add_string(&job->w, "why", step->why);
    kedge_json_add_string(&job->w, "frees", step->frees);
    kedge_view_add_time(job, "until", step->until);
    kedge_json_end_object(&job->w);
}

static void add_source(struct kedge_view_job *job)
{
    const struct kedge_server *server = job->server;
    const struct kedge_follow *follow = &server->follow;
    struct kedge_json_writer *w = &job->w;
    kedge_json_key(w, "source");
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "url", server->options.source);
    kedge_json_add_string(w, "revision", server->options.revision);
    kedge_json_add_string(w, "path", server->options.path);
    if (follow->heard) {
        kedge_json_add_bool(w, "reachable", !follow->unreachable);
        kedge_json_add_string(w, "message", follow->unreachable ? follow->message : NULL);
        kedge_view_add_time(job, "lastSuccess", follow->success);
        kedge_json_add_string(w, "head", follow->head[0] ? follow->head : NULL);
    }
    kedge_json_end_object(w);
}

static void add_revision(struct kedge_view_job *job)
{
    const struct kedge_server *server = job->server;
    const struct kedge_server_revisions *git = &server->options.revisions;
    struct kedge_json_writer *w = &job->w;
    const char *author = NULL, *subject = NULL;
    struct kedge_err ignored;
    if (!server->commit[0])
        return;
    /* While a fetch is out, the repository is somebody else's. */
    if (git->describe && !server->follow.fetching)
        (void)git->describe(git->self, server->commit, job->arena, &author, &subject, &ignored);
    kedge_json_key(w, "revision");
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "commit", server->commit);
    kedge_json_add_string(w, "author", author);
    kedge_json_add_string(w, "subject", subject);
    kedge_view_add_time(job, "since", server->since);
    kedge_json_end_object(w);
}

static void add_refused(struct kedge_view_job *job)
{
    const struct kedge_refused *refused = &job->server->refused;
    struct kedge_json_writer *w = &job->w;
    if (!refused->reason)
        return;
    kedge_json_key(w, "refused");
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "commit", refused->commit);
    kedge_json_add_string(w, "reason", refused->reason);
    kedge_json_add_string(w, "code", kedge_code_name(refused->err.code));
    kedge_json_add_string(w, "message", refused->err.msg);
    kedge_json_end_object(w);
}

static void add_signatures(struct kedge_view_job *job)
{
    const struct kedge_trust *trust = &job->server->trust;
    struct kedge_json_writer *w = &job->w;
    if (!trust->required)
        return;
    kedge_json_key(w, "signatures");
    kedge_json_begin_object(w);
    kedge_json_add_bool(w, "required", true);
    kedge_json_add_string(w, "verified", trust->verified[0] ? trust->verified : NULL);
    kedge_json_end_object(w);
}

/* What policy keeps from coming into force; devices are told by plan and explain. */
static void add_policy(struct kedge_view_job *job)
{
    const struct kedge_server *server = job->server;
    struct kedge_json_writer *w = &job->w;
    if (!server->judged || !kedge_rights_bind(server->desired->specs))
        return;
    kedge_json_key(w, "policy");
    kedge_json_begin_object(w);
    kedge_json_add_bool(w, "enforced", server->trust.required);
    kedge_json_add_integer(w, "devices", (int64_t)kedge_table_count(server->desired->refused));
    kedge_json_add_integer(w, "objects", (int64_t)kedge_table_count(server->judged->objects));
    kedge_json_key(w, "held");
    kedge_json_begin_array(w);
    struct kedge_table_iter iter = {0};
    const struct kedge_judge_object *object;
    for (int i = 0; i < MOST_HELD && (object = kedge_table_next(server->judged->objects, &iter));
         i++) {
        kedge_json_begin_object(w);
        kedge_json_add_string(w, "object", object->key);
        kedge_json_add_string(w, "commit", object->hold.act->commit);
        kedge_json_add_string(w, "why", object->hold.why);
        kedge_json_add_string(w, "frees", object->hold.frees);
        kedge_json_end_object(w);
    }
    kedge_json_end_array(w);
    kedge_json_end_object(w);
}

/* What people have to do about the newest root; NULL: nothing. */
static const char *warn_of_root(const struct kedge_view_job *job, struct kedge_err *err)
{
    const struct kedge_root *newest = &job->server->roots.newest;
    if (kedge_root_fresh(newest, job->now, err) || kedge_roots_permit(job->server, err))
        return err->msg;
    if (newest->expires - job->now >= KEDGE_ROOTS_WARN)
        return NULL;
    kedge_err_set(err, KEDGE_DENIED,
                  "it expires in %lld days, then devices take no new orders: 'kedge root next'",
                  (long long)((newest->expires - job->now) / 86400000));
    return err->msg;
}

static void add_root(struct kedge_view_job *job)
{
    const struct kedge_roots *roots = &job->server->roots;
    struct kedge_json_writer *w = &job->w;
    struct kedge_err err;
    if (!roots->newest.version)
        return;
    kedge_json_key(w, "root");
    kedge_json_begin_object(w);
    kedge_json_add_integer(w, "version", roots->newest.version);
    kedge_view_add_time(job, "expires", roots->newest.expires);
    kedge_json_add_string(w, "warning", warn_of_root(job, &err));
    if (roots->refused.reason) {
        kedge_json_key(w, "refused");
        kedge_json_begin_object(w);
        kedge_json_add_integer(w, "version", roots->refused.version);
        kedge_json_add_string(w, "reason", roots->refused.reason);
        kedge_json_add_string(w, "message", roots->refused.err.msg);
        kedge_json_end_object(w);
    }
    kedge_json_end_object(w);
}

/* Devices of which something says that they are two, whether anything is to be sent to them or not. */
static size_t count_doubted(const struct kedge_server *server)
{
    const struct kedge_identities *identities = &server->actual.identities;
    size_t count = 0;
    for (size_t i = 0; i < identities->count; i++)
        count += identities->at[i]->hold != NULL;
    return count;
}

static void add_fleet(struct kedge_view_job *job)
{
    const struct kedge_census *census = kedge_census_take(job->server, job->now);
    struct kedge_json_writer *w = &job->w;
    kedge_json_key(w, "devices");
    kedge_json_begin_object(w);
    kedge_json_add_integer(w, "total", (int64_t)census->devices);
    kedge_json_add_integer(w, "online", (int64_t)census->connection[KEDGE_CONNECTION_ONLINE]);
    kedge_json_add_integer(w, "offline", (int64_t)census->connection[KEDGE_CONNECTION_OFFLINE]);
    kedge_json_add_integer(w, "unknown", (int64_t)census->connection[KEDGE_CONNECTION_UNKNOWN]);
    kedge_json_add_integer(w, "decommissioned", (int64_t)census->leaving);
    if (count_doubted(job->server))
        kedge_json_add_integer(w, "doubted", (int64_t)count_doubted(job->server));
    kedge_json_end_object(w);
    kedge_json_key(w, "assignments");
    kedge_json_begin_object(w);
    kedge_json_add_integer(w, "total", (int64_t)census->assignments);
    kedge_json_add_integer(w, "synced", (int64_t)census->sync[KEDGE_SYNC_SYNCED]);
    kedge_json_add_integer(w, "outOfSync", (int64_t)census->sync[KEDGE_SYNC_OUT_OF_SYNC]);
    kedge_json_add_integer(w, "unknown", (int64_t)census->sync[KEDGE_SYNC_UNKNOWN]);
    kedge_json_end_object(w);
    kedge_json_key(w, "health");
    kedge_json_begin_object(w);
    for (int i = 0; i < (int)KEDGE_COUNT(census->health); i++)
        kedge_json_add_integer(w, kedge_word_name(&kedge_health_words, i),
                               (int64_t)census->health[i]);
    kedge_json_end_object(w);
    kedge_json_key(w, "changes");
    kedge_json_begin_object(w);
    kedge_json_add_integer(w, "released", (int64_t)census->released);
    kedge_json_add_integer(w, "held", (int64_t)census->held);
    kedge_json_add_integer(w, "drifted", (int64_t)census->drifted);
    kedge_json_end_object(w);
    kedge_json_key(w, "blockers");
    kedge_json_begin_object(w);
    for (int i = KEDGE_BLOCKER_NONE + 1; i < KEDGE_BLOCKER_COUNT; i++)
        if (census->blockers[i])
            kedge_json_add_integer(w, kedge_word_name(&kedge_blocker_words, i),
                                   (int64_t)census->blockers[i]);
    kedge_json_end_object(w);
}

static int write_status(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    kedge_json_begin_object(&job->w);
    kedge_json_add_string(&job->w, "format", "kedge.dev/status/v1");
    kedge_view_add_time(job, "at", job->now);
    add_source(job);
    add_revision(job);
    add_refused(job);
    add_signatures(job);
    add_policy(job);
    add_root(job);
    if (job->server->desired)
        add_fleet(job);
    kedge_json_end_object(&job->w);
    return 0;
}

static int write_ready(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    kedge_json_begin_object(&job->w);
    kedge_json_add_bool(&job->w, "ready", true);
    kedge_json_add_string(&job->w, "commit", job->server->commit);
    kedge_json_end_object(&job->w);
    return 0;
}

struct event_page {
    struct kedge_view_job *job;
    int64_t last; /* seq of the last one written */
};

static int visit_event(const struct kedge_event *event, void *payload)
{
    struct event_page *page = payload;
    kedge_event_write(event, &page->job->w);
    page->last = event->seq;
    return 0;
}

int kedge_view_add_events(struct kedge_view_job *job, const char *key,
                          const struct kedge_store_filter *filter, int64_t *last,
                          struct kedge_err *err)
{
    struct event_page page = {.job = job};
    kedge_json_key(&job->w, key);
    kedge_json_begin_array(&job->w);
    if (kedge_store_each_event(job->server->options.store, filter, visit_event, &page, err) < 0)
        return err->code;
    kedge_json_end_array(&job->w);
    *last = page.last;
    return 0;
}

static int write_history(struct kedge_view_job *job, struct kedge_err *err)
{
    const struct kedge_view_query *query = job->query;
    int64_t last;
    struct kedge_store_filter filter = {
        .device = query->device,
        .instance = query->instance,
        .commit = query->commit,
        .since = query->since,
        .limit = job->limit,
        .before = query->after ? strtoll(query->after, NULL, 10) : 0,
    };
    kedge_json_begin_object(&job->w);
    if (kedge_view_add_events(job, "items", &filter, &last, err) < 0)
        return err->code;
    if (last > 1)
        kedge_json_add_string(&job->w, "next",
                              kedge_arena_printf(job->arena, "%lld", (long long)last));
    kedge_json_end_object(&job->w);
    return 0;
}

static struct kedge_cycle_plan plan_of_query(struct kedge_view_job *job)
{
    const char *devices[] = {job->query->device};
    return kedge_cycle_plan(job->server, job->arena, job->query->device ? devices : NULL, 1,
                            job->now);
}

static int write_plan(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    struct kedge_cycle_plan pass = plan_of_query(job);
    kedge_plan_write(pass.plan, pass.changes, &job->w);
    return 0;
}

/* Pages of drift go by "device/instance". */
static bool is_behind(const struct kedge_change *change, const char *after,
                      struct kedge_arena *arena)
{
    return !after ||
           strcmp(kedge_arena_printf(arena, "%s/%s", change->device, change->instance), after) > 0;
}

static void add_drift(struct kedge_view_job *job, const struct kedge_step *step)
{
    const struct kedge_change *change = step->change;
    struct kedge_json_writer *w = &job->w;
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "device", change->device);
    kedge_json_add_string(w, "instance", change->instance);
    kedge_view_add_word(job, "drift", &kedge_drift_words, (int)change->drift);
    kedge_view_add_word(job, "verb", &kedge_verb_words, (int)change->verb);
    kedge_json_add_string(w, "from", change->from);
    kedge_json_add_string(w, "to", change->to);
    kedge_json_add_string(w, "reason", change->reason);
    kedge_view_add_hold(job, step);
    kedge_json_end_object(w);
}

static int write_drift(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    const struct kedge_view_query *query = job->query;
    struct kedge_cycle_plan pass = plan_of_query(job);
    const struct kedge_change *last = NULL;
    uint32_t count = 0;
    kedge_json_begin_object(&job->w);
    kedge_json_add_integer(&job->w, "drifted", (int64_t)pass.changes->drifted);
    kedge_json_key(&job->w, "items");
    kedge_json_begin_array(&job->w);
    size_t i = 0;
    for (; i < pass.plan->count && count < job->limit; i++) {
        const struct kedge_change *change = pass.plan->steps[i].change;
        if (change->drift == KEDGE_DRIFT_NONE ||
            (query->device && strcmp(query->device, change->device) != 0) ||
            (query->instance && strcmp(query->instance, change->instance) != 0) ||
            !is_behind(change, query->after, job->arena))
            continue;
        add_drift(job, &pass.plan->steps[i]);
        last = change;
        count++;
    }
    kedge_json_end_array(&job->w);
    if (last && i < pass.plan->count)
        kedge_json_add_string(&job->w, "next",
                              kedge_arena_printf(job->arena, "%s/%s", last->device,
                                                 last->instance));
    kedge_json_end_object(&job->w);
    return 0;
}

static void add_finding(struct kedge_view_job *job, const struct kedge_finding *finding)
{
    struct kedge_json_writer *w = &job->w;
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "severity",
                          finding->severity == KEDGE_SEVERITY_ERROR ? "error" : "warning");
    kedge_json_add_string(w, "rule", finding->rule);
    kedge_json_add_string(w, "file", finding->at.file);
    if (finding->at.line) {
        kedge_json_add_integer(w, "line", finding->at.line);
        kedge_json_add_integer(w, "column", finding->at.column);
    }
    kedge_json_add_string(w, "field", finding->field);
    kedge_json_add_string(w, "message", finding->message);
    kedge_json_add_string(w, "remedy", finding->remedy);
    kedge_json_end_object(w);
}

static int write_findings(struct kedge_view_job *job, struct kedge_err *err)
{
    (void)err;
    const struct kedge_findings *findings = &job->server->findings;
    struct kedge_json_writer *w = &job->w;
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "commit", job->server->looked);
    kedge_json_add_integer(w, "errors", (int64_t)findings->errors);
    kedge_json_add_integer(w, "warnings", (int64_t)findings->warnings);
    kedge_json_key(w, "items");
    kedge_json_begin_array(w);
    for (size_t i = 0; i < findings->count && i < job->limit; i++)
        add_finding(job, &findings->at[i]);
    kedge_json_end_array(w);
    kedge_json_end_object(w);
    return 0;
}

static int write_inventory(struct kedge_view_job *job, struct kedge_err *err)
{
    struct kedge_cycle_plan pass = kedge_cycle_plan(job->server, job->arena, NULL, 0, job->now);
    return kedge_inventory_write(job->server->options.store, &job->server->actual,
                                 job->server->commit, &pass.plan->inventory, job->now, &job->w,
                                 err);
}

static const char *const view_words[] = {
    [KEDGE_VIEW_STATUS] = "status",       [KEDGE_VIEW_DEVICES] = "devices",
    [KEDGE_VIEW_DEVICE] = "device",       [KEDGE_VIEW_MODELS] = "models",
    [KEDGE_VIEW_MODEL] = "model",         [KEDGE_VIEW_EXPLAIN] = "explain",
    [KEDGE_VIEW_HISTORY] = "history",     [KEDGE_VIEW_PLAN] = "plan",
    [KEDGE_VIEW_DRIFT] = "drift",         [KEDGE_VIEW_FINDINGS] = "findings",
    [KEDGE_VIEW_INVENTORY] = "inventory", [KEDGE_VIEW_METRICS] = "metrics",
    [KEDGE_VIEW_READY] = "ready",
};
const struct kedge_words kedge_view_words = {view_words, KEDGE_COUNT(view_words)};

static const struct view {
    kedge_view_writer *write;
    bool needs_commit, needs_device, needs_instance;
} views[] = {
    [KEDGE_VIEW_STATUS] = {write_status},
    [KEDGE_VIEW_DEVICES] = {kedge_view_write_devices, .needs_commit = true},
    [KEDGE_VIEW_DEVICE] = {kedge_view_write_device, .needs_commit = true, .needs_device = true},
    [KEDGE_VIEW_MODELS] = {kedge_view_write_models, .needs_commit = true},
    [KEDGE_VIEW_MODEL] = {kedge_view_write_model, .needs_commit = true, .needs_instance = true},
    [KEDGE_VIEW_EXPLAIN] = {kedge_view_write_explain, .needs_commit = true, .needs_device = true,
                            .needs_instance = true},
    [KEDGE_VIEW_HISTORY] = {write_history},
    [KEDGE_VIEW_PLAN] = {write_plan, .needs_commit = true},
    [KEDGE_VIEW_DRIFT] = {write_drift, .needs_commit = true},
    [KEDGE_VIEW_FINDINGS] = {write_findings},
    [KEDGE_VIEW_INVENTORY] = {write_inventory, .needs_commit = true},
    [KEDGE_VIEW_METRICS] = {kedge_view_write_metrics},
    [KEDGE_VIEW_READY] = {write_ready, .needs_commit = true},
};

static int check(const struct kedge_server *server, const struct kedge_view_query *query,
                 struct kedge_err *err)
{
    const struct view *view = &views[query->view];
    if (view->needs_device && !query->device)
        return kedge_err_set(err, KEDGE_INVALID, "which device? give its name");
    if (view->needs_instance && !query->instance)
        return kedge_err_set(err, KEDGE_INVALID, "which model? give its name");
    if (view->needs_commit && !server->desired)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "no commit is in force yet; 'kedge status' says why");
    return 0;
}

int kedge_view_write(struct kedge_server *server, const struct kedge_view_query *query,
                     kedge_ms now, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf document = {0};
    struct kedge_view_job job = {
        .server = server,
        .query = query,
        .now = now,
        .limit = query->limit ? query->limit : KEDGE_VIEW_PAGE,
        .arena = &arena,
        .w = {.out = &document},
    };
    if (job.limit > MOST_ITEMS)
        job.limit = MOST_ITEMS;
    if (check(server, query, err) < 0 || views[query->view].write(&job, err) < 0)
        return err->code;
    kedge_buf_add(out, document.data, document.size);
    return 0;
}
