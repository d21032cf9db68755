/* SPDX-License-Identifier: Apache-2.0 */
/* What devices last reported, from wherever the command line says: an inventory file, a server, a
 * store. */
#pragma once

#include "command.h"
#include "state/actual.h"

/* Fills `out` (which is empty) with the reports that verify with the device keys of `specs`;
 * *left_out counts the others. */
int kedge_live_read(struct kedge_call *call, const struct kedge_specs *specs,
                    struct kedge_actual *out, size_t *left_out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
