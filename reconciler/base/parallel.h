/* SPDX-License-Identifier: Apache-2.0 */
/* One job split over the cores: no pool, no queue, joined before return. */
#pragma once

#include <stddef.h>

/* More workers than this there never are. */
#define KEDGE_PARALLEL_MAX 16

/* Work on items [first, last) as worker `worker`. */
typedef void kedge_parallel_work(unsigned worker, size_t first, size_t last, void *payload);

/* Workers that a run over `count` items would use: the cores, but at least `grain` items each, at
 * most KEDGE_PARALLEL_MAX, at least 1. */
unsigned kedge_parallel_workers(size_t count, size_t grain);
/* Splits [0, count) into that many even runs, calls `work` on each (one on this thread) and waits
 * for all. */
void kedge_parallel_run(size_t count, size_t grain, kedge_parallel_work *work, void *payload);
