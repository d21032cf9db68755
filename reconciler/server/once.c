/* SPDX-License-Identifier: Apache-2.0 */
#include "once.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cycle.h"
#include "follow.h"
#include "inside.h"
#include "seal.h"
#include "site.h"

struct kedge_once {
    struct kedge_site site;
};

int kedge_once_open(const struct kedge_serve_options *options, bool read_only,
                    struct kedge_once **out, struct kedge_err *err)
{
    struct kedge_once *once = kedge_alloc_zeroed(sizeof *once);
    enum kedge_site_use use = read_only ? KEDGE_SITE_READ : KEDGE_SITE_RECONCILE;
    if (kedge_site_open(&once->site, options, use, err) < 0) {
        free(once);
        return err->code;
    }
    *out = once;
    return 0;
}

void kedge_once_close(struct kedge_once *once)
{
    if (!once)
        return;
    kedge_site_close(&once->site);
    free(once);
}

void kedge_once_auto(struct kedge_once **once)
{
    kedge_once_close(*once);
}

struct kedge_server *kedge_once_server(struct kedge_once *once)
{
    return once->site.server;
}

const struct kedge_findings *kedge_once_findings(const struct kedge_once *once)
{
    return &once->site.server->findings;
}

/* Told to the server as a daemon's would be, so that status and history say the same. */
static int fetch(struct kedge_once *once, char head[KEDGE_COMMIT_TEXT], kedge_ms now,
                 struct kedge_err *err)
{
    if (kedge_git_fetch(once->site.git, head, err) == 0)
        return 0;
    kedge_follow_lose(once->site.server, err, now);
    return err->code;
}

/* The head of the repository comes into force. */
static int advance(struct kedge_once *once, const char *head, kedge_ms now, struct kedge_err *err)
{
    struct kedge_server *server = once->site.server;
    if (kedge_follow_take(server, head, now, err) < 0)
        return err->code;
    return kedge_server_restore(server, now, err);
}

static int need_key(const struct kedge_once *once, struct kedge_err *err)
{
    if (once->site.director)
        return 0;
    return kedge_err_set(err, KEDGE_INVALID, "orders cannot be signed: give the director's --key");
}

int kedge_once_reconcile(struct kedge_once *once, struct kedge_err *err)
{
    struct kedge_server *server = once->site.server;
    kedge_ms now = kedge_clock_wall();
    char head[KEDGE_COMMIT_TEXT];
    if (need_key(once, err) < 0 || fetch(once, head, now, err) < 0 ||
        advance(once, head, now, err) < 0)
        return err->code;
    return kedge_server_pass(server, now, err);
}

int kedge_once_plan(struct kedge_once *once, struct kedge_buf *out, struct kedge_err *err)
{
    struct kedge_server *server = once->site.server;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_ms now = kedge_clock_wall();
    char head[KEDGE_COMMIT_TEXT];
    server->dry = true;
    if (once->site.use == KEDGE_SITE_RECONCILE &&
        (fetch(once, head, now, err) < 0 || advance(once, head, now, err) < 0))
        return err->code;
    if (!server->desired)
        return kedge_err_set(err, KEDGE_UNAVAILABLE,
                             "no commit is in force yet; 'kedge status' says why");
    struct kedge_cycle_plan pass = kedge_cycle_plan(server, &arena, NULL, 0, now);
    kedge_seal_write(pass.plan, pass.changes, now, out);
    return 0;
}

int kedge_once_apply(struct kedge_once *once, struct kedge_slice sealed, struct kedge_err *err)
{
    struct kedge_server *server = once->site.server;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_ms now = kedge_clock_wall();
    struct kedge_seal seal;
    char head[KEDGE_COMMIT_TEXT];
    if (need_key(once, err) < 0 || kedge_seal_read(sealed, &seal, err) < 0 ||
        fetch(once, head, now, err) < 0 || kedge_seal_check_head(&seal, head, err) < 0 ||
        advance(once, head, now, err) < 0)
        return err->code;
    struct kedge_cycle_plan pass = kedge_cycle_plan(server, &arena, NULL, 0, now);
    if (kedge_seal_check(&seal, pass.plan, err) < 0 ||
        kedge_seal_check_text(sealed, pass.plan, pass.changes, err) < 0)
        return err->code;
    return kedge_server_pass(server, now, err);
}
