/* SPDX-License-Identifier: Apache-2.0 */
/* Which colour a word of state has, the same with every verb. */
#pragma once

#include "print.h"

/* Of "Synced", "Degraded", "Offline", "Failed", ...; PLAIN for words it does not know, and NULL. */
enum kedge_print_style kedge_style_of(const char *word);
