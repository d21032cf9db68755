/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <stdio.h>

#include "database.h"

/* Migration n makes version n + 1 from version n. A released one is never edited: add the next. */
static const char *const migrations[] = {
    /* Reports and envelopes are some KiB each, so their tables keep a rowid: a key's b-tree stays
     * small. Events are only ever appended, so seq needs no AUTOINCREMENT to rise. */
    "CREATE TABLE entry (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE device (name TEXT NOT NULL PRIMARY KEY, generation INTEGER NOT NULL,"
    " issued INTEGER NOT NULL, expires INTEGER NOT NULL, digest BLOB NOT NULL,"
    " authorised BLOB NOT NULL, envelope BLOB NOT NULL) STRICT;"
    "CREATE TABLE report (device TEXT NOT NULL PRIMARY KEY, counter INTEGER NOT NULL,"
    " received INTEGER NOT NULL, evidence BLOB NOT NULL) STRICT;"
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,"
    " revision TEXT, device TEXT, instance TEXT, verb TEXT, old TEXT, new TEXT, action TEXT,"
    " author TEXT, reason TEXT, message TEXT) STRICT;"
    "CREATE INDEX event_device ON event (device) WHERE device IS NOT NULL;"
    "CREATE INDEX event_instance ON event (instance) WHERE instance IS NOT NULL;"
    "CREATE INDEX event_revision ON event (revision) WHERE revision IS NOT NULL;",
    "CREATE TABLE item (collection TEXT NOT NULL, key TEXT NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (collection, key)) STRICT;",
    "CREATE TABLE evidence (device TEXT NOT NULL, chain INTEGER NOT NULL, link INTEGER NOT NULL,"
    " counter INTEGER NOT NULL, received INTEGER NOT NULL, digest BLOB NOT NULL,"
    " key BLOB NOT NULL, envelope BLOB NOT NULL, PRIMARY KEY (device, chain, link)) STRICT;",
};

/* Whose file it is, and of which version; tables tell an empty file from another program's. */
struct identity {
    int64_t application, version, tables;
};

static int identify(sqlite3 *db, struct identity *out, struct kedge_err *err)
{
    int code = kedge_database_integer(db, "PRAGMA application_id", &out->application, err);
    if (!code)
        code = kedge_database_integer(db, "PRAGMA user_version", &out->version, err);
    if (!code)
        code = kedge_database_integer(db, "SELECT count(*) FROM sqlite_schema", &out->tables, err);
    return code;
}

static int check(const struct identity *found, const char *path, struct kedge_err *err)
{
    bool empty = !found->application && !found->version && !found->tables;
    if (!empty && found->application != KEDGE_SCHEMA_APPLICATION)
        return kedge_err_set(err, KEDGE_CORRUPT,
                             "'%s' is a database of another program: name another file", path);
    if (found->version < 0 || found->version > (int64_t)KEDGE_COUNT(migrations))
        return kedge_err_set(err, KEDGE_CORRUPT,
                             "'%s' has schema version %lld and this kedge knows %zu: use the newer "
                             "kedge that wrote it, or restore a backup",
                             path, (long long)found->version, KEDGE_COUNT(migrations));
    return 0;
}

static int migrate(sqlite3 *db, int64_t from, struct kedge_err *err)
{
    for (size_t i = (size_t)from; i < KEDGE_COUNT(migrations); i++) {
        int code = kedge_database_run(db, migrations[i], err);
        if (code)
            return kedge_err_wrap(err, "schema version %zu", i + 1);
    }
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %zu;",
             KEDGE_SCHEMA_APPLICATION, KEDGE_COUNT(migrations));
    return kedge_database_run(db, sql, err);
}

int kedge_schema_upgrade(sqlite3 *db, const char *path, bool read_only, struct kedge_err *err)
{
    struct identity found;
    int code = identify(db, &found, err);
    if (!code)
        code = check(&found, path, err);
    if (code || found.version == (int64_t)KEDGE_COUNT(migrations))
        return code;
    if (read_only)
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "'%s' has schema version %lld and this kedge needs %zu: let 'kedge "
                             "serve' or 'kedge reconcile' open it once",
                             path, (long long)found.version, KEDGE_COUNT(migrations));
    code = kedge_database_run(db, "BEGIN IMMEDIATE", err);
    if (code)
        return code;
    /* Another process may have been first while we waited. */
    code = identify(db, &found, err);
    if (!code)
        code = check(&found, path, err);
    if (!code)
        code = migrate(db, found.version, err);
    if (!code)
        code = kedge_database_run(db, "COMMIT", err);
    if (code && !sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}
