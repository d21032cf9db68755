/* SPDX-License-Identifier: Apache-2.0 */
#include "census.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cycle.h"
#include "inside.h"

#define LARGE 10000 /* assignments from which on counting takes long enough to be spared */
#define FRESH 1000  /* ms */

void kedge_census_free(struct kedge_census *census)
{
    if (!census)
        return;
    kedge_arena_release(&census->arena);
    free(census);
}

static int compare_names(const void *a, const void *b)
{
    const struct kedge_census_instance *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* A row for every model and every application: what an instance can be named after. */
static void name_instances(struct kedge_census *census, const struct kedge_specs *specs)
{
    static const enum kedge_kind kinds[] = {KEDGE_KIND_MODEL, KEDGE_KIND_APPLICATION};
    size_t most = 0;
    for (size_t i = 0; i < KEDGE_COUNT(kinds); i++)
        most += kedge_table_count(specs->kinds[kinds[i]]);
    census->instances = kedge_arena_array(&census->arena, most, sizeof *census->instances);
    for (size_t i = 0; i < KEDGE_COUNT(kinds); i++) {
        const struct kedge_object *object;
        struct kedge_table_iter it = {0};
        while ((object = kedge_table_next(specs->kinds[kinds[i]], &it)))
            census->instances[census->instance_count++].name =
                kedge_arena_strdup(&census->arena, object->name);
    }
    if (census->instance_count)
        qsort(census->instances, census->instance_count, sizeof *census->instances, compare_names);
}

static struct kedge_census_instance *find(const struct kedge_census *census, const char *name)
{
    struct kedge_census_instance key = {.name = name};
    if (census->instance_count == 0)
        return NULL;
    return bsearch(&key, census->instances, census->instance_count, sizeof key, compare_names);
}

const struct kedge_census_instance *kedge_census_find(const struct kedge_census *census,
                                                      const char *instance)
{
    return find(census, instance);
}

static void count_device(struct kedge_census *census, const struct kedge_server *server,
                         const struct kedge_desired_device *desired)
{
    const struct kedge_actual_device *row = kedge_actual_find(&server->actual, desired->name);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    size_t count;
    if (kedge_identity_leaves(&server->actual.identities, desired->name)) {
        census->leaving++;
        return;
    }
    const struct kedge_axis_line *lines = kedge_axis_lines(&arena, desired, row, NULL, 0, &count);
    census->devices++;
    census->connection[kedge_axis_connection(kedge_peer_find(&server->peers, desired->name))]++;
    for (size_t i = 0; i < count; i++) {
        if (!lines[i].want)
            continue;
        enum kedge_sync sync = kedge_axis_sync(&lines[i], row);
        census->assignments++;
        census->sync[sync]++;
        census->health[kedge_axis_health(&lines[i], row)]++;
        struct kedge_census_instance *instance = find(census, lines[i].instance);
        if (instance) {
            instance->devices++;
            instance->sync[sync]++;
        }
    }
}

static void count_plan(struct kedge_census *census, const struct kedge_server *server, kedge_ms now)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_cycle_plan pass = kedge_cycle_plan(server, &arena, NULL, 0, now);
    census->released = pass.plan->released;
    census->held = pass.plan->held;
    census->drifted = pass.changes->drifted;
    memcpy(census->blockers, pass.plan->blockers, sizeof census->blockers);
}

static bool is_good(const struct kedge_census *census, const struct kedge_server *server,
                    kedge_ms now)
{
    if (!census)
        return false;
    if (now - census->made < FRESH && server->desired->assignments > LARGE)
        return true;
    /* Windows open and suspensions end without a change of state. */
    return census->version == server->version && (!server->wake || now < server->wake);
}

const struct kedge_census *kedge_census_take(struct kedge_server *server, kedge_ms now)
{
    if (is_good(server->census, server, now))
        return server->census;
    kedge_census_free(server->census);
    struct kedge_census *census = kedge_alloc_zeroed(sizeof *census);
    census->version = server->version;
    census->made = now;
    name_instances(census, server->desired->specs);
    const struct kedge_desired_device *device;
    struct kedge_table_iter it = {0};
    while ((device = kedge_table_next(server->desired->devices, &it)))
        count_device(census, server, device);
    count_plan(census, server, now);
    server->census = census;
    return census;
}
