/* SPDX-License-Identifier: Apache-2.0 */
/* What two reports in a row say has happened: facts for history and metrics. */
#pragma once

#include "server.h"
#include "state/actual.h"

/* Appends the events that lead from `before` (NULL: the first report) to `after`. */
int kedge_testimony_record(struct kedge_server *server, const struct kedge_actual_device *before,
                           const struct kedge_actual_device *after, kedge_ms now,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* Counts the outcomes among them. */
void kedge_testimony_count(struct kedge_server *server, const struct kedge_actual_device *before,
                           const struct kedge_actual_device *after);
