/* SPDX-License-Identifier: Apache-2.0 */
/* The POSIX TZ rule ("CET-1CEST,M3.5.0,M10.5.0/3") with the extensions of TZif version 3
 * (RFC 8536 3.3.1). */
#pragma once

#include "kedge/types.h"

/* Offsets are shorter than this many seconds: as far as RFC 8536 lets them go. */
#define KEDGE_POSIX_TZ_OFFSET_MAX (26 * 3600)

/* A day of every year. */
struct kedge_posix_day {
    enum {
        KEDGE_POSIX_DAY_MONTH,  /* Mm.w.d */
        KEDGE_POSIX_DAY_JULIAN, /* Jn: 1 to 365, 29 February is never counted */
        KEDGE_POSIX_DAY_ZERO,   /* n: 0 to 365 */
    } form;
    int month, week, day;
    int time; /* seconds from that day's midnight, -167 to 167 hours */
};

struct kedge_posix_tz {
    int standard; /* seconds east of UTC */
    bool has_dst;
    int dst;
    struct kedge_posix_day start, end; /* of DST */
};

/* False when `text` is not such a rule, or names DST without saying when. */
bool kedge_posix_tz_parse(struct kedge_slice text, struct kedge_posix_tz *out);
/* Seconds east of UTC in force at `at` (seconds since 1970); *until: when that ends, INT64_MAX when
 * never. */
int kedge_posix_tz_offset(const struct kedge_posix_tz *tz, int64_t at, int64_t *until);
