/* SPDX-License-Identifier: Apache-2.0 */
#include "option.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/field.h"

_Static_assert(KEDGE_OPTION_COUNT <= 128, "kedge_options is a set in 128 bits");

const struct kedge_option_row kedge_option_rows[KEDGE_OPTION_COUNT] = {
    [KEDGE_OPTION_HELP] = {"help", 'h', .help = "show this text"},
    [KEDGE_OPTION_VERSION] = {"version", .help = "show the version"},
    [KEDGE_OPTION_DIRECTORY] = {"directory", 'C', .argument = "DIR",
                                .help = "work as if started in DIR"},
    [KEDGE_OPTION_OUTPUT] = {"output", 'o', .argument = "FORMAT", .help = "how to show the result"},
    [KEDGE_OPTION_COLOR] = {"color", .environment = true, .argument = "WHEN", .preset = "auto",
                            .choices = "auto|always|never",
                            .help = "colours; auto: on a terminal without $NO_COLOR"},
    [KEDGE_OPTION_QUIET] = {"quiet", 'q', .help = "show errors and results only"},
    [KEDGE_OPTION_LOG_LEVEL] = {"log-level", .environment = true, .argument = "LEVEL",
                                .preset = "info", .choices = "error|warn|info|debug",
                                .help = "least important log lines to write"},
    [KEDGE_OPTION_LOG_FORMAT] = {"log-format", .environment = true, .argument = "FORMAT",
                                 .preset = "text", .choices = "text|json",
                                 .help = "form of log lines"},
    [KEDGE_OPTION_REPO] = {"repo", .environment = true, .argument = "URL",
                           .help = "the Git repository: a folder, file:, ssh: or https:"},
    [KEDGE_OPTION_REVISION] = {"revision", .environment = true, .argument = "REV",
                               .help = "branch, tag or commit to follow; else the remote's HEAD"},
    [KEDGE_OPTION_PATH] = {"path", .environment = true, .argument = "FOLDER",
                           .help = "where manifests are in the repository; else everywhere"},
    [KEDGE_OPTION_STATE_DIR] = {"state-dir", .environment = true, .argument = "DIR",
                                .help = "where kedge keeps its files; else /var/lib/kedge for root "
                                        "and ~/.local/state/kedge for others"},
    [KEDGE_OPTION_STORE] = {"store", .environment = true, .argument = "URL",
                            .help = "the store; else sqlite:store.db in the state folder"},
    [KEDGE_OPTION_SERVER] = {"server", .environment = true, .argument = "URL",
                             .help = "ask the 'kedge serve' at URL, not the store"},
    [KEDGE_OPTION_DIRECTOR_KEY] = {"director-key", .environment = true, .argument = "FILE",
                                   .help = "private key that signs orders, or exec: and a program "
                                           "that does; else director.key in "
                                           "the state folder"},
    [KEDGE_OPTION_PASSPHRASE_FILE] = {"passphrase-file", .environment = true, .argument = "FILE",
                                      .help = "passphrase of a sealed private key"},
    [KEDGE_OPTION_PASSPHRASE] = {"passphrase", .help =
                                                   "seal the key with a passphrase, asked for on "
                                                   "the terminal"},
    [KEDGE_OPTION_BLOBS] = {"blobs", .environment = true, .argument = "DIR",
                            .help = "artifacts of the hub; else blobs in the state folder"},
    [KEDGE_OPTION_CA_FILE] = {"ca-file", .environment = true, .argument = "FILE",
                              .help = "authorities to trust for https, as PEM"},
    [KEDGE_OPTION_SSH_KEY] = {"ssh-key", .environment = true, .argument = "FILE",
                              .help = "private key for ssh: repositories"},
    [KEDGE_OPTION_KNOWN_HOSTS] = {"known-hosts", .environment = true, .argument = "FILE",
                                  .help = "hosts to trust for ssh: repositories"},
    [KEDGE_OPTION_USERNAME] = {"username", .environment = true, .argument = "NAME",
                               .help = "user for https: repositories"},
    [KEDGE_OPTION_PASSWORD_FILE] = {"password-file", .environment = true, .argument = "FILE",
                                    .help = "password or token for https: repositories"},
    [KEDGE_OPTION_INTERVAL] = {"interval", .environment = true, .argument = "SPAN", .preset = "30s",
                               .help = "between two looks at the repository"},
    [KEDGE_OPTION_CRON] = {"cron", .environment = true, .argument = "SCHEDULE",
                           .help = "look by this cron schedule instead"},
    [KEDGE_OPTION_TIME_ZONE] = {"time-zone", .environment = true, .argument = "ZONE",
                                .preset = "UTC", .help = "of the cron schedule"},
    [KEDGE_OPTION_LIFETIME] = {"lifetime", .environment = true, .argument = "SPAN", .preset = "7d",
                               .help = "how long a signed order is good"},
    [KEDGE_OPTION_LISTEN] = {"listen", .environment = true, .argument = "ADDRESS",
                             .preset = "127.0.0.1:8411", .help = "where devices and users call"},
    [KEDGE_OPTION_PORT_FILE] = {"port-file", .argument = "FILE",
                                .help = "gets the address that was bound"},
    [KEDGE_OPTION_MANUAL] = {"manual", .environment = true,
                             .help = "deliver what was ordered; decide nothing"},
    [KEDGE_OPTION_ACCEPT_REWRITE] = {"accept-rewrite",
                                     .help = "take a head whose history was rewritten"},
    [KEDGE_OPTION_REQUIRE_SIGNATURES] = {"require-signatures", .environment = true,
                                         .help = "take only commits that an allowed signer signed; "
                                                 "from then on, until --allow-unsigned"},
    [KEDGE_OPTION_ALLOW_UNSIGNED] = {"allow-unsigned", .help = "signatures are required no longer"},
    [KEDGE_OPTION_TRUST_COMMIT] = {"trust-commit", .environment = true, .argument = "ID",
                                   .help =
                                       "the first commit that is trusted, by its full id; later "
                                       "ones must be signed"},
    [KEDGE_OPTION_ALLOWED_SIGNERS_PATH] = {"allowed-signers-path", .environment = true,
                                           .argument = "PATH",
                                           .help = "where the repository says who may sign; else "
                                                   ".kedge/allowed_signers"},
    [KEDGE_OPTION_ONCE] = {"once", .help = "one pass, then exit"},
    [KEDGE_OPTION_AS] = {"as", .argument = "PRINCIPAL",
                         .help = "say what policy would hold, were they to sign it: a principal of "
                                 "the allowed signers, or the SHA256: fingerprint of a key"},
    [KEDGE_OPTION_BASE] = {"base", .argument = "REV", .help = "the revision to compare with"},
    [KEDGE_OPTION_HEAD] = {"head", .argument = "REV", .preset = "HEAD",
                           .help = "the revision to look at"},
    [KEDGE_OPTION_INVENTORY] = {"inventory", .argument = "FILE",
                                .help = "live state as 'kedge inventory export' wrote it"},
    [KEDGE_OPTION_OUT] = {"out", .argument = "FILE", .help = "write the result to FILE"},
    [KEDGE_OPTION_DETAILED_EXITCODE] = {"detailed-exitcode",
                                        .help = "exit with 2 when there are changes"},
    [KEDGE_OPTION_ALL] = {"all", .help = "show every device, however many there are"},
    [KEDGE_OPTION_DEVICE] = {"device", .argument = "NAME", .help = "of this device only"},
    [KEDGE_OPTION_INSTANCE] = {"instance", .argument = "NAME",
                               .help = "of this model or application only"},
    [KEDGE_OPTION_COMMIT] = {"commit", .argument = "ID", .help = "of this commit only"},
    [KEDGE_OPTION_SINCE] = {"since", .argument = "TIME",
                            .help = "not older: a span such as 2h, or an RFC 3339 time"},
    [KEDGE_OPTION_LIMIT] = {"limit", .argument = "N", .help = "at most N of them"},
    [KEDGE_OPTION_FORMAT] = {"format", .argument = "FORMAT",
                             .choices = "file|zip|tar|tar.gz|tar.zst",
                             .help = "of the artifact; else by the file's name"},
    [KEDGE_OPTION_FOR] = {"for", .argument = "STATE", .preset = "converged",
                          .choices = "converged|settled",
                          .help = "converged: every device holds what it must; settled: nothing is "
                                  "under way any more"},
    [KEDGE_OPTION_TIMEOUT] = {"timeout", .argument = "SPAN", .preset = "5m",
                              .help = "give up after it"},
    [KEDGE_OPTION_ALLOWED_SIGNERS] = {"allowed-signers", .argument = "FILE",
                                      .help = "who may sign, as ssh-keygen(1) ALLOWED SIGNERS"},
    [KEDGE_OPTION_REVOKED] = {"revoked", .argument = "FILE",
                              .help = "public SSH keys that count no more, one a line"},
    [KEDGE_OPTION_IDENTITY] = {"identity", .argument = "PRINCIPAL",
                               .help = "who must have signed, as allowed signers name them"},
    [KEDGE_OPTION_NAMESPACE] = {"namespace", .argument = "NAME",
                                .help = "what the signature must be for, such as file or git"},
    [KEDGE_OPTION_SIGNATURE] = {"signature", .argument = "FILE",
                                .help = "the detached signature; of minisign, else FILE.minisig"},
    [KEDGE_OPTION_PUBKEY] = {"pubkey", .argument = "FILE", .help = "minisign's public key"},
    [KEDGE_OPTION_KEY] = {"key", .argument = "KEY",
                          .help = "a key; may be given several times. To verify: a public one, 64 "
                                  "hex digits or ed25519:BASE64. To sign: a private key's file, or "
                                  "exec: and a program that signs"},
    [KEDGE_OPTION_ARTIFACT] = {"artifact", .argument = "FILE",
                               .help =
                                   "the artifact; else by its digest from the hub's blobs, else "
                                   "from its url"},
    [KEDGE_OPTION_COUNTER] = {"counter", .argument = "N",
                              .help = "release counter: no version below it may run again where it "
                                      "has; else the highest of the model's versions"},
    [KEDGE_OPTION_PRINT_COMMENT] = {"print-comment",
                                    .help = "write the trusted comment that 'minisign -S -t' must "
                                            "sign, and sign nothing"},
    [KEDGE_OPTION_THRESHOLD] = {"threshold", .argument = "[ROLE=]N",
                                .help = "how many of the keys must have signed; else 1, or as many "
                                        "as before; of a root document for each role"},
    [KEDGE_OPTION_TYPE] = {"type", .argument = "TYPE", .preset = "application/vnd.in-toto+json",
                           .help = "the payload type that is wanted"},
    [KEDGE_OPTION_ROOT] = {"root", .argument = "FILE", .help = "the root document in force"},
    [KEDGE_OPTION_ROOTS] = {"roots", .environment = true, .argument = "DIR",
                            .help = "root documents for devices, N.root.json; else roots in the "
                                    "state folder, if it is there"},
    [KEDGE_OPTION_ROLE] = {"role", .argument = "ROLE", .choices = "root|director|release",
                           .help = "in this role only; else in all that name the key"},
    [KEDGE_OPTION_ROOT_KEY] = {"root-key", .argument = "KEY",
                               .help = "a public key, or its file, that signs root documents; may "
                                       "be given several times"},
    [KEDGE_OPTION_DIRECTOR] = {"director", .argument = "KEY",
                               .help = "one that signs orders; may be given several times"},
    [KEDGE_OPTION_RELEASE] = {"release", .argument = "KEY",
                              .help = "one that signs artifacts; may be given several times"},
    [KEDGE_OPTION_EXPIRES] = {"expires", .argument = "SPAN",
                              .help = "how long from now it is good; else a root document 365d, a "
                                      "token 24h"},
    [KEDGE_OPTION_HARDWARE] = {"hardware", .argument = "ID",
                               .help = "bind the token to this serial number or machine id"},
    [KEDGE_OPTION_FINGERPRINT] = {"fingerprint", .argument = "SHA256:...",
                                  .help = "what the device shows of its key"},
    [KEDGE_OPTION_AHEAD] = {"ahead", .help = "let in who comes with the fingerprint within a day"},
    [KEDGE_OPTION_NOW] = {"now", .help = "refuse its key at once: the device is lost or stolen"},
    [KEDGE_OPTION_SELECTOR] = {"selector", .argument = "LABELS",
                               .help = "the devices with these labels: key=value, key!=value, key "
                                       "or !key, with commas between"},
    [KEDGE_OPTION_DEPLOYMENT] = {"deployment", .argument = "NAME",
                                 .help = "the devices that this deployment targets"},
    [KEDGE_OPTION_RECIPIENT] = {"recipient", .argument = "AGE1...",
                                .help = "somebody else's key; may be given several times"},
    [KEDGE_OPTION_VERIFY] = {"verify",
                             .help =
                                 "prove the chains of evidence, and name the first broken link"},
    [KEDGE_OPTION_EXPORT] = {"export", .help = "write a device's chain of evidence, a link a line"},
    [KEDGE_OPTION_EVIDENCE] = {"evidence", .argument = "FILE",
                               .help = "an exported chain, in place of a store"},
    [KEDGE_OPTION_MAN] = {"man", .help = "write the manual page"},
};

bool kedge_option_is_choice(const char *choices, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = choices; at; at = strchr(at, '|')) {
        at += *at == '|';
        size_t size = strcspn(at, "|");
        if (size == length && memcmp(at, word, size) == 0)
            return true;
    }
    return false;
}

const char *kedge_option_variable(const struct kedge_option_row *row,
                                  char text[KEDGE_OPTION_VARIABLE])
{
    snprintf(text, KEDGE_OPTION_VARIABLE, "KEDGE_%s", row->name);
    for (char *at = text; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return text;
}

static int find_name(const char *name, size_t length)
{
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++)
        if (strlen(kedge_option_rows[i].name) == length &&
            memcmp(kedge_option_rows[i].name, name, length) == 0)
            return i;
    return -1;
}

static int find_letter(char letter)
{
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++)
        if (kedge_option_rows[i].letter == letter)
            return i;
    return -1;
}

static int unknown(const char *given, size_t length, struct kedge_err *err)
{
    const char *names[KEDGE_OPTION_COUNT];
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++)
        names[i] = kedge_option_rows[i].name;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), given);
    const char *near = kedge_field_suggest(names, KEDGE_OPTION_COUNT, name);
    return kedge_err_set(err, KEDGE_INVALID, "there is no option '--%s'%s%s%s", name,
                         near ? ", did you mean '--" : "", near ? near : "", near ? "'?" : "");
}

/* The arguments not yet looked at. */
struct rest {
    char **at;
    size_t count;
};

/* Stores the value of option `which`: `attached`, or the next argument. */
static int take(int which, const char *attached, struct rest *rest, struct kedge_option_values *out,
                struct kedge_err *err)
{
    const struct kedge_option_row *row = &kedge_option_rows[which];
    if (!row->argument && attached)
        return kedge_err_set(err, KEDGE_INVALID, "option '--%s' takes no value", row->name);
    if (row->argument && !attached) {
        if (!rest->count)
            return kedge_err_set(err, KEDGE_INVALID, "option '--%s' needs a value: --%s %s",
                                 row->name, row->name, row->argument);
        attached = *rest->at++;
        rest->count--;
    }
    if (out->given_count == KEDGE_OPTION_GIVEN)
        return kedge_err_set(err, KEDGE_LIMIT, "more than %d options", KEDGE_OPTION_GIVEN);
    const char *value = attached ? attached : "";
    out->at[which] = value;
    out->given[out->given_count++] = (struct kedge_option_given){(enum kedge_option)which, value};
    return 0;
}

static int take_long(const char *text, struct rest *rest, struct kedge_option_values *out,
                     struct kedge_err *err)
{
    size_t length = strcspn(text, "=");
    int which = find_name(text, length);
    if (which < 0)
        return unknown(text, length, err);
    return take(which, text[length] ? text + length + 1 : NULL, rest, out, err);
}

/* One argument may hold several flags, and at its end an option with its value. */
static int take_letters(const char *text, struct rest *rest, struct kedge_option_values *out,
                        struct kedge_err *err)
{
    for (; *text; text++) {
        int which = find_letter(*text);
        if (which < 0)
            return kedge_err_set(err, KEDGE_INVALID, "there is no option '-%c'",
                                 isprint((unsigned char)*text) ? *text : '?');
        bool last = kedge_option_rows[which].argument != NULL;
        int code = take(which, last && text[1] ? text + 1 : NULL, rest, out, err);
        if (code || last)
            return code;
    }
    return 0;
}

int kedge_option_parse(char **arguments, size_t *count, struct kedge_option_values *out,
                       struct kedge_err *err)
{
    struct kedge_option_values values = {0};
    struct rest rest = {.at = arguments, .count = *count};
    size_t kept = 0;
    bool operands_only = false;
    while (rest.count) {
        char *text = *rest.at++;
        rest.count--;
        int code = 0;
        if (operands_only || text[0] != '-' || !text[1])
            arguments[kept++] = text;
        else if (strcmp(text, "--") == 0)
            operands_only = true;
        else if (text[1] == '-')
            code = take_long(text + 2, &rest, &values, err);
        else
            code = take_letters(text + 1, &rest, &values, err);
        if (code)
            return code;
    }
    *count = kept;
    *out = values;
    return 0;
}

int kedge_option_complete(struct kedge_option_values *values, kedge_options set,
                          struct kedge_err *err)
{
    for (int i = 0; i < KEDGE_OPTION_COUNT; i++) {
        const struct kedge_option_row *row = &kedge_option_rows[i];
        char variable[KEDGE_OPTION_VARIABLE];
        if (!(set >> i & 1))
            continue;
        if (!values->at[i] && row->environment) {
            const char *text = getenv(kedge_option_variable(row, variable));
            values->at[i] = text && *text ? text : NULL;
        }
        if (!values->at[i])
            values->at[i] = row->preset;
        if (values->at[i] && row->choices && !kedge_option_is_choice(row->choices, values->at[i]))
            return kedge_err_set(err, KEDGE_INVALID, "'--%s' takes %s, not '%s'", row->name,
                                 row->choices, values->at[i]);
    }
    return 0;
}
