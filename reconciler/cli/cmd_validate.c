/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "findings.h"
#include "revision.h"

/* What was valid at `base` must not have changed in place since. */
static int compare_with_base(const char *path, const char *base, struct kedge_revision *revision,
                             struct kedge_err *err)
{
    kedge_auto(kedge_revision_place) struct kedge_revision_place place = {0};
    kedge_auto(kedge_git) struct kedge_git *git = NULL;
    kedge_auto(kedge_revision) struct kedge_revision before = {0};
    char commit[KEDGE_COMMIT_TEXT];
    int code = kedge_revision_locate(path, &place, err);
    if (!code)
        code = kedge_git_open(place.top.data, &git, err);
    if (!code)
        code = kedge_git_resolve(git, base, commit, err);
    if (code)
        return kedge_err_wrap(err, "--base %s", base);
    if (place.below.size)
        place.below.data[place.below.size - 1] = '\0';
    code = kedge_revision_checkout(git, NULL, commit, place.below.data, &before, err);
    if (code == KEDGE_NOTFOUND)
        return 0; /* the folder is new */
    if (!code && before.specs && revision->specs)
        kedge_revision_check_immutable(before.specs, revision->specs, &revision->findings);
    return code;
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
    kedge_auto(kedge_revision) struct kedge_revision revision = {0};
    int code = kedge_revision_read(path, &revision, err);
    if (!code && base)
        code = compare_with_base(path, base, &revision, err);
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
