/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "wire/minisign.h"
#include "wire/release.h"

/* Release keys 1, 2, 3 with a threshold of 2; 9 is a stranger. */
static struct kedge_key *keys[10];
static struct kedge_root_signers signers = {.threshold = 2};
static const char artifact[] = "weights";
static uint8_t hash[KEDGE_RELEASE_HASH];
static struct kedge_release_claim claim = {.model = "vibration",
                                           .version = "1.4.0",
                                           .size = 7,
                                           .counter = 3};
static struct kedge_arena arena;

static void hash_of(const char *text, uint8_t out[KEDGE_RELEASE_HASH])
{
    kedge_auto(kedge_release) struct kedge_release_state *state = kedge_release_begin();
    kedge_release_update(state, text, strlen(text));
    kedge_release_finish(state, out);
}

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    for (uint8_t i = 0; i < KEDGE_COUNT(keys); i++)
        keys[i] = kedge_key_from_seed((const uint8_t[32]){i});
    signers.count = 3;
    for (int i = 0; i < 3; i++)
        signers.keys[i] = kedge_key_public(keys[i + 1]);
    hash_of(artifact, hash);
    claim.digest = kedge_digest_of(artifact, strlen(artifact));
}

static void stop(void)
{
    for (size_t i = 0; i < KEDGE_COUNT(keys); i++)
        kedge_key_free(keys[i]);
    kedge_arena_release(&arena);
}

TestSuite(release, .init = start, .fini = stop);

static struct kedge_signature sign(int key, const struct kedge_release_claim *what)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_release_sign(keys[key], hash, what, &text, &err), 0, "%s", err.msg);
    return (struct kedge_signature){.key_id = kedge_key_id(keys[key]),
                                    .value = kedge_arena_strndup(&arena, text.data, text.size)};
}

static int check(const struct kedge_signature *list, uint32_t count, int64_t *counter,
                 struct kedge_err *err)
{
    *counter = -1;
    *err = (struct kedge_err){0};
    int code = kedge_release_check(&signers, list, count, hash, &claim, counter, err);
    cr_assert_eq(code == 0, *counter >= 0);
    return code;
}

static void expect_denied(const struct kedge_signature *list, uint32_t count, const char *reason)
{
    int64_t counter;
    struct kedge_err err;
    cr_expect_eq(check(list, count, &counter, &err), KEDGE_DENIED, "%s", reason);
    cr_expect_not_null(strstr(err.msg, reason), "'%s' is not in '%s'", reason, err.msg);
}

/* hashlib.blake2b(b"weights") */
Test(release, hash_streams)
{
    static const char wanted[] = "2aa4955f302678356dd757a55a7820323b283dcebe85c32549221234c25504ae6"
                                 "976ebe5ea557e79c39acf8aac1266b26be3293112bff56ba313b4de115ada15";
    kedge_auto(kedge_release) struct kedge_release_state *state = kedge_release_begin();
    uint8_t out[KEDGE_RELEASE_HASH];
    for (int round = 0; round < 2; round++) { /* the state starts over */
        for (size_t i = 0; i < strlen(artifact); i++)
            kedge_release_update(state, artifact + i, 1);
        kedge_release_finish(state, out);
        char hex[2 * KEDGE_RELEASE_HASH + 1];
        for (size_t i = 0; i < sizeof out; i++)
            snprintf(hex + 2 * i, 3, "%02x", out[i]);
        cr_assert_str_eq(hex, wanted);
    }
    kedge_test_no_leaks();
}

Test(release, threshold_of_keys_is_enough)
{
    const struct kedge_signature list[] = {sign(3, &claim), sign(1, &claim)};
    int64_t counter;
    struct kedge_err err;
    cr_expect_eq(check(list, 2, &counter, &err), 0, "%s", err.msg);
    cr_expect_eq(counter, 3);
}

Test(release, comment_reads_back)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_release_claim again;
    struct kedge_err err;
    cr_assert_eq(kedge_release_write(&claim, &text, &err), 0);
    cr_assert_str_eq(
        text.data, "kedge/v1 model=vibration version=1.4.0 "
                   "digest=sha256:9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c "
                   "size=7 "
                   "runtime=sha256:"
                   "0000000000000000000000000000000000000000000000000000000000000000 "
                   "counter=3");
    cr_assert_eq(kedge_release_read(&arena, text.data, &again, &err), 0, "%s", err.msg);
    cr_assert_str_eq(again.model, claim.model);
    cr_assert_str_eq(again.version, claim.version);
    cr_assert_eq(again.size, 7);
    cr_assert_eq(again.counter, 3);
    cr_assert(kedge_digest_equal(&again.digest, &claim.digest));
}

#define DIGEST  "digest=sha256:9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
#define RUNTIME "runtime=sha256:9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"

Test(release, other_comments_are_not_claims)
{
    static const char *const texts[] = {
        "",
        "kedge/v1",
        "kedge/v2 model=m version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=3",
        "kedge/v1  model=m version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=3",
        "kedge/v1 version=1.0.0 model=m " DIGEST " size=7 " RUNTIME " counter=3",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 " RUNTIME,
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 counter=3",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 runtime=sha256:00 counter=3",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=3 ",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=3 counter=4",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=07 " RUNTIME " counter=3",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=-7 " RUNTIME " counter=3",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=9007199254740992",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=99999999999999999999",
        "kedge/v1 model=m version=1.0.0 " DIGEST " size= " RUNTIME " counter=3",
        "kedge/v1 model=M version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=3",
        "kedge/v1 model= version=1.0.0 " DIGEST " size=7 " RUNTIME " counter=3",
        "kedge/v1 model=m version=1.0 " DIGEST " size=7 " RUNTIME " counter=3",
        "kedge/v1 model=m version=1.0.0 digest=sha256:00 size=7 " RUNTIME " counter=3",
        "timestamp:1614549543\tfile:model.zip",
    };
    struct kedge_release_claim out;
    struct kedge_err err;
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++)
        cr_expect_eq(kedge_release_read(&arena, texts[i], &out, &err), KEDGE_INVALID, "%s",
                     texts[i]);
    cr_expect_eq(kedge_release_read(&arena,
                                    "kedge/v1 model=m version=1.0.0 " DIGEST
                                    " size=9007199254740991 " RUNTIME " counter=0",
                                    &out, &err),
                 0, "%s", err.msg);
}

Test(release, impossible_claims_are_not_signed)
{
    struct kedge_release_claim bad[5];
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        bad[i] = claim;
    bad[0].model = "a b";
    bad[1].version = "1.0.0 counter=9";
    bad[2].size = -1;
    bad[3].counter = -1;
    bad[4].counter = INT64_C(1) << 53;
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_auto(kedge_buf) struct kedge_buf out = {0};
        struct kedge_err err;
        cr_expect_eq(kedge_release_sign(keys[1], hash, &bad[i], &out, &err), KEDGE_INVALID, "%zu",
                     i);
        cr_expect_eq(out.size, 0);
    }
}

Test(release, attack_one_key_signs_twice)
{
    const struct kedge_signature list[] = {sign(1, &claim), sign(1, &claim)};
    expect_denied(list, 2, "of 1 keys, 2 are needed");
    struct kedge_release_claim other = claim;
    other.counter = 4;
    const struct kedge_signature two[] = {sign(1, &claim), sign(1, &other)};
    expect_denied(two, 2, "of 1 keys, 2 are needed");
}

Test(release, attack_no_signature_or_a_strangers)
{
    const struct kedge_signature list[] = {sign(1, &claim), sign(9, &claim)};
    expect_denied(NULL, 0, "of 0 keys, 2 are needed");
    expect_denied(list, 1, "of 1 keys, 2 are needed");
    expect_denied(list, 2, "no release key has signed");
}

/* What the people signed is one version of one model; the director may not make it another. */
Test(release, attack_signatures_for_something_else)
{
    static const char *const reasons[] = {"model 'other'", "version '1.3.0'", "another digest",
                                          "8 bytes"};
    struct kedge_release_claim others[KEDGE_COUNT(reasons)];
    for (size_t i = 0; i < KEDGE_COUNT(others); i++)
        others[i] = claim;
    others[0].model = "other";
    others[1].version = "1.3.0";
    others[2].digest.bytes[0] ^= 1;
    others[3].size = 8;
    for (size_t i = 0; i < KEDGE_COUNT(others); i++) {
        const struct kedge_signature list[] = {sign(1, &claim), sign(2, &others[i])};
        expect_denied(list, 2, reasons[i]);
    }
}

Test(release, attack_other_bytes)
{
    const struct kedge_signature list[] = {sign(1, &claim), sign(2, &claim)};
    int64_t counter;
    struct kedge_err err;
    uint8_t other[KEDGE_RELEASE_HASH];
    hash_of("weighty", other);
    cr_expect_eq(kedge_release_check(&signers, list, 2, other, &claim, &counter, &err),
                 KEDGE_DENIED);
}

/* The threshold must agree on the counter, or one key could drive it up alone. */
Test(release, attack_one_key_raises_the_counter)
{
    struct kedge_release_claim high = claim;
    high.counter = INT64_C(9007199254740991);
    const struct kedge_signature list[] = {sign(1, &high), sign(2, &claim), sign(3, &claim)};
    const struct kedge_signature both[] = {sign(1, &claim), sign(2, &claim), sign(1, &high),
                                           sign(2, &high)};
    const struct kedge_signature split[] = {sign(1, &claim), sign(2, &high)};
    int64_t counter;
    struct kedge_err err;
    cr_expect_eq(check(list, 3, &counter, &err), 0, "%s", err.msg);
    cr_expect_eq(counter, 3);
    cr_expect_eq(check(both, 4, &counter, &err), 0, "%s", err.msg);
    cr_expect_eq(counter, high.counter);
    expect_denied(split, 2, "of 1 keys, 2 are needed");
}

Test(release, attack_rollback)
{
    struct kedge_err err;
    cr_expect_eq(kedge_release_advance("vibration", 0, 0, &err), 0);
    cr_expect_eq(kedge_release_advance("vibration", 3, 3, &err), 0, "a rollback among equals");
    cr_expect_eq(kedge_release_advance("vibration", 3, 4, &err), 0);
    cr_expect_eq(kedge_release_advance("vibration", 3, 2, &err), KEDGE_DENIED);
    cr_expect_eq(strncmp(err.msg, "rollback: ", 10), 0, "%s", err.msg);
}

Test(release, malformed_signatures_are_refused_with_their_number)
{
    const struct kedge_signature good = sign(1, &claim);
    const struct kedge_signature bad = {.value = "RUQf6LRCGA9i5"};
    const struct kedge_signature list[] = {good, bad};
    struct kedge_signature many[KEDGE_LIMIT_SIGNATURES + 1];
    int64_t counter;
    struct kedge_err err;
    cr_expect_eq(check(list, 2, &counter, &err), KEDGE_INVALID);
    cr_expect_not_null(strstr(err.msg, "signature 2"), "%s", err.msg);
    for (size_t i = 0; i < KEDGE_COUNT(many); i++)
        many[i] = good;
    cr_expect_eq(check(many, KEDGE_COUNT(many), &counter, &err), KEDGE_LIMIT);
}

/* A signature of another tool's comment neither counts nor harms. */
Test(release, a_comment_of_minisigns_own_does_not_count)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_minisign_sign(keys[3], hash, "timestamp:1\tfile:x", &text, &err), 0);
    const struct kedge_signature list[] = {sign(1, &claim), {.value = text.data}, sign(2, &claim)};
    int64_t counter;
    expect_denied(list, 2, "trusted comment 'timestamp:1");
    cr_expect_eq(check(list, 3, &counter, &err), 0, "%s", err.msg);
}

Test(release, every_flipped_bit_and_every_cut_is_refused_or_harmless)
{
    struct kedge_signature list[] = {sign(1, &claim)};
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int64_t counter;
    struct kedge_err err;
    kedge_buf_puts(&text, list[0].value);
    list[0].value = text.data;
    signers.threshold = 1;
    cr_assert_eq(check(list, 1, &counter, &err), 0, "%s", err.msg);
    size_t free_text = strcspn(text.data, "\n"), harmless = 0;
    for (size_t i = 0; i < text.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text.data[i] = (char)(text.data[i] ^ (1 << bit));
            if (check(list, 1, &counter, &err) == 0) {
                /* The untrusted comment, the id, and the line feeds' carriage returns. */
                cr_expect(i < free_text || (i > free_text + 2 && i < free_text + 16), "byte %zu",
                          i);
                cr_assert_eq(counter, 3);
                harmless++;
            }
            text.data[i] = (char)(text.data[i] ^ (1 << bit));
        }
        if (i + 1 < text.size) {
            char kept = text.data[i];
            text.data[i] = '\0';
            cr_expect_neq(check(list, 1, &counter, &err), 0, "cut at %zu", i);
            text.data[i] = kept;
        }
    }
    cr_expect(harmless > 0);
    signers.threshold = 2;
    kedge_test_no_leaks();
}

static int run(const char *const *argv)
{
    extern char **environ;
    pid_t pid;
    int status;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    int failed = posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (failed)
        return -1;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* People who have a minisign key already sign with the tool they know. */
Test(release, stock_minisign_signs_a_release)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    kedge_auto(kedge_buf) struct kedge_buf comment = {0}, key = {0}, value = {0};
    struct kedge_err err;
    char file[300], secret[300], public[300], signature[310];
    snprintf(file, sizeof file, "%s/artifact", tmp.path);
    snprintf(secret, sizeof secret, "%s/key", tmp.path);
    snprintf(public, sizeof public, "%s/key.pub", tmp.path);
    snprintf(signature, sizeof signature, "%s.minisig", file);
    cr_assert_eq(kedge_fs_write(AT_FDCWD, file, artifact, strlen(artifact), 0600, &err), 0);
    cr_assert_eq(kedge_release_write(&claim, &comment, &err), 0);
    const char *const generate[] = {"minisign", "-G", "-W", "-p", public, "-s", secret, NULL};
    if (run(generate) != 0)
        cr_skip("no minisign here");
    const char *const make[] = {"minisign", "-S", "-H", "-s",         secret,
                                "-m",       file, "-t", comment.data, NULL};
    cr_assert_eq(run(make), 0);
    struct kedge_minisign_key parsed;
    cr_assert_eq(kedge_fs_read(AT_FDCWD, public, 1024, &key, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_minisign_key_parse(kedge_buf_slice(&key), &parsed, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, signature, 10000, &value, &err), 0, "%s", err.msg);
    const struct kedge_signature list[] = {{.value = value.data}};
    const struct kedge_root_signers one = {{parsed.key}, 1, 1};
    int64_t counter = -1;
    cr_assert_eq(kedge_release_check(&one, list, 1, hash, &claim, &counter, &err), 0, "%s",
                 err.msg);
    cr_assert_eq(counter, 3);
}

/* While the artifact is still to come its comments are enough to refuse. */
Test(release, comments_alone_are_judged_without_a_hash)
{
    struct kedge_release_claim other = claim;
    struct kedge_err err = {0};
    int64_t counter = -1;
    const struct kedge_signature good[] = {sign(1, &claim), sign(2, &claim)};
    cr_expect_eq(kedge_release_check(&signers, good, 2, NULL, &claim, &counter, &err), 0, "%s",
                 err.msg);
    cr_expect_eq(counter, claim.counter);
    other.version = "1.4.1";
    const struct kedge_signature bad[][2] = {{sign(1, &claim), sign(9, &claim)},
                                             {sign(1, &claim), sign(1, &claim)},
                                             {sign(1, &claim), sign(2, &other)}};
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_expect_eq(kedge_release_check(&signers, bad[i], 2, NULL, &claim, &counter, &err),
                     KEDGE_DENIED, "row %zu", i);
}
