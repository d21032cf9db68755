/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "passphrase.h"
#include "place.h"
#include "state/quantity.h"

#define PASSWORD_LIMIT 4096 /* tokens have some hundred bytes */

void kedge_settings_auto(struct kedge_settings *settings)
{
    kedge_arena_release(&settings->arena);
}

int kedge_settings_span(struct kedge_call *call, enum kedge_option option, kedge_ms *out,
                        struct kedge_err *err)
{
    const char *text = kedge_command_value(call, option);
    if (!text || (kedge_duration_parse(text, out) && *out > 0))
        return 0;
    return kedge_command_misuse(call, err, "'--%s' takes a span such as 30s or 1h30m, not '%s'",
                                kedge_option_rows[option].name, text);
}

/* The first line of the password file: what an editor leaves behind it does not count. */
static int read_password(struct kedge_call *call, struct kedge_settings *out, struct kedge_err *err)
{
    const char *path = kedge_command_value(call, KEDGE_OPTION_PASSWORD_FILE);
    if (!path)
        return 0;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(AT_FDCWD, path, PASSWORD_LIMIT, &text, err);
    if (code)
        return code;
    out->options.git.password =
        kedge_arena_strndup(&out->arena, text.data, strcspn(text.data, "\r\n"));
    return 0;
}

/* `option`'s value, else `name` in the state folder. */
static const char *place(struct kedge_settings *settings, const struct kedge_call *call,
                         enum kedge_option option, const char *name)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_place_of(call, option, name, &path);
    return kedge_arena_strdup(&settings->arena, path.data);
}

static int find_key(const struct kedge_call *call, bool signing, struct kedge_settings *out,
                    struct kedge_err *err)
{
    const char *key = place(out, call, KEDGE_OPTION_DIRECTOR_KEY, "director.key");
    if (strncmp(key, "exec:", 5) == 0 || access(key, F_OK) == 0)
        out->options.key = key;
    else if (signing)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "there is no director's key at '%s': make one with 'kedge key "
                             "generate', or name it with --director-key",
                             key);
    return 0;
}

/* One that was named has to be there. */
static void find_roots(const struct kedge_call *call, struct kedge_settings *out)
{
    const char *folder = place(out, call, KEDGE_OPTION_ROOTS, "roots");
    if (kedge_command_has(call, KEDGE_OPTION_ROOTS) || access(folder, F_OK) == 0)
        out->options.roots = folder;
}

/* The hub's own folder is made when it is not there; one that was named has to be. */
static int find_blobs(const struct kedge_call *call, struct kedge_settings *out,
                      struct kedge_err *err)
{
    if (!(call->command->options & KEDGE_OPTION(BLOBS)))
        return 0;
    out->options.blobs = place(out, call, KEDGE_OPTION_BLOBS, "blobs");
    return kedge_command_has(call, KEDGE_OPTION_BLOBS)
               ? 0
               : kedge_fs_mkdirs(AT_FDCWD, out->options.blobs, 0755, err);
}

int kedge_settings_fill(struct kedge_call *call, bool signing, struct kedge_settings *out,
                        struct kedge_err *err)
{
    const char *const *given = call->options.at;
    out->options = (struct kedge_serve_options){
        .repository = given[KEDGE_OPTION_REPO],
        .path = given[KEDGE_OPTION_PATH],
        .store = given[KEDGE_OPTION_STORE],
        .git =
            {
                .revision = given[KEDGE_OPTION_REVISION],
                .ssh_key = given[KEDGE_OPTION_SSH_KEY],
                .known_hosts = given[KEDGE_OPTION_KNOWN_HOSTS],
                .username = given[KEDGE_OPTION_USERNAME],
                .ca_file = given[KEDGE_OPTION_CA_FILE],
            },
        .passphrase = given[KEDGE_OPTION_PASSPHRASE_FILE],
        .ask = kedge_passphrase_prompt,
        .cron = given[KEDGE_OPTION_CRON],
        .zone = given[KEDGE_OPTION_CRON] ? given[KEDGE_OPTION_TIME_ZONE] : NULL,
        .manual = given[KEDGE_OPTION_MANUAL] != NULL,
        .accept_rewrite = given[KEDGE_OPTION_ACCEPT_REWRITE] != NULL,
        .require_signatures = given[KEDGE_OPTION_REQUIRE_SIGNATURES] != NULL,
        .allow_unsigned = given[KEDGE_OPTION_ALLOW_UNSIGNED] != NULL,
        .trust_commit = given[KEDGE_OPTION_TRUST_COMMIT],
        .allowed_signers = given[KEDGE_OPTION_ALLOWED_SIGNERS],
        .allowed_signers_path = given[KEDGE_OPTION_ALLOWED_SIGNERS_PATH],
        .listen = given[KEDGE_OPTION_LISTEN],
        .port_file = given[KEDGE_OPTION_PORT_FILE],
    };
    if (!out->options.store)
        out->options.store = kedge_arena_printf(&out->arena, "sqlite:%s",
                                                place(out, call, KEDGE_OPTION_STORE, "store.db"));
    find_roots(call, out);
    int code = find_key(call, signing && !out->options.manual, out, err);
    if (!code)
        code = find_blobs(call, out, err);
    if (!code)
        code = kedge_settings_span(call, KEDGE_OPTION_INTERVAL, &out->options.interval, err);
    if (!code)
        code = kedge_settings_span(call, KEDGE_OPTION_LIFETIME, &out->options.lifetime, err);
    return code ? code : read_password(call, out, err);
}
