/* SPDX-License-Identifier: Apache-2.0 */
/* specs -> desired. Pure. */
#pragma once

#include "state/desired.h"

/* Fresh desired state of `specs` in `arena`, sharing rows with `previous` (may be NULL; made from
 * an earlier revision whose memory still stands) where nothing that bears on them changed: work in
 * proportion to what changed. The highest version that is in range and ready (a draft only where
 * the range is exact) is chosen. An Application brings its models as assignments of the same
 * bundle. Findings: two deployments that claim one instance on one device (both named, with the
 * first device and how many more), a range that nothing satisfies, a selector that matches nothing
 * (warning). With an error finding: KEDGE_INVALID, and *out is left alone. */
int kedge_resolve_desired(struct kedge_arena *arena, const struct kedge_specs *specs,
                          const struct kedge_desired *previous, struct kedge_findings *findings,
                          const struct kedge_desired **out, struct kedge_err *err) KEDGE_MUST_CHECK;
