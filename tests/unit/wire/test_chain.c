/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/chain.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "fixture.h"
#include "lib/leak.h"

#define LINKS 6

/* A device's chain as a server keeps it. */
struct chain {
    struct kedge_buf envelopes[LINKS];
    struct kedge_store_evidence kept[LINKS];
    struct kedge_report last;
};

static struct kedge_digest sign_link(const struct kedge_report *report, const struct kedge_key *key,
                                     struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    struct kedge_public_key public = kedge_key_public(key);
    struct kedge_err err;
    kedge_evidence_write(report, &public, &statement);
    cr_assert_eq(kedge_evidence_seal(kedge_buf_slice(&statement), key, out, &err), 0);
    return kedge_digest_of(statement.data, statement.size);
}

/* The first `old` links are signed by the stranger, whose key the director's replaces. */
static void make(struct chain *chain, int old)
{
    struct kedge_digest previous = {0};
    memset(chain, 0, sizeof *chain);
    for (int i = 0; i < LINKS; i++) {
        const struct kedge_key *key = i < old ? kedge_fixture_stranger() : kedge_fixture_director();
        struct kedge_public_key public = kedge_key_public(key);
        const struct kedge_report report = {.device = "press-07",
                                            .counter = 10 * (i + 1),
                                            .link = i + 1,
                                            .previous = previous,
                                            .generation = i + 1};
        previous = sign_link(&report, key, &chain->envelopes[i]);
        chain->kept[i] = (struct kedge_store_evidence){
            .device = "press-07",
            .chain = 1,
            .link = i + 1,
            .counter = 10 * (i + 1),
            .received = 1000 + i,
            .digest = previous,
            .envelope = kedge_buf_slice(&chain->envelopes[i]),
        };
        memcpy(chain->kept[i].key, public.bytes, sizeof public.bytes);
    }
    chain->last = (struct kedge_report){.device = "press-07",
                                        .counter = 100,
                                        .link = LINKS,
                                        .upholds = previous};
}

static void release(struct chain *chain)
{
    for (int i = 0; i < LINKS; i++)
        kedge_buf_release(&chain->envelopes[i]);
}

/* Walks the kept links in `order` (-1: skipped). */
static struct kedge_chain_walk walk(const struct chain *chain, const int order[LINKS],
                                    const struct kedge_report *last)
{
    const struct kedge_public_key key = kedge_key_public(kedge_fixture_director());
    struct kedge_chain_walk walk = {.device = "press-07"};
    for (int i = 0; i < LINKS; i++) {
        if (order[i] < 0)
            continue;
        struct kedge_chain_link link = {.kept = chain->kept[order[i]]};
        kedge_chain_open(&link, &key, 1);
        if (!kedge_chain_step(&walk, &link))
            return walk;
    }
    (void)kedge_chain_end(&walk, last);
    return walk;
}

static const int straight[LINKS] = {0, 1, 2, 3, 4, 5};

static void expect(const struct kedge_chain_walk *walk, enum kedge_chain_flaw flaw, int64_t link)
{
    cr_expect_eq(walk->flaw, flaw, "%s: %s",
                 kedge_word_name(&kedge_chain_flaw_words, (int)walk->flaw), walk->why);
    cr_expect_eq(walk->broken, link, "link %lld: %s", (long long)walk->broken, walk->why);
    cr_expect(flaw == KEDGE_CHAIN_WHOLE || walk->why[0]);
}

Test(chain, a_whole_one_is_whole)
{
    struct chain chain;
    make(&chain, 0);
    struct kedge_chain_walk done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_WHOLE, 0);
    cr_expect_eq(done.links, LINKS);
    cr_expect_eq(done.first, 1000);
    cr_expect_eq(done.last, 1005);
    release(&chain);
    kedge_test_no_leaks();
}

Test(chain, names_the_first_that_is_missing)
{
    static const struct {
        int order[LINKS];
        int64_t broken;
    } rows[] = {{{-1, 1, 2, 3, 4, 5}, 1},
                {{0, 1, -1, 3, 4, 5}, 3},
                {{0, 1, 2, 3, -1, -1}, 5},
                {{-1, -1, -1, -1, -1, -1}, 1}};
    struct chain chain;
    make(&chain, 0);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_chain_walk done = walk(&chain, rows[i].order, &chain.last);
        expect(&done, KEDGE_CHAIN_MISSING, rows[i].broken);
    }
    struct kedge_chain_walk done = walk(&chain, straight, NULL);
    expect(&done, KEDGE_CHAIN_MISSING, LINKS + 1);
    release(&chain);
}

Test(chain, every_changed_byte_of_a_link_shows)
{
    struct chain chain;
    make(&chain, 0);
    struct kedge_buf *envelope = &chain.envelopes[2];
    const struct kedge_public_key key = kedge_key_public(kedge_fixture_director());
    size_t unseen = 0;
    for (size_t i = 0; i < envelope->size; i++) {
        struct kedge_chain_link link = {.kept = chain.kept[2]};
        envelope->data[i] ^= 1;
        kedge_chain_open(&link, &key, 1);
        unseen += link.flaw == KEDGE_CHAIN_WHOLE;
        cr_assert(link.flaw || kedge_digest_equal(&link.self, &chain.kept[2].digest));
        envelope->data[i] ^= 1;
    }
    cr_assert(unseen <= 69, "only the keyid is not authenticated: %zu", unseen);
    release(&chain);
}

Test(chain, what_stands_beside_a_link_must_be_its_own)
{
    struct chain chain;
    make(&chain, 0);
    struct kedge_store_evidence whole = chain.kept[3];
    chain.kept[3].digest.bytes[0] ^= 1;
    struct kedge_chain_walk done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_ALTERED, 4);
    chain.kept[3] = whole;
    chain.kept[3].counter++;
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_ALTERED, 4);
    chain.kept[3] = whole;
    chain.kept[3].envelope = chain.kept[4].envelope;
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_REORDERED, 4);
    chain.kept[3] = whole;
    chain.kept[3].device = "press-08";
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_FOREIGN, 4);
    release(&chain);
}

Test(chain, another_link_in_its_place_contradicts)
{
    struct chain chain;
    make(&chain, 0);
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_report other = {.device = "press-07", .counter = 31, .link = 3};
    other.previous = chain.kept[1].digest;
    chain.kept[2].digest = sign_link(&other, kedge_fixture_director(), &envelope);
    chain.kept[2].counter = 31;
    chain.kept[2].envelope = kedge_buf_slice(&envelope);
    struct kedge_chain_walk done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_CONTRADICTS, 4);
    release(&chain);
}

Test(chain, a_counter_that_falls_shows)
{
    struct chain chain;
    make(&chain, 0);
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_report other = {.device = "press-07", .counter = 50, .link = LINKS};
    other.previous = chain.kept[LINKS - 2].digest;
    chain.kept[LINKS - 1].digest = sign_link(&other, kedge_fixture_director(), &envelope);
    chain.kept[LINKS - 1].counter = 50;
    chain.kept[LINKS - 1].envelope = kedge_buf_slice(&envelope);
    struct kedge_chain_walk done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_COUNTER, LINKS);
    release(&chain);
}

Test(chain, a_later_key_vouches_for_what_it_follows_and_for_no_more)
{
    struct chain chain;
    make(&chain, 3);
    struct kedge_chain_walk done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_WHOLE, 0);
    release(&chain);
    make(&chain, LINKS);
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_FOREIGN, 1);
    release(&chain);
    make(&chain, 3);
    for (int i = 3; i < LINKS; i++)
        chain.kept[i].chain = 2;
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_FOREIGN, 1);
    release(&chain);
    make(&chain, 0);
    for (int i = 3; i < LINKS; i++)
        chain.kept[i].chain = 2;
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_WHOLE, 0);
    cr_expect_eq(done.beginnings, 1);
    for (int i = 3; i < LINKS; i++)
        chain.kept[i].chain = 3;
    done = walk(&chain, straight, &chain.last);
    expect(&done, KEDGE_CHAIN_MISSING, 4);
    release(&chain);
}

Test(chain, judges_what_comes)
{
    static const struct kedge_digest here = {{1}}, other = {{2}};
    struct kedge_report head_says = {.device = "press-07", .generation = 5};
    const struct kedge_chain_head head = {.link = 5,
                                          .self = here,
                                          .content = kedge_report_digest(&head_says),
                                          .counter = 50};
    const struct kedge_chain_head lost = {.link = 5, .counter = 50}, none = {0};
    static const struct {
        int64_t link, counter;
        int previous, upholds; /* 0 none, 1 the head, 2 another */
        int64_t generation;
        enum kedge_chain_verdict head, lost, none;
    } rows[] = {
        {6, 51, 1, 0, 6, KEDGE_CHAIN_NEXT, KEDGE_CHAIN_AHEAD, KEDGE_CHAIN_AHEAD},
        {6, 51, 2, 0, 6, KEDGE_CHAIN_FORKED, KEDGE_CHAIN_AHEAD, KEDGE_CHAIN_AHEAD},
        {6, 50, 1, 0, 6, KEDGE_CHAIN_FORKED, KEDGE_CHAIN_AHEAD, KEDGE_CHAIN_AHEAD},
        {8, 51, 2, 0, 6, KEDGE_CHAIN_AHEAD, KEDGE_CHAIN_AHEAD, KEDGE_CHAIN_AHEAD},
        {8, 40, 2, 0, 6, KEDGE_CHAIN_STALE, KEDGE_CHAIN_AHEAD, KEDGE_CHAIN_AHEAD},
        {5, 51, 2, 0, 6, KEDGE_CHAIN_PAST, KEDGE_CHAIN_PAST, KEDGE_CHAIN_AHEAD},
        {1, 51, 0, 0, 6, KEDGE_CHAIN_PAST, KEDGE_CHAIN_PAST, KEDGE_CHAIN_NEXT},
        {5, 51, 0, 1, 5, KEDGE_CHAIN_UPHELD, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
        {5, 51, 0, 1, 6, KEDGE_CHAIN_FALSE, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
        {5, 50, 0, 1, 5, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
        {5, 51, 0, 2, 5, KEDGE_CHAIN_FORKED, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
        {4, 51, 0, 2, 5, KEDGE_CHAIN_FORKED, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
        {4, 49, 0, 2, 5, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
        {6, 51, 0, 2, 5, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE, KEDGE_CHAIN_STALE},
    };
    const struct kedge_digest *const named[] = {NULL, &here, &other};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_report report = {.device = "press-07",
                                      .link = rows[i].link,
                                      .counter = rows[i].counter,
                                      .generation = rows[i].generation,
                                      .self = {{3}}};
        if (rows[i].previous)
            report.previous = *named[rows[i].previous];
        if (rows[i].upholds)
            report.upholds = *named[rows[i].upholds];
        cr_expect_eq(kedge_chain_judge(&head, &report), rows[i].head, "row %zu", i);
        cr_expect_eq(kedge_chain_judge(&lost, &report), rows[i].lost, "row %zu, damaged", i);
        cr_expect_eq(kedge_chain_judge(&none, &report), rows[i].none, "row %zu, none", i);
        report.self = here;
        cr_expect_eq(kedge_chain_judge(&head, &report), KEDGE_CHAIN_AGAIN, "row %zu", i);
    }
}
