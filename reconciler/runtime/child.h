/* SPDX-License-Identifier: Apache-2.0 */
/* Starting programs by argument list, never by a shell: units, hooks, exec probes. */
#pragma once

#include "base/buf.h"
#include "kedge/runtime.h"
#include "mark.h"
#include "state/workload.h"

/* Environment of everything that belongs to a unit, its secrets included, NULL at the end; one block
 * of guarded memory, kedge_secret_free() it. What the manifest declares wins over what the agent
 * gives. */
char **kedge_child_environment(const struct kedge_runtime_unit *unit,
                               const struct kedge_runtime_status *status);
/* The program that `command` names, as an absolute path or one relative to the unit's folder;
 * KEDGE_NOTFOUND when there is none that can be run. */
int kedge_child_program(const struct kedge_runtime_unit *unit, const struct kedge_strings *command,
                        struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Starts the unit's command in a session of its own: clean environment, no standard input, output
 * to its log, no descriptors of ours but that of a private configuration, no new privileges, its
 * resource limits, no core dumps. The child writes its
 * mark before it becomes the program, and dies with us until then. *pid is its id. */
int kedge_child_start(const struct kedge_runtime_unit *unit,
                      const struct kedge_runtime_status *status, int64_t *pid,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* Runs a command of the unit (a hook, an exec probe) to its end, output to the unit's log. Killed
 * with all it started after `timeout` ms: KEDGE_TIMEOUT. KEDGE_UNAVAILABLE: it ended with other than
 * 0. Blocks. */
int kedge_child_run(const struct kedge_runtime_unit *unit,
                    const struct kedge_runtime_status *status, const struct kedge_strings *command,
                    kedge_ms timeout, struct kedge_err *err) KEDGE_MUST_CHECK;
/* "exited with status 1", "killed by signal 9 (Killed)". */
void kedge_child_describe(int code, int status, char how[KEDGE_RUNTIME_HOW]);
