/* SPDX-License-Identifier: Apache-2.0 */
/* A device's report on the wire: an in-toto Statement (predicate
 * https://kedge.dev/device-report/v1) signed by the device.
 *
 * Reports are evidence, so they form a chain. A *link* is a report of a state that differs from the
 * link before (kedge_report_digest says when); it has a number, from 1, and names the link before by
 * the SHA-256 of its statement. Between links a device sends reports that *uphold* its last link:
 * the same state with a fresh counter and time. They are not kept, so a chain grows with what
 * happens, not with time.
 *
 *   - Statements are named, not envelopes: a DSSE envelope can be changed in transit without harm to
 *     its signature (keyid, white space, the alphabet of base64), and whoever did that would break
 *     the chain of an honest device. For the same reason a device that changes its key goes on with
 *     its chain: the statement is the same, whichever of its keys has signed it.
 *   - A device makes a link durable before it sends it, sends the same until the server has
 *     answered, and only then makes the next one. So neither a crash nor a lost answer makes an
 *     honest device sign two different links of one number: who does is two devices, or one that
 *     was set back (its state folder copied, restored or lost), which cannot be told apart.
 *   - Whatever is not new is answered with KEDGE_CONFLICT: it may be an old report that somebody
 *     plays again, and proves nothing. A device that hears that of a report it has just made answers
 *     with a fresh link, which nobody else can make: that one fits, or it is the proof.
 *   - The server keeps every link, append only, in the transaction that takes it. What does not fit
 *     holds the device (wire/chain.h says what fits) until a person has decided, and is kept as
 *     proof. A link that is ahead of the chain shows that the server has lost some, not that there
 *     are two devices: it is taken, and the gap stays visible for ever. */
#pragma once

#include "envelope.h"
#include "state/report.h"

#define KEDGE_EVIDENCE_PREDICATE "https://kedge.dev/device-report/v1"

/* Appends the statement. Subject: the contents held; where nothing is held, the device itself by the
 * SHA-256 of its public key. */
void kedge_evidence_write(const struct kedge_report *report, const struct kedge_public_key *key,
                          struct kedge_buf *out);
/* Appends the envelope of a statement. */
int kedge_evidence_seal(struct kedge_slice statement, const struct kedge_key *key,
                        struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Both in one, for what need not be kept. */
int kedge_evidence_sign(const struct kedge_report *report, const struct kedge_key *key,
                        struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Reads a statement that is trusted already: one's own, or a kept one. Strings live in `arena`;
 * `out->self` is its digest. KEDGE_DENIED: it speaks for another device. */
int kedge_evidence_read(struct kedge_arena *arena, struct kedge_slice statement, const char *device,
                        struct kedge_report *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Verifies with the device's key, then reads. KEDGE_DENIED: not signed by it, or it speaks for
 * another device. */
int kedge_evidence_verify(struct kedge_arena *arena, struct kedge_slice envelope,
                          const char *device, const struct kedge_public_key *key,
                          struct kedge_report *out, struct kedge_err *err) KEDGE_MUST_CHECK;
