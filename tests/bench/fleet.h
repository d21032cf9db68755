/* SPDX-License-Identifier: Apache-2.0 */
/* The generated fleet: the same bytes on every machine. */
#pragma once

#include "bench.h"

#define FLEET_MODELS  50 /* with a ModelVersion and a Deployment each */
#define FLEET_MATCHES 10 /* deployments that match each device */
#define FLEET_LABELS  5

/* A packed bare repository with two commits on branch "main": `devices` Device manifests in folders
 * of 100, and the models; the second commit changes one device, so that it needs one more model.
 * Made when absent; *path is the caller's to free(). */
char *fleet_repository(const struct bench *bench, size_t devices);
/* 100,000, or 5,000 when quick. */
size_t fleet_size(const struct bench *bench);

/* Text of a manifest, as in the repository; the caller frees it. */
char *fleet_device(size_t index, bool canary);
