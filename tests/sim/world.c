/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdlib.h>

#include "base/alloc.h"

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event old = *a;
    *a = *b;
    *b = old;
}

void sim_world_plan(struct sim_world *world, kedge_ms delay, sim_action *run, void *payload)
{
    if (world->count == world->capacity) {
        world->capacity = world->capacity ? 2 * world->capacity : 256;
        world->events = kedge_alloc_grow(world->events, world->capacity * sizeof(*world->events));
    }
    size_t at = world->count++;
    world->events[at] = (struct sim_event){world->now + delay, world->planned++, run, payload};
    while (at && earlier(&world->events[at], &world->events[(at - 1) / 2])) {
        swap(&world->events[at], &world->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static struct sim_event take_first(struct sim_world *world)
{
    struct sim_event first = world->events[0];

    world->events[0] = world->events[--world->count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < world->count; child++) {
            if (earlier(&world->events[child], &world->events[least]))
                least = child;
        }
        if (least == at)
            return first;
        swap(&world->events[at], &world->events[least]);
        at = least;
    }
}

void sim_world_run(struct sim_world *world, kedge_ms until)
{
    while (world->count && world->events[0].at <= until) {
        struct sim_event event = take_first(world);
        world->now = event.at;
        event.run(event.payload);
    }
    world->now = until;
}

bool sim_world_chance(struct sim_world *world, unsigned percent)
{
    return kedge_rng_chance(&world->rng, percent);
}

kedge_ms sim_world_span(struct sim_world *world, kedge_ms least, kedge_ms most)
{
    return least + (kedge_ms)kedge_rng_below(&world->rng, (size_t)(most - least) + 1);
}

kedge_ms sim_world_wall(const struct sim_world *world)
{
    return world->wall + world->now;
}

void sim_world_release(struct sim_world *world)
{
    free(world->events);
    *world = (struct sim_world){0};
}
