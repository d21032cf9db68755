/* SPDX-License-Identifier: Apache-2.0 */
/* Armor: bytes as text between a BEGIN and an END line, the strict form of PEM (RFC 7468 section 3,
 * figure 3). */
#pragma once

#include "buf.h"
#include "kedge/err.h"

void kedge_armor_encode(struct kedge_buf *out, const char *label, const void *bytes, size_t size);
/* Does the text begin as armor with this label does, perhaps behind white space? */
bool kedge_armor_is(struct kedge_slice text, const char *label);
/* One block and nothing else but white space around it: no headers, lines of exactly 64 characters
 * but the last, canonical base64, LF or CR LF. KEDGE_INVALID. Appends. */
int kedge_armor_decode(struct kedge_buf *out, struct kedge_slice text, const char *label,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
