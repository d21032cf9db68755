/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/intern.h"
#include "lib/leak.h"

Test(intern, equal_strings_are_equal_pointers)
{
    struct kedge_arena arena = {0};
    struct kedge_intern *intern = kedge_intern_new(&arena);
    static const char *kept[5000];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 5000; i++) {
            char text[32];
            int size = snprintf(text, sizeof text, "device-%d", i);
            const char *one = kedge_intern_add(intern, text, (size_t)size);
            cr_assert_str_eq(one, text);
            if (pass == 0)
                kept[i] = one;
            else
                cr_assert_eq(one, kept[i]);
        }
        cr_assert_eq(kedge_intern_count(intern), 5000);
    }
    kedge_intern_free(intern);
    cr_assert_str_eq(kept[4999], "device-4999", "strings live in the arena");
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

Test(intern, prefixes_and_the_empty_string_differ)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_intern *intern = kedge_intern_new(&arena);
    const char *whole = kedge_intern_add(intern, "camera", 6);
    const char *part = kedge_intern_add(intern, "camera", 3);
    const char *none = kedge_intern_add(intern, "camera", 0);
    cr_assert_str_eq(whole, "camera");
    cr_assert_str_eq(part, "cam");
    cr_assert_str_eq(none, "");
    cr_assert_eq(kedge_intern_add(intern, "cam", 3), part);
    cr_assert_eq(kedge_intern_count(intern), 3);
    kedge_intern_free(intern);
    kedge_intern_free(NULL);
}
