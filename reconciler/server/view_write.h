/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of view.h, one function each, and the pieces they share. */
#pragma once

#include "axis.h"
#include "base/json.h"
#include "cycle.h"
#include "view.h"

/* What a view is written from. */
struct kedge_view_job {
    struct kedge_server *server;
    const struct kedge_view_query *query;
    kedge_ms now;
    uint32_t limit; /* of the query, or the default */
    struct kedge_arena *arena;
    struct kedge_json_writer w;
};

typedef int kedge_view_writer(struct kedge_view_job *job, struct kedge_err *err);

kedge_view_writer kedge_view_write_devices, kedge_view_write_device, kedge_view_write_explain;
kedge_view_writer kedge_view_write_models, kedge_view_write_model;
kedge_view_writer kedge_view_write_metrics;

/* Members that several documents have. */
void kedge_view_add_word(struct kedge_view_job *job, const char *key,
                         const struct kedge_words *words, int value);
void kedge_view_add_time(struct kedge_view_job *job, const char *key,
                         kedge_ms at); /* 0: left out */
void kedge_view_add_digest(struct kedge_view_job *job, const char *key,
                           const struct kedge_digest *digest); /* zero: left out */
void kedge_view_add_place(struct kedge_view_job *job, const char *key,
                          const struct kedge_position *at);
/* "hold":{"blocker","why","frees","until"}, nothing when it is released. */
void kedge_view_add_hold(struct kedge_view_job *job, const struct kedge_step *step);
/* {"items":[...]: events that `filter` takes, newest first; the array is closed. */
int kedge_view_add_events(struct kedge_view_job *job, const char *key,
                          const struct kedge_store_filter *filter, int64_t *last,
                          struct kedge_err *err);

/* What is wanted of a device: nothing, once it is to go. */
const struct kedge_desired_device *kedge_view_wants(struct kedge_view_job *job,
                                                    const struct kedge_desired_device *desired);
/* "identity":{"key","fingerprint","manifestHas","enrolledWith","hardware","enrolled","standing",
 * "left","hold","frees"} */
void kedge_view_add_identity(struct kedge_view_job *job, const struct kedge_device *device);
/* "waiting":[{"device","fingerprint","hardware","at"}..]: requests that an operator is to approve,
 * of one device or (NULL) of all. */
int kedge_view_add_waiting(struct kedge_view_job *job, const char *device, struct kedge_err *err);
