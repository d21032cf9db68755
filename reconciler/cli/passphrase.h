/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases of key files: from --passphrase-file, else from the person at the terminal. Other
 * secrets are asked for in the same way. */
#pragma once

#include "command.h"
#include "wire/keyfile.h"

/* Loads a private key; a sealed one with the passphrase from the file, or asked for on the
 * terminal. */
int kedge_passphrase_load(const struct kedge_call *call, const char *source, struct kedge_key **out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* A kedge_keyfile_ask that asks on the terminal; `self` is not looked at. Blocks.
 * KEDGE_UNAVAILABLE without a terminal. */
int kedge_passphrase_prompt(const void *self, const char *source,
                            char text[KEDGE_KEYFILE_PASSPHRASE],
                            struct kedge_err *err) KEDGE_MUST_CHECK;
/* A new passphrase for `source`: the file's, or asked for twice on the terminal. Blocks.
 * KEDGE_UNAVAILABLE without a terminal, KEDGE_INVALID when the two differ. Wipe `text` after use. */
int kedge_passphrase_choose(const struct kedge_call *call, const char *source,
                            char text[KEDGE_KEYFILE_PASSPHRASE],
                            struct kedge_err *err) KEDGE_MUST_CHECK;
/* "QUESTION 'SOURCE': ", answered by one line that the terminal does not show. Blocks.
 * KEDGE_UNAVAILABLE without a terminal. Wipe `text` after use. */
int kedge_passphrase_ask(const char *question, const char *source,
                         char text[KEDGE_KEYFILE_PASSPHRASE],
                         struct kedge_err *err) KEDGE_MUST_CHECK;
