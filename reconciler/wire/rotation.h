/* SPDX-License-Identifier: Apache-2.0 */
/* A device changes its key: an in-toto Statement (predicate https://kedge.dev/key-rotation/v1) that
 * both the old and the new key have signed.
 *
 * The old key shows that the device asks, the new one that it holds it. Replay: a rotation counts
 * only while the old key is the device's, so it counts once. It is no help against a thief of the
 * old key: that is what decommission and a new enrolment are for. */
#pragma once

#include "envelope.h"

#define KEDGE_ROTATION_PREDICATE "https://kedge.dev/key-rotation/v1"

/* Appends the envelope. The device keeps both keys until the server has answered. */
int kedge_rotation_sign(const char *device, const struct kedge_key *before,
                        const struct kedge_key *after, kedge_ms now, struct kedge_buf *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* `before` is the key that `device` has now; *after is the one it shall have. KEDGE_DENIED: not
 * signed by both, for another device, from another key, an unsafe key, or none that is new. */
int kedge_rotation_verify(struct kedge_slice envelope, const char *device,
                          const struct kedge_public_key *before, struct kedge_public_key *after,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
