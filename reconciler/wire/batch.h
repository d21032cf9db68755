/* SPDX-License-Identifier: Apache-2.0 */
/* One signature for many orders: the director signs the root of a Merkle tree (RFC 9162 section
 * 2.1, SHA-256) whose leaves are statements, and every device gets its own statement with a proof
 * that it is a leaf.
 *
 * A member is {"order": base64 of the statement, "index": its leaf, "proof": [base64 of 32 bytes,
 * from the leaf upwards], "root": DSSE envelope of a Statement with predicate
 * https://kedge.dev/action-batch/v1 {"root": digest, "size": leaves}}. */
#pragma once

#include "envelope.h"

#define KEDGE_BATCH_PREDICATE "https://kedge.dev/action-batch/v1"

/* Add every statement, sign, write every member. */
struct kedge_batch;

struct kedge_batch *kedge_batch_new(void);
void kedge_batch_free(struct kedge_batch *batch);
void kedge_batch_auto(struct kedge_batch **batch);
/* Takes note of a statement, whose bytes stay the caller's; returns its index, from 0. At most
 * KEDGE_LIMIT_BATCH. */
size_t kedge_batch_add(struct kedge_batch *batch, struct kedge_slice statement);
/* Once, when at least one statement has been added. A hash a statement, a signature a key; fails as
 * kedge_key_sign does. */
int kedge_batch_sign(struct kedge_batch *batch, const struct kedge_key *const *keys,
                     size_t key_count, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the member of `statement`, which kedge_batch_add gave this `index`. Cheapest in order of
 * index. */
void kedge_batch_write(struct kedge_batch *batch, size_t index, struct kedge_slice statement,
                       struct kedge_buf *out);

/* Verifies either form, a DSSE envelope or a member of a batch, as kedge_envelope_verify does: the
 * root's signatures, then inclusion; only then the statement's bytes are appended to `payload`.
 * Its codes, and KEDGE_DENIED for a statement that is no leaf of the signed tree. */
int kedge_batch_verify(const char *data, size_t size, size_t limit,
                       const struct kedge_envelope_trust *trust, struct kedge_buf *payload,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
