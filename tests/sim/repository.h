/* SPDX-License-Identifier: Apache-2.0 */
/* A line of commits as values, and the fleet they declare: three deployments over devices of three sites. What a commit
 * declares is kept beside its text, so that a test knows what must come of it without asking kedge. */
#pragma once

#include "server/server.h"
#include "wire/release.h"
#include "world.h"

#define SIM_MODELS 3
#define SIM_SITES  3

struct sim_deployment {
    bool present, running;
    unsigned version; /* index into sim_versions */
    unsigned sites;   /* bit n: devices of site n */
};

/* One can be fetched and started, but its probe never passes; one has no signature of a release key. */
extern const char *const sim_versions[];
#define SIM_VERSIONS 4
#define SIM_BAD      2
#define SIM_UNSIGNED 3

struct sim_fleet {
    struct sim_deployment deployments[SIM_MODELS];
    unsigned char *sites; /* of each device */
    size_t devices;
};

struct sim_repository;

/* `keys` are the devices' public keys; device n is named "device-<n>". `release` signs versions. */
struct sim_repository *sim_repository_new(struct sim_world *world,
                                          const struct kedge_public_key *keys, size_t devices,
                                          const struct kedge_key *release);
/* BLAKE2b-512 of the artifact of a version. */
void sim_repository_hash(const char *model, const char *version, uint8_t hash[KEDGE_RELEASE_HASH]);
void sim_repository_free(struct sim_repository *repository);
/* Commits a random change of the fleet; a share of commits is broken, and one of those is never in force. */
void sim_repository_commit(struct sim_repository *repository);
/* A last commit that is valid. */
void sim_repository_settle(struct sim_repository *repository);
/* Id of the newest commit. Borrowed. */
const char *sim_repository_head(const struct sim_repository *repository);
/* What the newest valid commit declares. */
const struct sim_fleet *sim_repository_fleet(const struct sim_repository *repository);
struct kedge_server_revisions sim_repository_revisions(struct sim_repository *repository);
