/* SPDX-License-Identifier: Apache-2.0 */
/* The same server for one command, without threads or HTTP: a question about a store, a pass for
 * cron, a plan and its application. */
#pragma once

#include "serve.h"

struct kedge_once;

/* Opens store, mirror, key and server. `read_only`: nothing is written and no lock is taken, so a
 * daemon may run beside it. Otherwise KEDGE_CONFLICT where a reconciling daemon has the mirror. */
int kedge_once_open(const struct kedge_serve_options *options, bool read_only,
                    struct kedge_once **out, struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_once_close(struct kedge_once *once);
void kedge_once_auto(struct kedge_once **once);
struct kedge_server *kedge_once_server(struct kedge_once *once);

/* Fetches, takes the head, issues every released change: `kedge reconcile --once`. An invalid,
 * empty or rewritten head, or an unreachable repository, is the error returned; the last good
 * commit stays in force. Blocks on the network. */
int kedge_once_reconcile(struct kedge_once *once, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Fetches, and appends the plan for the head as a sealed file (seal.h); of a site that is read only,
 * for the commit in force. Nothing is issued, stored or recorded. The last call on `once`. */
int kedge_once_plan(struct kedge_once *once, struct kedge_buf *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Fetches, and issues exactly the sealed plan. KEDGE_CONFLICT when the commit or the inventory has
 * moved since: says which, and to plan again. */
int kedge_once_apply(struct kedge_once *once, struct kedge_slice sealed,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* Findings of the commit looked at last. Borrowed until the next call. */
const struct kedge_findings *kedge_once_findings(const struct kedge_once *once);
