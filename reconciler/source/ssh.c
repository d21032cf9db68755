/* SPDX-License-Identifier: Apache-2.0 */
#include "ssh.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

#define ARGUMENTS_MAX 32
#define NOISE_MAX     300 /* bytes of what ssh says on stderr that are kept: the last ones */

/* One ssh process: its stdin and stdout are the one socket, its stderr is read when it ends. */
struct session {
    git_smart_subtransport_stream parent;
    struct kedge_connect *connect;
    pid_t pid;
    int socket, noise;
};

struct subtransport {
    git_smart_subtransport parent;
    struct kedge_connect *connect;
    struct session *session;
};

/* 'path' for the shell over there. */
static void quote(struct kedge_buf *out, const char *path)
{
    kedge_buf_putc(out, '\'');
    for (; *path; path++) {
        if (*path == '\'')
            kedge_buf_puts(out, "'\\''");
        else
            kedge_buf_putc(out, *path);
    }
    kedge_buf_putc(out, '\'');
}

/* Everything but the program's name; `text` keeps what had to be put together. */
static void arguments(const struct kedge_connect *connect, const char **argv,
                      struct kedge_buf text[2])
{
    static const char *const fixed[] = {"ssh",
                                        "-T",
                                        "-x",
                                        "-a",
                                        "-oBatchMode=yes",
                                        "-oStrictHostKeyChecking=yes",
                                        "-oPermitLocalCommand=no",
                                        "-oClearAllForwardings=yes",
                                        "-oConnectTimeout=30"};
    const struct kedge_url *url = connect->url;
    size_t n = 0;
    for (; n < KEDGE_COUNT(fixed); n++)
        argv[n] = fixed[n];
    if (connect->known_hosts) {
        kedge_buf_printf(&text[0], "-oUserKnownHostsFile=\"%s\"", connect->known_hosts);
        argv[n++] = text[0].data;
        argv[n++] = "-oGlobalKnownHostsFile=/dev/null";
    }
    if (connect->ssh_key) {
        argv[n++] = "-oIdentitiesOnly=yes";
        argv[n++] = "-i";
        argv[n++] = connect->ssh_key;
    }
    if (url->port) {
        argv[n++] = "-p";
        argv[n++] = url->port;
    }
    if (url->user) {
        argv[n++] = "-l";
        argv[n++] = url->user;
    }
    kedge_buf_puts(&text[1], "git-upload-pack ");
    quote(&text[1], url->path);
    argv[n++] = "--";
    argv[n++] = url->host;
    argv[n++] = text[1].data;
    argv[n] = NULL;
}

static int spawn(const struct kedge_connect *connect, int io, int noise, pid_t *pid)
{
    const char *argv[ARGUMENTS_MAX];
    kedge_auto(kedge_buf) struct kedge_buf known = {0}, command = {0};
    struct kedge_buf text[2] = {known, command};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    arguments(connect, argv, text);
    known = text[0];
    command = text[1];
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, io, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, io, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, noise, STDERR_FILENO);
    posix_spawnattr_init(&attributes);
    /* A group of its own, so that a proxy command it starts ends with it. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int failure = posix_spawnp(pid, "ssh", &files, &attributes, (char *const *)argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

/* What ssh said, as one line; waits for nothing. */
static void listen_to(int noise, char text[NOISE_MAX + 1])
{
    char piece[1024];
    size_t have = 0;
    ssize_t got;
    while ((got = recv(noise, piece, sizeof piece, MSG_DONTWAIT)) > 0) {
        size_t size = (size_t)got;
        const char *from = piece;
        if (size > NOISE_MAX) {
            from += size - NOISE_MAX;
            size = NOISE_MAX;
        }
        size_t keep = have + size > NOISE_MAX ? NOISE_MAX - size : have;
        memmove(text, text + have - keep, keep);
        memcpy(text + keep, from, size);
        have = keep + size;
    }
    while (have > 0 && (unsigned char)text[have - 1] <= ' ')
        have--;
    for (size_t i = 0; i < have; i++) {
        if ((unsigned char)text[i] < ' ')
            text[i] = ' ';
    }
    text[have] = '\0';
}

/* ssh ended before it said anything: the reason is on its stderr. */
static int explain(struct session *session)
{
    char text[NOISE_MAX + 1];
    struct pollfd end = {.fd = session->noise, .events = POLLIN};
    poll(&end, 1, 1000);
    listen_to(session->noise, text);
    if (session->connect->stop.code)
        return -1;
    bool denied = strstr(text, "Permission denied") || strstr(text, "Host key verification failed");
    kedge_err_set(&session->connect->stop, denied ? KEDGE_DENIED : KEDGE_UNAVAILABLE, "ssh: %s%s",
                  *text ? text : "the connection was closed",
                  strstr(text, "Host key") ? ": add the host's key to the known hosts" : "");
    git_error_set_str(GIT_ERROR_SSH, session->connect->stop.msg);
    return -1;
}

static int session_read(git_smart_subtransport_stream *stream, char *data, size_t size, size_t *got)
{
    struct session *session = (struct session *)stream;
    ssize_t rc = kedge_connect_read(session->connect, session->socket, data, size);
    if (rc <= 0)
        return explain(session);
    *got = (size_t)rc;
    return 0;
}

static int session_write(git_smart_subtransport_stream *stream, const char *data, size_t size)
{
    struct session *session = (struct session *)stream;
    if (kedge_connect_write(session->connect, session->socket, data, size) < 0)
        return explain(session);
    return 0;
}

static void session_free(git_smart_subtransport_stream *stream)
{
    struct session *session = (struct session *)stream;
    ((struct subtransport *)stream->subtransport)->session = NULL;
    close(session->socket);
    close(session->noise);
    kill(-session->pid, SIGKILL); /* nothing it holds is ours */
    while (waitpid(session->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(session);
}

static int begin(struct subtransport *transport, struct session **out)
{
    int io[2], noise[2];
    pid_t pid;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io) < 0) {
        git_error_set_str(GIT_ERROR_OS, strerror(errno));
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, noise) < 0) {
        git_error_set_str(GIT_ERROR_OS, strerror(errno));
        close(io[0]);
        close(io[1]);
        return -1;
    }
    int failure = spawn(transport->connect, io[1], noise[1], &pid);
    close(io[1]);
    close(noise[1]);
    if (failure) {
        kedge_err_set(&transport->connect->stop, KEDGE_UNAVAILABLE,
                      "ssh does not start (%s): install openssh-client", strerror(failure));
        git_error_set_str(GIT_ERROR_SSH, transport->connect->stop.msg);
        close(io[0]);
        close(noise[0]);
        return -1;
    }
    struct session *session = kedge_alloc_zeroed(sizeof *session);
    *session = (struct session){
        .parent = {.subtransport = &transport->parent,
                   .read = session_read,
                   .write = session_write,
                   .free = session_free},
        .connect = transport->connect,
        .pid = pid,
        .socket = io[0],
        .noise = noise[0],
    };
    *out = session;
    return 0;
}

static int action(git_smart_subtransport_stream **out, git_smart_subtransport *base,
                  const char *url, git_smart_service_t service)
{
    struct subtransport *transport = (struct subtransport *)base;
    (void)url; /* the exchange holds it, checked */
    if (service == GIT_SERVICE_UPLOADPACK_LS) {
        if (begin(transport, &transport->session) < 0)
            return -1;
    } else if (service != GIT_SERVICE_UPLOADPACK || !transport->session) {
        git_error_set_str(GIT_ERROR_SSH, "only fetching is done here");
        return -1;
    }
    *out = &transport->session->parent;
    return 0;
}

static int end(git_smart_subtransport *base)
{
    (void)base;
    return 0;
}

static void release(git_smart_subtransport *base)
{
    free(base);
}

static int make(git_smart_subtransport **out, git_transport *owner, void *payload)
{
    struct subtransport *transport = kedge_alloc_zeroed(sizeof *transport);
    (void)owner;
    *transport = (struct subtransport){
        .parent = {.action = action, .close = end, .free = release},
        .connect = payload,
    };
    *out = &transport->parent;
    return 0;
}

int kedge_ssh_transport(git_transport **out, git_remote *owner, void *payload)
{
    git_smart_subtransport_definition ssh = {.callback = make, .param = payload};
    return git_transport_smart(out, owner, &ssh);
}
