/* SPDX-License-Identifier: Apache-2.0 */
#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* The slot that holds the device, or the empty one where it belongs. */
static size_t find_slot(const struct kedge_roster *roster, const struct kedge_device *device)
{
    size_t mask = roster->slot_count - 1;
    /* Low bits of pointers are alike; Fibonacci hashing spreads them (Knuth 6.4). */
    size_t slot = (size_t)(((uint64_t)(uintptr_t)device * UINT64_C(11400714819323198485)) >> 32);
    for (slot &= mask; roster->slots[slot] != 0; slot = (slot + 1) & mask)
        if (roster->at[roster->slots[slot] - 1].device == device)
            break;
    return slot;
}

/* Twice as many slots as entries at the least. */
static void grow(struct kedge_roster *roster)
{
    roster->capacity = roster->capacity == 0 ? 64 : 2 * roster->capacity;
    roster->at = kedge_alloc_grow(roster->at, roster->capacity * sizeof *roster->at);
    free(roster->slots);
    roster->slot_count = 2 * roster->capacity;
    roster->slots = kedge_alloc_array(roster->slot_count, sizeof *roster->slots);
    for (size_t i = 0; i < roster->count; i++)
        roster->slots[find_slot(roster, roster->at[i].device)] = (uint32_t)i + 1;
}

uint32_t kedge_roster_add(struct kedge_roster *roster, const struct kedge_device *device,
                          bool fresh)
{
    if (roster->count == roster->capacity)
        grow(roster);
    size_t slot = find_slot(roster, device);
    if (roster->slots[slot] == 0) {
        uint32_t place = (uint32_t)roster->count++;
        roster->at[place] = (struct kedge_roster_entry){device, place, fresh};
        roster->slots[slot] = place + 1;
    }
    return roster->slots[slot] - 1;
}

static int compare(const void *left, const void *right)
{
    const struct kedge_roster_entry *a = left, *b = right;
    return strcmp(a->device->object.name, b->device->object.name);
}

void kedge_roster_sort(struct kedge_roster *roster)
{
    /* A fresh fleet is met in name order. */
    for (size_t i = 1; i < roster->count; i++) {
        if (compare(&roster->at[i - 1], &roster->at[i]) > 0) {
            qsort(roster->at, roster->count, sizeof *roster->at, compare);
            return;
        }
    }
}

void kedge_roster_release(struct kedge_roster *roster)
{
    free(roster->at);
    free(roster->slots);
    *roster = (struct kedge_roster){0};
}
