/* SPDX-License-Identifier: Apache-2.0 */
/* The four axes of DESIGN section 7 that people read states on. Each is asked alone: what is in sync
 * may be unhealthy, and what is held may be healthy. */
#pragma once

#include "peer.h"
#include "state/plan.h"

enum kedge_sync { KEDGE_SYNC_UNKNOWN, KEDGE_SYNC_SYNCED, KEDGE_SYNC_OUT_OF_SYNC };
#define KEDGE_SYNC_COUNT 3
extern const struct kedge_words kedge_axis_sync_words; /* "Unknown", "Synced", "OutOfSync" */

enum kedge_connection {
    KEDGE_CONNECTION_UNKNOWN,
    KEDGE_CONNECTION_ONLINE,
    KEDGE_CONNECTION_OFFLINE
};
extern const struct kedge_words kedge_axis_connection_words; /* "Unknown", "Online", "Offline" */

/* One instance on one device, from every side. Members that do not apply are NULL. */
struct kedge_axis_line {
    const char *instance;
    const struct kedge_desired_assignment *want;
    const struct kedge_reported *have;
    const struct kedge_progress *progress;
    const struct kedge_step *step;
};

/* Everything that is wanted, held or planned on a device, sorted by instance, in `arena`. `desired`
 * and `row` may be NULL; `steps` are the device's own. */
struct kedge_axis_line *kedge_axis_lines(struct kedge_arena *arena,
                                         const struct kedge_desired_device *desired,
                                         const struct kedge_actual_device *row,
                                         const struct kedge_step *steps, size_t step_count,
                                         size_t *count);

enum kedge_sync kedge_axis_sync(const struct kedge_axis_line *line,
                                const struct kedge_actual_device *row);
enum kedge_health kedge_axis_health(const struct kedge_axis_line *line,
                                    const struct kedge_actual_device *row);
enum kedge_action_state kedge_axis_action(const struct kedge_axis_line *line,
                                          const struct kedge_peer *peer,
                                          const struct kedge_actual_device *row);
/* The device as a whole. */
enum kedge_sync kedge_axis_device_sync(const struct kedge_desired_device *desired,
                                       const struct kedge_actual_device *row);
/* The worst of its instances. */
enum kedge_health kedge_axis_device_health(const struct kedge_desired_device *desired,
                                           const struct kedge_actual_device *row);
enum kedge_connection kedge_axis_connection(const struct kedge_peer *peer);
