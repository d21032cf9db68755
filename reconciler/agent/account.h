/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent says of itself: the report, and the two files for this device. */
#pragma once

#include "instance.h"

/* Everything but counter and time; in `arena`, texts borrowed from the agent. */
void kedge_account_report(const struct kedge_agent *agent, struct kedge_arena *arena,
                          struct kedge_report *out);
/* Appends models.json: what applications on the device may use, by name. */
void kedge_account_models(const struct kedge_agent *agent, struct kedge_buf *out);
/* Appends status.json: the report and the contact with the server. */
void kedge_account_status(const struct kedge_agent *agent, const struct kedge_report *report,
                          struct kedge_buf *out);
