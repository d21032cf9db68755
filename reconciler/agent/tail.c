/* SPDX-License-Identifier: Apache-2.0 */
#include "tail.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/secret.h"
#include "vault.h"

#define LENGTH 600 /* bytes that go into a message */
#define LINES  6
#define WINDOW (LENGTH + 2 * KEDGE_LIMIT_SECRET) /* read, so that no secret is cut at its start */

/* Appends to `out`, which has room. */
static void read_end(int root, const char *instance, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "logs/%s.log", instance);
    kedge_auto(kedge_fd) int fd =
        openat(root, path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END), window = (off_t)WINDOW;
    if (size <= 0)
        return;
    ssize_t got = pread(fd, out->data + out->size, WINDOW, size > window ? size - window : 0);
    out->size += got > 0 ? (size_t)got : 0;
    out->data[out->size] = '\0';
}

/* Blots out the secrets of one slot; false when they cannot be told. A slot that is just going is
 * none. */
static bool blot_slot(int folder, const char *name, const struct kedge_age_identity *identity,
                      struct kedge_buf *text)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, bytes = {0};
    kedge_auto(kedge_json) json_t *json = NULL;
    kedge_auto(kedge_vault) struct kedge_vault vault = {0};
    struct kedge_assignment assignment = {0};
    struct kedge_err err;
    kedge_buf_printf(&path, "%s/assignment.json", name);
    int code = kedge_fs_read(folder, path.data, KEDGE_LIMIT_ENVELOPE, &bytes, &err);
    if (code == KEDGE_NOTFOUND)
        return true;
    if (!code)
        code = kedge_json_parse(bytes.data, bytes.size, KEDGE_LIMIT_ENVELOPE, &json, &err);
    if (!code)
        code = kedge_assignment_read(&arena, json, &assignment, &err);
    if (!code)
        code = kedge_vault_open(&assignment, identity, &vault, &err);
    if (!code)
        kedge_vault_redact(&vault, text);
    return !code;
}

/* Of all slots: a unit of another one may write to the same log. */
static bool blot_secrets(int root, const char *instance, const struct kedge_age_identity *identity,
                         struct kedge_buf *text)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "instances/%s", instance);
    int fd = openat(root, path.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder) {
        kedge_fd_auto(&fd);
        return false;
    }
    bool good = true;
    for (const struct dirent *entry; good && (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            good = blot_slot(dirfd(folder), entry->d_name, identity, text);
    closedir(folder);
    return good;
}

/* Behind the last heading: what was written before it is another run's. */
static size_t last_run(const char *text, size_t size)
{
    static const char heading[] = "\n" KEDGE_RUNTIME_HEADING;
    const char *at = text, *found = NULL;
    while ((at = memmem(at, (size_t)(text + size - at), heading, sizeof heading - 1)))
        found = ++at;
    const char *end = found ? memchr(found, '\n', (size_t)(text + size - found)) : NULL;
    return end ? (size_t)(end + 1 - text) : 0;
}

/* The last lines of `log`, which begins with a line end so that a heading in its first line is found
 * too. */
static void add_lines(const struct kedge_buf *log, struct kedge_buf *out)
{
    const char *text = log->data;
    size_t end = log->size, begin = last_run(text, end), lines = 0;
    if (end - begin > LENGTH)
        begin = end - LENGTH;
    while (end > begin && text[end - 1] == '\n')
        end--;
    size_t start = end;
    while (start > begin && !(text[start - 1] == '\n' && ++lines == LINES))
        start--;
    for (size_t i = start; i < end; i++) {
        if (text[i] == '\n')
            kedge_buf_puts(out, " | ");
        else
            kedge_buf_putc(out, text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
}

void kedge_tail_read(const struct kedge_slots *slots, const struct kedge_age_identity *identity,
                     const char *instance, struct kedge_buf *out)
{
    int root = kedge_slots_root(slots);
    /* Guarded, as what it holds may be secret until it has been blotted out. */
    struct kedge_buf log = {.data = kedge_secret_alloc(WINDOW + 2), .capacity = WINDOW + 2};
    kedge_buf_putc(&log, '\n');
    read_end(root, instance, &log);
    if (log.size > 1 && blot_secrets(root, instance, identity, &log))
        add_lines(&log, out);
    kedge_secret_free(log.data);
}
