/* SPDX-License-Identifier: Apache-2.0 */
/* Rules across files. Claims of several deployments on one instance, selectors without a match and
 * ranges without a version are found where devices are resolved, in core/resolve. */
#pragma once

#include "state/spec.h"

/* Names that nothing bears, (model, version) twice, deployments that wait for each other, drafts
 * that an exact version deploys. Work over all objects but devices. */
void kedge_check_specs(const struct kedge_specs *specs, struct kedge_findings *findings);

/* A version names one artifact for ever: an error for each ModelVersion whose model and version
 * were in `before` with another digest. */
void kedge_check_immutable(const struct kedge_specs *before, const struct kedge_specs *after,
                           struct kedge_findings *findings);
