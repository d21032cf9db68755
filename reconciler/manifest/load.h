/* SPDX-License-Identifier: Apache-2.0 */
/* tree -> specs: the one way into the typed manifests. */
#pragma once

#include "state/spec.h"

/* Reads all manifests of `tree`, on all cores. With a base, or with `previous` (may be NULL), only
 * the files that differ from it are parsed and its tables are edited, so the work is in proportion
 * to what changed; a tree with a base needs `previous` of that commit (else KEDGE_CONFLICT).
 *
 * Everything that is wrong goes to `findings`, in order; of an edited revision those of the changed
 * files and of the checks they bear on. With an error finding: KEDGE_INVALID, *out is left alone
 * and the previous revision stays as it is. A revision that declares nothing is an error too: it
 * means "stop", never "delete everything".
 *
 * *out and all below live in `pool` and in the pool of `previous`, which must stand as long (use one
 * pool; start a new one with a whole tree when it has grown). `tree` may go. Does not block, but on
 * the small files of time zones. */
int kedge_load_specs(struct kedge_arena *pool, const struct kedge_specs *previous,
                     const struct kedge_tree *tree, struct kedge_findings *findings,
                     const struct kedge_specs **out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* The same of a whole tree, but what could be read is given in spite of error findings: for programs
 * that help to mend what is wrong. An object with errors may lack members. */
int kedge_load_draft(struct kedge_arena *pool, const struct kedge_tree *tree,
                     struct kedge_findings *findings, const struct kedge_specs **out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
