/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "lib/leak.h"

Test(print, foreign_text_cannot_drive_the_terminal)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain, \xc3\xa9t\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x9a\x80",
         "plain, \xc3\xa9t\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x9a\x80"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"a\nb\tc\rd\x7f", "a\\x0ab\\x09c\\x0dd\\x7f"},
        {"\xc2\x9b"
         "5n",
         "\\x9b5n"},
        {"a\xe2\x80\xae"
         "b",
         "a\\u202eb"},
        {"\xe2\x81\xa6x", "\\u2066x"},
        {"bad \xff\xfe", "bad \\xff\\xfe"},
        {"cut \xe6\xbc", "cut \\xe6\\xbc"},
        {"long \xc0\xaf", "long \\xc0\\xaf"},
        {"half \xed\xa0\x80", "half \\xed\\xa0\\x80"},
        {NULL, ""},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        struct kedge_buf out = {0};
        kedge_buf_puts(&out, "");
        kedge_print_text(&out, cases[i].text);
        cr_assert_str_eq(out.data ? out.data : "", cases[i].shown, "case %zu", i);
        kedge_buf_release(&out);
    }
    kedge_test_no_leaks();
}

Test(print, columns_line_up_whatever_the_script)
{
    cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
    struct kedge_print_table table = {0};
    struct kedge_buf out = {0};
    kedge_print_heading(&table, "NAME|VERSION|N");
    kedge_print_cell(&table, KEDGE_PRINT_PLAIN, "caf\xc3\xa9");
    kedge_print_cell(&table, KEDGE_PRINT_GREEN, "1.0.0");
    kedge_print_cell_number(&table, 7);
    kedge_print_cell(&table, KEDGE_PRINT_PLAIN, "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2");
    kedge_print_cell(&table, KEDGE_PRINT_PLAIN, NULL);
    kedge_print_cell_number(&table, -1);
    kedge_print_table_write(&table, false, &out);
    cr_assert_str_eq(out.data, "NAME    VERSION  N\n"
                               "caf\xc3\xa9    1.0.0    7\n"
                               "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2  -        -1\n");
    kedge_buf_release(&out);
    kedge_test_no_leaks();
}

Test(print, colour_does_not_move_columns)
{
    struct kedge_print_table table = {0};
    struct kedge_buf out = {0};
    kedge_print_heading(&table, "A|B");
    kedge_print_cell(&table, KEDGE_PRINT_RED, "x");
    kedge_print_cell(&table, KEDGE_PRINT_PLAIN, "y");
    kedge_print_table_write(&table, true, &out);
    cr_assert_str_eq(out.data, "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
    kedge_buf_release(&out);
}
