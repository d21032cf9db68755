/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a program outside signs with: a smart card, an HSM, a cloud's key service.
 *
 * The program gets the exact bytes to sign as its standard input (a file, so it may be read twice
 * or mapped) and answers on standard output with the Ed25519 signature: 64 bytes, or their base64
 * with an optional line feed. Any other answer, an exit status but 0 or silence is a failure. It is
 * started anew for each signature, without a shell. */
#pragma once

#include "key.h"

#define KEDGE_SIGNER_SCHEME "exec:"

/* From "exec:<public key> <absolute path of a program> [argument...]", separated by single spaces;
 * nothing is quoted or expanded. The program is not run before something is to be signed; one
 * signature may take `timeout` ms. Signing then fails with KEDGE_TIMEOUT, KEDGE_UNAVAILABLE (the
 * program failed) or KEDGE_INVALID (it answers something else than a signature). */
int kedge_signer_open(const char *spec, kedge_ms timeout, struct kedge_key **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
