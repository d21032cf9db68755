/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a store in memory, commits that are values, and devices that do what they are told at
 * once. */
#pragma once

#include <criterion/criterion.h>

#include "base/json.h"
#include "server/inside.h"
#include "wire/evidence.h"
#include "wire/order.h"

#define FIXTURE_START   1772366400000 /* 2026-03-01T12:00:00Z */
#define FIXTURE_COMMITS 12
#define FIXTURE_FILES   4

/* "aaaa…" is commit 'a'. */
struct fixture_commit {
    char id[KEDGE_COMMIT_TEXT];
    const char *files[FIXTURE_FILES]; /* text of 0.yaml, 1.yaml, ...; NULL: not there */
    bool detached;                    /* no descendant of the one before */
};

struct fixture_device {
    const char *name;
    struct kedge_key *key;
    int64_t counter, link, generation;
    struct kedge_digest last; /* the last link it made */
    struct kedge_digest envelope;
    struct kedge_arena arena;
    struct kedge_reported instances[8];
    uint32_t count;
    struct kedge_refusal *refusal, *root_refusal;
    int64_t root;                    /* version of the root it follows; 0: none */
    struct kedge_progress *progress; /* one, or NULL */
    bool erased;                     /* its next report says so, and that it holds nothing */
};

struct fixture {
    struct kedge_store *store;
    struct kedge_key *director;
    struct kedge_server_options options;
    struct kedge_server *server;
    struct fixture_commit commits[FIXTURE_COMMITS];
    size_t commit_count;
    char trusted[KEDGE_COMMIT_TEXT];
    size_t whole_reads, delta_reads;
    kedge_ms now;
    uint64_t asked;                      /* of the last message that wants an answer */
    struct kedge_server_replies replies; /* of the last step */
};

/* `store` NULL: a fresh one in memory. */
void fixture_make(struct fixture *fixture);
void fixture_release(struct fixture *fixture);
/* As after kill -9: the store and the commits stand. */
void fixture_restart(struct fixture *fixture);
/* A further commit of these texts (FIXTURE_FILES of them, NULL for none); returns its id. */
const char *fixture_commit(struct fixture *fixture, const char *zero, const char *one,
                           const char *two);
/* The head of the repository is heard. */
void fixture_head(struct fixture *fixture, const char *commit);
void fixture_unreachable(struct fixture *fixture, const char *why);
/* Time passes. */
void fixture_wait(struct fixture *fixture, kedge_ms span);
/* The reply to `from` among those of the last step, or NULL. */
const struct kedge_server_reply *fixture_reply(const struct fixture *fixture, uint64_t from);
/* A view as JSON; fails the test when it is refused. Caller decrefs. */
json_t *fixture_view(struct fixture *fixture, struct kedge_view_query query);
size_t fixture_count_events(struct fixture *fixture, enum kedge_event_kind kind);

/* The manifest of a Device with that key. */
char *fixture_device_yaml(const struct fixture_device *device, const char *labels);
void fixture_device_make(struct fixture_device *device, const char *name, uint8_t seed);
void fixture_device_release(struct fixture_device *device);
/* Its report, signed, with the next counter: the next link of its chain. */
void fixture_report(struct fixture_device *device, kedge_ms now, struct kedge_buf *out);
/* A report that nothing has changed since its last link. */
void fixture_uphold(struct fixture_device *device, kedge_ms now, struct kedge_buf *out);
/* Sends a report; the answer, or NULL when it is held. */
const struct kedge_server_reply *fixture_sync(struct fixture *fixture,
                                              struct fixture_device *device, kedge_ms wait);
const struct kedge_server_reply *fixture_send(struct fixture *fixture, const char *device,
                                              struct kedge_slice evidence, kedge_ms wait);
/* Admits an order as a device does, and holds its set from then on. */
void fixture_obey(const struct kedge_public_key *director, struct fixture_device *device,
                  struct kedge_slice envelope, kedge_ms now);
/* The same with the order of a reply. */
void fixture_take(const struct fixture *fixture, struct fixture_device *device,
                  const struct kedge_server_reply *reply);
