/* SPDX-License-Identifier: Apache-2.0 */
/* The stores there are; store.c's table lists them. */
#pragma once

#include "kedge/store.h"

extern const struct kedge_store_ops kedge_store_memory_ops;
extern const struct kedge_store_ops kedge_store_sqlite_ops;

/* What every driver says of a link that is there already, or not at all. */
int kedge_store_evidence_exists(const struct kedge_store_evidence *evidence, struct kedge_err *err);
int kedge_store_evidence_absent(const char *device, struct kedge_err *err);
