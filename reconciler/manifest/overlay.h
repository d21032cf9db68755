/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of one revision put into another: what a commit changes, taken in part. */
#pragma once

#include "state/spec.h"

/* One object: as it stands, and as it shall stand; either is NULL. */
struct kedge_overlay_edit {
    enum kedge_kind kind;
    const struct kedge_object *before, *after;
};

/* The revision `base` with `edits` made, as of `commit`; what they leave alone is shared, and the
 * work is in proportion to the files that they name. References are checked as in a revision that
 * is loaded: what does not stand goes to `findings`, with KEDGE_INVALID, and *out is left alone.
 * Lives in `arena`, and where `base` and the objects live. */
int kedge_overlay_specs(struct kedge_arena *arena, const struct kedge_specs *base,
                        const char *commit, const struct kedge_overlay_edit *edits, size_t count,
                        struct kedge_findings *findings, const struct kedge_specs **out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
