/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "batch.h"
#include "statement.h"

static const char *const refusal_names[] = {
    [KEDGE_ORDER_ACCEPTED] = "accepted",
    [KEDGE_ORDER_DUPLICATE] = "duplicate",
    [KEDGE_ORDER_REPLAY] = "replay",
    [KEDGE_ORDER_WRONG_DEVICE] = "wrong-device",
    [KEDGE_ORDER_EXPIRED] = "expired",
    [KEDGE_ORDER_NOT_YET] = "not-yet",
    [KEDGE_ORDER_WRONG_KEY] = "wrong-key",
    [KEDGE_ORDER_MALFORMED] = "malformed",
    [KEDGE_ORDER_WRONG_HARDWARE] = "wrong-hardware",
    [KEDGE_ORDER_EXPIRED_ROOT] = "expired-root",
};
const struct kedge_words kedge_order_refusal_words = {refusal_names, KEDGE_COUNT(refusal_names)};

static void add_digest(struct kedge_json_writer *w, const char *key,
                       const struct kedge_digest *digest)
{
    char text[KEDGE_DIGEST_TEXT];
    kedge_json_add_string(w, key, kedge_digest_format(digest, text));
}

void kedge_order_write(const struct kedge_order *order, const struct kedge_order_member *members,
                       uint32_t member_count, struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    kedge_statement_begin(&w);
    for (uint32_t i = 0; i < member_count; i++)
        kedge_statement_subject(&w, members[i].instance, &members[i].artifact);
    if (member_count == 0)
        kedge_statement_subject(&w, order->device, &order->plan);
    kedge_statement_predicate(&w, KEDGE_ORDER_PREDICATE);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", order->device);
    kedge_json_add_integer(&w, "generation", order->generation);
    add_digest(&w, "plan", &order->plan);
    kedge_json_add_string(&w, "commit", order->commit);
    kedge_json_add_string(&w, "source", order->source);
    kedge_statement_add_time(&w, "issuedAt", order->issued);
    kedge_statement_add_time(&w, "expires", order->expires);
    if (order->decommission)
        kedge_json_add_bool(&w, "decommission", true);
    kedge_json_key(&w, "actions");
    kedge_json_begin_array(&w);
    for (uint32_t i = 0; i < order->action_count; i++)
        kedge_action_write(&order->actions[i], &w);
    kedge_json_end_array(&w);
    kedge_json_key(&w, "set");
    kedge_json_begin_array(&w);
    for (uint32_t i = 0; i < member_count; i++)
        kedge_json_put_raw(&w, members[i].json);
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    kedge_statement_end(&w);
}

static int read_text(struct kedge_arena *arena, const json_t *json, const char *key, size_t limit,
                     const char **out, struct kedge_err *err)
{
    const char *text;
    int code = kedge_json_string(json, key, &text, err);
    if (code)
        return code;
    if (!*text || strlen(text) > limit)
        return kedge_err_set(err, KEDGE_INVALID, "member '%s' has %zu bytes, 1 to %zu are read",
                             key, strlen(text), limit);
    *out = kedge_arena_strdup(arena, text);
    return 0;
}

static int read_head(struct kedge_arena *arena, const json_t *json, struct kedge_order *out,
                     struct kedge_err *err)
{
    const char *plan;
    int code = read_text(arena, json, "device", KEDGE_LIMIT_NAME, &out->device, err);
    if (!code)
        code = kedge_json_integer(json, "generation", &out->generation, err);
    if (!code)
        code = kedge_json_string(json, "plan", &plan, err);
    if (!code)
        code = read_text(arena, json, "commit", KEDGE_LIMIT_COMMIT, &out->commit, err);
    if (!code)
        code = read_text(arena, json, "source", KEDGE_LIMIT_PATH, &out->source, err);
    if (!code)
        code = kedge_statement_time(json, "issuedAt", &out->issued, err);
    if (!code)
        code = kedge_statement_time(json, "expires", &out->expires, err);
    if (code)
        return code;
    if (!kedge_name_valid(out->device, strlen(out->device)))
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is not a device name", out->device);
    if (out->generation < 1)
        return kedge_err_set(err, KEDGE_INVALID, "generation %lld is not positive",
                             (long long)out->generation);
    if (!kedge_digest_parse(plan, &out->plan))
        return kedge_err_set(err, KEDGE_INVALID, "member 'plan' is not a digest: '%.80s'", plan);
    if (out->expires <= out->issued)
        return kedge_err_set(err, KEDGE_INVALID, "it expires before it is issued");
    return 0;
}

/* The array `key` of at most `limit` items. */
static int read_list(const json_t *json, const char *key, size_t limit, json_t **out,
                     struct kedge_err *err)
{
    int code = kedge_json_array(json, key, out, err);
    if (!code && json_array_size(*out) > limit)
        code = kedge_err_set(err, KEDGE_LIMIT, "member '%s' has %zu items, at most %zu are read",
                             key, json_array_size(*out), limit);
    return code;
}

static int read_actions(struct kedge_arena *arena, const json_t *json, struct kedge_order *out,
                        struct kedge_err *err)
{
    json_t *list;
    int code = read_list(json, "actions", KEDGE_LIMIT_ACTIONS, &list, err);
    if (code)
        return code;
    size_t count = json_array_size(list);
    struct kedge_action *actions = kedge_arena_array(arena, count, sizeof *actions);
    for (size_t i = 0; i < count; i++) {
        code = kedge_action_read(arena, json_array_get(list, i), &actions[i], err);
        if (code)
            return kedge_err_wrap(err, "action %zu", i + 1);
    }
    out->actions = actions;
    out->action_count = (uint32_t)count;
    return 0;
}

static int read_set(struct kedge_arena *arena, const json_t *json, struct kedge_order *out,
                    struct kedge_err *err)
{
    json_t *list;
    int code = read_list(json, "set", KEDGE_LIMIT_INSTANCES, &list, err);
    if (code)
        return code;
    size_t count = json_array_size(list);
    struct kedge_assignment *set = kedge_arena_array(arena, count, sizeof *set);
    for (size_t i = 0; i < count; i++) {
        code = kedge_assignment_read(arena, json_array_get(list, i), &set[i], err);
        if (code)
            return kedge_err_wrap(err, "instance %zu", i + 1);
        if (i > 0 && strcmp(set[i - 1].instance, set[i].instance) >= 0)
            return kedge_err_set(err, KEDGE_INVALID, "instance '%s' does not sort behind '%s'",
                                 set[i].instance, set[i - 1].instance);
    }
    out->set = set;
    out->set_count = (uint32_t)count;
    return 0;
}

/* Who orders both to hold something and to erase everything has made a mistake. */
static int read_decommission(const json_t *json, struct kedge_order *out, struct kedge_err *err)
{
    int code = kedge_json_opt_bool(json, "decommission", &out->decommission, err);
    if (!code && json_object_get(json, "decommission") &&
        (!out->decommission || out->action_count || out->set_count))
        code = kedge_err_set(err, KEDGE_INVALID,
                             "member 'decommission' is not 'true' with neither actions nor a set");
    return code;
}

int kedge_order_read(struct kedge_arena *arena, struct kedge_slice payload, struct kedge_order *out,
                     struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *statement = NULL;
    json_t *predicate;
    struct kedge_order order = {0};
    int code = kedge_statement_read(payload, KEDGE_LIMIT_ENVELOPE, KEDGE_ORDER_PREDICATE,
                                    &statement, &predicate, err);
    if (!code)
        code = read_head(arena, predicate, &order, err);
    if (!code)
        code = read_actions(arena, predicate, &order, err);
    if (!code)
        code = read_set(arena, predicate, &order, err);
    if (!code)
        code = read_decommission(predicate, &order, err);
    if (code)
        return kedge_err_wrap(err, "order");
    *out = order;
    return 0;
}

static enum kedge_order_refusal judge_generation(const struct kedge_order *order,
                                                 struct kedge_slice envelope,
                                                 const struct kedge_order_memory *memory,
                                                 struct kedge_err *err)
{
    if (order->generation > memory->generation)
        return KEDGE_ORDER_ACCEPTED;
    struct kedge_digest digest = kedge_digest_of(envelope.data, envelope.size);
    if (order->generation == memory->generation && kedge_digest_equal(&digest, &memory->envelope)) {
        kedge_err_set(err, KEDGE_EXISTS, "generation %lld is in force already",
                      (long long)order->generation);
        return KEDGE_ORDER_DUPLICATE;
    }
    kedge_err_set(err, KEDGE_DENIED, "generation %lld is not newer than %lld, which is in force",
                  (long long)order->generation, (long long)memory->generation);
    return KEDGE_ORDER_REPLAY;
}

static enum kedge_order_refusal judge_time(const struct kedge_order *order,
                                           const struct kedge_order_memory *memory, kedge_ms now,
                                           struct kedge_err *err)
{
    char at[KEDGE_TIME_TEXT], here[KEDGE_TIME_TEXT];
    if (now < memory->latest)
        now = memory->latest;
    kedge_clock_format(now, here);
    if (order->expires <= now) {
        kedge_err_set(err, KEDGE_DENIED, "it expired at %s, and it is %s here",
                      kedge_clock_format(order->expires, at), here);
        return KEDGE_ORDER_EXPIRED;
    }
    if (order->issued - now > KEDGE_ORDER_SKEW_MS) {
        kedge_err_set(err, KEDGE_DENIED, "it was issued at %s, but it is %s here: set the clock",
                      kedge_clock_format(order->issued, at), here);
        return KEDGE_ORDER_NOT_YET;
    }
    return KEDGE_ORDER_ACCEPTED;
}

static bool fits(const struct kedge_assignment *assignment, const char *arch)
{
    for (uint32_t i = 0; i < assignment->arch.count; i++)
        if (strcmp(assignment->arch.at[i], arch) == 0)
            return true;
    return assignment->arch.count == 0;
}

/* The director chose by what it was told of the device; the device knows what it is. */
static enum kedge_order_refusal judge_hardware(const struct kedge_order *order, const char *arch,
                                               struct kedge_err *err)
{
    for (uint32_t i = 0; arch && i < order->set_count; i++) {
        if (fits(&order->set[i], arch))
            continue;
        kedge_err_set(err, KEDGE_DENIED, "'%s' is made for %s, and this device is %s",
                      order->set[i].instance, order->set[i].arch.at[0], arch);
        return KEDGE_ORDER_WRONG_HARDWARE;
    }
    return KEDGE_ORDER_ACCEPTED;
}

static enum kedge_order_refusal judge(const struct kedge_order *order, struct kedge_slice envelope,
                                      const struct kedge_order_memory *memory, kedge_ms now,
                                      struct kedge_err *err)
{
    if (strcmp(order->device, memory->device) != 0) {
        kedge_err_set(err, KEDGE_DENIED, "it is for device '%s', this is '%s'", order->device,
                      memory->device);
        return KEDGE_ORDER_WRONG_DEVICE;
    }
    enum kedge_order_refusal refusal = judge_generation(order, envelope, memory, err);
    if (!refusal)
        refusal = judge_time(order, memory, now, err);
    return refusal ? refusal : judge_hardware(order, memory->arch, err);
}

enum kedge_order_refusal kedge_order_admit(struct kedge_arena *arena, struct kedge_slice envelope,
                                           const struct kedge_envelope_trust *trust,
                                           const struct kedge_order_memory *memory, kedge_ms now,
                                           struct kedge_order *order, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_order read;
    int code = kedge_batch_verify(envelope.data, envelope.size, KEDGE_LIMIT_ENVELOPE, trust,
                                  &payload, err);
    if (code)
        return code == KEDGE_DENIED ? KEDGE_ORDER_WRONG_KEY : KEDGE_ORDER_MALFORMED;
    if (kedge_order_read(arena, kedge_buf_slice(&payload), &read, err))
        return KEDGE_ORDER_MALFORMED;
    enum kedge_order_refusal refusal = judge(&read, envelope, memory, now, err);
    if (refusal == KEDGE_ORDER_ACCEPTED)
        *order = read;
    return refusal;
}
