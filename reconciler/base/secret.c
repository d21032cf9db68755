/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"

#include <sodium.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#define ALIGNMENT alignof(max_align_t)

void kedge_secret_random(void *bytes, size_t size)
{
    if (sodium_init() < 0)
        abort(); /* the system gives no random bytes: no secret made now would be one */
    randombytes_buf(bytes, size);
}

void kedge_secret_mac(const uint8_t key[KEDGE_SECRET_KEY], const void *data, size_t size,
                      uint8_t mac[KEDGE_SECRET_MAC])
{
    crypto_generichash(mac, KEDGE_SECRET_MAC, data, size, key, KEDGE_SECRET_KEY);
}

bool kedge_secret_equal(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

void *kedge_secret_alloc(size_t size)
{
    /* It ends where a guard page begins: its size decides how it is aligned. */
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = sodium_init() < 0 ? NULL : sodium_malloc(size);
    if (!memory)
        abort();
    sodium_memzero(memory, size);
    return memory;
}

void kedge_secret_free(void *memory)
{
    sodium_free(memory);
}
