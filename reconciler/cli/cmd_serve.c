/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <stdio.h>

#include "findings.h"
#include "server/once.h"
#include "settings.h"

int kedge_cmd_serve(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_settings) struct kedge_settings settings = {0};
    int code = kedge_settings_fill(call, true, &settings, err);
    return code ? code : kedge_serve_run(&settings.options, err);
}

/* What is wrong with the head, before the line that says that it is. */
static void show_findings(const struct kedge_call *call, const struct kedge_once *once)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_tree none = {0};
    struct kedge_findings_report report = {
        .findings = kedge_once_findings(once),
        .tree = &none,
    };
    if (!report.findings || kedge_command_has(call, KEDGE_OPTION_QUIET))
        return;
    kedge_findings_text(&report, &text);
    if (text.size)
        fwrite(text.data, 1, text.size, stderr);
}

int kedge_cmd_reconcile(struct kedge_call *call, struct kedge_err *err)
{
    if (!kedge_command_has(call, KEDGE_OPTION_ONCE))
        return kedge_command_misuse(call, err,
                                    "'kedge reconcile' makes one pass: say --once, or "
                                    "'kedge serve' for a daemon");
    kedge_auto(kedge_settings) struct kedge_settings settings = {0};
    kedge_auto(kedge_once) struct kedge_once *once = NULL;
    int code = kedge_settings_fill(call, true, &settings, err);
    if (!code)
        code = kedge_once_open(&settings.options, false, &once, err);
    if (code)
        return code;
    code = kedge_once_reconcile(once, err);
    show_findings(call, once);
    return code;
}
