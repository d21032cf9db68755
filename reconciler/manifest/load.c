/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/parallel.h"
#include "check.h"
#include "decode.h"
#include "index.h"

/* Files that a second thread is worth. */
#define GRAIN 64

/* Each worker has all it writes to itself. */
struct worker {
    struct kedge_arena arena;
    struct kedge_findings findings;
    struct kedge_intern *intern;
    bool unreadable; /* a file could not be read to its end: names may be missing */
};

struct load {
    const struct kedge_tree_entry **entries; /* to read */
    struct kedge_index_change *changes;      /* what became of each */
    struct worker workers[KEDGE_PARALLEL_MAX];
};

/* One file that is being read. */
struct reading {
    struct worker *worker;
    struct kedge_yaml *yaml;
    struct kedge_decoder decoder;
    struct kedge_buf objects; /* const struct kedge_object * */
    struct kedge_buf kinds;   /* uint8_t */
    uint32_t skipped;
};

static void visit_document(const struct kedge_yaml_node *root, void *payload)
{
    struct reading *r = payload;
    enum kedge_kind kind;
    bool skipped;
    const struct kedge_object *object = kedge_decode_document(&r->decoder, root, &kind, &skipped);
    r->skipped += skipped;
    if (!object)
        return;
    kedge_buf_add(&r->objects, &object, sizeof object);
    kedge_buf_putc(&r->kinds, (char)kind);
}

static void read_entry(struct reading *r, const struct kedge_tree_entry *entry)
{
    if (entry->refused) {
        kedge_finding_add(&r->worker->findings, KEDGE_SEVERITY_ERROR, "refused-file",
                          (struct kedge_position){.file = entry->path}, NULL, NULL, "%s",
                          entry->refused);
        r->worker->unreadable = true;
        return;
    }
    struct kedge_slice data = {entry->data, entry->size};
    if (!kedge_yaml_read(r->yaml, data, entry->path, &r->worker->findings, visit_document, r))
        r->worker->unreadable = true;
}

static const struct kedge_references *keep_references(struct kedge_arena *arena, const char *path,
                                                      const struct kedge_buf *found)
{
    if (found->size == 0)
        return NULL;
    struct kedge_references *references = kedge_arena_new(arena, struct kedge_references);
    struct kedge_reference *at = kedge_arena_alloc(arena, found->size);
    memcpy(at, found->data, found->size);
    *references = (struct kedge_references){.path = path,
                                            .at = at,
                                            .count = (uint32_t)(found->size / sizeof *at)};
    return references;
}

/* What was declared, in one piece of memory: pointers, then kinds. */
static void keep_objects(struct kedge_arena *arena, struct kedge_file *file,
                         const struct reading *r)
{
    file->count = (uint32_t)r->kinds.size;
    if (file->count == 0)
        return;
    char *objects = kedge_arena_alloc(arena, r->objects.size + r->kinds.size);
    memcpy(objects, r->objects.data, r->objects.size);
    memcpy(objects + r->objects.size, r->kinds.data, r->kinds.size);
    file->objects = (const struct kedge_object *const *)(void *)objects;
    file->kinds = (const uint8_t *)objects + r->objects.size;
}

static void read_files(unsigned worker, size_t first, size_t last, void *payload)
{
    struct load *load = payload;
    struct worker *w = &load->workers[worker];
    struct kedge_arena *arena = &w->arena;
    w->intern = kedge_intern_new(arena);
    struct reading r = {.worker = w, .yaml = kedge_yaml_new()};
    for (size_t i = first; i < last; i++) {
        const struct kedge_tree_entry *entry = load->entries[i];
        if (!entry->data && !entry->refused)
            continue; /* gone */
        struct kedge_file *file = kedge_arena_new(arena, struct kedge_file);
        file->path = kedge_arena_strdup(arena, entry->path);
        memcpy(file->blob, entry->blob, sizeof file->blob);
        r.decoder = (struct kedge_decoder){.arena = arena,
                                           .intern = w->intern,
                                           .findings = &w->findings,
                                           .file = file->path,
                                           .references = r.decoder.references};
        read_entry(&r, entry);
        keep_objects(arena, file, &r);
        file->skipped = r.skipped;
        load->changes[i].after = file;
        load->changes[i].references = keep_references(arena, file->path, &r.decoder.references);
        kedge_buf_clear(&r.objects);
        kedge_buf_clear(&r.kinds);
        kedge_buf_clear(&r.decoder.references);
        r.skipped = 0;
    }
    kedge_buf_release(&r.objects);
    kedge_buf_release(&r.kinds);
    kedge_buf_release(&r.decoder.references);
    kedge_yaml_free(r.yaml);
    kedge_intern_free(w->intern);
}

static bool same_blob(const struct kedge_file *file, const struct kedge_tree_entry *entry)
{
    return file && entry->data && memcmp(file->blob, entry->blob, sizeof file->blob) == 0;
}

/* Lists what must be read: all that differs from the revision before. Of a whole tree that has one,
 * what is no longer there becomes entries without data, which live in `arena`. */
static size_t list_changes(struct load *load, const struct kedge_specs *previous,
                           const struct kedge_tree *tree, struct kedge_arena *arena)
{
    const struct kedge_table *old = previous ? previous->files : NULL;
    size_t most = tree->count + (tree->base[0] ? 0 : kedge_table_count(old)), count = 0, next = 0;
    load->entries = kedge_alloc_array(most + 1, sizeof *load->entries);
    load->changes = kedge_alloc_array(most + 1, sizeof *load->changes);
    struct kedge_table_iter iter = {0};
    const struct kedge_file *file = tree->base[0] ? NULL : kedge_table_next(old, &iter);
    while (file || next < tree->count) {
        const struct kedge_tree_entry *entry = next < tree->count ? &tree->entries[next] : NULL;
        int order = !file ? 1 : !entry ? -1 : strcmp(file->path, entry->path);
        const struct kedge_file *before = order <= 0 ? file : NULL;
        if (order < 0) {
            struct kedge_tree_entry *gone = kedge_arena_new(arena, struct kedge_tree_entry);
            gone->path = file->path;
            entry = gone;
        } else {
            next++;
        }
        if (file && order <= 0)
            file = kedge_table_next(old, &iter);
        if (tree->base[0])
            before = kedge_table_find(old, entry->path);
        if (same_blob(before, entry) || (!before && !entry->data && !entry->refused))
            continue;
        load->entries[count] = entry;
        load->changes[count++].before = before;
    }
    return count;
}

static bool is_empty(const struct kedge_specs *specs)
{
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++)
        if (specs->kinds[kind])
            return false;
    return true;
}

/* Indexes what was read and checks what that bears on. `errors`: of `findings` before this load. */
static struct kedge_specs *build(struct kedge_arena *arena, const struct kedge_specs *previous,
                                 const struct kedge_tree *tree, const struct load *load,
                                 size_t count, bool unreadable, size_t errors,
                                 struct kedge_findings *findings)
{
    struct kedge_specs *specs = kedge_arena_new(arena, struct kedge_specs);
    struct kedge_index_effect effect = {0};
    if (previous)
        *specs = *previous;
    memcpy(specs->commit, tree->commit, sizeof specs->commit);
    kedge_index_apply(arena, specs, load->changes, count, findings, &effect);
    /* With a file missing, every reference into it would be blamed. */
    if ((effect.others_changed || effect.devices_removed) && !unreadable)
        kedge_check_specs(specs, findings);
    if (is_empty(specs) && findings->errors == errors)
        kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "empty-revision",
                          (struct kedge_position){0}, NULL,
                          "check the manifest path; to empty the fleet, delete its deployments "
                          "and keep the devices",
                          "the revision declares nothing");
    return specs;
}

static int load_tree(struct kedge_arena *pool, const struct kedge_specs *previous,
                     const struct kedge_tree *tree, bool draft, struct kedge_findings *findings,
                     const struct kedge_specs **out, struct kedge_err *err)
{
    if (tree->base[0] && (!previous || strcmp(previous->commit, tree->base) != 0))
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "the change is against commit '%s', which is not the one at hand",
                             tree->base);
    if (tree->count > KEDGE_LIMIT_FILES)
        return kedge_err_set(err, KEDGE_LIMIT, "the revision has more than %d manifest files",
                             KEDGE_LIMIT_FILES);
    /* Only a revision that holds ends up in the pool. */
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct load load = {0};
    size_t errors = findings->errors;
    size_t count = list_changes(&load, previous, tree, &arena);
    kedge_parallel_run(count, GRAIN, read_files, &load);
    bool unreadable = false;
    for (size_t i = 0; i < KEDGE_COUNT(load.workers); i++) {
        unreadable |= load.workers[i].unreadable;
        kedge_arena_adopt(&arena, &load.workers[i].arena);
        kedge_finding_merge(findings, &load.workers[i].findings);
        kedge_findings_release(&load.workers[i].findings);
    }
    struct kedge_specs *specs =
        build(&arena, previous, tree, &load, count, unreadable, errors, findings);
    kedge_finding_sort(findings);
    free(load.entries);
    free(load.changes);
    if (findings->errors > errors && !draft)
        return kedge_err_set(err, KEDGE_INVALID, "the manifests have %zu error%s",
                             findings->errors - errors, findings->errors - errors == 1 ? "" : "s");
    kedge_arena_adopt(pool, &arena);
    *out = specs;
    return 0;
}

int kedge_load_specs(struct kedge_arena *pool, const struct kedge_specs *previous,
                     const struct kedge_tree *tree, struct kedge_findings *findings,
                     const struct kedge_specs **out, struct kedge_err *err)
{
    return load_tree(pool, previous, tree, false, findings, out, err);
}

int kedge_load_draft(struct kedge_arena *pool, const struct kedge_tree *tree,
                     struct kedge_findings *findings, const struct kedge_specs **out,
                     struct kedge_err *err)
{
    return load_tree(pool, NULL, tree, true, findings, out, err);
}
