/* SPDX-License-Identifier: Apache-2.0 */
/* What a message makes true: answers to effects, surveys, orders. */
#pragma once

#include "instance.h"

/* Takes one message into the facts; asks for nothing but the journaling of an order. */
void kedge_answer_take(struct kedge_agent *agent, const struct kedge_agent_message *in);
