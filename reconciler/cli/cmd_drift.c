/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "ask.h"
#include "changes.h"

int kedge_cmd_drift(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_view_query query = {
        .view = KEDGE_VIEW_DRIFT,
        .device = kedge_command_value(call, KEDGE_OPTION_DEVICE),
        .instance = kedge_command_value(call, KEDGE_OPTION_INSTANCE),
    };
    kedge_auto(kedge_json) json_t *drift = NULL;
    int code = kedge_ask_view(call, &query, &drift, err);
    if (code)
        return code;
    kedge_auto(kedge_changes_list) struct kedge_changes_list list = {
        .color = call->color,
        .all = kedge_command_has(call, KEDGE_OPTION_ALL),
    };
    kedge_changes_add_json(&list, json_object_get(drift, "items"));
    if (kedge_command_format(call, "json"))
        kedge_ask_write(drift, &call->out);
    else
        kedge_changes_text(&list, &call->out);
    bool detailed = kedge_command_has(call, KEDGE_OPTION_DETAILED_EXITCODE);
    return detailed && list.count ? KEDGE_EXIT_CHANGES : KEDGE_EXIT_DONE;
}
