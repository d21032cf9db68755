/* SPDX-License-Identifier: Apache-2.0 */
/* What two objects say, compared by the field tables: comments, layout and place do not count. */
#pragma once

#include "state/spec.h"

/* Do two objects of one kind say the same: name, labels, annotations and every field of their
 * spec? */
bool kedge_same_object(enum kedge_kind kind, const struct kedge_object *a,
                       const struct kedge_object *b);
/* The references that an object makes, at its own place, as the loader collects them: appends
 * struct kedge_reference whose strings live in `arena` or as long as the object. */
void kedge_same_references(enum kedge_kind kind, const struct kedge_object *object,
                           struct kedge_arena *arena, struct kedge_buf *out);
