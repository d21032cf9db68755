/* SPDX-License-Identifier: Apache-2.0 */
#include "clearance.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "wire/release.h"

_Static_assert(sizeof((struct kedge_agent_slot *)0)->hash == KEDGE_RELEASE_HASH, "of a release");

static int64_t highest(const struct kedge_agent *agent, const char *model)
{
    for (const struct kedge_agent_release *at = agent->releases; at; at = at->next)
        if (strcmp(at->model, model) == 0)
            return at->counter;
    return 0;
}

void kedge_clearance_raise(struct kedge_agent *agent, const char *model, int64_t counter)
{
    struct kedge_agent_release *at = agent->releases;
    while (at && strcmp(at->model, model) != 0)
        at = at->next;
    if (!at) {
        at = kedge_alloc_zeroed(sizeof *at);
        at->model = kedge_alloc_strdup(model);
        at->next = agent->releases;
        agent->releases = at;
    }
    if (counter > at->counter)
        at->counter = counter;
}

void kedge_clearance_release(struct kedge_agent *agent)
{
    while (agent->releases) {
        struct kedge_agent_release *at = agent->releases;
        agent->releases = at->next;
        free(at->model);
        free(at);
    }
}

static void forget(struct kedge_agent_slot *slot)
{
    if (slot->denial != KEDGE_DENIAL_NONE)
        kedge_instance_trouble(slot, KEDGE_OK, NULL);
    slot->judged = false;
    slot->denial = KEDGE_DENIAL_NONE;
}

void kedge_clearance_reset(struct kedge_agent *agent)
{
    for (size_t i = 0; i < agent->count; i++)
        for (struct kedge_agent_slot *slot = agent->instances[i]->slots; slot; slot = slot->next)
            forget(slot);
    agent->changed = true;
}

void kedge_clearance_follow(struct kedge_agent *agent, bool revokes)
{
    if (revokes)
        kedge_clearance_release(agent);
    kedge_clearance_reset(agent);
}

/* A root made by hand may name no release keys: then nobody is asked. */
static bool is_asked(const struct kedge_agent *agent, const struct kedge_agent_instance *instance,
                     const struct kedge_agent_slot *slot)
{
    return agent->root.roles[KEDGE_ROOT_RELEASE].count > 0 &&
           !kedge_digest_equal(&slot->content, &instance->good);
}

bool kedge_clearance_given(const struct kedge_agent *agent,
                           const struct kedge_agent_instance *instance,
                           const struct kedge_agent_slot *slot)
{
    return !is_asked(agent, instance, slot) ||
           (slot->judged && slot->hashed && slot->denial == KEDGE_DENIAL_NONE &&
            slot->counter == highest(agent, instance->name));
}

static enum kedge_clearance deny(struct kedge_agent_slot *slot, enum kedge_denial denial,
                                 const struct kedge_err *why)
{
    slot->judged = true;
    slot->denial = denial;
    kedge_instance_trouble(slot, why->code, why->msg);
    return KEDGE_CLEARANCE_DENIED;
}

/* The order's signatures, not those that the slot was staged with: there may be more by now. */
static int check(const struct kedge_agent *agent, const struct kedge_assignment *want,
                 struct kedge_agent_slot *slot, struct kedge_err *err)
{
    struct kedge_root_signers signers = agent->root.roles[KEDGE_ROOT_RELEASE];
    const struct kedge_release_claim wanted = {
        .model = want->instance,
        .version = want->version,
        .digest = want->artifact.digest,
        .size = want->artifact.size,
        .runtime = kedge_assignment_runtime(want->artifact.format, &want->runtime),
    };
    if (want->release_keys > signers.threshold)
        signers.threshold = want->release_keys;
    if (!want->artifact.url)
        return kedge_err_set(err, KEDGE_DENIED,
                             "it has no artifact that release keys could have signed");
    return kedge_release_check(&signers, want->signatures, want->signature_count,
                               slot->hashed ? slot->hash : NULL, &wanted, &slot->counter, err);
}

enum kedge_clearance kedge_clearance_judge(const struct kedge_agent *agent,
                                           const struct kedge_agent_instance *instance,
                                           struct kedge_agent_slot *slot)
{
    struct kedge_err err = {0};
    if (!is_asked(agent, instance, slot))
        return KEDGE_CLEARANCE_GIVEN;
    if (!slot->judged && check(agent, instance->want, slot, &err))
        return deny(slot, KEDGE_DENIAL_UNSIGNED, &err);
    if (slot->denial != KEDGE_DENIAL_NONE)
        return KEDGE_CLEARANCE_DENIED;
    slot->judged = true;
    int64_t seen = highest(agent, instance->name);
    if (kedge_release_advance(instance->name, seen, slot->counter, &err))
        return deny(slot, KEDGE_DENIAL_ROLLBACK, &err);
    /* What the signatures say of themselves is enough to refuse it unseen, not to accept it. */
    if (!slot->hashed)
        return KEDGE_CLEARANCE_HASH;
    return slot->counter > seen ? KEDGE_CLEARANCE_SAVE : KEDGE_CLEARANCE_GIVEN;
}
