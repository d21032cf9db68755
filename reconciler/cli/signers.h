/* SPDX-License-Identifier: Apache-2.0 */
/* The files that say whose SSH signatures count: --allowed-signers and --revoked. */
#pragma once

#include "command.h"
#include "wire/allowed.h"

struct kedge_signers {
    struct kedge_allowed allowed;
    struct kedge_buf revoked; /* as kedge_allowed_revoked takes it; it can be read */
    struct kedge_arena arena;
};

/* Reads both; --allowed-signers must be given. A list of revoked keys that cannot be read is an
 * error now, not when a key is looked for. Release it whatever this returns. */
int kedge_signers_load(struct kedge_call *call, struct kedge_signers *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* `certificate` as in kedge_allowed_claim. */
bool kedge_signers_revoked(const struct kedge_signers *signers, const struct kedge_sshkey *key,
                           const struct kedge_sshcert *certificate);
void kedge_signers_release(struct kedge_signers *signers);
void kedge_signers_auto(struct kedge_signers *signers);
