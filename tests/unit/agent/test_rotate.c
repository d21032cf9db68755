/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/errand.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "base/fs.h"
#include "lib/tempdir.h"

static void save(const struct kedge_tempdir *tmp, const char *name, uint8_t number)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){number});
    struct kedge_err err;
    kedge_buf_printf(&path, "%s/%s", tmp->path, name);
    unlink(path.data);
    cr_assert_eq(kedge_keyfile_save(key, NULL, path.data, &err), 0, "%s", err.msg);
}

static bool holds(const struct kedge_key *key, uint8_t number)
{
    return kedge_key_seed(key)[0] == number;
}

/* The keys beside `current`, as digits in their order. */
static unsigned spares(const struct kedge_errand *errand, uint8_t current)
{
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_from_seed((uint8_t[32]){current});
    const struct kedge_public_key public = kedge_key_public(key);
    struct kedge_key *found[KEDGE_ERRAND_SPARES];
    unsigned digits = 0;
    size_t count = kedge_errand_spares(errand, &public, found);
    for (size_t i = 0; i < count; i++) {
        for (uint8_t number = 1; number < 9; number++)
            if (holds(found[i], number))
                digits = 10 * digits + number;
        kedge_key_free(found[i]);
    }
    return digits;
}

/* The new key takes its place, the old one stays to open what is sealed for it, and nothing of
 * either is left of a device that leaves. */
Test(rotate, the_key_before_is_kept)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    const struct kedge_errand errand = {.device = "d", .state_dir = tmp.path};
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    save(&tmp, "device.key", 1);
    cr_expect_eq(spares(&errand, 1), 0);
    cr_assert_eq(kedge_errand_settle(&errand, &err), 0, "there is nothing to settle");
    cr_expect_eq(spares(&errand, 1), 0);

    save(&tmp, "device.key.next", 2);
    cr_expect_eq(spares(&errand, 1), 2);
    cr_expect_eq(spares(&errand, 2), 1, "not settled yet: the old one is in its place");
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(kedge_errand_settle(&errand, &err), 0, "%s", err.msg);
        cr_expect_eq(spares(&errand, 2), 1);
    }
    save(&tmp, "device.key.next", 3);
    cr_assert_eq(kedge_errand_settle(&errand, &err), 0);
    cr_expect_eq(spares(&errand, 3), 2, "one key before, no more");
    cr_expect_eq(spares(&errand, 1), 23, "of an agent that still has an older one");

    cr_assert_eq(kedge_errand_forget(&errand, tmp.fd, &err), 0, "%s", err.msg);
    cr_expect_eq(spares(&errand, 9), 0);
}
