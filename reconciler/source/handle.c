/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

void kedge_oid_format(const git_oid *id, char text[KEDGE_COMMIT_TEXT])
{
    git_oid_tostr(text, KEDGE_COMMIT_TEXT, id);
}

static const struct {
    int rc;
    enum kedge_code code;
} by_return[] = {
    {GIT_ENOTFOUND, KEDGE_NOTFOUND}, {GIT_EEXISTS, KEDGE_EXISTS},
    {GIT_EAMBIGUOUS, KEDGE_INVALID}, {GIT_EINVALIDSPEC, KEDGE_INVALID},
    {GIT_EINVALID, KEDGE_INVALID},   {GIT_EPEEL, KEDGE_INVALID},
    {GIT_EAUTH, KEDGE_DENIED},       {GIT_ECERTIFICATE, KEDGE_DENIED},
    {GIT_ELOCKED, KEDGE_CONFLICT},   {GIT_EMODIFIED, KEDGE_CONFLICT},
    {GIT_EOWNER, KEDGE_DENIED},      {GIT_EMISMATCH, KEDGE_CORRUPT},
};

static const struct {
    int class;
    enum kedge_code code;
} by_class[] = {
    {GIT_ERROR_NET, KEDGE_UNAVAILABLE}, {GIT_ERROR_HTTP, KEDGE_UNAVAILABLE},
    {GIT_ERROR_SSL, KEDGE_UNAVAILABLE}, {GIT_ERROR_SSH, KEDGE_UNAVAILABLE},
    {GIT_ERROR_OS, KEDGE_IO},           {GIT_ERROR_FILESYSTEM, KEDGE_IO},
    {GIT_ERROR_CONFIG, KEDGE_CORRUPT},  {GIT_ERROR_ODB, KEDGE_CORRUPT},
    {GIT_ERROR_ZLIB, KEDGE_CORRUPT},    {GIT_ERROR_INDEXER, KEDGE_CORRUPT},
    {GIT_ERROR_OBJECT, KEDGE_CORRUPT},  {GIT_ERROR_TREE, KEDGE_CORRUPT},
    {GIT_ERROR_TAG, KEDGE_CORRUPT},     {GIT_ERROR_REFERENCE, KEDGE_CORRUPT},
    {GIT_ERROR_SHA, KEDGE_CORRUPT},     {GIT_ERROR_REPOSITORY, KEDGE_CORRUPT},
    {GIT_ERROR_INVALID, KEDGE_INVALID},
};

static enum kedge_code code_of(int rc, const git_error *last)
{
    for (size_t i = 0; i < KEDGE_COUNT(by_return); i++) {
        if (by_return[i].rc == rc)
            return by_return[i].code;
    }
    for (size_t i = 0; last && i < KEDGE_COUNT(by_class); i++) {
        if (by_class[i].class == last->klass)
            return by_class[i].code;
    }
    return KEDGE_INTERNAL;
}

int kedge_handle_fail(struct kedge_err *err, int rc, const char *format, ...)
{
    char text[KEDGE_ERR_TEXT], why[KEDGE_ERR_TEXT];
    const git_error *last = git_error_last();
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(why, sizeof why, "%s", last && last->message ? last->message : "no reason given");
    for (char *at = why; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' '; /* a remote may have written it */
    }
    return kedge_err_set(err, code_of(rc, last), "%s: %s", text, why);
}

int kedge_handle_broken(const struct kedge_git *git, const git_oid *id, int rc,
                        struct kedge_err *err)
{
    char hex[KEDGE_COMMIT_TEXT];
    kedge_oid_format(id, hex);
    if (rc == GIT_ENOTFOUND && git_repository_is_shallow(git->repo) == 1)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "object %s lies beyond a shallow clone: run git fetch --unshallow",
                             hex);
    const git_error *last = git_error_last();
    return kedge_err_set(err, KEDGE_CORRUPT, "object %s is %s in '%s': %s: %s", hex,
                         rc == GIT_ENOTFOUND ? "missing" : "damaged", git->path,
                         last && last->message ? last->message : "no reason given",
                         git->lock >= 0 ? "remove that folder and it is fetched again"
                                        : "run git fsck there");
}

int kedge_handle_object(struct kedge_git *git, const git_oid *id, git_object_t type, size_t limit,
                        git_object **out, struct kedge_err *err)
{
    git_odb *odb = NULL;
    size_t size = 0;
    git_object_t is = GIT_OBJECT_INVALID;
    int rc = git_repository_odb(&odb, git->repo);
    if (rc == 0)
        rc = git_odb_read_header(&size, &is, odb, id);
    git_odb_free(odb);
    if (rc == 0 && size > limit) {
        char hex[KEDGE_COMMIT_TEXT];
        kedge_oid_format(id, hex);
        return kedge_err_set(err, KEDGE_LIMIT, "%s %s holds %zu bytes, more than %zu",
                             git_object_type2string(is), hex, size, limit);
    }
    if (rc == 0)
        rc = git_object_lookup(out, git->repo, id, type);
    return rc < 0 ? kedge_handle_broken(git, id, rc, err) : 0;
}

static int parse_commit(const char *text, git_oid *id, struct kedge_err *err)
{
    if (strlen(text) != GIT_OID_HEXSZ || git_oid_fromstr(id, text) < 0)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is no full commit id", text);
    return 0;
}

int kedge_handle_commit(struct kedge_git *git, const char *text, git_commit **out,
                        struct kedge_err *err)
{
    git_oid id;
    git_odb *odb = NULL;
    int rc = parse_commit(text, &id, err);
    if (rc < 0)
        return rc;
    rc = git_repository_odb(&odb, git->repo);
    bool here = rc == 0 && git_odb_exists(odb, &id);
    git_odb_free(odb);
    if (!here)
        return kedge_err_set(err, KEDGE_NOTFOUND, "commit %s is not in '%s'", text, git->path);
    return kedge_handle_object(git, &id, GIT_OBJECT_COMMIT, KEDGE_LIMIT_GIT_COMMIT,
                               (git_object **)out, err);
}

kedge_ms kedge_handle_moment(git_time_t at)
{
    const git_time_t last = 253402300799; /* 9999-12-31T23:59:59Z */
    return (at < 0 ? 0 : at > last ? last : at) * 1000;
}

int kedge_handle_reopen(struct kedge_git *git, struct kedge_err *err)
{
    git_repository *repo = NULL;
    int rc = git_repository_open(&repo, git->path);
    if (rc < 0)
        return kedge_handle_fail(err, rc, "cannot open repository '%s'", git->path);
    git_repository_free(git->repo);
    git->repo = repo;
    return 0;
}

void git_object_auto(git_object **object)
{
    git_object_free(*object);
}

void git_commit_auto(git_commit **commit)
{
    git_commit_free(*commit);
}

void git_tree_auto(git_tree **tree)
{
    git_tree_free(*tree);
}

void git_reference_auto(git_reference **reference)
{
    git_reference_free(*reference);
}

void git_revwalk_auto(git_revwalk **walk)
{
    git_revwalk_free(*walk);
}

void git_packbuilder_auto(git_packbuilder **builder)
{
    git_packbuilder_free(*builder);
}

void git_repository_auto(git_repository **repository)
{
    git_repository_free(*repository);
}

void git_remote_auto(git_remote **remote)
{
    git_remote_free(*remote);
}
