/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static enum kedge_code code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
        return KEDGE_LIMIT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return KEDGE_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return KEDGE_UNAVAILABLE;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return KEDGE_DENIED;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return KEDGE_IO;
    default:
        return KEDGE_INTERNAL;
    }
}

int kedge_database_err(sqlite3 *db, struct kedge_err *err, const char *format, ...)
{
    char text[KEDGE_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    enum kedge_code code = code_of(sqlite3_extended_errcode(db));
    /* SQLite keeps no errno of a commit that failed. */
    int sys = sqlite3_system_errno(db) ? sqlite3_system_errno(db) : errno;
    if (code == KEDGE_IO && sys)
        return kedge_err_sys(err, sys, "%s", text);
    return kedge_err_set(err, code, "%s: %s", text,
                         code == KEDGE_UNAVAILABLE ? "another process is writing to it"
                                                   : sqlite3_errmsg(db));
}

int kedge_database_run(sqlite3 *db, const char *sql, struct kedge_err *err)
{
    errno = 0;
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return kedge_database_err(db, err, "the store failed");
    return 0;
}

int kedge_database_integer(sqlite3 *db, const char *sql, int64_t *out, struct kedge_err *err)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    errno = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = kedge_database_err(db, err, "cannot read the store");
    else
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}
