/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon.h"

#include <string.h>

#include "server/once.h"

static struct kedge_once *open_once(struct daemon_site *site, bool read_only)
{
    struct kedge_once *once = NULL;
    struct kedge_err err = {0};
    cr_assert_eq(kedge_once_open(&site->options, read_only, &once, &err), 0, "%s", err.msg);
    return once;
}

static int reconcile(struct daemon_site *site, struct kedge_err *err)
{
    kedge_auto(kedge_once) struct kedge_once *once = open_once(site, false);
    return kedge_once_reconcile(once, err);
}

static int apply(struct daemon_site *site, const struct kedge_buf *plan, struct kedge_err *err)
{
    kedge_auto(kedge_once) struct kedge_once *once = open_once(site, false);
    return kedge_once_apply(once, kedge_buf_slice(plan), err);
}

static void plan(struct daemon_site *site, struct kedge_buf *out)
{
    kedge_auto(kedge_once) struct kedge_once *once = open_once(site, false);
    struct kedge_err err;
    kedge_buf_clear(out);
    cr_assert_eq(kedge_once_plan(once, out, &err), 0, "%s", err.msg);
}

/* A daemon that only delivers takes over what cron decides beside it. */
Test(once, a_manual_daemon_delivers_what_is_decided_beside_it)
{
    struct daemon_site site;
    struct kedge_err err = {0};
    kedge_auto(kedge_buf) struct kedge_buf body = {0}, sealed = {0};
    daemon_site_make(&site);
    cr_assert_eq(reconcile(&site, &err), 0, "%s", err.msg);
    site.options.manual = true;
    daemon_start(&site);
    cr_assert_eq(daemon_sync(&site, 0, &body, NULL), 204, "it has not reported before");
    site.options.manual = false;
    cr_assert_eq(reconcile(&site, &err), 0, "%s", err.msg);
    cr_assert_eq(daemon_sync(&site, 20000, &body, NULL), 200);
    daemon_obey(&site, &body);
    kedge_buf_clear(&body);
    cr_assert_eq(daemon_sync(&site, 0, &body, NULL), 204);

    daemon_site_commit(&site, "1.1.0");
    plan(&site, &sealed);
    kedge_buf_clear(&body);
    cr_assert_eq(daemon_sync(&site, 0, &body, NULL), 204, "a plan changes nothing");
    cr_assert_eq(apply(&site, &sealed, &err), 0, "%s", err.msg);
    cr_assert_eq(daemon_sync(&site, 20000, &body, NULL), 200);
    daemon_obey(&site, &body);
    cr_assert_str_eq(site.press.instances[0].version, "1.1.0");
    daemon_site_release(&site);
}

Test(once, apply_refuses_what_has_moved)
{
    struct daemon_site site;
    struct kedge_err err = {0};
    kedge_auto(kedge_buf) struct kedge_buf body = {0}, first = {0}, second = {0};
    daemon_site_make(&site);
    plan(&site, &first);
    daemon_site_commit(&site, "1.1.0");
    cr_assert_eq(apply(&site, &first, &err), KEDGE_CONFLICT);
    cr_assert_not_null(strstr(err.msg, "commit has moved"), "%s", err.msg);

    plan(&site, &second);
    cr_assert_eq(apply(&site, &second, &err), 0, "%s", err.msg);
    site.options.manual = true;
    daemon_start(&site);
    cr_assert_eq(daemon_sync(&site, 0, &body, NULL), 204, "its first report");
    site.options.manual = false;
    cr_assert_eq(apply(&site, &second, &err), KEDGE_CONFLICT);
    cr_assert_not_null(strstr(err.msg, "inventory has moved"), "%s", err.msg);
    daemon_site_release(&site);
}

Test(once, bad_heads_are_errors_and_leave_the_last_good_one)
{
    struct daemon_site site;
    struct kedge_err err = {0};
    kedge_auto(kedge_buf) struct kedge_buf status = {0};
    struct kedge_view_query query = {.view = KEDGE_VIEW_STATUS};
    daemon_site_make(&site);
    cr_assert_eq(reconcile(&site, &err), 0, "%s", err.msg);
    daemon_site_commit(&site, NULL);
    cr_assert_eq(reconcile(&site, &err), KEDGE_INVALID);
    daemon_site_commit(&site, "1.1.0");
    kedge_gitrepo_run(&site.repo, "commit", "--amend", "--allow-empty", "-q", "-m", "rewritten");
    cr_assert_eq(reconcile(&site, &err), 0, "nobody had taken the commit that was rewritten");
    kedge_gitrepo_run(&site.repo, "commit", "--amend", "--allow-empty", "-q", "-m", "again");
    cr_assert_eq(reconcile(&site, &err), KEDGE_CONFLICT, "%s", err.msg);

    kedge_auto(kedge_once) struct kedge_once *once = open_once(&site, true);
    cr_assert_eq(kedge_server_query(kedge_once_server(once), &query, 0, &status, &err), 0);
    cr_assert_not_null(strstr(status.data, "\"subject\":\"rewritten\""), "%s", status.data);
    kedge_once_close(once);
    once = NULL;
    site.options.accept_rewrite = true;
    cr_assert_eq(reconcile(&site, &err), 0, "%s", err.msg);
    daemon_site_release(&site);
}

Test(once, one_process_decides)
{
    struct daemon_site site;
    struct kedge_err err = {0};
    struct kedge_once *once = NULL;
    daemon_site_make(&site);
    daemon_start(&site);
    cr_assert_eq(kedge_once_open(&site.options, false, &once, &err), KEDGE_CONFLICT);
    daemon_await(&site, "/readyz", "\"ready\":true");
    kedge_auto(kedge_once) struct kedge_once *look = open_once(&site, true);
    cr_assert_not_null(kedge_server_desired(kedge_once_server(look)), "looking is always free");
    daemon_site_release(&site);
}
