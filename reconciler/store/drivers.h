/* SPDX-License-Identifier: Apache-2.0 */
/* The stores there are; store.c's table lists them. */
#pragma once

#include "kedge/store.h"

extern const struct kedge_store_ops kedge_store_memory_ops;
extern const struct kedge_store_ops kedge_store_sqlite_ops;
