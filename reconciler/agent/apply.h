/* SPDX-License-Identifier: Apache-2.0 */
/* The rules: what is wanted against what is, one instance at a time, gives the next effects.
 *
 * An instance aims at the slot its set names, unless that content (or another member of its bundle)
 * has failed: then it aims at the last good one. A slot it aims at that is not yet good is a
 * candidate, and goes this way:
 *
 *   fetch, stage     beside everything that serves; in between it must be cleared (clearance.h)
 *   gate             until every member of the bundle is staged; an application until its models
 *                    are verified
 *   intent           `activate` in the journal
 *   start, probe     overlap: beside the good one; replace: after it has stopped
 *   switch           `current` follows the first slot that is verified
 *   confirm          in the journal, all members of the bundle in one record; from then on the
 *                    former good one is garbage: stopped, removed
 *
 * A candidate that exits, or whose probe has not passed within startWithin, is a failure: noted,
 * journaled, and the aim is the good slot again, so the same rules bring it back. */
#pragma once

#include "instance.h"

/* Joins the instances with the set of the order in force. `fresh`: it has just come into force, so
 * what it deploys, updates or starts is tried again at once. */
void kedge_apply_join(struct kedge_agent *agent, bool fresh);
/* Asks for every effect that is due. */
void kedge_apply_run(struct kedge_agent *agent);

/* The unit of a slot has ended, or could not be started, or is not well. A candidate fails for it;
 * what is good is started again, after a pause that grows. */
void kedge_apply_unwell(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                        struct kedge_agent_slot *slot, enum kedge_code code, const char *message);
/* Is it worth another try soon? */
bool kedge_apply_transient(enum kedge_code code);

/* The member of its bundle (perhaps itself) whose failure keeps the wanted content away; NULL:
 * none does. */
const struct kedge_agent_instance *kedge_apply_culprit(const struct kedge_agent *agent,
                                                       const struct kedge_agent_instance *instance);
/* The slot aimed at, or NULL. */
struct kedge_agent_slot *kedge_apply_aim(const struct kedge_agent *agent,
                                         const struct kedge_agent_instance *instance);
/* Is `instance` as its set wants it, proven? */
bool kedge_apply_settled(const struct kedge_agent *agent,
                         const struct kedge_agent_instance *instance);
/* Do its bundle's members allow the candidate to be started? */
bool kedge_apply_gate_open(const struct kedge_agent *agent,
                           const struct kedge_agent_instance *instance);
