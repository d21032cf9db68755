/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers of the transport port. */
#pragma once

#include "base/buf.h"
#include "kedge/transport.h"

extern const struct kedge_transport_ops kedge_transport_http_ops, kedge_transport_https_ops,
    kedge_transport_loop_ops;
