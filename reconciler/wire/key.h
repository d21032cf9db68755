/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 keys: text forms, files, identifiers. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"

#define KEDGE_KEY_PUBLIC    32
#define KEDGE_KEY_SIGNATURE 64
#define KEDGE_KEY_ID_TEXT   65
#define KEDGE_KEY_TEXT      64

struct kedge_public_key {
    uint8_t bytes[KEDGE_KEY_PUBLIC];
};

/* A private key in guarded memory (libsodium), wiped when freed. */
struct kedge_key;

/* Once per process, before anything else of wire/: initialises libsodium. */
int kedge_key_init(struct kedge_err *err) KEDGE_MUST_CHECK;

struct kedge_key *kedge_key_generate(void);
/* From a 32-byte seed: tests and simulations. */
struct kedge_key *kedge_key_from_seed(const uint8_t seed[32]);
/* Reads a private key file, one line "ed25519-private:<base64 of the seed>": refused (KEDGE_DENIED)
 * unless a regular file of ours with no group or other permissions. */
int kedge_key_load(const char *path, struct kedge_key **out,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
/* Writes a new 0600 file; KEDGE_EXISTS rather than replace one. */
int kedge_key_save(const struct kedge_key *key, const char *path,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_key_free(struct kedge_key *key);
void kedge_key_auto(struct kedge_key **key);
struct kedge_public_key kedge_key_public(const struct kedge_key *key);
/* kedge_public_key_id of its public half, made once. */
const char *kedge_key_id(const struct kedge_key *key);
/* Fails only for a key that is not held here: a program outside signs for it. */
int kedge_key_sign(const struct kedge_key *key, const void *message, size_t size,
                   uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err) KEDGE_MUST_CHECK;

/* "ed25519:<base64>": the form of manifests and public key files. */
const char *kedge_public_key_format(const struct kedge_public_key *key, char text[KEDGE_KEY_TEXT]);
/* That form, or 64 hex digits; low-order and non-canonical points are KEDGE_DENIED. */
int kedge_public_key_parse(const char *text, struct kedge_public_key *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* A file that holds one such line. */
int kedge_public_key_load(const char *path, struct kedge_public_key *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* Strict RFC 8032: canonical S and R, no low-order key. */
bool kedge_public_key_verify(const struct kedge_public_key *key, const void *message, size_t size,
                             const uint8_t signature[KEDGE_KEY_SIGNATURE]);
/* keyid: lower hex SHA-256 of the TUF canonical key JSON (TUF 4.2). A hint, never authority. */
const char *kedge_public_key_id(const struct kedge_public_key *key, char text[KEDGE_KEY_ID_TEXT]);
