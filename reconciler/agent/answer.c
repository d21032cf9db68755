/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "base/digest.h"
#include "base/limits.h"
#include "farewell.h"
#include "memory.h"
#include "anchor.h"

#define PROBE_SOONEST 1000 /* between probes while nothing is proven yet */

/* --- orders --- */

static void refuse(struct kedge_agent *agent, enum kedge_order_refusal why, struct kedge_err *err)
{
    if (why == KEDGE_ORDER_WRONG_KEY)
        kedge_err_wrap(err, "no director that this device trusts has signed it (%s)",
                       agent->root.version ? "its root document names others" : "--director-key");
    const char *reason = kedge_word_name(&kedge_order_refusal_words, why);
    bool same = agent->refusal.reason == reason && agent->refusal_message &&
                strcmp(agent->refusal_message, err->msg) == 0;
    if (!same) {
        kedge_instance_text(&agent->refusal_message, err->msg);
        agent->refusal = (struct kedge_refusal){.generation = -1,
                                                .code = err->code,
                                                .reason = reason,
                                                .message = agent->refusal_message,
                                                .at = agent->wall};
    }
}

/* False: the server must wait before it offers again. */
static bool take_envelope(struct kedge_agent *agent, struct kedge_slice envelope)
{
    if (!envelope.size || agent->offer.valid)
        return true;
    struct kedge_err err = {0};
    enum kedge_order_refusal refusal =
        kedge_memory_admit(agent, envelope, agent->wall, &agent->offer, &err);
    if (refusal == KEDGE_ORDER_DUPLICATE)
        return true;
    if (refusal == KEDGE_ORDER_ACCEPTED && kedge_anchor_fresh(agent, &err)) {
        kedge_memory_release_order(&agent->offer);
        refusal = KEDGE_ORDER_EXPIRED_ROOT;
    }
    if (refusal != KEDGE_ORDER_ACCEPTED) {
        refuse(agent, refusal, &err);
        return false;
    }
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_order(&agent->offer, &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    agent->offering = effect->id;
    kedge_agent_write(agent, effect, &record);
    return true;
}

static void offer(struct kedge_agent *agent, struct kedge_slice envelope)
{
    if (take_envelope(agent, envelope))
        agent->contact = (struct kedge_agent_retry){0};
    else
        kedge_agent_back_off(agent, &agent->contact, KEDGE_AGENT_RETRY_FIRST,
                             KEDGE_AGENT_RETRY_MOST);
}

/* What waited for newer roots, if they are all there, or cannot be had. */
static void offer_waiting(struct kedge_agent *agent)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    if (kedge_anchor_waiting(agent, &envelope))
        offer(agent, kedge_buf_slice(&envelope));
}

/* What the answer means for the chain. */
static void settle_link(struct kedge_agent *agent, enum kedge_code code)
{
    struct kedge_agent_link *link = &agent->link;
    if (agent->carried && code == KEDGE_OK)
        link->answered = true;
    if (code != KEDGE_CONFLICT)
        return;
    /* It takes us for an old report. A link that was made since this boot says all there is to say:
     * whatever the server makes of that one is for a person to decide. */
    if (!agent->carried || !link->made)
        agent->challenged = link->answered = true;
}

static void on_exchanged(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    bool cancelled = agent->exchange_cancelled;
    agent->exchanging = 0;
    agent->exchange_cancelled = false;
    settle_link(agent, in->code);
    kedge_farewell_hear(agent, in->code);
    if (in->code == KEDGE_OK) {
        agent->connected = true;
        kedge_instance_text(&agent->contact_message, NULL);
        if (kedge_anchor_hear(agent, in->root, in->bytes))
            offer(agent, in->bytes);
    } else if (!cancelled) {
        agent->connected = false;
        agent->told = (struct kedge_digest){0};
        kedge_instance_text(&agent->contact_message, in->message);
        kedge_agent_back_off(agent, &agent->contact, KEDGE_AGENT_RETRY_FIRST,
                             KEDGE_AGENT_RETRY_MOST);
    }
}

/* --- surveys --- */

static void take_found(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                       const struct kedge_agent_found *found)
{
    instance->leftover = true;
    if (found->current) {
        instance->linked = true;
        instance->link = found->content;
    }
    if (kedge_digest_is_zero(&found->content))
        return;
    struct kedge_agent_slot *slot = kedge_instance_add_slot(instance, &found->content);
    if (!slot->assignment && found->assignment.size) {
        kedge_auto(kedge_json) json_t *json = NULL;
        struct kedge_assignment *read = kedge_arena_new(&slot->arena, struct kedge_assignment);
        struct kedge_err err;
        if (!kedge_json_parse(found->assignment.data, found->assignment.size, KEDGE_LIMIT_ENVELOPE,
                              &json, &err) &&
            !kedge_assignment_read(&slot->arena, json, read, &err) &&
            kedge_digest_equal(&read->content, &slot->content))
            slot->assignment = read;
    }
    slot->staged = true;
    slot->integrity = found->integrity;
    if (found->integrity != KEDGE_INTEGRITY_INTACT)
        slot->fetched = false; /* what lies in the store is verified anew before it mends */
    if (found->running && !slot->running)
        kedge_instance_started(slot, found->endpoint, agent->now);
    slot->stale = slot->running && found->stale;
}

static bool was_found(const struct kedge_agent_survey *survey,
                      const struct kedge_agent_instance *instance,
                      const struct kedge_agent_slot *slot, bool *running)
{
    for (uint32_t i = 0; i < survey->count; i++) {
        const struct kedge_agent_found *found = &survey->at[i];
        if (strcmp(found->instance, instance->name) == 0 &&
            kedge_digest_equal(&found->content, &slot->content)) {
            *running = found->running;
            return true;
        }
    }
    return false;
}

/* Facts that the survey does not bear out are gone. */
static void forget_unseen(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                          const struct kedge_agent_survey *survey)
{
    for (struct kedge_agent_slot *slot = instance->slots; slot; slot = slot->next) {
        bool running = false;
        if (!was_found(survey, instance, slot, &running)) {
            if (slot->staged)
                slot->fetched = false;
            slot->staged = false;
        }
        if (slot->running && !running) {
            kedge_instance_ended(slot);
            kedge_apply_unwell(agent, instance, slot, KEDGE_UNAVAILABLE, "its process is gone");
        }
    }
}

static void on_survey(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    const struct kedge_agent_survey *survey = in->survey;
    bool boot = !agent->booted && in->effect == 0;
    if (!boot && (in->effect == 0 || in->effect != agent->looking))
        return;
    agent->looking = 0;
    agent->look_due = agent->now + agent->config->survey;
    agent->disk_free = survey->disk_free;
    for (size_t i = 0; i < agent->count; i++) {
        struct kedge_agent_instance *instance = agent->instances[i];
        if (!boot && instance->surveyed != in->effect)
            continue;
        instance->linked = false;
        instance->link = (struct kedge_digest){0};
        forget_unseen(agent, instance, survey);
    }
    for (uint32_t i = 0; i < survey->count; i++) {
        const struct kedge_agent_found *found = &survey->at[i];
        struct kedge_agent_instance *instance = kedge_instance_find(agent, found->instance);
        if (!instance) {
            /* Never heard of: an extra, unless effects of its removal are still under way. */
            instance = kedge_instance_add(agent, found->instance);
            instance->surveyed = in->effect;
        }
        if (boot || instance->surveyed == in->effect)
            take_found(agent, instance, found);
    }
    if (boot) {
        agent->booted = agent->garbage = true;
        agent->booted_at = agent->now;
        agent->deep_due = agent->now + KEDGE_AGENT_DEEP;
    }
    kedge_apply_join(agent, false);
}

/* --- effects --- */

static void settle_retry(struct kedge_agent *agent, struct kedge_agent_retry *retry,
                         enum kedge_code code)
{
    if (code)
        kedge_agent_back_off(agent, retry, KEDGE_AGENT_RETRY_FIRST, KEDGE_AGENT_RETRY_MOST);
    else
        *retry = (struct kedge_agent_retry){0};
}

/* The order is in force now, or still the server's to offer again. */
static void on_ordered(struct kedge_agent *agent, enum kedge_code code)
{
    agent->offering = 0;
    kedge_memory_release_order(&agent->offer);
    settle_retry(agent, &agent->contact, code);
    if (!code)
        agent->refusal = (struct kedge_refusal){0};
    kedge_apply_join(agent, !code);
}

static void on_journal(struct kedge_agent *agent, const struct kedge_agent_write *write,
                       const struct kedge_agent_message *in)
{
    struct kedge_err err = {0};
    enum kedge_code code = in->code;
    if (!code)
        code = (enum kedge_code)kedge_memory_apply(agent, kedge_buf_slice(&write->record), &err);
    if (agent->offering == write->id)
        on_ordered(agent, code);
    if (agent->anchor.saving == write->id) {
        kedge_anchor_saved(agent, code);
        offer_waiting(agent);
    }
    if (agent->reserving == write->id) {
        agent->reserving = 0;
        settle_retry(agent, &agent->reserve, code);
    }
    if (agent->linking == write->id) {
        agent->linking = 0;
        settle_retry(agent, &agent->chaining, code);
    }
    for (size_t i = 0; i < agent->count; i++) {
        struct kedge_agent_instance *instance = agent->instances[i];
        if (instance->pending == write->id) {
            instance->pending = 0;
            settle_retry(agent, &instance->retry, code);
        }
        if (instance->failure.saving == write->id) {
            instance->failure.saving = 0;
            settle_retry(agent, &instance->failure.save, code);
        }
    }
}

static void on_probed(struct kedge_agent *agent, struct kedge_agent_slot *slot,
                      const struct kedge_agent_message *in)
{
    const struct kedge_probe *probe = &slot->assignment->runtime.probe;
    kedge_ms period = probe->period;
    if (in->code) {
        slot->passes = 0;
        slot->failures++;
        kedge_instance_trouble(slot, in->code, in->message);
    } else {
        slot->failures = 0;
        slot->passes++;
        if (slot->passes >= probe->success_threshold)
            slot->verified = true;
        if (slot->verified)
            kedge_instance_trouble(slot, KEDGE_OK, NULL);
    }
    if (!slot->verified && period > PROBE_SOONEST)
        period = PROBE_SOONEST;
    slot->probe_due = agent->now + period;
}

static void on_prepared(struct kedge_agent *agent, struct kedge_agent_slot *slot,
                        enum kedge_agent_effect_kind kind, const struct kedge_agent_message *in)
{
    if (in->code && slot->cancelled)
        return;
    if (in->code) {
        kedge_instance_trouble(slot, in->code, in->message);
        slot->fetched = false;
        if (kedge_apply_transient(in->code))
            kedge_agent_back_off(agent, &slot->work, KEDGE_AGENT_RETRY_FIRST,
                                 KEDGE_AGENT_WORK_MOST);
        else
            kedge_agent_back_off(agent, &slot->work, KEDGE_AGENT_SLOW_FIRST, KEDGE_AGENT_SLOW_MOST);
        return;
    }
    slot->work = (struct kedge_agent_retry){0};
    kedge_instance_trouble(slot, KEDGE_OK, NULL);
    slot->fetched = true;
    if (in->hash) {
        memcpy(slot->hash, in->hash, sizeof slot->hash);
        slot->hashed = true;
        slot->judged = false;
    }
    if (kind == KEDGE_AGENT_STAGE) {
        slot->staged = true;
        slot->integrity = KEDGE_INTEGRITY_INTACT;
        slot->stale = slot->running;
    }
}

static void on_started(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                       struct kedge_agent_slot *slot, const struct kedge_agent_message *in)
{
    bool good = kedge_digest_equal(&slot->content, &instance->good);
    if (!in->code) {
        kedge_instance_started(slot, in->endpoint, agent->now);
    } else if (!good && kedge_apply_transient(in->code)) {
        /* Not the content's fault. The gate closes, so that the good one serves meanwhile. */
        kedge_instance_trouble(slot, in->code, in->message);
        slot->intended = false;
        kedge_agent_back_off(agent, &slot->work, KEDGE_AGENT_RETRY_FIRST, KEDGE_AGENT_WORK_MOST);
    } else {
        slot->started = agent->now;
        kedge_apply_unwell(agent, instance, slot, in->code, in->message);
    }
}

static void on_slot(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                    struct kedge_agent_slot *slot, const struct kedge_agent_message *in)
{
    enum kedge_agent_effect_kind kind = slot->pending_kind;
    slot->pending = 0;
    switch (kind) {
    case KEDGE_AGENT_FETCH:
        agent->fetching--;
        on_prepared(agent, slot, kind, in);
        break;
    case KEDGE_AGENT_STAGE:
        on_prepared(agent, slot, kind, in);
        break;
    case KEDGE_AGENT_START:
        on_started(agent, instance, slot, in);
        break;
    case KEDGE_AGENT_PROBE:
        if (slot->running)
            on_probed(agent, slot, in);
        break;
    default: /* STOP and REMOVE */
        if (in->code) {
            kedge_instance_trouble(slot, in->code, in->message);
            kedge_agent_back_off(agent, &slot->undo, KEDGE_AGENT_RETRY_FIRST,
                                 KEDGE_AGENT_RETRY_MOST);
            break;
        }
        slot->undo = (struct kedge_agent_retry){0};
        if (kind == KEDGE_AGENT_REMOVE)
            slot->staged = slot->fetched = false;
        else
            kedge_instance_ended(slot);
        break;
    }
}

static void on_instance(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                        const struct kedge_agent_message *in)
{
    instance->pending = 0;
    if (in->code) {
        kedge_agent_back_off(agent, &instance->retry, KEDGE_AGENT_RETRY_FIRST,
                             KEDGE_AGENT_RETRY_MOST);
        return;
    }
    instance->retry = (struct kedge_agent_retry){0};
    if (instance->pending_kind == KEDGE_AGENT_SWITCH) {
        instance->link = instance->switching;
        instance->linked = !kedge_digest_is_zero(&instance->link);
    } else {
        instance->leftover = false;
    }
}

static bool answer_journal(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    for (struct kedge_agent_write **at = &agent->writes; *at; at = &(*at)->next) {
        struct kedge_agent_write *write = *at;
        if (write->id != in->effect)
            continue;
        *at = write->next;
        on_journal(agent, write, in);
        kedge_buf_release(&write->record);
        free(write);
        return true;
    }
    return false;
}

static bool answer_instance(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    for (size_t i = 0; i < agent->count; i++) {
        struct kedge_agent_instance *instance = agent->instances[i];
        if (instance->pending == in->effect) {
            on_instance(agent, instance, in);
            return true;
        }
        for (struct kedge_agent_slot *slot = instance->slots; slot; slot = slot->next)
            if (slot->pending == in->effect) {
                on_slot(agent, instance, slot, in);
                return true;
            }
    }
    return false;
}

static void on_done(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    if (in->effect == 0 || answer_journal(agent, in) || answer_instance(agent, in))
        return;
    if (in->effect == agent->exchanging) {
        on_exchanged(agent, in);
    } else if (in->effect == agent->anchor.fetching) {
        kedge_anchor_answer(agent, in);
        offer_waiting(agent);
    } else if (in->effect == agent->publishing) {
        /* Also when it failed: applications then read older words, which beats not starting. */
        agent->publishing = 0;
        agent->offered = agent->offering_models;
        if (in->code)
            agent->published = (struct kedge_digest){0};
    } else if (in->effect == agent->collecting) {
        agent->collecting = 0;
    } else if (in->effect == agent->farewell.erasing) {
        kedge_farewell_answer(agent, in);
    } else if (in->effect == agent->looking) {
        /* It could not look. */
        agent->looking = 0;
        agent->look_due = agent->now + agent->config->survey;
    }
}

static void on_exited(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    struct kedge_agent_instance *instance = kedge_instance_find(agent, in->instance);
    struct kedge_agent_slot *slot = instance ? kedge_instance_slot(instance, &in->content) : NULL;
    if (!slot || !slot->running || (slot->pending && slot->pending_kind == KEDGE_AGENT_STOP))
        return;
    kedge_instance_ended(slot);
    kedge_apply_unwell(agent, instance, slot, KEDGE_UNAVAILABLE, in->message);
}

static void on_progress(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    for (size_t i = 0; i < agent->count; i++)
        for (struct kedge_agent_slot *slot = agent->instances[i]->slots; slot; slot = slot->next)
            if (slot->pending && slot->pending == in->effect)
                slot->bytes = in->amount;
}

void kedge_answer_take(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    struct kedge_err err;
    switch (in->kind) {
    case KEDGE_AGENT_TICK:
        break;
    case KEDGE_AGENT_RECORD:
        /* What cannot be read is left behind: the survey and the server make up for it. */
        if (!agent->booted)
            (void)!kedge_memory_apply(agent, in->bytes, &err);
        break;
    case KEDGE_AGENT_SURVEY:
        on_survey(agent, in);
        break;
    case KEDGE_AGENT_DONE:
        on_done(agent, in);
        break;
    case KEDGE_AGENT_PROGRESS:
        on_progress(agent, in);
        break;
    case KEDGE_AGENT_EXITED:
        on_exited(agent, in);
        break;
    }
}
