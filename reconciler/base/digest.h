/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, by libcrypto (seven times libsodium's rate with SHA instructions). */
#pragma once

#include "kedge/err.h"
#include "kedge/types.h"

#define KEDGE_DIGEST_TEXT (sizeof "sha256:" - 1 + KEDGE_DIGEST_HEX)

struct kedge_digest kedge_digest_of(const void *data, size_t size);

/* Streaming. The state is opaque; free it with _free (NULL is fine). */
struct kedge_digest_state;
struct kedge_digest_state *kedge_digest_begin(void);
void kedge_digest_update(struct kedge_digest_state *state, const void *data, size_t size);
/* The digest of all bytes so far; the state starts over. */
struct kedge_digest kedge_digest_finish(struct kedge_digest_state *state);
void kedge_digest_free(struct kedge_digest_state *state);
void kedge_digest_auto(struct kedge_digest_state **state);

bool kedge_digest_equal(const struct kedge_digest *a, const struct kedge_digest *b);
bool kedge_digest_is_zero(const struct kedge_digest *digest);
/* "sha256:<64 hex>". */
const char *kedge_digest_format(const struct kedge_digest *digest, char text[KEDGE_DIGEST_TEXT]);
/* Exactly that form, else false. */
bool kedge_digest_parse(const char *text, struct kedge_digest *digest);
