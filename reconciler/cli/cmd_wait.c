/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "base/clock.h"
#include "state/quantity.h"

#define PAUSE 250 /* ms between two looks */

/* Is the state that is waited for there? KEDGE_INVALID: it will not come, the commit was refused. */
static int look(struct kedge_call *call, const json_t *status, bool *there, struct kedge_err *err)
{
    const char *wanted = kedge_command_value(call, KEDGE_OPTION_COMMIT);
    const char *commit = kedge_ask_text(status, "revision.commit");
    const char *refused = kedge_ask_text(status, "refused.commit");
    size_t length = wanted ? strlen(wanted) : 0;
    if (wanted && refused && strncmp(refused, wanted, length) == 0)
        return kedge_err_set(err, KEDGE_INVALID, "commit %.12s was refused: %s", refused,
                             kedge_ask_text(status, "refused.message"));
    bool in_force = commit && strncmp(commit, wanted ? wanted : "", length) == 0;
    bool settled = in_force && !kedge_ask_number(status, "changes.released") &&
                   !kedge_ask_number(status, "health.Progressing");
    bool converged = settled && !kedge_ask_number(status, "changes.held") &&
                     !kedge_ask_number(status, "assignments.outOfSync") &&
                     !kedge_ask_number(status, "assignments.unknown");
    *there =
        strcmp(kedge_command_value(call, KEDGE_OPTION_FOR), "settled") == 0 ? settled : converged;
    return 0;
}

/* One line that is written over, on a terminal only. */
static void show_progress(const struct kedge_call *call, const json_t *status, bool end)
{
    if (!isatty(STDERR_FILENO) || kedge_command_has(call, KEDGE_OPTION_QUIET))
        return;
    if (end)
        fprintf(stderr, "\r\x1b[K");
    else
        fprintf(stderr, "\r\x1b[K%lld of %lld assignments synced, %lld changes under way",
                (long long)kedge_ask_number(status, "assignments.synced"),
                (long long)kedge_ask_number(status, "assignments.total"),
                (long long)kedge_ask_number(status, "changes.released"));
}

static int give_up(struct kedge_call *call, const json_t *status, struct kedge_err *err)
{
    const char *commit = kedge_ask_text(status, "revision.commit");
    return kedge_err_set(err, KEDGE_TIMEOUT,
                         "not %s within %s: commit %.12s is in force, %lld of %lld assignments "
                         "synced, %lld changes under way, %lld held; 'kedge status' and 'kedge "
                         "explain' say why",
                         kedge_command_value(call, KEDGE_OPTION_FOR),
                         kedge_command_value(call, KEDGE_OPTION_TIMEOUT), commit ? commit : "none",
                         (long long)kedge_ask_number(status, "assignments.synced"),
                         (long long)kedge_ask_number(status, "assignments.total"),
                         (long long)kedge_ask_number(status, "changes.released"),
                         (long long)kedge_ask_number(status, "changes.held"));
}

int kedge_cmd_wait(struct kedge_call *call, struct kedge_err *err)
{
    kedge_ms start = kedge_clock_monotonic(), timeout;
    if (!kedge_duration_parse(kedge_command_value(call, KEDGE_OPTION_TIMEOUT), &timeout))
        return kedge_command_misuse(call, err, "'--timeout' takes a span such as 90s, not '%s'",
                                    kedge_command_value(call, KEDGE_OPTION_TIMEOUT));
    for (;;) {
        kedge_auto(kedge_json) json_t *status = NULL;
        struct kedge_view_query query = {.view = KEDGE_VIEW_STATUS};
        bool there = false;
        int code = kedge_ask_view(call, &query, &status, err);
        if (!code)
            code = look(call, status, &there, err);
        kedge_ms spent = kedge_clock_monotonic() - start;
        if (!code && !there && spent >= timeout)
            code = give_up(call, status, err);
        show_progress(call, status, code || there);
        if (!code && there && kedge_command_format(call, "json"))
            kedge_ask_write(status, &call->out);
        if (!code && there && !call->out.size && !kedge_command_has(call, KEDGE_OPTION_QUIET))
            kedge_buf_printf(&call->out, "%s after %.1f s\n",
                             kedge_command_value(call, KEDGE_OPTION_FOR), (double)spent / 1000.0);
        if (code || there)
            return code;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE * 1000000L}, NULL);
    }
}
