/* SPDX-License-Identifier: Apache-2.0 */
/* What sqlite.c and schema.c share: one way to run SQL and to say why it failed. */
#pragma once

#include <sqlite3.h>

#include "kedge/err.h"

/* Fills `err` from the last failure of `db`; errno was 0 before the call that failed. KEDGE_LIMIT disk full, KEDGE_CORRUPT a damaged or
 * foreign file, KEDGE_UNAVAILABLE another process holds it, KEDGE_DENIED not ours to write. */
int kedge_database_err(sqlite3 *db, struct kedge_err *err, const char *format, ...)
    KEDGE_PRINTF(3, 4);
/* Runs statements that give no rows. */
int kedge_database_run(sqlite3 *db, const char *sql, struct kedge_err *err) KEDGE_MUST_CHECK;
/* The first column of the first row of `sql`. */
int kedge_database_integer(sqlite3 *db, const char *sql, int64_t *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
