/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"
#include "lib/leak.h"
#include "wire/rotation.h"

static struct kedge_key *old_key, *new_key, *strange_key;
static struct kedge_public_key old_public, new_public;

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    old_key = kedge_key_from_seed((const uint8_t[32]){1});
    new_key = kedge_key_from_seed((const uint8_t[32]){2});
    strange_key = kedge_key_from_seed((const uint8_t[32]){3});
    old_public = kedge_key_public(old_key);
    new_public = kedge_key_public(new_key);
}

static void stop(void)
{
    kedge_key_free(old_key);
    kedge_key_free(new_key);
    kedge_key_free(strange_key);
}

TestSuite(rotation, .init = start, .fini = stop);

static void make(const struct kedge_key *before, const struct kedge_key *after,
                 struct kedge_buf *out)
{
    struct kedge_err err;
    cr_assert_eq(kedge_rotation_sign("press-07", before, after, KEDGE_FIXTURE_NOW, out, &err), 0,
                 "%s", err.msg);
}

static int judge(const struct kedge_buf *envelope, const char *device,
                 const struct kedge_public_key *before, struct kedge_err *err)
{
    struct kedge_public_key after = {{0}};
    static const struct kedge_public_key none;
    *err = (struct kedge_err){0};
    int code = kedge_rotation_verify(kedge_buf_slice(envelope), device, before, &after, err);
    cr_assert_eq(code != 0, memcmp(&after, &none, sizeof none) == 0);
    return code;
}

Test(rotation, both_keys_move_the_device)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_public_key after;
    struct kedge_err err;
    make(old_key, new_key, &envelope);
    cr_assert_eq(kedge_rotation_verify(kedge_buf_slice(&envelope), "press-07", &old_public, &after,
                                       &err),
                 0, "%s", err.msg);
    cr_assert_arr_eq(after.bytes, new_public.bytes, sizeof after.bytes);
}

Test(rotation, attacks_have_their_reasons)
{
    kedge_auto(kedge_buf) struct kedge_buf good = {0}, strange = {0}, same = {0};
    struct kedge_err err;
    make(old_key, new_key, &good);
    make(strange_key, new_key, &strange);
    make(old_key, old_key, &same);
    cr_expect_eq(judge(&good, "press-08", &old_public, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "for device 'press-07'"), "wrong device: %s", err.msg);
    cr_expect_eq(judge(&good, "press-07", &new_public, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "not the device's now"), "replay: %s", err.msg);
    cr_expect_eq(judge(&strange, "press-07", &old_public, &err), KEDGE_DENIED, "a stranger's");
    cr_expect_eq(judge(&same, "press-07", &old_public, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "the new key is the old one"), "%s", err.msg);
    kedge_test_no_leaks();
}

/* The same statement, signed by one of the two, or by the wrong two. */
Test(rotation, one_signature_is_not_enough)
{
    kedge_auto(kedge_buf) struct kedge_buf good = {0}, payload = {0};
    struct kedge_err err;
    make(old_key, new_key, &good);
    cr_assert_eq(kedge_envelope_peek(kedge_buf_slice(&good), good.size, &payload, &err), 0);
    const struct kedge_key *signers[][2] = {
        {old_key, NULL},        {new_key, NULL},     {old_key, old_key},
        {new_key, strange_key}, {strange_key, NULL},
    };
    for (size_t i = 0; i < KEDGE_COUNT(signers); i++) {
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
        cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO,
                                         kedge_buf_slice(&payload), signers[i],
                                         signers[i][1] ? 2 : 1, &err),
                     0);
        cr_expect_eq(judge(&envelope, "press-07", &old_public, &err), KEDGE_DENIED, "row %zu", i);
    }
    kedge_test_no_leaks();
}

Test(rotation, every_flipped_bit_and_every_cut_is_refused_or_harmless)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_public_key after;
    struct kedge_err err;
    make(old_key, new_key, &envelope);
    size_t harmless = 0;
    for (size_t i = 0; i < envelope.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            envelope.data[i] = (char)(envelope.data[i] ^ (1 << bit));
            if (kedge_rotation_verify(kedge_buf_slice(&envelope), "press-07", &old_public, &after,
                                      &err) == 0) {
                harmless++;
                cr_assert_arr_eq(after.bytes, new_public.bytes, sizeof after.bytes);
            }
            envelope.data[i] = (char)(envelope.data[i] ^ (1 << bit));
        }
        cr_assert_eq(kedge_rotation_verify((struct kedge_slice){envelope.data, i}, "press-07",
                                           &old_public, &after, &err),
                     KEDGE_INVALID);
    }
    cr_expect(harmless <= 2 * 69 * 8, "in the two keyids: %zu", harmless);
    kedge_test_no_leaks();
}
