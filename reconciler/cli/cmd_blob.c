/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "place.h"

#define PIECE KEDGE_MIB(1)

/* What a manifest says of an artifact. */
struct blob {
    struct kedge_digest digest;
    int64_t size;
    const char *format;
};

/* Formats by the end of a file's name, longest first. */
static const struct {
    const char *ending, *format;
} endings[] = {
    {".tar.gz", "tar.gz"}, {".tar.zst", "tar.zst"}, {".tgz", "tar.gz"},
    {".tar", "tar"},       {".zip", "zip"},
};

static const char *format_of(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < KEDGE_COUNT(endings); i++) {
        size_t size = strlen(endings[i].ending);
        if (length > size && strcmp(path + length - size, endings[i].ending) == 0)
            return endings[i].format;
    }
    return "file";
}

/* The copy under a name of its own until its digest is known; removed unless it got there. */
struct incoming {
    int fd;
    char name[64];
    int folder;
};

static void incoming_auto(struct incoming *incoming)
{
    if (incoming->fd >= 0)
        close(incoming->fd);
    if (incoming->name[0])
        unlinkat(incoming->folder, incoming->name, 0);
}

/* Copies and hashes in one pass, so that the bytes stored are the bytes named. */
static int copy(int from, int to, const char *path, struct blob *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf piece = {0};
    kedge_auto(kedge_digest) struct kedge_digest_state *state = kedge_digest_begin();
    kedge_buf_reserve(&piece, PIECE);
    for (;;) {
        ssize_t got = read(from, piece.data, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kedge_err_sys(err, errno, "cannot read '%s'", path);
        if (got == 0)
            break;
        out->size += got;
        if (out->size > KEDGE_LIMIT_ARTIFACT)
            return kedge_err_set(err, KEDGE_LIMIT, "'%s' is larger than an artifact may be (%lld)",
                                 path, (long long)KEDGE_LIMIT_ARTIFACT);
        kedge_digest_update(state, piece.data, (size_t)got);
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, piece.data + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR)
                return kedge_err_sys(err, errno, "cannot store '%s'", path);
            done += put > 0 ? put : 0;
        }
    }
    out->digest = kedge_digest_finish(state);
    return 0;
}

static int store(const char *path, const char *folder, struct blob *out, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (from < 0 || fstat(from, &st) < 0)
        return kedge_err_sys(err, errno, "cannot open '%s'", path);
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return kedge_err_set(err, KEDGE_INVALID,
                             "'%s' is not a file with something in it: pack a folder with tar or "
                             "zip first",
                             path);
    int code = kedge_fs_mkdirs(AT_FDCWD, folder, 0755, err);
    if (code)
        return code;
    kedge_auto(kedge_fd) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return kedge_err_sys(err, errno, "cannot open folder '%s'", folder);
    kedge_auto(incoming) struct incoming incoming = {.fd = -1, .folder = dir};
    snprintf(incoming.name, sizeof incoming.name, ".incoming-%ld", (long)getpid());
    incoming.fd =
        openat(dir, incoming.name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (incoming.fd < 0)
        return kedge_err_sys(err, errno, "cannot create a file in '%s'", folder);
    code = copy(from, incoming.fd, path, out, err);
    if (code)
        return code;
    char name[KEDGE_DIGEST_HEX];
    kedge_hex_encode(out->digest.bytes, KEDGE_DIGEST_SIZE, name);
    if (fchmod(incoming.fd, 0444) < 0 || fsync(incoming.fd) < 0 ||
        renameat(dir, incoming.name, dir, name) < 0)
        return kedge_err_sys(err, errno, "cannot store '%s' in '%s'", path, folder);
    incoming.name[0] = '\0';
    return kedge_fs_sync(AT_FDCWD, folder, err);
}

static void show(struct kedge_call *call, const struct blob *blob)
{
    char digest[KEDGE_DIGEST_TEXT];
    kedge_digest_format(&blob->digest, digest);
    if (kedge_command_format(call, "text")) {
        kedge_buf_printf(&call->out,
                         "artifact:\n  url: \"hub:\"\n  digest: %s\n  size: %lld\n  format: %s\n",
                         digest, (long long)blob->size, blob->format);
        return;
    }
    struct kedge_json_writer writer = {.out = &call->out};
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "url", "hub:");
    kedge_json_add_string(&writer, "digest", digest);
    kedge_json_add_integer(&writer, "size", blob->size);
    kedge_json_add_string(&writer, "format", blob->format);
    kedge_json_end_object(&writer);
    kedge_buf_putc(&call->out, '\n');
}

int kedge_cmd_blob_put(struct kedge_call *call, struct kedge_err *err)
{
    const char *format = kedge_command_value(call, KEDGE_OPTION_FORMAT);
    struct blob blob = {.format = format ? format : format_of(call->operands[0])};
    kedge_auto(kedge_buf) struct kedge_buf folder = {0};
    kedge_place_of(call, KEDGE_OPTION_BLOBS, "blobs", &folder);
    int code = store(call->operands[0], folder.data, &blob, err);
    if (!code)
        show(call, &blob);
    return code;
}
