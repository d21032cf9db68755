/* SPDX-License-Identifier: Apache-2.0 */
#include "signers.h"

#include "base/fs.h"
#include "base/limits.h"

int kedge_signers_load(struct kedge_call *call, struct kedge_signers *out, struct kedge_err *err)
{
    static const struct kedge_sshkey nobody;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    const char *revoked = kedge_command_value(call, KEDGE_OPTION_REVOKED), *allowed;
    bool found;
    int code = kedge_key_init(err);
    if (!code)
        code = kedge_command_need(call, KEDGE_OPTION_ALLOWED_SIGNERS, &allowed, err);
    if (!code)
        code = kedge_fs_read(AT_FDCWD, allowed, KEDGE_LIMIT_ALLOWED, &text, err);
    if (!code)
        code = kedge_allowed_parse(&out->arena, kedge_buf_slice(&text), &out->allowed, err);
    if (!code && revoked)
        code = kedge_fs_read(AT_FDCWD, revoked, KEDGE_LIMIT_ALLOWED, &out->revoked, err);
    if (!code)
        code = kedge_allowed_revoked(kedge_buf_slice(&out->revoked), &nobody, NULL, &found, err);
    return code;
}

bool kedge_signers_revoked(const struct kedge_signers *signers, const struct kedge_sshkey *key,
                           const struct kedge_sshcert *certificate)
{
    bool found = true;
    return kedge_allowed_revoked(kedge_buf_slice(&signers->revoked), key, certificate, &found,
                                 NULL) ||
           found;
}

void kedge_signers_release(struct kedge_signers *signers)
{
    kedge_buf_release(&signers->revoked);
    kedge_arena_release(&signers->arena);
    *signers = (struct kedge_signers){0};
}

void kedge_signers_auto(struct kedge_signers *signers)
{
    kedge_signers_release(signers);
}
