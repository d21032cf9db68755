/* SPDX-License-Identifier: Apache-2.0 */
/* One device's order in the making: what it must hold, worked out before anything is signed. */
#pragma once

#include "base/buf.h"
#include "peer.h"
#include "server.h"
#include "state/plan.h"
#include "wire/order.h"

/* One device's order in the making. */
struct kedge_draft {
    struct kedge_peer *peer;
    struct kedge_actual_device *row;
    const struct kedge_step *steps;
    size_t step_count;
    const struct kedge_desired_device *desired;

    const struct kedge_assignment **set; /* sorted by instance */
    struct kedge_order_member *members;
    uint32_t count;
    struct kedge_digest digest; /* of the set */
    struct kedge_order order;
    struct kedge_buf envelope;
    int code; /* of signing it */
    struct kedge_err err;
};

/* Fills `draft`, of which peer, row, steps and desired are set, when its device needs a new order;
 * false when it does not. Strings live in `arena`, the server and the plan. */
bool kedge_draft_prepare(struct kedge_server *server, const struct kedge_plan *plan, kedge_ms now,
                         struct kedge_draft *draft, struct kedge_arena *arena);
/* Fills `draft`, of which peer and row are set, with the order to erase everything. */
void kedge_draft_farewell(const struct kedge_server *server, kedge_ms now,
                          struct kedge_draft *draft);
