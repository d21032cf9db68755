/* SPDX-License-Identifier: Apache-2.0 */
/* Detached signatures of files in minisign's format, so that the stock `minisign` verifies ours and
 * we verify its (jedisct1/minisign src/minisign.h). A signature has four lines: an untrusted
 * comment, the signature of the file, a trusted comment, and the signature over the first signature
 * and that comment. "ED" signs the BLAKE2b-512 of the file, the older "Ed" the file itself. */
#pragma once

#include "key.h"

#define KEDGE_MINISIGN_ID      8
#define KEDGE_MINISIGN_HASH    64
#define KEDGE_MINISIGN_COMMENT 1024 /* bytes of an untrusted comment, as minisign's own limit */
#define KEDGE_MINISIGN_TRUSTED 8192 /* of a trusted one */

struct kedge_minisign_key {
    uint8_t id[KEDGE_MINISIGN_ID];
    struct kedge_public_key key;
};

struct kedge_minisign {
    bool prehashed; /* "ED" */
    uint8_t id[KEDGE_MINISIGN_ID];
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    uint8_t global[KEDGE_KEY_SIGNATURE]; /* over `signature` and `trusted` */
    char trusted[KEDGE_MINISIGN_TRUSTED + 1];
};

/* An id as minisign shows it: "F16F0D59D52F28AA". */
#define KEDGE_MINISIGN_ID_TEXT 17
const char *kedge_minisign_id_format(const uint8_t id[KEDGE_MINISIGN_ID],
                                     char text[KEDGE_MINISIGN_ID_TEXT]);

/* A public key: minisign's file of two lines, or the second line alone. */
int kedge_minisign_key_parse(struct kedge_slice text, struct kedge_minisign_key *out,
                             struct kedge_err *err) KEDGE_MUST_CHECK;
/* The minisign form of one of our keys; its id is the first bytes of kedge_public_key_id. */
struct kedge_minisign_key kedge_minisign_key_of(const struct kedge_public_key *key);
/* Appends the two lines of a public key file. */
void kedge_minisign_key_write(const struct kedge_minisign_key *key, struct kedge_buf *out);

/* A public key as a person names it: "ed25519:<base64>" or 64 hex digits, minisign's line ("RW..."),
 * or a file of either kind. */
int kedge_minisign_key_load(const char *text, struct kedge_public_key *out,
                            struct kedge_err *err) KEDGE_MUST_CHECK;

/* Four lines and nothing behind them; comments hold no control characters but tabs. KEDGE_INVALID,
 * KEDGE_LIMIT, KEDGE_UNSUPPORTED for another algorithm. */
int kedge_minisign_parse(struct kedge_slice text, struct kedge_minisign *out,
                         struct kedge_err *err) KEDGE_MUST_CHECK;

/* BLAKE2b-512 of all that is left to read from `fd`. Blocks. */
int kedge_minisign_hash_file(int fd, uint8_t hash[KEDGE_MINISIGN_HASH],
                             struct kedge_err *err) KEDGE_MUST_CHECK;
/* Both signatures, by this key, over a file with this hash. KEDGE_DENIED where one is wrong or by
 * another key, and KEDGE_UNSUPPORTED for a signature that is not prehashed. */
int kedge_minisign_verify(const struct kedge_minisign *signature,
                          const struct kedge_minisign_key *key,
                          const uint8_t hash[KEDGE_MINISIGN_HASH],
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* The trusted comment alone, when the file is not at hand: by this key, of some file. Fails as
 * kedge_minisign_verify does. */
int kedge_minisign_verify_comment(const struct kedge_minisign *signature,
                                  const struct kedge_minisign_key *key,
                                  struct kedge_err *err) KEDGE_MUST_CHECK;
/* The same over the whole file, which must be in memory for the older form; both are accepted. */
int kedge_minisign_verify_data(const struct kedge_minisign *signature,
                               const struct kedge_minisign_key *key, struct kedge_slice data,
                               struct kedge_err *err) KEDGE_MUST_CHECK;

/* Appends a prehashed signature of the file with this hash. `trusted` is one line of at most
 * KEDGE_MINISIGN_TRUSTED bytes, such as "timestamp:1614549543\tfile:model.zip". Fails as
 * kedge_key_sign does, and with KEDGE_INVALID for a comment that would not read back. */
int kedge_minisign_sign(const struct kedge_key *key, const uint8_t hash[KEDGE_MINISIGN_HASH],
                        const char *trusted, struct kedge_buf *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
