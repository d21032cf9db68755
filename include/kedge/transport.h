/* SPDX-License-Identifier: Apache-2.0 */
/* Port: how a device reaches its server. Drivers: "http:" and "https:" (POST of the report, the
 * answer is the envelope) and "loop:" (in memory, for tests).
 *
 * It carries bytes and knows nothing of them: what arrives is believed for its signature alone. */
#pragma once

#include "err.h"
#include "types.h"

struct kedge_buf; /* base/buf.h */

#define KEDGE_TRANSPORT_GRANT 256

struct kedge_transport_config {
    const char *url; /* of the server */
    const char *device;
    const char *ca_file; /* certificate authorities for https, or NULL: the system's */
};

/* What the answer says besides the envelope. */
struct kedge_transport_notes {
    char grant[KEDGE_TRANSPORT_GRANT]; /* for blobs; left alone when the server gives none */
    int64_t root; /* version of the newest root document that the server has; 0: it has none */
};

struct kedge_transport;

struct kedge_transport_ops {
    const char *scheme;
    int (*open)(const struct kedge_transport_config *config, struct kedge_transport **out,
                struct kedge_err *err);
    void (*close)(struct kedge_transport *self);
    /* Sends a report and appends the device's envelope to `envelope`, nothing where the server has
     * none to give. Blocks: the server may hold the answer for `wait` ms, and `cancel` (a
     * descriptor; 0: none) becoming readable ends the call soon. KEDGE_DENIED: it does not accept this device; KEDGE_UNAVAILABLE,
     * KEDGE_TIMEOUT: again later. */
    int (*exchange)(struct kedge_transport *self, struct kedge_slice report, kedge_ms wait,
                    int cancel, struct kedge_buf *envelope, struct kedge_transport_notes *notes,
                    struct kedge_err *err);
    /* Appends this version of the root document, of at most KEDGE_LIMIT_ROOT bytes. Blocks, not for
     * longer than half a minute. KEDGE_NOTFOUND: the server does not have it; KEDGE_LIMIT: it goes
     * on and on; KEDGE_UNAVAILABLE, KEDGE_TIMEOUT: again later. */
    int (*root)(struct kedge_transport *self, int64_t version, int cancel, struct kedge_buf *out,
                struct kedge_err *err);
};

/* Embedded first by every driver. */
struct kedge_transport {
    const struct kedge_transport_ops *ops;
};

/* Chooses the driver by the scheme of `config->url`. */
int kedge_transport_open(const struct kedge_transport_config *config, struct kedge_transport **out,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_transport_close(struct kedge_transport *transport);
