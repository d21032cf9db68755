/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/digest.h"

struct kedge_unit *kedge_units_find(struct kedge_units *units, const char *instance,
                                    const struct kedge_digest *content)
{
    struct kedge_unit *unit = units->list;
    while (unit &&
           !(kedge_digest_equal(&unit->content, content) && strcmp(unit->instance, instance) == 0))
        unit = unit->next;
    return unit;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct kedge_unit *unit = poll->data;
    uv_poll_stop(poll);
    unit->units->ended(unit, unit->units->payload);
}

struct kedge_unit *kedge_units_add(struct kedge_units *units, const char *instance,
                                   const struct kedge_digest *content, enum kedge_driver driver,
                                   const struct kedge_runtime_status *status, const char *endpoint,
                                   int fd)
{
    kedge_units_remove(units, kedge_units_find(units, instance, content));
    struct kedge_unit *unit = kedge_alloc_zeroed(sizeof *unit);
    unit->instance = kedge_alloc_strdup(instance);
    unit->content = *content;
    unit->driver = driver;
    unit->status = *status;
    unit->fd = fd;
    unit->units = units;
    snprintf(unit->endpoint, sizeof unit->endpoint, "%s", endpoint);
    if (fd >= 0) {
        unit->poll = kedge_alloc_zeroed(sizeof *unit->poll);
        unit->poll->data = unit;
        if (uv_poll_init(units->loop, unit->poll, fd) < 0)
            abort(); /* a pidfd can always be polled */
        uv_poll_start(unit->poll, UV_READABLE, on_poll);
    }
    unit->next = units->list;
    units->list = unit;
    return unit;
}

static void on_closed(uv_handle_t *handle)
{
    close((int)(intptr_t)handle->data);
    free(handle);
}

void kedge_units_remove(struct kedge_units *units, struct kedge_unit *unit)
{
    if (!unit)
        return;
    struct kedge_unit **at = &units->list;
    while (*at != unit)
        at = &(*at)->next;
    *at = unit->next;
    if (unit->poll) {
        unit->poll->data = (void *)(intptr_t)unit->fd;
        uv_close((uv_handle_t *)unit->poll, on_closed);
    }
    free(unit->instance);
    free(unit);
}

void kedge_units_clear(struct kedge_units *units)
{
    while (units->list)
        kedge_units_remove(units, units->list);
}
