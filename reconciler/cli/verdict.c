/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <stdio.h>

#include "base/json.h"
#include "print.h"

void kedge_verdict_add(struct kedge_verdict *verdict, const char *name, const char *value)
{
    if (value)
        verdict->facts[verdict->fact_count++] = (struct kedge_verdict_fact){name, value};
}

const char *kedge_verdict_word(int code)
{
    return code == KEDGE_INVALID ? "malformed" : kedge_code_name(code);
}

static void add_text(struct kedge_json_writer *writer, const char *name, const char *value)
{
    kedge_auto(kedge_buf) struct kedge_buf safe = {0};
    kedge_print_text(&safe, value);
    kedge_json_add_string(writer, name, safe.size ? safe.data : "");
}

static int status_of(const struct kedge_verdict *verdict)
{
    return verdict->reason ? KEDGE_EXIT_ERROR : KEDGE_EXIT_DONE;
}

int kedge_verdict_give_json(struct kedge_call *call, const struct kedge_verdict *verdict)
{
    struct kedge_json_writer writer = {.out = &call->out};
    kedge_json_begin_object(&writer);
    kedge_json_add_bool(&writer, "accepted", !verdict->reason);
    add_text(&writer, "reason", verdict->reason ? verdict->reason : "accepted");
    add_text(&writer, "message", verdict->message);
    add_text(&writer, "subject", verdict->subject);
    for (size_t i = 0; i < verdict->fact_count; i++)
        add_text(&writer, verdict->facts[i].name, verdict->facts[i].value);
    kedge_json_end_object(&writer);
    kedge_buf_putc(&call->out, '\n');
    return status_of(verdict);
}

int kedge_verdict_give(struct kedge_call *call, const struct kedge_verdict *verdict)
{
    kedge_auto(kedge_buf) struct kedge_buf line = {0};
    if (kedge_command_format(call, "json"))
        return kedge_verdict_give_json(call, verdict);
    kedge_print_text(&line, verdict->subject);
    if (verdict->reason)
        kedge_buf_printf(&line, ": refused (%s): ", verdict->reason);
    else
        kedge_buf_puts(&line, ": accepted: ");
    kedge_print_text(&line, verdict->message);
    kedge_buf_putc(&line, '\n');
    if (verdict->reason)
        fwrite(line.data, 1, line.size, stderr);
    else
        kedge_buf_add(&call->out, line.data, line.size);
    return status_of(verdict);
}
