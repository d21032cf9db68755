/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor.h"

#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "base/alloc.h"
#include "clearance.h"
#include "memory.h"
#include "wire/batch.h"

/* What a server may do instead of giving the next version. */
#define REASON_WITHHELD "withheld" /* it says that there is one, and does not give it */
#define REASON_ENDLESS  "endless"  /* more bytes than any root has */

static void set_refusal(struct kedge_agent *agent, int64_t version, const char *reason,
                        enum kedge_code code, const char *message)
{
    struct kedge_agent_anchor *anchor = &agent->anchor;
    if (anchor->refusal.reason && strcmp(anchor->refusal.reason, reason) == 0 &&
        anchor->refusal.generation == version && strcmp(anchor->refusal_message, message) == 0)
        return;
    kedge_instance_text(&anchor->refusal_message, message);
    anchor->refusal = (struct kedge_refusal){.generation = version,
                                             .code = code,
                                             .reason = reason,
                                             .message = anchor->refusal_message,
                                             .at = agent->wall};
    agent->changed = true;
}

static void clear_refusal(struct kedge_agent *agent)
{
    if (agent->anchor.refusal.reason)
        agent->changed = true;
    agent->anchor.refusal = (struct kedge_refusal){0};
}

static bool behind(const struct kedge_agent *agent)
{
    return agent->root.version > 0 && agent->anchor.newest > agent->root.version;
}

bool kedge_anchor_busy(const struct kedge_agent *agent)
{
    return agent->anchor.fetching || agent->anchor.saving;
}

bool kedge_anchor_hear(struct kedge_agent *agent, int64_t newest, struct kedge_slice envelope)
{
    struct kedge_agent_anchor *anchor = &agent->anchor;
    anchor->newest = newest;
    if (!behind(agent)) {
        /* What it could not follow is not there any more. */
        if (anchor->refusal.generation > agent->root.version)
            clear_refusal(agent);
        anchor->retry = (struct kedge_agent_retry){0};
        return true;
    }
    if (anchor->retry.due > agent->now)
        return true;
    kedge_buf_clear(&anchor->envelope);
    kedge_buf_add(&anchor->envelope, envelope.data, envelope.size);
    return false;
}

bool kedge_anchor_waiting(struct kedge_agent *agent, struct kedge_buf *out)
{
    struct kedge_agent_anchor *anchor = &agent->anchor;
    if (!anchor->envelope.size || kedge_anchor_busy(agent) ||
        (behind(agent) && anchor->retry.due <= agent->now))
        return false;
    *out = anchor->envelope;
    anchor->envelope = (struct kedge_buf){0};
    return true;
}

enum kedge_root_refusal kedge_anchor_fresh(const struct kedge_agent *agent, struct kedge_err *err)
{
    return kedge_root_fresh(&agent->root, agent->wall > agent->latest ? agent->wall : agent->latest,
                            err);
}

/* It is told while it is so, whatever is offered. */
static void judge_expiry(struct kedge_agent *agent)
{
    const struct kedge_refusal *refusal = &agent->anchor.refusal;
    const char *expired = kedge_word_name(&kedge_root_refusal_words, KEDGE_ROOT_EXPIRED);
    struct kedge_err err;
    if (kedge_anchor_fresh(agent, &err) == KEDGE_ROOT_EXPIRED) {
        if (!refusal->reason)
            set_refusal(agent, agent->root.version, expired, KEDGE_DENIED, err.msg);
    } else if (refusal->reason == expired) {
        clear_refusal(agent);
    }
}

void kedge_anchor_run(struct kedge_agent *agent)
{
    struct kedge_agent_anchor *anchor = &agent->anchor;
    if (agent->root.version > 0)
        judge_expiry(agent);
    /* Not beside an order on its way: which root judges it must not be a matter of luck. */
    if (!behind(agent) || kedge_anchor_busy(agent) || agent->exchanging || agent->offering)
        return;
    if (anchor->retry.due > agent->now) {
        kedge_agent_wake_at(agent, anchor->retry.due);
        return;
    }
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_ROOT);
    effect->version = agent->root.version + 1;
    anchor->fetching = effect->id;
}

/* The walk ends here for now; what waited is judged by the root in force. */
static void refuse(struct kedge_agent *agent, const char *reason, enum kedge_code code,
                   const char *message)
{
    set_refusal(agent, agent->root.version + 1, reason, code, message);
    kedge_agent_back_off(agent, &agent->anchor.retry, KEDGE_AGENT_RETRY_FIRST,
                         KEDGE_AGENT_RETRY_MOST);
}

static void journal(struct kedge_agent *agent, struct kedge_slice file)
{
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_root(file, &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    agent->anchor.saving = effect->id;
    kedge_agent_write(agent, effect, &record);
}

/* The server comes back to what waited when it is asked again. */
static void retry_later(struct kedge_agent *agent)
{
    kedge_buf_clear(&agent->anchor.envelope);
    kedge_agent_back_off(agent, &agent->anchor.retry, KEDGE_AGENT_RETRY_FIRST,
                         KEDGE_AGENT_RETRY_MOST);
}

void kedge_anchor_answer(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    struct kedge_root next;
    struct kedge_err err = {0};
    agent->anchor.fetching = 0;
    if (in->code == KEDGE_NOTFOUND) {
        refuse(agent, REASON_WITHHELD, in->code, in->message);
    } else if (in->code == KEDGE_LIMIT) {
        refuse(agent, REASON_ENDLESS, in->code, in->message);
    } else if (in->code) {
        retry_later(agent);
    } else {
        enum kedge_root_refusal refusal = kedge_root_follow(&agent->root, in->bytes, &next, &err);
        if (refusal)
            refuse(agent, kedge_word_name(&kedge_root_refusal_words, (int)refusal), err.code,
                   err.msg);
        else
            journal(agent, in->bytes);
    }
}

void kedge_anchor_saved(struct kedge_agent *agent, enum kedge_code code)
{
    agent->anchor.saving = 0;
    if (code) {
        retry_later(agent);
    } else {
        agent->anchor.retry = (struct kedge_agent_retry){0};
        clear_refusal(agent);
    }
}

/* --- what a root makes true --- */

/* An order that today's directors would not have been believed for is obeyed no further: what it
 * has brought about stays as it is, until they say otherwise. Generations and times that a thief
 * may have driven up are forgotten with it, or nobody could follow on them (TUF 5.3.11). */
static void judge_order(struct kedge_agent *agent)
{
    struct kedge_agent_order *order = &agent->order;
    const struct kedge_envelope_trust trust = kedge_root_trust(&agent->root, KEDGE_ROOT_DIRECTOR);
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_err err;
    if (!order->valid || order->revoked ||
        kedge_batch_verify(order->envelope.data, order->envelope.size, KEDGE_LIMIT_ENVELOPE, &trust,
                           &payload, &err) == 0)
        return;
    order->revoked = true;
    agent->latest = 0;
    for (size_t i = 0; i < agent->count; i++)
        agent->instances[i]->failure.generation = 0;
    if (agent->booted)
        kedge_apply_join(agent, false);
}

static void keep(struct kedge_agent_anchor *anchor, struct kedge_slice file)
{
    anchor->files = kedge_alloc_grow(anchor->files, (anchor->count + 1) * sizeof *anchor->files);
    anchor->files[anchor->count] = (struct kedge_buf){0};
    kedge_buf_add(&anchor->files[anchor->count++], file.data, file.size);
}

int kedge_anchor_take(struct kedge_agent *agent, struct kedge_slice file, struct kedge_err *err)
{
    struct kedge_root next;
    int code = kedge_root_peek(file, &next, err);
    if (code || agent->root.version == 0 || next.version <= agent->root.version)
        return code;
    if (kedge_root_follow(&agent->root, file, &next, err))
        return KEDGE_DENIED;
    bool revokes = kedge_root_revokes(&agent->root, &next, KEDGE_ROOT_RELEASE);
    if (kedge_root_revokes(&agent->root, &next, KEDGE_ROOT_DIRECTOR))
        agent->floor = 0; /* it may have been put there to shut out everybody */
    agent->root = next;
    kedge_clearance_follow(agent, revokes);
    keep(&agent->anchor, file);
    judge_order(agent);
    return 0;
}

void kedge_anchor_release(struct kedge_agent_anchor *anchor)
{
    for (size_t i = 0; i < anchor->count; i++)
        kedge_buf_release(&anchor->files[i]);
    free(anchor->files);
    free(anchor->refusal_message);
    kedge_buf_release(&anchor->envelope);
}
