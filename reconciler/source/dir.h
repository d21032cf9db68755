/* SPDX-License-Identifier: Apache-2.0 */
/* A plain folder as a tree: for `kedge validate` without Git, and for tests. */
#pragma once

#include "kedge/err.h"
#include "state/tree.h"

/* Reads every manifest below the folder at `path`, by the rule of kedge_tree_is_manifest. Links are
 * not followed, so nothing outside is read: a linked manifest becomes a refused entry, as does one
 * larger than KEDGE_LIMIT_MANIFEST or one that is no regular file. `blob` is not Git's id but the
 * beginning of the content's SHA-256. KEDGE_NOTFOUND, KEDGE_LIMIT, KEDGE_IO. Blocks on the disk.
 * Release *out with kedge_tree_release. */
int kedge_dir_read(const char *path, struct kedge_tree *out,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
