/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "check.h"
#include "index.h"
#include "same.h"

/* An object that leaves a file, or comes into it. */
struct part {
    const char *path;
    const struct kedge_object *object;
    enum kedge_kind kind;
    bool comes;
};

static int compare_parts(const void *left, const void *right)
{
    const struct part *a = left, *b = right;
    int order = strcmp(a->path, b->path);
    if (order == 0)
        order = (int)a->comes - (int)b->comes;
    if (order == 0 && a->object != b->object)
        order = (uintptr_t)a->object < (uintptr_t)b->object ? -1 : 1;
    return order;
}

static struct part *list_parts(const struct kedge_overlay_edit *edits, size_t count, size_t *made)
{
    struct part *parts = kedge_alloc_array(2 * count + 1, sizeof *parts);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct kedge_overlay_edit *edit = &edits[i];
        if (edit->before)
            parts[n++] = (struct part){edit->before->at.file, edit->before, edit->kind, false};
        if (edit->after)
            parts[n++] = (struct part){edit->after->at.file, edit->after, edit->kind, true};
    }
    qsort(parts, n, sizeof *parts, compare_parts);
    *made = n;
    return parts;
}

static bool leaves(const struct part *parts, size_t count, const struct kedge_object *object)
{
    const struct part key = {.path = parts->path, .object = object};
    return bsearch(&key, parts, count, sizeof *parts, compare_parts) != NULL;
}

/* A file as it stands after its parts, which may be nothing; its objects are in `objects`. */
static struct kedge_index_change edit_file(struct kedge_arena *arena,
                                           const struct kedge_specs *base, const struct part *parts,
                                           size_t count)
{
    const struct kedge_file *before = kedge_table_find(base->files, parts->path);
    struct kedge_index_change change = {.before = before};
    struct kedge_file *file = kedge_arena_new(arena, struct kedge_file);
    size_t most = count + (before ? before->count : 0);
    const struct kedge_object **objects = kedge_arena_array(arena, most, sizeof *objects);
    uint8_t *kinds = kedge_arena_array(arena, most, sizeof *kinds);
    kedge_auto(kedge_buf) struct kedge_buf references = {0};
    *file = (struct kedge_file){.path = parts->path, .objects = objects, .kinds = kinds};
    for (uint32_t i = 0; before && i < before->count; i++) {
        if (leaves(parts, count, before->objects[i]))
            continue;
        objects[file->count] = before->objects[i];
        kinds[file->count++] = before->kinds[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (!parts[i].comes)
            continue;
        objects[file->count] = parts[i].object;
        kinds[file->count++] = (uint8_t)parts[i].kind;
    }
    for (uint32_t i = 0; i < file->count; i++)
        kedge_same_references((enum kedge_kind)kinds[i], objects[i], arena, &references);
    if (file->count)
        change.after = file;
    if (references.size) {
        struct kedge_references *list = kedge_arena_new(arena, struct kedge_references);
        struct kedge_reference *at = kedge_arena_alloc(arena, references.size);
        memcpy(at, references.data, references.size);
        *list =
            (struct kedge_references){parts->path, at, (uint32_t)(references.size / sizeof *at)};
        change.references = list;
    }
    return change;
}

int kedge_overlay_specs(struct kedge_arena *arena, const struct kedge_specs *base,
                        const char *commit, const struct kedge_overlay_edit *edits, size_t count,
                        struct kedge_findings *findings, const struct kedge_specs **out,
                        struct kedge_err *err)
{
    size_t total, files = 0, errors = findings->errors;
    struct part *parts = list_parts(edits, count, &total);
    struct kedge_index_change *changes = kedge_alloc_array(total + 1, sizeof *changes);
    for (size_t first = 0, next; first < total; first = next) {
        for (next = first + 1; next < total && strcmp(parts[next].path, parts[first].path) == 0;)
            next++;
        struct kedge_index_change change = edit_file(arena, base, parts + first, next - first);
        if (change.before || change.after)
            changes[files++] = change;
    }
    struct kedge_specs *specs = kedge_arena_new(arena, struct kedge_specs);
    struct kedge_index_effect effect = {0};
    *specs = *base;
    memcpy(specs->commit, commit, sizeof specs->commit);
    kedge_index_apply(arena, specs, changes, files, findings, &effect);
    if (effect.others_changed || effect.devices_removed)
        kedge_check_specs(specs, findings);
    free(changes);
    free(parts);
    if (findings->errors > errors)
        return kedge_err_set(err, KEDGE_INVALID, "what is left does not stand by itself");
    *out = specs;
    return 0;
}
