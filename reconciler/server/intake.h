/* SPDX-License-Identifier: Apache-2.0 */
/* reports ─▶ actual: the one place where the loop closes. */
#pragma once

#include "proof.h"

/* What became of one SYNC message. */
struct kedge_intake_item {
    const struct kedge_server_message *in;
    struct kedge_peer *peer; /* NULL unless it was taken, now or before */
    struct kedge_err err;    /* why it was not taken; code 0 when it was */

    /* while it is worked on */
    const struct kedge_device *device;
    struct kedge_public_key key; /* that speaks for it */
    struct kedge_actual_device *row;
    struct kedge_digest evidence, content;
    struct kedge_proof proof;
    bool repeated, fresh;
    bool lifeless; /* its last link again: fine, but anybody can play that */
    bool last;     /* of a device that has erased all it had */
};

/* Verifies on all cores, refuses what proves nothing (proof.h), writes reports and what they tell to the store as one
 * transaction, and only then to memory; marks devices whose state changed. KEDGE_NOTFOUND: no such
 * device. KEDGE_DENIED: not enrolled, or a bad signature. KEDGE_CONFLICT: old, or it does not fit the
 * device's chain of evidence. KEDGE_UNAVAILABLE: no commit is in force, or the store cannot be
 * written. */
void kedge_intake_reports(struct kedge_server *server, struct kedge_intake_item *items,
                          size_t count, kedge_ms now);
/* Every report of the store, verified again: the store holds no authority. Reports of devices that
 * are unknown by now, or signed with another key, are left out. */
int kedge_intake_restore(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
