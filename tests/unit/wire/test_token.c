/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/codec.h"
#include "wire/key.h"
#include "wire/token.h"

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
}

TestSuite(token, .init = start);

static const struct kedge_digest root = {{1, 2, 3}};

Test(token, reads_back_and_is_one_word)
{
    struct kedge_token token = kedge_token_make(&root), again;
    struct kedge_err err;
    char text[KEDGE_TOKEN_TEXT];
    kedge_token_format(&token, text);
    cr_assert_eq(strlen(text), KEDGE_TOKEN_TEXT - 1);
    cr_assert_eq(strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:"),
                 strlen(text));
    cr_assert_eq(kedge_token_parse(text, &again, &err), 0, "%s", err.msg);
    cr_assert_arr_eq(again.secret, token.secret, sizeof token.secret);
    cr_assert(kedge_digest_equal(&again.root, &root));
}

Test(token, two_are_never_alike)
{
    struct kedge_token a = kedge_token_make(&root), b = kedge_token_make(&root);
    char hash_a[KEDGE_TOKEN_HASH], hash_b[KEDGE_TOKEN_HASH];
    cr_assert_neq(memcmp(a.secret, b.secret, sizeof a.secret), 0);
    cr_assert_str_neq(kedge_token_hash(a.secret, hash_a), kedge_token_hash(b.secret, hash_b));
}

/* hashlib.blake2b(bytes(range(32)), digest_size=32, key=b"https://kedge.dev/enrolment-token/v1") */
Test(token, hash_is_keyed_blake2b)
{
    uint8_t secret[KEDGE_TOKEN_SECRET];
    char text[KEDGE_TOKEN_HASH];
    for (uint8_t i = 0; i < sizeof secret; i++)
        secret[i] = i;
    cr_assert_str_eq(kedge_token_hash(secret, text),
                     "1fa7888449310c2df1855a9fb8250522262b7ee7d124f3ccf6a8dfefc6e4db31");
}

/* Copied by hand, read over the telephone: every wrong character, every cut. */
Test(token, every_slip_is_noticed)
{
    struct kedge_token token = kedge_token_make(&root), out;
    struct kedge_err err;
    char text[KEDGE_TOKEN_TEXT + 1] = "", secret[8];
    kedge_token_format(&token, text);
    memcpy(secret, text + 20, 7);
    secret[7] = '\0';
    for (size_t i = 0; i < KEDGE_TOKEN_TEXT - 1; i++) {
        char good = text[i];
        for (int c = 1; c < 256; c++) {
            if ((char)c == good)
                continue;
            text[i] = (char)c;
            cr_assert_eq(kedge_token_parse(text, &out, &err), KEDGE_INVALID, "byte %zu %d", i, c);
            cr_assert_null(strstr(err.msg, secret), "messages are logged");
        }
        text[i] = '\0';
        cr_assert_eq(kedge_token_parse(text, &out, &err), KEDGE_INVALID, "cut at %zu", i);
        text[i] = good;
    }
    text[KEDGE_TOKEN_TEXT - 1] = 'A';
    cr_assert_eq(kedge_token_parse(text, &out, &err), KEDGE_INVALID, "longer");
}
