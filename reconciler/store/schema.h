/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a SQLite store, and how an older store becomes a newer one. */
#pragma once

#include <sqlite3.h>

#include "kedge/err.h"

/* "kedg": says in the file's header whose it is (`file` shows it). */
#define KEDGE_SCHEMA_APPLICATION 0x6b656467

/* Brings an empty or older database up to date in one transaction. KEDGE_CORRUPT: not a store of
 * ours, or a newer kedge's; the file is then untouched. KEDGE_CONFLICT: older, and read_only. */
int kedge_schema_upgrade(sqlite3 *db, const char *path, bool read_only,
                         struct kedge_err *err) KEDGE_MUST_CHECK;
