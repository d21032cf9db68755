/* SPDX-License-Identifier: Apache-2.0 */
/* libkedge: what a Git repository declares for a fleet, what a change does to it, and the signed
 * envelopes that everything travels in. For tools beside kedge: editors, CI jobs, dashboards,
 * signing services. `pkg-config --cflags --libs libkedge`.
 *
 * Every function that can fail returns 0 or a negative `enum kedge_code`, fills `err` (err.h) on the
 * caller's stack and leaves its outputs alone. Texts that come as `char *` end with a NUL and are
 * the caller's, to be given back with kedge_text_free. Handles are freed by the `_free` of their
 * noun, which takes NULL; no other pointer may be NULL unless it says so. A loaded handle never
 * changes: any number of threads may use it at once. Nothing is logged or printed. The library ends
 * the program only when memory is out. */
#pragma once

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs: "0.1.0". */
const char *kedge_version(void);
/* Gives back what a function here returned as `char *`. NULL is fine. */
void kedge_text_free(char *text);

/* --- A fleet: the manifests of one revision, and what each device must hold because of them. --- */

struct kedge_fleet;

/* Reads the manifests below the folder at `path`, or the one file there, as they are on the disk
 * now. Manifests with errors load all the same: see kedge_fleet_is_valid. KEDGE_NOTFOUND, KEDGE_LIMIT,
 * KEDGE_IO. Blocks on the disk. */
int kedge_fleet_load_folder(const char *path, struct kedge_fleet **out,
                            struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads the manifests below folder `root` (NULL: the top) of what `revision` names (as for `git
 * rev-parse`: "main", "HEAD~1", a commit id) in the repository that holds `repository`. Nothing is
 * fetched, checked out or executed. Blocks on the disk. KEDGE_NOTFOUND: no such repository, revision
 * or root. KEDGE_INVALID, KEDGE_CORRUPT, KEDGE_LIMIT.
 *
 * This starts libgit2 with settings that hold for the whole process: Git's configuration of user and
 * system is not read, and the owner of a repository is not looked at. */
int kedge_fleet_load_commit(const char *repository, const char *revision, const char *root,
                            struct kedge_fleet **out, struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_fleet_free(struct kedge_fleet *fleet);

/* Are the manifests free of errors? Of an invalid fleet there are findings and nothing else. */
bool kedge_fleet_is_valid(const struct kedge_fleet *fleet);
/* The commit's id, 40 hex digits; "" for a folder. Lives as long as the fleet. */
const char *kedge_fleet_commit(const struct kedge_fleet *fleet);
/* Everything that is wrong, as `kedge validate -o json` has it:
 *   {"errors","warnings","items":[{"severity","rule","file","line","column","field","message",
 *   "remedy"}..]} */
char *kedge_fleet_findings(const struct kedge_fleet *fleet);

/* What device `device` must hold:
 *   {"device","commit","set":<digest>,"assignments":[{"instance","version",..}..]}
 * KEDGE_NOTFOUND: no such device. KEDGE_INVALID: the fleet is invalid. */
int kedge_fleet_resolve(const struct kedge_fleet *fleet, const char *device, char **json,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* What going from `before` to `after` does to the devices, without live state, as `kedge diff -o
 * json` has it:
 *   {"format":"kedge.dev/diff/v1","base","head","summary","changes":[{"device","instance",
 *   "deployment","verb","drift","from","to","reason"}..]}
 * KEDGE_INVALID: one of them is invalid. */
int kedge_fleet_diff(const struct kedge_fleet *before, const struct kedge_fleet *after, char **json,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* What would be done now, and what is held and why: the sealed plan that `kedge plan --out` writes
 * and `kedge apply` takes. The fleet is that of a commit; `inventory` is the document that `kedge
 * inventory export` writes; `now` is in ms since 1970. Reports that verify with no device key of the
 * fleet count for nothing; `*left_out` (may be NULL) tells how many they are. KEDGE_INVALID: the
 * fleet is invalid or that of a folder, or this is no inventory. KEDGE_LIMIT. */
int kedge_fleet_plan(const struct kedge_fleet *fleet, struct kedge_slice inventory, kedge_ms now,
                     char **json, size_t *left_out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* --- DSSE v1 envelopes with Ed25519: what crosses a network. --- */

/* A private key: in guarded memory and wiped when freed, or held by a program outside. */
struct kedge_key;

/* Loads a key that `kedge key generate` made. `source` is a file that only its owner may touch, or
 * "exec:<public key> <program> [argument...]" for a key that the program signs with. `passphrase`
 * opens a sealed file and may be NULL for others. A sealed file takes about a second.
 * KEDGE_NOTFOUND, KEDGE_DENIED (others may touch it; passphrase missing or wrong), KEDGE_INVALID. */
int kedge_dsse_key_load(const char *source, const char *passphrase, struct kedge_key **out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_dsse_key_free(struct kedge_key *key);
/* Its public half as "ed25519:<base64>": what manifests, roots and kedge_dsse_verify take. */
char *kedge_dsse_key_public(const struct kedge_key *key);

/* Wraps `payload` (any bytes, at most 2.6 MiB) and signs it with each of the keys (1 to 32): a JSON
 * envelope. May block for a key that is held outside, and fails as it does; KEDGE_LIMIT,
 * KEDGE_INVALID (no key). */
int kedge_dsse_sign(struct kedge_slice payload, const char *payload_type,
                    const struct kedge_key *const *keys, size_t key_count, char **envelope,
                    struct kedge_err *err) KEDGE_MUST_CHECK;

/* Who may sign, and what. */
struct kedge_dsse_trust {
    const char *const *keys; /* public keys as text, as kedge_dsse_key_public gives them */
    size_t key_count;        /* at most 32 */
    unsigned threshold;      /* how many different keys must have signed: 1 to key_count */
    const char *payload_type;
};

/* Checks an envelope and then gives its payload, the very bytes that were verified: `*size` of them
 * (and a NUL behind) in `*payload`. KEDGE_DENIED: not signed as `trust` demands. KEDGE_UNSUPPORTED:
 * signed, but of another payload type. KEDGE_INVALID: malformed, or `trust` is. KEDGE_LIMIT: larger
 * than 4 MiB. */
int kedge_dsse_verify(struct kedge_slice envelope, const struct kedge_dsse_trust *trust,
                      char **payload, size_t *size, struct kedge_err *err) KEDGE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
