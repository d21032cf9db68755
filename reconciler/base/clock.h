/* SPDX-License-Identifier: Apache-2.0 */
/* Time comes in through a clock, so a test can bring its own. */
#pragma once

#include "kedge/types.h"

/* Wall clock, UTC. */
kedge_ms kedge_clock_wall(void);
/* Monotonic, for spans and time-outs; does not jump. */
kedge_ms kedge_clock_monotonic(void);

/* RFC 3339 in UTC with seconds: "2026-03-01T12:00:00Z"; a time outside the years 1970 to 9999 is
 * written as the nearest end. */
#define KEDGE_TIME_TEXT 32
const char *kedge_clock_format(kedge_ms at, char text[KEDGE_TIME_TEXT]);
/* Strict RFC 3339 with Z or numeric offset, optional fraction; false when it is not one. Years 1970
 * to 9999. */
bool kedge_clock_parse(const char *text, kedge_ms *at);
