/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <string.h>

#include "apply.h"
#include "base/digest.h"
#include "base/limits.h"
#include "farewell.h"

#define DEGRADED_AFTER 3 /* crashes in a row */

/* What the device has of an instance: the good slot, until another one is confirmed or is held
 * stopped as wanted. */
static const struct kedge_agent_slot *held(const struct kedge_agent *agent,
                                           const struct kedge_agent_instance *instance)
{
    const struct kedge_agent_slot *aim = kedge_apply_aim(agent, instance);
    const struct kedge_agent_slot *good = kedge_instance_slot(instance, &instance->good);
    if (good && !good->assignment)
        good = NULL;
    if (aim && aim->staged &&
        (!good || (instance->want->state == KEDGE_RUN_STOPPED && !good->running)))
        return aim;
    return good;
}

static enum kedge_health health(const struct kedge_agent_instance *instance,
                                const struct kedge_agent_slot *slot)
{
    if (!slot->staged)
        return KEDGE_HEALTH_MISSING;
    if (!slot->running && (!instance->want || instance->want->state == KEDGE_RUN_STOPPED))
        return KEDGE_HEALTH_UNKNOWN;
    if (slot->crashes >= DEGRADED_AFTER)
        return KEDGE_HEALTH_DEGRADED;
    if (!slot->running || !slot->verified)
        return KEDGE_HEALTH_PROGRESSING;
    return slot->failures ? KEDGE_HEALTH_DEGRADED : KEDGE_HEALTH_HEALTHY;
}

/* Messages share one budget, so that a report stays within its limit however many fail. */
static const char *within(size_t *budget, const char *message)
{
    if (!message || !*message)
        return NULL;
    size_t size = strlen(message);
    if (size > *budget)
        return NULL;
    *budget -= size;
    return message;
}

static void fill_row(const struct kedge_agent_instance *instance,
                     const struct kedge_agent_slot *slot, size_t *budget,
                     struct kedge_reported *out)
{
    const struct kedge_assignment *assignment = slot->assignment;
    bool waiting = instance->want && instance->want->state == KEDGE_RUN_RUNNING && slot->crashes;
    *out = (struct kedge_reported){
        .instance = instance->name,
        .deployment = assignment->deployment,
        .version = assignment->version,
        .content = slot->content,
        .integrity = slot->staged ? slot->integrity : KEDGE_INTEGRITY_MISSING,
        .state = slot->running || waiting ? KEDGE_RUN_RUNNING : KEDGE_RUN_STOPPED,
        .health = health(instance, slot),
        .verified = slot->running && slot->verified,
        .endpoint = slot->endpoint,
        .restarts = slot->restarts,
    };
    if (out->health != KEDGE_HEALTH_HEALTHY)
        out->message = within(budget, slot->message);
}

/* Something on the disk that no order has put there. */
static bool is_extra(const struct kedge_agent_instance *instance)
{
    return !instance->want && !instance->known &&
           (instance->slots || instance->linked || instance->leftover);
}

static enum kedge_action_state failed_state(const struct kedge_agent_instance *instance,
                                            const struct kedge_agent_slot *good)
{
    if (!good)
        return KEDGE_ACTION_FAILED;
    bool back = instance->want->state == KEDGE_RUN_STOPPED ? !good->running
                                                           : good->running && good->verified;
    return back ? KEDGE_ACTION_ROLLED_BACK : KEDGE_ACTION_ROLLING_BACK;
}

static enum kedge_action_state working_state(const struct kedge_agent *agent,
                                             const struct kedge_agent_instance *instance,
                                             const struct kedge_agent_slot *slot)
{
    if (slot->denial != KEDGE_DENIAL_NONE)
        return KEDGE_ACTION_FAILED;
    if (!slot->staged || slot->integrity != KEDGE_INTEGRITY_INTACT) {
        if (slot->code && (slot->code == KEDGE_LIMIT || !kedge_apply_transient(slot->code)))
            return KEDGE_ACTION_FAILED;
        return slot->fetched || !slot->assignment->artifact.url ? KEDGE_ACTION_INSTALLING
                                                                : KEDGE_ACTION_DOWNLOADING;
    }
    if (instance->want->state == KEDGE_RUN_RUNNING && !kedge_apply_gate_open(agent, instance))
        return KEDGE_ACTION_PENDING;
    return KEDGE_ACTION_VERIFYING;
}

/* False: nothing is under way. */
static bool fill_progress(const struct kedge_agent *agent, struct kedge_arena *arena,
                          const struct kedge_agent_instance *instance, size_t *budget,
                          struct kedge_progress *out)
{
    *out = (struct kedge_progress){.instance = instance->name};
    if (!instance->want)
        return instance->known &&
               kedge_agent_ordered(agent); /* a destroy: PENDING until it is done */
    if (kedge_apply_settled(agent, instance))
        return false;
    out->version = instance->want->version;
    out->content = instance->want->content;
    const struct kedge_agent_instance *culprit = kedge_apply_culprit(agent, instance);
    if (culprit) {
        const char *why = culprit->failure.message;
        if (culprit != instance)
            why = kedge_arena_printf(arena, "member '%s' of its bundle failed", culprit->name);
        out->state = failed_state(instance, kedge_instance_slot(instance, &instance->good));
        out->code = culprit->failure.code;
        out->message = within(budget, why);
        return true;
    }
    const struct kedge_agent_slot *slot = kedge_instance_slot(instance, &instance->want->content);
    out->state = working_state(agent, instance, slot);
    out->code = slot->code;
    out->denial = slot->denial;
    if (slot->denial != KEDGE_DENIAL_NONE)
        out->vouchers = kedge_assignment_vouchers(instance->want);
    out->message = within(budget, slot->message);
    out->bytes = slot->bytes;
    return true;
}

void kedge_account_report(const struct kedge_agent *agent, struct kedge_arena *arena,
                          struct kedge_report *out)
{
    size_t budget = KEDGE_LIMIT_MESSAGES;
    *out = (struct kedge_report){
        .device = agent->config->device,
        .root = agent->root.version,
        .agent = KEDGE_VERSION_TEXT,
        .capacity = agent->config->capacity,
        .disk_free = agent->disk_free,
        .runtimes = agent->config->runtimes,
        .instances = kedge_arena_array(arena, agent->count, sizeof *out->instances),
        .progress = kedge_arena_array(arena, agent->count, sizeof *out->progress),
    };
    if (kedge_agent_ordered(agent)) {
        out->generation = agent->order.order.generation;
        out->envelope = agent->order.digest;
    }
    for (size_t i = 0; i < agent->count && out->instance_count < KEDGE_LIMIT_INSTANCES; i++) {
        const struct kedge_agent_instance *instance = agent->instances[i];
        struct kedge_reported *row = &out->instances[out->instance_count];
        const struct kedge_agent_slot *slot = held(agent, instance);
        if (slot && (instance->want || instance->known))
            fill_row(instance, slot, &budget, row);
        else if (is_extra(instance))
            *row = (struct kedge_reported){.instance = instance->name,
                                           .integrity = KEDGE_INTEGRITY_EXTRA,
                                           .state = KEDGE_RUN_STOPPED};
        else
            continue;
        out->instance_count++;
    }
    for (size_t i = 0; i < agent->count && out->progress_count < KEDGE_LIMIT_INSTANCES; i++)
        if (fill_progress(agent, arena, agent->instances[i], &budget,
                          &out->progress[out->progress_count]))
            out->progress_count++;
    out->erased = kedge_farewell_done(agent);
    if (agent->refusal.reason) {
        out->refusal = kedge_arena_new(arena, struct kedge_refusal);
        *out->refusal = agent->refusal;
    }
    if (agent->anchor.refusal.reason) {
        out->root_refusal = kedge_arena_new(arena, struct kedge_refusal);
        *out->root_refusal = agent->anchor.refusal;
    }
}

static void write_model(const struct kedge_agent *agent,
                        const struct kedge_agent_instance *instance,
                        const struct kedge_agent_slot *slot, struct kedge_json_writer *w)
{
    const struct kedge_assignment *assignment = slot->assignment;
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s/current/%s", agent->config->state_dir, instance->name);
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "name", instance->name);
    kedge_json_add_string(w, "kind", kedge_word_name(&kedge_kind_words, assignment->kind));
    kedge_json_add_string(w, "version", assignment->version);
    kedge_json_add_string(w, "endpoint", slot->endpoint);
    kedge_json_add_string(w, "path", path.data);
    if (assignment->runtime.handler_count) {
        kedge_json_key(w, "handlers");
        kedge_json_begin_object(w);
        for (uint32_t i = 0; i < assignment->runtime.handler_count; i++)
            kedge_json_add_string(w, assignment->runtime.handlers[i].name,
                                  assignment->runtime.handlers[i].path);
        kedge_json_end_object(w);
    }
    kedge_json_key(w, "access");
    kedge_json_begin_array(w);
    for (uint32_t i = 0; i < assignment->access.count; i++)
        kedge_json_put_string(w, assignment->access.at[i]);
    kedge_json_end_array(w);
    kedge_json_end_object(w);
}

void kedge_account_models(const struct kedge_agent *agent, struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_key(&w, "models");
    kedge_json_begin_array(&w);
    for (size_t i = 0; i < agent->count; i++) {
        const struct kedge_agent_instance *instance = agent->instances[i];
        const struct kedge_agent_slot *slot = kedge_instance_slot(instance, &instance->link);
        if (instance->linked && slot && slot->assignment)
            write_model(agent, instance, slot, &w);
    }
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    kedge_buf_putc(out, '\n');
}

void kedge_account_status(const struct kedge_agent *agent, const struct kedge_report *report,
                          struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_add_bool(&w, "connected", agent->connected);
    kedge_json_add_string(&w, "trouble", agent->contact_message);
    kedge_json_add_bool(&w, "converged", kedge_agent_converged(agent));
    kedge_json_key(&w, "report");
    kedge_report_write(report, &w);
    kedge_json_end_object(&w);
    kedge_buf_putc(out, '\n');
}
