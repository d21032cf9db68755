/* SPDX-License-Identifier: Apache-2.0 */
#include "roots.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dispatch.h"
#include "inside.h"

#define TOLD "root" /* in the store: the newest version that history knows of */

void kedge_roots_release(struct kedge_roots *roots)
{
    for (size_t i = 0; i < roots->count; i++)
        kedge_buf_release(&roots->files[i]);
    free(roots->files);
    *roots = (struct kedge_roots){0};
}

static void keep(struct kedge_roots *roots, const struct kedge_root *root, struct kedge_slice file)
{
    roots->files = kedge_alloc_grow(roots->files, (roots->count + 1) * sizeof *roots->files);
    roots->files[roots->count] = (struct kedge_buf){0};
    kedge_buf_add(&roots->files[roots->count++], file.data, file.size);
    roots->newest = *root;
}

struct kedge_slice kedge_roots_file(const struct kedge_server *server, int64_t version)
{
    const struct kedge_roots *roots = &server->roots;
    int64_t first = roots->newest.version - (int64_t)roots->count + 1;
    if (version == 0)
        version = roots->newest.version;
    if (roots->count == 0 || version < first || version > roots->newest.version)
        return (struct kedge_slice){0};
    return kedge_buf_slice(&roots->files[version - first]);
}

/* --- what is told --- */

/* The store knows what history was told, so that a restart does not tell it again. */
static int tell_history(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    struct kedge_store *store = server->options.store;
    char version[24], *told = NULL;
    snprintf(version, sizeof version, "%lld", (long long)server->roots.newest.version);
    bool known = kedge_store_get(store, TOLD, &told, err) == 0 && strcmp(told, version) == 0;
    free(told);
    if (known || store->read_only || server->dry)
        return 0;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_event event = {.at = now,
                                .kind = KEDGE_EVENT_ROOT_PUBLISHED,
                                .message = kedge_arena_printf(&arena, "root version %s", version)};
    if (kedge_store_begin(store, err) < 0)
        return err->code;
    if (kedge_store_put(store, TOLD, version, err) < 0 ||
        kedge_store_append_event(store, &event, err) < 0) {
        kedge_store_rollback(store);
        return err->code;
    }
    return kedge_store_commit(store, err);
}

/* What is wrong with the newest root, or soon will be. */
static void log_state(const struct kedge_server *server, kedge_ms now)
{
    const struct kedge_root *newest = &server->roots.newest;
    char until[KEDGE_TIME_TEXT];
    struct kedge_err err;
    kedge_log_write(KEDGE_LOG_INFO, NULL, "root version %lld is handed out, good until %s",
                    (long long)newest->version, kedge_clock_format(newest->expires, until));
    if (kedge_root_fresh(newest, now, &err))
        kedge_log_write(KEDGE_LOG_ERROR, NULL, "devices take no new orders: %s", err.msg);
    else if (newest->expires - now < KEDGE_ROOTS_WARN)
        kedge_log_write(KEDGE_LOG_WARN, NULL,
                        "root version %lld expires soon: 'kedge root next' makes another",
                        (long long)newest->version);
    if (kedge_roots_permit(server, &err))
        kedge_log_write(KEDGE_LOG_ERROR, NULL, "no orders are issued: %s", err.msg);
}

static void tell(struct kedge_server *server, kedge_ms now)
{
    struct kedge_err err;
    log_state(server, now);
    if (tell_history(server, now, &err) < 0)
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"error", err.msg}),
                        "history cannot be written");
}

static void refuse(struct kedge_server *server, int64_t version, const char *reason,
                   const struct kedge_err *why)
{
    struct kedge_roots *roots = &server->roots;
    roots->refused.version = version;
    roots->refused.reason = reason;
    roots->refused.err = *why;
    server->version++;
    kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"reason", reason}, {"error", why->msg}),
                    "root version %lld is not taken, version %lld is handed out on",
                    (long long)version, (long long)roots->newest.version);
}

/* --- taking --- */

static bool follow(struct kedge_server *server, struct kedge_slice file)
{
    struct kedge_roots *roots = &server->roots;
    struct kedge_root next;
    struct kedge_err err = {0};
    enum kedge_root_refusal refusal = kedge_root_follow(&roots->newest, file, &next, &err);
    if (refusal) {
        refuse(server, roots->newest.version + 1,
               kedge_word_name(&kedge_root_refusal_words, (int)refusal), &err);
        return false;
    }
    keep(roots, &next, file);
    roots->refused.reason = NULL;
    return true;
}

int kedge_roots_open(struct kedge_server *server, kedge_ms now, struct kedge_err *err)
{
    const struct kedge_server_options *options = &server->options;
    struct kedge_root first;
    if (options->root_count == 0)
        return 0;
    if (kedge_root_pin(options->roots[0], NULL, &first, err) < 0)
        return kedge_err_wrap(err, "the first root document is not good");
    keep(&server->roots, &first, options->roots[0]);
    for (size_t i = 1; i < options->root_count && follow(server, options->roots[i]); i++)
        ;
    tell(server, now);
    return 0;
}

void kedge_roots_offer(struct kedge_server *server, struct kedge_slice file, kedge_ms now)
{
    struct kedge_err err;
    if (server->roots.newest.version == 0 || !follow(server, file))
        return;
    server->roots.news = true;
    server->whole = true;
    server->version++;
    tell(server, now);
    if (kedge_dispatch_judge(server, &err) < 0)
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"error", err.msg}),
                        "stored orders cannot be read");
}

void kedge_roots_withdraw(struct kedge_server *server)
{
    if (!server->roots.refused.reason)
        return;
    server->roots.refused.reason = NULL;
    server->version++;
}

/* --- what follows from the newest --- */

int kedge_roots_permit(const struct kedge_server *server, struct kedge_err *err)
{
    const struct kedge_root *newest = &server->roots.newest;
    const struct kedge_root_signers *directors = &newest->roles[KEDGE_ROOT_DIRECTOR];
    char text[KEDGE_KEY_TEXT];
    if (newest->version == 0 || !server->options.director)
        return 0;
    const struct kedge_public_key own = kedge_key_public(server->options.director);
    if (!kedge_root_names(newest, KEDGE_ROOT_DIRECTOR, &own))
        return kedge_err_set(err, KEDGE_DENIED,
                             "root version %lld does not name this director's key '%s': start with "
                             "one that it names, or publish a root that names this one",
                             (long long)newest->version, kedge_public_key_format(&own, text));
    if (directors->threshold > 1)
        return kedge_err_set(err, KEDGE_DENIED,
                             "root version %lld wants %u directors to sign each order, and this "
                             "server has one key: 'kedge root next --threshold director=1'",
                             (long long)newest->version, directors->threshold);
    return 0;
}

struct kedge_envelope_trust kedge_roots_directors(const struct kedge_server *server,
                                                  struct kedge_public_key *own)
{
    if (server->roots.newest.version)
        return kedge_root_trust(&server->roots.newest, KEDGE_ROOT_DIRECTOR);
    struct kedge_envelope_trust trust = {.keys = own,
                                         .threshold = 1,
                                         .payload_type = KEDGE_ENVELOPE_IN_TOTO};
    if (server->options.director) {
        *own = kedge_key_public(server->options.director);
        trust.key_count = 1;
    }
    return trust;
}

bool kedge_roots_signed(const struct kedge_server *server, struct kedge_slice envelope)
{
    struct kedge_public_key own;
    const struct kedge_envelope_trust trust = kedge_roots_directors(server, &own);
    char id[KEDGE_KEY_ID_TEXT];
    for (size_t i = 0; i < trust.key_count; i++) {
        kedge_public_key_id(&trust.keys[i], id);
        if (memmem(envelope.data, envelope.size, id, strlen(id)))
            return true;
    }
    return trust.key_count == 0; /* nobody here knows */
}

bool kedge_roots_behind(const struct kedge_server *server, const struct kedge_report *report)
{
    const struct kedge_refusal *refusal = report->root_refusal;
    /* What it has refused it shall have another look at only when its wait is over. */
    bool stuck = refusal && refusal->generation > report->root;
    return report->root > 0 && report->root < server->roots.newest.version && !stuck;
}
