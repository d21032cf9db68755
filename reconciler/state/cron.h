/* SPDX-License-Identifier: Apache-2.0 */
/* Cron schedules in an explicit time zone: five fields, names, ranges, steps, lists, @hourly ..
 * @yearly. Day of month OR day of week when both are restricted. A time that a DST change skips
 * runs once at the next valid instant; one that it repeats runs once. */
#pragma once

#include "zone.h"

struct kedge_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* bit n = value n; weekdays: 0 is Sunday */
    bool any_day, any_weekday;              /* written as "*" or "?" */
};
/* As robfig/cron reads it, and 7 is Sunday too. KEDGE_INVALID names the field and the remedy. */
int kedge_cron_parse(const char *text, struct kedge_cron *out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* First instant strictly after `after`; 0 when there is none within five years (30 February). */
kedge_ms kedge_cron_next(const struct kedge_cron *cron, const struct kedge_zone *zone,
                         kedge_ms after);
