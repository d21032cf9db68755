/* SPDX-License-Identifier: Apache-2.0 */
#include "state/actual.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "lib/leak.h"
#include "lib/rng.h"

Test(actual, rows_stay_sorted_and_are_replaced_whole)
{
    struct kedge_rng rng = kedge_rng_make(31);
    struct kedge_actual actual = {0};
    int64_t counters[50] = {0};
    for (int n = 1; n < 2000; n++) {
        size_t which = kedge_rng_below(&rng, 50);
        char name[8];
        snprintf(name, sizeof name, "d%02zu", which);
        if (kedge_rng_chance(&rng, 30)) {
            kedge_actual_remove(&actual, name);
            counters[which] = 0;
        } else {
            struct kedge_actual_device *row = kedge_actual_device_new(name);
            row->report.counter = n;
            kedge_actual_put(&actual, row);
            counters[which] = n;
        }
    }
    size_t there = 0;
    for (size_t i = 0; i < 50; i++) {
        char name[8];
        snprintf(name, sizeof name, "d%02zu", i);
        const struct kedge_actual_device *row = kedge_actual_find(&actual, name);
        cr_assert_eq(row != NULL, counters[i] != 0);
        if (row != NULL)
            cr_assert_eq(row->report.counter, counters[i]);
        there += row != NULL;
    }
    cr_assert_eq(actual.count, there);
    for (size_t i = 1; i < actual.count; i++)
        cr_assert_lt(strcmp(actual.at[i - 1]->name, actual.at[i]->name), 0);
    kedge_actual_release(&actual);
    cr_expect_null(kedge_actual_find(&actual, "d00"));
    kedge_actual_device_free(NULL);
    kedge_test_no_leaks();
}

/* The set digest equals that of the wanted set only when all of it is there, intact and proven. */
Test(actual, the_set_digest_tells_in_sync)
{
    struct kedge_assignment want = {.instance = "m", .version = "1.0.0"};
    kedge_assignment_seal(&want);
    const struct kedge_assignment *set[] = {&want};
    struct kedge_digest wanted = kedge_assignment_set_digest(set, 1);
    static const struct {
        const char *about;
        struct kedge_reported held;
        bool same, in_sync;
    } rows[] = {
        {"verified", {.instance = "m", .verified = true}, true, true},
        {"not yet verified", {.instance = "m"}, true, false},
        {"other content", {.instance = "m", .verified = true}, false, false},
        {"other instance", {.instance = "n", .verified = true}, true, false},
        {"stopped", {.instance = "m", .state = KEDGE_RUN_STOPPED}, true, false},
        {"modified",
         {.instance = "m", .verified = true, .integrity = KEDGE_INTEGRITY_MODIFIED},
         true,
         false},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_actual_device *row = kedge_actual_device_new("d");
        struct kedge_reported held = rows[i].held;
        held.content = rows[i].same ? want.content : kedge_digest_of("x", 1);
        row->report.instances = &held;
        row->report.instance_count = 1;
        kedge_actual_device_seal(row);
        cr_expect_eq(kedge_digest_equal(&row->set, &wanted), rows[i].in_sync, "%s", rows[i].about);
        kedge_actual_device_free(row);
    }
    want.state = KEDGE_RUN_STOPPED;
    wanted = kedge_assignment_set_digest(set, 1);
    struct kedge_actual_device *row = kedge_actual_device_new("d");
    struct kedge_reported held = {.instance = "m",
                                  .content = want.content,
                                  .state = KEDGE_RUN_STOPPED};
    row->report.instances = &held;
    row->report.instance_count = 1;
    kedge_actual_device_seal(row);
    cr_expect(kedge_digest_equal(&row->set, &wanted), "stopped as wanted needs no probe");
    row->report.instance_count = 0;
    kedge_actual_device_seal(row);
    wanted = kedge_assignment_set_digest(set, 0);
    cr_expect(kedge_digest_equal(&row->set, &wanted), "nothing held, nothing wanted");
    kedge_actual_device_free(row);
}

static void actual_auto(struct kedge_actual *actual)
{
    kedge_actual_release(actual);
}

static void put(struct kedge_actual *actual, size_t device, uint8_t set)
{
    char name[16];
    snprintf(name, sizeof name, "device-%zu", device);
    struct kedge_actual_device *row = kedge_actual_device_new(name);
    row->set.bytes[0] = set;
    kedge_actual_put(actual, row);
}

static bool same(const struct kedge_actual *a, const struct kedge_actual *b)
{
    struct kedge_digest x = kedge_actual_inventory(a), y = kedge_actual_inventory(b);
    return kedge_digest_equal(&x, &y);
}

Test(actual, inventory_tells_whether_the_fleet_has_moved)
{
    kedge_auto(actual) struct kedge_actual one = {0}, two = {0};
    cr_expect(same(&one, &two));
    put(&one, 1, 7);
    cr_expect_not(same(&one, &two));
    put(&two, 1, 7);
    cr_expect(same(&one, &two));
    put(&two, 1, 8);
    cr_expect_not(same(&one, &two));
    put(&two, 1, 7);
    cr_expect(same(&one, &two));
    put(&one, 2, 8);
    put(&two, 3, 8);
    cr_expect_not(same(&one, &two), "another device has the set");
    kedge_actual_remove(&one, "device-2");
    kedge_actual_remove(&two, "device-3");
    cr_expect(same(&one, &two));
    kedge_actual_find(&one, "device-1")->set.bytes[0] = 9;
    kedge_actual_put(&one, kedge_actual_find(&one, "device-1"));
    cr_expect_not(same(&one, &two));
    put(&two, 1, 9);
    cr_expect(same(&one, &two), "changed in place and put again");
    kedge_actual_remove(&one, "device-1");
    cr_expect_not(same(&one, &two));
}

Test(actual, inventory_depends_on_the_rows_alone)
{
    struct kedge_rng rng = kedge_rng_make(11);
    kedge_auto(actual) struct kedge_actual worn = {0}, fresh = {0};
    char name[16];
    for (int i = 0; i < 500; i++) {
        size_t device = kedge_rng_below(&rng, 20);
        snprintf(name, sizeof name, "device-%zu", device);
        if (kedge_rng_chance(&rng, 30))
            kedge_actual_remove(&worn, name);
        else
            put(&worn, device, (uint8_t)kedge_rng_below(&rng, 4));
    }
    for (size_t device = 20; device-- > 0;) {
        snprintf(name, sizeof name, "device-%zu", device);
        const struct kedge_actual_device *row = kedge_actual_find(&worn, name);
        if (row)
            put(&fresh, device, row->set.bytes[0]);
    }
    cr_assert_eq(worn.count, fresh.count);
    cr_expect(same(&worn, &fresh));
}
