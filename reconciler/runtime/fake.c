/* SPDX-License-Identifier: Apache-2.0 */
/* Units in memory, for tests. They outlive the handle, as those of other drivers do. A command whose
 * first word is "missing" fails its check. */
#include "drivers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct fake_unit {
    char *record;
    int64_t pid;
    uint32_t port_count;
    uint16_t ports[KEDGE_RUNTIME_PORTS];
    struct fake_unit *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_unit *units; /* guarded by `lock` */
static int64_t last_pid;

static int fake_open(struct kedge_runtime **out, struct kedge_err *err)
{
    (void)err;
    struct kedge_runtime *fake = kedge_alloc_zeroed(sizeof *fake);
    fake->ops = &kedge_runtime_fake_ops;
    *out = fake;
    return 0;
}

static void fake_close(struct kedge_runtime *self)
{
    free(self);
}

static int fake_check(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                      struct kedge_err *err)
{
    (void)self;
    const struct kedge_strings *command = &unit->spec->command;
    if (command->count && strcmp(command->at[0], "missing") == 0)
        return kedge_err_set(err, KEDGE_NOTFOUND, "there is no program 'missing'");
    return 0;
}

/* Where the unit hangs, or the end of the list. With the lock held. */
static struct fake_unit **place(const struct kedge_runtime_unit *unit)
{
    struct fake_unit **at = &units;
    while (*at && strcmp((*at)->record, unit->record) != 0)
        at = &(*at)->next;
    return at;
}

static void describe(const struct fake_unit *fake, struct kedge_runtime_status *out)
{
    *out = (struct kedge_runtime_status){.running = true,
                                         .pid = fake->pid,
                                         .port_count = fake->port_count};
    memcpy(out->ports, fake->ports, sizeof out->ports);
}

static int fake_start(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                      struct kedge_runtime_status *out, struct kedge_err *err)
{
    int code = fake_check(self, unit, err);
    pthread_mutex_lock(&lock);
    struct fake_unit **at = place(unit);
    if (!code && *at)
        code = kedge_err_set(err, KEDGE_EXISTS, "'%s' runs already", unit->instance);
    if (!code) {
        *at = kedge_alloc_zeroed(sizeof **at);
        (*at)->record = kedge_alloc_strdup(unit->record);
        (*at)->pid = ++last_pid;
        for (uint32_t i = 0; i < unit->spec->port_count && i < KEDGE_RUNTIME_PORTS; i++)
            (*at)->ports[(*at)->port_count++] =
                unit->spec->ports[i].port ? unit->spec->ports[i].port : (uint16_t)(40000 + i);
        describe(*at, out);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int fake_observe(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                        struct kedge_runtime_status *out, struct kedge_err *err)
{
    (void)self;
    (void)err;
    pthread_mutex_lock(&lock);
    const struct fake_unit *fake = *place(unit);
    *out = (struct kedge_runtime_status){0};
    if (fake)
        describe(fake, out);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int fake_watch(struct kedge_runtime *self, const struct kedge_runtime_unit *unit)
{
    (void)self;
    (void)unit;
    return -1;
}

static int fake_stop(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                     struct kedge_err *err)
{
    (void)self;
    (void)err;
    pthread_mutex_lock(&lock);
    struct fake_unit **at = place(unit), *fake = *at;
    if (fake) {
        *at = fake->next;
        free(fake->record);
        free(fake);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

const struct kedge_runtime_ops kedge_runtime_fake_ops = {
    .name = "fake",
    .open = fake_open,
    .close = fake_close,
    .check = fake_check,
    .start = fake_start,
    .observe = fake_observe,
    .watch = fake_watch,
    .stop = fake_stop,
};
