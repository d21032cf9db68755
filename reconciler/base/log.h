/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines for people and collectors: `2026-03-01T12:00:00Z info reconciled rev=3f2a...
 * device=cam-7`. Only programs (server/, agent/, cli/) log, once, where the problem is handled. */
#pragma once

#include "kedge/types.h"

enum kedge_log_level { KEDGE_LOG_ERROR, KEDGE_LOG_WARN, KEDGE_LOG_INFO, KEDGE_LOG_DEBUG };

/* "error", "warn", "info", "debug"; false for another word. */
bool kedge_log_level_parse(const char *text, enum kedge_log_level *level);
void kedge_log_set_level(enum kedge_log_level level);
/* JSON lines instead of key=value. */
void kedge_log_set_json(bool json);

struct kedge_log_field {
    const char *key;
    const char *value; /* foreign text is quoted and escaped; NULL leaves the field out */
};
/* One line on stderr, written in one call; `fields` ends with a NULL key and may be NULL.
 * Thread-safe. */
void kedge_log_write(enum kedge_log_level level, const struct kedge_log_field *fields,
                     const char *format, ...) KEDGE_PRINTF(3, 4);

#define KEDGE_FIELDS(...) ((const struct kedge_log_field[]){__VA_ARGS__, {0}})
