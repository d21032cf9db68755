/* SPDX-License-Identifier: Apache-2.0 */
/* The store without a disk: sorted rows, and the old rows of the open transaction kept for
 * rollback. */
#include "drivers.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/table.h"
#include "state/event.h"

/* Immutable once made, one allocation each; the first member of what follows is its key. */
struct rows {
    void **at;
    size_t count, capacity;
};

/* One write: `old` was in place of `now`; NULL: nothing was, or is now. */
struct undo {
    struct rows *rows;
    void *old, *now;
};

struct memory {
    struct kedge_store base;
    struct rows values, items, devices, reports, evidence;
    struct kedge_event **events; /* event number n is at n - 1 */
    size_t event_count, event_capacity;
    bool in_transaction;
    struct undo *undo;
    size_t undo_count, undo_capacity;
    size_t events_before;
};

struct value {
    const char *key, *value;
};

struct item {
    const char *path; /* "collection/key" */
    struct kedge_slice bytes;
};

struct proof {
    const char *path; /* "device", chain and link: it sorts as these do */
    struct kedge_store_evidence evidence;
};

static struct memory *memory_of(struct kedge_store *store)
{
    return (struct memory *)store;
}

static const char *key_of(const void *row)
{
    return *(const char *const *)row;
}

/* Room for one more item in a growing array. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return kedge_alloc_grow(items, *capacity * size);
}

/* Puts `row` in; gives the row it replaces, or NULL. */
static void *exchange(struct rows *rows, void *row)
{
    bool found;
    size_t at = kedge_table_locate(rows->at, rows->count, key_of(row), &found);
    if (found) {
        void *old = rows->at[at];
        rows->at[at] = row;
        return old;
    }
    rows->at = grow(rows->at, rows->count, &rows->capacity, sizeof *rows->at);
    memmove(rows->at + at + 1, rows->at + at, (rows->count - at) * sizeof *rows->at);
    rows->at[at] = row;
    rows->count++;
    return NULL;
}

/* Takes the row of that key out; gives it, or NULL. */
static void *take_out(struct rows *rows, const char *key)
{
    bool found;
    size_t at = kedge_table_locate(rows->at, rows->count, key, &found);
    if (!found)
        return NULL;
    void *old = rows->at[at];
    rows->count--;
    memmove(rows->at + at, rows->at + at + 1, (rows->count - at) * sizeof *rows->at);
    return old;
}

static void remember(struct memory *memory, struct rows *rows, void *old, void *now)
{
    if (!memory->in_transaction) {
        free(old);
        return;
    }
    memory->undo =
        grow(memory->undo, memory->undo_count, &memory->undo_capacity, sizeof *memory->undo);
    memory->undo[memory->undo_count++] = (struct undo){.rows = rows, .old = old, .now = now};
}

static void put_row(struct memory *memory, struct rows *rows, void *row)
{
    remember(memory, rows, exchange(rows, row), row);
}

static void release_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->at[i]);
    free(rows->at);
}

static int memory_open(const char *location, bool read_only, struct kedge_store **out,
                       struct kedge_err *err)
{
    (void)read_only;
    if (*location)
        return kedge_err_set(err, KEDGE_INVALID, "a memory store has no place: write 'memory:'");
    struct memory *memory = kedge_alloc_zeroed(sizeof *memory);
    *out = &memory->base;
    return 0;
}

static void memory_close(struct kedge_store *self)
{
    struct memory *memory = memory_of(self);
    release_rows(&memory->values);
    release_rows(&memory->items);
    release_rows(&memory->devices);
    release_rows(&memory->reports);
    release_rows(&memory->evidence);
    for (size_t i = 0; i < memory->event_count; i++)
        free(memory->events[i]);
    free(memory->events);
    free(memory->undo);
    free(memory);
}

static int memory_begin(struct kedge_store *self, struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    memory->in_transaction = true;
    memory->events_before = memory->event_count;
    return 0;
}

static int memory_commit(struct kedge_store *self, struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    for (size_t i = 0; i < memory->undo_count; i++)
        free(memory->undo[i].old);
    memory->undo_count = 0;
    memory->in_transaction = false;
    return 0;
}

static void memory_rollback(struct kedge_store *self)
{
    struct memory *memory = memory_of(self);
    while (memory->undo_count) {
        const struct undo *last = &memory->undo[--memory->undo_count];
        if (last->old)
            exchange(last->rows, last->old);
        else
            take_out(last->rows, key_of(last->now));
        free(last->now);
    }
    while (memory->event_count > memory->events_before)
        free(memory->events[--memory->event_count]);
    memory->in_transaction = false;
}

/* Copies `size` bytes and a NUL to *room, which moves behind them. */
static char *copy(char **room, const void *data, size_t size)
{
    char *start = *room;
    if (size)
        memcpy(start, data, size);
    start[size] = '\0';
    *room += size + 1;
    return start;
}

static int memory_get(struct kedge_store *self, const char *key, char **out, struct kedge_err *err)
{
    const struct rows *rows = &memory_of(self)->values;
    bool found;
    size_t at = kedge_table_locate(rows->at, rows->count, key, &found);
    if (!found)
        return kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no '%s'", key);
    *out = kedge_alloc_strdup(((const struct value *)rows->at[at])->value);
    return 0;
}

static int memory_put(struct kedge_store *self, const char *key, const char *value,
                      struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    struct value *row = kedge_alloc_zeroed(sizeof *row + strlen(key) + strlen(value) + 2);
    char *room = (char *)(row + 1);
    row->key = copy(&room, key, strlen(key));
    row->value = copy(&room, value, strlen(value));
    put_row(memory, &memory->values, row);
    return 0;
}

static char *path_of(const char *collection, const char *key)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s/%s", collection, key);
    return kedge_buf_take(&path);
}

static int memory_put_item(struct kedge_store *self, const char *collection, const char *key,
                           struct kedge_slice bytes, struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    char *path = path_of(collection, key);
    struct item *row = kedge_alloc_zeroed(sizeof *row + strlen(path) + bytes.size + 2);
    char *room = (char *)(row + 1);
    row->path = copy(&room, path, strlen(path));
    row->bytes = (struct kedge_slice){copy(&room, bytes.data, bytes.size), bytes.size};
    put_row(memory, &memory->items, row);
    free(path);
    return 0;
}

static int memory_get_item(struct kedge_store *self, const char *collection, const char *key,
                           char **out, size_t *size, struct kedge_err *err)
{
    const struct rows *rows = &memory_of(self)->items;
    char *path = path_of(collection, key);
    bool found;
    size_t at = kedge_table_locate(rows->at, rows->count, path, &found);
    free(path);
    if (!found)
        return kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no %s '%s'", collection, key);
    struct kedge_slice bytes = ((const struct item *)rows->at[at])->bytes;
    char *room = *out = kedge_alloc_zeroed(bytes.size + 1);
    copy(&room, bytes.data, bytes.size);
    *size = bytes.size;
    return 0;
}

static int memory_remove_item(struct kedge_store *self, const char *collection, const char *key,
                              struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    char *path = path_of(collection, key);
    void *old = take_out(&memory->items, path);
    free(path);
    if (old)
        remember(memory, &memory->items, old, NULL);
    return 0;
}

static int memory_each_item(struct kedge_store *self, const char *collection,
                            kedge_store_visit_item *visit, void *payload, struct kedge_err *err)
{
    (void)err;
    const struct rows *rows = &memory_of(self)->items;
    char *prefix = path_of(collection, "");
    size_t length = strlen(prefix);
    bool found;
    int code = 0;
    for (size_t i = kedge_table_locate(rows->at, rows->count, prefix, &found);
         i < rows->count && !code; i++) {
        const struct item *row = rows->at[i];
        if (strncmp(row->path, prefix, length) != 0)
            break;
        code = visit(row->path + length, row->bytes, payload);
    }
    free(prefix);
    return code;
}

static int memory_put_device(struct kedge_store *self, const struct kedge_store_device *device,
                             struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    struct kedge_store_device *row = kedge_alloc_zeroed(
        sizeof *row + strlen(device->name) + device->authorised.size + device->envelope.size + 3);
    char *room = (char *)(row + 1);
    *row = *device;
    row->name = copy(&room, device->name, strlen(device->name));
    row->authorised.data = copy(&room, device->authorised.data, device->authorised.size);
    row->envelope.data = copy(&room, device->envelope.data, device->envelope.size);
    put_row(memory, &memory->devices, row);
    return 0;
}

static int memory_get_device(struct kedge_store *self, const char *name,
                             kedge_store_visit_device *visit, void *payload, struct kedge_err *err)
{
    const struct rows *rows = &memory_of(self)->devices;
    bool found;
    size_t at = kedge_table_locate(rows->at, rows->count, name, &found);
    if (!found)
        return kedge_err_set(err, KEDGE_NOTFOUND, "the store holds no device '%s'", name);
    return visit(rows->at[at], payload);
}

static int memory_each_device(struct kedge_store *self, kedge_store_visit_device *visit,
                              void *payload, struct kedge_err *err)
{
    (void)err;
    const struct rows *rows = &memory_of(self)->devices;
    int code = 0;
    for (size_t i = 0; i < rows->count && !code; i++)
        code = visit(rows->at[i], payload);
    return code;
}

static int memory_put_report(struct kedge_store *self, const struct kedge_store_report *report,
                             struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    struct kedge_store_report *row =
        kedge_alloc_zeroed(sizeof *row + strlen(report->device) + report->evidence.size + 2);
    char *room = (char *)(row + 1);
    *row = *report;
    row->device = copy(&room, report->device, strlen(report->device));
    row->evidence.data = copy(&room, report->evidence.data, report->evidence.size);
    put_row(memory, &memory->reports, row);
    return 0;
}

static int memory_each_report(struct kedge_store *self, kedge_store_visit_report *visit,
                              void *payload, struct kedge_err *err)
{
    (void)err;
    const struct rows *rows = &memory_of(self)->reports;
    int code = 0;
    for (size_t i = 0; i < rows->count && !code; i++)
        code = visit(rows->at[i], payload);
    return code;
}

static char *proof_path(const char *device, int64_t chain, int64_t link)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s\1%016llx%016llx", device, (unsigned long long)chain,
                     (unsigned long long)link);
    return kedge_buf_take(&path);
}

static size_t locate_proof(const struct rows *rows, const char *device, int64_t chain, int64_t link,
                           bool *found)
{
    char *path = proof_path(device, chain, link);
    size_t at = kedge_table_locate(rows->at, rows->count, path, found);
    free(path);
    return at;
}

static int memory_append_evidence(struct kedge_store *self,
                                  const struct kedge_store_evidence *evidence,
                                  struct kedge_err *err)
{
    struct memory *memory = memory_of(self);
    bool found;
    (void)locate_proof(&memory->evidence, evidence->device, evidence->chain, evidence->link,
                       &found);
    if (found)
        return kedge_store_evidence_exists(evidence, err);
    char *path = proof_path(evidence->device, evidence->chain, evidence->link);
    struct proof *row = kedge_alloc_zeroed(sizeof *row + strlen(path) + strlen(evidence->device) +
                                           evidence->envelope.size + 3);
    char *room = (char *)(row + 1);
    row->path = copy(&room, path, strlen(path));
    row->evidence = *evidence;
    row->evidence.device = copy(&room, evidence->device, strlen(evidence->device));
    row->evidence.envelope.data = copy(&room, evidence->envelope.data, evidence->envelope.size);
    put_row(memory, &memory->evidence, row);
    free(path);
    return 0;
}

static int memory_get_evidence(struct kedge_store *self, const char *device, int64_t chain,
                               int64_t link, kedge_store_visit_evidence *visit, void *payload,
                               struct kedge_err *err)
{
    const struct rows *rows = &memory_of(self)->evidence;
    bool found;
    size_t at = locate_proof(rows, device, chain, link, &found);
    if (!found)
        return kedge_store_evidence_absent(device, err);
    return visit(&((const struct proof *)rows->at[at])->evidence, payload);
}

static bool is_of(const struct proof *row, const char *device)
{
    return !device || strcmp(row->evidence.device, device) == 0;
}

static int memory_last_evidence(struct kedge_store *self, const char *device,
                                kedge_store_visit_evidence *visit, void *payload,
                                struct kedge_err *err)
{
    const struct rows *rows = &memory_of(self)->evidence;
    bool found;
    size_t end = locate_proof(rows, device, INT64_MAX, INT64_MAX, &found);
    if (end == 0 || !is_of(rows->at[end - 1], device))
        return kedge_store_evidence_absent(device, err);
    return visit(&((const struct proof *)rows->at[end - 1])->evidence, payload);
}

static int memory_each_evidence(struct kedge_store *self, const char *device,
                                kedge_store_visit_evidence *visit, void *payload,
                                struct kedge_err *err)
{
    (void)err;
    const struct rows *rows = &memory_of(self)->evidence;
    bool found;
    int code = 0;
    for (size_t i = device ? locate_proof(rows, device, 0, 0, &found) : 0;
         i < rows->count && !code && is_of(rows->at[i], device); i++)
        code = visit(&((const struct proof *)rows->at[i])->evidence, payload);
    return code;
}

static int memory_append_event(struct kedge_store *self, struct kedge_event *event,
                               struct kedge_err *err)
{
    (void)err;
    struct memory *memory = memory_of(self);
    struct kedge_event row = *event;
    const char **const texts[] = {
        &row.commit, &row.device, &row.instance, &row.verb,   &row.from,
        &row.to,     &row.action, &row.by,       &row.reason, &row.message,
    };
    size_t size = 0;
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++)
        size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
    struct kedge_event *kept = kedge_alloc_zeroed(sizeof *kept + size);
    char *room = (char *)(kept + 1);
    for (size_t i = 0; i < KEDGE_COUNT(texts); i++)
        if (*texts[i])
            *texts[i] = copy(&room, *texts[i], strlen(*texts[i]));
    memory->events =
        grow(memory->events, memory->event_count, &memory->event_capacity, sizeof *memory->events);
    memory->events[memory->event_count++] = kept;
    row.seq = event->seq = (int64_t)memory->event_count;
    *kept = row;
    return 0;
}

static bool same(const char *wanted, const char *text)
{
    return !wanted || (text && strcmp(wanted, text) == 0);
}

static bool passes(const struct kedge_store_filter *filter, const struct kedge_event *event)
{
    return same(filter->device, event->device) && same(filter->instance, event->instance) &&
           same(filter->commit, event->commit) && event->seq > filter->after &&
           (!filter->before || event->seq < filter->before) &&
           (!filter->since || event->at >= filter->since);
}

static int memory_each_event(struct kedge_store *self, const struct kedge_store_filter *filter,
                             kedge_store_visit_event *visit, void *payload, struct kedge_err *err)
{
    (void)err;
    const struct memory *memory = memory_of(self);
    size_t count = memory->event_count;
    uint32_t shown = 0;
    int code = 0;
    for (size_t i = 0; i < count && !code && (!filter->limit || shown < filter->limit); i++) {
        const struct kedge_event *event = memory->events[filter->ascending ? i : count - 1 - i];
        if (!passes(filter, event))
            continue;
        shown++;
        code = visit(event, payload);
    }
    return code;
}

/* No other process can see it. */
static int memory_changed(struct kedge_store *self, int64_t *out, struct kedge_err *err)
{
    (void)self;
    (void)err;
    *out = 0;
    return 0;
}

const struct kedge_store_ops kedge_store_memory_ops = {
    .scheme = "memory",
    .open = memory_open,
    .close = memory_close,
    .begin = memory_begin,
    .commit = memory_commit,
    .rollback = memory_rollback,
    .get = memory_get,
    .put = memory_put,
    .put_item = memory_put_item,
    .get_item = memory_get_item,
    .remove_item = memory_remove_item,
    .each_item = memory_each_item,
    .put_device = memory_put_device,
    .get_device = memory_get_device,
    .each_device = memory_each_device,
    .put_report = memory_put_report,
    .each_report = memory_each_report,
    .append_evidence = memory_append_evidence,
    .get_evidence = memory_get_evidence,
    .last_evidence = memory_last_evidence,
    .each_evidence = memory_each_evidence,
    .append_event = memory_append_event,
    .each_event = memory_each_event,
    .changed = memory_changed,
};
