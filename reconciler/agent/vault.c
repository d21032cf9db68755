/* SPDX-License-Identifier: Apache-2.0 */
#include "vault.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/utf8.h"

#define BLOT     "***"
#define SHORTEST 4 /* bytes that are blotted out: less is no secret, and is everywhere */

void kedge_vault_release(struct kedge_vault *vault)
{
    for (uint32_t i = 0; i < vault->count; i++)
        kedge_secret_free((void *)(uintptr_t)vault->at[i].value.data);
    kedge_secret_free((void *)(uintptr_t)vault->config.data);
    free(vault->at);
    *vault = (struct kedge_vault){0};
}

void kedge_vault_auto(struct kedge_vault *vault)
{
    kedge_vault_release(vault);
}

/* --- opening --- */

static bool is_utf8(struct kedge_slice text)
{
    size_t at = 0, size = 1;
    for (; size && at < text.size; at += size)
        size = kedge_utf8_character(text.data + at, text.size - at);
    return size;
}

static int check_value(const struct kedge_runtime_secret *secret, struct kedge_err *err)
{
    if (!secret->name[0] || strchr(secret->name, '='))
        return kedge_err_set(err, KEDGE_INVALID, "it does not have the name of a variable");
    if (secret->value.size && memchr(secret->value.data, '\0', secret->value.size))
        return kedge_err_set(err, KEDGE_INVALID,
                             "it holds a NUL byte, which no environment variable can: seal its "
                             "base64 instead");
    return 0;
}

static int open_secret(const struct kedge_secret *secret, const struct kedge_age_identity *identity,
                       struct kedge_runtime_secret *out, struct kedge_err *err)
{
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    char *value;
    if (!identity)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "this device's key is held by a signer, which cannot open what is "
                             "sealed for it");
    int code = kedge_sealed_parse((struct kedge_slice){secret->sealed, strlen(secret->sealed)},
                                  &sealed, err);
    if (!code)
        code = kedge_age_open(&sealed, identity, &value, &out->value.size, err);
    if (code)
        return code;
    out->name = secret->name;
    out->value.data = value;
    return check_value(out, err);
}

/* --- the configuration --- */

static const struct kedge_runtime_secret *find(const struct kedge_vault *vault,
                                               struct kedge_slice name)
{
    for (uint32_t i = 0; i < vault->count; i++)
        if (strlen(vault->at[i].name) == name.size &&
            memcmp(vault->at[i].name, name.data, name.size) == 0)
            return &vault->at[i];
    return NULL;
}

static struct kedge_slice behind(struct kedge_slice config, struct kedge_slice part)
{
    const char *end = part.data + part.size;
    return (struct kedge_slice){end, (size_t)(config.data + config.size - end)};
}

/* Room for the configuration in which each reference has become a string, however it is escaped;
 * *size 0 when there is none. */
static int measure(const struct kedge_vault *vault, struct kedge_slice config, size_t *size,
                   struct kedge_err *err)
{
    enum { ESCAPED = 6, QUOTES = 2, SLACK = 16 };
    struct kedge_sealed_reference reference;
    size_t room = 0, whole = config.size;
    while (kedge_sealed_next(config, &reference)) {
        const struct kedge_runtime_secret *secret = find(vault, reference.name);
        if (!secret)
            return kedge_err_set(err, KEDGE_INVALID,
                                 "the configuration refers to a secret that it does not come with");
        if (!is_utf8(secret->value))
            return kedge_err_set(err, KEDGE_INVALID,
                                 "secret '%s' is not UTF-8, which a configuration must be: seal "
                                 "its base64 instead",
                                 secret->name);
        room += ESCAPED * secret->value.size + QUOTES;
        config = behind(config, reference.whole);
    }
    *size = room ? whole + room + SLACK : 0;
    return 0;
}

static void resolve(const struct kedge_vault *vault, struct kedge_slice config,
                    struct kedge_buf *out)
{
    struct kedge_sealed_reference reference;
    while (kedge_sealed_next(config, &reference)) {
        struct kedge_json_writer writer = {.out = out};
        kedge_buf_add(out, config.data, (size_t)(reference.whole.data - config.data));
        kedge_json_put_string(&writer, find(vault, reference.name)->value.data);
        config = behind(config, reference.whole);
    }
    kedge_buf_add(out, config.data, config.size);
}

static int open_config(struct kedge_vault *vault, struct kedge_slice config, struct kedge_err *err)
{
    struct kedge_buf guarded = {0}; /* of such a capacity that it never moves */
    int code = measure(vault, config, &guarded.capacity, err);
    if (code || !guarded.capacity)
        return code;
    guarded.data = kedge_secret_alloc(guarded.capacity);
    resolve(vault, config, &guarded);
    vault->config = kedge_buf_slice(&guarded);
    return 0;
}

int kedge_vault_open(const struct kedge_assignment *assignment,
                     const struct kedge_age_identity *identity, struct kedge_vault *out,
                     struct kedge_err *err)
{
    kedge_auto(kedge_vault) struct kedge_vault vault = {0};
    vault.at = kedge_alloc_array(assignment->secret_count, sizeof *vault.at);
    for (uint32_t i = 0; i < assignment->secret_count; i++) {
        const struct kedge_secret *secret = &assignment->secrets[i];
        vault.count = i + 1;
        int code = open_secret(secret, identity, &vault.at[i], err);
        if (code == KEDGE_DENIED)
            return kedge_err_wrap(err,
                                  "secret '%s' is not sealed to this device: seal it again, see "
                                  "'kedge secret recipients --deployment %s'",
                                  secret->name, assignment->deployment);
        if (code)
            return kedge_err_wrap(err, "secret '%s'", secret->name);
    }
    int code = open_config(&vault, assignment->config, err);
    if (code)
        return code;
    *out = vault;
    vault = (struct kedge_vault){0};
    return 0;
}

/* --- redaction --- */

static void blot(struct kedge_buf *text, const char *secret, size_t size)
{
    char *from = text->data, *to = text->data, *end = text->data + text->size, *found;
    if (size < SHORTEST || !text->size)
        return;
    while ((found = memmem(from, (size_t)(end - from), secret, size))) {
        size_t before = (size_t)(found - from);
        memmove(to, from, before);
        to = mempcpy(to + before, BLOT, strlen(BLOT));
        from = found + size;
    }
    size_t rest = (size_t)(end - from);
    memmove(to, from, rest);
    end = to + rest;
    /* What was cut off while it was being written. */
    for (size_t part = size - 1; part >= SHORTEST; part--)
        if (part <= rest && memcmp(end - part, secret, part) == 0) {
            end = mempcpy(end - part, BLOT, strlen(BLOT));
            break;
        }
    *end = '\0';
    text->size = (size_t)(end - text->data);
}

/* As it is, and as it is in a configuration. */
static void blot_line(struct kedge_buf *text, const char *line, size_t size)
{
    enum { ESCAPED = 6, SLACK = 16 };
    struct kedge_buf guarded = {.capacity = (ESCAPED + 1) * size + SLACK};
    guarded.data = kedge_secret_alloc(guarded.capacity);
    blot(text, line, size);
    memcpy(guarded.data, line, size); /* with a NUL behind it, for the writer */
    guarded.size = size + 1;
    struct kedge_json_writer writer = {.out = &guarded};
    kedge_json_put_string(&writer, guarded.data);
    blot(text, guarded.data + size + 2, guarded.size - size - 3);
    kedge_secret_free(guarded.data);
}

void kedge_vault_redact(const struct kedge_vault *vault, struct kedge_buf *text)
{
    for (uint32_t i = 0; i < vault->count; i++) {
        struct kedge_slice rest = vault->at[i].value;
        while (rest.size) {
            const char *end = memchr(rest.data, '\n', rest.size);
            size_t size = end ? (size_t)(end - rest.data) : rest.size;
            blot_line(text, rest.data, size);
            rest = (struct kedge_slice){rest.data + size + (end != NULL),
                                        rest.size - size - (end != NULL)};
        }
    }
}
