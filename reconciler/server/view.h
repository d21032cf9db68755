/* SPDX-License-Identifier: Apache-2.0 */
/* What people and machines may ask: one JSON document each, the same for the HTTP API and the
 * command line. Keys come in a fixed order; times are RFC 3339; members that do not apply are left
 * out.
 *
 * The four axes are kept apart everywhere: `sync` (Synced, OutOfSync, Unknown), `health` (Healthy,
 * Progressing, Degraded, Missing, Unknown), `connection` (Online, Offline, Unknown) and `action`
 * (Pending, Held, Sent, ... as in state/report.h). What is held says
 * "hold":{"blocker","why","frees","until"}.
 *
 *   status     {"format","at","source":{"url","revision","path","reachable","message","lastSuccess",
 *              "head"}, "revision":{"commit","author","subject","since"}, "refused":{"commit",
 *              "reason","code","message"}, "signatures":{"required","verified"},
 *              "root":{"version","expires","warning","refused":{"version","reason","message"}},
 *              "policy":{"enforced","devices","objects","held":[{"object","commit","why",
 *              "frees"}..]}, "devices":{"total","online","offline","unknown","decommissioned","doubted"},
 *              "assignments":{"total","synced","outOfSync","unknown"},
 *              "health":{"Healthy":n,..}, "changes":{"released","held","drifted"},
 *              "blockers":{"window":n,..}}
 *   devices    {"items":[DEVICE..],"next"}; DEVICE {"name","labels","sync","health","connection",
 *              "standing","lastSeen","agent","generation","assignments","changes","held"}; the
 *              first page has "waiting":[WAITING..], WAITING {"device","fingerprint","hardware",
 *              "at"}: who asks to be approved
 *   device     DEVICE + {"arch","memory","disk","diskFree","runtimes","enrolled","identity":{"key",
 *              "fingerprint","manifestHas","enrolledWith","hardware","enrolled","standing","left",
 *              "hold","frees"},"recipient","waiting","root","refusal":{..},"rootRefusal":{..},
 *              "instances":[INSTANCE..]}
 *              INSTANCE {"instance","deployment","kind","bundle","sync","health","action","wanted":
 *              {"version","state","content"}, "held":{"version","state","content","integrity",
 *              "verified","endpoint","restarts","message"}, "verb","drift","reason","hold",
 *              "progress":{"state","code","message","bytes"}}
 *   models     {"items":[MODEL..],"next"}; MODEL {"name","kind","title","versions","latest",
 *              "deployments","devices","synced","outOfSync","unknown"}
 *   model      MODEL + {"description","licence","owners","releases":[{"version","stage","url",
 *              "digest","size","driver","at","comment"}..],"placements":[{"deployment","range",
 *              "version","state","devices","at"}..]}
 *   explain    {"device","instance","connection", INSTANCE's members, "because":[text..],
 *              "evidence":{"counter","received","generation"},"order":{"generation","issued",
 *              "expires","accepted"},"events":[EVENT..]}
 *   history    {"items":[EVENT..],"next"}: newest first; EVENT as kedge_event_write
 *   plan       as kedge_plan_write
 *   drift      {"items":[{"device","instance","drift","verb","from","to","reason","hold"}..],"next"}
 *   findings   {"commit","errors","warnings","items":[{"severity","rule","file","line","column",
 *              "field","message","remedy"}..]}: of the last commit looked at, taken or refused
 *   inventory  {"format":"kedge.dev/inventory/v1","at","commit","digest","devices":[{"device",
 *              "received","generation","set","publicKey","authorised","evidence"}..]}: evidence as each device
 *              signed it, so a copy can be verified anywhere
 *   metrics    OpenMetrics text, not JSON
 *   ready      {"ready":true,"commit"} once a commit is in force */
#pragma once

#include "base/buf.h"
#include "kedge/err.h"
#include "state/name.h"

enum kedge_view {
    KEDGE_VIEW_STATUS,
    KEDGE_VIEW_DEVICES,
    KEDGE_VIEW_DEVICE,
    KEDGE_VIEW_MODELS,
    KEDGE_VIEW_MODEL,
    KEDGE_VIEW_EXPLAIN,
    KEDGE_VIEW_HISTORY,
    KEDGE_VIEW_PLAN,
    KEDGE_VIEW_DRIFT,
    KEDGE_VIEW_FINDINGS,
    KEDGE_VIEW_INVENTORY,
    KEDGE_VIEW_METRICS,
    KEDGE_VIEW_READY,
    KEDGE_VIEW_COUNT
};
extern const struct kedge_words kedge_view_words; /* "status", "devices", ... */

#define KEDGE_VIEW_PAGE 500 /* items of a list when no limit is given; 10,000 at most */

/* Members that are NULL or 0 do not narrow. */
struct kedge_view_query {
    enum kedge_view view;
    const char *device;   /* device, explain; narrows history, plan and drift */
    const char *instance; /* explain; narrows history and drift; model: its name */
    const char *commit;   /* narrows history */
    const char *after;    /* lists: items behind this one ("next" of the page before) */
    kedge_ms since;       /* history */
    uint32_t limit;       /* items of a list */
};

struct kedge_server;

/* Appends the document. KEDGE_NOTFOUND: no such device, model or instance. KEDGE_UNAVAILABLE: no
 * commit is in force yet (status, history and findings answer all the same). KEDGE_INVALID: the
 * question lacks a name. */
int kedge_view_write(struct kedge_server *server, const struct kedge_view_query *query,
                     kedge_ms now, struct kedge_buf *out, struct kedge_err *err) KEDGE_MUST_CHECK;
