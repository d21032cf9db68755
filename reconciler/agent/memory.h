/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent remembers over its death: one JSON object a record. A record takes effect by the
 * same function when it is read back at boot and when it has just become durable. */
#pragma once

#include "instance.h"

/* Appends the record to `out`. */
void kedge_memory_order(const struct kedge_agent_order *order, struct kedge_buf *out);
/* `file`: a root that follows the one in force. */
void kedge_memory_root(struct kedge_slice file, struct kedge_buf *out);
void kedge_memory_counter(int64_t end, struct kedge_buf *out);
/* The statement of a link: once this is durable it will be sent, and no other of its number. */
void kedge_memory_link(struct kedge_slice statement, struct kedge_buf *out);
/* Orders up to this generation were for who bore the device's name before. */
void kedge_memory_floor(int64_t generation, struct kedge_buf *out);
/* The instance is ours, and slots of it may lie on the disk from now on. */
void kedge_memory_own(const char *instance, struct kedge_buf *out);
void kedge_memory_activate(const char *instance, const struct kedge_digest *content,
                           uint32_t attempts, struct kedge_buf *out);
/* `members`: those whose wanted content has proven itself, confirmed together or not at all. */
void kedge_memory_confirm(struct kedge_agent_instance *const *members, size_t count,
                          struct kedge_buf *out);
void kedge_memory_fail(const struct kedge_agent_instance *instance, struct kedge_buf *out);
/* A release with this counter is about to be staged. */
void kedge_memory_release(const char *model, int64_t counter, struct kedge_buf *out);
void kedge_memory_removed(const char *instance, struct kedge_buf *out);

/* Makes the record true in `agent`. KEDGE_CORRUPT: it is not one of ours; nothing has changed. An
 * order that the keys trusted at that point of the journal do not verify is such a record, and so is
 * a root that does not follow the one before it. */
int kedge_memory_apply(struct kedge_agent *agent, struct kedge_slice record,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* Every record that gives the agent back. */
void kedge_memory_each(const struct kedge_agent *agent, kedge_agent_visit_record *visit,
                       void *payload);

/* Verifies and reads an envelope into `out`. */
enum kedge_order_refusal kedge_memory_admit(const struct kedge_agent *agent,
                                            struct kedge_slice envelope, kedge_ms now,
                                            struct kedge_agent_order *out, struct kedge_err *err);
void kedge_memory_release_order(struct kedge_agent_order *order);
