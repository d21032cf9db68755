/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "state/name.h"

#define HASH_BLOCK KEDGE_KIB(256)

void kedge_look_release(struct kedge_look *survey)
{
    kedge_arena_release(&survey->arena);
    free(survey->at);
    *survey = (struct kedge_look){0};
}

void kedge_look_auto(struct kedge_look *survey)
{
    kedge_look_release(survey);
}

typedef void visit_entry(int folder, const char *name, void *payload);

/* Calls `visit` for each entry but "." and "..". A folder that is absent has none. */
static int each_entry(int dir, const char *path, visit_entry *visit, void *payload,
                      struct kedge_err *err)
{
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : kedge_err_sys(err, errno, "cannot open '%s'", path);
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return kedge_err_sys(err, errno, "cannot list '%s'", path);
    }
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(fd, entry->d_name, payload);
    closedir(folder);
    return 0;
}

/* --- integrity --- */

static bool hash_matches(int fd, const struct kedge_digest *digest)
{
    char *block = kedge_alloc_zeroed(HASH_BLOCK);
    kedge_auto(kedge_digest) struct kedge_digest_state *hash = kedge_digest_begin();
    ssize_t got;
    while ((got = read(fd, block, HASH_BLOCK)) > 0 || (got < 0 && errno == EINTR))
        if (got > 0)
            kedge_digest_update(hash, block, (size_t)got);
    free(block);
    struct kedge_digest found = kedge_digest_finish(hash);
    return got == 0 && kedge_digest_equal(&found, digest);
}

/* One line of the manifest: "<digest> <size> <mtime> <path>". */
static enum kedge_integrity check_line(int package, char *line, bool deep)
{
    struct kedge_digest digest;
    char *at = line + 2 * KEDGE_DIGEST_SIZE;
    if (strlen(line) < 2 * KEDGE_DIGEST_SIZE ||
        !kedge_hex_decode(line, 2 * KEDGE_DIGEST_SIZE, digest.bytes, sizeof digest.bytes))
        return KEDGE_INTEGRITY_MODIFIED;
    long long size = strtoll(at, &at, 10), mtime = strtoll(at, &at, 10);
    at[strcspn(at, "\n")] = '\0';
    if (*at != ' ')
        return KEDGE_INTEGRITY_MODIFIED;
    kedge_auto(kedge_fd) int fd =
        openat(package, at + 1, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? KEDGE_INTEGRITY_MISSING
                                                   : KEDGE_INTEGRITY_MODIFIED;
    if (!S_ISREG(st.st_mode) || st.st_size != size)
        return KEDGE_INTEGRITY_MODIFIED;
    long long now = (long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if ((deep || now != mtime) && !hash_matches(fd, &digest))
        return KEDGE_INTEGRITY_MODIFIED;
    return KEDGE_INTEGRITY_INTACT;
}

static enum kedge_integrity check_slot(int slot, bool deep)
{
    int fd = openat(slot, "manifest", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    FILE *manifest = fd < 0 ? NULL : fdopen(fd, "r");
    kedge_auto(kedge_fd) int package =
        openat(slot, "package", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    enum kedge_integrity worst = KEDGE_INTEGRITY_INTACT;
    if (!manifest || package < 0)
        worst = KEDGE_INTEGRITY_MISSING;
    char *line = NULL;
    size_t room = 0;
    while (worst == KEDGE_INTEGRITY_INTACT && getline(&line, &room, manifest) > 0)
        worst = check_line(package, line, deep);
    free(line);
    if (manifest)
        fclose(manifest);
    return worst;
}

/* --- what is there --- */

struct walk {
    struct kedge_look *out;
    const char *instance;
    bool deep;
};

static struct kedge_look_found *find(struct kedge_look *out, const char *instance,
                                     const struct kedge_digest *content)
{
    for (uint32_t i = 0; i < out->count; i++)
        if (strcmp(out->at[i].instance, instance) == 0 &&
            kedge_digest_equal(&out->at[i].content, content))
            return &out->at[i];
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? 2 * out->capacity : 16;
        out->at = kedge_alloc_grow(out->at, out->capacity * sizeof *out->at);
    }
    struct kedge_look_found *found = &out->at[out->count++];
    *found = (struct kedge_look_found){.instance = kedge_arena_strdup(&out->arena, instance),
                                       .content = *content,
                                       .integrity = KEDGE_INTEGRITY_MISSING};
    return found;
}

static void see_slot(int folder, const char *name, void *payload)
{
    const struct walk *walk = payload;
    struct kedge_digest content;
    if (!kedge_hex_decode(name, strlen(name), content.bytes, sizeof content.bytes))
        return;
    kedge_auto(kedge_fd) int slot =
        openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (slot < 0)
        return;
    struct kedge_look_found *found = find(walk->out, walk->instance, &content);
    kedge_auto(kedge_buf) struct kedge_buf json = {0};
    if (kedge_fs_read(slot, "assignment.json", KEDGE_LIMIT_ENVELOPE, &json, NULL) == 0 && json.size)
        found->assignment =
            (struct kedge_slice){kedge_arena_strndup(&walk->out->arena, json.data, json.size),
                                 json.size};
    found->integrity = check_slot(slot, walk->deep);
}

static void see_mark(int folder, const char *name, void *payload)
{
    (void)folder;
    const struct walk *walk = payload;
    struct kedge_digest content;
    if (kedge_hex_decode(name, strlen(name), content.bytes, sizeof content.bytes))
        find(walk->out, walk->instance, &content)->marked = true;
}

static void see_instance(int folder, const char *name, void *payload)
{
    struct walk walk = *(const struct walk *)payload;
    const struct kedge_digest none = {0};
    uint32_t before = walk.out->count;
    if (!kedge_name_valid(name, strlen(name)))
        return;
    walk.instance = name;
    (void)!each_entry(folder, name, see_slot, &walk, NULL);
    /* A folder without a slot is something to tell of, too. */
    if (walk.out->count == before)
        find(walk.out, name, &none);
}

static void see_unit(int folder, const char *name, void *payload)
{
    struct walk walk = *(const struct walk *)payload;
    if (!kedge_name_valid(name, strlen(name)))
        return;
    walk.instance = name;
    (void)!each_entry(folder, name, see_mark, &walk, NULL);
}

static void see_link(int folder, const char *name, void *payload)
{
    const struct walk *walk = payload;
    char target[1024], expected[1024];
    struct kedge_digest content = {0};
    if (!kedge_name_valid(name, strlen(name)))
        return;
    ssize_t size = readlinkat(folder, name, target, sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    int start = snprintf(expected, sizeof expected, "../instances/%s/", name);
    struct kedge_digest named;
    if (start > 0 && strncmp(target, expected, (size_t)start) == 0 &&
        kedge_hex_decode(target + start, strcspn(target + start, "/"), named.bytes,
                         sizeof named.bytes) &&
        strcmp(target + start + 2 * KEDGE_DIGEST_SIZE, "/package") == 0)
        content = named;
    find(walk->out, name, &content)->current = true;
}

/* --- logs --- */

/* Copied, then cut: the units keep their descriptor, which appends. */
static void rotate(int folder, const char *name, void *payload)
{
    (void)payload;
    struct stat st;
    size_t size = strlen(name);
    if (size < 4 || strcmp(name + size - 4, ".log") != 0)
        return;
    kedge_auto(kedge_fd) int from = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0 || st.st_size <= (off_t)KEDGE_LIMIT_LOG_FILE)
        return;
    kedge_auto(kedge_buf) struct kedge_buf older = {0};
    kedge_buf_printf(&older, "%s.1", name);
    kedge_auto(kedge_fd) int to =
        openat(folder, older.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    off_t at = st.st_size - (off_t)KEDGE_LIMIT_LOG_FILE;
    while (to >= 0 && copy_file_range(from, &at, to, NULL, KEDGE_LIMIT_LOG_FILE, 0) > 0)
        ;
    /* Also where it could not be copied: a full disk is no reason to let it grow. */
    (void)!ftruncate(from, 0);
}

int kedge_look_run(struct kedge_slots *slots, bool deep, struct kedge_look *out,
                   struct kedge_err *err)
{
    int root = kedge_slots_root(slots);
    kedge_auto(kedge_look) struct kedge_look survey = {0};
    struct walk walk = {.out = &survey, .deep = deep};
    int code = each_entry(root, "instances", see_instance, &walk, err);
    if (!code)
        code = each_entry(root, "run", see_unit, &walk, err);
    if (!code)
        code = each_entry(root, "current", see_link, &walk, err);
    if (!code)
        code = each_entry(root, "logs", rotate, NULL, err);
    struct statvfs fs;
    if (!code && fstatvfs(root, &fs) < 0)
        code = kedge_err_sys(err, errno, "cannot ask for the free disk space");
    if (code)
        return code;
    survey.disk_free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    *out = survey;
    survey = (struct kedge_look){0};
    return 0;
}
