/* SPDX-License-Identifier: Apache-2.0 */
/* A repository, a store and a daemon in a process of its own, with a client. */
#pragma once

#include <sys/types.h>

#include "fixture.h"
#include "lib/gitrepo.h"
#include "lib/tempdir.h"
#include "net/httpc.h"
#include "server/serve.h"

struct daemon_site {
    struct kedge_tempdir tmp;
    struct kedge_gitrepo repo;
    char url[320], store[300], key[300], port_file[300], blobs[300];
    struct kedge_serve_options options;
    struct kedge_public_key director;
    struct fixture_device press;
    struct kedge_httpc *client;
    pid_t pid;
    char address[64];
};

/* A repository with one model, and device "press" that is told to hold version 1.0.0. */
void daemon_site_make(struct daemon_site *site);
void daemon_site_release(struct daemon_site *site);
/* Commits a Deployment of that version ("1.0.0", "1.1.0"), or text that is no manifest (NULL). */
void daemon_site_commit(struct daemon_site *site, const char *version);

/* Starts it and waits until it listens. */
void daemon_start(struct daemon_site *site);
/* Sends `signal` and waits; the exit status, or -signal. */
int daemon_end(struct daemon_site *site, int signal);

/* Status of the answer; its body is appended. `headers` may be NULL; `header` gets `wanted`. */
int daemon_get(struct daemon_site *site, const char *path, int64_t offset,
               const char *const *headers, struct kedge_buf *body);
int daemon_post(struct daemon_site *site, const char *path, struct kedge_slice content,
                const char *type, kedge_ms wait, struct kedge_buf *body, char grant[256]);
/* Sends the device's next report. */
int daemon_sync(struct daemon_site *site, kedge_ms wait, struct kedge_buf *body, char grant[256]);
/* The device takes an order and holds what it says. */
void daemon_obey(struct daemon_site *site, const struct kedge_buf *envelope);
/* Asks a view until the text is in it; fails the test after some seconds. */
void daemon_await(struct daemon_site *site, const char *path, const char *text);
