/* SPDX-License-Identifier: Apache-2.0 */
#include "core/schedule.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "core/diff.h"
#include "core/resolve.h"
#include "lib/leak.h"
#include "world.h"

static const struct kedge_desired *resolve(struct world *w)
{
    for (;;) {
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        const struct kedge_desired *desired;
        if (kedge_resolve_desired(&w->arena, world_specs(w), NULL, &findings, &desired, NULL) == 0)
            return desired;
        world_edit(w);
    }
}

static size_t held_instances(const struct kedge_actual *actual)
{
    size_t count = 0;
    for (size_t i = 0; i < actual->count; i++)
        count += actual->at[i]->report.instance_count;
    return count;
}

static void expect_within_budget(const struct world *w, const struct kedge_plan *plan, size_t held,
                                 int seed)
{
    size_t destroys = 0;
    for (size_t i = 0; i < plan->count; i++)
        destroys += plan->steps[i].blocker == KEDGE_BLOCKER_NONE &&
                    plan->steps[i].change->verb == KEDGE_VERB_DESTROY;
    if (w->policy == NULL || !w->policy->has_destroy_budget)
        return;
    size_t limit = (size_t)w->policy->destroy_budget;
    if (w->policy->destroy_budget_percent)
        limit = held * limit / 100;
    cr_assert_leq(destroys, limit, "seed %d", seed);
}

/* Every step is released or names its blocker, says why, and what frees it. */
static void expect_explained(const struct kedge_plan *plan, kedge_ms now, int seed)
{
    size_t released = 0, held = 0, blockers[KEDGE_BLOCKER_COUNT] = {0};
    kedge_ms wake = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct kedge_step *step = &plan->steps[i];
        cr_assert_geq(step->wave, 1u);
        if (step->blocker == KEDGE_BLOCKER_NONE) {
            cr_assert(step->why == NULL && step->frees == NULL && step->until == 0);
            cr_assert_not_null(step->change->actual, "seed %d", seed);
            released++;
            continue;
        }
        held++;
        blockers[step->blocker]++;
        cr_assert(step->why != NULL && step->why[0] != '\0', "seed %d", seed);
        cr_assert(step->frees != NULL && step->frees[0] != '\0', "seed %d", seed);
        cr_assert(step->until == 0 || step->until > now, "seed %d", seed);
        if (step->until != 0 && (wake == 0 || step->until < wake))
            wake = step->until;
    }
    cr_assert_eq(plan->released, released);
    cr_assert_eq(plan->held, held);
    cr_assert_eq(plan->wake, wake);
    for (int i = 0; i < KEDGE_BLOCKER_COUNT; i++)
        cr_assert_eq(plan->blockers[i], blockers[i]);
}

/* Passes follow each other, each obeyed in full, until one releases nothing: then all that is left
 * is held, and everything that was released is done. */
Test(schedule, passes_end_with_held_steps_only)
{
    const kedge_ms now = 1767225600000;
    for (int seed = 1; seed <= 150; seed++) {
        struct world w = world_make((uint64_t)seed);
        struct kedge_actual actual = {0};
        const struct kedge_desired *desired = resolve(&w);
        world_actual(&w, desired, &actual);
        for (int pass = 0;; pass++) {
            cr_assert_lt(pass, 20, "seed %d does not converge", seed);
            const struct kedge_changes *changes = kedge_diff_fleet(&w.arena, desired, &actual);
            const struct kedge_plan *plan =
                kedge_schedule_plan(&w.arena, changes, desired, &actual, now);
            cr_assert_eq(plan->count, changes->count);
            expect_explained(plan, now, seed);
            expect_within_budget(&w, plan, held_instances(&actual), seed);
            if (plan->released == 0)
                break;
            for (size_t i = 0; i < plan->count; i++)
                if (plan->steps[i].blocker == KEDGE_BLOCKER_NONE)
                    world_apply(&actual, plan->steps[i].change);
        }
        kedge_actual_release(&actual);
        world_release(&w);
    }
    kedge_test_no_leaks();
}

Test(schedule, no_changes_no_steps_and_equal_inputs_equal_digests)
{
    struct world w = world_make(501);
    struct kedge_actual actual = {0};
    const struct kedge_desired *desired = resolve(&w);
    world_actual(&w, desired, &actual);
    const struct kedge_changes *none = &(struct kedge_changes){0};
    const struct kedge_plan *empty = kedge_schedule_plan(&w.arena, none, desired, &actual, 1);
    cr_expect_eq(empty->count, 0);
    cr_expect_eq(empty->released + empty->held, 0);
    cr_expect_eq(empty->wake, 0);
    const struct kedge_changes *changes = kedge_diff_fleet(&w.arena, desired, &actual);
    const struct kedge_plan *one = kedge_schedule_plan(&w.arena, changes, desired, &actual, 1);
    const struct kedge_plan *two = kedge_schedule_plan(&w.arena, changes, desired, &actual, 1);
    cr_expect(kedge_digest_equal(&one->digest, &two->digest));
    cr_expect(kedge_digest_equal(&one->inventory, &empty->inventory));
    cr_expect_not(kedge_digest_equal(&one->digest, &empty->digest));
    world_apply(&actual, &changes->at[0]);
    const struct kedge_plan *moved = kedge_schedule_plan(&w.arena, none, desired, &actual, 1);
    cr_expect_not(kedge_digest_equal(&moved->inventory, &empty->inventory));
    kedge_actual_release(&actual);
    world_release(&w);
}

/* One device, one model: a step that every rule lets through, and one thing wrong with it. */
struct scene {
    struct kedge_model_version version;
    struct kedge_evaluation evaluations[2];
    struct kedge_sla sla;
    struct kedge_arena arena;
    struct kedge_suspend suspend;
    struct kedge_requires requires;
    struct kedge_deployment deployment, other;
    struct kedge_device device;
    struct kedge_policy policy, tighter;
    struct kedge_window window;
    struct kedge_desired_assignment want, needed;
    struct kedge_signature signatures[2];
    struct kedge_desired_device *row;
    struct kedge_specs specs;
    struct kedge_desired desired;
    struct kedge_progress progress;
    struct kedge_reported have;
    struct kedge_actual_device *actual;
    bool reported;
    struct kedge_identities identities;
    struct kedge_change change;
};

static const kedge_ms noon = 1767268800000; /* 2026-01-01T12:00:00Z */

static void set_scene(struct scene *s)
{
    s->deployment.object.name = "one";
    s->other.object.name = "base";
    s->device.object.name = "dev";
    s->device.public_key[0] = 1;
    s->want =
        (struct kedge_desired_assignment){.assignment = {.instance = "m",
                                                         .deployment = "one",
                                                         .version = "1.0.0",
                                                         .artifact = {.size = 100},
                                                         .runtime.driver = KEDGE_DRIVER_PROCESS},
                                          .deployment = &s->deployment,
                                          .requires = &s->requires,
                                          .stage = KEDGE_STAGE_READY};
    s->needed = s->want;
    s->needed.assignment.instance = "a";
    s->needed.assignment.deployment = "base";
    s->needed.deployment = &s->other;
    s->row = kedge_arena_alloc(&s->arena, sizeof *s->row + 2 * sizeof(void *));
    s->row->name = "dev";
    s->row->device = &s->device;
    s->row->count = 2;
    s->row->assignments[0] = &s->needed;
    s->row->assignments[1] = &s->want;
    s->actual = kedge_actual_device_new("dev");
    s->reported = true;
    s->have = (struct kedge_reported){.instance = "a", .verified = true};
    s->actual->report.instances = &s->have;
    s->actual->report.instance_count = 1;
    s->actual->report.disk_free = 1000;
    s->progress = (struct kedge_progress){.instance = "m", .state = KEDGE_ACTION_FAILED};
    s->window.object.name = "night";
    s->window.duration = 3600000;
    s->policy.object.name = "guard";
    s->change = (struct kedge_change){.device = "dev",
                                      .instance = "m",
                                      .verb = KEDGE_VERB_DEPLOY,
                                      .to = "1.0.0"};
}

static void bend_nothing(struct scene *s)
{
    (void)s;
}
static void bend_deployment_suspended(struct scene *s)
{
    s->suspend = (struct kedge_suspend){"audit", "ann", noon + 5000};
    s->deployment.suspend = &s->suspend;
}
static void bend_device_suspended(struct scene *s)
{
    s->suspend = (struct kedge_suspend){"audit", "ann", 0};
    s->device.suspend = &s->suspend;
}
static void bend_suspension_over(struct scene *s)
{
    s->suspend = (struct kedge_suspend){"audit", "ann", noon};
    s->device.suspend = &s->suspend;
}
static void need_base(struct scene *s)
{
    static const char *const names[] = {"base"};
    s->deployment.depends_on = (struct kedge_strings){names, 1};
}
static void bend_dependency_met(struct scene *s)
{
    need_base(s);
}
static void bend_dependency(struct scene *s)
{
    need_base(s);
    s->have.verified = false;
}
static void bend_dependency_degraded(struct scene *s)
{
    need_base(s);
    s->have.health = KEDGE_HEALTH_DEGRADED;
}
static void bend_dependency_elsewhere(struct scene *s)
{
    need_base(s);
    s->have.verified = false;
    s->needed.assignment.deployment = "third";
}
static void bend_arch(struct scene *s)
{
    static const char *const arches[] = {"arm64", "riscv64"};
    s->requires.arch = (struct kedge_strings){arches, 2};
    s->actual->report.capacity.arch = "amd64";
}
static void bend_memory(struct scene *s)
{
    s->requires.memory = 2000;
    s->device.capacity.memory = 1000;
}
static void bend_accelerator(struct scene *s)
{
    static const char *const names[] = {"npu"};
    s->requires.accelerators = (struct kedge_strings){names, 1};
    s->device.capacity.arch = "arm64";
}
static void bend_driver(struct scene *s)
{
    static const char *const names[] = {"files"};
    s->actual->report.runtimes = (struct kedge_strings){names, 1};
}
static void bend_runtime(struct scene *s)
{
    static const char *const wanted[] = {"python3.11"}, *const has[] = {"process", "lua5.4"};
    s->requires.runtimes = (struct kedge_strings){wanted, 1};
    s->actual->report.runtimes = (struct kedge_strings){has, 2};
}
static void bend_agent(struct scene *s)
{
    cr_assert_eq(kedge_range_parse(&s->arena, "^2", &s->requires.agent, NULL), 0);
    s->actual->report.agent = "1.9.0";
}
static void bend_disk(struct scene *s)
{
    s->requires.disk = 901;
}
static void bend_entitlement(struct scene *s)
{
    s->device.entitlement = "basic";
    s->device.entitled_until = noon;
}
static void bend_stage(struct scene *s)
{
    s->policy.require_ready = true;
    s->want.stage = KEDGE_STAGE_DRAFT;
}
static void bend_draft_without_policy(struct scene *s)
{
    s->want.stage = KEDGE_STAGE_DRAFT;
}
static void scan(struct scene *s, const char *verdict)
{
    s->policy.require_scanned = true;
    s->version.scan.verdict = verdict;
    s->want.source = &s->version.object;
}
static void bend_unscanned(struct scene *s)
{
    scan(s, NULL);
}
static void bend_scan_findings(struct scene *s)
{
    scan(s, "findings");
}
static void bend_scan_clean(struct scene *s)
{
    scan(s, "clean");
}
/* The SLA wants an accuracy of 0.9 on a data set, and 50 ms. */
static void evaluate(struct scene *s, const char *metric, const char *dataset, double value)
{
    static const struct kedge_objective objectives[] = {
        {KEDGE_METRIC_ACCURACY, .has_min = true, .bound = 0.9, .dataset = "gears"},
        {KEDGE_METRIC_LATENCY_P95, .has_max = true, .bound = 50},
    };
    s->policy.require_validated = true;
    s->sla.object.name = "sla";
    s->sla.objectives = objectives;
    s->sla.objective_count = KEDGE_COUNT(objectives);
    s->specs.kinds[KEDGE_KIND_SLA] = kedge_table_build(&s->arena, &(const void *){&s->sla}, 1);
    s->want.assignment.sla = "sla";
    s->want.source = &s->version.object;
    s->version.release.version_text = "2.0.0";
    s->evaluations[s->version.evaluation_count++] =
        (struct kedge_evaluation){dataset, metric, value};
    s->version.evaluations = s->evaluations;
}
static void bend_validated(struct scene *s)
{
    evaluate(s, "accuracy", "gears", 0.9);
}
static void bend_inaccurate(struct scene *s)
{
    evaluate(s, "accuracy", "gears", 0.89);
}
static void bend_on_other_data(struct scene *s)
{
    evaluate(s, "accuracy", "bolts", 0.99);
}
static void bend_slow(struct scene *s)
{
    bend_validated(s);
    evaluate(s, "latencyP95", NULL, 51);
}
static void bend_fast(struct scene *s)
{
    bend_validated(s);
    evaluate(s, "latencyP95", NULL, 50);
}
static void bend_evaluated_without_sla(struct scene *s)
{
    bend_validated(s);
    s->want.assignment.sla = NULL;
}
static void bend_never_evaluated(struct scene *s)
{
    bend_evaluated_without_sla(s);
    s->version.evaluation_count = 0;
}
static void bend_application(struct scene *s)
{
    bend_never_evaluated(s);
    bend_unscanned(s);
    s->want.assignment.kind = KEDGE_KIND_APPLICATION;
}
static void sign(struct scene *s, uint32_t count, const char *second)
{
    s->signatures[0] = (struct kedge_signature){.key_id = "A", .value = "one"};
    s->signatures[1] = (struct kedge_signature){.key_id = second, .value = "two"};
    s->want.assignment.signatures = s->signatures;
    s->want.assignment.signature_count = count;
}
static void bend_unsigned(struct scene *s)
{
    s->want.assignment.artifact.url = "hub:";
    s->want.assignment.release_keys = 1;
}
static void bend_signed(struct scene *s)
{
    bend_unsigned(s);
    sign(s, 1, NULL);
}
static void bend_signed_once(struct scene *s)
{
    bend_signed(s);
    s->want.assignment.release_keys = 2;
}
static void bend_signed_twice(struct scene *s)
{
    bend_signed_once(s);
    sign(s, 2, "B");
}
static void bend_signed_by_one_twice(struct scene *s)
{
    bend_signed_once(s);
    sign(s, 2, "A");
}
static void bend_nothing_to_sign(struct scene *s)
{
    bend_signed(s);
    s->want.assignment.artifact.url = NULL;
}
static void bend_refused(struct scene *s)
{
    sign(s, 1, NULL);
    s->actual->report.progress = &s->progress;
    s->actual->report.progress_count = 1;
    s->progress.denial = KEDGE_DENIAL_UNSIGNED;
    s->progress.vouchers = kedge_assignment_vouchers(&s->want.assignment);
}
static void bend_refused_before(struct scene *s)
{
    bend_refused(s);
    sign(s, 2, "B");
}
static void bend_below(struct scene *s)
{
    bend_refused(s);
    s->progress.denial = KEDGE_DENIAL_ROLLBACK;
}
static void bend_closed(struct scene *s)
{
    cr_assert_eq(kedge_cron_parse("0 3 * * *", &s->window.cron, NULL), 0);
}
static void bend_open(struct scene *s)
{
    cr_assert_eq(kedge_cron_parse("30 11 * * *", &s->window.cron, NULL), 0);
}
static void bend_denied(struct scene *s)
{
    bend_open(s);
    s->window.deny = true;
}
static void bend_denied_before(struct scene *s)
{
    cr_assert_eq(kedge_cron_parse("0 11 * * *", &s->window.cron, NULL), 0); /* ends at noon */
    s->window.deny = true;
}
static void bend_failed(struct scene *s)
{
    s->actual->report.progress = &s->progress;
    s->actual->report.progress_count = 1;
}
static void bend_failed_before(struct scene *s)
{
    bend_failed(s);
    s->progress.content = kedge_digest_of("another", 7);
}
static void bend_key(struct scene *s)
{
    s->device.public_key[0] = 0;
}
static void bend_key_enrolled(struct scene *s)
{
    bend_key(s);
    kedge_identity_add(&s->identities, s->device.object.name)->key[0] = 5;
}
static void bend_key_refused(struct scene *s)
{
    kedge_identity_refuse(&s->identities, s->device.public_key);
}
static void bend_identity(struct scene *s)
{
    struct kedge_identity *row = kedge_identity_add(&s->identities, s->device.object.name);
    kedge_identity_text(&row->hold, "two devices report with its key");
    kedge_identity_text(&row->frees, "when one of them is enrolled anew");
}
static void bend_offline(struct scene *s)
{
    s->reported = false;
}
static void destroy(struct scene *s)
{
    s->change.verb = KEDGE_VERB_DESTROY;
    s->change.to = NULL;
    s->policy.has_destroy_budget = true;
}
static void bend_budget(struct scene *s)
{
    destroy(s);
}
static void bend_budget_percent(struct scene *s)
{
    destroy(s);
    s->policy.destroy_budget = 99;
    s->policy.destroy_budget_percent = true;
}
static void bend_budget_enough(struct scene *s)
{
    destroy(s);
    s->policy.destroy_budget = 1;
}
static void bend_budgets(struct scene *s)
{
    bend_budget_enough(s);
    s->tighter.object.name = "tighter";
    s->tighter.has_destroy_budget = true;
}
static void bend_left(struct scene *s)
{
    destroy(s);
    s->row = NULL;
}

static const struct {
    const char *about;
    void (*bend)(struct scene *);
    enum kedge_blocker blocker;
    kedge_ms until;
} rows[] = {
    {"nothing", bend_nothing, KEDGE_BLOCKER_NONE, 0},
    {"deployment suspended", bend_deployment_suspended, KEDGE_BLOCKER_SUSPENDED, 5000},
    {"device suspended", bend_device_suspended, KEDGE_BLOCKER_SUSPENDED, 0},
    {"suspension over", bend_suspension_over, KEDGE_BLOCKER_NONE, 0},
    {"dependency healthy", bend_dependency_met, KEDGE_BLOCKER_NONE, 0},
    {"dependency unverified", bend_dependency, KEDGE_BLOCKER_DEPENDENCY, 0},
    {"dependency degraded", bend_dependency_degraded, KEDGE_BLOCKER_DEPENDENCY, 0},
    {"dependency elsewhere", bend_dependency_elsewhere, KEDGE_BLOCKER_NONE, 0},
    {"arch", bend_arch, KEDGE_BLOCKER_REQUIREMENT, 0},
    {"memory", bend_memory, KEDGE_BLOCKER_REQUIREMENT, 0},
    {"accelerator", bend_accelerator, KEDGE_BLOCKER_REQUIREMENT, 0},
    {"driver", bend_driver, KEDGE_BLOCKER_REQUIREMENT, 0},
    {"runtime", bend_runtime, KEDGE_BLOCKER_REQUIREMENT, 0},
    {"agent", bend_agent, KEDGE_BLOCKER_REQUIREMENT, 0},
    {"disk", bend_disk, KEDGE_BLOCKER_DISK, 0},
    {"entitlement over", bend_entitlement, KEDGE_BLOCKER_ENTITLEMENT, 0},
    {"draft", bend_stage, KEDGE_BLOCKER_STAGE, 0},
    {"draft, no policy", bend_draft_without_policy, KEDGE_BLOCKER_NONE, 0},
    {"not scanned", bend_unscanned, KEDGE_BLOCKER_UNSCANNED, 0},
    {"scanned with findings", bend_scan_findings, KEDGE_BLOCKER_UNSCANNED, 0},
    {"scanned clean", bend_scan_clean, KEDGE_BLOCKER_NONE, 0},
    {"validated", bend_validated, KEDGE_BLOCKER_NONE, 0},
    {"below its accuracy", bend_inaccurate, KEDGE_BLOCKER_UNVALIDATED, 0},
    {"accurate on other data", bend_on_other_data, KEDGE_BLOCKER_UNVALIDATED, 0},
    {"too slow", bend_slow, KEDGE_BLOCKER_UNVALIDATED, 0},
    {"fast enough", bend_fast, KEDGE_BLOCKER_NONE, 0},
    {"evaluated, without SLA", bend_evaluated_without_sla, KEDGE_BLOCKER_NONE, 0},
    {"never evaluated", bend_never_evaluated, KEDGE_BLOCKER_UNVALIDATED, 0},
    {"an application has no gates", bend_application, KEDGE_BLOCKER_NONE, 0},
    {"unsigned", bend_unsigned, KEDGE_BLOCKER_UNSIGNED, 0},
    {"signed", bend_signed, KEDGE_BLOCKER_NONE, 0},
    {"signed by one of two", bend_signed_once, KEDGE_BLOCKER_UNSIGNED, 0},
    {"signed by two", bend_signed_twice, KEDGE_BLOCKER_NONE, 0},
    {"signed twice by one", bend_signed_by_one_twice, KEDGE_BLOCKER_UNSIGNED, 0},
    {"nothing that could be signed", bend_nothing_to_sign, KEDGE_BLOCKER_UNSIGNED, 0},
    {"refused by the device", bend_refused, KEDGE_BLOCKER_UNSIGNED, 0},
    {"refused, and signed since", bend_refused_before, KEDGE_BLOCKER_NONE, 0},
    {"below the release counter", bend_below, KEDGE_BLOCKER_ROLLBACK, 0},
    {"window closed", bend_closed, KEDGE_BLOCKER_WINDOW, 15 * 3600000},
    {"window open", bend_open, KEDGE_BLOCKER_NONE, 0},
    {"window denies", bend_denied, KEDGE_BLOCKER_WINDOW, 1800000},
    {"window denied until now", bend_denied_before, KEDGE_BLOCKER_NONE, 0},
    {"failed here", bend_failed, KEDGE_BLOCKER_FAILED, 0},
    {"another content failed", bend_failed_before, KEDGE_BLOCKER_NONE, 0},
    {"no key", bend_key, KEDGE_BLOCKER_KEY, 0},
    {"no key but an enrolled one", bend_key_enrolled, KEDGE_BLOCKER_NONE, 0},
    {"a refused key", bend_key_refused, KEDGE_BLOCKER_KEY, 0},
    {"held by its identity", bend_identity, KEDGE_BLOCKER_IDENTITY, 0},
    {"never reported", bend_offline, KEDGE_BLOCKER_OFFLINE, 0},
    {"no budget", bend_budget, KEDGE_BLOCKER_BUDGET, 0},
    {"99% of one", bend_budget_percent, KEDGE_BLOCKER_BUDGET, 0},
    {"budget of one", bend_budget_enough, KEDGE_BLOCKER_NONE, 0},
    {"two budgets, one none", bend_budgets, KEDGE_BLOCKER_BUDGET, 0},
    {"left the manifests", bend_left, KEDGE_BLOCKER_KEY, 0},
};

static const struct kedge_plan *play_all(struct scene *s, const struct kedge_change *at,
                                         size_t count)
{
    const void *deployments[] = {&s->other, &s->deployment};
    s->specs.kinds[KEDGE_KIND_DEPLOYMENT] = kedge_table_build(&s->arena, deployments, 2);
    const void *policies[] = {&s->policy, &s->tighter};
    s->specs.kinds[KEDGE_KIND_POLICY] =
        kedge_table_build(&s->arena, policies, s->tighter.object.name == NULL ? 1 : 2);
    if (s->window.cron.minutes != 0) {
        cr_assert_eq(kedge_zone_load(&s->arena, "UTC", &s->window.zone, NULL), 0);
        s->specs.kinds[KEDGE_KIND_MAINTENANCE_WINDOW] =
            kedge_table_build(&s->arena, &(const void *){&s->window}, 1);
    }
    s->desired.specs = &s->specs;
    struct kedge_changes *changes = kedge_arena_new(&s->arena, struct kedge_changes);
    *changes = (struct kedge_changes){.at = at, .count = count};
    struct kedge_actual_device *rows_held[] = {s->actual};
    struct kedge_actual actual = {.at = rows_held,
                                  .count = s->reported,
                                  .capacity = 1,
                                  .identities = s->identities};
    return kedge_schedule_plan(&s->arena, changes, &s->desired, &actual, noon);
}

static const struct kedge_plan *play(struct scene *s)
{
    s->change.desired = s->row;
    s->change.actual = s->reported ? s->actual : NULL;
    s->change.want = s->change.verb == KEDGE_VERB_DESTROY ? NULL : &s->want;
    s->change.have = s->change.verb == KEDGE_VERB_DESTROY ? &s->have : NULL;
    return play_all(s, &s->change, 1);
}

Test(schedule, each_rule_holds_what_it_is_for)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct scene s = {0};
        set_scene(&s);
        rows[i].bend(&s);
        const struct kedge_plan *plan = play(&s);
        const struct kedge_step *step = &plan->steps[0];
        cr_expect_eq(step->blocker, rows[i].blocker, "%s: %s (%s)", rows[i].about,
                     kedge_word_name(&kedge_blocker_words, (int)step->blocker), step->why);
        cr_expect_eq(step->until, rows[i].until == 0 ? 0 : noon + rows[i].until, "%s",
                     rows[i].about);
        expect_explained(plan, noon, (int)i);
        kedge_actual_device_free(s.actual);
        kedge_identity_release(&s.identities);
        kedge_arena_release(&s.arena);
    }
    kedge_test_no_leaks();
}

Test(schedule, waves_follow_dependencies)
{
    struct scene s = {0};
    set_scene(&s);
    need_base(&s);
    cr_expect_eq(play(&s)->steps[0].wave, 2u);
    /* A circle ends, and holds. */
    static const char *const names[] = {"one"};
    s.other.depends_on = (struct kedge_strings){names, 1};
    s.have.verified = false;
    const struct kedge_plan *plan = play(&s);
    cr_expect_gt(plan->steps[0].wave, 1u);
    cr_expect_eq(plan->steps[0].blocker, KEDGE_BLOCKER_DEPENDENCY);
    kedge_actual_device_free(s.actual);
    kedge_arena_release(&s.arena);
}

/* Two steps that fit alone do not fit together: the second waits for what the first leaves. */
Test(schedule, steps_of_a_device_share_its_disk)
{
    struct scene s = {0};
    set_scene(&s);
    s.requires.disk = 500;
    play(&s);
    struct kedge_change both[] = {s.change, s.change};
    both[0].want = &s.needed;
    both[0].instance = "a";
    const struct kedge_plan *plan = play_all(&s, both, 2);
    cr_expect_eq(plan->steps[0].blocker, KEDGE_BLOCKER_NONE);
    cr_expect_eq(plan->steps[1].blocker, KEDGE_BLOCKER_DISK);
    s.actual->report.disk_free = 1200;
    cr_expect_eq(play_all(&s, both, 2)->released, 2);
    kedge_actual_device_free(s.actual);
    kedge_arena_release(&s.arena);
}
