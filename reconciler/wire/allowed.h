/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign: OpenSSH's allowed_signers file (ssh-keygen.1 ALLOWED SIGNERS), a line each:
 *
 *     principals [options] keytype base64 [comment]
 *
 * The first line that passes every test wins; one that cannot be read is skipped, as OpenSSH does,
 * but kept with its problem so that a person can be told. A plain line's key signs for its
 * principals; that of a cert-authority line never signs, but vouches for other keys by certificates
 * (sshcert.h) that name one of them. A certificate in the place of a line's key is a problem, though
 * OpenSSH takes it. Times without "Z" are local times to OpenSSH; here they are UTC, and such a line
 * has a problem too although it counts. */
#pragma once

#include "base/arena.h"
#include "sshcert.h"

struct kedge_allowed_line {
    uint32_t number;        /* from 1 */
    const char *problem;    /* or NULL */
    bool usable;            /* counts, although it may have a problem */
    const char *principals; /* comma list of patterns with '*', '?' and leading '!' */
    struct kedge_sshkey key;
    bool authority;         /* cert-authority: vouches for certificates, never for its own key */
    const char *namespaces; /* comma list of patterns, or NULL: any */
    kedge_ms after, before; /* both inclusive; 0: unbounded */
};

/* All-zero is an empty file: nobody may sign. */
struct kedge_allowed {
    const struct kedge_allowed_line *lines; /* blank lines and comments are left out */
    uint32_t count;
};

/* Reads a whole file; everything lives in `arena`. Only its size can be refused (KEDGE_LIMIT). */
int kedge_allowed_parse(struct kedge_arena *arena, struct kedge_slice text,
                        struct kedge_allowed *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* What a signature is held against. */
struct kedge_allowed_claim {
    const struct kedge_sshkey *key;
    const struct kedge_sshcert *certificate; /* of that key; NULL or all-zero: it stands alone */
    const char *principal;                   /* NULL: whoever has the key */
    const char *name_space;                  /* "git" */
    kedge_ms at;                             /* when it was made, as far as is known */
};

/* The line that allows it; NULL with KEDGE_DENIED in `err`, which names the nearest reason: no such
 * key or authority, a certificate authority's own, not for this principal, namespace or time, or
 * what the certificate lacks (kedge_sshcert_objection). */
const struct kedge_allowed_line *kedge_allowed_match(const struct kedge_allowed *allowed,
                                                     const struct kedge_allowed_claim *claim,
                                                     struct kedge_err *err);

/* As Git asks, who does not say who signed: the line of the key that is valid at that time (as
 * `ssh-keygen -Y find-principals`), then a line that allows one of its principals (as `ssh-keygen
 * -Y verify`). Of a key with a certificate, the line of its authority that knows some principal of
 * the certificate, then a line that allows one of these. `claim->principal` is not looked at. NULL
 * and `err` as kedge_allowed_match. */
const struct kedge_allowed_line *kedge_allowed_search(const struct kedge_allowed *allowed,
                                                      const struct kedge_allowed_claim *claim,
                                                      struct kedge_err *err);

/* Appends who it is that `line` allows, a list with commas: its principals, or, by a certificate (as
 * in the claim), those of the certificate that it allows. */
void kedge_allowed_principals(const struct kedge_allowed_line *line,
                              const struct kedge_sshcert *certificate, struct kedge_buf *out);

/* OpenSSH's match_pattern_list: some pattern of the comma list matches and no negated one does. */
bool kedge_allowed_matches(const char *text, const char *patterns);

/* Is the key, or its certificate's authority, in a list of revoked keys, a line "keytype base64
 * [comment]" each? A certificate in the list revokes its key. Lines of other key types and comments
 * are passed over. KEDGE_UNSUPPORTED for OpenSSH's binary KRL, KEDGE_LIMIT, KEDGE_INVALID for a line
 * that is no key: a list that cannot be read revokes nothing, so it is refused. */
int kedge_allowed_revoked(struct kedge_slice list, const struct kedge_sshkey *key,
                          const struct kedge_sshcert *certificate, bool *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
