/* SPDX-License-Identifier: Apache-2.0 */
/* The rows in which enrolment.c writes down who devices are: one collection of the store each, one
 * JSON object a row. */
#pragma once

#include "base/arena.h"
#include "kedge/store.h"
#include "state/event.h"
#include "state/identity.h"
#include "state/record.h"

struct kedge_ledger_token {
    const char *hash, *hardware, *by;
    kedge_ms issued, expires;
    kedge_ms used;    /* 0: not yet */
    const char *user; /* fingerprint of the key that has used it */
};

/* A request that waits, and an enrolment. */
struct kedge_ledger_request {
    const char *key, *hardware;
    kedge_ms at;
    const char *previous;        /* key before the last rotation */
    struct kedge_strings former; /* keys of enrolments before this one, the last first */
};

struct kedge_ledger_approval {
    const char *fingerprint, *by;
    kedge_ms at;
};

struct kedge_ledger_departure {
    enum kedge_standing standing;
    kedge_ms at;
    const char *by;
    int64_t farewell;
};

struct kedge_ledger_refused {
    const char *device;
    kedge_ms at;
};

struct kedge_ledger {
    const char *name; /* of the collection */
    struct kedge_record record;
};
/* Rows go by device, those of the refusals by the key in hex. */
extern const struct kedge_ledger kedge_ledger_tokens, kedge_ledger_requests, kedge_ledger_approvals,
    kedge_ledger_enrolments, kedge_ledger_departures, kedge_ledger_refusals;

int kedge_ledger_put(struct kedge_store *store, const struct kedge_ledger *where, const char *key,
                     const void *row, struct kedge_err *err) KEDGE_MUST_CHECK;
/* 1 when there is such a row, 0 when there is none. Strings live in `arena`. */
int kedge_ledger_get(struct kedge_store *store, const struct kedge_ledger *where, const char *key,
                     struct kedge_arena *arena, void *row, struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_ledger_drop(struct kedge_store *store, const struct kedge_ledger *where, const char *key,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
/* A row as the store has it. KEDGE_CORRUPT. */
int kedge_ledger_parse(struct kedge_arena *arena, const struct kedge_ledger *where, const char *key,
                       struct kedge_slice bytes, void *row, struct kedge_err *err) KEDGE_MUST_CHECK;

/* Rises whenever who holds identities in memory is to read them again. */
int kedge_ledger_revision(struct kedge_store *store, int64_t *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
int kedge_ledger_revise(struct kedge_store *store, struct kedge_err *err) KEDGE_MUST_CHECK;

/* One line of history. */
int kedge_ledger_tell(struct kedge_store *store, enum kedge_event_kind kind, const char *device,
                      const char *by, const char *message, kedge_ms now,
                      struct kedge_err *err) KEDGE_MUST_CHECK;
