/* SPDX-License-Identifier: Apache-2.0 */
/* Release signatures: the people who answer for an artifact say so, whoever delivers it.
 *
 * A signature is minisign's, prehashed, over the artifact file. Its trusted comment, which it covers
 * too, says what that file is:
 *
 *   kedge/v1 model=<name> version=<version> digest=sha256:<hex> size=<bytes> runtime=sha256:<hex>
 *     counter=<number>
 *
 * (one line), so that a signature for one version is none for another, nor for the same bytes run by
 * another command: `runtime` is kedge_assignment_runtime. Ours and those of `minisign -S -t` with
 * that comment are alike, and `minisign -V` takes both. The ids that minisign gives to keys are
 * hints: the keys themselves come from the root document.
 *
 * The counter is the release counter of the model. Versions that may take each other's place, so
 * that a rollback works, share one; raising it says that no version below may ever run again, as
 * after a hole was closed. A device remembers the highest and never goes below it, whatever the
 * director says. */
#pragma once

#include "base/arena.h"
#include "root.h"
#include "state/assignment.h"

#define KEDGE_RELEASE_HASH 64

/* What a signature says of the file. */
struct kedge_release_claim {
    const char *model, *version;
    struct kedge_digest digest;
    int64_t size; /* bytes */
    int64_t counter;
    struct kedge_digest runtime; /* of how it is unpacked and run: kedge_assignment_runtime */
};

/* BLAKE2b-512 of the file, while it streams by. The state is opaque; NULL may be freed. */
struct kedge_release_state;
struct kedge_release_state *kedge_release_begin(void);
void kedge_release_update(struct kedge_release_state *state, const void *data, size_t size);
/* The hash of all bytes so far; the state starts over. */
void kedge_release_finish(struct kedge_release_state *state, uint8_t hash[KEDGE_RELEASE_HASH]);
void kedge_release_free(struct kedge_release_state *state);
void kedge_release_auto(struct kedge_release_state **state);

/* Appends the trusted comment. KEDGE_INVALID when `claim` would not read back. */
int kedge_release_write(const struct kedge_release_claim *claim, struct kedge_buf *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads one; strings live in `arena`. KEDGE_INVALID for any other text. */
int kedge_release_read(struct kedge_arena *arena, const char *comment,
                       struct kedge_release_claim *out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Are both of the same file, as the same model and version? Counters are not compared. KEDGE_DENIED
 * says what differs. */
int kedge_release_match(const struct kedge_release_claim *claim,
                        const struct kedge_release_claim *wanted,
                        struct kedge_err *err) KEDGE_MUST_CHECK;

/* Appends the signature as a ModelVersion's `signatures[].value` and a .minisig file hold it. */
int kedge_release_sign(const struct kedge_key *key, const uint8_t hash[KEDGE_RELEASE_HASH],
                       const struct kedge_release_claim *claim, struct kedge_buf *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* Have `signers` (a root's release role; a policy may raise the threshold of a copy) signed the file
 * with this hash as what `wanted` says? While the file is still to come `hash` is NULL: then the
 * comments are judged, which are enough to refuse, not to accept. `wanted->counter` is not read: *counter is the highest that
 * the threshold agrees on. Each key counts once. KEDGE_DENIED says how many are missing and what is
 * wrong with the last that did not count; KEDGE_INVALID a malformed signature. */
int kedge_release_check(const struct kedge_root_signers *signers,
                        const struct kedge_signature *signatures, uint32_t count,
                        const uint8_t hash[KEDGE_RELEASE_HASH],
                        const struct kedge_release_claim *wanted, int64_t *counter,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* May a release with `counter` be installed where `highest` was seen of its model (0: none)? */
int kedge_release_advance(const char *model, int64_t highest, int64_t counter,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
