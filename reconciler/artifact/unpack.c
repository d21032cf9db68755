/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <search.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "state/workload.h"
#include "zip.h"

#define RATIO_FREE KEDGE_MIB(1) /* small archives may unpack to this whatever their size */
#define BLOCK      KEDGE_KIB(64)

/* A path that is taken, under its lower-case form. */
struct taken {
    const char *key, *path;
    bool folder, listed; /* listed: the archive had an entry for it */
};

struct job {
    int root;
    int64_t most; /* bytes of all files together */
    uint32_t entries;
    void *taken; /* tsearch(3) tree of struct taken */
    struct kedge_arena arena;
    struct kedge_unpacked *out;
};

void kedge_unpacked_release(struct kedge_unpacked *unpacked)
{
    for (uint32_t i = 0; i < unpacked->count; i++)
        free(unpacked->files[i].path);
    free(unpacked->files);
    *unpacked = (struct kedge_unpacked){0};
}

void kedge_unpacked_auto(struct kedge_unpacked *unpacked)
{
    kedge_unpacked_release(unpacked);
}

static void archive_auto(struct archive **archive)
{
    archive_read_free(*archive);
}

static bool segment_valid(const char *text, size_t size)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "._+@=,-";
    return size > 0 && size <= KEDGE_LIMIT_UNPACKED_NAME && strspn(text, allowed) >= size &&
           text[0] != '-' && !(size == 1 && text[0] == '.') &&
           !(size == 2 && text[0] == '.' && text[1] == '.');
}

bool kedge_unpack_name_valid(const char *path)
{
    for (unsigned depth = 1; depth <= KEDGE_LIMIT_UNPACKED_DEPTH; depth++) {
        size_t size = strcspn(path, "/");
        if (!segment_valid(path, size))
            return false;
        if (path[size] == '\0')
            return true;
        path += size + 1;
    }
    return false;
}

static int refuse(struct kedge_err *err, const char *path, const char *why)
{
    return kedge_err_set(err, KEDGE_INVALID, "entry '%.100s' %s", path, why);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct taken *)a)->key, ((const struct taken *)b)->key);
}

/* The arena frees what hangs in the tree. */
static void keep_item(void *item)
{
    (void)item;
}

/* Claims `path`; names that differ only in case would be one file on some file systems. Names are
 * ASCII by now, so lower case is all the folding there is. */
static int claim(struct job *job, const char *path, bool folder, bool listed, struct kedge_err *err)
{
    char *key = kedge_arena_strdup(&job->arena, path);
    for (char *c = key; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    struct taken *mine = kedge_arena_new(&job->arena, struct taken);
    *mine = (struct taken){.key = key,
                           .path = kedge_arena_strdup(&job->arena, path),
                           .folder = folder,
                           .listed = listed};
    struct taken *taken = *(struct taken **)tsearch(mine, &job->taken, compare_keys);
    if (taken == mine) {
        if (folder && mkdirat(job->root, path, 0755) < 0)
            return kedge_err_sys(err, errno, "cannot create folder '%.100s'", path);
        return 0;
    }
    if (strcmp(taken->path, path) != 0)
        return refuse(err, path, "differs from another one only in case");
    if (!folder || !taken->folder)
        return refuse(err, path, "is there twice, or once as a file and once as a folder");
    if (listed && taken->listed)
        return refuse(err, path, "is there twice");
    taken->listed |= listed;
    return 0;
}

static int claim_parents(struct job *job, const char *path, struct kedge_err *err)
{
    int code = 0;
    for (const char *slash = strchr(path, '/'); !code && slash; slash = strchr(slash + 1, '/'))
        code = claim(job, kedge_arena_strndup(&job->arena, path, (size_t)(slash - path)), true,
                     false, err);
    return code;
}

static int write_at(int fd, const char *data, size_t size, struct kedge_err *err)
{
    while (size) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return kedge_err_sys(err, errno, "cannot write");
        data += put;
        size -= (size_t)put;
    }
    return 0;
}

static void note_file(struct kedge_unpacked *out, const char *path, int64_t size,
                      const struct stat *st, struct kedge_digest digest)
{
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? 2 * out->capacity : 16;
        out->files = kedge_alloc_grow(out->files, out->capacity * sizeof *out->files);
    }
    out->files[out->count++] = (struct kedge_unpacked_file){
        .path = kedge_alloc_strdup(path),
        .size = size,
        .mtime = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .digest = digest,
    };
}

/* Bytes of one entry, counted while they come: what headers claim is no measure. */
static int write_entry(struct job *job, struct archive *archive, const char *path, int fd,
                       struct kedge_digest_state *hash, int64_t *size, struct kedge_err *err)
{
    *size = 0;
    for (;;) {
        const void *data;
        size_t length;
        la_int64_t offset;
        int result = archive_read_data_block(archive, &data, &length, &offset);
        if (result == ARCHIVE_EOF)
            return 0;
        if (result != ARCHIVE_OK)
            return kedge_err_set(err, KEDGE_INVALID, "entry '%.100s' cannot be unpacked: %.200s",
                                 path, archive_error_string(archive));
        if (offset != *size)
            return refuse(err, path, "is sparse");
        *size += (int64_t)length;
        if (*size > KEDGE_LIMIT_UNPACKED_FILE || (int64_t)length > job->most - job->out->bytes)
            return kedge_err_set(err, KEDGE_INVALID,
                                 "entry '%.100s' makes the archive unpack to more than %lld bytes",
                                 path, (long long)job->most);
        job->out->bytes += (int64_t)length;
        kedge_digest_update(hash, data, length);
        int code = write_at(fd, data, length, err);
        if (code)
            return kedge_err_wrap(err, "entry '%.100s'", path);
    }
}

static int unpack_file(struct job *job, struct archive *archive, struct archive_entry *entry,
                       const char *path, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd =
        openat(job->root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot create '%.100s'", path);
    kedge_auto(kedge_digest) struct kedge_digest_state *hash = kedge_digest_begin();
    int64_t size;
    int code = write_entry(job, archive, path, fd, hash, &size, err);
    if (code)
        return code;
    if (archive_entry_size_is_set(entry) && archive_entry_size(entry) != size)
        return refuse(err, path, "has another size than its header says");
    struct stat st;
    if (fchmod(fd, archive_entry_perm(entry) & S_IXUSR ? 0755 : 0644) < 0 || fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot finish '%.100s'", path);
    note_file(job->out, path, size, &st, kedge_digest_finish(hash));
    return 0;
}

static int unpack_entry(struct job *job, struct archive *archive, struct archive_entry *entry,
                        struct kedge_err *err)
{
    const char *given = archive_entry_pathname(entry);
    if (!given)
        return refuse(err, "?", "has a name that is not plain text");
    if (++job->entries > KEDGE_LIMIT_UNPACKED_FILES)
        return kedge_err_set(err, KEDGE_INVALID, "the archive has more than %d entries",
                             KEDGE_LIMIT_UNPACKED_FILES);
    mode_t type = archive_entry_filetype(entry);
    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry) ||
        (type != AE_IFREG && type != AE_IFDIR))
        return refuse(err, given, "is neither a regular file nor a folder");
    if (archive_entry_is_encrypted(entry))
        return refuse(err, given, "is encrypted");
    /* `tar -C folder -c .` puts one "./" before every name, and has an entry for the folder. */
    bool dotted = given[0] == '.' && given[1] == '/';
    if (type == AE_IFDIR && (strcmp(given, "./") == 0 || strcmp(given, ".") == 0))
        return 0;
    char *path = kedge_arena_strdup(&job->arena, dotted ? given + 2 : given);
    size_t length = strlen(path);
    if (type == AE_IFDIR && length > 1 && path[length - 1] == '/')
        path[length - 1] = '\0';
    if (!kedge_unpack_name_valid(path))
        return refuse(err, given,
                      "has a name that is refused: use letters, digits and ._+@=,- in relative "
                      "paths without '.' or '..'");
    int code = claim_parents(job, path, err);
    if (!code)
        code = claim(job, path, type == AE_IFDIR, true, err);
    if (!code && type == AE_IFREG)
        code = unpack_file(job, archive, entry, path, err);
    return code;
}

static int open_archive(int fd, enum kedge_format format, struct archive **out,
                        struct kedge_err *err)
{
    struct archive *archive = archive_read_new();
    if (!archive)
        return kedge_err_set(err, KEDGE_INTERNAL, "libarchive has no memory");
    *out = archive;
    if (format == KEDGE_FORMAT_ZIP)
        archive_read_support_format_zip_seekable(archive);
    else
        archive_read_support_format_tar(archive);
    if (format == KEDGE_FORMAT_TAR_GZ)
        archive_read_support_filter_gzip(archive);
    else if (format == KEDGE_FORMAT_TAR_ZST)
        archive_read_support_filter_zstd(archive);
    if (lseek(fd, 0, SEEK_SET) < 0)
        return kedge_err_sys(err, errno, "cannot read the archive");
    if (archive_read_open_fd(archive, fd, BLOCK) != ARCHIVE_OK)
        return kedge_err_set(err, KEDGE_INVALID, "the archive cannot be read as %s: %.200s",
                             kedge_word_name(&kedge_format_words, (int)format),
                             archive_error_string(archive));
    return 0;
}

static int unpack_archive(struct job *job, int fd, enum kedge_format format, struct kedge_err *err)
{
    int code = format == KEDGE_FORMAT_ZIP ? kedge_zip_check(fd, err) : 0;
    kedge_auto(archive) struct archive *archive = NULL;
    if (code || (code = open_archive(fd, format, &archive, err)))
        return code;
    for (;;) {
        struct archive_entry *entry;
        int result = archive_read_next_header(archive, &entry);
        if (result == ARCHIVE_EOF)
            return 0;
        /* Warnings too: libarchive warns of what it has changed to make sense of it. */
        if (result != ARCHIVE_OK)
            return kedge_err_set(err, KEDGE_INVALID, "the archive cannot be read: %.200s",
                                 archive_error_string(archive));
        if ((code = unpack_entry(job, archive, entry, err)))
            return code;
    }
}

static int copy_single(struct job *job, int from, const char *name, struct kedge_err *err)
{
    if (!kedge_unpack_name_valid(name) || strchr(name, '/'))
        return refuse(err, name, "is not a file name");
    kedge_auto(kedge_fd) int fd =
        openat(job->root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot create '%.100s'", name);
    kedge_auto(kedge_digest) struct kedge_digest_state *hash = kedge_digest_begin();
    char block[16384];
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(from, block, sizeof block, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kedge_err_sys(err, errno, "cannot read the artifact");
        if (got == 0)
            break;
        int code = write_at(fd, block, (size_t)got, err);
        if (code)
            return code;
        kedge_digest_update(hash, block, (size_t)got);
        at += got;
    }
    struct stat st;
    if (fchmod(fd, 0644) < 0 || fstat(fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot finish '%.100s'", name);
    job->out->bytes = at;
    note_file(job->out, name, at, &st, kedge_digest_finish(hash));
    return 0;
}

static int fill(struct job *job, int archive, enum kedge_format format, const char *single,
                struct kedge_err *err)
{
    struct stat st;
    if (fstat(archive, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat the artifact");
    job->most = st.st_size > KEDGE_LIMIT_UNPACKED / KEDGE_LIMIT_UNPACKED_RATIO
                    ? KEDGE_LIMIT_UNPACKED
                    : (int64_t)st.st_size * KEDGE_LIMIT_UNPACKED_RATIO;
    if (job->most < (int64_t)RATIO_FREE)
        job->most = RATIO_FREE;
    int code = format == KEDGE_FORMAT_FILE ? copy_single(job, archive, single, err)
                                           : unpack_archive(job, archive, format, err);
    tdestroy(job->taken, keep_item);
    kedge_arena_release(&job->arena);
    /* One call for all files: they are whole before the folder gets its name. */
    if (!code && syncfs(job->root) < 0)
        code = kedge_err_sys(err, errno, "cannot sync the unpacked files");
    return code;
}

int kedge_unpack_run(int archive, int format, const char *single, int parent, const char *name,
                     struct kedge_unpacked *out, struct kedge_err *err)
{
    if (mkdirat(parent, name, 0700) < 0)
        return kedge_err_sys(err, errno, "cannot create the folder '%.100s'", name);
    kedge_auto(kedge_fd) int root =
        openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0)
        return kedge_err_sys(err, errno, "cannot open the folder '%.100s'", name);
    kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
    struct job job = {.root = root, .out = &unpacked};
    int code = fill(&job, archive, (enum kedge_format)format, single, err);
    if (code) {
        (void)!kedge_fs_remove(parent, name, NULL);
        return code;
    }
    *out = unpacked;
    unpacked = (struct kedge_unpacked){0};
    return 0;
}
