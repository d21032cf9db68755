/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/json.h"
#include "base/limits.h"
#include "fixture.h"
#include "lib/leak.h"
#include "wire/batch.h"

static struct kedge_slice leaf(size_t i, char text[32])
{
    snprintf(text, 32, "statement %zu", i);
    return (struct kedge_slice){text, strlen(text)};
}

static struct kedge_batch *signed_batch(size_t size, const struct kedge_key *key)
{
    struct kedge_batch *batch = kedge_batch_new();
    struct kedge_err err = {0};
    char text[32];
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(kedge_batch_add(batch, leaf(i, text)), i);
    cr_assert_eq(kedge_batch_sign(batch, &key, 1, &err), 0, "%s", err.msg);
    return batch;
}

static int verify(const struct kedge_buf *member, struct kedge_buf *payload)
{
    const struct kedge_envelope_trust trust = kedge_fixture_trust();
    struct kedge_err err = {0};
    int code = kedge_batch_verify(member->data, member->size, KEDGE_MIB(1), &trust, payload, &err);
    cr_assert_eq(code, (int)err.code);
    cr_assert(code == 0 || payload->size == 0);
    return code;
}

Test(batch, every_member_of_every_size_verifies)
{
    for (size_t size = 1; size <= 70; size++) {
        kedge_auto(kedge_batch) struct kedge_batch *batch =
            signed_batch(size, kedge_fixture_director());
        for (size_t n = 0; n < size; n++) {
            size_t i = n * 37 % size; /* out of order where 37 allows it */
            kedge_auto(kedge_buf) struct kedge_buf member = {0}, payload = {0};
            char text[32];
            kedge_batch_write(batch, i, leaf(i, text), &member);
            cr_assert_eq(verify(&member, &payload), 0, "%zu of %zu", i, size);
            cr_assert_str_eq(payload.data, text);
        }
    }
    kedge_test_no_leaks();
}

/* The roots of the certificate-transparency project's reference leaves, sizes 1 to 8. */
Test(batch, roots_are_those_of_rfc_9162)
{
    static const struct kedge_slice leaves[] = {
        {"", 0},
        {"\x00", 1},
        {"\x10", 1},
        {"\x20\x21", 2},
        {"\x30\x31", 2},
        {"\x40\x41\x42\x43", 4},
        {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
    };
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    for (size_t size = 1; size <= KEDGE_COUNT(leaves); size++) {
        kedge_auto(kedge_batch) struct kedge_batch *batch = kedge_batch_new();
        kedge_auto(kedge_buf) struct kedge_buf member = {0}, statement = {0};
        kedge_auto(kedge_json) json_t *json = NULL;
        const struct kedge_key *key = kedge_fixture_director();
        struct kedge_err err = {0};
        for (size_t i = 0; i < size; i++)
            kedge_batch_add(batch, leaves[i]);
        cr_assert_eq(kedge_batch_sign(batch, &key, 1, &err), 0);
        kedge_batch_write(batch, 0, leaves[0], &member);
        cr_assert_eq(kedge_json_parse(member.data, member.size, member.size, &json, &err), 0);
        cr_assert_eq(kedge_json_base64(json_object_get(json, "root"), "payload", &statement, &err),
                     0);
        cr_expect_not_null(strstr(statement.data, roots[size - 1]), "size %zu: %s", size,
                           statement.data);
    }
}

Test(batch, an_envelope_passes_as_it_is)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, payload = {0};
    const struct kedge_key *director = kedge_fixture_director();
    struct kedge_err err;
    cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO,
                                     (struct kedge_slice){"{}", 2}, &director, 1, &err),
                 0);
    cr_assert_eq(verify(&envelope, &payload), 0);
    cr_assert_str_eq(payload.data, "{}");
}

Test(batch, a_strangers_root_is_denied)
{
    kedge_auto(kedge_batch) struct kedge_batch *batch = signed_batch(5, kedge_fixture_stranger());
    kedge_auto(kedge_buf) struct kedge_buf member = {0}, payload = {0};
    char text[32];
    kedge_batch_write(batch, 3, leaf(3, text), &member);
    cr_assert_eq(verify(&member, &payload), KEDGE_DENIED);
}

Test(batch, no_statement_passes_for_another)
{
    kedge_auto(kedge_batch) struct kedge_batch *batch = signed_batch(6, kedge_fixture_director());
    for (size_t at = 0; at < 6; at++) {
        for (size_t claimed = 0; claimed < 6; claimed++) {
            kedge_auto(kedge_buf) struct kedge_buf member = {0}, payload = {0};
            char text[32];
            kedge_batch_write(batch, at, leaf(claimed, text), &member);
            cr_expect_eq(verify(&member, &payload), at == claimed ? 0 : KEDGE_DENIED);
        }
    }
}

/* A node's two halves, offered as a statement, must not pass for a leaf. */
Test(batch, a_node_does_not_pass_for_a_leaf)
{
    kedge_auto(kedge_buf) struct kedge_buf halves = {0}, order = {0}, forged = {0}, payload = {0};
    kedge_auto(kedge_batch) struct kedge_batch *batch = signed_batch(2, kedge_fixture_director());
    struct kedge_err err;
    for (size_t i = 0; i < 2; i++) { /* leaf i is the proof of its neighbour */
        kedge_auto(kedge_buf) struct kedge_buf member = {0};
        kedge_auto(kedge_json) json_t *json = NULL;
        char text[32];
        kedge_batch_write(batch, 1 - i, leaf(1 - i, text), &member);
        cr_assert_eq(kedge_json_parse(member.data, member.size, member.size, &json, &err), 0);
        const char *step = json_string_value(json_array_get(json_object_get(json, "proof"), 0));
        cr_assert_eq(kedge_base64_decode(&halves, step, strlen(step), &err), 0);
        if (i == 1) {
            char *root = json_dumps(json_object_get(json, "root"), 0);
            kedge_base64_encode(&order, halves.data, halves.size);
            kedge_buf_printf(&forged, "{\"order\":\"%s\",\"index\":0,\"proof\":[],\"root\":%s}",
                             order.data, root);
            free(root);
        }
    }
    cr_assert_eq(verify(&forged, &payload), KEDGE_DENIED);
}

Test(batch, every_changed_byte_is_refused_or_harmless)
{
    kedge_auto(kedge_batch) struct kedge_batch *batch = signed_batch(11, kedge_fixture_director());
    kedge_auto(kedge_buf) struct kedge_buf member = {0}, payload = {0};
    char text[32];
    size_t accepted = 0;
    kedge_batch_write(batch, 6, leaf(6, text), &member);
    for (size_t i = 0; i < member.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            member.data[i] = (char)(member.data[i] ^ 1 << bit);
            kedge_buf_clear(&payload);
            if (verify(&member, &payload) == 0) {
                cr_assert_str_eq(payload.data, text);
                accepted++;
            }
            member.data[i] = (char)(member.data[i] ^ 1 << bit);
        }
    }
    cr_assert(accepted <= 69 * 8, "only the keyid is not authenticated: %zu", accepted);
    kedge_test_no_leaks();
}

static void replace(const struct kedge_buf *text, const char *from, const char *to,
                    struct kedge_buf *out)
{
    const char *at = strstr(text->data, from);
    cr_assert_not_null(at, "'%s' is not there", from);
    kedge_buf_add(out, text->data, (size_t)(at - text->data));
    kedge_buf_puts(out, to);
    kedge_buf_puts(out, at + strlen(from));
}

Test(batch, malformed_members_are_refused)
{
    static const struct {
        const char *from, *to;
        int code;
    } rows[] = {
        {"\"index\":2", "\"index\":2", 0},
        {"\"index\":2", "\"index\":2,\"future\":[]", 0},
        {"\"index\":2", "\"index\":-1", KEDGE_DENIED},
        {"\"index\":2", "\"index\":5", KEDGE_DENIED},
        {"\"index\":2", "\"index\":9007199254740991", KEDGE_DENIED},
        {"\"index\":2", "\"index\":\"2\"", KEDGE_INVALID},
        {"\"index\":2", "\"index\":2,\"index\":2", KEDGE_INVALID},
        {"\"index\":2,", "", KEDGE_INVALID},
        {"\"proof\":[", "\"proof\":[],\"x\":[", KEDGE_DENIED},
        {"\"proof\":[", "\"proof\":[7,", KEDGE_INVALID},
        {"\"proof\":[", "\"proof\":[\"\",", KEDGE_INVALID},
        {"\"proof\":[", "\"proof\":[\"AAAA\",", KEDGE_INVALID},
        {"\"proof\":[", "\"proof\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",",
         KEDGE_DENIED},
        {"\"proof\":[", "\"proof\":{},\"x\":[", KEDGE_INVALID},
        {"\"order\":\"", "\"order\":\"A", KEDGE_INVALID},
        {"\"order\":\"", "\"order\":\"AAAA", KEDGE_DENIED},
        {"\"root\":{", "\"root\":[],\"x\":{", KEDGE_INVALID},
        {"\"root\":{", "\"root\":{},\"x\":{", KEDGE_INVALID},
        {"\"signatures\":[", "\"signatures\":[],\"x\":[", KEDGE_DENIED},
    };
    kedge_auto(kedge_batch) struct kedge_batch *batch = signed_batch(5, kedge_fixture_director());
    kedge_auto(kedge_buf) struct kedge_buf member = {0};
    char text[32];
    kedge_batch_write(batch, 2, leaf(2, text), &member);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf changed = {0}, payload = {0};
        replace(&member, rows[i].from, rows[i].to, &changed);
        cr_expect_eq(verify(&changed, &payload), rows[i].code, "%s -> %s", rows[i].from,
                     rows[i].to);
    }
}

/* The director signs something else than a batch: its envelope is no root. */
Test(batch, an_orders_envelope_is_no_root)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, forged = {0}, payload = {0};
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_envelope(&order, 0, kedge_fixture_director(), &envelope);
    kedge_buf_printf(&forged, "{\"order\":\"\",\"index\":0,\"proof\":[],\"root\":%s}",
                     envelope.data);
    cr_assert_eq(verify(&forged, &payload), KEDGE_UNSUPPORTED);
}

static int verify_root(const char *predicate)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0}, envelope = {0}, forged = {0},
                                           payload = {0};
    const struct kedge_key *director = kedge_fixture_director();
    struct kedge_err err;
    kedge_buf_printf(&statement,
                     "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{"
                     "\"sha256\":\"\"}}],\"predicateType\":\"" KEDGE_BATCH_PREDICATE "\","
                     "\"predicate\":%s}",
                     predicate);
    cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&statement),
                                     &director, 1, &err),
                 0);
    kedge_buf_printf(&forged, "{\"order\":\"\",\"index\":0,\"proof\":[],\"root\":%s}",
                     envelope.data);
    return verify(&forged, &payload);
}

Test(batch, roots_that_say_nonsense_are_refused)
{
#define EMPTY "\"root\":\"sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d\""
    cr_expect_eq(verify_root("{" EMPTY ",\"size\":1}"), 0);
    cr_expect_eq(verify_root("{" EMPTY ",\"size\":2}"), KEDGE_DENIED);
    cr_expect_eq(verify_root("{" EMPTY ",\"size\":0}"), KEDGE_LIMIT);
    cr_expect_eq(verify_root("{" EMPTY ",\"size\":-1}"), KEDGE_LIMIT);
    cr_expect_eq(verify_root("{" EMPTY ",\"size\":16777217}"), KEDGE_LIMIT);
    cr_expect_eq(verify_root("{" EMPTY "}"), KEDGE_INVALID);
    cr_expect_eq(verify_root("{\"root\":\"sha256:00\",\"size\":1}"), KEDGE_INVALID);
    cr_expect_eq(verify_root("{\"size\":1}"), KEDGE_INVALID);
}

Test(batch, orders_are_admitted_from_it)
{
    enum { DEVICES = 9 };
    kedge_auto(kedge_batch) struct kedge_batch *batch = kedge_batch_new();
    struct kedge_buf payloads[DEVICES] = {0};
    const struct kedge_key *director = kedge_fixture_director();
    const struct kedge_envelope_trust trust = kedge_fixture_trust();
    struct kedge_err err = {0};
    char name[16];
    for (int i = 0; i < DEVICES; i++) {
        struct kedge_order order = kedge_fixture_order();
        snprintf(name, sizeof name, "press-%02d", i);
        order.device = name;
        kedge_fixture_payload(&order, 1, &payloads[i]);
        kedge_batch_add(batch, kedge_buf_slice(&payloads[i]));
    }
    cr_assert_eq(kedge_batch_sign(batch, &director, 1, &err), 0);
    for (size_t i = 0; i < DEVICES; i++) {
        kedge_auto(kedge_buf) struct kedge_buf member = {0};
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        const struct kedge_order_memory memory = {.device = "press-07"};
        struct kedge_order order;
        kedge_batch_write(batch, i, kedge_buf_slice(&payloads[i]), &member);
        cr_expect_eq(kedge_order_admit(&arena, kedge_buf_slice(&member), &trust, &memory,
                                       KEDGE_FIXTURE_NOW, &order, &err),
                     i == 7 ? KEDGE_ORDER_ACCEPTED : KEDGE_ORDER_WRONG_DEVICE, "%s", err.msg);
    }
    for (int i = 0; i < DEVICES; i++)
        kedge_buf_release(&payloads[i]);
}
