/* SPDX-License-Identifier: Apache-2.0 */
/* One unit of device work, as an envelope carries it: a line of the audit trail beside the set that
 * is the truth. */
#pragma once

#include "change.h"

#define KEDGE_ACTION_ID_TEXT 33

struct kedge_action {
    char id[KEDGE_ACTION_ID_TEXT]; /* from commit, device, instance, verb and content: resending is
                                      harmless */
    enum kedge_verb verb;
    enum kedge_drift drift;
    const char *instance;
    const char *from, *to;
    const char *reason;
};

void kedge_action_from_change(const struct kedge_change *change, const char *commit,
                              struct kedge_action *out);
void kedge_action_write(const struct kedge_action *action, struct kedge_json_writer *writer);
int kedge_action_read(struct kedge_arena *arena, const json_t *json, struct kedge_action *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
