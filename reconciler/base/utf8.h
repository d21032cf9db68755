/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8 (RFC 3629). */
#pragma once

#include "kedge/types.h"

/* Bytes of the well-formed character at `at` (1 to 4, at most `size`); 0 when there is none. */
size_t kedge_utf8_character(const char *at, size_t size);
/* Bytes at the start of `text` that JSON writes as they are, ASCII alone: up to a quote, a backslash,
 * a control character or a byte of a longer character. */
size_t kedge_utf8_plain(const char *text, size_t size);
