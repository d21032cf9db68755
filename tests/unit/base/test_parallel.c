/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>

#include "base/parallel.h"
#include "kedge/types.h"

Test(parallel, workers)
{
    cr_assert_eq(kedge_parallel_workers(0, 1), 1);
    cr_assert_eq(kedge_parallel_workers(99, 100), 1);
    cr_assert_geq(kedge_parallel_workers(1000000, 1), 1);
    cr_assert_leq(kedge_parallel_workers(1000000, 1), 16);
    cr_assert_leq(kedge_parallel_workers(200, 100), 2);
    cr_assert_geq(kedge_parallel_workers(10, 0), 1);
}

struct tally {
    unsigned char *seen;
    atomic_uint calls;
};

static void mark(unsigned worker, size_t first, size_t last, void *payload)
{
    struct tally *tally = payload;
    cr_assert_lt(worker, 16);
    cr_assert_leq(first, last);
    atomic_fetch_add(&tally->calls, 1);
    for (size_t i = first; i < last; i++)
        tally->seen[i]++;
}

Test(parallel, every_item_once)
{
    static unsigned char seen[10007];
    static const size_t counts[] = {0, 1, 2, 3, 7, 100, 1000, 10007};
    for (size_t i = 0; i < KEDGE_COUNT(counts); i++) {
        struct tally tally = {.seen = seen};
        memset(seen, 0, sizeof seen);
        kedge_parallel_run(counts[i], 1, mark, &tally);
        cr_assert_eq(tally.calls, kedge_parallel_workers(counts[i], 1));
        for (size_t k = 0; k < sizeof seen; k++)
            cr_assert_eq(seen[k], k < counts[i], "item %zu of %zu", k, counts[i]);
    }
}
