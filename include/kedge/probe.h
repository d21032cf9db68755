/* SPDX-License-Identifier: Apache-2.0 */
/* Is a running unit well? Kubernetes' httpGet, tcpSocket and exec. */
#pragma once

#include "runtime.h"

/* Asks once, within the probe's time-out. 0: it passed. KEDGE_UNAVAILABLE, KEDGE_TIMEOUT: it did
 * not; KEDGE_INVALID: it names a port the unit lacks. Blocks. */
int kedge_probe_run(const struct kedge_runtime_unit *unit,
                    const struct kedge_runtime_status *status,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Writes "http://127.0.0.1:41001" of the port that serves, "" when there is none. */
#define KEDGE_PROBE_ENDPOINT 64
const char *kedge_probe_endpoint(const struct kedge_runtime_spec *spec,
                                 const struct kedge_runtime_status *status,
                                 char text[KEDGE_PROBE_ENDPOINT]);
