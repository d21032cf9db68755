/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/limits.h"

/* The index of `name`, or where it belongs. */
static size_t place(const struct kedge_agent *agent, const char *name, bool *found)
{
    size_t low = 0, high = agent->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, agent->instances[middle]->name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct kedge_agent_instance *kedge_instance_find(const struct kedge_agent *agent, const char *name)
{
    bool found;
    size_t at = place(agent, name, &found);
    return found ? agent->instances[at] : NULL;
}

struct kedge_agent_instance *kedge_instance_add(struct kedge_agent *agent, const char *name)
{
    bool found;
    size_t at = place(agent, name, &found);
    if (found)
        return agent->instances[at];
    if (agent->count == agent->capacity) {
        agent->capacity = agent->capacity ? 2 * agent->capacity : 8;
        agent->instances =
            kedge_alloc_grow(agent->instances, agent->capacity * sizeof *agent->instances);
    }
    memmove(agent->instances + at + 1, agent->instances + at,
            (agent->count - at) * sizeof *agent->instances);
    agent->count++;
    agent->instances[at] = kedge_alloc_zeroed(sizeof **agent->instances);
    agent->instances[at]->name = kedge_alloc_strdup(name);
    return agent->instances[at];
}

static void free_instance(struct kedge_agent_instance *instance)
{
    while (instance->slots)
        kedge_instance_drop_slot(instance, instance->slots);
    free(instance->failure.message);
    free(instance->name);
    free(instance);
}

void kedge_instance_drop(struct kedge_agent *agent, struct kedge_agent_instance *instance)
{
    bool found;
    size_t at = place(agent, instance->name, &found);
    agent->count--;
    memmove(agent->instances + at, agent->instances + at + 1,
            (agent->count - at) * sizeof *agent->instances);
    free_instance(instance);
}

void kedge_instance_drop_all(struct kedge_agent *agent)
{
    for (size_t i = 0; i < agent->count; i++)
        free_instance(agent->instances[i]);
    free(agent->instances);
    agent->instances = NULL;
    agent->count = agent->capacity = 0;
}

struct kedge_agent_slot *kedge_instance_slot(const struct kedge_agent_instance *instance,
                                             const struct kedge_digest *content)
{
    struct kedge_agent_slot *slot = instance->slots;
    if (kedge_digest_is_zero(content))
        return NULL;
    while (slot && !kedge_digest_equal(&slot->content, content))
        slot = slot->next;
    return slot;
}

struct kedge_agent_slot *kedge_instance_add_slot(struct kedge_agent_instance *instance,
                                                 const struct kedge_digest *content)
{
    struct kedge_agent_slot *slot = kedge_instance_slot(instance, content);
    if (slot)
        return slot;
    slot = kedge_alloc_zeroed(sizeof *slot);
    slot->content = *content;
    slot->next = instance->slots;
    instance->slots = slot;
    return slot;
}

/* Through its canonical JSON: the one form every part of it is sure to survive. */
static const struct kedge_assignment *copy_assignment(struct kedge_arena *arena,
                                                      const struct kedge_assignment *assignment)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_assignment_write(assignment, &(struct kedge_json_writer){.out = &text});
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_assignment *copy = kedge_arena_new(arena, struct kedge_assignment);
    struct kedge_err err;
    if (kedge_json_parse(text.data, text.size, KEDGE_LIMIT_ENVELOPE, &json, &err) ||
        kedge_assignment_read(arena, json, copy, &err))
        abort(); /* what was read once and written by us reads again */
    return copy;
}

struct kedge_agent_slot *kedge_instance_hold(struct kedge_agent_instance *instance,
                                             const struct kedge_assignment *assignment)
{
    struct kedge_agent_slot *slot = kedge_instance_add_slot(instance, &assignment->content);
    if (!slot->assignment)
        slot->assignment = copy_assignment(&slot->arena, assignment);
    return slot;
}

void kedge_instance_drop_slot(struct kedge_agent_instance *instance, struct kedge_agent_slot *slot)
{
    struct kedge_agent_slot **at = &instance->slots;
    while (*at != slot)
        at = &(*at)->next;
    *at = slot->next;
    kedge_arena_release(&slot->arena);
    free(slot->endpoint);
    free(slot->message);
    free(slot);
}

void kedge_instance_ended(struct kedge_agent_slot *slot)
{
    slot->running = slot->stale = slot->verified = false;
    slot->passes = slot->failures = 0;
    kedge_instance_text(&slot->endpoint, NULL);
}

void kedge_instance_started(struct kedge_agent_slot *slot, const char *endpoint, kedge_ms now)
{
    kedge_instance_ended(slot);
    slot->running = true;
    slot->started = now;
    slot->probe_due = now + (slot->assignment ? slot->assignment->runtime.probe.initial_delay : 0);
    kedge_instance_text(&slot->endpoint, endpoint);
}

void kedge_instance_trouble(struct kedge_agent_slot *slot, enum kedge_code code,
                            const char *message)
{
    slot->code = code;
    kedge_instance_text(&slot->message, message);
}

void kedge_instance_text(char **text, const char *value)
{
    char *copy = NULL;
    if (value) {
        size_t size = strnlen(value, KEDGE_LIMIT_MESSAGE);
        /* Cut on a character's edge. */
        if (value[size] != '\0')
            while (size && ((unsigned char)value[size] & 0xc0) == 0x80)
                size--;
        copy = kedge_alloc_zeroed(size + 1);
        memcpy(copy, value, size);
    }
    free(*text);
    *text = copy;
}
