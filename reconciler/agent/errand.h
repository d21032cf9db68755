/* SPDX-License-Identifier: Apache-2.0 */
/* What a person has the device do once, beside the agent that runs all the time: join the fleet,
 * change its key. Each can be cut off at any instant and be repeated. */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"
#include "wire/keyfile.h"

#define KEDGE_ERRAND_KEY  "device.key" /* in the state folder, unless another is named */
#define KEDGE_ERRAND_NEXT ".next"      /* behind the key's name: the one that shall replace it */
#define KEDGE_ERRAND_CONF "agent.conf" /* in the state folder: what joining has taught */

struct kedge_errand {
    const char *server, *device, *state_dir;
    const char *key;             /* its file; NULL: KEDGE_ERRAND_KEY in the state folder */
    const char *passphrase_file; /* of a sealed key, or NULL */
    const char *ca_file;         /* or NULL */

    /* to join */
    const char *token;       /* as 'kedge device enroll' has shown it; or NULL */
    const char *root_digest; /* without a token: the root that a person says is the fleet's */
    const char *hardware;    /* or NULL */
    kedge_ms patience;       /* for an operator to approve, and a server to come back */
    /* Once, when it turns out that somebody has to approve this fingerprint. */
    void (*waits)(const char *fingerprint);
};

/* Makes the key where there is none yet, asks the server, checks what it says against the pinned
 * root, and leaves root.json and agent.conf in the state folder. KEDGE_CONFLICT: an agent works
 * there. KEDGE_TIMEOUT: nobody has approved it in time; the request stays, repeat it. Blocks. */
int kedge_errand_join(const struct kedge_errand *errand, char fingerprint[KEDGE_KEY_PRINT],
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* Makes a new key beside the old one, has the server replace the enrolled one, and puts the new one
 * in its place. Between the two the device has both, and a running agent finds out which of them the
 * server takes (kedge_errand_other). What was sealed for the old key cannot be opened with the new
 * one. Blocks. */
int kedge_errand_rotate(const struct kedge_errand *errand, char fingerprint[KEDGE_KEY_PRINT],
                        struct kedge_err *err) KEDGE_MUST_CHECK;

/* Is there a key? One that a signer holds is. */
bool kedge_errand_has_key(const char *path);
int kedge_errand_load(const struct kedge_errand *errand, const char *path, struct kedge_key **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* A new one in a new file, sealed where there is a passphrase. */
int kedge_errand_make(const struct kedge_errand *errand, const char *path, struct kedge_key **out,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* A key of the device's files, the one in its place first, that is not `current`; NULL: there is
 * none. *next: it is the one that waits to take the place. */
int kedge_errand_other(const struct kedge_errand *errand, const struct kedge_public_key *current,
                       struct kedge_key **out, bool *next, struct kedge_err *err) KEDGE_MUST_CHECK;
bool kedge_errand_has_other(const struct kedge_errand *errand, const struct kedge_key *current);
/* Puts the key that waits in its place; fine when none does. */
int kedge_errand_settle(const struct kedge_errand *errand, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Removes the key of a device that is decommissioned, and then what goes with it in the state folder
 * `state`: without the key nothing else matters. */
int kedge_errand_forget(const struct kedge_errand *errand, int state,
                        struct kedge_err *err) KEDGE_MUST_CHECK;

/* Appends the path of the key's file. */
void kedge_errand_key_path(const struct kedge_errand *errand, struct kedge_buf *out);
