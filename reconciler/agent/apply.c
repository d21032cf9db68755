/* SPDX-License-Identifier: Apache-2.0 */
#include "apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "clearance.h"
#include "farewell.h"
#include "memory.h"

#define FETCHES                 2    /* at once: a device's link is narrow */
#define KEDGE_AGENT_RETRY_FIRST 1000 /* back-off of what may pass by itself */
#define STABLE                  60000 /* a unit that ran this long was well: its back-off starts over */
#define SETTLE                  1000 /* without a probe, running this long is the proof */
#define TRIES_FREE              3 /* interrupted activations without a pause: each may have ended the device */
#define TRIES_MOST              60000

/* What one pass wants of an instance. */
struct aim {
    struct kedge_agent_slot *to, *good;
    bool run;       /* running is wanted, not stopped */
    bool candidate; /* `to` is yet to prove itself */
    bool open;      /* ... and may be running */
    bool overlap;   /* ... beside the good one */
};

bool kedge_apply_transient(enum kedge_code code)
{
    return code == KEDGE_UNAVAILABLE || code == KEDGE_TIMEOUT || code == KEDGE_IO ||
           code == KEDGE_LIMIT || code == KEDGE_CONFLICT;
}

/* --- bundles --- */

static const char *bundle(const struct kedge_agent_instance *instance)
{
    const struct kedge_assignment *want = instance->want;
    if (!want)
        return NULL;
    if (want->bundle)
        return want->bundle;
    return want->kind == KEDGE_KIND_APPLICATION ? want->instance : NULL;
}

static bool mates(const struct kedge_agent_instance *a, const struct kedge_agent_instance *b)
{
    if (a == b)
        return true;
    const char *one = bundle(a), *other = bundle(b);
    return one && other && strcmp(one, other) == 0;
}

static bool is_good(const struct kedge_agent_instance *instance)
{
    return instance->want && kedge_digest_equal(&instance->good, &instance->want->content);
}

/* What shall stand still cannot fail: it is kept, staged. */
static bool has_failed(const struct kedge_agent_instance *instance)
{
    return instance->want && instance->want->state == KEDGE_RUN_RUNNING && !is_good(instance) &&
           kedge_digest_equal(&instance->failure.content, &instance->want->content);
}

const struct kedge_agent_instance *kedge_apply_culprit(const struct kedge_agent *agent,
                                                       const struct kedge_agent_instance *instance)
{
    if (has_failed(instance))
        return instance;
    if (is_good(instance) || !bundle(instance))
        return NULL;
    for (size_t i = 0; i < agent->count; i++)
        if (mates(instance, agent->instances[i]) && has_failed(agent->instances[i]))
            return agent->instances[i];
    return NULL;
}

/* NULL also when its assignment can no longer be read. */
static struct kedge_agent_slot *last_good(const struct kedge_agent_instance *instance)
{
    struct kedge_agent_slot *slot = kedge_instance_slot(instance, &instance->good);
    return slot && slot->assignment ? slot : NULL;
}

struct kedge_agent_slot *kedge_apply_aim(const struct kedge_agent *agent,
                                         const struct kedge_agent_instance *instance)
{
    if (!instance->want)
        return NULL;
    if (kedge_apply_culprit(agent, instance))
        return last_good(instance);
    return kedge_instance_slot(instance, &instance->want->content);
}

static bool whole(const struct kedge_agent_slot *slot)
{
    return slot && slot->staged && slot->integrity == KEDGE_INTEGRITY_INTACT;
}

/* May it be started? */
static bool fit(const struct kedge_agent *agent, const struct kedge_agent_instance *instance,
                const struct kedge_agent_slot *slot)
{
    return whole(slot) && kedge_clearance_given(agent, instance, slot);
}

static bool offers(const struct kedge_agent_instance *instance, const struct kedge_agent_slot *slot)
{
    return instance->linked && kedge_digest_equal(&instance->link, &slot->content);
}

/* Has it the wanted content in the wanted state, perhaps unconfirmed? */
static bool ready(const struct kedge_agent *agent, const struct kedge_agent_instance *instance)
{
    const struct kedge_agent_slot *slot = kedge_instance_slot(instance, &instance->want->content);
    if (kedge_apply_culprit(agent, instance) || !fit(agent, instance, slot))
        return false;
    if (instance->want->state == KEDGE_RUN_STOPPED)
        return !slot->running;
    return is_good(instance) || (slot->running && slot->verified && offers(instance, slot));
}

bool kedge_apply_gate_open(const struct kedge_agent *agent,
                           const struct kedge_agent_instance *instance)
{
    bool application = instance->want->kind == KEDGE_KIND_APPLICATION;
    for (size_t i = 0; i < agent->count; i++) {
        const struct kedge_agent_instance *mate = agent->instances[i];
        if (!mates(instance, mate) || is_good(mate))
            continue;
        if (!fit(agent, mate, kedge_instance_slot(mate, &mate->want->content)))
            return false;
        if (application && mate->want->kind == KEDGE_KIND_MODEL && !ready(agent, mate))
            return false;
    }
    return true;
}

bool kedge_apply_settled(const struct kedge_agent *agent,
                         const struct kedge_agent_instance *instance)
{
    if (!instance->want)
        return !instance->known && !instance->condemned;
    const struct kedge_agent_slot *slot = kedge_instance_slot(instance, &instance->want->content);
    if (!ready(agent, instance))
        return false;
    if (instance->want->state == KEDGE_RUN_STOPPED)
        return !instance->linked;
    return is_good(instance) && slot->running && slot->verified && !slot->stale &&
           offers(instance, slot);
}

/* --- what is wanted --- */

/* A failure stands until a newer order asks for the same instance by name. */
static void forgive(const struct kedge_order *order, struct kedge_agent_instance *instance,
                    bool fresh)
{
    if (instance->failure.generation < order->generation)
        instance->failure.content = (struct kedge_digest){0};
    struct kedge_agent_slot *slot = kedge_instance_slot(instance, &instance->want->content);
    if (fresh)
        slot->work = (struct kedge_agent_retry){0};
}

/* What has come about by an order that no longer binds stays as it is: what it stopped is not
 * started. */
static void keep_states(struct kedge_agent *agent, const struct kedge_order *order)
{
    for (uint32_t i = 0; i < order->set_count; i++) {
        const struct kedge_assignment *member = &order->set[i];
        struct kedge_agent_instance *instance = kedge_instance_find(agent, member->instance);
        struct kedge_agent_slot *good = instance ? last_good(instance) : NULL;
        if (!good)
            continue;
        if (member->state == KEDGE_RUN_STOPPED && good->assignment->state != member->state) {
            struct kedge_assignment *still = kedge_arena_new(&good->arena, struct kedge_assignment);
            *still = *good->assignment;
            still->state = member->state;
            good->assignment = still;
        }
        instance->want =
            kedge_digest_equal(&instance->good, &member->content) ? member : good->assignment;
    }
}

void kedge_apply_join(struct kedge_agent *agent, bool fresh)
{
    if (fresh)
        kedge_clearance_reset(agent);
    for (size_t i = 0; i < agent->count; i++) {
        struct kedge_agent_instance *instance = agent->instances[i];
        struct kedge_agent_slot *good = last_good(instance);
        instance->condemned = kedge_farewell_ordered(agent);
        /* Without an order nothing is taken away: what was good goes on. */
        instance->want = !kedge_agent_ordered(agent) && good ? good->assignment : NULL;
    }
    const struct kedge_order *order = &agent->order.order;
    if (agent->order.revoked) {
        keep_states(agent, order);
        return;
    }
    for (uint32_t i = 0; i < order->set_count; i++) {
        struct kedge_agent_instance *instance = kedge_instance_add(agent, order->set[i].instance);
        instance->want = &order->set[i];
        kedge_instance_hold(instance, instance->want);
    }
    for (uint32_t i = 0; i < order->action_count; i++) {
        const struct kedge_action *action = &order->actions[i];
        struct kedge_agent_instance *instance = kedge_instance_find(agent, action->instance);
        if (!instance)
            continue;
        if (action->verb == KEDGE_VERB_DESTROY)
            instance->condemned = !instance->want;
        else if (instance->want && action->verb != KEDGE_VERB_STOP)
            forgive(order, instance, fresh);
    }
}

static struct aim take_aim(const struct kedge_agent *agent,
                           const struct kedge_agent_instance *instance)
{
    struct aim aim = {
        .to = kedge_apply_aim(agent, instance),
        .good = last_good(instance),
        .run = instance->want->state == KEDGE_RUN_RUNNING,
    };
    if (!aim.to)
        return aim;
    const struct kedge_runtime_spec *runtime = &aim.to->assignment->runtime;
    aim.candidate = aim.to != aim.good;
    aim.overlap = runtime->handover != KEDGE_HANDOVER_REPLACE;
    if (runtime->handover == KEDGE_HANDOVER_AUTO)
        for (uint32_t i = 0; i < runtime->port_count; i++)
            aim.overlap = aim.overlap && runtime->ports[i].port == 0;
    aim.open = aim.candidate && aim.run && aim.to->intended && fit(agent, instance, aim.to) &&
               aim.to->work.due <= agent->now && kedge_apply_gate_open(agent, instance);
    return aim;
}

static bool shall_run(const struct aim *aim, const struct kedge_agent_slot *slot)
{
    if (!aim->run)
        return false;
    if (slot == aim->to)
        return !aim->candidate || aim->open;
    return slot == aim->good && aim->candidate && (!aim->open || aim->overlap);
}

/* --- effects --- */

static struct kedge_agent_effect *ask_slot(struct kedge_agent *agent,
                                           struct kedge_agent_instance *instance,
                                           struct kedge_agent_slot *slot,
                                           enum kedge_agent_effect_kind kind)
{
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, kind);
    effect->instance = instance->name;
    effect->content = slot->content;
    effect->assignment = slot->assignment;
    slot->pending = effect->id;
    slot->pending_kind = kind;
    slot->cancelled = false;
    if (kind != KEDGE_AGENT_PROBE)
        instance->surveyed = 0;
    if (kind == KEDGE_AGENT_FETCH)
        agent->fetching++;
    return effect;
}

static struct kedge_agent_effect *ask_instance(struct kedge_agent *agent,
                                               struct kedge_agent_instance *instance,
                                               enum kedge_agent_effect_kind kind)
{
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, kind);
    effect->instance = instance->name;
    instance->pending = effect->id;
    instance->pending_kind = kind;
    instance->surveyed = 0;
    return effect;
}

static void journal(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                    struct kedge_buf *record)
{
    struct kedge_agent_effect *effect = ask_instance(agent, instance, KEDGE_AGENT_JOURNAL);
    kedge_agent_write(agent, effect, record);
}

static void switch_to(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                      const struct kedge_digest *content)
{
    struct kedge_agent_effect *effect = ask_instance(agent, instance, KEDGE_AGENT_SWITCH);
    effect->content = instance->switching = *content;
}

/* Due now? Else the wake is set for it. */
static bool due(struct kedge_agent *agent, const struct kedge_agent_retry *retry)
{
    if (retry->due <= agent->now)
        return true;
    kedge_agent_wake_at(agent, retry->due);
    return false;
}

static void fail(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                 enum kedge_code code, const char *message)
{
    struct kedge_agent_failure *failure = &instance->failure;
    failure->content = instance->want->content;
    failure->generation = agent->order.order.generation;
    failure->code = code;
    failure->unsaved = true;
    kedge_instance_text(&failure->message, message);
    instance->trying = (struct kedge_digest){0};
    instance->attempts = 0;
    agent->again = agent->garbage = true;
}

void kedge_apply_unwell(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                        struct kedge_agent_slot *slot, enum kedge_code code, const char *message)
{
    kedge_instance_trouble(slot, code, message);
    if (instance->want && slot == kedge_apply_aim(agent, instance) &&
        !kedge_digest_equal(&slot->content, &instance->good)) {
        fail(agent, instance, code, message);
        return;
    }
    if (agent->now - slot->started >= STABLE)
        slot->crashes = slot->start.attempts = 0;
    slot->crashes++;
    slot->restarts++;
    kedge_agent_back_off(agent, &slot->start, KEDGE_AGENT_RETRY_FIRST, KEDGE_AGENT_WORK_MOST);
}

/* --- rules of a slot --- */

static void fetch(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                  struct kedge_agent_slot *slot, bool hash)
{
    if (agent->fetching < FETCHES)
        ask_slot(agent, instance, slot, KEDGE_AGENT_FETCH)->hash = hash;
}

static void save_release(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                         const struct kedge_agent_slot *slot)
{
    if (instance->pending || !due(agent, &instance->retry))
        return;
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_release(instance->name, slot->counter, &record);
    journal(agent, instance, &record);
}

/* Fetch, then stage, whatever serves meanwhile. Damage is mended the same way. */
static void prepare(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                    struct kedge_agent_slot *slot)
{
    if (fit(agent, instance, slot) || slot->pending || !instance->known || !due(agent, &slot->work))
        return;
    if (agent->collecting || (instance->pending && instance->pending_kind == KEDGE_AGENT_REMOVE))
        return;
    enum kedge_clearance clearance = kedge_clearance_judge(agent, instance, slot);
    if (clearance == KEDGE_CLEARANCE_HASH)
        fetch(agent, instance, slot, true);
    else if (clearance == KEDGE_CLEARANCE_SAVE)
        save_release(agent, instance, slot);
    else if (clearance == KEDGE_CLEARANCE_GIVEN && !whole(slot)) {
        if (!slot->assignment->artifact.url || slot->fetched)
            ask_slot(agent, instance, slot, KEDGE_AGENT_STAGE);
        else
            fetch(agent, instance, slot, false);
    }
}

/* Applications read models.json when they start: it must say what is true by then. */
static bool published(const struct kedge_agent *agent, const struct kedge_agent_slot *slot)
{
    return slot->assignment->kind != KEDGE_KIND_APPLICATION || !agent->stale_models;
}

static void start(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                  struct kedge_agent_slot *slot, const struct aim *aim)
{
    bool candidate = slot == aim->to && aim->candidate;
    if (!whole(slot) || (!candidate && !due(agent, &slot->start)))
        return;
    if (!aim->overlap)
        for (const struct kedge_agent_slot *other = instance->slots; other; other = other->next)
            if (other != slot && (other->running || other->pending_kind == KEDGE_AGENT_START))
                return;
    if (published(agent, slot))
        ask_slot(agent, instance, slot, KEDGE_AGENT_START);
}

/* A running unit proves itself again and again. */
static void watch(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                  struct kedge_agent_slot *slot)
{
    const struct kedge_runtime_spec *runtime = &slot->assignment->runtime;
    const struct kedge_probe *probe = &runtime->probe;
    if (probe->kind == KEDGE_PROBE_NONE) {
        kedge_ms proven = slot->started + (runtime->driver == KEDGE_DRIVER_FILES ? 0 : SETTLE);
        if (!slot->verified && proven <= agent->now)
            slot->verified = agent->again = agent->changed = true;
        else if (!slot->verified)
            kedge_agent_wake_at(agent, proven);
        return;
    }
    kedge_ms deadline = slot->started + probe->start_within;
    bool late = !slot->verified && deadline <= agent->now;
    if (late || (slot->verified && slot->failures >= probe->failure_threshold)) {
        kedge_auto(kedge_buf) struct kedge_buf why = {0};
        if (late)
            kedge_buf_printf(&why, "its probe did not pass within %lld ms of its start",
                             (long long)probe->start_within);
        else
            kedge_buf_printf(&why, "its probe failed %u times in a row", slot->failures);
        if (slot->message)
            kedge_buf_printf(&why, ": %s", slot->message);
        kedge_apply_unwell(agent, instance, slot, KEDGE_TIMEOUT, why.data);
        ask_slot(agent, instance, slot, KEDGE_AGENT_STOP);
    } else if (slot->probe_due <= agent->now) {
        ask_slot(agent, instance, slot, KEDGE_AGENT_PROBE);
    } else {
        kedge_agent_wake_at(agent, slot->verified || slot->probe_due < deadline ? slot->probe_due
                                                                                : deadline);
    }
}

static void discard(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                    struct kedge_agent_slot *slot)
{
    if (offers(instance, slot) ||
        (instance->pending && instance->pending_kind == KEDGE_AGENT_SWITCH))
        return;
    if (!slot->staged) {
        kedge_instance_drop_slot(instance, slot);
        agent->garbage = agent->changed = true;
    } else {
        ask_slot(agent, instance, slot, KEDGE_AGENT_REMOVE);
    }
}

/* `slot` may be gone afterwards. */
static void tend(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                 struct kedge_agent_slot *slot, const struct aim *aim)
{
    bool keep = slot == aim->to || slot == aim->good;
    if (slot->pending) {
        if (!keep && slot->pending_kind == KEDGE_AGENT_FETCH && !slot->cancelled) {
            slot->cancelled = true;
            kedge_agent_ask(agent, KEDGE_AGENT_CANCEL)->cancel = slot->pending;
        }
        return;
    }
    bool runs = shall_run(aim, slot);
    if (slot->running && runs && !(slot->stale && whole(slot))) {
        watch(agent, instance, slot);
    } else if (slot->running) {
        /* Not while models.json may still send applications to it. */
        if (!agent->stale_models && due(agent, &slot->undo))
            ask_slot(agent, instance, slot, KEDGE_AGENT_STOP);
    } else if (runs) {
        start(agent, instance, slot, aim);
    } else if (!keep && due(agent, &slot->undo)) {
        discard(agent, instance, slot);
    }
}

/* --- rules of an instance --- */

/* Where `current` should point: at the first slot that is proven; until there is one it stays where
 * it is, as long as that is a slot worth keeping. */
static struct kedge_digest link_wanted(const struct kedge_agent_instance *instance,
                                       const struct aim *aim)
{
    const struct kedge_agent_slot *order[] = {aim->to, aim->good};
    const struct kedge_digest none = {0};
    if (!aim->run)
        return none;
    for (size_t i = 0; i < KEDGE_COUNT(order); i++)
        if (order[i] && order[i]->running && order[i]->verified)
            return order[i]->content;
    for (size_t i = 0; i < KEDGE_COUNT(order); i++)
        if (order[i] && order[i]->staged && offers(instance, order[i]))
            return order[i]->content;
    return none;
}

/* An activation that was cut short may have taken the device with it: after a few, each waits
 * longer, so that the server is heard in between. */
static kedge_ms next_try(const struct kedge_agent *agent,
                         const struct kedge_agent_instance *instance,
                         const struct kedge_agent_slot *slot)
{
    if (!kedge_digest_equal(&instance->trying, &slot->content) || instance->attempts <= TRIES_FREE)
        return 0;
    uint32_t doublings = instance->attempts - TRIES_FREE - 1;
    kedge_ms pause = doublings < 6 ? (kedge_ms)1000 << doublings : TRIES_MOST;
    return agent->booted_at + pause;
}

static bool ask_intent(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                       const struct aim *aim)
{
    struct kedge_agent_slot *to = aim->to;
    if (!aim->candidate || !aim->run || to->intended || !fit(agent, instance, to) ||
        !due(agent, &to->work) || !kedge_apply_gate_open(agent, instance))
        return false;
    const struct kedge_agent_retry turn = {.due = next_try(agent, instance, to)};
    if (!due(agent, &turn))
        return false;
    bool again = kedge_digest_equal(&instance->trying, &to->content);
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_activate(instance->name, &to->content, again ? instance->attempts + 1 : 1,
                          &record);
    journal(agent, instance, &record);
    return true;
}

/* All candidates of the bundle in one record: confirmed together or not at all. */
static void ask_confirm(struct kedge_agent *agent, struct kedge_agent_instance *instance)
{
    struct kedge_agent_instance **members = kedge_alloc_array(agent->count, sizeof *members);
    size_t count = 0;
    bool all = true;
    for (size_t i = 0; all && i < agent->count; i++) {
        struct kedge_agent_instance *mate = agent->instances[i];
        if (!mates(instance, mate))
            continue;
        all = ready(agent, mate) && !mate->pending;
        if (!is_good(mate) && mate->want->state == KEDGE_RUN_RUNNING)
            members[count++] = mate;
    }
    if (all && count) {
        kedge_auto(kedge_buf) struct kedge_buf record = {0};
        kedge_memory_confirm(members, count, &record);
        journal(agent, instance, &record);
        for (size_t i = 0; i < count; i++) {
            members[i]->pending = instance->pending;
            members[i]->pending_kind = KEDGE_AGENT_JOURNAL;
        }
    }
    free(members);
}

static void settle(struct kedge_agent *agent, struct kedge_agent_instance *instance,
                   const struct aim *aim)
{
    if (instance->pending || !due(agent, &instance->retry))
        return;
    if (!instance->known) {
        kedge_auto(kedge_buf) struct kedge_buf record = {0};
        kedge_memory_own(instance->name, &record);
        journal(agent, instance, &record);
        return;
    }
    if (aim->to && ask_intent(agent, instance, aim))
        return;
    struct kedge_digest link = link_wanted(instance, aim);
    bool linked = !kedge_digest_is_zero(&link);
    if (linked != instance->linked || (linked && !kedge_digest_equal(&link, &instance->link)))
        switch_to(agent, instance, &link);
    else if (aim->to && aim->candidate && aim->run && aim->to->verified)
        ask_confirm(agent, instance);
}

static void save_failure(struct kedge_agent *agent, struct kedge_agent_instance *instance)
{
    struct kedge_agent_failure *failure = &instance->failure;
    if (!failure->unsaved || failure->saving || kedge_digest_is_zero(&failure->content) ||
        !due(agent, &failure->save))
        return;
    kedge_auto(kedge_buf) struct kedge_buf record = {0};
    kedge_memory_fail(instance, &record);
    struct kedge_agent_effect *effect = kedge_agent_ask(agent, KEDGE_AGENT_JOURNAL);
    effect->instance = instance->name;
    failure->saving = effect->id;
    kedge_agent_write(agent, effect, &record);
}

/* The link first, so that nobody finds what goes; then the units, the slots, the folder; then the
 * journal forgets. True when `instance` is gone. */
static bool destroy(struct kedge_agent *agent, struct kedge_agent_instance *instance)
{
    if (instance->pending || !due(agent, &instance->retry))
        return false;
    if (instance->linked) {
        switch_to(agent, instance, &(struct kedge_digest){0});
        return false;
    }
    for (struct kedge_agent_slot *slot = instance->slots, *next; slot; slot = next) {
        next = slot->next;
        tend(agent, instance, slot, &(struct aim){0});
    }
    if (instance->slots)
        return false;
    if (instance->leftover) {
        ask_instance(agent, instance, KEDGE_AGENT_REMOVE);
    } else if (instance->known) {
        kedge_auto(kedge_buf) struct kedge_buf record = {0};
        kedge_memory_removed(instance->name, &record);
        journal(agent, instance, &record);
    } else if (!instance->failure.saving) {
        kedge_instance_drop(agent, instance);
        agent->garbage = agent->changed = true;
        return true;
    }
    return false;
}

/* True when `instance` is gone. */
static bool apply(struct kedge_agent *agent, struct kedge_agent_instance *instance)
{
    if (!instance->want) {
        if (!kedge_agent_ordered(agent))
            return false;
        bool nothing = !instance->slots && !instance->linked && !instance->leftover;
        return (instance->known || instance->condemned || nothing) && destroy(agent, instance);
    }
    save_failure(agent, instance);
    struct aim aim = take_aim(agent, instance);
    if (aim.to)
        prepare(agent, instance, aim.to);
    for (struct kedge_agent_slot *slot = instance->slots, *next; slot; slot = next) {
        next = slot->next;
        tend(agent, instance, slot, &aim);
        if (agent->again)
            return false; /* the aim may have moved */
    }
    settle(agent, instance, &aim);
    return false;
}

void kedge_apply_run(struct kedge_agent *agent)
{
    do {
        agent->again = false;
        for (size_t i = 0; i < agent->count;)
            if (!apply(agent, agent->instances[i]))
                i++;
    } while (agent->again);
}
