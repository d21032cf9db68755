/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a file: what was reviewed is what is applied, or nothing is. */
#pragma once

#include "state/plan.h"

#define KEDGE_SEAL_FORMAT "kedge.dev/sealed-plan/v1"
#define KEDGE_SEAL_LIMIT  KEDGE_GIB(1) /* a plan of a million changes */

/* What binds a plan to the moment it was made. */
struct kedge_seal {
    char commit[KEDGE_COMMIT_TEXT];
    struct kedge_digest inventory, plan;
};

/* Appends {"format","made","commit","inventory","digest","plan":<as kedge_plan_write>}. */
void kedge_seal_write(const struct kedge_plan *plan, const struct kedge_changes *changes,
                      kedge_ms now, struct kedge_buf *out);
/* KEDGE_INVALID: not such a file. */
int kedge_seal_read(struct kedge_slice file, struct kedge_seal *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_CONFLICT when the head of the repository is another commit than the sealed one. */
int kedge_seal_check_head(const struct kedge_seal *seal, const char *head,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_CONFLICT naming what moved: the commit, the inventory, or (a window that has closed since)
 * the decisions. */
int kedge_seal_check(const struct kedge_seal *seal, const struct kedge_plan *plan,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* What people have read in `file` is this very plan: KEDGE_CONFLICT when somebody has edited it. */
int kedge_seal_check_text(struct kedge_slice file, const struct kedge_plan *plan,
                          const struct kedge_changes *changes,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
