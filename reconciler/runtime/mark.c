/* SPDX-License-Identifier: Apache-2.0 */
#include "mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

void kedge_mark_boot(char boot[40])
{
    boot[0] = '\0';
    kedge_auto(kedge_fd) int fd =
        open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t got = fd < 0 ? -1 : read(fd, boot, 39);
    boot[got > 0 ? got : 0] = '\0';
    boot[strcspn(boot, " \n")] = '\0';
}

static char *put_number(char *at, uint64_t value)
{
    char digits[24];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        *at++ = digits[--count];
    return at;
}

/* Field 22 of /proc/<pid>/stat, counted from behind the command's last parenthesis: the command may
 * hold anything. */
uint64_t kedge_mark_start(int64_t pid, bool *zombie)
{
    char path[48] = "/proc/", stat[1024];
    char *end = put_number(path + strlen(path), (uint64_t)pid);
    memcpy(end, "/stat", sizeof "/stat");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, stat, sizeof stat - 1);
    close(fd);
    if (got <= 0)
        return 0;
    stat[got] = '\0';
    const char *at = strrchr(stat, ')');
    if (!at || at[1] != ' ')
        return 0;
    *zombie = at[2] == 'Z' || at[2] == 'X';
    for (int field = 2; field < 22; field++)
        if (!(at = strchr(at + 1, ' ')))
            return 0;
    uint64_t start = 0;
    for (at++; *at >= '0' && *at <= '9'; at++)
        start = 10 * start + (uint64_t)(*at - '0');
    return start;
}

size_t kedge_mark_format(const struct kedge_mark *mark, char text[KEDGE_MARK_TEXT])
{
    static const char head[] = "kedge-unit 1 ";
    char *at = text;
    memcpy(at, head, sizeof head - 1);
    at += sizeof head - 1;
    size_t boot = strlen(mark->boot);
    memcpy(at, boot ? mark->boot : "-", boot ? boot : 1);
    at += boot ? boot : 1;
    const uint64_t numbers[] = {(uint64_t)mark->pid, mark->start, mark->device, mark->inode,
                                mark->port_count};
    for (size_t i = 0; i < KEDGE_COUNT(numbers); i++) {
        *at++ = ' ';
        at = put_number(at, numbers[i]);
    }
    for (uint32_t i = 0; i < mark->port_count; i++) {
        *at++ = ' ';
        at = put_number(at, mark->ports[i]);
    }
    *at++ = '\n';
    return (size_t)(at - text);
}

int kedge_mark_write(const char *path, const char *temporary, const char *text, size_t size)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    ssize_t put = write(fd, text, size);
    int code = put < 0 ? -errno : (size_t)put != size ? -ENOSPC : 0;
    /* It matters only as long as this boot: the page cache will do. */
    close(fd);
    if (!code && rename(temporary, path) < 0)
        code = -errno;
    if (code)
        unlink(temporary);
    return code;
}

static bool next_number(char **at, uint64_t *out)
{
    if (**at != ' ' || (*at)[1] < '0' || (*at)[1] > '9')
        return false;
    errno = 0;
    *out = strtoull(*at + 1, at, 10);
    return errno == 0;
}

static bool parse(char *text, struct kedge_mark *out)
{
    static const char head[] = "kedge-unit 1 ";
    if (strncmp(text, head, sizeof head - 1) != 0)
        return false;
    char *at = text + sizeof head - 1;
    size_t boot = strcspn(at, " ");
    if (boot == 0 || boot >= sizeof out->boot)
        return false;
    memcpy(out->boot, at, boot);
    at += boot;
    uint64_t pid, count, port;
    if (!next_number(&at, &pid) || !next_number(&at, &out->start) ||
        !next_number(&at, &out->device) || !next_number(&at, &out->inode) ||
        !next_number(&at, &count) || pid > INT32_MAX || count > KEDGE_RUNTIME_PORTS)
        return false;
    out->pid = (int64_t)pid;
    for (; out->port_count < count; out->port_count++) {
        if (!next_number(&at, &port) || port > UINT16_MAX)
            return false;
        out->ports[out->port_count] = (uint16_t)port;
    }
    return strcmp(at, "\n") == 0;
}

int kedge_mark_read(const char *path, struct kedge_mark *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(AT_FDCWD, path, KEDGE_MARK_TEXT, &text, err);
    if (code)
        return code;
    struct kedge_mark mark = {0};
    if (!text.data || !parse(text.data, &mark))
        return kedge_err_set(err, KEDGE_CORRUPT, "'%s' is not a unit's note", path);
    *out = mark;
    return 0;
}

bool kedge_mark_alive(const struct kedge_mark *mark)
{
    char boot[40];
    kedge_mark_boot(boot);
    if (mark->pid == 0)
        return true; /* data does not die */
    bool zombie = false;
    return strcmp(boot, mark->boot) == 0 && kedge_mark_start(mark->pid, &zombie) == mark->start &&
           !zombie;
}
