/* SPDX-License-Identifier: Apache-2.0 */
#include "site.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "base/secret.h"
#include "shelf.h"
#include "wire/keyfile.h"

/* The file behind a store's URL; NULL when it is none. */
static const char *file_of(const char *store)
{
    if (strncmp(store, "sqlite:", 7) == 0)
        return store + 7;
    return strchr(store, ':') ? NULL : store;
}

/* The folder of the store: on the first run there is none. */
static int make_folder(const char *store, struct kedge_err *err)
{
    const char *file = file_of(store);
    const char *slash = file ? strrchr(file, '/') : NULL;
    if (!slash || slash == file)
        return 0;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    return kedge_fs_mkdirs(AT_FDCWD, kedge_arena_strndup(&arena, file, (size_t)(slash - file)),
                           0700, err);
}

int kedge_site_lock(const char *store, const char *role, int *out, struct kedge_err *err)
{
    const char *file = file_of(store);
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf pid = {0};
    *out = -1;
    if (!file)
        return 0;
    if (make_folder(store, err) < 0)
        return err->code;
    const char *path = kedge_arena_printf(&arena, "%s.%s", file, role);
    if (kedge_fs_lock(AT_FDCWD, path, out, err) < 0) {
        struct kedge_err ignored;
        if (err->code != KEDGE_CONFLICT)
            return err->code;
        if (kedge_fs_read(AT_FDCWD, path, 64, &pid, &ignored) < 0 || pid.size == 0)
            kedge_buf_puts(&pid, "unknown");
        return kedge_err_set(err, KEDGE_CONFLICT,
                             "store '%s' is in use by another kedge (%s, pid %s); stop it first",
                             store, role, pid.data);
    }
    kedge_buf_printf(&pid, "%ld", (long)getpid());
    if (ftruncate(*out, 0) < 0 || pwrite(*out, pid.data, pid.size, 0) < 0) {
        int code = kedge_err_sys(err, errno, "cannot write '%s'", path);
        close(*out);
        *out = -1;
        return code;
    }
    return 0;
}

/* The repository, behind the server's calls. */

static int need_git(struct kedge_site *site, struct kedge_err *err)
{
    return site->git ? 0 : kedge_git_open(site->mirror, &site->git, err);
}

static int read_tree(void *self, const char *base, const char *commit, struct kedge_tree *out,
                     struct kedge_err *err)
{
    struct kedge_site *site = self;
    if (need_git(site, err) < 0)
        return err->code;
    return kedge_git_tree(site->git, base, commit, site->path, out, err);
}

static int follows(void *self, const char *base, const char *head, struct kedge_err *err)
{
    struct kedge_site *site = self;
    if (need_git(site, err) < 0)
        return err->code;
    return kedge_git_follows(site->git, base, head, err);
}

static int trust(void *self, const char *commit, struct kedge_err *err)
{
    struct kedge_site *site = self;
    return kedge_git_trust(site->git, commit, err);
}

static int describe(void *self, const char *commit, struct kedge_arena *arena, const char **author,
                    const char **subject, struct kedge_err *err)
{
    struct kedge_site *site = self;
    struct kedge_git_commit found;
    if (need_git(site, err) < 0 || kedge_git_commit(site->git, commit, arena, &found, err) < 0)
        return err->code;
    *author = found.author;
    *subject = found.subject;
    return 0;
}

static int read_range(void *self, const char *base, const char *head, struct kedge_arena *arena,
                      struct kedge_range *out, struct kedge_err *err)
{
    struct kedge_site *site = self;
    return kedge_range_read(site->git, base, head, arena, out, err);
}

static int read_raw(void *self, const char *commit, struct kedge_buf *out, struct kedge_err *err)
{
    struct kedge_site *site = self;
    return kedge_git_raw(site->git, commit, out, err);
}

static bool read_tag(void *self, const char **name, struct kedge_slice *object)
{
    const struct kedge_site *site = self;
    return kedge_git_tag(site->git, name, object);
}

static int read_file(void *self, const char *commit, const char *path, size_t limit,
                     struct kedge_buf *out, struct kedge_err *err)
{
    struct kedge_site *site = self;
    return kedge_git_file(site->git, commit, path, limit, out, err);
}

/* Options, completed by what the store remembers of the last time. */

static int remember(struct kedge_site *site, const char *key, const char *given, const char **out,
                    struct kedge_err *err)
{
    char *known = NULL;
    int code = kedge_store_get(site->store, key, &known, err);
    if (code < 0 && code != KEDGE_NOTFOUND)
        return code;
    if (!given && known && known[0])
        *out = kedge_arena_strdup(&site->arena, known);
    else if (given)
        *out = kedge_arena_strdup(&site->arena, given);
    bool differs = given && (!known || strcmp(known, given) != 0);
    free(known);
    if (!differs || site->use != KEDGE_SITE_RECONCILE)
        return 0;
    return kedge_store_put(site->store, key, given, err);
}

static int remember_all(struct kedge_site *site, const struct kedge_serve_options *options,
                        struct kedge_err *err)
{
    const char *file = file_of(options->store);
    if (remember(site, "source", options->repository, &site->repository, err) < 0 ||
        remember(site, "path", options->path, &site->path, err) < 0 ||
        remember(site, "revision", options->git.revision, &site->revision, err) < 0 ||
        remember(site, "mirror", options->mirror, &site->mirror, err) < 0)
        return err->code;
    if (!site->mirror && file)
        site->mirror = kedge_arena_printf(&site->arena, "%s.git", file);
    if (!site->mirror)
        return kedge_err_set(err, KEDGE_INVALID, "this store is no file: give --mirror DIR too");
    if (!site->repository && site->use == KEDGE_SITE_RECONCILE)
        return kedge_err_set(err, KEDGE_INVALID, "which repository? give its URL");
    return 0;
}

static int open_schedule(struct kedge_site *site, const struct kedge_serve_options *options,
                         struct kedge_err *err)
{
    if (!options->cron)
        return options->zone ? kedge_err_set(err, KEDGE_INVALID,
                                             "a zone without a cron schedule means nothing")
                             : 0;
    if (kedge_cron_parse(options->cron, &site->cron, err) < 0)
        return err->code;
    return kedge_zone_load(&site->arena, options->zone ? options->zone : "UTC", &site->zone, err);
}

static int open_mirror(struct kedge_site *site, const struct kedge_serve_options *options,
                       struct kedge_err *err)
{
    struct kedge_git_options git = options->git;
    git.revision = site->revision;
    if (site->use != KEDGE_SITE_RECONCILE)
        return 0;
    if (kedge_site_lock(options->store, "reconcile.lock", &site->decides, err) < 0)
        return err->code;
    return kedge_git_mirror(site->repository, site->mirror, &git, &site->git, err);
}

static int open_server(struct kedge_site *site, const struct kedge_serve_options *options,
                       struct kedge_err *err)
{
    struct kedge_server_options server = {
        .store = site->store,
        .revisions = {.self = site,
                      .tree = read_tree,
                      .follows = follows,
                      .trust = trust,
                      .describe = describe,
                      .range = read_range,
                      .raw = read_raw,
                      .file = read_file,
                      .tag = read_tag},
        .director = site->director,
        .source = site->repository,
        .revision = site->revision,
        .path = site->path,
        .interval = options->interval,
        .cron = options->cron ? &site->cron : NULL,
        .zone = site->zone,
        .lifetime = options->lifetime,
        .manual = site->use != KEDGE_SITE_RECONCILE,
        .accept_rewrite = options->accept_rewrite,
        .signing = {.required = options->require_signatures,
                    .waived = options->allow_unsigned,
                    .pin = options->trust_commit,
                    .path = options->allowed_signers_path},
    };
    if (options->allowed_signers && kedge_fs_read(AT_FDCWD, options->allowed_signers,
                                                  KEDGE_LIMIT_ALLOWED, &site->allowed, err) < 0)
        return err->code;
    server.signing.allowed = kedge_buf_slice(&site->allowed);
    struct kedge_slice *roots = NULL;
    if (options->roots && site->use != KEDGE_SITE_READ &&
        kedge_shelf_read(options->roots, &site->arena, &roots, &server.root_count, err) < 0)
        return err->code;
    server.roots = roots;
    kedge_secret_random(&server.seed, sizeof server.seed);
    return kedge_server_new(&server, kedge_clock_wall(), &site->server, err);
}

static int load_key(struct kedge_site *site, const struct kedge_serve_options *options,
                    struct kedge_err *err)
{
    if (!options->key)
        return 0;
    return kedge_keyfile_load(options->key,
                              options->passphrase ? kedge_keyfile_passphrase : options->ask,
                              options->passphrase, &site->director, err);
}

int kedge_site_open(struct kedge_site *site, const struct kedge_serve_options *options,
                    enum kedge_site_use use, struct kedge_err *err)
{
    *site = (struct kedge_site){.use = use, .decides = -1};
    if (kedge_key_init(err) < 0 ||
        (use != KEDGE_SITE_READ && make_folder(options->store, err) < 0) ||
        kedge_store_open(options->store, use == KEDGE_SITE_READ, &site->store, err) < 0 ||
        remember_all(site, options, err) < 0 || open_schedule(site, options, err) < 0 ||
        open_mirror(site, options, err) < 0 || load_key(site, options, err) < 0 ||
        open_server(site, options, err) < 0) {
        kedge_site_close(site);
        return err->code;
    }
    return 0;
}

void kedge_site_close(struct kedge_site *site)
{
    kedge_server_free(site->server);
    kedge_key_free(site->director);
    kedge_git_free(site->git);
    kedge_store_close(site->store);
    kedge_arena_release(&site->arena);
    kedge_buf_release(&site->allowed);
    if (site->decides >= 0)
        close(site->decides);
    *site = (struct kedge_site){.decides = -1};
}
