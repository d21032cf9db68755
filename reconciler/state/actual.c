/* SPDX-License-Identifier: Apache-2.0 */
#include "actual.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/table.h"

struct kedge_actual_device *kedge_actual_find(const struct kedge_actual *actual, const char *name)
{
    bool found;
    size_t index = kedge_table_locate(actual->at, actual->count, name, &found);
    return found ? actual->at[index] : NULL;
}

/* A sum over digests does not depend on the order of rows, so one row's change is one subtraction
 * and one addition. */
static void add_share(struct kedge_actual *actual, const struct kedge_actual_device *row,
                      bool taken)
{
    uint64_t lanes[KEDGE_COUNT(actual->shares)];
    memcpy(lanes, row->share.bytes, sizeof lanes);
    for (size_t i = 0; i < KEDGE_COUNT(lanes); i++) {
        uint64_t lane = le64toh(lanes[i]);
        actual->shares[i] += taken ? 0 - lane : lane;
    }
}

static void share(struct kedge_actual *actual, struct kedge_actual_device *row)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    kedge_buf_add(&bytes, row->name, strlen(row->name) + 1);
    kedge_buf_add(&bytes, row->set.bytes, sizeof row->set.bytes);
    row->share = kedge_digest_of(bytes.data, bytes.size);
    add_share(actual, row, false);
}

struct kedge_digest kedge_actual_inventory(const struct kedge_actual *actual)
{
    uint64_t lanes[KEDGE_COUNT(actual->shares) + 1];
    for (size_t i = 0; i < KEDGE_COUNT(actual->shares); i++)
        lanes[i] = htole64(actual->shares[i]);
    lanes[KEDGE_COUNT(actual->shares)] = htole64(actual->count);
    return kedge_digest_of(lanes, sizeof lanes);
}

void kedge_actual_put(struct kedge_actual *actual, struct kedge_actual_device *row)
{
    bool found;
    size_t index = kedge_table_locate(actual->at, actual->count, row->name, &found);
    struct kedge_actual_device *old = found ? actual->at[index] : NULL;
    if (old)
        add_share(actual, old, true);
    share(actual, row);
    if (old) {
        if (old != row)
            kedge_actual_device_free(old);
        actual->at[index] = row;
        return;
    }
    if (actual->count == actual->capacity) {
        actual->capacity = actual->capacity == 0 ? 16 : 2 * actual->capacity;
        actual->at = kedge_alloc_grow(actual->at, actual->capacity * sizeof *actual->at);
    }
    memmove(actual->at + index + 1, actual->at + index,
            (actual->count - index) * sizeof *actual->at);
    actual->at[index] = row;
    actual->count++;
}

void kedge_actual_remove(struct kedge_actual *actual, const char *name)
{
    bool found;
    size_t index = kedge_table_locate(actual->at, actual->count, name, &found);
    if (!found)
        return;
    add_share(actual, actual->at[index], true);
    kedge_actual_device_free(actual->at[index]);
    actual->count--;
    memmove(actual->at + index, actual->at + index + 1,
            (actual->count - index) * sizeof *actual->at);
}

void kedge_actual_release(struct kedge_actual *actual)
{
    for (size_t i = 0; i < actual->count; i++)
        kedge_actual_device_free(actual->at[i]);
    free(actual->at);
    kedge_identity_release(&actual->identities);
    *actual = (struct kedge_actual){0};
}

struct kedge_actual_device *kedge_actual_device_new(const char *name)
{
    struct kedge_actual_device *row = kedge_alloc_zeroed(sizeof *row);
    row->name = kedge_arena_strdup(&row->arena, name);
    return row;
}

void kedge_actual_device_free(struct kedge_actual_device *row)
{
    if (row == NULL)
        return;
    kedge_arena_release(&row->arena);
    free(row);
}

/* An instance counts as what it was installed from only while that is what is there; anything else
 * must not look like a wanted one. */
static bool is_settled(const struct kedge_reported *held)
{
    return held->integrity == KEDGE_INTEGRITY_INTACT &&
           (held->state == KEDGE_RUN_STOPPED || held->verified);
}

void kedge_actual_device_seal(struct kedge_actual_device *row)
{
    static const struct kedge_digest none;
    kedge_auto(kedge_buf) struct kedge_buf set = {0};
    for (uint32_t i = 0; i < row->report.instance_count; i++) {
        const struct kedge_reported *held = &row->report.instances[i];
        kedge_assignment_set_add(&set, held->instance, is_settled(held) ? &held->content : &none,
                                 held->state);
    }
    row->set = kedge_digest_of(set.data, set.size);
}
