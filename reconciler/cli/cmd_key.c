/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"
#include "passphrase.h"
#include "wire/age.h"
#include "wire/keyfile.h"
#include "wire/minisign.h"
#include "wire/sshkey.h"

/* The public half as a person pastes it into a manifest, or as JSON with its id and, of a key that can
 * have it, the recipient of secrets. */
static void show(struct kedge_call *call, const struct kedge_public_key *key)
{
    char text[KEDGE_KEY_TEXT], id[KEDGE_KEY_ID_TEXT], age[KEDGE_AGE_TEXT];
    struct kedge_age_recipient recipient;
    struct kedge_err ignored;
    kedge_public_key_format(key, text);
    if (kedge_command_format(call, "text")) {
        kedge_buf_printf(&call->out, "%s\n", text);
        return;
    }
    struct kedge_json_writer writer = {.out = &call->out};
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "publicKey", text);
    kedge_json_add_string(&writer, "keyid", kedge_public_key_id(key, id));
    if (kedge_age_recipient_of(key, &recipient, &ignored) == 0)
        kedge_json_add_string(&writer, "recipient", kedge_age_recipient_format(&recipient, age));
    kedge_json_end_object(&writer);
    kedge_buf_putc(&call->out, '\n');
}

/* Sealed when there is a passphrase. */
static int save(const struct kedge_call *call, const struct kedge_key *key, const char *path,
                struct kedge_err *err)
{
    char passphrase[KEDGE_KEYFILE_PASSPHRASE];
    if (!kedge_command_has(call, KEDGE_OPTION_PASSPHRASE) &&
        !kedge_command_has(call, KEDGE_OPTION_PASSPHRASE_FILE))
        return kedge_keyfile_save(key, NULL, path, err);
    int code = kedge_passphrase_choose(call, path, passphrase, err);
    if (!code)
        code = kedge_keyfile_save(key, passphrase, path, err);
    explicit_bzero(passphrase, sizeof passphrase);
    return code;
}

int kedge_cmd_key_generate(struct kedge_call *call, struct kedge_err *err)
{
    const char *path = call->operands[0];
    int code = kedge_key_init(err);
    if (code)
        return code;
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate();
    code = save(call, key, path, err);
    if (code)
        return code;
    struct kedge_public_key public = kedge_key_public(key);
    char text[KEDGE_KEY_TEXT];
    kedge_auto(kedge_buf) struct kedge_buf name = {0}, line = {0};
    kedge_buf_printf(&name, "%s.pub", path);
    kedge_buf_printf(&line, "%s\n", kedge_public_key_format(&public, text));
    code = kedge_fs_write(AT_FDCWD, name.data, line.data, line.size, 0644, err);
    if (!code)
        show(call, &public);
    return code;
}

/* Of a file that holds a public or a private key. */
static int load_public(const struct kedge_call *call, struct kedge_public_key *out,
                       struct kedge_err *err)
{
    const char *path = call->operands[0];
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    int code = kedge_key_init(err);
    if (code || kedge_public_key_load(path, out, NULL) == 0)
        return code;
    code = kedge_passphrase_load(call, path, &key, err);
    if (!code)
        *out = kedge_key_public(key);
    return code;
}

int kedge_cmd_key_show(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_public_key public;
    int code = load_public(call, &public, err);
    if (!code)
        show(call, &public);
    return code;
}

static void export_ed25519(const struct kedge_public_key *key, struct kedge_buf *out)
{
    char text[KEDGE_KEY_TEXT];
    kedge_buf_printf(out, "%s\n", kedge_public_key_format(key, text));
}

static void export_hex(const struct kedge_public_key *key, struct kedge_buf *out)
{
    char text[2 * KEDGE_KEY_PUBLIC + 1];
    kedge_buf_printf(out, "%s\n", kedge_hex_encode(key->bytes, sizeof key->bytes, text));
}

/* RFC 8709 4. */
static void export_ssh(const struct kedge_public_key *key, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    const char *name = kedge_sshkey_name(KEDGE_SSHKEY_ED25519);
    kedge_sshkey_put_string(&blob, name, strlen(name));
    kedge_sshkey_put_string(&blob, key->bytes, sizeof key->bytes);
    kedge_buf_printf(out, "%s ", name);
    kedge_base64_encode(out, blob.data, blob.size);
    kedge_buf_putc(out, '\n');
}

static void export_minisign(const struct kedge_public_key *key, struct kedge_buf *out)
{
    const struct kedge_minisign_key form = kedge_minisign_key_of(key);
    kedge_minisign_key_write(&form, out);
}

/* Alone in that not every key has this form. */
static int export_age(const struct kedge_public_key *key, struct kedge_buf *out,
                      struct kedge_err *err)
{
    struct kedge_age_recipient recipient;
    char text[KEDGE_AGE_TEXT];
    int code = kedge_age_recipient_of(key, &recipient, err);
    if (!code)
        kedge_buf_printf(out, "%s\n", kedge_age_recipient_format(&recipient, text));
    return code;
}

static const struct {
    const char *name;
    void (*write)(const struct kedge_public_key *key, struct kedge_buf *out);
} forms[] = {
    {"ed25519", export_ed25519},
    {"hex", export_hex},
    {"ssh", export_ssh},
    {"minisign", export_minisign},
};

int kedge_cmd_key_export(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_public_key public;
    int code = load_public(call, &public, err);
    for (size_t i = 0; !code && i < KEDGE_COUNT(forms); i++) {
        if (kedge_command_format(call, forms[i].name))
            forms[i].write(&public, &call->out);
    }
    if (!code && kedge_command_format(call, "age"))
        code = export_age(&public, &call->out, err);
    return code;
}
