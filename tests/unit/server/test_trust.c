/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "fixture.h"
#include "lib/leak.h"
#include "wire/sshkey.h"
#include "wire/sshsig.h"

/* A history of signed commits that are values. */

static const char manifest[] =
    "---\napiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {}\n";

struct person {
    struct kedge_key *key;
    char public[128]; /* "ssh-ed25519 AAAA..." */
};

struct entry {
    const char *id;
    int parents[2]; /* indices, -1: none */
    kedge_ms at;
    struct kedge_buf raw;
    const char *allowed, *revoked; /* as the files stand in it; NULL: not there */
};

struct ledger {
    struct fixture fx;
    struct kedge_server_revisions below; /* the fixture's */
    struct kedge_arena arena;
    struct person ann, bob;
    struct entry entries[FIXTURE_COMMITS];
    int count;
    size_t judged;        /* commits whose bytes were read */
    struct kedge_buf tag; /* that leads to the head, or empty */
};

static int find(const struct ledger *ledger, const char *id)
{
    for (int i = 0; i < ledger->count; i++)
        if (strcmp(ledger->entries[i].id, id) == 0)
            return i;
    return -1;
}

static bool reaches(const struct ledger *ledger, int from, int to)
{
    if (from < 0 || from == to)
        return from >= 0;
    const int *parents = ledger->entries[from].parents;
    return reaches(ledger, parents[0], to) || reaches(ledger, parents[1], to);
}

static int read_tree(void *self, const char *base, const char *commit, struct kedge_tree *out,
                     struct kedge_err *err)
{
    struct ledger *ledger = self;
    return ledger->below.tree(ledger->below.self, base, commit, out, err);
}

static int pin(void *self, const char *commit, struct kedge_err *err)
{
    struct ledger *ledger = self;
    return ledger->below.trust(ledger->below.self, commit, err);
}

static int need(const struct ledger *ledger, const char *id, struct kedge_err *err)
{
    return find(ledger, id) < 0 ? kedge_err_set(err, KEDGE_NOTFOUND, "no commit %s", id) : 0;
}

static int follows(void *self, const char *base, const char *head, struct kedge_err *err)
{
    const struct ledger *ledger = self;
    if (need(ledger, base, err) < 0 || need(ledger, head, err) < 0)
        return err->code;
    return reaches(ledger, find(ledger, head), find(ledger, base))
               ? 0
               : kedge_err_set(err, KEDGE_CONFLICT, "%.12s is not on top of %.12s", head, base);
}

static int range(void *self, const char *base, const char *head, struct kedge_arena *arena,
                 struct kedge_range *out, struct kedge_err *err)
{
    const struct ledger *ledger = self;
    if (need(ledger, base, err) < 0 || need(ledger, head, err) < 0)
        return err->code;
    int from = find(ledger, base), to = find(ledger, head);
    struct kedge_range_commit *commits = kedge_arena_array(arena, FIXTURE_COMMITS, sizeof *commits);
    *out = (struct kedge_range){.at = commits};
    for (int i = 0; i <= to; i++) {
        if (!reaches(ledger, to, i) || reaches(ledger, from, i))
            continue;
        const char **elders = kedge_arena_array(arena, 2, sizeof *elders);
        struct kedge_range_commit *commit = &commits[out->count++];
        *commit = (struct kedge_range_commit){.id = ledger->entries[i].id, .elders = elders};
        for (int k = 0; k < 2; k++) {
            int parent = ledger->entries[i].parents[k];
            if (parent >= 0 && ledger->entries[parent].at > commit->parents_at)
                commit->parents_at = ledger->entries[parent].at;
            if (reaches(ledger, parent, from))
                elders[commit->elder_count++] = ledger->entries[parent].id;
        }
    }
    return 0;
}

static int read_raw(void *self, const char *commit, struct kedge_buf *out, struct kedge_err *err)
{
    struct ledger *ledger = self;
    if (need(ledger, commit, err) < 0)
        return err->code;
    const struct kedge_buf *raw = &ledger->entries[find(ledger, commit)].raw;
    kedge_buf_add(out, raw->data, raw->size);
    ledger->judged++;
    return 0;
}

static int read_file(void *self, const char *commit, const char *path, size_t limit,
                     struct kedge_buf *out, struct kedge_err *err)
{
    const struct ledger *ledger = self;
    if (need(ledger, commit, err) < 0)
        return err->code;
    const struct entry *entry = &ledger->entries[find(ledger, commit)];
    const char *text = strcmp(path, KEDGE_TRUST_ALLOWED) == 0   ? entry->allowed
                       : strcmp(path, KEDGE_TRUST_REVOKED) == 0 ? entry->revoked
                                                                : NULL;
    if (!text)
        return kedge_err_set(err, KEDGE_NOTFOUND, "no file '%s'", path);
    cr_assert_leq(strlen(text), limit);
    kedge_buf_puts(out, text);
    return 0;
}

static bool read_tag(void *self, const char **name, struct kedge_slice *object)
{
    const struct ledger *ledger = self;
    *name = "v1";
    *object = kedge_buf_slice(&ledger->tag);
    return ledger->tag.size > 0;
}

static int describe(void *self, const char *commit, struct kedge_arena *arena, const char **author,
                    const char **subject, struct kedge_err *err)
{
    (void)self, (void)commit, (void)arena, (void)err;
    *author = "Cy\n <cy@example.org>";
    *subject = "change";
    return 0;
}

/* As ssh-keygen -Y sign -n git would. */
static void sign(const struct person *person, const struct kedge_buf *payload,
                 struct kedge_buf *armor)
{
    kedge_auto(kedge_buf) struct kedge_buf message = {0}, blob = {0}, key = {0}, text = {0};
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    struct kedge_public_key public = kedge_key_public(person->key);
    struct kedge_digest digest = kedge_digest_of(payload->data, payload->size);
    struct kedge_err err;
    kedge_buf_puts(&message, "SSHSIG");
    kedge_sshkey_put_string(&message, KEDGE_SSHSIG_GIT, strlen(KEDGE_SSHSIG_GIT));
    kedge_sshkey_put_string(&message, "", 0);
    kedge_sshkey_put_string(&message, "sha256", 6);
    kedge_sshkey_put_string(&message, digest.bytes, sizeof digest.bytes);
    cr_assert_eq(kedge_key_sign(person->key, message.data, message.size, signature, &err), 0);

    kedge_sshkey_put_string(&key, "ssh-ed25519", 11);
    kedge_sshkey_put_string(&key, public.bytes, sizeof public.bytes);
    kedge_sshkey_put_string(&text, "ssh-ed25519", 11);
    kedge_sshkey_put_string(&text, signature, sizeof signature);
    kedge_buf_add(&blob, "SSHSIG\0\0\0\1", 10);
    kedge_sshkey_put_string(&blob, key.data, key.size);
    kedge_sshkey_put_string(&blob, KEDGE_SSHSIG_GIT, strlen(KEDGE_SSHSIG_GIT));
    kedge_sshkey_put_string(&blob, "", 0);
    kedge_sshkey_put_string(&blob, "sha256", 6);
    kedge_sshkey_put_string(&blob, text.data, text.size);
    kedge_buf_puts(armor, "-----BEGIN SSH SIGNATURE-----\n");
    kedge_base64_encode(armor, blob.data, blob.size);
    kedge_buf_puts(armor, "\n-----END SSH SIGNATURE-----\n");
}

/* A commit that is on top of the one before it and carries its files; *_rest change it first. */
static struct entry *draft(struct ledger *ledger)
{
    struct entry *entry = &ledger->entries[ledger->count];
    const struct entry *before = ledger->count ? entry - 1 : NULL;
    entry->id = fixture_commit(&ledger->fx, manifest, NULL, NULL);
    entry->parents[0] = ledger->count++ - 1;
    entry->parents[1] = -1;
    entry->at = before ? before->at + 1000 : FIXTURE_START - 3600000;
    entry->allowed = before ? before->allowed : NULL;
    entry->revoked = before ? before->revoked : NULL;
    return entry;
}

static const char *seal(struct entry *entry, const struct person *signer)
{
    kedge_auto(kedge_buf) struct kedge_buf headers = {0}, payload = {0}, armor = {0};
    kedge_buf_printf(&headers, "tree %s\ncommitter C <c@example.org> %lld +0000\n", entry->id,
                     (long long)entry->at / 1000);
    kedge_buf_printf(&payload, "%s\nchange\n", headers.data);
    if (signer)
        sign(signer, &payload, &armor);
    kedge_buf_puts(&entry->raw, headers.data);
    const char *line = signer ? armor.data : "";
    for (size_t size; (size = strcspn(line, "\n")) > 0; line += size + 1)
        kedge_buf_printf(&entry->raw, "%s %.*s\n", line == armor.data ? "gpgsig" : "", (int)size,
                         line);
    kedge_buf_puts(&entry->raw, "\nchange\n");
    return entry->id;
}

/* An annotated tag of `head`, made then. */
static void put_tag(struct ledger *ledger, const struct person *signer, const char *head,
                    kedge_ms at)
{
    kedge_auto(kedge_buf) struct kedge_buf armor = {0};
    kedge_buf_clear(&ledger->tag);
    kedge_buf_printf(&ledger->tag,
                     "object %s\ntype commit\ntag v1\ntagger T <t@x> %lld +0000\n\nrelease\n", head,
                     (long long)at / 1000);
    sign(signer, &ledger->tag, &armor);
    kedge_buf_puts(&ledger->tag, armor.data);
}

static const char *commit(struct ledger *ledger, const struct person *signer)
{
    return seal(draft(ledger), signer);
}

static void make_person(struct person *person, uint8_t number)
{
    uint8_t seed[32] = {number};
    kedge_auto(kedge_buf) struct kedge_buf key = {0}, text = {0};
    person->key = kedge_key_from_seed(seed);
    struct kedge_public_key public = kedge_key_public(person->key);
    kedge_sshkey_put_string(&key, "ssh-ed25519", 11);
    kedge_sshkey_put_string(&key, public.bytes, sizeof public.bytes);
    kedge_base64_encode(&text, key.data, key.size);
    snprintf(person->public, sizeof person->public, "ssh-ed25519 %s", text.data);
}

/* Ann may sign in the first commit, which nobody signed and the operator pins. */
static struct ledger *make_ledger(void)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    fixture_make(&ledger->fx);
    make_person(&ledger->ann, 1);
    make_person(&ledger->bob, 2);
    ledger->below = ledger->fx.options.revisions;
    ledger->fx.options.revisions = (struct kedge_server_revisions){
        .self = ledger,
        .tree = read_tree,
        .follows = follows,
        .trust = pin,
        .describe = describe,
        .range = range,
        .raw = read_raw,
        .file = read_file,
        .tag = read_tag,
    };
    struct entry *first = draft(ledger);
    first->allowed = kedge_arena_printf(&ledger->arena, "ann@x %s\n", ledger->ann.public);
    seal(first, NULL);
    ledger->fx.options.signing = (struct kedge_server_signing){.required = true, .pin = first->id};
    fixture_restart(&ledger->fx);
    fixture_head(&ledger->fx, first->id);
    cr_assert_str_eq(ledger->fx.server->commit, first->id);
    return ledger;
}

static void free_ledger(struct ledger *ledger)
{
    fixture_release(&ledger->fx);
    for (int i = 0; i < ledger->count; i++)
        kedge_buf_release(&ledger->entries[i].raw);
    kedge_key_free(ledger->ann.key);
    kedge_key_free(ledger->bob.key);
    kedge_arena_release(&ledger->arena);
    kedge_buf_release(&ledger->tag);
    free(ledger);
    kedge_test_no_leaks();
}

static const char *both(struct ledger *ledger)
{
    return kedge_arena_printf(&ledger->arena, "ann@x %s\nbob@x %s\n", ledger->ann.public,
                              ledger->bob.public);
}

static void expect_taken(struct ledger *ledger, const char *head)
{
    fixture_head(&ledger->fx, head);
    const struct kedge_server *server = ledger->fx.server;
    cr_assert_null(server->refused.reason, "%s", server->refused.err.msg);
    cr_assert_str_eq(server->commit, head);
    cr_assert_str_eq(server->trust.verified, head);
}

/* The head is refused because of commit `culprit`, saying `why`; what was in force stays. */
static void expect_refused(struct ledger *ledger, const char *head, const char *culprit,
                           const char *why)
{
    const struct kedge_server *server = ledger->fx.server;
    char before[KEDGE_COMMIT_TEXT], named[KEDGE_COMMIT_TEXT];
    memcpy(before, server->commit, sizeof before);
    snprintf(named, sizeof named, "%.12s", culprit);
    fixture_head(&ledger->fx, head);
    cr_assert_str_eq(server->commit, before);
    cr_assert_not_null(server->refused.reason);
    cr_assert_str_eq(server->refused.reason, "unverified");
    cr_assert_str_eq(server->refused.commit, head);
    cr_assert_not_null(strstr(server->refused.err.msg, named), "%s", server->refused.err.msg);
    cr_assert_not_null(strstr(server->refused.err.msg, why), "%s", server->refused.err.msg);
}

Test(trust, signed_commits_come_into_force_together)
{
    struct ledger *ledger = make_ledger();
    (void)commit(ledger, &ledger->ann);
    expect_taken(ledger, commit(ledger, &ledger->ann));
    cr_assert_eq(ledger->judged, 2);
    expect_taken(ledger, commit(ledger, &ledger->ann));
    cr_assert_eq(ledger->judged, 3, "what is verified is not looked at again");
    free_ledger(ledger);
}

Test(trust, an_unsigned_commit_is_refused_and_told_once)
{
    struct ledger *ledger = make_ledger();
    const char *head = commit(ledger, NULL);
    expect_refused(ledger, head, head,
                   "by Cy? <cy@example.org>: commit: it is not signed; take it");
    expect_refused(ledger, head, head, "not signed");
    cr_assert_eq(ledger->judged, 1, "it is not read again");
    cr_assert_eq(fixture_count_events(&ledger->fx, KEDGE_EVENT_REVISION_REFUSED), 1);
    kedge_auto(kedge_json) json_t *findings =
        fixture_view(&ledger->fx, (struct kedge_view_query){.view = KEDGE_VIEW_FINDINGS});
    const json_t *finding = json_array_get(json_object_get(findings, "items"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(finding, "rule")), "unverified");
    kedge_auto(kedge_json) json_t *status =
        fixture_view(&ledger->fx, (struct kedge_view_query){.view = KEDGE_VIEW_STATUS});
    const json_t *signatures = json_object_get(status, "signatures");
    cr_assert_str_eq(json_string_value(json_object_get(signatures, "verified")),
                     ledger->entries[0].id);

    const char *later = commit(ledger, &ledger->ann);
    expect_refused(ledger, later, head, "not signed");
    free_ledger(ledger);
}

Test(trust, only_who_was_allowed_before_counts)
{
    struct ledger *ledger = make_ledger();
    const char *head = commit(ledger, &ledger->bob);
    expect_refused(ledger, head, head,
                   "is not allowed to sign: no line has it (by "
                   "'.kedge/allowed_signers' as it stood in commit aaaaaaaaaaaa)");
    free_ledger(ledger);
}

static void expect_tag_refused(struct ledger *ledger, const char *head, const char *why)
{
    const struct kedge_server *server = ledger->fx.server;
    fixture_head(&ledger->fx, head);
    cr_assert_str_neq(server->commit, head);
    cr_assert_str_eq(server->refused.reason, "unverified");
    cr_assert_not_null(strstr(server->refused.err.msg, "tag 'v1': "), "%s",
                       server->refused.err.msg);
    cr_assert_not_null(strstr(server->refused.err.msg, why), "%s", server->refused.err.msg);
}

Test(trust, a_tag_is_held_against_the_anchor_and_the_clock)
{
    struct ledger *ledger = make_ledger();
    struct entry *entry = draft(ledger);
    entry->allowed = both(ledger); /* counts from the next commit on */
    const char *head = seal(entry, &ledger->ann);
    put_tag(ledger, &ledger->bob, head, entry->at);
    expect_tag_refused(ledger, head, "no line has it");
    put_tag(ledger, &ledger->ann, head, entry->at - KEDGE_TRUST_SKEW - 1000);
    expect_tag_refused(ledger, head, "before its parent's");
    put_tag(ledger, &ledger->ann, head, entry->at);
    expect_taken(ledger, head);
    head = commit(ledger, &ledger->ann);
    put_tag(ledger, &ledger->bob, head, entry->at + 2000);
    expect_taken(ledger, head);
    free_ledger(ledger);
}

Test(trust, nobody_lets_himself_in)
{
    struct ledger *ledger = make_ledger();
    struct entry *own = draft(ledger);
    own->allowed = both(ledger);
    seal(own, &ledger->bob);
    expect_refused(ledger, own->id, own->id, "no line has it");
    struct entry *again = draft(ledger); /* nor does a second commit help */
    seal(again, &ledger->bob);
    expect_refused(ledger, again->id, own->id, "no line has it");
    free_ledger(ledger);
}

Test(trust, an_unsigned_list_admits_nobody)
{
    struct ledger *ledger = make_ledger();
    struct entry *list = draft(ledger);
    list->allowed = both(ledger);
    seal(list, NULL);
    const char *head = commit(ledger, &ledger->bob);
    expect_refused(ledger, head, list->id, "not signed");
    free_ledger(ledger);
}

Test(trust, a_signed_list_counts_from_the_next_commit_on)
{
    struct ledger *ledger = make_ledger();
    struct entry *list = draft(ledger);
    list->allowed = both(ledger);
    seal(list, &ledger->ann);
    expect_taken(ledger, commit(ledger, &ledger->bob));
    struct entry *without = draft(ledger); /* and so does one that names fewer */
    without->allowed = ledger->entries[0].allowed;
    seal(without, &ledger->bob);
    const char *head = commit(ledger, &ledger->bob);
    expect_refused(ledger, head, head, "no line has it");
    expect_taken(ledger, without->id);
    free_ledger(ledger);
}

/* first ── one ── merge; first ── side ── merge */
static struct entry *draft_merge(struct ledger *ledger, const struct person *on_side)
{
    (void)commit(ledger, &ledger->ann);
    struct entry *side = draft(ledger);
    side->parents[0] = 0;
    side->allowed = ledger->entries[0].allowed;
    seal(side, on_side);
    struct entry *merge = draft(ledger);
    merge->parents[0] = 1;
    merge->parents[1] = 2;
    return merge;
}

Test(trust, every_merged_commit_is_judged)
{
    struct ledger *ledger = make_ledger();
    const char *head = seal(draft_merge(ledger, NULL), &ledger->ann);
    expect_refused(ledger, head, ledger->entries[2].id, "not signed");
    free_ledger(ledger);

    ledger = make_ledger();
    head = seal(draft_merge(ledger, &ledger->ann), &ledger->ann);
    expect_taken(ledger, head);
    cr_assert_eq(ledger->judged, 3);
    free_ledger(ledger);
}

/* Bob, who was let go on the main branch, keeps a branch where he was not. */
Test(trust, a_branch_does_not_bring_anybody_back)
{
    for (int order = 0; order < 2; order++) {
        struct ledger *ledger = make_ledger();
        struct entry *list = draft(ledger);
        list->allowed = both(ledger);
        expect_taken(ledger, seal(list, &ledger->ann));
        struct entry *fewer = draft(ledger);
        fewer->allowed = ledger->entries[0].allowed;
        seal(fewer, &ledger->ann);
        struct entry *side = draft(ledger);
        side->parents[0] = 1;
        side->allowed = list->allowed;
        seal(side, &ledger->bob);
        struct entry *merge = draft(ledger);
        merge->parents[order] = 2;
        merge->parents[1 - order] = 3;
        merge->allowed = list->allowed;
        seal(merge, &ledger->bob);
        expect_refused(ledger, merge->id, merge->id, "no line has it");
        free_ledger(ledger);
    }
}

/* A branch that left before the anchor is judged by the anchor, whoever it names itself. */
Test(trust, an_old_branch_has_no_say)
{
    struct ledger *ledger = make_ledger();
    struct entry *list = draft(ledger);
    list->allowed = kedge_arena_printf(&ledger->arena, "bob@x %s\n", ledger->bob.public);
    expect_taken(ledger, seal(list, &ledger->ann));
    struct entry *side = draft(ledger);
    side->parents[0] = 0;
    side->allowed = ledger->entries[0].allowed;
    seal(side, &ledger->ann);
    struct entry *merge = draft(ledger);
    merge->parents[0] = 1;
    merge->parents[1] = 2;
    merge->allowed = list->allowed;
    seal(merge, &ledger->bob);
    expect_refused(ledger, merge->id, side->id, "no line has it");

    struct entry *other = draft(ledger);
    other->parents[0] = 0;
    other->allowed = ledger->entries[0].allowed;
    seal(other, &ledger->bob);
    struct entry *good = draft(ledger);
    good->parents[0] = 1;
    good->parents[1] = 4;
    good->allowed = list->allowed;
    expect_taken(ledger, seal(good, &ledger->bob));
    free_ledger(ledger);
}

Test(trust, a_revocation_holds_at_once)
{
    struct ledger *ledger = make_ledger();
    struct entry *list = draft(ledger);
    list->allowed = both(ledger);
    expect_taken(ledger, seal(list, &ledger->ann));
    const char *last = commit(ledger, &ledger->bob);
    struct entry *revoking = draft(ledger);
    revoking->revoked = kedge_arena_printf(&ledger->arena, "%s stolen", ledger->bob.public);
    seal(revoking, &ledger->ann);
    expect_refused(ledger, revoking->id, last, "is revoked");

    revoking = draft(ledger); /* without his last commit */
    revoking->parents[0] = 1;
    revoking->revoked = ledger->entries[3].revoked;
    expect_taken(ledger, seal(revoking, &ledger->ann));
    struct entry *undo = draft(ledger); /* nor does he take it back himself */
    undo->revoked = NULL;
    seal(undo, &ledger->bob);
    expect_refused(ledger, undo->id, undo->id, "is revoked");
    free_ledger(ledger);
}

Test(trust, a_list_of_revoked_keys_that_cannot_be_read_is_refused)
{
    struct ledger *ledger = make_ledger();
    struct entry *binary = draft(ledger);
    binary->revoked = "SSHKRL\nx";
    seal(binary, &ledger->ann);
    expect_refused(ledger, binary->id, binary->id, "binary KRL");
    cr_assert_eq(ledger->fx.server->refused.err.code, KEDGE_DENIED);
    free_ledger(ledger);
}

Test(trust, an_expired_key_cannot_be_used_by_turning_the_clock_back)
{
    struct ledger *ledger = make_ledger();
    struct entry *list = draft(ledger);
    list->allowed =
        kedge_arena_printf(&ledger->arena, "ann@x %s\nbob@x valid-before=\"20260301110010Z\" %s\n",
                           ledger->ann.public, ledger->bob.public);
    expect_taken(ledger, seal(list, &ledger->ann)); /* 11:00:01 */
    struct entry *late = draft(ledger);
    late->at = FIXTURE_START - 3000000; /* 11:10 */
    seal(late, &ledger->bob);
    expect_refused(ledger, late->id, late->id, "it was not valid any more");

    struct entry *recent = draft(ledger);
    recent->parents[0] = 1;
    recent->at = FIXTURE_START - 1000000;
    expect_taken(ledger, seal(recent, &ledger->ann));
    struct entry *turned = draft(ledger);
    turned->at = list->at + 1000;
    seal(turned, &ledger->bob);
    expect_refused(ledger, turned->id, turned->id,
                   "it is dated 2026-03-01T11:00:02Z, before its parent's");
    free_ledger(ledger);
}

Test(trust, clocks_may_be_a_little_off)
{
    struct ledger *ledger = make_ledger();
    struct entry *early = draft(ledger);
    early->at = ledger->entries[0].at - KEDGE_TRUST_SKEW;
    expect_taken(ledger, seal(early, &ledger->ann));
    struct entry *ahead = draft(ledger);
    ahead->at = FIXTURE_START + KEDGE_TRUST_SKEW + 60000;
    seal(ahead, &ledger->ann);
    expect_refused(ledger, ahead->id, ahead->id, "still to come");
    fixture_wait(&ledger->fx, 60000);
    expect_taken(ledger, ahead->id);
    cr_assert_eq(fixture_count_events(&ledger->fx, KEDGE_EVENT_REVISION_REFUSED), 1);
    free_ledger(ledger);
}

/* One bit of each byte, one after the other. */
Test(trust, no_byte_can_be_changed)
{
    struct ledger *ledger = make_ledger();
    struct entry *head = draft(ledger);
    seal(head, &ledger->ann);
    struct kedge_err err;
    for (size_t i = 0; i < head->raw.size; i++) {
        head->raw.data[i] ^= 1;
        cr_expect_eq(kedge_trust_check(ledger->fx.server, head->id, ledger->fx.now, &err),
                     KEDGE_DENIED, "byte %zu", i);
        head->raw.data[i] ^= 1;
    }
    expect_taken(ledger, head->id);
    free_ledger(ledger);
}

Test(trust, an_emptied_list_is_the_end_of_it)
{
    struct ledger *ledger = make_ledger();
    struct entry *emptied = draft(ledger);
    emptied->allowed = NULL;
    expect_taken(ledger, seal(emptied, &ledger->ann));
    const char *head = commit(ledger, &ledger->ann);
    expect_refused(ledger, head, head, "nobody may sign");
    ledger->fx.options.signing.pin = commit(ledger, NULL); /* until the operator says otherwise */
    ledger->entries[3].allowed = ledger->entries[0].allowed;
    fixture_restart(&ledger->fx);
    expect_taken(ledger, commit(ledger, &ledger->ann));
    free_ledger(ledger);
}

Test(trust, a_head_from_before_the_pin_is_no_head)
{
    struct ledger *ledger = make_ledger();
    const char *second = commit(ledger, &ledger->ann);
    ledger->fx.options.signing.pin = second;
    kedge_store_close(ledger->fx.store);
    struct kedge_err err;
    cr_assert_eq(kedge_store_open("memory:", false, &ledger->fx.store, &err), 0);
    fixture_restart(&ledger->fx);
    expect_refused(ledger, ledger->entries[0].id, second, "was not made on top of");
    expect_taken(ledger, second);
    free_ledger(ledger);
}

Test(trust, required_once_is_required_until_it_is_waived)
{
    struct ledger *ledger = make_ledger();
    const char *unsigned_one = commit(ledger, NULL);
    ledger->fx.options.signing = (struct kedge_server_signing){0};
    fixture_restart(&ledger->fx);
    expect_refused(ledger, unsigned_one, unsigned_one, "not signed");
    ledger->fx.options.signing.waived = true;
    fixture_restart(&ledger->fx);
    fixture_head(&ledger->fx, unsigned_one);
    cr_assert_str_eq(ledger->fx.server->commit, unsigned_one);
    ledger->fx.options.signing.waived = false;
    fixture_restart(&ledger->fx);
    const char *next = commit(ledger, NULL);
    fixture_head(&ledger->fx, next);
    cr_assert_str_eq(ledger->fx.server->commit, next);

    /* Back again: what came in between is in force, but is said not to be verified. */
    ledger->fx.options.signing.required = true;
    fixture_restart(&ledger->fx);
    expect_refused(ledger, next, unsigned_one, "not signed");
    ledger->fx.options.signing.pin = next;
    fixture_restart(&ledger->fx);
    expect_taken(ledger, next);
    expect_taken(ledger, commit(ledger, &ledger->ann));
    free_ledger(ledger);
}

Test(trust, the_operators_file_judges_the_first_commit_alone)
{
    struct ledger *ledger = make_ledger();
    char *file = kedge_arena_printf(&ledger->arena, "bob@x %s\n", ledger->bob.public);
    const char *by_ann = commit(ledger, &ledger->ann);
    const char *by_bob = commit(ledger, &ledger->bob);
    struct kedge_err err;
    kedge_store_close(ledger->fx.store);
    cr_assert_eq(kedge_store_open("memory:", false, &ledger->fx.store, &err), 0);
    ledger->fx.options.signing =
        (struct kedge_server_signing){.required = true, .allowed = {file, strlen(file)}};
    fixture_restart(&ledger->fx);
    expect_refused(ledger, by_ann, by_ann, "no line has it");
    expect_taken(ledger, by_bob);
    const char *next = commit(ledger, &ledger->bob);
    expect_refused(ledger, next, next, "as it stood in commit");
    free_ledger(ledger);
}

Test(trust, options_that_make_no_sense_are_refused)
{
    struct ledger *ledger = make_ledger();
    char *id = kedge_arena_strdup(&ledger->arena, ledger->entries[0].id);
    struct kedge_err err;
    kedge_store_close(ledger->fx.store);
    cr_assert_eq(kedge_store_open("memory:", false, &ledger->fx.store, &err), 0);
    const struct {
        struct kedge_server_signing signing;
        const char *says;
    } rows[] = {
        {{.required = true}, "which commit is trusted first"},
        {{.required = true, .waived = true, .pin = id}, "at the same time"},
        {{.required = true, .pin = "main"}, "no full commit id"},
        {{.required = true, .pin = id, .path = "/etc/passwd"}, "no path of a file"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_server_options options = ledger->fx.options;
        struct kedge_server *server = NULL;
        options.store = ledger->fx.store;
        options.signing = rows[i].signing;
        cr_expect_eq(kedge_server_new(&options, FIXTURE_START, &server, &err), KEDGE_INVALID);
        cr_expect_not_null(strstr(err.msg, rows[i].says), "%s", err.msg);
    }
    ledger->fx.options.signing = (struct kedge_server_signing){0};
    fixture_restart(&ledger->fx);
    cr_expect_not(ledger->fx.server->trust.required, "a start that failed leaves nothing behind");
    free_ledger(ledger);
}
