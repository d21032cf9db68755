/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes may be a manifest: UTF-8 text whose lines every YAML reader counts alike. */
#pragma once

#include "state/finding.h"

/* Bytes of a UTF-8 byte order mark at the start: 3 or 0. */
size_t kedge_encoding_mark(struct kedge_slice data);
bool kedge_encoding_is_ascii(struct kedge_slice data);
/* The well-formed character at `at`, whose length base/utf8.h gave. */
uint32_t kedge_encoding_decode(const char *at, size_t length);
/* May a manifest hold it? Not: C0 and C1 controls but tab and line breaks, byte order marks,
 * non-characters U+FFFE and U+FFFF. */
bool kedge_encoding_is_printable(uint32_t character);
/* Adds a finding for the first character that is refused; true when there is none. */
bool kedge_encoding_check(struct kedge_slice data, const char *file,
                          struct kedge_findings *findings);
/* Makes a message that quotes foreign text one line of bearable length. */
void kedge_encoding_tidy(struct kedge_buf *message);
