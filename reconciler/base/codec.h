/* SPDX-License-Identifier: Apache-2.0 */
/* Strict hex and base64. */
#pragma once

#include "buf.h"
#include "kedge/err.h"

/* Lower-case hex; `text` holds 2 * size + 1 bytes. */
char *kedge_hex_encode(const uint8_t *bytes, size_t size, char *text);
/* Exactly 2 * size lower-case hex digits, else false. */
bool kedge_hex_decode(const char *text, size_t length, uint8_t *bytes, size_t size);
/* Standard alphabet, padded. */
void kedge_base64_encode(struct kedge_buf *out, const void *bytes, size_t size);
/* Standard or URL-safe alphabet (never mixed), padded, no white space, no spare bits; else
 * KEDGE_INVALID. Appends. */
int kedge_base64_decode(struct kedge_buf *out, const char *text, size_t length,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
