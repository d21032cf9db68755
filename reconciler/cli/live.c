/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "ask.h"
#include "base/fs.h"
#include "server/inventory.h"
#include "wire/key.h"

int kedge_live_read(struct kedge_call *call, const struct kedge_specs *specs,
                    struct kedge_actual *out, size_t *left_out, struct kedge_err *err)
{
    const char *file = kedge_command_value(call, KEDGE_OPTION_INVENTORY);
    kedge_auto(kedge_buf) struct kedge_buf document = {0};
    int code = kedge_key_init(err);
    if (!code && file)
        code = kedge_fs_read(AT_FDCWD, file, KEDGE_INVENTORY_LIMIT, &document, err);
    else if (!code)
        code = kedge_ask_document(call, &(struct kedge_view_query){.view = KEDGE_VIEW_INVENTORY},
                                  &document, err);
    return code ? code
                : kedge_inventory_read(kedge_buf_slice(&document), specs, out, left_out, err);
}
