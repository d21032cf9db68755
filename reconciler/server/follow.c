/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <string.h>

#include "base/log.h"
#include "cycle.h"
#include "inside.h"

/* splitmix64: replicas and restarts spread over a tenth of the interval. */
static kedge_ms jitter(const struct kedge_server *server, kedge_ms interval)
{
    uint64_t x = server->options.seed + (server->follow.polls + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (kedge_ms)((x ^ (x >> 31)) % (uint64_t)(interval / 10 + 1));
}

static kedge_ms next_poll(const struct kedge_server *server, kedge_ms now)
{
    const struct kedge_server_options *options = &server->options;
    kedge_ms interval = options->interval ? options->interval : KEDGE_SERVER_INTERVAL;
    kedge_ms at = 0;
    if (options->cron)
        at = kedge_cron_next(options->cron, options->zone, now);
    return at ? at : now + interval + jitter(server, interval);
}

static void end_fetch(struct kedge_server *server, kedge_ms now)
{
    struct kedge_follow *follow = &server->follow;
    follow->fetching = false;
    follow->heard = true;
    follow->polls++;
    follow->next = follow->again ? now : next_poll(server, now);
    follow->again = false;
}

/* A fact outside any transaction. History that cannot be written is no reason to stop. */
static void record(struct kedge_server *server, struct kedge_event event)
{
    struct kedge_err err;
    if (server->dry)
        return;
    if (kedge_store_append_event(server->options.store, &event, &err) < 0)
        kedge_log_write(KEDGE_LOG_ERROR, KEDGE_FIELDS({"error", err.msg}),
                        "history cannot be written");
}

void kedge_follow_lose(struct kedge_server *server, const struct kedge_err *why, kedge_ms now)
{
    struct kedge_follow *follow = &server->follow;
    end_fetch(server, now);
    if (!follow->unreachable) {
        record(server, (struct kedge_event){.at = now,
                                            .kind = KEDGE_EVENT_SOURCE_UNREACHABLE,
                                            .reason = kedge_code_name(why->code),
                                            .message = why->msg});
        kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"error", why->msg}, {"rev", server->commit}),
                        "repository is unreachable; the last good commit stays in force");
    }
    follow->unreachable = true;
    memcpy(follow->message, why->msg, sizeof follow->message);
    server->version++;
}

int kedge_follow_take(struct kedge_server *server, const char *commit, kedge_ms now,
                      struct kedge_err *err)
{
    struct kedge_follow *follow = &server->follow;
    end_fetch(server, now);
    if (follow->unreachable) {
        record(server, (struct kedge_event){.at = now, .kind = KEDGE_EVENT_SOURCE_RECOVERED});
        kedge_log_write(KEDGE_LOG_INFO, NULL, "repository is reachable again");
    }
    follow->unreachable = false;
    follow->success = now;
    memcpy(follow->head, commit, KEDGE_COMMIT_TEXT);

    bool known = server->desired && strcmp(commit, server->commit) == 0;
    bool told = server->refused.reason && strcmp(commit, server->refused.commit) == 0;
    int code = kedge_cycle_take(server, commit, now, err);
    if (code == 0 && !known)
        kedge_log_write(KEDGE_LOG_INFO, KEDGE_FIELDS({"rev", commit}), "commit is in force");
    if (code < 0 && !told)
        kedge_log_write(KEDGE_LOG_WARN, KEDGE_FIELDS({"rev", commit}, {"error", err->msg}),
                        "commit is refused; the last good one stays in force");
    return code;
}

bool kedge_follow_due(struct kedge_server *server, kedge_ms now)
{
    struct kedge_follow *follow = &server->follow;
    if (server->options.manual || follow->fetching || now < follow->next)
        return false;
    follow->fetching = true;
    return true;
}

void kedge_follow_hurry(struct kedge_server *server, kedge_ms now)
{
    server->follow.next = now;
    server->follow.again = server->follow.fetching;
}
