/* SPDX-License-Identifier: Apache-2.0 */
/* One SQLite file in WAL mode: readers never wait for the writer.
 *
 * synchronous=FULL: a device that was answered may forget what it told us, so an answered report
 * must survive a power cut; NORMAL would lose the last commits. One fsync per commit is cheap
 * because the caller commits many reports at once. */
#include "drivers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "database.h"
#include "schema.h"
#include "state/event.h"

/* Statements that are prepared once. */
enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    GET,
    PUT,
    PUT_ITEM,
    GET_ITEM,
    REMOVE_ITEM,
    EACH_ITEM,
    PUT_DEVICE,
    GET_DEVICE,
    EACH_DEVICE,
    PUT_REPORT,
    EACH_REPORT,
    APPEND_EVIDENCE,
    GET_EVIDENCE,
    LAST_EVIDENCE,
    EACH_EVIDENCE,
    EACH_EVIDENCE_OF,
    APPEND_EVENT,
    CHANGED,
    STATEMENT_COUNT
};

#define DEVICE_COLUMNS   "name, generation, issued, expires, digest, authorised, envelope"
#define EVIDENCE_COLUMNS "device, chain, link, counter, received, digest, key, envelope"
#define EVENT_COLUMNS                                                                              \
    "at, kind, revision, device, instance, verb, old, new, action, author, reason, message"

static const char *const statements[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [GET] = "SELECT value FROM entry WHERE key = ?1",
    [PUT] = "INSERT INTO entry (key, value) VALUES (?1, ?2)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    [PUT_ITEM] = "INSERT INTO item (collection, key, bytes) VALUES (?1, ?2, ?3)"
                 " ON CONFLICT (collection, key) DO UPDATE SET bytes = excluded.bytes",
    [GET_ITEM] = "SELECT key, bytes FROM item WHERE collection = ?1 AND key = ?2",
    [REMOVE_ITEM] = "DELETE FROM item WHERE collection = ?1 AND key = ?2",
    [EACH_ITEM] = "SELECT key, bytes FROM item WHERE collection = ?1 ORDER BY key",
    [PUT_DEVICE] = "INSERT INTO device (" DEVICE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                   " ON CONFLICT (name) DO UPDATE SET generation = excluded.generation,"
                   " issued = excluded.issued, expires = excluded.expires,"
                   " digest = excluded.digest, authorised = excluded.authorised,"
                   " envelope = excluded.envelope",
    [GET_DEVICE] = "SELECT " DEVICE_COLUMNS " FROM device WHERE name = ?1",
    [EACH_DEVICE] = "SELECT " DEVICE_COLUMNS " FROM device ORDER BY name",
    [PUT_REPORT] = "INSERT INTO report (device, counter, received, evidence)"
                   " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (device) DO UPDATE SET"
                   " counter = excluded.counter, received = excluded.received,"
                   " evidence = excluded.evidence",
    [EACH_REPORT] = "SELECT device, counter, received, evidence FROM report ORDER BY device",
    [APPEND_EVIDENCE] = "INSERT OR IGNORE INTO evidence (" EVIDENCE_COLUMNS
                        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [GET_EVIDENCE] = "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE device = ?1 AND chain = ?2"
                     " AND link = ?3",
    [LAST_EVIDENCE] = "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE device = ?1"
                      " ORDER BY chain DESC, link DESC LIMIT 1",
    [EACH_EVIDENCE] = "SELECT " EVIDENCE_COLUMNS " FROM evidence ORDER BY device, chain, link",
    [EACH_EVIDENCE_OF] = "SELECT " EVIDENCE_COLUMNS " FROM evidence WHERE device = ?1"
                         " ORDER BY chain, link",
    [APPEND_EVENT] = "INSERT INTO event (" EVENT_COLUMNS ")"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    [CHANGED] = "PRAGMA data_version",
};

struct sqlite {
    struct kedge_store base;
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENT_COUNT];
};

static struct sqlite *sqlite_of(struct kedge_store *store)
{
    return (struct sqlite *)store;
}

static void sqlite_close(struct kedge_store *self)
{
    struct sqlite *store = sqlite_of(self);
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->prepared[i]);
    sqlite3_close(store->db);
    free(store);
}

static void close_auto(struct sqlite **store)
{
    if (*store)
        sqlite_close(&(*store)->base);
}

/* The file and its folder for us alone: what devices run is nobody else's business. SQLite gives
 * the WAL the same mode. */
static int create(const char *path, struct kedge_err *err)
{
    const char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        kedge_auto(kedge_buf) struct kedge_buf folder = {0};
        kedge_buf_add(&folder, path, (size_t)(slash - path));
        int code = kedge_fs_mkdirs(AT_FDCWD, folder.data, 0700, err);
        if (code)
            return code;
    }
    kedge_auto(kedge_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open store '%s'", path);
    return 0;
}

static int connect_file(struct sqlite *store, const char *path, bool read_only,
                        struct kedge_err *err)
{
    struct stat st;
    if (read_only && stat(path, &st) < 0)
        return kedge_err_sys(err, errno,
                             "cannot open store '%s' ('kedge serve' or 'kedge reconcile' makes it)",
                             path);
    int code = read_only ? 0 : create(path, err);
    if (code)
        return code;
    /* "./": SQLite reads meaning into some names, such as ":memory:". */
    kedge_auto(kedge_buf) struct kedge_buf name = {0};
    kedge_buf_printf(&name, "%s%s", *path == '/' ? "" : "./", path);
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_EXRESCODE;
    errno = 0;
    if (sqlite3_open_v2(name.data, &store->db, flags, NULL) != SQLITE_OK)
        return kedge_database_err(store->db, err, "cannot open store '%s'", path);
    return 0;
}

/* The file may be anybody's until its schema is checked: nothing in it may run as code. */
static void distrust(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(db, 5000); /* ms: another process's longest transaction, with room */
}

/* 16 MiB of cache and of WAL before a checkpoint: a batch of a thousand reports does not end in
 * one. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA cache_size = -16384;"
                               "PRAGMA wal_autocheckpoint = 4096;"
                               "PRAGMA journal_size_limit = 16777216;"
                               "PRAGMA temp_store = MEMORY;";

static int sqlite_open(const char *location, bool read_only, struct kedge_store **out,
                       struct kedge_err *err)
{
    if (!*location)
        return kedge_err_set(err, KEDGE_INVALID, "a store needs a path: write 'sqlite:PATH'");
    kedge_auto(close) struct sqlite *store = kedge_alloc_zeroed(sizeof *store);
    int code = connect_file(store, location, read_only, err);
    if (code)
        return code;
    distrust(store->db);
    code = kedge_schema_upgrade(store->db, location, read_only, err);
    /* Only now, because it writes to the file. */
    if (!code && !read_only)
        code = kedge_database_run(store->db, "PRAGMA journal_mode = WAL", err);
    if (!code)
        code = kedge_database_run(store->db, settings, err);
    if (code)
        return kedge_err_wrap(err, "store '%s'", location);
    *out = &store->base;
    store = NULL;
    return 0;
}

/* NULL when it cannot be prepared, which binding and stepping then report. */
static sqlite3_stmt *statement_of(struct sqlite *store, enum statement which)
{
    if (!store->prepared[which])
        sqlite3_prepare_v3(store->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT,
                           &store->prepared[which], NULL);
    return store->prepared[which];
}

/* Lets go of the statement and of what was bound to it; the bound bytes are the caller's. */
static void finish(sqlite3_stmt *statement)
{
    if (!statement)
        return;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* Runs a statement that gives no rows. */
static int execute(struct sqlite *store, sqlite3_stmt *statement, struct kedge_err *err)
{
    int code = 0;
    errno = 0;
    if (!statement || sqlite3_step(statement) != SQLITE_DONE)
        code = kedge_database_err(store->db, err, "cannot write to the store");
    finish(statement);
    return code;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

/* Empty bytes are not NULL. */
static void bind_slice(sqlite3_stmt *statement, int at, struct kedge_slice bytes)
{
    sqlite3_bind_blob64(statement, at, bytes.size ? bytes.data : "", bytes.size, SQLITE_STATIC);
}

static struct kedge_slice column_slice(sqlite3_stmt *statement, int at)
{
    const char *data = sqlite3_column_blob(statement, at);
    return (struct kedge_slice){.data = data, .size = (size_t)sqlite3_column_bytes(statement, at)};
}

static const char *column_text(sqlite3_stmt *statement, int at)
{
    return (const char *)sqlite3_column_text(statement, at);
}

/* What our own schema never leaves NULL; a file that was made to look like ours may. */
static const char *column_name(sqlite3_stmt *statement, int at)
{
    const char *text = column_text(statement, at);
    return text ? text : "";
}

/* Where rows go: one of the caller's visitors, and what it wants to see. */
struct walk {
    kedge_store_visit_device *device;
    kedge_store_visit_report *report;
    kedge_store_visit_evidence *evidence;
    kedge_store_visit_event *event;
    kedge_store_visit_item *item;
    void *payload;
    size_t seen;
};

typedef int row_visit(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err);

/* Hands on every row of a bound statement. */
static int each_row(struct sqlite *store, sqlite3_stmt *statement, row_visit *visit,
                    struct walk *walk, struct kedge_err *err)
{
    int code = 0, step = SQLITE_ERROR;
    errno = 0;
    while (!code && statement && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        walk->seen++;
        code = visit(statement, walk, err);
    }
    if (!code && step != SQLITE_DONE)
        code = kedge_database_err(store->db, err, "cannot read the store");
    finish(statement);
    return code;
}

static int sqlite_begin(struct kedge_store *self, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    return execute(store, statement_of(store, BEGIN), err);
}

static int sqlite_commit(struct kedge_store *self, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    return execute(store, statement_of(store, COMMIT), err);
}

static void sqlite_rollback(struct kedge_store *self)
{
    struct sqlite *store = sqlite_of(self);
    /* A full disk may have ended the transaction already. */
    if (!sqlite3_get_autocommit(store->db))
        (void)execute(store, statement_of(store, ROLLBACK), NULL);
}

static int take_value(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    (void)err;
    *(char **)walk->payload = kedge_alloc_strdup(column_name(statement, 0));
    return 0;
}

static int sqlite_get(struct kedge_store *self, const char *key, char **out, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, GET);
    bind_text(statement, 1, key);
    char *value = NULL;
    struct walk walk = {.payload = &value};
    int code = each_row(store, statement, take_value, &walk, err);
    if (!code && !value)
        return kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no '%s'", key);
    if (!code)
        *out = value;
    return code;
}

static int sqlite_put(struct kedge_store *self, const char *key, const char *value,
                      struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, PUT);
    bind_text(statement, 1, key);
    bind_text(statement, 2, value);
    return execute(store, statement, err);
}

static int sqlite_put_item(struct kedge_store *self, const char *collection, const char *key,
                           struct kedge_slice bytes, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, PUT_ITEM);
    bind_text(statement, 1, collection);
    bind_text(statement, 2, key);
    bind_slice(statement, 3, bytes);
    return execute(store, statement, err);
}

static int give_item(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    (void)err;
    return walk->item(column_name(statement, 0), column_slice(statement, 1), walk->payload);
}

static int copy_item(const char *key, struct kedge_slice bytes, void *payload)
{
    (void)key;
    kedge_buf_add(payload, bytes.data, bytes.size);
    return 0;
}

static int sqlite_get_item(struct kedge_store *self, const char *collection, const char *key,
                           char **out, size_t *size, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, GET_ITEM);
    bind_text(statement, 1, collection);
    bind_text(statement, 2, key);
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    struct walk walk = {.item = copy_item, .payload = &bytes};
    int code = each_row(store, statement, give_item, &walk, err);
    if (!code && !walk.seen)
        code = kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no %s '%s'", collection, key);
    if (code)
        return code;
    *size = bytes.size;
    *out = kedge_buf_take(&bytes);
    return 0;
}

static int sqlite_remove_item(struct kedge_store *self, const char *collection, const char *key,
                              struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, REMOVE_ITEM);
    bind_text(statement, 1, collection);
    bind_text(statement, 2, key);
    return execute(store, statement, err);
}

static int sqlite_each_item(struct kedge_store *self, const char *collection,
                            kedge_store_visit_item *visit, void *payload, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, EACH_ITEM);
    bind_text(statement, 1, collection);
    struct walk walk = {.item = visit, .payload = payload};
    return each_row(store, statement, give_item, &walk, err);
}

static int sqlite_put_device(struct kedge_store *self, const struct kedge_store_device *device,
                             struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, PUT_DEVICE);
    bind_text(statement, 1, device->name);
    sqlite3_bind_int64(statement, 2, device->generation);
    sqlite3_bind_int64(statement, 3, device->issued);
    sqlite3_bind_int64(statement, 4, device->expires);
    sqlite3_bind_blob(statement, 5, device->set.bytes, KEDGE_DIGEST_SIZE, SQLITE_STATIC);
    bind_slice(statement, 6, device->authorised);
    bind_slice(statement, 7, device->envelope);
    return execute(store, statement, err);
}

static int give_device(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    struct kedge_store_device device = {
        .name = column_name(statement, 0),
        .generation = sqlite3_column_int64(statement, 1),
        .issued = sqlite3_column_int64(statement, 2),
        .expires = sqlite3_column_int64(statement, 3),
        .authorised = column_slice(statement, 5),
        .envelope = column_slice(statement, 6),
    };
    struct kedge_slice digest = column_slice(statement, 4);
    if (digest.size != KEDGE_DIGEST_SIZE)
        return kedge_err_set(err, KEDGE_CORRUPT, "the store's row of device '%s' is damaged",
                             device.name);
    memcpy(device.set.bytes, digest.data, KEDGE_DIGEST_SIZE);
    return walk->device(&device, walk->payload);
}

static int sqlite_get_device(struct kedge_store *self, const char *name,
                             kedge_store_visit_device *visit, void *payload, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, GET_DEVICE);
    bind_text(statement, 1, name);
    struct walk walk = {.device = visit, .payload = payload};
    int code = each_row(store, statement, give_device, &walk, err);
    if (!code && !walk.seen)
        return kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no device '%s'", name);
    return code;
}

static int sqlite_each_device(struct kedge_store *self, kedge_store_visit_device *visit,
                              void *payload, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    struct walk walk = {.device = visit, .payload = payload};
    return each_row(store, statement_of(store, EACH_DEVICE), give_device, &walk, err);
}

static int sqlite_put_report(struct kedge_store *self, const struct kedge_store_report *report,
                             struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, PUT_REPORT);
    bind_text(statement, 1, report->device);
    sqlite3_bind_int64(statement, 2, report->counter);
    sqlite3_bind_int64(statement, 3, report->received);
    bind_slice(statement, 4, report->evidence);
    return execute(store, statement, err);
}

static int give_report(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    (void)err;
    struct kedge_store_report report = {
        .device = column_name(statement, 0),
        .counter = sqlite3_column_int64(statement, 1),
        .received = sqlite3_column_int64(statement, 2),
        .evidence = column_slice(statement, 3),
    };
    return walk->report(&report, walk->payload);
}

static int sqlite_each_report(struct kedge_store *self, kedge_store_visit_report *visit,
                              void *payload, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    struct walk walk = {.report = visit, .payload = payload};
    return each_row(store, statement_of(store, EACH_REPORT), give_report, &walk, err);
}

static int sqlite_append_evidence(struct kedge_store *self,
                                  const struct kedge_store_evidence *evidence,
                                  struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, APPEND_EVIDENCE);
    bind_text(statement, 1, evidence->device);
    sqlite3_bind_int64(statement, 2, evidence->chain);
    sqlite3_bind_int64(statement, 3, evidence->link);
    sqlite3_bind_int64(statement, 4, evidence->counter);
    sqlite3_bind_int64(statement, 5, evidence->received);
    sqlite3_bind_blob(statement, 6, evidence->digest.bytes, KEDGE_DIGEST_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 7, evidence->key, sizeof evidence->key, SQLITE_STATIC);
    bind_slice(statement, 8, evidence->envelope);
    int code = execute(store, statement, err);
    if (!code && sqlite3_changes(store->db) == 0)
        return kedge_store_evidence_exists(evidence, err);
    return code;
}

/* Sizes that are not ours are damage: they read as zeros, which no link of ours has. */
static void copy_bytes(uint8_t *out, size_t size, struct kedge_slice bytes)
{
    if (bytes.size == size)
        memcpy(out, bytes.data, size);
}

static int give_evidence(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    (void)err;
    struct kedge_store_evidence evidence = {
        .device = column_name(statement, 0),
        .chain = sqlite3_column_int64(statement, 1),
        .link = sqlite3_column_int64(statement, 2),
        .counter = sqlite3_column_int64(statement, 3),
        .received = sqlite3_column_int64(statement, 4),
        .envelope = column_slice(statement, 7),
    };
    copy_bytes(evidence.digest.bytes, sizeof evidence.digest.bytes, column_slice(statement, 5));
    copy_bytes(evidence.key, sizeof evidence.key, column_slice(statement, 6));
    return walk->evidence(&evidence, walk->payload);
}

static int sqlite_get_evidence(struct kedge_store *self, const char *device, int64_t chain,
                               int64_t link, kedge_store_visit_evidence *visit, void *payload,
                               struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, GET_EVIDENCE);
    bind_text(statement, 1, device);
    sqlite3_bind_int64(statement, 2, chain);
    sqlite3_bind_int64(statement, 3, link);
    struct walk walk = {.evidence = visit, .payload = payload};
    int code = each_row(store, statement, give_evidence, &walk, err);
    return code || walk.seen ? code : kedge_store_evidence_absent(device, err);
}

static int sqlite_last_evidence(struct kedge_store *self, const char *device,
                                kedge_store_visit_evidence *visit, void *payload,
                                struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, LAST_EVIDENCE);
    bind_text(statement, 1, device);
    struct walk walk = {.evidence = visit, .payload = payload};
    int code = each_row(store, statement, give_evidence, &walk, err);
    return code || walk.seen ? code : kedge_store_evidence_absent(device, err);
}

static int sqlite_each_evidence(struct kedge_store *self, const char *device,
                                kedge_store_visit_evidence *visit, void *payload,
                                struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, device ? EACH_EVIDENCE_OF : EACH_EVIDENCE);
    if (device)
        bind_text(statement, 1, device);
    struct walk walk = {.evidence = visit, .payload = payload};
    return each_row(store, statement, give_evidence, &walk, err);
}

static int sqlite_append_event(struct kedge_store *self, struct kedge_event *event,
                               struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    sqlite3_stmt *statement = statement_of(store, APPEND_EVENT);
    const char *const texts[] = {
        kedge_word_name(&kedge_event_words, (int)event->kind),
        event->commit,
        event->device,
        event->instance,
        event->verb,
        event->from,
        event->to,
        event->action,
        event->by,
        event->reason,
        event->message,
    };
    sqlite3_bind_int64(statement, 1, event->at);
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++)
        bind_text(statement, (int)i + 2, texts[i]);
    int code = execute(store, statement, err);
    if (!code)
        event->seq = sqlite3_last_insert_rowid(store->db);
    return code;
}

static int give_event(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    struct kedge_event event = {
        .seq = sqlite3_column_int64(statement, 0),
        .at = sqlite3_column_int64(statement, 1),
        .commit = column_text(statement, 3),
        .device = column_text(statement, 4),
        .instance = column_text(statement, 5),
        .verb = column_text(statement, 6),
        .from = column_text(statement, 7),
        .to = column_text(statement, 8),
        .action = column_text(statement, 9),
        .by = column_text(statement, 10),
        .reason = column_text(statement, 11),
        .message = column_text(statement, 12),
    };
    int kind;
    if (!kedge_word_parse(&kedge_event_words, column_name(statement, 2), &kind))
        return kedge_err_set(err, KEDGE_CORRUPT, "the store's event %lld is of an unknown kind",
                             (long long)event.seq);
    event.kind = (enum kedge_event_kind)kind;
    return walk->event(&event, walk->payload);
}

/* Every condition takes one parameter, numbered, so that those left out stay unbound. */
static void write_query(const struct kedge_store_filter *filter, struct kedge_buf *sql)
{
    kedge_buf_puts(sql, "SELECT seq, " EVENT_COLUMNS " FROM event WHERE seq > ?1");
    if (filter->device)
        kedge_buf_puts(sql, " AND device = ?2");
    if (filter->instance)
        kedge_buf_puts(sql, " AND instance = ?3");
    if (filter->commit)
        kedge_buf_puts(sql, " AND revision = ?4");
    if (filter->since)
        kedge_buf_puts(sql, " AND at >= ?5");
    if (filter->before)
        kedge_buf_puts(sql, " AND seq < ?6");
    kedge_buf_printf(sql, " ORDER BY seq %s LIMIT %lld", filter->ascending ? "ASC" : "DESC",
                     filter->limit ? (long long)filter->limit : -1LL);
}

static int sqlite_each_event(struct kedge_store *self, const struct kedge_store_filter *filter,
                             kedge_store_visit_event *visit, void *payload, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    kedge_auto(kedge_buf) struct kedge_buf sql = {0};
    write_query(filter, &sql);
    sqlite3_stmt *statement = NULL;
    sqlite3_prepare_v2(store->db, sql.data, (int)sql.size, &statement, NULL);
    sqlite3_bind_int64(statement, 1, filter->after);
    if (filter->device)
        bind_text(statement, 2, filter->device);
    if (filter->instance)
        bind_text(statement, 3, filter->instance);
    if (filter->commit)
        bind_text(statement, 4, filter->commit);
    if (filter->since)
        sqlite3_bind_int64(statement, 5, filter->since);
    if (filter->before)
        sqlite3_bind_int64(statement, 6, filter->before);
    struct walk walk = {.event = visit, .payload = payload};
    int code = each_row(store, statement, give_event, &walk, err);
    sqlite3_finalize(statement);
    return code;
}

static int take_integer(sqlite3_stmt *statement, const struct walk *walk, struct kedge_err *err)
{
    (void)err;
    *(int64_t *)walk->payload = sqlite3_column_int64(statement, 0);
    return 0;
}

static int sqlite_changed(struct kedge_store *self, int64_t *out, struct kedge_err *err)
{
    struct sqlite *store = sqlite_of(self);
    struct walk walk = {.payload = out};
    return each_row(store, statement_of(store, CHANGED), take_integer, &walk, err);
}

const struct kedge_store_ops kedge_store_sqlite_ops = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .get = sqlite_get,
    .put = sqlite_put,
    .put_item = sqlite_put_item,
    .get_item = sqlite_get_item,
    .remove_item = sqlite_remove_item,
    .each_item = sqlite_each_item,
    .put_device = sqlite_put_device,
    .get_device = sqlite_get_device,
    .each_device = sqlite_each_device,
    .put_report = sqlite_put_report,
    .each_report = sqlite_each_report,
    .append_evidence = sqlite_append_evidence,
    .get_evidence = sqlite_get_evidence,
    .last_evidence = sqlite_last_evidence,
    .each_evidence = sqlite_each_evidence,
    .append_event = sqlite_append_event,
    .each_event = sqlite_each_event,
    .changed = sqlite_changed,
};
