/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/limits.h"
#include "grant.h"

/* The work loop answers by this. */
static uint64_t name_request(struct kedge_httpd_request *request)
{
    return (uint64_t)(uintptr_t)request;
}

static struct kedge_httpd_request *request_of(uint64_t from)
{
    return (struct kedge_httpd_request *)(uintptr_t)from;
}

static void post(struct kedge_api *api, struct kedge_api_mail *mail,
                 struct kedge_httpd_request *request)
{
    mail->message.from = name_request(request);
    if (kedge_mailbox_put(api->inbox, mail))
        return;
    free(mail);
    kedge_httpd_fail(request, KEDGE_UNAVAILABLE, "the server is busy or ending; try again");
}

static struct kedge_api_mail *new_mail(enum kedge_server_message_kind kind)
{
    struct kedge_api_mail *mail = kedge_alloc_zeroed(sizeof *mail);
    mail->message.kind = kind;
    return mail;
}

const struct kedge_server_message *kedge_api_message(struct kedge_api_mail *mail)
{
    mail->message.commit = mail->commit;
    mail->message.failure = &mail->failure;
    mail->message.query = &mail->query;
    return &mail->message;
}

void kedge_api_answer(struct kedge_server_reply *reply)
{
    char root[24];
    snprintf(root, sizeof root, "%lld", (long long)reply->root);
    struct kedge_httpd_answer answer = {
        .status = kedge_httpd_status(reply->code),
        .type = reply->type,
        .body = reply->body,
        .headers = {{reply->grant[0] ? "Kedge-Blob-Grant" : NULL, reply->grant},
                    {reply->root ? "Kedge-Root" : NULL, root}},
    };
    if (!reply->type)
        answer.status = 204;
    else if (reply->waits)
        answer.status = 202;
    reply->body = (struct kedge_buf){0};
    kedge_httpd_answer(request_of(reply->from), &answer);
}

/* A decimal number up to `most`; false for anything else. */
static bool read_number(const char *text, long most, long *out)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || value < 0 || value > most)
        return false;
    *out = value;
    return *end == '\0' || *end == ',' || *end == ';' || *end == ' ';
}

/* "wait=30" among the preferences (RFC 7240); 0 when there is none. */
static kedge_ms read_wait(const char *prefer)
{
    const char *wait = prefer ? strstr(prefer, "wait=") : NULL;
    long seconds;
    if (!wait || (wait > prefer && wait[-1] != ' ' && wait[-1] != ',' && wait[-1] != ';'))
        return 0;
    return read_number(wait + 5, KEDGE_LIMIT_WAIT_MS / 1000, &seconds) ? seconds * 1000 : 0;
}

static void sync_device(struct kedge_httpd_request *request, void *payload)
{
    const char *device = request->parts[0];
    if (!kedge_name_valid(device, strlen(device))) {
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "this is no name of a device");
        return;
    }
    struct kedge_api_mail *mail = new_mail(KEDGE_SERVER_SYNC);
    mail->message.device = device;
    mail->message.evidence = request->body;
    mail->message.wait = read_wait(kedge_httpd_header(request, "Prefer"));
    post(payload, mail, request);
}

static void enrol_device(struct kedge_httpd_request *request, void *payload)
{
    struct kedge_api_mail *mail = new_mail(KEDGE_SERVER_ENROL);
    mail->message.evidence = request->body;
    post(payload, mail, request);
}

static void rotate_key(struct kedge_httpd_request *request, void *payload)
{
    const char *device = request->parts[0];
    if (!kedge_name_valid(device, strlen(device))) {
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "this is no name of a device");
        return;
    }
    struct kedge_api_mail *mail = new_mail(KEDGE_SERVER_ROTATE);
    mail->message.device = device;
    mail->message.evidence = request->body;
    post(payload, mail, request);
}

static void ask_root(struct kedge_httpd_request *request, void *payload)
{
    const char *text = request->parts[0];
    long version = 0;
    if (text && (!read_number(text, LONG_MAX, &version) || version == 0)) {
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "root documents are numbered from 1");
        return;
    }
    struct kedge_api_mail *mail = new_mail(KEDGE_SERVER_ROOT);
    mail->message.version = version;
    post(payload, mail, request);
}

static void ask_pass(struct kedge_httpd_request *request, void *payload)
{
    post(payload, new_mail(KEDGE_SERVER_RECONCILE), request);
}

/* A view: names come from the path or from the query, whichever the route has. */
static void ask_view(struct kedge_httpd_request *request, void *payload)
{
    enum kedge_view view = (enum kedge_view)request->route->tag;
    const char *limit = kedge_httpd_query(request, "limit");
    const char *since = kedge_httpd_query(request, "since");
    const char *first = request->parts[0], *second = request->parts[1];
    long items = 0;
    if (limit && !read_number(limit, INT32_MAX, &items)) {
        kedge_httpd_fail(request, KEDGE_INVALID, "'limit' must be a number");
        return;
    }
    struct kedge_api_mail *mail = new_mail(KEDGE_SERVER_QUERY);
    mail->query = (struct kedge_view_query){
        .view = view,
        .device = view == KEDGE_VIEW_MODEL ? NULL
                  : first                  ? first
                                           : kedge_httpd_query(request, "device"),
        .instance = view == KEDGE_VIEW_MODEL ? first
                    : second                 ? second
                                             : kedge_httpd_query(request, "instance"),
        .commit = kedge_httpd_query(request, "commit"),
        .after = kedge_httpd_query(request, "after"),
        .limit = (uint32_t)items,
    };
    if (since && !kedge_clock_parse(since, &mail->query.since)) {
        free(mail);
        kedge_httpd_fail(request, KEDGE_INVALID,
                         "'since' must be a time such as "
                         "2026-03-01T12:00:00Z");
        return;
    }
    post(payload, mail, request);
}

static void send_blob(struct kedge_httpd_request *request, void *payload)
{
    const struct kedge_api *api = payload;
    const char *hex = request->parts[0];
    const char *device = kedge_httpd_query(request, "device");
    const char *expires = kedge_httpd_query(request, "exp");
    const char *signature = kedge_httpd_query(request, "sig");
    uint8_t digest[KEDGE_DIGEST_SIZE];
    if (!device || !expires || !signature ||
        !kedge_grant_check(api->secret, device, expires, signature, kedge_clock_wall())) {
        kedge_httpd_fail(request, KEDGE_DENIED,
                         "no grant, or it is over: the answer to a sync brings a fresh one");
        return;
    }
    /* Only a digest names a file, so nothing else in the folder or above it can be asked for. */
    if (api->blobs < 0 || !kedge_hex_decode(hex, strlen(hex), digest, sizeof digest)) {
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "there is no such blob");
        return;
    }
    int fd = openat(api->blobs, hex, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        kedge_httpd_fail(request, errno == ENOENT ? KEDGE_NOTFOUND : KEDGE_IO,
                         "blob sha256:%s is not here: put it with 'kedge blob put'", hex);
    else
        kedge_httpd_send(request, fd, hex);
}

static void say_alive(struct kedge_httpd_request *request, void *payload)
{
    (void)payload;
    struct kedge_httpd_answer answer = {.status = 200, .type = "application/json"};
    kedge_buf_puts(&answer.body, "{\"alive\":true}");
    kedge_httpd_answer(request, &answer);
}

static const char *const evidence_types[] = {KEDGE_SERVER_ENVELOPE, "application/json", NULL};

#define VIEW(path, view)                                                                           \
    {                                                                                              \
        .method = KEDGE_HTTPD_GET, .pattern = path, .later = true, .handle = ask_view, .tag = view \
    }

static const struct kedge_httpd_route routes[] = {
    {.method = KEDGE_HTTPD_POST,
     .pattern = "/v1/devices/{}/sync",
     .limit = KEDGE_LIMIT_REPORT,
     .types = evidence_types,
     .later = true,
     .handle = sync_device},
    {.method = KEDGE_HTTPD_POST,
     .pattern = "/v1/enrol",
     .limit = KEDGE_LIMIT_ENROL,
     .types = evidence_types,
     .later = true,
     .handle = enrol_device},
    {.method = KEDGE_HTTPD_POST,
     .pattern = "/v1/devices/{}/key",
     .limit = KEDGE_LIMIT_ENROL,
     .types = evidence_types,
     .later = true,
     .handle = rotate_key},
    {.method = KEDGE_HTTPD_GET, .pattern = "/v1/root", .later = true, .handle = ask_root},
    {.method = KEDGE_HTTPD_GET, .pattern = "/v1/root/{}", .later = true, .handle = ask_root},
    {.method = KEDGE_HTTPD_GET, .pattern = "/v1/blobs/sha256/{}", .handle = send_blob},
    {.method = KEDGE_HTTPD_POST, .pattern = "/v1/reconcile", .later = true, .handle = ask_pass},
    VIEW("/v1/status", KEDGE_VIEW_STATUS),
    VIEW("/v1/devices", KEDGE_VIEW_DEVICES),
    VIEW("/v1/devices/{}", KEDGE_VIEW_DEVICE),
    VIEW("/v1/models", KEDGE_VIEW_MODELS),
    VIEW("/v1/models/{}", KEDGE_VIEW_MODEL),
    VIEW("/v1/explain/{}/{}", KEDGE_VIEW_EXPLAIN),
    VIEW("/v1/history", KEDGE_VIEW_HISTORY),
    VIEW("/v1/plan", KEDGE_VIEW_PLAN),
    VIEW("/v1/drift", KEDGE_VIEW_DRIFT),
    VIEW("/v1/findings", KEDGE_VIEW_FINDINGS),
    VIEW("/v1/inventory", KEDGE_VIEW_INVENTORY),
    VIEW("/metrics", KEDGE_VIEW_METRICS),
    VIEW("/readyz", KEDGE_VIEW_READY),
    {.method = KEDGE_HTTPD_GET, .pattern = "/healthz", .handle = say_alive},
};

int kedge_api_start(struct kedge_api *api, const char *listen, struct kedge_httpd **out,
                    struct kedge_err *err)
{
    struct kedge_httpd_options options = {
        .listen = listen,
        .routes = routes,
        .route_count = KEDGE_COUNT(routes),
        .payload = api,
    };
    return kedge_httpd_start(&options, out, err);
}
