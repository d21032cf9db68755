/* SPDX-License-Identifier: Apache-2.0 */
#include "zone.h"

#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "posix_tz.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

enum {
    HEADER_SIZE = 44,
    TYPES_MAX = 256, /* an index is one byte */
    TYPE_SIZE = 6,
    ABBREVIATIONS_MAX = 2048,
};

struct transition {
    int64_t at; /* seconds since 1970 */
    int offset; /* seconds east of UTC from then on */
};

struct kedge_zone {
    int first_offset; /* before the first transition */
    const struct transition *transitions;
    size_t count;
    bool has_rule; /* behind the last transition; else its offset stays */
    struct kedge_posix_tz rule;
};

/* A stretch of time with one offset: [.., until). */
struct stretch {
    int offset;
    int64_t until; /* INT64_MAX: for ever */
};

static int64_t read_number(const uint8_t *at, size_t size)
{
    uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return (int64_t)value;
}

/* RFC 8536 3.1: the counts of one block. */
struct counts {
    uint32_t utc_flags, standard_flags, leaps, times, types, characters;
};

static int read_header(const uint8_t *at, size_t size, struct counts *out, struct kedge_err *err)
{
    if (size < HEADER_SIZE || memcmp(at, "TZif", 4) != 0)
        return kedge_err_set(err, KEDGE_CORRUPT, "not a TZif file");
    if (at[4] < '2')
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "TZif version 1 has no 64-bit times");
    uint32_t numbers[6];
    for (size_t i = 0; i < KEDGE_COUNT(numbers); i++)
        numbers[i] = (uint32_t)read_number(at + 20 + 4 * i, 4);
    *out = (struct counts){numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
    if (out->times > KEDGE_LIMIT_ZONE_TRANSITIONS || out->types > TYPES_MAX ||
        out->characters > ABBREVIATIONS_MAX || out->leaps > KEDGE_LIMIT_ZONE_TRANSITIONS ||
        out->utc_flags > TYPES_MAX || out->standard_flags > TYPES_MAX)
        return kedge_err_set(err, KEDGE_LIMIT, "TZif header counts more than a zone can have");
    return 0;
}

/* Bytes of a block behind its header. */
static size_t block_size(const struct counts *counts, size_t time_size)
{
    return counts->times * (time_size + 1) + counts->types * TYPE_SIZE + counts->characters +
           counts->leaps * (time_size + 4) + counts->standard_flags + counts->utc_flags;
}

static int read_offset(const uint8_t *types, size_t index, int *offset, struct kedge_err *err)
{
    int64_t value = read_number(types + index * TYPE_SIZE, 4);
    if (value <= -KEDGE_POSIX_TZ_OFFSET_MAX || value >= KEDGE_POSIX_TZ_OFFSET_MAX)
        return kedge_err_set(err, KEDGE_CORRUPT, "TZif offset is longer than a day");
    *offset = (int)value;
    return 0;
}

/* RFC 8536 3.2: times, the type of each, types. */
static int read_block(struct kedge_arena *arena, const uint8_t *at, const struct counts *counts,
                      struct kedge_zone *zone, struct kedge_err *err)
{
    const uint8_t *times = at, *indexes = times + counts->times * 8;
    const uint8_t *types = indexes + counts->times;
    struct transition *transitions = kedge_arena_array(arena, counts->times, sizeof *transitions);
    for (size_t i = 0; i < counts->times; i++) {
        transitions[i].at = read_number(times + 8 * i, 8);
        if (i > 0 && transitions[i].at <= transitions[i - 1].at)
            return kedge_err_set(err, KEDGE_CORRUPT, "TZif times are not in order");
        if (indexes[i] >= counts->types)
            return kedge_err_set(err, KEDGE_CORRUPT, "TZif time has a type that is not there");
        int rc = read_offset(types, indexes[i], &transitions[i].offset, err);
        if (rc != 0)
            return rc;
    }
    zone->transitions = transitions;
    zone->count = counts->times;
    return read_offset(types, 0, &zone->first_offset, err);
}

/* RFC 8536 3.3: the rule between two line feeds; empty when there is none. */
static int read_footer(const uint8_t *at, size_t size, struct kedge_zone *zone,
                       struct kedge_err *err)
{
    const uint8_t *end = size > 0 && at[0] == '\n' ? memchr(at + 1, '\n', size - 1) : NULL;
    if (end == NULL)
        return kedge_err_set(err, KEDGE_CORRUPT, "TZif footer is missing");
    struct kedge_slice text = {(const char *)at + 1, (size_t)(end - at - 1)};
    zone->has_rule = text.size > 0;
    if (zone->has_rule && !kedge_posix_tz_parse(text, &zone->rule))
        return kedge_err_set(err, KEDGE_CORRUPT, "TZif footer is not a POSIX time-zone rule");
    return 0;
}

int kedge_zone_parse(struct kedge_arena *arena, struct kedge_slice bytes,
                     const struct kedge_zone **out, struct kedge_err *err)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    size_t left = bytes.size;
    struct counts counts;
    int rc = read_header(at, left, &counts, err);
    if (rc != 0)
        return rc;
    size_t skip = HEADER_SIZE + block_size(&counts, 4);
    if (skip > left)
        return kedge_err_set(err, KEDGE_CORRUPT, "TZif file ends early");
    at += skip;
    left -= skip;
    rc = read_header(at, left, &counts, err);
    if (rc != 0)
        return rc;
    if (counts.leaps > 0)
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "zone counts leap seconds");
    size_t size = block_size(&counts, 8);
    if (counts.types == 0 || size > left - HEADER_SIZE)
        return kedge_err_set(err, KEDGE_CORRUPT, "TZif file ends early");
    struct kedge_zone *zone = kedge_arena_new(arena, struct kedge_zone);
    rc = read_block(arena, at + HEADER_SIZE, &counts, zone, err);
    if (rc == 0)
        rc = read_footer(at + HEADER_SIZE + size, left - HEADER_SIZE - size, zone, err);
    if (rc == 0)
        *out = zone;
    return rc;
}

/* IANA names: parts of letters, digits and "_+-", between slashes. */
static bool is_zone_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t size = strlen(name);
    return size > 0 && size <= KEDGE_LIMIT_NAME && strspn(name, allowed) == size &&
           name[0] != '/' && name[size - 1] != '/' && strstr(name, "//") == NULL;
}

int kedge_zone_load(struct kedge_arena *arena, const char *name, const struct kedge_zone **out,
                    struct kedge_err *err)
{
    static const struct kedge_zone utc;
    if (strcmp(name, "UTC") == 0) {
        *out = &utc;
        return 0;
    }
    if (!is_zone_name(name))
        return kedge_err_set(err, KEDGE_INVALID,
                             "'%s' is not a time zone; write one like 'Europe/Berlin'", name);
    char path[sizeof ZONE_FOLDER + KEDGE_LIMIT_NAME];
    memcpy(path, ZONE_FOLDER, sizeof ZONE_FOLDER);
    memcpy(path + sizeof ZONE_FOLDER - 1, name, strlen(name) + 1);
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    int rc = kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_ZONE_FILE, &bytes, err);
    if (rc == 0)
        rc = kedge_zone_parse(arena, kedge_buf_slice(&bytes), out, err);
    if (rc != 0)
        kedge_err_wrap(err, "time zone '%s'", name);
    return rc;
}

/* How many transitions lie at or before `at`. */
static size_t transitions_until(const struct kedge_zone *zone, int64_t at)
{
    size_t low = 0, high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct stretch stretch_at(const struct kedge_zone *zone, int64_t at)
{
    size_t index = transitions_until(zone, at);
    struct stretch stretch = {.until = INT64_MAX};
    if (index < zone->count) {
        stretch.until = zone->transitions[index].at;
        stretch.offset = index == 0 ? zone->first_offset : zone->transitions[index - 1].offset;
    } else if (zone->has_rule) {
        stretch.offset = kedge_posix_tz_offset(&zone->rule, at, &stretch.until);
    } else {
        stretch.offset = index == 0 ? zone->first_offset : zone->transitions[index - 1].offset;
    }
    return stretch;
}

static int64_t floor_seconds(kedge_ms at)
{
    return at / 1000 - (at % 1000 < 0);
}

int kedge_zone_offset(const struct kedge_zone *zone, kedge_ms at)
{
    return stretch_at(zone, floor_seconds(at)).offset;
}

kedge_ms kedge_zone_instant(const struct kedge_zone *zone, kedge_ms local)
{
    int64_t seconds = floor_seconds(local);
    /* No clock shows `local` before this. */
    int64_t from = seconds - KEDGE_POSIX_TZ_OFFSET_MAX;
    struct stretch stretch = stretch_at(zone, from);
    while (stretch.until != INT64_MAX && seconds - stretch.offset >= stretch.until) {
        from = stretch.until;
        stretch = stretch_at(zone, from);
    }
    int64_t found = seconds - stretch.offset;
    return found < from ? from * 1000 : found * 1000 + (local - seconds * 1000);
}
