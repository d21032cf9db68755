/* SPDX-License-Identifier: Apache-2.0 */
/* Can this device run this version at all? */
#pragma once

#include "state/change.h"

/* What the device lacks ("needs arch arm64, the device has amd64"), in `arena`; NULL when the
 * version fits. What neither the report nor the manifest says is not held against the device: it
 * looks for itself before it acts. */
const char *kedge_fit_lack(struct kedge_arena *arena, const struct kedge_desired_assignment *want,
                           const struct kedge_device *device,
                           const struct kedge_actual_device *actual);
/* Bytes of disk that fetching and installing takes while the old version is still there. */
int64_t kedge_fit_disk(const struct kedge_desired_assignment *want);
