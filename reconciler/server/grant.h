/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: who may read blobs, and until when. The hub signs them for itself with a secret that
 * stays in its store; any thread may check one. */
#pragma once

#include "server.h"

/* "exp=<seconds>,sig=<hex>" for `device` until `expires`. */
void kedge_grant_write(const uint8_t secret[KEDGE_SERVER_SECRET], const char *device,
                       kedge_ms expires, char text[KEDGE_SERVER_GRANT]);
/* Are the two parts good for `device` now? In constant time. */
bool kedge_grant_check(const uint8_t secret[KEDGE_SERVER_SECRET], const char *device,
                       const char *expires, const char *signature, kedge_ms now);
