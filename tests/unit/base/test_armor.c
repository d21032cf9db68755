/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/armor.h"
#include "lib/leak.h"

#define LABEL "SOME BYTES"
#define BEGIN "-----BEGIN SOME BYTES-----\n"
#define END   "-----END SOME BYTES-----\n"
#define LINE  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

static int decode(const char *text, size_t size, struct kedge_buf *out)
{
    struct kedge_err err = {0};
    int code = kedge_armor_decode(out, (struct kedge_slice){text, size}, LABEL, &err);
    cr_assert_eq(code, (int)err.code);
    return code;
}

Test(armor, what_is_written_is_read)
{
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(7 * i);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0}, read = {0};
        kedge_armor_encode(&text, LABEL, bytes, size);
        cr_assert(kedge_armor_is(kedge_buf_slice(&text), LABEL));
        cr_assert_eq(decode(text.data, text.size, &read), 0, "size %zu", size);
        cr_assert_eq(read.size, size);
        cr_expect(size == 0 || memcmp(read.data, bytes, size) == 0);
    }
    kedge_test_no_leaks();
}

Test(armor, one_form_only)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {BEGIN "AAAA\n" END, 0},
        {BEGIN END, 0},
        {BEGIN LINE END, 0},
        {BEGIN LINE "AAAA\n" END, 0},
        {"\r\n \t" BEGIN "AAAA\n" END "\n \r\n\t", 0},
        {BEGIN "AAAA\n-----END SOME BYTES-----", 0},
        {"-----BEGIN SOME BYTES-----\r\nAAAA\r\n-----END SOME BYTES-----\r\n", 0},
        {"", KEDGE_INVALID},
        {BEGIN, KEDGE_INVALID},
        {BEGIN "AAAA\n", KEDGE_INVALID},
        {"x" BEGIN "AAAA\n" END, KEDGE_INVALID},
        {BEGIN "AAAA\n" END "x", KEDGE_INVALID},
        {BEGIN "AAAA\n" END BEGIN "AAAA\n" END, KEDGE_INVALID},
        {BEGIN "\nAAAA\n" END, KEDGE_INVALID},
        {BEGIN "AAAA\n\n" END, KEDGE_INVALID},
        {BEGIN "Comment: x\n\nAAAA\n" END, KEDGE_INVALID},
        {BEGIN "AAAA \n" END, KEDGE_INVALID},
        {BEGIN " AAAA\n" END, KEDGE_INVALID},
        {BEGIN "AAAA\nAAAA\n" END, KEDGE_INVALID},
        {BEGIN "AAA\nA\n" END, KEDGE_INVALID},
        {BEGIN "AA=\n=\n" END, KEDGE_INVALID},
        {BEGIN "AAA\n" END, KEDGE_INVALID},
        {BEGIN "AAB=\n" END, KEDGE_INVALID},
        {BEGIN "AA_-\n" END, KEDGE_INVALID},
        {BEGIN "AAAA=\n" END, KEDGE_INVALID},
        {BEGIN "AAAAAAAA" LINE END, KEDGE_INVALID},
        {BEGIN "AAAA\n-----END SOME BYTES----\n", KEDGE_INVALID},
        {BEGIN "AAAA\n-----END OTHER BYTES-----\n", KEDGE_INVALID},
        {"-----BEGIN OTHER BYTES-----\nAAAA\n" END, KEDGE_INVALID},
        {"-----BEGIN SOME BYTES----- \nAAAA\n" END, KEDGE_INVALID},
        {"-----begin some bytes-----\nAAAA\n" END, KEDGE_INVALID},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf read = {0};
        cr_expect_eq(decode(rows[i].text, strlen(rows[i].text), &read), rows[i].code, "row %zu", i);
    }
}

Test(armor, nul_and_every_cut_are_refused)
{
    static const char text[] = BEGIN LINE "AAAA\n" END;
    kedge_auto(kedge_buf) struct kedge_buf read = {0};
    for (size_t size = 0; size < strlen(text) - 1; size++)
        cr_expect_eq(decode(text, size, &read), KEDGE_INVALID, "size %zu", size);
    cr_expect_eq(decode(text, sizeof text, &read), KEDGE_INVALID, "a NUL behind it");
}
