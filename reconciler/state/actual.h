/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of every device: its last verified report, the one place where the loop closes, and
 * who it is. Owned by one thread, changed in place. */
#pragma once

#include "assignment.h"
#include "identity.h"
#include "report.h"

/* One device's row. Its strings live in `arena`, so a row is replaced and freed as a whole. */
struct kedge_actual_device {
    const char *name;
    struct kedge_report report;
    struct kedge_digest set; /* as kedge_assignment_set_digest over what is held intact, verified or
                                stopped as wanted */
    kedge_ms received;       /* our clock */
    uint8_t key[KEDGE_KEY_SIZE];      /* that signed the report */
    int64_t generation;               /* of the last envelope signed for it; 0: none */
    struct kedge_digest envelope_set; /* set digest that envelope authorised */
    struct kedge_strings
        authorised; /* instances that envelope authorised, sorted: tells destroy from extra */
    struct kedge_digest share; /* of the inventory; set by kedge_actual_put */
    struct kedge_arena arena;
};

/* Sorted by name; rows are owned. All-zero is empty. */
struct kedge_actual {
    struct kedge_actual_device **at;
    size_t count, capacity;
    uint64_t shares[KEDGE_DIGEST_SIZE / 8]; /* sums of all rows' shares */
    struct kedge_identities identities;
};

/* NULL when the device has never reported. Borrowed until the row is replaced. */
struct kedge_actual_device *kedge_actual_find(const struct kedge_actual *actual, const char *name);
/* Takes `row` (made by kedge_actual_device_new, sealed); an older row of that name is freed. A row
 * that is in already is put again once it was changed and sealed. O(log n), plus a move on insert.
 */
void kedge_actual_put(struct kedge_actual *actual, struct kedge_actual_device *row);
void kedge_actual_remove(struct kedge_actual *actual, const char *name);
void kedge_actual_release(struct kedge_actual *actual);
/* Digest of every row's name and set, as they were put: it tells whether the fleet has moved. Kept
 * up with each row, so it costs nothing to ask. */
struct kedge_digest kedge_actual_inventory(const struct kedge_actual *actual);

struct kedge_actual_device *kedge_actual_device_new(const char *name);
void kedge_actual_device_free(struct kedge_actual_device *row);
/* Sets `set` from the report. */
void kedge_actual_device_seal(struct kedge_actual_device *row);
