/* SPDX-License-Identifier: Apache-2.0 */
/* plan ─▶ actions ─▶ envelopes: what is released becomes orders, signed and stored before anybody
 * can see them. */
#pragma once

#include "cycle.h"
#include "peer.h"

/* For each device with released changes, the set it must hold: what is wanted where a change is
 * released or there is none, what its last order said where a change is held. A set that the device
 * has accepted, or that lies ready for it unexpired, is not signed again.
 * A device that wants for nothing gets a new order when the one that lies ready says otherwise, or
 * was signed by somebody who is no director any more. Nothing is issued while the newest root does not name our key. A few orders are
 * signed one by one on all cores, many as a batch (wire/batch.h), and they become durable a thousand
 * at a time; `server->issued` names their devices. */
int kedge_dispatch_issue(struct kedge_server *server, const struct kedge_cycle_plan *pass,
                         kedge_ms now, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Signs the last order of every device that is to go and has not been told: to erase all. */
int kedge_dispatch_farewell(struct kedge_server *server, kedge_ms now,
                            struct kedge_err *err) KEDGE_MUST_CHECK;
/* Looks at every stored order again: is it signed by one whom the newest root names? */
int kedge_dispatch_judge(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the stored order of a device. KEDGE_NOTFOUND when there is none. */
int kedge_dispatch_read(struct kedge_server *server, const char *device, struct kedge_buf *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* Fills `peer`, and `row` where there is one, with what the store says was ordered. Nothing stored
 * is no error. */
int kedge_dispatch_recall(struct kedge_server *server, struct kedge_peer *peer,
                          struct kedge_actual_device *row, struct kedge_err *err) KEDGE_MUST_CHECK;
/* The same for every device of the store. */
int kedge_dispatch_restore(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
