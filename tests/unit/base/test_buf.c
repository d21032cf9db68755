/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "lib/leak.h"

Test(buf, empty_value)
{
    struct kedge_buf buf = {0};
    struct kedge_slice slice = kedge_buf_slice(&buf);
    cr_assert_not_null(slice.data);
    cr_assert_eq(slice.size, 0);
    kedge_buf_clear(&buf);
    kedge_buf_add(&buf, NULL, 0);
    cr_assert_null(buf.data);
    char *taken = kedge_buf_take(&buf);
    cr_assert_str_eq(taken, "");
    free(taken);
    kedge_test_no_leaks();
}

Test(buf, grows_and_stays_terminated)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    for (int i = 0; i < 10000; i++) {
        kedge_buf_putc(&buf, (char)('a' + i % 26));
        cr_assert_eq(buf.data[buf.size], '\0');
    }
    cr_assert_eq(strlen(buf.data), 10000);
    for (size_t i = 0; i < buf.size; i++)
        cr_assert_eq(buf.data[i], 'a' + (int)i % 26);
}

Test(buf, appends)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    kedge_buf_puts(&buf, "rev ");
    kedge_buf_printf(&buf, "%d of %s", 7, "main");
    kedge_buf_add(&buf, "\0!", 2);
    cr_assert_eq(buf.size, 15);
    cr_assert_eq(memcmp(buf.data, "rev 7 of main\0!", 16), 0);
    size_t capacity = buf.capacity;
    kedge_buf_clear(&buf);
    cr_assert_str_eq(buf.data, "");
    cr_assert_eq(buf.capacity, capacity);
}

Test(buf, printf_longer_than_the_room)
{
    kedge_auto(kedge_buf) struct kedge_buf buf = {0};
    kedge_buf_printf(&buf, "%01000d", 5);
    cr_assert_eq(buf.size, 1000);
    cr_assert_eq(buf.data[999], '5');
}

Test(buf, take_hands_over)
{
    struct kedge_buf buf = {0};
    kedge_buf_puts(&buf, "mine");
    char *taken = kedge_buf_take(&buf);
    cr_assert_str_eq(taken, "mine");
    cr_assert_null(buf.data);
    cr_assert_eq(buf.capacity, 0);
    free(taken);
    kedge_test_no_leaks();
}
