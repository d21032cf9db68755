/* SPDX-License-Identifier: Apache-2.0 */
#include "httpc.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

#define CONNECT_TIMEOUT 15000L         /* ms */
#define STALL_SPEED     64L            /* bytes a second ... */
#define STALL_TIME      60L            /* ... over this many seconds: the transfer is dead */
#define WINDOW          KEDGE_KIB(512) /* unread body before the sender is held back */
#define ONE_POLL        60000
#define ERROR_LIMIT     KEDGE_KIB(16) /* of an error document */

struct kedge_httpc {
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    int cancel;
    kedge_ms deadline; /* monotonic; 0: none */
    const char *wanted[KEDGE_HTTPC_HEADERS];
    struct kedge_buf body; /* received, not read yet: from `taken` on */
    size_t taken;
    bool answered; /* the final headers are in */
    bool paused, added, ended;
    CURLcode result;
    struct kedge_httpc_answer answer;
    char detail[CURL_ERROR_SIZE];
};

int kedge_httpc_init(struct kedge_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return kedge_err_set(err, KEDGE_INTERNAL, "libcurl cannot be initialised");
    return 0;
}

struct kedge_httpc *kedge_httpc_new(void)
{
    struct kedge_httpc *client = kedge_alloc_zeroed(sizeof *client);
    client->multi = curl_multi_init();
    client->easy = curl_easy_init();
    if (!client->multi || !client->easy)
        abort();
    return client;
}

void kedge_httpc_free(struct kedge_httpc *client)
{
    if (!client)
        return;
    kedge_httpc_close(client);
    curl_easy_cleanup(client->easy);
    curl_multi_cleanup(client->multi);
    kedge_buf_release(&client->body);
    free(client);
}

void kedge_httpc_auto(struct kedge_httpc **client)
{
    kedge_httpc_free(*client);
}

static size_t on_body(char *data, size_t size, size_t count, void *payload)
{
    struct kedge_httpc *client = payload;
    client->answered = true;
    if (client->body.size - client->taken >= WINDOW) {
        client->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    kedge_buf_add(&client->body, data, size * count);
    return size * count;
}

/* Keeps the value of the header line if it is the one called `name`. */
static void keep_header(const char *data, size_t length, const char *name,
                        char out[KEDGE_HTTPC_HEADER])
{
    size_t size = name ? strlen(name) : 0;
    if (!size || length <= size || data[size] != ':' || strncasecmp(data, name, size) != 0)
        return;
    const char *value = data + size + 1, *end = data + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && strchr(" \t\r\n", end[-1]))
        end--;
    if (end - value < KEDGE_HTTPC_HEADER) {
        memcpy(out, value, (size_t)(end - value));
        out[end - value] = '\0';
    }
}

/* Of the last answer: a redirect's headers come before it. */
static size_t on_header(char *data, size_t size, size_t count, void *payload)
{
    struct kedge_httpc *client = payload;
    size_t length = size * count;
    if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
        memset(client->answer.headers, 0, sizeof client->answer.headers);
    for (size_t i = 0; i < KEDGE_HTTPC_HEADERS; i++)
        keep_header(data, length, client->wanted[i], client->answer.headers[i]);
    return length;
}

static void set_headers(struct kedge_httpc *client, const struct kedge_httpc_request *request)
{
    struct kedge_buf type = {0};
    if (request->content_type) {
        kedge_buf_printf(&type, "Content-Type: %s", request->content_type);
        client->headers = curl_slist_append(client->headers, type.data);
    }
    kedge_buf_release(&type);
    for (const char *const *line = request->headers; line && *line; line++)
        client->headers = curl_slist_append(client->headers, *line);
    /* No "Expect: 100-continue": it costs a round trip. */
    client->headers = curl_slist_append(client->headers, "Expect:");
    curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, client->headers);
}

static void prepare(struct kedge_httpc *client, const struct kedge_httpc_request *request)
{
    CURL *easy = client->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "kedge/" KEDGE_VERSION_TEXT);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                     strncasecmp(request->url, "https:", 6) == 0 ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request->redirects ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)KEDGE_LIMIT_REDIRECTS);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L * 1024);
    if (!request->timeout) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, STALL_SPEED);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALL_TIME);
    }
    if (request->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->offset > 0) {
        /* Not CURLOPT_RESUME_FROM: that fails where the server sends the whole instead. */
        char range[32];
        snprintf(range, sizeof range, "%lld-", (long long)request->offset);
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    }
    if (request->post) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data ? request->body.data : "");
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->detail);
    set_headers(client, request);
}

static const struct {
    CURLcode curl;
    enum kedge_code code;
} results[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, KEDGE_UNSUPPORTED}, {CURLE_URL_MALFORMAT, KEDGE_INVALID},
    {CURLE_OPERATION_TIMEDOUT, KEDGE_TIMEOUT},       {CURLE_PEER_FAILED_VERIFICATION, KEDGE_DENIED},
    {CURLE_SSL_CACERT_BADFILE, KEDGE_DENIED},        {CURLE_TOO_MANY_REDIRECTS, KEDGE_INVALID},
};

static int failed(const struct kedge_httpc *client, struct kedge_err *err)
{
    enum kedge_code code = KEDGE_UNAVAILABLE;
    for (size_t i = 0; i < KEDGE_COUNT(results); i++)
        if (results[i].curl == client->result)
            code = results[i].code;
    return kedge_err_set(err, code, "%s",
                         client->detail[0] ? client->detail : curl_easy_strerror(client->result));
}

static int expired(const struct kedge_httpc *client, kedge_ms *wait, struct kedge_err *err)
{
    *wait = ONE_POLL;
    if (!client->deadline)
        return 0;
    *wait = client->deadline - kedge_clock_monotonic();
    return *wait > 0 ? 0 : kedge_err_set(err, KEDGE_TIMEOUT, "no answer in time");
}

/* Lets the transfer go on until something has come in, or it has ended. */
static int turn(struct kedge_httpc *client, struct kedge_err *err)
{
    int running;
    curl_multi_perform(client->multi, &running);
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));)
        if (message->msg == CURLMSG_DONE) {
            client->ended = client->answered = true;
            client->result = message->data.result;
        }
    if (client->ended)
        return client->result == CURLE_OK ? 0 : failed(client, err);
    if (client->answered && client->taken < client->body.size)
        return 0;
    kedge_ms wait;
    int code = expired(client, &wait, err);
    if (code)
        return code;
    struct curl_waitfd cancel = {.fd = client->cancel, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(client->multi, &cancel, client->cancel > 0 ? 1 : 0, (int)wait, NULL);
    if (cancel.revents)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "cancelled");
    return 0;
}

int kedge_httpc_open(struct kedge_httpc *client, const struct kedge_httpc_request *request,
                     struct kedge_httpc_answer *out, struct kedge_err *err)
{
    kedge_httpc_close(client);
    client->cancel = request->cancel;
    memcpy(client->wanted, request->wanted, sizeof client->wanted);
    client->deadline = request->timeout ? kedge_clock_monotonic() + request->timeout : 0;
    prepare(client, request);
    curl_multi_add_handle(client->multi, client->easy);
    client->added = true;
    while (!client->answered) {
        int code = turn(client, err);
        if (code) {
            kedge_httpc_close(client);
            return kedge_err_wrap(err, "'%.200s'", request->url);
        }
    }
    long status = 0;
    curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
    client->answer.status = (int)status;
    *out = client->answer;
    return 0;
}

int kedge_httpc_read(struct kedge_httpc *client, void *data, size_t size, size_t *got,
                     struct kedge_err *err)
{
    while (client->taken == client->body.size && !client->ended) {
        kedge_buf_clear(&client->body);
        client->taken = 0;
        if (client->paused) {
            client->paused = false;
            curl_easy_pause(client->easy, CURLPAUSE_CONT);
        }
        int code = turn(client, err);
        if (code)
            return code;
    }
    size_t left = client->body.size - client->taken;
    *got = left < size ? left : size;
    if (*got)
        memcpy(data, client->body.data + client->taken, *got);
    client->taken += *got;
    return 0;
}

int kedge_httpc_read_all(struct kedge_httpc *client, size_t limit, struct kedge_buf *out,
                         struct kedge_err *err)
{
    size_t start = out->size;
    char chunk[16384];
    for (size_t got = 1; got;) {
        int code = kedge_httpc_read(client, chunk, sizeof chunk, &got, err);
        if (!code && out->size - start + got > limit)
            code = kedge_err_set(err, KEDGE_LIMIT, "the answer is larger than %zu bytes", limit);
        if (code) {
            out->size = start;
            return code;
        }
        kedge_buf_add(out, chunk, got);
    }
    return 0;
}

void kedge_httpc_close(struct kedge_httpc *client)
{
    if (client->added)
        curl_multi_remove_handle(client->multi, client->easy);
    curl_slist_free_all(client->headers);
    client->headers = NULL;
    kedge_buf_release(&client->body);
    client->taken = 0;
    client->added = client->answered = client->paused = client->ended = false;
    client->detail[0] = '\0';
    client->answer = (struct kedge_httpc_answer){0};
}

enum kedge_code kedge_httpc_code(int status)
{
    static const struct {
        int status;
        enum kedge_code code;
    } codes[] = {
        {401, KEDGE_DENIED},  {403, KEDGE_DENIED},      {404, KEDGE_NOTFOUND},
        {408, KEDGE_TIMEOUT}, {409, KEDGE_CONFLICT},    {410, KEDGE_NOTFOUND},
        {413, KEDGE_LIMIT},   {429, KEDGE_UNAVAILABLE},
    };
    for (size_t i = 0; i < KEDGE_COUNT(codes); i++)
        if (codes[i].status == status)
            return codes[i].code;
    if (status >= 200 && status < 300)
        return KEDGE_OK;
    return status >= 500 ? KEDGE_UNAVAILABLE : KEDGE_INVALID;
}

int kedge_httpc_refused(struct kedge_httpc *client, int status, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    kedge_auto(kedge_json) json_t *json = NULL;
    json_t *error;
    const char *message = NULL;
    if (kedge_httpc_read_all(client, ERROR_LIMIT, &body, NULL) == 0 && body.size &&
        kedge_json_parse(body.data, body.size, ERROR_LIMIT, &json, NULL) == 0 &&
        kedge_json_object(json, "error", &error, NULL) == 0 &&
        kedge_json_string(error, "message", &message, NULL) != 0)
        message = NULL;
    enum kedge_code code = kedge_httpc_code(status);
    return kedge_err_set(err, code ? code : KEDGE_INVALID,
                         "the server answered with status %d%s%.300s", status, message ? ": " : "",
                         message ? message : "");
}
