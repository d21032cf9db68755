/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "notify.h"
#include "shelf.h"
#include "site.h"

/* Three kinds of threads, which share nothing but mailboxes:
 *
 *     HTTP loops  ─ requests ─▶  ┌───────────────┐  ─ FETCH ─▶  the fetcher
 *                 ◀─ answers ──  │ the work loop │  ◀─ HEAD ──
 *                                └───────────────┘
 *
 * The work loop owns the server and all of its state. The repository is the fetcher's while a FETCH
 * is out, and the work loop's otherwise: there is one handle, and it goes back and forth. */
#define INBOX    16384 /* requests that wait for the work loop */
#define BATCH    1024  /* of them in one step: one transaction */
#define RETRY_MS 10
#define ROOTS_MS 1000 /* between looks for a newer root document */

struct serve {
    struct kedge_site site;
    struct kedge_mailbox *inbox;  /* struct kedge_api_mail, to the work loop */
    struct kedge_mailbox *orders; /* anything: fetch now */
    atomic_bool stop;             /* ends a fetch in flight */
    struct kedge_api api;
    struct kedge_httpd *httpd;
    pthread_t fetcher;
    bool fetching; /* the thread exists */
    int signals, lock;
    const char *roots;                           /* folder, or NULL */
    kedge_ms look;                               /* for the next one: when */
    struct kedge_digest looked;                  /* at what there was of it the last time */
    struct kedge_server_message messages[BATCH]; /* of a step */
};

/* The fetcher. */

static void *fetch(void *payload)
{
    struct serve *serve = payload;
    void *order;
    while (!atomic_load(&serve->stop)) {
        if (kedge_mailbox_take(serve->orders, &order, 1, KEDGE_SERVER_INTERVAL) == 0)
            continue;
        struct kedge_api_mail *mail = kedge_alloc_zeroed(sizeof *mail);
        mail->message.kind = KEDGE_SERVER_HEAD;
        if (kedge_git_fetch(serve->site.git, mail->commit, &mail->failure) < 0)
            mail->message.kind = KEDGE_SERVER_UNREACHABLE;
        while (!kedge_mailbox_put(serve->inbox, mail)) {
            if (atomic_load(&serve->stop)) {
                free(mail);
                return NULL;
            }
            usleep(RETRY_MS * 1000);
        }
    }
    return NULL;
}

/* The work loop. */

static void deliver(struct serve *serve, struct kedge_server_replies *replies)
{
    for (size_t i = 0; i < replies->count; i++) {
        if (replies->at[i].kind == KEDGE_SERVER_FETCH)
            (void)kedge_mailbox_put(serve->orders, serve); /* one is out at most: there is room */
        else
            kedge_api_answer(&replies->at[i]);
    }
}

static void step(struct serve *serve, struct kedge_api_mail **mails, size_t count)
{
    kedge_auto(kedge_server_replies) struct kedge_server_replies replies = {0};
    for (size_t i = 0; i < count; i++)
        serve->messages[i] = *kedge_api_message(mails[i]);
    kedge_server_step(serve->site.server, serve->messages, count, kedge_clock_wall(), &replies);
    deliver(serve, &replies);
    for (size_t i = 0; i < count; i++)
        free(mails[i]);
}

/* One open() a second, since whoever publishes may do so in any way, on any file system. What was
 * refused is offered again when it has changed. */
static void look_for_root(struct serve *serve)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    kedge_ms now = kedge_clock_monotonic();
    struct kedge_err err;
    if (!serve->roots || now < serve->look)
        return;
    serve->look = now + ROOTS_MS;
    int code =
        kedge_shelf_next(serve->roots, kedge_server_root(serve->site.server) + 1, &file, &err);
    struct kedge_digest digest = {0}; /* there is none */
    if (code != KEDGE_NOTFOUND)
        digest = code ? kedge_digest_of(err.msg, strlen(err.msg))
                      : kedge_digest_of(file.data, file.size);
    if (kedge_digest_equal(&digest, &serve->looked))
        return;
    serve->looked = digest;
    serve->look = now; /* there may be one more behind it */
    if (code && code != KEDGE_NOTFOUND) {
        kedge_log_write(KEDGE_LOG_ERROR, NULL, "a root document cannot be read: %s", err.msg);
        return;
    }
    kedge_auto(kedge_server_replies) struct kedge_server_replies replies = {0};
    const struct kedge_server_message message = {.kind = code ? KEDGE_SERVER_WITHDRAW
                                                              : KEDGE_SERVER_PUBLISH,
                                                 .evidence = kedge_buf_slice(&file)};
    kedge_server_step(serve->site.server, &message, 1, kedge_clock_wall(), &replies);
    deliver(serve, &replies);
}

/* When to look around at the latest, from now. */
static int longest_sleep(const struct serve *serve)
{
    kedge_ms left = kedge_server_wake(serve->site.server) - kedge_clock_wall();
    if (serve->roots && left > serve->look - kedge_clock_monotonic())
        left = serve->look - kedge_clock_monotonic();
    return left < 0 ? 0 : left > KEDGE_SERVER_WAIT ? KEDGE_SERVER_WAIT : (int)left;
}

/* Sleeps until there is something to do; false when a signal says to end. */
static bool await(struct serve *serve)
{
    struct pollfd ready[] = {{.fd = kedge_mailbox_fd(serve->inbox), .events = POLLIN},
                             {.fd = serve->signals, .events = POLLIN}};
    struct signalfd_siginfo signal;
    (void)poll(ready, KEDGE_COUNT(ready), longest_sleep(serve));
    return read(serve->signals, &signal, sizeof signal) < 0;
}

static void work(struct serve *serve)
{
    void *mails[BATCH];
    while (await(serve)) {
        look_for_root(serve);
        size_t count = kedge_mailbox_take(serve->inbox, mails, BATCH, 0);
        step(serve, (struct kedge_api_mail **)mails, count);
    }
}

/* Starting and stopping. */

/* SIGTERM and SIGINT become readable, for this thread and all that it starts. */
static int take_signals(struct serve *serve, sigset_t *before, struct kedge_err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, before);
    signal(SIGPIPE, SIG_IGN);
    serve->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return serve->signals < 0 ? kedge_err_sys(err, errno, "cannot watch for signals") : 0;
}

static int start_http(struct serve *serve, const struct kedge_serve_options *options,
                      struct kedge_err *err)
{
    kedge_server_secret(serve->site.server, serve->api.secret);
    serve->api.inbox = serve->inbox;
    if (options->blobs) {
        serve->api.blobs = open(options->blobs, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (serve->api.blobs < 0)
            return kedge_err_sys(err, errno, "cannot open the folder of blobs '%s'",
                                 options->blobs);
    }
    if (kedge_api_start(&serve->api, options->listen ? options->listen : KEDGE_SERVE_LISTEN,
                        &serve->httpd, err) < 0)
        return err->code;
    if (!options->port_file)
        return 0;
    kedge_auto(kedge_buf) struct kedge_buf line = {0};
    kedge_buf_printf(&line, "%s\n", kedge_httpd_address(serve->httpd));
    return kedge_fs_write(AT_FDCWD, options->port_file, line.data, line.size, 0644, err);
}

static int start(struct serve *serve, const struct kedge_serve_options *options,
                 struct kedge_err *err)
{
    struct kedge_serve_options site = *options;
    site.git.cancel = &serve->stop;
    serve->roots = options->roots;
    if (!options->manual && !options->key)
        return kedge_err_set(err, KEDGE_INVALID,
                             "orders cannot be signed: give the director's --key, or run manually");
    if (kedge_site_lock(options->store, "serve.lock", &serve->lock, err) < 0 ||
        kedge_site_open(&serve->site, &site,
                        options->manual ? KEDGE_SITE_DELIVER : KEDGE_SITE_RECONCILE, err) < 0 ||
        start_http(serve, options, err) < 0)
        return err->code;
    int code = pthread_create(&serve->fetcher, NULL, fetch, serve);
    if (code != 0)
        return kedge_err_sys(err, code, "cannot start a thread");
    serve->fetching = true;
    return 0;
}

/* Who still waits is answered; what is durable stays; nothing is left half done. */
static void stop(struct serve *serve)
{
    void *mails[BATCH];
    size_t count;
    atomic_store(&serve->stop, true);
    if (serve->httpd)
        kedge_httpd_quiesce(serve->httpd);
    kedge_mailbox_close(serve->orders);
    if (serve->fetching)
        pthread_join(serve->fetcher, NULL);
    kedge_mailbox_close(serve->inbox); /* requests from now on are told to come again */
    while ((count = kedge_mailbox_take(serve->inbox, mails, BATCH, 0)) > 0)
        step(serve, (struct kedge_api_mail **)mails, count);
    if (serve->site.server) {
        kedge_auto(kedge_server_replies) struct kedge_server_replies replies = {0};
        kedge_server_drain(serve->site.server, &replies);
        deliver(serve, &replies);
    }
    kedge_httpd_stop(serve->httpd);
}

static void release(struct serve *serve)
{
    kedge_site_close(&serve->site);
    kedge_mailbox_free(serve->inbox);
    kedge_mailbox_free(serve->orders);
    if (serve->api.blobs >= 0)
        close(serve->api.blobs);
    if (serve->signals >= 0)
        close(serve->signals);
    if (serve->lock >= 0)
        close(serve->lock);
}

int kedge_serve_run(const struct kedge_serve_options *options, struct kedge_err *err)
{
    struct serve serve = {.site = {.decides = -1},
                          .inbox = kedge_mailbox_new(INBOX),
                          .orders = kedge_mailbox_new(2),
                          .api = {.blobs = -1},
                          .signals = -1,
                          .lock = -1};
    sigset_t before;
    int code = take_signals(&serve, &before, err);
    if (code == 0)
        code = start(&serve, options, err);
    if (code == 0) {
        kedge_log_write(KEDGE_LOG_INFO,
                        KEDGE_FIELDS({"address", kedge_httpd_address(serve.httpd)},
                                     {"store", options->store}, {"source", serve.site.repository}),
                        "serving");
        kedge_notify_send("READY=1");
        work(&serve);
        kedge_log_write(KEDGE_LOG_INFO, NULL, "stopping");
        kedge_notify_send("STOPPING=1");
    }
    stop(&serve);
    release(&serve);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}
