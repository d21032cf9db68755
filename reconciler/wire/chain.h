/* SPDX-License-Identifier: Apache-2.0 */
/* A device's chain of evidence (evidence.h): what fits at its end, and whether a kept one is whole.
 * No I/O: the server judges with it what comes in, `kedge history --verify` what was kept. */
#pragma once

#include "evidence.h"
#include "kedge/store.h"

/* The end of a chain as the server knows it. All-zero: there is none yet. */
struct kedge_chain_head {
    int64_t link;
    struct kedge_digest self;    /* of its statement; zero: it is damaged, or later ones are lost */
    struct kedge_digest content; /* what it says (kedge_report_digest) */
    int64_t counter;             /* the highest taken so far, of reports that uphold it too */
};

enum kedge_chain_verdict {
    KEDGE_CHAIN_NEXT,   /* the next link */
    KEDGE_CHAIN_AGAIN,  /* the last link itself: nothing new, and no proof of life */
    KEDGE_CHAIN_UPHELD, /* the last link still holds */
    KEDGE_CHAIN_AHEAD,  /* a later link: those between are missing here */
    KEDGE_CHAIN_FALSE,  /* it claims to uphold the last link, and says something else */
    KEDGE_CHAIN_STALE, /* proves nothing: old, or about a link that is missing here; ask for a link */
    KEDGE_CHAIN_PAST,   /* a link of a number long taken: STALE if it is that one, else FORKED */
    KEDGE_CHAIN_FORKED, /* two reporters have signed with one key */
};
/* `report` was verified with the device's key. */
enum kedge_chain_verdict kedge_chain_judge(const struct kedge_chain_head *head,
                                           const struct kedge_report *report);

/* What is wrong with a kept link. */
enum kedge_chain_flaw {
    KEDGE_CHAIN_WHOLE,
    KEDGE_CHAIN_MISSING,     /* it is not there */
    KEDGE_CHAIN_ALTERED,     /* what is kept is not what the device signed */
    KEDGE_CHAIN_REORDERED,   /* another link of the device stands in its place */
    KEDGE_CHAIN_FOREIGN,     /* of another device, or by a key that nobody vouches for */
    KEDGE_CHAIN_CONTRADICTS, /* genuine, but it follows another link than the one before it here */
    KEDGE_CHAIN_COUNTER,     /* its counter does not rise */
    KEDGE_CHAIN_CLAIMED      /* history tells what no link of that moment says */
};
extern const struct kedge_words
    kedge_chain_flaw_words; /* NULL, "missing", "altered", "reordered", "foreign", ... */

#define KEDGE_CHAIN_WHY 256

/* A kept link, opened. */
struct kedge_chain_link {
    struct kedge_store_evidence kept; /* borrowed */
    struct kedge_digest self, previous;
    bool vouched; /* one of the keys given has signed it; else the one kept beside it */
    enum kedge_chain_flaw flaw; /* of itself alone */
    char why[KEDGE_CHAIN_WHY];  /* there is a flaw, or nobody vouches for the key */
};
/* Judges one link by itself: signed for its device, and what stands beside it is what it says. Any
 * core may do it. */
void kedge_chain_open(struct kedge_chain_link *link, const struct kedge_public_key *keys,
                      size_t key_count);

/* Along the links of one device, in their order. All-zero, but for the device, begins.
 *
 * Keys change. A link that is signed by a key which is vouched for names the link before, and so
 * vouches for it and for all before that, whoever signed them. */
struct kedge_chain_walk {
    const char *device;
    int64_t chain, link, counter; /* of the last good one */
    struct kedge_digest self;
    int64_t unvouched; /* the first link of those that nobody vouches for yet; 0: there is none */
    size_t links;
    size_t beginnings; /* chains after the first, each begun by a person's word or with a new key */
    kedge_ms first, last; /* received */
    enum kedge_chain_flaw flaw;
    int64_t broken; /* number of the first broken link */
    char why[KEDGE_CHAIN_WHY];
};
/* False at the first link that does not fit, which `walk` then names; it goes no further. */
bool kedge_chain_step(struct kedge_chain_walk *walk, const struct kedge_chain_link *link);
/* Behind the last link: `report`, the last that was verified of the device, must not know of more.
 * NULL: it is not kept, although it is whenever a link is. */
bool kedge_chain_end(struct kedge_chain_walk *walk, const struct kedge_report *report);
/* Breaks the walk at the link of that number, unless it is broken. Returns false. */
bool kedge_chain_break(struct kedge_chain_walk *walk, enum kedge_chain_flaw flaw, int64_t link,
                       const char *format, ...) KEDGE_PRINTF(4, 5);
