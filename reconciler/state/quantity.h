/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people write them in manifests. */
#pragma once

#include "kedge/types.h"

/* Bytes: "512Mi", "2G", "1024" (Ki Mi Gi Ti binary; k M G T decimal). False when it is not one or
 * does not fit. */
bool kedge_quantity_parse(const char *text, int64_t *bytes);
/* Duration as "90s", "1h30m", "250ms", "7d": units d h m s ms, each at most once, in that order. */
bool kedge_duration_parse(const char *text, kedge_ms *span);
/* "1h30m" of a span; "0s" for none. For people. */
#define KEDGE_DURATION_TEXT 48
const char *kedge_duration_format(kedge_ms span, char text[KEDGE_DURATION_TEXT]);
/* "1.5 GiB". For people. */
#define KEDGE_QUANTITY_TEXT 32
const char *kedge_quantity_format(int64_t bytes, char text[KEDGE_QUANTITY_TEXT]);
