/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of root documents that the server hands out, and what follows from the newest for what
 * it signs itself.
 *
 * The server holds no authority over roots: each device judges every version for itself. They are
 * judged here too, so that a mistake is refused once, where people see it, and not by every device;
 * the chain before it is handed out on. */
#pragma once

#include "peer.h"
#include "server.h"
#include "wire/root.h"

#define KEDGE_ROOTS_WARN                                                                           \
    (30 * 86400000LL) /* ms before the newest expires: it is time to renew it */

struct kedge_roots {
    struct kedge_buf *files; /* of versions newest.version - count + 1 up to the newest */
    size_t count;
    struct kedge_root newest; /* version 0: there are none */
    struct {
        int64_t version;
        const char *reason; /* "unsigned", "gap", ...; NULL: none */
        struct kedge_err err;
    } refused; /* the last file that was not taken */
    bool news; /* there is a newer one since the last answers */
};

/* Takes the chain of the options: the first is believed because the operator put it there, and each
 * further one must follow the one before it. KEDGE_INVALID, KEDGE_DENIED: the first is not good. A
 * later one that is not is remembered as refused. */
int kedge_roots_open(struct kedge_server *server, kedge_ms now,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_roots_release(struct kedge_roots *roots);
/* Takes the next version, or remembers why not, and tells history and the log. */
void kedge_roots_offer(struct kedge_server *server, struct kedge_slice file, kedge_ms now);
/* What was refused is not offered any more: nothing is wrong with the chain. */
void kedge_roots_withdraw(struct kedge_server *server);

/* The file of a version, 0 being the newest; empty when it is not held. Borrowed until a newer one
 * is taken. The chain from version V on is that of V, V + 1, ... until it is empty. */
struct kedge_slice kedge_roots_file(const struct kedge_server *server, int64_t version);
/* Would devices that follow the newest root believe what is signed here? 0 also without roots, and
 * where nothing is signed. KEDGE_DENIED says what to do. */
int kedge_roots_permit(const struct kedge_server *server, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Whose orders are good: directors of the newest root, or without one our own key, for which `own`
 * is the room. */
struct kedge_envelope_trust kedge_roots_directors(const struct kedge_server *server,
                                                  struct kedge_public_key *own);
/* Does an order bear the mark of such a director? By its key id, which anybody could write: good
 * enough to know whether to sign it anew. */
bool kedge_roots_signed(const struct kedge_server *server, struct kedge_slice envelope);
/* Does the device follow roots, and could it follow further now? */
bool kedge_roots_behind(const struct kedge_server *server, const struct kedge_report *report);
