/* SPDX-License-Identifier: Apache-2.0 */
#include "gitrepo.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

#define ARGUMENTS_MAX 32

/* The same ids on every machine: who and when are fixed, nobody's configuration is read. */
static const char **environment(const struct kedge_gitrepo *repo, char when[2][64])
{
    static const char *env[16];
    size_t n = 0;
    long at = 1772366400 + (long)repo->commits; /* 2026-03-01T12:00:00Z */
    snprintf(when[0], 64, "GIT_AUTHOR_DATE=%ld +0000", at);
    snprintf(when[1], 64, "GIT_COMMITTER_DATE=%ld +0000", at);
    env[n++] = when[0];
    env[n++] = when[1];
    env[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
    env[n++] = "GIT_AUTHOR_NAME=Ada Quist";
    env[n++] = "GIT_AUTHOR_EMAIL=ada@example.org";
    env[n++] = "GIT_COMMITTER_NAME=Bo Lind";
    env[n++] = "GIT_COMMITTER_EMAIL=bo@example.org";
    env[n++] = "GIT_CONFIG_NOSYSTEM=1";
    env[n++] = "GIT_CONFIG_GLOBAL=/dev/null";
    env[n++] = "LC_ALL=C.UTF-8";
    env[n] = NULL;
    return env;
}

static int memory(const struct kedge_buf *content)
{
    int fd = memfd_create("git", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    if (content && content->size > 0)
        cr_assert_eq(write(fd, content->data, content->size), (ssize_t)content->size);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

void kedge_gitrepo_ask_list(const struct kedge_gitrepo *repo, const struct kedge_buf *input,
                            struct kedge_buf *out, const char *const *arguments)
{
    const char *argv[ARGUMENTS_MAX] = {"git", "-C", repo->path};
    char when[2][64], block[4096];
    size_t n = 3;
    ssize_t got;
    pid_t pid;
    int status;
    kedge_auto(kedge_fd) int in = memory(input), to = memory(NULL);
    posix_spawn_file_actions_t files;
    while (*arguments && n + 1 < ARGUMENTS_MAX)
        argv[n++] = *arguments++;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
    int rc = posix_spawnp(&pid, "git", &files, NULL, (char *const *)argv,
                          (char *const *)environment(repo, when));
    posix_spawn_file_actions_destroy(&files);
    cr_assert_eq(rc, 0, "git does not start: %s", strerror(rc));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "git %s failed in %s", argv[3],
              repo->path);
    lseek(to, 0, SEEK_SET);
    while ((got = read(to, block, sizeof block)) > 0)
        kedge_buf_add(out, block, (size_t)got);
    while (out->size > 0 && out->data[out->size - 1] == '\n')
        out->data[--out->size] = '\0';
}

void kedge_gitrepo_run_list(const struct kedge_gitrepo *repo, const char *const *arguments)
{
    kedge_auto(kedge_buf) struct kedge_buf ignored = {0};
    kedge_gitrepo_ask_list(repo, NULL, &ignored, arguments);
}

struct kedge_gitrepo kedge_gitrepo_make(const char *path)
{
    struct kedge_gitrepo repo = {0};
    struct kedge_err err = {0};
    cr_assert_lt(snprintf(repo.path, sizeof repo.path, "%s", path), (int)sizeof repo.path);
    cr_assert_eq(kedge_fs_mkdirs(AT_FDCWD, path, 0755, &err), 0, "%s", err.msg);
    kedge_gitrepo_run(&repo, "init", "-q", "-b", "main");
    return repo;
}

void kedge_gitrepo_write(const struct kedge_gitrepo *repo, const char *file, const char *text)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    struct kedge_err err = {0};
    kedge_buf_printf(&path, "%s/%s", repo->path, file);
    if (!text) {
        cr_assert_eq(kedge_fs_remove(AT_FDCWD, path.data, &err), 0, "%s", err.msg);
        return;
    }
    char *slash = strrchr(path.data, '/');
    *slash = '\0';
    cr_assert_eq(kedge_fs_mkdirs(AT_FDCWD, path.data, 0755, &err), 0, "%s", err.msg);
    *slash = '/';
    FILE *out = fopen(path.data, "w");
    cr_assert_not_null(out, "cannot write %s", path.data);
    fputs(text, out);
    fclose(out);
}

void kedge_gitrepo_commit(struct kedge_gitrepo *repo, const char *message,
                          char id[KEDGE_COMMIT_TEXT])
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    repo->commits++;
    kedge_gitrepo_run(repo, "add", "-A");
    kedge_gitrepo_run(repo, "commit", "-q", "--allow-empty", "--allow-empty-message",
                      "--cleanup=verbatim", "-m", message);
    if (!id)
        return;
    kedge_gitrepo_ask(repo, NULL, &out, "rev-parse", "HEAD");
    cr_assert_eq(out.size, KEDGE_COMMIT_TEXT - 1);
    memcpy(id, out.data, KEDGE_COMMIT_TEXT);
}
