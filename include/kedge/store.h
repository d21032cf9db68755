/* SPDX-License-Identifier: Apache-2.0 */
/* Port: what the reconciler remembers. Drivers: "memory:" (empty, gone when closed) and
 * "sqlite:PATH" (default).
 *
 * One thread owns a store handle; every call may block on a disk. Writes between begin and commit
 * are durable together or not at all; a write outside a transaction is a transaction of its own.
 * What is handed to a visitor is borrowed for the call, and a visitor does not call the store.
 * Foreign bytes are stored as they are: the store knows nothing of envelopes. */
#pragma once

#include "err.h"
#include "types.h"

struct kedge_event;

/* What was last signed for a device. */
struct kedge_store_device {
    const char *name;
    int64_t generation;
    kedge_ms issued, expires;
    struct kedge_digest set;       /* set digest the envelope authorises */
    struct kedge_slice authorised; /* JSON array of instance names, sorted */
    struct kedge_slice envelope;
};

/* The last verified report of a device, as the device signed it. */
struct kedge_store_report {
    const char *device;
    int64_t counter;
    kedge_ms received;
    struct kedge_slice evidence;
};

/* One link of a device's chain of evidence, as the device signed it. Kept for ever, never changed. */
struct kedge_store_evidence {
    const char *device;
    int64_t chain; /* from 1; a further one begins when a person has said so, or with another key */
    int64_t link;
    int64_t counter;
    kedge_ms received;
    struct kedge_digest digest; /* of the statement: what the next link names */
    uint8_t key[32];            /* Ed25519: the one that verified it */
    struct kedge_slice envelope;
};

/* Which events; members that are NULL or 0 do not narrow. Newest first unless `ascending`. */
struct kedge_store_filter {
    const char *device, *instance, *commit;
    int64_t after;  /* seq greater than this */
    int64_t before; /* seq less than this */
    kedge_ms since;
    uint32_t limit; /* 0: all */
    bool ascending;
};

/* A non-zero return of a visitor ends the walk and is returned. */
typedef int kedge_store_visit_device(const struct kedge_store_device *device, void *payload);
typedef int kedge_store_visit_report(const struct kedge_store_report *report, void *payload);
typedef int kedge_store_visit_evidence(const struct kedge_store_evidence *evidence, void *payload);
typedef int kedge_store_visit_event(const struct kedge_event *event, void *payload);
typedef int kedge_store_visit_item(const char *key, struct kedge_slice bytes, void *payload);

struct kedge_store;

struct kedge_store_ops {
    const char *scheme;
    /* `location` is what follows the scheme. KEDGE_CORRUPT: not ours, or of a newer version. */
    int (*open)(const char *location, bool read_only, struct kedge_store **out,
                struct kedge_err *err);
    void (*close)(struct kedge_store *self);
    int (*begin)(struct kedge_store *self, struct kedge_err *err);
    int (*commit)(struct kedge_store *self, struct kedge_err *err);
    void (*rollback)(struct kedge_store *self);
    /* Small named values: the commit in force, ... KEDGE_NOTFOUND when absent; *out is the caller's
     * to free(). */
    int (*get)(struct kedge_store *self, const char *key, char **out, struct kedge_err *err);
    int (*put)(struct kedge_store *self, const char *key, const char *value, struct kedge_err *err);
    /* Bytes by collection and key. *out is the caller's to free(). */
    int (*put_item)(struct kedge_store *self, const char *collection, const char *key,
                    struct kedge_slice bytes, struct kedge_err *err);
    int (*get_item)(struct kedge_store *self, const char *collection, const char *key, char **out,
                    size_t *size, struct kedge_err *err);
    int (*remove_item)(struct kedge_store *self, const char *collection, const char *key,
                       struct kedge_err *err);
    int (*each_item)(struct kedge_store *self, const char *collection,
                     kedge_store_visit_item *visit, void *payload, struct kedge_err *err);
    int (*put_device)(struct kedge_store *self, const struct kedge_store_device *device,
                      struct kedge_err *err);
    int (*get_device)(struct kedge_store *self, const char *name, kedge_store_visit_device *visit,
                      void *payload, struct kedge_err *err);
    int (*each_device)(struct kedge_store *self, kedge_store_visit_device *visit, void *payload,
                       struct kedge_err *err);
    int (*put_report)(struct kedge_store *self, const struct kedge_store_report *report,
                      struct kedge_err *err);
    int (*each_report)(struct kedge_store *self, kedge_store_visit_report *visit, void *payload,
                       struct kedge_err *err);
    int (*append_evidence)(struct kedge_store *self, const struct kedge_store_evidence *evidence,
                           struct kedge_err *err);
    int (*get_evidence)(struct kedge_store *self, const char *device, int64_t chain, int64_t link,
                        kedge_store_visit_evidence *visit, void *payload, struct kedge_err *err);
    int (*last_evidence)(struct kedge_store *self, const char *device,
                         kedge_store_visit_evidence *visit, void *payload, struct kedge_err *err);
    int (*each_evidence)(struct kedge_store *self, const char *device,
                         kedge_store_visit_evidence *visit, void *payload, struct kedge_err *err);
    /* Gives `event->seq`. */
    int (*append_event)(struct kedge_store *self, struct kedge_event *event, struct kedge_err *err);
    int (*each_event)(struct kedge_store *self, const struct kedge_store_filter *filter,
                      kedge_store_visit_event *visit, void *payload, struct kedge_err *err);
    /* A number that differs after another process has written; asked at every tick, so cheap. */
    int (*changed)(struct kedge_store *self, int64_t *out, struct kedge_err *err);
};

/* Embedded first by every driver; the functions below keep it. */
struct kedge_store {
    const struct kedge_store_ops *ops;
    bool read_only;
    bool in_transaction;
    int failed; /* code of the write that failed in this transaction; 0: none */
};

/* Chooses the driver by the URL's scheme; a plain path is sqlite. KEDGE_UNSUPPORTED: no such
 * driver. KEDGE_NOTFOUND: read_only, and there is no store. */
int kedge_store_open(const char *url, bool read_only, struct kedge_store **out,
                     struct kedge_err *err) KEDGE_MUST_CHECK;
/* Rolls back what was not committed. NULL is fine. */
void kedge_store_close(struct kedge_store *store);
void kedge_store_auto(struct kedge_store **store);

/* The calls of the port, as everybody uses them: they hold what is the same for every driver.
 * Writes to a read-only store are KEDGE_DENIED; KEDGE_LIMIT: the disk is full; KEDGE_UNAVAILABLE:
 * another process holds the store. */

/* KEDGE_INTERNAL when a transaction is open already. */
int kedge_store_begin(struct kedge_store *store, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Durable when it returns 0. On failure, or when a write since begin has failed, nothing of the
 * transaction is kept; either way it is over. */
int kedge_store_commit(struct kedge_store *store, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Does nothing outside a transaction. */
void kedge_store_rollback(struct kedge_store *store);
int kedge_store_get(struct kedge_store *store, const char *key, char **out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_store_put(struct kedge_store *store, const char *key, const char *value,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
/* Collections of foreign bytes: who needs one names it, without '/'. */
int kedge_store_put_item(struct kedge_store *store, const char *collection, const char *key,
                         struct kedge_slice bytes, struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_NOTFOUND when absent; *out, with a NUL behind its `size` bytes, is the caller's to free().
 * `size` may be NULL. */
int kedge_store_get_item(struct kedge_store *store, const char *collection, const char *key,
                         char **out, size_t *size, struct kedge_err *err) KEDGE_MUST_CHECK;
/* Fine when there is none. */
int kedge_store_remove_item(struct kedge_store *store, const char *collection, const char *key,
                            struct kedge_err *err) KEDGE_MUST_CHECK;
/* In key order. */
int kedge_store_each_item(struct kedge_store *store, const char *collection,
                          kedge_store_visit_item *visit, void *payload,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_store_put_device(struct kedge_store *store, const struct kedge_store_device *device,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_NOTFOUND when there is none of that name. */
int kedge_store_get_device(struct kedge_store *store, const char *name,
                           kedge_store_visit_device *visit, void *payload,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* In name order. */
int kedge_store_each_device(struct kedge_store *store, kedge_store_visit_device *visit,
                            void *payload, struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_store_put_report(struct kedge_store *store, const struct kedge_store_report *report,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
/* In device order. */
int kedge_store_each_report(struct kedge_store *store, kedge_store_visit_report *visit,
                            void *payload, struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_EXISTS: a link of that chain and number is there; it stays, and the transaction may go on. */
int kedge_store_append_evidence(struct kedge_store *store,
                                const struct kedge_store_evidence *evidence,
                                struct kedge_err *err) KEDGE_MUST_CHECK;
/* KEDGE_NOTFOUND when there is none. */
int kedge_store_get_evidence(struct kedge_store *store, const char *device, int64_t chain,
                             int64_t link, kedge_store_visit_evidence *visit, void *payload,
                             struct kedge_err *err) KEDGE_MUST_CHECK;
/* The last link of the last chain. KEDGE_NOTFOUND when there is none. */
int kedge_store_last_evidence(struct kedge_store *store, const char *device,
                              kedge_store_visit_evidence *visit, void *payload,
                              struct kedge_err *err) KEDGE_MUST_CHECK;
/* In the order of device, chain, link; of one device, or of all where `device` is NULL. */
int kedge_store_each_evidence(struct kedge_store *store, const char *device,
                              kedge_store_visit_evidence *visit, void *payload,
                              struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_store_append_event(struct kedge_store *store, struct kedge_event *event,
                             struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_store_each_event(struct kedge_store *store, const struct kedge_store_filter *filter,
                           kedge_store_visit_event *visit, void *payload,
                           struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_store_changed(struct kedge_store *store, int64_t *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
