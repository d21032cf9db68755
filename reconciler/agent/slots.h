/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder on the disk. Every step that shows is one rename: a slot is there whole or not at
 * all, `current` points at the old or at the new.
 *
 *   key  journal  lock  models.json  status.json
 *   artifacts/sha256/<hex>            verified bytes, and <hex>.part
 *   instances/<name>/<content hex>/   a slot: assignment.json config.json manifest package/
 *                                     (secrets only as they were sealed: vault.h)
 *   current/<name>                    -> ../instances/<name>/<content hex>/package
 *   logs/<name>.log[.1]               output of its units
 *   run/<name>/<content hex>          a running unit's mark
 *   tmp/                              what is being made or removed; emptied at start */
#pragma once

#include "base/arena.h"
#include "kedge/err.h"
#include "kedge/runtime.h"
#include "state/assignment.h"

struct kedge_slots;

/* Creates what is missing of the layout below `path` and empties tmp/. KEDGE_CONFLICT: another agent
 * has it. */
int kedge_slots_open(const char *path, struct kedge_slots **out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_slots_close(struct kedge_slots *slots);
/* Descriptors of the state folder and of its artifact store; absolute path. Borrowed. */
int kedge_slots_root(const struct kedge_slots *slots);
int kedge_slots_store(const struct kedge_slots *slots);
const char *kedge_slots_path(const struct kedge_slots *slots);

/* What the runtime needs of a slot, in `arena`. Without an assignment: a process with defaults, so
 * that it can be stopped. `made`: the folder where _make puts it, not where it will be. */
struct kedge_runtime_unit kedge_slots_unit(const struct kedge_slots *slots,
                                           struct kedge_arena *arena, const char *instance,
                                           const struct kedge_digest *content,
                                           const struct kedge_assignment *assignment, bool made);

/* Makes the slot in tmp/ from the artifact in the store; _place puts it in place at once, an older
 * one of that name goes; _drop gives it up. All block. */
int kedge_slots_make(struct kedge_slots *slots, const struct kedge_assignment *assignment,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_slots_place(struct kedge_slots *slots, const struct kedge_assignment *assignment,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_slots_drop(struct kedge_slots *slots, const struct kedge_assignment *assignment);
/* Zero content: removes the link; it is gone or points there when this returns. */
int kedge_slots_switch(struct kedge_slots *slots, const char *instance,
                       const struct kedge_digest *content, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Zero content: what is left of the instance, logs too. */
int kedge_slots_remove(struct kedge_slots *slots, const char *instance,
                       const struct kedge_digest *content, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Removes all that instances have left, of whatever name: slots, links, logs, artifacts. The layout
 * stays, empty. Only once nothing runs. */
int kedge_slots_erase(struct kedge_slots *slots, struct kedge_err *err) KEDGE_MUST_CHECK;
