/* SPDX-License-Identifier: Apache-2.0 */
/* What a device says of itself: full state, never a delta. */
#pragma once

#include "base/json.h"
#include "spec.h"

enum kedge_health {
    KEDGE_HEALTH_UNKNOWN,
    KEDGE_HEALTH_HEALTHY,
    KEDGE_HEALTH_PROGRESSING,
    KEDGE_HEALTH_DEGRADED,
    KEDGE_HEALTH_MISSING
};
extern const struct kedge_words kedge_health_words; /* "Unknown", "Healthy", ... */

/* What the files on disk are, compared with what was installed. */
enum kedge_integrity {
    KEDGE_INTEGRITY_INTACT,
    KEDGE_INTEGRITY_MODIFIED,
    KEDGE_INTEGRITY_MISSING,
    KEDGE_INTEGRITY_EXTRA
};
extern const struct kedge_words
    kedge_integrity_words; /* "intact", "modified", "missing", "extra" */

enum kedge_action_state {
    KEDGE_ACTION_PENDING,
    KEDGE_ACTION_HELD,
    KEDGE_ACTION_SENT,
    KEDGE_ACTION_DOWNLOADING,
    KEDGE_ACTION_INSTALLING,
    KEDGE_ACTION_VERIFYING,
    KEDGE_ACTION_SUCCEEDED,
    KEDGE_ACTION_FAILED,
    KEDGE_ACTION_ROLLING_BACK,
    KEDGE_ACTION_ROLLED_BACK,
    KEDGE_ACTION_SUPERSEDED,
};
extern const struct kedge_words kedge_action_state_words;

/* One instance as it is on the device. */
struct kedge_reported {
    const char *instance; /* sorted by it */
    const char *deployment;
    const char *version;
    struct kedge_digest content; /* of the assignment it was installed from; zero for an extra */
    enum kedge_integrity integrity;
    enum kedge_run_state state;
    enum kedge_health health;
    bool verified;        /* its probe has passed since it was started (or it has none and runs) */
    const char *endpoint; /* "http://127.0.0.1:41001", or NULL */
    uint32_t restarts;
    const char *message; /* why it is not Healthy, or NULL */
};

/* Why a device does not install what its order names, though nothing has failed: it waits for
 * another order or another root. */
enum kedge_denial {
    KEDGE_DENIAL_NONE,
    KEDGE_DENIAL_UNSIGNED, /* too few release keys have signed the artifact */
    KEDGE_DENIAL_ROLLBACK, /* its release counter is below one that the device has installed */
};
extern const struct kedge_words kedge_denial_words; /* NULL, "unsigned", "release-rollback" */

/* What the agent is doing, or last did, about an instance of its set. */
struct kedge_progress {
    const char *instance;
    const char *version;         /* wanted; NULL for a destroy */
    struct kedge_digest content; /* of it; zero for a destroy */
    enum kedge_action_state state;
    enum kedge_code code; /* why it failed */
    enum kedge_denial denial;
    struct kedge_digest vouchers; /* kedge_assignment_vouchers of what was denied; else zero */
    const char *message;
    int64_t bytes; /* fetched so far */
};

/* An envelope that was not accepted. */
struct kedge_refusal {
    int64_t generation; /* as claimed; -1 unknown */
    enum kedge_code code;
    const char *reason; /* stable word: "replay", "wrong-device", "wrong-key", "expired", ... */
    const char *message;
    kedge_ms at;
};

struct kedge_report {
    const char *device;
    int64_t counter; /* strictly rising over the life of the device */
    /* Its place in the device's chain of evidence (wire/evidence.h). */
    int64_t link;                 /* of this report, or of the one that it upholds; from 1 */
    struct kedge_digest previous; /* of a link: the one before; zero for the first */
    struct kedge_digest upholds;  /* the link that still says how things are; zero: it is a link */
    struct kedge_digest self;     /* of the statement it was read from; not written */
    int64_t generation;           /* of the last envelope accepted; 0: none */
    struct kedge_digest envelope; /* of its bytes; zero: none */
    kedge_ms at;                  /* the device's clock */
    const char *agent;            /* version of the agent */
    struct kedge_capacity capacity;
    int64_t disk_free;             /* bytes */
    struct kedge_strings runtimes; /* drivers the agent has: "process", "files" */
    struct kedge_reported *instances;
    uint32_t instance_count;
    struct kedge_progress
        *progress; /* in flight, and failures that still stand (content that will not be retried) */
    uint32_t progress_count;
    struct kedge_refusal *refusal; /* the last one, or NULL */
    bool erased;  /* decommissioned: nothing is left of models, artifacts and logs */
    int64_t root; /* version of the root document in force; 0: keys named by hand */
    /* Why no newer root is followed, or NULL; its `generation` is the version. */
    struct kedge_refusal *root_refusal;
};

void kedge_report_write(const struct kedge_report *report, struct kedge_json_writer *writer);
/* Strict twin; counts and strings bounded; instances must be sorted and unique, and the place in the
 * chain must be one. Strings are copied into `arena`. */
int kedge_report_read(struct kedge_arena *arena, const json_t *json, struct kedge_report *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* What a link says: equal digests are equal states, whenever they are reported. What ticks is left
 * out: counter, time, place in the chain, free disk, and how much of a download is there. */
struct kedge_digest kedge_report_digest(const struct kedge_report *report);
/* Bytes fetched so far, of everything in flight. */
int64_t kedge_report_fetched(const struct kedge_report *report);
/* NULL when the device does not hold it. */
const struct kedge_reported *kedge_report_find(const struct kedge_report *report,
                                               const char *instance);
