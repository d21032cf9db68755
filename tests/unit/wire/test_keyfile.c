/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "wire/keyfile.h"

static struct kedge_tempdir tmp;
static char path[300];

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    tmp = kedge_tempdir_make();
    snprintf(path, sizeof path, "%s/release.key", tmp.path);
}

static void stop(void)
{
    kedge_tempdir_auto(&tmp);
}

TestSuite(keyfile, .init = start, .fini = stop);

/* Seed 01 00 00 .. in a box under "anchor", one pass over 8 KiB; made with libsodium's own calls by
 * way of Python. */
static const char sealed_text[] = "ed25519-sealed:1:8:"
                                  "AAECAwQFBgcICQoLDA0OD2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e7Kjg5CzPRWZ"
                                  "GAfnl0OPvPq0oQoExzD64Ic+3w77A8VJOTOBVgIPObnRu3LTmFw2Qg==\n";
static const char sealed_id[] = "9432c46a6d0c7243b9a19e6f826541ed9c81a04d367e1f8d79b49935d48ea8d0";

static int answer(const void *self, const char *source, char text[KEDGE_KEYFILE_PASSPHRASE],
                  struct kedge_err *err)
{
    (void)source;
    (void)err;
    strncpy(text, self, KEDGE_KEYFILE_PASSPHRASE - 1);
    return 0;
}

static int load_as(const void *text, size_t size, mode_t mode, const char *passphrase,
                   struct kedge_err *err)
{
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    cr_assert_eq(kedge_fs_write(AT_FDCWD, path, text, size, mode, err), 0, "%s", err->msg);
    int code = kedge_keyfile_load(path, passphrase ? answer : NULL, passphrase, &key, err);
    cr_assert_eq(code == 0, key != NULL);
    if (code)
        cr_assert_not_null(strstr(err->msg, path), "%s", err->msg);
    return code;
}

static int load(const char *text, const char *passphrase, struct kedge_err *err)
{
    return load_as(text, strlen(text), 0600, passphrase, err);
}

Test(keyfile, plain_reads_back_and_is_never_replaced)
{
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate(), *again = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_keyfile_save(key, NULL, path, &err), 0, "%s", err.msg);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(kedge_keyfile_save(key, NULL, path, &err), KEDGE_EXISTS);
    cr_assert_eq(kedge_keyfile_load(path, NULL, NULL, &again, &err), 0, "%s", err.msg);
    cr_assert_str_eq(kedge_key_id(again), kedge_key_id(key));
}

Test(keyfile, sealed_reads_back_with_its_passphrase_only)
{
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate(), *again = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_keyfile_save(key, "rode und anker", path, &err), 0, "%s", err.msg);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(kedge_keyfile_load(path, NULL, NULL, &again, &err), KEDGE_DENIED);
    cr_assert_not_null(strstr(err.msg, "--passphrase-file"), "%s", err.msg);
    cr_assert_eq(kedge_keyfile_load(path, answer, "rode und ankes", &again, &err), KEDGE_DENIED);
    cr_assert_not_null(strstr(err.msg, "passphrase is wrong"), "%s", err.msg);
    cr_assert_eq(kedge_keyfile_load(path, answer, "rode und anker", &again, &err), 0, "%s",
                 err.msg);
    cr_assert_str_eq(kedge_key_id(again), kedge_key_id(key));
    kedge_test_no_leaks();
}

Test(keyfile, two_seals_of_one_key_share_nothing)
{
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate();
    kedge_auto(kedge_buf) struct kedge_buf a = {0}, b = {0};
    struct kedge_err err;
    char other[320];
    snprintf(other, sizeof other, "%s.b", path);
    cr_assert_eq(kedge_keyfile_save(key, "x", path, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_keyfile_save(key, "x", other, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, path, 256, &a, &err), 0);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, other, 256, &b, &err), 0);
    size_t common = strlen("ed25519-sealed:3:262144:");
    cr_assert_eq(strncmp(a.data, b.data, common), 0, "%s", a.data);
    cr_assert_neq(strncmp(a.data + common, b.data + common, 8), 0, "salt");
}

Test(keyfile, sealed_by_another_program_opens)
{
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_err err;
    cr_assert_eq(load(sealed_text, "anchor", &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_keyfile_load(path, answer, "anchor", &key, &err), 0);
    cr_assert_str_eq(kedge_key_id(key), sealed_id);
    cr_assert_eq(load(sealed_text, "Anchor", &err), KEDGE_DENIED);
    cr_assert_eq(load(sealed_text, "", &err), KEDGE_DENIED);
}

Test(keyfile, every_changed_byte_of_a_sealed_file_is_refused)
{
    struct kedge_err err;
    char text[sizeof sealed_text];
    for (size_t i = 0; i < strlen(sealed_text) - 1; i++) {
        for (unsigned bit = 0; bit < 8; bit += 7) {
            memcpy(text, sealed_text, sizeof text);
            text[i] = (char)(text[i] ^ (1 << bit));
            cr_expect_neq(load_as(text, strlen(sealed_text), 0600, "anchor", &err), 0,
                          "byte %zu bit %u", i, bit);
        }
    }
    for (size_t size = 0; size + 1 < strlen(sealed_text); size++)
        cr_expect_eq(load_as(sealed_text, size, 0600, "anchor", &err), KEDGE_INVALID, "cut at %zu",
                     size);
    kedge_test_no_leaks();
}

Test(keyfile, hostile_costs_are_refused_before_they_are_paid)
{
    static const struct {
        const char *costs;
        int code;
    } rows[] = {
        {"1:8", 0},
        {"11:8", KEDGE_LIMIT},
        {"1:524289", KEDGE_LIMIT},
        {"9999999999:9999999999", KEDGE_LIMIT},
        {"1:7", KEDGE_INVALID},
        {"0:8", KEDGE_INVALID},
        {"1:0", KEDGE_INVALID},
        {"01:8", KEDGE_INVALID},
        {"1:08", KEDGE_INVALID},
        {"+1:8", KEDGE_INVALID},
        {"1:-8", KEDGE_INVALID},
        {"1:99999999999", KEDGE_INVALID},
        {"18446744073709551617:8", KEDGE_INVALID},
        {"1", KEDGE_INVALID},
        {":", KEDGE_INVALID},
    };
    struct kedge_err err;
    const char *body = strrchr(sealed_text, ':');
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        kedge_buf_printf(&text, "ed25519-sealed:%s%s", rows[i].costs, body);
        cr_expect_eq(load(text.data, "anchor", &err), rows[i].code, "%s", text.data);
    }
}

Test(keyfile, passphrase_comes_from_a_guarded_file)
{
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_err err;
    char secret[320];
    snprintf(secret, sizeof secret, "%s.pass", path);
    cr_assert_eq(load(sealed_text, "anchor", &err), 0);
    cr_assert_eq(kedge_fs_write(AT_FDCWD, secret, "anchor\n", 7, 0600, &err), 0);
    cr_assert_eq(kedge_keyfile_load(path, kedge_keyfile_passphrase, secret, &key, &err), 0, "%s",
                 err.msg);
    struct kedge_key *none = NULL;
    cr_assert_eq(kedge_fs_write(AT_FDCWD, secret, "anchor\n", 7, 0640, &err), 0);
    cr_assert_eq(kedge_keyfile_load(path, kedge_keyfile_passphrase, secret, &none, &err),
                 KEDGE_DENIED);
    cr_assert_not_null(strstr(err.msg, "chmod 600"), "%s", err.msg);
    cr_assert_eq(kedge_fs_write(AT_FDCWD, secret, "anchor\nmore\n", 12, 0600, &err), 0);
    cr_assert_eq(kedge_keyfile_load(path, kedge_keyfile_passphrase, secret, &none, &err),
                 KEDGE_INVALID);
    static const char longest[KEDGE_KEYFILE_PASSPHRASE + 1];
    cr_assert_eq(kedge_fs_write(AT_FDCWD, secret, longest, sizeof longest, 0600, &err), 0);
    cr_assert_eq(kedge_keyfile_load(path, kedge_keyfile_passphrase, secret, &none, &err),
                 KEDGE_LIMIT);
    unlink(secret);
    cr_assert_eq(kedge_keyfile_load(path, kedge_keyfile_passphrase, secret, &none, &err),
                 KEDGE_NOTFOUND);
    kedge_test_no_leaks();
}

Test(keyfile, passphrases_that_protect_nothing_are_refused)
{
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate();
    struct kedge_err err;
    char longest[KEDGE_LIMIT_KEY_PASSPHRASE + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_expect_eq(kedge_keyfile_save(key, "", path, &err), KEDGE_INVALID);
    cr_expect_eq(kedge_keyfile_save(key, longest, path, &err), KEDGE_INVALID);
    cr_expect_neq(access(path, F_OK), 0);
}

Test(keyfile, refuses_files_that_others_can_use_or_that_are_no_key)
{
    static const char good[] = "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n";
    static const char *const bad[] = {
        "",
        "\n",
        "ed25519-private:\n",
        "ed25519:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n",
        "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\n",
        "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=\n\n",
        "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=x",
        " ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
        "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2AA",
        "ed25519-private:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=nWGxne/9WmC6hEr0kuwsxERJxWl7M",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        "exec:\n",
    };
    struct kedge_err err;
    cr_assert_eq(load(good, NULL, &err), 0, "%s", err.msg);
    cr_assert_eq(load_as(good, strlen(good), 0400, NULL, &err), 0, "%s", err.msg);
    static const mode_t open_modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0666};
    for (size_t i = 0; i < KEDGE_COUNT(open_modes); i++)
        cr_expect_eq(load_as(good, strlen(good), open_modes[i], NULL, &err), KEDGE_DENIED);
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_expect_eq(load(bad[i], NULL, &err), KEDGE_INVALID, "%s", bad[i]);
    cr_expect_eq(load_as(good, sizeof good, 0600, NULL, &err), KEDGE_INVALID, "NUL");
    static const char large[KEDGE_LIMIT_KEY_FILE + 1];
    cr_expect_eq(load_as(large, sizeof large, 0600, NULL, &err), KEDGE_LIMIT);
    kedge_test_no_leaks();
}

Test(keyfile, refuses_what_is_not_a_file_of_ours)
{
    struct kedge_err err;
    struct kedge_key *key = NULL;
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(kedge_keyfile_load(path, NULL, NULL, &key, &err), KEDGE_DENIED);
    cr_expect_eq(kedge_keyfile_load(tmp.path, NULL, NULL, &key, &err), KEDGE_DENIED);
    unlink(path);
    cr_expect_eq(kedge_keyfile_load(path, NULL, NULL, &key, &err), KEDGE_NOTFOUND);
    if (geteuid() == 0) {
        cr_assert_eq(load(sealed_text, "anchor", &err), 0);
        cr_assert_eq(chown(path, 12345, 12345), 0);
        cr_expect_eq(kedge_keyfile_load(path, NULL, NULL, &key, &err), KEDGE_DENIED);
        cr_expect_not_null(strstr(err.msg, "chown"), "%s", err.msg);
    }
}
