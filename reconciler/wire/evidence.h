/* SPDX-License-Identifier: Apache-2.0 */
/* A device's report on the wire: an in-toto Statement (predicate
 * https://kedge.dev/device-report/v1) signed by the device. */
#pragma once

#include "envelope.h"
#include "state/report.h"

#define KEDGE_EVIDENCE_PREDICATE "https://kedge.dev/device-report/v1"

/* Appends the envelope. Subject: the contents held; where nothing is held, the device itself by the
 * SHA-256 of its public key. */
int kedge_evidence_sign(const struct kedge_report *report, const struct kedge_key *key,
                        struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Verifies with the device's key, reads, and checks that it speaks for `device` (else
 * KEDGE_DENIED). */
int kedge_evidence_verify(struct kedge_arena *arena, struct kedge_slice envelope,
                          const char *device, const struct kedge_public_key *key,
                          struct kedge_report *out, struct kedge_err *err) KEDGE_MUST_CHECK;
