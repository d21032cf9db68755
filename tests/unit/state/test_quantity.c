/* SPDX-License-Identifier: Apache-2.0 */
#include "state/quantity.h"

#include <criterion/criterion.h>
#include <string.h>

Test(quantity, bytes)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        {"0", 0},
        {"1024", 1024},
        {"512Mi", 536870912},
        {"2G", 2000000000},
        {"1k", 1000},
        {"3Ki", 3072},
        {"1Ti", INT64_C(1) << 40},
        {"9223372036854775807", INT64_MAX},
        {"8388607Ti", INT64_C(8388607) << 40},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        int64_t bytes = -1;
        cr_expect(kedge_quantity_parse(rows[i].text, &bytes), "'%s'", rows[i].text);
        cr_expect_eq(bytes, rows[i].bytes, "'%s'", rows[i].text);
    }
}

Test(quantity, refuses_what_is_not_an_amount)
{
    static const char *const texts[] = {"",
                                        "-1",
                                        "+1",
                                        "1.5G",
                                        "Mi",
                                        "1 Mi",
                                        "1mi",
                                        "1K",
                                        "1Kib",
                                        "0x10",
                                        "9223372036854775808",
                                        "8388608Ti",
                                        " 1",
                                        "1e3"};
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++) {
        int64_t bytes;
        cr_expect_not(kedge_quantity_parse(texts[i], &bytes), "'%s'", texts[i]);
    }
}

static const struct {
    const char *text;
    kedge_ms span;
} spans[] = {
    {"90s", 90000},    {"1h30m", 5400000},        {"250ms", 250},
    {"7d", 604800000}, {"1d2h3m4s5ms", 93784005}, {"1m5ms", 60005},
    {"0s", 0},
};

Test(quantity, durations)
{
    for (size_t i = 0; i < KEDGE_COUNT(spans); i++) {
        kedge_ms span = -1;
        cr_expect(kedge_duration_parse(spans[i].text, &span), "'%s'", spans[i].text);
        cr_expect_eq(span, spans[i].span, "'%s'", spans[i].text);
    }
}

Test(quantity, refuses_what_is_not_a_duration)
{
    static const char *const texts[] = {"",    "s",    "10", "1s1m", "1m1m",          "1h 2m",
                                        "-1s", "1.5s", "1w", "1sm",  "106751991168d", "1msx",
                                        "1M"};
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++) {
        kedge_ms span;
        cr_expect_not(kedge_duration_parse(texts[i], &span), "'%s'", texts[i]);
    }
}

Test(quantity, formatted_durations_read_back)
{
    static const kedge_ms values[] = {0, 1, 999, 1000, 60000, 5400000, 93784005, INT64_MAX};
    for (size_t i = 0; i < KEDGE_COUNT(values); i++) {
        char text[KEDGE_DURATION_TEXT];
        kedge_ms span = -1;
        cr_expect(kedge_duration_parse(kedge_duration_format(values[i], text), &span), "'%s'",
                  text);
        cr_expect_eq(span, values[i], "'%s'", text);
    }
    char text[KEDGE_DURATION_TEXT];
    cr_expect_str_eq(kedge_duration_format(-90000, text), "-1m30s");
    cr_expect_eq(kedge_duration_format(INT64_MIN, text)[0], '-');
}

Test(quantity, formats_for_people)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},           {1023, "1023 B"},       {1024, "1.0 KiB"},   {1610612736, "1.5 GiB"},
        {1048575, "1.0 MiB"}, {INT64_MAX, "8.0 EiB"}, {-2048, "-2.0 KiB"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        char text[KEDGE_QUANTITY_TEXT];
        cr_expect_str_eq(kedge_quantity_format(rows[i].bytes, text), rows[i].text);
    }
}
