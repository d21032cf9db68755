/* SPDX-License-Identifier: Apache-2.0 */
/* An agent in a small world: a disk that survives, processes that obey, a clock that waits, and a
 * server that answers with what it is given. */
#pragma once

#include "agent/agent.h"
#include "state/action.h"

#define WORLD_SLOTS   16
#define WORLD_RECORDS 512
#define WORLD_ROOTS   8
#define WORLD_DEVICE  "cam-7"
#define WORLD_RELEASE 60 /* seed of the key that signs every artifact */

struct disk_slot {
    char *instance;
    struct kedge_digest content;
    char *json;
    bool current, running, modified;
};

struct world {
    struct kedge_key *device, *director;
    struct kedge_root root;
    struct kedge_agent_config config;
    struct kedge_agent *agent;
    kedge_ms now;
    int64_t generation;

    /* What survives a crash. */
    char *records[WORLD_RECORDS];
    size_t record_count;
    struct disk_slot slots[WORLD_SLOTS];

    /* Faults. */
    bool disk_full;        /* the journal cannot be written */
    const char *sick;      /* version whose probe fails */
    const char *dying;     /* version that exits at once */
    enum kedge_code fetch; /* outcome of a FETCH */
    const char *stuck;     /* instance that cannot be stopped, switched or removed */
    kedge_ms skew;         /* of the wall clock */
    kedge_ms ahead;        /* of it, the director's clock */
    int crash_at;          /* crash before this many more effects are carried out; -1: never */

    /* What is on the way. */
    struct kedge_buf envelope;           /* the server's next answer */
    int64_t newest;                      /* version of the root that it says it has */
    struct kedge_buf roots[WORLD_ROOTS]; /* what it gives for each version; empty: nothing */
    uint64_t exchange;                   /* held by the server */
    struct kedge_buf report;             /* that it was sent last */
    kedge_ms patience;                   /* how long the answer to it may take */
    kedge_ms answered;                   /* it holds an answer for 10 s */
    bool last;                           /* its next order says that it is the last */
    unsigned erased, fetches, starts, effects, lives;
    char trace[8192];
};

struct member {
    const char *instance, *version, *bundle;
    enum kedge_run_state state;
    enum kedge_handover handover;
    bool application;
};

struct world *world_new(void);
void world_free(struct world *world);

/* Steps the agent, and carries out what it asks for. */
void world_send(struct world *world, const struct kedge_agent_message *in);
/* The director signs a new order: this set, and one action on `touched` (or none). */
void world_order(struct world *world, const struct member *members, uint32_t count,
                 enum kedge_verb verb, const char *touched);
/* ... that deploys model `m`. */
void world_deploy(struct world *world, const char *version, enum kedge_handover handover);
/* Lets time pass for `span` ms, the server answering with what it has. */
void world_pass(struct world *world, kedge_ms span);
/* What the journal holds is replaced by what the agent says of itself. */
void world_compact(struct world *world);
/* The agent ends at once, and is started again. */
void world_crash(struct world *world);

/* NULL: there is none. */
struct disk_slot *world_find(struct world *world, const char *instance,
                             const struct kedge_digest *content);
/* Somebody takes it from the disk. */
void world_drop(struct disk_slot *slot);
struct disk_slot *world_current(struct world *world, const char *instance);
/* The version that serves under `instance`, proven; "" when none does. */
const char *world_serving(struct world *world, const char *instance);
size_t world_slots(struct world *world);
/* What the report says of an instance that is not settled; NULL: nothing. */
const struct kedge_progress *world_progress(struct world *world, struct kedge_arena *arena,
                                            const char *instance);
