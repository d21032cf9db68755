/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "stock.h"
#include "wire/allowed.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE"
#define OTHER                                                                                      \
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJsaDYXQYruc6bilCYDI"  \
    "K4YSOeG+zmrRO2M9t03//7LHAAAABHNzaDo="

#define COMMAS ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"

static struct kedge_slice slice(const char *text)
{
    return (struct kedge_slice){text, strlen(text)};
}

static struct kedge_sshkey key_of(const char *line)
{
    static struct kedge_buf blobs[8]; /* what the keys borrow */
    static size_t used;
    struct kedge_slice text = slice(line);
    struct kedge_sshkey key;
    struct kedge_err err = {0};
    struct kedge_buf *blob = &blobs[used++ % KEDGE_COUNT(blobs)];
    kedge_buf_clear(blob);
    cr_assert_eq(kedge_sshkey_take(&text, blob, &key, &err), 0, "%s", err.msg);
    return key;
}

static kedge_ms time_of(const char *text)
{
    kedge_ms at;
    cr_assert(kedge_clock_parse(text, &at), "%s", text);
    return at;
}

/* Is KEY allowed to sign for alice@example.com in namespace git on 2026-03-01? */
static bool allows(const char *file)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_sshkey key = key_of(KEY);
    const struct kedge_allowed_claim claim = {&key, NULL, "alice@example.com", "git",
                                              time_of("2026-03-01T12:00:00Z")};
    struct kedge_allowed allowed;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_allowed_parse(&arena, slice(file), &allowed, &err), 0, "%s", err.msg);
    const struct kedge_allowed_line *line = kedge_allowed_match(&allowed, &claim, &err);
    cr_assert(line || err.code == KEDGE_DENIED);
    return line != NULL;
}

static const struct {
    const char *file;
    bool allowed;
    bool differs; /* from OpenSSH, on purpose */
} rows[] = {
    {"alice@example.com " KEY "\n", true, false},
    {"alice@example.com " KEY, true, false},
    {"alice@example.com " KEY "\r\n", true, false},
    {"alice@example.com\t" KEY " a comment\n", true, false},
    {"\n# a comment\n\n  alice@example.com   " KEY "\n", true, false},
    {"bob@example.com " KEY "\n", false, false},
    {"alice@example.com " OTHER "\n", false, false},
    {"", false, false},
    /* principals */
    {"bob@example.com,alice@example.com " KEY "\n", true, false},
    {"*@example.com " KEY "\n", true, false},
    {"* " KEY "\n", true, false},
    {"alice@example.co? " KEY "\n", true, false},
    {"alice@example.com? " KEY "\n", false, false},
    {"*@example.com,!alice@example.com " KEY "\n", false, false},
    {"!alice@example.com,*@example.com " KEY "\n", false, false},
    {"!bob@example.com,*@example.com " KEY "\n", true, false},
    {"!bob@example.com " KEY "\n", false, false},
    {"Alice@example.com " KEY "\n", false, false},
    {"\"alice@example.com\" " KEY "\n", true, false},
    {"\"alice@example.com\"" KEY "\n", true, false},
    {"\"bob smith,alice@example.com\"\tcert-authoritative " KEY "\n", false, false},
    {"\"bob smith,alice@example.com\"\t" KEY "\n", true, false},
    {"alice@\"example.com\" " KEY "\n", true, false},
    {"alice@example.com\"\"namespaces=\"git\" " KEY "\n", true, false},
    {"alice@example.com\" \" " KEY "\n", false, false},
    {"alice@example.com,\"x y\"namespaces=\"file\" " KEY "\n", false, false},
    {"\"\"alice@example.com " KEY "\n", false, false},
    {"\"alice@example.com\\\" " KEY "\n", false, false},
    {"\"alice@example.com\\\"\" " KEY "\n", false, false},
    {"alice@example.com,x\\\"y\" " KEY "\n", true, false},
    {"\"alice@example.com,bob\"\" " KEY "\n", false, false},
    {"'alice@example.com' " KEY "\n", false, false},
    {"namespaces=\"git\" " KEY "\n", false, false},
    {"*\"\",cert-authority " KEY "\n", false, false},
    {"*valid-after=\"20260101Z\" " KEY "\n", false, false},
    {",alice@example.com " KEY "\n", true, false},
    {"alice@example.com,,bob " KEY "\n", true, false},
    {"!,alice@example.com " KEY "\n", true, false},
    {"!!alice@example.com,alice@example.com " KEY "\n", true, false},
    {"! alice@example.com " KEY "\n", false, false},
    {"alice@example.com,!* " KEY "\n", false, false},
    {"?????@example.com " KEY "\n", true, false},
    {"?alice@example.com " KEY "\n", false, false},
    {"[a]lice@example.com " KEY "\n", false, false},
    {"alice@example.com\\ " KEY "\n", false, false},
    {"#alice@example.com " KEY "\n", false, false},
    {"  # alice@example.com " KEY "\n", false, false},
    {"alice@example.com " KEY "# bob\n", false, false},
    {"alice@example.com " KEY " # bob\n", true, false},
    {"alice@example.com # " KEY "\n", false, false},
    {"\talice@example.com \t " KEY "\t\t\n", true, false},
    {"alice@example.com\r" KEY "\n", true, false},
    {"\valice@example.com " KEY "\n", false, false},
    {"\xef\xbb\xbf"
     "alice@example.com " KEY "\n",
     false, false},
    {"a*b*c*d*e*f*@* " KEY "\n", false, false},
    {"*a*l*i*c*e*@*e*x*a*m*p*l*e*.*c*o*m* " KEY "\n", true, false},
    /* options */
    {"alice@example.com namespaces=\"git\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"file,git\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"g*\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"file\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"*,!git\" " KEY "\n", false, false},
    {"alice@example.com NameSpaces=\"git\" " KEY "\n", true, false},
    {"alice@example.com namespaces=git " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\",namespaces=\"git\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\", " KEY "\n", false, false},
    {"alice@example.com namespaces=\"g\\\"it,git\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"git\\\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\\\"\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\",git\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"git,\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"file, git\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"file name,git\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"!file\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"!file,*\" " KEY "\n", true, false},
    {"alice@example.com namespaces=\"GIT\" " KEY "\n", false, false},
    {"alice@example.com namespaces =\"git\" " KEY "\n", false, false},
    {"alice@example.com namespaces= \"git\" " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\" ,cert-authority " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\",, " KEY "\n", false, false},
    {"alice@example.com ,namespaces=\"git\" " KEY "\n", true, false},
    {"alice@example.com ,,namespaces=\"git\",,valid-after=\"20260101Z\" " KEY "\n", true, false},
    {"alice@example.com , " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\"x " KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\"" KEY "\n", false, false},
    {"alice@example.com namespaces=\"git\"\t\t" KEY "\n", true, false},
    {"alice@example.com cert-authority,cert-authority " KEY "\n", false, false},
    {"alice@example.com cert-authority=\"no\" " KEY "\n", false, false},
    {"alice@example.com no-cert-authority " KEY "\n", false, false},
    {"alice@example.com no-such-option " KEY "\n", false, false},
    {"alice@example.com cert-authority " KEY "\n", false, false},
    {"alice@example.com CERT-AUTHORITY,namespaces=\"git\" " KEY "\n", false, false},
    {"alice@example.com cert-authoritative " KEY "\n", false, false},
    /* times: both ends belong to the span */
    {"alice@example.com valid-after=\"20260301Z\" " KEY "\n", true, false},
    {"alice@example.com valid-after=\"202603011200Z\" " KEY "\n", true, false},
    {"alice@example.com valid-after=\"20260301120000Z\" " KEY "\n", true, false},
    {"alice@example.com valid-after=\"20260301120001Z\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"20260301120000Z\" " KEY "\n", true, false},
    {"alice@example.com valid-before=\"20260301115959Z\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"20260301Z\" " KEY "\n", false, false},
    {"alice@example.com valid-after=\"20260101Z\",valid-before=\"20270101Z\" " KEY "\n", true,
     false},
    {"alice@example.com valid-after=\"20270101Z\",valid-before=\"20260101Z\" " KEY "\n", false,
     false},
    {"alice@example.com valid-before=\"2027-01-01\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"20271301Z\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"2027010Z\" " KEY "\n", false, false},
    {"alice@example.com valid-before=20270101Z " KEY "\n", false, false},
    {"alice@example.com valid-before=\"20270101\" " KEY "\n", true, false},
    {"alice@example.com valid-before=\"20270101z\" " KEY "\n", true, false},
    {"alice@example.com valid-before=\"20270101UTC\" " KEY "\n", true, false},
    {"alice@example.com valid-before=\"20270101ZZ\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\" 20270101Z\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"+1w\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"\" " KEY "\n", false, false},
    {"alice@example.com valid-before=\"19700101Z\" " KEY "\n", false, false},
    {"alice@example.com valid-after=\"19700101Z\" " KEY "\n", false, false},
    {"alice@example.com valid-after=\"20260229Z\" " KEY "\n", false, true}, /* no such day */
    {"alice@example.com valid-before=\"20270101\\\"Z\" " KEY "\n", false, false},
    {"alice@example.com valid-after=\"20260101Z\",valid-after=\"20260102Z\" " KEY "\n", false,
     false},
    {"alice@example.com valid-after=\"20260101Z\",valid-before=\"20260101Z\" " KEY "\n", false,
     false},
    {"alice@example.com valid-before=\"20381231235959Z\" " KEY "\n", true, false},
    {"alice@example.com valid-before=\"99991231235959Z\" " KEY "\n", true, false},
    {"alice@example.com valid-before=\"202701012460Z\" " KEY "\n", false, false},
    /* keys */
    {"alice@example.com SSH-ED25519 "
     "AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n",
     false, false},
    {"alice@example.com ssh-ed25519  \t"
     "AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n",
     true, false},
    {"alice@example.com " KEY "=\n", false, false},
    {"alice@example.com " KEY "==\n", false, false},
    {"alice@example.com " KEY "AAAA\n", false, false},
    {"alice@example.com " KEY ",bob\n", false, false},
    {"alice@example.com " KEY " " OTHER "\n", true, false},
    {"alice@example.com ssh-ed25519\n", false, false},
    {"alice@example.com\n", false, false},
    {"alice@example.com ssh-ed25519 AAAA\n", false, false},
    {"alice@example.com ssh-rsa "
     "AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+P5HqbPYCYu3BOMdjAE\n",
     false, false},
    /* a line that does not do is no obstacle to the next */
    {"broken\nalice@example.com nonsense " KEY "\nalice@example.com " KEY "\n", true, false},
    {"alice@example.com namespaces=\"file\" " KEY "\nalice@example.com " KEY "\n", true, false},
    {"bob@example.com " KEY "\nalice@example.com " KEY "\n", true, false},
    {"alice@example.com cert-authority " KEY "\nalice@example.com " KEY "\n", true, false},
};

Test(allowed, lines_allow_what_they_say)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(allows(rows[i].file), rows[i].allowed, "row %zu: %s", i, rows[i].file);
    kedge_test_no_leaks();
}

/* The same rows, judged by ssh-keygen: a key of our own takes the place of KEY, and signs. */
Test(allowed, ssh_keygen_gives_the_same_verdicts, .timeout = 60)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_buf) struct kedge_buf public = {0};
    struct kedge_err err = {0};
    char key[300], data[300], signature[300], file[300];
    snprintf(key, sizeof key, "%s/key", tmp.path);
    snprintf(data, sizeof data, "%s/data", tmp.path);
    snprintf(signature, sizeof signature, "%s/data.sig", tmp.path);
    snprintf(file, sizeof file, "%s/allowed", tmp.path);
    const char *const generate[] = {"ssh-keygen", "-q", "-t", "ed25519", "-C", "",
                                    "-N",         "",   "-f", key,       NULL};
    const char *const sign[] = {"ssh-keygen", "-Y", "sign", "-n", "git", "-f", key, data, NULL};
    const char *const verify[] = {"ssh-keygen",
                                  "-Y",
                                  "verify",
                                  "-n",
                                  "git",
                                  "-I",
                                  "alice@example.com",
                                  "-O",
                                  "verify-time=20260301120000Z",
                                  "-f",
                                  file,
                                  "-s",
                                  signature,
                                  NULL};
    cr_assert_eq(kedge_fs_write(tmp.fd, "data", "data", 4, 0600, &err), 0);
    cr_assert_eq(kedge_stock_run(generate, NULL, NULL), 0);
    cr_assert_eq(kedge_stock_run(sign, NULL, NULL), 0);
    cr_assert_eq(kedge_fs_read(tmp.fd, "key.pub", 4096, &public, &err), 0);
    public.data[strcspn(public.data, "\n")] = '\0';
    while (public.data[strlen(public.data) - 1] == ' ')
    public.data[strlen(public.data) - 1] = '\0';
    const char *ours = strrchr(KEY, ' ') + 1, *theirs = strrchr(public.data, ' ') + 1;
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        const char *at = rows[i].file;
        for (const char *hit; (hit = strstr(at, ours)); at = hit + strlen(ours)) {
            kedge_buf_add(&text, at, (size_t)(hit - at));
            kedge_buf_puts(&text, theirs);
        }
        kedge_buf_puts(&text, at);
        cr_assert_eq(kedge_fs_write(tmp.fd, "allowed", text.data, text.size, 0600, &err), 0);
        bool accepted = kedge_stock_run(verify, data, NULL) == 0;
        cr_expect_eq(accepted != rows[i].allowed, rows[i].differs, "row %zu: %s", i, rows[i].file);
    }
}

Test(allowed, problems_are_kept_for_people)
{
    static const struct {
        const char *file, *problem;
        bool usable;
    } lines[] = {
        {"alice " KEY, NULL, true},
        {"alice valid-before=\"20270101\" " KEY,
         "a time without Z is taken as UTC, though OpenSSH takes it as local", true},
        {"alice " OTHER, NULL, true},
        {"alice ssh-rsa AAAA", "unsupported key type 'ssh-rsa'", false},
        {"alice cert-authority ecdsa-sha2-nistp256 AAAA",
         "unsupported key type 'ecdsa-sha2-nistp256'", false},
        {"alice whatever " KEY, "unknown option", false},
        {"alice", "no key", false},
        {COMMAS COMMAS COMMAS COMMAS COMMAS COMMAS COMMAS COMMAS " " KEY,
         "too many principals: spread them over lines", false},
        {"alice namespaces=\"git ", "an option in quotes that do not end", false},
        {"\"alice " KEY, "principals in quotes that do not end", false},
        {"alice ssh-ed25519 @@@@", "base64 has a foreign character at 0", false},
    };
    for (size_t i = 0; i < KEDGE_COUNT(lines); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        struct kedge_allowed allowed;
        struct kedge_err err = {0};
        cr_assert_eq(kedge_allowed_parse(&arena, slice(lines[i].file), &allowed, &err), 0);
        cr_assert_eq(allowed.count, 1);
        cr_expect_eq(allowed.lines[0].usable, lines[i].usable);
        if (lines[i].problem)
            cr_expect_str_eq(allowed.lines[0].problem, lines[i].problem);
        else
            cr_expect_null(allowed.lines[0].problem);
    }
}

Test(allowed, refusals_name_the_reason)
{
    static const struct {
        const char *file, *reason;
    } lines[] = {
        {"", "no line has it"},
        {"\nbob " KEY, "line 2, it is not this principal's"},
        {"alice cert-authority " KEY, "certificate authority"},
        {"alice namespaces=\"file\" " KEY, "namespace"},
        {"alice valid-after=\"20300101Z\" " KEY, "not valid yet"},
        {"alice valid-before=\"20200101Z\" " KEY, "not valid any more"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(lines); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_sshkey key = key_of(KEY);
        const struct kedge_allowed_claim claim = {&key, NULL, "alice", "git",
                                                  time_of("2026-03-01T12:00:00Z")};
        struct kedge_allowed allowed;
        struct kedge_err err = {0};
        cr_assert_eq(kedge_allowed_parse(&arena, slice(lines[i].file), &allowed, &err), 0);
        cr_expect_null(kedge_allowed_match(&allowed, &claim, &err));
        cr_expect_not_null(strstr(err.msg, lines[i].reason), "%s", err.msg);
        cr_expect_not_null(strstr(err.msg, "key SHA256:"), "%s", err.msg);
    }
}

Test(allowed, without_a_principal_the_key_decides)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_sshkey key = key_of(OTHER);
    const struct kedge_allowed_claim claim = {&key, NULL, NULL, "git", 0};
    struct kedge_allowed allowed;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_allowed_parse(&arena, slice("alice " KEY "\nbob " OTHER), &allowed, &err),
                 0);
    const struct kedge_allowed_line *line = kedge_allowed_match(&allowed, &claim, &err);
    cr_assert_not_null(line);
    cr_expect_str_eq(line->principals, "bob");
    cr_expect_eq(line->number, 2);
}

/* Many stars against a long text: no pattern may cost more than their product. */
Test(allowed, patterns_cannot_stall, .timeout = 10)
{
    char text[4000], pattern[1000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i + 1 < sizeof pattern; i++)
        pattern[i] = i % 2 ? '*' : 'a';
    pattern[sizeof pattern - 2] = 'b';
    pattern[sizeof pattern - 1] = '\0';
    cr_expect_not(kedge_allowed_matches(text, pattern));
    char large[2000];
    memset(large, '*', sizeof large);
    large[sizeof large - 1] = '\0';
    cr_expect_not(kedge_allowed_matches("a", large), "longer than OpenSSH reads");
    cr_expect(kedge_allowed_matches("a", large + sizeof large - 1024));
}

Test(allowed, size_and_lines_are_bounded)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_allowed allowed;
    struct kedge_err err;
    for (int i = 0; i <= KEDGE_LIMIT_LIST; i++)
        kedge_buf_puts(&text, "a\n");
    cr_expect_eq(kedge_allowed_parse(&arena, kedge_buf_slice(&text), &allowed, &err), KEDGE_LIMIT);
    while (text.size <= KEDGE_LIMIT_ALLOWED)
        kedge_buf_puts(&text, "                                                                ");
    cr_expect_eq(kedge_allowed_parse(&arena, kedge_buf_slice(&text), &allowed, &err), KEDGE_LIMIT);
    bool revoked;
    const struct kedge_sshkey key = key_of(KEY);
    cr_expect_eq(kedge_allowed_revoked(kedge_buf_slice(&text), &key, NULL, &revoked, &err),
                 KEDGE_LIMIT);
}

Test(allowed, revoked_keys)
{
    static const struct {
        const char *list;
        int code;
        bool revoked;
    } lists[] = {
        {"", 0, false},
        {"# nothing\n\n", 0, false},
        {KEY "\n", 0, true},
        {OTHER "\n", 0, false},
        {OTHER "\n  " KEY " a comment\n", 0, true},
        {"ssh-rsa AAAA\n" KEY "\n", 0, true},
        {"nonsense\n" KEY "\n", KEDGE_UNSUPPORTED, false},
        {"ssh-ed25519 AAAA\n" KEY "\n", KEDGE_INVALID, false},
        {"SSHKRL\n", KEDGE_UNSUPPORTED, false},
    };
    const struct kedge_sshkey key = key_of(KEY);
    for (size_t i = 0; i < KEDGE_COUNT(lists); i++) {
        bool revoked = false;
        struct kedge_err err = {0};
        cr_expect_eq(kedge_allowed_revoked(slice(lists[i].list), &key, NULL, &revoked, &err),
                     lists[i].code, "list %zu: %s", i, err.msg);
        cr_expect_eq(revoked, lists[i].revoked, "list %zu", i);
    }
}
