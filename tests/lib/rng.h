/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for property tests: the same seed gives the same numbers on every machine. */
#pragma once

#include "kedge/types.h"

struct kedge_rng {
    uint64_t state;
};

/* Seeded with `seed`, or with $KEDGE_SEED (decimal) when that is set: print the seed where a test
 * fails. */
struct kedge_rng kedge_rng_make(uint64_t seed);
uint64_t kedge_rng_next(struct kedge_rng *rng);
/* Within [0, below); below > 0. */
size_t kedge_rng_below(struct kedge_rng *rng, size_t below);
/* True with `percent` chance. */
bool kedge_rng_chance(struct kedge_rng *rng, unsigned percent);
