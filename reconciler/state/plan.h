/* SPDX-License-Identifier: Apache-2.0 */
/* Changes with a decision each: released now, or held with a named blocker. */
#pragma once

#include "change.h"

/* Why a change is held. The same words in text, JSON, metrics labels. */
enum kedge_blocker {
    KEDGE_BLOCKER_NONE,
    KEDGE_BLOCKER_POLICY,      /* nobody who may change this signed it */
    KEDGE_BLOCKER_SUSPENDED,   /* deployment or device is suspended */
    KEDGE_BLOCKER_DEPENDENCY,  /* a deployment it depends on is not healthy on this device */
    KEDGE_BLOCKER_REQUIREMENT, /* arch, memory, accelerator, runtime or agent do not fit */
    KEDGE_BLOCKER_DISK,        /* old and new do not fit together */
    KEDGE_BLOCKER_ENTITLEMENT, /* the device's licence is missing or over */
    KEDGE_BLOCKER_STAGE,       /* draft, and policy wants ready */
    KEDGE_BLOCKER_UNSCANNED,   /* no clean scan is recorded, and policy wants it */
    KEDGE_BLOCKER_UNVALIDATED, /* no evaluation satisfies the SLA, and policy wants it */
    KEDGE_BLOCKER_UNSIGNED,    /* release signatures are missing: policy or the device wants them */
    KEDGE_BLOCKER_ROLLBACK,    /* the device has installed a higher release counter of the model */
    KEDGE_BLOCKER_WINDOW,      /* no maintenance window is open */
    KEDGE_BLOCKER_BUDGET,      /* destroy budget is used up */
    KEDGE_BLOCKER_FAILED,      /* this content failed on this device and was rolled back */
    KEDGE_BLOCKER_KEY,         /* the device has no public key: not enrolled */
    KEDGE_BLOCKER_IDENTITY,    /* something speaks against its being the device it says it is */
    KEDGE_BLOCKER_OFFLINE,     /* it has never reported; it is sent when it does */
    KEDGE_BLOCKER_COUNT
};
extern const struct kedge_words kedge_blocker_words; /* NULL, "suspended", "dependency", ... */

struct kedge_step {
    const struct kedge_change *change;
    enum kedge_blocker blocker; /* NONE: released */
    const char *why;            /* held: "deployment 'x' is suspended by ann: audit" */
    const char
        *frees;     /* held: what would free it: "at 2026-03-01T02:00:00Z", "a commit that ..." */
    kedge_ms until; /* held: when it frees itself; 0: not by time */
    uint32_t wave;  /* from 1: the depth of its dependencies */
};

struct kedge_plan {
    char commit[KEDGE_COMMIT_TEXT];
    struct kedge_digest inventory;  /* digest of the actual state it was made from */
    struct kedge_digest digest;     /* of the plan itself: commit, inventory and steps */
    const struct kedge_step *steps; /* as the changes are sorted */
    size_t count;
    size_t released, held;
    size_t blockers[KEDGE_BLOCKER_COUNT];
    kedge_ms wake; /* earliest `until` of all, 0: none: when to plan again */
};

#define KEDGE_PLAN_FORMAT "kedge.dev/plan/v1"

/* Stable JSON; members that do not apply are left out:
 *   {"format","commit","inventory","digest","summary":{"verbs":{"deploy":n,..},"drifted","devices",
 *   "unknown","released","held","blockers":{"window":n,..},"wake"},"changes":[STEP..],
 *   "drift":[STEP..]}
 *   STEP {"device","instance","verb","drift","from","to","reason","decision":"released"|"held",
 *   "wave","hold":{"blocker","why","frees","until"}} */
void kedge_plan_write(const struct kedge_plan *plan, const struct kedge_changes *changes,
                      struct kedge_json_writer *writer);
