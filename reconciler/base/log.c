/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"

static const char *const level_names[] = {
    [KEDGE_LOG_ERROR] = "error",
    [KEDGE_LOG_WARN] = "warn",
    [KEDGE_LOG_INFO] = "info",
    [KEDGE_LOG_DEBUG] = "debug",
};

static atomic_int most_verbose = KEDGE_LOG_INFO;
static atomic_bool json_lines;

bool kedge_log_level_parse(const char *text, enum kedge_log_level *level)
{
    for (size_t i = 0; i < KEDGE_COUNT(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (enum kedge_log_level)i;
            return true;
        }
    }
    return false;
}

void kedge_log_set_level(enum kedge_log_level level)
{
    most_verbose = (int)level;
}

void kedge_log_set_json(bool json)
{
    json_lines = json;
}

/* A value that a reader could take for something else, or for a line of its own. */
static bool needs_quotes(const char *value)
{
    if (!*value)
        return true;
    for (const char *at = value; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return true;
    }
    return false;
}

static void put_json(struct kedge_buf *line, const char *time, const char *level,
                     const char *message, const struct kedge_log_field *fields)
{
    struct kedge_json_writer w = {.out = line};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "time", time);
    kedge_json_add_string(&w, "level", level);
    kedge_json_add_string(&w, "message", message);
    for (; fields && fields->key; fields++)
        kedge_json_add_string(&w, fields->key, fields->value);
    kedge_json_end_object(&w);
}

/* The message is ours but may quote foreign text: control characters become spaces, so that one
 * call is one line. */
static void put_plain(struct kedge_buf *line, const char *time, const char *level,
                      const char *message, const struct kedge_log_field *fields)
{
    kedge_buf_printf(line, "%s %s ", time, level);
    for (const char *at = message; *at; at++)
        kedge_buf_putc(line, (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at);
    for (; fields && fields->key; fields++) {
        if (!fields->value)
            continue;
        kedge_buf_printf(line, " %s=", fields->key);
        struct kedge_json_writer w = {.out = line};
        if (needs_quotes(fields->value))
            kedge_json_put_string(&w, fields->value);
        else
            kedge_buf_puts(line, fields->value);
    }
}

void kedge_log_write(enum kedge_log_level level, const struct kedge_log_field *fields,
                     const char *format, ...)
{
    if ((int)level > most_verbose)
        return;
    int kept = errno;
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    char time[KEDGE_TIME_TEXT];
    kedge_clock_format(kedge_clock_wall(), time);
    kedge_auto(kedge_buf) struct kedge_buf line = {0};
    if (json_lines)
        put_json(&line, time, level_names[level], message, fields);
    else
        put_plain(&line, time, level_names[level], message, fields);
    kedge_buf_putc(&line, '\n');
    /* One call keeps lines of several threads apart; a log that cannot be written has no one to
     * tell. */
    (void)!write(STDERR_FILENO, line.data, line.size);
    errno = kept;
}
