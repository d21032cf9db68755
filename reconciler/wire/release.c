/* SPDX-License-Identifier: Apache-2.0 */
#include "release.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "minisign.h"

_Static_assert(KEDGE_RELEASE_HASH == KEDGE_MINISIGN_HASH, "the hash is minisign's");

#define COMMENT "kedge/v1"
/* The longest comment: names, numbers, and what stands between them. */
#define COMMENT_TEXT (KEDGE_LIMIT_NAME + KEDGE_LIMIT_VERSION + 384)
_Static_assert(COMMENT_TEXT < KEDGE_MINISIGN_TRUSTED, "it fits a signature");

struct kedge_release_state {
    crypto_generichash_state blake;
};

struct kedge_release_state *kedge_release_begin(void)
{
    /* libsodium wants it on a cache line, and malloc promises less. */
    struct kedge_release_state *state = aligned_alloc(64, (sizeof *state + 63) / 64 * 64);
    if (!state)
        abort();
    crypto_generichash_init(&state->blake, NULL, 0, KEDGE_RELEASE_HASH);
    return state;
}

void kedge_release_update(struct kedge_release_state *state, const void *data, size_t size)
{
    crypto_generichash_update(&state->blake, data, size);
}

void kedge_release_finish(struct kedge_release_state *state, uint8_t hash[KEDGE_RELEASE_HASH])
{
    crypto_generichash_final(&state->blake, hash, KEDGE_RELEASE_HASH);
    crypto_generichash_init(&state->blake, NULL, 0, KEDGE_RELEASE_HASH);
}

void kedge_release_free(struct kedge_release_state *state)
{
    free(state);
}

void kedge_release_auto(struct kedge_release_state **state)
{
    kedge_release_free(*state);
}

static bool is_version(const char *text)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_version version;
    return kedge_version_parse(&arena, text, &version, NULL) == 0;
}

static bool is_number(int64_t value)
{
    return value >= 0 && value <= KEDGE_LIMIT_VERSION_NUMBER;
}

static bool is_claim(const struct kedge_release_claim *claim)
{
    return kedge_name_valid(claim->model, strlen(claim->model)) && is_version(claim->version) &&
           is_number(claim->size) && is_number(claim->counter);
}

int kedge_release_write(const struct kedge_release_claim *claim, struct kedge_buf *out,
                        struct kedge_err *err)
{
    char digest[KEDGE_DIGEST_TEXT], runtime[KEDGE_DIGEST_TEXT];
    if (!is_claim(claim))
        return kedge_err_set(err, KEDGE_INVALID,
                             "a release has a model name, a semantic version, and a size and a "
                             "counter from 0 to 2^53 - 1");
    kedge_buf_printf(out,
                     COMMENT " model=%s version=%s digest=%s size=%lld runtime=%s counter=%lld",
                     claim->model, claim->version, kedge_digest_format(&claim->digest, digest),
                     (long long)claim->size, kedge_digest_format(&claim->runtime, runtime),
                     (long long)claim->counter);
    return 0;
}

/* Takes " name=value" from the front of *rest, in `arena`; NULL when something else stands there. */
static const char *take(struct kedge_arena *arena, const char **rest, const char *name)
{
    size_t length = strlen(name);
    const char *at = *rest;
    if (*at != ' ' || strncmp(at + 1, name, length) != 0 || at[1 + length] != '=')
        return NULL;
    at += length + 2;
    size_t size = strcspn(at, " ");
    *rest = at + size;
    return kedge_arena_strndup(arena, at, size);
}

/* Digits without leading zeros; -1 for anything else. */
static int64_t number_of(const char *text)
{
    int64_t value = 0;
    size_t digits = text ? strlen(text) : 0;
    if (digits == 0 || digits > 16 || (text[0] == '0' && digits > 1))
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

static bool read_claim(struct kedge_arena *arena, const char *rest, struct kedge_release_claim *out)
{
    out->model = take(arena, &rest, "model");
    out->version = out->model ? take(arena, &rest, "version") : NULL;
    const char *digest = out->version ? take(arena, &rest, "digest") : NULL;
    if (!digest || !kedge_digest_parse(digest, &out->digest))
        return false;
    out->size = number_of(take(arena, &rest, "size"));
    const char *runtime = take(arena, &rest, "runtime");
    if (!runtime || !kedge_digest_parse(runtime, &out->runtime))
        return false;
    out->counter = number_of(take(arena, &rest, "counter"));
    return !*rest && is_claim(out);
}

int kedge_release_read(struct kedge_arena *arena, const char *comment,
                       struct kedge_release_claim *out, struct kedge_err *err)
{
    struct kedge_release_claim claim;
    size_t prefix = strlen(COMMENT);
    if (strlen(comment) >= COMMENT_TEXT || strncmp(comment, COMMENT, prefix) != 0 ||
        !read_claim(arena, comment + prefix, &claim))
        return kedge_err_set(err, KEDGE_INVALID,
                             "trusted comment '%.120s' is not '" COMMENT
                             " model=.. version=.. digest=.. size=.. runtime=.. counter=..'",
                             comment);
    *out = claim;
    return 0;
}

int kedge_release_sign(const struct kedge_key *key, const uint8_t hash[KEDGE_RELEASE_HASH],
                       const struct kedge_release_claim *claim, struct kedge_buf *out,
                       struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf comment = {0};
    int code = kedge_release_write(claim, &comment, err);
    return code ? code : kedge_minisign_sign(key, hash, comment.data, out, err);
}

/* A signature that counts: by whom, and with which counter. */
struct vote {
    uint32_t signer;
    int64_t counter;
};

static int find_signer(const struct kedge_root_signers *signers,
                       const struct kedge_minisign *signature,
                       const uint8_t hash[KEDGE_RELEASE_HASH], uint32_t *out, struct kedge_err *err)
{
    for (uint32_t i = 0; i < signers->count; i++) {
        struct kedge_minisign_key key = {.key = signers->keys[i]};
        memcpy(key.id, signature->id, sizeof key.id); /* a hint that is not taken */
        int code = hash ? kedge_minisign_verify(signature, &key, hash, err)
                        : kedge_minisign_verify_comment(signature, &key, err);
        if (code == 0)
            *out = i;
        if (code == 0 || code == KEDGE_UNSUPPORTED)
            return code;
    }
    return kedge_err_set(err, KEDGE_DENIED,
                         "no release key has signed these bytes with this comment");
}

int kedge_release_match(const struct kedge_release_claim *claim,
                        const struct kedge_release_claim *wanted, struct kedge_err *err)
{
    if (strcmp(claim->model, wanted->model) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it is for model '%s', not for '%s'", claim->model,
                             wanted->model);
    if (strcmp(claim->version, wanted->version) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "it is for version '%s', not for '%s'",
                             claim->version, wanted->version);
    if (!kedge_digest_equal(&claim->digest, &wanted->digest))
        return kedge_err_set(err, KEDGE_DENIED, "it is for an artifact of another digest");
    if (claim->size != wanted->size)
        return kedge_err_set(err, KEDGE_DENIED, "it is for %lld bytes, not for %lld",
                             (long long)claim->size, (long long)wanted->size);
    if (!kedge_digest_equal(&claim->runtime, &wanted->runtime))
        return kedge_err_set(err, KEDGE_DENIED,
                             "it is for another runtime: command, environment, probe or the like "
                             "have changed since");
    return 0;
}

/* The comment is read after it was verified; one that is no claim, such as minisign's own, speaks for
 * nothing. */
static int weigh(const struct kedge_root_signers *signers, const struct kedge_signature *signature,
                 const uint8_t hash[KEDGE_RELEASE_HASH], const struct kedge_release_claim *wanted,
                 struct vote *out, struct kedge_err *err)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_minisign parsed;
    struct kedge_release_claim claim;
    struct kedge_slice text = {signature->value, strlen(signature->value)};
    int code = kedge_minisign_parse(text, &parsed, err);
    if (!code)
        code = find_signer(signers, &parsed, hash, &out->signer, err);
    if (!code && kedge_release_read(&arena, parsed.trusted, &claim, err))
        code = kedge_err_set(err, KEDGE_DENIED, "%s", err->msg);
    if (!code)
        code = kedge_release_match(&claim, wanted, err);
    if (!code)
        out->counter = claim.counter;
    return code;
}

/* How many keys have voted for this counter. */
static uint32_t support(const struct vote *votes, uint32_t count, int64_t counter)
{
    uint64_t signers = 0;
    _Static_assert(KEDGE_LIMIT_ROOT_KEYS <= 64, "one bit each");
    for (uint32_t i = 0; i < count; i++) {
        if (votes[i].counter == counter)
            signers |= UINT64_C(1) << votes[i].signer;
    }
    return (uint32_t)__builtin_popcountll(signers);
}

int kedge_release_check(const struct kedge_root_signers *signers,
                        const struct kedge_signature *signatures, uint32_t count,
                        const uint8_t hash[KEDGE_RELEASE_HASH],
                        const struct kedge_release_claim *wanted, int64_t *counter,
                        struct kedge_err *err)
{
    struct vote votes[KEDGE_LIMIT_SIGNATURES];
    uint32_t cast = 0, most = 0, needed = signers->threshold ? signers->threshold : 1;
    int64_t best = -1;
    struct kedge_err why;
    kedge_err_set(&why, KEDGE_DENIED, count ? "there is no other signature" : "it carries none");
    if (count > KEDGE_LIMIT_SIGNATURES)
        return kedge_err_set(err, KEDGE_LIMIT, "%u release signatures, at most %d are read", count,
                             KEDGE_LIMIT_SIGNATURES);
    for (uint32_t i = 0; i < count; i++) {
        int code = weigh(signers, &signatures[i], hash, wanted, &votes[cast], &why);
        if (code && code != KEDGE_DENIED && code != KEDGE_UNSUPPORTED)
            return kedge_err_set(err, code, "release signature %u: %s", i + 1, why.msg);
        cast += code == 0;
    }
    for (uint32_t i = 0; i < cast; i++) {
        uint32_t found = support(votes, cast, votes[i].counter);
        most = found > most ? found : most;
        if (found >= needed && votes[i].counter > best)
            best = votes[i].counter;
    }
    if (best < 0)
        return kedge_err_set(err, KEDGE_DENIED,
                             "model '%s' version '%s' has release signatures of %u keys, %u are "
                             "needed: %s",
                             wanted->model, wanted->version, most, needed, why.msg);
    *counter = best;
    return 0;
}

int kedge_release_advance(const char *model, int64_t highest, int64_t counter,
                          struct kedge_err *err)
{
    if (counter >= highest)
        return 0;
    return kedge_err_set(err, KEDGE_DENIED,
                         "rollback: model '%s' has release counter %lld, this device has seen %lld",
                         model, (long long)counter, (long long)highest);
}
