/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a device's membership, once an order says that it is the last:
 *
 *   no instance is left ─▶ ERASE ─▶ a report that says so ─▶ its answer ─▶ over
 *
 * Each step rests on the order in the journal and on facts, so that a crash at any point comes to
 * the same end. The key goes last, and is the shell's to remove: until then the device can say what
 * it has done. */
#pragma once

#include "instance.h"

/* Is the order in force the last one? */
bool kedge_farewell_ordered(const struct kedge_agent *agent);
/* Asks for the erasure when it is due. */
void kedge_farewell_run(struct kedge_agent *agent);
/* The ERASE effect has ended. */
void kedge_farewell_answer(struct kedge_agent *agent, const struct kedge_agent_message *in);
/* May the next report say that all is erased? */
bool kedge_farewell_done(const struct kedge_agent *agent);
/* An exchange has ended with `code`. Once a link of the chain of evidence that says so is answered,
 * that is the end; and so is being refused after all is erased: then the answer was lost. */
void kedge_farewell_hear(struct kedge_agent *agent, enum kedge_code code);
