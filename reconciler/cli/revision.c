/* SPDX-License-Identifier: Apache-2.0 */
#include "revision.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "core/resolve.h"
#include "manifest/load.h"
#include "source/dir.h"
#include "wire/vouch.h"

void kedge_revision_release(struct kedge_revision *revision)
{
    kedge_tree_release(&revision->tree);
    kedge_findings_release(&revision->findings);
    kedge_arena_release(&revision->pool);
    *revision = (struct kedge_revision){0};
}

void kedge_revision_auto(struct kedge_revision *revision)
{
    kedge_revision_release(revision);
}

void kedge_revision_place_auto(struct kedge_revision_place *place)
{
    kedge_buf_release(&place->top);
    kedge_buf_release(&place->below);
}

/* The tree becomes specs and desired state; what is wrong with it becomes findings. */
static int interpret(const struct kedge_revision *previous, struct kedge_revision *out,
                     struct kedge_err *err)
{
    struct kedge_err invalid;
    int code = kedge_load_specs(&out->pool, previous ? previous->specs : NULL, &out->tree,
                                &out->findings, &out->specs, &invalid);
    if (!code)
        code = kedge_resolve_desired(&out->pool, out->specs, previous ? previous->desired : NULL,
                                     &out->findings, &out->desired, &invalid);
    if (!code)
        kedge_vouch_check(previous ? previous->specs : NULL, out->specs, &out->findings);
    if (out->findings.errors)
        out->desired = NULL;
    kedge_finding_sort(&out->findings);
    if (code && !out->findings.errors)
        return kedge_err_set(err, invalid.code, "%s", invalid.msg);
    return 0;
}

/* One file as a tree of its own. */
static int read_file(const char *path, struct kedge_tree *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_MANIFEST, &text, err);
    if (code)
        return code;
    out->entries = kedge_arena_new(&out->arena, struct kedge_tree_entry);
    out->entries->path = kedge_arena_strdup(&out->arena, path);
    out->entries->data = kedge_arena_strndup(&out->arena, text.data, text.size);
    out->entries->size = text.size;
    out->count = out->files = 1;
    return 0;
}

int kedge_revision_read(const char *path, struct kedge_revision *out, struct kedge_err *err)
{
    kedge_auto(kedge_revision) struct kedge_revision revision = {0};
    struct stat st;
    if (stat(path, &st) < 0)
        return kedge_err_sys(err, errno, "cannot read '%s'", path);
    int code = S_ISDIR(st.st_mode) ? kedge_dir_read(path, &revision.tree, err)
                                   : read_file(path, &revision.tree, err);
    if (!code)
        code = interpret(NULL, &revision, err);
    if (code)
        return code;
    *out = revision;
    revision = (struct kedge_revision){0};
    return 0;
}

int kedge_revision_checkout(struct kedge_git *git, const struct kedge_revision *previous,
                            const char *commit, const char *root, struct kedge_revision *out,
                            struct kedge_err *err)
{
    kedge_auto(kedge_revision) struct kedge_revision revision = {0};
    int code = kedge_git_tree(git, previous ? previous->tree.commit : NULL, commit, root,
                              &revision.tree, err);
    if (!code)
        code = interpret(previous, &revision, err);
    if (code)
        return kedge_err_wrap(err, "commit %.12s", commit);
    *out = revision;
    revision = (struct kedge_revision){0};
    return 0;
}

int kedge_revision_locate(const char *path, struct kedge_revision_place *out, struct kedge_err *err)
{
    char folder[PATH_MAX], probe[PATH_MAX + sizeof "/.git"];
    if (!realpath(path, folder))
        return kedge_err_sys(err, errno, "cannot find '%s'", path);
    for (size_t length = strlen(folder);;) {
        memcpy(probe, folder, length);
        memcpy(probe + length, "/.git", sizeof "/.git");
        if (access(probe, F_OK) == 0) {
            kedge_buf_add(&out->top, length ? folder : "/", length ? length : 1);
            if (folder[length])
                kedge_buf_printf(&out->below, "%s/", folder + length + 1);
            return 0;
        }
        if (length <= 1)
            return kedge_err_set(err, KEDGE_NOTFOUND, "'%s' is in no Git repository", path);
        while (length && folder[--length] != '/')
            ;
    }
}

static int by_version(const void *a, const void *b)
{
    const struct kedge_model_version *left = *(const struct kedge_model_version *const *)a;
    const struct kedge_model_version *right = *(const struct kedge_model_version *const *)b;
    int order = strcmp(left->model, right->model);
    return order ? order : strcmp(left->release.version_text, right->release.version_text);
}

void kedge_revision_check_immutable(const struct kedge_specs *before,
                                    const struct kedge_specs *after,
                                    struct kedge_findings *findings)
{
    const struct kedge_table *old = before->kinds[KEDGE_KIND_MODEL_VERSION];
    const struct kedge_table *new = after->kinds[KEDGE_KIND_MODEL_VERSION];
    size_t count = kedge_table_count(old);
    const void **sorted = kedge_alloc_array(count + 1, sizeof *sorted);
    const struct kedge_model_version *version;
    struct kedge_table_iter iter = {0};
    for (size_t i = 0; i < count; i++)
        sorted[i] = kedge_table_next(old, &iter);
    qsort(sorted, count, sizeof *sorted, by_version);
    iter = (struct kedge_table_iter){0};
    while ((version = kedge_table_next(new, &iter))) {
        const void *const *found = bsearch(&version, sorted, count, sizeof *sorted, by_version);
        const struct kedge_model_version *was = found ? *found : NULL;
        if (was &&
            !kedge_digest_equal(&was->release.artifact.digest, &version->release.artifact.digest))
            kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, "immutable-version",
                              version->object.at, "spec.artifact.digest",
                              "give the new artifact a new version",
                              "version %s of model '%s' was published with another artifact",
                              version->release.version_text, version->model);
    }
    free((void *)sorted);
    kedge_finding_sort(findings);
}
