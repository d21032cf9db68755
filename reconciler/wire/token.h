/* SPDX-License-Identifier: Apache-2.0 */
/* One-time tokens: an operator hands one to a device, which joins the fleet with it (enrol.h).
 *
 * A token carries a secret that proves to the server that the device was expected, and the digest
 * of a root document that proves to the device that the server is the right one. */
#pragma once

#include "base/digest.h"

#define KEDGE_TOKEN_SECRET 32
#define KEDGE_TOKEN_TEXT   (sizeof "kedge-enrol:" + 92)
#define KEDGE_TOKEN_HASH   65

struct kedge_token {
    uint8_t secret[KEDGE_TOKEN_SECRET];
    struct kedge_digest root; /* kedge_root.digest of the version in force when it was issued */
};

struct kedge_token kedge_token_make(const struct kedge_digest *root);
/* "kedge-enrol:" and URL-safe base64 of secret, digest and a checksum: one word to copy. */
const char *kedge_token_format(const struct kedge_token *token, char text[KEDGE_TOKEN_TEXT]);
/* KEDGE_INVALID for anything else, a typing mistake included. The message does not repeat the
 * text. */
int kedge_token_parse(const char *text, struct kedge_token *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* What a server stores: hex of the keyed BLAKE2b-256 of the secret. Who reads the store can use
 * none. */
const char *kedge_token_hash(const uint8_t secret[KEDGE_TOKEN_SECRET], char text[KEDGE_TOKEN_HASH]);
