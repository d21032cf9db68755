/* SPDX-License-Identifier: Apache-2.0 */
/* Signed history: while signatures are required, a commit comes into force only when it and every
 * commit that it brings along, merged side branches too, carry a good SSH signature of somebody
 * who was allowed *before* it.
 *
 *     anchor ── a ── b ── m ── head        who may sign b is what a says, a what the anchor says
 *        └────── s ──────┘                 s what the anchor says, m what b and s both say
 *
 * The anchor is the last commit that was verified; the first one is the operator's to name. What a
 * branch says that left before the anchor never counts: the anchor stands in for it. The list of
 * revoked keys holds as it stood before a commit, and as the head has it. No commit is dated before
 * its parents or in the future. Where an annotated tag is followed it is signed too, under its own
 * name, by somebody whom the anchor allows. So whoever may push, but not sign, changes nothing; and
 * whether signatures are required is never the repository's to say. */
#pragma once

#include "core/rights.h"
#include "server.h"

#define KEDGE_TRUST_ALLOWED ".kedge/allowed_signers" /* unless the operator names another */
#define KEDGE_TRUST_REVOKED ".kedge/revoked_signers"
#define KEDGE_TRUST_SKEW    600000 /* ms: how far the clocks of those who commit may be off */

/* Takes options.signing together with what the store remembers. Once required they stay so until
 * they are waived. KEDGE_INVALID: both at once, no commit id, or nobody has said what is trusted
 * first. */
int kedge_trust_open(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Is the commit in force known to be verified, or need it not be? */
bool kedge_trust_covers(const struct kedge_server *server);
/* May `commit` come into force? KEDGE_DENIED names the commit that may not, who made it, the rule
 * and what to do. KEDGE_UNAVAILABLE: not before its date. Other codes: it could not be read. */
int kedge_trust_check(struct kedge_server *server, const char *commit, kedge_ms now,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* The commit that everything new must stand on, or NULL where the operator's file stands in for it. A
 * pin moves it forward, past what cannot be verified; backward only together with a rewrite that the
 * operator accepts. */
const char *kedge_trust_anchor(const struct kedge_server *server);

/* Who signed a commit that was accepted, and what they said. */
struct kedge_trust_signature {
    struct kedge_rights_signer signer; /* without names: not by anybody `elder` knows */
    const char *message;               /* "" unless they are known */
};
/* By the lists as they stand in commit `elder`. Strings live in `arena`. Fails only where it cannot
 * be read. */
int kedge_trust_identify(const struct kedge_server *server, const char *elder, const char *commit,
                         struct kedge_arena *arena, struct kedge_trust_signature *out,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
/* In the transaction that brings `commit` into force: it is the next anchor. */
int kedge_trust_record(struct kedge_server *server, const char *commit,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
