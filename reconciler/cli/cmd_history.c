/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "ask.h"
#include "base/clock.h"
#include "events.h"
#include "state/quantity.h"

/* --since: a span back from now, or a time. */
static int read_since(struct kedge_call *call, kedge_ms *out, struct kedge_err *err)
{
    const char *text = kedge_command_value(call, KEDGE_OPTION_SINCE);
    kedge_ms span;
    if (!text || kedge_clock_parse(text, out))
        return 0;
    if (!kedge_duration_parse(text, &span))
        return kedge_command_misuse(call, err,
                                    "'--since' takes a span such as 2h, or a time such as "
                                    "2026-03-01T12:00:00Z, not '%s'",
                                    text);
    *out = kedge_clock_wall() - span;
    return 0;
}

int kedge_cmd_history(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_view_query query = {
        .view = KEDGE_VIEW_HISTORY,
        .device = kedge_command_value(call, KEDGE_OPTION_DEVICE),
        .instance = kedge_command_value(call, KEDGE_OPTION_INSTANCE),
        .commit = kedge_command_value(call, KEDGE_OPTION_COMMIT),
    };
    kedge_auto(kedge_json) json_t *history = NULL;
    if (!kedge_command_has(call, KEDGE_OPTION_LIMIT))
        call->options.at[KEDGE_OPTION_LIMIT] = "100"; /* a history may be years long */
    int code = read_since(call, &query.since, err);
    if (!code)
        code = kedge_ask_view(call, &query, &history, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json"))
        kedge_ask_write(history, &call->out);
    else
        kedge_events_write(call, json_object_get(history, "items"));
    return KEDGE_EXIT_DONE;
}
