/* SPDX-License-Identifier: Apache-2.0 */
#include "state/report.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "lib/rng.h"

static const char *text(struct kedge_rng *rng)
{
    static const char *const texts[] = {NULL, "", "plain", "quote\" back\\ line\n \xe2\x82\xac"};
    return texts[kedge_rng_below(rng, KEDGE_COUNT(texts))];
}

static struct kedge_digest digest(struct kedge_rng *rng)
{
    uint64_t seed = kedge_rng_next(rng);
    return kedge_rng_chance(rng, 30) ? (struct kedge_digest){0}
                                     : kedge_digest_of(&seed, sizeof seed);
}

static struct kedge_report random_report(struct kedge_arena *arena, struct kedge_rng *rng)
{
    static const char *const runtimes[] = {"files", "process"};
    struct kedge_report report = {
        .device = "cam-7",
        .counter = (int64_t)kedge_rng_below(rng, 1000),
        .link = 1 + (int64_t)kedge_rng_below(rng, 3),
        .generation = (int64_t)kedge_rng_below(rng, 2),
        .envelope = digest(rng),
        .at = 1767225600123,
        .agent = text(rng),
        .capacity = {text(rng), INT64_C(1) << 33, 0, {runtimes, 2}},
        .disk_free = (int64_t)kedge_rng_below(rng, 2),
        .runtimes = {runtimes, (uint32_t)kedge_rng_below(rng, 3)},
        .instance_count = (uint32_t)kedge_rng_below(rng, 4),
        .progress_count = (uint32_t)kedge_rng_below(rng, 3),
    };
    report.erased = report.instance_count + report.progress_count == 0;
    if (kedge_rng_chance(rng, 50))
        report.upholds = kedge_digest_of("link", 4);
    else if (report.link > 1)
        report.previous = kedge_digest_of("before", 6);
    report.instances = kedge_arena_array(arena, report.instance_count, sizeof *report.instances);
    for (uint32_t i = 0; i < report.instance_count; i++)
        report.instances[i] = (struct kedge_reported){
            .instance = kedge_arena_printf(arena, "m%u", i),
            .deployment = kedge_rng_chance(rng, 50) ? "one" : NULL,
            .version = text(rng),
            .content = digest(rng),
            .integrity = (enum kedge_integrity)kedge_rng_below(rng, 4),
            .state = (enum kedge_run_state)kedge_rng_below(rng, 2),
            .health = (enum kedge_health)kedge_rng_below(rng, 5),
            .verified = kedge_rng_chance(rng, 50),
            .endpoint = text(rng),
            .restarts = (uint32_t)kedge_rng_next(rng),
            .message = text(rng),
        };
    report.progress = kedge_arena_array(arena, report.progress_count, sizeof *report.progress);
    for (uint32_t i = 0; i < report.progress_count; i++)
        report.progress[i] = (struct kedge_progress){
            .instance = "m0",
            .content = digest(rng),
            .state = (enum kedge_action_state)kedge_rng_below(rng, 11),
            .code = (enum kedge_code)(-(int)kedge_rng_below(rng, 13)),
            .message = text(rng),
            .bytes = INT64_C(1) << 40,
        };
    if (kedge_rng_chance(rng, 50)) {
        report.refusal = kedge_arena_new(arena, struct kedge_refusal);
        *report.refusal = (struct kedge_refusal){-1, KEDGE_DENIED, "wrong-key", text(rng), 5};
    }
    return report;
}

static int read(struct kedge_arena *arena, const char *data, size_t size, struct kedge_report *out,
                struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    int rc = kedge_json_parse(data, size, KEDGE_LIMIT_REPORT, &json, err);
    return rc == 0 ? kedge_report_read(arena, json, out, err) : rc;
}

Test(report, round_trip)
{
    struct kedge_rng rng = kedge_rng_make(21);
    for (int n = 0; n < 500; n++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_buf) struct kedge_buf first = {0}, second = {0};
        struct kedge_json_writer one = {.out = &first}, two = {.out = &second};
        struct kedge_report a = random_report(&arena, &rng), b;
        struct kedge_err err = {0};
        kedge_report_write(&a, &one);
        cr_assert_eq(read(&arena, first.data, first.size, &b, &err), 0, "round %d: %s", n, err.msg);
        kedge_report_write(&b, &two);
        cr_assert_str_eq(first.data, second.data, "round %d", n);
        cr_assert_eq(a.counter, b.counter);
        cr_assert_eq(a.instance_count, b.instance_count);
        for (uint32_t i = 0; i < a.instance_count; i++) {
            cr_assert_eq(a.instances[i].verified, b.instances[i].verified);
            cr_assert_eq(a.instances[i].restarts, b.instances[i].restarts);
            cr_assert_eq(kedge_report_find(&b, a.instances[i].instance), &b.instances[i]);
        }
        cr_assert_null(kedge_report_find(&b, "absent"));
        cr_assert_eq(a.refusal == NULL, b.refusal == NULL);
    }
    kedge_test_no_leaks();
}

#define DIGEST "00000000000000000000000000000000000000000000000000000000000000ff"

Test(report, hostile_json_is_refused_with_its_member)
{
    static const char head[] = "{\"device\":\"d\",\"counter\":1,\"link\":1";
    static const struct {
        const char *rest, *says;
    } rows[] = {
        {",\"instances\":[{\"instance\":\"b\",\"integrity\":\"intact\",\"state\":\"running\","
         "\"health\":\"Healthy\"},{\"instance\":\"a\",\"integrity\":\"intact\",\"state\":"
         "\"running\",\"health\":\"Healthy\"}]",
         "sorted"},
        {",\"instances\":[{\"instance\":\"b\",\"integrity\":\"intact\",\"state\":\"running\","
         "\"health\":\"Healthy\"},{\"instance\":\"b\",\"integrity\":\"intact\",\"state\":"
         "\"running\",\"health\":\"Healthy\"}]",
         "'b'"},
        {",\"instances\":[{\"instance\":\"../x\"}]", "'instance'"},
        {",\"instances\":[7]", "'instances'"},
        {",\"instances\":{}", "'instances'"},
        {",\"generation\":-1", "'generation'"},
        {",\"generation\":1.5", "'generation'"},
        {",\"at\":9007199254740992", "'at'"},
        {",\"capacity\":{\"memory\":\"8Gi\"}", "'memory'"},
        {",\"capacity\":null", "'capacity'"},
        {",\"envelope\":\"sha256:00\"", "'envelope'"},
        {",\"refusal\":{\"reason\":\"x\",\"code\":\"ok\"}", "'code'"},
        {",\"agent\":\"a\\u0000b\"", "escape"},
        {",\"surprise\":1", "'surprise'"},
        {",\"erased\":1", "'erased'"},
        {",\"erased\":true,\"progress\":[{\"instance\":\"a\",\"state\":\"Pending\"}]", "erased"},
        {",\"progress\":[{\"instance\":\"a\",\"state\":\"Flying\"}]", "'state'"},
        {",\"previous\":\"sha256:" DIGEST "\"", "the link before"},
        {",\"previous\":\"sha256:" DIGEST "\",\"upholds\":\"sha256:" DIGEST "\"", "upholds"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        kedge_auto(kedge_buf) struct kedge_buf json = {0};
        struct kedge_report report;
        struct kedge_err err = {0};
        kedge_buf_printf(&json, "%s%s}", head, rows[i].rest);
        cr_expect_lt(read(&arena, json.data, json.size, &report, &err), 0, "%s", rows[i].rest);
        cr_expect_not_null(strstr(err.msg, rows[i].says), "%s: %s", rows[i].rest, err.msg);
    }
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report report;
    cr_expect_eq(read(&arena, "[]", 2, &report, NULL), KEDGE_INVALID);
    cr_expect_eq(read(&arena, "{}", 2, &report, NULL), KEDGE_INVALID);
    static const char unlinked[] = "{\"device\":\"d\",\"counter\":1}";
    static const char orphan[] = "{\"device\":\"d\",\"counter\":1,\"link\":2}";
    cr_expect_eq(read(&arena, unlinked, strlen(unlinked), &report, NULL), KEDGE_INVALID);
    cr_expect_eq(read(&arena, orphan, strlen(orphan), &report, NULL), KEDGE_INVALID);
}

/* What ticks is no other state; anything else is. */
Test(report, digest_is_of_the_state)
{
    struct kedge_rng rng = kedge_rng_make(22);
    for (int n = 0; n < 200; n++) {
        kedge_auto(kedge_arena) struct kedge_arena arena = {0};
        struct kedge_report a = random_report(&arena, &rng), b = a;
        struct kedge_digest of_a = kedge_report_digest(&a), of_b;
        b.counter++;
        b.link++;
        b.at++;
        b.disk_free += 4096;
        b.previous = b.upholds = b.self = kedge_digest_of("x", 1);
        of_b = kedge_report_digest(&b);
        cr_assert(kedge_digest_equal(&of_a, &of_b));
        b.generation++;
        of_b = kedge_report_digest(&b);
        cr_assert(!kedge_digest_equal(&of_a, &of_b));
        if (a.progress_count == 0)
            continue;
        int64_t fetched = kedge_report_fetched(&a);
        a.progress[0].bytes++;
        of_b = kedge_report_digest(&a);
        cr_assert(kedge_digest_equal(&of_a, &of_b));
        cr_assert_eq(kedge_report_fetched(&a), fetched + 1);
        a.progress[0].code = a.progress[0].code ? KEDGE_OK : KEDGE_LIMIT;
        of_b = kedge_report_digest(&a);
        cr_assert(!kedge_digest_equal(&of_a, &of_b));
    }
    kedge_test_no_leaks();
}

Test(report, too_many_instances_are_refused)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    kedge_buf_puts(&json, "{\"device\":\"d\",\"counter\":1,\"instances\":[");
    for (int i = 0; i <= KEDGE_LIMIT_INSTANCES; i++)
        kedge_buf_printf(&json,
                         "%s{\"instance\":\"m%05d\",\"integrity\":\"intact\",\"state\":\"running\","
                         "\"health\":\"Healthy\"}",
                         i > 0 ? "," : "", i);
    kedge_buf_puts(&json, "]}");
    struct kedge_report report;
    cr_expect_eq(read(&arena, json.data, json.size, &report, NULL), KEDGE_LIMIT);
}
