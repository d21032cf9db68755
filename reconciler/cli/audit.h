/* SPDX-License-Identifier: Apache-2.0 */
/* Walks chains of evidence as they are kept, in a store or in an exported file, and judges each
 * (wire/chain.h). Memory is bounded by the number of devices, not of links, apart from eight bytes
 * each. */
#pragma once

#include "kedge/store.h"
#include "state/identity.h"
#include "wire/chain.h"

/* Whose keys count. */
struct kedge_audit_keys {
    const struct kedge_specs *specs;           /* manifests in force, or NULL */
    const struct kedge_identities *identities; /* what was enrolled, or NULL */
    const struct kedge_audit_key {
        const char *device;
        struct kedge_public_key key;
    } * given; /* by hand */
    size_t given_count;
};

/* Results, sorted by device. Release it. */
struct kedge_audit {
    struct kedge_audit_row {
        struct kedge_chain_walk walk;
        kedge_ms *received; /* of its links, as they come */
        size_t capacity;
        bool ended;
    } * at;
    size_t count, capacity;
    size_t links, broken;
    struct kedge_arena arena;
};
void kedge_audit_release(struct kedge_audit *audit);
void kedge_audit_auto(struct kedge_audit *audit);

/* All chains of the store, or those of `devices`; what history claims is compared with them.
 * KEDGE_NOTFOUND: nothing is kept of one of them. */
int kedge_audit_store(struct kedge_store *store, const struct kedge_audit_keys *keys,
                      const char *const *devices, size_t device_count, struct kedge_audit *out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;

/* An exported file: lines of JSON, a link each, then the device's last report:
 *   {"device","chain","link","counter","received","digest","key","envelope"}
 *   {"device","received","report"}
 * Appends what is kept of a device. KEDGE_NOTFOUND: nothing is. */
int kedge_audit_export(struct kedge_store *store, const char *device, struct kedge_buf *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_INVALID names the line that is none of these. */
int kedge_audit_file(struct kedge_slice file, const struct kedge_audit_keys *keys,
                     struct kedge_audit *out, struct kedge_err *err) KEDGE_MUST_CHECK;
