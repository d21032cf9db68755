/* SPDX-License-Identifier: Apache-2.0 */
/* Do the secrets of a deployment reach what shall use them? As far as that can be told without a
 * key: a sealed text says for how many it is, not for whom. */
#pragma once

#include "state/desired.h"

/* Warns of each secret that is sealed for fewer recipients than the deployment has devices. */
void kedge_sealing_warn(const struct kedge_specs *specs, const struct kedge_deployment *deployment,
                        struct kedge_findings *findings);
/* Adds an error for secrets that nothing would get, and for each that is a variable of the runtime
 * already. */
void kedge_sealing_check(const struct kedge_desired_deployment *row,
                         struct kedge_findings *findings);
/* Which secrets are other ones than before, in words, in `arena`: "secret 'TOKEN' changed". NULL: none
 * is. What they hold nobody can compare. */
const char *kedge_sealing_news(struct kedge_arena *arena, const struct kedge_assignment *before,
                               const struct kedge_assignment *after);
