/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of roots on the device: from the one it began with, each version is judged by the one
 * before it, and is durable before it counts. A root of version 0 (keys named by hand) stays.
 *
 *   heard of a newer one ─▶ ROOT (fetch the very next) ─▶ follow ─▶ JOURNAL ─▶ take ─▶ the next
 *
 * An order that came with the news waits until the chain has been walked: a newer root may name
 * the director that signed it. */
#pragma once

#include "instance.h"

/* An exchange has ended: the server has this version (0: none), and gave this envelope, if any.
 * False: the envelope waits for the chain, and comes back from kedge_anchor_waiting. */
bool kedge_anchor_hear(struct kedge_agent *agent, int64_t newest, struct kedge_slice envelope);
/* Asks for the next version when there is one and it is due; notes when the root has expired. */
void kedge_anchor_run(struct kedge_agent *agent);
/* Is a version on its way? Nothing is exchanged meanwhile. */
bool kedge_anchor_busy(const struct kedge_agent *agent);
/* The ROOT effect has ended. */
void kedge_anchor_answer(struct kedge_agent *agent, const struct kedge_agent_message *in);
/* The JOURNAL effect of the next root has ended. */
void kedge_anchor_saved(struct kedge_agent *agent, enum kedge_code code);
/* The envelope that has waited, once the walk is over; false: there is none. `out` is to be
 * released. */
bool kedge_anchor_waiting(struct kedge_agent *agent, struct kedge_buf *out);

/* Makes the next root of the chain the one in force: at boot and when its record is durable alike.
 * What rested on keys that it no longer names rests on nothing from here on. A version that is in
 * force already, or older, is passed over. KEDGE_DENIED: it does not follow. */
int kedge_anchor_take(struct kedge_agent *agent, struct kedge_slice file,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_ROOT_EXPIRED when nothing new may be taken under the root in force. */
enum kedge_root_refusal kedge_anchor_fresh(const struct kedge_agent *agent, struct kedge_err *err);
void kedge_anchor_release(struct kedge_agent_anchor *anchor);
