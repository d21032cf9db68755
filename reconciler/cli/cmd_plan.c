/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "ask.h"
#include "base/fs.h"
#include "base/limits.h"
#include "changes.h"
#include "server/once.h"
#include "server/seal.h"

/* The plan in force, from a server or a store. */
static int ask_plan(struct kedge_call *call, json_t **out, struct kedge_err *err)
{
    struct kedge_view_query query = {
        .view = KEDGE_VIEW_PLAN,
        .device = kedge_command_value(call, KEDGE_OPTION_DEVICE),
    };
    return kedge_ask_view(call, &query, out, err);
}

/* Takes the repository's head, and seals what would be done about it into --out. */
static int seal_plan(struct kedge_call *call, const char *file, json_t **out, struct kedge_err *err)
{
    kedge_auto(kedge_settings) struct kedge_settings settings = {0};
    kedge_auto(kedge_once) struct kedge_once *once = NULL;
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    kedge_auto(kedge_json) json_t *document = NULL;
    int code = kedge_settings_fill(call, false, &settings, err);
    if (!code)
        code = kedge_once_open(&settings.options, false, &once, err);
    if (!code)
        code = kedge_once_plan(once, &sealed, err);
    if (!code)
        code = kedge_fs_write(AT_FDCWD, file, sealed.data, sealed.size, 0644, err);
    if (!code)
        code = kedge_json_parse(sealed.data, sealed.size, KEDGE_SEAL_LIMIT, &document, err);
    if (!code)
        *out = json_incref(json_object_get(document, "plan"));
    return code;
}

int kedge_cmd_plan(struct kedge_call *call, struct kedge_err *err)
{
    const char *file = kedge_command_value(call, KEDGE_OPTION_OUT);
    kedge_auto(kedge_json) json_t *plan = NULL;
    if (file && kedge_command_has(call, KEDGE_OPTION_SERVER))
        return kedge_command_misuse(call, err,
                                    "a plan is sealed where the store is: use --out "
                                    "with --store, not with --server");
    int code = file ? seal_plan(call, file, &plan, err) : ask_plan(call, &plan, err);
    if (code)
        return code;
    kedge_auto(kedge_changes_list) struct kedge_changes_list list = {
        .color = call->color,
        .all = kedge_command_has(call, KEDGE_OPTION_ALL),
    };
    kedge_changes_add_json(&list, json_object_get(plan, "changes"));
    kedge_changes_add_json(&list, json_object_get(plan, "drift"));
    if (kedge_command_format(call, "json"))
        kedge_ask_write(plan, &call->out);
    else
        kedge_changes_text(&list, &call->out);
    if (file && kedge_command_format(call, "text"))
        kedge_buf_printf(&call->out,
                         "Sealed in '%s': 'kedge apply %s' does this and nothing "
                         "else.\n",
                         file, file);
    bool detailed = kedge_command_has(call, KEDGE_OPTION_DETAILED_EXITCODE);
    return detailed && list.count ? KEDGE_EXIT_CHANGES : KEDGE_EXIT_DONE;
}

int kedge_cmd_apply(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_settings) struct kedge_settings settings = {0};
    kedge_auto(kedge_once) struct kedge_once *once = NULL;
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    int code = kedge_fs_read(AT_FDCWD, call->operands[0], KEDGE_SEAL_LIMIT, &sealed, err);
    if (!code)
        code = kedge_settings_fill(call, true, &settings, err);
    if (!code)
        code = kedge_once_open(&settings.options, false, &once, err);
    if (!code)
        code = kedge_once_apply(once, kedge_buf_slice(&sealed), err);
    if (!code && !kedge_command_has(call, KEDGE_OPTION_QUIET))
        kedge_buf_printf(&call->out, "Applied '%s'; devices get their orders at their next call.\n",
                         call->operands[0]);
    return code;
}
