/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/bech32.h"
#include "lib/leak.h"

/* The identity and recipient that the age specification shows: 32 times 0x42, and its public half. */
#define IDENTITY  "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define RECIPIENT "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

static int decode(const char *text, const char *prefix, uint8_t bytes[32])
{
    struct kedge_err err = {0};
    int code = kedge_bech32_decode(text, prefix, bytes, 32, &err);
    cr_assert_eq(code, (int)err.code);
    return code;
}

Test(bech32, what_age_shows_reads_and_writes_back)
{
    uint8_t bytes[32], wanted[32];
    memset(wanted, 0x42, sizeof wanted);
    cr_assert_eq(decode(IDENTITY, "age-secret-key-", bytes), 0);
    cr_expect_arr_eq(bytes, wanted, sizeof wanted);
    cr_assert_eq(decode(RECIPIENT, "age", bytes), 0);
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_bech32_encode(&text, "age", bytes, sizeof bytes);
    cr_expect_str_eq(text.data, RECIPIENT);
}

/* BIP 173: valid strings and what they hold, of other sizes. */
Test(bech32, other_sizes)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    uint8_t bytes[32];
    cr_expect_eq(kedge_bech32_decode("A12UEL5L", "a", bytes, 0, &err), 0);
    cr_expect_eq(kedge_bech32_decode("?1ezyfcl", "?", bytes, 0, &err), 0);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        uint8_t again[32] = {0};
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(37 * i + size);
        kedge_buf_clear(&text);
        kedge_bech32_encode(&text, "x", bytes, size);
        cr_assert_eq(kedge_bech32_decode(text.data, "x", again, size, &err), 0, "size %zu", size);
        cr_expect_arr_eq(again, bytes, size);
        cr_expect_neq(kedge_bech32_decode(text.data, "x", again, size + 1, &err), 0);
    }
    kedge_test_no_leaks();
}

Test(bech32, every_slip_is_noticed)
{
    static const char other[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l1bioAZ \n-";
    uint8_t bytes[32];
    char text[] = RECIPIENT;
    for (size_t i = 0; i < strlen(text); i++) {
        for (const char *c = other; *c; c++) {
            char kept = text[i];
            text[i] = *c;
            cr_expect(*c == kept || decode(text, "age", bytes) == KEDGE_INVALID, "'%s'", text);
            text[i] = kept;
        }
        char swapped[] = RECIPIENT;
        swapped[i] = RECIPIENT[i + 1];
        swapped[i + 1] = RECIPIENT[i];
        cr_expect(strcmp(swapped, RECIPIENT) == 0 ||
                  decode(swapped, "age", bytes) == KEDGE_INVALID);
    }
}

Test(bech32, other_forms_are_refused)
{
    static const char *const rows[] = {
        "",
        "1",
        "age",
        "age1",
        "ag1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        RECIPIENT "q",
        " " RECIPIENT,
        IDENTITY,
        "Age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        "age1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ",
    };
    uint8_t bytes[32];
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(decode(rows[i], "age", bytes), KEDGE_INVALID, "'%s'", rows[i]);
    char upper[] = RECIPIENT;
    for (char *c = upper; *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    cr_expect_eq(decode(upper, "age", bytes), 0, "one case, the other one");
}
