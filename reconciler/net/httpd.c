/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"

#define THREADS  2    /* loops; the work is done elsewhere */
#define BACKLOG  4096 /* a fleet that comes back at once */
#define FLUSH_MS 2000 /* for answers on their way when it stops */
#define ADDRESS  128
#define SEGMENTS 640 /* bytes of a path: two names and the words around them */

struct kedge_httpd {
    struct MHD_Daemon *daemon;
    const struct kedge_httpd_route *routes;
    size_t route_count;
    void *payload;
    char address[ADDRESS];
    atomic_size_t active; /* requests begun and not completed */
    atomic_size_t bodies; /* bytes of body being held */
};

/* A request from its first byte to its last; `face` first, so that it is one. */
struct exchange {
    struct kedge_httpd_request face;
    struct kedge_httpd *httpd;
    struct MHD_Connection *connection;
    char path[SEGMENTS]; /* cut into segments */
    struct kedge_buf body;
    size_t reserved; /* of httpd->bodies */
    bool called;     /* its handler */
    bool suspended;

    int status; /* of the answer; 0: none yet */
    struct MHD_Response *response;
};

static struct exchange *exchange_of(const struct kedge_httpd_request *request)
{
    return (struct exchange *)(uintptr_t)request;
}

int kedge_httpd_status(enum kedge_code code)
{
    static const struct {
        enum kedge_code code;
        int status;
    } table[] = {
        {KEDGE_OK, MHD_HTTP_OK},
        {KEDGE_INVALID, MHD_HTTP_BAD_REQUEST},
        {KEDGE_DENIED, MHD_HTTP_FORBIDDEN},
        {KEDGE_NOTFOUND, MHD_HTTP_NOT_FOUND},
        {KEDGE_EXISTS, MHD_HTTP_CONFLICT},
        {KEDGE_CONFLICT, MHD_HTTP_CONFLICT},
        {KEDGE_LIMIT, MHD_HTTP_CONTENT_TOO_LARGE},
        {KEDGE_UNSUPPORTED, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE},
        {KEDGE_UNAVAILABLE, MHD_HTTP_SERVICE_UNAVAILABLE},
        {KEDGE_TIMEOUT, MHD_HTTP_GATEWAY_TIMEOUT},
    };
    for (size_t i = 0; i < KEDGE_COUNT(table); i++)
        if (table[i].code == code)
            return table[i].status;
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* Answers. */

/* The answer is whole; the loop that owns the connection sends it. */
static void hand_over(struct exchange *exchange, int status, struct MHD_Response *response)
{
    exchange->response = response;
    exchange->status = status;
    if (exchange->suspended)
        MHD_resume_connection(exchange->connection);
}

/* The buffer's memory becomes the response's. */
static struct MHD_Response *make_response(struct kedge_buf *body, const char *type)
{
    size_t size = body->size;
    char *data = size ? kedge_buf_take(body) : NULL;
    kedge_buf_release(body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, data,
                                        size ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response)
        abort(); /* small and fixed: memory is out */
    if (type)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    return response;
}

void kedge_httpd_answer(struct kedge_httpd_request *request, struct kedge_httpd_answer *answer)
{
    struct MHD_Response *response = make_response(&answer->body, answer->type);
    for (size_t i = 0; i < KEDGE_HTTPD_HEADERS; i++)
        if (answer->headers[i].name)
            (void)MHD_add_response_header(response, answer->headers[i].name,
                                          answer->headers[i].value);
    hand_over(exchange_of(request), answer->status, response);
}

static void write_error(struct kedge_buf *out, enum kedge_code code, const char *message)
{
    struct kedge_json_writer w = {.out = out};
    kedge_json_begin_object(&w);
    kedge_json_key(&w, "error");
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "code", kedge_code_name(code));
    kedge_json_add_string(&w, "message", message);
    kedge_json_end_object(&w);
    kedge_json_end_object(&w);
}

void kedge_httpd_fail(struct kedge_httpd_request *request, enum kedge_code code, const char *format,
                      ...)
{
    char message[KEDGE_ERR_TEXT];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    struct kedge_httpd_answer answer = {.status = kedge_httpd_status(code),
                                        .type = "application/json"};
    write_error(&answer.body, code, message);
    kedge_httpd_answer(request, &answer);
}

/* Files. */

struct range {
    uint64_t first, last;
};

static bool read_number(const char **text, uint64_t *out)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* One range of a file of `size` bytes: 1 is good, 0 to be ignored (RFC 9110 14.2), -1 beyond it. */
static int read_range(const char *text, uint64_t size, struct range *out)
{
    if (!text || strncmp(text, "bytes=", 6) != 0)
        return 0;
    text += 6;
    if (*text == '-') { /* the last so many bytes */
        uint64_t tail;
        text++;
        if (!read_number(&text, &tail) || *text)
            return 0;
        *out = (struct range){tail < size ? size - tail : 0, size - 1};
        return tail && size ? 1 : -1;
    }
    if (!read_number(&text, &out->first) || *text++ != '-')
        return 0;
    out->last = UINT64_MAX;
    if (*text && (!read_number(&text, &out->last) || *text))
        return 0;
    if (out->last < out->first)
        return 0;
    if (out->first >= size)
        return -1;
    if (out->last >= size)
        out->last = size - 1;
    return 1;
}

static void send_part(struct exchange *exchange, int fd, const char *quoted, uint64_t size,
                      const struct range *range)
{
    uint64_t length = range ? range->last - range->first + 1 : size;
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64(length, fd, range ? range->first : 0);
    if (!response)
        abort();
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, quoted);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  "application/octet-stream");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, immutable");
    if (range) {
        char text[96];
        snprintf(text, sizeof text, "bytes %llu-%llu/%llu", (unsigned long long)range->first,
                 (unsigned long long)range->last, (unsigned long long)size);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
    hand_over(exchange, range ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}

void kedge_httpd_send(struct kedge_httpd_request *request, int fd, const char *etag)
{
    struct exchange *exchange = exchange_of(request);
    struct kedge_httpd_answer answer = {0};
    struct stat status;
    struct range range;
    char quoted[160], all[64];
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        kedge_httpd_fail(request, KEDGE_NOTFOUND, "not a file");
        return;
    }
    uint64_t size = (uint64_t)status.st_size;
    snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    const char *known = kedge_httpd_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    const char *if_range = kedge_httpd_header(request, MHD_HTTP_HEADER_IF_RANGE);
    const char *wanted = kedge_httpd_header(request, MHD_HTTP_HEADER_RANGE);
    int found = if_range && strcmp(if_range, quoted) != 0 ? 0 : read_range(wanted, size, &range);
    if (known && strcmp(known, quoted) == 0) {
        close(fd);
        answer = (struct kedge_httpd_answer){.status = MHD_HTTP_NOT_MODIFIED,
                                             .headers = {{MHD_HTTP_HEADER_ETAG, quoted}}};
        kedge_httpd_answer(request, &answer);
    } else if (found < 0) {
        close(fd);
        snprintf(all, sizeof all, "bytes */%llu", (unsigned long long)size);
        answer = (struct kedge_httpd_answer){.status = MHD_HTTP_RANGE_NOT_SATISFIABLE,
                                             .headers = {{MHD_HTTP_HEADER_CONTENT_RANGE, all}}};
        kedge_httpd_answer(request, &answer);
    } else {
        send_part(exchange, fd, quoted, size, found ? &range : NULL);
    }
}

/* Requests. */

const char *kedge_httpd_query(const struct kedge_httpd_request *request, const char *name)
{
    return MHD_lookup_connection_value(exchange_of(request)->connection, MHD_GET_ARGUMENT_KIND,
                                       name);
}

const char *kedge_httpd_header(const struct kedge_httpd_request *request, const char *name)
{
    return MHD_lookup_connection_value(exchange_of(request)->connection, MHD_HEADER_KIND, name);
}

/* Compares `path` with `pattern` segment by segment; what {} stands for is cut out of `path`. */
static bool match(const char *pattern, char *path, const char *parts[KEDGE_HTTPD_PARTS])
{
    size_t part = 0;
    while (*pattern) {
        if (pattern[0] != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t length = strcspn(path, "/");
        if (length == 0)
            return false;
        parts[part++] = path;
        path += length;
        pattern += 2;
        if (*pattern != *path)
            return false;
        if (*path == '\0')
            return true;
        *path++ = '\0';
        pattern++;
    }
    return *path == '\0';
}

/* The route of a request. `*known` tells that the path exists with another method. */
static const struct kedge_httpd_route *find_route(struct exchange *exchange, const char *url,
                                                  const char *method, bool *known)
{
    const struct kedge_httpd *httpd = exchange->httpd;
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool writes = strcmp(method, "POST") == 0;
    *known = false;
    if (strlen(url) >= sizeof exchange->path)
        return NULL;
    for (size_t i = 0; i < httpd->route_count; i++) {
        const struct kedge_httpd_route *route = &httpd->routes[i];
        strncpy(exchange->path, url, sizeof exchange->path - 1); /* the last try has cut it */
        if (!match(route->pattern, exchange->path, exchange->face.parts))
            continue;
        if (route->method == KEDGE_HTTPD_GET ? reads : writes)
            return route;
        *known = true;
    }
    return NULL;
}

/* "application/json; charset=utf-8" is "application/json". */
static bool takes_type(const struct kedge_httpd_route *route, const char *type)
{
    if (!route->types)
        return true;
    size_t length = type ? strcspn(type, "; \t") : 0;
    for (const char *const *one = route->types; *one; one++)
        if (strlen(*one) == length && strncasecmp(*one, type, length) == 0)
            return true;
    return false;
}

/* Room for a body, of what all of them may take. */
static bool reserve(struct exchange *exchange, size_t more)
{
    struct kedge_httpd *httpd = exchange->httpd;
    if (atomic_fetch_add(&httpd->bodies, more) + more > KEDGE_LIMIT_HTTP_BODIES) {
        atomic_fetch_sub(&httpd->bodies, more);
        return false;
    }
    exchange->reserved += more;
    return true;
}

/* What can be refused before the body has come. */
static void admit(struct exchange *exchange, const char *url, const char *method)
{
    struct kedge_httpd_request *request = &exchange->face;
    bool known;
    const struct kedge_httpd_route *route = find_route(exchange, url, method, &known);
    request->route = route;
    if (!route) {
        if (!known) {
            kedge_httpd_fail(request, KEDGE_NOTFOUND, "there is nothing at this path");
            return;
        }
        struct kedge_httpd_answer answer = {.status = MHD_HTTP_METHOD_NOT_ALLOWED,
                                            .type = "application/json"};
        write_error(&answer.body, KEDGE_UNSUPPORTED, "this path does not take this method");
        kedge_httpd_answer(request, &answer);
        return;
    }
    const char *length = kedge_httpd_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strtoull(length, NULL, 10) > route->limit)
        kedge_httpd_fail(request, KEDGE_LIMIT, "the body is larger than %zu bytes", route->limit);
    else if (!takes_type(route, kedge_httpd_header(request, MHD_HTTP_HEADER_CONTENT_TYPE)))
        kedge_httpd_fail(request, KEDGE_UNSUPPORTED, "this path takes '%s'", route->types[0]);
}

/* A piece of the body. Once the request is refused, the rest is read and forgotten. */
static void collect(struct exchange *exchange, const char *data, size_t size)
{
    if (exchange->status)
        return;
    if (exchange->body.size + size > exchange->face.route->limit)
        kedge_httpd_fail(&exchange->face, KEDGE_LIMIT, "the body is larger than %zu bytes",
                         exchange->face.route->limit);
    else if (!reserve(exchange, size))
        kedge_httpd_fail(&exchange->face, KEDGE_UNAVAILABLE, "too much at once; try again");
    else
        kedge_buf_add(&exchange->body, data, size);
}

static enum MHD_Result queue(struct exchange *exchange)
{
    if (!exchange->status)
        kedge_httpd_fail(&exchange->face, KEDGE_INTERNAL, "no answer was given");
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned)exchange->status, exchange->response);
    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}

/* A `later` connection is put to sleep before its handler runs: the answer may be there before the
 * handler returns. */
static void call(struct exchange *exchange)
{
    exchange->called = true;
    exchange->face.body = kedge_buf_slice(&exchange->body);
    if (exchange->face.route->later) {
        exchange->suspended = true;
        MHD_suspend_connection(exchange->connection);
    }
    exchange->face.route->handle(&exchange->face, exchange->httpd->payload);
}

static enum MHD_Result take(void *payload, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data, size_t *size,
                            void **context)
{
    (void)version;
    struct exchange *exchange = *context;
    if (!exchange) {
        exchange = kedge_alloc_zeroed(sizeof *exchange);
        exchange->httpd = payload;
        exchange->connection = connection;
        atomic_fetch_add(&exchange->httpd->active, 1);
        *context = exchange;
        admit(exchange, url, method);
        return exchange->status ? queue(exchange) : MHD_YES;
    }
    if (*size) {
        collect(exchange, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (!exchange->status && !exchange->called) {
        bool later = exchange->face.route->later;
        call(exchange);
        if (later)
            return MHD_YES; /* from here on it may be gone on to its answer already */
    }
    return queue(exchange);
}

static void complete(void *payload, struct MHD_Connection *connection, void **context,
                     enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct kedge_httpd *httpd = payload;
    struct exchange *exchange = *context;
    if (!exchange)
        return;
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    kedge_buf_release(&exchange->body);
    atomic_fetch_sub(&httpd->bodies, exchange->reserved);
    atomic_fetch_sub(&httpd->active, 1);
    free(exchange);
    *context = NULL;
}

/* Listening. */

/* "host:port", "[v6]:port", "*:port". */
static bool split_address(const char *text, char host[ADDRESS], char port[16])
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1] || strlen(colon + 1) >= 16 || strlen(text) >= ADDRESS)
        return false;
    size_t length = (size_t)(colon - text);
    if (text[0] == '[' && length > 2 && colon[-1] == ']') {
        text++;
        length -= 2;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return strspn(port, "0123456789") == strlen(port);
}

static int listen_on(const char *address, int *out, struct kedge_err *err)
{
    char host[ADDRESS], port[16];
    if (!split_address(address, host, port))
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is no address: write HOST:PORT", address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    bool any = host[0] == '\0' || strcmp(host, "*") == 0;
    int code = getaddrinfo(any ? NULL : host, port, &hints, &found);
    if (code != 0)
        return kedge_err_set(err, KEDGE_INVALID, "cannot listen on '%s': %s", address,
                             gai_strerror(code));
    kedge_auto(kedge_fd) int fd =
        socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    bool bound = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                 bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    int error = errno;
    freeaddrinfo(found);
    if (!bound && error == EADDRINUSE)
        return kedge_err_set(err, KEDGE_CONFLICT, "cannot listen on '%s': it is in use", address);
    if (!bound)
        return kedge_err_sys(err, error, "cannot listen on '%s'", address);
    *out = fd;
    fd = -1;
    return 0;
}

static void name_address(int fd, char text[ADDRESS])
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[64] = "?", port[16] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        (void)getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, ADDRESS, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* A '%00' would end the path early, for us and not for a proxy before us: it stays as it is written,
 * and no route matches it. */
static size_t unescape(void *payload, struct MHD_Connection *connection, char *text)
{
    (void)payload;
    (void)connection;
    return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

int kedge_httpd_start(const struct kedge_httpd_options *options, struct kedge_httpd **out,
                      struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = -1;
    if (listen_on(options->listen, &fd, err) < 0)
        return err->code;
    struct kedge_httpd *httpd = kedge_alloc_zeroed(sizeof *httpd);
    httpd->routes = options->routes;
    httpd->route_count = options->route_count;
    httpd->payload = options->payload;
    name_address(fd, httpd->address);
    httpd->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO,
                         0, NULL, NULL, take, httpd, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)KEDGE_LIMIT_CONNECTIONS,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, KEDGE_LIMIT_HTTP_CONNECTION,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)KEDGE_LIMIT_HTTP_IDLE_S,
                         MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED,
                         complete, httpd, MHD_OPTION_END);
    if (!httpd->daemon) {
        free(httpd);
        return kedge_err_set(err, KEDGE_IO, "cannot start the HTTP server on '%s'",
                             options->listen);
    }
    fd = -1; /* the daemon's */
    *out = httpd;
    return 0;
}

const char *kedge_httpd_address(const struct kedge_httpd *httpd)
{
    return httpd->address;
}

void kedge_httpd_quiesce(struct kedge_httpd *httpd)
{
    int fd = MHD_quiesce_daemon(httpd->daemon);
    if (fd >= 0)
        close(fd);
}

void kedge_httpd_stop(struct kedge_httpd *httpd)
{
    if (!httpd)
        return;
    const struct timespec moment = {.tv_nsec = 5000000};
    for (int waited = 0; atomic_load(&httpd->active) && waited < FLUSH_MS; waited += 5)
        nanosleep(&moment, NULL);
    MHD_stop_daemon(httpd->daemon);
    free(httpd);
}
