/* SPDX-License-Identifier: Apache-2.0 */
#include "rng.h"

#include <stdlib.h>

struct kedge_rng kedge_rng_make(uint64_t seed)
{
    const char *given = getenv("KEDGE_SEED");
    if (given && *given)
        seed = strtoull(given, NULL, 10);
    /* Spreads small seeds over all bits; xorshift must not start at 0. */
    uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15u;
    return (struct kedge_rng){.state = state ? state : 1};
}

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
uint64_t kedge_rng_next(struct kedge_rng *rng)
{
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return rng->state * 0x2545f4914f6cdd1du;
}

size_t kedge_rng_below(struct kedge_rng *rng, size_t below)
{
    return (size_t)((kedge_rng_next(rng) >> 11) % below);
}

bool kedge_rng_chance(struct kedge_rng *rng, unsigned percent)
{
    return kedge_rng_below(rng, 100) < percent;
}
