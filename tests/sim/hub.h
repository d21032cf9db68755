/* SPDX-License-Identifier: Apache-2.0 */
/* The real server behind a network that loses, doubles, delays and reorders. */
#pragma once

#include "device.h"
#include "repository.h"

struct sim_hub;

struct sim_hub *sim_hub_new(struct sim_world *world, struct sim_repository *repository,
                            const struct sim_roots *roots);
/* The end of the server, as sim_device_end. */
void sim_hub_end(struct sim_hub *hub);
void sim_hub_free(struct sim_hub *hub);
void sim_hub_boot(struct sim_hub *hub);
/* Dies at once, with everything it was asked, and comes back from its store. */
void sim_hub_crash(struct sim_hub *hub);
/* Somebody has published a newer root. Whom it names signs from the next life of the server on; until then nobody does. */
void sim_hub_publish(struct sim_hub *hub);
/* A sim_exchange. */
void sim_hub_exchange(void *hub, struct sim_ticket ticket, const char *device,
                      struct kedge_slice report, kedge_ms wait, int64_t version);
/* Does the server think that the device is two? */
bool sim_hub_doubts(const struct sim_hub *hub, const char *device);
/* What is wrong with the chain of evidence that is kept of the device, or NULL; until the next call. */
const char *sim_hub_evidence(const struct sim_hub *hub, const char *device,
                             const struct kedge_public_key *key);
/* What the server says of itself, for a person. */
void sim_hub_print(struct sim_hub *hub);
