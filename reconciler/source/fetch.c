/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "pack.h"
#include "ssh.h"

static int on_progress(const git_indexer_progress *progress, void *payload)
{
    (void)progress;
    return kedge_connect_check(payload);
}

static int on_credentials(git_credential **out, const char *url, const char *user, unsigned allowed,
                          void *payload)
{
    struct kedge_connect *connect = payload;
    (void)url; /* no redirect leads to another host, so it is ours */
    if (connect->asked || !connect->password || !(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT)) {
        kedge_err_set(&connect->stop, KEDGE_DENIED,
                      connect->asked ? "the user name or password is refused"
                                     : "the server asks for a user name and password: give them");
        git_error_set_str(GIT_ERROR_HTTP, connect->stop.msg);
        return GIT_EAUTH;
    }
    connect->asked = true;
    const char *name = connect->username ? connect->username : user ? user : "git";
    return git_credential_userpass_plaintext_new(out, name, connect->password);
}

static git_remote_callbacks callbacks(struct kedge_connect *connect)
{
    return (git_remote_callbacks){
        .version = GIT_REMOTE_CALLBACKS_VERSION,
        .credentials = on_credentials,
        .transfer_progress = on_progress,
        .transport = connect->url->scheme == KEDGE_URL_SSH ? kedge_ssh_transport : NULL,
        .payload = connect,
    };
}

/* What ended the exchange: our own reason first, else libgit2's. */
static int unreachable(struct kedge_git *git, const struct kedge_connect *connect, int rc,
                       struct kedge_err *err)
{
    if (connect->stop.code)
        kedge_err_set(err, connect->stop.code, "%s", connect->stop.msg);
    else if (git->url.scheme == KEDGE_URL_FILE && access(git->url.path, R_OK | X_OK) < 0)
        kedge_err_sys(err, errno, "cannot open the folder");
    else
        kedge_handle_fail(err, rc, "no fetch");
    if (!connect->stop.code && err->code != KEDGE_DENIED && err->code != KEDGE_CORRUPT)
        err->code = KEDGE_UNAVAILABLE;
    return kedge_err_wrap(err, "repository '%s'", git->url.text);
}

static bool is_name(const git_remote_head *head, const char *prefix, const char *name,
                    const char *suffix)
{
    size_t a = strlen(prefix), b = strlen(name);
    return strncmp(head->name, prefix, a) == 0 && strncmp(head->name + a, name, b) == 0 &&
           strcmp(head->name + a + b, suffix) == 0;
}

static const git_remote_head *find(const git_remote_head **heads, size_t count, const char *prefix,
                                   const char *name, const char *suffix)
{
    for (size_t i = 0; i < count; i++) {
        if (is_name(heads[i], prefix, name, suffix))
            return heads[i];
    }
    return NULL;
}

/* What the remote says the revision is: the name of its reference and the commit. */
struct choice {
    const char *name; /* borrowed from the remote */
    git_oid commit;
    bool tagged; /* by an annotated tag */
    git_oid tag;
};

static int choose(struct kedge_git *git, git_remote *remote, struct choice *out,
                  struct kedge_err *err)
{
    const char *revision = git->options.revision, *prefix = "";
    const git_remote_head **heads, *head, *peeled;
    size_t count;
    int rc = git_remote_ls(&heads, &count, remote);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "repository '%s': no list of references", git->url.text);
    if (count == 0)
        return kedge_err_set(err, KEDGE_NOTFOUND, "repository '%s' is empty: push a first commit",
                             git->url.text);
    if (!revision) {
        head = find(heads, count, "", "HEAD", "");
        if (!head)
            return kedge_err_set(err, KEDGE_NOTFOUND,
                                 "repository '%s' names no default branch that exists: name one",
                                 git->url.text);
        *out = (struct choice){.name = head->name, .commit = head->oid};
        return 0;
    }
    static const char *const prefixes[] = {"refs/heads/", "refs/tags/"};
    bool whole = strncmp(revision, "refs/", 5) == 0;
    head = whole ? find(heads, count, "", revision, "") : NULL;
    for (size_t i = 0; !whole && !head && i < KEDGE_COUNT(prefixes); i++) {
        prefix = prefixes[i];
        head = find(heads, count, prefix, revision, "");
    }
    if (!head)
        return kedge_err_set(
            err, KEDGE_NOTFOUND,
            "repository '%s' has no branch or tag '%s': was it deleted or renamed?", git->url.text,
            revision);
    peeled = find(heads, count, prefix, revision, "^{}"); /* an annotated tag's commit */
    *out = (struct choice){.name = head->name,
                           .commit = peeled ? peeled->oid : head->oid,
                           .tagged = peeled != NULL,
                           .tag = head->oid};
    return 0;
}

static int is_commit(struct kedge_git *git, const git_oid *id)
{
    git_commit *commit = NULL;
    int rc = git_commit_lookup(&commit, git->repo, id);
    git_commit_free(commit);
    return rc;
}

/* The tag's bytes, where it and what it leads through are here and lead to that commit. */
static int read_tag(struct kedge_git *git, const struct choice *choice, struct kedge_buf *out)
{
    kedge_auto(git_object) git_object *tag = NULL, *commit = NULL;
    struct kedge_err ignored;
    git_odb *odb = NULL;
    git_odb_object *raw = NULL;
    int rc = kedge_handle_object(git, &choice->tag, GIT_OBJECT_TAG, KEDGE_LIMIT_GIT_COMMIT, &tag,
                                 &ignored);
    if (rc == 0)
        rc = git_object_peel(&commit, tag, GIT_OBJECT_COMMIT);
    if (rc == 0 && !git_oid_equal(git_object_id(commit), &choice->commit))
        rc = GIT_EMISMATCH;
    if (rc == 0)
        rc = git_repository_odb(&odb, git->repo);
    if (rc == 0)
        rc = git_odb_read(&raw, odb, &choice->tag);
    if (rc == 0)
        kedge_buf_add(out, git_odb_object_data(raw), git_odb_object_size(raw));
    git_odb_object_free(raw);
    git_odb_free(odb);
    return rc;
}

/* Is what the remote named here? Remembers the tag. */
static bool take_choice(struct kedge_git *git, const struct choice *choice)
{
    static const char prefix[] = "refs/tags/";
    kedge_buf_clear(&git->tag);
    if (is_commit(git, &choice->commit) < 0)
        return false;
    if (!choice->tagged)
        return true;
    if (read_tag(git, choice, &git->tag) < 0)
        return false;
    bool usual = strncmp(choice->name, prefix, strlen(prefix)) == 0;
    git->tag_name = kedge_alloc_strdup(choice->name + (usual ? strlen(prefix) : 0));
    return true;
}

/* Everything below the references that match `refspecs`, as far as the mirror lacks it. */
static int download(struct kedge_git *git, struct kedge_connect *connect, git_remote *remote,
                    char **refspecs, size_t count, struct kedge_err *err)
{
    git_strarray wanted = {refspecs, count};
    git_fetch_options options = {
        .version = GIT_FETCH_OPTIONS_VERSION,
        .callbacks = callbacks(connect),
        .download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE,
        .proxy_opts = {.version = GIT_PROXY_OPTIONS_VERSION, .type = GIT_PROXY_NONE},
        .follow_redirects = GIT_REMOTE_REDIRECT_NONE,
    };
    int rc = git_remote_download(remote, &wanted, &options);
    return rc < 0 ? unreachable(git, connect, rc, err) : 0;
}

static int connect_to(struct kedge_git *git, struct kedge_connect *connect, git_remote **remote,
                      struct kedge_err *err)
{
    git_remote_connect_options options = {
        .version = GIT_REMOTE_CONNECT_OPTIONS_VERSION,
        .callbacks = callbacks(connect),
        .proxy_opts = {.version = GIT_PROXY_OPTIONS_VERSION, .type = GIT_PROXY_NONE},
        .follow_redirects = GIT_REMOTE_REDIRECT_NONE,
    };
    /* Looking for an "insteadOf" leaks a match of pcre2 for each setting (libgit2 1.5). */
    git_remote_create_options create = {
        .version = GIT_REMOTE_CREATE_OPTIONS_VERSION,
        .repository = git->repo,
        .flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC,
    };
    int rc = git_remote_create_with_opts(remote, git->url.text, &create);
    if (rc == 0)
        rc = git_remote_connect_ext(*remote, GIT_DIRECTION_FETCH, &options);
    return rc < 0 ? unreachable(git, connect, rc, err) : 0;
}

static int fetch_name(struct kedge_git *git, struct kedge_connect *connect, git_oid *commit,
                      struct kedge_err *err)
{
    kedge_auto(git_remote) git_remote *remote = NULL;
    kedge_auto(kedge_buf) struct kedge_buf refspec = {0};
    struct choice choice = {0};
    int rc = connect_to(git, connect, &remote, err);
    if (rc == 0)
        rc = choose(git, remote, &choice, err);
    if (rc < 0)
        return rc;
    *commit = choice.commit;
    if (take_choice(git, &choice))
        return 0;
    kedge_buf_printf(&refspec, "+%s:" KEDGE_REF_HEAD, choice.name);
    if (git->url.scheme == KEDGE_URL_FILE)
        rc = kedge_pack_copy(git, connect, commit, choice.tagged ? &choice.tag : NULL, err);
    else
        rc = download(git, connect, remote, &refspec.data, 1, err);
    if (rc == 0 && !take_choice(git, &choice) && choice.tagged)
        rc = kedge_err_set(err, KEDGE_INVALID,
                           "repository '%s': '%s' is no tag of the commit that it is said to name",
                           git->url.text, choice.name);
    return rc;
}

/* A commit by its id: servers differ in whether they give one away, so every branch and tag is
 * fetched and the commit must be below one of them. */
static int fetch_id(struct kedge_git *git, struct kedge_connect *connect, const git_oid *commit,
                    struct kedge_err *err)
{
    static const char *const all[] = {"+refs/heads/*:refs/kedge/heads/*",
                                      "+refs/tags/*:refs/kedge/tags/*"};
    if (is_commit(git, commit) == 0)
        return 0;
    if (git->url.scheme == KEDGE_URL_FILE)
        return kedge_pack_copy(git, connect, commit, NULL, err);
    kedge_auto(git_remote) git_remote *remote = NULL;
    int rc = connect_to(git, connect, &remote, err);
    if (rc == 0)
        rc = download(git, connect, remote, (char **)all, KEDGE_COUNT(all), err);
    if (rc < 0 || is_commit(git, commit) == 0)
        return rc;
    return kedge_err_set(err, KEDGE_NOTFOUND, "no branch or tag of repository '%s' holds commit %s",
                         git->url.text, git->options.revision);
}

/* Remembers what was fetched, so that it is not fetched again and not thrown away. */
static int keep(struct kedge_git *git, const git_oid *commit, struct kedge_err *err)
{
    git_oid had;
    if (git_reference_name_to_id(&had, git->repo, KEDGE_REF_HEAD) == 0 &&
        git_oid_equal(&had, commit))
        return 0;
    kedge_auto(git_reference) git_reference *ref = NULL;
    int rc = is_commit(git, commit);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "repository '%s': the revision is no commit",
                                 git->url.text);
    rc = git_reference_create(&ref, git->repo, KEDGE_REF_HEAD, commit, 1, NULL);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot write '%s' in '%s'", KEDGE_REF_HEAD, git->path);
    return kedge_pack_tidy(git, err);
}

int kedge_fetch_run(struct kedge_git *git, git_oid *commit, struct kedge_err *err)
{
    const struct kedge_git_options *options = &git->options;
    struct kedge_connect connect = {
        .url = &git->url,
        .ssh_key = options->ssh_key,
        .known_hosts = options->known_hosts,
        .username = options->username,
        .password = options->password,
        .cancel = options->cancel,
        .deadline = kedge_clock_monotonic() +
                    (options->timeout ? options->timeout : KEDGE_LIMIT_GIT_TIMEOUT_MS),
        .limit = options->receive_limit ? options->receive_limit : KEDGE_LIMIT_GIT_RECEIVE,
    };
    bool by_id = options->revision && strlen(options->revision) == GIT_OID_HEXSZ &&
                 git_oid_fromstr(commit, options->revision) == 0;
    free(git->tag_name);
    git->tag_name = NULL;
    kedge_connect_enter(&connect);
    int rc = by_id ? fetch_id(git, &connect, commit, err) : fetch_name(git, &connect, commit, err);
    kedge_connect_enter(NULL);
    return rc < 0 ? rc : keep(git, commit, err);
}
