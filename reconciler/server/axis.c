/* SPDX-License-Identifier: Apache-2.0 */
#include "axis.h"

#include <string.h>

#include "base/digest.h"

static const char *const sync_words[] = {
    [KEDGE_SYNC_UNKNOWN] = "Unknown",
    [KEDGE_SYNC_SYNCED] = "Synced",
    [KEDGE_SYNC_OUT_OF_SYNC] = "OutOfSync",
};
const struct kedge_words kedge_axis_sync_words = {sync_words, KEDGE_COUNT(sync_words)};

static const char *const connection_words[] = {
    [KEDGE_CONNECTION_UNKNOWN] = "Unknown",
    [KEDGE_CONNECTION_ONLINE] = "Online",
    [KEDGE_CONNECTION_OFFLINE] = "Offline",
};
const struct kedge_words kedge_axis_connection_words = {connection_words,
                                                        KEDGE_COUNT(connection_words)};

static const struct kedge_progress *find_progress(const struct kedge_actual_device *row,
                                                  const char *instance)
{
    for (uint32_t i = 0; row && i < row->report.progress_count; i++)
        if (strcmp(row->report.progress[i].instance, instance) == 0)
            return &row->report.progress[i];
    return NULL;
}

/* The smaller of two names, where NULL is larger than any. */
static const char *first_name(const char *a, const char *b)
{
    return !a ? b : !b ? a : strcmp(a, b) <= 0 ? a : b;
}

static bool is_next(const char *name, const char *next)
{
    return name && strcmp(name, next) == 0;
}

struct kedge_axis_line *kedge_axis_lines(struct kedge_arena *arena,
                                         const struct kedge_desired_device *desired,
                                         const struct kedge_actual_device *row,
                                         const struct kedge_step *steps, size_t step_count,
                                         size_t *count)
{
    size_t wants = desired ? desired->count : 0, haves = row ? row->report.instance_count : 0;
    struct kedge_axis_line *lines =
        kedge_arena_array(arena, wants + haves + step_count, sizeof *lines);
    size_t w = 0, h = 0, s = 0, n = 0;
    while (w < wants || h < haves || s < step_count) {
        const char *want = w < wants ? desired->assignments[w]->assignment.instance : NULL;
        const char *have = h < haves ? row->report.instances[h].instance : NULL;
        const char *step = s < step_count ? steps[s].change->instance : NULL;
        const char *name = first_name(first_name(want, have), step);
        lines[n++] = (struct kedge_axis_line){
            .instance = name,
            .want = is_next(want, name) ? desired->assignments[w++] : NULL,
            .have = is_next(have, name) ? &row->report.instances[h++] : NULL,
            .step = is_next(step, name) ? &steps[s++] : NULL,
            .progress = find_progress(row, name),
        };
    }
    *count = n;
    return lines;
}

static bool is_as_wanted(const struct kedge_assignment *want, const struct kedge_reported *have)
{
    return have && kedge_digest_equal(&want->content, &have->content) &&
           have->integrity == KEDGE_INTEGRITY_INTACT && have->state == want->state &&
           (have->verified || want->state == KEDGE_RUN_STOPPED);
}

enum kedge_sync kedge_axis_sync(const struct kedge_axis_line *line,
                                const struct kedge_actual_device *row)
{
    if (!row)
        return KEDGE_SYNC_UNKNOWN;
    bool same = line->want ? is_as_wanted(&line->want->assignment, line->have) : !line->have;
    return same ? KEDGE_SYNC_SYNCED : KEDGE_SYNC_OUT_OF_SYNC;
}

enum kedge_health kedge_axis_health(const struct kedge_axis_line *line,
                                    const struct kedge_actual_device *row)
{
    if (!row)
        return KEDGE_HEALTH_UNKNOWN;
    if (line->have)
        return line->have->health;
    return line->want ? KEDGE_HEALTH_MISSING : KEDGE_HEALTH_UNKNOWN;
}

static bool is_authorised(const struct kedge_actual_device *row, const char *instance)
{
    for (uint32_t i = 0; row && i < row->authorised.count; i++)
        if (strcmp(row->authorised.at[i], instance) == 0)
            return true;
    return false;
}

enum kedge_action_state kedge_axis_action(const struct kedge_axis_line *line,
                                          const struct kedge_peer *peer,
                                          const struct kedge_actual_device *row)
{
    if (!line->step)
        return line->progress ? line->progress->state : KEDGE_ACTION_SUCCEEDED;
    if (line->progress && (line->progress->state == KEDGE_ACTION_FAILED ||
                           line->progress->state == KEDGE_ACTION_ROLLED_BACK))
        return line->progress->state;
    if (line->step->blocker != KEDGE_BLOCKER_NONE)
        return KEDGE_ACTION_HELD;
    if (line->progress)
        return line->progress->state;
    bool destroys = line->step->change->verb == KEDGE_VERB_DESTROY;
    bool ordered = peer && peer->generation > 0 && is_authorised(row, line->instance) != destroys;
    return ordered ? KEDGE_ACTION_SENT : KEDGE_ACTION_PENDING;
}

enum kedge_sync kedge_axis_device_sync(const struct kedge_desired_device *desired,
                                       const struct kedge_actual_device *row)
{
    if (!row || !desired)
        return KEDGE_SYNC_UNKNOWN;
    return kedge_digest_equal(&desired->set, &row->set) ? KEDGE_SYNC_SYNCED
                                                        : KEDGE_SYNC_OUT_OF_SYNC;
}

/* From fine to bad. */
static int badness(enum kedge_health health)
{
    static const int order[] = {
        [KEDGE_HEALTH_HEALTHY] = 0,  [KEDGE_HEALTH_UNKNOWN] = 1, [KEDGE_HEALTH_PROGRESSING] = 2,
        [KEDGE_HEALTH_DEGRADED] = 3, [KEDGE_HEALTH_MISSING] = 4,
    };
    return order[health];
}

enum kedge_health kedge_axis_device_health(const struct kedge_desired_device *desired,
                                           const struct kedge_actual_device *row)
{
    if (!row)
        return KEDGE_HEALTH_UNKNOWN;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    size_t count;
    const struct kedge_axis_line *lines = kedge_axis_lines(&arena, desired, row, NULL, 0, &count);
    enum kedge_health worst = KEDGE_HEALTH_HEALTHY;
    for (size_t i = 0; i < count; i++) {
        enum kedge_health health = kedge_axis_health(&lines[i], row);
        if (badness(health) > badness(worst))
            worst = health;
    }
    return worst;
}

enum kedge_connection kedge_axis_connection(const struct kedge_peer *peer)
{
    if (!peer || !peer->seen)
        return KEDGE_CONNECTION_UNKNOWN;
    return peer->online ? KEDGE_CONNECTION_ONLINE : KEDGE_CONNECTION_OFFLINE;
}
