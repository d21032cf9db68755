/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual clock, and the chances of everything that can go wrong. */
#pragma once

#include "kedge/types.h"
#include "lib/rng.h"

/* Chances in percent, all of them per occasion. */
struct sim_faults {
    unsigned drop;        /* a message is lost */
    unsigned duplicate;   /* a message arrives twice */
    unsigned delay;       /* a message takes seconds rather than milliseconds: reorders */
    unsigned crash;       /* an agent dies around an effect: before it, or before its answer */
    unsigned disk_full;   /* a write fails for want of room */
    unsigned fetch;       /* a download breaks off */
    unsigned tamper;      /* per minute: a process is killed, a file changed, a folder removed */
    unsigned partition;   /* per minute: a device loses the network for a while */
    unsigned clone;       /* per minute: a device's disk is copied, and both run */
    unsigned server;      /* per minute: the server dies and comes back from its store */
    unsigned server_step; /* the server dies between storing and answering */
    unsigned rotation;    /* per minute: a newer root names another director */
};

typedef void sim_action(void *payload);

struct sim_event {
    kedge_ms at;
    uint64_t order; /* of events of one instant: first planned, first run */
    sim_action *run;
    void *payload;
};

struct sim_world {
    kedge_ms now;  /* monotonic */
    kedge_ms wall; /* at now == 0 */
    struct kedge_rng rng;
    struct sim_faults faults;
    struct sim_event *events; /* a heap */
    size_t count, capacity;
    uint64_t planned;
};

/* Runs `run(payload)` `delay` ms from now. */
void sim_world_plan(struct sim_world *world, kedge_ms delay, sim_action *run, void *payload);
/* Runs events until `until`, or until there are none. */
void sim_world_run(struct sim_world *world, kedge_ms until);
bool sim_world_chance(struct sim_world *world, unsigned percent);
/* Uniform in [least, most]. */
kedge_ms sim_world_span(struct sim_world *world, kedge_ms least, kedge_ms most);
kedge_ms sim_world_wall(const struct sim_world *world);
void sim_world_release(struct sim_world *world);
