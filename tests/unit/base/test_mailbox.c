/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "base/mailbox.h"
#include "lib/leak.h"

static bool readable(const struct kedge_mailbox *box)
{
    struct pollfd poll_fd = {.fd = kedge_mailbox_fd(box), .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

Test(mailbox, order_bound_and_descriptor)
{
    struct kedge_mailbox *box = kedge_mailbox_new(3);
    int items[4];
    void *got[4];
    cr_assert_not(readable(box));
    for (int round = 0; round < 5; round++) { /* wraps around the ring */
        for (int i = 0; i < 3; i++)
            cr_assert(kedge_mailbox_put(box, &items[i]));
        cr_assert_not(kedge_mailbox_put(box, &items[3]), "full");
        cr_assert(readable(box));
        cr_assert_eq(kedge_mailbox_take(box, got, 2, 0), 2);
        cr_assert_eq(got[0], &items[0]);
        cr_assert_eq(got[1], &items[1]);
        cr_assert(readable(box), "one is left");
        cr_assert_eq(kedge_mailbox_take(box, got, 4, 0), 1);
        cr_assert_eq(got[0], &items[2]);
        cr_assert_not(readable(box));
    }
    kedge_mailbox_free(box);
    kedge_mailbox_free(NULL);
    kedge_test_no_leaks();
}

Test(mailbox, take_waits_no_longer_than_asked)
{
    struct kedge_mailbox *box = kedge_mailbox_new(1);
    void *got;
    kedge_ms before = kedge_clock_monotonic();
    cr_assert_eq(kedge_mailbox_take(box, &got, 1, 50), 0);
    cr_assert_geq(kedge_clock_monotonic() - before, 49);
    kedge_mailbox_free(box);
}

Test(mailbox, closing_refuses_and_wakes)
{
    struct kedge_mailbox *box = kedge_mailbox_new(2);
    int item;
    void *got;
    cr_assert(kedge_mailbox_put(box, &item));
    kedge_mailbox_close(box);
    cr_assert_not(kedge_mailbox_put(box, &item));
    cr_assert_eq(kedge_mailbox_take(box, &got, 1, 60000), 1, "what is inside can be drained");
    cr_assert_eq(kedge_mailbox_take(box, &got, 1, 60000), 0, "does not wait on a closed box");
    kedge_mailbox_free(box);
}

enum { PRODUCERS = 4, EACH = 20000 };

static int numbers[PRODUCERS * EACH];

struct producer {
    struct kedge_mailbox *box;
    int first;
};

static void *produce(void *payload)
{
    struct producer *p = payload;
    for (int i = 0; i < EACH; i++) {
        while (!kedge_mailbox_put(p->box, &numbers[p->first + i]))
            sched_yield();
    }
    return NULL;
}

Test(mailbox, nothing_is_lost_or_doubled_between_threads, .timeout = 60)
{
    struct kedge_mailbox *box = kedge_mailbox_new(64);
    pthread_t threads[PRODUCERS];
    struct producer producers[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){box, i * EACH};
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    int last[PRODUCERS] = {-1, -1, -1, -1};
    for (int total = 0; total < PRODUCERS * EACH;) {
        void *got[16];
        size_t count = kedge_mailbox_take(box, got, 16, 1000);
        for (size_t i = 0; i < count; i++) {
            int index = (int)((int *)got[i] - numbers);
            cr_assert_eq(index % EACH, last[index / EACH] + 1, "each producer's order is kept");
            last[index / EACH]++;
        }
        total += (int)count;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_not(readable(box));
    kedge_mailbox_free(box);
}
