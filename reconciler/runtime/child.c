/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/secret.h"

#define SEARCH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* --- environment --- */

static bool declared(const struct kedge_runtime_unit *unit, const char *name)
{
    for (uint32_t i = 0; i < unit->secret_count; i++)
        if (strcmp(unit->secrets[i].name, name) == 0)
            return true;
    return kedge_label_find(&unit->spec->env, name) != NULL;
}

static void add(const struct kedge_runtime_unit *unit, struct kedge_buf *text, const char *name,
                const char *value)
{
    if (value && !declared(unit, name)) {
        kedge_buf_printf(text, "%s=%s", name, value);
        kedge_buf_putc(text, '\0');
    }
}

static void add_ports(const struct kedge_runtime_unit *unit,
                      const struct kedge_runtime_status *status, struct kedge_buf *text)
{
    char number[8];
    for (uint32_t i = 0; i < status->port_count && i < unit->spec->port_count; i++) {
        snprintf(number, sizeof number, "%u", status->ports[i]);
        if (i == 0)
            add(unit, text, "KEDGE_PORT", number);
        kedge_auto(kedge_buf) struct kedge_buf name = {0};
        kedge_buf_puts(&name, "KEDGE_PORT_");
        for (const char *c = unit->spec->ports[i].name; c && *c; c++) {
            bool letter = *c >= 'a' && *c <= 'z', digit = *c >= '0' && *c <= '9';
            bool upper = *c >= 'A' && *c <= 'Z';
            kedge_buf_putc(&name, letter ? (char)(*c - 'a' + 'A') : digit || upper ? *c : '_');
        }
        if (unit->spec->ports[i].name)
            add(unit, text, name.data, number);
    }
}

char **kedge_child_environment(const struct kedge_runtime_unit *unit,
                               const struct kedge_runtime_status *status)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    for (uint32_t i = 0; i < unit->spec->env.count; i++) {
        const struct kedge_label *pair = &unit->spec->env.at[i];
        kedge_buf_printf(&text, "%s=%s", pair->key, pair->value ? pair->value : "");
        kedge_buf_putc(&text, '\0');
    }
    add(unit, &text, "PATH", SEARCH);
    add(unit, &text, "LANG", "C.UTF-8");
    add(unit, &text, "HOME", unit->folder);
    add(unit, &text, "KEDGE_INSTANCE", unit->instance);
    add(unit, &text, "KEDGE_VERSION", unit->version);
    add(unit, &text, "KEDGE_CONFIG", unit->config);
    add(unit, &text, "KEDGE_MODELS", unit->models);
    add_ports(unit, status, &text);

    size_t count = unit->secret_count, size = text.size;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\0';
    for (uint32_t i = 0; i < unit->secret_count; i++)
        size += strlen(unit->secrets[i].name) + 1 + unit->secrets[i].value.size + 1;
    char **block = kedge_secret_alloc((count + 1) * sizeof *block + size), **next = block;
    char *at = (char *)(block + count + 1);
    if (text.size)
        memcpy(at, text.data, text.size);
    for (char *end = at + text.size; at < end; at += strlen(at) + 1)
        *next++ = at;
    for (uint32_t i = 0; i < unit->secret_count; i++) {
        const struct kedge_runtime_secret *secret = &unit->secrets[i];
        *next++ = at;
        at = mempcpy(at, secret->name, strlen(secret->name));
        *at++ = '=';
        at = mempcpy(at, secret->value.data, secret->value.size);
        *at++ = '\0';
    }
    return block;
}

/* --- programs --- */

static bool runnable(int dir, const char *path)
{
    struct stat st;
    return fstatat(dir, path, &st, 0) == 0 && S_ISREG(st.st_mode) &&
           faccessat(dir, path, X_OK, 0) == 0;
}

int kedge_child_program(const struct kedge_runtime_unit *unit, const struct kedge_strings *command,
                        struct kedge_buf *out, struct kedge_err *err)
{
    if (command->count == 0 || !command->at[0][0])
        return kedge_err_set(err, KEDGE_INVALID, "the command is empty");
    const char *name = command->at[0];
    kedge_buf_clear(out);
    if (strchr(name, '/')) {
        kedge_auto(kedge_fd) int folder = open(unit->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        kedge_buf_puts(out, name);
        if (folder >= 0 && runnable(folder, name))
            return 0;
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "'%.200s' is not an executable file of the package", name);
    }
    for (const char *at = SEARCH; *at; at += *at == ':') {
        size_t size = strcspn(at, ":");
        kedge_buf_clear(out);
        kedge_buf_add(out, at, size);
        kedge_buf_printf(out, "/%s", name);
        if (runnable(AT_FDCWD, out->data))
            return 0;
        at += size;
    }
    return kedge_err_set(err, KEDGE_NOTFOUND,
                         "this device has no program '%.200s': install it, or ship it in the "
                         "package and name it './%.200s'",
                         name, name);
}

/* --- children --- */

/* All a child needs, made before fork: behind it only async-signal-safe calls are left. */
struct launch {
    const struct kedge_runtime_unit *unit;
    struct kedge_buf program;
    char **argv, **envp;
    int log, null, failure; /* `failure`: write end of the pipe that says what went wrong */
    int config;             /* the private configuration, or -1 */
    pid_t parent;
    struct kedge_mark mark;
    char temporary[4096]; /* beside the record; empty: no mark is written */
};

static void launch_auto(struct launch *launch)
{
    kedge_buf_release(&launch->program);
    free(launch->argv);
    kedge_secret_free(launch->envp);
    kedge_fd_auto(&launch->log);
    kedge_fd_auto(&launch->null);
    kedge_fd_auto(&launch->config);
    kedge_fd_auto(&launch->failure);
}

static void set_limit(__rlimit_resource_t resource, rlim_t value)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
    setrlimit(resource, &limit);
}

static void set_limits(const struct kedge_resources *resources)
{
    set_limit(RLIMIT_CORE, 0);
    /* Not RLIMIT_AS: weights that are mapped read-only are no memory of the unit's own. */
    if (resources->memory)
        set_limit(RLIMIT_DATA, (rlim_t)resources->memory);
    if (resources->files)
        set_limit(RLIMIT_NOFILE, resources->files);
    if (resources->processes)
        set_limit(RLIMIT_NPROC, resources->processes);
}

static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int write_mark(struct launch *launch)
{
    bool zombie;
    char text[KEDGE_MARK_TEXT];
    launch->mark.pid = getpid();
    launch->mark.start = kedge_mark_start(launch->mark.pid, &zombie);
    size_t size = kedge_mark_format(&launch->mark, text);
    return kedge_mark_write(launch->unit->record, launch->temporary, text, size);
}

_Noreturn static void child_main(struct launch *launch)
{
    int sys = 0;
    reset_signals();
    /* Until the mark is written nobody would know of us: so we go when the parent goes. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != launch->parent)
        _exit(127);
    setsid();
    umask(022);
    if (dup2(launch->null, 0) < 0 || dup2(launch->log, 1) < 0 || dup2(launch->log, 2) < 0 ||
        chdir(launch->unit->folder) < 0)
        sys = errno;
    syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
    if (launch->config >= 0 && fcntl(launch->config, F_SETFD, 0) < 0)
        sys = errno;
    set_limits(&launch->unit->spec->resources);
    if (!sys && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        sys = errno;
    if (!sys && launch->temporary[0])
        sys = -write_mark(launch);
    if (!sys) {
        if (launch->temporary[0])
            prctl(PR_SET_PDEATHSIG, 0);
        execve(launch->program.data, launch->argv, launch->envp);
        sys = errno;
        if (launch->temporary[0])
            unlink(launch->unit->record);
    }
    ssize_t put = write(launch->failure, &sys, sizeof sys);
    _exit(put == sizeof sys ? 127 : 126);
}

/* In memory that goes when the last process that has it goes. It can be read, not changed, at
 * /proc/self/fd. */
static int open_config(struct launch *launch, struct kedge_err *err)
{
    struct kedge_slice rest = launch->unit->private_config;
    launch->config = memfd_create("config.json", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    while (launch->config >= 0 && rest.size) {
        ssize_t put = write(launch->config, rest.data, rest.size);
        if (put < 0 && errno != EINTR)
            break;
        if (put > 0)
            rest = (struct kedge_slice){rest.data + put, rest.size - (size_t)put};
    }
    if (rest.size || fchmod(launch->config, 0400) < 0 ||
        fcntl(launch->config, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return kedge_err_sys(err, errno, "cannot keep the configuration in memory");
    return 0;
}

static int prepare_environment(struct launch *launch, const struct kedge_runtime_status *status,
                               struct kedge_err *err)
{
    struct kedge_runtime_unit unit = *launch->unit;
    char path[32];
    int code = unit.private_config.size ? open_config(launch, err) : 0;
    if (code)
        return code;
    if (unit.private_config.size) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", launch->config);
        unit.config = path;
    }
    launch->envp = kedge_child_environment(&unit, status);
    return 0;
}

static int prepare(struct launch *launch, const struct kedge_runtime_status *status,
                   const struct kedge_strings *command, struct kedge_err *err)
{
    const struct kedge_runtime_unit *unit = launch->unit;
    int code = kedge_child_program(unit, command, &launch->program, err);
    if (code)
        return code;
    launch->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    launch->log = open(unit->log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (launch->null < 0 || launch->log < 0)
        return kedge_err_sys(err, errno, "cannot open the log '%s'", unit->log);
    launch->argv = kedge_alloc_array(command->count + 1, sizeof *launch->argv);
    for (uint32_t i = 0; i < command->count; i++)
        launch->argv[i] = (char *)(uintptr_t)command->at[i];
    launch->parent = getpid();
    return prepare_environment(launch, status, err);
}

/* Forks, and waits until the child has become the program or has said why not. */
static int fork_child(struct launch *launch, pid_t *pid, struct kedge_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return kedge_err_sys(err, errno, "cannot create a pipe");
    kedge_auto(kedge_fd) int heard = ends[0];
    launch->failure = ends[1];
    pid_t child = fork();
    if (child < 0)
        return kedge_err_sys(err, errno, "cannot start a process");
    if (child == 0)
        child_main(launch);
    close(launch->failure);
    launch->failure = -1;
    int sys = 0;
    ssize_t got;
    do
        got = read(heard, &sys, sizeof sys);
    while (got < 0 && errno == EINTR);
    if (got == 0) {
        *pid = child;
        return 0;
    }
    waitpid(child, NULL, 0);
    return kedge_err_sys(err, got == sizeof sys ? sys : EIO, "cannot run '%.200s'",
                         launch->program.data);
}

/* One line that parts this run's output from what is in the log already. */
static void head_log(const struct launch *launch)
{
    char now[KEDGE_TIME_TEXT];
    kedge_clock_format(kedge_clock_wall(), now);
    dprintf(launch->log, KEDGE_RUNTIME_HEADING "%s %s, started %s\n", launch->unit->instance,
            launch->unit->version ? launch->unit->version : "", now);
}

int kedge_child_start(const struct kedge_runtime_unit *unit,
                      const struct kedge_runtime_status *status, int64_t *pid,
                      struct kedge_err *err)
{
    kedge_auto(launch) struct launch launch = {
        .unit = unit, .log = -1, .null = -1, .failure = -1, .config = -1};
    struct stat st;
    int code = prepare(&launch, status, &unit->spec->command, err);
    if (code)
        return code;
    if (stat(unit->folder, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat '%s'", unit->folder);
    if ((size_t)snprintf(launch.temporary, sizeof launch.temporary, "%s.new", unit->record) >=
        sizeof launch.temporary)
        return kedge_err_set(err, KEDGE_LIMIT, "the path '%.200s' is too long", unit->record);
    launch.mark.device = st.st_dev;
    launch.mark.inode = st.st_ino;
    launch.mark.port_count = status->port_count;
    memcpy(launch.mark.ports, status->ports, sizeof launch.mark.ports);
    kedge_mark_boot(launch.mark.boot);
    head_log(&launch);
    pid_t child;
    code = fork_child(&launch, &child, err);
    if (!code)
        *pid = child;
    return code;
}

void kedge_child_describe(int code, int status, char how[KEDGE_RUNTIME_HOW])
{
    if (code == CLD_EXITED)
        snprintf(how, KEDGE_RUNTIME_HOW, "exited with status %d", status);
    else
        snprintf(how, KEDGE_RUNTIME_HOW, "killed by signal %d (%s)", status,
                 sigdescr_np(status) ? sigdescr_np(status) : "unknown");
}

int kedge_child_run(const struct kedge_runtime_unit *unit,
                    const struct kedge_runtime_status *status, const struct kedge_strings *command,
                    kedge_ms timeout, struct kedge_err *err)
{
    kedge_auto(launch) struct launch launch = {
        .unit = unit, .log = -1, .null = -1, .failure = -1, .config = -1};
    pid_t child;
    int code = prepare(&launch, status, command, err);
    if (code || (code = fork_child(&launch, &child, err)))
        return code;
    kedge_auto(kedge_fd) int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    int ready = poll(&ended, 1, (int)timeout);
    /* What it left behind goes too; its id stays taken until it is waited for. */
    kill(-child, SIGKILL);
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)child, &info, WEXITED) < 0 && errno == EINTR)
        ;
    if (ready == 0)
        return kedge_err_set(err, KEDGE_TIMEOUT, "'%.200s' did not end within %lld ms",
                             command->at[0], (long long)timeout);
    if (info.si_code == CLD_EXITED && info.si_status == 0)
        return 0;
    char how[KEDGE_RUNTIME_HOW];
    kedge_child_describe(info.si_code, info.si_status, how);
    return kedge_err_set(err, KEDGE_UNAVAILABLE, "'%.200s' %s", command->at[0], how);
}
