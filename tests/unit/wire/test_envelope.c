/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/vectors.h"
#include "wire/envelope.h"

static struct kedge_key *key_a, *key_b;
static struct kedge_public_key public_a, public_b;

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    key_a = kedge_key_from_seed((const uint8_t[32]){1});
    key_b = kedge_key_from_seed((const uint8_t[32]){2});
    public_a = kedge_key_public(key_a);
    public_b = kedge_key_public(key_b);
}

static void stop(void)
{
    kedge_key_free(key_a);
    kedge_key_free(key_b);
}

TestSuite(envelope, .init = start, .fini = stop);

static struct kedge_slice text_slice(const char *text)
{
    return (struct kedge_slice){text, strlen(text)};
}

static void sign(const struct kedge_key *key, const void *message, size_t size, uint8_t *signature)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_sign(key, message, size, signature, &err), 0);
}

static void seal(struct kedge_buf *out, const char *type, struct kedge_slice body,
                 const struct kedge_key *const *keys, size_t count)
{
    struct kedge_err err;
    cr_assert_eq(kedge_envelope_sign(out, type, body, keys, count, &err), 0);
}

static struct kedge_envelope_trust trust_of(const struct kedge_public_key *keys, size_t count,
                                            unsigned threshold)
{
    return (struct kedge_envelope_trust){keys, count, threshold, KEDGE_ENVELOPE_IN_TOTO};
}

static int verify(struct kedge_slice envelope, const struct kedge_envelope_trust *trust,
                  struct kedge_buf *payload)
{
    struct kedge_err err = {0};
    int code =
        kedge_envelope_verify(envelope.data, envelope.size, KEDGE_MIB(1), trust, payload, &err);
    cr_assert_eq(code != 0, err.msg[0] != '\0');
    cr_assert_eq(code, (int)err.code);
    return code;
}

/* verify with key A alone, payload not looked at */
static int verify_text(const char *envelope)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    const struct kedge_envelope_trust trust = trust_of(&public_a, 1, 1);
    int code = verify(text_slice(envelope), &trust, &payload);
    cr_assert(code == 0 || payload.size == 0);
    return code;
}

Test(envelope, signs_what_it_verifies)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, payload = {0};
    const struct kedge_key *keys[] = {key_a, key_b};
    const struct kedge_public_key trusted[] = {public_b, public_a};
    char body[1000];
    memset(body, 0xfe, sizeof body);
    for (size_t size = 0; size <= sizeof body; size += 37) {
        kedge_buf_clear(&envelope);
        kedge_buf_clear(&payload);
        seal(&envelope, KEDGE_ENVELOPE_IN_TOTO, (struct kedge_slice){body, size}, keys, 2);
        for (unsigned threshold = 0; threshold <= 3; threshold++) {
            const struct kedge_envelope_trust trust = trust_of(trusted, 2, threshold);
            kedge_buf_clear(&payload);
            cr_assert_eq(verify(kedge_buf_slice(&envelope), &trust, &payload),
                         threshold <= 2 ? 0 : KEDGE_DENIED);
        }
        const struct kedge_envelope_trust one = trust_of(&public_b, 1, 1);
        cr_assert_eq(verify(kedge_buf_slice(&envelope), &one, &payload), 0);
        cr_assert_eq(payload.size, size);
        cr_assert_eq(memcmp(payload.data ? payload.data : "", body, size), 0);
    }
    kedge_test_no_leaks();
}

Test(envelope, text_is_canonical)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, wanted = {0};
    char signature[KEDGE_KEY_SIGNATURE];
    static const char pae[] = "DSSEv1 28 application/vnd.in-toto+json 2 {}";
    seal(&envelope, KEDGE_ENVELOPE_IN_TOTO, text_slice("{}"),
         (const struct kedge_key *const[]){key_a}, 1);
    sign(key_a, pae, strlen(pae), (uint8_t *)signature);
    kedge_buf_printf(&wanted,
                     "{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\","
                     "\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"",
                     kedge_key_id(key_a));
    kedge_base64_encode(&wanted, signature, sizeof signature);
    kedge_buf_puts(&wanted, "\"}]}");
    cr_assert_str_eq(envelope.data, wanted.data);
}

/* Every change of one byte is refused, or changes nothing that is authenticated: then the payload
 * is what was signed. */
Test(envelope, every_changed_byte_is_refused_or_harmless)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, payload = {0};
    static const char body[] = "{\"generation\":7,\"device\":\"press-07\",\"x\":\"~~~>>>?o?\"}";
    const struct kedge_envelope_trust trust = trust_of(&public_a, 1, 1);
    seal(&envelope, KEDGE_ENVELOPE_IN_TOTO, text_slice(body),
         (const struct kedge_key *const[]){key_a}, 1);
    size_t refused = 0, harmless = 0;
    for (size_t i = 0; i < envelope.size; i++) {
        for (unsigned mask = 1; mask < 256; mask++) {
            envelope.data[i] = (char)(envelope.data[i] ^ mask);
            kedge_buf_clear(&payload);
            if (verify(kedge_buf_slice(&envelope), &trust, &payload)) {
                refused++;
            } else {
                harmless++;
                cr_assert_str_eq(payload.data, body, "byte %zu", i);
            }
            envelope.data[i] = (char)(envelope.data[i] ^ mask);
        }
    }
    /* What is harmless lies in the keyid's name and value: 5 + 64 bytes. */
    cr_assert(harmless > 0 && harmless <= 69 * 255, "%zu", harmless);
    cr_assert_eq(refused + harmless, envelope.size * 255);
    kedge_test_no_leaks();
}

Test(envelope, every_cut_and_every_trailing_byte_is_refused)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, payload = {0};
    const struct kedge_envelope_trust trust = trust_of(&public_a, 1, 1);
    seal(&envelope, KEDGE_ENVELOPE_IN_TOTO, text_slice("{\"a\":1}"),
         (const struct kedge_key *const[]){key_a}, 1);
    for (size_t size = 0; size < envelope.size; size++)
        cr_assert_eq(verify((struct kedge_slice){envelope.data, size}, &trust, &payload),
                     KEDGE_INVALID);
    for (int c = 0; c < 256; c++) {
        kedge_auto(kedge_buf) struct kedge_buf longer = {0};
        kedge_buf_add(&longer, envelope.data, envelope.size);
        kedge_buf_putc(&longer, (char)c);
        bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
        cr_expect_eq(verify(kedge_buf_slice(&longer), &trust, &payload), space ? 0 : KEDGE_INVALID,
                     "byte %d", c);
    }
    struct kedge_err err;
    cr_assert_eq(kedge_envelope_verify(envelope.data, envelope.size, envelope.size - 1, &trust,
                                       &payload, &err),
                 KEDGE_LIMIT);
}

/* The envelope of "{}" signed by A, with `payload`, `sig` and the rest as the row gives them. */
#define TYPE "application/vnd.in-toto+json"

static void signed_empty_object(char text[96])
{
    static const char pae[] = "DSSEv1 28 " TYPE " 2 {}";
    kedge_auto(kedge_buf) struct kedge_buf base64 = {0};
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    sign(key_a, pae, strlen(pae), signature);
    kedge_base64_encode(&base64, signature, sizeof signature);
    memcpy(text, base64.data, base64.size + 1);
}

/* `$` in `pattern` stands for the good signature. */
static int verify_pattern(const char *pattern)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    char signature[96];
    signed_empty_object(signature);
    for (const char *at = pattern; *at; at++) {
        if (*at == '$')
            kedge_buf_puts(&text, signature);
        else
            kedge_buf_putc(&text, *at);
    }
    return verify_text(text.data ? text.data : "");
}

Test(envelope, malformed_texts_are_refused_by_name)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        /* the rows below differ from this one, or are other spellings of it */
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}", 0},
        {" {\"signatures\" : [ { \"sig\" : \"$\" } ] , \"payloadType\":\"" TYPE
         "\",\"payload\":\"e30=\"} ",
         0},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"keyid\":\"\",\"sig\":\"$\"}]}",
         0},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"keyid\":\"other\",\"sig\":\"$\",\"cert\":[1]}],\"x\":{}}",
         0},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"\"},{\"sig\":\"MTI=\"},{\"sig\":\"$\"}]}",
         0},
        /* nothing, or not the right thing */
        {"", KEDGE_INVALID},
        {"{}", KEDGE_INVALID},
        {"[]", KEDGE_INVALID},
        {"null", KEDGE_INVALID},
        {"\"e30=\"", KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\"}", KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"$\"}]}", KEDGE_INVALID},
        {"{\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}", KEDGE_INVALID},
        {"{\"payload\":null,\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":{},\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":7,\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":{\"sig\":\"$\"}}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[\"$\"]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{}]}", KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\"},null]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\",\"keyid\":7}]}",
         KEDGE_INVALID},
        /* one name twice */
        {"{\"payload\":\"e30=\",\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\"}],\"signatures\":[]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\",\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\"}],\"x\":{\"a\":1,\"\\u0061\":1}}",
         KEDGE_INVALID},
        /* base64: unpadded, spare bits, white space, mixed alphabets, foreign */
        {"{\"payload\":\"e30\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e31=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30==\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\\n\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\" e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"+_==\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e3*=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$=\"}]}",
         KEDGE_INVALID},
        /* NUL */
        {"{\"payload\":\"e30=\\u0000\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\\u0000\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_INVALID},
        /* well formed, but not signed by A */
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[]}", KEDGE_DENIED},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"\"}]}",
         KEDGE_DENIED},
        {"{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
         "\",\"signatures\":[{\"sig\":\"AAAA\"},{\"sig\":\"AAAA$\"}]}",
         KEDGE_DENIED},
        {"{\"payload\":\"e31h\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_DENIED},
        {"{\"payload\":\"\",\"payloadType\":\"" TYPE "\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_DENIED},
        {"{\"payload\":\"e30=\",\"payloadType\":\"\",\"signatures\":[{\"sig\":\"$\"}]}",
         KEDGE_DENIED},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_expect_eq(verify_pattern(rows[i].text), rows[i].code, "row %zu: %s", i, rows[i].text);
    kedge_test_no_leaks();
}

Test(envelope, escaped_spellings_of_the_same_value_are_the_same_value)
{
    cr_expect_eq(verify_pattern("{\"p\\u0061yload\":\"\\u006530=\",\"payloadType\":\"" TYPE
                                "\",\"signatures\":[{\"sig\":\"$\"}]}"),
                 0);
}

Test(envelope, too_many_signatures_are_refused_before_any_is_tried)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    char signature[96];
    signed_empty_object(signature);
    kedge_buf_puts(&text, "{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[");
    for (int i = 0; i <= KEDGE_LIMIT_SIGNATURES; i++)
        kedge_buf_printf(&text, "%s{\"sig\":\"%s\"}", i ? "," : "", signature);
    kedge_buf_puts(&text, "]}");
    cr_expect_eq(verify_text(text.data), KEDGE_LIMIT);
}

Test(envelope, another_type_is_unsupported_although_signed)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    seal(&envelope, "application/json", text_slice("{}"), (const struct kedge_key *const[]){key_a},
         1);
    cr_expect_eq(verify_text(envelope.data), KEDGE_UNSUPPORTED);
}

Test(envelope, threshold_counts_distinct_public_keys)
{
    kedge_auto(kedge_buf) struct kedge_buf twice = {0}, payload = {0};
    const struct kedge_key *same[] = {key_a, key_a};
    seal(&twice, KEDGE_ENVELOPE_IN_TOTO, text_slice("{}"), same, 2);
    const struct kedge_public_key repeated[] = {public_a, public_a, public_b, public_a};
    const struct kedge_envelope_trust trusts[] = {
        trust_of(repeated, 4, 2), trust_of(repeated, 2, 2), trust_of(repeated, 1, 2),
        trust_of(repeated, 0, 1), trust_of(repeated, 0, 0), trust_of(&public_b, 1, 1),
        trust_of(repeated, 4, 1),
    };
    for (size_t i = 0; i < KEDGE_COUNT(trusts); i++)
        cr_expect_eq(verify(kedge_buf_slice(&twice), &trusts[i], &payload),
                     i + 1 < KEDGE_COUNT(trusts) ? KEDGE_DENIED : 0, "trust %zu", i);
}

/* keyid may only narrow: a wrong one that names another trusted key costs the signature, one that
 * names nobody does not. */
Test(envelope, keyid_narrows_but_never_widens)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, payload = {0};
    const struct kedge_public_key both[] = {public_a, public_b};
    const struct kedge_envelope_trust trust = trust_of(both, 2, 1);
    char signature[96];
    signed_empty_object(signature);
    const char *const ids[] = {kedge_key_id(key_a), "", "nobody", kedge_key_id(key_b)};
    for (size_t i = 0; i < KEDGE_COUNT(ids); i++) {
        kedge_buf_clear(&text);
        kedge_buf_printf(&text,
                         "{\"payload\":\"e30=\",\"payloadType\":\"" TYPE
                         "\",\"signatures\":[{\"keyid\":\"%s\",\"sig\":\"%s\"}]}",
                         ids[i], signature);
        cr_expect_eq(verify(kedge_buf_slice(&text), &trust, &payload), i < 3 ? 0 : KEDGE_DENIED,
                     "keyid '%s'", ids[i]);
    }
}

static struct kedge_public_key vector_key(const json_t *keys, const char *name)
{
    struct kedge_err err;
    struct kedge_public_key key;
    const char *hex = json_string_value(json_object_get(json_object_get(keys, name), "public"));
    cr_assert_eq(kedge_public_key_parse(hex, &key, &err), 0, "%s", err.msg);
    return key;
}

/* Accepted when one of the supported types accepts it. */
static bool accepts(const json_t *row, const struct kedge_envelope_trust *base, const char *text)
{
    size_t i;
    json_t *type;
    json_array_foreach (json_object_get(row, "supportedPayloadTypes"), i, type) {
        kedge_auto(kedge_buf) struct kedge_buf payload = {0};
        struct kedge_envelope_trust trust = *base;
        trust.payload_type = json_string_value(type);
        if (verify(text_slice(text), &trust, &payload) == 0)
            return true;
    }
    return false;
}

static void check_pae(const json_t *row, const json_t *envelope)
{
    kedge_auto(kedge_buf) struct kedge_buf pae = {0}, body = {0};
    struct kedge_err err;
    const char *base64 = json_string_value(json_object_get(envelope, "payload"));
    const char *type = json_string_value(json_object_get(envelope, "payloadType"));
    const char *wanted = json_string_value(json_object_get(row, "pae"));
    char hex[2048];
    cr_assert_eq(kedge_base64_decode(&body, base64, strlen(base64), &err), 0);
    kedge_envelope_pae(&pae, type, strlen(type), body.data, body.size);
    cr_assert(2 * pae.size < sizeof hex);
    cr_expect_str_eq(kedge_hex_encode((const uint8_t *)pae.data, pae.size, hex), wanted);
}

static void check_vector(const json_t *keys, const json_t *row)
{
    struct kedge_public_key trusted[4];
    const json_t *names = json_object_get(row, "trustedKeys");
    const json_t *envelope = json_object_get(row, "envelope");
    cr_assert(json_array_size(names) <= 4);
    for (size_t i = 0; i < json_array_size(names); i++)
        trusted[i] = vector_key(keys, json_string_value(json_array_get(names, i)));
    const struct kedge_envelope_trust trust =
        trust_of(trusted, json_array_size(names),
                 (unsigned)json_integer_value(json_object_get(row, "threshold")));
    char *text = json_dumps(envelope, 0);
    bool wanted = strcmp(json_string_value(json_object_get(row, "expect")), "accept") == 0;
    cr_expect_eq(accepts(row, &trust, text), wanted, "%s",
                 json_string_value(json_object_get(row, "id")));
    if (strcmp(json_string_value(json_object_get(row, "id")), "payload-type-swapped") != 0)
        check_pae(row, envelope); /* that row gives the bytes that were signed */
    free(text);
}

Test(envelope, gives_every_dsse_verdict)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_auto(kedge_json) json_t *vectors = NULL;
    struct kedge_err err;
    kedge_vectors_read("dsse/vectors.json", &text);
    cr_assert_eq(kedge_json_parse(text.data, text.size, KEDGE_MIB(1), &vectors, &err), 0);
    size_t i;
    json_t *row;
    const json_t *rows = json_object_get(vectors, "vectors");
    cr_assert_eq(json_array_size(rows), 9);
    json_array_foreach (rows, i, row)
        check_vector(json_object_get(vectors, "keys"), row);
}

/* What was there stays as it was, signatures that nobody here can read included. */
Test(envelope, countersign_adds_and_changes_nothing)
{
    kedge_auto(kedge_buf) struct kedge_buf one = {0}, text = {0}, both = {0}, payload = {0};
    static const char foreign[] = "{\"keyid\":\"rsa\",\"sig\":\"MTI=\"},";
    struct kedge_err err;
    seal(&one, KEDGE_ENVELOPE_IN_TOTO, text_slice("{}"), (const struct kedge_key *const[]){key_a},
         1);
    const char *list = strstr(one.data, "[") + 1;
    kedge_buf_add(&text, one.data, (size_t)(list - one.data));
    kedge_buf_puts(&text, foreign);
    kedge_buf_puts(&text, list);
    kedge_buf_puts(&both, "before ");
    cr_assert_eq(kedge_envelope_countersign(&both, kedge_buf_slice(&text), KEDGE_MIB(1), key_b,
                                            &err),
                 0, "%s", err.msg);
    size_t kept = text.size - strlen("]}");
    cr_assert_eq(strncmp(both.data, "before ", 7), 0);
    cr_assert_eq(strncmp(both.data + 7, text.data, kept), 0, "%s", both.data);
    const struct kedge_public_key trusted[] = {public_a, public_b};
    const struct kedge_envelope_trust trust = trust_of(trusted, 2, 2);
    struct kedge_slice signed_text = {both.data + 7, both.size - 7};
    cr_expect_eq(verify(signed_text, &trust, &payload), 0);
    size_t size = both.size;
    cr_expect_eq(kedge_envelope_countersign(&both, signed_text, KEDGE_MIB(1), key_b, &err),
                 KEDGE_EXISTS);
    cr_expect_eq(kedge_envelope_countersign(&both, text_slice("{}"), KEDGE_MIB(1), key_b, &err),
                 KEDGE_INVALID);
    cr_expect_eq(both.size, size);
    kedge_test_no_leaks();
}

Test(envelope, countersign_stops_where_readers_do)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, out = {0};
    struct kedge_err err;
    kedge_buf_puts(&text, "{\"payload\":\"e30=\",\"payloadType\":\"" TYPE "\",\"signatures\":[");
    for (int i = 0; i < KEDGE_LIMIT_SIGNATURES; i++)
        kedge_buf_puts(&text, i ? ",{\"sig\":\"\"}" : "{\"sig\":\"\"}");
    kedge_buf_puts(&text, "]}");
    cr_expect_eq(kedge_envelope_countersign(&out, kedge_buf_slice(&text), KEDGE_MIB(1), key_a,
                                            &err),
                 KEDGE_LIMIT);
    cr_expect_eq(out.size, 0);
}

Test(envelope, peek_gives_the_payload_whoever_signed)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_err err;
    struct kedge_slice text =
        text_slice("{\"payload\":\"e30=\",\"payloadType\":\"x\",\"signatures\":[]}");
    cr_expect_eq(kedge_envelope_peek(text, KEDGE_MIB(1), &payload, &err), 0, "%s", err.msg);
    cr_expect_str_eq(payload.data, "{}");
    cr_expect_eq(kedge_envelope_peek(text, text.size - 1, &payload, &err), KEDGE_LIMIT);
    cr_expect_eq(kedge_envelope_peek(text_slice("[]"), KEDGE_MIB(1), &payload, &err),
                 KEDGE_INVALID);
    cr_expect_eq(payload.size, 2);
}
