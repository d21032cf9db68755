/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet in numbers, counted when somebody asks and kept until something changes. */
#pragma once

#include "axis.h"
#include "server.h"

struct kedge_census_instance {
    const char *name; /* owned by the census */
    size_t devices, sync[KEDGE_SYNC_COUNT];
};

struct kedge_census {
    struct kedge_arena arena;
    uint64_t version; /* of the server's state */
    kedge_ms made;
    size_t devices, connection[3]; /* by enum kedge_connection */
    size_t leaving;                /* decommissioned, or about to be: counted nowhere else */
    size_t assignments, sync[KEDGE_SYNC_COUNT];
    size_t health[KEDGE_HEALTH_MISSING + 1];
    size_t released, held, drifted;
    size_t blockers[KEDGE_BLOCKER_COUNT];
    struct kedge_census_instance *instances; /* sorted by name */
    size_t instance_count;
};

/* Borrowed until the next step. Of a large fleet it may be a second old. A commit must be in force.
 */
const struct kedge_census *kedge_census_take(struct kedge_server *server, kedge_ms now);
/* NULL when nobody wants it. */
const struct kedge_census_instance *kedge_census_find(const struct kedge_census *census,
                                                      const char *instance);
void kedge_census_free(struct kedge_census *census);
