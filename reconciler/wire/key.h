/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 keys: text forms, identifiers, signing and verifying. Files of private keys: keyfile.h. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"

#define KEDGE_KEY_PUBLIC    32
#define KEDGE_KEY_SIGNATURE 64
#define KEDGE_KEY_ID_TEXT   65
#define KEDGE_KEY_TEXT      64
#define KEDGE_KEY_PRINT     51

struct kedge_public_key {
    uint8_t bytes[KEDGE_KEY_PUBLIC];
};

/* A private key: held in guarded memory (libsodium) and wiped when freed, or used through a signer
 * that holds it elsewhere. */
struct kedge_key;

/* Signs for a key that is not held here. */
struct kedge_key_signer {
    int (*sign)(void *self, const void *message, size_t size,
                uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err);
    void (*free)(void *self);
    void *self;
};

/* Once per process, before anything else of wire/: initialises libsodium. */
int kedge_key_init(struct kedge_err *err) KEDGE_MUST_CHECK;

struct kedge_key *kedge_key_generate(void);
/* From a 32-byte seed: tests and simulations. */
struct kedge_key *kedge_key_from_seed(const uint8_t seed[32]);
/* A key whose private half is `signer`'s, which the key now owns. */
struct kedge_key *kedge_key_outside(const struct kedge_public_key *public,
                                    const struct kedge_key_signer *signer);
void kedge_key_free(struct kedge_key *key);
void kedge_key_auto(struct kedge_key **key);
struct kedge_public_key kedge_key_public(const struct kedge_key *key);
/* The 32 bytes that are the key, in its guarded memory; NULL for one that is not held here. */
const uint8_t *kedge_key_seed(const struct kedge_key *key);
/* kedge_public_key_id of its public half, made once. */
const char *kedge_key_id(const struct kedge_key *key);
/* Fails only for a key that is not held here: as its signer does (which may block), or with
 * KEDGE_DENIED when what it answers is not a signature by this key. */
int kedge_key_sign(const struct kedge_key *key, const void *message, size_t size,
                   uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err) KEDGE_MUST_CHECK;

/* "SHA256:<base64>" as `ssh-keygen -l` writes it: what people compare. */
const char *kedge_public_key_fingerprint(const struct kedge_public_key *key,
                                         char text[KEDGE_KEY_PRINT]);
/* "ed25519:<base64>": the form of manifests and public key files. */
const char *kedge_public_key_format(const struct kedge_public_key *key, char text[KEDGE_KEY_TEXT]);
/* That form, or 64 hex digits; low-order and non-canonical points are KEDGE_DENIED. */
int kedge_public_key_parse(const char *text, struct kedge_public_key *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* Bytes that came in another form: KEDGE_DENIED for low-order and non-canonical points. */
int kedge_public_key_check(const struct kedge_public_key *key,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* A file that holds one such line. */
int kedge_public_key_load(const char *path, struct kedge_public_key *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* Strict RFC 8032 5.1.7, without the cofactor: S below the order of the group, key and R in their
 * canonical encoding and not of low order. OpenSSH takes a little more (tests/e2e/verify/edges.py). */
bool kedge_public_key_verify(const struct kedge_public_key *key, const void *message, size_t size,
                             const uint8_t signature[KEDGE_KEY_SIGNATURE]);
/* keyid: lower hex SHA-256 of the TUF canonical key JSON (TUF 4.2). A hint, never authority. */
const char *kedge_public_key_id(const struct kedge_public_key *key, char text[KEDGE_KEY_ID_TEXT]);
