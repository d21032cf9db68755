/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 server over libmicrohttpd: routes, bounds, and answers that may come later from another
 * thread.
 *
 * A request is matched, bounded and read whole before its handler runs, on one of a few threads of
 * the server's own. The handler answers with exactly one of _answer, _send and _fail: before it
 * returns, or, on a route that says `later`, at any time from any thread. A request is gone once it
 * is answered. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"

struct kedge_httpd;

enum kedge_httpd_method { KEDGE_HTTPD_GET, KEDGE_HTTPD_POST };

#define KEDGE_HTTPD_PARTS 4

/* Borrowed until it is answered. */
struct kedge_httpd_request {
    const struct kedge_httpd_route *route;
    const char *parts[KEDGE_HTTPD_PARTS]; /* what each {} of the pattern stands for */
    struct kedge_slice body;
};

typedef void kedge_httpd_handler(struct kedge_httpd_request *request, void *payload);

struct kedge_httpd_route {
    enum kedge_httpd_method method; /* GET answers HEAD too */
    const char *pattern;            /* "/v1/devices/{}/sync": {} is one segment */
    size_t limit;                   /* bytes of body; 0: none may come */
    const char *const *types;       /* media types it takes, NULL at the end; NULL: any */
    bool later;
    kedge_httpd_handler *handle;
    int tag; /* the handler's own */
};

struct kedge_httpd_options {
    const char *listen;                     /* "127.0.0.1:8411", "[::1]:0", "*:8411" */
    const struct kedge_httpd_route *routes; /* borrowed */
    size_t route_count;
    void *payload; /* of every handler */
};

/* Listens and serves. KEDGE_INVALID: no such address; KEDGE_CONFLICT: it is in use; KEDGE_DENIED: it
 * may not be used. */
int kedge_httpd_start(const struct kedge_httpd_options *options, struct kedge_httpd **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* "127.0.0.1:43817": what it listens on. */
const char *kedge_httpd_address(const struct kedge_httpd *httpd);
/* Takes no further connections. */
void kedge_httpd_quiesce(struct kedge_httpd *httpd);
/* Waits a moment for answers on their way, then closes everything. Every `later` request must have
 * been answered. NULL is fine. */
void kedge_httpd_stop(struct kedge_httpd *httpd);

/* NULL when absent. */
const char *kedge_httpd_query(const struct kedge_httpd_request *request, const char *name);
const char *kedge_httpd_header(const struct kedge_httpd_request *request, const char *name);

#define KEDGE_HTTPD_HEADERS 2

struct kedge_httpd_answer {
    int status;
    const char *type;      /* static; NULL: there is no body */
    struct kedge_buf body; /* taken over */
    /* Further headers; copied; a NULL name: none. */
    struct {
        const char *name, *value;
    } headers[KEDGE_HTTPD_HEADERS];
};

void kedge_httpd_answer(struct kedge_httpd_request *request, struct kedge_httpd_answer *answer);
/* A file as it is, with ranges and validators (RFC 9110 section 13, 14); `fd` is taken over. `etag`
 * without quotes names its bytes. */
void kedge_httpd_send(struct kedge_httpd_request *request, int fd, const char *etag);
/* {"error":{"code","message"}} with the status that _status gives. */
void kedge_httpd_fail(struct kedge_httpd_request *request, enum kedge_code code, const char *format,
                      ...) KEDGE_PRINTF(3, 4);
/* INVALID 400, DENIED 403, NOTFOUND 404, EXISTS and CONFLICT 409, LIMIT 413, UNSUPPORTED 415,
 * UNAVAILABLE 503, TIMEOUT 504, others 500; 200 for KEDGE_OK. */
int kedge_httpd_status(enum kedge_code code);
