/* SPDX-License-Identifier: Apache-2.0 */
/* Signed Git commits and tags: what was signed, by whom, and whether they may. Objects come as the
 * bytes that Git hashes, without its "commit <size>" head; which are read as Git reads them, except
 * that doubt is refused. */
#pragma once

#include "allowed.h"
#include "sshsig.h"

struct kedge_commit {
    struct kedge_buf payload;   /* the object without its signature: what was signed */
    struct kedge_buf signature; /* the armor */
    struct kedge_slice email;   /* of committer or tagger; borrowed from `payload` */
    struct kedge_slice name;    /* of a tag, as it says itself, or empty; borrowed too */
    kedge_ms at;                /* when they say they made it */
};

/* KEDGE_DENIED where there is no signature, KEDGE_INVALID where the object is not a commit (or tag)
 * or has two signatures, KEDGE_LIMIT. A NUL is fine in a message, not in a header. */
int kedge_commit_parse(struct kedge_slice object, struct kedge_commit *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_commit_parse_tag(struct kedge_slice object, struct kedge_commit *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_commit_release(struct kedge_commit *commit);
void kedge_commit_auto(struct kedge_commit *commit);

/* Verifies as `git verify-commit` does with gpg.ssh.allowedSignersFile, at the time that the commit
 * claims: whether that time may be believed is the caller's policy. `revoked` lists keys
 * (kedge_allowed_revoked), or is empty. Who signed is appended to `principals`
 * (kedge_allowed_principals); `fingerprint` is the key's, certified or not. KEDGE_UNSUPPORTED for OpenPGP, X.509 and other key
 * types, KEDGE_DENIED for a wrong signature, or a key that is revoked or that neither a line nor a
 * certificate allows. */
int kedge_commit_verify(const struct kedge_commit *commit, const struct kedge_allowed *allowed,
                        struct kedge_slice revoked, struct kedge_buf *principals,
                        char fingerprint[KEDGE_SSHKEY_FINGERPRINT],
                        struct kedge_err *err) KEDGE_MUST_CHECK;
