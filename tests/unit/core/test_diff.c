/* SPDX-License-Identifier: Apache-2.0 */
#include "core/diff.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "core/resolve.h"
#include "lib/leak.h"
#include "state/action.h"
#include "world.h"

/* The first valid revision of a world from `seed` on. */
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

static void expect_sorted(const struct kedge_changes *changes, int seed)
{
    size_t verbs = 0;
    for (size_t i = 1; i < changes->count; i++) {
        const struct kedge_change *a = &changes->at[i - 1], *b = &changes->at[i];
        int order = strcmp(a->device, b->device);
        cr_assert(order < 0 || (order == 0 && strcmp(a->instance, b->instance) < 0), "seed %d",
                  seed);
    }
    for (int i = 0; i < KEDGE_VERB_COUNT; i++)
        verbs += changes->verbs[i];
    cr_assert_eq(verbs, changes->count, "seed %d", seed);
}

/* Obeying every change leaves nothing to do. */
Test(diff, applied_changes_leave_none)
{
    for (int seed = 1; seed <= 200; seed++) {
        struct world w = world_make((uint64_t)seed);
        struct kedge_actual actual = {0};
        const struct kedge_desired *desired = resolve(&w);
        world_actual(&w, desired, &actual);
        const struct kedge_changes *changes = kedge_diff_fleet(&w.arena, desired, &actual);
        expect_sorted(changes, seed);
        for (size_t i = 0; i < changes->count; i++)
            world_apply(&actual, &changes->at[i]);
        const struct kedge_changes *again = kedge_diff_fleet(&w.arena, desired, &actual);
        cr_assert_eq(again->count, 0, "seed %d: %s of '%s' on '%s'", seed,
                     kedge_word_name(&kedge_verb_words, (int)again->at[0].verb),
                     again->at[0].instance, again->at[0].device);
        cr_assert_eq(again->devices, 0);
        kedge_actual_release(&actual);
        world_release(&w);
    }
    kedge_test_no_leaks();
}

static bool same_change(const struct kedge_change *a, const struct kedge_change *b)
{
    return strcmp(a->device, b->device) == 0 && strcmp(a->instance, b->instance) == 0 &&
           a->verb == b->verb && a->drift == b->drift && a->want == b->want && a->have == b->have;
}

/* The incremental pass over all names finds what the full pass finds, and the ids of actions are
 * the same. */
Test(diff, named_devices_give_the_same_changes_and_ids)
{
    for (int seed = 301; seed <= 340; seed++) {
        struct world w = world_make((uint64_t)seed);
        struct kedge_actual actual = {0};
        const struct kedge_desired *desired = resolve(&w);
        world_actual(&w, desired, &actual);
        const struct kedge_changes *full = kedge_diff_fleet(&w.arena, desired, &actual);
        const char *names[WORLD_DEVICES + 1];
        for (size_t i = 0; i <= WORLD_DEVICES; i++)
            names[i] = kedge_arena_printf(&w.arena, "d%02zu", i);
        const struct kedge_changes *named =
            kedge_diff_devices(&w.arena, desired, &actual, names, KEDGE_COUNT(names));
        cr_assert_eq(full->count, named->count, "seed %d", seed);
        cr_assert_eq(full->unknown, named->unknown, "seed %d", seed);
        cr_assert_eq(full->drifted, named->drifted, "seed %d", seed);
        for (size_t i = 0; i < full->count; i++) {
            struct kedge_action one, two, other;
            cr_assert(same_change(&full->at[i], &named->at[i]), "seed %d", seed);
            kedge_action_from_change(&full->at[i], "c1", &one);
            kedge_action_from_change(&named->at[i], "c1", &two);
            kedge_action_from_change(&named->at[i], "c2", &other);
            cr_assert_str_eq(one.id, two.id);
            cr_assert_str_neq(one.id, other.id);
        }
        kedge_actual_release(&actual);
        world_release(&w);
    }
}

/* What a commit does, told without live state, is what a fleet that was in sync is told. */
Test(diff, revisions_against_each_other)
{
    for (int seed = 401; seed <= 440; seed++) {
        struct world w = world_make((uint64_t)seed);
        const struct kedge_desired *before = resolve(&w);
        for (int i = 0; i < 5; i++)
            world_edit(&w);
        const struct kedge_desired *after = resolve(&w);
        struct kedge_actual actual = {0}, none = {0};
        const struct kedge_changes *all = kedge_diff_fleet(&w.arena, before, &none);
        for (size_t i = 0; i < all->count; i++)
            world_apply(&actual, &all->at[i]);
        const struct kedge_changes *dry = kedge_diff_desired(&w.arena, before, after);
        expect_sorted(dry, seed);
        for (size_t i = 0; i < dry->count; i++)
            cr_assert_eq(dry->at[i].drift, KEDGE_DRIFT_NONE, "seed %d", seed);
        const struct kedge_changes *same = kedge_diff_desired(&w.arena, after, after);
        cr_assert_eq(same->count, 0, "seed %d", seed);
        const struct kedge_changes *live = kedge_diff_fleet(&w.arena, after, &actual);
        /* Deployments that kept `prune: false` in the old revision alone differ. */
        cr_assert_leq(dry->count, live->count, "seed %d", seed);
        cr_assert_eq(dry->verbs[KEDGE_VERB_UPDATE], live->verbs[KEDGE_VERB_UPDATE], "seed %d",
                     seed);
        cr_assert_eq(dry->verbs[KEDGE_VERB_DEPLOY], live->verbs[KEDGE_VERB_DEPLOY], "seed %d",
                     seed);
        kedge_actual_release(&actual);
        world_release(&w);
    }
    kedge_test_no_leaks();
}

/* One instance on one device, each way it can differ. */
struct held {
    bool there, same, extra_listed, accepted, in_progress;
    enum kedge_integrity integrity;
    enum kedge_run_state state;
};

static const struct {
    const char *about;
    bool wanted, keep;
    struct held held;
    int verb; /* -1: no change */
    enum kedge_drift drift;
} rows[] = {
    {"in sync", true, false, {.there = true, .same = true}, -1, 0},
    {"nothing there", true, false, {0}, KEDGE_VERB_DEPLOY, KEDGE_DRIFT_NONE},
    {"was there",
     true,
     false,
     {.extra_listed = true, .accepted = true},
     KEDGE_VERB_DEPLOY,
     KEDGE_DRIFT_MISSING},
    {"not yet taken", true, false, {.extra_listed = true}, KEDGE_VERB_DEPLOY, KEDGE_DRIFT_NONE},
    {"on its way",
     true,
     false,
     {.extra_listed = true, .accepted = true, .in_progress = true},
     KEDGE_VERB_DEPLOY,
     KEDGE_DRIFT_NONE},
    {"other content", true, false, {.there = true}, KEDGE_VERB_UPDATE, KEDGE_DRIFT_NONE},
    {"modified",
     true,
     false,
     {.there = true, .same = true, .integrity = KEDGE_INTEGRITY_MODIFIED},
     KEDGE_VERB_UPDATE,
     KEDGE_DRIFT_MODIFIED},
    {"files gone",
     true,
     false,
     {.there = true, .same = true, .integrity = KEDGE_INTEGRITY_MISSING},
     KEDGE_VERB_DEPLOY,
     KEDGE_DRIFT_MISSING},
    {"stopped",
     true,
     false,
     {.there = true, .same = true, .state = KEDGE_RUN_STOPPED},
     KEDGE_VERB_START,
     KEDGE_DRIFT_NONE},
    {"not wanted",
     false,
     false,
     {.there = true, .same = true},
     KEDGE_VERB_DESTROY,
     KEDGE_DRIFT_NONE},
    {"not wanted, not pruned", false, true, {.there = true, .same = true}, -1, 0},
    {"foreign",
     false,
     false,
     {.there = true, .integrity = KEDGE_INTEGRITY_EXTRA},
     KEDGE_VERB_DESTROY,
     KEDGE_DRIFT_EXTRA},
    {"foreign, not pruned",
     false,
     true,
     {.there = true, .integrity = KEDGE_INTEGRITY_EXTRA},
     KEDGE_VERB_DESTROY,
     KEDGE_DRIFT_EXTRA},
};

static struct kedge_actual_device *make_row(const struct held *held,
                                            const struct kedge_digest *content)
{
    static const char *const names[] = {"m"};
    struct kedge_actual_device *row = kedge_actual_device_new("dev");
    row->report.instances = kedge_arena_new(&row->arena, struct kedge_reported);
    row->report.instances[0] = (struct kedge_reported){
        .instance = "m",
        .deployment = "one",
        .version = "1.0.0",
        .content = held->same ? *content : kedge_digest_of("x", 1),
        .integrity = held->integrity,
        .state = held->state,
        .verified = true,
    };
    row->report.instance_count = held->there;
    row->generation = 7;
    row->report.generation = held->accepted ? 7 : 6;
    if (held->extra_listed)
        row->authorised = (struct kedge_strings){names, 1};
    row->report.progress = kedge_arena_new(&row->arena, struct kedge_progress);
    row->report.progress[0] =
        (struct kedge_progress){.instance = "m", .state = KEDGE_ACTION_DOWNLOADING};
    row->report.progress_count = held->in_progress;
    kedge_actual_device_seal(row);
    return row;
}

Test(diff, each_difference_has_its_verb_and_drift)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        struct kedge_deployment deployment = {.object.name = "one", .prune = !rows[i].keep};
        struct kedge_device device = {.object.name = "dev"};
        struct kedge_desired_assignment want = {.assignment = {.instance = "m",
                                                               .deployment = "one",
                                                               .version = "1.0.0"},
                                                .deployment = &deployment};
        kedge_assignment_seal(&want.assignment);
        struct kedge_desired_device *row =
            kedge_arena_alloc(&arena, sizeof *row + sizeof(struct kedge_desired_assignment *));
        row->name = "dev";
        row->device = &device;
        row->count = rows[i].wanted;
        row->assignments[0] = &want;
        const struct kedge_assignment *assignment = &want.assignment;
        row->set = kedge_assignment_set_digest(&assignment, row->count);
        struct kedge_specs specs = {0};
        specs.kinds[KEDGE_KIND_DEPLOYMENT] =
            kedge_table_build(&arena, &(const void *){&deployment}, 1);
        struct kedge_desired desired = {.specs = &specs,
                                        .devices =
                                            kedge_table_build(&arena, &(const void *){row}, 1)};
        struct kedge_actual actual = {0};
        kedge_actual_put(&actual, make_row(&rows[i].held, &want.assignment.content));
        const struct kedge_changes *changes = kedge_diff_fleet(&arena, &desired, &actual);
        cr_expect_eq(changes->count, rows[i].verb >= 0, "%s", rows[i].about);
        if (changes->count == 1 && rows[i].verb >= 0) {
            cr_expect_eq((int)changes->at[0].verb, rows[i].verb, "%s", rows[i].about);
            cr_expect_eq(changes->at[0].drift, rows[i].drift, "%s", rows[i].about);
            cr_expect_eq(changes->drifted, rows[i].drift != KEDGE_DRIFT_NONE, "%s", rows[i].about);
            cr_expect_not_null(changes->at[0].reason);
        }
        kedge_actual_release(&actual);
    }
    kedge_test_no_leaks();
}

/* A device that was told to go, or has gone, is nobody's to change. */
Test(diff, nothing_is_wanted_of_a_device_that_leaves)
{
    for (int seed = 1; seed <= 20; seed++) {
        struct world w = world_make((uint64_t)seed);
        struct kedge_actual actual = {0};
        const struct kedge_desired *desired = resolve(&w);
        world_actual(&w, desired, &actual);
        const struct kedge_changes *changes = kedge_diff_fleet(&w.arena, desired, &actual);
        while (changes->count > 0) {
            const char *device = changes->at[0].device;
            kedge_identity_add(&actual.identities, device)->standing = KEDGE_STANDING_LEAVING;
            cr_assert_eq(kedge_diff_devices(&w.arena, desired, &actual, &device, 1)->count, 0);
            size_t before = changes->count;
            changes = kedge_diff_fleet(&w.arena, desired, &actual);
            cr_assert_lt(changes->count, before);
            cr_assert(changes->count == 0 || strcmp(changes->at[0].device, device) != 0);
        }
        kedge_actual_release(&actual);
        world_release(&w);
    }
    kedge_test_no_leaks();
}
