/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "ask.h"
#include "print.h"

static void line(struct kedge_call *call, const char *name)
{
    kedge_buf_printf(&call->out, "%-12s", name);
}

/* "12 Healthy, 1 Degraded" of an object of counts. */
static void write_counts(const json_t *counts, struct kedge_buf *out)
{
    const char *key;
    json_t *value;
    bool more = false;
    json_object_foreach ((json_t *)counts, key, value) {
        if (json_integer_value(value) == 0)
            continue;
        kedge_buf_printf(out, "%s%lld ", more ? ", " : "", (long long)json_integer_value(value));
        kedge_print_text(out, key);
        more = true;
    }
    kedge_buf_puts(out, more ? "" : "none");
}

static void write_source(struct kedge_call *call, const json_t *status)
{
    struct kedge_buf *out = &call->out;
    const char *commit = kedge_ask_text(status, "revision.commit");
    line(call, "Repository");
    kedge_print_text(out, kedge_ask_text(status, "source.url"));
    const char *revision = kedge_ask_text(status, "source.revision");
    if (revision && revision[0]) {
        kedge_buf_puts(out, ", ");
        kedge_print_text(out, revision);
    }
    kedge_buf_putc(out, '\n');
    if (json_is_false(json_object_get(json_object_get(status, "source"), "reachable"))) {
        line(call, "");
        kedge_print_styled(out, call->color, KEDGE_PRINT_RED, "unreachable: ");
        kedge_print_text(out, kedge_ask_text(status, "source.message"));
        kedge_buf_putc(out, '\n');
    }
    line(call, "Revision");
    if (commit) {
        kedge_print_bytes(out, commit, strnlen(commit, 12));
        kedge_buf_puts(out, "  ");
        kedge_print_styled(out, call->color, KEDGE_PRINT_BOLD,
                           kedge_ask_text(status, "revision.subject"));
        kedge_buf_puts(out, "  by ");
        kedge_print_text(out, kedge_ask_text(status, "revision.author"));
        kedge_buf_puts(out, ", in force since ");
        kedge_print_text(out, kedge_ask_text(status, "revision.since"));
        kedge_buf_putc(out, '\n');
    } else {
        kedge_buf_puts(out, "none is in force yet\n");
    }
}

static void write_refused(struct kedge_call *call, const json_t *status)
{
    const char *commit = kedge_ask_text(status, "refused.commit");
    if (!commit)
        return;
    line(call, "Refused");
    kedge_print_styled(&call->out, call->color, KEDGE_PRINT_RED,
                       kedge_ask_text(status, "refused.reason"));
    kedge_buf_putc(&call->out, ' ');
    kedge_print_bytes(&call->out, commit, strnlen(commit, 12));
    kedge_buf_puts(&call->out, ": ");
    kedge_print_text(&call->out, kedge_ask_text(status, "refused.message"));
    kedge_buf_putc(&call->out, '\n');
}

static void write_signatures(struct kedge_call *call, const json_t *status)
{
    const char *verified = kedge_ask_text(status, "signatures.verified");
    if (!json_object_get(status, "signatures"))
        return;
    line(call, "Signatures");
    kedge_buf_printf(&call->out, "required; %s%.12s\n",
                     verified ? "verified up to " : "nothing is verified yet",
                     verified ? verified : "");
}

static void write_policy(struct kedge_call *call, const json_t *status)
{
    const json_t *policy = json_object_get(status, "policy"), *object;
    long long devices = (long long)kedge_ask_number(status, "policy.devices");
    long long objects = (long long)kedge_ask_number(status, "policy.objects");
    size_t index;
    if (!policy)
        return;
    line(call, "Policy");
    if (!json_is_true(json_object_get(policy, "enforced")))
        kedge_print_styled(&call->out, call->color, KEDGE_PRINT_YELLOW,
                           "its rules are not enforced: signatures are not required");
    else if (!devices && !objects)
        kedge_buf_puts(&call->out, "nothing is held");
    else
        kedge_buf_printf(&call->out, "holds %lld object%s, and changes on %lld device%s", objects,
                         objects == 1 ? "" : "s", devices, devices == 1 ? "" : "s");
    kedge_buf_putc(&call->out, '\n');
    json_array_foreach (json_object_get(policy, "held"), index, object) {
        line(call, "");
        kedge_print_text(&call->out, kedge_ask_text(object, "object"));
        kedge_buf_puts(&call->out, ": ");
        kedge_print_text(&call->out, kedge_ask_text(object, "why"));
        kedge_buf_putc(&call->out, '\n');
    }
}

static void write_root(struct kedge_call *call, const json_t *status)
{
    const char *warning = kedge_ask_text(status, "root.warning");
    const char *refused = kedge_ask_text(status, "root.refused.message");
    if (!json_object_get(status, "root"))
        return;
    line(call, "Root");
    kedge_buf_printf(&call->out, "version %lld, good until ",
                     (long long)kedge_ask_number(status, "root.version"));
    kedge_print_text(&call->out, kedge_ask_text(status, "root.expires"));
    kedge_buf_putc(&call->out, '\n');
    const char *const troubles[] = {warning, refused};
    for (size_t i = 0; i < KEDGE_COUNT(troubles); i++) {
        if (!troubles[i])
            continue;
        line(call, "");
        kedge_print_styled(&call->out, call->color, KEDGE_PRINT_RED,
                           troubles[i] == refused ? "refused: " : "warning: ");
        kedge_print_text(&call->out, troubles[i]);
        kedge_buf_putc(&call->out, '\n');
    }
}

static void write_fleet(struct kedge_call *call, const json_t *status)
{
    struct kedge_buf *out = &call->out;
    line(call, "Devices");
    kedge_buf_printf(out, "%lld: %lld online, %lld offline, %lld unknown",
                     (long long)kedge_ask_number(status, "devices.total"),
                     (long long)kedge_ask_number(status, "devices.online"),
                     (long long)kedge_ask_number(status, "devices.offline"),
                     (long long)kedge_ask_number(status, "devices.unknown"));
    int64_t gone = kedge_ask_number(status, "devices.decommissioned");
    if (gone)
        kedge_buf_printf(out, ", %lld decommissioned", (long long)gone);
    int64_t doubted = kedge_ask_number(status, "devices.doubted");
    if (doubted)
        kedge_buf_printf(out, ", %lld held as cloned", (long long)doubted);
    kedge_buf_putc(out, '\n');
    line(call, "Assignments");
    kedge_buf_printf(out, "%lld: %lld synced, %lld out of sync, %lld unknown\n",
                     (long long)kedge_ask_number(status, "assignments.total"),
                     (long long)kedge_ask_number(status, "assignments.synced"),
                     (long long)kedge_ask_number(status, "assignments.outOfSync"),
                     (long long)kedge_ask_number(status, "assignments.unknown"));
    line(call, "Health");
    write_counts(json_object_get(status, "health"), out);
    kedge_buf_putc(out, '\n');
    line(call, "Changes");
    kedge_buf_printf(out, "%lld released, %lld held, %lld drifted\n",
                     (long long)kedge_ask_number(status, "changes.released"),
                     (long long)kedge_ask_number(status, "changes.held"),
                     (long long)kedge_ask_number(status, "changes.drifted"));
    if (kedge_ask_number(status, "changes.held")) {
        line(call, "Held by");
        write_counts(json_object_get(status, "blockers"), out);
        kedge_buf_putc(out, '\n');
    }
}

int kedge_cmd_status(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *status = NULL;
    int code =
        kedge_ask_view(call, &(struct kedge_view_query){.view = KEDGE_VIEW_STATUS}, &status, err);
    if (code)
        return code;
    if (kedge_command_format(call, "json")) {
        kedge_ask_write(status, &call->out);
        return KEDGE_EXIT_DONE;
    }
    write_source(call, status);
    write_refused(call, status);
    write_signatures(call, status);
    write_policy(call, status);
    write_root(call, status);
    write_fleet(call, status);
    return KEDGE_EXIT_DONE;
}
