/* SPDX-License-Identifier: Apache-2.0 */
/* An immutable map from name to pointer, kept sorted by name, that shares what did not change.
 *
 * Entries are pointers to structs whose first member is `const char *name`. A table is a row of
 * chunks of a few hundred entries; an edit copies the chunks it touches and shares the rest, so a
 * new revision costs work in proportion to what changed, and comparing two revisions skips every
 * chunk they share (as Git skips equal trees). Tables and chunks live in the arena given; a NULL
 * table is a valid empty one. */
#pragma once

#include "arena.h"

struct kedge_table;

struct kedge_table_edit {
    const char *name;  /* key */
    const void *value; /* entry whose name equals `name`; NULL removes */
};

size_t kedge_table_count(const struct kedge_table *table);
/* NULL when absent. O(log n). */
const void *kedge_table_find(const struct kedge_table *table, const char *name);
/* Entry number `index` in name order; index < count. O(log n). */
const void *kedge_table_at(const struct kedge_table *table, size_t index);
/* From `count` entries sorted by strcmp of their names, no name twice. */
const struct kedge_table *kedge_table_build(struct kedge_arena *arena, const void *const *entries,
                                            size_t count);
/* `table` with `edits` (sorted by name, no name twice) applied; returns `table` itself when nothing
 * changes. */
const struct kedge_table *kedge_table_edit(struct kedge_arena *arena,
                                           const struct kedge_table *table,
                                           const struct kedge_table_edit *edits, size_t count);

/* Walk in name order: `struct kedge_table_iter it = {0}; while ((x = kedge_table_next(t, &it)))`.
 */
struct kedge_table_iter {
    size_t chunk, entry;
};
const void *kedge_table_next(const struct kedge_table *table, struct kedge_table_iter *iter);

/* Calls `visit` for each name whose pointer differs, in name order; `before` or `after` is NULL for
 * an entry that one side lacks. Chunks shared by both are skipped whole. */
typedef void kedge_table_visit(const void *before, const void *after, void *payload);
void kedge_table_diff(const struct kedge_table *before, const struct kedge_table *after,
                      kedge_table_visit *visit, void *payload);

/* The same convention in a plain array sorted by name, for rows that one owner changes in place:
 * where `name` is, or belongs. `entries` is an array of pointers. */
size_t kedge_table_locate(const void *entries, size_t count, const char *name, bool *found);
