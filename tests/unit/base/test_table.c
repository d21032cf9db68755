/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "lib/leak.h"
#include "lib/rng.h"

struct item {
    const char *name;
};

/* The plain truth: one slot per possible name, in name order; NULL is absent. */
enum { NAMES = 6000 };

struct model {
    const struct item *at[NAMES];
};

static char names[NAMES][8];

static void make_names(void)
{
    for (int i = 0; i < NAMES; i++)
        snprintf(names[i], sizeof names[i], "n%05d", i);
}

static const struct item *new_item(struct kedge_arena *arena, size_t index)
{
    struct item *item = kedge_arena_new(arena, struct item);
    item->name = names[index];
    return item;
}

static void assert_equal(const struct kedge_table *table, const struct model *model)
{
    struct kedge_table_iter iter = {0};
    size_t count = 0;
    for (size_t i = 0; i < NAMES; i++) {
        cr_assert_eq(kedge_table_find(table, names[i]), model->at[i], "find %s", names[i]);
        if (!model->at[i])
            continue;
        cr_assert_eq(kedge_table_at(table, count), model->at[i], "at %zu", count);
        cr_assert_eq(kedge_table_next(table, &iter), model->at[i]);
        count++;
    }
    cr_assert_null(kedge_table_next(table, &iter));
    cr_assert_null(kedge_table_next(table, &iter), "the end stays the end");
    cr_assert_eq(kedge_table_count(table), count);
}

struct diff_check {
    const struct model *before, *after;
    size_t next; /* names before here were compared */
};

static void check_visit(const void *before, const void *after, void *payload)
{
    struct diff_check *check = payload;
    const struct item *item = before ? before : after;
    size_t index = (size_t)atoi(item->name + 1);
    cr_assert_geq(index, check->next, "in name order, each once");
    for (; check->next < index; check->next++)
        cr_assert_eq(check->before->at[check->next], check->after->at[check->next], "missed %s",
                     names[check->next]);
    cr_assert_eq(check->before->at[index], before);
    cr_assert_eq(check->after->at[index], after);
    cr_assert_neq(before, after);
    check->next = index + 1;
}

static void assert_diff(const struct kedge_table *before, const struct model *model_before,
                        const struct kedge_table *after, const struct model *model_after)
{
    struct diff_check check = {.before = model_before, .after = model_after};
    kedge_table_diff(before, after, check_visit, &check);
    for (; check.next < NAMES; check.next++)
        cr_assert_eq(model_before->at[check.next], model_after->at[check.next], "missed %s",
                     names[check.next]);
}

/* Edits in one window of names: few or many, putting or removing, with no-ops among them. */
static const struct kedge_table *random_edit(struct kedge_arena *arena, struct kedge_rng *rng,
                                             const struct kedge_table *table, struct model *model)
{
    static struct kedge_table_edit edits[NAMES];
    size_t count = 0;
    size_t first = kedge_rng_below(rng, NAMES);
    size_t last = first + 1 + kedge_rng_below(rng, kedge_rng_chance(rng, 20) ? NAMES : 40);
    unsigned density = (unsigned)kedge_rng_below(rng, 101);
    unsigned removal = kedge_rng_chance(rng, 50) ? 90 : 10;
    bool changed = false;
    for (size_t i = first; i < last && i < NAMES; i++) {
        if (!kedge_rng_chance(rng, density))
            continue;
        const struct item *value = kedge_rng_chance(rng, removal) ? NULL
                                   : kedge_rng_chance(rng, 10)    ? model->at[i]
                                                                  : new_item(arena, i);
        changed |= value != model->at[i];
        model->at[i] = value;
        edits[count++] = (struct kedge_table_edit){names[i], value};
    }
    const struct kedge_table *edited = kedge_table_edit(arena, table, edits, count);
    cr_assert_eq(edited == table, !changed, "the same table exactly when nothing changed");
    return edited;
}

Test(table, behaves_like_a_sorted_array)
{
    make_names();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct kedge_arena arena = {0};
        struct kedge_rng rng = kedge_rng_make(seed);
        static struct model now, earlier;
        now = (struct model){0};
        const struct kedge_table *table = NULL, *old = NULL;
        earlier = now;
        for (int round = 0; round < 300; round++) {
            if (kedge_rng_chance(&rng, 20)) {
                old = table;
                earlier = now;
            }
            table = random_edit(&arena, &rng, table, &now);
            if (round % 5 == 0)
                assert_equal(table, &now);
            assert_diff(old, &earlier, table, &now);
            assert_diff(table, &now, old, &earlier);
        }
        assert_equal(old, &earlier); /* edits left the old revision as it was */
        kedge_arena_release(&arena);
    }
    kedge_test_no_leaks();
}

Test(table, build_agrees_with_edit)
{
    make_names();
    static const size_t sizes[] = {0, 1, 2, 127, 128, 129, 511, 512, 513, 1024, 1025, NAMES};
    for (size_t s = 0; s < KEDGE_COUNT(sizes); s++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        static struct model model;
        static const void *entries[NAMES];
        model = (struct model){0};
        for (size_t i = 0; i < sizes[s]; i++)
            entries[i] = model.at[i] = new_item(&arena, i);
        assert_equal(kedge_table_build(&arena, entries, sizes[s]), &model);
    }
}

Test(table, emptied_is_null_and_null_is_empty)
{
    make_names();
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const void *entry = new_item(&arena, 7);
    const struct kedge_table *table = kedge_table_build(&arena, &entry, 1);
    struct kedge_table_edit removal = {names[7], NULL};
    cr_assert_null(kedge_table_edit(&arena, table, &removal, 1));
    cr_assert_null(kedge_table_edit(&arena, NULL, &removal, 1));
    cr_assert_null(kedge_table_build(&arena, NULL, 0));
    cr_assert_eq(kedge_table_count(NULL), 0);
    cr_assert_null(kedge_table_find(NULL, "x"));
    cr_assert_null(kedge_table_next(NULL, &(struct kedge_table_iter){0}));
}

/* Memory is the measure of sharing: it does not depend on how busy the machine is. */
Test(table, an_edit_costs_one_chunk_and_the_row)
{
    enum { COUNT = 200000 };
    kedge_auto(kedge_arena) struct kedge_arena names_arena = {0}, arena = {0}, edit_arena = {0};
    const void **entries = kedge_arena_array(&names_arena, COUNT, sizeof *entries);
    for (size_t i = 0; i < COUNT; i++) {
        struct item *item = kedge_arena_new(&names_arena, struct item);
        item->name = kedge_arena_printf(&names_arena, "device-%06zu", i);
        entries[i] = item;
    }
    const struct kedge_table *table = kedge_table_build(&arena, entries, COUNT);
    struct item other = {"device-100000"};
    struct kedge_table_edit edit = {other.name, &other};
    const struct kedge_table *edited = kedge_table_edit(&edit_arena, table, &edit, 1);
    cr_assert_eq(kedge_table_find(edited, other.name), &other);
    cr_assert_eq(kedge_table_find(table, other.name), entries[100000]);
    cr_assert_lt(edit_arena.used, arena.used / 50);
}

Test(table, locates_names_in_a_plain_array)
{
    make_names();
    struct item items[3];
    const struct item *sorted[3];
    bool found;
    for (size_t i = 0; i < 3; i++) {
        items[i].name = names[2 * i + 1];
        sorted[i] = &items[i];
    }
    for (size_t i = 0; i < 7; i++) {
        cr_assert_eq(kedge_table_locate(sorted, 3, names[i], &found), i / 2);
        cr_assert_eq(found, i % 2 == 1);
    }
    kedge_table_locate(NULL, 0, "any", &found);
    cr_assert(!found);
}
