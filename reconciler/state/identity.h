/* SPDX-License-Identifier: Apache-2.0 */
/* Who a device is, beyond what its manifest says: the key it was enrolled with, whether it has been
 * decommissioned, and whether something speaks against its being the one it says it is. */
#pragma once

#include "spec.h"

/* Where a device stands on its way through the fleet. */
enum kedge_standing {
    KEDGE_STANDING_MEMBER,
    KEDGE_STANDING_LEAVING, /* told to erase what it has; not done yet */
    KEDGE_STANDING_GONE,    /* decommissioned: its key is refused, nothing is wanted of it */
};
extern const struct kedge_words kedge_standing_words; /* NULL, "decommissioning", ... */

/* One device's row; owned by the set, as are its strings. */
struct kedge_identity {
    const char *device;
    uint8_t key[KEDGE_KEY_SIZE];       /* it was enrolled with; all-zero: none */
    uint8_t previous[KEDGE_KEY_SIZE];  /* the one before the last rotation; all-zero: none */
    uint8_t (*former)[KEDGE_KEY_SIZE]; /* of enrolments before this one, the last first */
    uint32_t former_count;
    const char *hardware; /* id it gave then, or NULL */
    kedge_ms enrolled;    /* when; 0: never */
    enum kedge_standing standing;
    kedge_ms left;    /* when it was told to go, or was sent off */
    int64_t farewell; /* LEAVING: generation of the order that says so; 0: none is signed yet */
    const char *hold; /* why nothing is sent to it although it is a member, or NULL */
    const char *frees;
};

/* Sorted by device; keys that are refused whoever names them, sorted. All-zero is empty. */
struct kedge_identities {
    struct kedge_identity **at;
    size_t count, capacity;
    uint8_t (*refused)[KEDGE_KEY_SIZE];
    size_t refused_count;
};

/* NULL when nothing is known of it beyond its manifest. Borrowed until it is removed. */
struct kedge_identity *kedge_identity_find(const struct kedge_identities *identities,
                                           const char *device);
/* Finds or makes. */
struct kedge_identity *kedge_identity_add(struct kedge_identities *identities, const char *device);
/* Replaces a text of a row by a copy; `value` may be NULL. */
void kedge_identity_text(const char **text, const char *value);
void kedge_identity_refuse(struct kedge_identities *identities, const uint8_t key[KEDGE_KEY_SIZE]);
bool kedge_identity_refuses(const struct kedge_identities *identities,
                            const uint8_t key[KEDGE_KEY_SIZE]);
void kedge_identity_release(struct kedge_identities *identities);

/* LEAVING or GONE: deployments do not count it. */
bool kedge_identity_leaves(const struct kedge_identities *identities, const char *device);

enum kedge_key_origin {
    KEDGE_KEY_NONE,     /* neither the manifest nor an enrolment names one */
    KEDGE_KEY_REFUSED,  /* one is named, and it is decommissioned */
    KEDGE_KEY_MANIFEST, /* spec.publicKey */
    KEDGE_KEY_ENROLLED,
};
extern const struct kedge_words kedge_key_origin_words; /* "none", "refused", "manifest", ... */

/* The key that speaks for `device` now: the manifest's if it names one, else the enrolled one. A
 * refused key counts as none. Gives NULL where there is none; `origin` may be NULL. This is the only
 * place that knows. */
const uint8_t *kedge_identity_key(const struct kedge_identities *identities,
                                  const struct kedge_device *device, enum kedge_key_origin *origin);
