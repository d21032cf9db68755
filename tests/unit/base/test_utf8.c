/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/utf8.h"

Test(utf8, characters_have_one_spelling)
{
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"", 0},
        {"a", 1},
        {"\x7f", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xc3", 0},             /* cut off */
        {"\x80", 0},             /* no start */
        {"\xc0\xaf", 0},         /* too long for '/' */
        {"\xed\xa0\x80", 0},     /* half a pair */
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(kedge_utf8_character(rows[i].text, strlen(rows[i].text)), rows[i].size,
                     "row %zu", i);
}

/* Each byte at each place of texts up to some words long, with another such byte behind it. */
Test(utf8, plain_ends_at_the_first_byte_that_is_not)
{
    enum { LONGEST = 26 };
    char text[LONGEST];
    for (unsigned byte = 0; byte < 256; byte++) {
        bool plain = byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
        for (size_t size = 0; size <= LONGEST; size++) {
            for (size_t at = 0; at < size; at++) {
                memset(text, 'x', sizeof text);
                text[at] = (char)byte;
                text[size - 1] = at + 1 < size ? '"' : (char)byte;
                size_t end = at + 1 < size ? size - 1 : size;
                cr_assert_eq(kedge_utf8_plain(text, size), plain ? end : at,
                             "byte %#x at %zu of %zu", byte, at, size);
            }
        }
    }
    cr_assert_eq(kedge_utf8_plain("", 0), 0);
}
