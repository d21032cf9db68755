/* SPDX-License-Identifier: Apache-2.0 */
/* Mirrors over the network: a real sshd and a real https server, both on loopback. */
#include "source/git.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "lib/gitrepo.h"
#include "lib/leak.h"
#include "lib/tempdir.h"

struct fixture {
    struct kedge_tempdir tmp;
    struct kedge_gitrepo repo;
    pid_t server;
    int port;
    struct kedge_git *git;
    struct kedge_err err;
    char first[KEDGE_COMMIT_TEXT], commit[KEDGE_COMMIT_TEXT];
    char text[8][400]; /* room for paths and urls */
};

static const char *path_of(struct fixture *f, int slot, const char *name)
{
    snprintf(f->text[slot], sizeof f->text[slot], "%s/%s", f->tmp.path, name);
    return f->text[slot];
}

/* Runs a program to its end; its exit status, or -1 when it does not start. */
static int run(const char *const *argv)
{
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) != 0)
        return -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

/* Starts a server that dies with the test; what it prints is read from *out. */
static pid_t serve(const char *const *argv, int *out)
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        dup2(pipes[1], STDOUT_FILENO);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(pipes[1]);
    *out = pipes[0];
    return pid;
}

static struct fixture set_up(void)
{
    struct fixture f = {.tmp = kedge_tempdir_make()};
    char path[300];
    snprintf(path, sizeof path, "%s/it's a fleet", f.tmp.path);
    f.repo = kedge_gitrepo_make(path);
    kedge_gitrepo_write(&f.repo, "a.yaml", "one");
    kedge_gitrepo_commit(&f.repo, "one", f.first);
    return f;
}

static void fixture_auto(struct fixture *f)
{
    kedge_git_free(f->git);
    if (f->server > 0) {
        kill(f->server, SIGKILL);
        waitpid(f->server, NULL, 0);
    }
    kedge_tempdir_auto(&f->tmp);
}

static int open_mirror(struct fixture *f, const char *url, const struct kedge_git_options *options)
{
    kedge_git_free(f->git);
    f->git = NULL;
    return kedge_git_mirror(url, path_of(f, 7, "mirror"), options, &f->git, &f->err);
}

static int fetch_from(struct fixture *f, const char *url, const struct kedge_git_options *options)
{
    cr_assert_eq(open_mirror(f, url, options), 0, "%s", f->err.msg);
    return kedge_git_fetch(f->git, f->commit, &f->err);
}

/* What every transport must do: follow a branch, take a tag and an inner commit. */
static void expect_fetches(struct fixture *f, const char *url, struct kedge_git_options options)
{
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    char second[KEDGE_COMMIT_TEXT];
    cr_assert_eq(fetch_from(f, url, &options), 0, "%s", f->err.msg);
    cr_expect_str_eq(f->commit, f->first);
    cr_assert_eq(kedge_git_fetch(f->git, f->commit, &f->err), 0, "%s", f->err.msg);
    kedge_gitrepo_run(&f->repo, "tag", "-a", "-m", "release", "v1");
    kedge_gitrepo_write(&f->repo, "a.yaml", "two");
    kedge_gitrepo_commit(&f->repo, "two", second);
    cr_assert_eq(kedge_git_fetch(f->git, f->commit, &f->err), 0, "%s", f->err.msg);
    cr_expect_str_eq(f->commit, second);
    cr_assert_eq(kedge_git_tree(f->git, f->first, second, "", &tree, &f->err), 0, "%s", f->err.msg);
    cr_assert_eq(tree.count, 1);
    cr_expect_str_eq(tree.entries[0].data, "two");
    options.revision = "v1";
    const char *tag;
    struct kedge_slice object;
    cr_assert_eq(fetch_from(f, url, &options), 0, "%s", f->err.msg);
    cr_expect_str_eq(f->commit, f->first);
    cr_assert(kedge_git_tag(f->git, &tag, &object));
    cr_expect_str_eq(tag, "v1");
    cr_expect(memmem(object.data, object.size, "\n\nrelease", 9));
    cr_assert_eq(kedge_fs_remove(AT_FDCWD, path_of(f, 7, "mirror"), &f->err), 0);
    options.revision = f->first; /* not a tip any more */
    cr_assert_eq(fetch_from(f, url, &options), 0, "%s", f->err.msg);
    cr_expect_str_eq(f->commit, f->first);
    options.revision = "nowhere";
    cr_expect_eq(fetch_from(f, url, &options), KEDGE_NOTFOUND, "%s", f->err.msg);
}

/* A port that was free a moment ago, and a socket that listens on it and never accepts. */
static int listen_silently(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    cr_assert_eq(listen(fd, 8), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* sshd for the user who runs the test; skips the test where there is none. */
static void start_sshd(struct fixture *f)
{
    kedge_auto(kedge_buf) struct kedge_buf config = {0}, known = {0};
    struct kedge_err err = {0};
    int out;
    if (access("/usr/sbin/sshd", X_OK) != 0)
        cr_skip_test("no sshd here: install openssh-server");
    if (geteuid() == 0)
        (void)mkdir("/run/sshd", 0755); /* sshd insists on it for root */
    RUN("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path_of(f, 0, "host_key"));
    RUN("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path_of(f, 1, "user_key"));
    RUN("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path_of(f, 2, "other_key"));
    close(listen_silently(&f->port));
    kedge_buf_printf(&config,
                     "ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nAuthorizedKeysFile %s.pub\n"
                     "StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\n"
                     "PermitRootLogin prohibit-password\n",
                     f->port, f->text[0], f->text[1]);
    write_file(path_of(f, 3, "sshd_config"), config.data);
    f->server =
        serve((const char *const[]){"/usr/sbin/sshd", "-D", "-q", "-f", f->text[3], NULL}, &out);
    for (int tries = 0; tries < 100; tries++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)f->port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        kedge_auto(kedge_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            break;
        usleep(50000);
    }
    kedge_buf_printf(&known, "[127.0.0.1]:%d ", f->port);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, path_of(f, 4, "host_key.pub"), 4096, &known, &err), 0);
    write_file(path_of(f, 4, "known_hosts"), known.data);
    write_file(path_of(f, 5, "known_nobody"), "");
    snprintf(f->text[6], sizeof f->text[6], "ssh://127.0.0.1:%d%s", f->port, f->repo.path);
}

Test(remote, over_ssh, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_sshd(&f);
    struct kedge_git_options options = {.revision = "main",
                                        .ssh_key = f.text[1],
                                        .known_hosts = f.text[4],
                                        .timeout = 20000};
    expect_fetches(&f, f.text[6], options);
    kedge_test_no_leaks();
}

Test(remote, ssh_refuses_an_unknown_host, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_sshd(&f);
    struct kedge_git_options options = {.revision = "main",
                                        .ssh_key = f.text[1],
                                        .known_hosts = f.text[5],
                                        .timeout = 20000};
    cr_expect_eq(fetch_from(&f, f.text[6], &options), KEDGE_DENIED, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "add the host's key"), "%s", f.err.msg);
    struct stat info;
    cr_assert_eq(stat(f.text[5], &info), 0);
    cr_expect_eq(info.st_size, 0, "the host was taken in");
}

Test(remote, ssh_refuses_another_key, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_sshd(&f);
    struct kedge_git_options options = {.revision = "main",
                                        .ssh_key = f.text[2],
                                        .known_hosts = f.text[4],
                                        .timeout = 20000};
    cr_expect_eq(fetch_from(&f, f.text[6], &options), KEDGE_DENIED, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "Permission denied"), "%s", f.err.msg);
}

Test(remote, ssh_tells_a_missing_repository, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char url[500];
    start_sshd(&f);
    snprintf(url, sizeof url, "%s-not", f.text[6]);
    struct kedge_git_options options = {.revision = "main",
                                        .ssh_key = f.text[1],
                                        .known_hosts = f.text[4],
                                        .timeout = 20000};
    cr_expect_eq(fetch_from(&f, url, &options), KEDGE_UNAVAILABLE, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "repository"), "%s", f.err.msg);
}

Test(remote, ssh_that_is_silent_is_left, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char url[64];
    int port;
    kedge_auto(kedge_fd) int fd = listen_silently(&port);
    snprintf(url, sizeof url, "ssh://127.0.0.1:%d/x", port);
    struct kedge_git_options options = {.timeout = 700};
    kedge_ms begun = kedge_clock_monotonic();
    cr_expect_eq(fetch_from(&f, url, &options), KEDGE_TIMEOUT, "%s", f.err.msg);
    cr_expect_lt(kedge_clock_monotonic() - begun, 3000);
}

/* A server made of Python's own, whose certificate is its own authority. */
static void start_https(struct fixture *f)
{
    char script[400], line[32] = "";
    int out;
    snprintf(script, sizeof script, "%s/tests/integration/git/https_server.py",
             getenv("KEDGE_SOURCE_ROOT") ? getenv("KEDGE_SOURCE_ROOT") : ".");
    cr_assert_eq(RUN("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                     "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                     "-addext", "subjectAltName=DNS:localhost", "-keyout", path_of(f, 0, "key.pem"),
                     "-out", path_of(f, 1, "ca.pem"), "-batch"),
                 0, "openssl makes no certificate");
    f->server =
        serve((const char *const[]){"python3", script, f->tmp.path, f->text[1], f->text[0], NULL},
              &out);
    cr_assert_gt(read(out, line, sizeof line - 1), 0, "the https server does not start");
    f->port = atoi(line);
}

static const char *url_of(struct fixture *f, const char *room)
{
    snprintf(f->text[6], sizeof f->text[6], "https://localhost:%d/%s/it's%%20a%%20fleet/.git",
             f->port, room);
    return f->text[6];
}

Test(remote, over_https, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_https(&f);
    struct kedge_git_options options = {.revision = "main", .ca_file = f.text[1], .timeout = 20000};
    expect_fetches(&f, url_of(&f, "open"), options);
    kedge_test_no_leaks();
}

Test(remote, https_gives_its_password, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_https(&f);
    struct kedge_git_options options = {.revision = "main",
                                        .ca_file = f.text[1],
                                        .username = "kedge",
                                        .password = "secret",
                                        .timeout = 20000};
    expect_fetches(&f, url_of(&f, "closed"), options);
    options.password = "wrong";
    cr_expect_eq(fetch_from(&f, url_of(&f, "closed"), &options), KEDGE_DENIED, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "is refused"), "%s", f.err.msg);
    options.password = NULL;
    cr_expect_eq(fetch_from(&f, url_of(&f, "closed"), &options), KEDGE_DENIED, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "give them"), "%s", f.err.msg);
}

Test(remote, https_refuses_an_unknown_authority, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_https(&f);
    struct kedge_git_options options = {.revision = "main", .timeout = 20000};
    cr_expect_eq(fetch_from(&f, url_of(&f, "open"), &options), KEDGE_DENIED, "%s", f.err.msg);
}

Test(remote, https_refuses_a_certificate_of_another_host, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_https(&f);
    struct kedge_git_options options = {.revision = "main", .ca_file = f.text[1], .timeout = 20000};
    snprintf(f.text[6], sizeof f.text[6], "https://127.0.0.1:%d/open/x", f.port);
    cr_expect_eq(fetch_from(&f, f.text[6], &options), KEDGE_DENIED, "%s", f.err.msg);
}

Test(remote, https_is_not_led_away, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_https(&f);
    struct kedge_git_options options = {.revision = "main", .ca_file = f.text[1], .timeout = 20000};
    static const char *const rooms[] = {"away", "plain"};
    for (size_t i = 0; i < KEDGE_COUNT(rooms); i++) {
        cr_expect_eq(fetch_from(&f, url_of(&f, rooms[i]), &options), KEDGE_UNAVAILABLE, "%s: %s",
                     rooms[i], f.err.msg);
        cr_expect_not_null(strstr(f.err.msg, "redirect"), "%s: %s", rooms[i], f.err.msg);
    }
}

Test(remote, https_that_is_silent_is_left, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    start_https(&f);
    struct kedge_git_options options = {.revision = "main", .ca_file = f.text[1], .timeout = 700};
    kedge_ms begun = kedge_clock_monotonic();
    cr_expect_eq(fetch_from(&f, url_of(&f, "silent"), &options), KEDGE_TIMEOUT, "%s", f.err.msg);
    cr_expect_lt(kedge_clock_monotonic() - begun, 3000);
}

static void *cancel_soon(void *payload)
{
    usleep(300000);
    atomic_store((atomic_bool *)payload, true);
    return NULL;
}

Test(remote, a_wait_can_be_cancelled, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char url[64];
    int port;
    atomic_bool cancel = false;
    pthread_t thread;
    kedge_auto(kedge_fd) int fd = listen_silently(&port);
    snprintf(url, sizeof url, "https://localhost:%d/x", port);
    struct kedge_git_options options = {.timeout = 30000, .cancel = &cancel};
    cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    kedge_ms begun = kedge_clock_monotonic();
    cr_expect_eq(fetch_from(&f, url, &options), KEDGE_UNAVAILABLE, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "cancelled"), "%s", f.err.msg);
    cr_expect_lt(kedge_clock_monotonic() - begun, 3000);
    pthread_join(thread, NULL);
}

Test(remote, nobody_listens, .timeout = 60)
{
    kedge_auto(fixture) struct fixture f = set_up();
    char url[64];
    int port;
    close(listen_silently(&port));
    snprintf(url, sizeof url, "https://127.0.0.1:%d/x", port);
    cr_expect_eq(fetch_from(&f, url, NULL), KEDGE_UNAVAILABLE, "%s", f.err.msg);
    cr_expect_not_null(strstr(f.err.msg, "refused"), "%s", f.err.msg);
    cr_expect_eq(fetch_from(&f, "https://name.invalid/x", NULL), KEDGE_UNAVAILABLE, "%s",
                 f.err.msg);
}
