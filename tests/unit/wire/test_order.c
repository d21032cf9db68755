/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "fixture.h"
#include "lib/leak.h"

#define NOW  KEDGE_FIXTURE_NOW
#define HOUR 3600000LL
#define DAY  (24 * HOUR)

Test(order, what_is_written_reads_back)
{
    for (uint32_t instances = 0; instances <= 3; instances++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_buf) struct kedge_buf payload = {0};
        struct kedge_order order = kedge_fixture_order(), read = {0};
        struct kedge_err err = {0};
        kedge_fixture_payload(&order, instances, &payload);
        cr_assert_eq(kedge_order_read(&arena, kedge_buf_slice(&payload), &read, &err), 0, "%s",
                     err.msg);
        cr_assert_str_eq(read.device, order.device);
        cr_assert_eq(read.generation, order.generation);
        cr_assert(kedge_digest_equal(&read.plan, &order.plan));
        cr_assert_str_eq(read.commit, order.commit);
        cr_assert_str_eq(read.source, order.source);
        cr_assert_eq(read.issued, order.issued);
        cr_assert_eq(read.expires, order.expires);
        cr_assert_eq(read.action_count, 1);
        cr_assert_str_eq(read.actions[0].reason, order.actions[0].reason);
        cr_assert_eq(read.set_count, instances);
        for (uint32_t i = 0; i < instances; i++)
            cr_assert_str_eq(read.set[i].runtime.command.at[2], "8080");
    }
}

Test(order, statement_is_canonical)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_order order = kedge_fixture_order();
    order.action_count = 0;
    kedge_fixture_payload(&order, 0, &payload);
    char plan[KEDGE_DIGEST_TEXT], wanted[1024];
    kedge_digest_format(&order.plan, plan);
    snprintf(wanted, sizeof wanted,
             "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"press-07\","
             "\"digest\":{\"sha256\":\"%s\"}}],\"predicateType\":\"https://kedge.dev/action/v1\","
             "\"predicate\":{\"device\":\"press-07\",\"generation\":7,\"plan\":\"%s\","
             "\"commit\":\"0123456789abcdef0123456789abcdef01234567\","
             "\"source\":\"https://git.example/fleet.git\",\"issuedAt\":\"2026-03-01T12:00:00Z\","
             "\"expires\":\"2026-03-02T12:00:00Z\",\"actions\":[],\"set\":[]}}",
             plan + strlen("sha256:"), plan);
    cr_assert_str_eq(payload.data, wanted);
}

/* `text` with the first `from` replaced by `to`. */
static void replace(const struct kedge_buf *text, const char *from, const char *to,
                    struct kedge_buf *out)
{
    const char *at = strstr(text->data, from);
    cr_assert_not_null(at, "'%s' is not there", from);
    kedge_buf_add(out, text->data, (size_t)(at - text->data));
    kedge_buf_puts(out, to);
    kedge_buf_puts(out, at + strlen(from));
}

static int read_text(const struct kedge_buf *payload)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_order read = {.generation = 42};
    struct kedge_err err = {0};
    int code = kedge_order_read(&arena, kedge_buf_slice(payload), &read, &err);
    cr_assert(code == 0 || read.generation == 42, "written although refused");
    cr_assert_eq(code == 0, err.msg[0] == '\0');
    return code;
}

Test(order, reads_nothing_but_orders)
{
    static const struct {
        const char *from, *to;
        int code;
    } rows[] = {
        {"\"device\"", "\"future\":{},\"device\"", 0}, /* unknown: ignored */
        {"Statement/v1", "Statement/v0.1", KEDGE_UNSUPPORTED},
        {"kedge.dev/action/v1", "kedge.dev/device-report/v1", KEDGE_UNSUPPORTED},
        {"\"subject\":[", "\"subject\":[],\"x\":[", KEDGE_INVALID},
        {"{\"sha256\":", "{\"x\":{},\"sha256\":", 0},
        {"\"digest\":{", "\"digest\":{},\"x\":{", KEDGE_INVALID},
        {"\"subject\":[", "\"subject\":[7,", KEDGE_INVALID},
        {"\"predicate\":{", "\"predicate\":[],\"x\":{", KEDGE_INVALID},
        {"\"device\":\"press-07\"", "\"device\":\"\"", KEDGE_INVALID},
        {"\"device\":\"press-07\"", "\"device\":\"../press\"", KEDGE_INVALID},
        {"\"device\":\"press-07\"", "\"device\":7", KEDGE_INVALID},
        {"\"generation\":7", "\"generation\":0", KEDGE_INVALID},
        {"\"generation\":7", "\"generation\":-7", KEDGE_INVALID},
        {"\"generation\":7", "\"generation\":7.0", KEDGE_INVALID},
        {"\"generation\":7", "\"generation\":\"7\"", KEDGE_INVALID},
        {"\"generation\":7", "\"generation\":9007199254740991", 0},
        {"\"generation\":7", "\"generation\":9007199254740992", KEDGE_INVALID},
        {"\"generation\":7", "\"generation\":7,\"generation\":7", KEDGE_INVALID},
        {"\"plan\":\"sha256:", "\"plan\":\"sha512:", KEDGE_INVALID},
        {"\"commit\":\"0", "\"commit\":\"00000000000000000000000000", KEDGE_INVALID},
        {"\"source\":\"https://git.example/fleet.git\"", "\"source\":\"\"", KEDGE_INVALID},
        {"\"issuedAt\":\"2026-03-01T12:00:00Z\"", "\"issuedAt\":\"2026-03-01\"", KEDGE_INVALID},
        {"\"issuedAt\":\"2026-03-01T12:00:00Z\"", "\"issuedAt\":\"2026-03-02T12:00:00Z\"",
         KEDGE_INVALID},
        {"\"issuedAt\":\"2026-03-01T12:00:00Z\"", "\"issuedAt\":\"2026-03-01T14:00:00+02:00\"", 0},
        {"\"expires\":\"2026-03-02", "\"expires\":\"2026-02-30", KEDGE_INVALID},
        {"\"actions\":[{", "\"actions\":[{},{", KEDGE_INVALID},
        {"\"actions\":[", "\"actions\":{},\"x\":[", KEDGE_INVALID},
        {"\"verb\":\"update\"", "\"verb\":\"format\"", KEDGE_INVALID},
        {"\"set\":[{", "\"set\":[{},{", KEDGE_INVALID},
        {"\"instance\":\"model-00\",\"kind\"", "\"instance\":\"model-02\",\"kind\"", KEDGE_CORRUPT},
        {"\"version\":\"1.1.0\"", "\"version\":\"1.1.1\"", KEDGE_CORRUPT},
        {"}]}}", "}]}}x", KEDGE_INVALID},
        {"}]}}", "}]}}\n", 0},
        {"}]}}", "}]}", KEDGE_INVALID},
    };
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_payload(&order, 2, &payload);
    cr_assert_eq(read_text(&payload), 0);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf changed = {0};
        replace(&payload, rows[i].from, rows[i].to, &changed);
        cr_expect_eq(read_text(&changed), rows[i].code, "%s -> %s", rows[i].from, rows[i].to);
    }
    kedge_test_no_leaks();
}

/* The last order of a device says so in one way, beside nothing else. */
Test(order, decommission_stands_alone)
{
    static const struct {
        const char *from, *to;
        uint32_t instances;
        int code;
    } rows[] = {
        {"\"decommission\":true", "\"decommission\":true", 0, 0},
        {"\"decommission\":true", "\"decommission\":true", 1, KEDGE_INVALID},
        {"\"decommission\":true", "\"decommission\":false", 0, KEDGE_INVALID},
        {"\"decommission\":true", "\"decommission\":1", 0, KEDGE_INVALID},
        {"\"decommission\":true", "\"decommission\":\"true\"", 0, KEDGE_INVALID},
        {"\"decommission\":true", "\"decommission\":null", 0, KEDGE_INVALID},
        {"\"actions\":[",
         "\"actions\":[{\"id\":\"00112233445566778899aabbccddeeff\",\"verb\":\"destroy\","
         "\"instance\":\"m\",\"reason\":\"r\"}",
         0, KEDGE_INVALID},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_buf) struct kedge_buf payload = {0}, changed = {0};
        struct kedge_order order = kedge_fixture_order(), read = {0};
        struct kedge_err err;
        order.action_count = 0;
        order.decommission = true;
        kedge_fixture_payload(&order, rows[i].instances, &payload);
        replace(&payload, rows[i].from, rows[i].to, &changed);
        cr_expect_eq(kedge_order_read(&arena, kedge_buf_slice(&changed), &read, &err), rows[i].code,
                     "%s", rows[i].to);
        cr_expect_eq(read.decommission, rows[i].code == 0, "%s", rows[i].to);
    }
    kedge_test_no_leaks();
}

Test(order, the_set_is_sorted_and_names_no_instance_twice)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, last = {0}, changed = {0};
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_payload(&order, 2, &payload);
    const char *second = strstr(strstr(payload.data, "\"set\":["), ",{\"instance\":\"model-01\"");
    kedge_buf_puts(&last, "\"set\":[");
    kedge_buf_add(&last, second + 1, strlen(second + 1) - strlen("]}}"));
    kedge_buf_puts(&last, ",");
    replace(&payload, "\"set\":[", last.data, &changed);
    cr_expect_eq(read_text(&changed), KEDGE_INVALID);
}

Test(order, lists_are_bounded)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, items = {0}, changed = {0};
    struct kedge_order order = kedge_fixture_order();
    order.action_count = 0;
    kedge_fixture_payload(&order, 0, &payload);
    kedge_buf_puts(&items, "\"set\":[0");
    for (int i = 0; i < KEDGE_LIMIT_INSTANCES; i++)
        kedge_buf_puts(&items, ",0");
    replace(&payload, "\"set\":[", items.data, &changed);
    cr_expect_eq(read_text(&changed), KEDGE_LIMIT);
    kedge_buf_clear(&items);
    kedge_buf_clear(&changed);
    kedge_buf_puts(&items, "\"actions\":[0");
    for (int i = 0; i < KEDGE_LIMIT_ACTIONS; i++)
        kedge_buf_puts(&items, ",0");
    replace(&payload, "\"actions\":[", items.data, &changed);
    cr_expect_eq(read_text(&changed), KEDGE_LIMIT);
}

/* Admission */

static enum kedge_order_refusal admit(const struct kedge_buf *envelope,
                                      const struct kedge_order_memory *memory, kedge_ms now)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_envelope_trust trust = kedge_fixture_trust();
    struct kedge_order order = {.generation = 42};
    struct kedge_err err = {0};
    enum kedge_order_refusal refusal =
        kedge_order_admit(&arena, kedge_buf_slice(envelope), &trust, memory, now, &order, &err);
    cr_assert_eq(refusal == KEDGE_ORDER_ACCEPTED, order.generation != 42, "order written");
    cr_assert_eq(refusal == KEDGE_ORDER_ACCEPTED, err.msg[0] == '\0', "%s", err.msg);
    return refusal;
}

static struct kedge_order_memory memory_of(int64_t generation, const struct kedge_buf *envelope,
                                           kedge_ms latest)
{
    return (struct kedge_order_memory){
        .device = "press-07",
        .generation = generation,
        .envelope = kedge_digest_of(envelope->data, envelope->size),
        .latest = latest,
    };
}

Test(order, admits_what_the_director_signed_for_this_device)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_order order = kedge_fixture_order();
    const struct kedge_order_memory fresh = {.device = "press-07"};
    const struct kedge_order_memory other = {.device = "press-08"};
    kedge_fixture_envelope(&order, 2, kedge_fixture_director(), &envelope);
    cr_expect_eq(admit(&envelope, &fresh, NOW), KEDGE_ORDER_ACCEPTED);
    cr_expect_eq(admit(&envelope, &other, NOW), KEDGE_ORDER_WRONG_DEVICE);
    envelope.size--;
    cr_expect_eq(admit(&envelope, &fresh, NOW), KEDGE_ORDER_MALFORMED);
    kedge_buf_clear(&envelope);
    kedge_fixture_envelope(&order, 2, kedge_fixture_stranger(), &envelope);
    cr_expect_eq(admit(&envelope, &fresh, NOW), KEDGE_ORDER_WRONG_KEY);
    kedge_test_no_leaks();
}

Test(order, signed_bytes_that_are_no_order_are_malformed)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, foreign = {0};
    const struct kedge_key *director = kedge_fixture_director();
    const struct kedge_order_memory fresh = {.device = "press-07"};
    struct kedge_err err;
    static const struct kedge_slice body = {"{}", 2};
    cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, body, &director, 1, &err),
                 0);
    cr_expect_eq(admit(&envelope, &fresh, NOW), KEDGE_ORDER_MALFORMED);
    cr_assert_eq(kedge_envelope_sign(&foreign, "text/plain", body, &director, 1, &err), 0);
    cr_expect_eq(admit(&foreign, &fresh, NOW), KEDGE_ORDER_MALFORMED);
    foreign.size = 0;
    cr_expect_eq(admit(&foreign, &fresh, NOW), KEDGE_ORDER_MALFORMED);
}

Test(order, generations_only_rise)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, other = {0};
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_envelope(&order, 1, kedge_fixture_director(), &envelope);
    kedge_fixture_envelope(&order, 2, kedge_fixture_director(), &other);
    const struct kedge_order_memory older = memory_of(6, &other, NOW);
    const struct kedge_order_memory same = memory_of(7, &envelope, NOW);
    const struct kedge_order_memory other_bytes = memory_of(7, &other, NOW);
    const struct kedge_order_memory newer = memory_of(8, &envelope, NOW);
    cr_expect_eq(admit(&envelope, &older, NOW), KEDGE_ORDER_ACCEPTED);
    cr_expect_eq(admit(&envelope, &same, NOW), KEDGE_ORDER_DUPLICATE);
    cr_expect_eq(admit(&envelope, &same, NOW + 2 * DAY), KEDGE_ORDER_DUPLICATE);
    cr_expect_eq(admit(&envelope, &other_bytes, NOW), KEDGE_ORDER_REPLAY);
    cr_expect_eq(admit(&envelope, &newer, NOW), KEDGE_ORDER_REPLAY);
}

Test(order, time_is_the_later_of_the_clock_and_what_was_seen)
{
    static const struct {
        kedge_ms now, latest;
        enum kedge_order_refusal refusal;
    } rows[] = {
        {NOW, 0, KEDGE_ORDER_ACCEPTED},
        {NOW + DAY - 1, 0, KEDGE_ORDER_ACCEPTED},
        {NOW + DAY, 0, KEDGE_ORDER_EXPIRED},
        {NOW + 1000 * DAY, 0, KEDGE_ORDER_EXPIRED},
        {NOW - KEDGE_ORDER_SKEW_MS, 0, KEDGE_ORDER_ACCEPTED},
        {NOW - KEDGE_ORDER_SKEW_MS - 1, 0, KEDGE_ORDER_NOT_YET},
        {0, 0, KEDGE_ORDER_NOT_YET},
        /* the clock went back, or never ran: what was seen counts */
        {0, NOW - HOUR, KEDGE_ORDER_NOT_YET},
        {0, NOW - KEDGE_ORDER_SKEW_MS, KEDGE_ORDER_ACCEPTED},
        {0, NOW + HOUR, KEDGE_ORDER_ACCEPTED},
        {0, NOW + DAY - 1, KEDGE_ORDER_ACCEPTED},
        {0, NOW + DAY, KEDGE_ORDER_EXPIRED},
        {NOW, NOW + 2 * DAY, KEDGE_ORDER_EXPIRED},
        {NOW + 2 * DAY, NOW, KEDGE_ORDER_EXPIRED},
        {INT64_MIN, 0, KEDGE_ORDER_NOT_YET},
        {INT64_MAX, 0, KEDGE_ORDER_EXPIRED},
    };
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, none = {0};
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_envelope(&order, 0, kedge_fixture_director(), &envelope);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        const struct kedge_order_memory memory = memory_of(6, &none, rows[i].latest);
        cr_expect_eq(admit(&envelope, &memory, rows[i].now), rows[i].refusal, "row %zu", i);
    }
}

/* A refusal must not depend on more than one wrong thing: the first that is wrong names it. */
Test(order, the_first_reason_is_named)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0}, none = {0};
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_envelope(&order, 0, kedge_fixture_director(), &envelope);
    struct kedge_order_memory memory = memory_of(9, &none, NOW);
    cr_expect_eq(admit(&envelope, &memory, NOW + 2 * DAY), KEDGE_ORDER_REPLAY);
    memory.device = "press-08";
    cr_expect_eq(admit(&envelope, &memory, NOW + 2 * DAY), KEDGE_ORDER_WRONG_DEVICE);
}

Test(order, attack_wrong_hardware)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, bent = {0}, envelope = {0}, none = {0};
    const struct kedge_order order = kedge_fixture_order();
    const struct kedge_key *director = kedge_fixture_director();
    kedge_fixture_payload(&order, 1, &payload);
    replace(&payload, ",\"content\":", ",\"arch\":[\"arm64\",\"arm\"],\"content\":", &bent);
    cr_assert_eq(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&bent),
                                     &director, 1, NULL),
                 0);
    struct kedge_order_memory memory = {.device = "press-07"};
    cr_expect_eq(admit(&envelope, &memory, NOW), KEDGE_ORDER_ACCEPTED, "it does not know itself");
    memory.arch = "arm";
    cr_expect_eq(admit(&envelope, &memory, NOW), KEDGE_ORDER_ACCEPTED);
    memory.arch = "amd64";
    cr_expect_eq(admit(&envelope, &memory, NOW), KEDGE_ORDER_WRONG_HARDWARE);
    memory = memory_of(9, &none, NOW);
    memory.arch = "amd64";
    cr_expect_eq(admit(&envelope, &memory, NOW), KEDGE_ORDER_REPLAY, "told first");
}

Test(order, every_changed_byte_of_the_envelope_is_refused_or_harmless)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_order order = kedge_fixture_order();
    const struct kedge_order_memory fresh = {.device = "press-07"};
    kedge_fixture_envelope(&order, 1, kedge_fixture_director(), &envelope);
    size_t accepted = 0;
    for (size_t i = 0; i < envelope.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            envelope.data[i] = (char)(envelope.data[i] ^ 1 << bit);
            enum kedge_order_refusal refusal = admit(&envelope, &fresh, NOW);
            cr_assert(refusal == KEDGE_ORDER_ACCEPTED || refusal == KEDGE_ORDER_MALFORMED ||
                      refusal == KEDGE_ORDER_WRONG_KEY);
            accepted += refusal == KEDGE_ORDER_ACCEPTED;
            envelope.data[i] = (char)(envelope.data[i] ^ 1 << bit);
        }
    }
    cr_assert(accepted <= 69 * 8, "only the keyid is not authenticated: %zu", accepted);
}

Test(order, refusals_have_stable_words)
{
    static const char *const words[] = {"accepted",     "duplicate", "replay",
                                        "wrong-device", "expired",   "not-yet",
                                        "wrong-key",    "malformed", "wrong-hardware",
                                        "expired-root"};
    cr_assert_eq(kedge_order_refusal_words.count, (int)KEDGE_COUNT(words));
    for (int i = 0; i < kedge_order_refusal_words.count; i++)
        cr_expect_str_eq(kedge_word_name(&kedge_order_refusal_words, i), words[i]);
}
