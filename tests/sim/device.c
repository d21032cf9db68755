/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/limits.h"
#include "repository.h"
#include "wire/batch.h"

struct slot {
    char *instance;
    struct kedge_digest content;
    char *assignment; /* JSON */
    char *version;
    enum kedge_integrity integrity;
    bool running, stale, bad; /* bad: its probe never passes */
    char endpoint[32];
};

struct link {
    char *instance;
    struct kedge_digest content;
};

struct record {
    char *bytes;
    size_t size;
};

struct sim_device {
    struct sim_world *world;
    char *name;
    struct kedge_key *key;
    struct kedge_root root; /* it was given */
    const struct sim_roots *roots;
    struct kedge_agent_config config;
    sim_exchange *exchange;
    void *hub;
    kedge_ms isolated; /* no network before this */
    const char *broken;

    /* the disk and the processes */
    struct record *records;
    size_t record_count;
    struct slot *slots;
    size_t slot_count;
    struct link *links;
    size_t link_count;
    struct kedge_digest *artifacts;
    size_t artifact_count;

    /* this life of the agent */
    struct kedge_agent *agent;
    uint64_t life;
    bool ended;
    kedge_ms tick; /* when the planned tick is due; 0: none is planned */
};

/* One effect on its way: carried out when it is due, answered a moment later. */
struct job {
    struct sim_device *device;
    uint64_t life, id;
    enum kedge_agent_effect_kind kind;
    char *instance;
    struct kedge_digest content;
    struct kedge_artifact_ref artifact;
    char *assignment, *version;
    bool bad, hashes;
    uint8_t hash[KEDGE_RELEASE_HASH];
    struct record bytes;
    struct kedge_digest *keep;
    uint32_t keep_count;
    enum kedge_code code;
    char endpoint[32];
};

struct timer {
    struct sim_device *device;
    uint64_t life;
};

static void step(struct sim_device *device, const struct kedge_agent_message *message);

static struct slot *find_slot(const struct sim_device *d, const char *instance,
                              const struct kedge_digest *content)
{
    for (size_t i = 0; i < d->slot_count; i++) {
        if (!strcmp(d->slots[i].instance, instance) &&
            kedge_digest_equal(&d->slots[i].content, content))
            return &d->slots[i];
    }
    return NULL;
}

static struct link *find_link(const struct sim_device *d, const char *instance)
{
    for (size_t i = 0; i < d->link_count; i++) {
        if (!strcmp(d->links[i].instance, instance))
            return &d->links[i];
    }
    return NULL;
}

static bool has_artifact(const struct sim_device *d, const struct kedge_digest *digest)
{
    for (size_t i = 0; i < d->artifact_count; i++) {
        if (kedge_digest_equal(&d->artifacts[i], digest))
            return true;
    }
    return false;
}

static void free_slot(struct slot *slot)
{
    free(slot->instance);
    free(slot->assignment);
    free(slot->version);
}

static void remove_slot(struct sim_device *d, struct slot *slot)
{
    free_slot(slot);
    *slot = d->slots[--d->slot_count];
}

static void remove_link(struct sim_device *d, struct link *link)
{
    free(link->instance);
    *link = d->links[--d->link_count];
}

/* --- effects ------------------------------------------------------------------------------- */

static enum kedge_code append_record(struct sim_device *d, struct job *job)
{
    d->records = kedge_alloc_grow(d->records, (d->record_count + 1) * sizeof(*d->records));
    d->records[d->record_count++] = job->bytes;
    job->bytes = (struct record){0};
    return KEDGE_OK;
}

static enum kedge_code fetch(struct sim_device *d, struct job *job)
{
    if (job->hashes)
        sim_repository_hash(job->instance, job->version, job->hash);
    if (has_artifact(d, &job->artifact.digest))
        return KEDGE_OK;
    if (sim_world_chance(d->world, d->world->faults.fetch) || d->isolated > d->world->now)
        return KEDGE_UNAVAILABLE;
    d->artifacts = kedge_alloc_grow(d->artifacts, (d->artifact_count + 1) * sizeof(*d->artifacts));
    d->artifacts[d->artifact_count++] = job->artifact.digest;
    return KEDGE_OK;
}

/* Invariant: what no release key has signed is never put on the disk. */
static enum kedge_code stage(struct sim_device *d, struct job *job)
{
    if (!strcmp(job->version, sim_versions[SIM_UNSIGNED]))
        d->broken = "an unsigned version was staged";
    if (job->artifact.url && !has_artifact(d, &job->artifact.digest))
        return KEDGE_NOTFOUND;
    struct slot *slot = find_slot(d, job->instance, &job->content);
    if (!slot) {
        d->slots = kedge_alloc_grow(d->slots, (d->slot_count + 1) * sizeof(*d->slots));
        slot = &d->slots[d->slot_count++];
        *slot =
            (struct slot){.instance = kedge_alloc_strdup(job->instance), .content = job->content};
    }
    free(slot->assignment);
    free(slot->version);
    slot->assignment = kedge_alloc_strdup(job->assignment);
    slot->version = kedge_alloc_strdup(job->version);
    slot->stale = slot->running;
    slot->integrity = KEDGE_INTEGRITY_INTACT;
    slot->bad = job->bad;
    return KEDGE_OK;
}

static enum kedge_code start(struct sim_device *d, struct job *job)
{
    struct slot *slot = find_slot(d, job->instance, &job->content);
    if (!slot || slot->integrity == KEDGE_INTEGRITY_MISSING)
        return KEDGE_NOTFOUND;
    slot->running = true;
    slot->stale = false;
    snprintf(slot->endpoint, sizeof(slot->endpoint), "http://127.0.0.1:%d",
             (int)sim_world_span(d->world, 20000, 60000));
    memcpy(job->endpoint, slot->endpoint, sizeof(job->endpoint));
    return KEDGE_OK;
}

static enum kedge_code probe(struct sim_device *d, struct job *job)
{
    const struct slot *slot = find_slot(d, job->instance, &job->content);
    return slot && slot->running && !slot->bad ? KEDGE_OK : KEDGE_UNAVAILABLE;
}

static enum kedge_code stop(struct sim_device *d, struct job *job)
{
    struct slot *slot = find_slot(d, job->instance, &job->content);
    if (slot)
        slot->running = false;
    return KEDGE_OK;
}

/* Invariant: `current` is never made to point at nothing. */
static enum kedge_code switch_link(struct sim_device *d, struct job *job)
{
    struct link *link = find_link(d, job->instance);

    if (kedge_digest_is_zero(&job->content)) {
        if (link)
            remove_link(d, link);
        return KEDGE_OK;
    }
    if (!find_slot(d, job->instance, &job->content))
        d->broken = "a link was pointed at a slot that is not there";
    if (!link) {
        d->links = kedge_alloc_grow(d->links, (d->link_count + 1) * sizeof(*d->links));
        link = &d->links[d->link_count++];
        *link = (struct link){.instance = kedge_alloc_strdup(job->instance)};
    }
    link->content = job->content;
    return KEDGE_OK;
}

/* Invariant: what runs, or what `current` points at, is never removed. */
static enum kedge_code remove_content(struct sim_device *d, struct job *job)
{
    bool all = kedge_digest_is_zero(&job->content);
    const struct link *link = find_link(d, job->instance);

    if (link && (all || kedge_digest_equal(&link->content, &job->content)))
        d->broken = "the slot that 'current' points at was removed";
    for (size_t i = d->slot_count; i-- > 0;) {
        struct slot *slot = &d->slots[i];
        if (strcmp(slot->instance, job->instance) ||
            (!all && !kedge_digest_equal(&slot->content, &job->content)))
            continue;
        if (slot->running)
            d->broken = "a slot was removed under its running unit";
        remove_slot(d, slot);
    }
    return KEDGE_OK;
}

static enum kedge_code collect(struct sim_device *d, struct job *job)
{
    for (size_t i = d->artifact_count; i-- > 0;) {
        bool kept = false;
        for (uint32_t k = 0; k < job->keep_count; k++)
            kept |= kedge_digest_equal(&d->artifacts[i], &job->keep[k]);
        if (!kept)
            d->artifacts[i] = d->artifacts[--d->artifact_count];
    }
    return KEDGE_OK;
}

static enum kedge_code nothing(struct sim_device *d, struct job *job)
{
    (void)d;
    (void)job;
    return KEDGE_OK;
}

/* What carrying out an effect does, how long it takes, and whether it needs room on the disk. */
static const struct {
    enum kedge_code (*run)(struct sim_device *device, struct job *job);
    kedge_ms least, most;
    bool writes;
} effect_table[] = {
    [KEDGE_AGENT_JOURNAL] = {append_record, 1, 20, true},
    [KEDGE_AGENT_FETCH] = {fetch, 100, 5000, true},
    [KEDGE_AGENT_STAGE] = {stage, 50, 2000, true},
    [KEDGE_AGENT_START] = {start, 5, 100, false},
    [KEDGE_AGENT_PROBE] = {probe, 1, 500, false},
    [KEDGE_AGENT_STOP] = {stop, 5, 3000, false},
    [KEDGE_AGENT_SWITCH] = {switch_link, 1, 10, true},
    [KEDGE_AGENT_REMOVE] = {remove_content, 5, 500, false},
    [KEDGE_AGENT_COLLECT] = {collect, 5, 100, false},
    [KEDGE_AGENT_ERASE] = {collect, 5, 100, false},
    [KEDGE_AGENT_PUBLISH] = {nothing, 1, 10, true},
    [KEDGE_AGENT_LOOK] = {nothing, 5, 200, false},
};

/* --- the survey ---------------------------------------------------------------------------- */

static void survey(struct sim_device *d, uint64_t effect)
{
    struct kedge_agent_found *found =
        kedge_alloc_array(d->slot_count + d->link_count + 1, sizeof(*found));
    uint32_t count = 0;

    for (size_t i = 0; i < d->slot_count; i++) {
        const struct slot *slot = &d->slots[i];
        const struct link *link = find_link(d, slot->instance);
        found[count++] = (struct kedge_agent_found){
            .instance = slot->instance,
            .content = slot->content,
            .assignment = {slot->assignment, strlen(slot->assignment)},
            .integrity = slot->integrity,
            .current = link && kedge_digest_equal(&link->content, &slot->content),
            .running = slot->running,
            .stale = slot->stale,
            .endpoint = slot->running ? slot->endpoint : NULL,
        };
    }
    for (size_t i = 0; i < d->link_count; i++) {
        if (!find_slot(d, d->links[i].instance, &d->links[i].content))
            found[count++] =
                (struct kedge_agent_found){.instance = d->links[i].instance, .current = true};
    }
    step(d, &(struct kedge_agent_message){
                .kind = KEDGE_AGENT_SURVEY,
                .effect = effect,
                .survey = &(struct kedge_agent_survey){found, count, (int64_t)1 << 40},
            });
    free(found);
}

/* --- lives of the agent -------------------------------------------------------------------- */

static void free_job(struct job *job)
{
    free(job->instance);
    free(job->assignment);
    free(job->version);
    free(job->bytes.bytes);
    free(job->keep);
    free(job);
}

static void reboot(void *payload)
{
    sim_device_boot(payload);
}

static void crash(struct sim_device *d)
{
    kedge_agent_free(d->agent);
    d->agent = NULL;
    d->life++;
    sim_world_plan(d->world, sim_world_span(d->world, 10, 10000), reboot, d);
}

static void answer_job(void *payload)
{
    struct job *job = payload;
    struct sim_device *d = job->device;

    if (job->life == d->life) {
        if (sim_world_chance(d->world, d->world->faults.crash))
            crash(d);
        else if (job->kind == KEDGE_AGENT_LOOK)
            survey(d, job->id);
        else
            step(d, &(struct kedge_agent_message){
                        .kind = KEDGE_AGENT_DONE,
                        .effect = job->id,
                        .code = job->code,
                        .message = job->code ? kedge_code_name(job->code) : NULL,
                        .endpoint = job->endpoint[0] ? job->endpoint : NULL,
                        .hash = job->hashes ? job->hash : NULL,
                        .instance = job->instance,
                        .content = job->content,
                    });
    }
    free_job(job);
}

static void run_job(void *payload)
{
    struct job *job = payload;
    struct sim_device *d = job->device;

    if (job->life == d->life && sim_world_chance(d->world, d->world->faults.crash))
        crash(d);
    if (job->life != d->life) { /* the agent that asked is gone, and this never happened */
        free_job(job);
        return;
    }
    if (effect_table[job->kind].writes && sim_world_chance(d->world, d->world->faults.disk_full))
        job->code = KEDGE_LIMIT;
    else
        job->code = effect_table[job->kind].run(d, job);
    sim_world_plan(d->world, 1, answer_job, job);
}

static char *slice_dup(struct kedge_slice slice)
{
    char *copy = kedge_alloc_zeroed(slice.size + 1);
    if (slice.size)
        memcpy(copy, slice.data, slice.size);
    return copy;
}

static struct job *make_job(struct sim_device *d, const struct kedge_agent_effect *effect)
{
    struct job *job = kedge_alloc_zeroed(sizeof(*job));

    *job = (struct job){.device = d,
                        .life = d->life,
                        .id = effect->id,
                        .kind = effect->kind,
                        .hashes = effect->hash,
                        .content = effect->content};
    if (effect->instance)
        job->instance = kedge_alloc_strdup(effect->instance);
    if (effect->assignment) {
        kedge_auto(kedge_buf) struct kedge_buf json = {0};
        kedge_assignment_write(effect->assignment, &(struct kedge_json_writer){.out = &json});
        job->assignment = kedge_buf_take(&json);
        job->version = kedge_alloc_strdup(effect->assignment->version);
        job->artifact = effect->assignment->artifact;
        job->bad = strstr(effect->assignment->version, "-bad") != NULL;
    }
    job->bytes = (struct record){slice_dup(effect->bytes), effect->bytes.size};
    job->keep = kedge_alloc_array(effect->keep_count + 1, sizeof(*job->keep));
    if (effect->keep_count)
        memcpy(job->keep, effect->keep, effect->keep_count * sizeof(*job->keep));
    job->keep_count = effect->keep_count;
    return job;
}

static void exchange(struct sim_device *d, const struct kedge_agent_effect *effect)
{
    struct sim_ticket ticket = {d, d->life, effect->id};
    d->exchange(d->hub, ticket, d->name, effect->bytes, effect->wait, effect->version);
}

static void tick(void *payload)
{
    struct timer *timer = payload;
    struct sim_device *d = timer->device;

    if (timer->life == d->life && d->tick && d->tick <= d->world->now) {
        d->tick = 0;
        step(d, &(struct kedge_agent_message){.kind = KEDGE_AGENT_TICK});
    }
    free(timer);
}

static void plan_tick(struct sim_device *d)
{
    kedge_ms wake = kedge_agent_wake(d->agent);
    if (wake == INT64_MAX || (d->tick && d->tick <= wake))
        return;
    struct timer *timer = kedge_alloc_zeroed(sizeof(*timer));
    *timer = (struct timer){d, d->life};
    d->tick = wake > d->world->now ? wake : d->world->now + 1;
    sim_world_plan(d->world, d->tick - d->world->now, tick, timer);
}

/* Whatever order is taken was signed by the director of the root that the device holds, and by no former one. */
static void check_order(struct sim_device *d, struct kedge_slice record)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    const char *kind, *envelope;
    struct kedge_err err;
    const struct kedge_public_key director =
        kedge_key_public(sim_roots_director(d->roots, sim_device_root(d)));
    const struct kedge_envelope_trust trust = {&director, 1, 1, KEDGE_ENVELOPE_IN_TOTO};

    if (kedge_json_parse(record.data, record.size, KEDGE_MIB(16), &json, &err) ||
        kedge_json_string(json, "kind", &kind, &err) || strcmp(kind, "order") != 0 ||
        kedge_json_string(json, "envelope", &envelope, &err))
        return;
    if (kedge_batch_verify(envelope, strlen(envelope), KEDGE_LIMIT_ENVELOPE, &trust, &payload,
                           &err))
        d->broken = "an order of a director whom its root does not name was taken";
}

static void step(struct sim_device *d, const struct kedge_agent_message *message)
{
    kedge_auto(kedge_agent_effects) struct kedge_agent_effects effects = {0};

    kedge_agent_step(d->agent, message, sim_world_wall(d->world), d->world->now, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        const struct kedge_agent_effect *effect = &effects.at[i];
        if (effect->kind == KEDGE_AGENT_CANCEL)
            continue; /* effects here end soon by themselves; a held exchange by its wait */
        if (effect->kind == KEDGE_AGENT_EXCHANGE || effect->kind == KEDGE_AGENT_ROOT) {
            exchange(d, effect);
            continue;
        }
        if (effect->kind == KEDGE_AGENT_JOURNAL)
            check_order(d, effect->bytes);
        kedge_ms span = sim_world_span(d->world, effect_table[effect->kind].least,
                                       effect_table[effect->kind].most);
        sim_world_plan(d->world, span, run_job, make_job(d, effect));
    }
    if (d->agent)
        plan_tick(d);
}

void sim_device_boot(struct sim_device *d)
{
    if (d->agent || d->ended)
        return;
    d->agent = kedge_agent_new(&d->config);
    d->tick = 0;
    for (size_t i = 0; i < d->record_count; i++)
        step(d, &(struct kedge_agent_message){
                    .kind = KEDGE_AGENT_RECORD,
                    .bytes = {d->records[i].bytes, d->records[i].size},
                });
    survey(d, 0);
}

void sim_device_answer(struct sim_ticket ticket, enum kedge_code code, struct kedge_slice body,
                       int64_t root)
{
    if (ticket.life != ticket.device->life)
        return;
    step(ticket.device, &(struct kedge_agent_message){
                            .kind = KEDGE_AGENT_DONE,
                            .effect = ticket.effect,
                            .code = code,
                            .message = code ? kedge_code_name(code) : NULL,
                            .bytes = body,
                            .root = root,
                        });
}

void sim_device_isolate(struct sim_device *device, kedge_ms until)
{
    device->isolated = until;
}

bool sim_device_isolated(const struct sim_device *device)
{
    return device->isolated > device->world->now;
}

/* --- misfortunes --------------------------------------------------------------------------- */

static void kill_unit(struct sim_device *d, struct slot *slot)
{
    if (!slot->running)
        return;
    slot->running = false;
    if (d->agent)
        step(d, &(struct kedge_agent_message){
                    .kind = KEDGE_AGENT_EXITED,
                    .instance = slot->instance,
                    .content = slot->content,
                    .message = "killed by signal 9",
                });
}

void sim_device_tamper(struct sim_device *d)
{
    if (!d->slot_count)
        return;
    struct slot *slot = &d->slots[kedge_rng_below(&d->world->rng, d->slot_count)];
    switch (kedge_rng_below(&d->world->rng, 4)) {
    case 0:
        kill_unit(d, slot);
        break;
    case 1:
        slot->integrity = KEDGE_INTEGRITY_MODIFIED;
        break;
    case 2:
        slot->integrity = KEDGE_INTEGRITY_MISSING;
        break;
    default:
        if (find_link(d, slot->instance))
            remove_link(d, find_link(d, slot->instance));
        break;
    }
}

/* --- what tests ask ------------------------------------------------------------------------ */

bool sim_device_converged(const struct sim_device *device)
{
    return device->agent && kedge_agent_converged(device->agent);
}

int64_t sim_device_generation(const struct sim_device *device)
{
    struct kedge_arena arena = {0};
    int64_t generation =
        device->agent
            ? kedge_agent_report(device->agent, &arena, sim_world_wall(device->world))->generation
            : 0;
    kedge_arena_release(&arena);
    return generation;
}

const char *sim_device_serving(const struct sim_device *device, const char *instance)
{
    const struct link *link = find_link(device, instance);
    const struct slot *slot = link ? find_slot(device, instance, &link->content) : NULL;

    return slot && slot->integrity == KEDGE_INTEGRITY_INTACT && slot->running ? slot->version
                                                                              : NULL;
}

bool sim_device_keeps(const struct sim_device *device, const char *instance, const char *version)
{
    for (size_t i = 0; i < device->slot_count; i++) {
        const struct slot *slot = &device->slots[i];
        if (!strcmp(slot->instance, instance) && !strcmp(slot->version, version))
            return slot->integrity == KEDGE_INTEGRITY_INTACT && !slot->running;
    }
    return false;
}

void sim_device_print(const struct sim_device *d)
{
    fprintf(stderr, "  %s life %d generation %d%s:", d->name, (int)d->life,
            (int)sim_device_generation(d), sim_device_converged(d) ? " converged" : "");
    for (size_t i = 0; i < d->slot_count; i++) {
        const struct slot *slot = &d->slots[i];
        const struct link *link = find_link(d, slot->instance);
        fprintf(stderr, " %s@%s%s%s%s", slot->instance, slot->version,
                slot->running ? " running" : "",
                link && kedge_digest_equal(&link->content, &slot->content) ? " current" : "",
                slot->integrity ? " damaged" : "");
    }
    fputc('\n', stderr);
}

int64_t sim_device_root(const struct sim_device *device)
{
    return device->agent ? kedge_agent_contact(device->agent).root : 0;
}

const char *sim_device_broken(const struct sim_device *device)
{
    return device->broken;
}

const char *sim_device_name(const struct sim_device *device)
{
    return device->name;
}

struct kedge_public_key sim_device_key(const struct sim_device *device)
{
    return kedge_key_public(device->key);
}

struct sim_device *sim_device_new(struct sim_world *world, const char *name,
                                  const struct sim_roots *roots)
{
    static const char *const runtimes[] = {"files", "process"};
    struct sim_device *d = kedge_alloc_zeroed(sizeof(*d));
    struct kedge_digest seed = kedge_digest_of(name, strlen(name));

    *d = (struct sim_device){.world = world, .name = kedge_alloc_strdup(name)};
    d->key = kedge_key_from_seed(seed.bytes);
    d->roots = roots;
    struct kedge_err err;
    if (kedge_root_pin(sim_roots_files(roots)[0], NULL, &d->root, &err))
        abort();
    d->config = (struct kedge_agent_config){
        .device = d->name,
        .state_dir = "/var/lib/kedge-agent",
        .key = d->key,
        .root = &d->root,
        .capacity = {.arch = "amd64", .memory = (int64_t)8 << 30, .disk = (int64_t)64 << 30},
        .runtimes = {runtimes, KEDGE_COUNT(runtimes)},
        .wait = 30000,
        .interval = 10000,
        .survey = 60000,
        .seed = kedge_rng_next(&world->rng),
    };
    return d;
}

static char *copy_text(const char *text)
{
    return text ? kedge_alloc_strdup(text) : NULL;
}

struct sim_device *sim_device_clone(const struct sim_device *original)
{
    struct sim_device *d = sim_device_new(original->world, original->name, original->roots);

    sim_device_connect(d, original->exchange, original->hub);
    d->records = kedge_alloc_array(original->record_count + 1, sizeof(*d->records));
    for (size_t i = 0; i < original->record_count; i++) {
        struct kedge_slice bytes = {original->records[i].bytes, original->records[i].size};
        d->records[d->record_count++] = (struct record){slice_dup(bytes), bytes.size};
    }
    d->slots = kedge_alloc_array(original->slot_count + 1, sizeof(*d->slots));
    for (size_t i = 0; i < original->slot_count; i++) {
        struct slot *slot = &d->slots[d->slot_count++];
        *slot = original->slots[i];
        slot->instance = copy_text(slot->instance);
        slot->assignment = copy_text(slot->assignment);
        slot->version = copy_text(slot->version);
        slot->running = slot->stale = false;
    }
    d->links = kedge_alloc_array(original->link_count + 1, sizeof(*d->links));
    for (size_t i = 0; i < original->link_count; i++) {
        d->links[d->link_count] = original->links[i];
        d->links[d->link_count++].instance = copy_text(original->links[i].instance);
    }
    d->artifacts = kedge_alloc_array(original->artifact_count + 1, sizeof(*d->artifacts));
    d->artifact_count = original->artifact_count;
    if (d->artifact_count)
        memcpy(d->artifacts, original->artifacts, d->artifact_count * sizeof(*d->artifacts));
    return d;
}

void sim_device_connect(struct sim_device *device, sim_exchange *call, void *hub)
{
    device->exchange = call;
    device->hub = hub;
}

void sim_device_end(struct sim_device *d)
{
    kedge_agent_free(d->agent);
    d->agent = NULL;
    d->life++;
    d->ended = true;
}

void sim_device_free(struct sim_device *d)
{
    for (size_t i = 0; i < d->record_count; i++)
        free(d->records[i].bytes);
    for (size_t i = 0; i < d->slot_count; i++)
        free_slot(&d->slots[i]);
    for (size_t i = 0; i < d->link_count; i++)
        free(d->links[i].instance);
    free(d->records);
    free(d->slots);
    free(d->links);
    free(d->artifacts);
    kedge_key_free(d->key);
    free(d->name);
    free(d);
}
