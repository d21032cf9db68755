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
static kedge_loop_serve *server; /* guarded by `lock`, as its payload is */
static void *server_payload;

void kedge_loop_listen(kedge_loop_serve *serve, void *payload)
{
    pthread_mutex_lock(&lock);
    server = serve;
    server_payload = payload;
    pthread_mutex_unlock(&lock);
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
                         int cancel, struct kedge_buf *envelope, char grant[KEDGE_TRANSPORT_GRANT],
                         struct kedge_err *err)
{
    pthread_mutex_lock(&lock);
    kedge_loop_serve *serve = server;
    void *payload = server_payload;
    pthread_mutex_unlock(&lock);
    if (!serve)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "the server is away");
    return serve(((struct loop *)self)->device, report, wait, cancel, envelope, grant, payload,
                 err);
}

const struct kedge_transport_ops kedge_transport_loop_ops = {
    .scheme = "loop",
    .open = loop_open,
    .close = loop_close,
    .exchange = loop_exchange,
};
