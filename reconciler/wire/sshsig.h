/* SPDX-License-Identifier: Apache-2.0 */
/* SSH signatures (openssh PROTOCOL.sshsig), which Git puts into commits and tags: made by
 * `ssh-keygen -Y sign`. */
#pragma once

#include "sshcert.h"

#define KEDGE_SSHSIG_GIT "git" /* the namespace of commits and tags */

/* What a security key says beside its signature (openssh PROTOCOL.u2f). */
#define KEDGE_SSHSIG_TOUCHED  0x01 /* a person touched it */
#define KEDGE_SSHSIG_VERIFIED 0x04 /* a person proved who they are, by PIN or finger */

enum kedge_sshsig_hash { KEDGE_SSHSIG_SHA256, KEDGE_SSHSIG_SHA512 };

/* `key`, `certificate` and `name_space` are borrowed from `blob`. */
struct kedge_sshsig {
    struct kedge_buf blob;
    struct kedge_sshkey key;          /* that signed */
    struct kedge_sshcert certificate; /* of `key`, or none */
    struct kedge_slice name_space;
    enum kedge_sshsig_hash hash;
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    uint8_t flags;    /* SK only: KEDGE_SSHSIG_TOUCHED, ... */
    uint32_t counter; /* SK only: rises with each use; one that falls tells of a copy */
};

/* Reads the armor. White space alone may follow it; every byte within counts. KEDGE_INVALID,
 * KEDGE_LIMIT, KEDGE_UNSUPPORTED "unsupported key type 'x'", and what kedge_sshcert_read says of the
 * certificate that may stand in the key's place. Release `out` on success. */
int kedge_sshsig_parse(struct kedge_slice armor, struct kedge_sshsig *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_sshsig_release(struct kedge_sshsig *signature);
void kedge_sshsig_auto(struct kedge_sshsig *signature);

/* Does the key within sign `message` for this namespace? Whose key it is, and whether it may sign,
 * is for allowed.h. KEDGE_DENIED: another namespace, another message, or a security key that nobody
 * touched. */
int kedge_sshsig_verify(const struct kedge_sshsig *signature, const char *name_space,
                        struct kedge_slice message, struct kedge_err *err) KEDGE_MUST_CHECK;
