/* SPDX-License-Identifier: Apache-2.0 */
/* A unit is a child process, the leader of its own session. It outlives the agent. */
#include "drivers.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "child.h"
#include "mark.h"

#define RECENT    64   /* ports given out lately: their units may not have bound them yet */
#define KILL_WAIT 5000 /* ms for the kernel to carry out SIGKILL */

struct process {
    struct kedge_runtime base;
    pthread_mutex_t lock;
    uint16_t recent[RECENT];
    unsigned next;
};

static int process_open(struct kedge_runtime **out, struct kedge_err *err)
{
    (void)err;
    struct process *process = kedge_alloc_zeroed(sizeof *process);
    process->base.ops = &kedge_runtime_process_ops;
    pthread_mutex_init(&process->lock, NULL);
    *out = &process->base;
    return 0;
}

static void process_close(struct kedge_runtime *self)
{
    pthread_mutex_destroy(&((struct process *)self)->lock);
    free(self);
}

static int process_check(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                         struct kedge_err *err)
{
    (void)self;
    if (unit->spec->port_count > KEDGE_RUNTIME_PORTS)
        return kedge_err_set(err, KEDGE_INVALID, "more than %d ports", KEDGE_RUNTIME_PORTS);
    const struct kedge_strings *commands[] = {
        &unit->spec->command,
        &unit->spec->before_start.command,
        &unit->spec->after_stop.command,
        &unit->spec->probe.command,
    };
    kedge_auto(kedge_buf) struct kedge_buf program = {0};
    for (size_t i = 0; i < KEDGE_COUNT(commands); i++) {
        int code =
            i && !commands[i]->count ? 0 : kedge_child_program(unit, commands[i], &program, err);
        if (code)
            return code;
    }
    return 0;
}

static bool is_recent(const struct process *process, uint16_t port)
{
    for (size_t i = 0; i < RECENT; i++)
        if (process->recent[i] == port)
            return true;
    return false;
}

static int free_port(uint16_t *out, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        return kedge_err_sys(err, errno, "cannot find a free port");
    *out = ntohs(address.sin_port);
    return 0;
}

static int choose_ports(struct process *process, const struct kedge_runtime_spec *spec,
                        struct kedge_runtime_status *out, struct kedge_err *err)
{
    int code = 0;
    pthread_mutex_lock(&process->lock);
    for (uint32_t i = 0; !code && i < spec->port_count; i++) {
        uint16_t port = spec->ports[i].port;
        for (unsigned tries = 0; !code && !spec->ports[i].port && tries < RECENT; tries++) {
            code = free_port(&port, err);
            if (!code && !is_recent(process, port))
                break;
        }
        process->recent[process->next++ % RECENT] = port;
        out->ports[out->port_count++] = port;
    }
    pthread_mutex_unlock(&process->lock);
    return code;
}

static int process_start(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                         struct kedge_runtime_status *out, struct kedge_err *err)
{
    struct kedge_mark mark;
    if (kedge_mark_read(unit->record, &mark, NULL) == 0 && kedge_mark_alive(&mark))
        return kedge_err_set(err, KEDGE_EXISTS, "'%s' runs already", unit->instance);
    struct kedge_runtime_status status = {.running = true};
    int code = process_check(self, unit, err);
    if (!code)
        code = choose_ports((struct process *)self, unit->spec, &status, err);
    const struct kedge_hook *hook = &unit->spec->before_start;
    if (!code && hook->command.count &&
        (code = kedge_child_run(unit, &status, &hook->command, hook->timeout, err)))
        code = kedge_err_wrap(err, "beforeStart");
    if (!code)
        code = kedge_child_start(unit, &status, &status.pid, err);
    if (!code)
        *out = status;
    return code;
}

/* The process has ended: what is left of its session goes, then its zombie, then its mark. */
static void clean_up(const struct kedge_runtime_unit *unit, const struct kedge_mark *mark,
                     char how[KEDGE_RUNTIME_HOW])
{
    char boot[40];
    bool zombie = false;
    kedge_mark_boot(boot);
    uint64_t start = kedge_mark_start(mark->pid, &zombie);
    bool ours = strcmp(boot, mark->boot) == 0 && start == mark->start && zombie;
    /* The id cannot have gone to another group while a zombie, or a member of this one, has it. */
    if (ours || (strcmp(boot, mark->boot) == 0 && start == 0))
        kill(-(pid_t)mark->pid, SIGKILL);
    siginfo_t info = {0};
    if (ours && waitid(P_PID, (id_t)mark->pid, &info, WEXITED | WNOHANG) == 0 && info.si_pid)
        kedge_child_describe(info.si_code, info.si_status, how);
    unlink(unit->record);
}

static int process_observe(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                           struct kedge_runtime_status *out, struct kedge_err *err)
{
    (void)self;
    (void)err;
    struct kedge_mark mark;
    *out = (struct kedge_runtime_status){0};
    if (kedge_mark_read(unit->record, &mark, NULL))
        return 0;
    if (!kedge_mark_alive(&mark)) {
        clean_up(unit, &mark, out->how);
        return 0;
    }
    struct stat st;
    out->running = true;
    out->pid = mark.pid;
    out->port_count = mark.port_count;
    memcpy(out->ports, mark.ports, sizeof out->ports);
    out->stale = stat(unit->folder, &st) < 0 || st.st_dev != mark.device || st.st_ino != mark.inode;
    return 0;
}

/* A descriptor for the marked process; -1 when it is gone. */
static int open_process(const struct kedge_mark *mark)
{
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)mark->pid, 0);
    /* The id may have changed hands before it was opened, not after. */
    if (fd >= 0 && !kedge_mark_alive(mark)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int process_watch(struct kedge_runtime *self, const struct kedge_runtime_unit *unit)
{
    (void)self;
    struct kedge_mark mark;
    return kedge_mark_read(unit->record, &mark, NULL) ? -1 : open_process(&mark);
}

static int end_process(const struct kedge_runtime_unit *unit, const struct kedge_mark *mark,
                       struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = open_process(mark);
    if (fd < 0)
        return 0;
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    kill(-(pid_t)mark->pid, SIGTERM);
    if (poll(&ended, 1, (int)unit->spec->stop_timeout) > 0)
        return 0;
    kill(-(pid_t)mark->pid, SIGKILL);
    if (poll(&ended, 1, KILL_WAIT) > 0)
        return 0;
    return kedge_err_set(err, KEDGE_TIMEOUT, "process %lld does not end", (long long)mark->pid);
}

static int process_stop(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                        struct kedge_err *err)
{
    (void)self;
    struct kedge_mark mark;
    char how[KEDGE_RUNTIME_HOW];
    if (kedge_mark_read(unit->record, &mark, NULL))
        return 0;
    int code = end_process(unit, &mark, err);
    if (code)
        return code;
    clean_up(unit, &mark, how);
    const struct kedge_hook *hook = &unit->spec->after_stop;
    const struct kedge_runtime_status status = {0};
    if (hook->command.count &&
        (code = kedge_child_run(unit, &status, &hook->command, hook->timeout, err)))
        return kedge_err_wrap(err, "afterStop");
    return 0;
}

const struct kedge_runtime_ops kedge_runtime_process_ops = {
    .name = "process",
    .open = process_open,
    .close = process_close,
    .check = process_check,
    .start = process_start,
    .observe = process_observe,
    .watch = process_watch,
    .stop = process_stop,
};
