/* SPDX-License-Identifier: Apache-2.0 */
/* A device with a virtual disk, virtual processes and the real agent. A crash loses the agent and nothing else: what was
 * journaled, staged and linked stays, and its processes run on. */
#pragma once

#include "agent/agent.h"
#include "roots.h"
#include "world.h"

struct sim_device;

/* What the device talks to: it sends a report, or asks for a version of the root (0: for none). The report is borrowed; the
 * answer comes by sim_device_answer with the same ticket. */
struct sim_ticket {
    struct sim_device *device;
    uint64_t life, effect;
};
typedef void sim_exchange(void *hub, struct sim_ticket ticket, const char *device,
                          struct kedge_slice report, kedge_ms wait, int64_t version);

struct sim_device *sim_device_new(struct sim_world *world, const char *name,
                                  const struct sim_roots *roots);
/* Another one with the same key and a copy of the disk; nothing runs on it yet. It is connected as the original is. */
struct sim_device *sim_device_clone(const struct sim_device *original);
/* Where its exchanges go; before the first boot. */
void sim_device_connect(struct sim_device *device, sim_exchange *exchange, void *hub);
/* The end: its agent is gone for good, and planned events do nothing but free themselves. */
void sim_device_end(struct sim_device *device);
void sim_device_free(struct sim_device *device);
const char *sim_device_name(const struct sim_device *device);
struct kedge_public_key sim_device_key(const struct sim_device *device);

/* Boots the agent: journal, then survey. */
void sim_device_boot(struct sim_device *device);
/* The answer to an exchange; ignored when that life of the agent is over. `body` may be empty; `root` is the newest version
 * that the server has. */
void sim_device_answer(struct sim_ticket ticket, enum kedge_code code, struct kedge_slice body,
                       int64_t root);
/* No network until `until`. */
void sim_device_isolate(struct sim_device *device, kedge_ms until);
bool sim_device_isolated(const struct sim_device *device);
/* One random misfortune: a process dies, a file changes, a folder goes, a link goes. */
void sim_device_tamper(struct sim_device *device);

/* Does it hold what its order says? */
bool sim_device_converged(const struct sim_device *device);
/* The version of the root it follows. */
int64_t sim_device_root(const struct sim_device *device);
int64_t sim_device_generation(const struct sim_device *device);
/* The version that `instance`'s link points to, if that slot is whole and runs; else NULL. */
const char *sim_device_serving(const struct sim_device *device, const char *instance);
/* Does it hold that version whole, and not running? */
bool sim_device_keeps(const struct sim_device *device, const char *instance, const char *version);
/* One line of what it holds, for a person who looks at a failing seed. */
void sim_device_print(const struct sim_device *device);
/* What an invariant said when it was first broken, or NULL. */
const char *sim_device_broken(const struct sim_device *device);
