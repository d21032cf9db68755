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

struct kedge_transport;

struct kedge_transport_ops {
    const char *scheme;
    int (*open)(const struct kedge_transport_config *config, struct kedge_transport **out,
                struct kedge_err *err);
    void (*close)(struct kedge_transport *self);
    /* Sends a report and appends the device's envelope to `envelope`, nothing where the server has
     * none to give. Blocks: the server may hold the answer for `wait` ms, and `cancel` (a
     * descriptor; 0: none) becoming readable ends the call soon. `grant` is left alone when the
     * server gives none. KEDGE_DENIED: it does not accept this device; KEDGE_UNAVAILABLE,
     * KEDGE_TIMEOUT: again later. */
    int (*exchange)(struct kedge_transport *self, struct kedge_slice report, kedge_ms wait,
                    int cancel, struct kedge_buf *envelope, char grant[KEDGE_TRANSPORT_GRANT],
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
