/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

/* What `write` puts on stderr. */
static struct kedge_buf captured(void (*write)(void))
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    write();
    dup2(kept, STDERR_FILENO);
    close(kept);
    struct kedge_buf text = {0};
    char block[4096];
    for (ssize_t got; (got = read(ends[0], block, sizeof block)) > 0;)
        kedge_buf_add(&text, block, (size_t)got);
    close(ends[0]);
    return text;
}

static void write_one(void)
{
    errno = EAGAIN;
    kedge_log_write(KEDGE_LOG_INFO,
                    KEDGE_FIELDS({"rev", "3f2a"}, {"left-out", NULL}, {"device", "cam 7\n"},
                                 {"empty", ""}, {"eq", "a=b"}),
                    "reconciled %d\nforged line", 3);
    cr_assert_eq(errno, EAGAIN);
}

Test(log, one_call_is_one_line)
{
    kedge_auto(kedge_buf) struct kedge_buf text = captured(write_one);
    cr_assert_eq(strchr(text.data, '\n'), text.data + text.size - 1);
    text.data[text.size - 1] = '\0';
    char *rest = strchr(text.data, ' ');
    cr_assert_str_eq(rest, " info reconciled 3 forged line rev=3f2a device=\"cam 7\\n\" empty=\"\" "
                           "eq=\"a=b\"");
    *rest = '\0';
    kedge_ms at;
    cr_assert(kedge_clock_parse(text.data, &at));
}

Test(log, json_lines)
{
    kedge_log_set_json(true);
    kedge_auto(kedge_buf) struct kedge_buf text = captured(write_one);
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_json_parse(text.data, text.size, 4096, &json, &err), 0, "%s", err.msg);
    const char *value = NULL;
    cr_assert_eq(kedge_json_string(json, "level", &value, &err), 0);
    cr_assert_str_eq(value, "info");
    cr_assert_eq(kedge_json_string(json, "message", &value, &err), 0);
    cr_assert_str_eq(value, "reconciled 3\nforged line");
    cr_assert_eq(kedge_json_string(json, "device", &value, &err), 0);
    cr_assert_str_eq(value, "cam 7\n");
    cr_assert_null(json_object_get(json, "left-out"));
}

static void write_each_level(void)
{
    kedge_log_write(KEDGE_LOG_ERROR, NULL, "e");
    kedge_log_write(KEDGE_LOG_WARN, NULL, "w");
    kedge_log_write(KEDGE_LOG_INFO, NULL, "i");
    kedge_log_write(KEDGE_LOG_DEBUG, NULL, "d");
}

Test(log, levels)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        enum kedge_log_level level;
        cr_assert(kedge_log_level_parse(names[i], &level));
        cr_assert_eq(level, i);
        kedge_log_set_level(level);
        kedge_auto(kedge_buf) struct kedge_buf text = captured(write_each_level);
        size_t lines = 0;
        for (const char *at = text.data; *at; at++)
            lines += *at == '\n';
        cr_assert_eq(lines, i + 1);
    }
    enum kedge_log_level level = KEDGE_LOG_WARN;
    cr_assert_not(kedge_log_level_parse("verbose", &level));
    cr_assert_eq(level, KEDGE_LOG_WARN);
}
