/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/utf8.h"

struct walk {
    struct kedge_git *git;
    struct kedge_tree *out;
    size_t capacity;
    size_t visited;        /* entries of all trees */
    struct kedge_buf path; /* of the folder being walked, with its '/' */
    bool escaped;          /* a path was changed to be shown: sort again */
};

/* Why a path may not stand in a message or a database, or NULL. */
static const char *unclean(const char *path, size_t size)
{
    if (size >= KEDGE_LIMIT_PATH)
        return "the path is too long";
    for (size_t i = 0; i < size;) {
        size_t whole = kedge_utf8_character(path + i, size - i);
        if (whole == 0)
            return "the path is not UTF-8";
        if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
            return "the path holds control characters";
        i += whole;
    }
    return NULL;
}

static char *shown(struct kedge_arena *arena, const char *path, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    if (size >= KEDGE_LIMIT_PATH)
        size = KEDGE_LIMIT_PATH - 1;
    for (size_t i = 0; i < size;) {
        size_t whole = kedge_utf8_character(path + i, size - i);
        if (whole > 0 && (unsigned char)path[i] >= 0x20 && path[i] != 0x7f) {
            kedge_buf_add(&text, path + i, whole);
            i += whole;
        } else {
            kedge_buf_printf(&text, "\\x%02x", (unsigned char)path[i++]);
        }
    }
    return kedge_arena_strndup(arena, text.data, text.size);
}

static bool is_null(const uint8_t blob[KEDGE_COMMIT_SIZE])
{
    static const uint8_t null[KEDGE_COMMIT_SIZE];
    return memcmp(blob, null, sizeof null) == 0;
}

static struct kedge_tree_entry *add(struct walk *walk)
{
    struct kedge_tree *out = walk->out;
    if (out->count == walk->capacity) {
        walk->capacity = walk->capacity ? 2 * walk->capacity : 16;
        out->entries = kedge_alloc_grow(out->entries, walk->capacity * sizeof *out->entries);
    }
    struct kedge_tree_entry *entry = &out->entries[out->count++];
    *entry = (struct kedge_tree_entry){0};
    return entry;
}

/* One file that differs; `gone` when only the older side has it. */
static int put(struct walk *walk, const git_tree_entry *from, bool gone, struct kedge_err *err)
{
    const char *name = git_tree_entry_name(from);
    if (!kedge_tree_is_manifest(name))
        return 0;
    if (walk->out->count == KEDGE_LIMIT_FILES)
        return kedge_err_set(err, KEDGE_LIMIT, "more than %d manifest files", KEDGE_LIMIT_FILES);
    size_t folder = walk->path.size;
    kedge_buf_puts(&walk->path, name);
    struct kedge_tree_entry *entry = add(walk);
    const char *why = unclean(walk->path.data, walk->path.size);
    git_filemode_t mode = git_tree_entry_filemode(from);
    if (why) {
        entry->path = shown(&walk->out->arena, walk->path.data, walk->path.size);
        walk->escaped = true;
    } else {
        entry->path = kedge_arena_strndup(&walk->out->arena, walk->path.data, walk->path.size);
    }
    if (!gone) {
        memcpy(entry->blob, git_tree_entry_id(from)->id, sizeof entry->blob);
        entry->refused = why                           ? why
                         : mode == GIT_FILEMODE_LINK   ? "a symbolic link is not read"
                         : mode == GIT_FILEMODE_COMMIT ? "a submodule is not read"
                         : is_null(entry->blob)        ? "the file has no id"
                                                       : NULL;
    }
    walk->path.size = folder;
    walk->path.data[folder] = '\0';
    return 0;
}

/* One side of the comparison: a tree and the next entry in it. */
struct side {
    git_tree *tree; /* NULL: empty */
    size_t next, count;
};

static void side_auto(struct side *side)
{
    git_tree_free(side->tree);
}

static int open_side(struct walk *walk, const git_oid *id, struct side *side, struct kedge_err *err)
{
    if (!id)
        return 0;
    int rc = kedge_handle_object(walk->git, id, GIT_OBJECT_TREE, KEDGE_LIMIT_GIT_TREE,
                                 (git_object **)&side->tree, err);
    if (rc < 0)
        return rc;
    side->count = git_tree_entrycount(side->tree);
    walk->visited += side->count;
    if (walk->visited > KEDGE_LIMIT_GIT_ENTRIES)
        return kedge_err_set(err, KEDGE_LIMIT, "more than %d files and folders",
                             KEDGE_LIMIT_GIT_ENTRIES);
    return 0;
}

static const git_tree_entry *peek(const struct side *side)
{
    return side->next < side->count ? git_tree_entry_byindex(side->tree, side->next) : NULL;
}

/* Moves on; a tree whose names are out of order, doubled or no names was not made by Git, and a
 * side by side walk of it would see things that are not there. */
static int advance(struct walk *walk, struct side *side, struct kedge_err *err)
{
    const git_tree_entry *done = peek(side);
    const char *name = git_tree_entry_name(done);
    side->next++;
    const git_tree_entry *next = peek(side);
    bool named = *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    if (named && (!next || git_tree_entry_cmp(done, next) < 0))
        return 0;
    char id[KEDGE_COMMIT_TEXT];
    kedge_oid_format(git_tree_id(side->tree), id);
    kedge_auto(kedge_buf) struct kedge_buf folder = {0};
    kedge_buf_puts(&folder, shown(&walk->out->arena, walk->path.data ? walk->path.data : "",
                                  walk->path.size));
    return kedge_err_set(err, KEDGE_INVALID,
                         "folder '%s' (tree %s) is malformed: its names are %s; run git fsck",
                         folder.data ? folder.data : "", id, named ? "out of order" : "no names");
}

static bool is_tree(const git_tree_entry *entry)
{
    return entry && git_tree_entry_filemode(entry) == GIT_FILEMODE_TREE;
}

/* Do both hold the same, read the same way? The executable bit does not matter. */
static bool same(const git_tree_entry *a, const git_tree_entry *b)
{
    git_filemode_t x = git_tree_entry_filemode(a), y = git_tree_entry_filemode(b);
    bool blobs = git_tree_entry_type(a) == GIT_OBJECT_BLOB && x != GIT_FILEMODE_LINK &&
                 git_tree_entry_type(b) == GIT_OBJECT_BLOB && y != GIT_FILEMODE_LINK;
    return git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b)) && (x == y || blobs);
}

static int compare(struct walk *walk, const git_oid *before, const git_oid *after, unsigned depth,
                   struct kedge_err *err);

static int descend(struct walk *walk, const git_tree_entry *before, const git_tree_entry *after,
                   unsigned depth, struct kedge_err *err)
{
    const char *name = git_tree_entry_name(before ? before : after);
    if (*name == '.')
        return 0; /* .git, .github: nobody's manifests */
    size_t folder = walk->path.size;
    kedge_buf_puts(&walk->path, name);
    kedge_buf_putc(&walk->path, '/');
    int rc = compare(walk, before ? git_tree_entry_id(before) : NULL,
                     after ? git_tree_entry_id(after) : NULL, depth + 1, err);
    walk->path.size = folder;
    walk->path.data[folder] = '\0';
    return rc;
}

/* Entries of one name, or one entry that the other side lacks. */
static int visit(struct walk *walk, const git_tree_entry *before, const git_tree_entry *after,
                 unsigned depth, struct kedge_err *err)
{
    if (before && after && same(before, after))
        return 0;
    if (is_tree(before) || is_tree(after))
        return descend(walk, before, after, depth, err);
    return put(walk, after ? after : before, !after, err);
}

static int compare(struct walk *walk, const git_oid *before, const git_oid *after, unsigned depth,
                   struct kedge_err *err)
{
    kedge_auto(side) struct side old = {0}, new = {0};
    if (depth > KEDGE_LIMIT_GIT_DEPTH)
        return kedge_err_set(err, KEDGE_LIMIT, "folders nest deeper than %d",
                             KEDGE_LIMIT_GIT_DEPTH);
    int rc = open_side(walk, before, &old, err);
    if (rc == 0)
        rc = open_side(walk, after, &new, err);
    while (rc == 0) {
        const git_tree_entry *a = peek(&old), *b = peek(&new);
        if (!a && !b)
            break;
        /* Folders order as if named "name/", so a file and a folder of one name are two entries,
         * and the paths come out sorted. */
        int order = !a ? 1 : !b ? -1 : git_tree_entry_cmp(a, b);
        a = order <= 0 ? a : NULL;
        b = order >= 0 ? b : NULL;
        rc = visit(walk, a, b, depth, err);
        if (rc == 0 && a)
            rc = advance(walk, &old, err);
        if (rc == 0 && b)
            rc = advance(walk, &new, err);
    }
    return rc;
}

static int by_path(const void *a, const void *b)
{
    const struct kedge_tree_entry *x = a, *y = b;
    return strcmp(x->path, y->path);
}

int kedge_walk_compare(struct kedge_git *git, const git_oid *before, const git_oid *after,
                       struct kedge_tree *out, struct kedge_err *err)
{
    struct walk walk = {.git = git, .out = out};
    int rc = before && git_oid_equal(before, after) ? 0 : compare(&walk, before, after, 0, err);
    struct kedge_tree_entry *entries = out->entries;
    out->entries = NULL;
    if (rc == 0 && out->count > 0) {
        if (walk.escaped)
            qsort(entries, out->count, sizeof *entries, by_path);
        out->entries = kedge_arena_array(&out->arena, out->count, sizeof *entries);
        memcpy(out->entries, entries, out->count * sizeof *entries);
    }
    free(entries);
    kedge_buf_release(&walk.path);
    return rc;
}

static int read_entry(struct kedge_git *git, git_odb *odb, struct kedge_tree *tree,
                      struct kedge_tree_entry *entry, size_t *total, struct kedge_err *err)
{
    git_oid id;
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    git_odb_object *object = NULL;
    git_oid_fromraw(&id, entry->blob);
    int rc = git_odb_read_header(&size, &type, odb, &id);
    if (rc == 0 && size > KEDGE_LIMIT_MANIFEST) {
        entry->refused = "the file is larger than 1 MiB";
        return 0;
    }
    *total += size;
    if (rc == 0 && *total > KEDGE_LIMIT_MANIFESTS)
        return kedge_err_set(err, KEDGE_LIMIT, "the manifests together are larger than 1 GiB");
    if (rc == 0 && type != GIT_OBJECT_BLOB) {
        git_error_set_str(GIT_ERROR_ODB, "not a blob");
        rc = GIT_ERROR;
    }
    if (rc == 0)
        rc = git_odb_read(&object, odb, &id);
    if (rc < 0) {
        kedge_handle_broken(git, &id, rc, err);
        return kedge_err_wrap(err, "'%s'", entry->path);
    }
    entry->size = git_odb_object_size(object);
    entry->data = kedge_arena_strndup(&tree->arena, git_odb_object_data(object), entry->size);
    git_odb_object_free(object);
    return 0;
}

int kedge_walk_read(struct kedge_git *git, struct kedge_tree *tree, struct kedge_err *err)
{
    git_odb *odb = NULL;
    size_t total = 0;
    int rc = git_repository_odb(&odb, git->repo);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot read the objects of '%s'", git->path);
    for (size_t i = 0; i < tree->count && rc == 0; i++) {
        struct kedge_tree_entry *entry = &tree->entries[i];
        if (!entry->refused && !is_null(entry->blob))
            rc = read_entry(git, odb, tree, entry, &total, err);
    }
    git_odb_free(odb);
    return rc;
}
