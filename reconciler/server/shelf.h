/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of root documents, N.root.json each: how people publish them. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "kedge/err.h"

/* The documents from the lowest version on, one after the other, in `arena`. KEDGE_NOTFOUND: the
 * folder holds none. KEDGE_INVALID: the lowest is not of the version that its name says. */
int kedge_shelf_read(const char *folder, struct kedge_arena *arena, struct kedge_slice **out,
                     size_t *count, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends one version. KEDGE_NOTFOUND: it is not there. */
int kedge_shelf_next(const char *folder, int64_t version, struct kedge_buf *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
