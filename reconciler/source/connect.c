/* SPDX-License-Identifier: Apache-2.0 */
#include "connect.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define SLICE_MS 200 /* how often a wait looks whether it was cancelled */

/* libgit2 opens a connection by host and port only: the exchange it is for is the thread's. */
static _Thread_local struct kedge_connect *current;

void kedge_connect_enter(struct kedge_connect *connect)
{
    current = connect;
}

static int stop(struct kedge_connect *connect)
{
    git_error_set_str(GIT_ERROR_NET, connect->stop.msg);
    return -1;
}

int kedge_connect_check(struct kedge_connect *connect)
{
    if (connect->stop.code)
        return stop(connect);
    if (connect->cancel && atomic_load_explicit(connect->cancel, memory_order_relaxed))
        kedge_err_set(&connect->stop, KEDGE_UNAVAILABLE, "cancelled");
    else if (kedge_clock_monotonic() >= connect->deadline)
        kedge_err_set(&connect->stop, KEDGE_TIMEOUT, "not done within the time-out");
    return connect->stop.code ? stop(connect) : 0;
}

int kedge_connect_count(struct kedge_connect *connect, size_t size)
{
    connect->received += size;
    if (connect->received > connect->limit)
        kedge_err_set(&connect->stop, KEDGE_LIMIT,
                      "more than %zu bytes: raise the limit or make the repository smaller",
                      connect->limit);
    return kedge_connect_check(connect);
}

static int await(struct kedge_connect *connect, int fd, short events)
{
    for (;;) {
        if (kedge_connect_check(connect) < 0)
            return -1;
        kedge_ms left = connect->deadline - kedge_clock_monotonic();
        struct pollfd wait = {.fd = fd, .events = events};
        int ready = poll(&wait, 1, left > SLICE_MS ? SLICE_MS : left > 0 ? (int)left : 0);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR) {
            git_error_set_str(GIT_ERROR_NET, strerror(errno));
            return -1;
        }
    }
}

ssize_t kedge_connect_read(struct kedge_connect *connect, int fd, void *data, size_t size)
{
    for (;;) {
        ssize_t got = recv(fd, data, size, MSG_DONTWAIT);
        if (got >= 0)
            return kedge_connect_count(connect, (size_t)got) < 0 ? -1 : got;
        bool wait = errno == EAGAIN || errno == EWOULDBLOCK;
        if (!wait && errno != EINTR) {
            git_error_set_str(GIT_ERROR_NET, strerror(errno));
            return -1;
        }
        if (wait && await(connect, fd, POLLIN) < 0)
            return -1;
    }
}

int kedge_connect_write(struct kedge_connect *connect, int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            at += sent;
            size -= (size_t)sent;
            continue;
        }
        bool wait = errno == EAGAIN || errno == EWOULDBLOCK;
        if (!wait && errno != EINTR) {
            git_error_set_str(GIT_ERROR_NET, strerror(errno));
            return -1;
        }
        if (wait && await(connect, fd, POLLOUT) < 0)
            return -1;
    }
    return 0;
}

/* A TCP connection as libgit2 wants it; TLS is put on top by libgit2. */
struct stream {
    git_stream parent;
    struct kedge_connect *connect;
    char *host, *port;
    int fd;
};

static int dial(struct stream *stream, const struct addrinfo *address)
{
    int type = address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(address->ai_family, type, address->ai_protocol);
    if (fd < 0)
        return -1;
    int failure = 0;
    socklen_t size = sizeof failure;
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)
        failure = errno;
    else if (await(stream->connect, fd, POLLOUT) < 0)
        failure = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
        failure = errno;
    if (failure) {
        close(fd);
        errno = failure;
        return -1;
    }
    stream->fd = fd;
    return 0;
}

static int stream_connect(git_stream *base)
{
    struct stream *stream = (struct stream *)base;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    int rc = getaddrinfo(stream->host, stream->port, &hints, &addresses);
    if (rc != 0) {
        git_error_set_str(GIT_ERROR_NET, gai_strerror(rc));
        return -1;
    }
    rc = -1;
    for (const struct addrinfo *at = addresses; at && rc < 0 && !stream->connect->stop.code;
         at = at->ai_next)
        rc = dial(stream, at);
    if (rc < 0 && !stream->connect->stop.code)
        git_error_set_str(GIT_ERROR_NET, strerror(errno));
    freeaddrinfo(addresses);
    return rc;
}

static ssize_t stream_read(git_stream *base, void *data, size_t size)
{
    struct stream *stream = (struct stream *)base;
    return kedge_connect_read(stream->connect, stream->fd, data, size);
}

static ssize_t stream_write(git_stream *base, const char *data, size_t size, int flags)
{
    struct stream *stream = (struct stream *)base;
    (void)flags;
    return kedge_connect_write(stream->connect, stream->fd, data, size) < 0 ? -1 : (ssize_t)size;
}

static int stream_close(git_stream *base)
{
    struct stream *stream = (struct stream *)base;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
    return 0;
}

static void stream_free(git_stream *base)
{
    struct stream *stream = (struct stream *)base;
    stream_close(base);
    free(stream->host);
    free(stream->port);
    free(stream);
}

static int stream_new(git_stream **out, const char *host, const char *port)
{
    if (!current) {
        git_error_set_str(GIT_ERROR_NET, "no exchange was begun on this thread");
        return -1;
    }
    struct stream *stream = kedge_alloc_zeroed(sizeof *stream);
    *stream = (struct stream){
        .parent = {.version = GIT_STREAM_VERSION,
                   .connect = stream_connect,
                   .read = stream_read,
                   .write = stream_write,
                   .close = stream_close,
                   .free = stream_free},
        .connect = current,
        .host = kedge_alloc_strdup(host),
        .port = kedge_alloc_strdup(port),
        .fd = -1,
    };
    *out = &stream->parent;
    return 0;
}

static int registered;

static void register_once(void)
{
    git_stream_registration ours = {.version = GIT_STREAM_VERSION, .init = stream_new};
    registered = git_stream_register(GIT_STREAM_STANDARD, &ours);
}

int kedge_connect_setup(struct kedge_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    if (registered < 0)
        return kedge_err_set(err, KEDGE_INTERNAL, "libgit2 takes no streams of ours");
    return 0;
}
