/* SPDX-License-Identifier: Apache-2.0 */
#include "signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/limits.h"

extern char **environ;

struct signer {
    char *line; /* the arguments, each ended by NUL */
    char *argv[KEDGE_LIMIT_SIGNER_ARGS + 1];
    kedge_ms timeout;
};

/* A running program. */
struct child {
    pid_t pid; /* 0: none */
    int pidfd, out;
    kedge_ms deadline;
};

/* The whole group: a wrapper's own children hold the pipe as well. */
static void child_auto(struct child *child)
{
    if (child->pid) {
        kill(-child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    kedge_fd_auto(&child->pidfd);
    kedge_fd_auto(&child->out);
}

/* A file, not a pipe: nothing blocks when the program does not read, and it may seek. */
static int message_file(const void *message, size_t size, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = memfd_create("kedge-message", MFD_CLOEXEC);
    if (fd < 0)
        return kedge_err_sys(err, errno, "cannot make a file in memory");
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(fd, (const char *)message + done, size - done, (off_t)done);
        if (put < 0 && errno != EINTR)
            return kedge_err_sys(err, errno, "cannot write %zu bytes in memory", size);
        done += put > 0 ? (size_t)put : 0;
    }
    int out = fd;
    fd = -1;
    return out;
}

static int spawn(const struct signer *signer, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int sys = posix_spawn(pid, signer->argv[0], &files, &attributes, signer->argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return sys;
}

static int start(const struct signer *signer, const void *message, size_t size, struct child *child,
                 struct kedge_err *err)
{
    int ends[2];
    kedge_auto(kedge_fd) int in = message_file(message, size, err);
    if (in < 0)
        return in;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return kedge_err_sys(err, errno, "cannot make a pipe");
    child->out = ends[0];
    int sys = spawn(signer, in, ends[1], &child->pid);
    close(ends[1]);
    if (sys) {
        child->pid = 0;
        return kedge_err_sys(err, sys, "cannot start it");
    }
    child->deadline = kedge_clock_monotonic() + signer->timeout;
    child->pidfd = pidfd_open(child->pid, 0);
    return child->pidfd < 0 ? kedge_err_sys(err, errno, "cannot watch it") : 0;
}

static int wait_for(int fd, kedge_ms deadline, struct kedge_err *err)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    for (;;) {
        kedge_ms left = deadline - kedge_clock_monotonic();
        int ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
        if (ready > 0)
            return 0;
        if (ready == 0)
            return kedge_err_set(err, KEDGE_TIMEOUT, "no answer in time, it was stopped");
        if (errno != EINTR)
            return kedge_err_sys(err, errno, "cannot wait for it");
    }
}

/* More room than any good answer takes. */
struct answer {
    char text[4 * KEDGE_KEY_SIGNATURE];
    size_t size;
};

static int read_answer(struct child *child, struct answer *answer, struct kedge_err *err)
{
    for (;;) {
        int code = wait_for(child->out, child->deadline, err);
        if (code)
            return code;
        ssize_t got =
            read(child->out, answer->text + answer->size, sizeof answer->text - answer->size);
        if (got < 0 && errno != EINTR)
            return kedge_err_sys(err, errno, "cannot read its answer");
        if (got == 0)
            return 0;
        answer->size += got > 0 ? (size_t)got : 0;
        if (answer->size == sizeof answer->text)
            return kedge_err_set(err, KEDGE_INVALID, "it answers more than a signature");
    }
}

static int finish(struct child *child, struct kedge_err *err)
{
    int status;
    int code = wait_for(child->pidfd, child->deadline, err);
    if (code)
        return code;
    pid_t pid = waitpid(child->pid, &status, 0);
    child->pid = 0;
    if (pid < 0)
        return kedge_err_sys(err, errno, "cannot learn how it ended");
    if (WIFSIGNALED(status))
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status))
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "failed with status %d", WEXITSTATUS(status));
    return 0;
}

static int read_signature(const struct answer *answer, uint8_t signature[KEDGE_KEY_SIGNATURE],
                          struct kedge_err *err)
{
    if (answer->size == KEDGE_KEY_SIGNATURE) {
        memcpy(signature, answer->text, KEDGE_KEY_SIGNATURE);
        return 0;
    }
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    size_t length = answer->size;
    if (length && answer->text[length - 1] == '\n')
        length--;
    if (kedge_base64_decode(&bytes, answer->text, length, NULL) ||
        bytes.size != KEDGE_KEY_SIGNATURE)
        return kedge_err_set(err, KEDGE_INVALID,
                             "it answers %zu bytes, neither a signature of 64 bytes nor its base64",
                             answer->size);
    memcpy(signature, bytes.data, KEDGE_KEY_SIGNATURE);
    return 0;
}

static int run(void *self, const void *message, size_t size, uint8_t signature[KEDGE_KEY_SIGNATURE],
               struct kedge_err *err)
{
    const struct signer *signer = self;
    kedge_auto(child) struct child child = {.pidfd = -1, .out = -1};
    struct answer answer = {0};
    int code = start(signer, message, size, &child, err);
    if (!code)
        code = read_answer(&child, &answer, err);
    if (!code)
        code = finish(&child, err);
    if (!code)
        code = read_signature(&answer, signature, err);
    return code ? kedge_err_wrap(err, "signer '%s'", signer->argv[0]) : 0;
}

static void free_signer(void *self)
{
    struct signer *signer = self;
    free(signer->line);
    free(signer);
}

/* Cuts the line into arguments; false when there are too many, or two spaces in a row. */
static bool split(struct signer *signer)
{
    size_t count = 0;
    char *rest = signer->line;
    while (rest) {
        char *argument = strsep(&rest, " ");
        if (!*argument || count == KEDGE_LIMIT_SIGNER_ARGS)
            return false;
        signer->argv[count++] = argument;
    }
    return true;
}

int kedge_signer_open(const char *spec, kedge_ms timeout, struct kedge_key **out,
                      struct kedge_err *err)
{
    struct kedge_public_key public;
    char key_text[KEDGE_KEY_TEXT + 32];
    const char *key = spec + strlen(KEDGE_SIGNER_SCHEME);
    bool named = strncmp(spec, KEDGE_SIGNER_SCHEME, strlen(KEDGE_SIGNER_SCHEME)) == 0;
    const char *space = named ? strchr(key, ' ') : NULL;
    if (!space || space[1] != '/' || (size_t)(space - key) >= sizeof key_text)
        return kedge_err_set(err, KEDGE_INVALID,
                             "external signer '%.80s' is not '" KEDGE_SIGNER_SCHEME
                             "<public key> /absolute/program [argument...]'",
                             spec);
    memcpy(key_text, key, (size_t)(space - key));
    key_text[space - key] = '\0';
    int code = kedge_public_key_parse(key_text, &public, err);
    if (code)
        return kedge_err_wrap(err, "external signer");

    struct signer *signer = kedge_alloc_zeroed(sizeof *signer);
    signer->line = kedge_alloc_strdup(space + 1);
    signer->timeout = timeout;
    if (!split(signer)) {
        free_signer(signer);
        return kedge_err_set(err, KEDGE_INVALID,
                             "external signer '%.80s' has two spaces in a row, one at its end or "
                             "more than %d arguments",
                             spec, KEDGE_LIMIT_SIGNER_ARGS);
    }
    *out = kedge_key_outside(&public, &(struct kedge_key_signer){run, free_signer, signer});
    return 0;
}
