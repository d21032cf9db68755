/* SPDX-License-Identifier: Apache-2.0 */
/* Who may speak for a device: requests to enrol and to change a key, and what the command line has
 * written beside us. What speaks no more for a device is forgotten here. */
#pragma once

#include "enrolment.h"
#include "server.h"

/* Reads who devices are, once somebody else has written it. */
int kedge_admission_refresh(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
/* The same, whoever wrote it. Rows of reports that the device's key of now has not signed go. */
int kedge_admission_read(struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
/* A device that had gone, and for which a commit names a new key since, is taken in again. */
int kedge_admission_settle(struct kedge_server *server, kedge_ms now,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* The key that speaks for a device. KEDGE_DENIED says why none does, with the remedy. */
int kedge_admission_key(const struct kedge_server *server, const struct kedge_device *device,
                        const uint8_t **out, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Appends the answer to a request: the reply of enrol.h, or, while it waits for an operator,
 * {"waits":true,"fingerprint"}; *waits says which. One transaction. Fails as kedge_enrolment_judge
 * does, with KEDGE_UNAVAILABLE where this server cannot sign, and KEDGE_NOTFOUND where it does not
 * know the root that the device pins. */
int kedge_admission_enrol(struct kedge_server *server, struct kedge_slice envelope, kedge_ms now,
                          struct kedge_buf *out, bool *waits,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* Replaces an enrolled key and appends {"publicKey"}; so too when that was done before. KEDGE_DENIED
 * when the manifest names the key, or the rotation is not signed as it must be. */
int kedge_admission_rotate(struct kedge_server *server, const char *device,
                           struct kedge_slice envelope, kedge_ms now, struct kedge_buf *out,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
