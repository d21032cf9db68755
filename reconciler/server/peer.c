/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"

/* Where `name` is, or belongs. */
static size_t position(const struct kedge_peers *peers, const char *name, bool *found)
{
    size_t low = 0, high = peers->count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(peers->at[middle]->name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct kedge_peer *kedge_peer_find(const struct kedge_peers *peers, const char *name)
{
    bool found;
    size_t at = position(peers, name, &found);
    return found ? peers->at[at] : NULL;
}

struct kedge_peer *kedge_peer_add(struct kedge_peers *peers, const char *name)
{
    bool found;
    size_t at = position(peers, name, &found);
    if (found)
        return peers->at[at];
    if (peers->count == peers->capacity) {
        peers->capacity = peers->capacity ? 2 * peers->capacity : 64;
        peers->at = kedge_alloc_grow(peers->at, peers->capacity * sizeof(struct kedge_peer *));
    }
    memmove(peers->at + at + 1, peers->at + at, (peers->count - at) * sizeof(struct kedge_peer *));
    struct kedge_peer *peer = kedge_alloc_zeroed(sizeof *peer);
    peer->name = kedge_alloc_strdup(name);
    peers->at[at] = peer;
    peers->count++;
    return peer;
}

void kedge_peer_release(struct kedge_peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        free((char *)peers->at[i]->name);
        free(peers->at[i]);
    }
    free(peers->at);
    *peers = (struct kedge_peers){0};
}

bool kedge_peer_accepted(const struct kedge_peer *peer, const struct kedge_actual_device *row)
{
    return row && peer->generation > 0 && row->report.generation == peer->generation &&
           kedge_digest_equal(&row->report.envelope, &peer->order);
}

bool kedge_peer_deliverable(const struct kedge_peer *peer, const struct kedge_actual_device *row,
                            kedge_ms now)
{
    int64_t reported = row ? row->report.generation : 0;
    return peer->generation > reported && now < peer->expires;
}
