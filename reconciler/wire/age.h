/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets sealed in Git for devices: age files (https://c2sp.org/age) for X25519 recipients, so that
 * the stock `age` seals for our devices, and opens what we seal for its own keys.
 *
 * A device needs no second key: its X25519 key is its Ed25519 key in the other form of the curve
 * (RFC 7748 4.1), and anybody derives the recipient from the public key in the Device manifest. One
 * key for both is sound: signatures hash what they sign under Ed25519's own prefix, age hashes the
 * shared secret with HKDF under its own, and neither ever sees what the other computed (Thormarker,
 * "On using the same key pair for Ed25519 and an X25519 based KEM", eprint 2021/509); age does the
 * same with ssh-ed25519 keys. */
#pragma once

#include "key.h"
#include "state/sealed.h"

#define KEDGE_AGE_TEXT 63 /* "age1...", with its NUL */

/* Whom a secret is sealed for: an X25519 public key. */
struct kedge_age_recipient {
    uint8_t bytes[KEDGE_SEALED_KEY];
};

/* Who opens it: the private half, in guarded memory. */
struct kedge_age_identity;

/* KEDGE_DENIED for a key whose point is of low or mixed order. */
int kedge_age_recipient_of(const struct kedge_public_key *key, struct kedge_age_recipient *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* "age1...", as age-keygen and `age -r` write it. */
const char *kedge_age_recipient_format(const struct kedge_age_recipient *recipient,
                                       char text[KEDGE_AGE_TEXT]);
/* KEDGE_INVALID; KEDGE_UNSUPPORTED for recipients of another kind than X25519. */
int kedge_age_recipient_parse(const char *text, struct kedge_age_recipient *out,
                              struct kedge_err *err) KEDGE_MUST_CHECK;

/* Of 32 bytes as they are in "AGE-SECRET-KEY-1...". */
struct kedge_age_identity *kedge_age_identity_new(const uint8_t scalar[KEDGE_SEALED_KEY]);
/* KEDGE_UNSUPPORTED for a key that is not held here: a signer does not open what is sealed. */
int kedge_age_identity_of(const struct kedge_key *key, struct kedge_age_identity **out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
struct kedge_age_recipient kedge_age_identity_recipient(const struct kedge_age_identity *identity);
void kedge_age_identity_free(struct kedge_age_identity *identity);
void kedge_age_identity_auto(struct kedge_age_identity **identity);

/* Opens it. The secret is *size bytes with a NUL behind, in guarded memory: kedge_secret_free.
 * KEDGE_DENIED: it is not sealed for this identity. KEDGE_CORRUPT: it was changed since it was
 * sealed. KEDGE_INVALID: a stanza holds a key that nobody honest sends. */
int kedge_age_open(const struct kedge_sealed *sealed, const struct kedge_age_identity *identity,
                   char **out, size_t *size, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends an armored age file that each of the recipients can open. KEDGE_LIMIT for a secret, or so
 * many recipients, that a manifest would not hold it; KEDGE_DENIED for a recipient that everybody
 * could open it for. */
int kedge_age_seal(const struct kedge_age_recipient *recipients, size_t count, const void *secret,
                   size_t size, struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
