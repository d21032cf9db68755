/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "ask.h"

int kedge_cmd_inventory_export(struct kedge_call *call, struct kedge_err *err)
{
    int code = kedge_ask_document(call, &(struct kedge_view_query){.view = KEDGE_VIEW_INVENTORY},
                                  &call->out, err);
    if (!code)
        kedge_buf_putc(&call->out, '\n');
    return code;
}
