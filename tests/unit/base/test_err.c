/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kedge/err.h"

Test(err, set_and_wrap)
{
    struct kedge_err err = {.sys = 5};
    cr_assert_eq(kedge_err_set(&err, KEDGE_DENIED, "key '%s' is revoked", "k1"), KEDGE_DENIED);
    cr_assert_eq(err.code, KEDGE_DENIED);
    cr_assert_eq(err.sys, 0);
    cr_assert_str_eq(err.msg, "key 'k1' is revoked");
    cr_assert_eq(kedge_err_wrap(&err, "envelope for '%s'", "cam-7"), KEDGE_DENIED);
    cr_assert_str_eq(err.msg, "envelope for 'cam-7': key 'k1' is revoked");
}

Test(err, arguments_may_come_from_the_error_itself)
{
    struct kedge_err err = {0};
    kedge_err_set(&err, KEDGE_IO, "inner");
    kedge_err_set(&err, KEDGE_INVALID, "outer, after %s", err.msg);
    cr_assert_str_eq(err.msg, "outer, after inner");
}

static const struct {
    int sys;
    enum kedge_code code;
} codes[] = {
    {ENOSPC, KEDGE_LIMIT},    {EDQUOT, KEDGE_LIMIT},  {EFBIG, KEDGE_LIMIT},
    {ENOENT, KEDGE_NOTFOUND}, {EEXIST, KEDGE_EXISTS}, {EACCES, KEDGE_DENIED},
    {EPERM, KEDGE_DENIED},    {EIO, KEDGE_IO},        {EBADF, KEDGE_IO},
};

Test(err, system_errors)
{
    for (size_t i = 0; i < KEDGE_COUNT(codes); i++) {
        struct kedge_err err = {0};
        cr_assert_eq(kedge_err_sys(&err, codes[i].sys, "cannot open '%s'", "f"), codes[i].code);
        cr_assert_eq(err.sys, codes[i].sys);
        char expected[128];
        snprintf(expected, sizeof expected, "cannot open 'f': %s", strerror(codes[i].sys));
        cr_assert_str_eq(err.msg, expected);
        kedge_err_wrap(&err, "store");
        cr_assert_eq(err.sys, codes[i].sys, "wrapping keeps errno");
    }
}

Test(err, null_is_allowed)
{
    cr_assert_eq(kedge_err_set(NULL, KEDGE_LIMIT, "x"), KEDGE_LIMIT);
    cr_assert_eq(kedge_err_sys(NULL, ENOENT, "x"), KEDGE_NOTFOUND);
    cr_assert_lt(kedge_err_wrap(NULL, "x"), 0);
}

/* Every length of a text of 3-byte characters: the cut never leaves half of one. */
Test(err, long_text_is_cut_between_characters)
{
    char text[900];
    for (size_t shift = 0; shift < 4; shift++) {
        size_t at = shift;
        memset(text, 'x', shift);
        while (at + 3 < sizeof text) {
            memcpy(text + at, "\xe2\x82\xac", 3);
            at += 3;
        }
        text[at] = '\0';
        struct kedge_err err = {0};
        kedge_err_set(&err, KEDGE_INVALID, "%s", text);
        size_t length = strlen(err.msg);
        cr_assert_lt(length, KEDGE_ERR_TEXT);
        cr_assert_gt(length, KEDGE_ERR_TEXT - 5);
        cr_assert_eq((length - shift) % 3, 0, "cut inside a character");
        kedge_err_wrap(&err, "more");
        cr_assert_eq((strlen(err.msg) - strlen("more: ") - shift) % 3, 0);
    }
}

Test(err, names)
{
    static const char *const names[] = {
        "ok",      "invalid", "notfound", "exists",      "conflict", "denied",   "unavailable",
        "timeout", "corrupt", "limit",    "unsupported", "io",       "internal",
    };
    for (size_t i = 0; i < KEDGE_COUNT(names); i++)
        cr_assert_str_eq(kedge_code_name(-(int)i), names[i]);
    cr_assert_str_eq(kedge_code_name(7), "internal");
    cr_assert_str_eq(kedge_code_name(-1000), "internal");
}
