/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "server/doubt.h"
#include "wire/chain.h"

#define EXCHANGE_TIMEOUT 45000 /* ms: how long an agent's HTTP client waits in vain */

/* One exchange: from the agent's call to its answer. Doubled requests share it; the first answer counts. */
struct call {
    struct sim_hub *hub;
    struct sim_ticket ticket;
    uint64_t from;
    char *device;
    struct kedge_buf evidence;
    kedge_ms wait;
    int64_t version; /* of the root that is asked for; 0: it is a report */
    struct kedge_buf envelope;
    int64_t root;
    enum kedge_code code;
    bool answered;
    unsigned pending; /* planned events that still name it */
    struct call *next;
};

struct sim_hub {
    struct sim_world *world;
    struct sim_repository *repository;
    const struct sim_roots *roots;
    struct kedge_store *store;
    struct kedge_server *server;
    struct kedge_server_options options;
    struct call *calls;
    uint64_t life, asked;
    kedge_ms tick;
    bool ended;
};

struct timer {
    struct sim_hub *hub;
    uint64_t life;
};

static void step(struct sim_hub *hub, const struct kedge_server_message *message);

/* The memory store on a disk that may be full: `self` is the driver's, so what it needs stands here. */
static struct {
    struct sim_world *world;
    const struct kedge_store_ops *driver;
    struct kedge_store_ops ops;
} disk;

static int commit_or_fill(struct kedge_store *self, struct kedge_err *err)
{
    if (!sim_world_chance(disk.world, disk.world->faults.disk_full))
        return disk.driver->commit(self, err);
    return kedge_err_set(err, KEDGE_LIMIT, "the disk is full");
}

static void mount_disk(struct sim_world *world, struct kedge_store *store)
{
    disk.world = world;
    disk.driver = store->ops;
    disk.ops = *store->ops;
    disk.ops.commit = commit_or_fill;
    store->ops = &disk.ops;
}

static void drop_call(struct call *call)
{
    if (--call->pending)
        return;
    for (struct call **at = &call->hub->calls; *at; at = &(*at)->next) {
        if (*at == call) {
            *at = call->next;
            break;
        }
    }
    free(call->device);
    kedge_buf_release(&call->evidence);
    kedge_buf_release(&call->envelope);
    free(call);
}

static void deliver(void *payload)
{
    struct call *call = payload;

    if (!call->answered) {
        call->answered = true;
        sim_device_answer(call->ticket, call->code, kedge_buf_slice(&call->envelope), call->root);
    }
    drop_call(call);
}

static void expire(void *payload)
{
    struct call *call = payload;

    if (!call->answered) {
        call->answered = true;
        sim_device_answer(call->ticket, KEDGE_TIMEOUT, (struct kedge_slice){0}, 0);
    }
    drop_call(call);
}

static void arrive(void *payload)
{
    struct call *call = payload;
    struct sim_hub *hub = call->hub;

    if (hub->server)
        step(hub, &(struct kedge_server_message){
                      .kind = call->version ? KEDGE_SERVER_ROOT : KEDGE_SERVER_SYNC,
                      .version = call->version,
                      .from = call->from,
                      .device = call->device,
                      .evidence = kedge_buf_slice(&call->evidence),
                      .wait = call->wait,
                  });
    drop_call(call);
}

static kedge_ms latency(struct sim_world *world)
{
    return sim_world_chance(world, world->faults.delay) ? sim_world_span(world, 1000, 20000)
                                                        : sim_world_span(world, 1, 100);
}

static void plan_call(struct call *call, kedge_ms delay, sim_action *run)
{
    call->pending++;
    sim_world_plan(call->hub->world, delay, run, call);
}

void sim_hub_exchange(void *payload, struct sim_ticket ticket, const char *device,
                      struct kedge_slice report, kedge_ms wait, int64_t version)
{
    struct sim_hub *hub = payload;
    struct sim_world *world = hub->world;
    struct call *call = kedge_alloc_zeroed(sizeof(*call));

    *call = (struct call){.hub = hub,
                          .ticket = ticket,
                          .from = ++hub->asked,
                          .device = kedge_alloc_strdup(device),
                          .wait = wait,
                          .version = version};
    kedge_buf_add(&call->evidence, report.data, report.size);
    call->next = hub->calls;
    hub->calls = call;
    plan_call(call, wait + EXCHANGE_TIMEOUT, expire);
    if (sim_device_isolated(ticket.device))
        return;
    if (!sim_world_chance(world, world->faults.drop))
        plan_call(call, latency(world), arrive);
    if (sim_world_chance(world, world->faults.duplicate))
        plan_call(call, latency(world), arrive);
}

static void answer(struct sim_hub *hub, struct kedge_server_reply *reply)
{
    struct call *call = hub->calls;

    while (call && call->from != reply->from)
        call = call->next;
    if (!call || call->answered || sim_device_isolated(call->ticket.device) ||
        sim_world_chance(hub->world, hub->world->faults.drop))
        return;
    call->code = reply->code;
    call->root = reply->root;
    kedge_buf_clear(&call->envelope);
    if (!reply->code && reply->type)
        kedge_buf_add(&call->envelope, reply->body.data, reply->body.size);
    plan_call(call, latency(hub->world), deliver);
}

/* --- Git, ticks, lives --------------------------------------------------------------------- */

static void fetched(void *payload)
{
    struct timer *timer = payload;
    struct sim_hub *hub = timer->hub;

    if (timer->life == hub->life && hub->server) {
        struct kedge_err failure = {0};
        bool lost = sim_world_chance(hub->world, hub->world->faults.drop);
        if (lost)
            kedge_err_set(&failure, KEDGE_UNAVAILABLE, "cannot reach the repository");
        step(hub, &(struct kedge_server_message){
                      .kind = lost ? KEDGE_SERVER_UNREACHABLE : KEDGE_SERVER_HEAD,
                      .commit = sim_repository_head(hub->repository),
                      .failure = &failure,
                  });
    }
    free(timer);
}

static void tick(void *payload)
{
    struct timer *timer = payload;
    struct sim_hub *hub = timer->hub;

    if (timer->life == hub->life && hub->server && hub->tick && hub->tick <= hub->world->now) {
        hub->tick = 0;
        step(hub, &(struct kedge_server_message){.kind = KEDGE_SERVER_TICK});
    }
    free(timer);
}

static void plan_timer(struct sim_hub *hub, kedge_ms delay, sim_action *run)
{
    struct timer *timer = kedge_alloc_zeroed(sizeof(*timer));
    *timer = (struct timer){hub, hub->life};
    sim_world_plan(hub->world, delay, run, timer);
}

static void plan_tick(struct sim_hub *hub)
{
    kedge_ms wake = kedge_server_wake(hub->server);
    if (wake == INT64_MAX)
        return;
    kedge_ms due = wake - hub->world->wall;
    if (due <= hub->world->now)
        due = hub->world->now + 1;
    if (hub->tick && hub->tick <= due)
        return;
    hub->tick = due;
    plan_timer(hub, due - hub->world->now, tick);
}

static void step(struct sim_hub *hub, const struct kedge_server_message *message)
{
    kedge_auto(kedge_server_replies) struct kedge_server_replies replies = {0};

    kedge_server_step(hub->server, message, 1, sim_world_wall(hub->world), &replies);
    if (sim_world_chance(hub->world, hub->world->faults.server_step)) {
        sim_hub_crash(hub); /* what was stored stays, what was to be said is never said */
        return;
    }
    for (size_t i = 0; i < replies.count; i++) {
        if (replies.at[i].kind == KEDGE_SERVER_FETCH)
            plan_timer(hub, sim_world_span(hub->world, 10, 2000), fetched);
        else
            answer(hub, &replies.at[i]);
    }
    plan_tick(hub);
}

void sim_hub_boot(struct sim_hub *hub)
{
    struct kedge_err err;

    hub->tick = 0;
    hub->options.roots = sim_roots_files(hub->roots);
    hub->options.root_count = (size_t)sim_roots_newest(hub->roots);
    hub->options.director = sim_roots_director(hub->roots, sim_roots_newest(hub->roots));
    if (kedge_server_new(&hub->options, sim_world_wall(hub->world), &hub->server, &err)) {
        fprintf(stderr, "sim: the server does not start: %s\n", err.msg);
        abort();
    }
    step(hub, &(struct kedge_server_message){.kind = KEDGE_SERVER_TICK});
}

static void reboot(void *payload)
{
    struct sim_hub *hub = payload;
    if (!hub->server && !hub->ended)
        sim_hub_boot(hub);
}

void sim_hub_crash(struct sim_hub *hub)
{
    if (!hub->server)
        return;
    kedge_server_free(hub->server);
    hub->server = NULL;
    hub->life++;
    sim_world_plan(hub->world, sim_world_span(hub->world, 10, 30000), reboot, hub);
}

void sim_hub_publish(struct sim_hub *hub)
{
    int64_t newest = sim_roots_newest(hub->roots);

    if (hub->server)
        step(hub, &(struct kedge_server_message){
                      .kind = KEDGE_SERVER_PUBLISH,
                      .evidence = sim_roots_files(hub->roots)[newest - 1],
                  });
}

/* --- evidence ------------------------------------------------------------------------------ */

bool sim_hub_doubts(const struct sim_hub *hub, const char *device)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_doubt doubt;
    return kedge_doubt_get(hub->store, device, &arena, &doubt, NULL) == 0;
}

struct audit {
    struct kedge_chain_walk walk;
    const struct kedge_public_key *key;
    struct kedge_arena arena;
    struct kedge_report last;
    bool reported;
};

static int audit_link(const struct kedge_store_evidence *kept, void *payload)
{
    struct audit *audit = payload;
    struct kedge_chain_link link = {.kept = *kept};
    kedge_chain_open(&link, audit->key, 1);
    (void)kedge_chain_step(&audit->walk, &link);
    return 0;
}

static int take_last(const struct kedge_store_report *report, void *payload)
{
    struct audit *audit = payload;
    struct kedge_err err;
    if (strcmp(report->device, audit->walk.device) == 0)
        audit->reported = !kedge_evidence_verify(&audit->arena, report->evidence, report->device,
                                                 audit->key, &audit->last, &err);
    return 0;
}

const char *sim_hub_evidence(const struct sim_hub *hub, const char *device,
                             const struct kedge_public_key *key)
{
    static char why[KEDGE_CHAIN_WHY + 64];
    struct audit audit = {.walk.device = device, .key = key};

    if (kedge_store_each_evidence(hub->store, device, audit_link, &audit, NULL) ||
        kedge_store_each_report(hub->store, take_last, &audit, NULL))
        return "the store cannot be read";
    if (audit.walk.links || audit.reported)
        (void)kedge_chain_end(&audit.walk, audit.reported ? &audit.last : NULL);
    kedge_arena_release(&audit.arena);
    if (!audit.walk.flaw && !audit.walk.beginnings)
        return NULL;
    snprintf(why, sizeof(why), "its chain is broken at link %lld, or begins anew: %s",
             (long long)audit.walk.broken, audit.walk.why);
    return why;
}

static void print_view(struct sim_hub *hub, enum kedge_view view)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    struct kedge_view_query query = {.view = view, .limit = 20};
    struct kedge_err err;

    if (kedge_server_query(hub->server, &query, sim_world_wall(hub->world), &out, &err))
        fprintf(stderr, "  %s\n", err.msg);
    else
        fprintf(stderr, "  %s\n", out.data);
}

void sim_hub_print(struct sim_hub *hub)
{
    if (!hub->server)
        return;
    print_view(hub, KEDGE_VIEW_STATUS);
    print_view(hub, KEDGE_VIEW_HISTORY);
}

void sim_hub_end(struct sim_hub *hub)
{
    kedge_server_free(hub->server);
    hub->server = NULL;
    hub->life++;
    hub->ended = true;
}

struct sim_hub *sim_hub_new(struct sim_world *world, struct sim_repository *repository,
                            const struct sim_roots *roots)
{
    struct sim_hub *hub = kedge_alloc_zeroed(sizeof(*hub));
    struct kedge_err err;

    *hub = (struct sim_hub){.world = world, .repository = repository, .roots = roots};
    if (kedge_store_open("memory:", false, &hub->store, &err)) {
        fprintf(stderr, "sim: %s\n", err.msg);
        abort();
    }
    mount_disk(world, hub->store);
    hub->options = (struct kedge_server_options){
        .store = hub->store,
        .revisions = sim_repository_revisions(repository),
        .source = "sim:",
        .interval = 20000,
        .seed = kedge_rng_next(&world->rng),
    };
    return hub;
}

void sim_hub_free(struct sim_hub *hub)
{
    kedge_store_close(hub->store);
    free(hub);
}
