/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/table.h"

struct kedge_peer *kedge_peer_find(const struct kedge_peers *peers, const char *name)
{
    bool found;
    size_t at = kedge_table_locate(peers->at, peers->count, name, &found);
    return found ? peers->at[at] : NULL;
}

struct kedge_peer *kedge_peer_add(struct kedge_peers *peers, const char *name)
{
    bool found;
    size_t at = kedge_table_locate(peers->at, peers->count, name, &found);
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
    return peer->generation > reported && now < peer->expires && !peer->revoked;
}
