/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "kedge/store.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

/* A database made by `sql`, opened as a store. */
static int open_over(const char *sql, bool read_only, struct kedge_err *err)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", dir.path);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    kedge_auto(kedge_buf) struct kedge_buf before = {0}, after = {0};
    cr_assert_eq(kedge_fs_read(dir.fd, "store.db", 1 << 20, &before, NULL), 0);

    struct kedge_store *store = NULL;
    int code = kedge_store_open(path, read_only, &store, err);
    kedge_store_close(store);
    if (code) {
        cr_assert_eq(kedge_fs_read(dir.fd, "store.db", 1 << 20, &after, NULL), 0);
        cr_assert_eq(before.size, after.size);
        cr_assert_eq(memcmp(before.data, after.data, after.size), 0, "a refused file was touched");
    }
    return code;
}

Test(schema, refuses_files_that_are_not_ours)
{
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"CREATE TABLE t (a)", "another program"},
        {"PRAGMA application_id = 1", "another program"},
        {"PRAGMA user_version = 1", "another program"},
        {"PRAGMA application_id = 0x6b656467; PRAGMA user_version = 99", "version 99"},
        {"PRAGMA application_id = 0x6b656467; PRAGMA user_version = -1", "version -1"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        struct kedge_err err;
        cr_assert_eq(open_over(cases[i].sql, false, &err), KEDGE_CORRUPT, "%s", cases[i].sql);
        cr_assert_not_null(strstr(err.msg, cases[i].says), "%s", err.msg);
    }
    kedge_test_no_leaks();
}

Test(schema, fills_an_empty_database_unless_it_may_not)
{
    struct kedge_err err;
    cr_assert_eq(open_over("VACUUM", false, &err), 0);
    cr_assert_eq(open_over("VACUUM", true, &err), KEDGE_CONFLICT);
    cr_assert_not_null(strstr(err.msg, "kedge serve"), "%s", err.msg);
}

Test(schema, refuses_bytes_that_are_no_database)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    char path[512];
    snprintf(path, sizeof path, "%s/notes.txt", dir.path);
    char text[4096];
    memset(text, 'x', sizeof text);
    cr_assert_eq(kedge_fs_write(dir.fd, "notes.txt", text, sizeof text, 0600, NULL), 0);
    struct kedge_store *store = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_store_open(path, false, &store, &err), KEDGE_CORRUPT);
    cr_assert_not_null(strstr(err.msg, path), "%s", err.msg);
    kedge_test_no_leaks();
}

/* As kedge 0.1 left it. */
Test(schema, brings_an_older_store_up_to_date)
{
    static const char version_1[] =
        "PRAGMA application_id = 0x6b656467; PRAGMA user_version = 1;"
        "CREATE TABLE entry (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
        "INSERT INTO entry VALUES ('commit', 'c1');";
    struct kedge_err err;
    cr_assert_eq(open_over(version_1, true, &err), KEDGE_CONFLICT);
    cr_assert_not_null(strstr(err.msg, "version 1"), "%s", err.msg);

    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    char path[512], *value;
    snprintf(path, sizeof path, "%s/store.db", dir.path);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    kedge_auto(kedge_store) struct kedge_store *store = NULL;
    cr_assert_eq(kedge_store_open(path, false, &store, &err), 0);
    cr_assert_eq(kedge_store_get(store, "commit", &value, &err), 0);
    cr_assert_str_eq(value, "c1");
    free(value);
    cr_assert_eq(kedge_store_put_item(store, "a", "b", (struct kedge_slice){0}, &err), 0);
}

/* Our marks, but tables that hold what ours never would. */
Test(schema, survives_a_forged_store)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir dir = kedge_tempdir_make();
    char path[512];
    snprintf(path, sizeof path, "%s/store.db", dir.path);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db,
                              "PRAGMA application_id = 0x6b656467; PRAGMA user_version = 1;"
                              "CREATE TABLE entry (key, value); INSERT INTO entry VALUES ('k', "
                              "NULL);"
                              "CREATE TABLE event (seq, at, kind)",
                              NULL, NULL, NULL),
                 SQLITE_OK);
    sqlite3_close(db);
    kedge_auto(kedge_store) struct kedge_store *store = NULL;
    struct kedge_err err;
    cr_assert_eq(kedge_store_open(path, false, &store, &err), 0);
    char *value = NULL;
    cr_assert_eq(kedge_store_get(store, "k", &value, &err), 0);
    cr_assert_str_eq(value, "");
    free(value);
    cr_assert_lt(kedge_store_each_event(store, &(struct kedge_store_filter){0}, NULL, NULL, &err),
                 0);
    cr_assert_lt(kedge_store_each_device(store, NULL, NULL, &err), 0);
    cr_assert_lt(kedge_store_put(store, "k", "v", &err), 0);
}
