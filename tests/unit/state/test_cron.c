/* SPDX-License-Identifier: Apache-2.0 */
#include "state/cron.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "lib/rng.h"
#include "state/civil.h"

static const struct kedge_zone *zone_of(struct kedge_arena *arena, const char *name)
{
    const struct kedge_zone *zone = NULL;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_zone_load(arena, name, &zone, &err), 0, "%s", err.msg);
    return zone;
}

static kedge_ms instant(const char *text)
{
    kedge_ms at = 0;
    cr_assert(kedge_clock_parse(text, &at), "'%s'", text);
    return at;
}

static const struct {
    const char *cron, *zone, *after, *next; /* next NULL: none */
} rows[] = {
    {"0 2 * * *", "UTC", "2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z"},
    {"0 2 * * *", "UTC", "2026-01-01T01:59:59Z", "2026-01-01T02:00:00Z"},
    {"*/15 * * * *", "UTC", "2026-01-01T00:07:00Z", "2026-01-01T00:15:00Z"},
    {"5/20 * * * *", "UTC", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z"},
    {"0 9-17/4 * * mon-fri", "UTC", "2026-01-02T17:00:00Z", "2026-01-05T09:00:00Z"},
    {"0 0 1,15 * *", "UTC", "2026-01-02T00:00:00Z", "2026-01-15T00:00:00Z"},
    {"0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
    {"0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", NULL},
    /* Day of month OR day of week when both are restricted ... */
    {"0 0 13 * FRI", "UTC", "2026-02-07T00:00:00Z", "2026-02-13T00:00:00Z"},
    {"0 0 13 * FRI", "UTC", "2026-04-11T00:00:00Z", "2026-04-13T00:00:00Z"},
    {"0 0 */2 * 1", "UTC", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"},
    /* ... AND when one of them is open. */
    {"0 0 * * 1", "UTC", "2026-01-01T00:00:00Z", "2026-01-05T00:00:00Z"},
    {"0 0 31 * ?", "UTC", "2026-02-01T00:00:00Z", "2026-03-31T00:00:00Z"},
    {"0 0 * * 7", "UTC", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"0 0 * * 5-7", "UTC", "2026-01-04T00:00:00Z", "2026-01-09T00:00:00Z"},
    {"@hourly", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"},
    {"@daily", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
    {"@midnight", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
    {"@weekly", "UTC", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
    {"@monthly", "UTC", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
    {"@yearly", "UTC", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"@annually", "UTC", "2025-06-01T00:00:00Z", "2026-01-01T00:00:00Z"},
    /* A gap: 02:30 is skipped on 29 March and runs at 03:00 CEST, once. */
    {"30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z"},
    {"30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
    {"*/10 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},
    {"0 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"},
    {"0 * * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
    /* An overlap: 02:30 comes twice on 25 October and runs at the first. */
    {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
    {"30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
    {"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"},
    /* Samoa had no 30 December 2011. */
    {"0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z"},
    {"0 4 * * *", "Australia/Lord_Howe", "2026-06-01T00:00:00Z", "2026-06-01T17:30:00Z"},
};

Test(cron, next)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_zone *zone = zone_of(&arena, rows[i].zone);
        struct kedge_cron cron;
        struct kedge_err err = {0};
        cr_assert_eq(kedge_cron_parse(rows[i].cron, &cron, &err), 0, "%s", err.msg);
        kedge_ms found = kedge_cron_next(&cron, zone, instant(rows[i].after));
        char text[KEDGE_TIME_TEXT];
        cr_expect_eq(found, rows[i].next == NULL ? 0 : instant(rows[i].next),
                     "'%s' %s after %s: %s", rows[i].cron, rows[i].zone, rows[i].after,
                     kedge_clock_format(found, text));
    }
}

/* Every minute of a year in a zone with both changes, against the definition: the instants at which
 * a matching local time is first reached. */
Test(cron, next_visits_exactly_the_matching_times)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_zone *zone = zone_of(&arena, "America/New_York");
    struct kedge_rng rng = kedge_rng_make(4);
    for (int n = 0; n < 20; n++) {
        struct kedge_cron cron = {
            .minutes = kedge_rng_next(&rng) & ((UINT64_C(1) << 60) - 1),
            .hours = (uint32_t)kedge_rng_next(&rng) & 0xffffff,
            .days = (uint32_t)kedge_rng_next(&rng) & 0xfffffffe,
            .months = (uint32_t)kedge_rng_next(&rng) & 0x1ffe,
            .weekdays = (uint32_t)kedge_rng_next(&rng) & 0x7f,
            .any_day = kedge_rng_chance(&rng, 30),
        };
        if (cron.any_day)
            cron.days = 0xfffffffe;
        kedge_ms at = instant("2026-01-01T05:00:00Z") - 1;
        int64_t first = kedge_civil_days(2026, 1, 1);
        for (int64_t minute = 0; minute < 365 * 1440; minute++) {
            int64_t day = first + minute / 1440;
            struct kedge_civil date = kedge_civil_date(day);
            bool of_month = cron.days >> date.day & 1;
            bool of_week = cron.weekdays >> kedge_civil_weekday(day) & 1;
            bool due = (cron.months >> date.month & 1) && (cron.hours >> (minute / 60 % 24) & 1) &&
                       (cron.minutes >> (minute % 60) & 1) &&
                       (cron.any_day ? of_week : of_month || of_week);
            kedge_ms when = kedge_zone_instant(zone, (first * 1440 + minute) * 60000);
            if (!due || when == at)
                continue;
            kedge_ms found = kedge_cron_next(&cron, zone, at);
            cr_assert_eq(found, when, "round %d: %lld, not %lld", n, (long long)found,
                         (long long)when);
            at = found;
        }
    }
}

Test(cron, refuses_with_the_field_and_a_remedy)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "minute"},
        {"60 * * * *", "minute"},
        {"* 24 * * *", "hour"},
        {"* * 0 * *", "day of month"},
        {"* * 32 * *", "day of month"},
        {"* * * 13 *", "month"},
        {"* * * foo *", "month"},
        {"* * * * 8", "day of week"},
        {"* * * *", "day of week"},
        {"0 * * * * *", "more than five"},
        {"*/0 * * * *", "minute"},
        {"5-1 * * * *", "minute"},
        {"1, * * * *", "minute"},
        {"-1 * * * *", "minute"},
        {"*-5 * * * *", "minute"},
        {"1-2-3 * * * *", "minute"},
        {"@every 5m", "@hourly"},
        {"@Daily", "@hourly"},
        {"99999999999999999999 * * * *", "minute"},
        {"1;2 * * * *", "minute"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        struct kedge_cron cron;
        struct kedge_err err;
        cr_expect_eq(kedge_cron_parse(bad[i].text, &cron, &err), KEDGE_INVALID, "'%s'",
                     bad[i].text);
        cr_expect_not_null(strstr(err.msg, bad[i].says), "'%s': %s", bad[i].text, err.msg);
    }
}
