/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "anchor.h"
#include "clearance.h"
#include "wire/evidence.h"

/* Twice an envelope: its quotes are escaped. */
#define RECORD_LIMIT (2 * KEDGE_LIMIT_ENVELOPE + KEDGE_KIB(4))

static void begin(struct kedge_json_writer *w, struct kedge_buf *out, const char *kind)
{
    *w = (struct kedge_json_writer){.out = out};
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "kind", kind);
}

static void add_digest(struct kedge_json_writer *w, const struct kedge_digest *digest)
{
    char text[KEDGE_DIGEST_TEXT];
    kedge_json_add_string(w, "content", kedge_digest_format(digest, text));
}

void kedge_memory_order(const struct kedge_agent_order *order, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "order");
    kedge_json_add_integer(&w, "at", order->at);
    kedge_json_key(&w, "envelope");
    kedge_json_put_slice(&w, kedge_buf_slice(&order->envelope));
    kedge_json_end_object(&w);
}

void kedge_memory_root(struct kedge_slice file, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "root");
    kedge_json_key(&w, "document");
    kedge_json_put_slice(&w, file);
    kedge_json_end_object(&w);
}

void kedge_memory_counter(int64_t end, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "counter");
    kedge_json_add_integer(&w, "end", end);
    kedge_json_end_object(&w);
}

void kedge_memory_link(struct kedge_slice statement, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "link");
    kedge_json_key(&w, "statement");
    kedge_json_put_slice(&w, statement);
    kedge_json_end_object(&w);
}

void kedge_memory_floor(int64_t generation, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "floor");
    kedge_json_add_integer(&w, "generation", generation);
    kedge_json_end_object(&w);
}

static void write_name(const char *kind, const char *instance, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, kind);
    kedge_json_add_string(&w, "instance", instance);
    kedge_json_end_object(&w);
}

void kedge_memory_own(const char *instance, struct kedge_buf *out)
{
    write_name("own", instance, out);
}

void kedge_memory_removed(const char *instance, struct kedge_buf *out)
{
    write_name("removed", instance, out);
}

void kedge_memory_activate(const char *instance, const struct kedge_digest *content,
                           uint32_t attempts, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "activate");
    kedge_json_add_string(&w, "instance", instance);
    add_digest(&w, content);
    kedge_json_add_integer(&w, "attempts", attempts);
    kedge_json_end_object(&w);
}

void kedge_memory_release(const char *model, int64_t counter, struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin(&w, out, "release");
    kedge_json_add_string(&w, "model", model);
    kedge_json_add_integer(&w, "counter", counter);
    kedge_json_end_object(&w);
}

static void begin_confirm(struct kedge_json_writer *w, struct kedge_buf *out)
{
    begin(w, out, "confirm");
    kedge_json_key(w, "members");
    kedge_json_begin_array(w);
}

static void add_member(struct kedge_json_writer *w, const char *instance,
                       const struct kedge_digest *content)
{
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "instance", instance);
    add_digest(w, content);
    kedge_json_end_object(w);
}

static void end_confirm(struct kedge_json_writer *w)
{
    kedge_json_end_array(w);
    kedge_json_end_object(w);
}

void kedge_memory_confirm(struct kedge_agent_instance *const *members, size_t count,
                          struct kedge_buf *out)
{
    struct kedge_json_writer w;
    begin_confirm(&w, out);
    for (size_t i = 0; i < count; i++)
        add_member(&w, members[i]->name, &members[i]->want->content);
    end_confirm(&w);
}

void kedge_memory_fail(const struct kedge_agent_instance *instance, struct kedge_buf *out)
{
    const struct kedge_agent_failure *failure = &instance->failure;
    struct kedge_json_writer w;
    begin(&w, out, "fail");
    kedge_json_add_string(&w, "instance", instance->name);
    add_digest(&w, &failure->content);
    kedge_json_add_integer(&w, "generation", failure->generation);
    kedge_json_add_integer(&w, "code", failure->code);
    kedge_json_add_string(&w, "message", failure->message ? failure->message : "");
    kedge_json_end_object(&w);
}

enum kedge_order_refusal kedge_memory_admit(const struct kedge_agent *agent,
                                            struct kedge_slice envelope, kedge_ms now,
                                            struct kedge_agent_order *out, struct kedge_err *err)
{
    const struct kedge_order_memory memory = {
        .device = agent->config->device,
        .generation = kedge_agent_ordered(agent) ? agent->order.order.generation : agent->floor,
        .envelope = agent->order.digest,
        .latest = agent->latest,
        .arch = agent->config->capacity.arch,
    };
    const struct kedge_envelope_trust trust = kedge_root_trust(&agent->root, KEDGE_ROOT_DIRECTOR);
    struct kedge_agent_order order = {.at = now, .root = agent->root.version};
    enum kedge_order_refusal refusal =
        kedge_order_admit(&order.arena, envelope, &trust, &memory, now, &order.order, err);
    if (refusal != KEDGE_ORDER_ACCEPTED) {
        kedge_arena_release(&order.arena);
        return refusal;
    }
    kedge_buf_add(&order.envelope, envelope.data, envelope.size);
    order.digest = kedge_digest_of(envelope.data, envelope.size);
    order.valid = true;
    *out = order;
    return refusal;
}

void kedge_memory_release_order(struct kedge_agent_order *order)
{
    kedge_arena_release(&order->arena);
    kedge_buf_release(&order->envelope);
    *order = (struct kedge_agent_order){0};
}

static int read_content(const json_t *json, struct kedge_digest *out, struct kedge_err *err)
{
    const char *text;
    int code = kedge_json_string(json, "content", &text, err);
    if (!code && !kedge_digest_parse(text, out))
        code = kedge_err_set(err, KEDGE_CORRUPT, "'%.80s' is not a digest", text);
    return code;
}

/* At boot the order is judged again, as at the moment it was accepted: expiry ends acceptance, not
 * the duty to hold what was accepted. */
static int apply_order(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *envelope;
    int64_t at;
    int code = kedge_json_integer(json, "at", &at, err);
    if (code || (code = kedge_json_string(json, "envelope", &envelope, err)))
        return code;
    struct kedge_agent_order order;
    if (agent->offer.valid) {
        order = agent->offer;
        agent->offer = (struct kedge_agent_order){0};
    } else if (kedge_memory_admit(agent, (struct kedge_slice){envelope, strlen(envelope)}, at,
                                  &order, err) != KEDGE_ORDER_ACCEPTED) {
        return kedge_err_wrap(err, "the order in the journal");
    }
    /* Wants point into the old order: the caller joins instances and order anew. */
    for (size_t i = 0; i < agent->count; i++)
        agent->instances[i]->want = NULL;
    kedge_memory_release_order(&agent->order);
    agent->order = order;
    if (order.order.issued > agent->latest)
        agent->latest = order.order.issued;
    return 0;
}

static int apply_root(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *document;
    int code = kedge_json_string(json, "document", &document, err);
    return code ? code
                : kedge_anchor_take(agent, (struct kedge_slice){document, strlen(document)}, err);
}

static int apply_counter(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    int64_t end;
    int code = kedge_json_integer(json, "end", &end, err);
    if (!code && end > agent->counter_end) {
        /* Those below the old end may have been used by an earlier life. */
        if (!agent->booted)
            agent->counter = end;
        agent->counter_end = end;
    }
    return code;
}

static int apply_link(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report report;
    const char *text;
    int code = kedge_json_string(json, "statement", &text, err);
    if (code)
        return code;
    struct kedge_slice statement = {text, strlen(text)};
    code = kedge_evidence_read(&arena, statement, agent->config->device, &report, err);
    if (code)
        return code;
    struct kedge_agent_link *link = &agent->link;
    kedge_buf_clear(&link->statement);
    kedge_buf_add(&link->statement, statement.data, statement.size);
    link->number = report.link;
    link->self = report.self;
    link->content = kedge_report_digest(&report);
    link->erased = report.erased;
    link->answered = false;
    link->made = agent->booted;
    agent->challenged = false;
    return 0;
}

static int apply_floor(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    int64_t generation;
    int code = kedge_json_integer(json, "generation", &generation, err);
    if (!code && generation > agent->floor)
        agent->floor = generation;
    return code;
}

static int apply_own(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *name;
    int code = kedge_json_string(json, "instance", &name, err);
    if (!code) {
        struct kedge_agent_instance *instance = kedge_instance_add(agent, name);
        instance->known = instance->leftover = true;
    }
    return code;
}

static int apply_removed(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *name;
    int code = kedge_json_string(json, "instance", &name, err);
    struct kedge_agent_instance *instance = code ? NULL : kedge_instance_find(agent, name);
    if (instance) {
        instance->known = false;
        instance->good = instance->trying = instance->failure.content = (struct kedge_digest){0};
        instance->attempts = 0;
    }
    return code;
}

static int apply_activate(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *name;
    struct kedge_digest content;
    int64_t attempts;
    int code = kedge_json_string(json, "instance", &name, err);
    if (code || (code = read_content(json, &content, err)) ||
        (code = kedge_json_integer(json, "attempts", &attempts, err)))
        return code;
    struct kedge_agent_instance *instance = kedge_instance_add(agent, name);
    instance->known = instance->leftover = true;
    instance->trying = content;
    instance->attempts = (uint32_t)attempts;
    struct kedge_agent_slot *slot = kedge_instance_slot(instance, &content);
    if (slot && agent->booted)
        slot->intended = true;
    return 0;
}

static int apply_confirm(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    json_t *members, *member;
    size_t i;
    int code = kedge_json_array(json, "members", &members, err);
    if (code)
        return code;
    json_array_foreach (members, i, member) {
        const char *name;
        struct kedge_digest content;
        if ((code = kedge_json_string(member, "instance", &name, err)) ||
            (code = read_content(member, &content, err)))
            return code;
        struct kedge_agent_instance *instance = kedge_instance_add(agent, name);
        instance->known = instance->leftover = true;
        instance->good = content;
        instance->trying = (struct kedge_digest){0};
        instance->attempts = 0;
        if (kedge_digest_equal(&instance->failure.content, &content))
            instance->failure.content = (struct kedge_digest){0};
    }
    agent->garbage = true;
    return 0;
}

static int apply_fail(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *name, *message;
    struct kedge_digest content;
    int64_t generation, word;
    int code = kedge_json_string(json, "instance", &name, err);
    if (code || (code = read_content(json, &content, err)) ||
        (code = kedge_json_integer(json, "generation", &generation, err)) ||
        (code = kedge_json_integer(json, "code", &word, err)) ||
        (code = kedge_json_string(json, "message", &message, err)))
        return code;
    struct kedge_agent_instance *instance = kedge_instance_add(agent, name);
    struct kedge_agent_failure *failure = &instance->failure;
    instance->known = instance->leftover = true;
    instance->trying = (struct kedge_digest){0};
    instance->attempts = 0;
    failure->content = content;
    failure->generation = generation;
    failure->code = (enum kedge_code)word;
    kedge_instance_text(&failure->message, message);
    failure->unsaved = false;
    return 0;
}

static int apply_release(struct kedge_agent *agent, const json_t *json, struct kedge_err *err)
{
    const char *model;
    int64_t counter;
    int code = kedge_json_string(json, "model", &model, err);
    if (code || (code = kedge_json_integer(json, "counter", &counter, err)))
        return code;
    kedge_clearance_raise(agent, model, counter);
    return 0;
}

static const struct {
    const char *kind;
    int (*apply)(struct kedge_agent *agent, const json_t *json, struct kedge_err *err);
} records[] = {
    {"order", apply_order},     {"root", apply_root},       {"counter", apply_counter},
    {"own", apply_own},         {"removed", apply_removed}, {"activate", apply_activate},
    {"confirm", apply_confirm}, {"fail", apply_fail},       {"release", apply_release},
    {"link", apply_link},       {"floor", apply_floor},
};

int kedge_memory_apply(struct kedge_agent *agent, struct kedge_slice record, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    const char *kind;
    int code = kedge_json_parse(record.data, record.size, RECORD_LIMIT, &json, err);
    if (code || (code = kedge_json_string(json, "kind", &kind, err)))
        return kedge_err_wrap(err, "journal record");
    for (size_t i = 0; i < KEDGE_COUNT(records); i++)
        if (strcmp(records[i].kind, kind) == 0)
            return records[i].apply(agent, json, err);
    return kedge_err_set(err, KEDGE_CORRUPT, "journal record of unknown kind '%.40s'", kind);
}

static void give(struct kedge_buf *text, kedge_agent_visit_record *visit, void *payload)
{
    visit(kedge_buf_slice(text), payload);
    kedge_buf_clear(text);
}

static void give_instance(const struct kedge_agent_instance *instance, struct kedge_buf *text,
                          kedge_agent_visit_record *visit, void *payload)
{
    if (!instance->known)
        return;
    kedge_memory_own(instance->name, text);
    give(text, visit, payload);
    if (!kedge_digest_is_zero(&instance->good)) {
        struct kedge_json_writer w;
        begin_confirm(&w, text);
        add_member(&w, instance->name, &instance->good);
        end_confirm(&w);
        give(text, visit, payload);
    }
    if (!kedge_digest_is_zero(&instance->failure.content)) {
        kedge_memory_fail(instance, text);
        give(text, visit, payload);
    }
    if (!kedge_digest_is_zero(&instance->trying)) {
        kedge_memory_activate(instance->name, &instance->trying, instance->attempts, text);
        give(text, visit, payload);
    }
}

/* Those up to `version`, from the one at `from` on; where the next are. */
static size_t give_roots(const struct kedge_agent *agent, size_t from, int64_t version,
                         struct kedge_buf *text, kedge_agent_visit_record *visit, void *payload)
{
    const struct kedge_agent_anchor *anchor = &agent->anchor;
    int64_t first = agent->root.version - (int64_t)anchor->count + 1;
    while (from < anchor->count && first + (int64_t)from <= version) {
        kedge_memory_root(kedge_buf_slice(&anchor->files[from++]), text);
        give(text, visit, payload);
    }
    return from;
}

/* An order stands behind the root it was accepted under, and before those that may revoke it. */
void kedge_memory_each(const struct kedge_agent *agent, kedge_agent_visit_record *visit,
                       void *payload)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    size_t given = 0;
    if (agent->floor) {
        kedge_memory_floor(agent->floor, &text);
        give(&text, visit, payload);
    }
    if (agent->order.valid) {
        given = give_roots(agent, 0, agent->order.root, &text, visit, payload);
        kedge_memory_order(&agent->order, &text);
        give(&text, visit, payload);
    }
    give_roots(agent, given, agent->root.version, &text, visit, payload);
    if (agent->counter_end) {
        kedge_memory_counter(agent->counter_end, &text);
        give(&text, visit, payload);
    }
    for (const struct kedge_agent_release *at = agent->releases; at; at = at->next) {
        kedge_memory_release(at->model, at->counter, &text);
        give(&text, visit, payload);
    }
    if (agent->link.number) {
        kedge_memory_link(kedge_buf_slice(&agent->link.statement), &text);
        give(&text, visit, payload);
    }
    for (size_t i = 0; i < agent->count; i++)
        give_instance(agent->instances[i], &text, visit, payload);
}
