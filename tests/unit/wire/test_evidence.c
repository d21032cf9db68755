/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/limits.h"
#include "fixture.h"
#include "lib/leak.h"
#include "wire/evidence.h"

static struct kedge_report report_of(uint32_t instances)
{
    static struct kedge_reported held[] = {
        {.instance = "model-00", .deployment = "everywhere", .version = "1.0.0", .verified = true},
        {.instance = "model-01", .integrity = KEDGE_INTEGRITY_EXTRA, .message = "nobody asked"},
    };
    held[0].content = kedge_digest_of("content", 7);
    return (struct kedge_report){
        .device = "press-07",
        .counter = 19,
        .link = 3,
        .previous = kedge_digest_of("link", 4),
        .generation = 7,
        .envelope = kedge_digest_of("envelope", 8),
        .at = KEDGE_FIXTURE_NOW,
        .agent = "0.1.0",
        .instances = held,
        .instance_count = instances,
    };
}

static void sign(const struct kedge_report *report, const struct kedge_key *key,
                 struct kedge_buf *out)
{
    struct kedge_err err = {0};
    cr_assert_eq(kedge_evidence_sign(report, key, out, &err), 0, "%s", err.msg);
}

static int verify(const struct kedge_buf *envelope, const char *device, const struct kedge_key *key,
                  int64_t *counter)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_public_key public = kedge_key_public(key);
    struct kedge_report read = {.counter = 42};
    struct kedge_err err = {0};
    int code =
        kedge_evidence_verify(&arena, kedge_buf_slice(envelope), device, &public, &read, &err);
    cr_assert_eq(code, (int)err.code);
    cr_assert(code == 0 || read.counter == 42, "written although refused");
    *counter = read.counter;
    return code;
}

Test(evidence, what_a_device_signs_is_read_back)
{
    for (uint32_t instances = 0; instances <= 2; instances++) {
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
        const struct kedge_report report = report_of(instances);
        int64_t counter;
        sign(&report, kedge_fixture_director(), &envelope);
        cr_assert_eq(verify(&envelope, "press-07", kedge_fixture_director(), &counter), 0);
        cr_assert_eq(counter, 19);
        cr_expect_eq(verify(&envelope, "press-08", kedge_fixture_director(), &counter),
                     KEDGE_DENIED);
        cr_expect_eq(verify(&envelope, "press-07", kedge_fixture_stranger(), &counter),
                     KEDGE_DENIED);
    }
    kedge_test_no_leaks();
}

Test(evidence, subjects_name_what_is_held)
{
    static const struct {
        uint32_t instances;
        const char *name;
    } rows[] = {{0, "press-07"}, {1, "model-00"}, {2, "model-00"}};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, payload = {0};
        kedge_auto(kedge_json) json_t *json = NULL;
        const struct kedge_report report = report_of(rows[i].instances);
        const struct kedge_envelope_trust trust = kedge_fixture_trust();
        struct kedge_err err = {0};
        sign(&report, kedge_fixture_director(), &envelope);
        cr_assert_eq(kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_REPORT, &trust,
                                           &payload, &err),
                     0);
        cr_assert_eq(kedge_json_parse(payload.data, payload.size, payload.size, &json, &err), 0);
        const json_t *subjects = json_object_get(json, "subject");
        cr_expect_eq(json_array_size(subjects), rows[i].instances ? rows[i].instances : 1);
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(subjects, 0), "name")),
                         rows[i].name);
    }
}

/* Signed by the right key, but not a report. */
Test(evidence, an_order_is_no_evidence_and_a_report_is_no_order)
{
    kedge_auto(kedge_buf) struct kedge_buf order_envelope = {0}, report_envelope = {0};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_order order = kedge_fixture_order();
    const struct kedge_report report = report_of(1);
    const struct kedge_envelope_trust trust = kedge_fixture_trust();
    const struct kedge_order_memory fresh = {.device = "press-07"};
    struct kedge_err err = {0};
    int64_t counter;
    kedge_fixture_envelope(&order, 1, kedge_fixture_director(), &order_envelope);
    cr_expect_eq(verify(&order_envelope, "press-07", kedge_fixture_director(), &counter),
                 KEDGE_UNSUPPORTED);
    sign(&report, kedge_fixture_director(), &report_envelope);
    cr_expect_eq(kedge_order_admit(&arena, kedge_buf_slice(&report_envelope), &trust, &fresh,
                                   KEDGE_FIXTURE_NOW, &order, &err),
                 KEDGE_ORDER_MALFORMED);
}

Test(evidence, every_changed_byte_is_refused_or_harmless)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    const struct kedge_report report = report_of(2);
    size_t accepted = 0;
    sign(&report, kedge_fixture_director(), &envelope);
    for (size_t i = 0; i < envelope.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            int64_t counter;
            envelope.data[i] = (char)(envelope.data[i] ^ 1 << bit);
            if (verify(&envelope, "press-07", kedge_fixture_director(), &counter) == 0) {
                cr_assert_eq(counter, 19);
                accepted++;
            }
            envelope.data[i] = (char)(envelope.data[i] ^ 1 << bit);
        }
    }
    cr_assert(accepted <= 69 * 8, "only the keyid is not authenticated: %zu", accepted);
}

Test(evidence, size_is_bounded_first)
{
    kedge_auto(kedge_buf) struct kedge_buf large = {0};
    int64_t counter;
    while (large.size <= KEDGE_LIMIT_REPORT)
        kedge_buf_puts(&large, "                                                                ");
    cr_expect_eq(verify(&large, "press-07", kedge_fixture_director(), &counter), KEDGE_LIMIT);
}
