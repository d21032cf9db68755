/* SPDX-License-Identifier: Apache-2.0 */
#include "state/zone.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/rng.h"

static const char *const names[] = {
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "Asia/Jerusalem",
    "America/Nuuk",
    "Europe/Dublin",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+12",
    "UTC",
};

static const struct kedge_zone *load(struct kedge_arena *arena, const char *name)
{
    const struct kedge_zone *zone = NULL;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_zone_load(arena, name, &zone, &err), 0, "%s", err.msg);
    return zone;
}

/* The C library reads the same files: an outside opinion on every offset from 1900 to 2200. */
Test(zone, agrees_with_the_c_library)
{
    struct kedge_rng rng = kedge_rng_make(1);
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_zone *zone = load(&arena, names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int n = 0; n < 4000; n++) {
            time_t at = (time_t)kedge_rng_below(&rng, 300 * INT64_C(31556952)) - 2208988800;
            struct tm tm;
            localtime_r(&at, &tm);
            cr_assert_eq(kedge_zone_offset(zone, (kedge_ms)at * 1000), tm.tm_gmtoff, "%s at %lld",
                         names[i], (long long)at);
        }
    }
}

/* By definition: the first instant whose clock has reached `local`. */
Test(zone, instant_is_the_first_that_shows_the_time)
{
    struct kedge_rng rng = kedge_rng_make(2);
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_zone *zone = load(&arena, names[i]);
        for (int n = 0; n < 4000; n++) {
            kedge_ms local = (kedge_ms)kedge_rng_below(&rng, 150 * INT64_C(525948)) * 60000;
            kedge_ms at = kedge_zone_instant(zone, local);
            kedge_ms shown = at + kedge_zone_offset(zone, at) * INT64_C(1000);
            kedge_ms before = at - 1 + kedge_zone_offset(zone, at - 1) * INT64_C(1000);
            cr_assert(shown >= local && before < local, "%s, local %lld", names[i],
                      (long long)local);
        }
    }
}

Test(zone, gap_and_overlap)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_zone *zone = load(&arena, "Europe/Berlin");
    const kedge_ms spring = 1774746000000, autumn = 1792890000000;
    /* 02:30 does not exist on 29 March 2026: 03:00 CEST. */
    cr_expect_eq(kedge_zone_instant(zone, spring + 5400000), spring);
    /* 02:30 comes twice on 25 October 2026: the CEST one. */
    cr_expect_eq(kedge_zone_instant(zone, autumn + 5400000), autumn - 1800000);
    /* Milliseconds are kept, also before 1970. */
    zone = load(&arena, "UTC");
    cr_expect_eq(kedge_zone_instant(zone, -1), -1);
    cr_expect_eq(kedge_zone_instant(zone, 1234), 1234);
}

Test(zone, refuses_names_that_are_none)
{
    static const char *const bad[] = {
        "",    "/etc/passwd",      "../x", "Europe/../x", "Europe//Berlin", "Europe/",
        "a b", "Europe/Berlin.txt"};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_zone *zone;
    struct kedge_err err;
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_expect_eq(kedge_zone_load(&arena, bad[i], &zone, &err), KEDGE_INVALID, "'%s'", bad[i]);
    cr_expect_eq(kedge_zone_load(&arena, "Europe/Atlantis", &zone, &err), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(err.msg, "Europe/Atlantis"));
    cr_expect_lt(kedge_zone_load(&arena, "Europe", &zone, &err), 0, "a folder");
    char name[300];
    memset(name, 'a', sizeof name);
    name[299] = '\0';
    cr_expect_eq(kedge_zone_load(&arena, name, &zone, &err), KEDGE_INVALID);
}

/* Whatever is read is either refused or answers: exact copies, so the sanitizers see each byte read
 * too far. */
static void try(const char *data, size_t size)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    char *copy = malloc(size + (size == 0));
    memcpy(copy, data, size);
    const struct kedge_zone *zone;
    struct kedge_err err;
    if (kedge_zone_parse(&arena, (struct kedge_slice){copy, size}, &zone, &err) == 0) {
        static const kedge_ms instants[] = {INT64_MIN, -1, 0, 1792890000000, INT64_MAX};
        for (size_t i = 0; i < KEDGE_COUNT(instants); i++) {
            int offset = kedge_zone_offset(zone, instants[i]);
            cr_assert(offset > -93600 && offset < 93600);
        }
        kedge_zone_instant(zone, 1792890000000);
    }
    free(copy);
}

Test(zone, hostile_bytes)
{
    struct kedge_rng rng = kedge_rng_make(3);
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    cr_assert_eq(kedge_fs_read(AT_FDCWD, "/usr/share/zoneinfo/Europe/Berlin", KEDGE_LIMIT_ZONE_FILE,
                               &bytes, NULL),
                 0);
    for (size_t size = 0; size < bytes.size; size++)
        try(bytes.data, size);
    for (int n = 0; n < 20000; n++) {
        kedge_auto(kedge_buf) struct kedge_buf bent = {0};
        kedge_buf_add(&bent, bytes.data, bytes.size);
        /* Headers and footer matter most. */
        size_t span = kedge_rng_chance(&rng, 50) ? 44 : bent.size;
        for (size_t k = 0; k <= kedge_rng_below(&rng, 4); k++)
            bent.data[kedge_rng_below(&rng, span)] = (char)kedge_rng_next(&rng);
        if (kedge_rng_chance(&rng, 30))
            bent.data[bent.size - 1 - kedge_rng_below(&rng, 30)] = (char)kedge_rng_next(&rng);
        try(bent.data, bent.size);
    }
    kedge_test_no_leaks();
}
