/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#include "base/codec.h"
#include "lib/leak.h"
#include "lib/rng.h"

Test(codec, hex)
{
    char text[9];
    uint8_t bytes[4] = {0x00, 0x7f, 0x80, 0xff}, back[4] = {0};
    cr_assert_str_eq(kedge_hex_encode(bytes, 4, text), "007f80ff");
    cr_assert(kedge_hex_decode(text, 8, back, 4));
    cr_assert_arr_eq(back, bytes, 4);
    cr_assert(kedge_hex_decode("", 0, NULL, 0));
}

Test(codec, hex_refuses)
{
    uint8_t back[4] = {9, 9, 9, 9};
    static const char *const bad[] = {"007f80f",  "007f80fff", "007F80ff", "007f80fg",
                                      "007f 0ff", "007f80",    "0x7f80ff"};
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_assert_not(kedge_hex_decode(bad[i], strlen(bad[i]), back, 4), "%s", bad[i]);
    cr_assert_eq(back[0], 9, "output written on failure");
}

/* RFC 4648 section 10. */
static const struct {
    const char *plain, *encoded;
} rfc4648[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

Test(codec, base64_vectors)
{
    for (size_t i = 0; i < KEDGE_COUNT(rfc4648); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0}, back = {0};
        kedge_base64_encode(&text, rfc4648[i].plain, strlen(rfc4648[i].plain));
        cr_assert_str_eq(kedge_buf_slice(&text).data, rfc4648[i].encoded);
        cr_assert_eq(kedge_base64_decode(&back, rfc4648[i].encoded, strlen(rfc4648[i].encoded),
                                         NULL),
                     0);
        cr_assert_str_eq(kedge_buf_slice(&back).data, rfc4648[i].plain);
    }
}

/* libsodium is the second opinion, in both alphabets. */
Test(codec, base64_agrees_with_libsodium)
{
    struct kedge_rng rng = kedge_rng_make(5);
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[100];
        size_t size = kedge_rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)kedge_rng_next(&rng);
        char standard[200], url[200];
        sodium_bin2base64(standard, sizeof standard, bytes, size, sodium_base64_VARIANT_ORIGINAL);
        sodium_bin2base64(url, sizeof url, bytes, size, sodium_base64_VARIANT_URLSAFE);
        kedge_auto(kedge_buf) struct kedge_buf text = {0}, back = {0};
        kedge_base64_encode(&text, bytes, size);
        cr_assert_str_eq(kedge_buf_slice(&text).data, standard);
        cr_assert_eq(kedge_base64_decode(&back, standard, strlen(standard), NULL), 0);
        cr_assert_eq(kedge_base64_decode(&back, url, strlen(url), NULL), 0);
        cr_assert_eq(back.size, 2 * size, "decoding appends");
        cr_assert(size == 0 || memcmp(back.data + size, bytes, size) == 0);
    }
    kedge_test_no_leaks();
}

Test(codec, base64_refuses)
{
    static const char *const bad[] = {"Zg",     "Zg=",    "Zg===",    "=",         "====",
                                      "Z===",   "Zm9v\n", " Zm9v",    "Zm9v ",     "Zm=v",
                                      "Zh==",   "Zm9=",   "+_+_",     "-/-/",      "Zm9.",
                                      "Zm9vZg", "=m9v",   "Zg==Zg==", "Zm\xc3\xa4"};
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_auto(kedge_buf) struct kedge_buf back = {0};
        struct kedge_err err = {0};
        kedge_buf_puts(&back, "kept");
        cr_assert_eq(kedge_base64_decode(&back, bad[i], strlen(bad[i]), &err), KEDGE_INVALID,
                     "'%s'", bad[i]);
        cr_assert_neq(err.msg[0], '\0');
        cr_assert_str_eq(back.data, "kept");
    }
}
