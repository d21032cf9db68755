/* SPDX-License-Identifier: Apache-2.0 */
#include "proof.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"

/* One report on its way. */
struct trial {
    struct kedge_server *server;
    struct kedge_store *store;
    struct kedge_peer *peer;
    const struct kedge_report *report;
    struct kedge_slice evidence;
    const struct kedge_public_key *key;
    kedge_ms now;
    struct kedge_proof *proof;
    struct kedge_arena arena;
};

/* The end of the chain as it is kept. What cannot be read any more counts as an end that nothing
 * follows: the device is then asked for a fresh link, and the gap shows. */
static int take_head(const struct kedge_store_evidence *kept, void *payload)
{
    struct kedge_peer *peer = payload;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    struct kedge_report report;
    struct kedge_err err;
    peer->chain = kept->chain;
    peer->head = (struct kedge_chain_head){.link = kept->link, .counter = kept->counter};
    memcpy(peer->chain_key, kept->key, sizeof peer->chain_key);
    if (kedge_envelope_peek(kept->envelope, KEDGE_LIMIT_REPORT, &statement, &err) == 0 &&
        kedge_evidence_read(&arena, kedge_buf_slice(&statement), kept->device, &report, &err) ==
            0) {
        peer->head.link = report.link;
        peer->head.self = report.self;
        peer->head.content = kedge_report_digest(&report);
    }
    return 0;
}

static int load_head(struct trial *trial, struct kedge_err *err)
{
    struct kedge_peer *peer = trial->peer;
    struct kedge_err why;
    if (peer->chain_known)
        return 0;
    peer->chain = 0;
    peer->head = (struct kedge_chain_head){0};
    int code = kedge_store_last_evidence(trial->store, peer->name, take_head, peer, &why);
    if (code && code != KEDGE_NOTFOUND) {
        *err = why;
        return code;
    }
    const struct kedge_actual_device *row = kedge_actual_find(&trial->server->actual, peer->name);
    bool same_key = memcmp(peer->chain_key, trial->key->bytes, sizeof peer->chain_key) == 0;
    if (row && same_key && row->report.counter > peer->head.counter)
        peer->head.counter = row->report.counter;
    if (row && same_key && row->report.link > peer->head.link)
        peer->head.self = (struct kedge_digest){0}; /* there was a later one */
    peer->chain_known = true;
    return 0;
}

void kedge_proof_forget(struct kedge_peer *peer)
{
    peer->chain_known = false;
}

struct looking {
    const struct kedge_report *report;
    bool kept;
};

static int compare_kept(const struct kedge_store_evidence *kept, void *payload)
{
    struct looking *looking = payload;
    looking->kept |= kedge_digest_equal(&kept->digest, &looking->report->self);
    return 0;
}

/* Does a link of this verdict need a look at what was taken before? A chain that a person has ended
 * may hold later links than the one that goes on: played again, they must neither pass for news nor
 * for another reporter. */
static bool may_be_old(const struct trial *trial)
{
    switch (trial->proof->verdict) {
    case KEDGE_CHAIN_PAST:
    case KEDGE_CHAIN_FORKED:
    case KEDGE_CHAIN_AHEAD:
    case KEDGE_CHAIN_STALE:
        return kedge_digest_is_zero(&trial->report->upholds);
    default:
        return false;
    }
}

/* Is it a link that was taken before, in whichever chain? One that was not has another author than
 * the chain, unless it is news: it has the number of another, or a later one and a counter that is
 * too low. */
static int judge_past(struct trial *trial, struct kedge_err *err)
{
    struct looking looking = {.report = trial->report};
    for (int64_t chain = trial->peer->chain; chain > 0 && !looking.kept; chain--) {
        struct kedge_err why;
        int code = kedge_store_get_evidence(trial->store, trial->peer->name, chain,
                                            trial->report->link, compare_kept, &looking, &why);
        if (code && code != KEDGE_NOTFOUND) {
            *err = why;
            return code;
        }
    }
    if (looking.kept)
        trial->proof->verdict = KEDGE_CHAIN_STALE;
    else if (trial->proof->verdict != KEDGE_CHAIN_AHEAD)
        trial->proof->verdict = KEDGE_CHAIN_FORKED;
    return 0;
}

/* *standing: something is doubted of the device, and nobody has decided; what is doubted of another
 * key than the device's is over. */
static int look_for_doubt(struct trial *trial, bool *standing, struct kedge_err *err)
{
    struct kedge_proof *proof = trial->proof;
    struct kedge_err why;
    int code = kedge_doubt_get(trial->store, trial->peer->name, &trial->arena, &proof->doubt, &why);
    *standing = false;
    if (code == KEDGE_NOTFOUND)
        return 0;
    if (code) {
        *err = why;
        return code;
    }
    bool old_key = memcmp(proof->doubt.key, trial->key->bytes, sizeof proof->doubt.key) != 0;
    *standing = !proof->doubt.settled && !old_key;
    proof->settled = !*standing;
    return 0;
}

static int raise_doubt(struct trial *trial, struct kedge_err *err)
{
    struct kedge_proof *proof = trial->proof;
    proof->doubt = (struct kedge_doubt){.device = trial->peer->name,
                                        .at = trial->now,
                                        .link = trial->report->link,
                                        .counter = trial->report->counter,
                                        .kept = trial->peer->head.self,
                                        .sent = trial->report->self};
    memcpy(proof->doubt.key, trial->key->bytes, sizeof proof->doubt.key);
    proof->doubted = true;
    return kedge_doubt_raise(trial->store, &proof->doubt, trial->evidence, err);
}

static int refuse_stale(const struct trial *trial, struct kedge_err *refusal)
{
    return kedge_err_set(refusal, KEDGE_CONFLICT,
                         "report %lld of device '%s' proves nothing: it is an old one, or about "
                         "link %lld, which is not the last here (%lld); a fresh link is wanted",
                         (long long)trial->report->counter, trial->peer->name,
                         (long long)trial->report->link, (long long)trial->peer->head.link);
}

/* Another reporter, unless the key is new or a person has said that this is the device now. */
static int judge_fork(struct trial *trial, bool renewed, struct kedge_err *refusal,
                      struct kedge_err *err)
{
    struct kedge_proof *proof = trial->proof;
    const char *name = trial->peer->name;
    bool standing, link = kedge_digest_is_zero(&trial->report->upholds);
    int code = look_for_doubt(trial, &standing, err);
    if (code)
        return code;
    if (renewed || proof->settled) {
        proof->begins = link;
        proof->settled &= link;
        if (!link)
            refuse_stale(trial, refusal);
        return 0;
    }
    if (!standing)
        code = raise_doubt(trial, err);
    kedge_err_set(refusal, KEDGE_CONFLICT,
                  "device '%s' is held: two reporters have signed with its key (was its state "
                  "folder copied, restored or lost?); 'kedge device approve %s' once only one of "
                  "them is left",
                  name, name);
    return code;
}

static int judge(struct trial *trial, struct kedge_err *refusal, struct kedge_err *err)
{
    struct kedge_proof *proof = trial->proof;
    const struct kedge_peer *peer = trial->peer;
    const struct kedge_identity *row =
        kedge_identity_find(&trial->server->actual.identities, peer->name);
    bool standing, held = row && row->hold;
    bool renewed =
        peer->chain && memcmp(peer->chain_key, trial->key->bytes, sizeof peer->chain_key) != 0;
    int code = 0;
    proof->verdict = kedge_chain_judge(&peer->head, trial->report);
    if (may_be_old(trial) && (code = judge_past(trial, err)) < 0)
        return code;
    switch (proof->verdict) {
    case KEDGE_CHAIN_FORKED:
        return judge_fork(trial, renewed, refusal, err);
    case KEDGE_CHAIN_STALE:
        refuse_stale(trial, refusal);
        return 0;
    case KEDGE_CHAIN_FALSE:
        kedge_err_set(refusal, KEDGE_INVALID,
                      "device '%s' says that nothing has changed since link %lld, and it has",
                      peer->name, (long long)peer->head.link);
        return 0;
    case KEDGE_CHAIN_AHEAD:
        /* Who was refused as the second reporter must not get in by going on alone. */
        if ((code = look_for_doubt(trial, &standing, err)) < 0)
            return code;
        if (standing || proof->settled)
            return judge_fork(trial, renewed, refusal, err);
        proof->begins = renewed;
        break;
    case KEDGE_CHAIN_NEXT:
    case KEDGE_CHAIN_AGAIN:
    case KEDGE_CHAIN_UPHELD:
    case KEDGE_CHAIN_PAST:
        break;
    }
    return held ? look_for_doubt(trial, &standing, err) : 0;
}

static int tell(struct trial *trial, enum kedge_event_kind kind, const char *message,
                struct kedge_err *err)
{
    struct kedge_event event = {.at = trial->now,
                                .kind = kind,
                                .device = trial->peer->name,
                                .message = message};
    return kedge_store_append_event(trial->store, &event, err);
}

/* What is special about a link. `after` is the one that was the last before it. */
static int tell_link(struct trial *trial, int64_t after, struct kedge_err *err)
{
    const struct kedge_proof *proof = trial->proof;
    long long link = trial->report->link;
    const char *by = proof->settled ? proof->doubt.by : NULL;
    if (proof->begins)
        return tell(trial, KEDGE_EVENT_EVIDENCE_RESTARTED,
                    kedge_arena_printf(&trial->arena, "chain %lld begins with link %lld: %s%s",
                                       (long long)trial->peer->chain, link,
                                       by ? "approved by " : "the key, or the store, is another",
                                       by ? by : ""),
                    err);
    if (proof->verdict == KEDGE_CHAIN_AHEAD)
        return tell(trial, KEDGE_EVENT_EVIDENCE_MISSING,
                    kedge_arena_printf(&trial->arena,
                                       "link %lld follows link %lld: what the store knew of those "
                                       "between, or of the last one, is lost",
                                       link, (long long)after),
                    err);
    return 0;
}

static int keep_link(struct trial *trial, struct kedge_err *err)
{
    struct kedge_peer *peer = trial->peer;
    const struct kedge_report *report = trial->report;
    struct kedge_store_evidence evidence = {
        .device = peer->name,
        .chain = peer->chain + (trial->proof->begins || !peer->chain),
        .link = report->link,
        .counter = report->counter,
        .received = trial->now,
        .digest = report->self,
        .envelope = trial->evidence,
    };
    int64_t after = peer->head.link;
    int code;
    memcpy(evidence.key, trial->key->bytes, sizeof evidence.key);
    /* There is another one of its number only where somebody has changed the store. */
    while ((code = kedge_store_append_evidence(trial->store, &evidence, err)) == KEDGE_EXISTS) {
        evidence.chain++;
        trial->proof->begins = true;
    }
    if (code)
        return code;
    peer->chain = evidence.chain;
    memcpy(peer->chain_key, evidence.key, sizeof peer->chain_key);
    peer->head = (struct kedge_chain_head){.link = report->link,
                                           .self = report->self,
                                           .content = kedge_report_digest(report)};
    return tell_link(trial, after, err);
}

static int keep(struct trial *trial, struct kedge_err *err)
{
    const struct kedge_proof *proof = trial->proof;
    int code = 0;
    if (proof->settled)
        code = kedge_doubt_drop(trial->store, trial->peer->name, err);
    if (code || proof->verdict == KEDGE_CHAIN_AGAIN)
        return code;
    if (kedge_digest_is_zero(&trial->report->upholds))
        code = keep_link(trial, err);
    if (!code)
        trial->peer->head.counter = trial->report->counter;
    return code;
}

int kedge_proof_take(struct kedge_server *server, struct kedge_peer *peer,
                     const struct kedge_actual_device *row, struct kedge_slice evidence,
                     const struct kedge_public_key *key, kedge_ms now, struct kedge_proof *out,
                     struct kedge_err *refusal, struct kedge_err *err)
{
    struct trial trial = {.server = server,
                          .store = server->options.store,
                          .peer = peer,
                          .report = &row->report,
                          .evidence = evidence,
                          .key = key,
                          .now = now,
                          .proof = out};
    *out = (struct kedge_proof){0};
    refusal->code = KEDGE_OK;
    int code = load_head(&trial, err);
    if (!code)
        code = judge(&trial, refusal, err);
    if (!code && !refusal->code)
        code = keep(&trial, err);
    out->doubt.by = NULL; /* it lived in the arena */
    out->doubt.device = peer->name;
    kedge_arena_release(&trial.arena);
    return code;
}

void kedge_proof_adopt(struct kedge_server *server, const struct kedge_peer *peer,
                       const struct kedge_proof *proof)
{
    if (!proof->doubted && !proof->settled)
        return;
    kedge_doubt_show(&server->actual.identities, peer->name, proof->doubted ? &proof->doubt : NULL);
    server->version++;
    kedge_server_mark(server, peer->name);
}
