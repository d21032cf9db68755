/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones: the rules of an IANA zone, read from its TZif file (RFC 8536, version 2 and later)
 * with the POSIX rule in its footer for the years behind the table. */
#pragma once

#include "base/arena.h"
#include "kedge/err.h"

struct kedge_zone;

/* Reads the IANA zone's rules from the system's time-zone files; "UTC" always works. Blocks on a
 * small file. KEDGE_INVALID for a name that cannot be one, KEDGE_NOTFOUND for one the system does
 * not have. */
int kedge_zone_load(struct kedge_arena *arena, const char *name, const struct kedge_zone **out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* The same from the bytes of a TZif file, which may be hostile. KEDGE_CORRUPT, KEDGE_LIMIT, or
 * KEDGE_UNSUPPORTED (version 1, leap seconds). */
int kedge_zone_parse(struct kedge_arena *arena, struct kedge_slice bytes,
                     const struct kedge_zone **out, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Seconds east of UTC in force at `at`. */
int kedge_zone_offset(const struct kedge_zone *zone, kedge_ms at);
/* The first instant at which a clock in the zone shows `local` (ms since 1970-01-01T00:00 on that
 * clock) or later: the earlier of two in an overlap, the end of the gap for a time that is skipped.
 */
kedge_ms kedge_zone_instant(const struct kedge_zone *zone, kedge_ms local);
