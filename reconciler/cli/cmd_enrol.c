/* SPDX-License-Identifier: Apache-2.0 */
/* Who is one of the fleet: a device is let in, by a token or by its fingerprint, and sent off. These
 * verbs write the store beside a running server, which notices. */
#include "verbs.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "kedge/store.h"
#include "server/doubt.h"
#include "server/enrolment.h"
#include "server/once.h"
#include "server/shelf.h"
#include "settings.h"
#include "state/actual.h"
#include "state/desired.h"

#define ANSWER 16 /* bytes of a yes or a no */

/* The store, opened to write, and the state of the fleet as it is. */
struct session {
    struct kedge_settings settings;
    struct kedge_once *once;
    struct kedge_store *store;
    const char *name;
    const struct kedge_device *device; /* NULL: it is not in the commit in force */
    char by[64];
};

static void session_auto(struct session *session)
{
    kedge_store_close(session->store);
    kedge_once_close(session->once);
    kedge_settings_auto(&session->settings);
}

static void find_user(char *out, size_t room)
{
    char text[1024];
    struct passwd row, *found = NULL;
    if (getpwuid_r(getuid(), &row, text, sizeof text, &found) == 0 && found)
        snprintf(out, room, "%s", found->pw_name);
    else
        snprintf(out, room, "user %u", (unsigned)getuid());
}

static int open_session(struct kedge_call *call, struct session *session, struct kedge_err *err)
{
    int code = kedge_settings_fill(call, false, &session->settings, err);
    session->name = call->operands[0];
    if (!code && !kedge_name_valid(session->name, strlen(session->name)))
        code = kedge_command_misuse(call, err, "'%s' is no name of a device", session->name);
    if (!code)
        code = kedge_once_open(&session->settings.options, true, &session->once, err);
    if (!code)
        code = kedge_store_open(session->settings.options.store, false, &session->store, err);
    if (code)
        return code;
    const struct kedge_desired *desired = kedge_server_desired(kedge_once_server(session->once));
    if (desired)
        session->device = kedge_spec_find(desired->specs, KEDGE_KIND_DEVICE, session->name);
    find_user(session->by, sizeof session->by);
    return 0;
}

static const struct kedge_identities *identities_of(const struct session *session)
{
    return &kedge_server_actual(kedge_once_server(session->once))->identities;
}

/* --- enroll ----------------------------------------------------------------------------------- */

/* The root that devices are to begin with: a file's, or the newest that the server hands out. */
static int read_root(struct kedge_call *call, const char *folder, struct kedge_root *out,
                     struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const char *path = kedge_command_value(call, KEDGE_OPTION_ROOT);
    struct kedge_slice *files = NULL, bytes = {0};
    size_t count = 0;
    if (!path && !folder)
        return kedge_command_misuse(call, err,
                                    "devices know their server by a root document: name the "
                                    "server's --roots, or one with --root ('kedge root init')");
    int code = path ? kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_ROOT, &file, err)
                    : kedge_shelf_read(folder, &arena, &files, &count, err);
    if (!code)
        bytes = path ? kedge_buf_slice(&file) : files[count - 1];
    if (!code && kedge_root_pin(bytes, NULL, out, err))
        code = kedge_err_wrap(err, "'%s'", path ? path : folder);
    if (!code && kedge_root_fresh(out, kedge_clock_wall(), err))
        code = err->code;
    return code;
}

/* What would keep the token from being of use. */
static void warn(const struct session *session)
{
    static const uint8_t none[KEDGE_KEY_SIZE];
    const struct kedge_device *device = session->device;
    enum kedge_key_origin origin;
    if (!device) {
        fprintf(stderr,
                "kedge: no commit in force declares device '%s' yet: it gets nothing until one "
                "does\n",
                session->name);
        return;
    }
    (void)kedge_identity_key(identities_of(session), device, &origin);
    if (memcmp(device->public_key, none, sizeof none) != 0 && origin == KEDGE_KEY_MANIFEST)
        fprintf(stderr,
                "kedge: %s:%u names a key for device '%s', which comes first: remove its "
                "spec.publicKey before the device uses the token\n",
                device->object.at.file ? device->object.at.file : "its manifest",
                device->object.at.line, session->name);
}

static void show_token(struct kedge_call *call, const struct kedge_enrolment_token *what,
                       const struct kedge_token *token, const struct kedge_root *root)
{
    char text[KEDGE_TOKEN_TEXT], until[KEDGE_TIME_TEXT], digest[KEDGE_DIGEST_TEXT];
    const char *server = kedge_command_value(call, KEDGE_OPTION_SERVER);
    kedge_auto(kedge_buf) struct kedge_buf command = {0};
    kedge_token_format(token, text);
    kedge_clock_format(what->expires, until);
    kedge_buf_printf(&command, "kedge-agent enroll --server %s --name %s --token %s",
                     server ? server : "http://HUB:8411", what->device, text);
    if (what->hardware)
        kedge_buf_printf(&command, " --hardware %s", what->hardware);
    if (!kedge_command_format(call, "json")) {
        kedge_buf_printf(&call->out,
                         "A token for device '%s', good once and until %s. It is shown this one "
                         "time; on the device:\n\n  %s\n",
                         what->device, until, command.data);
        return;
    }
    struct kedge_json_writer w = {.out = &call->out};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "device", what->device);
    kedge_json_add_string(&w, "hardware", what->hardware);
    kedge_json_add_string(&w, "token", text);
    kedge_json_add_string(&w, "expires", until);
    kedge_json_add_string(&w, "root", kedge_digest_format(&root->digest, digest));
    kedge_json_add_string(&w, "command", command.data);
    kedge_json_end_object(&w);
    kedge_buf_putc(&call->out, '\n');
}

int kedge_cmd_device_enroll(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(session) struct session session = {0};
    struct kedge_root root;
    struct kedge_token token;
    kedge_ms span = KEDGE_ENROLMENT_PATIENCE, now = kedge_clock_wall();
    int code = kedge_settings_span(call, KEDGE_OPTION_EXPIRES, &span, err);
    if (!code)
        code = kedge_key_init(err);
    if (!code)
        code = open_session(call, &session, err);
    if (!code)
        code = read_root(call, session.settings.options.roots, &root, err);
    if (code)
        return code;
    const struct kedge_enrolment_token what = {
        .device = session.name,
        .hardware = kedge_command_value(call, KEDGE_OPTION_HARDWARE),
        .expires = now + span,
        .by = session.by,
    };
    code = kedge_enrolment_issue(session.store, &what, &root.digest, now, &token, err);
    if (code)
        return code;
    warn(&session);
    show_token(call, &what, &token, &root);
    return KEDGE_EXIT_DONE;
}

/* --- approve ---------------------------------------------------------------------------------- */

struct asking {
    const char *device;
    char print[KEDGE_KEY_PRINT]; /* "": nobody waits */
    char hardware[KEDGE_LIMIT_NAME + 1];
};

static int take_request(const struct kedge_enrolment_request *request, void *payload)
{
    struct asking *asking = payload;
    if (strcmp(request->device, asking->device) != 0)
        return 0;
    kedge_public_key_fingerprint(&request->key, asking->print);
    snprintf(asking->hardware, sizeof asking->hardware, "%s",
             request->hardware ? request->hardware : "unknown");
    return 0;
}

/* Shows the fingerprint to whoever sits at the terminal: he compares it with the device's. */
static int ask(struct kedge_call *call, struct session *session, struct asking *asking,
               struct kedge_err *err)
{
    char answer[ANSWER] = "";
    int code =
        kedge_enrolment_each_request(session->store, kedge_clock_wall(), take_request, asking, err);
    if (code)
        return code;
    if (!asking->print[0])
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "nothing waits as device '%s': run 'kedge-agent enroll' there",
                             session->name);
    if (!isatty(STDIN_FILENO))
        return kedge_command_misuse(call, err,
                                    "compare the fingerprint that the device shows, and give it: "
                                    "--fingerprint SHA256:...");
    fprintf(stderr,
            "Device      %s\nHardware    %s\nFingerprint %s\n\n"
            "Does the device show the same fingerprint? Only 'yes' lets it in: ",
            session->name, asking->hardware, asking->print);
    if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
        return kedge_err_set(err, KEDGE_DENIED, "not approved");
    return 0;
}

/* A device that is held because two have reported as it. *settled: it was, and is no longer. */
static int settle_doubt(struct kedge_call *call, struct session *session, bool *settled,
                        struct kedge_err *err)
{
    struct kedge_err why;
    int code =
        kedge_doubt_settle(session->store, session->name, session->by, kedge_clock_wall(), &why);
    *settled = code == 0;
    if (code == KEDGE_NOTFOUND)
        return 0;
    if (code) {
        *err = why;
        return code;
    }
    kedge_buf_printf(
        &call->out,
        "Device '%s' is whoever reports next with its key, from the state it has then; "
        "should another one still report, it is held again\n",
        session->name);
    return 0;
}

int kedge_cmd_device_approve(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(session) struct session session = {0};
    const char *print = kedge_command_value(call, KEDGE_OPTION_FINGERPRINT);
    bool ahead = kedge_command_has(call, KEDGE_OPTION_AHEAD), waited, settled = false;
    struct asking asking = {.device = call->operands[0]};
    int code = kedge_key_init(err);
    if (ahead && !print)
        return kedge_command_misuse(call, err, "--ahead needs the --fingerprint to let in");
    if (print && (strncmp(print, "SHA256:", 7) != 0 || strlen(print) != KEDGE_KEY_PRINT - 1))
        return kedge_command_misuse(call, err,
                                    "'%s' is no fingerprint: 'SHA256:' and 43 characters", print);
    if (!code)
        code = open_session(call, &session, err);
    if (!code && !print)
        code = settle_doubt(call, &session, &settled, err);
    if (settled)
        return KEDGE_EXIT_DONE;
    if (!code && !print) {
        code = ask(call, &session, &asking, err);
        print = asking.print;
    }
    if (!code)
        code = kedge_enrolment_approve(session.store, session.name, print, ahead, session.by,
                                       kedge_clock_wall(), &waited, err);
    if (code)
        return code;
    kedge_buf_printf(&call->out,
                     waited ? "Device '%s' is enrolled with %s\n"
                            : "Device '%s' will be let in when it comes with %s\n",
                     session.name, print);
    return KEDGE_EXIT_DONE;
}

/* --- decommission ----------------------------------------------------------------------------- */

int kedge_cmd_device_decommission(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(session) struct session session = {0};
    bool at_once = kedge_command_has(call, KEDGE_OPTION_NOW);
    int code = open_session(call, &session, err);
    if (code)
        return code;
    if (!session.device)
        return kedge_err_set(err, KEDGE_NOTFOUND,
                             "no commit in force declares device '%s': it is known to nobody",
                             session.name);
    bool has_key = kedge_identity_key(identities_of(&session), session.device, NULL);
    code = kedge_enrolment_dismiss(session.store, identities_of(&session), session.device, at_once,
                                   session.by, kedge_clock_wall(), err);
    if (code)
        return code;
    if (at_once || !has_key)
        kedge_buf_printf(&call->out,
                         "Device '%s' is decommissioned: its key is refused from now on\n",
                         session.name);
    else
        kedge_buf_printf(&call->out,
                         "Device '%s' will erase its models when it hears of it; 'kedge device "
                         "show %s' says when it has, and --now does not wait\n",
                         session.name, session.name);
    return KEDGE_EXIT_DONE;
}
