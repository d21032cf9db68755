/* SPDX-License-Identifier: Apache-2.0 */
/* Where kedge keeps its files when the command line does not say. */
#pragma once

#include "command.h"

/* The state folder: --state-dir, else /var/lib/kedge for root, $XDG_STATE_HOME/kedge or
 * ~/.local/state/kedge for others. Appends its path, with "/" and `name` behind it. */
void kedge_place_in_state(const struct kedge_call *call, const char *name, struct kedge_buf *out);
/* The value of `option`, else `name` in the state folder. */
void kedge_place_of(const struct kedge_call *call, enum kedge_option option, const char *name,
                    struct kedge_buf *out);
