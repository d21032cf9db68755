/* SPDX-License-Identifier: Apache-2.0 */
/* "http:", "https:" and "hub:": GET with ranges (RFC 9110 section 14). */
#include "drivers.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "net/httpc.h"

struct http {
    struct kedge_artifact base;
    struct kedge_httpc *client;
};

static int open_url(const struct kedge_artifact_origin *origin, const char *url, int64_t *offset,
                    struct kedge_artifact **out, struct kedge_err *err)
{
    const struct kedge_httpc_request request = {
        .url = url,
        .ca_file = origin->ca_file,
        .offset = *offset,
        .redirects = true,
        .cancel = origin->cancel,
    };
    struct kedge_httpc_answer answer;
    kedge_auto(kedge_httpc) struct kedge_httpc *client = kedge_httpc_new();
    int code = kedge_httpc_open(client, &request, &answer, err);
    if (code)
        return code;
    /* 416: what we have is not a part of what is there. */
    if (answer.status == 416 && *offset > 0)
        return kedge_err_set(err, KEDGE_CORRUPT, "the source is smaller than what was fetched");
    if ((code = kedge_httpc_code(answer.status)))
        return kedge_err_set(err, (enum kedge_code)code, "the source answered with status %d",
                             answer.status);
    if (answer.status != 206)
        *offset = 0;
    struct http *http = kedge_alloc_zeroed(sizeof *http);
    http->base.ops = &kedge_artifact_http_ops;
    http->client = client;
    client = NULL;
    *out = &http->base;
    return 0;
}

static int http_open(const struct kedge_artifact_origin *origin, int64_t *offset,
                     struct kedge_artifact **out, struct kedge_err *err)
{
    return open_url(origin, origin->url, offset, out, err);
}

/* The grant is "exp=<unix>,sig=<hex>"; in a URL it is two parameters. */
static int hub_open(const struct kedge_artifact_origin *origin, int64_t *offset,
                    struct kedge_artifact **out, struct kedge_err *err)
{
    if (!origin->hub || !origin->grant)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "the server has not granted access to its artifacts yet");
    kedge_auto(kedge_buf) struct kedge_buf url = {0};
    char hex[KEDGE_DIGEST_HEX];
    kedge_hex_encode(origin->digest.bytes, sizeof origin->digest.bytes, hex);
    kedge_buf_printf(&url, "%s/v1/blobs/sha256/%s?device=%s&", origin->hub, hex,
                     origin->device ? origin->device : "");
    for (const char *c = origin->grant; *c; c++)
        if (*c != ' ')
            kedge_buf_putc(&url, *c == ',' ? '&' : *c);
    return open_url(origin, url.data, offset, out, err);
}

static int http_read(struct kedge_artifact *self, void *data, size_t size, size_t *got,
                     struct kedge_err *err)
{
    return kedge_httpc_read(((struct http *)self)->client, data, size, got, err);
}

static void http_close(struct kedge_artifact *self)
{
    kedge_httpc_free(((struct http *)self)->client);
    free(self);
}

const struct kedge_artifact_ops kedge_artifact_http_ops = {
    .scheme = "http",
    .open = http_open,
    .read = http_read,
    .close = http_close,
};
const struct kedge_artifact_ops kedge_artifact_https_ops = {
    .scheme = "https",
    .open = http_open,
    .read = http_read,
    .close = http_close,
};
const struct kedge_artifact_ops kedge_artifact_hub_ops = {
    .scheme = "hub",
    .open = hub_open,
    .read = http_read,
    .close = http_close,
};
