/* SPDX-License-Identifier: Apache-2.0 */
/* What every transport driver promises. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "net/httpd.h"
#include "transport/loop.h"

static const char *const schemes[] = {"http", "loop"};

/* A server with one rule for each report it knows. */
static int decide(struct kedge_slice report, struct kedge_buf *envelope, char *grant, size_t size,
                  struct kedge_err *err)
{
    snprintf(grant, size, "exp=1,sig=aa");
    if (report.size == 5 && memcmp(report.data, "order", 5) == 0)
        kedge_buf_puts(envelope, "{\"payload\":\"\"}");
    else if (report.size == 6 && memcmp(report.data, "forged", 6) == 0)
        return kedge_err_set(err, KEDGE_DENIED, "that signature is not yours");
    else if (report.size == 7 && memcmp(report.data, "unknown", 7) == 0)
        return kedge_err_set(err, KEDGE_NOTFOUND, "no such device");
    else if (report.size == 4 && memcmp(report.data, "busy", 4) == 0)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "the store is away");
    return 0;
}

static int serve_loop(const char *device, struct kedge_slice report, kedge_ms wait, int cancel,
                      struct kedge_buf *envelope, struct kedge_transport_notes *notes,
                      void *payload, struct kedge_err *err)
{
    (void)wait;
    (void)cancel;
    (void)payload;
    cr_assert_str_eq(device, "cam-1");
    notes->root = 7;
    return decide(report, envelope, notes->grant, sizeof notes->grant, err);
}

static void serve_http(struct kedge_httpd_request *request, void *payload)
{
    struct kedge_httpd_request **held = payload;
    struct kedge_httpd_answer answer = {.status = 204};
    struct kedge_err err;
    char grant[KEDGE_TRANSPORT_GRANT];
    if (strcmp(request->parts[0], "cam-1") != 0) {
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "no such device");
        return;
    }
    if (request->body.size == 4 && memcmp(request->body.data, "hold", 4) == 0) {
        *held = request;
        return;
    }
    int code = decide(request->body, &answer.body, grant, sizeof grant, &err);
    if (code) {
        kedge_httpd_fail(request, (enum kedge_code)code, "%s", err.msg);
        return;
    }
    answer.headers[0].name = "Kedge-Blob-Grant";
    answer.headers[0].value = grant;
    answer.headers[1].name = "Kedge-Root";
    answer.headers[1].value = "7";
    if (answer.body.size) {
        answer.status = 200;
        answer.type = "application/vnd.dsse.envelope.v1+json";
    }
    kedge_httpd_answer(request, &answer);
}

/* One version is there, one does not end, one is not there. */
static int give_root(int64_t version, struct kedge_buf *out, void *payload, struct kedge_err *err)
{
    (void)payload;
    if (version == 7)
        kedge_buf_puts(out, "root 7");
    else if (version == 8)
        return kedge_err_set(err, KEDGE_LIMIT, "too large");
    else
        return kedge_err_set(err, KEDGE_NOTFOUND, "no such root");
    return 0;
}

static void serve_root(struct kedge_httpd_request *request, void *payload)
{
    struct kedge_httpd_answer answer = {.status = 200, .type = "application/json"};
    struct kedge_err err;
    int64_t version = strtoll(request->parts[0], NULL, 10);
    for (size_t i = 0; version == 8 && i < KEDGE_LIMIT_ROOT; i++)
        kedge_buf_puts(&answer.body, "and on");
    if (!answer.body.size && give_root(version, &answer.body, payload, &err))
        kedge_httpd_fail(request, err.code, "%s", err.msg);
    else
        kedge_httpd_answer(request, &answer);
}

static const struct kedge_loop_server loop_server = {serve_loop, give_root};

static const struct kedge_httpd_route routes[] = {
    {.method = KEDGE_HTTPD_GET, .pattern = "/v1/root/{}", .handle = serve_root},
    {.method = KEDGE_HTTPD_POST,
     .pattern = "/v1/devices/{}/sync",
     .limit = 1024,
     .later = true,
     .handle = serve_http},
};

struct place {
    struct kedge_httpd *httpd;
    struct kedge_httpd_request *held;
    char url[64];
};

static struct kedge_transport *setup(struct place *place, const char *scheme)
{
    struct kedge_transport *transport;
    struct kedge_err err;
    *place = (struct place){0};
    struct kedge_httpd_options options = {.listen = "127.0.0.1:0",
                                          .routes = routes,
                                          .route_count = KEDGE_COUNT(routes),
                                          .payload = &place->held};
    cr_assert_eq(kedge_httpd_start(&options, &place->httpd, &err), 0, "%s", err.msg);
    kedge_loop_listen(&loop_server, NULL);
    if (strcmp(scheme, "http") == 0)
        snprintf(place->url, sizeof place->url, "http://%s", kedge_httpd_address(place->httpd));
    else
        snprintf(place->url, sizeof place->url, "%s:", scheme);
    struct kedge_transport_config config = {.url = place->url, .device = "cam-1"};
    cr_assert_eq(kedge_transport_open(&config, &transport, &err), 0, "%s", err.msg);
    return transport;
}

static void teardown(struct place *place, struct kedge_transport *transport)
{
    kedge_transport_close(transport);
    if (place->held)
        kedge_httpd_fail(place->held, KEDGE_UNAVAILABLE, "the end");
    kedge_httpd_stop(place->httpd);
    kedge_loop_listen(NULL, NULL);
}

static int exchange(struct kedge_transport *transport, const char *report,
                    struct kedge_buf *envelope, struct kedge_transport_notes *notes,
                    struct kedge_err *err)
{
    struct kedge_slice bytes = {report, strlen(report)};
    return transport->ops->exchange(transport, bytes, 0, 0, envelope, notes, err);
}

Test(transport, carries_a_report_and_brings_the_order)
{
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct place place;
        struct kedge_transport *transport = setup(&place, schemes[i]);
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
        struct kedge_transport_notes notes = {0};
        struct kedge_err err;
        for (int round = 0; round < 3; round++) {
            kedge_buf_clear(&envelope);
            cr_assert_eq(exchange(transport, "order", &envelope, &notes, &err), 0, "%s: %s",
                         schemes[i], err.msg);
            cr_assert_str_eq(envelope.data, "{\"payload\":\"\"}");
            cr_assert_str_eq(notes.grant, "exp=1,sig=aa");
            cr_assert_eq(notes.root, 7);
        }
        teardown(&place, transport);
    }
}

Test(transport, brings_nothing_where_there_is_nothing)
{
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct place place;
        struct kedge_transport *transport = setup(&place, schemes[i]);
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
        struct kedge_transport_notes notes = {0};
        struct kedge_err err;
        cr_assert_eq(exchange(transport, "idle", &envelope, &notes, &err), 0, "%s: %s", schemes[i],
                     err.msg);
        cr_assert_eq(envelope.size, 0);
        cr_assert_str_eq(notes.grant, "exp=1,sig=aa");
        cr_assert_eq(notes.root, 7);
        teardown(&place, transport);
    }
}

Test(transport, brings_a_root_that_has_an_end)
{
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct place place;
        struct kedge_transport *transport = setup(&place, schemes[i]);
        kedge_auto(kedge_buf) struct kedge_buf root = {0}, none = {0};
        struct kedge_err err;
        cr_assert_eq(transport->ops->root(transport, 7, 0, &root, &err), 0, "%s: %s", schemes[i],
                     err.msg);
        cr_assert_str_eq(root.data, "root 7");
        cr_expect_eq(transport->ops->root(transport, 8, 0, &none, &err), KEDGE_LIMIT, "%s: %s",
                     schemes[i], err.msg);
        cr_expect_eq(transport->ops->root(transport, 9, 0, &none, &err), KEDGE_NOTFOUND, "%s: %s",
                     schemes[i], err.msg);
        cr_expect_leq(none.size, KEDGE_LIMIT_ROOT);
        teardown(&place, transport);
    }
}

Test(transport, says_what_the_server_said)
{
    static const struct {
        const char *report;
        enum kedge_code code;
    } rows[] = {{"forged", KEDGE_DENIED}, {"unknown", KEDGE_NOTFOUND}, {"busy", KEDGE_UNAVAILABLE}};
    for (size_t i = 0; i < KEDGE_COUNT(schemes) * KEDGE_COUNT(rows); i++) {
        struct place place;
        struct kedge_transport *transport = setup(&place, schemes[i / KEDGE_COUNT(rows)]);
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
        struct kedge_transport_notes notes = {0};
        struct kedge_err err;
        cr_assert_eq(exchange(transport, rows[i % KEDGE_COUNT(rows)].report, &envelope, &notes,
                              &err),
                     (int)rows[i % KEDGE_COUNT(rows)].code, "%s: %s",
                     rows[i % KEDGE_COUNT(rows)].report, err.msg);
        cr_assert_eq(envelope.size, 0, "nothing is brought on failure");
        teardown(&place, transport);
    }
}

Test(transport, is_unavailable_while_the_server_is_away)
{
    for (size_t i = 0; i < KEDGE_COUNT(schemes); i++) {
        struct place place;
        struct kedge_transport *transport = setup(&place, schemes[i]);
        kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
        struct kedge_transport_notes notes = {0};
        struct kedge_err err;
        kedge_httpd_stop(place.httpd);
        place.httpd = NULL;
        kedge_loop_listen(NULL, NULL);
        cr_assert_eq(exchange(transport, "order", &envelope, &notes, &err), KEDGE_UNAVAILABLE,
                     "%s: %s", schemes[i], err.msg);
        teardown(&place, transport);
    }
}

/* Only what waits can be told to stop waiting. */
Test(transport, gives_up_a_held_answer)
{
    struct place place;
    struct kedge_transport *transport = setup(&place, "http");
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_transport_notes notes = {0};
    struct kedge_err err;
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    kedge_ms begun = kedge_clock_monotonic();
    struct kedge_slice report = {"hold", 4};
    cr_assert_neq(transport->ops->exchange(transport, report, 60000, ends[0], &envelope, &notes,
                                           &err),
                  0);
    cr_assert_lt(kedge_clock_monotonic() - begun, 20000);
    close(ends[0]);
    close(ends[1]);
    teardown(&place, transport);
}
