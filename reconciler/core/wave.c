/* SPDX-License-Identifier: Apache-2.0 */
#include "wave.h"

#include <string.h>

/* Longer chains are no sensible rollout; the bound also ends a circle. */
enum { DEPTH_MAX = 100 };

static const struct kedge_wave *find(const struct kedge_wave *at, size_t count,
                                     const char *deployment)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(at[middle].deployment, deployment);
        if (order == 0)
            return &at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Puts the deployment behind all it depends on; false when it is there already. */
static bool push_back(const struct kedge_wave *at, size_t count, struct kedge_wave *wave,
                      const struct kedge_strings *depends_on)
{
    uint32_t depth = wave->depth;
    for (uint32_t i = 0; i < depends_on->count; i++) {
        const struct kedge_wave *needed = find(at, count, depends_on->at[i]);
        if (needed != NULL && needed->depth >= depth)
            depth = needed->depth + 1;
    }
    bool moved = depth != wave->depth;
    wave->depth = depth;
    return moved;
}

struct kedge_waves kedge_wave_depths(struct kedge_arena *arena, const struct kedge_specs *specs)
{
    const struct kedge_table *table = specs->kinds[KEDGE_KIND_DEPLOYMENT];
    size_t count = kedge_table_count(table);
    struct kedge_wave *at = kedge_arena_array(arena, count, sizeof *at);
    struct kedge_table_iter iter = {0};
    for (size_t i = 0; i < count; i++) {
        const struct kedge_deployment *deployment = kedge_table_next(table, &iter);
        at[i] = (struct kedge_wave){deployment->object.name, 1};
    }
    bool moved = true;
    for (int round = 0; moved && round < DEPTH_MAX; round++) {
        moved = false;
        iter = (struct kedge_table_iter){0};
        for (size_t i = 0; i < count; i++) {
            const struct kedge_deployment *deployment = kedge_table_next(table, &iter);
            moved |= push_back(at, count, &at[i], &deployment->depends_on);
        }
    }
    return (struct kedge_waves){at, count};
}

uint32_t kedge_wave_of(const struct kedge_waves *waves, const char *deployment)
{
    const struct kedge_wave *found = find(waves->at, waves->count, deployment);
    return found != NULL ? found->depth : 1;
}
