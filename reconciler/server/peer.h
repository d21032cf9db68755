/* SPDX-License-Identifier: Apache-2.0 */
/* What the server knows of a device besides its report: the order that lies ready for it, and when
 * it was last heard. */
#pragma once

#include "state/actual.h"
#include "wire/chain.h"

struct kedge_peer {
    const char *name;

    /* the order in the store; generation 0: none */
    int64_t generation;
    kedge_ms issued, expires;  /* 0: it was for who bore the name before, and is void */
    struct kedge_digest order; /* of its bytes */
    bool revoked;              /* whoever signed it is no director (any more): it is signed anew */

    /* the last report */
    struct kedge_digest evidence;         /* of its bytes: the same bytes again are no replay */
    struct kedge_digest content;          /* of what it says, counter and time apart */
    struct kedge_actual_device *incoming; /* verified in this step, not yet durable; else NULL */
    kedge_ms complained;                  /* when a refused report was last recorded */
    kedge_ms knocked;                     /* ... and a refused request to enrol */

    /* the end of its chain of evidence (proof.h) */
    bool chain_known; /* it was read from the store */
    int64_t chain;    /* number; 0: there is none */
    struct kedge_chain_head head;
    uint8_t chain_key[KEDGE_KEY_PUBLIC]; /* that signed it */

    /* the exchange */
    uint64_t held;     /* who waits for an order; 0: nobody */
    kedge_ms deadline; /* of that wait */
    kedge_ms seen, wait;
    bool online;

    struct kedge_digest holds; /* the held changes that history knows */
    bool dirty;                /* to be planned in this step */
};

/* Sorted by name; entries are owned and stay where they are. All-zero is empty. */
struct kedge_peers {
    struct kedge_peer **at;
    size_t count, capacity;
};

/* NULL when the device is not known. O(log n). */
struct kedge_peer *kedge_peer_find(const struct kedge_peers *peers, const char *name);
/* Finds or makes. */
struct kedge_peer *kedge_peer_add(struct kedge_peers *peers, const char *name);
void kedge_peer_release(struct kedge_peers *peers);

/* The device has taken the stored order. `row` may be NULL: it never reported. */
bool kedge_peer_accepted(const struct kedge_peer *peer, const struct kedge_actual_device *row);
/* The device would take the stored order: it is newer than the one it has, and good. */
bool kedge_peer_deliverable(const struct kedge_peer *peer, const struct kedge_actual_device *row,
                            kedge_ms now);
