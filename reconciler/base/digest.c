/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

/* libcrypto fails here only without memory or without SHA-256: both end the program. */
static void must(int success)
{
    if (success != 1)
        abort();
}

/* Fetched once: looking the algorithm up costs more than hashing a short text. */
static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    must(sha256 != NULL);
}

static const EVP_MD *algorithm(void)
{
    pthread_once(&sha256_once, fetch_sha256);
    return sha256;
}

struct kedge_digest kedge_digest_of(const void *data, size_t size)
{
    struct kedge_digest digest;
    must(EVP_Digest(data, size, digest.bytes, NULL, algorithm(), NULL));
    return digest;
}

/* The opaque state is libcrypto's context under our name. */
static EVP_MD_CTX *context(struct kedge_digest_state *state)
{
    return (EVP_MD_CTX *)state;
}

struct kedge_digest_state *kedge_digest_begin(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx != NULL);
    must(EVP_DigestInit_ex2(ctx, algorithm(), NULL));
    return (struct kedge_digest_state *)ctx;
}

void kedge_digest_update(struct kedge_digest_state *state, const void *data, size_t size)
{
    must(EVP_DigestUpdate(context(state), data, size));
}

struct kedge_digest kedge_digest_finish(struct kedge_digest_state *state)
{
    struct kedge_digest digest;
    must(EVP_DigestFinal_ex(context(state), digest.bytes, NULL));
    must(EVP_DigestInit_ex2(context(state), algorithm(), NULL));
    return digest;
}

void kedge_digest_free(struct kedge_digest_state *state)
{
    EVP_MD_CTX_free(context(state));
}

void kedge_digest_auto(struct kedge_digest_state **state)
{
    kedge_digest_free(*state);
}

bool kedge_digest_equal(const struct kedge_digest *a, const struct kedge_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool kedge_digest_is_zero(const struct kedge_digest *digest)
{
    static const struct kedge_digest zero;
    return kedge_digest_equal(digest, &zero);
}

static const char prefix[] = "sha256:";

const char *kedge_digest_format(const struct kedge_digest *digest, char text[KEDGE_DIGEST_TEXT])
{
    memcpy(text, prefix, sizeof prefix - 1);
    kedge_hex_encode(digest->bytes, sizeof digest->bytes, text + sizeof prefix - 1);
    return text;
}

bool kedge_digest_parse(const char *text, struct kedge_digest *digest)
{
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *hex = text + sizeof prefix - 1;
    return kedge_hex_decode(hex, strlen(hex), digest->bytes, sizeof digest->bytes);
}
