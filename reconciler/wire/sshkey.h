/* SPDX-License-Identifier: Apache-2.0 */
/* SSH public keys (RFC 4253 6.6, RFC 8709, openssh PROTOCOL.u2f), as far as kedge verifies with
 * them. Certificates of them are sshcert.h's. */
#pragma once

#include "key.h"

enum kedge_sshkey_type {
    KEDGE_SSHKEY_ED25519,    /* "ssh-ed25519" */
    KEDGE_SSHKEY_SK_ED25519, /* "sk-ssh-ed25519@openssh.com": in a security key */
};

/* `application` is borrowed from the blob that was read. */
struct kedge_sshkey {
    enum kedge_sshkey_type type;
    struct kedge_public_key key;
    struct kedge_slice application; /* SK only, such as "ssh:" */
};

/* Reads a key blob; every byte of it counts. KEDGE_UNSUPPORTED "unsupported key type 'x'" for the
 * types kedge does not verify, KEDGE_DENIED for unsafe points. */
int kedge_sshkey_read(struct kedge_slice blob, struct kedge_sshkey *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
bool kedge_sshkey_equal(const struct kedge_sshkey *a, const struct kedge_sshkey *b);
/* "ssh-ed25519", ... */
const char *kedge_sshkey_name(enum kedge_sshkey_type type);
/* Is this the name of any SSH key type, one of ours or not? */
bool kedge_sshkey_is_name(struct kedge_slice text);
/* Reads "type base64" as it stands in files, with white space between and behind, and takes it from
 * `text`. The blob is appended to `blob`, which `out` borrows. */
int kedge_sshkey_take(struct kedge_slice *text, struct kedge_buf *blob, struct kedge_sshkey *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* The same for any type: `name` is borrowed from `text`, `bytes` from `blob`. */
int kedge_sshkey_take_blob(struct kedge_slice *text, struct kedge_slice *name,
                           struct kedge_buf *blob, struct kedge_slice *bytes,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* "SHA256:<unpadded base64>": the fingerprint that ssh-keygen -l shows. */
#define KEDGE_SSHKEY_FINGERPRINT 51
const char *kedge_sshkey_fingerprint(const struct kedge_sshkey *key,
                                     char text[KEDGE_SSHKEY_FINGERPRINT]);

/* The wire's primitives (RFC 4251 5): each takes its value from the front of `from`, or returns
 * false and leaves it. A string is borrowed. */
bool kedge_sshkey_take_u32(struct kedge_slice *from, uint32_t *out);
bool kedge_sshkey_take_string(struct kedge_slice *from, struct kedge_slice *out);
void kedge_sshkey_put_string(struct kedge_buf *out, const void *data, size_t size);
