/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the history as lines of a table. */
#pragma once

#include "command.h"
#include "base/json.h"

void kedge_events_write(struct kedge_call *call, const json_t *events);
