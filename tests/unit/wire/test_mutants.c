/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is signed, changed a little at every byte, and spliced with another that is signed
 * as well: it is refused, or it says what one of the two said. Free text such as keyids and comments
 * may change; what a program would act upon may not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/secret.h"
#include "fixture.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "wire/age.h"
#include "wire/batch.h"
#include "wire/commit.h"
#include "wire/enrol.h"
#include "wire/evidence.h"
#include "wire/minisign.h"
#include "wire/release.h"
#include "wire/rotation.h"

#define NOW KEDGE_FIXTURE_NOW

static struct kedge_arena arena;
static struct kedge_key *device, *successor;
static struct kedge_buf first_root;         /* a file */
static struct kedge_root pinned;            /* what it says */
static struct kedge_enrol_request sent;     /* as the device remembers it */
static struct kedge_age_identity *identity; /* of the device */
static struct kedge_age_recipient recipient;

static void make_root(int which, struct kedge_buf *out);
static void make_request(int which, struct kedge_buf *out);

static void start(void)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    device = kedge_key_from_seed((const uint8_t[32]){3});
    successor = kedge_key_from_seed((const uint8_t[32]){4});
    const struct kedge_public_key public = kedge_key_public(device);
    make_root(-1, &first_root);
    cr_assert_eq(kedge_root_pin(kedge_buf_slice(&first_root), NULL, &pinned, &err), 0, "%s",
                 err.msg);
    make_request(0, &envelope);
    cr_assert_eq(kedge_enrol_request_verify(&arena, kedge_buf_slice(&envelope), &sent, &err), 0,
                 "%s", err.msg);
    cr_assert_eq(kedge_age_recipient_of(&public, &recipient, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_age_identity_of(device, &identity, &err), 0, "%s", err.msg);
}

static void stop(void)
{
    kedge_key_free(device);
    kedge_key_free(successor);
    kedge_buf_release(&first_root);
    kedge_age_identity_free(identity);
    kedge_arena_release(&arena);
}

TestSuite(mutants, .init = start, .fini = stop);

static const struct kedge_slice file = {"weights", 7};

/* Each row makes two documents, 0 and 1, which differ in what they say; and opens one, appending
 * that to `said` when it is accepted. */

static void make_order(int which, struct kedge_buf *out)
{
    struct kedge_order order = kedge_fixture_order();
    order.generation += which;
    kedge_fixture_envelope(&order, 1, kedge_fixture_director(), out);
}

static bool open_signed(struct kedge_slice text, struct kedge_buf *said)
{
    const struct kedge_envelope_trust trust = kedge_fixture_trust();
    struct kedge_err err;
    return kedge_batch_verify(text.data, text.size, KEDGE_LIMIT_ENVELOPE, &trust, said, &err) == 0;
}

static void make_member(int which, struct kedge_buf *out)
{
    static const struct kedge_slice leaves[] = {{"first", 5}, {"second", 6}, {"third", 5}};
    kedge_auto(kedge_batch) struct kedge_batch *batch = kedge_batch_new();
    const struct kedge_key *director = kedge_fixture_director();
    struct kedge_err err;
    for (size_t i = 0; i < KEDGE_COUNT(leaves); i++)
        (void)kedge_batch_add(batch, leaves[i]);
    cr_assert_eq(kedge_batch_sign(batch, &director, 1, &err), 0, "%s", err.msg);
    kedge_batch_write(batch, (size_t)which, leaves[which], out);
}

static void make_report(int which, struct kedge_buf *out)
{
    struct kedge_reported held = {.instance = "model-00",
                                  .deployment = "everywhere",
                                  .version = "1.0.0",
                                  .content = kedge_digest_of("content", 7)};
    const struct kedge_report report = {.device = "press-07",
                                        .counter = 19 + which,
                                        .link = 1,
                                        .generation = 7,
                                        .at = NOW,
                                        .agent = "0.1.0",
                                        .instances = &held,
                                        .instance_count = 1};
    struct kedge_err err;
    cr_assert_eq(kedge_evidence_sign(&report, device, out, &err), 0, "%s", err.msg);
}

static bool open_report(struct kedge_slice text, struct kedge_buf *said)
{
    const struct kedge_public_key public = kedge_key_public(device);
    struct kedge_report report;
    struct kedge_err err;
    if (kedge_evidence_verify(&arena, text, "press-07", &public, &report, &err))
        return false;
    return kedge_evidence_sign(&report, device, said, &err) == 0;
}

static struct kedge_root_signers one(const struct kedge_key *key)
{
    return (struct kedge_root_signers){{kedge_key_public(key)}, 1, 1};
}

/* Version 1 for -1, else version 2, with the fixture's director as every role. */
static void make_root(int which, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf bare = {0};
    const struct kedge_key *director = kedge_fixture_director();
    const struct kedge_root root = {which < 0 ? 1 : 2,
                                    NOW + 86400000 * (which + 2),
                                    {one(director), one(director), one(director)},
                                    {{0}}};
    struct kedge_err err;
    cr_assert_eq(kedge_root_write(&root, &bare, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_root_sign(NULL, kedge_buf_slice(&bare), director, out, &err), 0, "%s",
                 err.msg);
}

static bool open_root(struct kedge_slice text, struct kedge_buf *said)
{
    struct kedge_root after;
    struct kedge_err err;
    return kedge_root_follow(&pinned, text, &after, &err) == KEDGE_ROOT_ACCEPTED &&
           kedge_root_write(&after, said, &err) == 0;
}

static const struct kedge_enrol_request asked = {
    .device = "press-07", .hardware = "SN-0042", .issued = NOW, .has_token = true, .secret = {9}};

static void make_request(int which, struct kedge_buf *out)
{
    struct kedge_enrol_request request = asked;
    struct kedge_err err;
    request.secret[1] = (uint8_t)which;
    cr_assert_eq(kedge_enrol_request_sign(&request, device, out, &err), 0, "%s", err.msg);
}

static bool open_request(struct kedge_slice text, struct kedge_buf *said)
{
    struct kedge_enrol_request request;
    struct kedge_err err;
    if (kedge_enrol_request_verify(&arena, text, &request, &err))
        return false;
    kedge_buf_printf(said, "%s %s %lld %d ", request.device, request.hardware,
                     (long long)request.issued, request.has_token);
    kedge_buf_add(said, request.secret, sizeof request.secret);
    kedge_buf_add(said, request.root.bytes, sizeof request.root.bytes);
    kedge_buf_add(said, request.key.bytes, sizeof request.key.bytes);
    return true;
}

static void make_reply(int which, struct kedge_buf *out)
{
    const struct kedge_key *director = kedge_fixture_director();
    const struct kedge_slice roots[] = {kedge_buf_slice(&first_root)};
    struct kedge_err err;
    cr_assert_eq(kedge_enrol_reply_sign(&sent, roots, 1, 7 + which, NOW, &director, 1, out, &err),
                 0, "%s", err.msg);
}

static bool open_reply(struct kedge_slice text, struct kedge_buf *said)
{
    struct kedge_enrol_reply reply;
    struct kedge_err err;
    if (kedge_enrol_reply_verify(&arena, text, &pinned.digest, &sent, NOW, &reply, &err))
        return false;
    kedge_buf_printf(said, "%lld %lld %u ", (long long)reply.generation, (long long)reply.issued,
                     reply.root_count);
    return kedge_root_write(&reply.root, said, &err) == 0;
}

static void make_rotation(int which, struct kedge_buf *out)
{
    struct kedge_err err;
    cr_assert_eq(kedge_rotation_sign("press-07", device,
                                     which ? kedge_fixture_stranger() : successor, NOW, out, &err),
                 0, "%s", err.msg);
}

static bool open_rotation(struct kedge_slice text, struct kedge_buf *said)
{
    const struct kedge_public_key before = kedge_key_public(device);
    struct kedge_public_key after;
    struct kedge_err err;
    if (kedge_rotation_verify(text, "press-07", &before, &after, &err))
        return false;
    kedge_buf_add(said, after.bytes, sizeof after.bytes);
    return true;
}

static void make_minisig(int which, struct kedge_buf *out)
{
    uint8_t hash[KEDGE_MINISIGN_HASH];
    struct kedge_release_state *state = kedge_release_begin();
    struct kedge_err err;
    kedge_release_update(state, file.data, file.size);
    kedge_release_finish(state, hash);
    kedge_release_free(state);
    cr_assert_eq(kedge_minisign_sign(device, hash, which ? "timestamp:2" : "timestamp:1\tfile:a",
                                     out, &err),
                 0, "%s", err.msg);
}

static bool open_minisig(struct kedge_slice text, struct kedge_buf *said)
{
    const struct kedge_public_key public = kedge_key_public(device);
    const struct kedge_minisign_key key = kedge_minisign_key_of(&public);
    struct kedge_minisign signature;
    struct kedge_err err;
    if (kedge_minisign_parse(text, &signature, &err) ||
        kedge_minisign_verify_data(&signature, &key, file, &err))
        return false;
    kedge_buf_puts(said, signature.trusted);
    return true;
}

static void make_minisign_key(int which, struct kedge_buf *out)
{
    const struct kedge_public_key public = kedge_key_public(which ? successor : device);
    const struct kedge_minisign_key key = kedge_minisign_key_of(&public);
    kedge_minisign_key_write(&key, out);
}

/* A key that was tampered with verifies nothing. */
static bool open_minisign_key(struct kedge_slice text, struct kedge_buf *said)
{
    kedge_auto(kedge_buf) struct kedge_buf signature = {0};
    const struct kedge_public_key other = kedge_key_public(successor);
    struct kedge_minisign parsed;
    struct kedge_minisign_key key;
    struct kedge_err err;
    make_minisig(0, &signature);
    cr_assert_eq(kedge_minisign_parse(kedge_buf_slice(&signature), &parsed, &err), 0);
    if (kedge_minisign_key_parse(text, &key, &err) ||
        (memcmp(&key.key, &other, sizeof other) != 0 &&
         kedge_minisign_verify_data(&parsed, &key, file, &err)))
        return false;
    kedge_buf_add(said, key.key.bytes, sizeof key.key.bytes);
    return true;
}

static void make_token(int which, struct kedge_buf *out)
{
    const struct kedge_token token = {.secret = {(uint8_t)which, 2, 3}, .root = {{4, 5, 6}}};
    char text[KEDGE_TOKEN_TEXT];
    kedge_buf_puts(out, kedge_token_format(&token, text));
}

static bool open_token(struct kedge_slice text, struct kedge_buf *said)
{
    struct kedge_token token;
    struct kedge_err err;
    if (memchr(text.data, '\0', text.size) || kedge_token_parse(text.data, &token, &err))
        return false;
    kedge_buf_add(said, token.secret, sizeof token.secret);
    kedge_buf_add(said, token.root.bytes, sizeof token.root.bytes);
    return true;
}

static void make_secret(int which, struct kedge_buf *out)
{
    struct kedge_err err;
    cr_assert_eq(kedge_age_seal(&recipient, 1, which ? "hunter2" : "swordfish", which ? 7 : 9, out,
                                &err),
                 0, "%s", err.msg);
}

static bool open_secret(struct kedge_slice text, struct kedge_buf *said)
{
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    struct kedge_err err;
    char *secret;
    size_t size;
    if (kedge_sealed_parse(text, &sealed, &err) ||
        kedge_age_open(&sealed, identity, &secret, &size, &err))
        return false;
    kedge_buf_add(said, secret, size);
    kedge_secret_free(secret);
    return true;
}

/* As `ssh-keygen -Y sign -n git` by the device's key. */
static void sign_for_git(const struct kedge_buf *payload, struct kedge_buf *armor)
{
    kedge_auto(kedge_buf) struct kedge_buf data = {0}, blob = {0}, key = {0}, inner = {0},
                                           text = {0};
    const struct kedge_digest digest = kedge_digest_of(payload->data, payload->size);
    const struct kedge_public_key public = kedge_key_public(device);
    uint8_t signature[KEDGE_KEY_SIGNATURE];
    struct kedge_err err;
    kedge_buf_puts(&data, "SSHSIG");
    kedge_sshkey_put_string(&data, "git", 3);
    kedge_sshkey_put_string(&data, "", 0);
    kedge_sshkey_put_string(&data, "sha256", 6);
    kedge_sshkey_put_string(&data, digest.bytes, sizeof digest.bytes);
    cr_assert_eq(kedge_key_sign(device, data.data, data.size, signature, &err), 0, "%s", err.msg);
    kedge_sshkey_put_string(&key, "ssh-ed25519", 11);
    kedge_sshkey_put_string(&key, public.bytes, sizeof public.bytes);
    kedge_sshkey_put_string(&inner, "ssh-ed25519", 11);
    kedge_sshkey_put_string(&inner, signature, sizeof signature);
    kedge_buf_add(&blob, "SSHSIG\0\0\0\1", 10);
    kedge_sshkey_put_string(&blob, key.data, key.size);
    kedge_sshkey_put_string(&blob, "git", 3);
    kedge_sshkey_put_string(&blob, "", 0);
    kedge_sshkey_put_string(&blob, "sha256", 6);
    kedge_sshkey_put_string(&blob, inner.data, inner.size);
    kedge_base64_encode(&text, blob.data, blob.size);
    kedge_buf_puts(armor, "-----BEGIN SSH SIGNATURE-----\n");
    for (size_t at = 0; at < text.size; at += 70)
        kedge_buf_printf(armor, "%.70s\n", text.data + at);
    kedge_buf_puts(armor, "-----END SSH SIGNATURE-----\n");
}

static const char *const headers[] = {
    "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
    "parent 0123456789abcdef0123456789abcdef01234567\n"
    "author A <a@x> 1772366400 +0100\ncommitter C <c@x> 1772366400 +0100\n",
    "object 0123456789abcdef0123456789abcdef01234567\n"
    "type commit\ntag v1\ntagger C <c@x> 1772366400 +0100\n",
};
static const char *const messages[] = {"Raise the press\n", "Lower the press\n"};

static void make_commit(int which, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0}, armor = {0};
    kedge_buf_printf(&payload, "%s\n%s", headers[0], messages[which]);
    sign_for_git(&payload, &armor);
    kedge_buf_printf(out, "%sgpgsig", headers[0]);
    for (const char *line = armor.data; *line; line += strcspn(line, "\n") + 1)
        kedge_buf_printf(out, " %.*s\n", (int)strcspn(line, "\n"), line);
    kedge_buf_printf(out, "\n%s", messages[which]);
}

static void make_tag(int which, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf armor = {0};
    kedge_buf_printf(out, "%s\n%s", headers[1], messages[which]);
    sign_for_git(out, &armor);
    kedge_buf_puts(out, armor.data);
}

static bool open_object(struct kedge_slice text, struct kedge_buf *said)
{
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    kedge_auto(kedge_buf) struct kedge_buf blob = {0}, principals = {0};
    const struct kedge_public_key public = kedge_key_public(device);
    struct kedge_allowed_line line = {.number = 1, .usable = true, .principals = "c@x"};
    const struct kedge_allowed allowed = {&line, 1};
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    struct kedge_err err;
    line.key = (struct kedge_sshkey){KEDGE_SSHKEY_ED25519, public, {NULL, 0}};
    bool tag = text.size && *text.data == 'o';
    if ((tag ? kedge_commit_parse_tag(text, &commit, &err)
             : kedge_commit_parse(text, &commit, &err)) ||
        kedge_commit_verify(&commit, &allowed, (struct kedge_slice){"", 0}, &principals,
                            fingerprint, &err))
        return false;
    kedge_buf_printf(said, "%s %lld ", fingerprint, (long long)commit.at);
    kedge_buf_add(said, commit.payload.data, commit.payload.size);
    return true;
}

static const struct row {
    const char *name;
    void (*make)(int which, struct kedge_buf *out);
    bool (*open)(struct kedge_slice text, struct kedge_buf *said);
} rows[] = {
    {"order", make_order, open_signed},
    {"member of a batch", make_member, open_signed},
    {"report", make_report, open_report},
    {"root", make_root, open_root},
    {"enrolment request", make_request, open_request},
    {"enrolment reply", make_reply, open_reply},
    {"rotation", make_rotation, open_rotation},
    {"signature of a file", make_minisig, open_minisig},
    {"key of such signatures", make_minisign_key, open_minisign_key},
    {"token", make_token, open_token},
    {"sealed secret", make_secret, open_secret},
    {"commit", make_commit, open_object},
    {"tag", make_tag, open_object},
};

static struct kedge_buf originals[2], meanings[2];
static size_t accepted;

static bool same(const struct kedge_buf *a, const struct kedge_buf *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* The sanitizer sees every byte that is read beyond `text`. */
static void judge(const struct row *row, const struct kedge_buf *text)
{
    kedge_auto(kedge_buf) struct kedge_buf said = {0}, exact = {0};
    kedge_buf_add(&exact, text->data, text->size);
    if (!row->open(kedge_buf_slice(&exact), &said))
        return;
    accepted++;
    cr_assert(same(&said, &meanings[0]) || same(&said, &meanings[1]),
              "a changed %s says something else:\n%.*s", row->name, (int)text->size, text->data);
}

/* The original up to `at`, then `middle`, then the original from `from` on. */
static void judge_edit(const struct row *row, size_t at, const char *middle, size_t size,
                       size_t from)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_add(&text, originals[0].data, at);
    kedge_buf_add(&text, middle, size);
    if (from < originals[0].size)
        kedge_buf_add(&text, originals[0].data + from, originals[0].size - from);
    judge(row, &text);
}

static void judge_splice(const struct row *row, int head, size_t at, size_t from)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    const struct kedge_buf *tail = &originals[!head];
    kedge_buf_add(&text, originals[head].data, at);
    if (from < tail->size)
        kedge_buf_add(&text, tail->data + from, tail->size - from);
    judge(row, &text);
}

static void mutate(const struct row *row, struct kedge_rng *rng)
{
    static const char odd[] = {'\0', '\n', '\r', ' ', '"', '\\',  '=',
                               '-',  ',',  '}',  '{', '0', '\xff'};
    const size_t size = originals[0].size;
    for (size_t at = 0; at < size; at++) {
        char flipped = (char)(originals[0].data[at] ^ 1 << kedge_rng_below(rng, 8));
        char other = odd[kedge_rng_below(rng, sizeof odd)];
        size_t back = kedge_rng_below(rng, at + 1);
        judge_edit(row, at, &flipped, 1, at + 1);
        switch (kedge_rng_below(rng, 3)) {
        case 0:
            judge_edit(row, at, &other, 1, at + kedge_rng_below(rng, 2));
            break;
        case 1:
            judge_edit(row, at, "", 0, at + 1 + kedge_rng_below(rng, 8));
            break;
        default:
            judge_edit(row, at, originals[0].data + back, at - back, at);
            break;
        }
    }
    for (size_t n = 0; n < 200; n++) {
        size_t at = kedge_rng_below(rng, size < originals[1].size ? size : originals[1].size);
        judge_splice(row, (int)(n % 2), at, n % 3 ? at : kedge_rng_below(rng, size));
    }
}

Test(mutants, none_says_what_nobody_signed, .timeout = 120)
{
    struct kedge_rng rng = kedge_rng_make(7);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        for (int which = 0; which < 2; which++) {
            rows[i].make(which, &originals[which]);
            cr_assert(rows[i].open(kedge_buf_slice(&originals[which]), &meanings[which]), "%s %d",
                      rows[i].name, which);
        }
        cr_assert_not(same(&meanings[0], &meanings[1]), "%s", rows[i].name);
        accepted = 0;
        mutate(&rows[i], &rng);
        cr_log_info("%s: %zu bytes, %zu mutants accepted", rows[i].name, originals[0].size,
                    accepted);
        for (int which = 0; which < 2; which++) {
            kedge_buf_release(&originals[which]);
            kedge_buf_release(&meanings[which]);
        }
    }
    kedge_test_no_leaks();
}
