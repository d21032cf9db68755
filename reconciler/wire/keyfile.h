/* SPDX-License-Identifier: Apache-2.0 */
/* Files of private keys: one line, in one of three forms.
 *
 *   ed25519-private:<base64 of the 32-byte seed>
 *   ed25519-sealed:<passes>:<KiB>:<base64 of salt, nonce and box>
 *       the seed in a secretbox whose key is Argon2id (version 1.3) of a passphrase
 *   exec:<public key> <program> [argument...]
 *       held elsewhere, see signer.h
 *
 * A file is refused (KEDGE_DENIED) unless it is a regular file of ours that nobody else may touch:
 * who can write an exec line runs what he likes. */
#pragma once

#include "key.h"

#define KEDGE_KEYFILE_PASSPHRASE 1025 /* room for a passphrase and its NUL */

/* Called when a key turns out to be sealed: writes its passphrase, which lies in guarded memory and
 * is wiped after use. */
typedef int kedge_keyfile_ask(const void *self, const char *source,
                              char text[KEDGE_KEYFILE_PASSPHRASE], struct kedge_err *err);

/* Loads from the file `source`, or from `source` itself when that begins with "exec:". `ask` may be
 * NULL: a sealed key is then KEDGE_DENIED, as is a wrong passphrase. KEDGE_LIMIT when its derivation
 * would take more than limits.h allows. A sealed key takes about a second. */
int kedge_keyfile_load(const char *source, kedge_keyfile_ask *ask, const void *self,
                       struct kedge_key **out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Writes a new 0600 file, sealed unless `passphrase` is NULL; KEDGE_EXISTS rather than replace one,
 * KEDGE_UNSUPPORTED for a key that is held elsewhere. */
int kedge_keyfile_save(const struct kedge_key *key, const char *passphrase, const char *path,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* An `ask` whose `self` is the path of a file with the passphrase as its only line, guarded as key
 * files are. */
int kedge_keyfile_passphrase(const void *self, const char *source,
                             char text[KEDGE_KEYFILE_PASSPHRASE],
                             struct kedge_err *err) KEDGE_MUST_CHECK;
