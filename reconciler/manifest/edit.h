/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a manifest's text by hand-width: what is not meant stays byte for byte, comments, order
 * and layout included. The place is found by YAML's own marks, the change is a splice, and the result
 * is read again: it is given out only when it differs in what was meant and in nothing else. */
#pragma once

#include "state/spec.h"

/* Appends `text` to `out` with `signature` among the spec.signatures of the document at `line` (that
 * of its object): in place of the one with its keyId, else behind the others. KEDGE_EXISTS: it is
 * there already. KEDGE_UNSUPPORTED: not by a splice (an alias, say). */
int kedge_edit_sign(struct kedge_slice text, uint32_t line, const struct kedge_signature *signature,
                    struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
