/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

/* A window that opens again before it closes stays open; beyond this many openings in a row it is
 * looked at again. */
enum { OPENINGS_MAX = 1000 };

static struct kedge_window_state state_at(const struct kedge_window *window, kedge_ms now)
{
    struct kedge_window_state state = {.window = window};
    kedge_ms start = kedge_cron_next(&window->cron, window->zone, now - window->duration);
    state.open = start != 0 && start <= now;
    state.turns = start;
    for (int i = 0; state.open && start != 0 && i < OPENINGS_MAX; i++) {
        if (start > state.turns)
            break; /* it has closed before it opens again */
        state.turns = start + window->duration;
        start = kedge_cron_next(&window->cron, window->zone, start);
    }
    return state;
}

struct kedge_windows kedge_window_states(struct kedge_arena *arena, const struct kedge_specs *specs,
                                         kedge_ms now)
{
    const struct kedge_table *table = specs->kinds[KEDGE_KIND_MAINTENANCE_WINDOW];
    size_t count = kedge_table_count(table);
    struct kedge_window_state *at = kedge_arena_array(arena, count, sizeof *at);
    struct kedge_table_iter iter = {0};
    for (size_t i = 0; i < count; i++)
        at[i] = state_at(kedge_table_next(table, &iter), now);
    return (struct kedge_windows){at, count};
}

static bool bears_on(const struct kedge_window *window, const struct kedge_device *device)
{
    bool everywhere = window->targets.devices.count == 0 && !window->targets.has_selector;
    return everywhere || kedge_spec_is_target(&window->targets, device);
}

/* Whichever turns first; one that never does comes last. */
static const struct kedge_window_state *sooner(const struct kedge_window_state *a,
                                               const struct kedge_window_state *b)
{
    if (a == NULL || (b->turns != 0 && (a->turns == 0 || b->turns < a->turns)))
        return b;
    return a;
}

const struct kedge_window_state *kedge_window_blocking(const struct kedge_windows *windows,
                                                       const struct kedge_device *device)
{
    const struct kedge_window_state *closed = NULL;
    bool allowed = false;
    for (size_t i = 0; i < windows->count; i++) {
        const struct kedge_window_state *state = &windows->at[i];
        if (!bears_on(state->window, device))
            continue;
        if (state->window->deny && state->open)
            return state;
        if (!state->window->deny && state->open)
            allowed = true;
        if (!state->window->deny && !state->open)
            closed = sooner(closed, state);
    }
    return allowed ? NULL : closed;
}
