/* SPDX-License-Identifier: Apache-2.0 */
/* "loop:": a server in the same process, for tests. */
#pragma once

#include "base/buf.h"
#include "kedge/transport.h"

/* What a server does with a report; as kedge_transport_ops.exchange, told which device it is. */
typedef int kedge_loop_serve(const char *device, struct kedge_slice report, kedge_ms wait,
                             int cancel, struct kedge_buf *envelope,
                             char grant[KEDGE_TRANSPORT_GRANT], void *payload,
                             struct kedge_err *err);
/* The server of every "loop:" transport from now on; NULL: it is away. */
void kedge_loop_listen(kedge_loop_serve *serve, void *payload);
