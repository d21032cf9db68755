/* SPDX-License-Identifier: Apache-2.0 */
/* What every device must hold at one revision. Immutable; rows that did not change are shared with
 * the revision before. */
#pragma once

#include "assignment.h"

/* One deployment's assignment, made once and shared by every device it targets. */
struct kedge_desired_assignment {
    struct kedge_assignment assignment;
    struct kedge_slice json; /* as _write gives it: ready to be put in an envelope */
    const struct kedge_deployment *deployment;
    const struct kedge_object *source; /* the ModelVersion or Application it was made from */
    const struct kedge_model *model;   /* NULL: it is an application, or its Model is not there */
    const struct kedge_requires *requires; /* of the version */
    enum kedge_stage stage;
    /* What is other than at the revision before, of the same version, and the content it had then;
     * NULL: there is nothing to say. */
    const char *news; /* "secret 'TOKEN' changed" */
    struct kedge_digest before;
};

/* What one deployment puts on each of its targets. */
struct kedge_desired_deployment {
    const char *name; /* first: a table entry */
    const struct kedge_deployment *deployment;
    uint32_t count;
    const struct kedge_desired_assignment *assignments; /* sorted by instance */
};

struct kedge_desired_device {
    const char *name; /* first: a table entry */
    const struct kedge_device *device;
    struct kedge_digest set; /* kedge_assignment_set_digest of all */
    uint32_t count;
    const struct kedge_desired_assignment *assignments[]; /* sorted by instance */
};

/* What the repository says of one instance on a device, and policy does not let through. */
struct kedge_desired_refusal {
    const char *instance;
    const struct kedge_desired_assignment *kept;   /* in force instead; NULL: nothing */
    const struct kedge_desired_assignment *wanted; /* by the repository; NULL: nothing */
    const char *why, *frees;                       /* as of a plan's step */
};

struct kedge_desired_refused {
    const char *name; /* of the device; first: a table entry */
    uint32_t count;
    struct kedge_desired_refusal at[]; /* sorted by instance */
};

struct kedge_desired {
    const struct kedge_specs *specs;
    const struct kedge_table
        *devices; /* of struct kedge_desired_device: every Device of the revision */
    const struct kedge_table *deployments; /* of struct kedge_desired_deployment */
    size_t assignments;                    /* in all rows */
    const struct kedge_table *refused;     /* of struct kedge_desired_refused: beside the rows */
};
