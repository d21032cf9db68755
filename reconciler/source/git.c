/* SPDX-License-Identifier: Apache-2.0 */
#include "git.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "fetch.h"
#include "handle.h"
#include "pack.h"
#include "walk.h"

#define LOCK_NAME "kedge-mirror" /* not *.lock: those are swept */

static int started;

/* libgit2 keeps its settings per process. */
static void start(void)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                 GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
    started = git_libgit2_init();
    for (size_t i = 0; i < KEDGE_COUNT(levels); i++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
    /* A repository of another user is read all the same: libgit2 runs nothing it finds there. */
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_BLOB, (size_t)0);
    git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)KEDGE_LIMIT_GIT_CACHE);
    git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, (size_t)KEDGE_LIMIT_GIT_OBJECTS);
}

static int setup(struct kedge_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    if (started < 0)
        return kedge_handle_fail(err, started, "libgit2 does not start");
    return kedge_connect_setup(err);
}

static char *copy(const char *text)
{
    return text ? kedge_alloc_strdup(text) : NULL;
}

void kedge_git_free(struct kedge_git *git)
{
    if (!git)
        return;
    git_repository_free(git->repo);
    if (git->lock >= 0)
        close(git->lock);
    kedge_url_release(&git->url);
    free(git->path);
    free((char *)git->options.revision);
    free((char *)git->options.ssh_key);
    free((char *)git->options.known_hosts);
    free((char *)git->options.username);
    free((char *)git->options.password);
    free((char *)git->options.ca_file);
    free(git->tag_name);
    kedge_buf_release(&git->tag);
    free(git);
}

void kedge_git_auto(struct kedge_git **git)
{
    kedge_git_free(*git);
}

/* Paths that stand inside an option of ssh, where % and " mean something. */
static bool is_plain_path(const char *path)
{
    return !path || (*path && *path != '~' && !strpbrk(path, "%\"\n"));
}

static int take_options(struct kedge_git *git, const struct kedge_git_options *options,
                        struct kedge_err *err)
{
    static const struct kedge_git_options none;
    const struct kedge_git_options *from = options ? options : &none;
    int valid = 1;
    git->options = (struct kedge_git_options){
        .revision = copy(from->revision),
        .ssh_key = copy(from->ssh_key),
        .known_hosts = copy(from->known_hosts),
        .username = copy(from->username),
        .password = copy(from->password),
        .ca_file = copy(from->ca_file),
        .timeout = from->timeout,
        .receive_limit = from->receive_limit,
        .cancel = from->cancel,
    };
    if (!is_plain_path(from->ssh_key) || !is_plain_path(from->known_hosts))
        return kedge_err_set(err, KEDGE_INVALID,
                             "a key or known-hosts path may not hold %%, \" or begin with ~");
    if (from->revision) {
        kedge_auto(kedge_buf) struct kedge_buf name = {0};
        bool whole = strncmp(from->revision, "refs/", 5) == 0;
        kedge_buf_printf(&name, "%s%s", whole ? "" : "refs/heads/", from->revision);
        if (git_reference_name_is_valid(&valid, name.data) < 0 || !valid)
            return kedge_err_set(err, KEDGE_INVALID, "'%s' is no name of a branch, tag or commit",
                                 from->revision);
    }
    int rc = 0;
    if (from->ca_file)
        rc = git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, from->ca_file, NULL);
    if (rc < 0) {
        kedge_handle_fail(err, rc, "cannot read the certificates in '%s'", from->ca_file);
        return err->code = KEDGE_INVALID;
    }
    return 0;
}

static int open_mirror(struct kedge_git *git, const char *dir, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf lock = {0};
    kedge_buf_printf(&lock, "%s/" LOCK_NAME, dir);
    git->path = kedge_alloc_strdup(dir);
    int rc = kedge_fs_mkdirs(AT_FDCWD, dir, 0700, err);
    if (rc < 0)
        return rc;
    rc = kedge_fs_lock(AT_FDCWD, lock.data, &git->lock, err);
    if (rc < 0)
        return kedge_err_wrap(err, "another process uses this mirror");
    kedge_pack_sweep(dir);
    rc = git_repository_open_bare(&git->repo, dir);
    if (rc == GIT_ENOTFOUND) {
        /* New, or its making was cut short: making it again completes it. */
        git_repository_init_options options = {
            .version = GIT_REPOSITORY_INIT_OPTIONS_VERSION,
            .flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH,
        };
        rc = git_repository_init_ext(&git->repo, dir, &options);
    }
    if (rc < 0) {
        kedge_handle_fail(err, rc, "cannot open it; remove the folder and it is fetched again");
        return err->code == KEDGE_IO ? err->code : (err->code = KEDGE_CORRUPT);
    }
    return 0;
}

int kedge_git_mirror(const char *url, const char *dir, const struct kedge_git_options *options,
                     struct kedge_git **out, struct kedge_err *err)
{
    int rc = setup(err);
    if (rc < 0)
        return rc;
    kedge_auto(kedge_git) struct kedge_git *git = kedge_alloc_zeroed(sizeof *git);
    git->lock = -1;
    rc = kedge_url_parse(url, &git->url, err);
    if (rc == 0)
        rc = take_options(git, options, err);
    if (rc < 0) /* the URL is not shown: it may hold a password */
        return kedge_err_wrap(err, "git repository");
    rc = open_mirror(git, dir, err);
    if (rc < 0)
        return kedge_err_wrap(err, "git mirror '%s'", dir);
    *out = git;
    git = NULL;
    return 0;
}

int kedge_git_open(const char *path, struct kedge_git **out, struct kedge_err *err)
{
    int rc = setup(err);
    if (rc < 0)
        return rc;
    kedge_auto(kedge_git) struct kedge_git *git = kedge_alloc_zeroed(sizeof *git);
    git->lock = -1;
    rc = git_repository_open_ext(&git->repo, path, GIT_REPOSITORY_OPEN_CROSS_FS, NULL);
    if (rc == GIT_ENOTFOUND)
        return kedge_err_set(err, KEDGE_NOTFOUND, "'%s' is in no git repository", path);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot open the git repository of '%s'", path);
    git->path = kedge_alloc_strdup(git_repository_path(git->repo));
    *out = git;
    git = NULL;
    return 0;
}

int kedge_git_fetch(struct kedge_git *git, char commit[KEDGE_COMMIT_TEXT], struct kedge_err *err)
{
    git_oid id;
    if (git->lock < 0)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is no mirror of ours", git->path);
    int rc = kedge_fetch_run(git, &id, err);
    if (rc == 0)
        kedge_oid_format(&id, commit);
    return rc;
}

bool kedge_git_tag(const struct kedge_git *git, const char **name, struct kedge_slice *object)
{
    if (!git->tag_name)
        return false;
    *name = git->tag_name;
    *object = kedge_buf_slice(&git->tag);
    return true;
}

int kedge_git_follows(struct kedge_git *git, const char *base, const char *head,
                      struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *older = NULL, *newer = NULL;
    int rc = kedge_handle_commit(git, base, &older, err);
    if (rc == 0)
        rc = kedge_handle_commit(git, head, &newer, err);
    if (rc < 0)
        return rc;
    if (git_oid_equal(git_commit_id(older), git_commit_id(newer)))
        return 0;
    rc = git_graph_descendant_of(git->repo, git_commit_id(newer), git_commit_id(older));
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot walk from %s to %s", head, base);
    if (rc == 0)
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "history was rewritten: %s was not made on top of %s", head, base);
    return 0;
}

int kedge_git_trust(struct kedge_git *git, const char *commit, struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *found = NULL;
    kedge_auto(git_reference) git_reference *ref = NULL;
    if (git->lock < 0)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is no mirror of ours", git->path);
    int rc = kedge_handle_commit(git, commit, &found, err);
    if (rc < 0)
        return rc;
    rc = git_reference_create(&ref, git->repo, KEDGE_REF_TRUSTED, git_commit_id(found), 1, NULL);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot write '%s' in '%s'", KEDGE_REF_TRUSTED,
                                 git->path);
    return 0;
}

int kedge_git_trusted(struct kedge_git *git, char commit[KEDGE_COMMIT_TEXT], struct kedge_err *err)
{
    git_oid id;
    int rc = git_reference_name_to_id(&id, git->repo, KEDGE_REF_TRUSTED);
    if (rc == GIT_ENOTFOUND)
        return kedge_err_set(err, KEDGE_NOTFOUND, "'%s' holds no trusted commit yet", git->path);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot read '%s' in '%s'", KEDGE_REF_TRUSTED, git->path);
    kedge_oid_format(&id, commit);
    return 0;
}

int kedge_git_resolve(struct kedge_git *git, const char *revision, char commit[KEDGE_COMMIT_TEXT],
                      struct kedge_err *err)
{
    kedge_auto(git_object) git_object *named = NULL, *peeled = NULL;
    int rc = git_revparse_single(&named, git->repo, revision);
    if (rc == GIT_ENOTFOUND)
        return kedge_err_set(err, KEDGE_NOTFOUND, "'%s' names nothing in '%s'%s", revision,
                             git->path,
                             git_repository_is_shallow(git->repo) == 1
                                 ? ", a shallow clone: run git fetch --unshallow"
                                 : "");
    if (rc == 0)
        rc = git_object_peel(&peeled, named, GIT_OBJECT_COMMIT);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "revision '%s'", revision);
    kedge_oid_format(git_object_id(peeled), commit);
    return 0;
}

/* At most KEDGE_LIMIT_GIT_TEXT bytes of well-formed UTF-8. */
static void put_text(struct kedge_buf *out, const char *text)
{
    static const char unknown[] = "\xef\xbf\xbd";
    size_t size = strlen(text), start = out->size;
    for (size_t i = 0; i < size;) {
        size_t whole = kedge_utf8_character(text + i, size - i);
        size_t more = whole ? whole : sizeof unknown - 1;
        if (out->size - start + more > KEDGE_LIMIT_GIT_TEXT)
            return;
        kedge_buf_add(out, whole ? text + i : unknown, more);
        i += whole ? whole : 1;
    }
}

static const char *person(struct kedge_arena *arena, const git_signature *from)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    put_text(&text, from->name);
    kedge_buf_puts(&text, " <");
    put_text(&text, from->email);
    kedge_buf_puts(&text, ">");
    return kedge_arena_strndup(arena, text.data, text.size);
}

int kedge_git_commit(struct kedge_git *git, const char *commit, struct kedge_arena *arena,
                     struct kedge_git_commit *out, struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *found = NULL;
    kedge_auto(kedge_buf) struct kedge_buf subject = {0};
    int rc = kedge_handle_commit(git, commit, &found, err);
    if (rc < 0)
        return rc;
    const char *summary = git_commit_summary(found);
    put_text(&subject, summary ? summary : "");
    *out = (struct kedge_git_commit){
        .author = person(arena, git_commit_author(found)),
        .committer = person(arena, git_commit_committer(found)),
        .subject = kedge_arena_strndup(arena, subject.data, subject.size),
        .authored = kedge_handle_moment(git_commit_author(found)->when.time),
        .committed = kedge_handle_moment(git_commit_committer(found)->when.time),
    };
    return 0;
}

static void git_odb_auto(git_odb **odb)
{
    git_odb_free(*odb);
}

/* Appends the bytes of an object whose size is bounded. */
static int add_object(const struct kedge_git *git, git_odb *odb, const git_oid *id,
                      struct kedge_buf *out, struct kedge_err *err)
{
    git_odb_object *object = NULL;
    int rc = git_odb_read(&object, odb, id);
    if (rc < 0)
        return kedge_handle_broken(git, id, rc, err);
    kedge_buf_add(out, git_odb_object_data(object), git_odb_object_size(object));
    git_odb_object_free(object);
    return 0;
}

int kedge_git_raw(struct kedge_git *git, const char *commit, struct kedge_buf *out,
                  struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *found = NULL;
    kedge_auto(git_odb) git_odb *odb = NULL;
    int rc = kedge_handle_commit(git, commit, &found, err); /* bounds its size */
    if (rc < 0)
        return rc;
    rc = git_repository_odb(&odb, git->repo);
    if (rc < 0)
        return kedge_handle_broken(git, git_commit_id(found), rc, err);
    return add_object(git, odb, git_commit_id(found), out, err);
}

/* The id of what `revision` names; a full one is taken as it is. */
static int find_named(struct kedge_git *git, const char *revision, git_oid *out,
                      struct kedge_err *err)
{
    kedge_auto(git_object) git_object *named = NULL;
    if (strlen(revision) == GIT_OID_HEXSZ && git_oid_fromstr(out, revision) == 0)
        return 0;
    int rc = git_revparse_single(&named, git->repo, revision);
    if (rc == GIT_ENOTFOUND)
        return kedge_err_set(err, KEDGE_NOTFOUND, "'%s' names nothing in '%s'", revision,
                             git->path);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "revision '%s'", revision);
    *out = *git_object_id(named);
    return 0;
}

int kedge_git_object(struct kedge_git *git, const char *revision, struct kedge_git_object *out,
                     struct kedge_err *err)
{
    kedge_auto(git_odb) git_odb *odb = NULL;
    git_object_t type = GIT_OBJECT_INVALID;
    git_oid id;
    size_t size = 0;
    int rc = find_named(git, revision, &id, err);
    if (rc < 0)
        return rc;
    rc = git_repository_odb(&odb, git->repo);
    if (rc == 0)
        rc = git_odb_read_header(&size, &type, odb, &id);
    if (rc == GIT_ENOTFOUND)
        return kedge_err_set(err, KEDGE_NOTFOUND, "'%s' is not in '%s'", revision, git->path);
    if (rc == 0 && type != GIT_OBJECT_COMMIT && type != GIT_OBJECT_TAG)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is a %s, neither a commit nor a tag",
                             revision, git_object_type2string(type));
    if (rc == 0 && size > KEDGE_LIMIT_GIT_COMMIT)
        return kedge_err_set(err, KEDGE_LIMIT, "'%s' holds %zu bytes, more than %zu", revision,
                             size, KEDGE_LIMIT_GIT_COMMIT);
    if (rc < 0)
        return kedge_handle_broken(git, &id, rc, err);
    out->tag = type == GIT_OBJECT_TAG;
    kedge_oid_format(&id, out->id);
    kedge_buf_clear(&out->data);
    return add_object(git, odb, &id, &out->data, err);
}

void kedge_git_object_auto(struct kedge_git_object *object)
{
    kedge_buf_release(&object->data);
}

static bool is_file(const git_tree_entry *entry)
{
    git_filemode_t mode = git_tree_entry_filemode(entry);
    return mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
}

int kedge_git_file(struct kedge_git *git, const char *commit, const char *path, size_t limit,
                   struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *from = NULL;
    kedge_auto(git_object) git_object *top = NULL, *blob = NULL;
    git_tree_entry *entry = NULL;
    int rc = kedge_handle_commit(git, commit, &from, err);
    if (rc == 0)
        rc = kedge_handle_object(git, git_commit_tree_id(from), GIT_OBJECT_TREE,
                                 KEDGE_LIMIT_GIT_TREE, &top, err);
    if (rc < 0)
        return rc;
    rc = git_tree_entry_bypath(&entry, (git_tree *)top, path);
    if (rc < 0 && rc != GIT_ENOTFOUND)
        return kedge_handle_fail(err, rc, "file '%s' of commit %s", path, commit);
    if (rc < 0 || !is_file(entry))
        rc = kedge_err_set(err, KEDGE_NOTFOUND, "commit %s has no file '%s'", commit, path);
    else
        rc = kedge_handle_object(git, git_tree_entry_id(entry), GIT_OBJECT_BLOB, limit, &blob, err);
    git_tree_entry_free(entry);
    if (rc == 0)
        kedge_buf_add(out, git_blob_rawcontent((git_blob *)blob),
                      (size_t)git_blob_rawsize((git_blob *)blob));
    return rc;
}

/* The tree of folder `root` in `commit`; *found is false when there is no such folder. */
static int find_root(struct kedge_git *git, const char *commit, const char *root, git_oid *out,
                     bool *found, struct kedge_err *err)
{
    kedge_auto(git_commit) git_commit *from = NULL;
    kedge_auto(git_object) git_object *top = NULL;
    int rc = kedge_handle_commit(git, commit, &from, err);
    if (rc < 0)
        return rc;
    *found = true;
    *out = *git_commit_tree_id(from);
    if (!*root)
        return 0;
    rc = kedge_handle_object(git, out, GIT_OBJECT_TREE, KEDGE_LIMIT_GIT_TREE, &top, err);
    if (rc < 0)
        return rc;
    git_tree_entry *entry = NULL;
    rc = git_tree_entry_bypath(&entry, (git_tree *)top, root);
    if (rc < 0 && rc != GIT_ENOTFOUND)
        return kedge_handle_fail(err, rc, "folder '%s' of commit %s", root, commit);
    *found = rc == 0 && git_tree_entry_type(entry) == GIT_OBJECT_TREE;
    if (*found)
        *out = *git_tree_entry_id(entry);
    git_tree_entry_free(entry);
    return 0;
}

/* `root` without slashes at its ends and without "./"; "" for the top. */
static int clean_root(const char *root, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_buf_puts(out, "");
    for (const char *at = root ? root : ""; *at;) {
        size_t size = strcspn(at, "/");
        bool up = size == 2 && memcmp(at, "..", 2) == 0;
        if (up)
            return kedge_err_set(err, KEDGE_INVALID, "folder '%s' leads out of the repository",
                                 root);
        if (size > 0 && !(size == 1 && *at == '.')) {
            if (out->size > 0)
                kedge_buf_putc(out, '/');
            kedge_buf_add(out, at, size);
        }
        at += size + strspn(at + size, "/");
    }
    return 0;
}

int kedge_git_tree(struct kedge_git *git, const char *base, const char *commit, const char *root,
                   struct kedge_tree *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf below = {0};
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    git_oid before, after;
    bool had = false, has = false;
    int rc = clean_root(root, &below, err);
    if (rc < 0)
        return rc;
    const char *folder = below.data ? below.data : "";
    rc = find_root(git, commit, folder, &after, &has, err);
    if (rc == 0 && !has)
        rc = kedge_err_set(err, KEDGE_NOTFOUND, "commit %s has no folder '%s'", commit, folder);
    if (rc == 0 && base)
        rc = find_root(git, base, folder, &before, &had, err);
    if (rc == 0)
        rc = kedge_walk_compare(git, had ? &before : NULL, &after, &tree, err);
    if (rc == 0)
        rc = kedge_walk_read(git, &tree, err);
    if (rc < 0)
        return kedge_err_wrap(err, "commit %s", commit);
    if (base)
        memcpy(tree.base, base, sizeof tree.base);
    else
        tree.files = tree.count;
    memcpy(tree.commit, commit, sizeof tree.commit);
    *out = tree;
    tree = (struct kedge_tree){0};
    return 0;
}
