/* SPDX-License-Identifier: Apache-2.0 */
#include "chain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/limits.h"

const struct kedge_words kedge_chain_flaw_words =
    KEDGE_WORDS([KEDGE_CHAIN_WHOLE] = NULL, [KEDGE_CHAIN_MISSING] = "missing",
                [KEDGE_CHAIN_ALTERED] = "altered", [KEDGE_CHAIN_REORDERED] = "reordered",
                [KEDGE_CHAIN_FOREIGN] = "foreign", [KEDGE_CHAIN_CONTRADICTS] = "contradicts",
                [KEDGE_CHAIN_COUNTER] = "counter", [KEDGE_CHAIN_CLAIMED] = "claimed");

static bool is_damaged(const struct kedge_chain_head *head)
{
    return head->link && kedge_digest_is_zero(&head->self);
}

/* Reports that uphold a link are not kept, so an old one cannot be told from a reporter that was set
 * back, unless its counter says that it is new. */
static enum kedge_chain_verdict judge_upholding(const struct kedge_chain_head *head,
                                                const struct kedge_report *report)
{
    if (report->counter <= head->counter || report->link > head->link || is_damaged(head))
        return KEDGE_CHAIN_STALE;
    if (report->link < head->link || !kedge_digest_equal(&report->upholds, &head->self))
        return KEDGE_CHAIN_FORKED;
    struct kedge_digest content = kedge_report_digest(report);
    return kedge_digest_equal(&content, &head->content) ? KEDGE_CHAIN_UPHELD : KEDGE_CHAIN_FALSE;
}

enum kedge_chain_verdict kedge_chain_judge(const struct kedge_chain_head *head,
                                           const struct kedge_report *report)
{
    if (kedge_digest_equal(&report->self, &head->self))
        return KEDGE_CHAIN_AGAIN;
    if (!kedge_digest_is_zero(&report->upholds))
        return judge_upholding(head, report);
    if (report->link <= head->link)
        return KEDGE_CHAIN_PAST;
    if (is_damaged(head))
        return KEDGE_CHAIN_AHEAD;
    /* An honest device counts on: what it sent before a link has lower counters than the link. */
    bool counts = report->counter > head->counter;
    if (report->link > head->link + 1)
        return counts ? KEDGE_CHAIN_AHEAD : KEDGE_CHAIN_STALE;
    if (!counts)
        return KEDGE_CHAIN_FORKED;
    return kedge_digest_equal(&report->previous, &head->self) ? KEDGE_CHAIN_NEXT
                                                              : KEDGE_CHAIN_FORKED;
}

/* One link by itself. */

static void find_fault(struct kedge_chain_link *link, enum kedge_chain_flaw flaw,
                       const char *format, ...) KEDGE_PRINTF(3, 4);

static void find_fault(struct kedge_chain_link *link, enum kedge_chain_flaw flaw,
                       const char *format, ...)
{
    va_list arguments;
    link->flaw = flaw;
    va_start(arguments, format);
    vsnprintf(link->why, sizeof link->why, format, arguments);
    va_end(arguments);
}

/* Neither the device's keys nor the one kept beside it have signed it as it is: another device's, or
 * damaged? */
static void explain_signature(struct kedge_chain_link *link, struct kedge_arena *arena,
                              const struct kedge_err *why)
{
    const struct kedge_store_evidence *kept = &link->kept;
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    struct kedge_report report;
    struct kedge_err err;
    if (kedge_envelope_peek(kept->envelope, KEDGE_LIMIT_REPORT, &statement, &err) == 0 &&
        kedge_evidence_read(arena, kedge_buf_slice(&statement), kept->device, &report, &err) ==
            KEDGE_DENIED)
        find_fault(link, KEDGE_CHAIN_FOREIGN, "%s", err.msg);
    else
        find_fault(link, KEDGE_CHAIN_ALTERED, "%s", why->msg);
}

static void compare(struct kedge_chain_link *link, const struct kedge_report *report)
{
    const struct kedge_store_evidence *kept = &link->kept;
    if (!kedge_digest_is_zero(&report->upholds))
        find_fault(link, KEDGE_CHAIN_ALTERED,
                   "in its place stands a report that is no link but upholds link %lld",
                   (long long)report->link);
    else if (report->link != kept->link)
        find_fault(link, KEDGE_CHAIN_REORDERED, "in its place stands link %lld of the device",
                   (long long)report->link);
    else if (!kedge_digest_equal(&report->self, &kept->digest))
        find_fault(link, KEDGE_CHAIN_ALTERED, "the digest kept beside it is not its own");
    else if (report->counter != kept->counter)
        find_fault(link, KEDGE_CHAIN_ALTERED,
                   "the counter kept beside it is %lld and the device signed %lld",
                   (long long)kept->counter, (long long)report->counter);
}

void kedge_chain_open(struct kedge_chain_link *link, const struct kedge_public_key *keys,
                      size_t key_count)
{
    const struct kedge_store_evidence *kept = &link->kept;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_report report;
    struct kedge_public_key beside;
    struct kedge_err err;
    char print[KEDGE_KEY_PRINT];
    int code = KEDGE_DENIED;
    for (size_t i = 0; code && i < key_count; i++)
        code = kedge_evidence_verify(&arena, kept->envelope, kept->device, &keys[i], &report, &err);
    link->flaw = KEDGE_CHAIN_WHOLE;
    link->vouched = code == 0;
    if (code) {
        memcpy(beside.bytes, kept->key, sizeof beside.bytes);
        code = kedge_evidence_verify(&arena, kept->envelope, kept->device, &beside, &report, &err);
        find_fault(link, KEDGE_CHAIN_WHOLE, "signed by key %s, which nobody vouches for",
                   kedge_public_key_fingerprint(&beside, print));
    }
    if (code) {
        explain_signature(link, &arena, &err);
        return;
    }
    link->self = report.self;
    link->previous = report.previous;
    compare(link, &report);
}

/* All of them in a row. */

bool kedge_chain_break(struct kedge_chain_walk *walk, enum kedge_chain_flaw flaw, int64_t link,
                       const char *format, ...)
{
    va_list arguments;
    if (walk->flaw)
        return false;
    walk->flaw = flaw;
    walk->broken = link;
    va_start(arguments, format);
    vsnprintf(walk->why, sizeof walk->why, format, arguments);
    va_end(arguments);
    return false;
}

/* Is it the place where the next link is to be found? A later chain may begin at any number. */
static bool is_due(struct kedge_chain_walk *walk, const struct kedge_store_evidence *kept)
{
    if (kept->chain > walk->chain + 1)
        return kedge_chain_break(walk, KEDGE_CHAIN_MISSING, walk->link + 1,
                                 "chain %lld is followed by chain %lld", (long long)walk->chain,
                                 (long long)kept->chain);
    if (kept->chain == walk->chain + 1 && walk->chain > 0)
        return true;
    if (kept->link <= walk->link)
        return kedge_chain_break(walk, KEDGE_CHAIN_REORDERED, kept->link,
                                 "it is kept behind link %lld", (long long)walk->link);
    if (kept->link > walk->link + 1)
        return kedge_chain_break(walk, KEDGE_CHAIN_MISSING, walk->link + 1,
                                 "link %lld is the next that is kept", (long long)kept->link);
    return true;
}

/* What nobody has vouched for comes first. */
static bool break_unvouched(struct kedge_chain_walk *walk)
{
    if (!walk->unvouched)
        return false;
    walk->flaw = KEDGE_CHAIN_FOREIGN;
    walk->broken = walk->unvouched;
    return true;
}

static bool follows(struct kedge_chain_walk *walk, const struct kedge_chain_link *link)
{
    const struct kedge_store_evidence *kept = &link->kept;
    if (!kedge_digest_equal(&link->previous, &walk->self))
        return !break_unvouched(walk) &&
               kedge_chain_break(walk, KEDGE_CHAIN_CONTRADICTS, kept->link,
                                 "it follows another link %lld than the one that is kept",
                                 (long long)walk->link);
    if (kept->counter <= walk->counter)
        return kedge_chain_break(walk, KEDGE_CHAIN_COUNTER, kept->link,
                                 "its counter %lld comes after %lld", (long long)kept->counter,
                                 (long long)walk->counter);
    return true;
}

bool kedge_chain_step(struct kedge_chain_walk *walk, const struct kedge_chain_link *link)
{
    const struct kedge_store_evidence *kept = &link->kept;
    if (walk->flaw || !is_due(walk, kept))
        return false;
    if (link->flaw)
        return kedge_chain_break(walk, link->flaw, kept->link, "%s", link->why);
    bool further = walk->chain > 0 && kept->chain != walk->chain;
    if (further ? break_unvouched(walk) : !follows(walk, link))
        return false;
    if (link->vouched) {
        walk->unvouched = 0;
    } else if (!walk->unvouched) {
        walk->unvouched = kept->link;
        memcpy(walk->why, link->why, sizeof walk->why);
    }
    walk->beginnings += further;
    walk->first = walk->links ? walk->first : kept->received;
    walk->last = kept->received;
    walk->links++;
    walk->chain = kept->chain;
    walk->link = kept->link;
    walk->counter = kept->counter;
    walk->self = link->self;
    return true;
}

bool kedge_chain_end(struct kedge_chain_walk *walk, const struct kedge_report *report)
{
    if (walk->flaw || break_unvouched(walk))
        return false;
    if (!report)
        return kedge_chain_break(walk, KEDGE_CHAIN_MISSING, walk->link + 1,
                                 "the device's last report is not kept: nothing tells how far its "
                                 "chain goes");
    bool link = kedge_digest_is_zero(&report->upholds);
    const struct kedge_digest *named = link ? &report->self : &report->upholds;
    if (report->link > walk->link)
        return kedge_chain_break(walk, KEDGE_CHAIN_MISSING, walk->link + 1,
                                 "the device's last report speaks of link %lld",
                                 (long long)report->link);
    if (report->link < walk->link || !kedge_digest_equal(named, &walk->self))
        return kedge_chain_break(walk, KEDGE_CHAIN_CONTRADICTS, walk->link,
                                 "the device's last report speaks of another link %lld",
                                 (long long)report->link);
    return true;
}
