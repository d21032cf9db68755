/* SPDX-License-Identifier: Apache-2.0 */
/* Planning: from a commit to a signed order (W2), an audit of the fleet (W3), a million assignments
 * (W4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "core/diff.h"
#include "core/resolve.h"
#include "core/schedule.h"
#include "fleet.h"
#include "manifest/load.h"
#include "source/git.h"
#include "wire/order.h"

#define NOW 1772370000000LL

/* The reconciler at rest: the first commit in force, every device holding what it wants. */
struct world {
    struct kedge_git *git;
    struct kedge_arena pool;
    const struct kedge_desired *desired;
    struct kedge_actual actual;
    struct kedge_key *director;
    char before[KEDGE_COMMIT_TEXT], after[KEDGE_COMMIT_TEXT];
};

/* A report of `device` that holds what is wanted; with `stale` content instead where asked. */
static struct kedge_actual_device *report_of(const struct kedge_desired_device *device, bool stale)
{
    struct kedge_actual_device *row = kedge_actual_device_new(device->name);
    struct kedge_arena *arena = &row->arena;
    const char **names = kedge_arena_array(arena, device->count, sizeof *names);
    row->report = (struct kedge_report){
        .device = row->name,
        .counter = 1,
        .generation = 1,
        .agent = "0.1.0",
        .capacity = {.arch = "arm64", .memory = 4LL << 30, .disk = 32LL << 30},
        .disk_free = 16LL << 30,
        .instances = kedge_arena_array(arena, device->count, sizeof(struct kedge_reported)),
        .instance_count = device->count,
    };
    static const char *const runtimes[] = {"files", "process"};
    row->report.runtimes = (struct kedge_strings){runtimes, KEDGE_COUNT(runtimes)};
    for (uint32_t i = 0; i < device->count; i++) {
        const struct kedge_assignment *want = &device->assignments[i]->assignment;
        struct kedge_reported *held = &row->report.instances[i];
        *held = (struct kedge_reported){.instance = want->instance,
                                        .deployment = want->deployment,
                                        .version = stale ? "0.9.0" : want->version,
                                        .content = want->content,
                                        .state = want->state,
                                        .health = KEDGE_HEALTH_HEALTHY,
                                        .verified = true};
        held->content.bytes[0] ^= stale;
        names[i] = want->instance;
    }
    row->authorised = (struct kedge_strings){names, device->count};
    row->generation = 1;
    kedge_actual_device_seal(row);
    row->envelope_set = row->set;
    return row;
}

/* The first `stale` devices hold other content. */
static void report_all(struct kedge_actual *actual, const struct kedge_desired *desired,
                       size_t stale)
{
    struct kedge_table_iter iter = {0};
    const struct kedge_desired_device *device;
    size_t i = 0;
    while ((device = kedge_table_next(desired->devices, &iter)))
        kedge_actual_put(actual, report_of(device, i++ < stale));
}

static const struct kedge_desired *load(struct world *world, struct kedge_arena *pool,
                                        const struct kedge_desired *previous, const char *commit)
{
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_specs *specs;
    const struct kedge_desired *desired;
    struct kedge_err err;
    bench_must(kedge_git_tree(world->git, previous ? previous->specs->commit : NULL, commit, "",
                              &tree, &err),
               &err);
    bench_must(kedge_load_specs(pool, previous ? previous->specs : NULL, &tree, &findings, &specs,
                                &err),
               &err);
    bench_must(kedge_resolve_desired(pool, specs, previous, &findings, &desired, &err), &err);
    return desired;
}

static struct world world_of(const struct bench *bench, size_t devices)
{
    static const uint8_t seed[32] = {1};
    struct world world = {0};
    struct kedge_err err;
    char *path = fleet_repository(bench, devices);
    bench_must(kedge_key_init(&err), &err);
    world.director = kedge_key_from_seed(seed);
    bench_must(kedge_git_open(path, &world.git, &err), &err);
    bench_must(kedge_git_resolve(world.git, "main~1", world.before, &err), &err);
    bench_must(kedge_git_resolve(world.git, "main", world.after, &err), &err);
    world.desired = load(&world, &world.pool, NULL, world.before);
    bench_check(world.desired->assignments == devices * FLEET_MATCHES, "assignments are missing");
    report_all(&world.actual, world.desired, 0);
    free(path);
    return world;
}

static void actual_auto(struct kedge_actual *actual)
{
    kedge_actual_release(actual);
}

static void world_auto(struct world *world)
{
    kedge_actual_release(&world->actual);
    kedge_arena_release(&world->pool);
    kedge_key_free(world->director);
    kedge_git_free(world->git);
}

/* plan ─▶ one envelope for the one device, as the server makes it. */
static void issue(const struct world *world, struct kedge_arena *arena,
                  const struct kedge_plan *plan, struct kedge_buf *envelope)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    const struct kedge_change *change = plan->steps[0].change;
    const struct kedge_desired_device *device = change->desired;
    const struct kedge_key *director = world->director;
    struct kedge_action *actions = kedge_arena_array(arena, plan->count, sizeof *actions);
    struct kedge_order_member *members = kedge_arena_array(arena, device->count, sizeof *members);
    struct kedge_err err;
    for (size_t i = 0; i < plan->count; i++)
        kedge_action_from_change(plan->steps[i].change, plan->commit, &actions[i]);
    for (uint32_t i = 0; i < device->count; i++) {
        const struct kedge_desired_assignment *want = device->assignments[i];
        members[i] = (struct kedge_order_member){.instance = want->assignment.instance,
                                                 .state = want->assignment.state,
                                                 .artifact = want->assignment.artifact.digest,
                                                 .json = want->json};
    }
    struct kedge_order order = {.device = device->name,
                                .generation = change->actual->generation + 1,
                                .plan = plan->digest,
                                .commit = plan->commit,
                                .source = "https://git.example/fleet.git",
                                .issued = NOW,
                                .expires = NOW + 86400000,
                                .actions = actions,
                                .action_count = (uint32_t)plan->count};
    kedge_order_write(&order, members, device->count, &statement);
    bench_must(kedge_envelope_sign(envelope, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&statement),
                                   &director, 1, &err),
               &err);
}

struct touched {
    const char *names[64];
    size_t count;
};

static void touch(const void *before, const void *after, void *payload)
{
    struct touched *touched = payload;
    bench_check(touched->count < KEDGE_COUNT(touched->names), "too many devices are touched");
    touched->names[touched->count++] =
        *(const char *const *)(after ? after : before); /* first member of every entry */
}

/* A commit is known: to a signed order for the device it is about. */
static void reconcile(struct world *world)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0}, pass = {0};
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct touched touched = {0};
    const struct kedge_desired *desired = load(world, &pool, world->desired, world->after);
    kedge_table_diff(world->desired->devices, desired->devices, touch, &touched);
    const struct kedge_changes *changes =
        kedge_diff_devices(&pass, desired, &world->actual, touched.names, touched.count);
    const struct kedge_plan *plan =
        kedge_schedule_plan(&pass, changes, desired, &world->actual, NOW);
    bench_check(plan->released == 1 && plan->held == 0, "the commit releases one action");
    issue(world, &pass, plan, &envelope);
}

static double reconcile_at(struct bench *bench, size_t devices, const char *name,
                           enum bench_bar kind, double bar)
{
    enum { EACH = 10 };
    kedge_auto(world) struct world world = world_of(bench, devices);
    struct bench_series ours = {0};
    for (unsigned i = bench_turns(bench, 15); i > 0; i--) {
        double c = bench_cpu();
        for (int k = 0; k < EACH; k++)
            reconcile(&world);
        bench_add(&ours, (bench_cpu() - c) * 1e3 / EACH);
    }
    bench_print(bench, &(struct bench_row){name, "cpu_ms", &ours, NULL, kind, bar});
    return bench_median(&ours);
}

static void reconcile_one_file(struct bench *bench)
{
    size_t large = fleet_size(bench), small = large / 10;
    double few = reconcile_at(bench, small, "reconcile_small_fleet", BENCH_NO_BAR, 0);
    double many = reconcile_at(bench, large, "reconcile_one_file", BENCH_VALUE_AT_MOST, 2);
    bench_print_value(bench, "reconcile_growth", "times", many / few, BENCH_VALUE_AT_MOST, 3);
}

/* From 10,000 devices to a million; some GiB and minutes, so only when it is named. */
static void reconcile_million(struct bench *bench)
{
    double few = reconcile_at(bench, 10000, "reconcile_10k", BENCH_NO_BAR, 0);
    double many = reconcile_at(bench, 1000000, "reconcile_1m", BENCH_NO_BAR, 0);
    bench_print_value(bench, "reconcile_growth_1m", "times", many / few, BENCH_VALUE_AT_MOST, 3);
}

static void resolve(struct bench *bench)
{
    size_t devices = fleet_size(bench);
    kedge_auto(world) struct world world = world_of(bench, devices);
    struct bench_series ours = {0};
    for (unsigned i = bench_turns(bench, 7); i > 0; i--) {
        kedge_auto(kedge_arena) struct kedge_arena pool = {0};
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        const struct kedge_desired *desired;
        struct kedge_err err;
        double c = bench_cpu();
        bench_must(kedge_resolve_desired(&pool, world.desired->specs, NULL, &findings, &desired,
                                         &err),
                   &err);
        bench_add(&ours, (double)desired->assignments / (bench_cpu() - c));
    }
    bench_print(bench, &(struct bench_row){"resolve", "assignment/cpu_s", &ours, NULL, 0, 0});
}

/* An action of 320 bytes for each of `count` assignments: the least that writing them costs. */
static double emit_bare(size_t count)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    char line[400];
    double c = bench_cpu();
    for (size_t i = 0; i < count; i++) {
        int size = snprintf(line, sizeof line,
                            "{\"device\":\"device-%07zu\",\"instance\":\"model-%02zu\","
                            "\"verb\":\"update\",\"from\":\"0.9.0\",\"to\":\"1.0.0\","
                            "\"content\":\"sha256:%064zx\",\"reason\":\"%-140s\"}",
                            i / FLEET_MATCHES, i % FLEET_MODELS, i, "another version is wanted");
        kedge_buf_add(&out, line, (size_t)size);
    }
    return bench_cpu() - c;
}

struct pass {
    struct kedge_digest output;
    double memory_mib;
};

/* Everything that a plan of the fleet takes, written out when `write`. */
static struct pass plan_fleet(const struct world *world, const struct kedge_actual *actual,
                              size_t expected, bool write)
{
    kedge_auto(kedge_arena) struct kedge_arena pass = {0};
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    struct kedge_json_writer writer = {.out = &out};
    const struct kedge_changes *changes = kedge_diff_fleet(&pass, world->desired, actual);
    const struct kedge_plan *plan =
        kedge_schedule_plan(&pass, changes, world->desired, actual, NOW);
    bench_check(plan->count == expected && plan->held == 0, "another plan than expected");
    if (write)
        kedge_plan_write(plan, changes, &writer);
    return (struct pass){plan->digest, (double)(pass.reserved + out.capacity) / (1 << 20)};
}

/* W3: every recorded state of the fleet against what is wanted. */
static void audit(struct bench *bench)
{
    kedge_auto(world) struct world world = world_of(bench, fleet_size(bench));
    struct bench_series ours = {0};
    for (unsigned i = bench_turns(bench, 25); i > 0; i--) {
        kedge_auto(kedge_arena) struct kedge_arena pass = {0};
        double c = bench_cpu();
        const struct kedge_changes *changes = kedge_diff_fleet(&pass, world.desired, &world.actual);
        bench_add(&ours, (bench_cpu() - c) * 1e3);
        bench_check(changes->count == 0 && changes->unknown == 0, "the fleet is not in sync");
    }
    bench_print(bench,
                &(struct bench_row){"audit", "cpu_ms", &ours, NULL, BENCH_VALUE_AT_MOST, 10});
}

static void plan_changed(struct bench *bench, const struct world *world, size_t stale,
                         const char *name, double bar_ms)
{
    kedge_auto(actual) struct kedge_actual actual = {0};
    struct bench_series ours = {0};
    report_all(&actual, world->desired, stale);
    for (unsigned i = bench_turns(bench, 15); i > 0; i--) {
        double c = bench_cpu();
        plan_fleet(world, &actual, stale * FLEET_MATCHES, false);
        bench_add(&ours, (bench_cpu() - c) * 1e3);
    }
    bench_print(bench,
                &(struct bench_row){name, "cpu_ms", &ours, NULL, BENCH_VALUE_AT_MOST, bar_ms});
}

/* W4: nothing, ten and all of a million assignments differ. */
static void plan(struct bench *bench)
{
    size_t devices = fleet_size(bench), assignments = devices * FLEET_MATCHES;
    kedge_auto(world) struct world world = world_of(bench, devices);
    struct bench_series ours = {0}, bare = {0};
    struct pass first = {0};
    plan_changed(bench, &world, 0, "plan_nothing", 40);
    plan_changed(bench, &world, 1, "plan_ten", 40);
    kedge_auto(actual) struct kedge_actual stale = {0};
    report_all(&stale, world.desired, devices);
    for (unsigned i = bench_turns(bench, 5); i > 0; i--) {
        bench_add(&bare, emit_bare(assignments));
        double c = bench_cpu();
        struct pass pass = plan_fleet(&world, &stale, assignments, true);
        bench_add(&ours, bench_cpu() - c);
        bench_check(i == bench_turns(bench, 5) || kedge_digest_equal(&pass.output, &first.output),
                    "the same inputs gave another plan");
        first = pass;
    }
    bench_print(bench,
                &(struct bench_row){"plan_all", "cpu_s", &ours, &bare, BENCH_RATIO_AT_MOST, 2.5});
    bench_print_value(bench, "plan_all_memory", "MiB", first.memory_mib, BENCH_VALUE_AT_MOST, 200);
}

const struct bench_workload bench_core_workloads[] = {
    {"reconcile", reconcile_one_file}, {"resolve", resolve}, {"audit", audit}, {"plan", plan}, {0},
};
const struct bench_workload bench_named_workloads[] = {
    {"reconcile_million", reconcile_million},
    {0},
};
