/* SPDX-License-Identifier: Apache-2.0 */
#include "dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 64 }; /* folders within folders; each holds a descriptor while it is read */

struct walk {
    struct kedge_tree *tree;
    struct kedge_buf entries; /* struct kedge_tree_entry */
    struct kedge_buf path;    /* of the entry in hand, relative to the root */
    size_t bytes;             /* of all files */
    unsigned depth;
};

static int read_folder(struct walk *w, int fd, struct kedge_err *err);

static int add_entry(struct walk *w, const struct kedge_buf *data, const char *refused,
                     struct kedge_err *err)
{
    struct kedge_arena *arena = &w->tree->arena;
    struct kedge_tree_entry entry = {
        .path = kedge_arena_strndup(arena, w->path.data, w->path.size),
        .refused = refused,
    };
    if (!refused) {
        struct kedge_digest digest = kedge_digest_of(data->data, data->size);
        memcpy(entry.blob, digest.bytes, sizeof entry.blob);
        entry.data = kedge_arena_strndup(arena, data->data, data->size);
        entry.size = data->size;
        w->bytes += data->size;
    }
    kedge_buf_add(&w->entries, &entry, sizeof entry);
    if (w->bytes > KEDGE_LIMIT_MANIFESTS)
        return kedge_err_set(err, KEDGE_LIMIT, "the manifests are larger than 1 GiB together");
    if (w->entries.size / sizeof entry > KEDGE_LIMIT_FILES)
        return kedge_err_set(err, KEDGE_LIMIT, "there are more than %d manifest files",
                             KEDGE_LIMIT_FILES);
    return 0;
}

static int read_file(struct walk *w, int fd, const char *name, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf data = {0};
    int code = kedge_fs_read(fd, name, KEDGE_LIMIT_MANIFEST, &data, err);
    if (code == KEDGE_LIMIT)
        return add_entry(w, NULL, "the file is larger than 1 MiB", err);
    return code < 0 ? kedge_err_wrap(err, "cannot read '%s'", w->path.data)
                    : add_entry(w, &data, NULL, err);
}

static int enter_folder(struct walk *w, int fd, const char *name, struct kedge_err *err)
{
    if (w->depth == DEPTH_MAX)
        return kedge_err_set(err, KEDGE_LIMIT, "'%s' lies more than %d folders deep", w->path.data,
                             DEPTH_MAX);
    int folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return kedge_err_sys(err, errno, "cannot open '%s'", w->path.data);
    w->depth++;
    int code = read_folder(w, folder, err);
    w->depth--;
    return code;
}

/* Names end up in messages: a terminal must not obey them. */
static bool is_clean(const char *name)
{
    size_t size = strlen(name), whole;
    for (size_t i = 0; i < size; i += whole) {
        whole = kedge_utf8_character(name + i, size - i);
        if (whole == 0 || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    }
    return true;
}

static int read_item(struct walk *w, int fd, const char *name, struct kedge_err *err)
{
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return kedge_err_sys(err, errno, "cannot read '%s'", w->path.data);
    if (S_ISDIR(st.st_mode))
        return enter_folder(w, fd, name, err);
    if (!kedge_tree_is_manifest(w->path.data))
        return 0;
    if (S_ISLNK(st.st_mode))
        return add_entry(w, NULL, "the file is a symbolic link", err);
    if (!S_ISREG(st.st_mode))
        return add_entry(w, NULL, "it is not a regular file", err);
    return read_file(w, fd, name, err);
}

/* Takes `fd` over. */
static int read_folder(struct walk *w, int fd, struct kedge_err *err)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int sys = errno;
        close(fd);
        return kedge_err_sys(err, sys, "cannot read '%s'", w->path.data);
    }
    int code = 0;
    size_t size = w->path.size;
    const struct dirent *item;
    while (code == 0 && (errno = 0, item = readdir(dir))) {
        if (item->d_name[0] == '.')
            continue; /* neither manifests nor a way to them */
        kedge_buf_printf(&w->path, "%s%s", size ? "/" : "", item->d_name);
        if (w->path.size > KEDGE_LIMIT_PATH)
            code =
                kedge_err_set(err, KEDGE_LIMIT, "a path is longer than %d bytes", KEDGE_LIMIT_PATH);
        else if (!is_clean(item->d_name))
            code = kedge_err_set(err, KEDGE_INVALID,
                                 "a file name holds control characters or is not UTF-8");
        else
            code = read_item(w, fd, item->d_name, err);
        w->path.size = size;
        w->path.data[size] = '\0';
    }
    if (code == 0 && errno)
        code = kedge_err_sys(err, errno, "cannot read '%s'", w->path.data ? w->path.data : ".");
    closedir(dir);
    return code;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct kedge_tree_entry *)a)->path,
                  ((const struct kedge_tree_entry *)b)->path);
}

int kedge_dir_read(const char *path, struct kedge_tree *out, struct kedge_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot open folder '%s'", path);
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct walk w = {.tree = &tree};
    int code = read_folder(&w, fd, err);
    size_t count = w.entries.size / sizeof *tree.entries;
    if (code == 0 && count) {
        qsort(w.entries.data, count, sizeof *tree.entries, compare_entries);
        tree.entries = kedge_arena_alloc(&tree.arena, w.entries.size);
        memcpy(tree.entries, w.entries.data, w.entries.size);
        tree.count = tree.files = count;
    }
    if (code == 0) {
        *out = tree;
        tree = (struct kedge_tree){0};
    }
    kedge_buf_release(&w.entries);
    kedge_buf_release(&w.path);
    return code < 0 ? kedge_err_wrap(err, "folder '%s'", path) : 0;
}
