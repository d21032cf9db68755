/* SPDX-License-Identifier: Apache-2.0 */
#include "cron.h"

#include <string.h>
#include <strings.h>

#include "civil.h"

enum { HORIZON_DAYS = 5 * 366 };

static const kedge_ms minute_ms = 60000, hour_ms = 3600000, day_ms = 86400000;

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const struct field {
    const char *name;
    int low, high;
    const char *const *words; /* the first stands for `low` */
} fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day of month", 1, 31, NULL},
    [MONTH] = {"month", 1, 12, month_names},
    [WEEKDAY] = {"day of week", 0, 7, weekday_names},
};

static const struct {
    const char *name, *text;
} macros[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

static bool take(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

static bool take_number(const char **text, int *out)
{
    const char *at = *text;
    int value = 0;
    for (; *at >= '0' && *at <= '9' && value < 1000; at++)
        value = 10 * value + (*at - '0');
    if (at == *text)
        return false;
    *text = at;
    *out = value;
    return true;
}

/* A number of the field, or one of its words in any case. */
static bool take_value(const struct field *field, const char **text, int *out)
{
    if (take_number(text, out))
        return *out >= field->low && *out <= field->high;
    for (int i = 0; field->words != NULL && field->words[i] != NULL; i++) {
        size_t size = strlen(field->words[i]);
        if (strncasecmp(*text, field->words[i], size) == 0) {
            *text += size;
            *out = field->low + i;
            return true;
        }
    }
    return false;
}

/* "*", "a", "a-b", each with "/step"; "a/step" runs to the field's end. */
static bool take_item(const struct field *field, const char **text, uint64_t *bits, bool *any)
{
    int first = field->low, last = field->high, step = 1;
    bool star = take(text, '*') || take(text, '?');
    bool ranged = star;
    if (!star) {
        if (!take_value(field, text, &first))
            return false;
        last = first;
        if (take(text, '-')) {
            ranged = true;
            if (!take_value(field, text, &last) || last < first)
                return false;
        }
    }
    if (take(text, '/')) {
        if (!take_number(text, &step) || step == 0)
            return false;
        if (!ranged)
            last = field->high;
    }
    *any |= star && step == 1;
    for (int value = first; value <= last; value += step)
        *bits |= UINT64_C(1) << value;
    return true;
}

static bool take_field(const struct field *field, const char **text, uint64_t *bits, bool *any)
{
    do {
        if (!take_item(field, text, bits, any))
            return false;
    } while (take(text, ','));
    return true;
}

/* All names of macros and all fields, in order; the text of a macro is one without "@". */
static int expand(const char **text, struct kedge_err *err)
{
    if (**text != '@')
        return 0;
    for (size_t i = 0; i < KEDGE_COUNT(macros); i++) {
        if (strcmp(*text, macros[i].name) == 0) {
            *text = macros[i].text;
            return 0;
        }
    }
    return kedge_err_set(err, KEDGE_INVALID,
                         "'%s' is not a cron schedule; use @hourly, @daily, @weekly, @monthly, "
                         "@yearly or five fields",
                         *text);
}

int kedge_cron_parse(const char *text, struct kedge_cron *out, struct kedge_err *err)
{
    const char *at = text;
    int rc = expand(&at, err);
    if (rc != 0)
        return rc;
    uint64_t bits[FIELDS] = {0};
    bool any[FIELDS] = {0};
    for (int i = 0; i < FIELDS; i++) {
        at += strspn(at, " \t");
        bool taken = take_field(&fields[i], &at, &bits[i], &any[i]);
        if (!taken || (*at != '\0' && *at != ' ' && *at != '\t'))
            return kedge_err_set(err, KEDGE_INVALID,
                                 "cron schedule '%s' has no valid %s (%d to %d); it has five "
                                 "fields: minute hour day-of-month month day-of-week",
                                 text, fields[i].name, fields[i].low, fields[i].high);
    }
    if (at[strspn(at, " \t")] != '\0')
        return kedge_err_set(err, KEDGE_INVALID,
                             "cron schedule '%s' has more than five fields; there are no seconds",
                             text);
    bits[WEEKDAY] |= bits[WEEKDAY] >> 7; /* 7 is Sunday too */
    *out = (struct kedge_cron){
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days = (uint32_t)bits[DAY],
        .months = (uint32_t)bits[MONTH],
        .weekdays = (uint32_t)bits[WEEKDAY] & 0x7f,
        .any_day = any[DAY],
        .any_weekday = any[WEEKDAY],
    };
    return 0;
}

static bool is_set(uint64_t bits, int value)
{
    return bits >> value & 1;
}

static bool day_matches(const struct kedge_cron *cron, int64_t day)
{
    struct kedge_civil date = kedge_civil_date(day);
    if (!is_set(cron->months, date.month))
        return false;
    bool of_month = is_set(cron->days, date.day);
    bool of_week = is_set(cron->weekdays, kedge_civil_weekday(day));
    if (cron->any_day || cron->any_weekday)
        return of_month && of_week;
    return of_month || of_week;
}

/* The first instant after `after` on that day of the zone's calendar, or 0. */
static kedge_ms next_in_day(const struct kedge_cron *cron, const struct kedge_zone *zone,
                            int64_t day, kedge_ms after)
{
    for (int hour = 0; hour < 24; hour++) {
        if (!is_set(cron->hours, hour))
            continue;
        kedge_ms local = day * day_ms + hour * hour_ms;
        /* Instants rise with the clock, so the last minute tells for the hour. */
        if (kedge_zone_instant(zone, local + 59 * minute_ms) <= after)
            continue;
        for (int minute = 0; minute < 60; minute++) {
            if (!is_set(cron->minutes, minute))
                continue;
            kedge_ms at = kedge_zone_instant(zone, local + minute * minute_ms);
            if (at > after)
                return at;
        }
    }
    return 0;
}

kedge_ms kedge_cron_next(const struct kedge_cron *cron, const struct kedge_zone *zone,
                         kedge_ms after)
{
    kedge_ms local = after + (kedge_ms)kedge_zone_offset(zone, after) * 1000;
    int64_t today = local / day_ms - (local % day_ms < 0);
    for (int64_t day = today; day <= today + HORIZON_DAYS; day++) {
        kedge_ms at = day_matches(cron, day) ? next_in_day(cron, zone, day, after) : 0;
        if (at != 0)
            return at;
    }
    return 0;
}
