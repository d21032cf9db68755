/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking part of each effect, for worker threads: what it takes with it, what it brings back.
 */
#pragma once

#include <stdatomic.h>
#include <uv.h>

#include "agent.h"
#include "kedge/transport.h"
#include "look.h"
#include "wire/age.h"
#include "wire/release.h"

struct kedge_shell;

/* What all effects work with; nothing in it changes while workers run. */
struct kedge_work_tools {
    struct kedge_slots *slots;
    struct kedge_runtime *runtimes[2]; /* by enum kedge_driver: files, process */
    struct kedge_transport *transport; /* of the one EXCHANGE or ROOT that is out */
    const char *server, *device, *ca_file;
    struct kedge_age_identity *identity; /* opens secrets; NULL where the key is held by a signer */
};

/* One effect on its way. */
struct kedge_work {
    uv_work_t request;
    struct kedge_shell *shell;
    const struct kedge_work_tools *tools;
    struct kedge_agent_effect effect; /* `bytes`, `status` and `keep` are copies, in `arena` */
    struct kedge_arena arena;
    int cancel;            /* eventfd of FETCH, EXCHANGE and ROOT; -1 for others */
    _Atomic int64_t bytes; /* fetched */
    int64_t told;
    struct kedge_runtime_status running; /* PROBE: the unit as it runs */
    struct kedge_transport_notes notes;  /* FETCH: with its grant; EXCHANGE: given */
    uv_async_t *progress;

    int code;
    struct kedge_err err;
    struct kedge_buf message;            /* where it failed: what, and the log's last lines */
    struct kedge_buf envelope;           /* EXCHANGE; of ROOT: the document */
    struct kedge_runtime_status status;  /* START */
    int watch;                           /* START: what tells of its end, or -1 */
    struct kedge_release_state *hashing; /* FETCH with `hash`, or NULL */
    uint8_t hash[KEDGE_RELEASE_HASH];
    struct kedge_look look;
    struct kedge_work *next;
};

/* Carries the effect out; in a worker thread. */
void kedge_work_run(struct kedge_work *work);
/* Frees all it holds. */
void kedge_work_free(struct kedge_work *work);
/* The runtime of a driver; NULL where this agent has none. */
struct kedge_runtime *kedge_work_runtime(const struct kedge_work_tools *tools,
                                         enum kedge_driver driver);
