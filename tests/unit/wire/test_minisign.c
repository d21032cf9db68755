/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "fixture.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "lib/vectors.h"
#include "stock.h"
#include "wire/minisign.h"

static int verify(struct kedge_slice text, const struct kedge_minisign_key *key,
                  struct kedge_slice data)
{
    struct kedge_minisign signature;
    struct kedge_err err = {0};
    int code = kedge_minisign_parse(text, &signature, &err);
    if (!code)
        code = kedge_minisign_verify_data(&signature, key, data, &err);
    cr_assert_eq(code, (int)err.code);
    return code;
}

static struct kedge_minisign_key director_key(void)
{
    const struct kedge_public_key public = kedge_key_public(kedge_fixture_director());
    return kedge_minisign_key_of(&public);
}

static const struct kedge_slice message = {"weights", 7};

static void sign(struct kedge_slice data, const char *trusted, struct kedge_buf *out)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    uint8_t hash[KEDGE_MINISIGN_HASH];
    cr_assert_eq(kedge_fs_write(tmp.fd, "file", data.data, data.size, 0600, &err), 0);
    kedge_auto(kedge_fd) int fd = openat(tmp.fd, "file", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(kedge_minisign_hash_file(fd, hash, &err), 0);
    cr_assert_eq(kedge_minisign_sign(kedge_fixture_director(), hash, trusted, out, &err), 0, "%s",
                 err.msg);
}

Test(minisign, the_outside_vector_verifies)
{
    kedge_auto(kedge_buf) struct kedge_buf public = {0}, text = {0}, data = {0}, other = {0};
    kedge_vectors_read("minisign/minisign.pub", &public);
    kedge_vectors_read("minisign/message.txt.minisig", &text);
    kedge_vectors_read("minisign/message.txt", &data);
    kedge_vectors_read("minisign/robtest.ps1.minisig", &other);
    struct kedge_minisign_key key;
    struct kedge_minisign signature;
    struct kedge_err err = {0};
    uint8_t hash[KEDGE_MINISIGN_HASH] = {0};
    cr_assert_eq(kedge_minisign_key_parse(kedge_buf_slice(&public), &key, &err), 0, "%s", err.msg);
    cr_expect_eq(verify(kedge_buf_slice(&text), &key, kedge_buf_slice(&data)), 0);
    cr_expect_eq(verify(kedge_buf_slice(&other), &key, kedge_buf_slice(&data)), KEDGE_DENIED);
    cr_assert_eq(kedge_minisign_parse(kedge_buf_slice(&text), &signature, &err), 0);
    cr_expect_str_eq(signature.trusted, "timestamp:1614549543\tfile:message.txt");
    cr_expect_eq(kedge_minisign_verify(&signature, &key, hash, &err), KEDGE_UNSUPPORTED,
                 "the older form has no hash");
    data.data[0] = 'h';
    cr_expect_eq(verify(kedge_buf_slice(&text), &key, kedge_buf_slice(&data)), KEDGE_DENIED);
    char *second = strchr(public.data, '\n') + 1;
    cr_expect_eq(kedge_minisign_key_parse((struct kedge_slice){second, strlen(second)}, &key, &err),
                 0, "the line alone");
}

Test(minisign, what_is_signed_verifies)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    const struct kedge_minisign_key key = director_key();
    const struct kedge_public_key foreign = kedge_key_public(kedge_fixture_stranger());
    const struct kedge_minisign_key stranger = kedge_minisign_key_of(&foreign);
    struct kedge_minisign_key renamed = stranger;
    memcpy(renamed.id, key.id, sizeof renamed.id);
    sign(message, "timestamp:1\tfile:model.zip", &text);
    cr_expect_eq(verify(kedge_buf_slice(&text), &key, message), 0);
    cr_expect_eq(verify(kedge_buf_slice(&text), &key, (struct kedge_slice){"weight", 6}),
                 KEDGE_DENIED);
    cr_expect_eq(verify(kedge_buf_slice(&text), &stranger, message), KEDGE_DENIED);
    cr_expect_eq(verify(kedge_buf_slice(&text), &renamed, message), KEDGE_DENIED);
    kedge_test_no_leaks();
}

/* All but the untrusted comment, which nobody vouches for. */
Test(minisign, every_changed_bit_is_refused)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    const struct kedge_minisign_key key = director_key();
    sign(message, "timestamp:1\tfile:model.zip", &text);
    size_t comment = strlen("untrusted comment: ");
    size_t first_line = strcspn(text.data, "\n");
    for (size_t i = 0; i + 1 < text.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
            int code = verify(kedge_buf_slice(&text), &key, message);
            cr_expect(code != 0 || (i >= comment && i < first_line), "byte %zu", i);
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
        }
    }
    for (size_t size = 0; size + 1 < text.size; size++)
        cr_expect_neq(verify((struct kedge_slice){text.data, size}, &key, message), 0);
}

Test(minisign, malformed_texts_are_refused)
{
    kedge_auto(kedge_buf) struct kedge_buf good = {0};
    const struct kedge_minisign_key key = director_key();
    sign(message, "t", &good);
    static const struct {
        const char *from, *to;
        int code;
    } rows[] = {
        {"untrusted comment: ", "untrusted comment: anything \xc3\xa9\t", 0},
        {"untrusted comment: ", "untrusted comment:", KEDGE_INVALID},
        {"untrusted comment: ", "comment: ", KEDGE_INVALID},
        {"untrusted comment: ", "untrusted comment: \x1b[2J", KEDGE_INVALID},
        {"untrusted comment: ", "untrusted comment: \xc2\x9b", KEDGE_INVALID},
        {"untrusted comment: ", "untrusted comment: \xff", KEDGE_INVALID},
        {"\ntrusted comment: t", "\ntrusted comment: u", KEDGE_DENIED},
        {"\ntrusted comment: t", "\ntrusted comment: t\r", 0},
        {"\ntrusted comment: t", "\ntrusted comment: t ", KEDGE_DENIED},
        {"\ntrusted comment: t", "", KEDGE_INVALID},
        {"\nRUS", "\nRWS", KEDGE_DENIED},      /* "Ed": the hash is not the file */
        {"\nRUS", "\nRVS", KEDGE_UNSUPPORTED}, /* "ET" */
        {"\nRUS", "\n RUS", KEDGE_INVALID},
        {"==\n", "==\n\n", KEDGE_INVALID},
    };
    char start[5]; /* line end and the first three letters of the signature */
    snprintf(start, sizeof start, "%.4s", strchr(good.data, '\n'));
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        bool algorithm = strcmp(rows[i].from, "\nRUS") == 0;
        const char *from = algorithm ? start : rows[i].from;
        const char *at = strstr(good.data, from);
        cr_assert_not_null(at, "'%s'", from);
        if (strcmp(from, "==\n") == 0)
            at = good.data + good.size - 3;
        kedge_buf_add(&text, good.data, (size_t)(at - good.data));
        kedge_buf_puts(&text, rows[i].to);
        if (algorithm) /* the id's first bits stay what they are */
            text.data[text.size - 1] = start[3];
        kedge_buf_puts(&text, at + strlen(from));
        cr_expect_eq(verify(kedge_buf_slice(&text), &key, message), rows[i].code, "row %zu", i);
    }
}

Test(minisign, comments_are_bounded)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, large = {0};
    struct kedge_err err = {0};
    uint8_t hash[KEDGE_MINISIGN_HASH] = {0};
    const struct kedge_key *key = kedge_fixture_director();
    for (int i = 0; i <= KEDGE_MINISIGN_TRUSTED; i++)
        kedge_buf_putc(&large, 'x');
    cr_expect_eq(kedge_minisign_sign(key, hash, large.data, &text, &err), KEDGE_INVALID);
    cr_expect_eq(kedge_minisign_sign(key, hash, "two\nlines", &text, &err), KEDGE_INVALID);
    cr_expect_eq(text.size, 0);
    cr_expect_eq(kedge_minisign_sign(key, hash, large.data + 1, &text, &err), 0);
    kedge_buf_clear(&text);
    kedge_buf_printf(&text, "untrusted comment: %s\n", large.data);
    struct kedge_minisign signature;
    cr_expect_eq(kedge_minisign_parse(kedge_buf_slice(&text), &signature, &err), KEDGE_LIMIT);
}

Test(minisign, low_order_keys_are_refused)
{
    struct kedge_minisign_key low = {.key = {{1}}}, read;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    kedge_minisign_key_write(&low, &text);
    cr_expect_eq(kedge_minisign_key_parse(kedge_buf_slice(&text), &read, &err), KEDGE_DENIED);
}

static void path_of(const struct kedge_tempdir *tmp, const char *name, char path[300])
{
    snprintf(path, 300, "%s/%s", tmp->path, name);
}

Test(minisign, the_stock_tool_verifies_ours)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_buf) struct kedge_buf public = {0}, text = {0};
    const struct kedge_minisign_key key = director_key();
    struct kedge_err err = {0};
    char key_path[300], data_path[300], signature_path[300];
    path_of(&tmp, "key.pub", key_path);
    path_of(&tmp, "data", data_path);
    path_of(&tmp, "data.minisig", signature_path);
    kedge_minisign_key_write(&key, &public);
    sign(message, "timestamp:1\tfile:data", &text);
    cr_assert_eq(kedge_fs_write(tmp.fd, "key.pub", public.data, public.size, 0644, &err), 0);
    cr_assert_eq(kedge_fs_write(tmp.fd, "data", message.data, message.size, 0644, &err), 0);
    cr_assert_eq(kedge_fs_write(tmp.fd, "data.minisig", text.data, text.size, 0644, &err), 0);
    const char *const argv[] = {"minisign", "-V",      "-H", "-q",           "-p", key_path,
                                "-m",       data_path, "-x", signature_path, NULL};
    cr_expect_eq(kedge_stock_run(argv, NULL, NULL), 0);
    cr_assert_eq(kedge_fs_write(tmp.fd, "data", "WEIGHTS", 7, 0644, &err), 0);
    cr_expect_neq(kedge_stock_run(argv, NULL, NULL), 0);
}

Test(minisign, we_verify_the_stock_tools)
{
    static const char *const forms[] = {"-H", "-l"}; /* prehashed, and the older */
    for (size_t i = 0; i < KEDGE_COUNT(forms); i++) {
        kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
        kedge_auto(kedge_buf) struct kedge_buf public = {0}, text = {0};
        struct kedge_err err = {0};
        struct kedge_minisign_key key;
        char public_path[300], secret_path[300], data_path[300];
        path_of(&tmp, "key.pub", public_path);
        path_of(&tmp, "key.sec", secret_path);
        path_of(&tmp, "data", data_path);
        cr_assert_eq(kedge_fs_write(tmp.fd, "data", message.data, message.size, 0644, &err), 0);
        const char *const make[] = {"minisign",  "-G", "-W",        "-p",
                                    public_path, "-s", secret_path, NULL};
        const char *const put[] = {"minisign", "-S",      "-W", forms[i],    "-s", secret_path,
                                   "-m",       data_path, "-t", "a comment", NULL};
        cr_assert_eq(kedge_stock_run(make, NULL, NULL), 0);
        cr_assert_eq(kedge_stock_run(put, NULL, NULL), 0);
        cr_assert_eq(kedge_fs_read(tmp.fd, "key.pub", 4096, &public, &err), 0);
        cr_assert_eq(kedge_fs_read(tmp.fd, "data.minisig", 16384, &text, &err), 0);
        cr_assert_eq(kedge_minisign_key_parse(kedge_buf_slice(&public), &key, &err), 0);
        cr_expect_eq(verify(kedge_buf_slice(&text), &key, message), 0);
        cr_expect_eq(verify(kedge_buf_slice(&text), &key, (struct kedge_slice){"x", 1}),
                     KEDGE_DENIED);
    }
}

/* The comment has a signature of its own: it can be believed before the file is there. */
Test(minisign, a_comment_verifies_without_its_file)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    const struct kedge_minisign_key key = director_key();
    struct kedge_minisign_key other = key;
    struct kedge_minisign signature;
    struct kedge_err err = {0};
    sign(message, "what it is", &text);
    cr_assert_eq(kedge_minisign_parse(kedge_buf_slice(&text), &signature, &err), 0);
    cr_expect_eq(kedge_minisign_verify_comment(&signature, &key, &err), 0, "%s", err.msg);
    other.id[0] ^= 1;
    cr_expect_eq(kedge_minisign_verify_comment(&signature, &other, &err), KEDGE_DENIED);
    signature.trusted[0] = 'W';
    cr_expect_eq(kedge_minisign_verify_comment(&signature, &key, &err), KEDGE_DENIED);
    signature.trusted[0] = 'w';
    signature.signature[0] ^= 1;
    cr_expect_eq(kedge_minisign_verify_comment(&signature, &key, &err), KEDGE_DENIED,
                 "it covers the first signature too");
    signature.signature[0] ^= 1;
    signature.prehashed = false;
    cr_expect_eq(kedge_minisign_verify_comment(&signature, &key, &err), KEDGE_UNSUPPORTED);
}

/* Every form in which a person may name one key. */
Test(minisign, a_key_is_loaded_from_whatever_names_it)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_buf) struct kedge_buf file = {0}, line = {0}, path = {0}, own = {0};
    const struct kedge_minisign_key key = director_key();
    char text[KEDGE_KEY_TEXT], hex[2 * KEDGE_KEY_PUBLIC + 1];
    struct kedge_err err = {0};
    kedge_public_key_format(&key.key, text);
    kedge_minisign_key_write(&key, &file);
    kedge_buf_puts(&line, strchr(file.data, '\n') + 1);
    line.data[line.size - 1] = '\0';
    cr_assert_eq(kedge_fs_write(tmp.fd, "stock.pub", file.data, file.size, 0644, &err), 0);
    cr_assert_eq(kedge_fs_write(tmp.fd, "own.pub", text, strlen(text), 0644, &err), 0);
    kedge_buf_printf(&path, "%s/stock.pub", tmp.path);
    kedge_buf_printf(&own, "%s/own.pub", tmp.path);
    kedge_hex_encode(key.key.bytes, KEDGE_KEY_PUBLIC, hex);
    const char *const names[] = {text, hex, line.data, path.data, own.data};
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        struct kedge_public_key loaded = {0};
        cr_expect_eq(kedge_minisign_key_load(names[i], &loaded, &err), 0, "%s: %s", names[i],
                     err.msg);
        cr_expect_eq(memcmp(&loaded, &key.key, sizeof loaded), 0, "%s", names[i]);
    }
    struct kedge_public_key untouched;
    cr_expect_eq(kedge_minisign_key_load("/nonexistent", &untouched, &err), KEDGE_NOTFOUND);
    cr_expect_eq(kedge_minisign_key_load("ed25519:x", &untouched, &err), KEDGE_INVALID);
    cr_assert_eq(kedge_fs_write(tmp.fd, "stock.pub", file.data, file.size - 9, 0644, &err), 0);
    cr_expect_eq(kedge_minisign_key_load(path.data, &untouched, &err), KEDGE_INVALID);
    cr_expect_not_null(strstr(err.msg, "stock.pub"));
}
