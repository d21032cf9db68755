/* SPDX-License-Identifier: Apache-2.0 */
#include "intern.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct slot {
    const char *text; /* NULL: free */
    uint32_t hash;
    uint32_t size;
};

/* Labels repeat from one device to the next: these are found again without the keyed hash. Whoever
 * chooses names that collide here gains nothing but that hash. */
#define RECENT 256

struct recent {
    const char *text; /* NULL: none */
    size_t size;
};

/* Open addressing with linear probes, at most three quarters full. */
struct kedge_intern {
    struct kedge_arena *arena;
    struct recent recent[RECENT];
    struct slot *slots;
    size_t mask; /* slots - 1; slots is a power of two */
    size_t count;
};

#define SLOTS_AT_FIRST 256

/* Names come from people and devices: SipHash under a secret key, so nobody can choose names that
 * collide. */
static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;

static void make_hash_key(void)
{
    randombytes_buf(hash_key, sizeof hash_key);
}

static uint32_t hash_of(const char *text, size_t size)
{
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)text, size, hash_key);
    return (uint32_t)hash;
}

struct kedge_intern *kedge_intern_new(struct kedge_arena *arena)
{
    pthread_once(&hash_key_once, make_hash_key);
    struct kedge_intern *intern = kedge_alloc_zeroed(sizeof *intern);
    intern->arena = arena;
    intern->mask = SLOTS_AT_FIRST - 1;
    intern->slots = kedge_alloc_array(SLOTS_AT_FIRST, sizeof *intern->slots);
    return intern;
}

void kedge_intern_free(struct kedge_intern *intern)
{
    if (!intern)
        return;
    free(intern->slots);
    free(intern);
}

static void grow(struct kedge_intern *intern)
{
    size_t mask = intern->mask * 2 + 1;
    struct slot *slots = kedge_alloc_array(mask + 1, sizeof *slots);
    for (size_t i = 0; i <= intern->mask; i++) {
        if (!intern->slots[i].text)
            continue;
        size_t at = intern->slots[i].hash & mask;
        while (slots[at].text)
            at = (at + 1) & mask;
        slots[at] = intern->slots[i];
    }
    free(intern->slots);
    intern->slots = slots;
    intern->mask = mask;
}

/* Where a string is remembered: told by its size, its first and its last two bytes. */
static struct recent *place_of(struct kedge_intern *intern, const char *text, size_t size)
{
    size_t place = size;
    if (size > 1)
        place += 5 * (size_t)text[0] + 31 * (size_t)text[size - 2] + 7 * (size_t)text[size - 1];
    return &intern->recent[place % RECENT];
}

static const char *find_or_add(struct kedge_intern *intern, const char *text, size_t size)
{
    if (size > UINT32_MAX)
        abort();
    if (intern->count >= (intern->mask + 1) / 4 * 3)
        grow(intern);
    uint32_t hash = hash_of(text, size);
    size_t at = hash & intern->mask;
    while (intern->slots[at].text) {
        const struct slot *slot = &intern->slots[at];
        if (slot->hash == hash && slot->size == size && memcmp(slot->text, text, size) == 0)
            return slot->text;
        at = (at + 1) & intern->mask;
    }
    intern->slots[at] = (struct slot){
        .text = kedge_arena_strndup(intern->arena, text, size),
        .hash = hash,
        .size = (uint32_t)size,
    };
    intern->count++;
    return intern->slots[at].text;
}

const char *kedge_intern_add(struct kedge_intern *intern, const char *text, size_t size)
{
    struct recent *recent = place_of(intern, text, size);
    if (!recent->text || recent->size != size || memcmp(recent->text, text, size) != 0)
        *recent = (struct recent){find_or_add(intern, text, size), size};
    return recent->text;
}

size_t kedge_intern_count(const struct kedge_intern *intern)
{
    return intern->count;
}
