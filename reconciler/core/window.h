/* SPDX-License-Identifier: Apache-2.0 */
/* Maintenance windows at one moment: which are open, and whether a device may be changed. */
#pragma once

#include "state/spec.h"

/* One window at the moment asked for. */
struct kedge_window_state {
    const struct kedge_window *window;
    bool open;
    kedge_ms turns; /* when it closes, or opens next; 0: never */
};

struct kedge_windows {
    const struct kedge_window_state *at; /* by name */
    size_t count;
};

/* State of every window of the revision at `now`, in `arena`. */
struct kedge_windows kedge_window_states(struct kedge_arena *arena, const struct kedge_specs *specs,
                                         kedge_ms now);
/* The window that forbids changes on the device: a deny window that is open, or, where allow
 * windows bear on the device and none is open, the one that opens first. NULL: changes are allowed.
 */
const struct kedge_window_state *kedge_window_blocking(const struct kedge_windows *windows,
                                                       const struct kedge_device *device);
