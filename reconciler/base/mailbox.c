/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

struct kedge_mailbox {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    void **ring;
    size_t capacity, first, count;
    bool closed;
    int fd; /* its counter is 1 while count > 0, else 0 */
};

struct kedge_mailbox *kedge_mailbox_new(size_t capacity)
{
    struct kedge_mailbox *box = kedge_alloc_zeroed(sizeof *box);
    box->capacity = capacity;
    box->ring = kedge_alloc_array(capacity, sizeof *box->ring);
    box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (box->fd < 0)
        abort(); /* made once, at the start of a program */
    pthread_mutex_init(&box->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&box->arrived, &attributes);
    pthread_condattr_destroy(&attributes);
    return box;
}

void kedge_mailbox_free(struct kedge_mailbox *box)
{
    if (!box)
        return;
    pthread_cond_destroy(&box->arrived);
    pthread_mutex_destroy(&box->lock);
    close(box->fd);
    free(box->ring);
    free(box);
}

/* Neither call can fail: the counter moves between 0 and 1 under the lock. */
static void show(struct kedge_mailbox *box)
{
    uint64_t one = 1;
    (void)!write(box->fd, &one, sizeof one);
}

static void hide(struct kedge_mailbox *box)
{
    uint64_t count;
    (void)!read(box->fd, &count, sizeof count);
}

bool kedge_mailbox_put(struct kedge_mailbox *box, void *message)
{
    pthread_mutex_lock(&box->lock);
    bool fits = !box->closed && box->count < box->capacity;
    if (fits) {
        box->ring[(box->first + box->count) % box->capacity] = message;
        if (box->count++ == 0)
            show(box);
        pthread_cond_signal(&box->arrived);
    }
    pthread_mutex_unlock(&box->lock);
    return fits;
}

static struct timespec after(kedge_ms wait)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait / 1000;
    at.tv_nsec += wait % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

size_t kedge_mailbox_take(struct kedge_mailbox *box, void **messages, size_t limit, kedge_ms wait)
{
    struct timespec until = after(wait > 0 ? wait : 0);
    pthread_mutex_lock(&box->lock);
    while (wait > 0 && box->count == 0 && !box->closed &&
           pthread_cond_timedwait(&box->arrived, &box->lock, &until) == 0)
        ;
    size_t taken = 0;
    while (taken < limit && box->count) {
        messages[taken++] = box->ring[box->first];
        box->first = (box->first + 1) % box->capacity;
        if (--box->count == 0)
            hide(box);
    }
    pthread_mutex_unlock(&box->lock);
    return taken;
}

void kedge_mailbox_close(struct kedge_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->closed = true;
    pthread_cond_broadcast(&box->arrived);
    pthread_mutex_unlock(&box->lock);
}

int kedge_mailbox_fd(const struct kedge_mailbox *box)
{
    return box->fd;
}
