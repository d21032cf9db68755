/* SPDX-License-Identifier: Apache-2.0 */
#include "minisign.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/utf8.h"

#define UNTRUSTED "untrusted comment: "
#define TRUSTED   "trusted comment: "
#define KEY_FILE  (KEDGE_MINISIGN_COMMENT + 256) /* bytes of the largest public key file */
#define ALGORITHM 2                              /* bytes: "Ed" or "ED" */

/* The bytes of the second line, of a public key and of a signature. */
#define KEY_LINE       (ALGORITHM + KEDGE_MINISIGN_ID + KEDGE_KEY_PUBLIC)
#define SIGNATURE_LINE (ALGORITHM + KEDGE_MINISIGN_ID + KEDGE_KEY_SIGNATURE)

/* Takes the next line of `text`, without its end (LF or CR LF); the last one may have none. False
 * when nothing is left. */
static bool take_line(struct kedge_slice *text, struct kedge_slice *line)
{
    if (text->size == 0)
        return false;
    const char *end = memchr(text->data, '\n', text->size);
    size_t size = end ? (size_t)(end - text->data) : text->size;
    size_t taken = end ? size + 1 : size;
    *line = (struct kedge_slice){text->data, size};
    if (size && text->data[size - 1] == '\r')
        line->size--;
    *text = (struct kedge_slice){text->data + taken, text->size - taken};
    return true;
}

/* UTF-8 that moves no cursor of a terminal: no C0 or C1 control characters but tabs. */
static bool is_printable(struct kedge_slice text)
{
    for (size_t i = 0; i < text.size;) {
        unsigned char c = (unsigned char)text.data[i];
        size_t size = kedge_utf8_character(text.data + i, text.size - i);
        bool control = (c < 0x20 && c != '\t') || c == 0x7f ||
                       (c == 0xc2 && size == 2 && (unsigned char)text.data[i + 1] < 0xa0);
        if (size == 0 || control)
            return false;
        i += size;
    }
    return true;
}

/* The comment behind `prefix`. */
static int take_comment(struct kedge_slice *text, const char *prefix, size_t limit,
                        struct kedge_slice *out, struct kedge_err *err)
{
    struct kedge_slice line;
    size_t size = strlen(prefix);
    if (!take_line(text, &line) || line.size < size || memcmp(line.data, prefix, size) != 0)
        return kedge_err_set(err, KEDGE_INVALID, "a line does not start with '%s'", prefix);
    *out = (struct kedge_slice){line.data + size, line.size - size};
    if (out->size > limit)
        return kedge_err_set(err, KEDGE_LIMIT, "a comment has %zu bytes, at most %zu are read",
                             out->size, limit);
    if (!is_printable(*out))
        return kedge_err_set(err, KEDGE_INVALID, "a comment holds unprintable characters");
    return 0;
}

/* A line that is the base64 of exactly `size` bytes. */
static int take_base64(struct kedge_slice *text, const char *what, uint8_t *out, size_t size,
                       struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    struct kedge_slice line;
    if (!take_line(text, &line) || line.size != (size + 2) / 3 * 4 ||
        memchr(line.data, '-', line.size) || memchr(line.data, '_', line.size) ||
        kedge_base64_decode(&bytes, line.data, line.size, err) || bytes.size != size)
        return kedge_err_set(err, KEDGE_INVALID, "the %s is not one line of base64", what);
    memcpy(out, bytes.data, size);
    return 0;
}

int kedge_minisign_key_parse(struct kedge_slice text, struct kedge_minisign_key *out,
                             struct kedge_err *err)
{
    uint8_t line[KEY_LINE];
    struct kedge_slice comment;
    if (text.size >= strlen(UNTRUSTED) && memcmp(text.data, UNTRUSTED, strlen(UNTRUSTED)) == 0) {
        int code = take_comment(&text, UNTRUSTED, KEDGE_MINISIGN_COMMENT, &comment, err);
        if (code)
            return kedge_err_wrap(err, "minisign key");
    }
    int code = take_base64(&text, "key", line, sizeof line, err);
    if (!code && text.size)
        code = kedge_err_set(err, KEDGE_INVALID, "something stands behind the key");
    if (!code && memcmp(line, "Ed", ALGORITHM) != 0)
        code = kedge_err_set(err, KEDGE_UNSUPPORTED, "its algorithm is not Ed25519");
    if (code)
        return kedge_err_wrap(err, "minisign key");
    struct kedge_minisign_key key;
    memcpy(key.id, line + ALGORITHM, sizeof key.id);
    memcpy(key.key.bytes, line + ALGORITHM + sizeof key.id, sizeof key.key.bytes);
    code = kedge_public_key_check(&key.key, err);
    if (code)
        return kedge_err_wrap(err, "minisign key");
    *out = key;
    return 0;
}

static int parse_key(struct kedge_slice text, struct kedge_public_key *out, struct kedge_err *err)
{
    struct kedge_minisign_key key;
    int code = kedge_minisign_key_parse(text, &key, err);
    if (!code)
        *out = key.key;
    return code;
}

int kedge_minisign_key_load(const char *text, struct kedge_public_key *out, struct kedge_err *err)
{
    size_t size = strlen(text);
    if (strncmp(text, "ed25519:", 8) == 0 ||
        (size == 2 * (size_t)KEDGE_KEY_PUBLIC && strspn(text, "0123456789abcdef") == size))
        return kedge_public_key_parse(text, out, err);
    if (size == (KEY_LINE + 2) / 3 * 4 && strncmp(text, "RW", 2) == 0)
        return parse_key((struct kedge_slice){text, size}, out, err);
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    int code = kedge_fs_read(AT_FDCWD, text, KEY_FILE, &file, err);
    if (code)
        return code;
    if (file.size < strlen(UNTRUSTED) || memcmp(file.data, UNTRUSTED, strlen(UNTRUSTED)) != 0)
        return kedge_public_key_load(text, out, err);
    code = parse_key(kedge_buf_slice(&file), out, err);
    return code ? kedge_err_wrap(err, "'%s'", text) : 0;
}

struct kedge_minisign_key kedge_minisign_key_of(const struct kedge_public_key *key)
{
    struct kedge_minisign_key out = {.key = *key};
    char text[KEDGE_KEY_ID_TEXT];
    kedge_public_key_id(key, text);
    kedge_hex_decode(text, 2 * sizeof out.id, out.id, sizeof out.id);
    return out;
}

/* minisign shows an id as a little-endian number. */
const char *kedge_minisign_id_format(const uint8_t id[KEDGE_MINISIGN_ID],
                                     char text[KEDGE_MINISIGN_ID_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < KEDGE_MINISIGN_ID; i++) {
        uint8_t byte = id[KEDGE_MINISIGN_ID - 1 - i];
        text[2 * i] = digits[byte >> 4];
        text[2 * i + 1] = digits[byte & 15];
    }
    text[KEDGE_MINISIGN_ID_TEXT - 1] = '\0';
    return text;
}

/* "Ed" or "ED", an id and a value, as a line. */
static void put_line(struct kedge_buf *out, const char *algorithm, const uint8_t *id,
                     const uint8_t *value, size_t size)
{
    kedge_auto(kedge_buf) struct kedge_buf bytes = {0};
    kedge_buf_add(&bytes, algorithm, ALGORITHM);
    kedge_buf_add(&bytes, id, KEDGE_MINISIGN_ID);
    kedge_buf_add(&bytes, value, size);
    kedge_base64_encode(out, bytes.data, bytes.size);
    kedge_buf_putc(out, '\n');
}

void kedge_minisign_key_write(const struct kedge_minisign_key *key, struct kedge_buf *out)
{
    char id[KEDGE_MINISIGN_ID_TEXT];
    kedge_buf_printf(out, UNTRUSTED "minisign public key %s\n",
                     kedge_minisign_id_format(key->id, id));
    put_line(out, "Ed", key->id, key->key.bytes, sizeof key->key.bytes);
}

int kedge_minisign_parse(struct kedge_slice text, struct kedge_minisign *out, struct kedge_err *err)
{
    struct kedge_slice untrusted, trusted;
    uint8_t line[SIGNATURE_LINE], global[KEDGE_KEY_SIGNATURE];
    int code = take_comment(&text, UNTRUSTED, KEDGE_MINISIGN_COMMENT, &untrusted, err);
    if (!code)
        code = take_base64(&text, "signature", line, sizeof line, err);
    if (!code)
        code = take_comment(&text, TRUSTED, KEDGE_MINISIGN_TRUSTED, &trusted, err);
    if (!code)
        code = take_base64(&text, "comment's signature", global, sizeof global, err);
    if (!code && text.size)
        code = kedge_err_set(err, KEDGE_INVALID, "something stands behind the signature");
    bool prehashed = !code && memcmp(line, "ED", ALGORITHM) == 0;
    if (!code && !prehashed && memcmp(line, "Ed", ALGORITHM) != 0)
        code = kedge_err_set(err, KEDGE_UNSUPPORTED, "its algorithm is not Ed25519");
    if (code)
        return kedge_err_wrap(err, "minisign signature");
    out->prehashed = prehashed;
    memcpy(out->id, line + ALGORITHM, sizeof out->id);
    memcpy(out->signature, line + ALGORITHM + sizeof out->id, sizeof out->signature);
    memcpy(out->global, global, sizeof out->global);
    memcpy(out->trusted, trusted.data, trusted.size);
    out->trusted[trusted.size] = '\0';
    return 0;
}

int kedge_minisign_hash_file(int fd, uint8_t hash[KEDGE_MINISIGN_HASH], struct kedge_err *err)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, KEDGE_MINISIGN_HASH);
    for (;;) {
        uint8_t chunk[65536];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kedge_err_sys(err, errno, "cannot read what is signed");
        if (got == 0)
            break;
        crypto_generichash_update(&state, chunk, (size_t)got);
    }
    crypto_generichash_final(&state, hash, KEDGE_MINISIGN_HASH);
    return 0;
}

/* What the second signature covers. */
static void add_global(struct kedge_buf *out, const uint8_t signature[KEDGE_KEY_SIGNATURE],
                       const char *trusted)
{
    kedge_buf_add(out, signature, KEDGE_KEY_SIGNATURE);
    kedge_buf_puts(out, trusted);
}

static int verify_id(const struct kedge_minisign *signature, const struct kedge_minisign_key *key,
                     struct kedge_err *err)
{
    char theirs[KEDGE_MINISIGN_ID_TEXT], ours[KEDGE_MINISIGN_ID_TEXT];
    if (memcmp(signature->id, key->id, sizeof key->id) != 0)
        return kedge_err_set(err, KEDGE_DENIED, "signature by key %s, not by %s",
                             kedge_minisign_id_format(signature->id, theirs),
                             kedge_minisign_id_format(key->id, ours));
    return 0;
}

static int verify_global(const struct kedge_minisign *signature,
                         const struct kedge_minisign_key *key, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf global = {0};
    add_global(&global, signature->signature, signature->trusted);
    if (!kedge_public_key_verify(&key->key, global.data, global.size, signature->global))
        return kedge_err_set(err, KEDGE_DENIED, "the trusted comment was changed");
    return 0;
}

static int verify_message(const struct kedge_minisign *signature,
                          const struct kedge_minisign_key *key, const void *message, size_t size,
                          struct kedge_err *err)
{
    int code = verify_id(signature, key, err);
    if (code)
        return code;
    if (!kedge_public_key_verify(&key->key, message, size, signature->signature))
        return kedge_err_set(err, KEDGE_DENIED, "the signature is not of this file");
    return verify_global(signature, key, err);
}

static int expect_prehashed(const struct kedge_minisign *signature, struct kedge_err *err)
{
    if (signature->prehashed)
        return 0;
    return kedge_err_set(err, KEDGE_UNSUPPORTED,
                         "the signature is of minisign's older form: sign with 'minisign -S'");
}

int kedge_minisign_verify(const struct kedge_minisign *signature,
                          const struct kedge_minisign_key *key,
                          const uint8_t hash[KEDGE_MINISIGN_HASH], struct kedge_err *err)
{
    int code = expect_prehashed(signature, err);
    return code ? code : verify_message(signature, key, hash, KEDGE_MINISIGN_HASH, err);
}

int kedge_minisign_verify_comment(const struct kedge_minisign *signature,
                                  const struct kedge_minisign_key *key, struct kedge_err *err)
{
    int code = expect_prehashed(signature, err);
    if (!code)
        code = verify_id(signature, key, err);
    return code ? code : verify_global(signature, key, err);
}

int kedge_minisign_verify_data(const struct kedge_minisign *signature,
                               const struct kedge_minisign_key *key, struct kedge_slice data,
                               struct kedge_err *err)
{
    uint8_t hash[KEDGE_MINISIGN_HASH];
    if (!signature->prehashed)
        return verify_message(signature, key, data.data, data.size, err);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)data.data, data.size, NULL, 0);
    return verify_message(signature, key, hash, sizeof hash, err);
}

int kedge_minisign_sign(const struct kedge_key *key, const uint8_t hash[KEDGE_MINISIGN_HASH],
                        const char *trusted, struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf message = {0};
    const struct kedge_slice comment = {trusted, strlen(trusted)};
    const struct kedge_public_key public = kedge_key_public(key);
    const struct kedge_minisign_key id = kedge_minisign_key_of(&public);
    uint8_t signature[KEDGE_KEY_SIGNATURE], global[KEDGE_KEY_SIGNATURE];
    if (comment.size > KEDGE_MINISIGN_TRUSTED || !is_printable(comment))
        return kedge_err_set(err, KEDGE_INVALID,
                             "a trusted comment is one printable line of at most %d bytes",
                             KEDGE_MINISIGN_TRUSTED);
    int code = kedge_key_sign(key, hash, KEDGE_MINISIGN_HASH, signature, err);
    if (code)
        return kedge_err_wrap(err, "minisign signature");
    add_global(&message, signature, trusted);
    code = kedge_key_sign(key, message.data, message.size, global, err);
    if (code)
        return kedge_err_wrap(err, "minisign signature");
    char text[KEDGE_MINISIGN_ID_TEXT];
    kedge_buf_printf(out, UNTRUSTED "signature by kedge key %s\n",
                     kedge_minisign_id_format(id.id, text));
    put_line(out, "ED", id.id, signature, sizeof signature);
    kedge_buf_puts(out, TRUSTED);
    kedge_buf_puts(out, trusted);
    kedge_buf_putc(out, '\n');
    kedge_base64_encode(out, global, sizeof global);
    kedge_buf_putc(out, '\n');
    return 0;
}
