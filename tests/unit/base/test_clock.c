/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "lib/rng.h"

static const struct {
    const char *text;
    kedge_ms at;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.001Z", 1},
    {"2000-02-29T12:34:56Z", 951827696000},
    {"2026-03-01T12:00:00Z", 1772366400000},
    {"2026-03-01T14:00:00+02:00", 1772366400000},
    {"2026-03-01T06:30:00-05:30", 1772366400000},
    {"2026-03-01T12:00:00.25Z", 1772366400250},
    {"2026-03-01T12:00:00.123456789Z", 1772366400123},
    {"9999-12-31T23:59:59Z", 253402300799000},
};

Test(clock, parses_rfc3339)
{
    for (size_t i = 0; i < KEDGE_COUNT(good); i++) {
        kedge_ms at = -1;
        cr_assert(kedge_clock_parse(good[i].text, &at), "%s", good[i].text);
        cr_assert_eq(at, good[i].at, "%s", good[i].text);
    }
}

static const char *const bad[] = {
    "",
    "2026",
    "2026-03-01",
    "2026-03-01T12:00:00",
    "2026-03-01 12:00:00Z",
    "2026-03-01t12:00:00z",
    "2026-03-01T12:00:00z",
    "2026-03-01T12:00:00ZZ",
    " 2026-03-01T12:00:00Z",
    "2026-3-01T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "2026-00-01T12:00:00Z",
    "2026-02-29T12:00:00Z",
    "2100-02-29T12:00:00Z",
    "2026-04-31T12:00:00Z",
    "2026-03-00T12:00:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T12:60:00Z",
    "2026-03-01T12:00:60Z",
    "2026-03-01T12:00:00.Z",
    "2026-03-01T12:00:00,5Z",
    "2026-03-01T12:00:00+24:00",
    "2026-03-01T12:00:00+02:60",
    "2026-03-01T12:00:00+0200",
    "2026-03-01T12:00:00+02",
    "+026-03-01T12:00:00Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+01:00", /* 1969 in UTC */
    "9999-12-31T23:59:59-01:00", /* 10000 in UTC */
};

Test(clock, refuses_the_rest)
{
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_ms at = 42;
        cr_assert_not(kedge_clock_parse(bad[i], &at), "%s", bad[i]);
        cr_assert_eq(at, 42, "%s wrote its output", bad[i]);
    }
}

/* The C library's calendar is the second opinion. */
Test(clock, agrees_with_the_c_library)
{
    struct kedge_rng rng = kedge_rng_make(3);
    for (int i = 0; i < 20000; i++) {
        time_t seconds = (time_t)kedge_rng_below(&rng, 253402300800);
        struct tm tm;
        char expected[KEDGE_TIME_TEXT], text[KEDGE_TIME_TEXT];
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
        cr_assert_str_eq(kedge_clock_format(seconds * 1000LL + 999, text), expected);
        kedge_ms back;
        cr_assert(kedge_clock_parse(text, &back));
        cr_assert_eq(back, seconds * 1000LL);
    }
}

Test(clock, format_stays_within_its_years)
{
    char text[KEDGE_TIME_TEXT];
    cr_assert_str_eq(kedge_clock_format(INT64_MIN, text), "1970-01-01T00:00:00Z");
    cr_assert_str_eq(kedge_clock_format(INT64_MAX, text), "9999-12-31T23:59:59Z");
}

Test(clock, runs_forward)
{
    kedge_ms before = kedge_clock_monotonic();
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    cr_assert_geq(kedge_clock_monotonic() - before, 4);
    cr_assert_leq(llabs(kedge_clock_wall() / 1000 - (kedge_ms)time(NULL)), 1);
}
