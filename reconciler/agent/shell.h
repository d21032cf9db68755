/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the agent asks for, on one machine: a libuv loop that blocks in worker threads
 * only, the disk, the runtimes, the server. */
#pragma once

#include "agent.h"
#include "errand.h"

struct kedge_shell_config {
    const char *server; /* URL */
    const char *device;
    const char *state_dir;
    const char *ca_file; /* or NULL */
    const struct kedge_key *key;
    const struct kedge_errand *errand; /* names the key's file: it goes when the device does */
    bool key_is_next; /* `key` lies beside that file: it takes its place once the server takes it */
    const struct kedge_root *root;
    kedge_ms wait;    /* long poll */
    bool stop_models; /* at the end; else they serve on and are taken over by the next agent */
    bool once;        /* end when the set of the order is held and the server has been told */
};

/* Runs until SIGTERM or SIGINT, or until the device is decommissioned. KEDGE_CONFLICT: another agent has the state folder. Blocks; once per
 * process. *again: the server refuses
 * `key`, and kedge_errand_other has another: run with that. */
int kedge_shell_run(const struct kedge_shell_config *config, bool *again,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
