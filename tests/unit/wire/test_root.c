/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "lib/leak.h"
#include "wire/root.h"

#define DAY 86400000LL
#define NOW 1772323200000LL /* 2026-03-01 */

/* Keys by number: 1-9 root, 11-19 director, 21-29 release, 31 a stranger's. */
static struct kedge_key *keys[32];

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    for (uint8_t i = 0; i < KEDGE_COUNT(keys); i++)
        keys[i] = kedge_key_from_seed((const uint8_t[32]){i});
}

static void stop(void)
{
    for (size_t i = 0; i < KEDGE_COUNT(keys); i++)
        kedge_key_free(keys[i]);
}

TestSuite(root, .init = start, .fini = stop);

/* A list of key numbers, ended by 0. */
typedef const int *numbers;
#define N(...) ((const int[]){__VA_ARGS__, 0})

static struct kedge_root_signers signers(numbers list, uint32_t threshold)
{
    struct kedge_root_signers out = {.threshold = threshold};
    for (; *list; list++)
        out.keys[out.count++] = kedge_key_public(keys[*list]);
    return out;
}

static struct kedge_root make(int64_t version, numbers root, uint32_t threshold, numbers director)
{
    return (struct kedge_root){
        .version = version,
        .expires = NOW + 365 * DAY,
        .roles = {[KEDGE_ROOT_ROOT] = signers(root, threshold),
                  [KEDGE_ROOT_DIRECTOR] = signers(director, 1),
                  [KEDGE_ROOT_RELEASE] = signers(N(21, 22), 1)},
    };
}

/* The file of `root`, signed one by one; released by the caller. */
static struct kedge_buf seal(const struct kedge_root *root, numbers by)
{
    struct kedge_buf file = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_root_write(root, &file, &err), 0, "%s", err.msg);
    for (; *by; by++) {
        struct kedge_buf next = {0};
        cr_assert_eq(kedge_envelope_countersign(&next, kedge_buf_slice(&file), KEDGE_LIMIT_ROOT,
                                                keys[*by], &err),
                     0, "%s", err.msg);
        kedge_buf_release(&file);
        file = next;
    }
    return file;
}

static struct kedge_root pin(const struct kedge_buf *file)
{
    struct kedge_root root = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_root_pin(kedge_buf_slice(file), NULL, &root, &err), 0, "%s", err.msg);
    return root;
}

/* Version 1 with two of the root keys 1, 2, 3 and director 11: where every device starts. */
static struct kedge_root first(void)
{
    struct kedge_root root = make(1, N(1, 2, 3), 2, N(11));
    kedge_auto(kedge_buf) struct kedge_buf file = seal(&root, N(1, 3));
    return pin(&file);
}

/* What becomes of `next` signed by `by`; on a refusal nothing was written. */
static enum kedge_root_refusal offer(const struct kedge_root *current,
                                     const struct kedge_root *next, numbers by,
                                     struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf file = seal(next, by);
    struct kedge_root out = {.version = -1};
    *err = (struct kedge_err){0};
    enum kedge_root_refusal refusal = kedge_root_follow(current, kedge_buf_slice(&file), &out, err);
    cr_assert_eq(refusal == KEDGE_ROOT_ACCEPTED, out.version == next->version);
    cr_assert_eq(refusal == KEDGE_ROOT_ACCEPTED, err->msg[0] == '\0');
    return refusal;
}

Test(root, reads_back_what_was_written)
{
    struct kedge_root root = make(7, N(1, 2, 3), 2, N(11, 12)), again;
    kedge_auto(kedge_buf) struct kedge_buf file = seal(&root, N(2, 3)),
                                           more = seal(&root, N(1, 2, 3));
    again = pin(&file);
    cr_assert_eq(again.version, 7);
    cr_assert_eq(again.expires, root.expires);
    for (int i = 0; i < KEDGE_ROOT_ROLES; i++) {
        cr_assert_eq(again.roles[i].count, root.roles[i].count);
        cr_assert_eq(again.roles[i].threshold, root.roles[i].threshold);
        cr_assert_arr_eq(again.roles[i].keys, root.roles[i].keys, sizeof root.roles[i].keys);
    }
    struct kedge_root other = pin(&more);
    cr_assert(kedge_digest_equal(&again.digest, &other.digest), "signatures are not the document");
    kedge_test_no_leaks();
}

Test(root, a_pin_is_the_statement_and_its_own_threshold)
{
    struct kedge_root root = make(1, N(1, 2, 3), 2, N(11)), out = {.version = -1};
    kedge_auto(kedge_buf) struct kedge_buf good = seal(&root, N(1, 2)), one = seal(&root, N(1)),
                                           none = seal(&root, N(0)),
                                           strange = seal(&root, N(1, 31));
    struct kedge_digest digest = first().digest, other = {{1}};
    struct kedge_err err;
    cr_expect_eq(kedge_root_pin(kedge_buf_slice(&good), &other, &out, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "pinned"), "%s", err.msg);
    cr_expect_eq(kedge_root_pin(kedge_buf_slice(&one), &digest, &out, &err), KEDGE_DENIED);
    cr_expect_eq(kedge_root_pin(kedge_buf_slice(&none), NULL, &out, &err), KEDGE_DENIED);
    cr_expect_eq(kedge_root_pin(kedge_buf_slice(&strange), NULL, &out, &err), KEDGE_DENIED);
    cr_expect_eq(out.version, -1);
    cr_expect_eq(kedge_root_pin(kedge_buf_slice(&good), &digest, &out, &err), 0, "%s", err.msg);
}

Test(root, attack_rollback)
{
    struct kedge_root root = first();
    struct kedge_root second = make(2, N(1, 2, 3), 2, N(12));
    struct kedge_root old = make(1, N(1, 2, 3), 2, N(11));
    struct kedge_err err;
    cr_assert_eq(offer(&root, &second, N(1, 2), &err), KEDGE_ROOT_ACCEPTED);
    cr_expect_eq(offer(&second, &old, N(1, 2, 3), &err), KEDGE_ROOT_ROLLBACK);
    cr_expect_eq(strncmp(err.msg, "rollback: ", 10), 0, "%s", err.msg);
    cr_expect_eq(offer(&second, &second, N(1, 2, 3), &err), KEDGE_ROOT_ROLLBACK, "replay");
    second.version = INT64_C(9007199254740991);
    cr_expect_eq(offer(&second, &old, N(1, 2, 3), &err), KEDGE_ROOT_ROLLBACK);
}

/* Skipping a version would skip what its keys had to say. */
Test(root, attack_gap)
{
    struct kedge_root root = first();
    struct kedge_root third = make(3, N(1, 2, 3), 2, N(12));
    struct kedge_err err;
    cr_expect_eq(offer(&root, &third, N(1, 2, 3), &err), KEDGE_ROOT_GAP);
    third.version = INT64_C(9007199254740991);
    cr_expect_eq(offer(&root, &third, N(1, 2, 3), &err), KEDGE_ROOT_GAP);
}

Test(root, attack_freeze)
{
    struct kedge_root root = first();
    struct kedge_err err;
    cr_expect_eq(kedge_root_fresh(&root, root.expires - 1, &err), KEDGE_ROOT_ACCEPTED);
    cr_expect_eq(kedge_root_fresh(&root, root.expires, &err), KEDGE_ROOT_EXPIRED);
    cr_expect_not_null(strstr(err.msg, "2027-03-01T00:00:00Z"), "%s", err.msg);
    cr_expect_eq(kedge_root_walk(&root, NULL, 0, root.expires + DAY, &err), KEDGE_ROOT_EXPIRED);
}

/* Root keys 1, 2, 3 give way to 4, 5, 6 with threshold 2 each. */
Test(root, attack_mix_and_match_of_keys)
{
    static const struct {
        int by[8];
        enum kedge_root_refusal refusal;
    } rows[] = {
        {{1, 2, 4, 5}, KEDGE_ROOT_ACCEPTED},
        {{6, 3, 4, 1}, KEDGE_ROOT_ACCEPTED},
        {{0}, KEDGE_ROOT_UNSIGNED},
        {{4, 5, 6}, KEDGE_ROOT_UNSIGNED},      /* the new alone */
        {{1, 2, 3}, KEDGE_ROOT_SELF_UNSIGNED}, /* the old alone */
        {{1, 4, 5, 6}, KEDGE_ROOT_UNSIGNED},   /* one old short */
        {{1, 2, 4}, KEDGE_ROOT_SELF_UNSIGNED}, /* one new short */
        {{1, 4}, KEDGE_ROOT_UNSIGNED},         /* one of each is not two of each */
        {{11, 12, 4, 5}, KEDGE_ROOT_UNSIGNED}, /* wrong role: directors */
        {{21, 22, 4, 5}, KEDGE_ROOT_UNSIGNED}, /* wrong role: release keys */
        {{1, 2, 11, 21}, KEDGE_ROOT_SELF_UNSIGNED},
        {{31, 4, 5}, KEDGE_ROOT_UNSIGNED},
    };
    struct kedge_root root = first();
    struct kedge_root next = make(2, N(4, 5, 6), 2, N(11, 12));
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_err err;
        cr_expect_eq(offer(&root, &next, rows[i].by, &err), rows[i].refusal, "row %zu: %s", i,
                     err.msg);
    }
    kedge_test_no_leaks();
}

/* A thief of one key of three cannot lower the threshold, nor reach it alone. */
Test(root, attack_one_stolen_root_key)
{
    struct kedge_root root = first();
    struct kedge_root next = make(2, N(1), 1, N(31));
    struct kedge_err err;
    cr_expect_eq(offer(&root, &next, N(1), &err), KEDGE_ROOT_UNSIGNED);
    next = make(2, N(1, 31, 30), 2, N(31));
    cr_expect_eq(offer(&root, &next, N(1, 31, 30), &err), KEDGE_ROOT_UNSIGNED);
}

/* `text` signed by the keys, as many times as they are named. */
static struct kedge_buf sign_text(const char *text, numbers by)
{
    struct kedge_buf file = {0};
    struct kedge_err err;
    const struct kedge_key *list[16];
    size_t count = 0;
    for (; *by; by++)
        list[count++] = keys[*by];
    cr_assert_eq(kedge_envelope_sign(&file, KEDGE_ENVELOPE_IN_TOTO,
                                     (struct kedge_slice){text, strlen(text)}, list, count, &err),
                 0);
    return file;
}

static struct kedge_buf text_of(const struct kedge_root *root)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_buf text = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_root_write(root, &file, &err), 0);
    cr_assert_eq(kedge_envelope_peek(kedge_buf_slice(&file), KEDGE_LIMIT_ROOT, &text, &err), 0);
    return text;
}

Test(root, attack_threshold_with_repeated_signatures)
{
    struct kedge_root root = first();
    struct kedge_root next = make(2, N(1, 2, 3), 2, N(11)), out;
    kedge_auto(kedge_buf) struct kedge_buf text = text_of(&next);
    kedge_auto(kedge_buf) struct kedge_buf file = sign_text(text.data, N(1, 1, 1, 1));
    struct kedge_err err;
    cr_expect_eq(kedge_root_follow(&root, kedge_buf_slice(&file), &out, &err), KEDGE_ROOT_UNSIGNED);
}

/* The statement of `root` with `from` replaced by `to`, signed by all. */
static enum kedge_root_refusal offer_changed(const char *from, const char *to,
                                             struct kedge_err *err)
{
    struct kedge_root root = first(), out;
    struct kedge_root next = make(2, N(1, 2), 2, N(11));
    kedge_auto(kedge_buf) struct kedge_buf text = text_of(&next), changed = {0};
    const char *at = strstr(text.data, from);
    cr_assert_not_null(at, "'%s' is not in %s", from, text.data);
    kedge_buf_add(&changed, text.data, (size_t)(at - text.data));
    kedge_buf_puts(&changed, to);
    kedge_buf_puts(&changed, at + strlen(from));
    kedge_auto(kedge_buf) struct kedge_buf file = sign_text(changed.data, N(1, 2));
    *err = (struct kedge_err){0};
    return kedge_root_follow(&root, kedge_buf_slice(&file), &out, err);
}

static const char *id_of(int number)
{
    return kedge_key_id(keys[number]);
}

Test(root, attack_one_key_under_two_ids)
{
    kedge_auto(kedge_buf) struct kedge_buf from = {0}, to = {0};
    struct kedge_public_key public = kedge_key_public(keys[1]);
    char text[KEDGE_KEY_TEXT];
    struct kedge_err err;
    kedge_public_key_format(&public, text);
    /* key 1 in the place of key 2, under the id of key 2 */
    public = kedge_key_public(keys[2]);
    char second[KEDGE_KEY_TEXT];
    kedge_public_key_format(&public, second);
    kedge_buf_printf(&from, "\"%s\":\"%s\"", id_of(2), second);
    kedge_buf_printf(&to, "\"%s\":\"%s\"", id_of(2), text);
    cr_expect_eq(offer_changed(from.data, to.data, &err), KEDGE_ROOT_MALFORMED);
    cr_expect_not_null(strstr(err.msg, "another id"), "%s", err.msg);
    kedge_buf_clear(&from);
    kedge_buf_clear(&to);
    /* the same id twice in the role */
    kedge_buf_printf(&from, "\"%s\"],\"threshold\"", id_of(2));
    kedge_buf_printf(&to, "\"%s\"],\"threshold\"", id_of(1));
    cr_expect_eq(offer_changed(from.data, to.data, &err), KEDGE_ROOT_MALFORMED);
    cr_expect_not_null(strstr(err.msg, "listed twice"), "%s", err.msg);
}

Test(root, signed_nonsense_is_malformed)
{
    static const struct {
        const char *from, *to, *reason;
    } rows[] = {
        {"\"threshold\":2", "\"threshold\":0", "threshold 0"},
        {"\"threshold\":2", "\"threshold\":-1", "threshold -1"},
        {"\"threshold\":2", "\"threshold\":3", "threshold 3 of 2"},
        {"\"threshold\":2", "\"threshold\":4294967297", "threshold 4294967297"},
        {"\"threshold\":2", "\"threshold\":\"2\"", "threshold"},
        {"\"threshold\":2", "\"x\":2", "threshold"},
        {"\"version\":2", "\"version\":0", "version 0"},
        {"\"version\":2", "\"version\":-2", "version -2"},
        {"\"version\":2", "\"version\":2.5", "version"},
        {"\"version\":2", "\"version\":2,\"version\":2", "twice"},
        {"2027-03-01T00:00:00Z", "2027-03-01", "expires"},
        {"2027-03-01T00:00:00Z", "2027-02-30T00:00:00Z", "expires"},
        {"\"release\":", "\"releases\":", "release"},
        {"\"director\":{\"keyids\":[\"", "\"director\":{\"keyids\":[\"0", "is missing"},
        {"\"director\":{\"keyids\":[", "\"director\":{\"keyids\":[7,", "not a string"},
        {"\"keys\":{", "\"keys\":[],\"x\":{", "keys"},
        {"root/v1", "root/v2", "predicateType"},
        {"Statement/v1", "Statement/v2", "_type"},
    };
    struct kedge_err err;
    cr_assert_eq(offer_changed("", "", &err), KEDGE_ROOT_ACCEPTED, "%s", err.msg);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        cr_expect_eq(offer_changed(rows[i].from, rows[i].to, &err), KEDGE_ROOT_MALFORMED, "%s: %s",
                     rows[i].to, err.msg);
        cr_expect_not_null(strstr(err.msg, rows[i].reason), "%s: %s", rows[i].to, err.msg);
    }
    kedge_test_no_leaks();
}

Test(root, low_order_keys_are_refused)
{
    struct kedge_public_key low = {{1}};
    struct kedge_root root = make(1, N(1), 1, N(11)), out;
    root.roles[KEDGE_ROOT_RELEASE].keys[0] = low;
    kedge_auto(kedge_buf) struct kedge_buf file = seal(&root, N(1));
    struct kedge_err err;
    cr_expect_eq(kedge_root_pin(kedge_buf_slice(&file), NULL, &out, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "safe point"), "%s", err.msg);
}

/* In-toto: predicates only ever grant more, so what is not known may be there. */
Test(root, unknown_members_and_roles_are_ignored)
{
    struct kedge_err err;
    cr_expect_eq(offer_changed("\"version\":2", "\"note\":{\"a\":[1]},\"version\":2", &err), 0,
                 "%s", err.msg);
    cr_expect_eq(offer_changed("\"roles\":{",
                               "\"roles\":{\"enrolment\":{\"keyids\":[\"?\"],\"threshold\":9},",
                               &err),
                 0, "%s", err.msg);
}

Test(root, three_rotations_missed_are_caught_up)
{
    struct kedge_root root = first();
    const struct kedge_root versions[] = {
        make(2, N(2, 3, 4), 2, N(12)),
        make(3, N(4, 5, 6), 2, N(13)),
        make(4, N(6, 7, 8, 9), 3, N(14, 15)),
    };
    struct kedge_root expired = versions[1];
    expired.expires = NOW - 300 * DAY; /* in the past already: of no matter in the middle */
    kedge_auto(kedge_buf) struct kedge_buf a = seal(&versions[0], N(3, 1, 2, 4)),
                                           b = seal(&expired, N(4, 2, 5)),
                                           c = seal(&versions[2], N(6, 5, 7, 8));
    const struct kedge_slice files[] = {kedge_buf_slice(&a), kedge_buf_slice(&b),
                                        kedge_buf_slice(&c)};
    struct kedge_err err;
    struct kedge_root there = root;
    cr_assert_eq(kedge_root_walk(&there, files, 3, NOW, &err), KEDGE_ROOT_ACCEPTED, "%s", err.msg);
    cr_expect_eq(there.version, 4);
    cr_expect_eq(there.roles[KEDGE_ROOT_ROOT].threshold, 3);
    /* an expired one at the end is a freeze */
    there = root;
    cr_expect_eq(kedge_root_walk(&there, files, 2, NOW, &err), KEDGE_ROOT_EXPIRED);
    cr_expect_eq(there.version, 3, "worth keeping: the next can follow it");
    cr_expect_eq(kedge_root_walk(&there, files + 2, 1, NOW, &err), KEDGE_ROOT_ACCEPTED);
    /* none may be left out, and none taken twice */
    there = root;
    cr_expect_eq(kedge_root_walk(&there, files + 1, 2, NOW, &err), KEDGE_ROOT_GAP);
    cr_expect_eq(there.version, 1);
    const struct kedge_slice twice[] = {files[0], files[0]};
    cr_expect_eq(kedge_root_walk(&there, twice, 2, NOW, &err), KEDGE_ROOT_ROLLBACK);
    cr_expect_eq(there.version, 2);
    kedge_test_no_leaks();
}

static int take_order(const struct kedge_root *root, const struct kedge_buf *order)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_err err;
    const struct kedge_envelope_trust trust = kedge_root_trust(root, KEDGE_ROOT_DIRECTOR);
    return kedge_envelope_verify(order->data, order->size, order->size, &trust, &payload, &err);
}

Test(root, compromised_director_is_out_at_once)
{
    struct kedge_root root = first();
    struct kedge_root next = make(2, N(1, 2, 3), 2, N(12));
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf stolen = sign_text("{}", N(11)),
                                           good = sign_text("{}", N(12)),
                                           release = sign_text("{}", N(21));
    cr_expect_eq(take_order(&root, &stolen), 0);
    cr_expect_eq(take_order(&root, &good), KEDGE_DENIED);
    cr_assert_eq(offer(&root, &next, N(1, 2), &err), KEDGE_ROOT_ACCEPTED);
    cr_expect_eq(take_order(&next, &stolen), KEDGE_DENIED);
    cr_expect_eq(take_order(&next, &good), 0);
    cr_expect_eq(take_order(&next, &release), KEDGE_DENIED, "wrong role");
}

/* The thief has driven the generation up: with the key goes what it counted. */
Test(root, a_revoked_key_takes_its_counters_with_it)
{
    struct kedge_root before = make(1, N(1), 1, N(11, 12));
    struct kedge_root added = make(2, N(1), 1, N(11, 12, 13));
    struct kedge_root removed = make(2, N(1), 1, N(12, 13));
    cr_expect_not(kedge_root_revokes(&before, &before, KEDGE_ROOT_DIRECTOR));
    cr_expect_not(kedge_root_revokes(&before, &added, KEDGE_ROOT_DIRECTOR));
    cr_expect(kedge_root_revokes(&before, &removed, KEDGE_ROOT_DIRECTOR));
    cr_expect_not(kedge_root_revokes(&before, &removed, KEDGE_ROOT_RELEASE));
}

Test(root, every_flipped_bit_is_refused_or_harmless)
{
    struct kedge_root root = make(1, N(1), 1, N(11)), next = make(2, N(1), 1, N(11)), out;
    kedge_auto(kedge_buf) struct kedge_buf text = text_of(&next), file = seal(&next, N(1));
    struct kedge_digest digest = kedge_digest_of(text.data, text.size);
    size_t refused = 0, harmless = 0;
    for (size_t i = 0; i < file.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct kedge_err err;
            file.data[i] = (char)(file.data[i] ^ (1 << bit));
            if (kedge_root_follow(&root, kedge_buf_slice(&file), &out, &err) == 0) {
                harmless++;
                cr_assert(kedge_digest_equal(&out.digest, &digest), "byte %zu", i);
            } else {
                refused++;
            }
            file.data[i] = (char)(file.data[i] ^ (1 << bit));
        }
    }
    /* A keyid is no authority: its name and value, 5 + 64 bytes. */
    cr_expect(harmless > 0 && harmless <= 69 * 8, "%zu", harmless);
    cr_expect_eq(refused + harmless, file.size * 8);
    kedge_test_no_leaks();
}

Test(root, every_cut_is_malformed)
{
    struct kedge_root root = make(1, N(1), 1, N(11)), next = make(2, N(1), 1, N(11)), out;
    kedge_auto(kedge_buf) struct kedge_buf file = seal(&next, N(1));
    struct kedge_err err;
    for (size_t size = 0; size < file.size; size++)
        cr_assert_eq(kedge_root_follow(&root, (struct kedge_slice){file.data, size}, &out, &err),
                     KEDGE_ROOT_MALFORMED, "cut at %zu", size);
}

Test(root, attack_endless_data)
{
    struct kedge_root root = first(), out;
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_err err;
    kedge_buf_reserve(&file, KEDGE_LIMIT_ROOT + 2);
    memset(file.data, ' ', KEDGE_LIMIT_ROOT + 1);
    file.size = KEDGE_LIMIT_ROOT + 1;
    cr_expect_eq(kedge_root_follow(&root, kedge_buf_slice(&file), &out, &err),
                 KEDGE_ROOT_MALFORMED);
    cr_expect_eq(err.code, KEDGE_LIMIT);
}

Test(root, the_largest_root_fits)
{
    struct kedge_root root = {.version = 1, .expires = NOW}, out;
    for (int i = 0; i < KEDGE_ROOT_ROLES; i++) {
        root.roles[i] = (struct kedge_root_signers){.count = KEDGE_LIMIT_ROOT_KEYS, .threshold = 1};
        for (uint8_t j = 0; j < KEDGE_LIMIT_ROOT_KEYS; j++) {
            kedge_auto(kedge_key) struct kedge_key *key =
                kedge_key_from_seed((const uint8_t[32]){j, (uint8_t)i, 1});
            root.roles[i].keys[j] = kedge_key_public(key);
        }
    }
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_root_write(&root, &file, &err), 0, "%s", err.msg);
    cr_expect(file.size + (size_t)KEDGE_LIMIT_SIGNATURES * 200 < KEDGE_LIMIT_ROOT, "%zu",
              file.size);
    cr_expect_eq(kedge_root_peek(kedge_buf_slice(&file), &out, &err), 0, "%s", err.msg);
}

Test(root, impossible_roots_are_not_written)
{
    struct kedge_root good = make(1, N(1, 2), 2, N(11)), bad[5];
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        bad[i] = good;
    bad[0].version = 0;
    bad[1].roles[KEDGE_ROOT_ROOT].threshold = 3;
    bad[2].roles[KEDGE_ROOT_DIRECTOR].threshold = 0;
    bad[3].roles[KEDGE_ROOT_RELEASE] = (struct kedge_root_signers){.threshold = 1};
    bad[4].roles[KEDGE_ROOT_ROOT].keys[1] = bad[4].roles[KEDGE_ROOT_ROOT].keys[0];
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++) {
        kedge_auto(kedge_buf) struct kedge_buf out = {0};
        struct kedge_err err;
        cr_expect_eq(kedge_root_write(&bad[i], &out, &err), KEDGE_INVALID, "%zu", i);
        cr_expect_eq(out.size, 0);
    }
}

Test(root, signers_need_not_meet)
{
    struct kedge_root root = first(), next = make(2, N(4, 5), 2, N(12)), out;
    struct kedge_buf files[5] = {{0}};
    struct kedge_err err;
    static const int by[] = {1, 4, 2, 5};
    cr_assert_eq(kedge_root_write(&next, &files[0], &err), 0);
    for (size_t i = 0; i < KEDGE_COUNT(by); i++) {
        cr_expect_neq(kedge_root_follow(&root, kedge_buf_slice(&files[i]), &out, &err), 0);
        cr_assert_eq(kedge_root_sign(&root, kedge_buf_slice(&files[i]), keys[by[i]], &files[i + 1],
                                     &err),
                     0, "%s", err.msg);
    }
    cr_expect_eq(kedge_root_follow(&root, kedge_buf_slice(&files[4]), &out, &err), 0, "%s",
                 err.msg);
    kedge_auto(kedge_buf) struct kedge_buf more = {0};
    struct kedge_slice last = kedge_buf_slice(&files[4]);
    cr_expect_eq(kedge_root_sign(&root, last, keys[1], &more, &err), KEDGE_EXISTS);
    cr_expect_eq(kedge_root_sign(&root, last, keys[31], &more, &err), KEDGE_DENIED);
    cr_expect_eq(kedge_root_sign(&root, last, keys[12], &more, &err), KEDGE_DENIED, "director");
    cr_expect_eq(kedge_root_sign(NULL, last, keys[3], &more, &err), KEDGE_DENIED, "old, not given");
    cr_expect_eq(kedge_root_sign(&next, last, keys[4], &more, &err), KEDGE_INVALID, "not the next");
    cr_expect_eq(more.size, 0);
    for (size_t i = 0; i < KEDGE_COUNT(files); i++)
        kedge_buf_release(&files[i]);
    kedge_test_no_leaks();
}
