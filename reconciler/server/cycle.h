/* SPDX-License-Identifier: Apache-2.0 */
/* One reconcile pass. The page to read first is cycle.c. */
#pragma once

#include "server.h"
#include "state/plan.h"

/* git ─▶ tree ─▶ specs ─▶ desired: makes `commit` the one in force, durably, and marks the devices
 * it bears on. KEDGE_INVALID (findings, or no manifests), KEDGE_CONFLICT (history was rewritten), or
 * what reading failed with: then the last good commit stays in force, and history and status say
 * why, once. Reads Git objects and writes the store. */
int kedge_cycle_take(struct kedge_server *server, const char *commit, kedge_ms now,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* As _take for the commit that the store says is in force: nothing is recorded. */
int kedge_cycle_resume(struct kedge_server *server, const char *commit,
                       struct kedge_err *err) KEDGE_MUST_CHECK;

struct kedge_pool;
/* NULL is fine. */
void kedge_cycle_free_pool(struct kedge_pool *pool);

struct kedge_cycle_plan {
    const struct kedge_changes *changes;
    const struct kedge_plan *plan;
};
/* desired, actual ─▶ changes ─▶ plan for the devices named (sorted, unique), or for the whole fleet
 * when `devices` is NULL or something would be destroyed. Lives in `arena`, and points into the
 * server: good until the next step. A commit must be in force. */
struct kedge_cycle_plan kedge_cycle_plan(const struct kedge_server *server,
                                         struct kedge_arena *arena, const char *const *devices,
                                         size_t count, kedge_ms now);
/* changes ─▶ plan ─▶ actions ─▶ envelopes, durably, for what is marked. On failure (the store)
 * everything stays marked for the next step. */
int kedge_cycle_run(struct kedge_server *server, kedge_ms now,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
