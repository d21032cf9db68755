/* SPDX-License-Identifier: Apache-2.0 */
/* Dependency depth of deployments: what has none is wave 1, what needs it wave 2, ... */
#pragma once

#include "state/desired.h"

struct kedge_wave {
    const char *deployment;
    uint32_t depth;
};

struct kedge_waves {
    const struct kedge_wave *at; /* by name */
    size_t count;
};

/* Of every deployment of the revision, in `arena`. A circle of dependencies has no depth: its
 * members end somewhere behind the rest, and wait for each other. */
struct kedge_waves kedge_wave_depths(struct kedge_arena *arena, const struct kedge_specs *specs);
/* 1 for a deployment that is not there. */
uint32_t kedge_wave_of(const struct kedge_waves *waves, const char *deployment);
