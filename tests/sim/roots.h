/* SPDX-License-Identifier: Apache-2.0 */
/* The people who hold the root key: each version names another director. */
#pragma once

#include "wire/root.h"

#define SIM_ROOTS 64

struct sim_roots;

/* Version 1. `release` signs artifacts under all of them. */
struct sim_roots *sim_roots_new(const struct kedge_key *release, kedge_ms wall);
void sim_roots_free(struct sim_roots *roots);
/* One more version, with a new director; the former one is trusted by nobody who hears of it. */
void sim_roots_rotate(struct sim_roots *roots);
int64_t sim_roots_newest(const struct sim_roots *roots);
/* All files, version 1 first. */
const struct kedge_slice *sim_roots_files(const struct sim_roots *roots);
/* The director whom a version names. */
const struct kedge_key *sim_roots_director(const struct sim_roots *roots, int64_t version);
