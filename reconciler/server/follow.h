/* SPDX-License-Identifier: Apache-2.0 */
/* Following a Git repository: when to ask for its head, and what its answers mean. */
#pragma once

#include "server.h"

/* Is it time for a FETCH? Then one counts as being out. */
bool kedge_follow_due(struct kedge_server *server, kedge_ms now);
/* Ask now; when a FETCH is out, again after it: it may have seen what was there before. */
void kedge_follow_hurry(struct kedge_server *server, kedge_ms now);
/* A FETCH ended: the head comes into force, or is refused and fails as cycle.h says. */
int kedge_follow_take(struct kedge_server *server, const char *commit, kedge_ms now,
                      struct kedge_err *err);
/* A FETCH failed: the last good commit stays; history is told when it begins and when it ends. */
void kedge_follow_lose(struct kedge_server *server, const struct kedge_err *why, kedge_ms now);
