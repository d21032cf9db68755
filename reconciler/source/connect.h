/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange with a remote: how long it may take, how much it may send, what ended it.
 *
 * libgit2 1.5 waits for a silent peer for ever, so the bytes of every network transport go through
 * descriptors that are ours and are waited for here. */
#pragma once

#include <git2.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "kedge/err.h"
#include "url.h"

struct kedge_connect {
    const struct kedge_url *url;
    const char *ssh_key, *known_hosts; /* these four as in struct kedge_git_options */
    const char *username, *password;
    bool asked;                /* for credentials: a second time means they were refused */
    const atomic_bool *cancel; /* or NULL */
    kedge_ms deadline;         /* on the monotonic clock */
    size_t received, limit;    /* bytes */
    struct kedge_err stop;     /* what ended the exchange; code 0: nothing of ours did */
};

/* Makes libgit2's TCP connections ours, once per process; they belong to the exchange that the
 * thread has entered. */
int kedge_connect_setup(struct kedge_err *err) KEDGE_MUST_CHECK;
/* The exchange of this thread from now on; NULL: none. */
void kedge_connect_enter(struct kedge_connect *connect);

/* 0 while the exchange may go on; else -1 with `stop` and libgit2's error set. */
int kedge_connect_check(struct kedge_connect *connect);
/* Counts `size` received bytes; otherwise as _check. */
int kedge_connect_count(struct kedge_connect *connect, size_t size);
/* Some bytes of the socket `fd`, 0 at its end, -1 with libgit2's error set. Waits no longer than
 * the deadline. */
ssize_t kedge_connect_read(struct kedge_connect *connect, int fd, void *data, size_t size);
/* All bytes: 0, or -1 with libgit2's error set. */
int kedge_connect_write(struct kedge_connect *connect, int fd, const void *data, size_t size);
