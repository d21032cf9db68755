/* SPDX-License-Identifier: Apache-2.0 */
#include "state/name.h"

#include <criterion/criterion.h>
#include <string.h>

static bool valid(const char *text)
{
    return kedge_name_valid(text, strlen(text));
}

Test(name, accepts_dns_subdomains)
{
    static const char *const names[] = {"a", "0", "cam-7", "a.b", "a--b", "anomaly-detector.v2"};
    for (size_t i = 0; i < KEDGE_COUNT(names); i++)
        cr_expect(valid(names[i]), "'%s'", names[i]);
    char longest[253];
    memset(longest, 'a', sizeof longest);
    cr_expect(kedge_name_valid(longest, sizeof longest));
}

Test(name, refuses_the_rest)
{
    static const char *const names[] = {"",   "A",   "-a",   "a-",  ".a",  "a.",      "a..b",
                                        "a_", "a.-", "a-.b", "a b", "a/b", "\xc3\xa9"};
    for (size_t i = 0; i < KEDGE_COUNT(names); i++)
        cr_expect_not(valid(names[i]), "'%s'", names[i]);
    char too_long[254];
    memset(too_long, 'a', sizeof too_long);
    cr_expect_not(kedge_name_valid(too_long, sizeof too_long));
    cr_expect_not(kedge_name_valid("a\0b", 3));
}

Test(name, words_read_back_and_gaps_are_never_words)
{
    static const char *const list[] = {NULL, "one", "two"};
    const struct kedge_words words = {list, KEDGE_COUNT(list)};
    int value = -7;
    cr_expect_str_eq(kedge_word_name(&words, 1), "one");
    cr_expect_str_eq(kedge_word_name(&words, 0), "unknown");
    cr_expect_str_eq(kedge_word_name(&words, 3), "unknown");
    cr_expect_str_eq(kedge_word_name(&words, -1), "unknown");
    cr_expect(kedge_word_parse(&words, "two", &value));
    cr_expect_eq(value, 2);
    cr_expect_not(kedge_word_parse(&words, "three", &value));
    cr_expect_not(kedge_word_parse(&words, "One", &value));
    cr_expect_eq(value, 2, "a failed parse leaves the output alone");
}
