/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "wire/envelope.h"
#include "wire/keyfile.h"
#include "wire/signer.h"

static struct kedge_tempdir tmp;
static struct kedge_key *inner; /* what the program outside holds */
static char public_text[KEDGE_KEY_TEXT];

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    tmp = kedge_tempdir_make();
    inner = kedge_key_from_seed((const uint8_t[32]){7});
    struct kedge_public_key public = kedge_key_public(inner);
    kedge_public_key_format(&public, public_text);
}

static void stop(void)
{
    kedge_key_free(inner);
    kedge_tempdir_auto(&tmp);
}

TestSuite(signer, .init = start, .fini = stop);

static void put(const char *name, const void *data, size_t size, unsigned mode)
{
    struct kedge_err err;
    cr_assert_eq(kedge_fs_write(tmp.fd, name, data, size, mode, &err), 0, "%s", err.msg);
}

/* A program with this body, in the folder of the test. */
static struct kedge_key *program(const char *body, kedge_ms timeout)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, spec = {0};
    struct kedge_key *key = NULL;
    struct kedge_err err;
    kedge_buf_printf(&text, "#!/bin/sh\ncd '%s' || exit 99\n%s\n", tmp.path, body);
    put("program", text.data, text.size, 0700);
    kedge_buf_printf(&spec, "exec:%s %s/program one two", public_text, tmp.path);
    cr_assert_eq(kedge_signer_open(spec.data, timeout, &key, &err), 0, "%s", err.msg);
    return key;
}

static int sign(const char *body, const char *message, kedge_ms timeout, struct kedge_err *err)
{
    kedge_auto(kedge_key) struct kedge_key *key = program(body, timeout);
    uint8_t signature[KEDGE_KEY_SIGNATURE] = {0};
    static const uint8_t none[KEDGE_KEY_SIGNATURE];
    int code = kedge_key_sign(key, message, strlen(message), signature, err);
    cr_assert_eq(code != 0, memcmp(signature, none, sizeof none) == 0);
    return code;
}

/* The good signature of `message` as files "raw" and "base64". */
static void prepare(const char *message)
{
    kedge_auto(kedge_buf) struct kedge_buf base64 = {0};
    struct kedge_err err;
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    cr_assert_eq(kedge_key_sign(inner, message, strlen(message), signature, &err), 0);
    kedge_base64_encode(&base64, signature, sizeof signature);
    put("raw", signature, sizeof signature, 0600);
    put("base64", base64.data, base64.size, 0600);
}

#define SECOND 20000 /* ms: far more than any of these programs needs */

Test(signer, raw_and_base64_answers_are_taken)
{
    struct kedge_err err;
    prepare("kedge");
    cr_expect_eq(sign("cat raw", "kedge", SECOND, &err), 0, "%s", err.msg);
    cr_expect_eq(sign("cat base64", "kedge", SECOND, &err), 0, "%s", err.msg);
    cr_expect_eq(sign("cat base64; echo", "kedge", SECOND, &err), 0, "%s", err.msg);
    kedge_test_no_leaks();
}

Test(signer, gets_the_bytes_as_they_are_and_its_arguments)
{
    struct kedge_err err;
    prepare("a\n'b' $c");
    cr_expect_eq(sign("test \"$(cat)\" = \"$(printf 'a\\n'\\''b'\\'' $c')\" || exit 3\n"
                      "test \"$1,$2,$#\" = one,two,2 || exit 4\n"
                      "cat raw",
                      "a\n'b' $c", SECOND, &err),
                 0, "%s", err.msg);
}

Test(signer, large_messages_do_not_block_a_program_that_does_not_read)
{
    kedge_auto(kedge_buf) struct kedge_buf message = {0};
    struct kedge_err err;
    kedge_buf_reserve(&message, KEDGE_LIMIT_ENVELOPE);
    memset(message.data, 'x', KEDGE_LIMIT_ENVELOPE - 1);
    message.data[KEDGE_LIMIT_ENVELOPE - 1] = '\0';
    prepare(message.data);
    cr_expect_eq(sign("cat raw", message.data, SECOND, &err), 0, "%s", err.msg);
    cr_expect_eq(sign("test $(wc -c) = 4194303 && cat raw", message.data, SECOND, &err), 0, "%s",
                 err.msg);
}

Test(signer, failures_have_their_reasons)
{
    static const struct {
        const char *body;
        int code;
        const char *reason;
    } rows[] = {
        {"exit 3", KEDGE_UNAVAILABLE, "status 3"},
        {"cat raw; exit 1", KEDGE_UNAVAILABLE, "status 1"},
        {"kill -TERM $$", KEDGE_UNAVAILABLE, "signal 15"},
        {"true", KEDGE_INVALID, "0 bytes"},
        {"head -c 63 raw", KEDGE_INVALID, "63 bytes"},
        {"cat raw; echo", KEDGE_INVALID, "65 bytes"},
        {"cat base64; echo; echo", KEDGE_INVALID, "90 bytes"},
        {"head -c 1000000 /dev/zero", KEDGE_INVALID, "more than a signature"},
        {"cat other", KEDGE_DENIED, "another key"},
        {"head -c 64 /dev/zero", KEDGE_DENIED, "another key"},
    };
    struct kedge_err err;
    prepare("other");
    cr_assert_eq(renameat(tmp.fd, "raw", tmp.fd, "other"), 0);
    prepare("kedge");
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        cr_expect_eq(sign(rows[i].body, "kedge", SECOND, &err), rows[i].code, "%s", rows[i].body);
        cr_expect_not_null(strstr(err.msg, rows[i].reason), "%s: %s", rows[i].body, err.msg);
    }
    kedge_test_no_leaks();
}

/* Neither a program that never ends, nor one whose child keeps the pipe open, holds us. */
Test(signer, silence_ends_in_time_and_leaves_nobody_behind)
{
    static const char *const bodies[] = {
        "echo $$ >pid; exec sleep 1000",
        "sleep 1000 & echo $! >pid; cat raw",
        "echo $$ >pid; cat raw; exec >/dev/null; exec sleep 1000",
    };
    struct kedge_err err;
    prepare("kedge");
    for (size_t i = 0; i < KEDGE_COUNT(bodies); i++) {
        kedge_auto(kedge_buf) struct kedge_buf pid = {0};
        kedge_ms began = kedge_clock_monotonic();
        cr_expect_eq(sign(bodies[i], "kedge", 500, &err), KEDGE_TIMEOUT, "%s: %s", bodies[i],
                     err.msg);
        cr_expect(kedge_clock_monotonic() - began < SECOND);
        cr_assert_eq(kedge_fs_read(tmp.fd, "pid", 32, &pid, &err), 0, "%s", err.msg);
        /* An orphan that was killed may wait for init to be told so. */
        bool gone = false;
        for (int tries = 0; tries < 100 && !gone; tries++) {
            kedge_auto(kedge_buf) struct kedge_buf stat = {0}, name = {0};
            kedge_buf_printf(&name, "/proc/%d/stat", atoi(pid.data));
            gone = kedge_fs_read(AT_FDCWD, name.data, 4096, &stat, &err) != 0 ||
                   strstr(stat.data, ") Z ");
            usleep(10000);
        }
        cr_expect(gone, "%s", bodies[i]);
    }
}

Test(signer, a_program_that_is_not_there_is_named)
{
    kedge_auto(kedge_buf) struct kedge_buf spec = {0};
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_err err;
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    kedge_buf_printf(&spec, "exec:%s %s/absent", public_text, tmp.path);
    cr_assert_eq(kedge_signer_open(spec.data, SECOND, &key, &err), 0);
    cr_expect_eq(kedge_key_sign(key, "", 0, signature, &err), KEDGE_NOTFOUND);
    cr_expect_not_null(strstr(err.msg, "/absent"), "%s", err.msg);
}

Test(signer, specs_that_name_no_program_or_no_safe_key_are_refused)
{
    static const char low[] = "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    kedge_auto(kedge_buf) struct kedge_buf many = {0};
    kedge_buf_puts(&many, "@ /bin/true");
    for (int i = 0; i < KEDGE_LIMIT_SIGNER_ARGS; i++)
        kedge_buf_puts(&many, " x");
    const struct {
        const char *rest; /* '@' stands for the key */
        int code;
    } rows[] = {
        {"@ /bin/true", 0},
        {"@ /bin/true -x ;|&$(id)", 0},
        {"", KEDGE_INVALID},
        {"@", KEDGE_INVALID},
        {"@ ", KEDGE_INVALID},
        {"@ true", KEDGE_INVALID},
        {"@ ./true", KEDGE_INVALID},
        {"@  /bin/true", KEDGE_INVALID},
        {"@ /bin/true ", KEDGE_INVALID},
        {"@ /bin/true  x", KEDGE_INVALID},
        {"/bin/true", KEDGE_INVALID},
        {"ed25519: /bin/true", KEDGE_INVALID},
        {many.data, KEDGE_INVALID},
        {low, KEDGE_INVALID},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf spec = {0};
        kedge_auto(kedge_key) struct kedge_key *key = NULL;
        struct kedge_err err;
        bool at = rows[i].rest[0] == '@';
        kedge_buf_printf(&spec, "exec:%s%s", at ? public_text : "", rows[i].rest + at);
        cr_expect_eq(kedge_signer_open(spec.data, SECOND, &key, &err), rows[i].code, "%s",
                     spec.data);
    }
    kedge_auto(kedge_buf) struct kedge_buf spec = {0};
    struct kedge_key *key = NULL;
    struct kedge_err err;
    kedge_buf_printf(&spec, "exec:%s /bin/true", low);
    cr_expect_eq(kedge_signer_open(spec.data, SECOND, &key, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "safe point"), "%s", err.msg);
    kedge_test_no_leaks();
}

/* openssl holds the key and signs an envelope; a key file says so. */
Test(signer, openssl_signs_an_envelope)
{
    if (access("/usr/bin/openssl", X_OK) != 0)
        cr_skip("no openssl here");
    /* RFC 8410: PKCS #8 around the seed 07 00 00 .. */
    static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIAcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                              "-----END PRIVATE KEY-----\n";
    put("key.pem", pem, strlen(pem), 0600);
    kedge_auto(kedge_buf) struct kedge_buf line = {0}, file = {0}, envelope = {0}, payload = {0};
    kedge_buf_printf(&line,
                     "exec:%s /usr/bin/openssl pkeyutl -sign -rawin -inkey %s/key.pem -in "
                     "/dev/stdin\n",
                     public_text, tmp.path);
    put("director.key", line.data, line.size, 0600);
    kedge_buf_printf(&file, "%s/director.key", tmp.path);
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_keyfile_load(file.data, NULL, NULL, &key, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_keyfile_save(key, NULL, file.data, &err), KEDGE_UNSUPPORTED);
    struct kedge_slice body = {"{}", 2};
    const struct kedge_key *keys[] = {key};
    cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, body, keys,
                                     KEDGE_COUNT(keys), &err),
                 0, "%s", err.msg);
    struct kedge_public_key public = kedge_key_public(inner);
    const struct kedge_envelope_trust trust = {&public, 1, 1, KEDGE_ENVELOPE_IN_TOTO};
    cr_assert_eq(kedge_envelope_verify(envelope.data, envelope.size, envelope.size, &trust,
                                       &payload, &err),
                 0, "%s", err.msg);
}

Test(signer, an_envelope_that_cannot_be_signed_leaves_nothing)
{
    kedge_auto(kedge_key) struct kedge_key *key = program("exit 1", SECOND);
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    struct kedge_err err;
    kedge_buf_puts(&out, "before");
    const struct kedge_key *keys[] = {inner, key};
    cr_assert_eq(kedge_envelope_sign(&out, KEDGE_ENVELOPE_IN_TOTO, (struct kedge_slice){"{}", 2},
                                     keys, 2, &err),
                 KEDGE_UNAVAILABLE);
    cr_assert_str_eq(out.data, "before");
}
