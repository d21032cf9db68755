/* SPDX-License-Identifier: Apache-2.0 */
/* One server and many agents on a virtual clock, with everything going wrong for a while; then nothing goes wrong, and all
 * of them must come to hold what the newest valid commit declares.
 *
 *     kedge-sim [--seed N] [--seeds N] [--devices N] [--minutes N] [--calm] [--verbose]
 *
 * A seed that fails prints the command that repeats it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hub.h"

#define MINUTE        60000
#define SETTLE        240 /* minutes after the last fault: longer than the longest back-off */
#define START_OF_TIME 1780000000000

static const struct sim_faults storm = {
    .drop = 15,
    .duplicate = 10,
    .delay = 10,
    .crash = 2,
    .disk_full = 3,
    .fetch = 20,
    .tamper = 10,
    .partition = 5,
    .clone = 2,
    .server = 5,
    .server_step = 1,
    .rotation = 8,
};

struct options {
    uint64_t seed, seeds;
    size_t devices;
    unsigned minutes;
    bool calm, verbose;
};

struct sim {
    struct sim_world world;
    struct sim_device **devices, **twins; /* a twin is the clone of a device, NULL: there is none */
    size_t count;
    struct kedge_public_key *keys;
    struct kedge_key *release;
    struct sim_roots *roots;
    struct sim_repository *repository;
    struct sim_hub *hub;
    unsigned minutes_left; /* of the storm */
};

static struct sim *sim_new(uint64_t seed, size_t count, bool calm)
{
    struct sim *sim = kedge_alloc_zeroed(sizeof(*sim));
    static const uint8_t release_seed[32] = "the people who sign releases";

    sim->world = (struct sim_world){.wall = START_OF_TIME, .rng = kedge_rng_make(seed)};
    if (!calm)
        sim->world.faults = storm;
    sim->release = kedge_key_from_seed(release_seed);
    sim->roots = sim_roots_new(sim->release, START_OF_TIME);

    sim->count = count;
    sim->devices = kedge_alloc_array(count, sizeof(struct sim_device *));
    sim->twins = kedge_alloc_array(count, sizeof(struct sim_device *));
    sim->keys = kedge_alloc_array(count, sizeof(*sim->keys));
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "device-%zu", i);
        sim->devices[i] = sim_device_new(&sim->world, name, sim->roots);
        sim->keys[i] = sim_device_key(sim->devices[i]);
    }
    sim->repository = sim_repository_new(&sim->world, sim->keys, count, sim->release);
    sim->hub = sim_hub_new(&sim->world, sim->repository, sim->roots);
    for (size_t i = 0; i < count; i++)
        sim_device_connect(sim->devices[i], sim_hub_exchange, sim->hub);
    return sim;
}

static void sim_free(struct sim *sim)
{
    sim_hub_end(sim->hub);
    for (size_t i = 0; i < sim->count; i++)
        sim_device_end(sim->devices[i]);
    for (size_t i = 0; i < sim->count; i++)
        if (sim->twins[i])
            sim_device_end(sim->twins[i]);
    sim_world_run(&sim->world, INT64_MAX);
    sim_hub_free(sim->hub);
    for (size_t i = 0; i < sim->count; i++)
        sim_device_free(sim->devices[i]);
    for (size_t i = 0; i < sim->count; i++)
        if (sim->twins[i])
            sim_device_free(sim->twins[i]);
    sim_repository_free(sim->repository);
    sim_roots_free(sim->roots);
    kedge_key_free(sim->release);
    sim_world_release(&sim->world);
    free(sim->devices);
    free(sim->twins);
    free(sim->keys);
    free(sim);
}

/* Somebody copies the disk of a device and runs both. */
static void clone_one(struct sim *sim)
{
    size_t i = kedge_rng_below(&sim->world.rng, sim->count);
    if (sim->twins[i])
        return;
    sim->twins[i] = sim_device_clone(sim->devices[i]);
    sim_device_boot(sim->twins[i]);
}

static void change_director(void *payload)
{
    sim_hub_crash(payload);
}

/* The director's key was stolen: another is named first, and takes over when its people come to it. */
static void rotate(struct sim *sim)
{
    sim_roots_rotate(sim->roots);
    sim_hub_publish(sim->hub);
    sim_world_plan(&sim->world, sim_world_span(&sim->world, 0, 3 * MINUTE), change_director,
                   sim->hub);
}

/* What goes wrong once a minute, and what people do. */
static void weather(void *payload)
{
    struct sim *sim = payload;
    struct sim_world *world = &sim->world;

    if (!sim->minutes_left--)
        return;
    if (sim_world_chance(world, 30))
        sim_repository_commit(sim->repository);
    if (sim_world_chance(world, world->faults.rotation))
        rotate(sim);
    if (sim_world_chance(world, world->faults.server))
        sim_hub_crash(sim->hub);
    if (sim_world_chance(world, world->faults.clone))
        clone_one(sim);
    for (size_t i = 0; i < sim->count; i++) {
        if (sim_world_chance(world, world->faults.tamper))
            sim_device_tamper(sim->devices[i]);
        if (sim_world_chance(world, world->faults.partition))
            sim_device_isolate(sim->devices[i],
                               world->now + sim_world_span(world, MINUTE, 20 * MINUTE));
    }
    sim_world_plan(world, MINUTE, weather, sim);
}

/* --- the verdict --------------------------------------------------------------------------- */

/* What must be served, going by the manifests alone. A version that cannot pass its probe, or that no release key has
 * signed, must not be; what was good before it, or nothing, stays. */
static const char *judge_instance(const struct sim *sim, size_t device, unsigned model)
{
    const struct sim_fleet *fleet = sim_repository_fleet(sim->repository);
    const struct sim_deployment *d = &fleet->deployments[model];
    bool wanted = d->present && (d->sites & 1U << fleet->sites[device]);
    char instance[16];

    snprintf(instance, sizeof(instance), "model-%u", model);
    const char *serving = sim_device_serving(sim->devices[device], instance);
    if (!wanted)
        return serving ? "serves an instance it should not" : NULL;
    if (d->version == SIM_UNSIGNED)
        return serving && (!d->running || !strcmp(serving, sim_versions[SIM_UNSIGNED]))
                   ? "serves in place of an unsigned version what it should not"
                   : NULL;
    if (!d->running) {
        bool kept = sim_device_keeps(sim->devices[device], instance, sim_versions[d->version]);
        return serving || !kept ? "does not keep a stopped instance" : NULL;
    }
    if (d->version == SIM_BAD)
        return serving && !strcmp(serving, sim_versions[SIM_BAD])
                   ? "serves a version that fails its probe"
                   : NULL;
    if (!serving)
        return "does not serve an instance it should";
    return strcmp(serving, sim_versions[d->version]) ? "serves another version" : NULL;
}

static const char *judge_device(const struct sim *sim, size_t device)
{
    const char *fault = sim_device_broken(sim->devices[device]);
    bool doubted = sim_hub_doubts(sim->hub, sim_device_name(sim->devices[device]));

    if (sim->twins[device]) /* it is held: what it serves is nobody's promise any more */
        return fault || doubted ? fault : "was cloned, and nobody has noticed";
    if (doubted)
        return "is one, and was taken for two";
    if (!fault && sim_device_root(sim->devices[device]) != sim_roots_newest(sim->roots))
        fault = "does not follow the newest root";
    for (unsigned m = 0; !fault && m < SIM_MODELS; m++)
        fault = judge_instance(sim, device, m);
    return fault;
}

static void print_sim(struct sim *sim)
{
    const struct sim_fleet *fleet = sim_repository_fleet(sim->repository);

    for (unsigned m = 0; m < SIM_MODELS; m++) {
        const struct sim_deployment *d = &fleet->deployments[m];
        fprintf(stderr, "  model-%u: %s %s %s sites %x\n", m, d->present ? "deployed" : "absent",
                sim_versions[d->version], d->running ? "running" : "stopped", d->sites);
    }
    for (size_t i = 0; i < sim->count; i++) {
        const char *fault = judge_device(sim, i);
        if (!fault)
            continue;
        fprintf(stderr, "  site %u: %s\n", fleet->sites[i], fault);
        sim_device_print(sim->devices[i]);
    }
    sim_hub_print(sim->hub);
}

/* Every chain is whole, whatever happened: also of a device that is held. */
static size_t count_broken(const struct sim *sim)
{
    size_t broken = 0;

    for (size_t i = 0; i < sim->count; i++) {
        const char *name = sim_device_name(sim->devices[i]);
        const char *fault = sim_hub_evidence(sim->hub, name, &sim->keys[i]);
        if (fault)
            fprintf(stderr, "  %s: %s\n", name, fault);
        broken += fault != NULL;
    }
    return broken;
}

static size_t count_faults(const struct sim *sim)
{
    size_t faults = 0;

    for (size_t i = 0; i < sim->count; i++)
        faults += judge_device(sim, i) != NULL;
    return faults;
}

static bool run_seed(const struct options *options, uint64_t seed)
{
    struct sim *sim = sim_new(seed, options->devices, options->calm);
    struct sim_world *world = &sim->world;

    sim->minutes_left = options->minutes;
    sim_hub_boot(sim->hub);
    for (size_t i = 0; i < sim->count; i++)
        sim_device_boot(sim->devices[i]);
    sim_world_plan(world, MINUTE, weather, sim);
    sim_world_run(world, options->minutes * MINUTE);

    world->faults = (struct sim_faults){0};
    sim_repository_settle(sim->repository);
    kedge_ms end = world->now + SETTLE * (kedge_ms)MINUTE;
    while (world->now < end && count_faults(sim))
        sim_world_run(world, world->now + MINUTE);

    size_t faults = count_faults(sim) + count_broken(sim);
    if (options->verbose || faults)
        fprintf(stderr,
                "seed %llu: %zu devices, settled %d virtual minutes after the storm, %zu not "
                "converged\n",
                (unsigned long long)seed, sim->count,
                (int)((world->now - options->minutes * MINUTE) / MINUTE), faults);
    if (faults) {
        print_sim(sim);
        fprintf(stderr, "repro: kedge-sim --seed %llu --devices %zu --minutes %u%s\n",
                (unsigned long long)seed, options->devices, options->minutes,
                options->calm ? " --calm" : "");
    }
    sim_free(sim);
    return !faults;
}

static const struct option option_table[] = {
    {"seed", required_argument, NULL, 's'},
    {"seeds", required_argument, NULL, 'n'},
    {"devices", required_argument, NULL, 'd'},
    {"minutes", required_argument, NULL, 'm'},
    {"calm", no_argument, NULL, 'c'},
    {"verbose", no_argument, NULL, 'v'},
    {0},
};

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .seeds = 1, .devices = 20, .minutes = 60};
    struct kedge_err err;

    for (int option; (option = getopt_long(argc, argv, "", option_table, NULL)) != -1;) {
        switch (option) {
        case 's':
            options.seed = strtoull(optarg, NULL, 10);
            break;
        case 'n':
            options.seeds = strtoull(optarg, NULL, 10);
            break;
        case 'd':
            options.devices = strtoul(optarg, NULL, 10);
            break;
        case 'm':
            options.minutes = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            options.calm = true;
            break;
        case 'v':
            options.verbose = true;
            break;
        default:
            return 64;
        }
    }
    if (kedge_key_init(&err)) {
        fprintf(stderr, "kedge-sim: %s\n", err.msg);
        return 1;
    }
    kedge_log_set_level(options.verbose ? KEDGE_LOG_INFO : KEDGE_LOG_ERROR);
    uint64_t failed = 0;
    for (uint64_t i = 0; i < options.seeds; i++)
        failed += !run_seed(&options, options.seed + i);
    printf("%llu seeds of %zu devices converged, %llu did not\n",
           (unsigned long long)(options.seeds - failed), options.devices,
           (unsigned long long)failed);
    return failed != 0;
}
