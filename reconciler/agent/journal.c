/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"

#define MAGIC       "kedge-journal 1\n"
#define MAGIC_SIZE  (sizeof MAGIC - 1)
#define HEAD        12 /* length, then the first 8 bytes of the record's SHA-256 */
#define CHECK       8
#define RECORD_MOST (2 * KEDGE_LIMIT_ENVELOPE + KEDGE_KIB(64))
#define SMALL       KEDGE_KIB(256) /* not worth compacting below this */
#define ROOM        KEDGE_KIB(64) /* kept allocated ahead, so that a full disk is not ours at once */

struct kedge_journal {
    int dir, fd;
    char *path;
    size_t size;    /* of what is whole */
    size_t compact; /* size when it was last compacted */
};

static void put_length(uint8_t *at, size_t length)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(length >> (8 * i));
}

static size_t get_length(const uint8_t *at)
{
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

void kedge_journal_frame(struct kedge_buf *out, struct kedge_slice record)
{
    uint8_t head[HEAD];
    struct kedge_digest digest = kedge_digest_of(record.data, record.size);
    put_length(head, record.size);
    memcpy(head + 4, digest.bytes, CHECK);
    kedge_buf_add(out, head, sizeof head);
    kedge_buf_add(out, record.data, record.size);
}

/* Hands out the whole records of `text`; gives the offset behind the last. *torn: what follows looks
 * like a write that was cut short, not like damage. */
static size_t replay(const struct kedge_buf *text, kedge_journal_visit *visit, void *payload,
                     bool *torn)
{
    *torn = true;
    if (text->size < MAGIC_SIZE || memcmp(text->data, MAGIC, MAGIC_SIZE) != 0) {
        *torn = text->size < MAGIC_SIZE;
        return 0;
    }
    size_t at = MAGIC_SIZE;
    while (text->size - at >= HEAD) {
        const uint8_t *head = (const uint8_t *)text->data + at;
        size_t length = get_length(head);
        const char *data = text->data + at + HEAD;
        if (length > RECORD_MOST || length > text->size - at - HEAD)
            return at;
        struct kedge_digest digest = kedge_digest_of(data, length);
        if (memcmp(digest.bytes, head + 4, CHECK) != 0) {
            *torn = at + HEAD + length == text->size;
            return at;
        }
        visit((struct kedge_slice){data, length}, payload);
        at += HEAD + length;
    }
    return at;
}

static int reserve(const struct kedge_journal *journal)
{
    /* Best effort: not every file system can. */
    return fallocate(journal->fd, FALLOC_FL_KEEP_SIZE, (off_t)journal->size, (off_t)ROOM);
}

static int open_file(struct kedge_journal *journal, struct kedge_err *err)
{
    /* Never keep the file that was replaced: what is appended there is lost. */
    kedge_fd_auto(&journal->fd);
    journal->fd = openat(journal->dir, journal->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (journal->fd < 0)
        return kedge_err_sys(err, errno, "cannot open the journal");
    (void)!reserve(journal);
    return 0;
}

static int cut_tail(struct kedge_journal *journal, const struct kedge_buf *text, bool torn,
                    struct kedge_err *err)
{
    int code = 0;
    kedge_auto(kedge_buf) struct kedge_buf evidence = {0};
    kedge_buf_printf(&evidence, "%s.corrupt", journal->path);
    if (!torn)
        code = kedge_fs_write(journal->dir, evidence.data, text->data, text->size, 0600, err);
    if (!code && journal->size == 0) {
        code = kedge_fs_write(journal->dir, journal->path, MAGIC, MAGIC_SIZE, 0600, err);
        journal->size = MAGIC_SIZE;
    }
    return code;
}

int kedge_journal_open(int dir, const char *path, kedge_journal_visit *visit, void *payload,
                       struct kedge_journal **out, size_t *cut, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(dir, path, 2 * KEDGE_LIMIT_JOURNAL, &text, err);
    if (code && code != KEDGE_NOTFOUND)
        return kedge_err_wrap(err, "journal");
    struct kedge_journal *journal = kedge_alloc_zeroed(sizeof *journal);
    bool torn;
    journal->dir = dir;
    journal->fd = -1;
    journal->path = kedge_alloc_strdup(path);
    journal->size = replay(&text, visit, payload, &torn);
    *cut = text.size - journal->size;
    code = 0;
    if (*cut || journal->size == 0)
        code = cut_tail(journal, &text, torn, err);
    if (!code)
        code = open_file(journal, err);
    if (!code && ftruncate(journal->fd, (off_t)journal->size) < 0)
        code = kedge_err_sys(err, errno, "cannot cut the journal's torn tail");
    if (code) {
        kedge_journal_close(journal);
        return code;
    }
    journal->compact = journal->size;
    *out = journal;
    return 0;
}

void kedge_journal_close(struct kedge_journal *journal)
{
    if (!journal)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->path);
    free(journal);
}

int kedge_journal_append(struct kedge_journal *journal, struct kedge_slice record,
                         struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf frame = {0};
    kedge_journal_frame(&frame, record);
    if (record.size > RECORD_MOST || frame.size > KEDGE_LIMIT_JOURNAL - journal->size)
        return kedge_err_set(err, KEDGE_LIMIT, "the journal is full");
    int code = journal->fd < 0 ? open_file(journal, err) : 0;
    if (code)
        return code;
    size_t done = 0;
    int sys = 0;
    while (done < frame.size && !sys) {
        ssize_t put = pwrite(journal->fd, frame.data + done, frame.size - done,
                             (off_t)(journal->size + done));
        if (put < 0 && errno != EINTR)
            sys = errno;
        done += put > 0 ? (size_t)put : 0;
    }
    if (!sys && fdatasync(journal->fd) < 0)
        sys = errno;
    if (sys) {
        /* The next record is written over it; should we die first, its digest tells. */
        (void)!ftruncate(journal->fd, (off_t)journal->size);
        return kedge_err_sys(err, sys, "cannot write the journal");
    }
    journal->size += frame.size;
    (void)!reserve(journal);
    return 0;
}

bool kedge_journal_full(const struct kedge_journal *journal)
{
    return journal->size > SMALL && journal->size > 4 * journal->compact;
}

int kedge_journal_compact(struct kedge_journal *journal, const struct kedge_buf *records,
                          struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_puts(&text, MAGIC);
    kedge_buf_add(&text, records->data, records->size);
    int code = kedge_fs_write(journal->dir, journal->path, text.data, text.size, 0600, err);
    if (code)
        return kedge_err_wrap(err, "compacting the journal");
    journal->size = journal->compact = text.size;
    return open_file(journal, err);
}
