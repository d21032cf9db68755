/* SPDX-License-Identifier: Apache-2.0 */
#include "state/identity.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "lib/leak.h"

static const uint8_t one[KEDGE_KEY_SIZE] = {1}, two[KEDGE_KEY_SIZE] = {2};

Test(identity, rows_are_found_by_name)
{
    static const char *const names[] = {"m", "a", "z", "b", "m"};
    struct kedge_identities set = {0};
    for (size_t i = 0; i < KEDGE_COUNT(names); i++)
        kedge_identity_add(&set, names[i])->left = (kedge_ms)i;
    cr_assert_eq(set.count, 4);
    for (size_t i = 1; i < set.count; i++)
        cr_assert_lt(strcmp(set.at[i - 1]->device, set.at[i]->device), 0);
    cr_assert_eq(kedge_identity_find(&set, "m")->left, 4);
    cr_assert_null(kedge_identity_find(&set, "n"));
    kedge_identity_text(&kedge_identity_add(&set, "a")->hold, "one");
    kedge_identity_text(&kedge_identity_add(&set, "a")->hold, "two");
    cr_assert_str_eq(kedge_identity_find(&set, "a")->hold, "two");
    kedge_identity_release(&set);
    kedge_test_no_leaks();
}

Test(identity, who_leaves_does_not_count)
{
    struct kedge_identities set = {0};
    struct kedge_identity *row = kedge_identity_add(&set, "d");
    cr_expect_not(kedge_identity_leaves(&set, "d"));
    cr_expect_not(kedge_identity_leaves(&set, "e"));
    row->standing = KEDGE_STANDING_LEAVING;
    cr_expect(kedge_identity_leaves(&set, "d"));
    row->standing = KEDGE_STANDING_GONE;
    cr_expect(kedge_identity_leaves(&set, "d"));
    kedge_identity_release(&set);
}

Test(identity, the_manifest_s_key_comes_first_and_a_refused_one_never)
{
    static const struct {
        const uint8_t *manifest, *enrolled, *refused;
        enum kedge_key_origin origin;
        uint8_t key; /* its first byte; 0: none */
    } rows[] = {
        {NULL, NULL, NULL, KEDGE_KEY_NONE, 0},    {one, NULL, NULL, KEDGE_KEY_MANIFEST, 1},
        {NULL, two, NULL, KEDGE_KEY_ENROLLED, 2}, {one, two, NULL, KEDGE_KEY_MANIFEST, 1},
        {one, NULL, one, KEDGE_KEY_REFUSED, 0},   {NULL, two, two, KEDGE_KEY_REFUSED, 0},
        {one, two, one, KEDGE_KEY_ENROLLED, 2},   {one, two, two, KEDGE_KEY_MANIFEST, 1},
        {one, one, one, KEDGE_KEY_REFUSED, 0},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_identities set = {0};
        struct kedge_device device = {.object.name = "d"};
        enum kedge_key_origin origin;
        if (rows[i].manifest)
            memcpy(device.public_key, rows[i].manifest, KEDGE_KEY_SIZE);
        if (rows[i].enrolled)
            memcpy(kedge_identity_add(&set, "d")->key, rows[i].enrolled, KEDGE_KEY_SIZE);
        if (rows[i].refused)
            kedge_identity_refuse(&set, rows[i].refused);
        const uint8_t *key = kedge_identity_key(&set, &device, &origin);
        cr_expect_eq(origin, rows[i].origin, "row %zu", i);
        cr_expect_eq(key ? *key : 0, rows[i].key, "row %zu", i);
        kedge_identity_release(&set);
    }
    kedge_test_no_leaks();
}

Test(identity, refused_keys_are_a_set)
{
    struct kedge_identities set = {0};
    for (unsigned i = 0; i < 300; i++)
        kedge_identity_refuse(&set, (const uint8_t[KEDGE_KEY_SIZE]){(uint8_t)(i * 7), 1});
    cr_assert_eq(set.refused_count, 256);
    for (unsigned i = 0; i < 256; i++) {
        cr_assert(kedge_identity_refuses(&set, (const uint8_t[KEDGE_KEY_SIZE]){(uint8_t)i, 1}));
        cr_assert_not(kedge_identity_refuses(&set, (const uint8_t[KEDGE_KEY_SIZE]){(uint8_t)i, 2}));
    }
    kedge_identity_release(&set);
}
