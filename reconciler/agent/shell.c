/* SPDX-License-Identifier: Apache-2.0 */
#include "shell.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "errand.h"
#include "journal.h"
#include "machine.h"
#include "kedge/probe.h"
#include "tail.h"
#include "units.h"
#include "work.h"

#define SURVEY   60000
#define INTERVAL 10000
#define WORKERS  "8" /* one waits for the server, some may wait for units to stop */

/* A message that waits for its turn: a step is never taken inside another. */
struct letter {
    struct kedge_agent_message message;
    char *text, *endpoint, *instance; /* owned */
    struct kedge_work *work;          /* freed with it; `message` may point into it */
    struct kedge_agent_survey survey;
    struct letter *next;
};

struct kedge_shell {
    const struct kedge_shell_config *config;
    struct kedge_agent_config agent_config;
    struct kedge_agent *agent;
    struct kedge_journal *journal;
    struct kedge_work_tools tools;
    struct kedge_units units;
    char grant[KEDGE_TRANSPORT_GRANT];
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[2];
    uv_async_t progress;
    struct kedge_work *works; /* out */
    struct letter *first, **last;
    bool pumping, stopping;
    bool key_kept, again; /* mind_key */
    bool connected, away; /* as it was logged last */
    int64_t generation, root;
    kedge_ms refused, root_refused;
};

static void execute(struct kedge_shell *shell, const struct kedge_agent_effect *effect);

/* --- messages --- */

static struct letter *post(struct kedge_shell *shell, enum kedge_agent_message_kind kind)
{
    struct letter *letter = kedge_alloc_zeroed(sizeof *letter);
    letter->message.kind = kind;
    *shell->last = letter;
    shell->last = &letter->next;
    return letter;
}

static void free_letter(struct letter *letter)
{
    free((void *)(uintptr_t)letter->survey.at);
    free(letter->text);
    free(letter->endpoint);
    free(letter->instance);
    if (letter->work)
        kedge_work_free(letter->work);
    free(letter);
}

static void log_failure(const struct letter *letter)
{
    const struct kedge_work *work = letter->work;
    if (!work || !work->code)
        return;
    const struct kedge_agent_effect *effect = &work->effect;
    bool quiet = effect->kind == KEDGE_AGENT_PROBE || work->err.code == KEDGE_UNAVAILABLE;
    kedge_log_write(quiet ? KEDGE_LOG_DEBUG : KEDGE_LOG_WARN,
                    KEDGE_FIELDS({"instance", effect->instance},
                                 {"code", kedge_code_name(work->code)}),
                    "%s failed: %s", kedge_word_name(&kedge_agent_effect_words, (int)effect->kind),
                    work->err.msg);
}

/* Each turn of the relation with the server once, not each exchange. */
static void log_contact(struct kedge_shell *shell)
{
    const struct kedge_agent_contact contact = kedge_agent_contact(shell->agent);
    if (contact.trouble && !shell->away)
        kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"server", shell->config->server}),
                        "no contact, what runs goes on: %s", contact.trouble);
    else if (contact.connected && !contact.trouble && !shell->connected)
        kedge_log_write(KEDGE_LOG_INFO, KEDGE_FIELDS({"server", shell->config->server}),
                        "in contact with the server");
    shell->away = contact.trouble;
    shell->connected = contact.connected && !contact.trouble;
    if (contact.root != shell->root)
        kedge_log_write(KEDGE_LOG_INFO, NULL, "root version %lld is in force",
                        (long long)contact.root);
    shell->root = contact.root;
    if (contact.generation != shell->generation)
        kedge_log_write(KEDGE_LOG_INFO, NULL,
                        contact.generation ? "order %lld is in force"
                                           : "no order binds any more, what runs goes on",
                        (long long)contact.generation);
    shell->generation = contact.generation;
    if (contact.root_refusal && contact.root_refusal->at != shell->root_refused) {
        kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"reason", contact.root_refusal->reason}),
                        "stays with root version %lld: %s", (long long)contact.root,
                        contact.root_refusal->message);
        shell->root_refused = contact.root_refusal->at;
    }
    if (contact.refusal && contact.refusal->at != shell->refused) {
        kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"reason", contact.refusal->reason}),
                        "refused an order: %s", contact.refusal->message);
        shell->refused = contact.refusal->at;
    }
}

static void set_timer(struct kedge_shell *shell);

/* Steps the agent through all letters; what it asks for is begun, and may post further ones. */
static void pump(struct kedge_shell *shell)
{
    if (shell->pumping)
        return;
    shell->pumping = true;
    while (shell->first) {
        struct letter *letter = shell->first;
        shell->first = letter->next;
        if (!shell->first)
            shell->last = &shell->first;
        log_failure(letter);
        kedge_auto(kedge_agent_effects) struct kedge_agent_effects effects = {0};
        kedge_agent_step(shell->agent, &letter->message, kedge_clock_wall(),
                         kedge_clock_monotonic(), &effects);
        free_letter(letter);
        for (size_t i = 0; i < effects.count && !shell->stopping; i++)
            execute(shell, &effects.at[i]);
    }
    shell->pumping = false;
    log_contact(shell);
    set_timer(shell);
}

static void on_timer(uv_timer_t *timer)
{
    struct kedge_shell *shell = timer->data;
    post(shell, KEDGE_AGENT_TICK);
    pump(shell);
}

static void set_timer(struct kedge_shell *shell)
{
    kedge_ms wake = kedge_agent_wake(shell->agent);
    if (shell->stopping || wake == INT64_MAX) {
        uv_timer_stop(&shell->timer);
        return;
    }
    kedge_ms wait = wake - kedge_clock_monotonic();
    uv_update_time(&shell->loop);
    uv_timer_start(&shell->timer, on_timer, wait > 0 ? (uint64_t)wait : 0, 0);
}

/* --- the end --- */

static void cancel_work(const struct kedge_work *work)
{
    if (work->cancel >= 0)
        (void)!eventfd_write(work->cancel, 1);
}

static void stop_units(struct kedge_shell *shell)
{
    struct kedge_arena arena = {0};
    for (const struct kedge_unit *unit = shell->units.list; unit; unit = unit->next) {
        struct kedge_runtime *runtime = kedge_work_runtime(&shell->tools, unit->driver);
        const struct kedge_runtime_unit what =
            kedge_slots_unit(shell->tools.slots, &arena, unit->instance, &unit->content, NULL,
                             false);
        struct kedge_err err;
        if (runtime->ops->stop(runtime, &what, &err))
            kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"instance", unit->instance}),
                            "cannot stop it: %s", err.msg);
    }
    kedge_arena_release(&arena);
}

/* Ends the loop once nothing is out any more. */
static void close_handle(uv_handle_t *handle, void *payload)
{
    (void)payload;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void finish(struct kedge_shell *shell)
{
    if (shell->works)
        return;
    if (shell->config->stop_models)
        stop_units(shell);
    kedge_units_clear(&shell->units);
    uv_walk(&shell->loop, close_handle, NULL);
}

static void begin_end(struct kedge_shell *shell)
{
    if (shell->stopping)
        return;
    shell->stopping = true;
    for (const struct kedge_work *work = shell->works; work; work = work->next)
        cancel_work(work);
    set_timer(shell);
    finish(shell);
}

static void leave(struct kedge_shell *shell)
{
    struct kedge_err err;
    if (kedge_errand_forget(shell->config->errand, kedge_slots_root(shell->tools.slots), &err))
        kedge_log_write(KEDGE_LOG_ERROR, NULL, "remove the key by hand: %s", err.msg);
    kedge_log_write(KEDGE_LOG_WARN, NULL,
                    "this device is decommissioned: its models are erased and its key is removed; "
                    "'kedge-agent enroll' makes it a new one");
    begin_end(shell);
}

/* A key that the server refuses may be the one before, or the one after, a rotation that was cut
 * short: the other one is tried. One that it takes is the device's. */
static void mind_key(struct kedge_shell *shell, const struct kedge_work *work)
{
    const struct kedge_shell_config *config = shell->config;
    struct kedge_err err;
    if (!work->code && config->key_is_next && !shell->key_kept)
        shell->key_kept = kedge_errand_settle(config->errand, &err) == 0;
    if (work->code != KEDGE_DENIED || !kedge_errand_has_other(config->errand, config->key))
        return;
    kedge_log_write(KEDGE_LOG_WARN, NULL, "the server refuses this key; trying the other one");
    shell->again = true;
    begin_end(shell);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct kedge_shell *shell = handle->data;
    kedge_log_write(KEDGE_LOG_INFO, NULL, "ending on signal %d; %s", number,
                    shell->config->stop_models ? "units are stopped" : "units serve on");
    begin_end(shell);
}

/* --- units --- */

static void tell_exit(struct kedge_shell *shell, const char *instance,
                      const struct kedge_digest *content, const char *how)
{
    kedge_auto(kedge_buf) struct kedge_buf why = {0}, tail = {0};
    kedge_tail_read(shell->tools.slots, shell->tools.identity, instance, &tail);
    kedge_buf_puts(&why, how[0] ? how : "ended");
    kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"instance", instance}), "its process %s",
                    why.data);
    if (tail.size)
        kedge_buf_printf(&why, "; its log ends: %s", tail.data);
    struct letter *letter = post(shell, KEDGE_AGENT_EXITED);
    letter->instance = kedge_alloc_strdup(instance);
    letter->text = kedge_buf_take(&why);
    letter->message.instance = letter->instance;
    letter->message.content = *content;
    letter->message.message = letter->text;
}

static void observe(struct kedge_shell *shell, const char *instance,
                    const struct kedge_digest *content, enum kedge_driver driver,
                    struct kedge_runtime_status *out)
{
    struct kedge_arena arena = {0};
    struct kedge_runtime *runtime = kedge_work_runtime(&shell->tools, driver);
    const struct kedge_runtime_unit unit =
        kedge_slots_unit(shell->tools.slots, &arena, instance, content, NULL, false);
    *out = (struct kedge_runtime_status){0};
    (void)!runtime->ops->observe(runtime, &unit, out, NULL);
    kedge_arena_release(&arena);
}

static void on_unit_ended(struct kedge_unit *unit, void *payload)
{
    struct kedge_shell *shell = payload;
    struct kedge_runtime_status status;
    observe(shell, unit->instance, &unit->content, unit->driver, &status);
    if (!shell->stopping)
        tell_exit(shell, unit->instance, &unit->content, status.how);
    kedge_units_remove(&shell->units, unit);
    pump(shell);
}

/* A unit that runs from an earlier life: its driver and endpoint come from its slot. */
static void adopt(struct kedge_shell *shell, struct kedge_look_found *found,
                  struct kedge_agent_found *out)
{
    struct kedge_arena arena = {0};
    struct kedge_assignment *assignment = kedge_arena_new(&arena, struct kedge_assignment);
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err;
    if (!found->assignment.size ||
        kedge_json_parse(found->assignment.data, found->assignment.size, KEDGE_LIMIT_ENVELOPE,
                         &json, &err) ||
        kedge_assignment_read(&arena, json, assignment, &err))
        *assignment = (struct kedge_assignment){.runtime.driver = KEDGE_DRIVER_PROCESS};
    struct kedge_runtime_status status;
    struct kedge_runtime *runtime = kedge_work_runtime(&shell->tools, assignment->runtime.driver);
    if (runtime) {
        observe(shell, found->instance, &found->content, assignment->runtime.driver, &status);
        if (status.running) {
            char endpoint[KEDGE_PROBE_ENDPOINT];
            kedge_probe_endpoint(&assignment->runtime, &status, endpoint);
            const struct kedge_runtime_unit unit =
                kedge_slots_unit(shell->tools.slots, &arena, found->instance, &found->content, NULL,
                                 false);
            kedge_units_add(&shell->units, found->instance, &found->content,
                            assignment->runtime.driver, &status, endpoint,
                            runtime->ops->watch(runtime, &unit));
            out->stale = status.stale;
        }
    }
    kedge_arena_release(&arena);
}

/* --- surveys --- */

static bool is_listed(const struct kedge_look *look, const struct kedge_unit *unit)
{
    for (uint32_t i = 0; i < look->count; i++)
        if (strcmp(look->at[i].instance, unit->instance) == 0 &&
            kedge_digest_equal(&look->at[i].content, &unit->content))
            return true;
    return false;
}

/* What was found on the disk, joined with what is known to run. At boot the marks tell that. */
static void fill_survey(struct kedge_shell *shell, const struct kedge_look *look, bool boot,
                        struct letter *letter)
{
    size_t room = look->count;
    for (const struct kedge_unit *unit = shell->units.list; unit; unit = unit->next)
        room++;
    struct kedge_agent_found *rows = kedge_alloc_array(room, sizeof *rows);
    uint32_t count = 0;
    for (uint32_t i = 0; i < look->count; i++) {
        struct kedge_look_found *found = &look->at[i];
        struct kedge_agent_found *row = &rows[count++];
        *row = (struct kedge_agent_found){.instance = found->instance,
                                          .content = found->content,
                                          .assignment = found->assignment,
                                          .integrity = found->integrity,
                                          .current = found->current};
        if (boot && found->marked)
            adopt(shell, found, row);
        const struct kedge_unit *unit =
            kedge_units_find(&shell->units, found->instance, &found->content);
        row->running = unit != NULL;
        row->endpoint = unit && unit->endpoint[0] ? unit->endpoint : NULL;
    }
    for (const struct kedge_unit *unit = shell->units.list; unit; unit = unit->next)
        if (!is_listed(look, unit))
            rows[count++] = (struct kedge_agent_found){.instance = unit->instance,
                                                       .content = unit->content,
                                                       .integrity = KEDGE_INTEGRITY_MISSING,
                                                       .running = true};
    letter->survey =
        (struct kedge_agent_survey){.at = rows, .count = count, .disk_free = look->disk_free};
    letter->message.kind = KEDGE_AGENT_SURVEY;
    letter->message.survey = &letter->survey;
}

/* --- effects --- */

static void take_start(struct kedge_shell *shell, struct kedge_work *work, struct letter *letter)
{
    const struct kedge_agent_effect *effect = &work->effect;
    char endpoint[KEDGE_PROBE_ENDPOINT];
    kedge_probe_endpoint(&effect->assignment->runtime, &work->status, endpoint);
    letter->endpoint = endpoint[0] ? kedge_alloc_strdup(endpoint) : NULL;
    letter->message.endpoint = letter->endpoint;
    if (work->watch >= 0 || work->status.pid == 0) {
        kedge_units_add(&shell->units, effect->instance, &effect->content,
                        effect->assignment->runtime.driver, &work->status, endpoint, work->watch);
        return;
    }
    /* It has ended before it could be watched. */
    struct kedge_runtime_status status;
    observe(shell, effect->instance, &effect->content, effect->assignment->runtime.driver, &status);
    tell_exit(shell, effect->instance, &effect->content, status.how);
}

static void on_worked(uv_work_t *request, int status)
{
    (void)status;
    struct kedge_work *work = request->data;
    struct kedge_shell *shell = work->shell;
    struct kedge_work **at = &shell->works;
    while (*at != work)
        at = &(*at)->next;
    *at = work->next;
    if (shell->stopping) {
        kedge_work_free(work);
        finish(shell);
        return;
    }
    struct letter *letter = post(shell, KEDGE_AGENT_DONE);
    letter->work = work;
    letter->message.effect = work->effect.id;
    letter->message.code = (enum kedge_code)work->code;
    letter->message.message = work->code ? work->message.data : NULL;
    letter->message.bytes = kedge_buf_slice(&work->envelope);
    letter->message.root = work->notes.root;
    letter->message.hash = work->hashing ? work->hash : NULL;
    if (!work->code && work->effect.kind == KEDGE_AGENT_START)
        take_start(shell, work, letter);
    if (!work->code && work->effect.kind == KEDGE_AGENT_LOOK)
        fill_survey(shell, &work->look, false, letter);
    bool heard = !work->code && work->effect.kind == KEDGE_AGENT_EXCHANGE;
    if (work->effect.kind == KEDGE_AGENT_EXCHANGE)
        mind_key(shell, work);
    if (heard)
        memcpy(shell->grant, work->notes.grant, sizeof shell->grant);
    pump(shell);
    if (kedge_agent_contact(shell->agent).over && !shell->stopping)
        leave(shell);
    if (shell->config->once && heard && !shell->stopping && kedge_agent_converged(shell->agent) &&
        !kedge_agent_contact(shell->agent).news)
        begin_end(shell);
}

static void on_work(uv_work_t *request)
{
    kedge_work_run(request->data);
}

static void begin_work(struct kedge_shell *shell, const struct kedge_agent_effect *effect)
{
    struct kedge_work *work = kedge_alloc_zeroed(sizeof *work);
    bool may_cancel = effect->kind == KEDGE_AGENT_FETCH || effect->kind == KEDGE_AGENT_EXCHANGE ||
                      effect->kind == KEDGE_AGENT_ROOT;
    work->shell = shell;
    work->tools = &shell->tools;
    work->effect = *effect;
    work->effect.bytes.data =
        kedge_arena_strndup(&work->arena, effect->bytes.data, effect->bytes.size);
    work->effect.status.data =
        kedge_arena_strndup(&work->arena, effect->status.data, effect->status.size);
    struct kedge_digest *keep = kedge_arena_array(&work->arena, effect->keep_count, sizeof *keep);
    if (effect->keep_count)
        memcpy(keep, effect->keep, effect->keep_count * sizeof *keep);
    work->effect.keep = keep;
    work->cancel = may_cancel ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    work->watch = -1;
    work->progress = &shell->progress;
    memcpy(work->notes.grant, shell->grant, sizeof work->notes.grant);
    struct kedge_unit *unit = NULL;
    if (effect->instance)
        unit = kedge_units_find(&shell->units, effect->instance, &effect->content);
    if (unit)
        work->running = unit->status;
    /* Its end is no news from here on. */
    if (effect->kind == KEDGE_AGENT_STOP)
        kedge_units_remove(&shell->units, unit);
    work->next = shell->works;
    shell->works = work;
    work->request.data = work;
    uv_queue_work(&shell->loop, &work->request, on_work, on_worked);
}

static void visit_frame(struct kedge_slice record, void *payload)
{
    kedge_journal_frame(payload, record);
}

/* On this thread: nothing may overtake it, and what waits for it is asked for only afterwards. */
static void append(struct kedge_shell *shell, const struct kedge_agent_effect *effect)
{
    struct kedge_err err;
    int code = kedge_journal_append(shell->journal, effect->bytes, &err);
    struct letter *letter = post(shell, KEDGE_AGENT_DONE);
    letter->message.effect = effect->id;
    letter->message.code = (enum kedge_code)code;
    if (code) {
        kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"instance", effect->instance}),
                        "retrying later: %s", err.msg);
        letter->text = kedge_alloc_strdup(err.msg);
        letter->message.message = letter->text;
    }
}

/* Between letters no JOURNAL is unanswered. */
static void compact(struct kedge_shell *shell)
{
    kedge_auto(kedge_buf) struct kedge_buf records = {0};
    struct kedge_err err;
    if (!kedge_journal_full(shell->journal))
        return;
    kedge_agent_records(shell->agent, visit_frame, &records);
    if (kedge_journal_compact(shell->journal, &records, &err))
        kedge_log_write(KEDGE_LOG_WARN, NULL, "%s", err.msg);
}

static void log_effect(const struct kedge_agent_effect *effect)
{
    static const bool worth[] = {
        [KEDGE_AGENT_FETCH] = true, [KEDGE_AGENT_STAGE] = true,  [KEDGE_AGENT_START] = true,
        [KEDGE_AGENT_STOP] = true,  [KEDGE_AGENT_SWITCH] = true, [KEDGE_AGENT_REMOVE] = true,
        [KEDGE_AGENT_ERASE] = true, [KEDGE_AGENT_ROOT] = false,
    };
    if (!worth[effect->kind])
        return;
    char digest[KEDGE_DIGEST_TEXT];
    kedge_log_write(KEDGE_LOG_INFO,
                    KEDGE_FIELDS({"instance", effect->instance},
                                 {"version",
                                  effect->assignment ? effect->assignment->version : NULL},
                                 {"content", kedge_digest_is_zero(&effect->content)
                                                 ? NULL
                                                 : kedge_digest_format(&effect->content, digest)}),
                    "%s", kedge_word_name(&kedge_agent_effect_words, (int)effect->kind));
}

static void execute(struct kedge_shell *shell, const struct kedge_agent_effect *effect)
{
    log_effect(effect);
    if (effect->kind == KEDGE_AGENT_JOURNAL) {
        append(shell, effect);
    } else if (effect->kind == KEDGE_AGENT_CANCEL) {
        for (const struct kedge_work *work = shell->works; work; work = work->next)
            if (work->effect.id == effect->cancel)
                cancel_work(work);
    } else {
        begin_work(shell, effect);
    }
}

static void on_progress(uv_async_t *async)
{
    struct kedge_shell *shell = async->data;
    for (struct kedge_work *work = shell->works; work; work = work->next) {
        int64_t bytes = atomic_load(&work->bytes);
        if (bytes == work->told)
            continue;
        work->told = bytes;
        struct letter *letter = post(shell, KEDGE_AGENT_PROGRESS);
        letter->message.effect = work->effect.id;
        letter->message.amount = bytes;
    }
    if (!shell->stopping)
        pump(shell);
}

/* --- the beginning --- */

static void visit_record(struct kedge_slice record, void *payload)
{
    struct kedge_shell *shell = payload;
    struct letter *letter = post(shell, KEDGE_AGENT_RECORD);
    letter->text = kedge_alloc_zeroed(record.size + 1);
    memcpy(letter->text, record.data, record.size);
    letter->message.bytes = (struct kedge_slice){letter->text, record.size};
}

static int open_tools(struct kedge_shell *shell, struct kedge_err *err)
{
    const struct kedge_shell_config *config = shell->config;
    struct kedge_work_tools *tools = &shell->tools;
    const struct kedge_transport_config transport = {.url = config->server,
                                                     .device = config->device,
                                                     .ca_file = config->ca_file};
    *tools = (struct kedge_work_tools){.server = config->server,
                                       .device = config->device,
                                       .ca_file = config->ca_file};
    /* A key that a signer holds opens nothing: whatever comes with secrets is refused with that. */
    if (kedge_key_seed(config->key) && kedge_age_identity_of(config->key, &tools->identity, err))
        return err->code;
    int code = kedge_slots_open(config->state_dir, &tools->slots, err);
    if (!code)
        code = kedge_transport_open(&transport, &tools->transport, err);
    if (!code)
        code = kedge_runtime_open("files", &tools->runtimes[KEDGE_DRIVER_FILES], err);
    if (!code)
        code = kedge_runtime_open("process", &tools->runtimes[KEDGE_DRIVER_PROCESS], err);
    return code;
}

static int boot(struct kedge_shell *shell, struct kedge_err *err)
{
    static const char *const runtimes[] = {"files", "process"};
    const struct kedge_shell_config *config = shell->config;
    shell->agent_config = (struct kedge_agent_config){
        .device = config->device,
        .state_dir = kedge_slots_path(shell->tools.slots),
        .key = config->key,
        .root = config->root,
        .capacity = kedge_machine_capacity(kedge_slots_root(shell->tools.slots)),
        .runtimes = {runtimes, KEDGE_COUNT(runtimes)},
        .wait = config->once ? 0 : config->wait, /* whoever goes soon is not held back */
        .interval = INTERVAL,
        .survey = SURVEY,
    };
    /* Jitter only: without it the default seed will do. */
    (void)!getrandom(&shell->agent_config.seed, sizeof shell->agent_config.seed, 0);
    shell->agent = kedge_agent_new(&shell->agent_config);
    size_t cut;
    int code = kedge_journal_open(kedge_slots_root(shell->tools.slots), "journal", visit_record,
                                  shell, &shell->journal, &cut, err);
    if (code)
        return code;
    if (cut)
        kedge_log_write(KEDGE_LOG_WARN, NULL, "%zu bytes of a torn write cut off the journal", cut);
    kedge_auto(kedge_look) struct kedge_look look = {0};
    if ((code = kedge_look_run(shell->tools.slots, false, &look, err)))
        return code;
    fill_survey(shell, &look, true, post(shell, KEDGE_AGENT_SURVEY));
    pump(shell);
    return 0;
}

static void on_loop_turn(uv_prepare_t *prepare)
{
    compact(prepare->data);
}

static void open_loop(struct kedge_shell *shell, uv_prepare_t *prepare)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    uv_loop_init(&shell->loop);
    uv_timer_init(&shell->loop, &shell->timer);
    shell->timer.data = shell;
    uv_async_init(&shell->loop, &shell->progress, on_progress);
    shell->progress.data = shell;
    for (size_t i = 0; i < KEDGE_COUNT(numbers); i++) {
        uv_signal_init(&shell->loop, &shell->signals[i]);
        shell->signals[i].data = shell;
        uv_signal_start(&shell->signals[i], on_signal, numbers[i]);
    }
    uv_prepare_init(&shell->loop, prepare);
    prepare->data = shell;
    uv_prepare_start(prepare, on_loop_turn);
    shell->units =
        (struct kedge_units){.loop = &shell->loop, .ended = on_unit_ended, .payload = shell};
}

static void close_shell(struct kedge_shell *shell)
{
    while (shell->first) {
        struct letter *letter = shell->first;
        shell->first = letter->next;
        free_letter(letter);
    }
    kedge_agent_free(shell->agent);
    kedge_journal_close(shell->journal);
    kedge_transport_close(shell->tools.transport);
    for (size_t i = 0; i < KEDGE_COUNT(shell->tools.runtimes); i++)
        kedge_runtime_close(shell->tools.runtimes[i]);
    kedge_slots_close(shell->tools.slots);
    kedge_age_identity_free(shell->tools.identity);
}

int kedge_shell_run(const struct kedge_shell_config *config, bool *again, struct kedge_err *err)
{
    struct kedge_shell shell = {.config = config};
    uv_prepare_t prepare;
    shell.last = &shell.first;
    setenv("UV_THREADPOOL_SIZE", WORKERS, 0);
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0}); /* keys and secrets pass through this memory */
    int code = open_tools(&shell, err);
    if (!code) {
        open_loop(&shell, &prepare);
        code = boot(&shell, err);
        if (code)
            begin_end(&shell);
        uv_run(&shell.loop, UV_RUN_DEFAULT);
        uv_loop_close(&shell.loop);
    }
    close_shell(&shell);
    *again = shell.again;
    return code;
}
