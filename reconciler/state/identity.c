/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/table.h"

const struct kedge_words kedge_standing_words =
    KEDGE_WORDS([KEDGE_STANDING_MEMBER] = NULL, [KEDGE_STANDING_LEAVING] = "decommissioning",
                [KEDGE_STANDING_GONE] = "decommissioned");

const struct kedge_words kedge_key_origin_words =
    KEDGE_WORDS([KEDGE_KEY_NONE] = "none", [KEDGE_KEY_REFUSED] = "refused",
                [KEDGE_KEY_MANIFEST] = "manifest", [KEDGE_KEY_ENROLLED] = "enrolled");

struct kedge_identity *kedge_identity_find(const struct kedge_identities *identities,
                                           const char *device)
{
    bool found;
    size_t at = kedge_table_locate(identities->at, identities->count, device, &found);
    return found ? identities->at[at] : NULL;
}

struct kedge_identity *kedge_identity_add(struct kedge_identities *identities, const char *device)
{
    bool found;
    size_t at = kedge_table_locate(identities->at, identities->count, device, &found);
    if (found)
        return identities->at[at];
    if (identities->count == identities->capacity) {
        identities->capacity = identities->capacity ? 2 * identities->capacity : 16;
        identities->at = kedge_alloc_grow(identities->at,
                                          identities->capacity * sizeof(struct kedge_identity *));
    }
    memmove(identities->at + at + 1, identities->at + at,
            (identities->count - at) * sizeof(struct kedge_identity *));
    struct kedge_identity *row = kedge_alloc_zeroed(sizeof *row);
    row->device = kedge_alloc_strdup(device);
    identities->at[at] = row;
    identities->count++;
    return row;
}

void kedge_identity_text(const char **text, const char *value)
{
    char *copy = value ? kedge_alloc_strdup(value) : NULL;
    free((char *)*text);
    *text = copy;
}

/* Where `key` is, or belongs, among the refused. */
static size_t locate_refused(const struct kedge_identities *identities,
                             const uint8_t key[KEDGE_KEY_SIZE], bool *found)
{
    size_t low = 0, high = identities->refused_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(identities->refused[middle], key, KEDGE_KEY_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < identities->refused_count &&
             memcmp(identities->refused[low], key, KEDGE_KEY_SIZE) == 0;
    return low;
}

void kedge_identity_refuse(struct kedge_identities *identities, const uint8_t key[KEDGE_KEY_SIZE])
{
    bool found;
    size_t at = locate_refused(identities, key, &found);
    if (found)
        return;
    size_t count = identities->refused_count++;
    identities->refused =
        kedge_alloc_grow(identities->refused, (count + 1) * sizeof *identities->refused);
    memmove(identities->refused + at + 1, identities->refused + at,
            (count - at) * sizeof *identities->refused);
    memcpy(identities->refused[at], key, KEDGE_KEY_SIZE);
}

bool kedge_identity_refuses(const struct kedge_identities *identities,
                            const uint8_t key[KEDGE_KEY_SIZE])
{
    bool found;
    (void)locate_refused(identities, key, &found);
    return found;
}

void kedge_identity_release(struct kedge_identities *identities)
{
    for (size_t i = 0; i < identities->count; i++) {
        struct kedge_identity *row = identities->at[i];
        const char *const texts[] = {row->device, row->hardware, row->hold, row->frees};
        for (size_t k = 0; k < KEDGE_COUNT(texts); k++)
            free((char *)texts[k]);
        free(row->former);
        free(row);
    }
    free(identities->at);
    free(identities->refused);
    *identities = (struct kedge_identities){0};
}

bool kedge_identity_leaves(const struct kedge_identities *identities, const char *device)
{
    const struct kedge_identity *row = kedge_identity_find(identities, device);
    return row && row->standing != KEDGE_STANDING_MEMBER;
}

static bool is_key(const uint8_t key[KEDGE_KEY_SIZE])
{
    static const uint8_t none[KEDGE_KEY_SIZE];
    return memcmp(key, none, sizeof none) != 0;
}

const uint8_t *kedge_identity_key(const struct kedge_identities *identities,
                                  const struct kedge_device *device, enum kedge_key_origin *origin)
{
    const struct kedge_identity *row = kedge_identity_find(identities, device->object.name);
    const struct {
        const uint8_t *key;
        enum kedge_key_origin origin;
    } keys[] = {{device->public_key, KEDGE_KEY_MANIFEST},
                {row ? row->key : NULL, KEDGE_KEY_ENROLLED}};
    enum kedge_key_origin found = KEDGE_KEY_NONE;
    const uint8_t *key = NULL;
    for (size_t i = 0; !key && i < KEDGE_COUNT(keys); i++) {
        if (!keys[i].key || !is_key(keys[i].key))
            continue;
        bool refused = kedge_identity_refuses(identities, keys[i].key);
        found = refused ? KEDGE_KEY_REFUSED : keys[i].origin;
        key = refused ? NULL : keys[i].key;
    }
    if (origin)
        *origin = found;
    return key;
}
