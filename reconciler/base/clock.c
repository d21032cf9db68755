/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

#define DAY_MS   86400000LL
#define LAST_MS  253402300799999LL /* 9999-12-31T23:59:59.999Z */
#define YEAR_MIN 1970

static kedge_ms read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (kedge_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

kedge_ms kedge_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

kedge_ms kedge_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a Gregorian date, and back, for years from 0: the year is taken to begin
 * in March, so that the leap day comes last (Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

/* `value` in `width` digits, then `after`; returns the place behind. */
static char *put_number(char *at, int value, int width, char after)
{
    for (int i = width; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    at[width] = after;
    return at + width + 1;
}

const char *kedge_clock_format(kedge_ms at, char text[KEDGE_TIME_TEXT])
{
    at = at < 0 ? 0 : at > LAST_MS ? LAST_MS : at;
    int year, month, day;
    date_from_days(at / DAY_MS, &year, &month, &day);
    int second = (int)(at % DAY_MS / 1000);
    char *end = put_number(text, year, 4, '-');
    end = put_number(end, month, 2, '-');
    end = put_number(end, day, 2, 'T');
    end = put_number(end, second / 3600, 2, ':');
    end = put_number(end, second / 60 % 60, 2, ':');
    end = put_number(end, second % 60, 2, 'Z');
    *end = '\0';
    return text;
}

/* Exactly `width` digits within [low, high], then `after` (NUL: nothing). */
static bool take_number(const char **at, int width, int low, int high, char after, int *out)
{
    int value = 0;
    for (int i = 0; i < width; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    if (value < low || value > high || (after && (*at)[width] != after))
        return false;
    *at += width + (after != '\0');
    *out = value;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

/* ".5" and longer; digits behind the third are dropped. */
static bool take_fraction(const char **at, int *ms)
{
    *ms = 0;
    if (**at != '.')
        return true;
    ++*at;
    int digits = 0;
    for (int scale = 100; **at >= '0' && **at <= '9'; ++*at, scale /= 10, digits++)
        *ms += (**at - '0') * scale;
    return digits > 0;
}

static bool take_offset(const char **at, int64_t *offset)
{
    *offset = 0;
    if (**at == 'Z') {
        ++*at;
        return true;
    }
    if (**at != '+' && **at != '-')
        return false;
    int sign = **at == '-' ? -1 : 1;
    int hour, minute;
    ++*at;
    if (!take_number(at, 2, 0, 23, ':', &hour) || !take_number(at, 2, 0, 59, '\0', &minute))
        return false;
    *offset = sign * (hour * 60 + minute) * 60000LL;
    return true;
}

bool kedge_clock_parse(const char *text, kedge_ms *at)
{
    int year, month, day, hour, minute, second, ms;
    int64_t offset;
    if (!take_number(&text, 4, YEAR_MIN, 9999, '-', &year) ||
        !take_number(&text, 2, 1, 12, '-', &month) ||
        !take_number(&text, 2, 1, days_in_month(year, month), 'T', &day) ||
        !take_number(&text, 2, 0, 23, ':', &hour) || !take_number(&text, 2, 0, 59, ':', &minute) ||
        !take_number(&text, 2, 0, 59, '\0', &second) || !take_fraction(&text, &ms) ||
        !take_offset(&text, &offset) || *text != '\0')
        return false;
    int64_t seconds = (hour * 60LL + minute) * 60 + second;
    kedge_ms value = days_from_date(year, month, day) * DAY_MS + seconds * 1000 + ms - offset;
    if (value < 0 || value > LAST_MS)
        return false;
    *at = value;
    return true;
}
