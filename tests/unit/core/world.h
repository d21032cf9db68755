/* SPDX-License-Identifier: Apache-2.0 */
/* A small fleet that can be edited at random: devices, versions, deployments. Objects are replaced,
 * never changed, as in revisions that share what they can. */
#pragma once

#include "lib/rng.h"
#include "state/actual.h"
#include "state/change.h"
#include "state/spec.h"

enum {
    WORLD_DEVICES = 40,
    WORLD_MODELS = 6,
    WORLD_VERSIONS = 4, /* of a model */
    WORLD_APPLICATIONS = 2,
    WORLD_DEPLOYMENTS = 8,
};

struct world {
    struct kedge_arena arena;
    struct kedge_rng rng;
    bool conflicts; /* deployments may claim the same instances */
    const struct kedge_device *devices[WORLD_DEVICES]; /* NULL: not there */
    const struct kedge_model *models[WORLD_MODELS];
    const struct kedge_model_version *versions[WORLD_MODELS * WORLD_VERSIONS];
    const struct kedge_application *applications[WORLD_APPLICATIONS];
    const struct kedge_deployment *deployments[WORLD_DEPLOYMENTS];
    const struct kedge_policy *policy; /* NULL: none */
    const struct kedge_window *window; /* NULL: none */
};

struct world world_make(uint64_t seed);
void world_release(struct world *world);
/* Replaces, adds or removes one object. */
void world_edit(struct world *world);
/* The revision as it stands, tables built from scratch. */
const struct kedge_specs *world_specs(struct world *world);

/* Rows for some of the devices and some that are not declared, holding right, wrong, broken and
 * foreign things. */
void world_actual(struct world *world, const struct kedge_desired *desired,
                  struct kedge_actual *actual);
/* What a device that obeys becomes. */
void world_apply(struct kedge_actual *actual, const struct kedge_change *change);
