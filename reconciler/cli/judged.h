/* SPDX-License-Identifier: Apache-2.0 */
/* What policy would hold of a change, before it is pushed: as a server judges, with its own code. */
#pragma once

#include "core/rights.h"
#include "revision.h"

/* One change from `before` to `after`, both valid, signed by `principal` (or the SHA256: fingerprint
 * of a key), judged by the policies of `before`: an error finding, rule "policy", for each object and
 * each sort of change on devices that would be held. It is taken for granted that everything in
 * `before` is in force. */
void kedge_judged_check(const struct kedge_revision *before, const struct kedge_revision *after,
                        const char *principal, struct kedge_findings *findings);
/* The same for a file that says who may sign. */
void kedge_judged_check_file(const struct kedge_revision *before, const char *path,
                             const char *principal, struct kedge_findings *findings);
