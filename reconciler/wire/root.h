/* SPDX-License-Identifier: Apache-2.0 */
/* The root document: which keys a fleet trusts, for what, and how many of them must agree.
 *
 * A root is a DSSE envelope around an in-toto Statement (predicate https://kedge.dev/root/v1):
 *
 *   {"version": 4, "expires": "2027-03-01T00:00:00Z",
 *    "keys": {"<keyid>": "ed25519:<base64>", ...},
 *    "roles": {"root": {"keyids": [..], "threshold": 2}, "director": {..}, "release": {..}}}
 *
 * Versions form a chain, by the rules of TUF 5.3: version N + 1 is signed by the threshold of N's
 * root keys *and* of its own, so trust moves from one to the next without touching a device. A
 * device that was off walks the chain version by version. Only the newest must not have expired.
 * What the newest does not name is not trusted: that is how a key is revoked.
 *
 * A root answers for keys only. Time comes in as an argument; nothing here reads a disk. */
#pragma once

#include "envelope.h"
#include "base/limits.h"
#include "state/name.h"

#define KEDGE_ROOT_PREDICATE "https://kedge.dev/root/v1"

enum kedge_root_role {
    KEDGE_ROOT_ROOT,     /* signs the next root */
    KEDGE_ROOT_DIRECTOR, /* signs orders */
    KEDGE_ROOT_RELEASE,  /* signs artifacts */
    KEDGE_ROOT_ROLES
};
extern const struct kedge_words kedge_root_role_words; /* "root", "director", "release" */

struct kedge_root_signers {
    struct kedge_public_key keys[KEDGE_LIMIT_ROOT_KEYS]; /* distinct */
    uint32_t count;
    uint32_t threshold; /* 1 to count */
};

/* A plain value of 3 KiB. */
struct kedge_root {
    int64_t version; /* from 1; 0: keys named by hand, without a document */
    kedge_ms expires;
    struct kedge_root_signers roles[KEDGE_ROOT_ROLES];
    struct kedge_digest digest; /* of the statement: the same whoever has signed it */
};

/* Why a root is not followed. */
enum kedge_root_refusal {
    KEDGE_ROOT_ACCEPTED,
    KEDGE_ROOT_MALFORMED,
    KEDGE_ROOT_ROLLBACK,      /* this version or an older one */
    KEDGE_ROOT_GAP,           /* not the very next version */
    KEDGE_ROOT_UNSIGNED,      /* too few root keys of the version in force have signed */
    KEDGE_ROOT_SELF_UNSIGNED, /* too few of its own root keys have signed */
    KEDGE_ROOT_EXPIRED,
};
extern const struct kedge_words
    kedge_root_refusal_words; /* "accepted", "malformed", "rollback", "gap", "unsigned", ... */

/* Reads a root that is believed for another reason than its signatures: a person put it there
 * (`pin` NULL), or its digest is known. Its own threshold must have signed all the same.
 * KEDGE_INVALID, KEDGE_LIMIT, KEDGE_UNSUPPORTED malformed; KEDGE_DENIED another digest, or too few
 * signatures. */
int kedge_root_pin(struct kedge_slice file, const struct kedge_digest *pin, struct kedge_root *out,
                   struct kedge_err *err) KEDGE_MUST_CHECK;
/* Keys that a person names by hand, any one of which will do: version 0, which never expires and
 * which no other follows. `count` of one role is at most KEDGE_LIMIT_ROOT_KEYS. */
void kedge_root_by_hand(struct kedge_root *root, enum kedge_root_role role,
                        const struct kedge_public_key *keys, uint32_t count);
/* Judges the file that claims to follow `current`; fills `out` (which may be `current`) on
 * ACCEPTED. Expiry is not looked at: TUF 5.3.10 judges the last of a chain only. */
enum kedge_root_refusal kedge_root_follow(const struct kedge_root *current, struct kedge_slice file,
                                          struct kedge_root *out, struct kedge_err *err);
/* Follows `files` in order, and then demands that the root arrived at is fresh. On a refusal `root`
 * is the last that was accepted (and is worth keeping). */
enum kedge_root_refusal kedge_root_walk(struct kedge_root *root, const struct kedge_slice *files,
                                        size_t count, kedge_ms now, struct kedge_err *err);
/* EXPIRED from the moment of expiry on: nothing new is taken under such a root. */
enum kedge_root_refusal kedge_root_fresh(const struct kedge_root *root, kedge_ms now,
                                         struct kedge_err *err);
/* The keys of a role, borrowed from `root`, for in-toto envelopes. */
struct kedge_envelope_trust kedge_root_trust(const struct kedge_root *root,
                                             enum kedge_root_role role);
/* Is `key` one of that role's? */
bool kedge_root_names(const struct kedge_root *root, enum kedge_root_role role,
                      const struct kedge_public_key *key);
/* Does `after` take trust from a key that `before` gave it to in this role? Fast-forward recovery
 * (TUF 5.3.11): counters that such a key may have driven up are then forgotten — the generation of
 * orders with a director key, release counters with a release key — or the thief of a revoked key
 * could have shut out everybody for good. */
bool kedge_root_revokes(const struct kedge_root *before, const struct kedge_root *after,
                        enum kedge_root_role role);

/* Reads a file with no regard to signatures: to show or to sign it. */
int kedge_root_peek(struct kedge_slice file, struct kedge_root *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the envelope of `root` (`digest` is not read), signed by nobody. KEDGE_INVALID when a role
 * has no key, a key twice, or a threshold that its keys cannot reach. */
int kedge_root_write(const struct kedge_root *root, struct kedge_buf *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends `file` with one more signature: signers need not meet. `key` must be a root key of the
 * file, or of `current`, the version that it follows (NULL: the first version, or not at hand), else
 * KEDGE_DENIED. Fails as kedge_envelope_countersign does. */
int kedge_root_sign(const struct kedge_root *current, struct kedge_slice file,
                    const struct kedge_key *key, struct kedge_buf *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
