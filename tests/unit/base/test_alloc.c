/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "lib/leak.h"

Test(alloc, zeroed_and_grown)
{
    unsigned char *bytes = kedge_alloc_zeroed(64);
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq(bytes[i], 0);
    bytes[63] = 7;
    bytes = kedge_alloc_grow(bytes, 4096);
    cr_assert_eq(bytes[63], 7);
    free(bytes);
    kedge_test_no_leaks();
}

Test(alloc, nothing_is_still_memory)
{
    void *none = kedge_alloc_zeroed(0);
    void *array = kedge_alloc_array(0, 8);
    void *grown = kedge_alloc_grow(NULL, 0);
    cr_assert(none && array && grown);
    free(none);
    free(array);
    free(grown);
}

Test(alloc, strdup_copies)
{
    const char *text = "kedge";
    char *copy = kedge_alloc_strdup(text);
    cr_assert_neq(copy, text);
    cr_assert_str_eq(copy, text);
    free(copy);
}

Test(alloc, overflow_ends_the_program, .signal = SIGABRT)
{
    volatile size_t most = SIZE_MAX;
    free(kedge_alloc_array(most / 2, 4));
}
