/* SPDX-License-Identifier: Apache-2.0 */
/* The units that run, and word of their end. Belongs to the loop's thread. */
#pragma once

#include <uv.h>

#include "kedge/runtime.h"
#include "state/assignment.h"

struct kedge_unit {
    char *instance;
    struct kedge_digest content;
    enum kedge_driver driver;
    struct kedge_runtime_status status;
    char endpoint[64];
    uv_poll_t *poll;           /* NULL: it does not end by itself */
    int fd;                    /* of the poll */
    struct kedge_units *units; /* weak */
    struct kedge_unit *next;
};

/* Called once when a unit has ended by itself; it is still listed. */
typedef void kedge_unit_ended(struct kedge_unit *unit, void *payload);

struct kedge_units {
    uv_loop_t *loop;
    kedge_unit_ended *ended;
    void *payload;
    struct kedge_unit *list;
};

struct kedge_unit *kedge_units_find(struct kedge_units *units, const char *instance,
                                    const struct kedge_digest *content);
/* Lists a running unit; `fd` (may be -1) is what kedge_runtime_ops.watch gave and is owned now. */
struct kedge_unit *kedge_units_add(struct kedge_units *units, const char *instance,
                                   const struct kedge_digest *content, enum kedge_driver driver,
                                   const struct kedge_runtime_status *status, const char *endpoint,
                                   int fd);
/* Forgets it; its end is no longer told. NULL is fine. */
void kedge_units_remove(struct kedge_units *units, struct kedge_unit *unit);
void kedge_units_clear(struct kedge_units *units);
