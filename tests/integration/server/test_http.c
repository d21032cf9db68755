/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"

#define BLOB "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const struct kedge_slice nothing = {"", 0};

/* A long poll in a thread of its own: the test goes on meanwhile. */
struct poll {
    struct daemon_site *site;
    pthread_t thread;
    struct kedge_httpc *client;
    struct daemon_site other; /* the site as the thread sees it */
    int status;
    struct kedge_buf body;
};

static void *poll_run(void *payload)
{
    struct poll *poll = payload;
    poll->status = daemon_sync(&poll->other, 30000, &poll->body, NULL);
    return NULL;
}

static void poll_begin(struct poll *poll, struct daemon_site *site)
{
    *poll = (struct poll){.site = site, .client = kedge_httpc_new(), .other = *site};
    poll->other.client = poll->client;
    cr_assert_eq(pthread_create(&poll->thread, NULL, poll_run, poll), 0);
    usleep(300000); /* until it is held; were it not yet, the answer would be the same */
    site->press.counter = poll->other.press.counter;
    site->press.link = poll->other.press.link;
    site->press.last = poll->other.press.last;
}

static int poll_end(struct poll *poll)
{
    pthread_join(poll->thread, NULL);
    kedge_httpc_free(poll->client);
    return poll->status;
}

static void converge(struct daemon_site *site)
{
    kedge_auto(kedge_buf) struct kedge_buf order = {0}, rest = {0};
    daemon_await(site, "/readyz", "\"ready\":true");
    cr_assert_eq(daemon_sync(site, 0, &order, NULL), 200, "%s", order.data);
    daemon_obey(site, &order);
    cr_assert_eq(daemon_sync(site, 0, &rest, NULL), 204, "%s", rest.data);
}

Test(http, a_device_converges_and_is_woken_by_a_push)
{
    struct daemon_site site;
    struct poll poll;
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    daemon_site_make(&site);
    daemon_start(&site);
    converge(&site);
    poll_begin(&poll, &site);
    daemon_site_commit(&site, "1.1.0");
    cr_assert_eq(daemon_post(&site, "/v1/reconcile", nothing, NULL, 0, &body, NULL), 200);
    cr_assert_eq(poll_end(&poll), 200);
    daemon_obey(&site, &poll.body);
    kedge_buf_release(&poll.body);
    cr_assert_str_eq(site.press.instances[0].version, "1.1.0");
    cr_assert_eq(daemon_sync(&site, 0, &body, NULL), 204);
    daemon_await(&site, "/v1/explain/press/m", "\"sync\":\"Synced\"");
    daemon_await(&site, "/v1/history?device=press&limit=2", "\"ActionSucceeded\"");
    daemon_site_release(&site);
}

Test(http, sigterm_answers_who_waits_and_ends_cleanly)
{
    struct daemon_site site;
    struct poll poll;
    daemon_site_make(&site);
    daemon_start(&site);
    converge(&site);
    poll_begin(&poll, &site);
    cr_assert_eq(daemon_end(&site, SIGTERM), 0);
    cr_assert_eq(poll_end(&poll), 204);
    kedge_buf_release(&poll.body);
    daemon_site_release(&site);
}

Test(http, kill_and_restart_goes_on)
{
    struct daemon_site site;
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    daemon_site_make(&site);
    daemon_start(&site);
    converge(&site);
    daemon_site_commit(&site, "1.1.0");
    cr_assert_eq(daemon_post(&site, "/v1/reconcile", nothing, NULL, 0, &body, NULL), 200);
    daemon_await(&site, "/v1/history", "\"verb\":\"update\"");
    cr_assert_eq(daemon_end(&site, SIGKILL), -SIGKILL);

    char moved[400], gone[400]; /* nor does it need the repository for what it knows */
    snprintf(moved, sizeof moved, "%s/moved", site.tmp.path);
    snprintf(gone, sizeof gone, "%s/fleet", site.tmp.path);
    cr_assert_eq(rename(gone, moved), 0);
    daemon_start(&site);
    kedge_buf_clear(&body);
    cr_assert_eq(daemon_sync(&site, 0, &body, NULL), 200);
    daemon_obey(&site, &body);
    cr_assert_eq(site.press.generation, 2, "the order is the one from before");
    daemon_await(&site, "/v1/status", "\"reachable\":false");
    daemon_site_release(&site);
}

Test(http, a_second_daemon_is_told_who_has_the_store)
{
    struct daemon_site site;
    struct kedge_err err = {0};
    char pid[32];
    daemon_site_make(&site);
    daemon_start(&site);
    snprintf(pid, sizeof pid, "pid %d", (int)site.pid);
    cr_assert_eq(kedge_serve_run(&site.options, &err), KEDGE_CONFLICT);
    cr_assert_not_null(strstr(err.msg, pid), "%s", err.msg);
    daemon_site_release(&site);
}

Test(http, requests_are_bounded_and_refused_with_a_reason)
{
    struct daemon_site site;
    char *large = calloc(1, KEDGE_LIMIT_REPORT + 1);
    memset(large, 'x', KEDGE_LIMIT_REPORT + 1);
    const struct {
        const char *path;
        bool post;
        struct kedge_slice body;
        const char *type;
        int status;
        const char *says;
    } rows[] = {
        {"/healthz", false, nothing, NULL, 200, "\"alive\":true"},
        {"/nowhere", false, nothing, NULL, 404, "\"code\":\"notfound\""},
        {"/v1/../healthz", false, nothing, NULL, 0, NULL},
        {"/v1/status%00/further", false, nothing, NULL, 404, NULL},
        {"/v1/status", true, nothing, NULL, 405, "\"code\":\"unsupported\""},
        {"/v1/devices/press/sync", false, nothing, NULL, 405, NULL},
        {"/v1/devices/press/sync", true, {"{}", 2}, "text/plain", 415, "\"unsupported\""},
        {"/v1/devices/press/sync",
         true,
         {large, KEDGE_LIMIT_REPORT + 1},
         "application/json",
         413,
         NULL},
        {"/v1/devices/press/sync",
         true,
         {large, KEDGE_LIMIT_REPORT},
         "application/json",
         400,
         NULL},
        {"/v1/devices/press/sync", true, {"{}", 2}, "application/json", 400, "\"invalid\""},
        {"/v1/devices/nobody/sync", true, {"{}", 2}, "application/json", 404, "nobody"},
        {"/v1/devices/UPPER/sync", true, {"{}", 2}, "application/json", 404, NULL},
        {"/v1/devices?limit=many", false, nothing, NULL, 400, "'limit'"},
        {"/v1/history?since=yesterday", false, nothing, NULL, 400, "'since'"},
        {"/v1/devices/nobody", false, nothing, NULL, 404, "nobody"},
        {"/v1/devices/press", false, nothing, NULL, 200, "\"enrolled\":true"},
        {"/v1/devices?limit=1", false, nothing, NULL, 200, "\"press\""},
        {"/v1/models", false, nothing, NULL, 200, "\"latest\":\"1.1.0\""},
        {"/v1/models/m", false, nothing, NULL, 200, "\"releases\":[{\"version\":\"1.0.0\""},
        {"/v1/plan", false, nothing, NULL, 200, "kedge.dev/plan/v1"},
        {"/v1/inventory", false, nothing, NULL, 200, "kedge.dev/inventory/v1"},
        {"/v1/findings", false, nothing, NULL, 200, "\"errors\":0"},
        {"/v1/drift", false, nothing, NULL, 200, "\"drifted\":0"},
        {"/metrics", false, nothing, NULL, 200, "# EOF\n"},
    };
    daemon_site_make(&site);
    daemon_start(&site);
    daemon_await(&site, "/readyz", "\"ready\":true");
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf body = {0};
        int status = rows[i].post ? daemon_post(&site, rows[i].path, rows[i].body, rows[i].type, 0,
                                                &body, NULL)
                                  : daemon_get(&site, rows[i].path, 0, NULL, &body);
        if (rows[i].status)
            cr_expect_eq(status, rows[i].status, "%s: %d %s", rows[i].path, status, body.data);
        if (rows[i].says)
            cr_expect_not_null(strstr(body.data, rows[i].says), "%s: %s", rows[i].path, body.data);
    }
    free(large);
    daemon_site_release(&site);
}

static void write_blob(const struct daemon_site *site, const char *name, const char *text)
{
    char path[512];
    struct kedge_err err;
    snprintf(path, sizeof path, "%s/%s", site->blobs, name);
    cr_assert_eq(kedge_fs_write(AT_FDCWD, path, text, strlen(text), 0600, &err), 0, "%s", err.msg);
}

Test(http, blobs_are_for_who_has_a_grant)
{
    struct daemon_site site;
    char grant[256], good[512], path[512], expires[32], signature[80];
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    daemon_site_make(&site);
    write_blob(&site, BLOB, "0123456789");
    write_blob(&site, "secret", "not a blob");
    daemon_start(&site);
    daemon_await(&site, "/readyz", "\"ready\":true");
    cr_assert_eq(daemon_sync(&site, 0, &body, grant), 200);
    cr_assert_eq(sscanf(grant, "exp=%31[0-9],sig=%79[0-9a-f]", expires, signature), 2, "%s", grant);

    const struct {
        const char *name, *device;
        int status;
    } rows[] = {{BLOB, "press", 200},
                {BLOB, "lathe", 403},
                {"secret", "press", 404},
                {"..%2Fdirector.key", "press", 404},
                {"%2E%2E", "press", 404},
                {BLOB "00", "press", 404},
                {"0000000000000000000000000000000000000000000000000000000000000000", "press", 404}};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_buf_clear(&body);
        snprintf(path, sizeof path, "/v1/blobs/sha256/%s?device=%s&exp=%s&sig=%s", rows[i].name,
                 rows[i].device, expires, signature);
        cr_expect_eq(daemon_get(&site, path, 0, NULL, &body), rows[i].status, "%s", path);
    }
    cr_assert_eq(daemon_get(&site, "/v1/blobs/sha256/" BLOB, 0, NULL, &body), 403);

    snprintf(good, sizeof good, "/v1/blobs/sha256/%s?device=press&exp=%s&sig=%s", BLOB, expires,
             signature);
    const struct {
        const char *header;
        int status;
        const char *content;
    } ranges[] = {{"Range: bytes=3-5", 206, "345"},
                  {"Range: bytes=7-", 206, "789"},
                  {"Range: bytes=-2", 206, "89"},
                  {"Range: bytes=8-100", 206, "89"},
                  {"Range: bytes=10-", 416, ""},
                  {"Range: bytes=5-3", 200, "0123456789"},
                  {"Range: bytes=1-2,4-5", 200, "0123456789"},
                  {"Range: lines=1-2", 200, "0123456789"},
                  {"If-None-Match: \"" BLOB "\"", 304, ""}};
    for (size_t i = 0; i < KEDGE_COUNT(ranges); i++) {
        const char *const headers[] = {ranges[i].header, NULL};
        kedge_buf_clear(&body);
        cr_expect_eq(daemon_get(&site, good, 0, headers, &body), ranges[i].status, "%s",
                     ranges[i].header);
        cr_expect_eq(body.size, strlen(ranges[i].content), "%s: %zu", ranges[i].header, body.size);
        if (body.size)
            cr_expect_str_eq(body.data, ranges[i].content);
    }
    daemon_site_release(&site);
}
