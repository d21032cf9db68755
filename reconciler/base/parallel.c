/* SPDX-License-Identifier: Apache-2.0 */
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

struct run {
    kedge_parallel_work *work;
    void *payload;
    unsigned worker;
    size_t first, last;
};

static unsigned cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

unsigned kedge_parallel_workers(size_t count, size_t grain)
{
    size_t most = count / (grain ? grain : 1);
    size_t workers = cores();
    if (workers > KEDGE_PARALLEL_MAX)
        workers = KEDGE_PARALLEL_MAX;
    if (workers > most)
        workers = most;
    return workers ? (unsigned)workers : 1;
}

static void *start(void *payload)
{
    struct run *run = payload;
    run->work(run->worker, run->first, run->last, run->payload);
    return NULL;
}

void kedge_parallel_run(size_t count, size_t grain, kedge_parallel_work *work, void *payload)
{
    unsigned workers = kedge_parallel_workers(count, grain);
    struct run runs[KEDGE_PARALLEL_MAX];
    pthread_t threads[KEDGE_PARALLEL_MAX];
    bool started[KEDGE_PARALLEL_MAX] = {false};
    size_t even = count / workers, odd = count % workers; /* the first `odd` runs hold one more */
    size_t first = 0;
    for (unsigned i = 0; i < workers; i++) {
        size_t last = first + even + (i < odd);
        runs[i] = (struct run){work, payload, i, first, last};
        first = last;
    }
    for (unsigned i = 1; i < workers; i++)
        started[i] = pthread_create(&threads[i], NULL, start, &runs[i]) == 0;
    start(&runs[0]);
    for (unsigned i = 1; i < workers; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            start(&runs[i]); /* no thread to be had: the work is done all the same */
    }
}
