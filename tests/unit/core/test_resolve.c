/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resolve.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "lib/leak.h"
#include "world.h"

/* Rows, assignments and totals are the same, whoever owns the memory. */
static void expect_same(const struct kedge_desired *a, const struct kedge_desired *b,
                        const char *about, int seed)
{
    cr_assert_eq(a->assignments, b->assignments, "%s, seed %d", about, seed);
    cr_assert_eq(kedge_table_count(a->devices), kedge_table_count(b->devices), "%s, seed %d", about,
                 seed);
    struct kedge_table_iter i = {0}, k = {0};
    const struct kedge_desired_device *x, *y;
    size_t total = 0;
    while ((x = kedge_table_next(a->devices, &i)) && (y = kedge_table_next(b->devices, &k))) {
        cr_assert_str_eq(x->name, y->name, "%s, seed %d", about, seed);
        cr_assert_eq(x->device, y->device, "%s, seed %d, device %s", about, seed, x->name);
        cr_assert_eq(x->count, y->count, "%s, seed %d, device %s", about, seed, x->name);
        cr_assert(kedge_digest_equal(&x->set, &y->set), "%s, seed %d", about, seed);
        for (uint32_t n = 0; n < x->count; n++) {
            cr_assert_str_eq(x->assignments[n]->json.data, y->assignments[n]->json.data,
                             "%s, seed %d", about, seed);
            cr_assert_eq(x->assignments[n]->deployment, y->assignments[n]->deployment);
        }
        total += x->count;
    }
    cr_assert_eq(total, a->assignments, "%s, seed %d", about, seed);
}

static void expect_same_findings(struct kedge_findings *a, struct kedge_findings *b, int seed)
{
    cr_assert_eq(a->count, b->count, "seed %d", seed);
    kedge_finding_sort(a);
    kedge_finding_sort(b);
    for (size_t i = 0; i < a->count; i++)
        cr_assert_str_eq(a->at[i].message, b->at[i].message, "seed %d", seed);
}

/* A long life of commits: after each, the incremental result is the one made from scratch, whether
 * the commit is valid or not. */
static void live(int seed, bool conflicts)
{
    struct world w = world_make((uint64_t)seed);
    w.conflicts = conflicts;
    const struct kedge_desired *previous = NULL;
    for (int commit = 0; commit < 60; commit++) {
        kedge_auto(kedge_findings) struct kedge_findings one = {0}, two = {0};
        const struct kedge_specs *specs = world_specs(&w);
        const struct kedge_desired *full = NULL, *fast = NULL;
        struct kedge_err err;
        int rc = kedge_resolve_desired(&w.arena, specs, NULL, &one, &full, &err);
        cr_assert_eq(kedge_resolve_desired(&w.arena, specs, previous, &two, &fast, &err), rc,
                     "seed %d", seed);
        expect_same_findings(&one, &two, seed);
        if (rc == 0) {
            expect_same(full, fast, "incremental", seed);
            previous = fast;
        } else {
            cr_assert_null(full, "seed %d", seed);
            cr_assert_gt(one.errors, (size_t)0);
        }
        for (size_t i = 0; i <= kedge_rng_below(&w.rng, 3); i++)
            world_edit(&w);
    }
    world_release(&w);
}

Test(resolve, incremental_is_full)
{
    for (int seed = 1; seed <= 40; seed++)
        live(seed, false);
    kedge_test_no_leaks();
}

Test(resolve, incremental_is_full_with_conflicts)
{
    for (int seed = 101; seed <= 130; seed++)
        live(seed, true);
    kedge_test_no_leaks();
}

/* By definition: each device holds what each deployment that takes it in brings. */
Test(resolve, every_target_and_nobody_else)
{
    for (int seed = 201; seed <= 230; seed++) {
        struct world w = world_make((uint64_t)seed);
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        const struct kedge_specs *specs = world_specs(&w);
        const struct kedge_desired *desired;
        if (kedge_resolve_desired(&w.arena, specs, NULL, &findings, &desired, NULL) == 0) {
            for (size_t d = 0; d < WORLD_DEVICES; d++) {
                if (w.devices[d] == NULL)
                    continue;
                const struct kedge_desired_device *row =
                    kedge_table_find(desired->devices, w.devices[d]->object.name);
                uint32_t expected = 0;
                for (size_t k = 0; k < WORLD_DEPLOYMENTS; k++) {
                    const struct kedge_desired_deployment *claim =
                        w.deployments[k] == NULL
                            ? NULL
                            : kedge_table_find(desired->deployments, w.deployments[k]->object.name);
                    if (claim != NULL &&
                        kedge_spec_is_target(&w.deployments[k]->targets, w.devices[d]))
                        expected += claim->count;
                }
                cr_assert_eq(row->count, expected, "seed %d", seed);
            }
        }
        world_release(&w);
    }
}

Test(resolve, an_unchanged_revision_shares_every_row)
{
    struct world w = world_make(301);
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_desired *first, *second;
    cr_assert_eq(kedge_resolve_desired(&w.arena, world_specs(&w), NULL, &findings, &first, NULL),
                 0);
    cr_assert_eq(kedge_resolve_desired(&w.arena, world_specs(&w), first, &findings, &second, NULL),
                 0);
    cr_expect_eq(first->devices, second->devices);
    world_release(&w);
}

/* One model with versions, one device; rows choose. */
static const struct {
    const char *about;
    const char *versions[4];
    bool drafts[4];
    const char *range;
    const char *chosen; /* NULL: an error */
} choices[] = {
    {"highest", {"1.0.0", "1.2.0", "1.10.0"}, {0}, "*", "1.10.0"},
    {"in range", {"1.0.0", "1.2.0", "2.0.0"}, {0}, "^1", "1.2.0"},
    {"no draft", {"1.0.0", "1.2.0"}, {false, true}, "^1", "1.0.0"},
    {"a draft by name", {"1.0.0", "1.2.0"}, {false, true}, "1.2.0", "1.2.0"},
    {"no prerelease", {"1.0.0", "1.1.0-rc.1"}, {0}, "*", "1.0.0"},
    {"a prerelease by range", {"1.0.0", "1.1.0-rc.1"}, {0}, ">=1.1.0-0", "1.1.0-rc.1"},
    {"out of range", {"1.0.0"}, {0}, "^2", NULL},
    {"drafts only", {"1.0.0"}, {true}, "*", NULL},
    {"no version", {0}, {0}, "*", NULL},
};

static const struct kedge_specs *make_choice(struct kedge_arena *arena, size_t row)
{
    struct kedge_specs *specs = kedge_arena_new(arena, struct kedge_specs);
    struct kedge_device *device = kedge_arena_new(arena, struct kedge_device);
    struct kedge_model *model = kedge_arena_new(arena, struct kedge_model);
    struct kedge_deployment *deployment = kedge_arena_new(arena, struct kedge_deployment);
    const void *versions[4];
    size_t count = 0;
    for (size_t i = 0; i < 4 && choices[row].versions[i] != NULL; i++) {
        struct kedge_model_version *v = kedge_arena_new(arena, struct kedge_model_version);
        v->object.name = kedge_arena_printf(arena, "v%zu", i);
        v->model = "m";
        v->stage = choices[row].drafts[i] ? KEDGE_STAGE_DRAFT : KEDGE_STAGE_READY;
        v->release.version_text = choices[row].versions[i];
        cr_assert_eq(kedge_version_parse(arena, v->release.version_text, &v->release.version, NULL),
                     0);
        versions[count++] = v;
    }
    static const char *const names[] = {"dev"};
    device->object.name = "dev";
    model->object.name = "m";
    deployment->object.name = "one";
    deployment->target = "m";
    deployment->range_text = choices[row].range;
    cr_assert_eq(kedge_range_parse(arena, choices[row].range, &deployment->range, NULL), 0);
    deployment->targets.devices = (struct kedge_strings){names, 1};
    specs->kinds[KEDGE_KIND_DEVICE] = kedge_table_build(arena, &(const void *){device}, 1);
    specs->kinds[KEDGE_KIND_MODEL] = kedge_table_build(arena, &(const void *){model}, 1);
    specs->kinds[KEDGE_KIND_MODEL_VERSION] = kedge_table_build(arena, versions, count);
    specs->kinds[KEDGE_KIND_DEPLOYMENT] = kedge_table_build(arena, &(const void *){deployment}, 1);
    return specs;
}

Test(resolve, chooses_the_highest_ready_version_in_range)
{
    for (size_t i = 0; i < KEDGE_COUNT(choices); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        const struct kedge_desired *desired = NULL;
        struct kedge_err err;
        int rc =
            kedge_resolve_desired(&arena, make_choice(&arena, i), NULL, &findings, &desired, &err);
        if (choices[i].chosen == NULL) {
            cr_expect_eq(rc, KEDGE_INVALID, "%s", choices[i].about);
            cr_assert_eq(findings.errors, 1, "%s", choices[i].about);
            cr_expect_str_eq(findings.at[0].rule, "no-version");
            cr_expect_null(desired);
            continue;
        }
        cr_assert_eq(rc, 0, "%s", choices[i].about);
        const struct kedge_desired_device *row = kedge_table_find(desired->devices, "dev");
        cr_assert_eq(row->count, 1);
        cr_expect_str_eq(row->assignments[0]->assignment.version, choices[i].chosen, "%s",
                         choices[i].about);
    }
}

Test(resolve, a_conflict_names_both_deployments_and_counts_devices)
{
    struct world w = world_make(401);
    w.conflicts = true;
    memset(w.deployments, 0, sizeof w.deployments);
    struct kedge_deployment *pair[2];
    for (size_t i = 0; i < 2; i++) {
        pair[i] = kedge_arena_new(&w.arena, struct kedge_deployment);
        pair[i]->object.name = i == 0 ? "first" : "second";
        pair[i]->target = "m0";
        pair[i]->targets.has_selector = true;
        w.deployments[i] = pair[i];
    }
    size_t devices = 0;
    for (size_t i = 0; i < WORLD_DEVICES; i++)
        devices += w.devices[i] != NULL;
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_desired *desired = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_resolve_desired(&w.arena, world_specs(&w), NULL, &findings, &desired, &err),
                 KEDGE_INVALID);
    cr_assert_eq(findings.errors, 1);
    char more[32];
    snprintf(more, sizeof more, "and %zu more", devices - 1);
    cr_expect_not_null(strstr(findings.at[0].message, "'first'"));
    cr_expect_not_null(strstr(findings.at[0].message, "'second'"));
    cr_expect_not_null(strstr(findings.at[0].message, more), "%s", findings.at[0].message);
    world_release(&w);
}

/* Signatures come from the version, and how many keys it takes from the strictest policy; a policy
 * that changes reaches what is already assigned. */
Test(resolve, signatures_and_their_number_reach_the_assignment)
{
    static const struct {
        bool is_signed;
        uint32_t keys, wanted;
    } policies[] = {{false, 0, 0}, {true, 0, 1}, {false, 3, 3}, {true, 2, 2}};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_signature signature = {.key_id = "A", .value = "one"};
    const struct kedge_specs *base = make_choice(&arena, 0);
    const struct kedge_table *versions = base->kinds[KEDGE_KIND_MODEL_VERSION];
    for (size_t i = 0; i < kedge_table_count(versions); i++) {
        struct kedge_release *release =
            &((struct kedge_model_version *)kedge_table_at(versions, i))->release;
        release->artifact.url = "hub:";
        release->signatures = &signature;
        release->signature_count = 1;
    }
    const struct kedge_desired *desired = NULL;
    for (size_t i = 0; i < KEDGE_COUNT(policies); i++) {
        struct kedge_specs *specs = kedge_arena_new(&arena, struct kedge_specs);
        struct kedge_policy *policy = kedge_arena_array(&arena, 2, sizeof *policy);
        *specs = *base;
        policy[0].object.name = "lax";
        policy[1].object.name = "p";
        policy[1].require_signed = policies[i].is_signed;
        policy[1].release_keys = policies[i].keys;
        specs->kinds[KEDGE_KIND_POLICY] =
            kedge_table_build(&arena, (const void *[]){&policy[0], &policy[1]}, 2);
        size_t warnings = findings.warnings;
        cr_assert_eq(kedge_resolve_desired(&arena, specs, desired, &findings, &desired, NULL), 0);
        cr_expect_eq(findings.warnings, warnings + (policies[i].wanted > 1), "policy %zu", i);
        const struct kedge_desired_device *row = kedge_table_find(desired->devices, "dev");
        const struct kedge_assignment *assignment = &row->assignments[0]->assignment;
        cr_expect_eq(assignment->release_keys, policies[i].wanted, "policy %zu", i);
        cr_assert_eq(assignment->signature_count, 1);
        cr_expect_str_eq(assignment->signatures[0].value, "one");
    }
}
