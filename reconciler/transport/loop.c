/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "drivers.h"

struct loop {
    struct kedge_transport base;
    char *device;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct kedge_loop_server *server; /* guarded by `lock`, as its payload is */
static void *server_payload;

void kedge_loop_listen(const struct kedge_loop_server *new, void *payload)
{
    pthread_mutex_lock(&lock);
    server = new;
    server_payload = payload;
    pthread_mutex_unlock(&lock);
}

static const struct kedge_loop_server *find_server(void **payload, struct kedge_err *err)
{
    pthread_mutex_lock(&lock);
    const struct kedge_loop_server *found = server;
    *payload = server_payload;
    pthread_mutex_unlock(&lock);
    if (!found)
        kedge_err_set(err, KEDGE_UNAVAILABLE, "the server is away");
    return found;
}

static int loop_open(const struct kedge_transport_config *config, struct kedge_transport **out,
                     struct kedge_err *err)
{
    (void)err;
    struct loop *loop = kedge_alloc_zeroed(sizeof *loop);
    loop->base.ops = &kedge_transport_loop_ops;
    loop->device = kedge_alloc_strdup(config->device);
    *out = &loop->base;
    return 0;
}

static void loop_close(struct kedge_transport *self)
{
    free(((struct loop *)self)->device);
    free(self);
}

static int loop_exchange(struct kedge_transport *self, struct kedge_slice report, kedge_ms wait,
                         int cancel, struct kedge_buf *envelope,
                         struct kedge_transport_notes *notes, struct kedge_err *err)
{
    void *payload;
    const struct kedge_loop_server *found = find_server(&payload, err);
    return found ? found->exchange(((struct loop *)self)->device, report, wait, cancel, envelope,
                                   notes, payload, err)
                 : KEDGE_UNAVAILABLE;
}

static int loop_root(struct kedge_transport *self, int64_t version, int cancel,
                     struct kedge_buf *out, struct kedge_err *err)
{
    (void)self;
    (void)cancel;
    void *payload;
    const struct kedge_loop_server *found = find_server(&payload, err);
    return found ? found->root(version, out, payload, err) : KEDGE_UNAVAILABLE;
}

const struct kedge_transport_ops kedge_transport_loop_ops = {
    .scheme = "loop",
    .open = loop_open,
    .close = loop_close,
    .exchange = loop_exchange,
    .root = loop_root,
};
