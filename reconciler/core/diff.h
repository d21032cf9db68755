/* SPDX-License-Identifier: Apache-2.0 */
/* desired against actual -> changes. Pure; nothing can fail. */
#pragma once

#include "state/change.h"

/* Every difference of the fleet, sorted by device and instance. One digest comparison for a device
 * in sync. */
const struct kedge_changes *kedge_diff_fleet(struct kedge_arena *arena,
                                             const struct kedge_desired *desired,
                                             const struct kedge_actual *actual);
/* The same for the devices named only (sorted, unique): the incremental pass. */
const struct kedge_changes *kedge_diff_devices(struct kedge_arena *arena,
                                               const struct kedge_desired *desired,
                                               const struct kedge_actual *actual,
                                               const char *const *devices, size_t count);
/* What a commit does to the fleet, without live state: each device is taken to hold what `before`
 * wants. */
const struct kedge_changes *kedge_diff_desired(struct kedge_arena *arena,
                                               const struct kedge_desired *before,
                                               const struct kedge_desired *after);
