/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of owned pointers between threads, with an eventfd for loops that poll. */
#pragma once

#include "kedge/types.h"

struct kedge_mailbox;

struct kedge_mailbox *kedge_mailbox_new(size_t capacity);
/* Messages still inside are the caller's loss: drain first. */
void kedge_mailbox_free(struct kedge_mailbox *box);
/* False when full or closed; the message stays the caller's. */
bool kedge_mailbox_put(struct kedge_mailbox *box, void *message);
/* Up to `limit` messages, oldest first; waits at most `wait` ms for the first (0: does not wait).
 * Returns how many. */
size_t kedge_mailbox_take(struct kedge_mailbox *box, void **messages, size_t limit, kedge_ms wait);
/* Wakes takers and refuses further puts. */
void kedge_mailbox_close(struct kedge_mailbox *box);
/* Readable while the box holds a message. Borrowed. */
int kedge_mailbox_fd(const struct kedge_mailbox *box);
