/* SPDX-License-Identifier: Apache-2.0 */
/* Cron schedules in an explicit time zone: five fields, names, ranges, steps, lists, @hourly ..
 * @yearly. Day of month OR day of week when both are restricted. A time that a DST change skips
 * runs once at the next valid instant; one that it repeats runs once. */
#pragma once

#include "base/arena.h"
#include "kedge/err.h"

struct kedge_zone;
/* Reads the IANA zone's rules from the system's time-zone files; "UTC" always works. Blocks on a
 * small file. */
int kedge_zone_load(struct kedge_arena *arena, const char *name, const struct kedge_zone **out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Seconds east of UTC in force at `at`. */
int kedge_zone_offset(const struct kedge_zone *zone, kedge_ms at);

struct kedge_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* bit n = value n */
    bool any_day, any_weekday;
};
int kedge_cron_parse(const char *text, struct kedge_cron *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* First instant strictly after `after`; 0 when there is none within five years (30 February). */
kedge_ms kedge_cron_next(const struct kedge_cron *cron, const struct kedge_zone *zone,
                         kedge_ms after);
