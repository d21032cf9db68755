/* SPDX-License-Identifier: Apache-2.0 */
#include "farewell.h"

bool kedge_farewell_ordered(const struct kedge_agent *agent)
{
    return kedge_agent_ordered(agent) && agent->order.order.decommission;
}

/* Nothing that lies on the disk is known any more, and nothing is being put there. */
static bool is_bare(const struct kedge_agent *agent)
{
    return agent->count == 0 && agent->fetching == 0 && !agent->collecting && !agent->looking;
}

void kedge_farewell_run(struct kedge_agent *agent)
{
    struct kedge_agent_farewell *farewell = &agent->farewell;
    if (!kedge_farewell_ordered(agent))
        return;
    if (agent->count)
        farewell->erased = false; /* something has turned up */
    if (farewell->erased || farewell->erasing || !is_bare(agent))
        return;
    if (farewell->retry.due > agent->now) {
        kedge_agent_wake_at(agent, farewell->retry.due);
        return;
    }
    farewell->erasing = kedge_agent_ask(agent, KEDGE_AGENT_ERASE)->id;
}

void kedge_farewell_answer(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    struct kedge_agent_farewell *farewell = &agent->farewell;
    farewell->erasing = 0;
    if (in->code) {
        kedge_agent_back_off(agent, &farewell->retry, KEDGE_AGENT_RETRY_FIRST,
                             KEDGE_AGENT_RETRY_MOST);
        return;
    }
    farewell->retry = (struct kedge_agent_retry){0};
    farewell->erased = true;
}

bool kedge_farewell_done(const struct kedge_agent *agent)
{
    return kedge_farewell_ordered(agent) && agent->farewell.erased && agent->count == 0;
}

void kedge_farewell_hear(struct kedge_agent *agent, enum kedge_code code)
{
    struct kedge_agent_farewell *farewell = &agent->farewell;
    bool said = agent->link.erased && agent->link.answered;
    if (kedge_farewell_done(agent) && ((said && code == KEDGE_OK) || code == KEDGE_DENIED))
        farewell->over = true;
}
