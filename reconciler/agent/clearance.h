/* SPDX-License-Identifier: Apache-2.0 */
/* May content be installed? The director's order alone does not do it: the release keys of the root
 * in force must have signed the artifact, as many of them as the root and policy want, and its
 * release counter must not be below one that was installed of the model before.
 *
 * Judged is what is on its way in, before it is staged and again before it is started: with the
 * order, the root and the counters as they are then. What was confirmed has been judged. It is
 * mended, started again and gone back to without a second look, so that a new root takes away
 * nothing that serves; who wants it gone orders something else.
 *
 * What is refused waits, without being tried again, for another order or another root. */
#pragma once

#include "instance.h"

enum kedge_clearance {
    KEDGE_CLEARANCE_GIVEN,
    KEDGE_CLEARANCE_HASH, /* its artifact must be fetched, or hashed where it lies */
    KEDGE_CLEARANCE_SAVE, /* its counter must be in the journal first */
    KEDGE_CLEARANCE_DENIED,
};

/* Judges what `instance` aims at; remembers the verdict in `slot`, with what is wrong as its
 * trouble. */
enum kedge_clearance kedge_clearance_judge(const struct kedge_agent *agent,
                                           const struct kedge_agent_instance *instance,
                                           struct kedge_agent_slot *slot);
/* Is it GIVEN by the last judgement? */
bool kedge_clearance_given(const struct kedge_agent *agent,
                           const struct kedge_agent_instance *instance,
                           const struct kedge_agent_slot *slot);
/* Everything is judged anew: an order has come into force ... */
void kedge_clearance_reset(struct kedge_agent *agent);
/* ... or a root. Where it takes trust from a release key, counters are forgotten: that key may have
 * driven them up, and nothing could follow on them (TUF 5.3.11). */
void kedge_clearance_follow(struct kedge_agent *agent, bool revokes);
/* The counter of a model, which is never below what was noted before; it is in the journal. */
void kedge_clearance_raise(struct kedge_agent *agent, const char *model, int64_t counter);
void kedge_clearance_release(struct kedge_agent *agent);
