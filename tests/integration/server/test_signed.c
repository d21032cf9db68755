/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures that stock git and ssh-keygen made, on the way from a push into force. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "daemon.h"
#include "server/once.h"
#include "server/trust.h"
#include "stock.h"

struct shop {
    struct daemon_site site;
    char ann[300], bob[300];           /* private keys */
    char ann_line[300], bob_line[300]; /* of an allowed signers file */
    char pin[KEDGE_COMMIT_TEXT];
    char in_force[KEDGE_COMMIT_TEXT];
};

static void make_key(struct shop *shop, const char *name, char path[300], char line[300])
{
    kedge_auto(kedge_buf) struct kedge_buf public = {0};
    char file[320];
    struct kedge_err err = {0};
    snprintf(path, 300, "%s/%s", shop->site.tmp.path, name);
    const char *const argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, NULL};
    cr_assert_eq(kedge_stock_run(argv, NULL, NULL), 0);
    snprintf(file, sizeof file, "%s.pub", path);
    cr_assert_eq(kedge_fs_read(AT_FDCWD, file, 1024, &public, &err), 0, "%s", err.msg);
    snprintf(line, 300, "%s@example.org %s", name, public.data);
}

static void sign_as(struct shop *shop, const char *key)
{
    kedge_gitrepo_run(&shop->site.repo, "config", "commit.gpgsign", key ? "true" : "false");
    if (key)
        kedge_gitrepo_run(&shop->site.repo, "config", "user.signingkey", key);
}

static void commit(struct shop *shop, const char *key, char id[KEDGE_COMMIT_TEXT])
{
    sign_as(shop, key);
    kedge_gitrepo_commit(&shop->site.repo, "Change the fleet", id);
}

static void allow(struct shop *shop, const char *text)
{
    kedge_gitrepo_write(&shop->site.repo, KEDGE_TRUST_ALLOWED, text);
}

static void open_shop(struct shop *shop)
{
    memset(shop, 0, sizeof *shop);
    daemon_site_make(&shop->site);
    make_key(shop, "ann", shop->ann, shop->ann_line);
    make_key(shop, "bob", shop->bob, shop->bob_line);
    kedge_gitrepo_run(&shop->site.repo, "config", "gpg.format", "ssh");
    allow(shop, shop->ann_line);
    commit(shop, NULL, shop->pin);
    shop->site.options.require_signatures = true;
    shop->site.options.trust_commit = shop->pin;
}

static int reconcile(struct shop *shop, struct kedge_err *err)
{
    kedge_auto(kedge_once) struct kedge_once *once = NULL;
    cr_assert_eq(kedge_once_open(&shop->site.options, false, &once, err), 0, "%s", err->msg);
    int code = kedge_once_reconcile(once, err);
    memcpy(shop->in_force, kedge_once_server(once)->commit, KEDGE_COMMIT_TEXT);
    return code;
}

static void expect_taken(struct shop *shop, const char *head)
{
    struct kedge_err err = {0};
    cr_assert_eq(reconcile(shop, &err), 0, "%s", err.msg);
    cr_assert_str_eq(shop->in_force, head);
}

/* Refused with these words about `culprit`; then the branch goes back to what is in force. */
static void expect_refused(struct shop *shop, const char *culprit, const char *why)
{
    char before[KEDGE_COMMIT_TEXT], named[80];
    struct kedge_err err = {0};
    memcpy(before, shop->in_force, sizeof before);
    snprintf(named, sizeof named, "%.12s by Ada Quist <ada@example.org>", culprit);
    cr_assert_eq(reconcile(shop, &err), KEDGE_DENIED, "%s", err.msg);
    cr_assert_not_null(strstr(err.msg, named), "%s", err.msg);
    cr_assert_not_null(strstr(err.msg, why), "%s", err.msg);
    cr_assert_str_eq(shop->in_force, before);
    kedge_gitrepo_run(&shop->site.repo, "reset", "-q", "--hard", shop->in_force);
}

Test(signed, what_git_signed_comes_into_force)
{
    struct shop shop;
    char head[KEDGE_COMMIT_TEXT], option[400];
    open_shop(&shop);
    expect_taken(&shop, shop.pin);
    commit(&shop, shop.ann, NULL);
    commit(&shop, shop.ann, head);
    expect_taken(&shop, head);
    snprintf(option, sizeof option, "gpg.ssh.allowedSignersFile=%s/%s", shop.site.repo.path,
             KEDGE_TRUST_ALLOWED);
    kedge_gitrepo_run(&shop.site.repo, "-c", option, "verify-commit", head);

    shop.site.options.require_signatures = false; /* the store remembers */
    shop.site.options.trust_commit = NULL;
    commit(&shop, NULL, head);
    expect_refused(&shop, head, "it is not signed");
    daemon_site_release(&shop.site);
}

Test(signed, what_is_not_allowed_does_not)
{
    struct shop shop;
    char head[KEDGE_COMMIT_TEXT], culprit[KEDGE_COMMIT_TEXT], text[700];
    open_shop(&shop);
    expect_taken(&shop, shop.pin);

    commit(&shop, NULL, head);
    expect_refused(&shop, head, "it is not signed");

    commit(&shop, shop.bob, head);
    expect_refused(&shop, head, "is not allowed to sign: no line has it");

    snprintf(text, sizeof text, "%s%s", shop.ann_line, shop.bob_line); /* let in by nobody */
    allow(&shop, text);
    commit(&shop, NULL, culprit);
    commit(&shop, shop.bob, head);
    expect_refused(&shop, culprit, "it is not signed");
    allow(&shop, text); /* let in by himself */
    commit(&shop, shop.bob, head);
    expect_refused(&shop, head, "no line has it");
    allow(&shop, text); /* let in by Ann, from the next commit on */
    commit(&shop, shop.ann, NULL);
    commit(&shop, shop.bob, head);
    expect_taken(&shop, head);

    snprintf(text, sizeof text, "%sbob valid-before=\"20200101\" %s", shop.ann_line,
             strstr(shop.bob_line, "ssh-ed25519"));
    allow(&shop, text);
    commit(&shop, shop.ann, NULL);
    commit(&shop, shop.bob, head);
    expect_refused(&shop, head, "it was not valid any more");

    kedge_gitrepo_write(&shop.site.repo, KEDGE_TRUST_REVOKED, strstr(shop.bob_line, "ssh-ed25519"));
    commit(&shop, shop.ann, NULL);
    commit(&shop, shop.bob, head);
    expect_refused(&shop, head, "is revoked");
    daemon_site_release(&shop.site);
}

static void tag(struct shop *shop, const char *key, const char *name)
{
    struct kedge_gitrepo *repo = &shop->site.repo;
    if (key)
        kedge_gitrepo_run(repo, "-c", "tag.gpgsign=false", "tag", "-f", "-s", "-u", key, "-m", name,
                          name);
    else
        kedge_gitrepo_run(repo, "-c", "tag.gpgsign=false", "tag", "-f", "-a", "-m", name, name);
}

/* Reconciling fails with these words, and nothing comes into force. */
static void expect_tag_refused(struct shop *shop, const char *why)
{
    char before[KEDGE_COMMIT_TEXT];
    struct kedge_err err = {0};
    memcpy(before, shop->in_force, sizeof before);
    cr_assert_eq(reconcile(shop, &err), KEDGE_DENIED, "%s", err.msg);
    cr_assert_not_null(strstr(err.msg, "tag 'v1'"), "%s", err.msg);
    cr_assert_not_null(strstr(err.msg, why), "%s", err.msg);
    cr_assert_str_eq(shop->in_force, before);
}

/* Every commit is Ann's; who may not sign cannot say either which of them is the release. */
Test(signed, an_annotated_tag_is_signed_too)
{
    struct shop shop;
    char head[KEDGE_COMMIT_TEXT];
    kedge_auto(kedge_buf) struct kedge_buf object = {0}, forged = {0};
    open_shop(&shop);
    struct kedge_gitrepo *repo = &shop.site.repo;
    expect_taken(&shop, shop.pin);
    shop.site.options.git.revision = "v1";
    commit(&shop, shop.ann, head);
    tag(&shop, NULL, "v1");
    expect_tag_refused(&shop, "it is not signed; sign it anew");
    tag(&shop, shop.bob, "v1");
    expect_tag_refused(&shop, "no line has it");

    tag(&shop, shop.ann, "v0");
    kedge_gitrepo_ask(repo, NULL, &object, "cat-file", "tag", "v0");
    kedge_gitrepo_run(repo, "update-ref", "refs/tags/v1", "refs/tags/v0");
    expect_tag_refused(&shop, "it was not made as a tag of this name");
    memcpy(strstr(object.data, "tag v0"), "tag v1", 6);
    kedge_gitrepo_ask(repo, &object, &forged, "hash-object", "-t", "tag", "-w", "--stdin");
    kedge_gitrepo_run(repo, "update-ref", "refs/tags/v1", forged.data);
    expect_tag_refused(&shop, "not over this text");

    tag(&shop, shop.ann, "v1"); /* the same commit */
    expect_taken(&shop, head);
    commit(&shop, NULL, head);
    tag(&shop, shop.ann, "v1"); /* a good tag does not make its commit good */
    expect_refused(&shop, head, "it is not signed");
    commit(&shop, shop.ann, head);
    kedge_gitrepo_run(repo, "tag", "-f", "--no-sign", "v1"); /* as a branch: no object of its own */
    expect_taken(&shop, head);
    daemon_site_release(&shop.site);
}

Test(signed, a_merge_answers_for_what_it_merges)
{
    struct shop shop;
    char side[KEDGE_COMMIT_TEXT];
    kedge_auto(kedge_buf) struct kedge_buf head = {0};
    open_shop(&shop);
    struct kedge_gitrepo *repo = &shop.site.repo;
    expect_taken(&shop, shop.pin);
    for (int good = 0; good < 2; good++) {
        kedge_gitrepo_run(repo, "checkout", "-q", "-B", "side", shop.pin);
        commit(&shop, good ? shop.ann : NULL, side);
        kedge_gitrepo_run(repo, "checkout", "-q", "main");
        commit(&shop, shop.ann, NULL);
        repo->commits++;
        kedge_gitrepo_run(repo, "merge", "-q", "--no-ff", "-m", "Merge", "side");
        if (!good)
            expect_refused(&shop, side, "it is not signed");
    }
    kedge_gitrepo_ask(repo, NULL, &head, "rev-parse", "HEAD");
    expect_taken(&shop, head.data);
    daemon_site_release(&shop.site);
}

/* The signature of one commit on the bytes of another. */
Test(signed, changed_bytes_are_found)
{
    struct shop shop;
    char head[KEDGE_COMMIT_TEXT];
    kedge_auto(kedge_buf) struct kedge_buf raw = {0}, forged = {0};
    open_shop(&shop);
    struct kedge_gitrepo *repo = &shop.site.repo;
    expect_taken(&shop, shop.pin);
    commit(&shop, shop.ann, head);
    kedge_gitrepo_ask(repo, NULL, &raw, "cat-file", "commit", head);
    char *subject = strstr(raw.data, "Change the fleet");
    cr_assert_not_null(subject);
    memcpy(subject, "Wreck", 5);
    kedge_gitrepo_ask(repo, &raw, &forged, "hash-object", "-t", "commit", "-w", "--stdin");
    kedge_gitrepo_run(repo, "reset", "-q", "--hard", forged.data);
    expect_refused(&shop, forged.data, "signature");
    daemon_site_release(&shop.site);
}

Test(signed, nothing_is_dated_back)
{
    struct shop shop;
    char head[KEDGE_COMMIT_TEXT];
    open_shop(&shop);
    expect_taken(&shop, shop.pin);
    shop.site.repo.commits += 3600;
    commit(&shop, shop.ann, head);
    expect_taken(&shop, head);
    shop.site.repo.commits -= 1800;
    commit(&shop, shop.ann, head);
    expect_refused(&shop, head, "before its parent's");
    daemon_site_release(&shop.site);
}

Test(signed, the_daemon_says_why_and_goes_on_with_what_is_trusted)
{
    struct shop shop;
    char head[KEDGE_COMMIT_TEXT], commit_text[80];
    kedge_auto(kedge_buf) struct kedge_buf body = {0}, order = {0};
    open_shop(&shop);
    struct daemon_site *site = &shop.site;
    daemon_start(site);
    daemon_await(site, "/readyz", "\"ready\":true");
    sign_as(&shop, NULL);
    daemon_site_commit(site, "1.1.0");
    cr_assert_eq(daemon_post(site, "/v1/reconcile", (struct kedge_slice){"", 0}, NULL, 0, &body,
                             NULL),
                 200);
    daemon_await(site, "/v1/status", "\"reason\":\"unverified\"");
    daemon_await(site, "/v1/findings", "it is not signed");
    daemon_await(site, "/v1/history", "it is not signed");
    snprintf(commit_text, sizeof commit_text, "\"verified\":\"%s\"", shop.pin);
    daemon_await(site, "/v1/status", commit_text);
    cr_assert_eq(daemon_sync(site, 0, &order, NULL), 200, "%s", order.data);
    daemon_obey(site, &order);
    cr_assert_str_eq(site->press.instances[0].version, "1.0.0");

    kedge_gitrepo_run(&site->repo, "reset", "-q", "--soft", shop.pin);
    commit(&shop, shop.ann, head);
    cr_assert_eq(daemon_post(site, "/v1/reconcile", (struct kedge_slice){"", 0}, NULL, 0, &body,
                             NULL),
                 200);
    snprintf(commit_text, sizeof commit_text, "\"verified\":\"%s\"", head);
    daemon_await(site, "/v1/status", commit_text);
    daemon_site_release(site);
}
