/* SPDX-License-Identifier: Apache-2.0 */
/* What every store must do: the same cases for every driver. */
#include "kedge/store.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "lib/tempdir.h"
#include "state/event.h"

struct driver {
    const char *url; /* %s is a fresh folder */
    bool durable;    /* what was committed outlives the handle and the process */
};

static const struct driver drivers[] = {
    {.url = "memory:"},
    {.url = "sqlite:%s/new/folder/store.db", .durable = true},
    {.url = "%s/plain path", .durable = true},
};

typedef void contract_case(const char *url);

static void run(contract_case *body, bool durable_only)
{
    for (size_t i = 0; i < KEDGE_COUNT(drivers); i++) {
        if (durable_only && !drivers[i].durable)
            continue;
        kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
        char url[512];
        snprintf(url, sizeof url, drivers[i].url, dir.path);
        body(url);
    }
    kedge_test_no_leaks();
}

#define CONTRACT(name, durable_only)                                                               \
    static void name##_case(const char *url);                                                      \
    Test(store_contract, name)                                                                     \
    {                                                                                              \
        run(name##_case, durable_only);                                                            \
    }                                                                                              \
    static void name##_case(const char *url)

static struct kedge_store *must_open(const char *url)
{
    struct kedge_store *store = NULL;
    struct kedge_err err;
    int code = kedge_store_open(url, false, &store, &err);
    cr_assert_eq(code, 0, "%s: %s", url, code ? err.msg : "");
    return store;
}

static struct kedge_slice slice_of(const char *text)
{
    return (struct kedge_slice){.data = text, .size = strlen(text)};
}

static int put_report(struct kedge_store *store, const char *device, int64_t counter,
                      struct kedge_slice evidence, struct kedge_err *err)
{
    return kedge_store_put_report(store,
                                  &(struct kedge_store_report){
                                      .device = device,
                                      .counter = counter,
                                      .received = 1000 + counter,
                                      .evidence = evidence,
                                  },
                                  err);
}

static void expect_value(struct kedge_store *store, const char *key, const char *expected)
{
    struct kedge_err err;
    char *value = NULL;
    int code = kedge_store_get(store, key, &value, &err);
    if (expected)
        cr_assert_str_eq(value, expected);
    else
        cr_assert_eq(code, KEDGE_NOTFOUND);
    free(value);
}

/* What a walk saw, as text: "a1 b2 ". */
struct seen {
    struct kedge_buf text;
    int stop_after; /* rows; 0: never */
};

static int end_walk(struct seen *seen)
{
    return seen->stop_after && --seen->stop_after == 0 ? 77 : 0;
}

static int see_report(const struct kedge_store_report *report, void *payload)
{
    struct seen *seen = payload;
    kedge_buf_printf(&seen->text, "%s%lld ", report->device, (long long)report->counter);
    return end_walk(seen);
}

static int see_device(const struct kedge_store_device *device, void *payload)
{
    struct seen *seen = payload;
    kedge_buf_printf(&seen->text, "%s%lld ", device->name, (long long)device->generation);
    return end_walk(seen);
}

static int see_event(const struct kedge_event *event, void *payload)
{
    struct seen *seen = payload;
    kedge_buf_printf(&seen->text, "%lld ", (long long)event->seq);
    return end_walk(seen);
}

static void expect_seen(struct seen *seen, const char *expected)
{
    cr_assert_str_eq(seen->text.data ? seen->text.data : "", expected);
    kedge_buf_release(&seen->text);
}

static void expect_reports(struct kedge_store *store, const char *expected)
{
    struct seen seen = {0};
    cr_assert_eq(kedge_store_each_report(store, see_report, &seen, NULL), 0);
    expect_seen(&seen, expected);
}

static int see_evidence(const struct kedge_store_evidence *evidence, void *payload)
{
    struct seen *seen = payload;
    kedge_buf_printf(&seen->text, "%s%lld.%lld ", evidence->device, (long long)evidence->chain,
                     (long long)evidence->link);
    return end_walk(seen);
}

static int append_link(struct kedge_store *store, const char *device, int64_t chain, int64_t link)
{
    const struct kedge_store_evidence evidence = {.device = device,
                                                  .chain = chain,
                                                  .link = link,
                                                  .counter = 10 * link,
                                                  .envelope = slice_of("{}")};
    return kedge_store_append_evidence(store, &evidence, NULL);
}

CONTRACT(values_are_put_replaced_and_absent, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    expect_value(store, "commit", NULL);
    cr_assert_eq(kedge_store_put(store, "commit", "one", NULL), 0);
    cr_assert_eq(kedge_store_put(store, "empty", "", NULL), 0);
    cr_assert_eq(kedge_store_put(store, "commit", "two", NULL), 0);
    expect_value(store, "commit", "two");
    expect_value(store, "empty", "");
    expect_value(store, "commi", NULL);
}

static int check_device(const struct kedge_store_device *device, void *payload)
{
    const struct kedge_store_device *expected = payload;
    cr_assert_str_eq(device->name, expected->name);
    cr_assert_eq(device->generation, expected->generation);
    cr_assert_eq(device->issued, expected->issued);
    cr_assert_eq(device->expires, expected->expires);
    cr_assert_arr_eq(device->set.bytes, expected->set.bytes, KEDGE_DIGEST_SIZE);
    cr_assert_eq(device->authorised.size, expected->authorised.size);
    cr_assert_eq(device->envelope.size, expected->envelope.size);
    if (expected->envelope.size)
        cr_assert_arr_eq(device->envelope.data, expected->envelope.data, expected->envelope.size);
    return 0;
}

CONTRACT(devices_come_back_as_they_were, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    struct kedge_store_device device = {
        .name = "cam-7",
        .generation = 9007199254740991,
        .issued = 5,
        .expires = INT64_MAX,
        .set = {{1, 2, 0, 255}},
        .authorised = slice_of("[\"a\"]"),
        .envelope = {.data = "a\0b\xff", .size = 4},
    };
    cr_assert_eq(kedge_store_put_device(store, &device, NULL), 0);
    cr_assert_eq(kedge_store_get_device(store, "cam-7", check_device, &device, NULL), 0);
    device.generation = 1;
    device.authorised = device.envelope = (struct kedge_slice){0};
    cr_assert_eq(kedge_store_put_device(store, &device, NULL), 0);
    cr_assert_eq(kedge_store_get_device(store, "cam-7", check_device, &device, NULL), 0);
    cr_assert_eq(kedge_store_get_device(store, "cam-8", check_device, &device, NULL),
                 KEDGE_NOTFOUND);
}

static int check_evidence(const struct kedge_store_evidence *evidence, void *payload)
{
    const struct kedge_store_evidence *expected = payload;
    cr_assert_str_eq(evidence->device, expected->device);
    cr_assert_eq(evidence->chain, expected->chain);
    cr_assert_eq(evidence->link, expected->link);
    cr_assert_eq(evidence->counter, expected->counter);
    cr_assert_eq(evidence->received, expected->received);
    cr_assert_arr_eq(evidence->digest.bytes, expected->digest.bytes, KEDGE_DIGEST_SIZE);
    cr_assert_arr_eq(evidence->key, expected->key, sizeof expected->key);
    cr_assert_eq(evidence->envelope.size, expected->envelope.size);
    cr_assert_arr_eq(evidence->envelope.data, expected->envelope.data, expected->envelope.size);
    return 0;
}

CONTRACT(evidence_comes_back_as_it_was_and_is_never_replaced, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    struct kedge_store_evidence evidence = {.device = "cam-7",
                                            .chain = 1,
                                            .link = 9007199254740991,
                                            .counter = 7,
                                            .received = 5,
                                            .digest = {{1, 2, 0, 255}},
                                            .key = {0, 3},
                                            .envelope = {.data = "a\0b\xff", .size = 4}};
    struct kedge_store_evidence other = evidence;
    other.envelope = slice_of("other");
    cr_assert_eq(kedge_store_last_evidence(store, "cam-7", check_evidence, &evidence, NULL),
                 KEDGE_NOTFOUND);
    cr_assert_eq(kedge_store_append_evidence(store, &evidence, NULL), 0);
    cr_assert_eq(kedge_store_append_evidence(store, &other, NULL), KEDGE_EXISTS);
    cr_assert_eq(kedge_store_get_evidence(store, "cam-7", 1, evidence.link, check_evidence,
                                          &evidence, NULL),
                 0);
    cr_assert_eq(kedge_store_get_evidence(store, "cam-7", 2, evidence.link, check_evidence,
                                          &evidence, NULL),
                 KEDGE_NOTFOUND);
}

CONTRACT(evidence_goes_by_device_chain_and_link, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    struct seen seen = {0};
    static const struct {
        const char *device;
        int chain, link;
    } rows[] = {{"a-b", 1, 1}, {"a", 1, 10},  {"a", 2, 1},
                {"a", 1, 9},   {"b", 1, 300}, {"a", 1, 256}};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        cr_assert_eq(append_link(store, rows[i].device, rows[i].chain, rows[i].link), 0);
    cr_assert_eq(kedge_store_each_evidence(store, NULL, see_evidence, &seen, NULL), 0);
    expect_seen(&seen, "a1.9 a1.10 a1.256 a2.1 a-b1.1 b1.300 ");
    seen = (struct seen){0};
    cr_assert_eq(kedge_store_each_evidence(store, "a", see_evidence, &seen, NULL), 0);
    expect_seen(&seen, "a1.9 a1.10 a1.256 a2.1 ");
    seen = (struct seen){.stop_after = 2};
    cr_assert_eq(kedge_store_each_evidence(store, "a", see_evidence, &seen, NULL), 77);
    expect_seen(&seen, "a1.9 a1.10 ");
    static const char *const last[] = {"a", "a2.1 ", "a-b", "a-b1.1 ", "b", "b1.300 "};
    for (size_t i = 0; i < KEDGE_COUNT(last); i += 2) {
        seen = (struct seen){0};
        cr_assert_eq(kedge_store_last_evidence(store, last[i], see_evidence, &seen, NULL), 0);
        expect_seen(&seen, last[i + 1]);
    }
    cr_assert_eq(kedge_store_last_evidence(store, "0", see_evidence, &seen, NULL), KEDGE_NOTFOUND);
    cr_assert_eq(kedge_store_last_evidence(store, "aa", see_evidence, &seen, NULL), KEDGE_NOTFOUND);
}

CONTRACT(evidence_is_part_of_the_transaction_also_after_a_double, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    struct seen seen = {0};
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    cr_assert_eq(append_link(store, "a", 1, 1), 0);
    kedge_store_rollback(store);
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    cr_assert_eq(append_link(store, "a", 1, 2), 0);
    cr_assert_eq(append_link(store, "a", 1, 2), KEDGE_EXISTS);
    cr_assert_eq(append_link(store, "a", 2, 2), 0);
    cr_assert_eq(kedge_store_commit(store, NULL), 0);
    cr_assert_eq(kedge_store_each_evidence(store, NULL, see_evidence, &seen, NULL), 0);
    expect_seen(&seen, "a1.2 a2.2 ");
}

CONTRACT(walks_go_in_name_order_and_end_early, false)
{
    static const char *const names[] = {"m", "a", "z", "b", "m"};
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    for (int i = 0; i < (int)KEDGE_COUNT(names); i++) {
        struct kedge_store_device device = {.name = names[i], .generation = i};
        cr_assert_eq(kedge_store_put_device(store, &device, NULL), 0);
        cr_assert_eq(put_report(store, names[i], i, slice_of("{}"), NULL), 0);
    }
    expect_reports(store, "a1 b3 m4 z2 ");
    struct seen seen = {.stop_after = 2};
    cr_assert_eq(kedge_store_each_device(store, see_device, &seen, NULL), 77);
    expect_seen(&seen, "a1 b3 ");
    seen = (struct seen){.stop_after = 1};
    cr_assert_eq(kedge_store_each_report(store, see_report, &seen, NULL), 77);
    expect_seen(&seen, "a1 ");
}

static void append(struct kedge_store *store, kedge_ms at, const char *device, const char *instance,
                   const char *commit, int64_t expected_seq)
{
    struct kedge_event event = {
        .at = at,
        .kind = KEDGE_EVENT_DRIFT_DETECTED,
        .device = device,
        .instance = instance,
        .commit = commit,
    };
    cr_assert_eq(kedge_store_append_event(store, &event, NULL), 0);
    cr_assert_eq(event.seq, expected_seq);
}

CONTRACT(events_are_numbered_and_filtered, false)
{
    static const struct {
        struct kedge_store_filter filter;
        const char *expected;
    } queries[] = {
        {{0}, "5 4 3 2 1 "},
        {{.ascending = true}, "1 2 3 4 5 "},
        {{.limit = 2}, "5 4 "},
        {{.limit = 2, .ascending = true}, "1 2 "},
        {{.after = 3, .ascending = true}, "4 5 "},
        {{.before = 3}, "2 1 "},
        {{.before = 5, .after = 1, .limit = 2}, "4 3 "},
        {{.since = 30}, "5 4 3 "},
        {{.device = "cam"}, "3 1 "},
        {{.device = "cam", .limit = 1}, "3 "},
        {{.instance = "model"}, "4 3 "},
        {{.device = "cam", .instance = "model"}, "3 "},
        {{.commit = "c2"}, "5 4 "},
        {{.commit = "c2", .instance = "model", .device = "mic", .since = 1, .after = 1}, "4 "},
        {{.device = "nobody"}, ""},
    };
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    append(store, 10, "cam", "other", "c1", 1);
    append(store, 20, NULL, NULL, "c1", 2);
    append(store, 30, "cam", "model", NULL, 3);
    append(store, 40, "mic", "model", "c2", 4);
    append(store, 50, NULL, NULL, "c2", 5);
    for (size_t i = 0; i < KEDGE_COUNT(queries); i++) {
        struct seen seen = {0};
        cr_assert_eq(kedge_store_each_event(store, &queries[i].filter, see_event, &seen, NULL), 0);
        expect_seen(&seen, queries[i].expected);
    }
    struct seen seen = {.stop_after = 3};
    cr_assert_eq(kedge_store_each_event(store, &(struct kedge_store_filter){0}, see_event, &seen,
                                        NULL),
                 77);
    expect_seen(&seen, "5 4 3 ");
}

static int check_event(const struct kedge_event *event, void *payload)
{
    const struct kedge_event *expected = payload;
    cr_assert_eq(event->at, expected->at);
    cr_assert_eq(event->kind, expected->kind);
    cr_assert_null(event->commit);
    cr_assert_str_eq(event->device, expected->device);
    cr_assert_str_eq(event->instance, expected->instance);
    cr_assert_str_eq(event->verb, expected->verb);
    cr_assert_str_eq(event->from, expected->from);
    cr_assert_str_eq(event->to, expected->to);
    cr_assert_str_eq(event->action, expected->action);
    cr_assert_str_eq(event->by, expected->by);
    cr_assert_str_eq(event->reason, expected->reason);
    cr_assert_str_eq(event->message, expected->message);
    return 0;
}

CONTRACT(every_kind_of_event_comes_back_as_it_was, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    for (int kind = 0; kind < KEDGE_EVENT_KIND_COUNT; kind++) {
        struct kedge_event event = {
            .at = 1767225600000,
            .kind = (enum kedge_event_kind)kind,
            .device = "d",
            .instance = "i",
            .verb = "update",
            .from = "1.0.0",
            .to = "1.1.0",
            .action = "id",
            .by = "ann <ann@example.org>",
            .reason = "",
            .message = "probe \"/health\" answered 503\n",
        };
        cr_assert_eq(kedge_store_append_event(store, &event, NULL), 0);
        struct kedge_store_filter filter = {.after = event.seq - 1};
        cr_assert_eq(kedge_store_each_event(store, &filter, check_event, &event, NULL), 0);
    }
}

static int see_item(const char *key, struct kedge_slice bytes, void *payload)
{
    struct seen *seen = payload;
    kedge_buf_printf(&seen->text, "%s=%.*s ", key, (int)bytes.size, bytes.data);
    return end_walk(seen);
}

static void expect_items(struct kedge_store *store, const char *collection, const char *expected)
{
    struct seen seen = {0};
    cr_assert_eq(kedge_store_each_item(store, collection, see_item, &seen, NULL), 0);
    expect_seen(&seen, expected);
}

static void put_item(struct kedge_store *store, const char *collection, const char *key,
                     const char *text)
{
    cr_assert_eq(kedge_store_put_item(store, collection, key, slice_of(text), NULL), 0);
}

CONTRACT(items_lie_in_their_collection_until_removed, false)
{
    static const struct kedge_slice odd = {.data = "\0\xff\0", .size = 3};
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    struct kedge_err err;
    char *bytes;
    size_t size = 77;
    expect_items(store, "a", "");
    put_item(store, "b", "m", "1");
    put_item(store, "a", "z", "2");
    put_item(store, "a", "m", "3");
    put_item(store, "a", "z", "4");
    put_item(store, "ab", "m", "5");
    cr_assert_eq(kedge_store_put_item(store, "c", "", odd, &err), 0);
    expect_items(store, "a", "m=3 z=4 ");
    expect_items(store, "b", "m=1 ");
    expect_items(store, "", "");
    cr_assert_eq(kedge_store_get_item(store, "c", "", &bytes, &size, &err), 0);
    cr_assert_eq(size, odd.size);
    cr_assert_arr_eq(bytes, odd.data, odd.size + 1);
    free(bytes);
    cr_assert_eq(kedge_store_get_item(store, "a", "c", &bytes, NULL, &err), KEDGE_NOTFOUND);
    struct seen seen = {.stop_after = 1};
    cr_assert_eq(kedge_store_each_item(store, "a", see_item, &seen, NULL), 77);
    expect_seen(&seen, "m=3 ");
    cr_assert_eq(kedge_store_remove_item(store, "a", "m", &err), 0);
    cr_assert_eq(kedge_store_remove_item(store, "a", "m", &err), 0);
    expect_items(store, "a", "z=4 ");
    expect_items(store, "ab", "m=5 ");
}

CONTRACT(items_are_kept_with_their_transaction, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    put_item(store, "a", "kept", "1");
    put_item(store, "a", "gone", "1");
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    put_item(store, "a", "kept", "2");
    put_item(store, "a", "new", "2");
    cr_assert_eq(kedge_store_remove_item(store, "a", "gone", NULL), 0);
    cr_assert_eq(kedge_store_remove_item(store, "a", "new", NULL), 0);
    put_item(store, "a", "gone", "3");
    cr_assert_eq(kedge_store_remove_item(store, "a", "kept", NULL), 0);
    expect_items(store, "a", "gone=3 ");
    kedge_store_rollback(store);
    expect_items(store, "a", "gone=1 kept=1 ");
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    cr_assert_eq(kedge_store_remove_item(store, "a", "gone", NULL), 0);
    put_item(store, "a", "new", "4");
    cr_assert_eq(kedge_store_commit(store, NULL), 0);
    expect_items(store, "a", "kept=1 new=4 ");
}

/* One of everything, told apart by `counter`. */
static void write_all_sorts(struct kedge_store *store, const char *name, int counter)
{
    char text[16];
    snprintf(text, sizeof text, "%d", counter);
    struct kedge_store_device device = {.name = name, .generation = counter};
    cr_assert_eq(kedge_store_put(store, name, text, NULL), 0);
    put_item(store, "things", name, text);
    cr_assert_eq(kedge_store_put_device(store, &device, NULL), 0);
    cr_assert_eq(put_report(store, name, counter, slice_of(text), NULL), 0);
    struct kedge_event event = {.kind = KEDGE_EVENT_ACTION_ISSUED, .device = name};
    cr_assert_eq(kedge_store_append_event(store, &event, NULL), 0);
}

static void expect_all_sorts(struct kedge_store *store, const char *rows, const char *events)
{
    struct seen seen = {0};
    expect_reports(store, rows);
    cr_assert_eq(kedge_store_each_device(store, see_device, &seen, NULL), 0);
    expect_seen(&seen, rows);
    cr_assert_eq(kedge_store_each_event(store, &(struct kedge_store_filter){0}, see_event, &seen,
                                        NULL),
                 0);
    expect_seen(&seen, events);
}

CONTRACT(a_transaction_is_kept_whole_or_not_at_all, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    write_all_sorts(store, "m", 1);
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    write_all_sorts(store, "m", 2);
    write_all_sorts(store, "a", 3);
    write_all_sorts(store, "m", 4);
    expect_all_sorts(store, "a3 m4 ", "4 3 2 1 ");
    kedge_store_rollback(store);
    expect_all_sorts(store, "m1 ", "1 ");
    expect_value(store, "m", "1");
    expect_value(store, "a", NULL);

    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    write_all_sorts(store, "m", 5);
    write_all_sorts(store, "z", 6);
    cr_assert_eq(kedge_store_commit(store, NULL), 0);
    kedge_store_rollback(store);
    expect_all_sorts(store, "m5 z6 ", "3 2 1 ");
}

CONTRACT(transactions_do_not_nest, false)
{
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    cr_assert_eq(kedge_store_commit(store, NULL), KEDGE_INTERNAL);
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    cr_assert_eq(kedge_store_begin(store, NULL), KEDGE_INTERNAL);
    write_all_sorts(store, "m", 1);
    cr_assert_eq(kedge_store_commit(store, NULL), 0);
    expect_all_sorts(store, "m1 ", "1 ");
}

CONTRACT(a_closed_store_opens_as_it_was, true)
{
    struct kedge_store *store = must_open(url);
    write_all_sorts(store, "m", 1);
    cr_assert_eq(kedge_store_begin(store, NULL), 0);
    write_all_sorts(store, "a", 2);
    kedge_store_close(store);
    store = must_open(url);
    expect_all_sorts(store, "m1 ", "1 ");
    kedge_store_close(store);
}

CONTRACT(a_read_only_store_refuses_writes, true)
{
    struct kedge_store *store = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_store_open(url, true, &store, &err), KEDGE_NOTFOUND);
    cr_assert_null(store);
    kedge_store_close(must_open(url));

    kedge_auto(kedge_store) struct kedge_store *writer = must_open(url);
    cr_assert_eq(kedge_store_open(url, true, &store, &err), 0);
    write_all_sorts(writer, "m", 1);
    expect_all_sorts(store, "m1 ", "1 ");
    struct kedge_event event = {0};
    cr_assert_eq(kedge_store_begin(store, &err), KEDGE_DENIED);
    cr_assert_eq(kedge_store_put(store, "a", "b", &err), KEDGE_DENIED);
    cr_assert_eq(kedge_store_put_item(store, "a", "b", slice_of("c"), &err), KEDGE_DENIED);
    cr_assert_eq(kedge_store_remove_item(store, "things", "m", &err), KEDGE_DENIED);
    cr_assert_eq(kedge_store_put_device(store, &(struct kedge_store_device){.name = "a"}, &err),
                 KEDGE_DENIED);
    cr_assert_eq(put_report(store, "a", 1, slice_of(""), &err), KEDGE_DENIED);
    cr_assert_eq(kedge_store_append_event(store, &event, &err), KEDGE_DENIED);
    kedge_store_close(store);
}

CONTRACT(changed_tells_of_another_writer, true)
{
    kedge_auto(kedge_store) struct kedge_store *reader = must_open(url);
    kedge_auto(kedge_store) struct kedge_store *writer = must_open(url);
    int64_t before, after;
    cr_assert_eq(kedge_store_changed(reader, &before, NULL), 0);
    cr_assert_eq(kedge_store_put(reader, "own", "write", NULL), 0);
    cr_assert_eq(kedge_store_changed(reader, &after, NULL), 0);
    cr_assert_eq(before, after);

    cr_assert_eq(kedge_store_begin(writer, NULL), 0);
    write_all_sorts(writer, "m", 1);
    cr_assert_eq(kedge_store_changed(reader, &after, NULL), 0);
    cr_assert_eq(before, after);
    expect_all_sorts(reader, "", "");
    cr_assert_eq(kedge_store_commit(writer, NULL), 0);
    cr_assert_eq(kedge_store_changed(reader, &after, NULL), 0);
    cr_assert_neq(before, after);
    expect_all_sorts(reader, "m1 ", "1 ");
}

/* Two take the same thing at once: the write lock comes with `begin`, so each reads what the one
 * before it has left. */
CONTRACT(processes_take_turns, true)
{
    enum { PROCESSES = 3, ROUNDS = 30 };
    kedge_store_close(must_open(url));
    for (int i = 0; i < PROCESSES; i++) {
        if (fork())
            continue;
        struct kedge_store *store;
        struct kedge_err err;
        if (kedge_store_open(url, false, &store, &err))
            _exit(1);
        for (int round = 0; round < ROUNDS; round++) {
            char *text = NULL, next[16];
            if (kedge_store_begin(store, &err))
                _exit(2);
            int count =
                kedge_store_get_item(store, "turns", "n", &text, NULL, &err) ? 0 : atoi(text);
            free(text);
            snprintf(next, sizeof next, "%d", count + 1);
            if (kedge_store_put_item(store, "turns", "n", slice_of(next), &err) ||
                kedge_store_commit(store, &err))
                _exit(3);
        }
        kedge_store_close(store);
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        cr_assert_gt(wait(&status), 0);
        cr_assert_eq(status, 0, "a process ended with %d", status);
    }
    kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
    expect_items(store, "turns", "n=90 ");
}

#define BATCH 8

/* The child: batch after batch, each told of once it is committed, until it is killed. */
static void write_batches(const char *url, int told)
{
    struct kedge_store *store;
    if (kedge_store_open(url, false, &store, NULL))
        _exit(1);
    for (int64_t counter = 1;; counter++) {
        if (kedge_store_begin(store, NULL))
            _exit(2);
        for (int i = 0; i < BATCH; i++) {
            char device[] = {(char)('a' + i), '\0'};
            if (put_report(store, device, counter, slice_of("evidence"), NULL))
                _exit(3);
        }
        if (kedge_store_commit(store, NULL) ||
            write(told, &counter, sizeof counter) != (ssize_t)sizeof counter)
            _exit(4);
    }
}

struct batch {
    int64_t counter;
    int rows;
};

static int check_batch(const struct kedge_store_report *report, void *payload)
{
    struct batch *batch = payload;
    if (batch->rows++ == 0)
        batch->counter = report->counter;
    cr_assert_eq(report->counter, batch->counter, "half a batch was kept");
    return 0;
}

CONTRACT(a_killed_writer_loses_nothing_it_told_of, true)
{
    struct kedge_rng rng = kedge_rng_make(7);
    for (int round = 0; round < 10; round++) {
        int told[2];
        cr_assert_eq(pipe(told), 0);
        pid_t child = fork();
        if (child == 0)
            write_batches(url, told[1]);
        close(told[1]);
        int64_t last = 0, wanted = 1 + (int64_t)kedge_rng_below(&rng, 20);
        while (last < wanted)
            cr_assert_eq(read(told[0], &last, sizeof last), (ssize_t)sizeof last);
        usleep((useconds_t)kedge_rng_below(&rng, 3000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &last, sizeof last) == (ssize_t)sizeof last)
            ;
        close(told[0]);

        kedge_auto(kedge_store) struct kedge_store *store = must_open(url);
        struct batch batch = {0};
        cr_assert_eq(kedge_store_each_report(store, check_batch, &batch, NULL), 0);
        cr_assert_eq(batch.rows, BATCH);
        cr_assert_geq(batch.counter, last);
        cr_assert_leq(batch.counter, last + 1);
    }
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* `total` bytes in one transaction under a full disk, then that nothing of it stands. */
static void fill_disk(struct kedge_store *store, size_t total)
{
    size_t size = (size_t)256 << 10;
    char *bytes = kedge_alloc_zeroed(size);
    struct kedge_err err;
    limit_files((rlim_t)512 << 10);
    cr_assert_eq(kedge_store_begin(store, &err), 0);
    for (size_t done = 0; done < total; done += size) {
        char name[16];
        snprintf(name, sizeof name, "n%zu", done / size);
        int code = put_report(store, name, 1, (struct kedge_slice){bytes, size}, &err);
        cr_assert(code == 0 || code == KEDGE_LIMIT, "%s", err.msg);
    }
    cr_assert_eq(kedge_store_commit(store, &err), KEDGE_LIMIT, "%s", err.msg);
    limit_files(RLIM_INFINITY);
    free(bytes);
    expect_all_sorts(store, "m1 ", "1 ");
}

CONTRACT(a_full_disk_leaves_nothing_half, true)
{
    signal(SIGXFSZ, SIG_IGN);
    struct kedge_store *store = must_open(url);
    write_all_sorts(store, "m", 1);
    fill_disk(store, (size_t)2 << 20);  /* found out at the commit */
    fill_disk(store, (size_t)32 << 20); /* found out while writing, once memory for it is used up */
    write_all_sorts(store, "z", 2);
    expect_all_sorts(store, "m1 z2 ", "2 1 ");
    kedge_store_close(store);
    store = must_open(url);
    expect_all_sorts(store, "m1 z2 ", "2 1 ");
    kedge_store_close(store);
}
