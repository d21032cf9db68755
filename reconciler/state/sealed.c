/* SPDX-License-Identifier: Apache-2.0 */
#include "sealed.h"

#include <string.h>

#include "base/armor.h"
#include "base/codec.h"

#define VERSION "age-encryption.org/"
#define COLUMNS 64 /* of a stanza's body */
#define DIGITS  43 /* base64 digits of 32 bytes, unpadded */
#define REMEDY  "seal it with 'kedge secret seal', or with 'age -a' for recipients 'age1...'"

void kedge_sealed_release(struct kedge_sealed *sealed)
{
    kedge_buf_release(&sealed->file);
    kedge_buf_release(&sealed->stanzas);
    *sealed = (struct kedge_sealed){0};
}

void kedge_sealed_auto(struct kedge_sealed *sealed)
{
    kedge_sealed_release(sealed);
}

uint32_t kedge_sealed_recipients(const struct kedge_sealed *sealed)
{
    return (uint32_t)(sealed->stanzas.size / sizeof(struct kedge_sealed_stanza));
}

static bool starts(struct kedge_slice text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && memcmp(text.data, with, size) == 0;
}

static struct kedge_slice behind(struct kedge_slice text, size_t size)
{
    return (struct kedge_slice){text.data + size, text.size - size};
}

/* A line that ends in LF, without it; false when there is no whole one. */
static bool take_line(struct kedge_slice *text, struct kedge_slice *line)
{
    const char *end = memchr(text->data, '\n', text->size);
    if (!end)
        return false;
    *line = (struct kedge_slice){text->data, (size_t)(end - text->data)};
    *text = behind(*text, line->size + 1);
    return true;
}

/* Unpadded canonical base64 of at most COLUMNS digits. */
static bool add_bytes(struct kedge_slice digits, struct kedge_buf *out)
{
    char padded[COLUMNS + 2];
    if (digits.size > COLUMNS || digits.size % 4 == 1)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        padded[i] = digits.data[i];
        if (padded[i] == '=' || padded[i] == '-' || padded[i] == '_')
            return false;
    }
    size_t size = digits.size;
    while (size % 4)
        padded[size++] = '=';
    struct kedge_err ignored;
    return kedge_base64_decode(out, padded, size, &ignored) == 0;
}

static bool read_bytes(struct kedge_slice digits, uint8_t bytes[KEDGE_SEALED_KEY])
{
    kedge_auto(kedge_buf) struct kedge_buf read = {0};
    if (digits.size != DIGITS || !add_bytes(digits, &read))
        return false;
    memcpy(bytes, read.data, KEDGE_SEALED_KEY);
    return true;
}

/* Arguments parted by single spaces, of visible ASCII. */
static bool take_argument(struct kedge_slice *line, struct kedge_slice *argument)
{
    size_t size = 0;
    while (size < line->size && line->data[size] > ' ' && line->data[size] <= '~')
        size++;
    *argument = (struct kedge_slice){line->data, size};
    *line = behind(*line, size);
    return size > 0 && (line->size == 0 || *line->data == ' ');
}

static int take_x25519(struct kedge_slice arguments, const struct kedge_buf *body,
                       struct kedge_buf *out, struct kedge_err *err)
{
    struct kedge_sealed_stanza stanza;
    if (!starts(arguments, " ") || !read_bytes(behind(arguments, 1), stanza.share) ||
        body->size != sizeof stanza.body)
        return kedge_err_set(err, KEDGE_INVALID, "an X25519 stanza is malformed");
    memcpy(stanza.body, body->data, sizeof stanza.body);
    kedge_buf_add(out, &stanza, sizeof stanza);
    return 0;
}

/* Behind "-> ": arguments, then lines of 64 digits and a shorter one. `type` gets the first
 * argument. */
static int take_stanza(struct kedge_slice line, struct kedge_slice *text, struct kedge_slice *type,
                       struct kedge_buf *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf body = {0};
    struct kedge_slice arguments, argument;
    bool good = take_argument(&line, type);
    arguments = line;
    while (good && line.size) {
        line = behind(line, 1);
        good = take_argument(&line, &argument);
    }
    for (line.size = COLUMNS; good && line.size == COLUMNS;)
        good = take_line(text, &line) && add_bytes(line, &body);
    if (!good)
        return kedge_err_set(err, KEDGE_INVALID, "a stanza of its header is malformed");
    if (starts(*type, "scrypt") && type->size == strlen("scrypt"))
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "it is sealed with a passphrase, which no device knows: " REMEDY);
    if (starts(*type, "X25519") && type->size == strlen("X25519"))
        return take_x25519(arguments, &body, out, err);
    return 0;
}

static int read_header(struct kedge_sealed *sealed, struct kedge_err *err)
{
    struct kedge_slice text = kedge_buf_slice(&sealed->file), line, type = {0};
    if (!take_line(&text, &line) || !starts(line, VERSION))
        return kedge_err_set(err, KEDGE_INVALID, "its header is malformed");
    if (!starts(line, VERSION "v1") || line.size != strlen(VERSION "v1"))
        return kedge_err_set(err, KEDGE_UNSUPPORTED, "it is not of version 1 of the age format");
    int code = 0;
    while (!code && take_line(&text, &line) && starts(line, "-> "))
        code = take_stanza(behind(line, strlen("-> ")), &text, &type, &sealed->stanzas, err);
    if (code)
        return code;
    if (!type.size || !starts(line, "--- ") ||
        !read_bytes(behind(line, strlen("--- ")), sealed->mac))
        return kedge_err_set(err, KEDGE_INVALID, "its header is malformed");
    if (!sealed->stanzas.size)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "no X25519 recipient is among those it is sealed for (the last is of "
                             "type '%.*s'): " REMEDY,
                             (int)(type.size < 40 ? type.size : 40), type.data);
    sealed->authentic =
        (struct kedge_slice){sealed->file.data,
                             (size_t)(line.data - sealed->file.data) + strlen("---")};
    sealed->payload = text;
    return 0;
}

/* What else it may be. */
static int refuse(struct kedge_slice text, struct kedge_err *err)
{
    static const struct {
        const char *mark, *what;
    } known[] = {
        {"ENC[AES256_GCM", "sealed by SOPS"},     {"sops:", "sealed by SOPS"},
        {"\"sops\"", "sealed by SOPS"},           {"-----BEGIN PGP", "sealed by PGP"},
        {"-----BEGIN PKCS7", "sealed by S/MIME"},
    };
    for (size_t i = 0; text.size && i < KEDGE_COUNT(known); i++)
        if (memmem(text.data, text.size, known[i].mark, strlen(known[i].mark)))
            return kedge_err_set(err, KEDGE_UNSUPPORTED,
                                 "it is %s, and devices open age files: " REMEDY, known[i].what);
    return kedge_err_set(err, KEDGE_INVALID,
                         "it is not an age file: " REMEDY
                         "; if it is the secret itself, replace it where it is used too");
}

int kedge_sealed_parse(struct kedge_slice text, struct kedge_sealed *out, struct kedge_err *err)
{
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    int code = 0;
    if (text.size > KEDGE_LIMIT_STRING)
        return kedge_err_set(err, KEDGE_LIMIT,
                             "it has %zu bytes, at most %zu are read: seal it for fewer "
                             "recipients, in several deployments",
                             text.size, KEDGE_LIMIT_STRING);
    if (kedge_armor_is(text, KEDGE_SEALED_LABEL))
        code = kedge_armor_decode(&sealed.file, text, KEDGE_SEALED_LABEL, err);
    else if (starts(text, VERSION))
        kedge_buf_add(&sealed.file, text.data, text.size);
    else
        code = refuse(text, err);
    if (!code)
        code = read_header(&sealed, err);
    if (code)
        return code;
    if (sealed.payload.size < KEDGE_SEALED_NONCE + KEDGE_SEALED_TAG)
        return kedge_err_set(err, KEDGE_INVALID, "its payload is cut short");
    if (sealed.payload.size > KEDGE_SEALED_PAYLOAD)
        return kedge_err_set(err, KEDGE_LIMIT, "the secret in it has more than %zu bytes",
                             KEDGE_LIMIT_SECRET);
    *out = sealed;
    sealed = (struct kedge_sealed){0};
    return 0;
}

bool kedge_sealed_next(struct kedge_slice config, struct kedge_sealed_reference *out)
{
    static const char before[] = "{\"" KEDGE_SEALED_REFERENCE "\":\"";
    const char *at =
        config.size ? memmem(config.data, config.size, before, sizeof before - 1) : NULL;
    if (!at)
        return false;
    const char *name = at + sizeof before - 1;
    const char *end = memmem(name, (size_t)(config.data + config.size - name), "\"}", 2);
    if (!end)
        return false;
    out->name = (struct kedge_slice){name, (size_t)(end - name)};
    out->whole = (struct kedge_slice){at, (size_t)(end + 2 - at)};
    return true;
}
