/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/download.h"

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
#include "state/workload.h"

#define CHUNK         KEDGE_KIB(256)
#define PROGRESS_STEP (1 << 20)
#define SPARE         (16LL << 20) /* bytes of disk that stay free for journal and logs */

static void artifact_auto(struct kedge_artifact **artifact)
{
    kedge_artifact_close(*artifact);
}

static void chunk_auto(char **chunk)
{
    free(*chunk);
}

const char *kedge_download_path(const struct kedge_digest *digest, char path[KEDGE_DOWNLOAD_PATH])
{
    char hex[KEDGE_DIGEST_HEX];
    kedge_hex_encode(digest->bytes, sizeof digest->bytes, hex);
    snprintf(path, KEDGE_DOWNLOAD_PATH, "sha256/%s", hex);
    return path;
}

static void see(const struct kedge_download *fetch, struct kedge_digest_state *hash,
                const void *data, size_t size)
{
    kedge_digest_update(hash, data, size);
    if (fetch->see)
        fetch->see(data, size, fetch->payload);
}

static void start_over(const struct kedge_download *fetch, struct kedge_digest_state *hash)
{
    (void)kedge_digest_finish(hash);
    if (fetch->see)
        fetch->see(NULL, 0, fetch->payload);
}

/* Hashes what an earlier try left in `fd`, up to the declared size; *have is how much that is. */
static int hash_part(const struct kedge_download *fetch, int fd, char *chunk,
                     struct kedge_digest_state *hash, int64_t *have, struct kedge_err *err)
{
    int64_t size = fetch->artifact->size;
    start_over(fetch, hash);
    *have = 0;
    while (*have < size) {
        size_t want = size - *have < (int64_t)CHUNK ? (size_t)(size - *have) : CHUNK;
        ssize_t got = read(fd, chunk, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kedge_err_sys(err, errno, "cannot read the partial download");
        if (got == 0)
            break;
        see(fetch, hash, chunk, (size_t)got);
        *have += got;
    }
    return 0;
}

static int write_all(int fd, const char *data, size_t size, struct kedge_err *err)
{
    while (size) {
        ssize_t put = write(fd, data, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return kedge_err_sys(err, errno, "cannot write the download");
        data += put;
        size -= (size_t)put;
    }
    return 0;
}

static int check_room(int store, int64_t more, struct kedge_err *err)
{
    struct statvfs fs;
    if (fstatvfs(store, &fs) < 0)
        return kedge_err_sys(err, errno, "cannot ask for the free disk space");
    int64_t free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (more > free_bytes - SPARE)
        return kedge_err_set(err, KEDGE_LIMIT,
                             "the artifact needs %lld bytes more, %lld are free on the disk, of "
                             "which %lld stay free: make room",
                             (long long)more, (long long)free_bytes, (long long)SPARE);
    return 0;
}

/* Streams the rest into `fd`, hashing as it goes; one byte beyond the declared size is refused. */
static int stream(const struct kedge_download *fetch, struct kedge_artifact *source, int fd,
                  char *chunk, struct kedge_digest_state *hash, int64_t have, struct kedge_err *err)
{
    int64_t size = fetch->artifact->size, told = have;
    for (size_t got = 1; got;) {
        int code = source->ops->read(source, chunk, CHUNK, &got, err);
        if (code)
            return code;
        if ((int64_t)got > size - have)
            return kedge_err_set(err, KEDGE_CORRUPT,
                                 "the artifact is larger than its declared size of %lld bytes",
                                 (long long)size);
        if ((code = write_all(fd, chunk, got, err)))
            return code;
        see(fetch, hash, chunk, got);
        have += (int64_t)got;
        if (fetch->progress && (have - told >= PROGRESS_STEP || have == size)) {
            fetch->progress(have, fetch->payload);
            told = have;
        }
    }
    if (have != size)
        return kedge_err_set(err, KEDGE_CORRUPT,
                             "the artifact has %lld bytes, its declared size is %lld",
                             (long long)have, (long long)size);
    return 0;
}

/* Size first, then digest. */
static int judge(const struct kedge_download *fetch, struct kedge_digest_state *hash,
                 struct kedge_err *err)
{
    struct kedge_digest found = kedge_digest_finish(hash);
    if (kedge_digest_equal(&found, &fetch->artifact->digest))
        return 0;
    char is[KEDGE_DIGEST_TEXT], should[KEDGE_DIGEST_TEXT];
    return kedge_err_set(err, KEDGE_CORRUPT, "the artifact has digest %s, %s is declared",
                         kedge_digest_format(&found, is),
                         kedge_digest_format(&fetch->artifact->digest, should));
}

/* Completes the part in `fd`. KEDGE_CORRUPT: these bytes lead nowhere. */
static int complete(const struct kedge_download *fetch, int fd, struct kedge_err *err)
{
    kedge_auto(chunk) char *chunk = kedge_alloc_zeroed(CHUNK);
    kedge_auto(kedge_digest) struct kedge_digest_state *hash = kedge_digest_begin();
    int64_t have, size = fetch->artifact->size;
    int code = hash_part(fetch, fd, chunk, hash, &have, err);
    if (code || (code = check_room(fetch->store, size - have, err)))
        return code;
    if (have < size || size == 0) {
        struct kedge_artifact_origin origin = fetch->origin;
        origin.url = fetch->artifact->url;
        origin.digest = fetch->artifact->digest;
        kedge_auto(artifact) struct kedge_artifact *source = NULL;
        int64_t offset = have;
        if ((code = kedge_artifact_open(&origin, &offset, &source, err)))
            return code;
        if (offset != have) {
            have = 0;
            start_over(fetch, hash);
        }
        if (lseek(fd, have, SEEK_SET) < 0 || ftruncate(fd, have) < 0)
            return kedge_err_sys(err, errno, "cannot go on with the partial download");
        if ((code = stream(fetch, source, fd, chunk, hash, have, err)))
            return code;
    }
    if ((code = judge(fetch, hash, err)))
        return code;
    if (fsync(fd) < 0)
        return kedge_err_sys(err, errno, "cannot sync the download");
    return 0;
}

/* Is it there, whole and right? Hashed each time: it is asked for before unpacking, not often. */
static bool present(const struct kedge_download *fetch, const char *path)
{
    kedge_auto(kedge_fd) int fd = openat(fetch->store, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != fetch->artifact->size)
        return false;
    kedge_auto(chunk) char *chunk = kedge_alloc_zeroed(CHUNK);
    kedge_auto(kedge_digest) struct kedge_digest_state *hash = kedge_digest_begin();
    int64_t have;
    return hash_part(fetch, fd, chunk, hash, &have, NULL) == 0 && judge(fetch, hash, NULL) == 0;
}

int kedge_download_run(const struct kedge_download *fetch, struct kedge_err *err)
{
    if (fetch->artifact->size < 0 || fetch->artifact->size > KEDGE_LIMIT_ARTIFACT)
        return kedge_err_set(err, KEDGE_INVALID,
                             "an artifact of %lld bytes is larger than the "
                             "largest, %lld",
                             (long long)fetch->artifact->size, (long long)KEDGE_LIMIT_ARTIFACT);
    char path[KEDGE_DOWNLOAD_PATH], part[KEDGE_DOWNLOAD_PATH + sizeof ".part"];
    kedge_download_path(&fetch->artifact->digest, path);
    snprintf(part, sizeof part, "%s.part", path);
    int code = kedge_fs_mkdirs(fetch->store, "sha256", 0700, err);
    if (code)
        return code;
    if (present(fetch, path))
        return 0;
    /* A second round only where the part of an earlier try was to blame. */
    bool resumed = faccessat(fetch->store, part, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    for (int round = 0; round < (resumed ? 2 : 1); round++) {
        kedge_auto(kedge_fd) int fd =
            openat(fetch->store, part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                   0600);
        if (fd < 0)
            return kedge_err_sys(err, errno, "cannot create the download '%s'", part);
        code = complete(fetch, fd, err);
        if (code != KEDGE_CORRUPT)
            break;
        unlinkat(fetch->store, part, 0);
    }
    if (code)
        return kedge_err_wrap(err, "'%.200s'", fetch->artifact->url);
    if (renameat(fetch->store, part, fetch->store, path) < 0)
        return kedge_err_sys(err, errno, "cannot put the artifact in place");
    return kedge_fs_sync(fetch->store, "sha256", err);
}

static bool is_kept(const char *name, const struct kedge_digest *kept, size_t count)
{
    struct kedge_digest digest;
    if (!kedge_hex_decode(name, strcspn(name, "."), digest.bytes, sizeof digest.bytes))
        return false;
    for (size_t i = 0; i < count; i++)
        if (kedge_digest_equal(&digest, &kept[i]))
            return true;
    return false;
}

int kedge_download_collect(int store, const struct kedge_digest *kept, size_t count,
                           struct kedge_err *err)
{
    int fd = openat(store, "sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : kedge_err_sys(err, errno, "cannot open the artifact store");
    DIR *folder = fdopendir(fd);
    if (!folder) {
        close(fd);
        return kedge_err_sys(err, errno, "cannot list the artifact store");
    }
    int code = 0;
    for (const struct dirent *entry; !code && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !is_kept(entry->d_name, kept, count))
            code = kedge_fs_remove(fd, entry->d_name, err);
    closedir(folder);
    return code;
}
