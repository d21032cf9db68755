/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "base/json.h"
#include "help.h"

int kedge_cmd_help(struct kedge_call *call, struct kedge_err *err)
{
    size_t words;
    const struct kedge_command *command =
        kedge_command_find(call->operands, call->operand_count, &words);
    if (kedge_command_has(call, KEDGE_OPTION_MAN))
        kedge_help_manual(&call->out);
    else if (!call->operand_count)
        kedge_help_verbs(NULL, &call->out);
    else if (command)
        kedge_help_command(command, &call->out);
    else
        return kedge_command_misuse(call, err, "there is no verb '%s'", call->operands[0]);
    return KEDGE_EXIT_DONE;
}

int kedge_cmd_version(struct kedge_call *call, struct kedge_err *err)
{
    (void)err;
    struct kedge_json_writer writer = {.out = &call->out};
    if (kedge_command_format(call, "text")) {
        kedge_buf_puts(&call->out, "kedge " KEDGE_VERSION_TEXT "\n");
        return KEDGE_EXIT_DONE;
    }
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "version", KEDGE_VERSION_TEXT);
    kedge_json_end_object(&writer);
    kedge_buf_putc(&call->out, '\n');
    return KEDGE_EXIT_DONE;
}
