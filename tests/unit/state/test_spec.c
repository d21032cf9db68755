/* SPDX-License-Identifier: Apache-2.0 */
#include "state/spec.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "lib/leak.h"
#include "lib/rng.h"

enum { DEVICES = 300, KEYS = 4, VALUES = 3 };

struct fleet {
    struct kedge_arena arena;
    struct kedge_specs specs;
    const struct kedge_device *devices[DEVICES];
};

static const char *const keys[KEYS] = {"arch", "line", "site", "tier"};
static const char *const values[VALUES + 1] = {"a", "b", "c", "nowhere"};

static const struct kedge_posting *make_posting(struct fleet *f, const char *key, const char *value)
{
    const void *found[DEVICES];
    size_t count = 0;
    for (size_t i = 0; i < DEVICES; i++) {
        const char *has = kedge_label_find(&f->devices[i]->object.labels, key);
        if (has != NULL && (value == NULL || strcmp(has, value) == 0))
            found[count++] = f->devices[i];
    }
    struct kedge_posting *posting = kedge_arena_new(&f->arena, struct kedge_posting);
    posting->name = value == NULL ? key : kedge_arena_printf(&f->arena, "%s=%s", key, value);
    posting->devices = kedge_table_build(&f->arena, found, count);
    return posting;
}

static void make_fleet(struct fleet *f, struct kedge_rng *rng)
{
    for (size_t i = 0; i < DEVICES; i++) {
        struct kedge_device *device = kedge_arena_new(&f->arena, struct kedge_device);
        struct kedge_label *labels = kedge_arena_array(&f->arena, KEYS, sizeof *labels);
        device->object.name = kedge_arena_printf(&f->arena, "d%03zu", i);
        device->object.labels.at = labels;
        for (size_t k = 0; k < KEYS; k++)
            if (kedge_rng_chance(rng, 60))
                labels[device->object.labels.count++] =
                    (struct kedge_label){keys[k], values[kedge_rng_below(rng, VALUES)]};
        f->devices[i] = device;
    }
    f->specs.kinds[KEDGE_KIND_DEVICE] =
        kedge_table_build(&f->arena, (const void *const *)f->devices, DEVICES);
    const void *postings[KEYS * (VALUES + 1)];
    size_t count = 0;
    for (size_t k = 0; k < KEYS; k++) {
        postings[count++] = make_posting(f, keys[k], NULL);
        for (size_t v = 0; v < VALUES; v++)
            postings[count++] = make_posting(f, keys[k], values[v]);
    }
    f->specs.postings = kedge_table_build(&f->arena, postings, count);
}

static struct kedge_strings random_values(struct fleet *f, struct kedge_rng *rng)
{
    uint32_t count = 1 + (uint32_t)kedge_rng_below(rng, 3);
    const char **at = kedge_arena_array(&f->arena, count, sizeof *at);
    for (uint32_t i = 0; i < count; i++)
        at[i] = values[kedge_rng_below(rng, VALUES + 1)]; /* doubles are fine */
    return (struct kedge_strings){at, count};
}

static struct kedge_targets random_targets(struct fleet *f, struct kedge_rng *rng)
{
    struct kedge_targets targets = {.has_selector = kedge_rng_chance(rng, 80)};
    uint32_t count = (uint32_t)kedge_rng_below(rng, 4);
    struct kedge_requirement *at = kedge_arena_array(&f->arena, count, sizeof *at);
    for (uint32_t i = 0; i < count; i++) {
        at[i].key = kedge_rng_chance(rng, 90) ? keys[kedge_rng_below(rng, KEYS)] : "absent";
        at[i].op = (enum kedge_selector_operator)kedge_rng_below(rng, 4);
        if (at[i].op == KEDGE_SELECTOR_IN || at[i].op == KEDGE_SELECTOR_NOT_IN)
            at[i].values = random_values(f, rng);
    }
    targets.selector = (struct kedge_selector){at, count};
    if (kedge_rng_chance(rng, 40)) {
        const char **names = kedge_arena_array(&f->arena, 5, sizeof *names);
        for (size_t i = 0; i < 5; i++)
            names[i] = kedge_arena_printf(&f->arena, "d%03zu", kedge_rng_below(rng, DEVICES + 9));
        targets.devices = (struct kedge_strings){names, 5};
    }
    return targets;
}

struct seen {
    const struct kedge_device *at[DEVICES];
    size_t count;
};

static void see(const struct kedge_device *device, void *payload)
{
    struct seen *seen = payload;
    cr_assert_lt(seen->count, (size_t)DEVICES, "a device was visited twice");
    seen->at[seen->count++] = device;
}

/* Posting lists are a short cut: the result is what asking each device gives, in name order. */
Test(spec, targets_are_the_devices_that_are_targets)
{
    struct kedge_rng rng = kedge_rng_make(5);
    struct fleet f = {0};
    make_fleet(&f, &rng);
    for (int n = 0; n < 3000; n++) {
        struct kedge_targets targets = random_targets(&f, &rng);
        struct seen seen = {0};
        kedge_spec_targets(&f.specs, &targets, see, &seen);
        size_t next = 0;
        for (size_t i = 0; i < DEVICES; i++) {
            if (!kedge_spec_is_target(&targets, f.devices[i]))
                continue;
            cr_assert_lt(next, seen.count, "round %d", n);
            cr_assert_eq(seen.at[next], f.devices[i], "round %d", n);
            next++;
        }
        cr_assert_eq(next, seen.count, "round %d", n);
        cr_assert_eq(kedge_spec_has_target(&f.specs, &targets), next > 0, "round %d", n);
    }
    kedge_arena_release(&f.arena);
    kedge_test_no_leaks();
}

Test(spec, no_targets_is_nobody_and_an_empty_selector_everybody)
{
    struct kedge_rng rng = kedge_rng_make(6);
    struct fleet f = {0};
    make_fleet(&f, &rng);
    struct seen seen = {0};
    kedge_spec_targets(&f.specs, &(struct kedge_targets){0}, see, &seen);
    cr_expect_eq(seen.count, 0);
    kedge_spec_targets(&f.specs, &(struct kedge_targets){.has_selector = true}, see, &seen);
    cr_expect_eq(seen.count, DEVICES);
    kedge_arena_release(&f.arena);
}

Test(spec, find)
{
    struct kedge_rng rng = kedge_rng_make(7);
    struct fleet f = {0};
    make_fleet(&f, &rng);
    cr_expect_eq(kedge_spec_find(&f.specs, KEDGE_KIND_DEVICE, "d007"), f.devices[7]);
    cr_expect_null(kedge_spec_find(&f.specs, KEDGE_KIND_DEVICE, "d999"));
    cr_expect_null(kedge_spec_find(&f.specs, KEDGE_KIND_MODEL, "d007"));
    kedge_arena_release(&f.arena);
}

Test(spec, every_kind_has_its_word)
{
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++) {
        int back = -1;
        cr_expect(
            kedge_word_parse(&kedge_kind_words, kedge_word_name(&kedge_kind_words, kind), &back));
        cr_expect_eq(back, kind);
    }
    cr_expect_eq(kedge_kind_words.count, KEDGE_KIND_COUNT);
    cr_expect_eq(kedge_objective_metric_words.count, KEDGE_METRIC_COUNT);
}
