/* SPDX-License-Identifier: Apache-2.0 */
/* What each deployment claims: the versions it chooses, as assignments made once for all its
 * targets. The first half of resolve. */
#pragma once

#include "state/desired.h"

/* Table of struct kedge_desired_deployment in `arena`; rows whose deployment, versions and models
 * are those of `previous` (all-zero: none) are shared with it. A deployment whose versions cannot
 * be chosen has an error finding and no row. */
const struct kedge_table *kedge_claim_deployments(struct kedge_arena *arena,
                                                  const struct kedge_specs *specs,
                                                  const struct kedge_desired *previous,
                                                  struct kedge_findings *findings);
