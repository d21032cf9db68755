/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that never leave one machine: random bytes, a keyed hash, a comparison that leaks nothing,
 * memory that is guarded. */
#pragma once

#include "kedge/types.h"

#define KEDGE_SECRET_KEY 32
#define KEDGE_SECRET_MAC 32

/* Unpredictable bytes from the operating system; ends the program when it has none. */
void kedge_secret_random(void *bytes, size_t size);
/* BLAKE2b-256 of `data` keyed with `key`: only who has the key can make it. */
void kedge_secret_mac(const uint8_t key[KEDGE_SECRET_KEY], const void *data, size_t size,
                      uint8_t mac[KEDGE_SECRET_MAC]);
/* In a time that does not depend on the bytes. */
bool kedge_secret_equal(const void *a, const void *b, size_t size);

/* Zeroed memory between guard pages, aligned for anything, locked into RAM where the system lets us,
 * out of core dumps; _free wipes it. Ends the program when there is none. */
void *kedge_secret_alloc(size_t size);
void kedge_secret_free(void *memory);
