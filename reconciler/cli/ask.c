/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "net/httpc.h"
#include "server/once.h"

#define ANSWER_LIMIT KEDGE_GIB(1) /* the inventory of a million devices */
#define TIMEOUT      60000        /* ms */
#define PAGE         10000        /* the most that one answer holds */

static void add_encoded(struct kedge_buf *url, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++)
        kedge_buf_printf(url, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);
}

/* Appends "&name=value" ('?' first). */
static void add_parameter(struct kedge_buf *url, const char *name, const char *value)
{
    if (!value)
        return;
    kedge_buf_printf(url, "%c%s=", strchr(url->data, '?') ? '&' : '?', name);
    add_encoded(url, value);
}

/* Appends "/name" for a name that is part of the path. */
static void add_part(struct kedge_buf *url, const char *name)
{
    kedge_buf_putc(url, '/');
    add_encoded(url, name);
}

/* The question as the HTTP API has it: names of things in the path, what narrows as parameters. */
static void write_url(const char *server, const struct kedge_view_query *query,
                      struct kedge_buf *url)
{
    bool device = query->view == KEDGE_VIEW_DEVICE, model = query->view == KEDGE_VIEW_MODEL;
    bool explain = query->view == KEDGE_VIEW_EXPLAIN;
    size_t length = strlen(server);
    while (length && server[length - 1] == '/')
        length--;
    kedge_buf_add(url, server, length);
    kedge_buf_printf(url, "/v1/%s%s", kedge_word_name(&kedge_view_words, (int)query->view),
                     device || model ? "s" : "");
    if (device || explain)
        add_part(url, query->device);
    if (model || explain)
        add_part(url, query->instance);
    if (device || model || explain)
        return;
    char number[24], since[KEDGE_TIME_TEXT];
    snprintf(number, sizeof number, "%u", query->limit);
    add_parameter(url, "device", query->device);
    add_parameter(url, "instance", query->instance);
    add_parameter(url, "commit", query->commit);
    add_parameter(url, "after", query->after);
    add_parameter(url, "since", query->since ? kedge_clock_format(query->since, since) : NULL);
    add_parameter(url, "limit", query->limit ? number : NULL);
}

/* What a server says when it does not answer: {"error":{"code","message"}}. */
static int read_refusal(int status, const struct kedge_buf *body, struct kedge_err *err)
{
    json_t *document = NULL;
    const char *message = NULL;
    if (body->size && kedge_json_parse(body->data, body->size, body->size, &document, NULL) == 0)
        message = kedge_ask_text(document, "error.message");
    int code = kedge_err_set(err, kedge_httpc_code(status), "%s",
                             message ? message : "the server refused without saying why");
    json_decref(document);
    return code;
}

/* Whom is asked, for as long as there are questions. */
struct session {
    struct kedge_call *call;
    struct kedge_settings settings;
    struct kedge_once *once;
    struct kedge_httpc *client; /* NULL: the store is asked */
};

static void session_auto(struct session *session)
{
    kedge_httpc_free(session->client);
    kedge_once_close(session->once);
    kedge_settings_auto(&session->settings);
}

static int open_session(struct session *session, struct kedge_err *err)
{
    int code;
    if (kedge_command_has(session->call, KEDGE_OPTION_SERVER)) {
        code = kedge_httpc_init(err);
        session->client = code ? NULL : kedge_httpc_new();
        return code;
    }
    code = kedge_settings_fill(session->call, false, &session->settings, err);
    return code ? code : kedge_once_open(&session->settings.options, true, &session->once, err);
}

static int ask_server(struct session *session, const struct kedge_view_query *query,
                      struct kedge_buf *out, struct kedge_err *err)
{
    const char *server = kedge_command_value(session->call, KEDGE_OPTION_SERVER);
    kedge_auto(kedge_buf) struct kedge_buf url = {0}, body = {0};
    write_url(server, query, &url);
    struct kedge_httpc_request request = {
        .url = url.data,
        .ca_file = kedge_command_value(session->call, KEDGE_OPTION_CA_FILE),
        .timeout = TIMEOUT,
    };
    struct kedge_httpc_answer answer;
    int code = kedge_httpc_open(session->client, &request, &answer, err);
    if (!code) {
        code = kedge_httpc_read_all(session->client, ANSWER_LIMIT, &body, err);
        kedge_httpc_close(session->client);
    }
    if (code)
        return kedge_err_wrap(err, "no answer from the server (is 'kedge serve' running there?)");
    if (answer.status != 200)
        return read_refusal(answer.status, &body, err);
    kedge_buf_add(out, body.data, body.size);
    return 0;
}

static int ask(struct session *session, const struct kedge_view_query *query, struct kedge_buf *out,
               struct kedge_err *err)
{
    if (session->client)
        return ask_server(session, query, out, err);
    return kedge_server_query(kedge_once_server(session->once), query, kedge_clock_wall(), out,
                              err);
}

int kedge_ask_document(struct kedge_call *call, const struct kedge_view_query *query,
                       struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(session) struct session session = {.call = call};
    int code = open_session(&session, err);
    return code ? code : ask(&session, query, out, err);
}

static int ask_page(struct session *session, const struct kedge_view_query *query, json_t **out,
                    struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = ask(session, query, &text, err);
    return code ? code : kedge_json_parse(text.data, text.size, ANSWER_LIMIT, out, err);
}

/* --limit N; 0 when it is not given. */
static int read_limit(struct kedge_call *call, size_t *out, struct kedge_err *err)
{
    const char *text = kedge_command_value(call, KEDGE_OPTION_LIMIT);
    char *end;
    *out = text ? strtoul(text, &end, 10) : 0;
    if (text && (*text < '1' || *text > '9' || *end || *out > 1000000000))
        return kedge_command_misuse(call, err, "'--limit' takes a number from 1, not '%s'", text);
    return 0;
}

/* Moves the items of `page` behind those of `whole`. */
static void append_page(json_t *whole, json_t *page)
{
    json_array_extend(json_object_get(whole, "items"), json_object_get(page, "items"));
    json_t *next = json_object_get(page, "next");
    if (next)
        json_object_set(whole, "next", next);
    else
        json_object_del(whole, "next");
}

/* Views that come in pages. */
static bool is_list(enum kedge_view view)
{
    return view == KEDGE_VIEW_DEVICES || view == KEDGE_VIEW_MODELS || view == KEDGE_VIEW_HISTORY ||
           view == KEDGE_VIEW_DRIFT;
}

/* Asks for page after page until there is no more, or `limit` items are there (0: no limit). */
static int ask_pages(struct session *session, struct kedge_view_query query, size_t limit,
                     json_t **out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *whole = NULL;
    kedge_auto(kedge_buf) struct kedge_buf after = {0};
    for (size_t have = 0;;) {
        kedge_auto(kedge_json) json_t *page = NULL;
        if (is_list(query.view))
            query.limit = (uint32_t)(limit && limit - have < PAGE ? limit - have : PAGE);
        int code = ask_page(session, &query, &page, err);
        if (code)
            return code;
        if (whole)
            append_page(whole, page);
        else
            whole = json_incref(page);
        have = json_array_size(json_object_get(whole, "items"));
        const char *next = kedge_ask_text(whole, "next");
        if (!next || (limit && have >= limit))
            break;
        kedge_buf_clear(&after);
        kedge_buf_puts(&after, next);
        query.after = after.data;
    }
    *out = whole;
    whole = NULL;
    return 0;
}

int kedge_ask_view(struct kedge_call *call, const struct kedge_view_query *query, json_t **out,
                   struct kedge_err *err)
{
    kedge_auto(session) struct session session = {.call = call};
    size_t limit;
    int code = read_limit(call, &limit, err);
    if (!code)
        code = open_session(&session, err);
    return code ? code : ask_pages(&session, *query, limit, out, err);
}

static int add_piece(const char *text, size_t size, void *out)
{
    kedge_buf_add(out, text, size);
    return 0;
}

void kedge_ask_write(const json_t *document, struct kedge_buf *out)
{
    json_dump_callback(document, add_piece, out, JSON_COMPACT);
    kedge_buf_putc(out, '\n');
}

/* The value at "a.b.c", or NULL. */
static const json_t *find(const json_t *document, const char *path)
{
    char key[64];
    while (document && *path) {
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        document = json_object_get(document, key);
        path += length + (path[length] == '.');
    }
    return document;
}

const char *kedge_ask_text(const json_t *document, const char *path)
{
    return json_string_value(find(document, path));
}

int64_t kedge_ask_number(const json_t *document, const char *path)
{
    return json_integer_value(find(document, path));
}
