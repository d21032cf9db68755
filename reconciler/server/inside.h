/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a server, as the files of this folder share it: nobody else includes this.
 *
 *     server.c    step: intake ─▶ cycle ─▶ answers; timers
 *     follow.c    what Git's answers mean
 *     cycle.c     one pass, from a commit to envelopes
 *     trust.c     may a commit come into force, by its signatures
 *     rights.c    may its signers change what it changes: judge.c, commit by commit
 *     roots.c     whom devices trust
 *     intake.c    reports ─▶ actual
 *     admission.c who may report: enrolment, keys
 *     dispatch.c  plan ─▶ orders, signed and stored
 *     view.c      state ─▶ JSON */
#pragma once

#include "judge.h"
#include "peer.h"
#include "roots.h"
#include "server.h"
#include "state/event.h"
#include "state/plan.h"

#define KEDGE_SERVER_AUDIT      600000 /* ms between passes over the whole fleet */
#define KEDGE_SERVER_MISSES     3    /* waits without a report before a device counts as offline */
#define KEDGE_SERVER_WAIT_LEAST 5000 /* ms: a device that asks more often is not expected to */

/* Memory of revisions: each shares with the one before, so garbage gathers until a whole load into
 * a fresh pool leaves it behind. */
struct kedge_pool {
    struct kedge_arena arena;
    size_t whole; /* bytes in use after the whole load */
};

/* Git as it was last heard. */
struct kedge_follow {
    char head[KEDGE_COMMIT_TEXT];
    bool fetching, again; /* a FETCH is out; another is wanted after it */
    bool heard, unreachable;
    char message[KEDGE_ERR_TEXT]; /* why it is unreachable */
    kedge_ms success, next;
    uint64_t polls; /* so far: feeds the jitter */
};

/* The last head that did not come into force. */
struct kedge_refused {
    char commit[KEDGE_COMMIT_TEXT];
    const char *reason; /* "invalid", "rewritten", "unverified", "policy", "unreadable";
                           NULL: none */
    struct kedge_err err;
};

#define KEDGE_TRUST_PATH 256 /* of a file in the repository */

/* Whose commits may come into force (trust.h). */
struct kedge_trust {
    bool required;
    char verified[KEDGE_COMMIT_TEXT]; /* the last commit that was; "": none yet */
    char pin[KEDGE_COMMIT_TEXT];      /* trusted because the operator says so; "": none */
    char path[KEDGE_TRUST_PATH];      /* of the allowed signers */
};

enum kedge_outcome { KEDGE_OUTCOME_SUCCEEDED, KEDGE_OUTCOME_FAILED, KEDGE_OUTCOME_ROLLED_BACK };
#define KEDGE_OUTCOME_COUNT 3
enum kedge_received { KEDGE_RECEIVED_NEW, KEDGE_RECEIVED_REPEATED, KEDGE_RECEIVED_REFUSED };
#define KEDGE_RECEIVED_COUNT 3
#define KEDGE_PASS_BUCKETS   7

struct kedge_counters {
    uint64_t actions[KEDGE_VERB_COUNT][KEDGE_OUTCOME_COUNT];
    uint64_t issued[KEDGE_VERB_COUNT];
    uint64_t reports[KEDGE_RECEIVED_COUNT];
    uint64_t passes[KEDGE_PASS_BUCKETS + 1]; /* by duration, the last without bound */
    kedge_ms pass_time;                      /* of all, in ms */
};

struct kedge_server {
    struct kedge_server_options options;

    /* the revision in force */
    char commit[KEDGE_COMMIT_TEXT]; /* "": none yet */
    kedge_ms since;
    struct kedge_pool *pool;
    const struct kedge_judgement *judged; /* NULL: none yet */
    const struct kedge_desired *desired;  /* as judged */
    struct kedge_buf trunk;               /* commits as they were judged, a line each: rights.h */

    struct kedge_findings findings; /* of the commit looked at last */
    char looked[KEDGE_COMMIT_TEXT];
    struct kedge_refused refused;
    struct kedge_trust trust;
    struct kedge_roots roots;
    struct kedge_follow follow;

    struct kedge_actual actual;
    struct kedge_peers peers;
    bool restored; /* what the store holds of devices is in memory */

    /* what the next pass looks at */
    bool whole;
    const char **scope; /* names of devices, unsorted */
    size_t scope_count, scope_capacity;
    kedge_ms wake, audit; /* when a pass over the whole fleet is due; 0: never */
    bool dry;             /* a look ahead: commits come into force in memory alone */
    bool silent;          /* the first pass after a start: history knows what is held already */

    struct kedge_peer **issued; /* devices that got a new order in this step */
    size_t issued_count, issued_capacity;

    kedge_ms scan;      /* when peers are looked through for what has timed out */
    int64_t changed;    /* the store's, in manual mode */
    int64_t written;    /* the store's, when it was last asked who devices are */
    int64_t identified; /* revision of that knowledge */
    kedge_ms ask;       /* when it is asked again */
    bool unsettled;     /* it, or the commit, has changed since devices were settled by it */
    uint64_t version;   /* rises whenever a view could differ */
    uint8_t secret[KEDGE_SERVER_SECRET];
    struct kedge_counters counters;
    struct kedge_census *census; /* or NULL */
};

/* Brings what the store holds of devices into memory, once a commit is in force. */
int kedge_server_restore(struct kedge_server *server, kedge_ms now,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
/* One pass over the whole fleet, now: every released change is issued. */
int kedge_server_pass(struct kedge_server *server, kedge_ms now,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* Adds a device to what the next pass looks at. */
void kedge_server_mark(struct kedge_server *server, const char *name);
