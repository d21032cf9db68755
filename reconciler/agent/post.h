/* SPDX-License-Identifier: Apache-2.0 */
/* One envelope to the server, outside of the exchange. */
#pragma once

#include "errand.h"

/* POSTs to `path` of the errand's server and appends what a status of 2xx brings, up to `limit`
 * bytes. The server's own words where it refuses; KEDGE_UNAVAILABLE, KEDGE_TIMEOUT: again later.
 * Blocks for half a minute at most. */
int kedge_post(const struct kedge_errand *errand, const char *path, struct kedge_slice envelope,
               size_t limit, int *status, struct kedge_buf *out,
               struct kedge_err *err) KEDGE_MUST_CHECK;
