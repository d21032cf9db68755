/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the root document: which keys a fleet trusts, and how they change. Each verb writes
 * the next version for the holders of root keys to sign; none of them touches a device. */
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "passphrase.h"
#include "settings.h"
#include "wire/minisign.h"
#include "wire/root.h"

static bool is_same(const struct kedge_public_key *a, const struct kedge_public_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* --- reading and writing ---------------------------------------------------------------------- */

static int read_root(const char *path, struct kedge_buf *file, struct kedge_root *out,
                     struct kedge_err *err)
{
    int code = kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_ROOT, file, err);
    if (!code && kedge_root_peek(kedge_buf_slice(file), out, err))
        code = kedge_err_wrap(err, "'%s'", path);
    return code;
}

/* The version in force, --root, which its own keys must have signed. */
static int read_current(struct kedge_call *call, struct kedge_root *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    const char *path;
    int code = kedge_command_need(call, KEDGE_OPTION_ROOT, &path, err);
    if (!code)
        code = kedge_key_init(err);
    if (!code)
        code = kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_ROOT, &file, err);
    if (!code && kedge_root_pin(kedge_buf_slice(&file), NULL, out, err))
        code = kedge_err_wrap(err, "'%s'", path);
    return code;
}

static void show_json(struct kedge_call *call, const char *path, const struct kedge_root *root)
{
    char text[KEDGE_KEY_TEXT], expires[KEDGE_TIME_TEXT];
    struct kedge_json_writer writer = {.out = &call->out};
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "file", path);
    kedge_json_add_integer(&writer, "version", root->version);
    kedge_json_add_string(&writer, "expires", kedge_clock_format(root->expires, expires));
    for (int role = 0; role < KEDGE_ROOT_ROLES; role++) {
        const struct kedge_root_signers *signers = &root->roles[role];
        kedge_json_key(&writer, kedge_word_name(&kedge_root_role_words, role));
        kedge_json_begin_object(&writer);
        kedge_json_add_integer(&writer, "threshold", signers->threshold);
        kedge_json_key(&writer, "keys");
        kedge_json_begin_array(&writer);
        for (uint32_t i = 0; i < signers->count; i++)
            kedge_json_put_string(&writer, kedge_public_key_format(&signers->keys[i], text));
        kedge_json_end_array(&writer);
        kedge_json_end_object(&writer);
    }
    kedge_json_end_object(&writer);
    kedge_buf_putc(&call->out, '\n');
}

static void show(struct kedge_call *call, const char *path, const struct kedge_root *root)
{
    char text[KEDGE_KEY_TEXT], expires[KEDGE_TIME_TEXT];
    if (kedge_command_format(call, "json")) {
        show_json(call, path, root);
        return;
    }
    kedge_buf_printf(&call->out, "%s: root version %lld, good until %s\n", path,
                     (long long)root->version, kedge_clock_format(root->expires, expires));
    for (int role = 0; role < KEDGE_ROOT_ROLES; role++) {
        const struct kedge_root_signers *signers = &root->roles[role];
        for (uint32_t i = 0; i < signers->count; i++)
            kedge_buf_printf(&call->out, "  %-9s %s\n",
                             kedge_word_name(&kedge_root_role_words, role),
                             kedge_public_key_format(&signers->keys[i], text));
        kedge_buf_printf(&call->out, "  %-9s %u of %u\n", "", signers->threshold, signers->count);
    }
}

/* Writes the version with its new expiry to --out, where nothing may be yet. */
static int publish(struct kedge_call *call, struct kedge_root *root, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    const char *path;
    kedge_ms span = 365 * 86400000LL;
    int code = kedge_command_need(call, KEDGE_OPTION_OUT, &path, err);
    if (!code)
        code = kedge_settings_span(call, KEDGE_OPTION_EXPIRES, &span, err);
    if (code)
        return code;
    root->expires = (kedge_clock_wall() + span) / 1000 * 1000;
    code = kedge_root_write(root, &file, err);
    if (!code)
        code = kedge_fs_create(AT_FDCWD, path, file.data, file.size, 0644, err);
    if (!code)
        show(call, path, root);
    return code;
}

/* --- whole documents -------------------------------------------------------------------------- */

static const enum kedge_option role_options[KEDGE_ROOT_ROLES] = {
    [KEDGE_ROOT_ROOT] = KEDGE_OPTION_ROOT_KEY,
    [KEDGE_ROOT_DIRECTOR] = KEDGE_OPTION_DIRECTOR,
    [KEDGE_ROOT_RELEASE] = KEDGE_OPTION_RELEASE,
};

static int add_key(struct kedge_root_signers *signers, const char *text, struct kedge_err *err)
{
    if (signers->count == KEDGE_COUNT(signers->keys))
        return kedge_err_set(err, KEDGE_LIMIT, "more than %zu keys", KEDGE_COUNT(signers->keys));
    int code = kedge_minisign_key_load(text, &signers->keys[signers->count], err);
    if (!code)
        signers->count++;
    return code;
}

/* The keys that the options give to the roles. */
static int add_keys(struct kedge_call *call, struct kedge_root *root, struct kedge_err *err)
{
    for (size_t i = 0; i < call->options.given_count; i++) {
        const struct kedge_option_given *given = &call->options.given[i];
        for (int role = 0; role < KEDGE_ROOT_ROLES; role++) {
            if (given->option == role_options[role] &&
                add_key(&root->roles[role], given->value, err))
                return kedge_err_wrap(err, "--%s", kedge_option_rows[given->option].name);
        }
    }
    return 0;
}

/* "2" for the root role, "release=2" for another. */
static int take_threshold(struct kedge_call *call, const char *text, struct kedge_root *root,
                          struct kedge_err *err)
{
    const char *equals = strchr(text, '='), *number = equals ? equals + 1 : text;
    char name[16], *end;
    int role;
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - text) : 4, equals ? text : "root");
    unsigned long value = strtoul(number, &end, 10);
    if (*number < '0' || *number > '9' || *end || value < 1 || value > KEDGE_LIMIT_ROOT_KEYS ||
        !kedge_word_parse(&kedge_root_role_words, name, &role))
        return kedge_command_misuse(call, err, "'--threshold' takes 1 to %d, or ROLE=N, not '%s'",
                                    KEDGE_LIMIT_ROOT_KEYS, text);
    root->roles[role].threshold = (uint32_t)value;
    return 0;
}

/* Those that the options give to the roles; the others stay as they are. */
static int take_thresholds(struct kedge_call *call, struct kedge_root *root, struct kedge_err *err)
{
    int code = 0;
    for (size_t i = 0; !code && i < call->options.given_count; i++)
        if (call->options.given[i].option == KEDGE_OPTION_THRESHOLD)
            code = take_threshold(call, call->options.given[i].value, root, err);
    return code;
}

int kedge_cmd_root_init(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_root root = {.version = 1};
    const char *ignored;
    int code = kedge_key_init(err);
    for (int role = 0; !code && role < KEDGE_ROOT_ROLES; role++) {
        root.roles[role].threshold = 1;
        code = kedge_command_need(call, role_options[role], &ignored, err);
    }
    if (!code)
        code = take_thresholds(call, &root, err);
    if (!code)
        code = add_keys(call, &root, err);
    return code ? code : publish(call, &root, err);
}

int kedge_cmd_root_next(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_root root;
    int code = read_current(call, &root, err);
    if (code)
        return code;
    root.version++;
    code = take_thresholds(call, &root, err);
    if (!code)
        code = add_keys(call, &root, err);
    return code ? code : publish(call, &root, err);
}

int kedge_cmd_root_sign(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0}, before = {0}, out = {0};
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_root root, current;
    const char *path = call->operands[0], *previous = kedge_command_value(call, KEDGE_OPTION_ROOT);
    int code = kedge_key_init(err);
    if (!code)
        code = read_root(path, &file, &root, err);
    if (!code && previous)
        code = read_root(previous, &before, &current, err);
    if (!code)
        code = kedge_passphrase_load(call, call->operands[1], &key, err);
    if (!code)
        code = kedge_root_sign(previous ? &current : NULL, kedge_buf_slice(&file), key, &out, err);
    if (!code)
        code = kedge_fs_write(AT_FDCWD, path, out.data, out.size, 0644, err);
    if (!code)
        show(call, path, &root);
    return code;
}

/* --- single keys ------------------------------------------------------------------------------ */

static void remove_key(struct kedge_root_signers *signers, uint32_t at)
{
    memmove(&signers->keys[at], &signers->keys[at + 1],
            (--signers->count - at) * sizeof signers->keys[0]);
}

/* Puts `new` where `old` is, in --role or in all; with `new` NULL takes `old` away. */
static int change_key(const struct kedge_call *call, struct kedge_root *root,
                      const struct kedge_public_key *old, const struct kedge_public_key *new,
                      struct kedge_err *err)
{
    const char *only = kedge_command_value(call, KEDGE_OPTION_ROLE);
    bool found = false;
    for (int role = 0; role < KEDGE_ROOT_ROLES; role++) {
        struct kedge_root_signers *signers = &root->roles[role];
        if (only && strcmp(only, kedge_word_name(&kedge_root_role_words, role)) != 0)
            continue;
        for (uint32_t i = 0; i < signers->count; i++) {
            if (!is_same(&signers->keys[i], old))
                continue;
            if (new)
                signers->keys[i] = *new;
            else
                remove_key(signers, i);
            found = true;
            break; /* a role names a key once */
        }
    }
    char text[KEDGE_KEY_TEXT];
    if (!found)
        return kedge_err_set(err, KEDGE_NOTFOUND, "root version %lld does not name key '%s'%s%s",
                             (long long)root->version, kedge_public_key_format(old, text),
                             only ? " as " : "", only ? only : "");
    return 0;
}

int kedge_cmd_key_rotate(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_root root;
    struct kedge_public_key old, new;
    int code = read_current(call, &root, err);
    if (!code)
        code = kedge_minisign_key_load(call->operands[0], &old, err);
    if (!code)
        code = kedge_minisign_key_load(call->operands[1], &new, err);
    if (!code && is_same(&old, &new))
        code = kedge_err_set(err, KEDGE_INVALID, "the new key is the old one");
    if (!code)
        code = change_key(call, &root, &old, &new, err);
    if (code)
        return code;
    root.version++;
    return publish(call, &root, err);
}

int kedge_cmd_key_revoke(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_root root;
    struct kedge_public_key key;
    int code = read_current(call, &root, err);
    if (!code)
        code = kedge_minisign_key_load(call->operands[0], &key, err);
    if (!code)
        code = change_key(call, &root, &key, NULL, err);
    if (code)
        return code;
    root.version++;
    code = publish(call, &root, err);
    return code == KEDGE_INVALID && !call->misused
               ? kedge_err_wrap(err, "too few keys are left, 'kedge key rotate' names another")
               : code;
}
