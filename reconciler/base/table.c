/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <string.h>

#include "buf.h"

/* The fewest and most entries of a chunk (the only chunk of a small table may hold fewer). At a
 * million entries a table is a row of 2,000 to 4,000 chunks: an edit of one entry copies that row
 * and one chunk. */
enum { CHUNK_MIN = 128, CHUNK_MAX = 512 };

struct chunk {
    size_t count;
    const void *entries[];
};

struct row {
    const struct chunk *chunk;
    size_t start; /* index of its first entry in the table */
};

struct kedge_table {
    size_t count;
    size_t row_count;
    struct row rows[];
};

static const char *name_of(const void *entry)
{
    return *(const char *const *)entry;
}

static const char *first_name(const struct row *row)
{
    return name_of(row->chunk->entries[0]);
}

/* The row of rows [from, row_count) that holds `name` or would: the last one that does not begin
 * behind it, else `from`. */
static size_t row_for_name(const struct kedge_table *table, const char *name, size_t from)
{
    size_t low = from, high = table->row_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(first_name(&table->rows[middle]), name) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t kedge_table_count(const struct kedge_table *table)
{
    return table ? table->count : 0;
}

const void *kedge_table_find(const struct kedge_table *table, const char *name)
{
    if (!table)
        return NULL;
    const struct chunk *chunk = table->rows[row_for_name(table, name, 0)].chunk;
    size_t low = 0, high = chunk->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name_of(chunk->entries[middle]), name);
        if (order == 0)
            return chunk->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const void *kedge_table_at(const struct kedge_table *table, size_t index)
{
    size_t low = 0, high = table->row_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (table->rows[middle].start <= index)
            low = middle;
        else
            high = middle;
    }
    const struct row *row = &table->rows[low];
    return row->chunk->entries[index - row->start];
}

const void *kedge_table_next(const struct kedge_table *table, struct kedge_table_iter *iter)
{
    if (!table || iter->chunk == table->row_count)
        return NULL;
    const struct chunk *chunk = table->rows[iter->chunk].chunk;
    const void *entry = chunk->entries[iter->entry];
    if (++iter->entry == chunk->count)
        *iter = (struct kedge_table_iter){.chunk = iter->chunk + 1};
    return entry;
}

/* A table in the making: rows that are done, and entries behind them not yet in a chunk. */
struct builder {
    struct kedge_arena *arena;
    struct kedge_buf rows;    /* struct row */
    size_t count;             /* entries in those rows */
    struct kedge_buf pending; /* const void * */
};

static size_t pending_count(const struct builder *b)
{
    return b->pending.size / sizeof(const void *);
}

static void add_entries(struct builder *b, const void *const *entries, size_t count)
{
    kedge_buf_add(&b->pending, entries, count * sizeof *entries);
}

static void add_row(struct builder *b, const struct chunk *chunk)
{
    struct row row = {.chunk = chunk, .start = b->count};
    kedge_buf_add(&b->rows, &row, sizeof row);
    b->count += chunk->count;
}

/* Rows [first, last) of `table`, which end where row `last` starts: their chunks are not touched,
 * which is most of the cost of a small edit. */
static void share_rows(struct builder *b, const struct kedge_table *table, size_t first,
                       size_t last)
{
    if (first == last)
        return;
    const struct row *rows = &table->rows[first];
    size_t end = last < table->row_count ? table->rows[last].start : table->count;
    kedge_buf_reserve(&b->rows, (last - first) * sizeof *rows);
    struct row *out = (struct row *)(b->rows.data + b->rows.size);
    for (size_t i = 0; i < last - first; i++)
        out[i] = (struct row){rows[i].chunk, rows[i].start - rows->start + b->count};
    b->rows.size += (last - first) * sizeof *rows;
    b->count += end - rows->start;
}

/* Puts the entries of the last finished row before the pending ones. */
static void take_back_row(struct builder *b)
{
    struct row last;
    b->rows.size -= sizeof last;
    memcpy(&last, b->rows.data + b->rows.size, sizeof last);
    b->count = last.start;
    kedge_auto(kedge_buf) struct kedge_buf behind = b->pending;
    b->pending = (struct kedge_buf){0};
    add_entries(b, last.chunk->entries, last.chunk->count);
    kedge_buf_add(&b->pending, behind.data, behind.size);
}

/* Cuts the pending entries into even chunks. */
static void flush(struct builder *b)
{
    if (b->pending.size == 0)
        return;
    if (pending_count(b) < CHUNK_MIN && b->rows.size)
        take_back_row(b);
    size_t total = pending_count(b);
    size_t pieces = (total + CHUNK_MAX - 1) / CHUNK_MAX;
    const char *from = b->pending.data;
    for (size_t i = 0; i < pieces; i++) {
        size_t count = total * (i + 1) / pieces - total * i / pieces;
        size_t bytes = count * sizeof(const void *);
        struct chunk *chunk = kedge_arena_alloc(b->arena, sizeof *chunk + bytes);
        chunk->count = count;
        memcpy(chunk->entries, from, bytes);
        from += bytes;
        add_row(b, chunk);
    }
    kedge_buf_clear(&b->pending);
}

static const struct kedge_table *finish(struct builder *b)
{
    flush(b);
    struct kedge_table *table = NULL;
    size_t count = b->rows.size / sizeof(struct row);
    if (count) {
        table = kedge_arena_alloc(b->arena, sizeof *table + b->rows.size);
        table->count = b->count;
        table->row_count = count;
        memcpy(table->rows, b->rows.data, b->rows.size);
    }
    kedge_buf_release(&b->rows);
    kedge_buf_release(&b->pending);
    return table;
}

const struct kedge_table *kedge_table_build(struct kedge_arena *arena, const void *const *entries,
                                            size_t count)
{
    struct builder b = {.arena = arena};
    add_entries(&b, entries, count);
    return finish(&b);
}

/* Adds the entries with the edits applied to the pending ones; false when that changed nothing. */
static bool merge(struct builder *b, const void *const *entries, size_t count,
                  const struct kedge_table_edit *edits, size_t edit_count)
{
    bool changed = false;
    size_t done = 0;
    for (size_t i = 0; i < edit_count; i++) {
        size_t keep = done;
        int order = 1;
        while (keep < count && (order = strcmp(name_of(entries[keep]), edits[i].name)) < 0)
            keep++;
        add_entries(b, entries + done, keep - done);
        const void *old = keep < count && order == 0 ? entries[keep] : NULL;
        if (edits[i].value)
            add_entries(b, &edits[i].value, 1);
        changed |= edits[i].value != old;
        done = keep + (old != NULL);
    }
    add_entries(b, entries + done, count - done);
    return changed;
}

/* How many of the edits belong to row `row`: those before the next row's first name. */
static size_t edits_of_row(const struct kedge_table *table, size_t row,
                           const struct kedge_table_edit *edits, size_t count)
{
    if (row + 1 == table->row_count)
        return count;
    const char *end = first_name(&table->rows[row + 1]);
    size_t mine = 0;
    while (mine < count && strcmp(edits[mine].name, end) < 0)
        mine++;
    return mine;
}

const struct kedge_table *kedge_table_edit(struct kedge_arena *arena,
                                           const struct kedge_table *table,
                                           const struct kedge_table_edit *edits, size_t count)
{
    struct builder b = {.arena = arena};
    bool changed = false;
    if (!table) {
        const void *const none[] = {NULL}; /* something to add 0 to */
        merge(&b, none, 0, edits, count);
        return finish(&b);
    }
    for (size_t row = 0; row < table->row_count;) {
        size_t carried = pending_count(&b);
        if (carried == 0) {
            size_t touched = count ? row_for_name(table, edits->name, row) : table->row_count;
            share_rows(&b, table, row, touched);
            row = touched;
            if (row == table->row_count)
                break;
        }
        const struct chunk *chunk = table->rows[row].chunk;
        size_t mine = edits_of_row(table, row, edits, count);
        bool differs = merge(&b, chunk->entries, chunk->count, edits, mine);
        edits += mine;
        count -= mine;
        changed |= differs;
        if (!differs && carried == 0) {
            kedge_buf_clear(&b.pending);
            share_rows(&b, table, row, row + 1);
        } else if (pending_count(&b) >= CHUNK_MIN) {
            flush(&b);
        } /* else: too few for a chunk; the next row joins them */
        row++;
    }
    if (changed)
        return finish(&b);
    kedge_buf_release(&b.rows);
    kedge_buf_release(&b.pending);
    return table;
}

/* The chunk that `iter` is about to enter, or NULL when it stands inside one or at the end. */
static const struct chunk *chunk_ahead(const struct kedge_table *table,
                                       const struct kedge_table_iter *iter)
{
    if (!table || iter->chunk == table->row_count || iter->entry != 0)
        return NULL;
    return table->rows[iter->chunk].chunk;
}

/* Both walks reach the first entry of a shared chunk together, because every smaller name lies
 * behind them by then. */
static void skip_shared(const struct kedge_table *before, struct kedge_table_iter *old,
                        const struct kedge_table *after, struct kedge_table_iter *new)
{
    const struct chunk *chunk;
    while ((chunk = chunk_ahead(before, old)) && chunk == chunk_ahead(after, new)) {
        old->chunk++;
        new->chunk++;
    }
}

static const void *peek(const struct kedge_table *table, struct kedge_table_iter iter)
{
    return kedge_table_next(table, &iter);
}

void kedge_table_diff(const struct kedge_table *before, const struct kedge_table *after,
                      kedge_table_visit *visit, void *payload)
{
    struct kedge_table_iter old = {0}, new = {0};
    for (;;) {
        skip_shared(before, &old, after, &new);
        const void *a = peek(before, old);
        const void *b = peek(after, new);
        if (!a && !b)
            return;
        int order = !a ? 1 : !b ? -1 : a == b ? 0 : strcmp(name_of(a), name_of(b));
        if (order <= 0)
            kedge_table_next(before, &old);
        if (order >= 0)
            kedge_table_next(after, &new);
        if (order != 0 || a != b)
            visit(order <= 0 ? a : NULL, order >= 0 ? b : NULL, payload);
    }
}

size_t kedge_table_locate(const void *entries, size_t count, const char *name, bool *found)
{
    const void *const *at = entries;
    size_t low = 0, high = count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(*(const char *const *)at[middle], name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
