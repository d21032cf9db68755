/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "lib/vectors.h"
#include "wire/key.h"

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
}

TestSuite(key, .init = start);

static void unhex(const json_t *object, const char *key, struct kedge_buf *out)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t size = strlen(text) / 2;
    kedge_buf_reserve(out, size);
    cr_assert(kedge_hex_decode(text, 2 * size, (uint8_t *)out->data, size));
    out->size = size;
}

static void check_wycheproof_group(const json_t *group, size_t *accepted, size_t *refused)
{
    struct kedge_err err;
    struct kedge_public_key key;
    const char *hex = json_string_value(json_object_get(json_object_get(group, "publicKey"), "pk"));
    cr_assert_eq(kedge_public_key_parse(hex, &key, &err), 0, "%s", err.msg);
    size_t i;
    json_t *row;
    json_array_foreach (json_object_get(group, "tests"), i, row) {
        kedge_auto(kedge_buf) struct kedge_buf message = {0}, signature = {0};
        unhex(row, "msg", &message);
        unhex(row, "sig", &signature);
        bool valid = strcmp(json_string_value(json_object_get(row, "result")), "valid") == 0;
        bool verdict = signature.size == KEDGE_KEY_SIGNATURE &&
                       kedge_public_key_verify(&key, message.data, message.size,
                                               (const uint8_t *)signature.data);
        cr_expect_eq(verdict, valid, "wycheproof %lld",
                     json_integer_value(json_object_get(row, "tcId")));
        ++*(verdict ? accepted : refused);
    }
}

Test(key, gives_every_wycheproof_verdict)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_vectors_read("ed25519/wycheproof.json", &text);
    kedge_auto(kedge_json) json_t *vectors = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_json_parse(text.data, text.size, KEDGE_MIB(4), &vectors, &err), 0);
    size_t accepted = 0, refused = 0, i;
    json_t *group;
    json_array_foreach (json_object_get(vectors, "testGroups"), i, group)
        check_wycheproof_group(group, &accepted, &refused);
    cr_assert_eq(accepted + refused, 151);
    cr_assert(accepted > 0 && refused > 0);
}

/* RFC 8032 7.1, test 1. */
static const char seed_hex[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
static const char public_hex[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
static const char empty_signature_hex[] =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
    "6bd25bf5f0595bbe24655141438e7a100b";

static struct kedge_key *rfc_key(void)
{
    uint8_t seed[32];
    cr_assert(kedge_hex_decode(seed_hex, 64, seed, sizeof seed));
    return kedge_key_from_seed(seed);
}

static void sign(const struct kedge_key *key, const void *message, size_t size, uint8_t *signature)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_sign(key, message, size, signature, &err), 0);
}

Test(key, signs_as_rfc_8032)
{
    kedge_auto(kedge_key) struct kedge_key *key = rfc_key();
    struct kedge_public_key public = kedge_key_public(key);
    char hex[129];
    cr_assert_str_eq(kedge_hex_encode(public.bytes, sizeof public.bytes, hex), public_hex);
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    sign(key, "", 0, signature);
    cr_assert_str_eq(kedge_hex_encode(signature, sizeof signature, hex), empty_signature_hex);
    cr_assert(kedge_public_key_verify(&public, "", 0, signature));
}

Test(key, generated_keys_differ_and_verify)
{
    kedge_auto(kedge_key) struct kedge_key *a = kedge_key_generate();
    kedge_auto(kedge_key) struct kedge_key *b = kedge_key_generate();
    struct kedge_public_key public_a = kedge_key_public(a), public_b = kedge_key_public(b);
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    sign(a, "kedge", 5, signature);
    cr_assert(kedge_public_key_verify(&public_a, "kedge", 5, signature));
    cr_assert_not(kedge_public_key_verify(&public_b, "kedge", 5, signature));
    cr_assert_not(kedge_public_key_verify(&public_a, "kedgf", 5, signature));
}

/* S + L is the same scalar in another spelling. */
Test(key, refuses_every_flipped_byte_and_a_second_spelling_of_s)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    kedge_auto(kedge_key) struct kedge_key *key = rfc_key();
    struct kedge_public_key public = kedge_key_public(key);
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    sign(key, "kedge", 5, signature);
    for (size_t i = 0; i < sizeof signature; i++) {
        for (int bit = 0; bit < 8; bit++) {
            signature[i] ^= (uint8_t)(1 << bit);
            cr_expect_not(kedge_public_key_verify(&public, "kedge", 5, signature));
            signature[i] ^= (uint8_t)(1 << bit);
        }
    }
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    cr_expect_not(kedge_public_key_verify(&public, "kedge", 5, signature));
}

Test(key, public_text_reads_back)
{
    kedge_auto(kedge_key) struct kedge_key *key = rfc_key();
    struct kedge_public_key public = kedge_key_public(key), again = {0};
    struct kedge_err err;
    char text[KEDGE_KEY_TEXT];
    cr_assert_str_eq(kedge_public_key_format(&public, text),
                     "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    cr_assert_eq(kedge_public_key_parse(text, &again, &err), 0, "%s", err.msg);
    cr_assert_arr_eq(again.bytes, public.bytes, sizeof again.bytes);
    memset(&again, 0, sizeof again);
    cr_assert_eq(kedge_public_key_parse(public_hex, &again, &err), 0, "%s", err.msg);
    cr_assert_arr_eq(again.bytes, public.bytes, sizeof again.bytes);
}

Test(key, refuses_public_text_that_is_no_sound_key)
{
    static const struct {
        const char *text;
        enum kedge_code code;
    } rows[] = {
        {"", KEDGE_INVALID},
        {"ed25519:", KEDGE_INVALID},
        {"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", KEDGE_INVALID},
        {"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=", KEDGE_INVALID},
        {"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= ", KEDGE_INVALID},
        {"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA", KEDGE_INVALID},
        {"rsa:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", KEDGE_INVALID},
        {"D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A", KEDGE_INVALID},
        {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751", KEDGE_INVALID},
        /* order 1, 2, 4, 4 and the two of order 8 */
        {"0100000000000000000000000000000000000000000000000000000000000000", KEDGE_DENIED},
        {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KEDGE_DENIED},
        {"0000000000000000000000000000000000000000000000000000000000000000", KEDGE_DENIED},
        {"0000000000000000000000000000000000000000000000000000000000000080", KEDGE_DENIED},
        {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", KEDGE_DENIED},
        {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", KEDGE_DENIED},
        /* y = p, y = p + 1 and y = p + 3: second spellings of 0, 1 and 3 */
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KEDGE_DENIED},
        {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KEDGE_DENIED},
        {"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", KEDGE_DENIED},
        /* x = 0 with its sign set */
        {"0100000000000000000000000000000000000000000000000000000000000080", KEDGE_DENIED},
        /* y = 2 is not on the curve */
        {"0200000000000000000000000000000000000000000000000000000000000000", KEDGE_DENIED},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_err err = {0};
        struct kedge_public_key key = {.bytes = {42}};
        cr_expect_eq(kedge_public_key_parse(rows[i].text, &key, &err), rows[i].code, "%s: %s",
                     rows[i].text, err.msg);
        cr_expect_eq(key.bytes[0], 42, "written although refused");
    }
    kedge_test_no_leaks();
}

/* python: sha256(b'{"keytype":"ed25519","keyval":{"public":"d75a..."},"scheme":"ed25519"}') */
Test(key, id_is_the_digest_of_tuf_canonical_json)
{
    kedge_auto(kedge_key) struct kedge_key *key = rfc_key();
    struct kedge_public_key public = kedge_key_public(key);
    char id[KEDGE_KEY_ID_TEXT];
    cr_assert_str_eq(kedge_public_key_id(&public, id),
                     "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916");
    cr_assert_str_eq(kedge_key_id(key), id);
}

/* As `ssh-keygen -l` says it. */
Test(key, fingerprint_is_that_of_openssh)
{
    kedge_auto(kedge_key) struct kedge_key *key = rfc_key();
    struct kedge_public_key public = kedge_key_public(key);
    char text[KEDGE_KEY_PRINT];
    cr_assert_str_eq(kedge_public_key_fingerprint(&public, text),
                     "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8");
}

static int load_public(const char *folder, const void *text, size_t size)
{
    struct kedge_err err;
    struct kedge_public_key key;
    char path[300];
    snprintf(path, sizeof path, "%s/key.pub", folder);
    cr_assert_eq(kedge_fs_write(AT_FDCWD, path, text, size, 0644, &err), 0, "%s", err.msg);
    return kedge_public_key_load(path, &key, &err);
}

Test(key, public_file_is_one_line)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    static const char good[] = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n";
    static const char two[] = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\n";
    static const char large[200] = "ed25519:";
    cr_expect_eq(load_public(tmp.path, good, strlen(good)), 0);
    cr_expect_eq(load_public(tmp.path, good, strlen(good) - 1), 0);
    cr_expect_eq(load_public(tmp.path, public_hex, strlen(public_hex)), 0);
    cr_expect_eq(load_public(tmp.path, good, sizeof good), KEDGE_INVALID);
    cr_expect_eq(load_public(tmp.path, two, strlen(two)), KEDGE_INVALID);
    cr_expect_eq(load_public(tmp.path, "", 0), KEDGE_INVALID);
    cr_expect_eq(load_public(tmp.path, large, sizeof large), KEDGE_LIMIT);
}
