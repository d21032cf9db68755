/* SPDX-License-Identifier: Apache-2.0 */
/* changes -> plan: release or hold, each hold with a named blocker and what frees it. Pure; time is
 * an argument. */
#pragma once

#include "state/plan.h"

/* `actual` gives health of dependencies and the destroy budget's base. Every rule of plan.h's
 * blockers is one row of a table, asked in that order; the first that holds names the blocker. */
const struct kedge_plan *kedge_schedule_plan(struct kedge_arena *arena,
                                             const struct kedge_changes *changes,
                                             const struct kedge_desired *desired,
                                             const struct kedge_actual *actual, kedge_ms now);
