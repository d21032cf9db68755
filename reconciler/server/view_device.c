/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "inside.h"
#include "view_write.h"
#include "wire/age.h"

#define RECENT 10 /* events that explain shows */

/* A device from every side. */
struct side {
    const char *name;
    const struct kedge_desired_device *desired; /* never NULL: it is in the manifests */
    const struct kedge_actual_device *row;
    const struct kedge_peer *peer;
    const struct kedge_step *steps; /* its own */
    size_t count, held;
};

static struct side look(struct kedge_view_job *job, const struct kedge_desired_device *desired,
                        const struct kedge_cycle_plan *pass)
{
    const struct kedge_server *server = job->server;
    struct side side = {
        .name = desired->name,
        .desired = kedge_view_wants(job, desired),
        .row = kedge_actual_find(&server->actual, desired->name),
        .peer = kedge_peer_find(&server->peers, desired->name),
    };
    size_t low = 0, high = pass->plan->count;
    while (low < high) { /* steps are sorted by device */
        size_t middle = low + (high - low) / 2;
        if (strcmp(pass->plan->steps[middle].change->device, side.name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    side.steps = pass->plan->steps + low;
    while (low + side.count < pass->plan->count &&
           strcmp(side.steps[side.count].change->device, side.name) == 0)
        side.held += side.steps[side.count++].blocker != KEDGE_BLOCKER_NONE;
    return side;
}

static void add_labels(struct kedge_view_job *job, const struct kedge_labels *labels)
{
    kedge_json_key(&job->w, "labels");
    kedge_json_begin_object(&job->w);
    for (uint32_t i = 0; i < labels->count; i++)
        kedge_json_add_string(&job->w, labels->at[i].key, labels->at[i].value);
    kedge_json_end_object(&job->w);
}

/* The members of DEVICE. */
static void add_device(struct kedge_view_job *job, const struct side *side)
{
    struct kedge_json_writer *w = &job->w;
    kedge_json_add_string(w, "name", side->name);
    add_labels(job, &side->desired->device->object.labels);
    kedge_view_add_word(job, "sync", &kedge_axis_sync_words,
                        (int)kedge_axis_device_sync(side->desired, side->row));
    kedge_view_add_word(job, "health", &kedge_health_words,
                        (int)kedge_axis_device_health(side->desired, side->row));
    kedge_view_add_word(job, "connection", &kedge_axis_connection_words,
                        (int)kedge_axis_connection(side->peer));
    const struct kedge_identity *identity =
        kedge_identity_find(&job->server->actual.identities, side->name);
    if (identity)
        kedge_json_add_string(w, "standing", kedge_standing_words.words[identity->standing]);
    if (side->row) {
        kedge_view_add_time(job, "lastSeen", side->row->received);
        kedge_json_add_string(w, "agent", side->row->report.agent);
        kedge_json_add_integer(w, "generation", side->row->report.generation);
    }
    kedge_json_add_integer(w, "assignments", side->desired->count);
    kedge_json_add_integer(w, "changes", (int64_t)side->count);
    kedge_json_add_integer(w, "held", (int64_t)side->held);
}

/* The rows of one page: `after` is exclusive. */
static size_t page_start(const struct kedge_table *table, const char *after)
{
    size_t low = 0, high = kedge_table_count(table);
    while (after && low < high) {
        size_t middle = low + (high - low) / 2;
        const struct kedge_desired_device *device = kedge_table_at(table, middle);
        if (strcmp(device->name, after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int kedge_view_write_devices(struct kedge_view_job *job, struct kedge_err *err)
{
    const struct kedge_table *table = job->server->desired->devices;
    size_t first = page_start(table, job->query->after), total = kedge_table_count(table);
    size_t count = total - first < job->limit ? total - first : job->limit;
    const char **names = kedge_arena_array(job->arena, count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = ((const struct kedge_desired_device *)kedge_table_at(table, first + i))->name;
    struct kedge_cycle_plan pass =
        kedge_cycle_plan(job->server, job->arena, names, count, job->now);

    kedge_json_begin_object(&job->w);
    kedge_json_add_integer(&job->w, "total", (int64_t)total);
    kedge_json_key(&job->w, "items");
    kedge_json_begin_array(&job->w);
    for (size_t i = 0; i < count; i++) {
        struct side side = look(job, kedge_table_at(table, first + i), &pass);
        kedge_json_begin_object(&job->w);
        add_device(job, &side);
        kedge_json_end_object(&job->w);
    }
    kedge_json_end_array(&job->w);
    if (!job->query->after && kedge_view_add_waiting(job, NULL, err) < 0)
        return err->code;
    if (count && first + count < total)
        kedge_json_add_string(&job->w, "next", names[count - 1]);
    kedge_json_end_object(&job->w);
    return 0;
}

static void add_wanted(struct kedge_view_job *job, const struct kedge_desired_assignment *want)
{
    if (!want)
        return;
    kedge_json_key(&job->w, "wanted");
    kedge_json_begin_object(&job->w);
    kedge_json_add_string(&job->w, "version", want->assignment.version);
    kedge_view_add_word(job, "state", &kedge_run_state_words, (int)want->assignment.state);
    kedge_view_add_digest(job, "content", &want->assignment.content);
    kedge_json_end_object(&job->w);
}

static void add_held(struct kedge_view_job *job, const struct kedge_reported *have)
{
    struct kedge_json_writer *w = &job->w;
    if (!have)
        return;
    kedge_json_key(w, "held");
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "version", have->version);
    kedge_view_add_word(job, "state", &kedge_run_state_words, (int)have->state);
    kedge_view_add_digest(job, "content", &have->content);
    kedge_view_add_word(job, "integrity", &kedge_integrity_words, (int)have->integrity);
    kedge_json_add_bool(w, "verified", have->verified);
    kedge_json_add_string(w, "endpoint", have->endpoint);
    kedge_json_add_integer(w, "restarts", have->restarts);
    kedge_json_add_string(w, "message", have->message);
    kedge_json_end_object(w);
}

static void add_progress(struct kedge_view_job *job, const struct kedge_progress *progress)
{
    struct kedge_json_writer *w = &job->w;
    if (!progress)
        return;
    kedge_json_key(w, "progress");
    kedge_json_begin_object(w);
    kedge_view_add_word(job, "state", &kedge_action_state_words, (int)progress->state);
    kedge_json_add_string(w, "code", progress->code ? kedge_code_name(progress->code) : NULL);
    if (progress->denial != KEDGE_DENIAL_NONE)
        kedge_view_add_word(job, "denial", &kedge_denial_words, (int)progress->denial);
    kedge_json_add_string(w, "message", progress->message);
    kedge_json_add_integer(w, "bytes", progress->bytes);
    kedge_json_end_object(w);
}

/* The members of INSTANCE. */
static void add_line(struct kedge_view_job *job, const struct side *side,
                     const struct kedge_axis_line *line)
{
    struct kedge_json_writer *w = &job->w;
    const struct kedge_assignment *want = line->want ? &line->want->assignment : NULL;
    const struct kedge_change *change = line->step ? line->step->change : NULL;
    kedge_json_add_string(w, "instance", line->instance);
    kedge_json_add_string(w, "deployment",
                          want         ? want->deployment
                          : line->have ? line->have->deployment
                                       : NULL);
    if (want) {
        kedge_view_add_word(job, "kind", &kedge_kind_words, (int)want->kind);
        kedge_json_add_string(w, "bundle", want->bundle);
    }
    kedge_view_add_word(job, "sync", &kedge_axis_sync_words, (int)kedge_axis_sync(line, side->row));
    kedge_view_add_word(job, "health", &kedge_health_words,
                        (int)kedge_axis_health(line, side->row));
    kedge_view_add_word(job, "action", &kedge_action_state_words,
                        (int)kedge_axis_action(line, side->peer, side->row));
    add_wanted(job, line->want);
    add_held(job, line->have);
    if (change) {
        kedge_view_add_word(job, "verb", &kedge_verb_words, (int)change->verb);
        if (change->drift != KEDGE_DRIFT_NONE)
            kedge_view_add_word(job, "drift", &kedge_drift_words, (int)change->drift);
        kedge_json_add_string(w, "reason", change->reason);
    }
    kedge_view_add_hold(job, line->step);
    add_progress(job, line->progress);
}

static void add_refusal(struct kedge_view_job *job, const char *key,
                        const struct kedge_refusal *refusal)
{
    if (!refusal)
        return;
    kedge_json_key(&job->w, key);
    kedge_json_begin_object(&job->w);
    kedge_json_add_integer(&job->w, "generation", refusal->generation);
    kedge_json_add_string(&job->w, "code", kedge_code_name(refusal->code));
    kedge_json_add_string(&job->w, "reason", refusal->reason);
    kedge_json_add_string(&job->w, "message", refusal->message);
    kedge_view_add_time(job, "at", refusal->at);
    kedge_json_end_object(&job->w);
}

static void add_capacity(struct kedge_view_job *job, const struct side *side)
{
    struct kedge_json_writer *w = &job->w;
    const struct kedge_report *report = side->row ? &side->row->report : NULL;
    const struct kedge_capacity *capacity =
        report ? &report->capacity : &side->desired->device->capacity;
    kedge_json_add_string(w, "arch", capacity->arch);
    if (capacity->memory)
        kedge_json_add_integer(w, "memory", capacity->memory);
    if (capacity->disk)
        kedge_json_add_integer(w, "disk", capacity->disk);
    if (!report)
        return;
    kedge_json_add_integer(w, "diskFree", report->disk_free);
    kedge_json_key(w, "runtimes");
    kedge_json_begin_array(w);
    for (uint32_t i = 0; i < report->runtimes.count; i++)
        kedge_json_put_string(w, report->runtimes.at[i]);
    kedge_json_end_array(w);
    if (report->root)
        kedge_json_add_integer(w, "root", report->root);
    add_refusal(job, "refusal", report->refusal);
    add_refusal(job, "rootRefusal", report->root_refusal);
}

static int find_device(struct kedge_view_job *job, struct side *out, struct kedge_err *err)
{
    struct kedge_server *server = job->server;
    const char *devices[] = {job->query->device};
    const struct kedge_desired_device *desired =
        kedge_table_find(server->desired->devices, job->query->device);
    if (!desired)
        return kedge_err_set(err, KEDGE_NOTFOUND, "there is no device '%s' in commit %.12s",
                             job->query->device, server->commit);
    struct kedge_cycle_plan pass = kedge_cycle_plan(server, job->arena, devices, 1, job->now);
    *out = look(job, desired, &pass);
    return 0;
}

/* Whom secrets for the device are sealed for. */
static void add_recipient(struct kedge_view_job *job, const struct kedge_device *device)
{
    const uint8_t *bytes = kedge_identity_key(&job->server->actual.identities, device, NULL);
    struct kedge_age_recipient recipient;
    struct kedge_public_key key;
    struct kedge_err ignored;
    char text[KEDGE_AGE_TEXT];
    if (!bytes)
        return;
    memcpy(key.bytes, bytes, sizeof key.bytes);
    if (kedge_age_recipient_of(&key, &recipient, &ignored) == 0)
        kedge_json_add_string(&job->w, "recipient", kedge_age_recipient_format(&recipient, text));
}

int kedge_view_write_device(struct kedge_view_job *job, struct kedge_err *err)
{
    struct side side;
    struct kedge_json_writer *w = &job->w;
    if (find_device(job, &side, err) < 0)
        return err->code;
    kedge_json_begin_object(w);
    add_device(job, &side);
    kedge_json_add_bool(w, "enrolled",
                        kedge_identity_key(&job->server->actual.identities, side.desired->device,
                                           NULL) != NULL);
    kedge_view_add_identity(job, side.desired->device);
    add_recipient(job, side.desired->device);
    if (kedge_view_add_waiting(job, side.name, err) < 0)
        return err->code;
    kedge_view_add_place(job, "at", &side.desired->device->object.at);
    add_capacity(job, &side);
    kedge_json_key(w, "instances");
    kedge_json_begin_array(w);
    size_t count;
    const struct kedge_axis_line *lines =
        kedge_axis_lines(job->arena, side.desired, side.row, side.steps, side.count, &count);
    for (size_t i = 0; i < count; i++) {
        kedge_json_begin_object(w);
        add_line(job, &side, &lines[i]);
        kedge_json_end_object(w);
    }
    kedge_json_end_array(w);
    kedge_json_end_object(w);
    return 0;
}

static void because(struct kedge_view_job *job, const char *text)
{
    kedge_json_put_string(&job->w, text);
}

static void because_wanted(struct kedge_view_job *job, const struct side *side,
                           const struct kedge_axis_line *line)
{
    const struct kedge_identity *identity =
        kedge_identity_find(&job->server->actual.identities, side->name);
    char left[KEDGE_TIME_TEXT];
    if (identity && identity->hold && !line->step)
        because(job, kedge_arena_printf(job->arena, "nothing is sent to it: %s; what frees it: %s",
                                        identity->hold, identity->frees));
    if (identity && identity->standing != KEDGE_STANDING_MEMBER) {
        because(job,
                kedge_arena_printf(job->arena,
                                   "the device is %s (since %s): nothing is wanted of it",
                                   kedge_word_name(&kedge_standing_words, (int)identity->standing),
                                   kedge_clock_format(identity->left, left)));
        return;
    }
    if (!line->want) {
        because(job, kedge_arena_printf(job->arena, "no deployment of commit %.12s wants it here",
                                        job->server->commit));
        return;
    }
    const struct kedge_deployment *deployment = line->want->deployment;
    const struct kedge_position *at = &deployment->object.at;
    because(job, kedge_arena_printf(
                     job->arena, "deployment '%s' (%s:%u) wants %s '%s' at '%s': version %s, %s",
                     deployment->object.name, at->file ? at->file : "?", at->line,
                     deployment->target_kind == KEDGE_KIND_MODEL ? "model" : "application",
                     deployment->target, deployment->range_text, line->want->assignment.version,
                     kedge_word_name(&kedge_run_state_words, (int)line->want->assignment.state)));
}

static void because_held(struct kedge_view_job *job, const struct side *side,
                         const struct kedge_axis_line *line)
{
    char at[KEDGE_TIME_TEXT];
    if (!side->row) {
        because(job, "the device has never reported");
        return;
    }
    kedge_clock_format(side->row->received, at);
    if (!line->have) {
        because(job,
                kedge_arena_printf(job->arena, "the device does not hold it (reported %s)", at));
        return;
    }
    const struct kedge_reported *have = line->have;
    because(job, kedge_arena_printf(job->arena,
                                    "the device holds version %s: files %s, %s, %s (reported %s)",
                                    have->version ? have->version : "unknown",
                                    kedge_word_name(&kedge_integrity_words, (int)have->integrity),
                                    kedge_word_name(&kedge_run_state_words, (int)have->state),
                                    have->verified ? "probe passed" : "no probe passed yet", at));
}

/* What policy holds besides, once the step in hand is done. */
static void because_refused(struct kedge_view_job *job, const struct side *side,
                            const struct kedge_axis_line *line)
{
    const struct kedge_desired_refused *row =
        kedge_table_find(job->server->desired->refused, side->name);
    for (uint32_t i = 0; row && i < row->count; i++)
        if (strcmp(row->at[i].instance, line->instance) == 0 && !line->step->change->refused)
            because(job,
                    kedge_arena_printf(job->arena, "after it, held (policy): %s; what frees it: %s",
                                       row->at[i].why, row->at[i].frees));
}

static void because_step(struct kedge_view_job *job, const struct side *side,
                         const struct kedge_axis_line *line)
{
    const struct kedge_step *step = line->step;
    if (line->progress && line->progress->message)
        because(job, kedge_arena_printf(job->arena, "the device says: %s: %s",
                                        kedge_word_name(&kedge_action_state_words,
                                                        (int)line->progress->state),
                                        line->progress->message));
    if (!step)
        return;
    if (step->change->reason)
        because(job, step->change->reason);
    if (step->blocker != KEDGE_BLOCKER_NONE)
        because(job, kedge_arena_printf(job->arena, "held (%s): %s; what frees it: %s",
                                        kedge_word_name(&kedge_blocker_words, (int)step->blocker),
                                        step->why, step->frees));
    because_refused(job, side, line);
    if (step->blocker != KEDGE_BLOCKER_NONE)
        return;
    const struct kedge_peer *peer = side->peer;
    if (peer && peer->generation && !kedge_peer_accepted(peer, side->row))
        because(job, kedge_arena_printf(job->arena, "order %lld lies ready; the device has %lld",
                                        (long long)peer->generation,
                                        (long long)(side->row ? side->row->report.generation : 0)));
}

static void add_evidence(struct kedge_view_job *job, const struct side *side)
{
    struct kedge_json_writer *w = &job->w;
    if (side->row) {
        kedge_json_key(w, "evidence");
        kedge_json_begin_object(w);
        kedge_json_add_integer(w, "counter", side->row->report.counter);
        kedge_view_add_time(job, "received", side->row->received);
        kedge_json_add_integer(w, "generation", side->row->report.generation);
        kedge_json_end_object(w);
    }
    if (side->peer && side->peer->generation) {
        kedge_json_key(w, "order");
        kedge_json_begin_object(w);
        kedge_json_add_integer(w, "generation", side->peer->generation);
        kedge_view_add_time(job, "issued", side->peer->issued);
        kedge_view_add_time(job, "expires", side->peer->expires);
        kedge_json_add_bool(w, "accepted", kedge_peer_accepted(side->peer, side->row));
        kedge_json_end_object(w);
    }
}

static const struct kedge_axis_line *find_line(struct kedge_view_job *job, const struct side *side)
{
    size_t count;
    struct kedge_axis_line *lines =
        kedge_axis_lines(job->arena, side->desired, side->row, side->steps, side->count, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(lines[i].instance, job->query->instance) == 0)
            return &lines[i];
    const struct kedge_specs *specs = job->server->desired->specs;
    if (!kedge_spec_find(specs, KEDGE_KIND_MODEL, job->query->instance) &&
        !kedge_spec_find(specs, KEDGE_KIND_APPLICATION, job->query->instance))
        return NULL;
    struct kedge_axis_line *absent = kedge_arena_new(job->arena, struct kedge_axis_line);
    absent->instance = job->query->instance; /* known, but neither wanted nor held here */
    return absent;
}

int kedge_view_write_explain(struct kedge_view_job *job, struct kedge_err *err)
{
    struct side side;
    struct kedge_json_writer *w = &job->w;
    int64_t last;
    if (find_device(job, &side, err) < 0)
        return err->code;
    const struct kedge_axis_line *line = find_line(job, &side);
    if (!line)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "there is no model or application '%s' in commit %.12s",
                             job->query->instance, job->server->commit);
    struct kedge_store_filter filter = {.device = side.name,
                                        .instance = line->instance,
                                        .limit = RECENT};
    kedge_json_begin_object(w);
    kedge_json_add_string(w, "device", side.name);
    kedge_view_add_word(job, "connection", &kedge_axis_connection_words,
                        (int)kedge_axis_connection(side.peer));
    add_line(job, &side, line);
    kedge_json_key(w, "because");
    kedge_json_begin_array(w);
    because_wanted(job, &side, line);
    because_held(job, &side, line);
    because_step(job, &side, line);
    kedge_json_end_array(w);
    add_evidence(job, &side);
    if (kedge_view_add_events(job, "events", &filter, &last, err) < 0)
        return err->code;
    kedge_json_end_object(w);
    return 0;
}
