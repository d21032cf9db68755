/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed secret, read as far as that goes without a key: an age file (https://c2sp.org/age, "v1")
 * in its armor or in binary. wire/age.h opens and makes them.
 *
 * Devices open X25519 stanzas. Other stanzas are looked at for their form only, as age demands: they
 * may be for people who shall be able to open the text too. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"
#include "base/limits.h"

#define KEDGE_SEALED_LABEL "AGE ENCRYPTED FILE"
#define KEDGE_SEALED_KEY   32 /* an X25519 key; also an encrypted file key with its tag */
#define KEDGE_SEALED_MAC   32
#define KEDGE_SEALED_NONCE 16
#define KEDGE_SEALED_TAG   16
/* The largest payload: age seals 64 KiB at a time, and a secret is never larger than one such chunk.
 */
#define KEDGE_SEALED_PAYLOAD (KEDGE_SEALED_NONCE + KEDGE_LIMIT_SECRET + KEDGE_SEALED_TAG)

/* A stanza "-> X25519 share" with its body. It does not tell whom it is for. */
struct kedge_sealed_stanza {
    uint8_t share[KEDGE_SEALED_KEY];
    uint8_t body[KEDGE_SEALED_KEY];
};

/* All-zero is empty. */
struct kedge_sealed {
    struct kedge_buf file;        /* the binary form, which the slices borrow from */
    struct kedge_buf stanzas;     /* struct kedge_sealed_stanza */
    struct kedge_slice authentic; /* what `mac` is over */
    uint8_t mac[KEDGE_SEALED_MAC];
    struct kedge_slice payload;
};
void kedge_sealed_release(struct kedge_sealed *sealed);
void kedge_sealed_auto(struct kedge_sealed *sealed);

/* KEDGE_INVALID: it is no age file. KEDGE_UNSUPPORTED: it is one that no device can open: made with
 * a passphrase, without an X25519 recipient, by SOPS, or of another version of age. KEDGE_LIMIT: it
 * is larger than KEDGE_LIMIT_STRING, or its secret than KEDGE_LIMIT_SECRET. Messages say what to do and never
 * repeat the text, which may be a secret that somebody forgot to seal. */
int kedge_sealed_parse(struct kedge_slice text, struct kedge_sealed *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
uint32_t kedge_sealed_recipients(const struct kedge_sealed *sealed);

/* A place of a configuration where a secret is to stand: {"$secret": "NAME"}. */
#define KEDGE_SEALED_REFERENCE "$secret"
struct kedge_sealed_reference {
    struct kedge_slice whole, name; /* in the configuration */
};
/* The first one in `config`, a canonical JSON object or a rest of one; false when there is none. No
 * string can look like one, since quotes in strings are escaped. */
bool kedge_sealed_next(struct kedge_slice config, struct kedge_sealed_reference *out);
