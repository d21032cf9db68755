/* SPDX-License-Identifier: Apache-2.0 */
#include "roots.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

#define YEAR (365 * 86400000LL)

struct sim_roots {
    struct kedge_key *holder;
    const struct kedge_key *release;
    kedge_ms expires;
    struct kedge_key *directors[SIM_ROOTS];
    struct kedge_buf texts[SIM_ROOTS];
    struct kedge_slice files[SIM_ROOTS];
    int64_t newest;
};

static struct kedge_root_signers one(const struct kedge_key *key)
{
    struct kedge_root_signers signers = {.count = 1, .threshold = 1};
    signers.keys[0] = kedge_key_public(key);
    return signers;
}

void sim_roots_rotate(struct sim_roots *roots)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_err err;
    int64_t at = roots->newest;

    if (at == SIM_ROOTS)
        return;
    roots->directors[at] = kedge_key_from_seed((const uint8_t[32]){'d', (uint8_t)at});
    const struct kedge_root root = {
        .version = at + 1,
        .expires = roots->expires,
        .roles = {one(roots->holder), one(roots->directors[at]), one(roots->release)},
    };
    if (kedge_root_write(&root, &file, &err) ||
        kedge_root_sign(NULL, kedge_buf_slice(&file), roots->holder, &roots->texts[at], &err)) {
        fprintf(stderr, "sim: %s\n", err.msg);
        abort();
    }
    roots->files[at] = kedge_buf_slice(&roots->texts[at]);
    roots->newest++;
}

struct sim_roots *sim_roots_new(const struct kedge_key *release, kedge_ms wall)
{
    static const uint8_t seed[32] = "whoever holds the root";
    struct sim_roots *roots = kedge_alloc_zeroed(sizeof(*roots));

    roots->holder = kedge_key_from_seed(seed);
    roots->release = release;
    roots->expires = wall + YEAR;
    sim_roots_rotate(roots);
    return roots;
}

void sim_roots_free(struct sim_roots *roots)
{
    for (int64_t i = 0; i < roots->newest; i++) {
        kedge_key_free(roots->directors[i]);
        kedge_buf_release(&roots->texts[i]);
    }
    kedge_key_free(roots->holder);
    free(roots);
}

int64_t sim_roots_newest(const struct sim_roots *roots)
{
    return roots->newest;
}

const struct kedge_slice *sim_roots_files(const struct sim_roots *roots)
{
    return roots->files;
}

const struct kedge_key *sim_roots_director(const struct sim_roots *roots, int64_t version)
{
    return roots->directors[version - 1];
}
