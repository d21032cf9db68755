/* SPDX-License-Identifier: Apache-2.0 */
/* Bech32 (BIP 173), without its limit on length, as age writes its keys. */
#pragma once

#include "buf.h"
#include "kedge/err.h"

/* Appends `prefix`, "1", the bytes and a checksum. `prefix` is lower case. */
void kedge_bech32_encode(struct kedge_buf *out, const char *prefix, const uint8_t *bytes,
                         size_t size);
/* Exactly `size` bytes behind exactly this prefix, all in one case; else KEDGE_INVALID, with a
 * message that does not repeat the text. */
int kedge_bech32_decode(const char *text, const char *prefix, uint8_t *bytes, size_t size,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
