/* SPDX-License-Identifier: Apache-2.0 */
/* A verified report as evidence: does it continue what is kept of its device? */
#pragma once

#include "doubt.h"
#include "inside.h"
#include "wire/chain.h"

/* What becomes of one report. */
struct kedge_proof {
    enum kedge_chain_verdict verdict;
    bool begins;  /* as the first link of a further chain */
    bool doubted; /* from now on */
    bool settled; /* the doubt is over */
    struct kedge_doubt doubt;
};

/* Judges a report that `key` has verified, and stores what follows: a link, what is missing before
 * it, a doubt, or its end. Within a transaction; memory of the peer's chain follows at once, so
 * kedge_proof_forget it when the transaction fails. A refusal is `*refusal`, with code 0 when there
 * is none: KEDGE_CONFLICT where the device is to answer with a fresh link or is held, KEDGE_INVALID
 * where it contradicts itself. An error is the store's. */
int kedge_proof_take(struct kedge_server *server, struct kedge_peer *peer,
                     const struct kedge_actual_device *row, struct kedge_slice evidence,
                     const struct kedge_public_key *key, kedge_ms now, struct kedge_proof *out,
                     struct kedge_err *refusal, struct kedge_err *err) KEDGE_MUST_CHECK;
/* What memory knows of the peer's chain is read from the store again. */
void kedge_proof_forget(struct kedge_peer *peer);
/* After the transaction: what the report has changed about the device's being believed. */
void kedge_proof_adopt(struct kedge_server *server, const struct kedge_peer *peer,
                       const struct kedge_proof *proof);
