/* SPDX-License-Identifier: Apache-2.0 */
#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *suffix;
    int64_t bytes;
} units[] = {
    {"", 1},
    {"Ki", INT64_C(1) << 10},
    {"Mi", INT64_C(1) << 20},
    {"Gi", INT64_C(1) << 30},
    {"Ti", INT64_C(1) << 40},
    {"k", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", 1000000000000},
};

/* From the longest down: the order in which a duration is written. */
static const struct {
    const char *suffix;
    kedge_ms span;
} spans[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

/* Reads decimal digits from *text on; false when there is none or the number does not fit. */
static bool take_number(const char **text, int64_t *number)
{
    const char *at = *text;
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
    if (at == *text)
        return false;
    *text = at;
    *number = value;
    return true;
}

bool kedge_quantity_parse(const char *text, int64_t *bytes)
{
    int64_t number;
    if (!take_number(&text, &number))
        return false;
    for (size_t i = 0; i < KEDGE_COUNT(units); i++)
        if (strcmp(text, units[i].suffix) == 0)
            return !__builtin_mul_overflow(number, units[i].bytes, bytes);
    return false;
}

/* The unit that `text` starts with, from `next` on; KEDGE_COUNT(spans) when there is none. */
static size_t take_unit(const char **text, size_t next)
{
    size_t letters = strspn(*text, "dhms");
    for (size_t i = next; i < KEDGE_COUNT(spans); i++) {
        if (strlen(spans[i].suffix) == letters && memcmp(*text, spans[i].suffix, letters) == 0) {
            *text += letters;
            return i;
        }
    }
    return KEDGE_COUNT(spans);
}

bool kedge_duration_parse(const char *text, kedge_ms *span)
{
    kedge_ms sum = 0;
    size_t next = 0;
    do {
        int64_t number;
        if (!take_number(&text, &number))
            return false;
        size_t unit = take_unit(&text, next);
        if (unit == KEDGE_COUNT(spans) ||
            __builtin_mul_overflow(number, spans[unit].span, &number) ||
            __builtin_add_overflow(sum, number, &sum))
            return false;
        next = unit + 1;
    } while (*text != '\0');
    *span = sum;
    return true;
}

const char *kedge_duration_format(kedge_ms span, char text[KEDGE_DURATION_TEXT])
{
    /* Magnitude as unsigned: the smallest negative number has no positive twin. */
    uint64_t left = span < 0 ? -(uint64_t)span : (uint64_t)span;
    int size = snprintf(text, KEDGE_DURATION_TEXT, "%s", span < 0 ? "-" : "");
    for (size_t i = 0; i < KEDGE_COUNT(spans); i++) {
        uint64_t number = left / (uint64_t)spans[i].span;
        left %= (uint64_t)spans[i].span;
        if (number > 0)
            size += snprintf(text + size, (size_t)(KEDGE_DURATION_TEXT - size), "%" PRIu64 "%s",
                             number, spans[i].suffix);
    }
    if (span == 0)
        snprintf(text, KEDGE_DURATION_TEXT, "0s");
    return text;
}

const char *kedge_quantity_format(int64_t bytes, char text[KEDGE_QUANTITY_TEXT])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    /* 1023.95 would be written "1024.0". */
    while ((value >= 1023.95 || value <= -1023.95) && unit + 1 < KEDGE_COUNT(names)) {
        value /= 1024;
        unit++;
    }
    snprintf(text, KEDGE_QUANTITY_TEXT, unit == 0 ? "%.0f %s" : "%.1f %s", value, names[unit]);
    return text;
}
