/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "fixture.h"
#include "lib/leak.h"
#include "wire/enrol.h"

#define NOW KEDGE_FIXTURE_NOW
#define DAY 86400000LL

/* One root key, then another; the director changes with the second version. */
static struct kedge_key *root_key, *next_root_key, *director, *next_director, *device_key, *thief;
static struct kedge_buf root_files[2];
static struct kedge_slice roots[2];
static struct kedge_digest pin;
static struct kedge_arena arena;

static struct kedge_root_signers one(const struct kedge_key *key)
{
    return (struct kedge_root_signers){{kedge_key_public(key)}, 1, 1};
}

static void make_root(int64_t version, const struct kedge_key *root, const struct kedge_key *by,
                      const struct kedge_key *old, struct kedge_buf *out)
{
    const struct kedge_root value = {version, NOW + DAY, {one(root), one(by), one(by)}, {{0}}};
    kedge_auto(kedge_buf) struct kedge_buf file = {0}, partly = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_root_write(&value, &file, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_envelope_countersign(old ? &partly : out, kedge_buf_slice(&file),
                                            KEDGE_LIMIT_ROOT, root, &err),
                 0, "%s", err.msg);
    if (old)
        cr_assert_eq(kedge_envelope_countersign(out, kedge_buf_slice(&partly), KEDGE_LIMIT_ROOT,
                                                old, &err),
                     0, "%s", err.msg);
}

static void start(void)
{
    struct kedge_err err;
    struct kedge_root first;
    cr_assert_eq(kedge_key_init(&err), 0);
    struct kedge_key **const keys[] = {&root_key,      &next_root_key, &director,
                                       &next_director, &device_key,    &thief};
    for (uint8_t i = 0; i < KEDGE_COUNT(keys); i++)
        *keys[i] = kedge_key_from_seed((const uint8_t[32]){(uint8_t)(i + 1)});
    make_root(1, root_key, director, NULL, &root_files[0]);
    make_root(2, next_root_key, next_director, root_key, &root_files[1]);
    for (size_t i = 0; i < KEDGE_COUNT(roots); i++)
        roots[i] = kedge_buf_slice(&root_files[i]);
    cr_assert_eq(kedge_root_pin(roots[0], NULL, &first, &err), 0, "%s", err.msg);
    pin = first.digest;
}

static void stop(void)
{
    struct kedge_key *const keys[] = {root_key,      next_root_key, director,
                                      next_director, device_key,    thief};
    for (size_t i = 0; i < KEDGE_COUNT(keys); i++)
        kedge_key_free(keys[i]);
    for (size_t i = 0; i < KEDGE_COUNT(root_files); i++)
        kedge_buf_release(&root_files[i]);
    kedge_arena_release(&arena);
}

TestSuite(enrol, .init = start, .fini = stop);

static const struct kedge_enrol_request asked = {.device = "press-07",
                                                 .hardware = "SN-0042",
                                                 .issued = NOW,
                                                 .has_token = true,
                                                 .secret = {9, 8, 7},
                                                 .root = {{6, 5}}};

/* The request as the server sees it. */
static struct kedge_enrol_request receive(const struct kedge_enrol_request *request,
                                          const struct kedge_key *key)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_enrol_request out = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_enrol_request_sign(request, key, &envelope, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_enrol_request_verify(&arena, kedge_buf_slice(&envelope), &out, &err), 0,
                 "%s", err.msg);
    return out;
}

static void answer(const struct kedge_enrol_request *request, size_t first, size_t count,
                   const struct kedge_key *by, struct kedge_buf *out)
{
    struct kedge_err err;
    cr_assert_eq(kedge_enrol_reply_sign(request, roots + first, count, 7, NOW, &by, 1, out, &err),
                 0, "%s", err.msg);
}

static int judge(const struct kedge_buf *reply, const struct kedge_digest *digest,
                 const struct kedge_enrol_request *request, kedge_ms now, const char *reason)
{
    struct kedge_enrol_reply out = {0};
    struct kedge_err err = {0};
    int code =
        kedge_enrol_reply_verify(&arena, kedge_buf_slice(reply), digest, request, now, &out, &err);
    cr_assert_eq(code == 0, out.root_count > 0);
    cr_expect(code == 0 || strstr(err.msg, reason), "'%s' is not in '%s'", reason, err.msg);
    return code;
}

Test(enrol, request_reads_back)
{
    struct kedge_enrol_request got = receive(&asked, device_key);
    struct kedge_public_key public = kedge_key_public(device_key);
    cr_assert_str_eq(got.device, "press-07");
    cr_assert_str_eq(got.hardware, "SN-0042");
    cr_assert_eq(got.issued, NOW);
    cr_assert(got.has_token);
    cr_assert_arr_eq(got.secret, asked.secret, sizeof got.secret);
    cr_assert_arr_eq(got.key.bytes, public.bytes, sizeof public.bytes);
    cr_assert(kedge_digest_equal(&got.root, &asked.root));
    struct kedge_enrol_request bare = {.device = "press-07", .issued = NOW};
    got = receive(&bare, device_key);
    cr_assert_not(got.has_token);
    cr_assert_null(got.hardware);
    kedge_test_no_leaks();
}

/* Possession: a key that somebody else holds cannot be enrolled. */
Test(enrol, attack_request_for_a_key_that_is_not_held)
{
    kedge_auto(kedge_buf) struct kedge_buf good = {0}, payload = {0}, stolen = {0};
    struct kedge_enrol_request out;
    struct kedge_err err;
    const struct kedge_key *by = thief;
    cr_assert_eq(kedge_enrol_request_sign(&asked, device_key, &good, &err), 0);
    cr_assert_eq(kedge_envelope_peek(kedge_buf_slice(&good), good.size, &payload, &err), 0);
    cr_assert_eq(kedge_envelope_sign(&stolen, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&payload),
                                     &by, 1, &err),
                 0);
    cr_expect_eq(kedge_enrol_request_verify(&arena, kedge_buf_slice(&stolen), &out, &err),
                 KEDGE_DENIED, "%s", err.msg);
}

/* The request of `asked` with `from` replaced by `to`, signed by its key all the same. */
static int receive_changed(const char *from, const char *to, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf good = {0}, payload = {0}, changed = {0}, bad = {0};
    struct kedge_enrol_request out;
    const struct kedge_key *by = device_key;
    cr_assert_eq(kedge_enrol_request_sign(&asked, device_key, &good, err), 0);
    cr_assert_eq(kedge_envelope_peek(kedge_buf_slice(&good), good.size, &payload, err), 0);
    const char *at = strstr(payload.data, from);
    cr_assert_not_null(at, "'%s' is not in %s", from, payload.data);
    kedge_buf_add(&changed, payload.data, (size_t)(at - payload.data));
    kedge_buf_puts(&changed, to);
    kedge_buf_puts(&changed, at + strlen(from));
    cr_assert_eq(kedge_envelope_sign(&bad, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&changed), &by,
                                     1, err),
                 0);
    return kedge_enrol_request_verify(&arena, kedge_buf_slice(&bad), &out, err);
}

Test(enrol, malformed_requests_are_refused)
{
    static const struct {
        const char *from, *to;
        int code;
    } rows[] = {
        {"", "", 0},
        {"\"hardware\"", "\"unknown\":[1],\"x\"", 0},
        {"\"device\":\"press-07\"", "\"device\":\"Press 07\"", KEDGE_INVALID},
        {"\"device\":\"press-07\"", "\"device\":\"../press\"", KEDGE_INVALID},
        {"\"device\":\"press-07\"", "\"device\":7", KEDGE_INVALID},
        {"\"device\":\"press-07\",", "", KEDGE_INVALID},
        {"SN-0042", "", KEDGE_INVALID},
        {"SN-0042", "SN 0042", KEDGE_INVALID},
        {"SN-0042", "\\u001b[2J", KEDGE_INVALID},
        {"\"publicKey\":\"ed25519:", "\"publicKey\":\"x:", KEDGE_INVALID},
        {"\"publicKey\":\"ed25519:",
         "\"publicKey\":\"ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"x\":\"",
         KEDGE_DENIED},
        {"\"token\":\"", "\"token\":\"AAAA", KEDGE_INVALID},
        {"\"token\":\"", "\"token\":null,\"x\":\"", KEDGE_INVALID},
        {"enrolment-request/v1", "enrolment-request/v2", KEDGE_UNSUPPORTED},
        {"2026-03-01T12:00:00Z", "yesterday", KEDGE_INVALID},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_err err = {0};
        cr_expect_eq(receive_changed(rows[i].from, rows[i].to, &err), rows[i].code, "%s: %s",
                     rows[i].to, err.msg);
    }
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

Test(enrol, reply_brings_the_device_to_the_newest_root)
{
    kedge_auto(kedge_buf) struct kedge_buf reply = {0};
    struct kedge_enrol_request request = receive(&asked, device_key);
    struct kedge_enrol_reply out;
    struct kedge_err err;
    answer(&request, 0, 2, next_director, &reply);
    cr_assert_eq(kedge_enrol_reply_verify(&arena, kedge_buf_slice(&reply), &pin, &request, NOW,
                                          &out, &err),
                 0, "%s", err.msg);
    cr_assert_eq(out.root.version, 2);
    cr_assert_eq(out.issued, NOW);
    cr_assert_eq(out.root_count, 2);
    cr_assert_eq(out.generation, 7);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(out.roots[i].size, roots[i].size);
        cr_assert_eq(memcmp(out.roots[i].data, roots[i].data, roots[i].size), 0);
    }
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

Test(enrol, attacks_on_the_reply_have_their_reasons)
{
    kedge_auto(kedge_buf) struct kedge_buf good = {0}, old = {0}, wrong = {0}, late = {0};
    struct kedge_enrol_request request = receive(&asked, device_key);
    answer(&request, 0, 2, next_director, &good);
    answer(&request, 0, 2, director, &old);
    answer(&request, 0, 2, thief, &wrong);
    answer(&request, 1, 1, next_director, &late);
    cr_expect_eq(judge(&good, &pin, &request, NOW, ""), 0);
    /* a server of another fleet */
    cr_expect_eq(judge(&good, &(struct kedge_digest){{1}}, &request, NOW, "pinned"), KEDGE_DENIED);
    cr_expect_eq(judge(&late, &pin, &request, NOW, "pinned"), KEDGE_DENIED);
    /* a director that was revoked, or never was one */
    cr_expect_eq(judge(&old, &pin, &request, NOW, "record"), KEDGE_DENIED);
    cr_expect_eq(judge(&wrong, &pin, &request, NOW, "record"), KEDGE_DENIED);
    /* freeze */
    cr_expect_eq(judge(&good, &pin, &request, NOW + DAY, "expired"), KEDGE_DENIED);
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

/* Replay: the reply of another device, another key, another attempt. */
Test(enrol, attack_reply_to_another_request)
{
    kedge_auto(kedge_buf) struct kedge_buf reply = {0};
    struct kedge_enrol_request mine = receive(&asked, device_key);
    struct kedge_enrol_request other = asked;
    answer(&mine, 0, 2, next_director, &reply);
    other.device = "press-08";
    other = receive(&other, device_key);
    cr_expect_eq(judge(&reply, &pin, &other, NOW, "for device 'press-07'"), KEDGE_DENIED);
    other = receive(&asked, thief);
    cr_expect_eq(judge(&reply, &pin, &other, NOW, "another key"), KEDGE_DENIED);
    other = asked;
    other.issued = NOW + 1000;
    other = receive(&other, device_key);
    cr_expect_eq(judge(&reply, &pin, &other, NOW, "another request"), KEDGE_DENIED);
    cr_expect_eq(judge(&reply, &pin, &mine, NOW, ""), 0);
}

/* The same request gives the same bytes, so a lost reply can be asked for again. */
Test(enrol, a_request_made_again_is_the_same_request)
{
    struct kedge_enrol_request a = receive(&asked, device_key), b = receive(&asked, device_key);
    cr_assert(kedge_digest_equal(&a.digest, &b.digest));
}

Test(enrol, malformed_replies_are_refused)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"roots\":[],\"record\":{}}",
                                        "{\"roots\":[1],\"record\":{}}",
                                        "{\"roots\":[\"*\"],\"record\":{}}",
                                        "{\"roots\":[\"e30=\"],\"record\":{}}",
                                        "{\"roots\":{},\"record\":{}}"};
    struct kedge_enrol_request request = receive(&asked, device_key);
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++) {
        struct kedge_buf reply = {(char *)texts[i], strlen(texts[i]), 0};
        cr_expect_eq(judge(&reply, &pin, &request, NOW, "enrolment reply"), KEDGE_INVALID, "%s",
                     texts[i]);
    }
    kedge_auto(kedge_buf) struct kedge_buf many = {0};
    kedge_buf_puts(&many, "{\"roots\":[\"\"");
    for (int i = 0; i < KEDGE_LIMIT_ROOTS; i++)
        kedge_buf_puts(&many, ",\"\"");
    kedge_buf_puts(&many, "],\"record\":{}}");
    cr_expect_eq(judge(&many, &pin, &request, NOW, "65 roots"), KEDGE_INVALID);
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}

Test(enrol, every_flipped_bit_and_every_cut_is_refused_or_harmless)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, reply = {0};
    struct kedge_enrol_request request = receive(&asked, device_key), out;
    struct kedge_public_key public = request.key;
    struct kedge_err err;
    cr_assert_eq(kedge_enrol_request_sign(&asked, device_key, &envelope, &err), 0);
    size_t harmless = 0;
    for (size_t i = 0; i < envelope.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            envelope.data[i] = (char)(envelope.data[i] ^ (1 << bit));
            if (kedge_enrol_request_verify(&arena, kedge_buf_slice(&envelope), &out, &err) == 0) {
                harmless++;
                cr_assert_str_eq(out.device, "press-07");
                cr_assert_arr_eq(out.key.bytes, public.bytes, sizeof public.bytes);
            }
            envelope.data[i] = (char)(envelope.data[i] ^ (1 << bit));
        }
        cr_assert_eq(kedge_enrol_request_verify(&arena, (struct kedge_slice){envelope.data, i},
                                                &out, &err),
                     KEDGE_INVALID);
    }
    cr_expect(harmless <= 69 * 8, "in the keyid: %zu", harmless);

    answer(&request, 0, 2, next_director, &reply);
    harmless = 0;
    for (size_t i = 0; i < reply.size; i++) {
        reply.data[i] = (char)(reply.data[i] ^ 1);
        struct kedge_enrol_reply got;
        if (kedge_enrol_reply_verify(&arena, kedge_buf_slice(&reply), &pin, &request, NOW, &got,
                                     &err) == 0) {
            harmless++;
            cr_assert_eq(got.root.version, 2);
        }
        reply.data[i] = (char)(reply.data[i] ^ 1);
    }
    /* Four signatures, of which three in base64 of base64. */
    cr_expect(harmless <= 4 * 69 * 4 / 3, "in the keyids: %zu", harmless);
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}
