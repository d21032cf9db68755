/* SPDX-License-Identifier: Apache-2.0 */
#include "slots.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kedge/download.h"
#include "kedge/unpack.h"
#include "base/alloc.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"

#define STOP_DEFAULT 10000

struct kedge_slots {
    int root, store, lock;
    char *path;
};

static const char *hex(const struct kedge_digest *digest, char text[KEDGE_DIGEST_HEX])
{
    return kedge_hex_encode(digest->bytes, sizeof digest->bytes, text);
}

/* What lies below the state folder. */
static const struct {
    const char *name;
    unsigned mode;
} folders[] = {{"artifacts", 0700}, {"instances", 0755}, {"current", 0755},
               {"logs", 0750},      {"run", 0700},       {"tmp", 0700}};

int kedge_slots_open(const char *path, struct kedge_slots **out, struct kedge_err *err)
{
    int code = kedge_fs_mkdirs(AT_FDCWD, path, 0755, err);
    if (code)
        return code;
    struct kedge_slots *slots = kedge_alloc_zeroed(sizeof *slots);
    slots->store = slots->lock = -1;
    slots->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    slots->path = realpath(path, NULL);
    if (slots->root < 0 || !slots->path)
        code = kedge_err_sys(err, errno, "cannot open the state folder '%s'", path);
    if (!code)
        code = kedge_fs_lock(slots->root, "lock", &slots->lock, err);
    if (!code)
        code = kedge_fs_remove(slots->root, "tmp", err);
    for (size_t i = 0; !code && i < KEDGE_COUNT(folders); i++)
        code = kedge_fs_mkdirs(slots->root, folders[i].name, folders[i].mode, err);
    if (!code) {
        slots->store = openat(slots->root, "artifacts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (slots->store < 0)
            code = kedge_err_sys(err, errno, "cannot open the artifact store");
    }
    if (code) {
        kedge_slots_close(slots);
        return code;
    }
    *out = slots;
    return 0;
}

void kedge_slots_close(struct kedge_slots *slots)
{
    if (!slots)
        return;
    kedge_fd_auto(&slots->store);
    kedge_fd_auto(&slots->root);
    kedge_fd_auto(&slots->lock);
    free(slots->path);
    free(slots);
}

int kedge_slots_root(const struct kedge_slots *slots)
{
    return slots->root;
}

int kedge_slots_store(const struct kedge_slots *slots)
{
    return slots->store;
}

const char *kedge_slots_path(const struct kedge_slots *slots)
{
    return slots->path;
}

struct kedge_runtime_unit kedge_slots_unit(const struct kedge_slots *slots,
                                           struct kedge_arena *arena, const char *instance,
                                           const struct kedge_digest *content,
                                           const struct kedge_assignment *assignment, bool made)
{
    static const struct kedge_runtime_spec unknown = {.driver = KEDGE_DRIVER_PROCESS,
                                                      .stop_timeout = STOP_DEFAULT};
    char name[KEDGE_DIGEST_HEX];
    const char *slot = made
                           ? kedge_arena_printf(arena, "%s/tmp/%s", slots->path, hex(content, name))
                           : kedge_arena_printf(arena, "%s/instances/%s/%s", slots->path, instance,
                                                hex(content, name));
    return (struct kedge_runtime_unit){
        .instance = instance,
        .version = assignment ? assignment->version : NULL,
        .spec = assignment ? &assignment->runtime : &unknown,
        .folder = kedge_arena_printf(arena, "%s/package", slot),
        .config = kedge_arena_printf(arena, "%s/config.json", slot),
        .models = kedge_arena_printf(arena, "%s/models.json", slots->path),
        .log = kedge_arena_printf(arena, "%s/logs/%s.log", slots->path, instance),
        .record = kedge_arena_printf(arena, "%s/run/%s/%s", slots->path, instance, name),
    };
}

/* --- making slots --- */

/* The name that a single-file artifact gets: the last segment of its URL. */
static const char *single_name(const char *url, char name[KEDGE_LIMIT_UNPACKED_NAME + 1])
{
    size_t end = strcspn(url, "?#"), start = end;
    while (start && url[start - 1] != '/' && url[start - 1] != ':')
        start--;
    snprintf(name, KEDGE_LIMIT_UNPACKED_NAME + 1, "%.*s", (int)(end - start), url + start);
    if (!kedge_unpack_name_valid(name))
        snprintf(name, KEDGE_LIMIT_UNPACKED_NAME + 1, "model");
    return name;
}

/* One line a file: digest, size, mtime, path. Paths hold no white space by the unpacker's rules. */
static void write_manifest(const struct kedge_unpacked *unpacked, struct kedge_buf *out)
{
    char digest[KEDGE_DIGEST_HEX];
    for (uint32_t i = 0; i < unpacked->count; i++) {
        const struct kedge_unpacked_file *file = &unpacked->files[i];
        kedge_buf_printf(out, "%s %lld %lld %s\n", hex(&file->digest, digest),
                         (long long)file->size, (long long)file->mtime, file->path);
    }
}

static int unpack(const struct kedge_slots *slots, int slot,
                  const struct kedge_assignment *assignment, struct kedge_unpacked *out,
                  struct kedge_err *err)
{
    if (!assignment->artifact.url) {
        int code = mkdirat(slot, "package", 0700);
        return code < 0 ? kedge_err_sys(err, errno, "cannot create the package folder") : 0;
    }
    char path[KEDGE_DOWNLOAD_PATH], single[KEDGE_LIMIT_UNPACKED_NAME + 1];
    kedge_download_path(&assignment->artifact.digest, path);
    kedge_auto(kedge_fd) int archive =
        openat(slots->store, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (archive < 0) {
        /* It was there a moment ago: fetch it again. */
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "the artifact is no longer in the store");
    }
    return kedge_unpack_run(archive, assignment->artifact.format,
                            single_name(assignment->artifact.url, single), slot, "package", out,
                            err);
}

static int write_slot(int slot, const struct kedge_assignment *assignment,
                      const struct kedge_unpacked *unpacked, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf json = {0}, manifest = {0};
    kedge_assignment_write(assignment, &(struct kedge_json_writer){.out = &json});
    write_manifest(unpacked, &manifest);
    struct kedge_slice config = assignment->config;
    if (!config.size)
        config = (struct kedge_slice){"{}", 2};
    int code = kedge_fs_write(slot, "config.json", config.data, config.size, 0644, err);
    if (!code)
        code = kedge_fs_write(slot, "manifest", manifest.data, manifest.size, 0600, err);
    if (!code)
        code = kedge_fs_write(slot, "assignment.json", json.data, json.size, 0600, err);
    return code;
}

static const char *made_path(const struct kedge_digest *content, char path[KEDGE_DIGEST_HEX + 8])
{
    char name[KEDGE_DIGEST_HEX];
    snprintf(path, KEDGE_DIGEST_HEX + 8, "tmp/%s", hex(content, name));
    return path;
}

int kedge_slots_make(struct kedge_slots *slots, const struct kedge_assignment *assignment,
                     struct kedge_err *err)
{
    char path[KEDGE_DIGEST_HEX + 8];
    made_path(&assignment->content, path);
    int code = kedge_fs_remove(slots->root, path, err);
    if (!code)
        code = kedge_fs_mkdirs(slots->root, path, 0755, err);
    if (code)
        return code;
    kedge_auto(kedge_fd) int slot = openat(slots->root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (slot < 0)
        return kedge_err_sys(err, errno, "cannot open '%s'", path);
    kedge_auto(kedge_unpacked) struct kedge_unpacked unpacked = {0};
    code = unpack(slots, slot, assignment, &unpacked, err);
    if (!code)
        code = write_slot(slot, assignment, &unpacked, err);
    if (code)
        kedge_slots_drop(slots, assignment);
    return code;
}

void kedge_slots_drop(struct kedge_slots *slots, const struct kedge_assignment *assignment)
{
    char path[KEDGE_DIGEST_HEX + 8];
    (void)!kedge_fs_remove(slots->root, made_path(&assignment->content, path), NULL);
}

int kedge_slots_place(struct kedge_slots *slots, const struct kedge_assignment *assignment,
                      struct kedge_err *err)
{
    char from[KEDGE_DIGEST_HEX + 8];
    kedge_auto(kedge_buf) struct kedge_buf folder = {0}, run = {0}, to = {0};
    made_path(&assignment->content, from);
    kedge_buf_printf(&folder, "instances/%s", assignment->instance);
    kedge_buf_printf(&run, "run/%s", assignment->instance);
    kedge_buf_printf(&to, "%s/%s", folder.data, from + strlen("tmp/"));
    int code = kedge_fs_mkdirs(slots->root, folder.data, 0755, err);
    if (!code)
        code = kedge_fs_mkdirs(slots->root, run.data, 0700, err);
    if (code)
        return code;
    if (renameat2(slots->root, from, slots->root, to.data, RENAME_NOREPLACE) < 0) {
        if (errno != EEXIST ||
            renameat2(slots->root, from, slots->root, to.data, RENAME_EXCHANGE) < 0)
            return kedge_err_sys(err, errno, "cannot put '%s' in place", to.data);
    }
    code = kedge_fs_sync(slots->root, folder.data, err);
    if (!code)
        code = kedge_fs_sync(slots->root, "instances", err);
    /* The older one, where there was one, lies in tmp/ now. */
    kedge_slots_drop(slots, assignment);
    return code;
}

/* --- changing what shows --- */

int kedge_slots_switch(struct kedge_slots *slots, const char *instance,
                       const struct kedge_digest *content, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf link = {0}, target = {0};
    kedge_buf_printf(&link, "current/%s", instance);
    if (kedge_digest_is_zero(content)) {
        int code = kedge_fs_remove(slots->root, link.data, err);
        return code ? code : kedge_fs_sync(slots->root, "current", err);
    }
    char name[KEDGE_DIGEST_HEX];
    kedge_buf_printf(&target, "../instances/%s/%s/package", instance, hex(content, name));
    int code = kedge_fs_link(slots->root, link.data, target.data, err);
    if (!code)
        return 0;
    /* Somebody has put a folder in its place, which a rename does not replace. */
    struct stat st;
    if (fstatat(slots->root, link.data, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
        kedge_fs_remove(slots->root, link.data, NULL))
        return code;
    return kedge_fs_link(slots->root, link.data, target.data, err);
}

static int remove_all(struct kedge_slots *slots, const char *instance, struct kedge_err *err)
{
    static const char *const paths[] = {"instances/%s", "run/%s", "logs/%s.log", "logs/%s.log.1"};
    int code = 0;
    for (size_t i = 0; !code && i < KEDGE_COUNT(paths); i++) {
        kedge_auto(kedge_buf) struct kedge_buf path = {0};
        kedge_buf_printf(&path, paths[i], instance);
        code = kedge_fs_remove(slots->root, path.data, err);
    }
    return code ? code : kedge_fs_sync(slots->root, "instances", err);
}

int kedge_slots_remove(struct kedge_slots *slots, const char *instance,
                       const struct kedge_digest *content, struct kedge_err *err)
{
    if (kedge_digest_is_zero(content))
        return remove_all(slots, instance, err);
    char name[KEDGE_DIGEST_HEX];
    kedge_auto(kedge_buf) struct kedge_buf from = {0}, folder = {0}, to = {0};
    kedge_buf_printf(&folder, "instances/%s", instance);
    kedge_buf_printf(&from, "%s/%s", folder.data, hex(content, name));
    kedge_buf_printf(&to, "tmp/%s.gone", name);
    int code = kedge_fs_remove(slots->root, to.data, err);
    if (code)
        return code;
    /* Gone in one step; a half-removed slot is never taken for one. */
    if (renameat(slots->root, from.data, slots->root, to.data) < 0)
        return errno == ENOENT ? 0 : kedge_err_sys(err, errno, "cannot remove '%s'", from.data);
    code = kedge_fs_sync(slots->root, folder.data, err);
    return code ? code : kedge_fs_remove(slots->root, to.data, err);
}

int kedge_slots_erase(struct kedge_slots *slots, struct kedge_err *err)
{
    int code = kedge_fs_remove(slots->store, "sha256", err);
    for (size_t i = 0; !code && i < KEDGE_COUNT(folders); i++) {
        if (strcmp(folders[i].name, "artifacts") == 0)
            continue; /* it is held open */
        code = kedge_fs_remove(slots->root, folders[i].name, err);
        if (!code)
            code = kedge_fs_mkdirs(slots->root, folders[i].name, folders[i].mode, err);
    }
    return code ? code : kedge_fs_sync(slots->root, ".", err);
}
