/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "stock.h"
#include "wire/commit.h"

#define TREE      "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
#define AUTHOR    "author A <a@example.com> 1772366400 +0000\n"
#define COMMITTER "committer C D <c@example.com> 1772366400 +0100\n"
#define HEADERS   TREE AUTHOR COMMITTER

static struct kedge_slice slice(const char *text)
{
    return (struct kedge_slice){text, strlen(text)};
}

static int parse(const char *text, bool tag)
{
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    struct kedge_err err = {0};
    int code = tag ? kedge_commit_parse_tag(slice(text), &commit, &err)
                   : kedge_commit_parse(slice(text), &commit, &err);
    cr_assert_eq(code, (int)err.code);
    return code;
}

Test(commit, the_signature_is_taken_out)
{
    static const char object[] = HEADERS "gpgsig line one\n line two\n \n"
                                         "gpgsig-sha256 other\n twin\n"
                                         "encoding x\n continued\n\nsubject\0gpgsig no\n";
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    struct kedge_err err = {0};
    cr_assert_eq(kedge_commit_parse((struct kedge_slice){object, sizeof object - 1}, &commit, &err),
                 0, "%s", err.msg);
    static const char payload[] = HEADERS "encoding x\n continued\n\nsubject\0gpgsig no\n";
    cr_expect_str_eq(commit.signature.data, "line one\nline two\n\n");
    cr_assert_eq(commit.payload.size, sizeof payload - 1);
    cr_expect_arr_eq(commit.payload.data, payload, sizeof payload - 1);
    cr_expect_eq(commit.at, 1772366400000);
    cr_expect_eq(commit.email.size, strlen("c@example.com"));
    cr_expect_eq(strncmp(commit.email.data, "c@example.com", commit.email.size), 0);
}

Test(commit, doubt_is_refused)
{
    static const struct {
        const char *object;
        int code;
    } rows[] = {
        {HEADERS "gpgsig x\n\nm\n", 0},
        {HEADERS "gpgsig x\n", 0},
        {HEADERS "gpgsig x", 0},
        {HEADERS "\ngpgsig x\n", KEDGE_DENIED},
        {HEADERS "\n", KEDGE_DENIED},
        {HEADERS, KEDGE_DENIED},
        {HEADERS "gpgsig-sha256 x\n\n", KEDGE_DENIED},
        {HEADERS "gpgsig x\ngpgsig y\n\n", KEDGE_INVALID},
        {TREE "gpgsig x\n" AUTHOR "gpgsig x\n" COMMITTER "\n", KEDGE_INVALID},
        {HEADERS "gpgsig x\ngpgsig-sha256 y\ngpgsig-sha256 y\n\n", KEDGE_INVALID},
        {HEADERS "gpgsigs x\ngpgsig x\n\n", KEDGE_INVALID},
        {HEADERS "gpgsig\ngpgsig x\n\n", KEDGE_INVALID},
        {"", KEDGE_INVALID},
        {"object x\n", KEDGE_INVALID},
        {AUTHOR TREE COMMITTER "gpgsig x\n\n", KEDGE_INVALID},
        {TREE AUTHOR "gpgsig x\n\n", KEDGE_INVALID},
        {TREE AUTHOR "gpgsig x\n\n" COMMITTER, KEDGE_INVALID},
        {TREE "committer C c@example.com 1 +0000\ngpgsig x\n\n", KEDGE_INVALID},
        {TREE "committer C <c@example.com>\ngpgsig x\n\n", KEDGE_INVALID},
        {TREE "committer C <c@example.com> x\ngpgsig x\n\n", KEDGE_INVALID},
        {TREE "committer C <c@example.com> -1 +0000\ngpgsig x\n\n", KEDGE_INVALID},
        {TREE "committer C <c@example.com> 253402300800 +0000\ngpgsig x\n\n", KEDGE_INVALID},
        {TREE "committer C <c@example.com> 99999999999999999999 +0000\ngpgsig x\n\n",
         KEDGE_INVALID},
        {TREE "committer <> 0\ngpgsig x\n\n", 0},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(parse(rows[i].object, false), rows[i].code, "row %zu: %s", i, rows[i].object);
    static const char nul[] = TREE "author\0" COMMITTER "gpgsig x\n\n";
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    struct kedge_err err = {0};
    cr_expect_eq(kedge_commit_parse((struct kedge_slice){nul, sizeof nul - 1}, &commit, &err),
                 KEDGE_INVALID);
    kedge_test_no_leaks();
}

#define TAG    "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\n"
#define TAGGER "tagger C <c@example.com> 1772366400 +0000\n"
#define ARMOR  "-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----\n"

Test(commit, tags_end_in_their_signature)
{
    static const struct {
        const char *object;
        int code;
    } rows[] = {
        {TAG TAGGER "\nv1\n" ARMOR, 0},
        {TAG TAGGER "\nv1\n" ARMOR ARMOR, 0}, /* the first is text that is signed */
        {TAG TAGGER "\nv1 " ARMOR, KEDGE_DENIED},
        {TAG TAGGER "\nv1\n", KEDGE_DENIED},
        {TAG "\nv1\n" ARMOR, KEDGE_INVALID},
        {TAG TAGGER "gpgsig x\n\nv1\n" ARMOR, KEDGE_INVALID},
        {TREE TAGGER "\nv1\n" ARMOR, KEDGE_INVALID},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(parse(rows[i].object, true), rows[i].code, "row %zu: %s", i, rows[i].object);
}

/* Git as the judge */

struct workshop {
    struct kedge_tempdir tmp;
    char key[300], payload[300], armor[300], object[300], allowed[300], revoked[300], out[300];
    char git_dir[300], allowed_option[400], revoked_option[400];
    struct kedge_buf public; /* "ssh-ed25519 AAAA..." */
};

static void workshop_auto(struct workshop *shop)
{
    kedge_buf_release(&shop->public);
    kedge_tempdir_auto(&shop->tmp);
}

static void write_file(struct workshop *shop, const char *name, const void *data, size_t size)
{
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_write(shop->tmp.fd, name, data, size, 0600, &err), 0, "%s", err.msg);
}

static void read_file(struct workshop *shop, const char *name, struct kedge_buf *out)
{
    struct kedge_err err = {0};
    cr_assert_eq(kedge_fs_read(shop->tmp.fd, name, KEDGE_MIB(1), out, &err), 0, "%s", err.msg);
}

static void open_workshop(struct workshop *shop)
{
    shop->tmp = kedge_tempdir_make();
    const struct {
        char *path;
        const char *name;
    } paths[] = {{shop->key, "key"},       {shop->payload, "payload"}, {shop->armor, "payload.sig"},
                 {shop->object, "object"}, {shop->allowed, "allowed"}, {shop->revoked, "revoked"},
                 {shop->git_dir, "git"},   {shop->out, "out"}};
    for (size_t i = 0; i < KEDGE_COUNT(paths); i++)
        snprintf(paths[i].path, 300, "%s/%s", shop->tmp.path, paths[i].name);
    snprintf(shop->allowed_option, sizeof shop->allowed_option, "gpg.ssh.allowedSignersFile=%s",
             shop->allowed);
    snprintf(shop->revoked_option, sizeof shop->revoked_option, "gpg.ssh.revocationFile=%s",
             shop->revoked);
    const char *const generate[] = {"ssh-keygen", "-q", "-t", "ed25519", "-C", "",
                                    "-N",         "",   "-f", shop->key, NULL};
    const char *const init[] = {"git", "init", "-q", "--bare", shop->git_dir, NULL};
    cr_assert_eq(kedge_stock_run(generate, NULL, NULL), 0);
    cr_assert_eq(kedge_stock_run(init, NULL, NULL), 0);
    read_file(shop, "key.pub", &shop->public);
    while (shop->public.data[shop->public.size - 1] == '\n' ||
           shop->public.data[shop->public.size - 1] == ' ')
        shop->public.data[--shop->public.size] = '\0';
}

/* A commit of `headers` and `message`, signed by ssh-keygen. */
static void make_commit(struct workshop *shop, struct kedge_slice message, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, armor = {0};
    const char *const sign[] = {"ssh-keygen", "-Y",      "sign",        "-n", "git",
                                "-f",         shop->key, shop->payload, NULL};
    kedge_buf_puts(&payload, HEADERS "\n");
    kedge_buf_add(&payload, message.data, message.size);
    write_file(shop, "payload", payload.data, payload.size);
    remove(shop->armor);
    cr_assert_eq(kedge_stock_run(sign, NULL, NULL), 0);
    read_file(shop, "payload.sig", &armor);
    kedge_buf_puts(out, HEADERS "gpgsig ");
    for (size_t i = 0; i + 1 < armor.size; i++) {
        kedge_buf_putc(out, armor.data[i]);
        if (armor.data[i] == '\n')
            kedge_buf_putc(out, ' ');
    }
    kedge_buf_puts(out, "\n\n");
    kedge_buf_add(out, message.data, message.size);
}

static bool git_accepts(struct workshop *shop, const struct kedge_buf *object)
{
    kedge_auto(kedge_buf) struct kedge_buf id = {0};
    write_file(shop, "object", object->data, object->size);
    const char *const put[] = {"git", "--git-dir", shop->git_dir, "hash-object", "--literally",
                               "-t",  "commit",    "-w",          "--stdin",     NULL};
    cr_assert_eq(kedge_stock_run(put, shop->object, shop->out), 0);
    read_file(shop, "out", &id);
    id.data[strcspn(id.data, "\n")] = '\0';
    const char *const verify[] = {
        "git", "--git-dir",          shop->git_dir,   "-c",    shop->allowed_option,
        "-c",  shop->revoked_option, "verify-commit", id.data, NULL};
    return kedge_stock_run(verify, NULL, NULL) == 0;
}

static bool we_accept(const struct kedge_buf *object, struct kedge_slice allowed_text,
                      struct kedge_slice revoked)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    struct kedge_allowed allowed;
    kedge_auto(kedge_buf) struct kedge_buf principals = {0};
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    struct kedge_err err = {0};
    cr_assert_eq(kedge_allowed_parse(&arena, allowed_text, &allowed, &err), 0);
    int code = kedge_commit_parse(kedge_buf_slice(object), &commit, &err);
    if (!code)
        code = kedge_commit_verify(&commit, &allowed, revoked, &principals, fingerprint, &err);
    cr_assert_eq(code, (int)err.code);
    cr_assert_eq(code == 0, principals.size > 0);
    return code == 0;
}

/* `pattern` with each $ replaced by the public key. */
static void fill(const char *pattern, const struct kedge_buf *public, struct kedge_buf *out)
{
    for (const char *at = pattern; *at; at++) {
        if (*at == '$')
            kedge_buf_add(out, public->data, public->size);
        else
            kedge_buf_putc(out, *at);
    }
}

Test(commit, git_gives_the_same_verdicts, .timeout = 60)
{
    static const struct {
        const char *allowed, *revoked;
        bool accepted;
    } rows[] = {
        {"c@example.com $\n", "", true},
        {"whoever $\n", "", true},
        {"", "", false},
        {"a,!a $\n", "", false},
        {"!a,*@x $\n", "", true},
        {"!z $\n", "", false},
        {"!z $\nb $\n", "", false},
        {"a namespaces=\"file\" $\nb $\n", "", false},
        {"a namespaces=\"file\" $\na namespaces=\"git\" $\n", "", true},
        {"a valid-before=\"20250101Z\" $\nb $\n", "", true},
        {"a valid-after=\"20260301120000Z\" $\n", "", true},
        {"a valid-before=\"20260301120000Z\" $\n", "", true},
        {"a valid-before=\"20260301115959Z\" $\n", "", false},
        {"a cert-authority $\nb $\n", "", true},
        {"a cert-authority $\n", "", false},
        {"broken\n\"a b\" $\n", "", true},
        {"a $\n", "$\n", false},
        {"a $\n", "# none\n", true},
    };
    kedge_auto(workshop) struct workshop shop = {0};
    kedge_auto(kedge_buf) struct kedge_buf object = {0};
    setenv("TZ", "UTC", 1); /* git passes ssh-keygen local time */
    open_workshop(&shop);
    make_commit(&shop, slice("subject\n\nbody\n"), &object);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf allowed = {0}, revoked = {0};
        fill(rows[i].allowed, &shop.public, &allowed);
        fill(rows[i].revoked, &shop.public, &revoked);
        write_file(&shop, "allowed", allowed.data, allowed.size);
        write_file(&shop, "revoked", revoked.data, revoked.size);
        cr_expect_eq(we_accept(&object, kedge_buf_slice(&allowed), kedge_buf_slice(&revoked)),
                     rows[i].accepted, "row %zu: %s", i, rows[i].allowed);
        cr_expect_eq(git_accepts(&shop, &object), rows[i].accepted, "git, row %zu: %s", i,
                     rows[i].allowed);
    }
}

Test(commit, what_was_not_signed_is_refused_as_git_does, .timeout = 60)
{
    kedge_auto(workshop) struct workshop shop = {0};
    kedge_auto(kedge_buf) struct kedge_buf object = {0}, allowed = {0}, nul = {0}, extra = {0},
                                           cut = {0};
    open_workshop(&shop);
    fill("a $\n", &shop.public, &allowed);
    write_file(&shop, "allowed", allowed.data, allowed.size);
    write_file(&shop, "revoked", "", 0);
    make_commit(&shop, (struct kedge_slice){"a\0b\n", 4}, &nul);
    make_commit(&shop, slice("subject\n"), &object);
    const struct kedge_slice signers = kedge_buf_slice(&allowed);
    cr_expect(we_accept(&object, signers, slice("")));
    cr_expect(git_accepts(&shop, &object));
    cr_expect(we_accept(&nul, signers, slice("")));
    cr_expect(git_accepts(&shop, &nul), "NUL");
    nul.data[nul.size - 2] = 'c'; /* behind the NUL */
    cr_expect_not(we_accept(&nul, signers, slice("")));
    cr_expect_not(git_accepts(&shop, &nul));
    kedge_buf_add(&extra, object.data, object.size);
    kedge_buf_puts(&extra, "\n");
    cr_expect_not(we_accept(&extra, signers, slice("")));
    cr_expect_not(git_accepts(&shop, &extra));
    const char *end = strstr(object.data, " -----END");
    kedge_buf_add(&cut, object.data, (size_t)(end - object.data));
    kedge_buf_puts(&cut, "\nsubject\n");
    cr_expect_not(we_accept(&cut, signers, slice("")));
    cr_expect_not(git_accepts(&shop, &cut));
    /* Every bit counts but that of a signature's line ends: ssh-keygen takes other white space too. */
    for (size_t i = 0; i < object.size; i++) {
        object.data[i] = (char)(object.data[i] ^ 1);
        if (we_accept(&object, signers, slice(""))) {
            cr_expect_eq(object.data[i], '\n' ^ 1, "byte %zu", i);
            cr_expect(git_accepts(&shop, &object), "git, byte %zu", i);
        }
        object.data[i] = (char)(object.data[i] ^ 1);
    }
}

Test(commit, other_kinds_of_signatures_are_named)
{
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    const struct kedge_allowed nobody = {0};
    kedge_auto(kedge_buf) struct kedge_buf principals = {0};
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    struct kedge_err err = {0};
    static const char object[] = HEADERS "gpgsig -----BEGIN PGP SIGNATURE-----\n x\n\nm\n";
    cr_assert_eq(kedge_commit_parse(slice(object), &commit, &err), 0);
    cr_expect_eq(kedge_commit_verify(&commit, &nobody, slice(""), &principals, fingerprint, &err),
                 KEDGE_UNSUPPORTED);
}
