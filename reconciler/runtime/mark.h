/* SPDX-License-Identifier: Apache-2.0 */
/* A unit's note on the disk that it runs: which process, of which boot, from which folder. Written
 * by the process itself before it becomes the program, so there is no moment at which it runs
 * unknown. One line: "kedge-unit 1 <boot id> <pid> <start> <device> <inode> <count> <ports...>". */
#pragma once

#include "kedge/runtime.h"

struct kedge_mark {
    char boot[40];  /* /proc/sys/kernel/random/boot_id */
    int64_t pid;    /* 0: no process */
    uint64_t start; /* clock ticks after boot: with pid and boot id, one process and no other */
    uint64_t device, inode; /* of the folder it was started in */
    uint16_t ports[KEDGE_RUNTIME_PORTS];
    uint32_t port_count;
};

#define KEDGE_MARK_TEXT 256

/* The boot id of this machine; empty where there is none. */
void kedge_mark_boot(char boot[40]);
/* Start time of process `pid` from /proc, 0 when it is gone; *zombie: it has ended, but was not
 * waited for. Async-signal-safe. */
uint64_t kedge_mark_start(int64_t pid, bool *zombie);
/* The line for `mark`; async-signal-safe. Returns its length. */
size_t kedge_mark_format(const struct kedge_mark *mark, char text[KEDGE_MARK_TEXT]);
/* Replaces the file `path` by `text` at once; async-signal-safe. 0 or -errno. `temporary` is a
 * path beside it. */
int kedge_mark_write(const char *path, const char *temporary, const char *text, size_t size);
/* KEDGE_NOTFOUND: no note; KEDGE_CORRUPT: not one of ours. */
int kedge_mark_read(const char *path, struct kedge_mark *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Is the process it names alive, in this boot? */
bool kedge_mark_alive(const struct kedge_mark *mark);
