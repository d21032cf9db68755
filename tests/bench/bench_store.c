/* SPDX-License-Identifier: Apache-2.0 */
/* State (W14): device reports made durable, a thousand to a commit. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "bench.h"
#include "kedge/store.h"

#define ROW   250 /* bytes of a report, as the bare rate of the bar was taken */
#define GROUP 1000

static void run(sqlite3 *db, const char *sql)
{
    bench_check(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
}

/* The same rows by SQLite alone, one prepared statement, as durable. */
static sqlite3 *open_bare(const char *path)
{
    sqlite3 *db;
    bench_check(sqlite3_open(path, &db) == SQLITE_OK, "sqlite");
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
            "CREATE TABLE report (device TEXT NOT NULL PRIMARY KEY, counter INTEGER NOT NULL,"
            " received INTEGER NOT NULL, evidence BLOB NOT NULL) STRICT;");
    return db;
}

static void bare_round(sqlite3 *db, size_t devices, int64_t counter, const char *row)
{
    sqlite3_stmt *put;
    char name[32];
    bench_check(sqlite3_prepare_v2(db,
                                   "INSERT INTO report VALUES (?1, ?2, ?3, ?4)"
                                   " ON CONFLICT (device) DO UPDATE SET counter = ?2,"
                                   " received = ?3, evidence = ?4",
                                   -1, &put, NULL) == SQLITE_OK,
                "sqlite");
    for (size_t i = 0; i < devices; i++) {
        if (i % GROUP == 0)
            run(db, "BEGIN IMMEDIATE");
        int size = snprintf(name, sizeof name, "device-%07zu", i);
        sqlite3_bind_text(put, 1, name, size, SQLITE_STATIC);
        sqlite3_bind_int64(put, 2, counter);
        sqlite3_bind_int64(put, 3, counter * 1000);
        sqlite3_bind_blob(put, 4, row, ROW, SQLITE_STATIC);
        bench_check(sqlite3_step(put) == SQLITE_DONE, sqlite3_errmsg(db));
        sqlite3_reset(put);
        if (i % GROUP == GROUP - 1 || i == devices - 1)
            run(db, "COMMIT");
    }
    sqlite3_finalize(put);
}

static void round_of(struct kedge_store *store, size_t devices, int64_t counter, const char *row)
{
    struct kedge_err err;
    char name[32];
    for (size_t i = 0; i < devices; i++) {
        if (i % GROUP == 0)
            bench_must(kedge_store_begin(store, &err), &err);
        snprintf(name, sizeof name, "device-%07zu", i);
        struct kedge_store_report report = {.device = name,
                                            .counter = counter,
                                            .received = counter * 1000,
                                            .evidence = {row, ROW}};
        bench_must(kedge_store_put_report(store, &report, &err), &err);
        if (i % GROUP == GROUP - 1 || i == devices - 1)
            bench_must(kedge_store_commit(store, &err), &err);
    }
}

static void ingest(struct bench *bench)
{
    size_t devices = bench->quick ? 2000 : 50000;
    kedge_auto(kedge_buf) struct kedge_buf folder = {0}, url = {0}, path = {0};
    struct bench_series ours = {0}, bare = {0};
    struct kedge_store *store;
    struct kedge_err err;
    char row[ROW];
    kedge_buf_printf(&folder, "%s/store", bench->cache);
    kedge_buf_printf(&url, "sqlite:%s/kedge.db", folder.data);
    kedge_buf_printf(&path, "%s/bare.db", folder.data);
    bench_must(kedge_fs_remove(AT_FDCWD, folder.data, &err), &err);
    bench_must(kedge_fs_mkdirs(AT_FDCWD, folder.data, 0755, &err), &err);
    bench_must(kedge_store_open(url.data, false, &store, &err), &err);
    sqlite3 *db = open_bare(path.data);
    unsigned turns = bench_turns(bench, 9);
    for (unsigned i = 0; i <= turns; i++) {
        memset(row, 'a' + (int)(i % 26), sizeof row);
        double c = bench_cpu();
        bare_round(db, devices, i + 1, row);
        double b = bench_cpu();
        round_of(store, devices, i + 1, row);
        double o = bench_cpu();
        if (i == 0)
            continue; /* the first round makes the rows, the others renew them */
        bench_add(&bare, (double)devices / (b - c));
        bench_add(&ours, (double)devices / (o - b));
    }
    kedge_store_close(store);
    sqlite3_close(db);
    /* The bar is 60,000 where SQLite alone makes 71,600. */
    bench_print(bench, &(struct bench_row){"ingest", "report/cpu_s", &ours, &bare,
                                           BENCH_RATIO_AT_LEAST, 0.84});
}

const struct bench_workload bench_store_workloads[] = {
    {"ingest", ingest},
    {0},
};
