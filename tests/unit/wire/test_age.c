/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/bech32.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/secret.h"
#include "fixture.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "lib/vectors.h"
#include "stock.h"
#include "wire/age.h"

static struct kedge_age_recipient recipient_of(const struct kedge_key *key)
{
    const struct kedge_public_key public = kedge_key_public(key);
    struct kedge_age_recipient out;
    struct kedge_err err;
    cr_assert_eq(kedge_age_recipient_of(&public, &out, &err), 0, "%s", err.msg);
    return out;
}

static struct kedge_age_identity *identity_of(const struct kedge_key *key)
{
    struct kedge_age_identity *out;
    struct kedge_err err;
    cr_assert_eq(kedge_age_identity_of(key, &out, &err), 0, "%s", err.msg);
    return out;
}

/* Parses and opens; what it holds goes to `out`. */
static int open_text(struct kedge_slice text, const struct kedge_age_identity *identity,
                     struct kedge_buf *out)
{
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    struct kedge_err err = {0};
    char *secret;
    size_t size;
    int code = kedge_sealed_parse(text, &sealed, &err);
    if (!code)
        code = kedge_age_open(&sealed, identity, &secret, &size, &err);
    cr_assert_eq(code, (int)err.code, "%s", err.msg);
    if (code)
        return code;
    cr_assert_eq(secret[size], '\0');
    kedge_buf_add(out, secret, size);
    kedge_secret_free(secret);
    return 0;
}

static void seal(const struct kedge_key *key, const char *secret, struct kedge_buf *out)
{
    const struct kedge_age_recipient recipient = recipient_of(key);
    struct kedge_err err;
    cr_assert_eq(kedge_age_seal(&recipient, 1, secret, strlen(secret), out, &err), 0, "%s",
                 err.msg);
}

Test(age, the_key_of_a_device_opens_what_is_sealed_for_it)
{
    kedge_auto(kedge_age_identity) struct kedge_age_identity *device =
        identity_of(kedge_fixture_director());
    kedge_auto(kedge_age_identity) struct kedge_age_identity *stranger =
        identity_of(kedge_fixture_stranger());
    const struct kedge_age_recipient derived = recipient_of(kedge_fixture_director());
    const struct kedge_age_recipient own = kedge_age_identity_recipient(device);
    cr_expect_arr_eq(derived.bytes, own.bytes, sizeof own.bytes,
                     "the public half alone gives the recipient");
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, again = {0}, read = {0};
    seal(kedge_fixture_director(), "hunter2", &text);
    seal(kedge_fixture_director(), "hunter2", &again);
    cr_expect_str_neq(text.data, again.data, "sealed twice, it is two texts");
    cr_assert_eq(open_text(kedge_buf_slice(&text), device, &read), 0);
    cr_expect_str_eq(read.data, "hunter2");
    cr_expect_eq(open_text(kedge_buf_slice(&text), stranger, &read), KEDGE_DENIED);
    kedge_age_identity_free(device);
    kedge_age_identity_free(stranger);
    device = stranger = NULL;
}

Test(age, sizes_up_to_the_limit)
{
    static const size_t sizes[] = {0, 1, 15, 16, 63, 64, 65, 4096, KEDGE_LIMIT_SECRET};
    static char secret[KEDGE_LIMIT_SECRET + 1];
    kedge_auto(kedge_age_identity) struct kedge_age_identity *device =
        identity_of(kedge_fixture_director());
    const struct kedge_age_recipient recipient = kedge_age_identity_recipient(device);
    struct kedge_err err;
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (char)(i % 251);
    for (size_t i = 0; i < KEDGE_COUNT(sizes); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0}, read = {0};
        cr_assert_eq(kedge_age_seal(&recipient, 1, secret, sizes[i], &text, &err), 0);
        cr_assert_eq(open_text(kedge_buf_slice(&text), device, &read), 0, "size %zu", sizes[i]);
        cr_assert_eq(read.size, sizes[i]);
        cr_expect(sizes[i] == 0 || memcmp(read.data, secret, sizes[i]) == 0);
    }
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    cr_expect_eq(kedge_age_seal(&recipient, 1, secret, sizeof secret, &text, &err), KEDGE_LIMIT);
    cr_expect_eq(text.size, 0);
}

Test(age, each_of_many_recipients_opens_it)
{
    enum { MANY = 480, TOO_MANY = 520 };
    static struct kedge_age_recipient recipients[TOO_MANY];
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    for (int i = 0; i < TOO_MANY; i++) {
        kedge_auto(kedge_key) struct kedge_key *key =
            kedge_key_from_seed((uint8_t[32]){(uint8_t)i, (uint8_t)(i >> 8), 7});
        recipients[i] = recipient_of(key);
    }
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, none = {0};
    char secret[64] = {0};
    cr_assert_eq(kedge_age_seal(recipients, MANY, secret, sizeof secret, &text, &err), 0, "%s",
                 err.msg);
    for (int i = 0; i < MANY; i += MANY - 1) {
        kedge_auto(kedge_key) struct kedge_key *key =
            kedge_key_from_seed((uint8_t[32]){(uint8_t)i, (uint8_t)(i >> 8), 7});
        kedge_auto(kedge_age_identity) struct kedge_age_identity *device = identity_of(key);
        kedge_auto(kedge_buf) struct kedge_buf read = {0};
        cr_expect_eq(open_text(kedge_buf_slice(&text), device, &read), 0, "recipient %d", i);
    }
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    cr_assert_eq(kedge_sealed_parse(kedge_buf_slice(&text), &sealed, &err), 0);
    cr_expect_eq(kedge_sealed_recipients(&sealed), MANY);
    cr_expect_eq(kedge_age_seal(recipients, TOO_MANY, secret, sizeof secret, &none, &err),
                 KEDGE_LIMIT);
    cr_expect_eq(none.size, 0);
}

Test(age, every_changed_bit_is_refused)
{
    kedge_auto(kedge_age_identity) struct kedge_age_identity *device =
        identity_of(kedge_fixture_director());
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, read = {0};
    struct kedge_err err;
    seal(kedge_fixture_director(), "hunter2", &text);
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    cr_assert_eq(kedge_sealed_parse(kedge_buf_slice(&text), &sealed, &err), 0);
    struct kedge_buf *const forms[] = {&text, &sealed.file}; /* armored, and in binary */
    for (size_t form = 0; form < KEDGE_COUNT(forms); form++) {
        char *bytes = forms[form]->data;
        size_t size = forms[form]->size;
        for (size_t i = 0; i < size; i++)
            for (int bit = 0; bit < 8; bit++) {
                bytes[i] = (char)(bytes[i] ^ 1 << bit);
                int code = open_text((struct kedge_slice){bytes, size}, device, &read);
                /* White space behind armor is no part of it. */
                bool space = form == 0 && i + 1 == size && strchr(" \t\r", bytes[i]);
                cr_expect(code != 0 || space, "byte %zu, bit %d", i, bit);
                bytes[i] = (char)(bytes[i] ^ 1 << bit);
            }
        for (size_t cut = 0; cut + (form == 0) < size; cut++)
            cr_expect_neq(open_text((struct kedge_slice){bytes, cut}, device, &read), 0,
                          "cut to %zu", cut);
    }
}

Test(age, keys_that_are_not_safe_are_refused)
{
    static const char *const points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000", /* order 1 */
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* 2 */
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", /* 8 */
    };
    struct kedge_age_recipient recipient;
    struct kedge_public_key key;
    struct kedge_err err;
    for (size_t i = 0; i < KEDGE_COUNT(points); i++) {
        cr_assert(kedge_hex_decode(points[i], 64, key.bytes, sizeof key.bytes));
        cr_expect_eq(kedge_age_recipient_of(&key, &recipient, &err), KEDGE_DENIED, "point %zu", i);
    }
    /* An honest key to which the point of order 8 was added. */
    const struct kedge_public_key honest = kedge_key_public(kedge_fixture_director());
    const struct kedge_public_key order8 = key;
    cr_assert_eq(crypto_core_ed25519_add(key.bytes, honest.bytes, order8.bytes), 0);
    cr_expect_eq(kedge_age_recipient_of(&key, &recipient, &err), KEDGE_DENIED, "mixed order");
    const struct kedge_age_recipient low = {{1}};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    cr_expect_eq(kedge_age_seal(&low, 1, "x", 1, &text, &err), KEDGE_DENIED);
    cr_expect_eq(text.size, 0);
}

static int sign_nothing(void *self, const void *message, size_t size,
                        uint8_t signature[KEDGE_KEY_SIGNATURE], struct kedge_err *err)
{
    (void)self, (void)message, (void)size, (void)signature;
    return kedge_err_set(err, KEDGE_INTERNAL, "never asked");
}

Test(age, a_signer_opens_nothing)
{
    const struct kedge_public_key public = kedge_key_public(kedge_fixture_director());
    kedge_auto(kedge_key) struct kedge_key *key =
        kedge_key_outside(&public, &(struct kedge_key_signer){.sign = sign_nothing});
    struct kedge_age_identity *identity = NULL;
    struct kedge_err err;
    cr_expect_eq(kedge_age_identity_of(key, &identity, &err), KEDGE_UNSUPPORTED);
    cr_expect_null(identity);
}

Test(age, recipients_as_text)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", 0},
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk", KEDGE_INVALID},
        {"", KEDGE_INVALID},
        {"age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zr", KEDGE_UNSUPPORTED},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW", KEDGE_UNSUPPORTED},
        {"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
         KEDGE_INVALID},
    };
    char text[KEDGE_AGE_TEXT];
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_age_recipient recipient;
        struct kedge_err err = {0};
        int code = kedge_age_recipient_parse(rows[i].text, &recipient, &err);
        cr_assert_eq(code, rows[i].code, "row %zu: %s", i, err.msg);
        cr_expect(code != 0 ||
                  strcmp(kedge_age_recipient_format(&recipient, text), rows[i].text) == 0);
    }
}

/* --- the test kit of age (https://github.com/C2SP/CCTV, folder age/testdata) --- */

struct kit {
    char expect[32], payload[2 * KEDGE_DIGEST_SIZE + 1], identity[128];
    bool other; /* passphrases, compressed files and hybrid keys are not ours */
    struct kedge_slice file;
};

static void read_kit(struct kedge_buf *text, struct kit *out)
{
    char *line = text->data, *end;
    while ((end = strchr(line, '\n')) != line) {
        *end = '\0';
        sscanf(line, "expect: %31[^\n]", out->expect);
        sscanf(line, "payload: %64s", out->payload);
        sscanf(line, "identity: %127s", out->identity);
        out->other = out->other || strncmp(line, "passphrase", 10) == 0 ||
                     strncmp(line, "compressed", 10) == 0 ||
                     strstr(line, "AGE-SECRET-KEY-PQ-") != NULL;
        line = end + 1;
    }
    out->file = (struct kedge_slice){line + 1, text->size - (size_t)(line + 1 - text->data)};
}

static void check_kit(const char *name, const struct kit *kit)
{
    static const struct {
        const char *expect;
        int codes[4];
    } rows[] = {
        {"success", {0, KEDGE_LIMIT}},
        {"no match", {KEDGE_DENIED, KEDGE_UNSUPPORTED}},
        {"HMAC failure", {KEDGE_CORRUPT}},
        {"header failure", {KEDGE_INVALID, KEDGE_UNSUPPORTED}},
        {"payload failure", {KEDGE_CORRUPT, KEDGE_INVALID, KEDGE_LIMIT}},
        {"armor failure", {KEDGE_INVALID}},
    };
    uint8_t scalar[KEDGE_SEALED_KEY] = {0};
    struct kedge_err err;
    if (kit->identity[0])
        cr_assert_eq(kedge_bech32_decode(kit->identity, "age-secret-key-", scalar, sizeof scalar,
                                         &err),
                     0, "%s: %s", name, err.msg);
    kedge_auto(kedge_age_identity) struct kedge_age_identity *identity =
        kedge_age_identity_new(scalar);
    kedge_auto(kedge_buf) struct kedge_buf read = {0};
    int code = open_text(kit->file, identity, &read);
    bool expected = false;
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        for (size_t k = 0; strcmp(rows[i].expect, kit->expect) == 0 && k < 4; k++)
            expected |= rows[i].codes[k] == code && (code || strcmp(kit->expect, "success") == 0);
    cr_expect(expected, "%s: %s, not %d", name, kit->expect, code);
    char hex[2 * KEDGE_DIGEST_SIZE + 1];
    const struct kedge_digest digest = kedge_digest_of(read.data, read.size);
    cr_expect(code != 0 || strcmp(kedge_hex_encode(digest.bytes, sizeof digest.bytes, hex),
                                  kit->payload) == 0,
              "%s: another payload", name);
    cr_expect(code != KEDGE_LIMIT || kit->file.size > KEDGE_LIMIT_SECRET, "%s", name);
}

Test(age, the_test_kit)
{
    char path[PATH_MAX];
    DIR *folder = opendir(kedge_vectors_path("age", path));
    size_t done = 0;
    cr_assert_not_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        struct kedge_err err;
        struct kit kit = {0};
        if (entry->d_name[0] == '.')
            continue;
        cr_assert_eq(kedge_fs_read(dirfd(folder), entry->d_name, KEDGE_MIB(4), &text, &err), 0);
        read_kit(&text, &kit);
        if (kit.other)
            continue;
        check_kit(entry->d_name, &kit);
        done++;
    }
    closedir(folder);
    cr_expect_geq(done, 70, "only %zu vectors", done);
    kedge_test_no_leaks();
}

/* --- the stock programs --- */

static void path_of(const struct kedge_tempdir *tmp, const char *name, char path[300])
{
    snprintf(path, 300, "%s/%s", tmp->path, name);
}

Test(age, we_open_the_stock_tools)
{
    static const char *const armor[] = {"-a", "-e"}; /* armored, and in binary */
    kedge_auto(kedge_age_identity) struct kedge_age_identity *device =
        identity_of(kedge_fixture_director());
    const struct kedge_age_recipient recipient = kedge_age_identity_recipient(device);
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    char text[KEDGE_AGE_TEXT], in[300], out[300];
    struct kedge_err err;
    path_of(&tmp, "in", in);
    path_of(&tmp, "out", out);
    kedge_age_recipient_format(&recipient, text);
    cr_assert_eq(kedge_fs_write(tmp.fd, "in", "hunter2", 7, 0600, &err), 0);
    for (size_t i = 0; i < KEDGE_COUNT(armor); i++) {
        kedge_auto(kedge_buf) struct kedge_buf sealed = {0}, read = {0};
        const char *const argv[] = {
            "age", armor[i], "-r", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
            "-r",  text,     NULL};
        cr_assert_eq(kedge_stock_run(argv, in, out), 0);
        cr_assert_eq(kedge_fs_read(tmp.fd, "out", 65536, &sealed, &err), 0);
        cr_assert_eq(open_text(kedge_buf_slice(&sealed), device, &read), 0);
        cr_expect_str_eq(read.data, "hunter2");
    }
}

Test(age, the_stock_tool_opens_ours)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_buf) struct kedge_buf public = {0}, sealed = {0}, read = {0};
    char identity[300], in[300], out[300];
    struct kedge_age_recipient recipients[2] = {recipient_of(kedge_fixture_director())};
    struct kedge_err err;
    path_of(&tmp, "identity", identity);
    path_of(&tmp, "in", in);
    path_of(&tmp, "out", out);
    const char *const make[] = {"age-keygen", "-o", identity, NULL};
    const char *const show[] = {"age-keygen", "-y", identity, NULL};
    const char *const open[] = {"age", "-d", "-i", identity, NULL};
    cr_assert_eq(kedge_stock_run(make, NULL, NULL), 0);
    cr_assert_eq(kedge_stock_run(show, NULL, out), 0);
    cr_assert_eq(kedge_fs_read(tmp.fd, "out", 200, &public, &err), 0);
    public.data[strcspn(public.data, "\n")] = '\0';
    cr_assert_eq(kedge_age_recipient_parse(public.data, &recipients[1], &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_age_seal(recipients, 2, "hunter2", 7, &sealed, &err), 0);
    cr_assert_eq(kedge_fs_write(tmp.fd, "in", sealed.data, sealed.size, 0600, &err), 0);
    cr_assert_eq(kedge_stock_run(open, in, out), 0);
    cr_assert_eq(kedge_fs_read(tmp.fd, "out", 200, &read, &err), 0);
    cr_expect_str_eq(read.data, "hunter2");
}
