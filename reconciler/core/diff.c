/* SPDX-License-Identifier: Apache-2.0 */
#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"

/* A reason that was put into words: a fleet has few, so most are told again and again. */
struct told {
    const struct kedge_desired_assignment *want;
    const char *from; /* version held, or NULL */
    bool lost;
    const char *news; /* of an update, or NULL */
    const char *reason;
};

enum { TOLD = 64 };

struct pass {
    struct kedge_arena *arena;
    const struct kedge_desired *desired;
    const struct kedge_identities *identities; /* of live devices, or NULL */
    const struct kedge_desired *before; /* where deployments that are gone are looked up, or NULL */
    struct kedge_buf found;             /* struct kedge_change */
    struct kedge_changes changes;
    struct told told[TOLD];
};

/* One device: what it must hold and what it holds. */
struct pair {
    const struct kedge_desired_device *desired; /* NULL: it has left the manifests */
    const struct kedge_actual_device *actual;   /* NULL: it never reported */
};

static void add(struct pass *pass, const struct pair *pair, struct kedge_change change)
{
    change.desired = pair->desired;
    change.actual = pair->actual;
    change.device = pair->desired != NULL ? pair->desired->name : pair->actual->name;
    change.instance =
        change.want != NULL ? change.want->assignment.instance : change.have->instance;
    change.from = change.have != NULL ? change.have->version : NULL;
    change.to = change.want != NULL ? change.want->assignment.version : NULL;
    pass->changes.verbs[change.verb]++;
    pass->changes.drifted += change.drift != KEDGE_DRIFT_NONE;
    kedge_buf_add(&pass->found, &change, sizeof change);
}

static bool is_listed(const struct kedge_strings *sorted, const char *text)
{
    uint32_t low = 0, high = sorted->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(sorted->at[middle], text);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_in_progress(const struct kedge_report *report, const char *instance)
{
    for (uint32_t i = 0; i < report->progress_count; i++)
        if (strcmp(report->progress[i].instance, instance) == 0)
            return true;
    return false;
}

/* The device was told to hold it, has taken that order, does nothing about it and does not hold
 * it: it was there and is gone. */
static bool is_lost(const struct kedge_actual_device *actual, const char *instance)
{
    return actual != NULL && actual->generation > 0 &&
           actual->report.generation == actual->generation &&
           is_listed(&actual->authorised, instance) && !is_in_progress(&actual->report, instance);
}

static const char *deploy_reason(struct kedge_arena *arena, const char *to, bool lost)
{
    return kedge_arena_printf(arena,
                              lost ? "version %s was held and is gone from the device"
                                   : "version %s is wanted, none is held",
                              to);
}

static const char *update_reason(struct kedge_arena *arena, const char *to, const char *from,
                                 const char *news)
{
    if (strcmp(to, from) == 0)
        return kedge_arena_printf(arena,
                                  "version %s is wanted with other settings than it is held%s%s",
                                  to, news != NULL ? ": " : "", news != NULL ? news : "");
    return kedge_arena_printf(arena, "version %s is wanted, %s is held", to, from);
}

/* The reason of a deploy (`from` NULL) or an update, in the words used before where they fit. */
static const char *tell(struct pass *pass, const struct kedge_desired_assignment *want,
                        const char *from, bool lost, const char *news)
{
    struct told *told = &pass->told[(uintptr_t)want / sizeof *want % TOLD];
    if (told->want == want && told->lost == lost && told->news == news &&
        (told->from == NULL) == (from == NULL) && (from == NULL || strcmp(told->from, from) == 0))
        return told->reason;
    const char *to = want->assignment.version;
    const char *reason = from != NULL ? update_reason(pass->arena, to, from, news)
                                      : deploy_reason(pass->arena, to, lost);
    *told = (struct told){want, from, lost, news, reason};
    return reason;
}

static void add_deploy(struct pass *pass, const struct pair *pair,
                       const struct kedge_desired_assignment *want)
{
    bool lost = is_lost(pair->actual, want->assignment.instance);
    add(pass, pair,
        (struct kedge_change){
            .verb = KEDGE_VERB_DEPLOY,
            .drift = lost ? KEDGE_DRIFT_MISSING : KEDGE_DRIFT_NONE,
            .want = want,
            .reason = tell(pass, want, NULL, lost, NULL),
        });
}

static void add_update(struct pass *pass, const struct pair *pair,
                       const struct kedge_desired_assignment *want,
                       const struct kedge_reported *have)
{
    bool followed = kedge_digest_equal(&have->content, &want->before);
    add(pass, pair,
        (struct kedge_change){
            .verb = KEDGE_VERB_UPDATE,
            .want = want,
            .have = have,
            .reason = tell(pass, want, have->version != NULL ? have->version : "something unknown",
                           false, followed ? want->news : NULL),
        });
}

/* The right content, but not as it was installed. */
static void add_repair(struct pass *pass, const struct pair *pair,
                       const struct kedge_desired_assignment *want,
                       const struct kedge_reported *have)
{
    bool gone = have->integrity == KEDGE_INTEGRITY_MISSING;
    add(pass, pair,
        (struct kedge_change){
            .verb = gone ? KEDGE_VERB_DEPLOY : KEDGE_VERB_UPDATE,
            .drift = gone ? KEDGE_DRIFT_MISSING : KEDGE_DRIFT_MODIFIED,
            .want = want,
            .have = have,
            .reason = gone ? "its files are gone from the device"
                           : "its files were changed on the device",
        });
}

static void add_start_or_stop(struct pass *pass, const struct pair *pair,
                              const struct kedge_desired_assignment *want,
                              const struct kedge_reported *have)
{
    bool start = want->assignment.state == KEDGE_RUN_RUNNING;
    add(pass, pair,
        (struct kedge_change){
            .verb = start ? KEDGE_VERB_START : KEDGE_VERB_STOP,
            .want = want,
            .have = have,
            .reason = start ? "it is stopped and must run" : "it runs and must be stopped",
        });
}

/* A repair also brings the wanted run state, so one change an instance is enough. */
static void compare_instance(struct pass *pass, const struct pair *pair,
                             const struct kedge_desired_assignment *want,
                             const struct kedge_reported *have)
{
    if (!kedge_digest_equal(&want->assignment.content, &have->content))
        add_update(pass, pair, want, have);
    else if (have->integrity == KEDGE_INTEGRITY_MODIFIED ||
             have->integrity == KEDGE_INTEGRITY_MISSING)
        add_repair(pass, pair, want, have);
    else if (want->assignment.state != have->state)
        add_start_or_stop(pass, pair, want, have);
}

/* May an instance of this deployment be removed from devices that are no longer targets? */
static bool is_pruned(const struct pass *pass, const char *deployment)
{
    const struct kedge_deployment *found = NULL;
    if (deployment != NULL)
        found = kedge_spec_find(pass->desired->specs, KEDGE_KIND_DEPLOYMENT, deployment);
    if (found == NULL && deployment != NULL && pass->before != NULL)
        found = kedge_spec_find(pass->before->specs, KEDGE_KIND_DEPLOYMENT, deployment);
    return found == NULL || found->prune;
}

static void add_destroy(struct pass *pass, const struct pair *pair,
                        const struct kedge_reported *have)
{
    bool foreign = have->integrity == KEDGE_INTEGRITY_EXTRA || kedge_digest_is_zero(&have->content);
    bool extra = foreign && !is_listed(&pair->actual->authorised, have->instance);
    if (!extra && !is_pruned(pass, have->deployment))
        return;
    add(pass, pair,
        (struct kedge_change){
            .verb = KEDGE_VERB_DESTROY,
            .drift = extra ? KEDGE_DRIFT_EXTRA : KEDGE_DRIFT_NONE,
            .have = have,
            .reason = extra                   ? "it is on the device and nobody put it there"
                      : pair->desired == NULL ? "the device has left the manifests"
                                              : "no deployment wants it on this device any more",
        });
}

/* What the repository asks for beyond what is in force. */
static struct kedge_change change_refused(const struct pair *pair,
                                          const struct kedge_desired_refusal *refused)
{
    const struct kedge_desired_assignment *want = refused->wanted, *kept = refused->kept;
    enum kedge_verb verb = KEDGE_VERB_UPDATE;
    if (want == NULL)
        verb = KEDGE_VERB_DESTROY;
    else if (kept == NULL)
        verb = KEDGE_VERB_DEPLOY;
    else if (kedge_digest_equal(&want->assignment.content, &kept->assignment.content))
        verb = want->assignment.state == KEDGE_RUN_RUNNING ? KEDGE_VERB_START : KEDGE_VERB_STOP;
    return (struct kedge_change){
        .verb = verb,
        .desired = pair->desired,
        .actual = pair->actual,
        .device = pair->desired->name,
        .instance = refused->instance,
        .want = want,
        .have = pair->actual != NULL ? kedge_report_find(&pair->actual->report, refused->instance)
                                     : NULL,
        .from = kept != NULL ? kept->assignment.version : NULL,
        .to = want != NULL ? want->assignment.version : NULL,
        .refused = refused,
        .reason = "the repository says so",
    };
}

static int compare_changes(const void *left, const void *right)
{
    const struct kedge_change *a = left, *b = right;
    return strcmp(a->instance, b->instance);
}

/* Between the changes of a device that were found from `first` on. What is yet to be done of what is
 * in force comes first; a device that never reported has nothing done. */
static void compare_refused(struct pass *pass, const struct pair *pair, size_t first)
{
    const struct kedge_desired_refused *row =
        pair->desired != NULL ? kedge_table_find(pass->desired->refused, pair->desired->name)
                              : NULL;
    size_t known = (pass->found.size - first) / sizeof(struct kedge_change);
    for (uint32_t i = 0; row != NULL && i < row->count; i++) {
        const struct kedge_change change = change_refused(pair, &row->at[i]);
        struct kedge_change *found = NULL;
        if (known > 0)
            found =
                bsearch(&change, pass->found.data + first, known, sizeof change, compare_changes);
        if (found != NULL && pair->actual != NULL)
            continue;
        pass->changes.verbs[change.verb]++;
        if (found != NULL) {
            pass->changes.verbs[found->verb]--;
            *found = change;
        } else {
            kedge_buf_add(&pass->found, &change, sizeof change);
        }
    }
    size_t count = (pass->found.size - first) / sizeof(struct kedge_change);
    if (count > known && known > 0)
        qsort(pass->found.data + first, count, sizeof(struct kedge_change), compare_changes);
}

/* Both sides are sorted by instance. */
static void compare_instances(struct pass *pass, const struct pair *pair)
{
    uint32_t wanted = pair->desired != NULL ? pair->desired->count : 0;
    uint32_t held = pair->actual != NULL ? pair->actual->report.instance_count : 0;
    for (uint32_t w = 0, h = 0; w < wanted || h < held;) {
        const struct kedge_desired_assignment *want =
            w < wanted ? pair->desired->assignments[w] : NULL;
        const struct kedge_reported *have = h < held ? &pair->actual->report.instances[h] : NULL;
        int order = want == NULL   ? 1
                    : have == NULL ? -1
                                   : strcmp(want->assignment.instance, have->instance);
        if (order < 0)
            add_deploy(pass, pair, want);
        else if (order > 0)
            add_destroy(pass, pair, have);
        else
            compare_instance(pass, pair, want, have);
        w += order <= 0;
        h += order >= 0;
    }
}

static void compare_device(struct pass *pass, const struct kedge_desired_device *desired,
                           const struct kedge_actual_device *actual)
{
    const char *name = desired != NULL ? desired->name : actual->name;
    if (pass->identities != NULL && kedge_identity_leaves(pass->identities, name))
        return; /* told to erase all it has: nothing is wanted of it any more */
    pass->changes.unknown += actual == NULL;
    const struct pair pair = {desired, actual};
    size_t before = pass->found.size;
    if (desired == NULL || actual == NULL || !kedge_digest_equal(&desired->set, &actual->set))
        compare_instances(pass, &pair);
    if (pass->desired->refused != NULL)
        compare_refused(pass, &pair, before);
    pass->changes.devices += pass->found.size > before;
}

/* The changes as the caller gets them; the pass is over. */
static const struct kedge_changes *finish(struct pass *pass)
{
    struct kedge_changes *changes = kedge_arena_new(pass->arena, struct kedge_changes);
    size_t count = pass->found.size / sizeof(struct kedge_change);
    struct kedge_change *at = kedge_arena_array(pass->arena, count, sizeof *at);
    if (count > 0)
        memcpy(at, pass->found.data, pass->found.size);
    *changes = pass->changes;
    changes->at = at;
    changes->count = count;
    kedge_buf_release(&pass->found);
    return changes;
}

const struct kedge_changes *kedge_diff_fleet(struct kedge_arena *arena,
                                             const struct kedge_desired *desired,
                                             const struct kedge_actual *actual)
{
    struct pass pass = {.arena = arena, .desired = desired, .identities = &actual->identities};
    struct kedge_table_iter iter = {0};
    const struct kedge_desired_device *row = kedge_table_next(desired->devices, &iter);
    for (size_t i = 0; row != NULL || i < actual->count;) {
        const struct kedge_actual_device *held = i < actual->count ? actual->at[i] : NULL;
        int order = row == NULL ? 1 : held == NULL ? -1 : strcmp(row->name, held->name);
        compare_device(&pass, order <= 0 ? row : NULL, order >= 0 ? held : NULL);
        if (order <= 0)
            row = kedge_table_next(desired->devices, &iter);
        i += order >= 0;
    }
    return finish(&pass);
}

const struct kedge_changes *kedge_diff_devices(struct kedge_arena *arena,
                                               const struct kedge_desired *desired,
                                               const struct kedge_actual *actual,
                                               const char *const *devices, size_t count)
{
    struct pass pass = {.arena = arena, .desired = desired, .identities = &actual->identities};
    for (size_t i = 0; i < count; i++) {
        const struct kedge_desired_device *row = kedge_table_find(desired->devices, devices[i]);
        const struct kedge_actual_device *held = kedge_actual_find(actual, devices[i]);
        if (row != NULL || held != NULL)
            compare_device(&pass, row, held);
    }
    return finish(&pass);
}

/* A device that holds all that `before` wants of it, verified. */
static const struct kedge_actual_device *pretend(struct kedge_arena *arena,
                                                 const struct kedge_desired_device *before,
                                                 const char *name)
{
    uint32_t count = before != NULL ? before->count : 0;
    struct kedge_actual_device *actual = kedge_arena_new(arena, struct kedge_actual_device);
    struct kedge_reported *instances = kedge_arena_array(arena, count, sizeof *instances);
    for (uint32_t i = 0; i < count; i++) {
        const struct kedge_assignment *assignment = &before->assignments[i]->assignment;
        instances[i] = (struct kedge_reported){
            .instance = assignment->instance,
            .deployment = assignment->deployment,
            .version = assignment->version,
            .content = assignment->content,
            .state = assignment->state,
            .health = KEDGE_HEALTH_HEALTHY,
            .verified = true,
        };
    }
    actual->name = name;
    actual->report.device = name;
    actual->report.instances = instances;
    actual->report.instance_count = count;
    kedge_actual_device_seal(actual);
    return actual;
}

static void see_device(const void *before, const void *after, void *payload)
{
    struct pass *pass = payload;
    const struct kedge_desired_device *old = before, *now = after;
    if (old != NULL && now != NULL && kedge_digest_equal(&old->set, &now->set))
        return;
    compare_device(pass, now, pretend(pass->arena, old, old != NULL ? old->name : now->name));
}

const struct kedge_changes *kedge_diff_desired(struct kedge_arena *arena,
                                               const struct kedge_desired *before,
                                               const struct kedge_desired *after)
{
    struct pass pass = {.arena = arena, .desired = after, .before = before};
    kedge_table_diff(before->devices, after->devices, see_device, &pass);
    return finish(&pass);
}
