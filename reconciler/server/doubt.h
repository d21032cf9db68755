/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of which something says that they are two (wire/evidence.h), or were set back: nothing is
 * sent to them until a person has decided. Kept in the store with the proof: the report that does
 * not fit, beside the link that is kept. */
#pragma once

#include "kedge/store.h"
#include "state/identity.h"

struct kedge_doubt {
    const char *device;
    kedge_ms at;
    int64_t link, counter;       /* of the report that does not fit */
    struct kedge_digest kept;    /* the link of that number, or the last, that is kept */
    struct kedge_digest sent;    /* the report that does not fit */
    uint8_t key[KEDGE_KEY_SIZE]; /* both were signed with */
    kedge_ms settled;            /* a person has decided; 0: not yet */
    const char *by;              /* who */
};

#define KEDGE_DOUBT_COLLECTION "doubt" /* device ─▶ struct kedge_doubt as JSON */
#define KEDGE_DOUBT_PROOF      "proof" /* device ─▶ the envelope of the report that does not fit */

/* Stores the doubt and its proof. Within a transaction. */
int kedge_doubt_raise(struct kedge_store *store, const struct kedge_doubt *doubt,
                      struct kedge_slice proof, struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_NOTFOUND: nothing is doubted. `by` lives in `arena`. */
int kedge_doubt_get(struct kedge_store *store, const char *device, struct kedge_arena *arena,
                    struct kedge_doubt *out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* What follows is that device from now on. Within a transaction; fine when there is no doubt. */
int kedge_doubt_drop(struct kedge_store *store, const char *device,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* Operator: whoever reports next with the device's key is the device, and its chain may begin anew.
 * Any process may do it, as one transaction. KEDGE_NOTFOUND: nothing is doubted. */
int kedge_doubt_settle(struct kedge_store *store, const char *device, const char *by, kedge_ms now,
                       struct kedge_err *err) KEDGE_MUST_CHECK;

/* The hold that plans, status and explain show, set or (`doubt` NULL) lifted. */
void kedge_doubt_show(struct kedge_identities *identities, const char *device,
                      const struct kedge_doubt *doubt);
/* All that the store knows of, shown. */
int kedge_doubt_restore(struct kedge_store *store, struct kedge_identities *identities,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
