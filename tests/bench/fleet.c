/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/fs.h"

#define FOLDER 100 /* devices in one */
/* Part of the cache's name: raise it when a manifest below changes. */
#define FLEET_EDITION 1

size_t fleet_size(const struct bench *bench)
{
    return bench->quick ? 5000 : 100000;
}

static void put_key(struct kedge_buf *out, size_t index)
{
    unsigned char seed[32] = {0}, public[crypto_sign_PUBLICKEYBYTES];
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    memcpy(seed, &index, sizeof index);
    crypto_sign_seed_keypair(public, secret, seed);
    kedge_buf_puts(out, "ed25519:");
    kedge_base64_encode(out, public, sizeof public);
}

char *fleet_device(size_t index, bool canary)
{
    struct kedge_buf out = {0};
    kedge_buf_printf(&out,
                     "apiVersion: kedge.dev/v1alpha1\n"
                     "kind: Device\n"
                     "metadata:\n"
                     "  name: device-%07zu\n"
                     "  labels:\n"
                     "    site: site-%04zu\n"
                     "    line: line-%zu\n"
                     "    group: group-%zu\n"
                     "    hardware: gateway-%zu\n"
                     "    ring: %s\n"
                     "spec:\n"
                     "  publicKey: ",
                     index, index / FOLDER, index % 7, index % (FLEET_MODELS / FLEET_MATCHES),
                     index % 3, canary ? "canary" : "stable");
    put_key(&out, index);
    kedge_buf_puts(&out, "\n"
                         "  capacity:\n"
                         "    arch: arm64\n"
                         "    memory: 4Gi\n"
                         "    disk: 32Gi\n");
    return kedge_buf_take(&out);
}

static void put_file(FILE *to, const char *path, const char *text)
{
    fprintf(to, "M 100644 inline %s\ndata %zu\n%s\n", path, strlen(text), text);
}

/* Model number FLEET_MODELS is the canary's. */
static void put_model(FILE *to, size_t index)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    char path[96], label[64];
    bool canary = index == FLEET_MODELS;
    snprintf(label, sizeof label, canary ? "ring: canary" : "group: group-%zu",
             index % (FLEET_MODELS / FLEET_MATCHES));
    kedge_buf_printf(&text,
                     "apiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata:\n  name: model-%02zu\n"
                     "spec:\n  title: Model %zu\n  licence: Apache-2.0\n---\n",
                     index, index);
    kedge_buf_printf(
        &text,
        "apiVersion: kedge.dev/v1alpha1\nkind: ModelVersion\nmetadata:\n"
        "  name: model-%02zu-1.0.0\nspec:\n  model: model-%02zu\n  version: 1.0.0\n"
        "  stage: ready\n  artifact:\n"
        "    url: https://models.example/model-%02zu-1.0.0.zip\n"
        "    digest: sha256:%064zx\n    size: 1048576\n    format: zip\n"
        "  runtime:\n    driver: process\n    command: [bin/serve, --port, \"$PORT\"]\n"
        "---\n",
        index, index, index, index + 1);
    kedge_buf_printf(&text,
                     "apiVersion: kedge.dev/v1alpha1\nkind: Deployment\nmetadata:\n"
                     "  name: deploy-%02zu\nspec:\n  model: model-%02zu\n  version: 1.0.0\n"
                     "  targets:\n    selector:\n      matchLabels:\n        %s\n",
                     index, index, label);
    snprintf(path, sizeof path, "models/model-%02zu.yaml", index);
    put_file(to, path, text.data);
}

static void put_head(FILE *to, const char *message, int second)
{
    fprintf(to,
            "commit refs/heads/main\n"
            "author Bench <bench@example.org> 177236640%d +0000\n"
            "committer Bench <bench@example.org> 177236640%d +0000\n"
            "data %zu\n%s\n",
            second, second, strlen(message), message);
}

static void put_device(FILE *to, size_t index, bool canary)
{
    char path[96];
    char *text = fleet_device(index, canary);
    snprintf(path, sizeof path, "devices/site-%04zu/device-%07zu.yaml", index / FOLDER, index);
    put_file(to, path, text);
    free(text);
}

static pid_t start(const char *const *argv, int in)
{
    pid_t pid;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    int rc = posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    bench_check(rc == 0, "git does not start");
    return pid;
}

static void finish(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    bench_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "git failed");
}

static void make(const char *path, size_t devices)
{
    int ends[2];
    bench_check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    finish(
        start((const char *const[]){"git", "init", "-q", "--bare", "-b", "main", path, NULL}, -1));
    pid_t import =
        start((const char *const[]){"git", "-C", path, "fast-import", "--quiet", NULL}, ends[0]);
    close(ends[0]);
    FILE *to = fdopen(ends[1], "w");
    put_head(to, "the fleet", 0);
    for (size_t i = 0; i < devices; i++)
        put_device(to, i, false);
    for (size_t i = 0; i <= FLEET_MODELS; i++)
        put_model(to, i);
    put_head(to, "one device joins the canaries", 1);
    put_device(to, devices / 2, true);
    bench_check(fclose(to) == 0, "git fast-import takes no more");
    finish(import);
    finish(start((const char *const[]){"git", "-C", path, "repack", "-adfq", NULL}, -1));
}

char *fleet_repository(const struct bench *bench, size_t devices)
{
    struct kedge_buf path = {0};
    kedge_auto(kedge_buf) struct kedge_buf fresh = {0};
    struct kedge_err err;
    kedge_buf_printf(&path, "%s/fleet-%d-%zu.git", bench->cache, FLEET_EDITION, devices);
    kedge_buf_printf(&fresh, "%s.new", path.data);
    if (access(path.data, F_OK) != 0) {
        fprintf(stderr, "bench: making a fleet of %zu devices\n", devices);
        bench_must(kedge_fs_mkdirs(AT_FDCWD, bench->cache, 0755, &err), &err);
        bench_must(kedge_fs_remove(AT_FDCWD, fresh.data, &err), &err);
        make(fresh.data, devices);
        bench_check(rename(fresh.data, path.data) == 0, "cannot rename the new fleet");
    }
    return kedge_buf_take(&path);
}
