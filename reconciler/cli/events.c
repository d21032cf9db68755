/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "print.h"

/* "update 1.0.0 -> 1.1.0: probe answered 503" */
static void write_what(const json_t *event, struct kedge_buf *out)
{
    const char *verb = kedge_ask_text(event, "verb"), *from = kedge_ask_text(event, "from");
    const char *to = kedge_ask_text(event, "to"), *message = kedge_ask_text(event, "message");
    const char *reason = kedge_ask_text(event, "reason");
    if (from && to && strcmp(from, to) == 0)
        from = NULL;
    kedge_buf_printf(out, "%s%s%s%s%s", verb ? verb : "", from ? " " : "", from ? from : "",
                     from && to ? " ->" : "", to ? " " : "");
    kedge_buf_puts(out, to ? to : "");
    if (message || reason)
        kedge_buf_printf(out, "%s%s", out->size ? ": " : "", message ? message : reason);
}

void kedge_events_write(struct kedge_call *call, const json_t *events)
{
    kedge_auto(kedge_print_table) struct kedge_print_table table = {0};
    kedge_print_heading(&table, "TIME|EVENT|COMMIT|DEVICE|MODEL|WHAT");
    size_t i;
    const json_t *event;
    json_array_foreach (events, i, event) {
        char commit[13];
        const char *id = kedge_ask_text(event, "commit");
        snprintf(commit, sizeof commit, "%s", id ? id : "");
        struct kedge_buf what = {0};
        write_what(event, &what);
        kedge_print_cell(&table, KEDGE_PRINT_DIM, kedge_ask_text(event, "at"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(event, "kind"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, commit);
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(event, "device"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, kedge_ask_text(event, "instance"));
        kedge_print_cell(&table, KEDGE_PRINT_PLAIN, what.data);
        kedge_buf_release(&what);
    }
    kedge_print_table_write(&table, call->color, &call->out);
}
