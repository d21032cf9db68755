/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "ask.h"
#include "events.h"
#include "style.h"

static void property(struct kedge_call *call, const char *name, const char *value)
{
    kedge_print_property(&call->out, call->color, kedge_style_of(value), name, value);
}

/* "1.1.0, running" of what is wanted or held. */
static void side(struct kedge_call *call, const char *name, const json_t *what)
{
    const char *version = kedge_ask_text(what, "version"), *state = kedge_ask_text(what, "state");
    const char *message = kedge_ask_text(what, "message");
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_printf(&text, "%s%s%s", version ? version : "nothing", state ? ", " : "",
                     state ? state : "");
    if (message)
        kedge_buf_printf(&text, " (%s)", message);
    property(call, name, text.data);
}

static void write_hold(struct kedge_call *call, const json_t *hold)
{
    if (!hold)
        return;
    kedge_buf_printf(&call->out, "%-12s", "Held by");
    kedge_print_styled(&call->out, call->color, KEDGE_PRINT_YELLOW,
                       kedge_ask_text(hold, "blocker"));
    kedge_buf_puts(&call->out, ": ");
    kedge_print_text(&call->out, kedge_ask_text(hold, "why"));
    kedge_buf_putc(&call->out, '\n');
    property(call, "Frees it", kedge_ask_text(hold, "frees"));
}

static void write_evidence(struct kedge_call *call, const json_t *explained)
{
    if (kedge_ask_text(explained, "evidence.received"))
        kedge_buf_printf(&call->out, "%-12sreport %lld of %s, signed by the device\n", "Evidence",
                         (long long)kedge_ask_number(explained, "evidence.counter"),
                         kedge_ask_text(explained, "evidence.received"));
    if (kedge_ask_text(explained, "order.issued"))
        kedge_buf_printf(&call->out, "%-12sgeneration %lld of %s, good until %s\n", "Order",
                         (long long)kedge_ask_number(explained, "order.generation"),
                         kedge_ask_text(explained, "order.issued"),
                         kedge_ask_text(explained, "order.expires"));
}

int kedge_cmd_explain(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_view_query query = {
        .view = KEDGE_VIEW_EXPLAIN,
        .device = call->operands[0],
        .instance = call->operands[1],
    };
    kedge_auto(kedge_json) json_t *explained = NULL;
    int code = kedge_ask_view(call, &query, &explained, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json")) {
        kedge_ask_write(explained, &call->out);
        return KEDGE_EXIT_DONE;
    }
    property(call, "Device", kedge_ask_text(explained, "device"));
    property(call, "Model", kedge_ask_text(explained, "instance"));
    property(call, "Deployment", kedge_ask_text(explained, "deployment"));
    property(call, "Sync", kedge_ask_text(explained, "sync"));
    property(call, "Health", kedge_ask_text(explained, "health"));
    property(call, "Connection", kedge_ask_text(explained, "connection"));
    property(call, "Action", kedge_ask_text(explained, "action"));
    side(call, "Wanted", json_object_get(explained, "wanted"));
    side(call, "Held", json_object_get(explained, "held"));
    write_hold(call, json_object_get(explained, "hold"));
    write_evidence(call, explained);
    size_t i;
    const json_t *reason;
    json_array_foreach (json_object_get(explained, "because"), i, reason) {
        kedge_buf_puts(&call->out, i ? "            - " : "Because     - ");
        kedge_print_text(&call->out, json_string_value(reason));
        kedge_buf_putc(&call->out, '\n');
    }
    kedge_buf_putc(&call->out, '\n');
    kedge_events_write(call, json_object_get(explained, "events"));
    return KEDGE_EXIT_DONE;
}
