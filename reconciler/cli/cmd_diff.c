/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "changes.h"
#include "core/diff.h"
#include "findings.h"
#include "live.h"
#include "revision.h"

/* Both sides of a diff. */
struct comparison {
    struct kedge_git *git;
    char base[KEDGE_COMMIT_TEXT], head[KEDGE_COMMIT_TEXT];
    struct kedge_revision before, after;
    struct kedge_actual live;
    size_t left_out; /* reports that verify with no key of the manifests */
    struct kedge_arena arena;
    const struct kedge_changes *changes;
};

static void comparison_auto(struct comparison *comparison)
{
    kedge_arena_release(&comparison->arena);
    kedge_actual_release(&comparison->live);
    kedge_revision_release(&comparison->after);
    kedge_revision_release(&comparison->before);
    kedge_git_free(comparison->git);
}

/* Reads a revision that has to be valid; when it is not, its findings are shown. */
static int read_valid(struct kedge_call *call, struct kedge_git *git,
                      const struct kedge_revision *previous, const char *commit,
                      struct kedge_revision *out, struct kedge_err *err)
{
    const char *path = kedge_command_value(call, KEDGE_OPTION_PATH);
    int code = kedge_revision_checkout(git, previous, commit, path, out, err);
    if (code || out->desired)
        return code;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_findings_text(&(struct kedge_findings_report){.findings = &out->findings,
                                                        .tree = &out->tree},
                        &text);
    fwrite(text.data, 1, text.size, stderr);
    return kedge_err_set(err, KEDGE_INVALID, "commit %.12s is invalid: %zu error%s", commit,
                         out->findings.errors, out->findings.errors == 1 ? "" : "s");
}

/* Is live state asked for, and not another revision? */
static bool wants_live(const struct kedge_call *call)
{
    return !kedge_command_has(call, KEDGE_OPTION_BASE) &&
           (kedge_command_has(call, KEDGE_OPTION_INVENTORY) ||
            kedge_command_has(call, KEDGE_OPTION_SERVER) ||
            kedge_command_has(call, KEDGE_OPTION_STORE));
}

static int compare(struct kedge_call *call, struct comparison *out, struct kedge_err *err)
{
    const char *base = kedge_command_value(call, KEDGE_OPTION_BASE);
    int code = kedge_git_open(".", &out->git, err);
    if (!code)
        code = kedge_git_resolve(out->git, kedge_command_value(call, KEDGE_OPTION_HEAD), out->head,
                                 err);
    if (!code && wants_live(call)) {
        code = read_valid(call, out->git, NULL, out->head, &out->after, err);
        if (!code)
            code = kedge_live_read(call, out->after.specs, &out->live, &out->left_out, err);
        if (!code)
            out->changes = kedge_diff_fleet(&out->arena, out->after.desired, &out->live);
        return code;
    }
    if (!code)
        code = kedge_git_resolve(out->git, base ? base : "HEAD~1", out->base, err);
    if (!code)
        code = read_valid(call, out->git, NULL, out->base, &out->before, err);
    if (!code)
        code = read_valid(call, out->git, &out->before, out->head, &out->after, err);
    if (!code)
        out->changes = kedge_diff_desired(&out->arena, out->before.desired, out->after.desired);
    return code;
}

int kedge_cmd_diff(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(comparison) struct comparison comparison = {0};
    int code = compare(call, &comparison, err);
    if (code)
        return code;
    kedge_auto(kedge_changes_list) struct kedge_changes_list list = {
        .color = call->color,
        .all = kedge_command_has(call, KEDGE_OPTION_ALL),
    };
    kedge_changes_add_diff(&list, comparison.changes);
    if (kedge_command_format(call, "json"))
        kedge_changes_document(comparison.changes, comparison.base, comparison.head, &call->out);
    else if (kedge_command_format(call, "markdown"))
        kedge_changes_markdown(&list, &call->out);
    else
        kedge_changes_text(&list, &call->out);
    if (comparison.changes->unknown && kedge_command_format(call, "text"))
        kedge_buf_printf(&call->out, "%zu devices have never reported: nothing is known of them.\n",
                         comparison.changes->unknown);
    if (comparison.left_out && kedge_command_format(call, "text"))
        kedge_buf_printf(&call->out,
                         "%zu reports of the inventory verify with no device key of %.12s: left "
                         "out.\n",
                         comparison.left_out, comparison.head);
    bool detailed = kedge_command_has(call, KEDGE_OPTION_DETAILED_EXITCODE);
    return detailed && list.count ? KEDGE_EXIT_CHANGES : KEDGE_EXIT_DONE;
}
