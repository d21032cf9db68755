/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP client over libcurl: one request at a time, its answer read as it comes. Blocks; for worker
 * threads. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"

/* Keeps connections alive between requests. One thread at a time. */
struct kedge_httpc;

/* Once per process, before threads. */
int kedge_httpc_init(struct kedge_err *err) KEDGE_MUST_CHECK;
struct kedge_httpc *kedge_httpc_new(void);
void kedge_httpc_free(struct kedge_httpc *client);
void kedge_httpc_auto(struct kedge_httpc **client);

#define KEDGE_HTTPC_HEADERS 2
#define KEDGE_HTTPC_HEADER  256

struct kedge_httpc_request {
    const char *url;
    bool post;               /* POST `body`, else GET */
    struct kedge_slice body; /* borrowed until the request is closed */
    const char *content_type;
    const char *const *headers; /* further "Name: value" lines, NULL at the end; or NULL */
    const char *ca_file;        /* or NULL: the system's */
    int64_t offset;             /* GET from this byte on */
    kedge_ms timeout; /* for the whole of it; 0: none, but a stalled transfer is still given up */
    bool redirects;   /* follow up to KEDGE_LIMIT_REDIRECTS, never from https to http */
    int cancel;       /* a descriptor that becomes readable to give up; 0: never */
    const char *wanted[KEDGE_HTTPC_HEADERS]; /* names of answer headers to keep, or NULL */
};

/* What is known once the headers are in. */
struct kedge_httpc_answer {
    int status;                                            /* 200, 404, ... */
    char headers[KEDGE_HTTPC_HEADERS][KEDGE_HTTPC_HEADER]; /* values of the wanted ones; empty when
                                                              absent or too long */
};

/* Sends and waits for the final headers. An answer of any status is a success here. KEDGE_TIMEOUT,
 * KEDGE_UNAVAILABLE (no connection, cancelled, cut), KEDGE_INVALID (URL), KEDGE_DENIED (TLS). */
int kedge_httpc_open(struct kedge_httpc *client, const struct kedge_httpc_request *request,
                     struct kedge_httpc_answer *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Up to `size` bytes of the body; *got 0 is its end. */
int kedge_httpc_read(struct kedge_httpc *client, void *data, size_t size, size_t *got,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* Appends the rest of the body; KEDGE_LIMIT beyond `limit` bytes. */
int kedge_httpc_read_all(struct kedge_httpc *client, size_t limit, struct kedge_buf *out,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
/* Ends the request; the connection is kept when the body was read to its end. */
void kedge_httpc_close(struct kedge_httpc *client);
/* The kedge code that an HTTP status stands for: 401 and 403 DENIED, 404 and 410 NOTFOUND, 408
 * TIMEOUT, 409 CONFLICT, 413 LIMIT, 429 and 5xx UNAVAILABLE, other 4xx INVALID. */
enum kedge_code kedge_httpc_code(int status);
/* Why a kedge server refused, after kedge_httpc_open: its {"error": {"code", "message"}}, foreign
 * text and so cut, as an error of the status' code. Reads the body; does not close. */
int kedge_httpc_refused(struct kedge_httpc *client, int status, struct kedge_err *err);
