/* SPDX-License-Identifier: Apache-2.0 */
/* What the command table says, for people: help on a terminal, the manual page. */
#pragma once

#include "command.h"

/* All verbs; with `group`, those whose first word it is. */
void kedge_help_verbs(const char *group, struct kedge_buf *out);
void kedge_help_command(const struct kedge_command *command, struct kedge_buf *out);
/* kedge(1), for man(7). */
void kedge_help_manual(struct kedge_buf *out);
