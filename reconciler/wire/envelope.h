/* SPDX-License-Identifier: Apache-2.0 */
/* DSSE v1 envelopes (secure-systems-lab/dsse protocol.md v1.0.2) with Ed25519: everything that
 * crosses a network. */
#pragma once

#include "base/json.h"
#include "key.h"

#define KEDGE_ENVELOPE_IN_TOTO "application/vnd.in-toto+json"

/* Who may sign: distinct public keys, how many of them must, and for which payload type. */
struct kedge_envelope_trust {
    const struct kedge_public_key *keys;
    size_t key_count;
    unsigned threshold; /* at least 1 */
    const char *payload_type;
};

/* Appends PAE(type, body) to `out`. */
void kedge_envelope_pae(struct kedge_buf *out, const char *type, size_t type_size, const void *body,
                        size_t size);
/* Appends the JSON envelope of `body` signed by every key. Fails as kedge_key_sign does; nothing is
 * appended then. */
int kedge_envelope_sign(struct kedge_buf *out, const char *type, struct kedge_slice body,
                        const struct kedge_key *const *keys, size_t key_count,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends `envelope` with one more signature, by `key`; the payload and the signatures it has stay
 * as they are and are not judged. KEDGE_EXISTS when it names that key already, KEDGE_LIMIT when it
 * is full, else fails as kedge_envelope_sign does. */
int kedge_envelope_countersign(struct kedge_buf *out, struct kedge_slice envelope, size_t limit,
                               const struct kedge_key *key, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the payload with no regard to signatures: to show it, or to learn which keys it claims.
 * Not to be acted upon. */
int kedge_envelope_peek(struct kedge_slice envelope, size_t limit, struct kedge_buf *payload,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* Parses (bounded by `limit`, strict JSON, both base64 alphabets), checks signatures over the PAE,
 * then the type, and only then appends the payload: the very bytes that were verified. keyid only
 * narrows which keys to try; the threshold counts distinct public keys. KEDGE_INVALID malformed,
 * KEDGE_LIMIT too large, KEDGE_DENIED not signed as `trust` demands, KEDGE_UNSUPPORTED signed, but
 * of another payload type. */
int kedge_envelope_verify(const char *data, size_t size, size_t limit,
                          const struct kedge_envelope_trust *trust, struct kedge_buf *payload,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* As kedge_envelope_verify, where the envelope lies within other JSON. */
int kedge_envelope_verify_json(const json_t *json, const struct kedge_envelope_trust *trust,
                               struct kedge_buf *payload, struct kedge_err *err) KEDGE_MUST_CHECK;
