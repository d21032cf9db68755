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
