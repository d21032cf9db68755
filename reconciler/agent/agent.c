/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "apply.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/limits.h"
#include "record.h"
#include "wire/evidence.h"

#define REPORT_GAP    1000 /* shortest time between two reports */
#define PUBLISH_GAP   1000 /* ... and between two writes of status.json */
#define RETRY_FIRST   1000
#define RETRY_MOST    60000
#define COUNTER_BLOCK 1000     /* counters reserved by one journal record */
#define DEEP          86400000 /* between surveys that hash every file */

static const char *const effect_words[] = {
    [KEDGE_AGENT_JOURNAL] = "journal", [KEDGE_AGENT_EXCHANGE] = "exchange",
    [KEDGE_AGENT_FETCH] = "fetch",     [KEDGE_AGENT_STAGE] = "stage",
    [KEDGE_AGENT_START] = "start",     [KEDGE_AGENT_PROBE] = "probe",
    [KEDGE_AGENT_STOP] = "stop",       [KEDGE_AGENT_SWITCH] = "switch",
    [KEDGE_AGENT_REMOVE] = "remove",   [KEDGE_AGENT_COLLECT] = "collect",
    [KEDGE_AGENT_PUBLISH] = "publish", [KEDGE_AGENT_LOOK] = "look",
    [KEDGE_AGENT_CANCEL] = "cancel",
};
const struct kedge_words kedge_agent_effect_words = {effect_words, KEDGE_COUNT(effect_words)};

void kedge_agent_effects_release(struct kedge_agent_effects *effects)
{
    kedge_arena_release(&effects->arena);
    free(effects->at);
    *effects = (struct kedge_agent_effects){0};
}

void kedge_agent_effects_auto(struct kedge_agent_effects *effects)
{
    kedge_agent_effects_release(effects);
}

struct kedge_agent *kedge_agent_new(const struct kedge_agent_config *config)
{
    struct kedge_agent *agent = kedge_alloc_zeroed(sizeof *agent);
    agent->config = config;
    agent->random = config->seed;
    agent->wake = INT64_MAX;
    return agent;
}

void kedge_agent_free(struct kedge_agent *agent)
{
    if (!agent)
        return;
    while (agent->writes) {
        struct kedge_agent_write *write = agent->writes;
        agent->writes = write->next;
        kedge_buf_release(&write->record);
        free(write);
    }
    kedge_instance_drop_all(agent);
    kedge_record_release_order(&agent->order);
    kedge_record_release_order(&agent->offer);
    free(agent->refusal_message);
    free(agent->contact_message);
    free(agent);
}

/* --- what rules and messages use --- */

struct kedge_agent_effect *kedge_agent_ask(struct kedge_agent *agent,
                                           enum kedge_agent_effect_kind kind)
{
    struct kedge_agent_effects *out = agent->out;
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? 2 * out->capacity : 8;
        out->at = kedge_alloc_grow(out->at, out->capacity * sizeof *out->at);
    }
    struct kedge_agent_effect *effect = &out->at[out->count++];
    *effect = (struct kedge_agent_effect){.kind = kind, .id = ++agent->effect};
    return effect;
}

static struct kedge_slice keep(struct kedge_agent *agent, const struct kedge_buf *text)
{
    return (struct kedge_slice){kedge_arena_strndup(&agent->out->arena, text->data, text->size),
                                text->size};
}

void kedge_agent_write(struct kedge_agent *agent, struct kedge_agent_effect *effect,
                       const struct kedge_buf *record)
{
    struct kedge_agent_write *write = kedge_alloc_zeroed(sizeof *write);
    write->id = effect->id;
    kedge_buf_add(&write->record, record->data, record->size);
    write->next = agent->writes;
    agent->writes = write;
    effect->bytes = keep(agent, record);
}

void kedge_agent_wake_at(struct kedge_agent *agent, kedge_ms at)
{
    if (at < agent->wake)
        agent->wake = at;
}

/* xorshift64*: jitter needs no better. */
static uint64_t draw(struct kedge_agent *agent)
{
    uint64_t x = agent->random ? agent->random : 0x9e3779b97f4a7c15;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    agent->random = x;
    return x * 0x2545f4914f6cdd1d;
}

void kedge_agent_back_off(struct kedge_agent *agent, struct kedge_agent_retry *retry,
                          kedge_ms first, kedge_ms most)
{
    kedge_ms pause = retry->attempts < 20 ? first << retry->attempts : most;
    if (pause > most)
        pause = most;
    retry->attempts++;
    kedge_ms jitter = pause / 4;
    retry->due = agent->now + pause - jitter + (kedge_ms)(draw(agent) % (uint64_t)(2 * jitter + 1));
    kedge_agent_wake_at(agent, retry->due);
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
        agent->deep_due = agent->now + DEEP;
    }
    kedge_apply_join(agent, false);
}

static bool busy(const struct kedge_agent_instance *instance)
{
    if (instance->pending)
        return true;
    for (const struct kedge_agent_slot *slot = instance->slots; slot; slot = slot->next)
        if (slot->pending && slot->pending_kind != KEDGE_AGENT_PROBE)
            return true;
    return false;
}

static void look(struct kedge_agent *agent)
{
    if (agent->looking)
        return;
    if (agent->look_due > agent->now) {
        kedge_agent_wake_at(agent, agent->look_due);
        return;
    }
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_LOOK);
    agent->looking = effect->id;
    effect->deep = agent->deep_due <= agent->now;
    if (effect->deep)
        agent->deep_due = agent->now + DEEP;
    for (size_t i = 0; i < agent->count; i++)
        agent->instances[i]->surveyed = busy(agent->instances[i]) ? 0 : effect->id;
}

/* --- orders and reports --- */

static void refuse(struct kedge_agent *agent, enum kedge_order_refusal why,
                   const struct kedge_err *err)
{
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
        kedge_record_admit(agent, envelope, agent->wall, &agent->offer, &err);
    if (refusal == KEDGE_ORDER_DUPLICATE)
        return true;
    if (refusal != KEDGE_ORDER_ACCEPTED) {
        refuse(agent, refusal, &err);
        return false;
    }
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_record_order(&agent->offer, &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    agent->offering = effect->id;
    kedge_agent_write(agent, effect, &record);
    return true;
}

static void on_exchanged(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    bool cancelled = agent->exchange_cancelled;
    agent->exchanging = 0;
    agent->exchange_cancelled = false;
    if (in->code == KEDGE_OK) {
        agent->connected = true;
        kedge_instance_text(&agent->contact_message, NULL);
        if (take_envelope(agent, in->bytes))
            agent->contact = (struct kedge_agent_retry){0};
        else
            kedge_agent_back_off(agent, &agent->contact, RETRY_FIRST, RETRY_MOST);
    } else if (!cancelled) {
        agent->connected = false;
        agent->told = (struct kedge_digest){0};
        kedge_instance_text(&agent->contact_message, in->message);
        kedge_agent_back_off(agent, &agent->contact, RETRY_FIRST, RETRY_MOST);
    }
}

static void reserve_counters(struct kedge_agent *agent)
{
    if (agent->reserving || agent->counter_end - agent->counter > COUNTER_BLOCK / 2)
        return;
    if (agent->reserve.due > agent->now) {
        kedge_agent_wake_at(agent, agent->reserve.due);
        return;
    }
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_record_counter(agent->counter_end + COUNTER_BLOCK, &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    agent->reserving = effect->id;
    kedge_agent_write(agent, effect, &record);
}

static kedge_ms exchange_due(const struct kedge_agent *agent)
{
    kedge_ms gap = agent->news || agent->config->wait ? REPORT_GAP : agent->config->interval;
    kedge_ms due = agent->exchanged ? agent->exchanged + gap : agent->now;
    return due > agent->contact.due ? due : agent->contact.due;
}

static void exchange(struct kedge_agent *agent, struct kedge_report *report)
{
    reserve_counters(agent);
    if (agent->exchanging && (!agent->news || agent->exchange_cancelled))
        return;
    kedge_ms due = exchange_due(agent);
    if (due > agent->now) {
        kedge_agent_wake_at(agent, due);
        return;
    }
    if (agent->exchanging) {
        /* The server holds an answer back while there is news for it. */
        agent->exchange_cancelled = true;
        kedge_agent_ask(agent, KEDGE_AGENT_CANCEL)->cancel = agent->exchanging;
        return;
    }
    if (agent->counter >= agent->counter_end)
        return;
    report->counter = ++agent->counter;
    report->at = agent->wall;
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_err err;
    if (kedge_evidence_sign(report, agent->config->key, &envelope, &err)) {
        kedge_instance_text(&agent->contact_message, err.msg);
        kedge_agent_back_off(agent, &agent->contact, RETRY_FIRST, RETRY_MOST);
        return;
    }
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_EXCHANGE);
    effect->bytes = keep(agent, &envelope);
    effect->wait = agent->config->wait;
    agent->exchanging = effect->id;
    agent->exchanged = agent->now;
    agent->told = kedge_account_digest(report);
    agent->news = false;
}

/* Before the rules: an application is not started while models.json is behind. */
static void check_models(struct kedge_agent *agent)
{
    kedge_auto(kedge_buf) struct kedge_buf models = {0};
    kedge_account_models(agent, &models);
    struct kedge_digest digest = kedge_digest_of(models.data, models.size);
    agent->stale_models = !kedge_digest_equal(&digest, &agent->offered);
}

static void publish(struct kedge_agent *agent, const struct kedge_report *report)
{
    if (agent->publishing)
        return;
    kedge_auto(kedge_buf) struct kedge_buf models = {0}, status = {0};
    struct kedge_report said = *report;
    said.counter = said.at = said.disk_free = 0;
    kedge_account_models(agent, &models);
    kedge_account_status(agent, &said, &status);
    struct kedge_digest offered = kedge_digest_of(models.data, models.size);
    struct kedge_digest digest = kedge_digest_of(status.data, status.size);
    bool urgent = !kedge_digest_equal(&offered, &agent->offered);
    if (!urgent && kedge_digest_equal(&digest, &agent->published))
        return;
    if (!urgent && agent->publish_due > agent->now) {
        kedge_agent_wake_at(agent, agent->publish_due);
        agent->changed = true;
        return;
    }
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_PUBLISH);
    effect->bytes = keep(agent, &models);
    effect->status = keep(agent, &status);
    agent->publishing = effect->id;
    agent->publish_due = agent->now + PUBLISH_GAP;
    agent->published = digest;
    agent->offering_models = offered;
}

/* --- the store --- */

/* Artifacts of slots that may be needed again, to mend them or to go back, stay. */
static void collect(struct kedge_agent *agent)
{
    if (!agent->garbage || agent->collecting || agent->fetching)
        return;
    size_t room = 0;
    for (size_t i = 0; i < agent->count; i++)
        for (const struct kedge_agent_slot *slot = agent->instances[i]->slots; slot;
             slot = slot->next) {
            if (slot->pending_kind == KEDGE_AGENT_STAGE && slot->pending)
                return;
            room++;
        }
    struct kedge_digest *kept = kedge_arena_array(&agent->out->arena, room, sizeof *kept);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_COLLECT);
    for (size_t i = 0; i < agent->count; i++)
        for (const struct kedge_agent_slot *slot = agent->instances[i]->slots; slot;
             slot = slot->next)
            if (slot->assignment && slot->assignment->artifact.url)
                kept[effect->keep_count++] = slot->assignment->artifact.digest;
    effect->keep = kept;
    agent->collecting = effect->id;
    agent->garbage = false;
}

/* --- answers --- */

static void settle_retry(struct kedge_agent *agent, struct kedge_agent_retry *retry,
                         enum kedge_code code)
{
    if (code)
        kedge_agent_back_off(agent, retry, RETRY_FIRST, RETRY_MOST);
    else
        *retry = (struct kedge_agent_retry){0};
}

/* The order is in force now, or still the server's to offer again. */
static void on_ordered(struct kedge_agent *agent, enum kedge_code code)
{
    agent->offering = 0;
    kedge_record_release_order(&agent->offer);
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
        code = (enum kedge_code)kedge_record_apply(agent, kedge_buf_slice(&write->record), &err);
    if (agent->offering == write->id)
        on_ordered(agent, code);
    if (agent->reserving == write->id) {
        agent->reserving = 0;
        settle_retry(agent, &agent->reserve, code);
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
    if (!slot->verified && period > REPORT_GAP)
        period = REPORT_GAP;
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
            kedge_agent_back_off(agent, &slot->work, RETRY_FIRST, 5 * RETRY_MOST);
        else
            kedge_agent_back_off(agent, &slot->work, 10 * RETRY_MOST, 360 * RETRY_MOST);
        return;
    }
    slot->work = (struct kedge_agent_retry){0};
    kedge_instance_trouble(slot, KEDGE_OK, NULL);
    slot->fetched = true;
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
        kedge_agent_back_off(agent, &slot->work, RETRY_FIRST, 5 * RETRY_MOST);
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
            kedge_agent_back_off(agent, &slot->undo, RETRY_FIRST, RETRY_MOST);
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
        kedge_agent_back_off(agent, &instance->retry, RETRY_FIRST, RETRY_MOST);
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
    } else if (in->effect == agent->publishing) {
        /* Also when it failed: applications then read older words, which beats not starting. */
        agent->publishing = 0;
        agent->offered = agent->offering_models;
        if (in->code)
            agent->published = (struct kedge_digest){0};
    } else if (in->effect == agent->collecting) {
        agent->collecting = 0;
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

static void handle(struct kedge_agent *agent, const struct kedge_agent_message *in)
{
    struct kedge_err err;
    switch (in->kind) {
    case KEDGE_AGENT_TICK:
        break;
    case KEDGE_AGENT_RECORD:
        /* What cannot be read is left behind: the survey and the server make up for it. */
        if (!agent->booted)
            (void)!kedge_record_apply(agent, in->bytes, &err);
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
    if (in->kind != KEDGE_AGENT_TICK)
        agent->changed = true;
}

void kedge_agent_step(struct kedge_agent *agent, const struct kedge_agent_message *in,
                      kedge_ms wall, kedge_ms monotonic, struct kedge_agent_effects *out)
{
    agent->wall = wall;
    agent->now = monotonic;
    agent->out = out;
    agent->wake = INT64_MAX;
    handle(agent, in);
    if (agent->booted) {
        if (agent->changed)
            check_models(agent);
        kedge_apply_run(agent);
        look(agent);
        collect(agent);
        struct kedge_arena arena = {0};
        struct kedge_report report;
        kedge_account_report(agent, &arena, &report);
        if (agent->changed) {
            struct kedge_digest digest = kedge_account_digest(&report);
            agent->news = !kedge_digest_equal(&digest, &agent->told);
            agent->changed = false;
            publish(agent, &report);
        }
        exchange(agent, &report);
        kedge_arena_release(&arena);
    }
    agent->out = NULL;
}

kedge_ms kedge_agent_wake(const struct kedge_agent *agent)
{
    return agent->wake;
}

void kedge_agent_records(const struct kedge_agent *agent, kedge_agent_visit_record *visit,
                         void *payload)
{
    kedge_record_each(agent, visit, payload);
}

const struct kedge_report *kedge_agent_report(const struct kedge_agent *agent,
                                              struct kedge_arena *arena, kedge_ms wall)
{
    struct kedge_report *report = kedge_arena_new(arena, struct kedge_report);
    kedge_account_report(agent, arena, report);
    report->counter = agent->counter;
    report->at = wall;
    return report;
}

bool kedge_agent_converged(const struct kedge_agent *agent)
{
    if (!agent->booted || !agent->order.valid || agent->offer.valid)
        return false;
    for (size_t i = 0; i < agent->count; i++)
        if (!kedge_apply_settled(agent, agent->instances[i]))
            return false;
    return true;
}
