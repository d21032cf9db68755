/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of who devices are: tokens, requests that wait, keys that were enrolled or
 * are refused, devices that are to go. The server and the command line write here side by side, each
 * step of theirs one transaction.
 *
 * A device's way: a token is issued for its name, or its fingerprint is approved; its request brings
 * a key, which speaks for it from then on; a rotation replaces the key; it is dismissed, tells that
 * it has erased all it had, and its keys are refused for good. A new token makes it a fresh device.
 *
 * Nothing here can be used by who reads the store: tokens are hashes, keys are public. What
 * strangers can add is bounded: one waiting request for each declared device. */
#pragma once

#include "kedge/store.h"
#include "state/identity.h"
#include "wire/enrol.h"

#define KEDGE_ENROLMENT_PATIENCE 86400000LL /* ms: requests and approvals are forgotten after */

/* --- the operator's -------------------------------------------------------------------------- */

struct kedge_enrolment_token {
    const char *device;
    const char *hardware; /* it is bound to, or NULL */
    kedge_ms expires;
    const char *by; /* who issues it */
};

/* Stores the hash of a token that replaces any earlier one of the device, and gives the token.
 * KEDGE_CONFLICT while the device is being decommissioned. */
int kedge_enrolment_issue(struct kedge_store *store, const struct kedge_enrolment_token *what,
                          const struct kedge_digest *root, kedge_ms now, struct kedge_token *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;

/* A request without a token. Borrowed for the visit. */
struct kedge_enrolment_request {
    const char *device;
    const char *hardware; /* or NULL */
    struct kedge_public_key key;
    kedge_ms at;
};
typedef int kedge_enrolment_visit(const struct kedge_enrolment_request *request, void *payload);
int kedge_enrolment_each_request(struct kedge_store *store, kedge_ms now,
                                 kedge_enrolment_visit *visit, void *payload,
                                 struct kedge_err *err) KEDGE_MUST_CHECK;

/* Enrols the device whose waiting key has this fingerprint; *waited says that one did. Where none
 * waits, `ahead` lets in who comes with it within a day. KEDGE_DENIED: another fingerprint waits,
 * KEDGE_NOTFOUND: none does. */
int kedge_enrolment_approve(struct kedge_store *store, const char *device, const char *fingerprint,
                            bool ahead, const char *by, kedge_ms now, bool *waited,
                            struct kedge_err *err) KEDGE_MUST_CHECK;

/* Tells the device to go: it is LEAVING until it has said that all is erased. `at_once`, and where it
 * has no key to say it with, it is GONE and what `identities` and the manifest name as its keys is
 * refused from now on. KEDGE_EXISTS when it has gone already. */
int kedge_enrolment_dismiss(struct kedge_store *store, const struct kedge_identities *identities,
                            const struct kedge_device *device, bool at_once, const char *by,
                            kedge_ms now, struct kedge_err *err) KEDGE_MUST_CHECK;

/* --- the server's: within a transaction of its ------------------------------------------------ */

enum kedge_enrolment_verdict {
    KEDGE_ENROLMENT_WAITS,  /* for an operator */
    KEDGE_ENROLMENT_HOLDS,  /* this key spoke for the device before: the answer was lost */
    KEDGE_ENROLMENT_ENTERS, /* from now on it does */
};

/* Judges a verified request and stores what follows. `declared`: a commit in force names the device.
 * KEDGE_DENIED: the key is refused, or the token is used, over, another's or for other hardware.
 * KEDGE_NOTFOUND: without a token only declared devices may ask. KEDGE_UNAVAILABLE: too many wait. */
int kedge_enrolment_judge(struct kedge_store *store, const struct kedge_enrol_request *request,
                          const struct kedge_device *declared, kedge_ms now,
                          enum kedge_enrolment_verdict *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* The enrolled key of `device` becomes `after`. */
int kedge_enrolment_rotate(struct kedge_store *store, const struct kedge_identity *before,
                           const struct kedge_public_key *after, kedge_ms now,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* The order that tells a LEAVING device to erase all has this generation. */
int kedge_enrolment_farewell(struct kedge_store *store, const struct kedge_identity *row,
                             int64_t generation, struct kedge_err *err) KEDGE_MUST_CHECK;
/* All is erased: GONE, and its keys are refused. */
int kedge_enrolment_part(struct kedge_store *store, const struct kedge_identities *identities,
                         const struct kedge_device *device, kedge_ms now,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
/* A GONE device is a MEMBER again, because the manifest names a new key. */
int kedge_enrolment_return(struct kedge_store *store, const struct kedge_device *device,
                           kedge_ms now, struct kedge_err *err) KEDGE_MUST_CHECK;

/* --- reading ---------------------------------------------------------------------------------- */

/* All of it into `out`, whose holds stay. *revision changes with every write that calls for reading
 * again. */
int kedge_enrolment_read(struct kedge_store *store, struct kedge_identities *out, int64_t *revision,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
