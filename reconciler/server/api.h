/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP API: each request becomes a message to the work loop, each reply its answer.
 *
 *     POST /v1/devices/{name}/sync      a report; the answer is an order (200) or nothing (204);
 *                                       Prefer: wait=N holds it for up to N seconds
 *     POST /v1/enrol                    a request of wire/enrol.h; the answer is its reply (200), or
 *                                       {"waits","fingerprint"} until an operator approves it (202)
 *     POST /v1/devices/{name}/key       a rotation of wire/rotation.h; the answer is {"publicKey"}
 *     GET  /v1/root/{version}           a root document; GET /v1/root is the newest
 *     GET  /v1/blobs/sha256/{hex}       ?device=&exp=&sig= as the last Kedge-Blob-Grant said
 *     POST /v1/reconcile                asks for a pass now
 *     GET  /v1/status, /v1/devices, ... a view of view.h each
 *     GET  /healthz, /readyz, /metrics
 *
 * Only the first three write, and each is believed for its signatures alone. */
#pragma once

#include "base/mailbox.h"
#include "net/httpd.h"
#include "server.h"

struct kedge_api {
    struct kedge_mailbox *inbox;
    uint8_t secret[KEDGE_SERVER_SECRET];
    int blobs; /* folder; -1: none */
};

/* A message on its way to the work loop, with what it points at. */
struct kedge_api_mail {
    struct kedge_server_message message;
    struct kedge_view_query query;
    char commit[KEDGE_COMMIT_TEXT];
    struct kedge_err failure;
};

/* `api` is borrowed while it serves. */
int kedge_api_start(struct kedge_api *api, const char *listen, struct kedge_httpd **out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* The message of `mail`, pointing into it. */
const struct kedge_server_message *kedge_api_message(struct kedge_api_mail *mail);
/* Sends an ANSWER; its body is taken over. */
void kedge_api_answer(struct kedge_server_reply *reply);
