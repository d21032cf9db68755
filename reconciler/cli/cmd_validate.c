/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <fcntl.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "findings.h"
#include "judged.h"
#include "revision.h"
#include "server/trust.h"

/* The commit `base` of the repository that `path` is in, below the same folder; all-zero when the
 * folder is new. */
struct base {
    struct kedge_revision_place place;
    struct kedge_git *git;
    char commit[KEDGE_COMMIT_TEXT];
    struct kedge_revision revision;
};

static void base_auto(struct base *base)
{
    kedge_revision_place_auto(&base->place);
    kedge_git_free(base->git);
    kedge_revision_release(&base->revision);
}

static int read_base(const char *path, const char *name, struct base *out, struct kedge_err *err)
{
    int code = kedge_revision_locate(path, &out->place, err);
    if (!code)
        code = kedge_git_open(out->place.top.data, &out->git, err);
    if (!code)
        code = kedge_git_resolve(out->git, name, out->commit, err);
    if (code)
        return kedge_err_wrap(err, "--base %s", name);
    if (out->place.below.size)
        out->place.below.data[out->place.below.size - 1] = '\0';
    code = kedge_revision_checkout(out->git, NULL, out->commit, out->place.below.data,
                                   &out->revision, err);
    return code == KEDGE_NOTFOUND ? 0 : code;
}

/* Does a file of the repository, as it lies there, differ from the base's? */
static int file_differs(const struct base *base, const char *path, bool *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf before = {0}, after = {0}, place = {0};
    kedge_buf_printf(&place, "%s/%s", base->place.top.data, path);
    int code = kedge_git_file(base->git, base->commit, path, KEDGE_LIMIT_ALLOWED, &before, err);
    if (code && code != KEDGE_NOTFOUND)
        return code;
    code = kedge_fs_read(AT_FDCWD, place.data, KEDGE_LIMIT_ALLOWED, &after, err);
    if (code && code != KEDGE_NOTFOUND)
        return code;
    *out = before.size != after.size ||
           (before.size && memcmp(before.data, after.data, before.size) != 0);
    return 0;
}

/* What policy would hold, were `principal` to sign it. */
static int judge(const struct base *base, const char *principal, struct kedge_revision *revision,
                 struct kedge_err *err)
{
    static const char *const files[] = {KEDGE_TRUST_ALLOWED, KEDGE_TRUST_REVOKED};
    const struct kedge_revision *before = &base->revision;
    if (before->desired == NULL)
        return kedge_err_set(err, KEDGE_INVALID,
                             "--as: the base has no valid manifests, and so no policy to judge by");
    for (size_t i = 0; i < KEDGE_COUNT(files); i++) {
        bool differs = false;
        if (file_differs(base, files[i], &differs, err) < 0)
            return err->code;
        if (differs)
            kedge_judged_check_file(before, files[i], principal, &revision->findings);
    }
    if (revision->desired)
        kedge_judged_check(before, revision, principal, &revision->findings);
    return 0;
}

/* What was valid at `base` must not have changed in place since, and must be somebody's to change. */
static int compare_with_base(const char *path, const char *name, const char *principal,
                             struct kedge_revision *revision, struct kedge_err *err)
{
    kedge_auto(base) struct base base = {0};
    int code = read_base(path, name, &base, err);
    if (!code && base.revision.specs && revision->specs)
        kedge_revision_check_immutable(base.revision.specs, revision->specs, &revision->findings);
    return code || !principal ? code : judge(&base, principal, revision, err);
}

/* Is `path` the one file that was read? */
static bool names_file(const struct kedge_tree *tree, const char *path)
{
    return tree->count == 1 && strcmp(tree->entries[0].path, path) == 0;
}

static void summarise(const struct kedge_revision *revision, struct kedge_buf *out)
{
    const struct kedge_findings *findings = &revision->findings;
    size_t devices = revision->desired ? kedge_table_count(revision->desired->devices) : 0;
    kedge_buf_printf(out, "%zu error%s, %zu warning%s in %zu file%s", findings->errors,
                     findings->errors == 1 ? "" : "s", findings->warnings,
                     findings->warnings == 1 ? "" : "s", revision->tree.count,
                     revision->tree.count == 1 ? "" : "s");
    if (revision->desired)
        kedge_buf_printf(out, "; %zu device%s, %zu assignment%s", devices, devices == 1 ? "" : "s",
                         revision->desired->assignments,
                         revision->desired->assignments == 1 ? "" : "s");
    kedge_buf_putc(out, '\n');
}

int kedge_cmd_validate(struct kedge_call *call, struct kedge_err *err)
{
    const char *path = call->operand_count ? call->operands[0] : ".";
    const char *base = kedge_command_value(call, KEDGE_OPTION_BASE);
    const char *principal = kedge_command_value(call, KEDGE_OPTION_AS);
    kedge_auto(kedge_revision) struct kedge_revision revision = {0};
    int code = kedge_revision_read(path, &revision, err);
    if (!code && (base || principal))
        code = compare_with_base(path, base ? base : "HEAD", principal, &revision, err);
    if (code)
        return code;
    kedge_auto(kedge_buf) struct kedge_buf root = {0};
    if (strcmp(path, ".") != 0 && !names_file(&revision.tree, path))
        kedge_buf_printf(&root, "%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/");
    struct kedge_findings_report report = {
        .findings = &revision.findings,
        .tree = &revision.tree,
        .root = root.data,
        .color = call->color,
    };
    kedge_findings_writer(kedge_command_value(call, KEDGE_OPTION_OUTPUT))(&report, &call->out);
    if (kedge_command_format(call, "text") && !kedge_command_has(call, KEDGE_OPTION_QUIET))
        summarise(&revision, &call->out);
    return revision.findings.errors ? KEDGE_EXIT_ERROR : KEDGE_EXIT_DONE;
}
