/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "answer.h"
#include "apply.h"
#include "base/alloc.h"
#include "base/digest.h"
#include "base/limits.h"
#include "clearance.h"
#include "farewell.h"
#include "memory.h"
#include "anchor.h"
#include "wire/evidence.h"

#define REPORT_GAP    1000 /* shortest time between two reports */
#define PUBLISH_GAP   1000 /* ... and between two writes of status.json */
#define COUNTER_BLOCK 1000 /* counters reserved by one journal record */

static const char *const effect_words[] = {
    [KEDGE_AGENT_JOURNAL] = "journal", [KEDGE_AGENT_EXCHANGE] = "exchange",
    [KEDGE_AGENT_FETCH] = "fetch",     [KEDGE_AGENT_STAGE] = "stage",
    [KEDGE_AGENT_START] = "start",     [KEDGE_AGENT_PROBE] = "probe",
    [KEDGE_AGENT_STOP] = "stop",       [KEDGE_AGENT_SWITCH] = "switch",
    [KEDGE_AGENT_REMOVE] = "remove",   [KEDGE_AGENT_COLLECT] = "collect",
    [KEDGE_AGENT_PUBLISH] = "publish", [KEDGE_AGENT_LOOK] = "look",
    [KEDGE_AGENT_ERASE] = "erase",     [KEDGE_AGENT_CANCEL] = "cancel",
    [KEDGE_AGENT_ROOT] = "root",
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
    agent->root = *config->root;
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
    kedge_clearance_release(agent);
    kedge_memory_release_order(&agent->order);
    kedge_memory_release_order(&agent->offer);
    kedge_anchor_release(&agent->anchor);
    kedge_buf_release(&agent->link.statement);
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

bool kedge_agent_ordered(const struct kedge_agent *agent)
{
    return agent->order.valid && !agent->order.revoked;
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
        agent->deep_due = agent->now + KEDGE_AGENT_DEEP;
    for (size_t i = 0; i < agent->count; i++)
        agent->instances[i]->surveyed = busy(agent->instances[i]) ? 0 : effect->id;
}

/* --- orders and reports --- */

static void reserve_counters(struct kedge_agent *agent)
{
    if (agent->reserving || agent->counter_end - agent->counter > COUNTER_BLOCK / 2)
        return;
    if (agent->reserve.due > agent->now) {
        kedge_agent_wake_at(agent, agent->reserve.due);
        return;
    }
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_counter(agent->counter_end + COUNTER_BLOCK, &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    agent->reserving = effect->id;
    kedge_agent_write(agent, effect, &record);
}

/* A link is answered at once; the report that then waits for an order follows at once. */
static kedge_ms exchange_due(const struct kedge_agent *agent)
{
    kedge_ms gap = REPORT_GAP;
    bool pressing = agent->news || agent->challenged || !agent->link.answered;
    if (!pressing && agent->config->wait == 0)
        gap = agent->config->interval;
    else if (!pressing && agent->carried)
        gap = 0;
    kedge_ms due = agent->exchanged ? agent->exchanged + gap : agent->now;
    return due > agent->contact.due ? due : agent->contact.due;
}

static void send_report(struct kedge_agent *agent, const struct kedge_buf *envelope, bool carried)
{
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_EXCHANGE);
    effect->bytes = keep(agent, envelope);
    effect->wait = carried ? 0 : agent->config->wait;
    agent->exchanging = effect->id;
    agent->exchanged = agent->now;
    agent->carried = carried;
}

static void note_told(struct kedge_agent *agent, const struct kedge_report *report)
{
    agent->told = kedge_report_digest(report);
    agent->told_fetched = kedge_report_fetched(report);
    agent->news = false;
}

static void fail_to_sign(struct kedge_agent *agent, const struct kedge_err *err)
{
    kedge_instance_text(&agent->contact_message, err->msg);
    kedge_agent_back_off(agent, &agent->contact, KEDGE_AGENT_RETRY_FIRST, KEDGE_AGENT_RETRY_MOST);
}

/* The same statement, until it is answered: the signature over it is made anew, because the key may
 * have changed. */
static void send_link(struct kedge_agent *agent)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_err err;
    if (kedge_evidence_seal(kedge_buf_slice(&agent->link.statement), agent->config->key, &envelope,
                            &err))
        fail_to_sign(agent, &err);
    else
        send_report(agent, &envelope, true);
}

/* The next link, durable before anybody sees it. */
static void make_link(struct kedge_agent *agent, struct kedge_report *report)
{
    if (agent->chaining.due > agent->now) {
        kedge_agent_wake_at(agent, agent->chaining.due);
        return;
    }
    kedge_auto(kedge_buf) struct kedge_buf statement = {0}, record = {0};
    struct kedge_public_key key = kedge_key_public(agent->config->key);
    report->counter = ++agent->counter;
    report->link = agent->link.number + 1;
    report->previous = agent->link.self;
    kedge_evidence_write(report, &key, &statement);
    kedge_memory_link(kedge_buf_slice(&statement), &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    agent->linking = effect->id;
    kedge_agent_write(agent, effect, &record);
    note_told(agent, report);
}

static void uphold_link(struct kedge_agent *agent, struct kedge_report *report)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_err err;
    report->counter = ++agent->counter;
    report->link = agent->link.number;
    report->upholds = agent->link.self;
    if (kedge_evidence_sign(report, agent->config->key, &envelope, &err)) {
        fail_to_sign(agent, &err);
        return;
    }
    send_report(agent, &envelope, false);
    note_told(agent, report);
}

static void exchange(struct kedge_agent *agent, struct kedge_report *report)
{
    if (agent->farewell.over)
        return;
    reserve_counters(agent);
    if (kedge_anchor_busy(agent) || agent->linking ||
        (agent->exchanging && (!agent->news || agent->exchange_cancelled || agent->carried)))
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
    if (agent->link.number && !agent->link.answered) {
        send_link(agent);
        return;
    }
    if (agent->counter >= agent->counter_end)
        return;
    report->at = agent->wall;
    struct kedge_digest content = kedge_report_digest(report);
    if (agent->challenged || !kedge_digest_equal(&content, &agent->link.content))
        make_link(agent, report);
    else
        uphold_link(agent, report);
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
    if (!agent->garbage || agent->collecting || agent->fetching || agent->farewell.erasing)
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

void kedge_agent_step(struct kedge_agent *agent, const struct kedge_agent_message *in,
                      kedge_ms wall, kedge_ms monotonic, struct kedge_agent_effects *out)
{
    agent->wall = wall;
    agent->now = monotonic;
    agent->out = out;
    agent->wake = INT64_MAX;
    kedge_answer_take(agent, in);
    if (in->kind != KEDGE_AGENT_TICK)
        agent->changed = true;
    if (agent->booted) {
        if (agent->changed)
            check_models(agent);
        kedge_apply_run(agent);
        look(agent);
        collect(agent);
        kedge_farewell_run(agent);
        kedge_anchor_run(agent);
        struct kedge_arena arena = {0};
        struct kedge_report report;
        kedge_account_report(agent, &arena, &report);
        if (agent->changed) {
            struct kedge_digest digest = kedge_report_digest(&report);
            agent->news = !kedge_digest_equal(&digest, &agent->told) ||
                          kedge_report_fetched(&report) != agent->told_fetched;
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
    kedge_memory_each(agent, visit, payload);
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

struct kedge_agent_contact kedge_agent_contact(const struct kedge_agent *agent)
{
    return (struct kedge_agent_contact){
        .connected = agent->connected,
        .trouble = agent->contact_message,
        .generation = kedge_agent_ordered(agent) ? agent->order.order.generation : 0,
        .root = agent->root.version,
        .refusal = agent->refusal.reason ? &agent->refusal : NULL,
        .root_refusal = agent->anchor.refusal.reason ? &agent->anchor.refusal : NULL,
        .over = agent->farewell.over,
        .news = agent->news || agent->linking || !agent->link.answered,
    };
}

/* Nothing is left of what was there before. */
static bool is_tidy(const struct kedge_agent_instance *instance)
{
    for (const struct kedge_agent_slot *slot = instance->slots; slot; slot = slot->next) {
        bool wanted =
            instance->want && kedge_digest_equal(&slot->content, &instance->want->content);
        if (!wanted || (slot->running && instance->want->state == KEDGE_RUN_STOPPED))
            return false;
    }
    return true;
}

bool kedge_agent_converged(const struct kedge_agent *agent)
{
    if (!agent->booted || !kedge_agent_ordered(agent) || agent->offer.valid ||
        kedge_anchor_busy(agent))
        return false;
    for (size_t i = 0; i < agent->count; i++)
        if (!kedge_apply_settled(agent, agent->instances[i]) || !is_tidy(agent->instances[i]))
            return false;
    return true;
}
