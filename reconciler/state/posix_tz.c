/* SPDX-License-Identifier: Apache-2.0 */
#include "posix_tz.h"

#include "civil.h"

enum { HOUR = 3600, DAY = 86400, TIME_HOURS = 167, OFFSET_HOURS = 24 };

/* What is left to read. */
struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Three letters or more, or "<" letters, digits, signs ">". */
static bool take_name(struct cursor *in)
{
    bool quoted = take(in, '<');
    const char *first = in->at;
    while (
        in->at < in->end &&
        (is_letter(*in->at) || (quoted && (is_digit(*in->at) || *in->at == '+' || *in->at == '-'))))
        in->at++;
    return in->at - first >= 3 && (!quoted || take(in, '>'));
}

static bool take_number(struct cursor *in, int low, int high, int *out)
{
    int value = 0;
    const char *first = in->at;
    while (in->at < in->end && is_digit(*in->at)) {
        value = 10 * value + (*in->at++ - '0');
        if (value > high)
            return false;
    }
    if (in->at == first || value < low)
        return false;
    *out = value;
    return true;
}

/* [+|-]hh[:mm[:ss]] in seconds. */
static bool take_time(struct cursor *in, int hours_max, int *out)
{
    bool negative = take(in, '-');
    if (!negative)
        take(in, '+');
    int hours, minutes = 0, seconds = 0;
    if (!take_number(in, 0, hours_max, &hours))
        return false;
    if (take(in, ':') &&
        (!take_number(in, 0, 59, &minutes) || (take(in, ':') && !take_number(in, 0, 59, &seconds))))
        return false;
    int total = hours * HOUR + minutes * 60 + seconds;
    *out = negative ? -total : total;
    return true;
}

static bool take_day(struct cursor *in, struct kedge_posix_day *out)
{
    struct kedge_posix_day day = {.time = 2 * HOUR};
    if (take(in, 'M')) {
        day.form = KEDGE_POSIX_DAY_MONTH;
        if (!take_number(in, 1, 12, &day.month) || !take(in, '.') ||
            !take_number(in, 1, 5, &day.week) || !take(in, '.') || !take_number(in, 0, 6, &day.day))
            return false;
    } else if (take(in, 'J')) {
        day.form = KEDGE_POSIX_DAY_JULIAN;
        if (!take_number(in, 1, 365, &day.day))
            return false;
    } else {
        day.form = KEDGE_POSIX_DAY_ZERO;
        if (!take_number(in, 0, 365, &day.day))
            return false;
    }
    if (take(in, '/') && !take_time(in, TIME_HOURS, &day.time))
        return false;
    *out = day;
    return true;
}

bool kedge_posix_tz_parse(struct kedge_slice text, struct kedge_posix_tz *out)
{
    struct cursor in = {text.data, text.data + text.size};
    struct kedge_posix_tz tz = {0};
    int west;
    if (!take_name(&in) || !take_time(&in, OFFSET_HOURS, &west))
        return false;
    tz.standard = -west; /* POSIX counts to the west */
    if (in.at < in.end) {
        tz.has_dst = true;
        if (!take_name(&in))
            return false;
        tz.dst = tz.standard + HOUR;
        if (in.at < in.end && *in.at != ',') {
            if (!take_time(&in, OFFSET_HOURS, &west))
                return false;
            tz.dst = -west;
        }
        if (!take(&in, ',') || !take_day(&in, &tz.start) || !take(&in, ',') ||
            !take_day(&in, &tz.end))
            return false;
    }
    if (in.at != in.end)
        return false;
    *out = tz;
    return true;
}

/* Days since 1970 of the day in `year`. */
static int64_t day_in_year(const struct kedge_posix_day *day, int64_t year)
{
    int64_t january = kedge_civil_days(year, 1, 1);
    if (day->form == KEDGE_POSIX_DAY_ZERO)
        return january + day->day;
    if (day->form == KEDGE_POSIX_DAY_JULIAN)
        return january + day->day - 1 + (day->day > 59 && kedge_civil_is_leap(year));
    int64_t first = kedge_civil_days(year, day->month, 1);
    int length = kedge_civil_month_length(year, day->month);
    int date = (day->day - kedge_civil_weekday(first) + 7) % 7 + 7 * (day->week - 1);
    return first + (date < length ? date : date - 7); /* week 5 is the last one */
}

/* `offset` is the one in force before it: the rule is written in that clock's time. */
static int64_t instant_in_year(const struct kedge_posix_day *day, int64_t year, int offset)
{
    return day_in_year(day, year) * DAY + day->time - offset;
}

int kedge_posix_tz_offset(const struct kedge_posix_tz *tz, int64_t at, int64_t *until)
{
    *until = INT64_MAX;
    if (!tz->has_dst)
        return tz->standard;
    /* A year ends at another instant here, and a rule may reach a week over it: look around. */
    int64_t day = at / DAY - (at % DAY < 0);
    int64_t year = kedge_civil_date(day).year;
    int64_t started = INT64_MIN, ended = INT64_MIN;
    for (int64_t y = year - 2; y <= year + 2; y++) {
        int64_t start = instant_in_year(&tz->start, y, tz->standard);
        int64_t end = instant_in_year(&tz->end, y, tz->dst);
        if (start <= at && start > started)
            started = start;
        if (end <= at && end > ended)
            ended = end;
        if (start > at && start < *until)
            *until = start;
        if (end > at && end < *until)
            *until = end;
    }
    /* DST all year round is written as an end that meets the next start. */
    return started >= ended ? tz->dst : tz->standard;
}
