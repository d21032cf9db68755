/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include <sodium.h>
#include <string.h>

#include "base/codec.h"

#define PREFIX "kedge-enrol:"

/* What the text spells. */
struct body {
    uint8_t secret[KEDGE_TOKEN_SECRET];
    uint8_t root[KEDGE_DIGEST_SIZE];
    uint8_t checksum[5]; /* makes it a multiple of three: base64 without padding */
};
#define BODY_TEXT (sizeof(struct body) / 3 * 4)
_Static_assert(sizeof(struct body) == 69, "bytes only, no padding");
_Static_assert(KEDGE_TOKEN_TEXT == sizeof PREFIX + BODY_TEXT, "prefix, text and NUL");

static void add_checksum(struct body *body)
{
    struct kedge_digest digest = kedge_digest_of(body, sizeof *body - sizeof body->checksum);
    memcpy(body->checksum, digest.bytes, sizeof body->checksum);
}

struct kedge_token kedge_token_make(const struct kedge_digest *root)
{
    struct kedge_token token = {.root = *root};
    randombytes_buf(token.secret, sizeof token.secret);
    return token;
}

const char *kedge_token_format(const struct kedge_token *token, char text[KEDGE_TOKEN_TEXT])
{
    struct body body;
    memcpy(body.secret, token->secret, sizeof body.secret);
    memcpy(body.root, token->root.bytes, sizeof body.root);
    add_checksum(&body);
    memcpy(text, PREFIX, sizeof PREFIX);
    sodium_bin2base64(text + strlen(PREFIX), BODY_TEXT + 1, (const uint8_t *)&body, sizeof body,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(&body, sizeof body);
    return text;
}

int kedge_token_parse(const char *text, struct kedge_token *out, struct kedge_err *err)
{
    struct body body;
    struct kedge_token token;
    char again[KEDGE_TOKEN_TEXT];
    size_t size;
    if (strncmp(text, PREFIX, strlen(PREFIX)) != 0 || strlen(text) != KEDGE_TOKEN_TEXT - 1 ||
        sodium_base642bin((uint8_t *)&body, sizeof body, text + strlen(PREFIX), BODY_TEXT, NULL,
                          &size, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return kedge_err_set(err, KEDGE_INVALID,
                             "not an enrolment token '" PREFIX "<%zu characters>': copy it whole",
                             BODY_TEXT);
    memcpy(token.secret, body.secret, sizeof token.secret);
    memcpy(token.root.bytes, body.root, sizeof token.root.bytes);
    /* The checksum, and a decoder that takes some bytes beyond ASCII for digits, in one. */
    int code = 0;
    if (strcmp(kedge_token_format(&token, again), text) != 0)
        code = kedge_err_set(err, KEDGE_INVALID,
                             "the enrolment token has a typing mistake: copy it whole");
    else
        *out = token;
    sodium_memzero(&body, sizeof body);
    sodium_memzero(&token, sizeof token);
    sodium_memzero(again, sizeof again);
    return code;
}

const char *kedge_token_hash(const uint8_t secret[KEDGE_TOKEN_SECRET], char text[KEDGE_TOKEN_HASH])
{
    static const char purpose[] = "https://kedge.dev/enrolment-token/v1";
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof hash, secret, KEDGE_TOKEN_SECRET, (const uint8_t *)purpose,
                       strlen(purpose));
    return kedge_hex_encode(hash, sizeof hash, text);
}
