/* SPDX-License-Identifier: Apache-2.0 */
/* One difference between desired and actual, with its reason. */
#pragma once

#include "actual.h"
#include "desired.h"

enum kedge_verb {
    KEDGE_VERB_DEPLOY,
    KEDGE_VERB_UPDATE,
    KEDGE_VERB_DESTROY,
    KEDGE_VERB_START,
    KEDGE_VERB_STOP,
    KEDGE_VERB_COUNT
};
extern const struct kedge_words kedge_verb_words; /* "deploy", ... */

enum kedge_drift { KEDGE_DRIFT_NONE, KEDGE_DRIFT_MODIFIED, KEDGE_DRIFT_MISSING, KEDGE_DRIFT_EXTRA };
extern const struct kedge_words kedge_drift_words; /* NULL, "modified", "missing", "extra" */

struct kedge_change {
    const char *device, *instance;
    enum kedge_verb verb;
    enum kedge_drift drift;                      /* NONE: Git moved; else the device did */
    const char *from, *to;                       /* versions; NULL where there is none */
    const struct kedge_desired_assignment *want; /* NULL for destroy */
    const struct kedge_reported *have;           /* NULL for deploy */
    const struct kedge_desired_device *desired;  /* NULL: the device has left the manifests */
    const struct kedge_actual_device *actual;    /* NULL: it never reported */
    const struct kedge_desired_refusal *refused; /* held by policy, else NULL */
    const char *reason; /* for people: "version 1.1.0 is wanted, 1.0.0 is held" */
};

/* Sorted by device, then instance. Lives in the pass arena. */
struct kedge_changes {
    const struct kedge_change *at;
    size_t count;
    size_t verbs[KEDGE_VERB_COUNT]; /* how many of each, drift included */
    size_t drifted;
    size_t devices; /* with at least one change */
    size_t unknown; /* devices that never reported: nothing is known of them */
};
