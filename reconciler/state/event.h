/* SPDX-License-Identifier: Apache-2.0 */
/* Facts for the audit trail: append-only, typed, stored. */
#pragma once

#include "base/json.h"
#include "name.h"

enum kedge_event_kind {
    KEDGE_EVENT_REVISION_RECONCILED, /* a commit came into force */
    KEDGE_EVENT_REVISION_REFUSED, /* invalid, rewritten, unverified, unreadable: the last good one stays */
    KEDGE_EVENT_SOURCE_UNREACHABLE,
    KEDGE_EVENT_SOURCE_RECOVERED,
    KEDGE_EVENT_ACTION_ISSUED,
    KEDGE_EVENT_ACTION_HELD,
    KEDGE_EVENT_ACTION_SUCCEEDED,
    KEDGE_EVENT_ACTION_FAILED,
    KEDGE_EVENT_ACTION_ROLLED_BACK,
    KEDGE_EVENT_ACTION_SUPERSEDED,
    KEDGE_EVENT_DRIFT_DETECTED,
    KEDGE_EVENT_DRIFT_HEALED,
    KEDGE_EVENT_ENVELOPE_REFUSED, /* by the device */
    KEDGE_EVENT_REPORT_REFUSED,   /* by us */
    KEDGE_EVENT_DEVICE_ONLINE,
    KEDGE_EVENT_DEVICE_OFFLINE,
    KEDGE_EVENT_DEVICE_CLONED,    /* two reporters, one key: it is held */
    KEDGE_EVENT_DOUBT_SETTLED,    /* by a person */
    KEDGE_EVENT_EVIDENCE_MISSING, /* the store has lost links */
    KEDGE_EVENT_EVIDENCE_RESTARTED,
    KEDGE_EVENT_TOKEN_ISSUED,
    KEDGE_EVENT_ENROLMENT_REQUESTED, /* without a token: an operator is to approve it */
    KEDGE_EVENT_ENROLMENT_APPROVED,
    KEDGE_EVENT_ENROLMENT_REFUSED,
    KEDGE_EVENT_DEVICE_ENROLLED,
    KEDGE_EVENT_KEY_ROTATED,
    KEDGE_EVENT_DECOMMISSION_ORDERED,
    KEDGE_EVENT_DEVICE_DECOMMISSIONED, /* its keys are refused from here on */
    KEDGE_EVENT_ROOT_PUBLISHED,
    KEDGE_EVENT_ROOT_REFUSED, /* by the device */
    KEDGE_EVENT_KIND_COUNT
};
extern const struct kedge_words kedge_event_words; /* "RevisionReconciled", ... */

/* Members that do not apply are NULL. */
struct kedge_event {
    int64_t seq; /* given by the store, from 1 */
    kedge_ms at;
    enum kedge_event_kind kind;
    const char *commit, *device, *instance;
    const char *verb, *from, *to; /* of an action */
    const char *action;           /* its id */
    const char *by;               /* author of the commit, or who ran the command */
    const char *reason;           /* code or blocker word */
    const char *message;
};

void kedge_event_write(const struct kedge_event *event, struct kedge_json_writer *writer);
