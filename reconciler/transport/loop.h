/* SPDX-License-Identifier: Apache-2.0 */
/* "loop:": a server in the same process, for tests. */
#pragma once

#include "base/buf.h"
#include "kedge/transport.h"

/* What a server does; each as its namesake in kedge_transport_ops, told which device it is. */
struct kedge_loop_server {
    int (*exchange)(const char *device, struct kedge_slice report, kedge_ms wait, int cancel,
                    struct kedge_buf *envelope, struct kedge_transport_notes *notes, void *payload,
                    struct kedge_err *err);
    int (*root)(int64_t version, struct kedge_buf *out, void *payload, struct kedge_err *err);
};
/* The server of every "loop:" transport from now on, borrowed; NULL: it is away. */
void kedge_loop_listen(const struct kedge_loop_server *server, void *payload);
