/* SPDX-License-Identifier: Apache-2.0 */
/* Two tree objects side by side: what lies below one and not, or otherwise, below the other.
 *
 * Folders of equal id are never entered, so the work is in proportion to what differs; libgit2's
 * own tree diff reads everything. */
#pragma once

#include "handle.h"

/* Fills `out->entries` with the manifests that differ between tree `before` (NULL: empty) and tree
 * `after`, without their contents: `refused` is set where the name or the kind of entry forbids
 * reading; an entry of a path that is gone has a zero blob id. Sorted by path. */
int kedge_walk_compare(struct kedge_git *git, const git_oid *before, const git_oid *after,
                       struct kedge_tree *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads the contents of every entry that is neither gone nor refused. On one thread: libgit2's
 * locks make two slower than one (0.33 s against 0.25 s for 100,000 files). */
int kedge_walk_read(struct kedge_git *git, struct kedge_tree *tree,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
