/* SPDX-License-Identifier: Apache-2.0 */
#include "state/posix_tz.h"

#include <criterion/criterion.h>
#include <string.h>

static bool parse(const char *text, struct kedge_posix_tz *out)
{
    return kedge_posix_tz_parse((struct kedge_slice){text, strlen(text)}, out);
}

static int offset(const char *text, int64_t at, int64_t *until)
{
    struct kedge_posix_tz tz;
    cr_assert(parse(text, &tz), "'%s'", text);
    return kedge_posix_tz_offset(&tz, at, until);
}

Test(posix_tz, central_europe)
{
    static const char text[] = "CET-1CEST,M3.5.0,M10.5.0/3";
    const int64_t spring = 1774746000, autumn = 1792890000; /* 2026-03-29, 2026-10-25, 01:00Z */
    int64_t until;
    cr_expect_eq(offset(text, spring - 1, &until), 3600);
    cr_expect_eq(until, spring);
    cr_expect_eq(offset(text, spring, &until), 7200);
    cr_expect_eq(until, autumn);
    cr_expect_eq(offset(text, autumn - 1, &until), 7200);
    cr_expect_eq(offset(text, autumn, &until), 3600);
    cr_expect_eq(until, 1806195600); /* 2027-03-28 */
}

Test(posix_tz, forms_of_rules)
{
    int64_t until;
    cr_expect_eq(offset("UTC0", 0, &until), 0);
    cr_expect_eq(until, INT64_MAX);
    cr_expect_eq(offset("<-03>3", 0, &until), -10800);
    cr_expect_eq(offset("<+0530>-5:30", 0, &until), 19800);
    cr_expect_eq(offset("LHST-10:30:15", 0, &until), 37815);
    /* Half an hour of DST, on the southern half: in force over the new year. */
    cr_expect_eq(offset("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1767225600, &until), 39600);
    /* All year round (RFC 8536 3.3.1). */
    for (int day = 0; day < 800; day++)
        cr_expect_eq(offset("EST5EDT,0/0,J365/25", 1767225600 + day * 86400, &until), -14400);
    /* Israel, Greenland: times outside the day (version 3). */
    cr_expect_eq(offset("IST-2IDT,M3.4.4/26,M10.5.0", 1774569600 - 1, &until), 7200);
    cr_expect_eq(until, 1774569600); /* Friday 2026-03-27 02:00 local */
    cr_expect_eq(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, &until), -3600);
    /* 29 February: J60 is 1 March of every year, day 59 is that day only in leap years. */
    offset("AAA0BBB,J60/0,J300/0", 1704067200, &until); /* 2024 */
    cr_expect_eq(until, 1709251200);
    offset("AAA0BBB,59/0,J300/0", 1704067200, &until);
    cr_expect_eq(until, 1709164800);
}

Test(posix_tz, refuses_the_rest)
{
    static const char *const bad[] = {
        "",
        "A0",
        "AB0",
        "UTC",
        "UTC25",
        "UTC0:60",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.1.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J365",
        "CET-1CEST,J366,J1",
        "CET-1CEST,366,1",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0x",
        "<+03-3",
        "<a>1",
        "UTC-",
        "UTC0 ",
        "CET-1CEST,M3.5.0,M10.5.0/",
        "UTC99999999999999999999",
    };
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        struct kedge_posix_tz tz;
        cr_expect_not(parse(bad[i], &tz), "'%s'", bad[i]);
    }
}
