/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <stdlib.h>
#include <unistd.h>

void kedge_place_in_state(const struct kedge_call *call, const char *name, struct kedge_buf *out)
{
    const char *given = kedge_command_value(call, KEDGE_OPTION_STATE_DIR);
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (given)
        kedge_buf_puts(out, given);
    else if (geteuid() == 0 || (!state && !home))
        kedge_buf_puts(out, "/var/lib/kedge");
    else if (state && *state == '/')
        kedge_buf_printf(out, "%s/kedge", state);
    else
        kedge_buf_printf(out, "%s/.local/state/kedge", home);
    kedge_buf_printf(out, "/%s", name);
}

void kedge_place_of(const struct kedge_call *call, enum kedge_option option, const char *name,
                    struct kedge_buf *out)
{
    const char *given = kedge_command_value(call, option);
    if (given)
        kedge_buf_puts(out, given);
    else
        kedge_place_in_state(call, name, out);
}
