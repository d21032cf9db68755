/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdalign.h>
#include <string.h>

#include "base/arena.h"
#include "lib/leak.h"
#include "lib/rng.h"

Test(arena, items_are_zeroed_aligned_and_apart)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_rng rng = kedge_rng_make(1);
    unsigned char *items[2000];
    size_t sizes[KEDGE_COUNT(items)];
    for (size_t i = 0; i < KEDGE_COUNT(items); i++) {
        sizes[i] =
            kedge_rng_chance(&rng, 2) ? kedge_rng_below(&rng, 100000) : kedge_rng_below(&rng, 200);
        items[i] = kedge_arena_alloc(&arena, sizes[i]);
        cr_assert_eq((uintptr_t)items[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            cr_assert_eq(items[i][k], 0);
        memset(items[i], (int)(i % 255) + 1, sizes[i]);
    }
    for (size_t i = 0; i < KEDGE_COUNT(items); i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            cr_assert_eq(items[i][k], i % 255 + 1, "item %zu was overwritten", i);
    }
    cr_assert_geq(arena.reserved, arena.used);
}

Test(arena, strings)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    cr_assert_str_eq(kedge_arena_strndup(&arena, "camera-7", 6), "camera");
    cr_assert_str_eq(kedge_arena_strndup(&arena, NULL, 0), "");
    cr_assert_str_eq(kedge_arena_strdup(&arena, "camera"), "camera");
    cr_assert_str_eq(kedge_arena_printf(&arena, "%s-%d", "camera", 7), "camera-7");
}

Test(arena, release_empties_and_the_arena_serves_again)
{
    struct kedge_arena arena = {0};
    kedge_arena_strdup(&arena, "first life");
    kedge_arena_release(&arena);
    cr_assert_eq(arena.used, 0);
    cr_assert_eq(arena.reserved, 0);
    cr_assert_str_eq(kedge_arena_strdup(&arena, "second life"), "second life");
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

Test(arena, adopt_keeps_pointers)
{
    struct kedge_arena into = {0}, from = {0};
    char *mine[300], *theirs[300];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            mine[round * 100 + i] = kedge_arena_printf(&into, "mine %d %d", round, i);
            theirs[round * 100 + i] = kedge_arena_printf(&from, "%0500d", i);
        }
        size_t used = into.used + from.used;
        kedge_arena_adopt(&into, &from);
        cr_assert_eq(into.used, used);
        cr_assert_null(from.chunks);
        cr_assert_eq(from.used, 0);
    }
    cr_assert_str_eq(mine[299], "mine 2 99");
    cr_assert_eq(strlen(theirs[0]), 500);
    kedge_arena_adopt(&from, &into); /* into an empty one */
    cr_assert_str_eq(mine[0], "mine 0 0");
    kedge_arena_adopt(&from, &into); /* nothing to adopt */
    kedge_arena_release(&from);
    kedge_test_no_leaks();
}

Test(arena, array_overflow_ends_the_program, .signal = SIGABRT)
{
    struct kedge_arena arena = {0};
    kedge_arena_array(&arena, SIZE_MAX / 2, 4);
}
