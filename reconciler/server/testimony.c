/* SPDX-License-Identifier: Apache-2.0 */
#include "testimony.h"

#include <string.h>

#include "base/digest.h"
#include "inside.h"

/* Receives each fact; a non-zero return ends the walk. */
typedef int take_fact(const struct kedge_event *fact, enum kedge_verb verb, void *payload);

struct telling {
    const struct kedge_actual_device *before, *after;
    take_fact *take;
    void *payload;
};

static const struct kedge_reported *find_instance(const struct kedge_actual_device *row,
                                                  const char *name)
{
    for (uint32_t i = 0; row && i < row->report.instance_count; i++)
        if (strcmp(row->report.instances[i].instance, name) == 0)
            return &row->report.instances[i];
    return NULL;
}

static const struct kedge_progress *find_progress(const struct kedge_actual_device *row,
                                                  const char *name)
{
    for (uint32_t i = 0; row && i < row->report.progress_count; i++)
        if (strcmp(row->report.progress[i].instance, name) == 0)
            return &row->report.progress[i];
    return NULL;
}

static bool is_over(enum kedge_action_state state)
{
    return state == KEDGE_ACTION_FAILED || state == KEDGE_ACTION_ROLLED_BACK ||
           state == KEDGE_ACTION_SUCCEEDED || state == KEDGE_ACTION_SUPERSEDED;
}

/* Evidence, not intention: intact files, and a passed probe or a stop. */
static bool is_proven(const struct kedge_reported *instance)
{
    return instance && instance->integrity == KEDGE_INTEGRITY_INTACT &&
           !kedge_digest_is_zero(&instance->content) &&
           (instance->verified || instance->state == KEDGE_RUN_STOPPED);
}

static bool same_target(const struct kedge_reported *a, const struct kedge_reported *b)
{
    return kedge_digest_equal(&a->content, &b->content) && a->state == b->state;
}

/* Only work the device was at can succeed: a probe that passes again after a restart is health. */
static bool was_at_work(const struct telling *t, const struct kedge_reported *new,
                        const struct kedge_reported *old)
{
    if (!old || !same_target(old, new))
        return true;
    const struct kedge_progress *progress = find_progress(t->before, new->instance);
    return progress && !is_over(progress->state);
}

static enum kedge_verb verb_between(const struct kedge_reported *old,
                                    const struct kedge_reported *new)
{
    if (!old)
        return KEDGE_VERB_DEPLOY;
    if (!kedge_digest_equal(&old->content, &new->content))
        return KEDGE_VERB_UPDATE;
    if (old->state == new->state)
        return KEDGE_VERB_DEPLOY; /* it was held before, but proven only now */
    return new->state == KEDGE_RUN_RUNNING ? KEDGE_VERB_START : KEDGE_VERB_STOP;
}

static int tell(const struct telling *t, enum kedge_event_kind kind, enum kedge_verb verb,
                const struct kedge_reported *old, const struct kedge_reported *new)
{
    struct kedge_event fact = {
        .kind = kind,
        .instance = new ? new->instance : old->instance,
        .verb = kedge_word_name(&kedge_verb_words, (int)verb),
        .from = old ? old->version : NULL,
        .to = new ? new->version : NULL,
        .message = new ? new->message : NULL,
    };
    return t->take(&fact, verb, t->payload);
}

static int tell_drift(const struct telling *t, const struct kedge_reported *old,
                      const struct kedge_reported *new)
{
    bool was = old && old->integrity != KEDGE_INTEGRITY_INTACT;
    bool is = new->integrity != KEDGE_INTEGRITY_INTACT;
    if (was == is)
        return 0;
    const struct kedge_reported *odd = is ? new : old;
    struct kedge_event fact = {
        .kind = is ? KEDGE_EVENT_DRIFT_DETECTED : KEDGE_EVENT_DRIFT_HEALED,
        .instance = new->instance,
        .to = new->version,
        .reason = kedge_word_name(&kedge_integrity_words, (int)odd->integrity),
        .message = new->message,
    };
    return t->take(&fact, KEDGE_VERB_COUNT, t->payload);
}

static int tell_instances(const struct telling *t)
{
    const struct kedge_report *report = &t->after->report;
    for (uint32_t i = 0; i < report->instance_count; i++) {
        const struct kedge_reported *new = &report->instances[i];
        const struct kedge_reported *old = find_instance(t->before, new->instance);
        int code = tell_drift(t, old, new);
        bool done = is_proven(new) && !(is_proven(old) && same_target(old, new));
        if (code == 0 && done && was_at_work(t, new, old))
            code = tell(t, KEDGE_EVENT_ACTION_SUCCEEDED, verb_between(old, new), old, new);
        if (code < 0)
            return code;
    }
    return 0;
}

static bool is_authorised(const struct kedge_actual_device *row, const char *instance)
{
    for (uint32_t i = 0; i < row->authorised.count; i++)
        if (strcmp(row->authorised.at[i], instance) == 0)
            return true;
    return false;
}

/* Gone: as ordered it is a destroy that succeeded, else the device has lost it. */
static int tell_gone(const struct telling *t)
{
    for (uint32_t i = 0; t->before && i < t->before->report.instance_count; i++) {
        const struct kedge_reported *old = &t->before->report.instances[i];
        if (find_instance(t->after, old->instance))
            continue;
        struct kedge_event lost = {.kind = KEDGE_EVENT_DRIFT_DETECTED,
                                   .instance = old->instance,
                                   .from = old->version,
                                   .reason = "missing"};
        int code = is_authorised(t->after, old->instance)
                       ? t->take(&lost, KEDGE_VERB_COUNT, t->payload)
                       : tell(t, KEDGE_EVENT_ACTION_SUCCEEDED, KEDGE_VERB_DESTROY, old, NULL);
        if (code < 0)
            return code;
    }
    return 0;
}

static int tell_failures(const struct telling *t)
{
    const struct kedge_report *report = &t->after->report;
    for (uint32_t i = 0; i < report->progress_count; i++) {
        const struct kedge_progress *new = &report->progress[i];
        const struct kedge_progress *old = find_progress(t->before, new->instance);
        bool failed = new->state == KEDGE_ACTION_FAILED;
        if (!failed && new->state != KEDGE_ACTION_ROLLED_BACK)
            continue;
        if (old && old->state == new->state &&
            old->denial == new->denial &&kedge_digest_equal(&old->content, &new->content))
            continue;
        const struct kedge_reported *held = find_instance(t->after, new->instance);
        enum kedge_verb verb = kedge_digest_is_zero(&new->content) ? KEDGE_VERB_DESTROY
                               : held                              ? KEDGE_VERB_UPDATE
                                                                   : KEDGE_VERB_DEPLOY;
        struct kedge_event fact = {
            .kind = failed ? KEDGE_EVENT_ACTION_FAILED : KEDGE_EVENT_ACTION_ROLLED_BACK,
            .instance = new->instance,
            .verb = kedge_word_name(&kedge_verb_words, (int)verb),
            .from = held ? held->version : NULL,
            .to = new->version,
            .reason = new->denial != KEDGE_DENIAL_NONE
                          ? kedge_word_name(&kedge_denial_words, (int)new->denial)
                          : kedge_code_name(new->code),
            .message = new->message,
        };
        int code = t->take(&fact, verb, t->payload);
        if (code < 0)
            return code;
    }
    return 0;
}

static int tell_refusal(const struct telling *t, enum kedge_event_kind kind,
                        const struct kedge_refusal *old, const struct kedge_refusal *new)
{
    if (!new || (old && old->generation == new->generation && old->at == new->at))
        return 0;
    struct kedge_event fact = {.kind = kind, .reason = new->reason, .message = new->message};
    return t->take(&fact, KEDGE_VERB_COUNT, t->payload);
}

static int tell_refusals(const struct telling *t)
{
    static const struct kedge_report none;
    const struct kedge_report *before = t->before ? &t->before->report : &none;
    const struct kedge_report *after = &t->after->report;
    int code = tell_refusal(t, KEDGE_EVENT_ENVELOPE_REFUSED, before->refusal, after->refusal);
    return code ? code
                : tell_refusal(t, KEDGE_EVENT_ROOT_REFUSED, before->root_refusal,
                               after->root_refusal);
}

static int tell_all(const struct telling *t)
{
    int code = tell_refusals(t);
    if (code == 0)
        code = tell_instances(t);
    if (code == 0)
        code = tell_gone(t);
    return code == 0 ? tell_failures(t) : code;
}

struct recording {
    struct kedge_server *server;
    const char *device;
    kedge_ms now;
    struct kedge_err *err;
};

static int record(const struct kedge_event *fact, enum kedge_verb verb, void *payload)
{
    (void)verb;
    struct recording *to = payload;
    struct kedge_event event = *fact;
    event.at = to->now;
    event.device = to->device;
    event.commit = to->server->commit;
    return kedge_store_append_event(to->server->options.store, &event, to->err);
}

int kedge_testimony_record(struct kedge_server *server, const struct kedge_actual_device *before,
                           const struct kedge_actual_device *after, kedge_ms now,
                           struct kedge_err *err)
{
    struct recording to = {.server = server, .device = after->name, .now = now, .err = err};
    return tell_all(
        &(struct telling){.before = before, .after = after, .take = record, .payload = &to});
}

static int count(const struct kedge_event *fact, enum kedge_verb verb, void *payload)
{
    struct kedge_counters *counters = payload;
    if (fact->kind == KEDGE_EVENT_ACTION_SUCCEEDED)
        counters->actions[verb][KEDGE_OUTCOME_SUCCEEDED]++;
    else if (fact->kind == KEDGE_EVENT_ACTION_FAILED)
        counters->actions[verb][KEDGE_OUTCOME_FAILED]++;
    else if (fact->kind == KEDGE_EVENT_ACTION_ROLLED_BACK)
        counters->actions[verb][KEDGE_OUTCOME_ROLLED_BACK]++;
    return 0;
}

void kedge_testimony_count(struct kedge_server *server, const struct kedge_actual_device *before,
                           const struct kedge_actual_device *after)
{
    (void)tell_all(&(struct telling){
        .before = before, .after = after, .take = count, .payload = &server->counters});
}
