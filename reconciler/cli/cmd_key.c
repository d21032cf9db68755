/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "wire/keyfile.h"

/* The public half as a person pastes it into a manifest, or as JSON with its id. */
static void show(struct kedge_call *call, const struct kedge_public_key *key)
{
    char text[KEDGE_KEY_TEXT], id[KEDGE_KEY_ID_TEXT];
    kedge_public_key_format(key, text);
    if (kedge_command_format(call, "text")) {
        kedge_buf_printf(&call->out, "%s\n", text);
        return;
    }
    struct kedge_json_writer writer = {.out = &call->out};
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "publicKey", text);
    kedge_json_add_string(&writer, "keyid", kedge_public_key_id(key, id));
    kedge_json_end_object(&writer);
    kedge_buf_putc(&call->out, '\n');
}

/* Sealed when there is a passphrase. */
static int save(const struct kedge_call *call, const struct kedge_key *key, const char *path,
                struct kedge_err *err)
{
    const char *file = kedge_command_value(call, KEDGE_OPTION_PASSPHRASE_FILE);
    char passphrase[KEDGE_KEYFILE_PASSPHRASE];
    if (!file)
        return kedge_keyfile_save(key, NULL, path, err);
    int code = kedge_keyfile_passphrase(file, path, passphrase, err);
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

int kedge_cmd_key_show(struct kedge_call *call, struct kedge_err *err)
{
    const char *path = call->operands[0];
    struct kedge_public_key public;
    int code = kedge_key_init(err);
    if (code)
        return code;
    if (kedge_public_key_load(path, &public, NULL) != 0) {
        const char *file = kedge_command_value(call, KEDGE_OPTION_PASSPHRASE_FILE);
        kedge_auto(kedge_key) struct kedge_key *key = NULL;
        code = kedge_keyfile_load(path, file ? kedge_keyfile_passphrase : NULL, file, &key, err);
        if (code)
            return code;
        public = kedge_key_public(key);
    }
    show(call, &public);
    return KEDGE_EXIT_DONE;
}
