/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kedge/download.h"
#include "base/digest.h"
#include "base/fs.h"
#include "kedge/probe.h"
#include "tail.h"
#include "vault.h"

struct kedge_runtime *kedge_work_runtime(const struct kedge_work_tools *tools,
                                         enum kedge_driver driver)
{
    return (size_t)driver < KEDGE_COUNT(tools->runtimes) ? tools->runtimes[driver] : NULL;
}

static struct kedge_runtime_unit unit_of(struct kedge_work *work, bool made)
{
    return kedge_slots_unit(work->tools->slots, &work->arena, work->effect.instance,
                            &work->effect.content, work->effect.assignment, made);
}

/* The unit with its secrets, which `vault` holds. */
static int open_unit(struct kedge_work *work, bool made, struct kedge_vault *vault,
                     struct kedge_runtime_unit *out)
{
    const struct kedge_assignment *assignment = work->effect.assignment;
    int code = kedge_vault_open(assignment, work->tools->identity, vault, &work->err);
    if (code)
        return code;
    *out = unit_of(work, made);
    out->secrets = vault->at;
    out->secret_count = vault->count;
    out->private_config = vault->config;
    return 0;
}

static struct kedge_runtime *runtime_of(struct kedge_work *work)
{
    const struct kedge_assignment *assignment = work->effect.assignment;
    struct kedge_runtime *runtime =
        kedge_work_runtime(work->tools,
                           assignment ? assignment->runtime.driver : KEDGE_DRIVER_PROCESS);
    if (!runtime)
        kedge_err_set(&work->err, KEDGE_UNSUPPORTED, "this agent has no runtime '%s'",
                      kedge_word_name(&kedge_driver_words, assignment->runtime.driver));
    return runtime;
}

static void on_bytes(int64_t bytes, void *payload)
{
    struct kedge_work *work = payload;
    atomic_store(&work->bytes, bytes);
    uv_async_send(work->progress);
}

static int run_exchange(struct kedge_work *work)
{
    struct kedge_transport *transport = work->tools->transport;
    return transport->ops->exchange(transport, work->effect.bytes, work->effect.wait, work->cancel,
                                    &work->envelope, &work->notes, &work->err);
}

static int run_root(struct kedge_work *work)
{
    struct kedge_transport *transport = work->tools->transport;
    return transport->ops->root(transport, work->effect.version, work->cancel, &work->envelope,
                                &work->err);
}

static void on_seen(const void *data, size_t size, void *payload)
{
    struct kedge_work *work = payload;
    if (data)
        kedge_release_update(work->hashing, data, size);
    else
        kedge_release_finish(work->hashing, work->hash);
}

static int run_fetch(struct kedge_work *work)
{
    if (work->effect.hash)
        work->hashing = kedge_release_begin();
    const struct kedge_download fetch = {
        .store = kedge_slots_store(work->tools->slots),
        .artifact = &work->effect.assignment->artifact,
        .origin = {.hub = work->tools->server,
                   .device = work->tools->device,
                   .ca_file = work->tools->ca_file,
                   .grant = work->notes.grant[0] ? work->notes.grant : NULL,
                   .cancel = work->cancel},
        .progress = on_bytes,
        .see = work->hashing ? on_seen : NULL,
        .payload = work,
    };
    int code = kedge_download_run(&fetch, &work->err);
    if (!code && work->hashing)
        kedge_release_finish(work->hashing, work->hash);
    return code;
}

/* Checked while it lies in tmp/: what shows can be run. What cannot open its secrets is not even
 * unpacked. */
static int run_stage(struct kedge_work *work)
{
    struct kedge_slots *slots = work->tools->slots;
    const struct kedge_assignment *assignment = work->effect.assignment;
    struct kedge_runtime *runtime = runtime_of(work);
    if (!runtime)
        return KEDGE_UNSUPPORTED;
    kedge_auto(kedge_vault) struct kedge_vault vault = {0};
    struct kedge_runtime_unit unit;
    int code = open_unit(work, true, &vault, &unit);
    if (!code)
        code = kedge_slots_make(slots, assignment, &work->err);
    if (code)
        return code;
    code = runtime->ops->check(runtime, &unit, &work->err);
    if (!code)
        code = kedge_slots_place(slots, assignment, &work->err);
    if (code)
        kedge_slots_drop(slots, assignment);
    return code;
}

static int run_start(struct kedge_work *work)
{
    struct kedge_runtime *runtime = runtime_of(work);
    if (!runtime)
        return KEDGE_UNSUPPORTED;
    kedge_auto(kedge_vault) struct kedge_vault vault = {0};
    struct kedge_runtime_unit unit;
    int code = open_unit(work, false, &vault, &unit);
    if (!code)
        code = runtime->ops->start(runtime, &unit, &work->status, &work->err);
    if (code == KEDGE_EXISTS) {
        /* One we lost sight of, from files that are gone: it makes room for this one. */
        code = runtime->ops->stop(runtime, &unit, &work->err);
        if (!code)
            code = runtime->ops->start(runtime, &unit, &work->status, &work->err);
    }
    if (!code)
        work->watch = runtime->ops->watch(runtime, &unit);
    return code;
}

static int run_probe(struct kedge_work *work)
{
    kedge_auto(kedge_vault) struct kedge_vault vault = {0};
    struct kedge_runtime_unit unit = unit_of(work, false);
    bool command = work->effect.assignment->runtime.probe.kind == KEDGE_PROBE_EXEC;
    int code = command ? open_unit(work, false, &vault, &unit) : 0;
    return code ? code : kedge_probe_run(&unit, &work->running, &work->err);
}

static int run_stop(struct kedge_work *work)
{
    struct kedge_runtime *runtime = runtime_of(work);
    const struct kedge_assignment *assignment = work->effect.assignment;
    kedge_auto(kedge_vault) struct kedge_vault vault = {0};
    struct kedge_runtime_unit unit = unit_of(work, false);
    /* For its hook; what runs is stopped also when its secrets cannot be opened any more. */
    if (assignment && assignment->runtime.after_stop.command.count &&
        open_unit(work, false, &vault, &unit))
        work->err = (struct kedge_err){0};
    return runtime ? runtime->ops->stop(runtime, &unit, &work->err) : KEDGE_OK;
}

static int run_switch(struct kedge_work *work)
{
    return kedge_slots_switch(work->tools->slots, work->effect.instance, &work->effect.content,
                              &work->err);
}

static int run_remove(struct kedge_work *work)
{
    return kedge_slots_remove(work->tools->slots, work->effect.instance, &work->effect.content,
                              &work->err);
}

static int run_collect(struct kedge_work *work)
{
    return kedge_download_collect(kedge_slots_store(work->tools->slots), work->effect.keep,
                                  work->effect.keep_count, &work->err);
}

static int run_erase(struct kedge_work *work)
{
    return kedge_slots_erase(work->tools->slots, &work->err);
}

static int run_publish(struct kedge_work *work)
{
    int root = kedge_slots_root(work->tools->slots);
    const struct kedge_agent_effect *effect = &work->effect;
    int code = kedge_fs_write(root, "models.json", effect->bytes.data, effect->bytes.size, 0644,
                              &work->err);
    return code ? code
                : kedge_fs_write(root, "status.json", effect->status.data, effect->status.size,
                                 0644, &work->err);
}

static int run_look(struct kedge_work *work)
{
    return kedge_look_run(work->tools->slots, work->effect.deep, &work->look, &work->err);
}

static int (*const runs[])(struct kedge_work *work) = {
    [KEDGE_AGENT_EXCHANGE] = run_exchange, [KEDGE_AGENT_FETCH] = run_fetch,
    [KEDGE_AGENT_STAGE] = run_stage,       [KEDGE_AGENT_START] = run_start,
    [KEDGE_AGENT_PROBE] = run_probe,       [KEDGE_AGENT_STOP] = run_stop,
    [KEDGE_AGENT_SWITCH] = run_switch,     [KEDGE_AGENT_REMOVE] = run_remove,
    [KEDGE_AGENT_COLLECT] = run_collect,   [KEDGE_AGENT_PUBLISH] = run_publish,
    [KEDGE_AGENT_ERASE] = run_erase,       [KEDGE_AGENT_LOOK] = run_look,
    [KEDGE_AGENT_ROOT] = run_root,
};

void kedge_work_run(struct kedge_work *work)
{
    work->code = runs[work->effect.kind](work);
    if (!work->code)
        return;
    kedge_buf_puts(&work->message, work->err.msg);
    if (work->effect.kind != KEDGE_AGENT_PROBE && work->effect.kind != KEDGE_AGENT_START)
        return;
    kedge_auto(kedge_buf) struct kedge_buf tail = {0};
    kedge_tail_read(work->tools->slots, work->tools->identity, work->effect.instance, &tail);
    if (tail.size)
        kedge_buf_printf(&work->message, "; its log ends: %s", tail.data);
}

void kedge_work_free(struct kedge_work *work)
{
    kedge_arena_release(&work->arena);
    kedge_buf_release(&work->message);
    kedge_buf_release(&work->envelope);
    kedge_look_release(&work->look);
    kedge_release_free(work->hashing);
    if (work->cancel >= 0)
        close(work->cancel);
    free(work);
}
