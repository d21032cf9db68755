/* SPDX-License-Identifier: Apache-2.0 */
/* Files -> the tables of a revision, by editing those of the revision before. */
#pragma once

#include "state/spec.h"

/* One file before and after; either is NULL. */
struct kedge_index_change {
    const struct kedge_file *before, *after;
    const struct kedge_references *references; /* of `after`, or NULL */
};

/* What an edit has done, for the checks that follow from it. */
struct kedge_index_effect {
    bool devices_removed;
    bool others_changed; /* objects other than devices */
};

/* Makes `specs`, which holds the tables of the revision before (all NULL: none), hold those after
 * `changes` (sorted by path). Tables live in `arena`. Names declared twice become findings. */
void kedge_index_apply(struct kedge_arena *arena, struct kedge_specs *specs,
                       const struct kedge_index_change *changes, size_t count,
                       struct kedge_findings *findings, struct kedge_index_effect *effect);
