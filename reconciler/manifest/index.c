/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "posting.h"

/* An object that came or went. */
struct move {
    const char *name;
    const struct kedge_object *object;
    bool came;
};

struct moves {
    struct kedge_buf kinds[KEDGE_KIND_COUNT]; /* struct move */
};

static int compare_positions(const struct kedge_position *a, const struct kedge_position *b)
{
    int order = strcmp(a->file, b->file);
    return order ? order : a->line < b->line ? -1 : a->line > b->line;
}

/* By name; what goes before what comes; then by place, so that the first declaration is the one
 * that others repeat. */
static int compare_moves(const void *left, const void *right)
{
    const struct move *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    if (order == 0)
        order = (int)a->came - (int)b->came;
    return order ? order : compare_positions(&a->object->at, &b->object->at);
}

static void add_moves(struct moves *moves, const struct kedge_file *file, bool came)
{
    for (uint32_t i = 0; file && i < file->count; i++) {
        struct move move = {file->objects[i]->name, file->objects[i], came};
        kedge_buf_add(&moves->kinds[file->kinds[i]], &move, sizeof move);
    }
}

static void refuse_twice(struct kedge_findings *findings, enum kedge_kind kind,
                         const struct kedge_object *first, const struct kedge_object *again)
{
    kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "duplicate-name", again->at, "metadata.name",
                      "rename one of them", "%s '%s' is declared twice, first at %s:%u:%u",
                      kedge_word_name(&kedge_kind_words, (int)kind), again->name, first->at.file,
                      first->at.line, first->at.column);
}

/* One edit a name; returns how many. `distinct`: no name comes twice, which spares looking at all
 * those names again. */
static size_t make_edits(const struct kedge_table *table, enum kedge_kind kind,
                         const struct move *moves, size_t count, bool distinct,
                         struct kedge_table_edit *edits, struct kedge_findings *findings)
{
    size_t made = 0;
    for (size_t i = 0; i < count;) {
        const char *name = moves[i].name;
        bool went = !moves[i].came;
        const struct kedge_object *now = went ? NULL : kedge_table_find(table, name);
        do {
            if (moves[i].came && now)
                refuse_twice(findings, kind, now, moves[i].object);
            else if (moves[i].came)
                now = moves[i].object;
        } while (++i < count && !distinct && strcmp(moves[i].name, name) == 0);
        edits[made++] = (struct kedge_table_edit){name, now};
    }
    return made;
}

static bool is_rising(const struct move *moves, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(moves[i - 1].name, moves[i].name) >= 0)
            return false;
    return true;
}

/* True when a name is gone. */
static bool apply_moves(struct kedge_arena *arena, struct kedge_specs *specs, enum kedge_kind kind,
                        const struct kedge_buf *buf, struct kedge_findings *findings)
{
    struct move *moves = (struct move *)buf->data;
    size_t count = buf->size / sizeof *moves;
    bool distinct = is_rising(moves, count); /* files are mostly named after what they declare */
    if (!distinct)
        qsort(moves, count, sizeof *moves, compare_moves);
    struct kedge_table_edit *edits = kedge_alloc_array(count, sizeof *edits);
    size_t made = make_edits(specs->kinds[kind], kind, moves, count, distinct, edits, findings);
    bool removed = false;
    for (size_t i = 0; i < made; i++)
        removed |= !edits[i].value;
    specs->kinds[kind] = kedge_table_edit(arena, specs->kinds[kind], edits, made);
    free(edits);
    return removed;
}

static void apply_files(struct kedge_arena *arena, struct kedge_specs *specs,
                        const struct kedge_index_change *changes, size_t count)
{
    struct kedge_table_edit *files = kedge_alloc_array(count + 1, sizeof *files);
    struct kedge_table_edit *references = kedge_alloc_array(count + 1, sizeof *references);
    for (size_t i = 0; i < count; i++) {
        const struct kedge_index_change *change = &changes[i];
        const char *path = change->after ? change->after->path : change->before->path;
        files[i] = (struct kedge_table_edit){path, change->after};
        references[i] = (struct kedge_table_edit){path, change->references};
        specs->skipped += change->after ? change->after->skipped : 0;
        specs->skipped -= change->before ? change->before->skipped : 0;
    }
    specs->files = kedge_table_edit(arena, specs->files, files, count);
    specs->references = kedge_table_edit(arena, specs->references, references, count);
    free(files);
    free(references);
}

static void apply_postings(struct kedge_arena *arena, struct kedge_specs *specs,
                           const struct kedge_table *before, size_t moved)
{
    const struct kedge_table *after = specs->kinds[KEDGE_KIND_DEVICE];
    /* Editing sorts what changed; past a part of the fleet, counting all anew is less work. */
    if (moved > kedge_table_count(after) / 16)
        specs->postings = kedge_posting_build(arena, after);
    else
        specs->postings = kedge_posting_edit(arena, specs->postings, before, after);
}

void kedge_index_apply(struct kedge_arena *arena, struct kedge_specs *specs,
                       const struct kedge_index_change *changes, size_t count,
                       struct kedge_findings *findings, struct kedge_index_effect *effect)
{
    struct moves moves = {0};
    for (size_t i = 0; i < count; i++) {
        add_moves(&moves, changes[i].before, false);
        add_moves(&moves, changes[i].after, true);
    }
    const struct kedge_table *devices = specs->kinds[KEDGE_KIND_DEVICE];
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++) {
        struct kedge_buf *buf = &moves.kinds[kind];
        if (buf->size == 0)
            continue;
        bool removed = apply_moves(arena, specs, (enum kedge_kind)kind, buf, findings);
        effect->others_changed |= kind != KEDGE_KIND_DEVICE;
        effect->devices_removed |= kind == KEDGE_KIND_DEVICE && removed;
    }
    apply_files(arena, specs, changes, count);
    size_t moved = moves.kinds[KEDGE_KIND_DEVICE].size / sizeof(struct move);
    if (moved)
        apply_postings(arena, specs, devices, moved);
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++)
        kedge_buf_release(&moves.kinds[kind]);
}
