/* SPDX-License-Identifier: Apache-2.0 */
/* POST {server}/v1/devices/{name}/sync: the report goes, 200 brings the envelope, 204 none. The long
 * poll is asked for with "Prefer: wait=<seconds>" (RFC 7240). GET {server}/v1/root/{version}. */
#include "drivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/httpc.h"

#define PATIENCE     30000 /* ms beyond `wait` for the answer to come */
#define CONTENT_TYPE "application/vnd.dsse.envelope.v1+json"

struct http {
    struct kedge_transport base;
    struct kedge_httpc *client;
    char *sync, *roots, *ca_file; /* URLs */
};

static int http_open(const struct kedge_transport_config *config, struct kedge_transport **out,
                     struct kedge_err *err)
{
    (void)err;
    struct http *http = kedge_alloc_zeroed(sizeof *http);
    struct kedge_buf sync = {0}, roots = {0};
    size_t base = strlen(config->url);
    while (base && config->url[base - 1] == '/')
        base--;
    kedge_buf_printf(&sync, "%.*s/v1/devices/%s/sync", (int)base, config->url, config->device);
    kedge_buf_printf(&roots, "%.*s/v1/root", (int)base, config->url);
    http->base.ops = &kedge_transport_http_ops;
    http->client = kedge_httpc_new();
    http->sync = kedge_buf_take(&sync);
    http->roots = kedge_buf_take(&roots);
    http->ca_file = config->ca_file ? kedge_alloc_strdup(config->ca_file) : NULL;
    *out = &http->base;
    return 0;
}

static void http_close(struct kedge_transport *self)
{
    struct http *http = (struct http *)self;
    kedge_httpc_free(http->client);
    free(http->sync);
    free(http->roots);
    free(http->ca_file);
    free(http);
}

/* 0 for anything that is no version. */
static int64_t read_version(const char *text)
{
    char *end;
    errno = 0;
    long long version = strtoll(text, &end, 10);
    return errno || end == text || *end || version < 0 ? 0 : version;
}

static int http_exchange(struct kedge_transport *self, struct kedge_slice report, kedge_ms wait,
                         int cancel, struct kedge_buf *envelope,
                         struct kedge_transport_notes *notes, struct kedge_err *err)
{
    struct http *http = (struct http *)self;
    char prefer[48];
    snprintf(prefer, sizeof prefer, "Prefer: wait=%lld", (long long)(wait / 1000));
    const char *const headers[] = {"Accept: " CONTENT_TYPE, wait >= 1000 ? prefer : NULL, NULL};
    const struct kedge_httpc_request request = {
        .url = http->sync,
        .post = true,
        .body = report,
        .content_type = CONTENT_TYPE,
        .headers = headers,
        .ca_file = http->ca_file,
        .timeout = wait + PATIENCE,
        .cancel = cancel,
        .wanted = {"Kedge-Blob-Grant", "Kedge-Root"},
    };
    struct kedge_httpc_answer answer;
    int code = kedge_httpc_open(http->client, &request, &answer, err);
    if (code)
        return code;
    size_t start = envelope->size;
    if (answer.status == 200 || answer.status == 204)
        code = kedge_httpc_read_all(http->client, KEDGE_LIMIT_ENVELOPE, envelope, err);
    else
        code = kedge_httpc_refused(http->client, answer.status, err);
    kedge_httpc_close(http->client);
    if (!code && answer.status == 200 && envelope->size == start)
        code = kedge_err_set(err, KEDGE_INVALID, "the server sent an empty envelope");
    if (code)
        return code;
    if (answer.headers[0][0])
        snprintf(notes->grant, sizeof notes->grant, "%s", answer.headers[0]);
    notes->root = read_version(answer.headers[1]);
    return 0;
}

static int http_root(struct kedge_transport *self, int64_t version, int cancel,
                     struct kedge_buf *out, struct kedge_err *err)
{
    struct http *http = (struct http *)self;
    kedge_auto(kedge_buf) struct kedge_buf url = {0};
    kedge_buf_printf(&url, "%s/%lld", http->roots, (long long)version);
    const struct kedge_httpc_request request = {.url = url.data,
                                                .ca_file = http->ca_file,
                                                .timeout = PATIENCE,
                                                .cancel = cancel};
    struct kedge_httpc_answer answer;
    int code = kedge_httpc_open(http->client, &request, &answer, err);
    if (code)
        return code;
    code = answer.status == 200 ? kedge_httpc_read_all(http->client, KEDGE_LIMIT_ROOT, out, err)
                                : kedge_httpc_refused(http->client, answer.status, err);
    kedge_httpc_close(http->client);
    return code;
}

const struct kedge_transport_ops kedge_transport_http_ops = {
    .scheme = "http",
    .open = http_open,
    .close = http_close,
    .exchange = http_exchange,
    .root = http_root,
};
const struct kedge_transport_ops kedge_transport_https_ops = {
    .scheme = "https",
    .open = http_open,
    .close = http_close,
    .exchange = http_exchange,
    .root = http_root,
};
