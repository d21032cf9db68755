/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/log.h"
#include "lib/leak.h"
#include "wire/keyfile.h"

#define PATIENCE 1000 /* looks of 10 ms */

static const char models[] =
    "---\napiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {}\n";

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void write_release(struct daemon_site *site, const char *version)
{
    char file[64], text[1024];
    snprintf(file, sizeof file, "m-%s.yaml", version);
    snprintf(text, sizeof text,
             "apiVersion: kedge.dev/v1alpha1\nkind: ModelVersion\nmetadata: {name: m-%s}\n"
             "spec:\n  model: m\n  version: %s\n  stage: ready\n"
             "  artifact: {url: \"hub:\", size: 10, format: zip, digest: \"sha256:"
             "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}\n"
             "  runtime: {driver: process, command: [./serve]}\n",
             version, version);
    kedge_gitrepo_write(&site->repo, file, text);
}

void daemon_site_commit(struct daemon_site *site, const char *version)
{
    char text[512];
    snprintf(text, sizeof text,
             "apiVersion: kedge.dev/v1alpha1\nkind: Deployment\nmetadata: {name: d}\n"
             "spec:\n  model: m\n  version: \"%s\"\n  targets: {devices: [press]}\n",
             version ? version : "none at all");
    kedge_gitrepo_write(&site->repo, "deployment.yaml", text);
    kedge_gitrepo_commit(&site->repo, "Change the deployment", NULL);
}

void daemon_site_make(struct daemon_site *site)
{
    static const uint8_t seed[32] = {42};
    char path[300];
    struct kedge_err err;
    *site = (struct daemon_site){.tmp = kedge_tempdir_make()};
    kedge_log_set_level(KEDGE_LOG_ERROR);
    cr_assert_eq(kedge_key_init(&err), 0);
    cr_assert_eq(kedge_httpc_init(&err), 0);
    site->client = kedge_httpc_new();

    fixture_device_make(&site->press, "press", 7);
    snprintf(path, sizeof path, "%s/fleet", site->tmp.path);
    site->repo = kedge_gitrepo_make(path);
    char *device = fixture_device_yaml(&site->press, "site: a");
    kedge_gitrepo_write(&site->repo, "device.yaml", device);
    kedge_gitrepo_write(&site->repo, "model.yaml", models);
    free(device);
    write_release(site, "1.0.0");
    write_release(site, "1.1.0");
    daemon_site_commit(site, "1.0.0");

    snprintf(site->url, sizeof site->url, "file://%s", path);
    snprintf(site->store, sizeof site->store, "sqlite:%s/store.db", site->tmp.path);
    snprintf(site->key, sizeof site->key, "%s/director.key", site->tmp.path);
    snprintf(site->port_file, sizeof site->port_file, "%s/port", site->tmp.path);
    snprintf(site->blobs, sizeof site->blobs, "%s/blobs", site->tmp.path);
    cr_assert_eq(mkdir(site->blobs, 0700), 0);
    struct kedge_key *director = kedge_key_from_seed(seed);
    site->director = kedge_key_public(director);
    cr_assert_eq(kedge_keyfile_save(director, NULL, site->key, &err), 0, "%s", err.msg);
    kedge_key_free(director);
    site->options = (struct kedge_serve_options){
        .repository = site->url,
        .store = site->store,
        .key = site->key,
        .listen = "127.0.0.1:0",
        .port_file = site->port_file,
        .blobs = site->blobs,
        .interval = 3600000, /* passes are asked for */
    };
}

void daemon_site_release(struct daemon_site *site)
{
    if (site->pid)
        (void)daemon_end(site, SIGKILL);
    kedge_httpc_free(site->client);
    fixture_device_release(&site->press);
    kedge_tempdir_auto(&site->tmp);
}

void daemon_start(struct daemon_site *site)
{
    (void)unlink(site->port_file);
    site->pid = fork();
    cr_assert_geq(site->pid, 0);
    if (site->pid == 0) {
        struct kedge_err err = {0};
        int code = kedge_serve_run(&site->options, &err);
        if (code < 0)
            fprintf(stderr, "daemon: %s\n", err.msg);
        kedge_test_no_leaks();
        _exit(code < 0 ? 1 : 0);
    }
    for (int i = 0; i < PATIENCE; i++) {
        kedge_auto(kedge_buf) struct kedge_buf line = {0};
        if (kedge_fs_read(AT_FDCWD, site->port_file, 64, &line, NULL) == 0) {
            line.data[strcspn(line.data, "\n")] = '\0';
            snprintf(site->address, sizeof site->address, "%s", line.data);
            return;
        }
        cr_assert_eq(waitpid(site->pid, NULL, WNOHANG), 0, "the daemon has ended");
        pause_briefly();
    }
    cr_assert_fail("the daemon does not listen");
}

int daemon_end(struct daemon_site *site, int signal)
{
    int status;
    kill(site->pid, signal);
    cr_assert_eq(waitpid(site->pid, &status, 0), site->pid);
    site->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int request(struct daemon_site *site, struct kedge_httpc_request *request, const char *path,
                   struct kedge_buf *body, char grant[256])
{
    char url[1024];
    struct kedge_httpc_answer answer;
    struct kedge_err err;
    snprintf(url, sizeof url, "http://%s%s", site->address, path);
    request->url = url;
    request->timeout = 60000;
    request->wanted[0] = "Kedge-Blob-Grant";
    cr_assert_eq(kedge_httpc_open(site->client, request, &answer, &err), 0, "%s: %s", url, err.msg);
    cr_assert_eq(kedge_httpc_read_all(site->client, KEDGE_MIB(16), body, &err), 0, "%s", err.msg);
    kedge_httpc_close(site->client);
    if (grant)
        memcpy(grant, answer.headers[0], 256);
    return answer.status;
}

int daemon_get(struct daemon_site *site, const char *path, int64_t offset,
               const char *const *headers, struct kedge_buf *body)
{
    struct kedge_httpc_request get = {.offset = offset, .headers = headers};
    return request(site, &get, path, body, NULL);
}

int daemon_post(struct daemon_site *site, const char *path, struct kedge_slice content,
                const char *type, kedge_ms wait, struct kedge_buf *body, char grant[256])
{
    char prefer[48];
    snprintf(prefer, sizeof prefer, "Prefer: wait=%lld", (long long)(wait / 1000));
    const char *const headers[] = {wait ? prefer : NULL, NULL};
    struct kedge_httpc_request post = {.post = true,
                                       .body = content,
                                       .content_type = type,
                                       .headers = headers};
    return request(site, &post, path, body, grant);
}

int daemon_sync(struct daemon_site *site, kedge_ms wait, struct kedge_buf *body, char grant[256])
{
    kedge_auto(kedge_buf) struct kedge_buf evidence = {0};
    fixture_report(&site->press, FIXTURE_START, &evidence);
    return daemon_post(site, "/v1/devices/press/sync", kedge_buf_slice(&evidence),
                       KEDGE_SERVER_ENVELOPE, wait, body, grant);
}

void daemon_obey(struct daemon_site *site, const struct kedge_buf *envelope)
{
    fixture_obey(&site->director, &site->press, kedge_buf_slice(envelope), kedge_clock_wall());
}

void daemon_await(struct daemon_site *site, const char *path, const char *text)
{
    for (int i = 0; i < PATIENCE; i++) {
        kedge_auto(kedge_buf) struct kedge_buf body = {0};
        (void)daemon_get(site, path, 0, NULL, &body);
        if (strstr(body.data, text))
            return;
        pause_briefly();
    }
    cr_assert_fail("%s never says '%s'", path, text);
}
