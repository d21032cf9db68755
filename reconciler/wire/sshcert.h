/* SPDX-License-Identifier: Apache-2.0 */
/* SSH certificates (openssh PROTOCOL.certkeys): a certificate authority's word on whose a key is.
 * Ed25519 keys, in a security key or not, that an Ed25519 authority vouches for. */
#pragma once

#include "sshkey.h"

enum kedge_sshcert_kind {
    KEDGE_SSHCERT_NONE, /* a key that stands alone */
    KEDGE_SSHCERT_USER,
    KEDGE_SSHCERT_HOST,
};

/* Slices are borrowed from the blob that was read. All-zero is no certificate. */
struct kedge_sshcert {
    enum kedge_sshcert_kind kind;
    struct kedge_sshkey authority;
    struct kedge_slice principals; /* for kedge_sshcert_take_principal */
    uint64_t after, before;        /* seconds since 1970: good from `after` until before `before` */
    struct kedge_slice unknown; /* name of a critical option that kedge does not know, or empty */
};

/* Is it a certificate's blob, or the name of the type of one that kedge verifies with? */
bool kedge_sshcert_is(struct kedge_slice blob);
bool kedge_sshcert_is_name(struct kedge_slice name);

/* Reads a certificate and the key that it is about, and verifies the authority's signature over it;
 * every byte counts. Whether it is good for anything is for kedge_sshcert_objection. KEDGE_INVALID,
 * KEDGE_LIMIT, KEDGE_DENIED for a wrong signature, KEDGE_UNSUPPORTED "unsupported key type 'x'" for
 * other kinds of authorities. */
int kedge_sshcert_read(struct kedge_slice blob, struct kedge_sshkey *key, struct kedge_sshcert *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* Takes "type base64" as kedge_sshkey_take, of which it reads the key alone: enough to revoke it,
 * whoever has certified it. */
int kedge_sshcert_take_key(struct kedge_slice *text, struct kedge_buf *blob,
                           struct kedge_sshkey *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Takes the next of the principals; false when there is none left. None holds a NUL. */
bool kedge_sshcert_take_principal(struct kedge_slice *from, struct kedge_slice *out);
/* Why it does not count at that time for that principal (NULL: for any it names), as ssh-keygen has
 * it; or NULL. One difference: critical options that nobody here knows are an objection, as
 * PROTOCOL.certkeys demands, though ssh-keygen passes over them. */
const char *kedge_sshcert_objection(const struct kedge_sshcert *certificate, const char *principal,
                                    kedge_ms at);
