/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment: how a device that nobody knows becomes one of the fleet. The messages; who stores and
 * sends them is the programs' affair.
 *
 *   1. The operator issues a token for a device name: `kedge device enroll`. The server stores its
 *      hash with the name, the hardware id if one is known, and an expiry.
 *   2. The device makes its key and sends a request: an in-toto Statement (predicate
 *      https://kedge.dev/enrolment-request/v1) signed by that key, which proves that it holds it.
 *   3. The server verifies the request, and in one transaction consumes the token and records the
 *      key. Without a token it keeps the request until an operator has compared the fingerprint
 *      (`kedge device approve`).
 *   4. The reply: the root documents from the one in the token to the newest, and a record
 *      (predicate https://kedge.dev/enrolment/v1) signed by the director that the newest names.
 *
 * Replay. A token is consumed once, whatever becomes of the reply: a second request with it is
 * refused unless its key is the one that was enrolled, which gets its reply again (the first may
 * have been lost). A request that was overheard names its own key, so replaying it enrols nobody
 * else. A thief of the token who is first keeps the device out, which then shows: its request is
 * refused and the operator is told. A record names the digest of the request that it answers, and so
 * is good for one device, one key and one attempt; and the generation of the last order for a device
 * of that name, so that no order of an earlier life is obeyed in this one. */
#pragma once

#include "base/arena.h"
#include "root.h"
#include "token.h"

#define KEDGE_ENROL_REQUEST "https://kedge.dev/enrolment-request/v1"
#define KEDGE_ENROL_RECORD  "https://kedge.dev/enrolment/v1"

struct kedge_enrol_request {
    const char *device;
    const char *hardware; /* serial number or machine id; NULL: unknown */
    kedge_ms issued;
    struct kedge_public_key key;
    bool has_token; /* else an operator approves the fingerprint */
    uint8_t secret[KEDGE_TOKEN_SECRET];
    struct kedge_digest root; /* the one it pins, where the reply's chain begins; zero: the first */
    struct kedge_digest digest; /* of the envelope's bytes; not written */
};

/* Appends the envelope, signed by `key` (`request->key` is not read). */
int kedge_enrol_request_sign(const struct kedge_enrol_request *request, const struct kedge_key *key,
                             struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads a request that its own key has signed; strings live in `arena`. Whether token, name and
 * hardware belong together is for the caller to say. KEDGE_INVALID, KEDGE_LIMIT, KEDGE_UNSUPPORTED
 * malformed; KEDGE_DENIED an unsafe key, or signed by another. */
int kedge_enrol_request_verify(struct kedge_arena *arena, struct kedge_slice envelope,
                               struct kedge_enrol_request *out,
                               struct kedge_err *err) KEDGE_MUST_CHECK;

/* Appends the reply to `request`: `roots` are root files, in order; `generation` is that of the last
 * order that was signed for a device of this name. */
int kedge_enrol_reply_sign(const struct kedge_enrol_request *request,
                           const struct kedge_slice *roots, size_t root_count, int64_t generation,
                           kedge_ms now, const struct kedge_key *const *directors,
                           size_t director_count, struct kedge_buf *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;

struct kedge_enrol_reply {
    struct kedge_root root;          /* the newest */
    const struct kedge_slice *roots; /* files to keep, version by version up to `root` */
    uint32_t root_count;
    int64_t generation; /* orders up to this one were for the device that bore the name before */
    kedge_ms issued;
};

/* Judges the reply to the request that this device sent. `pin` is the digest in its token, or one
 * that a person gave it. KEDGE_DENIED: another fleet's root, not signed by its director, an expired
 * root, or the reply to another request. Everything lives in `arena`. */
int kedge_enrol_reply_verify(struct kedge_arena *arena, struct kedge_slice reply,
                             const struct kedge_digest *pin,
                             const struct kedge_enrol_request *request, kedge_ms now,
                             struct kedge_enrol_reply *out, struct kedge_err *err) KEDGE_MUST_CHECK;
