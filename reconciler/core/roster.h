/* SPDX-License-Identifier: Apache-2.0 */
/* Devices met so far, each once, each with a number: its place. */
#pragma once

#include "state/spec.h"

struct kedge_roster_entry {
    const struct kedge_device *device;
    uint32_t place;
    bool fresh; /* new, or with other labels than before */
};

/* All-zero is empty. */
struct kedge_roster {
    struct kedge_roster_entry *at; /* in the order met, until sorted */
    size_t count, capacity;
    uint32_t *slots; /* open addressing by pointer: place + 1, or 0 */
    size_t slot_count;
};

/* The device's place; it is entered when it is met first. `fresh` counts then. */
uint32_t kedge_roster_add(struct kedge_roster *roster, const struct kedge_device *device,
                          bool fresh);
/* Orders `at` by name. Places stay; nothing is added afterwards. */
void kedge_roster_sort(struct kedge_roster *roster);
void kedge_roster_release(struct kedge_roster *roster);
