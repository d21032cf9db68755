/* SPDX-License-Identifier: Apache-2.0 */
/* kedge-agent: the program on the device. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/errand.h"
#include "agent/shell.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/httpc.h"
#include "wire/age.h"
#include "wire/keyfile.h"
#include "wire/minisign.h"
#include "wire/root.h"

#define EXIT_USAGE   64
#define STATE_DIR    "/var/lib/kedge-agent"
#define WAIT_DEFAULT 60 /* seconds */
/* Seconds that 'enroll' goes on asking: for an operator, or only for a server to come back. */
#define PATIENCE       600
#define PATIENCE_TOKEN 30
#define PATIENCE_MOST  604800
#define PAUSE_MOST     60 /* seconds between tries of one key and the other */

struct options {
    char *server, *name, *key, *passphrase_file, *root, *state_dir, *ca_file, *out, *output;
    struct key_list {
        char *at[KEDGE_LIMIT_ROOT_KEYS];
        size_t count;
    } director_keys, release_keys;
    char *wait, *log_level, *config;
    char *token, *root_digest, *hardware;
    bool once, stop_models, help, json_log;
};

enum option_kind { TEXT, FLAG, KEYS };

/* Every option once: flags, lines of a configuration file and help come from here. */
static const struct {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *value, *help;
} rows[] = {
    {"server", TEXT, offsetof(struct options, server), "URL", "the server to ask, http: or https:"},
    {"name", TEXT, offsetof(struct options, name), "NAME", "this device's name in the manifests"},
    {"key", TEXT, offsetof(struct options, key), "FILE", "this device's private key"},
    {"passphrase-file", TEXT, offsetof(struct options, passphrase_file), "FILE",
     "holds the passphrase of a sealed key"},
    {"root", TEXT, offsetof(struct options, root), "FILE",
     "root document: whom to trust; newer ones are followed [root.json in the state folder]"},
    {"director-key", KEYS, offsetof(struct options, director_keys), "FILE|KEY",
     "instead of a root: public key that signs orders, as a file or as 'ed25519:...'; may be given "
     "again"},
    {"release-key", KEYS, offsetof(struct options, release_keys), "FILE|KEY",
     "beside --director-key: public key that signs artifacts, minisign's too; may be given again"},
    {"state-dir", TEXT, offsetof(struct options, state_dir), "DIR",
     "where everything is kept [" STATE_DIR "]"},
    {"ca-file", TEXT, offsetof(struct options, ca_file), "FILE",
     "certificate authorities for https [the system's]"},
    {"wait", TEXT, offsetof(struct options, wait), "SECONDS",
     "how long the server may hold an answer back [60]; how long an operator has to approve [600]"},
    {"token", TEXT, offsetof(struct options, token), "TOKEN",
     "as 'kedge device enroll' has shown it: lets this device in once"},
    {"root-digest", TEXT, offsetof(struct options, root_digest), "DIGEST",
     "without a token: the fleet's root document, 'sha256:...', as an operator has told it"},
    {"hardware", TEXT, offsetof(struct options, hardware), "ID",
     "serial number or machine id, for the operator to see"},
    {"stop-models", FLAG, offsetof(struct options, stop_models), NULL,
     "stop the models when the agent ends; else they serve on"},
    {"once", FLAG, offsetof(struct options, once), NULL,
     "end once the device holds what its order says"},
    {"config", TEXT, offsetof(struct options, config), "FILE",
     "read 'option = value' lines; options given here win [agent.conf in the state folder]"},
    {"out", TEXT, offsetof(struct options, out), "FILE", "where the new private key goes"},
    {"output", TEXT, offsetof(struct options, output), "FORMAT", "text or json [text]"},
    {"log-level", TEXT, offsetof(struct options, log_level), "LEVEL",
     "error, warn, info or debug [info]"},
    {"log-json", FLAG, offsetof(struct options, json_log), NULL, "log JSON lines"},
    {"help", FLAG, offsetof(struct options, help), NULL, "this text"},
};

static int fail(const struct kedge_err *err)
{
    fprintf(stderr, "kedge-agent: %s\n", err->msg);
    return EXIT_FAILURE;
}

static int complain(const char *verb, const char *what)
{
    fprintf(stderr, "kedge-agent: %s\nTry 'kedge-agent %s%s--help'.\n", what, verb ? verb : "",
            verb ? " " : "");
    return EXIT_USAGE;
}

static void options_auto(struct options *options)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        if (rows[i].kind == TEXT)
            free(*(char **)((char *)options + rows[i].offset));
    struct key_list *const lists[] = {&options->director_keys, &options->release_keys};
    for (size_t k = 0; k < KEDGE_COUNT(lists); k++)
        for (size_t i = 0; i < lists[k]->count; i++)
            free(lists[k]->at[i]);
}

static int set_option(struct options *options, size_t row, const char *value, bool replace,
                      struct kedge_err *err)
{
    char *field = (char *)options + rows[row].offset;
    char **text = (char **)field;
    struct key_list *keys = (struct key_list *)field;
    switch (rows[row].kind) {
    case FLAG:
        *(bool *)field = true;
        return 0;
    case KEYS:
        if (keys->count == KEDGE_LIMIT_ROOT_KEYS)
            return kedge_err_set(err, KEDGE_LIMIT, "more than %d times --%s", KEDGE_LIMIT_ROOT_KEYS,
                                 rows[row].name);
        keys->at[keys->count++] = kedge_alloc_strdup(value);
        return 0;
    case TEXT:
        if (*text && !replace)
            return 0;
        free(*text);
        *text = kedge_alloc_strdup(value);
        return 0;
    }
    return 0;
}

/* One line of the configuration file: "option = value"; flags take "true". */
static int read_line(struct options *options, char *line, bool keys, struct kedge_err *err)
{
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#')
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return kedge_err_set(err, KEDGE_INVALID, "'%.80s' is not 'option = value'", line);
    char *value = equals + 1 + strspn(equals + 1, " \t");
    for (char *end = equals; end > line && strchr(" \t", end[-1]); end--)
        end[-1] = '\0';
    *equals = '\0';
    for (char *end = value + strlen(value); end > value && strchr(" \t\r", end[-1]); end--)
        end[-1] = '\0';
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        if (strcmp(rows[i].name, line) != 0)
            continue;
        if ((rows[i].kind == FLAG && strcmp(value, "true") != 0) || (rows[i].kind == KEYS && keys))
            return 0;
        return set_option(options, i, value, false, err);
    }
    return kedge_err_set(err, KEDGE_INVALID, "there is no option '%.80s'", line);
}

static int read_config(struct options *options, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = kedge_fs_read(AT_FDCWD, options->config, KEDGE_LIMIT_MANIFEST, &text, err);
    bool keys = options->director_keys.count || options->release_keys.count;
    unsigned number = 1;
    char *rest = text.data;
    for (char *line; !code && rest && (line = strsep(&rest, "\n")); number++)
        if ((code = read_line(options, line, keys, err)))
            kedge_err_wrap(err, "%s:%u", options->config, number);
    return code;
}

/* 0, or the exit status of a usage error. */
static int parse(const char *verb, int argc, char **argv, struct options *options)
{
    struct option longs[KEDGE_COUNT(rows) + 1] = {0};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        longs[i] =
            (struct option){.name = rows[i].name,
                            .has_arg = rows[i].kind == FLAG ? no_argument : required_argument,
                            .val = (int)(1000 + i)};
    struct kedge_err err;
    opterr = 0;
    for (int got; (got = getopt_long(argc, argv, "ho:", longs, NULL)) != -1;) {
        if (got == '?')
            return complain(verb, "unknown option, or one that lacks its value");
        if (got == 'h')
            options->help = true;
        else if (got == 'o')
            options->output = kedge_alloc_strdup(optarg);
        else if (set_option(options, (size_t)(got - 1000), optarg, true, &err))
            return complain(verb, err.msg);
    }
    return optind < argc ? complain(verb, "too many arguments") : 0;
}

/* --- run --- */

static int load_keys(const struct key_list *list, enum kedge_root_role role, struct kedge_root *out,
                     struct kedge_err *err)
{
    struct kedge_public_key keys[KEDGE_LIMIT_ROOT_KEYS];
    for (size_t i = 0; i < list->count; i++)
        if (kedge_minisign_key_load(list->at[i], &keys[i], err))
            return kedge_err_wrap(err, "%s key", kedge_word_name(&kedge_root_role_words, role));
    kedge_root_by_hand(out, role, keys, (uint32_t)list->count);
    return 0;
}

static int read_root(const char *path, struct kedge_root *out, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    int code = kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_ROOT, &file, err);
    if (!code && (code = kedge_root_pin(kedge_buf_slice(&file), NULL, out, err)))
        kedge_err_wrap(err, "'%s'", path);
    return code;
}

/* Keys by hand, the file that is named, or the one that enrolment has left. */
static int load_root(const struct options *options, const char *state_dir, struct kedge_root *out,
                     struct kedge_err *err)
{
    const struct key_list *directors = &options->director_keys, *releases = &options->release_keys;
    if ((directors->count || releases->count) && options->root)
        return kedge_err_set(err, KEDGE_INVALID,
                             "--root names all keys: give it, or --director-key and --release-key");
    if (releases->count && !directors->count)
        return kedge_err_set(err, KEDGE_INVALID, "--release-key goes with --director-key");
    if (directors->count) {
        int code = load_keys(directors, KEDGE_ROOT_DIRECTOR, out, err);
        return code ? code : load_keys(releases, KEDGE_ROOT_RELEASE, out, err);
    }
    if (options->root)
        return read_root(options->root, out, err);
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s/root.json", state_dir);
    int code = read_root(path.data, out, err);
    return code == KEDGE_NOTFOUND
               ? kedge_err_wrap(err, "whom does this device trust? give --root or --director-key")
               : code;
}

static int parse_wait(const char *text, kedge_ms *out, struct kedge_err *err)
{
    char *end;
    errno = 0;
    long seconds = text ? strtol(text, &end, 10) : WAIT_DEFAULT;
    if (text &&
        (errno || *end || end == text || seconds < 0 || seconds > KEDGE_LIMIT_WAIT_MS / 1000))
        return kedge_err_set(err, KEDGE_INVALID, "--wait must be 0 to %d seconds",
                             KEDGE_LIMIT_WAIT_MS / 1000);
    *out = (kedge_ms)seconds * 1000;
    return 0;
}

static const char *state_dir(const struct options *options)
{
    return options->state_dir ? options->state_dir : STATE_DIR;
}

/* The file that is named, else what enrolment has left. */
static int configure(struct options *options, struct kedge_err *err)
{
    if (!options->config) {
        kedge_auto(kedge_buf) struct kedge_buf path = {0};
        kedge_buf_printf(&path, "%s/" KEDGE_ERRAND_CONF, state_dir(options));
        if (access(path.data, F_OK) < 0)
            return 0;
        options->config = kedge_buf_take(&path);
    }
    return read_config(options, err);
}

static struct kedge_errand errand_of(const struct options *options)
{
    return (struct kedge_errand){
        .server = options->server,
        .device = options->name,
        .state_dir = state_dir(options),
        .key = options->key,
        .passphrase_file = options->passphrase_file,
        .ca_file = options->ca_file,
        .token = options->token,
        .root_digest = options->root_digest,
        .hardware = options->hardware,
    };
}

/* The server takes one of them; which, it tells by refusing the other. */
static int take_other_key(struct kedge_shell_config *config, struct kedge_key **key,
                          struct kedge_err *err)
{
    const struct kedge_public_key current = kedge_key_public(*key);
    struct kedge_key *other;
    int code = kedge_errand_other(config->errand, &current, &other, &config->key_is_next, err);
    if (code || !other)
        return code; /* it has gone meanwhile: on with the same */
    kedge_key_free(*key);
    *key = other;
    return 0;
}

static int verb_run(struct options *options)
{
    struct kedge_err err;
    if (configure(options, &err))
        return fail(&err);
    if (!options->server || !options->name)
        return complain("run", "--server and --name are needed, or 'kedge-agent enroll' once");
    enum kedge_log_level level = KEDGE_LOG_INFO;
    if (options->log_level && !kedge_log_level_parse(options->log_level, &level))
        return complain("run", "--log-level is none of error, warn, info, debug");
    kedge_log_set_level(level);
    kedge_log_set_json(options->json_log);
    struct kedge_root root = {0};
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    const struct kedge_errand errand = errand_of(options);
    kedge_errand_key_path(&errand, &path);
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_shell_config config = {
        .server = options->server,
        .device = options->name,
        .state_dir = state_dir(options),
        .ca_file = options->ca_file,
        .root = &root,
        .stop_models = options->stop_models,
        .once = options->once,
    };
    int code = parse_wait(options->wait, &config.wait, &err);
    if (!code)
        code = kedge_httpc_init(&err);
    if (!code)
        code = load_root(options, config.state_dir, &root, &err);
    if (!code && root.roles[KEDGE_ROOT_RELEASE].count == 0)
        kedge_log_write(KEDGE_LOG_WARN, NULL,
                        "release signatures are NOT checked: who has the director's key decides "
                        "alone what runs here; give --release-key, or --root");
    if (!code)
        code = kedge_keyfile_load(path.data,
                                  options->passphrase_file ? kedge_keyfile_passphrase : NULL,
                                  options->passphrase_file, &key, &err);
    config.errand = &errand;
    bool again = !code;
    for (unsigned pause = 1; !code && again;
         pause = 2 * pause < PAUSE_MOST ? 2 * pause : PAUSE_MOST) {
        config.key = key;
        code = kedge_shell_run(&config, &again, &err);
        if (!code && again) {
            sleep(pause);
            code = take_other_key(&config, &key, &err);
        }
    }
    return code ? fail(&err) : EXIT_SUCCESS;
}

/* --- enroll, rotate-key --- */

static int parse_patience(const struct options *options, kedge_ms *out, struct kedge_err *err)
{
    char *end;
    const char *text = options->wait;
    errno = 0;
    long seconds = text ? strtol(text, &end, 10) : options->token ? PATIENCE_TOKEN : PATIENCE;
    if (text && (errno || *end || end == text || seconds < 0 || seconds > PATIENCE_MOST))
        return kedge_err_set(err, KEDGE_INVALID, "--wait must be 0 to %d seconds", PATIENCE_MOST);
    *out = (kedge_ms)seconds * 1000;
    return 0;
}

static void say_waits(const char *fingerprint)
{
    printf("waiting for approval; this device's fingerprint is\n%s\n", fingerprint);
    fflush(stdout);
}

static int verb_enroll(struct options *options)
{
    struct kedge_err err;
    char print[KEDGE_KEY_PRINT];
    if (options->config && read_config(options, &err))
        return fail(&err);
    if (!options->server || !options->name)
        return complain("enroll", "--server and --name are needed");
    struct kedge_errand errand = errand_of(options);
    errand.waits = say_waits;
    int code = parse_patience(options, &errand.patience, &err);
    if (!code)
        code = kedge_httpc_init(&err);
    if (!code)
        code = kedge_errand_join(&errand, print, &err);
    if (code)
        return fail(&err);
    printf("device '%s' is enrolled with\n%s\n", options->name, print);
    return EXIT_SUCCESS;
}

static int verb_rotate(struct options *options)
{
    struct kedge_err err;
    char print[KEDGE_KEY_PRINT];
    if (configure(options, &err))
        return fail(&err);
    if (!options->server || !options->name)
        return complain("rotate-key", "--server and --name are needed, or an agent.conf");
    const struct kedge_errand errand = errand_of(options);
    int code = kedge_httpc_init(&err);
    if (!code)
        code = kedge_errand_rotate(&errand, print, &err);
    if (code)
        return fail(&err);
    printf("device '%s' has a new key\n%s\n", options->name, print);
    return EXIT_SUCCESS;
}

/* --- keygen --- */

/* As the Device manifest wants it, or as JSON with the recipient that secrets are sealed for. */
static int print_public(const struct kedge_public_key *key, bool json)
{
    char text[KEDGE_KEY_TEXT], age[KEDGE_AGE_TEXT];
    struct kedge_age_recipient recipient;
    struct kedge_err err;
    kedge_public_key_format(key, text);
    if (kedge_age_recipient_of(key, &recipient, &err))
        return fail(&err);
    if (json)
        printf("{\"publicKey\":\"%s\",\"recipient\":\"%s\"}\n", text,
               kedge_age_recipient_format(&recipient, age));
    else
        puts(text);
    return EXIT_SUCCESS;
}

static int verb_keygen(struct options *options)
{
    struct kedge_err err;
    bool json = options->output && strcmp(options->output, "json") == 0;
    if (!options->out)
        return complain("keygen", "--out is needed");
    if (options->output && !json && strcmp(options->output, "text") != 0)
        return complain("keygen", "--output is neither text nor json");
    kedge_auto(kedge_key) struct kedge_key *key = kedge_key_generate();
    if (kedge_keyfile_save(key, NULL, options->out, &err))
        return fail(&err);
    const struct kedge_public_key public = kedge_key_public(key);
    return print_public(&public, json);
}

/* --- status, models --- */

static int read_state(const struct options *options, const char *name, json_t **out,
                      struct kedge_buf *text, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0};
    kedge_buf_printf(&path, "%s/%s", state_dir(options), name);
    int code = kedge_fs_read(AT_FDCWD, path.data, KEDGE_LIMIT_ENVELOPE, text, err);
    if (!code)
        code = kedge_json_parse(text->data, text->size, KEDGE_LIMIT_ENVELOPE, out, err);
    return code ? kedge_err_wrap(err, "the agent's state") : 0;
}

static const char *word(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "-";
}

static void print_status(const json_t *status)
{
    const json_t *report = json_object_get(status, "report"), *row;
    size_t i;
    bool connected = json_is_true(json_object_get(status, "connected"));
    printf("device      %s\n", word(report, "device"));
    printf("server      %s%s%s\n", connected ? "online" : "offline",
           json_object_get(status, "trouble") ? ": " : "",
           json_object_get(status, "trouble") ? word(status, "trouble") : "");
    if (json_integer_value(json_object_get(report, "root")))
        printf("root        version %lld%s%s\n",
               json_integer_value(json_object_get(report, "root")),
               json_object_get(report, "rootRefusal") ? ": " : "",
               json_object_get(report, "rootRefusal")
                   ? word(json_object_get(report, "rootRefusal"), "message")
                   : "");
    printf("generation  %lld\n", json_integer_value(json_object_get(report, "generation")));
    printf("converged   %s\n", json_is_true(json_object_get(status, "converged")) ? "yes" : "no");
    if (json_array_size(json_object_get(report, "instances")))
        printf("\n%-24s %-12s %-8s %-12s %-9s %s\n", "INSTANCE", "VERSION", "STATE", "HEALTH",
               "FILES", "ENDPOINT");
    json_array_foreach (json_object_get(report, "instances"), i, row)
        printf("%-24s %-12s %-8s %-12s %-9s %s\n", word(row, "instance"), word(row, "version"),
               word(row, "state"), word(row, "health"), word(row, "integrity"),
               word(row, "endpoint"));
    json_array_foreach (json_object_get(report, "progress"), i, row)
        printf("%s%s: %s%s%s %s\n", i ? "" : "\n", word(row, "instance"), word(row, "state"),
               json_object_get(row, "denial") ? ", " : "",
               json_object_get(row, "denial") ? word(row, "denial") : "",
               json_object_get(row, "message") ? word(row, "message") : "");
}

static void print_models(const json_t *models)
{
    const json_t *row;
    size_t i;
    printf("%-24s %-12s %-28s %s\n", "NAME", "VERSION", "ENDPOINT", "PATH");
    json_array_foreach (json_object_get(models, "models"), i, row)
        printf("%-24s %-12s %-28s %s\n", word(row, "name"), word(row, "version"),
               word(row, "endpoint"), word(row, "path"));
}

static int show(const struct options *options, const char *name, void (*print)(const json_t *))
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_auto(kedge_json) json_t *json = NULL;
    struct kedge_err err;
    bool as_json = options->output && strcmp(options->output, "json") == 0;
    if (options->output && !as_json && strcmp(options->output, "text") != 0)
        return complain(NULL, "--output is neither text nor json");
    if (read_state(options, name, &json, &text, &err))
        return fail(&err);
    if (as_json)
        fwrite(text.data, 1, text.size, stdout);
    else
        print(json);
    return EXIT_SUCCESS;
}

static int verb_status(struct options *options)
{
    return show(options, "status.json", print_status);
}

static int verb_models(struct options *options)
{
    return show(options, "models.json", print_models);
}

/* --- the table of verbs --- */

static const struct {
    const char *name;
    int (*run)(struct options *options);
    const char *help;
    const char *options[16]; /* those that mean something to it */
} verbs[] = {
    {"run",
     verb_run,
     "Hold this device at what its server orders.",
     {"server", "name", "key", "passphrase-file", "root", "director-key", "release-key",
      "state-dir", "ca-file", "wait", "stop-models", "once", "config", "log-level", "log-json",
      "help"}},
    {"enroll",
     verb_enroll,
     "Join a fleet: with a token, or by the fingerprint that an operator approves.",
     {"server", "name", "token", "root-digest", "hardware", "state-dir", "key", "passphrase-file",
      "ca-file", "wait", "config", "help"}},
    {"rotate-key",
     verb_rotate,
     "Give this device a new key; the server must know the old one.",
     {"server", "name", "state-dir", "key", "passphrase-file", "ca-file", "config", "help"}},
    {"keygen",
     verb_keygen,
     "Make this device's key; prints the public half as the Device manifest wants it.",
     {"out", "output", "help"}},
    {"status", verb_status, "Show what the agent last noted.", {"state-dir", "output", "help"}},
    {"models",
     verb_models,
     "List what applications on this device can use.",
     {"state-dir", "output", "help"}},
};

static int print_help(size_t verb)
{
    printf("usage: kedge-agent %s [options]\n\n%s\n\n", verbs[verb].name, verbs[verb].help);
    for (size_t i = 0; i < KEDGE_COUNT(verbs[verb].options) && verbs[verb].options[i]; i++)
        for (size_t j = 0; j < KEDGE_COUNT(rows); j++) {
            if (strcmp(rows[j].name, verbs[verb].options[i]) != 0)
                continue;
            int width =
                printf("  %s--%s%s%s", strcmp(rows[j].name, "output") == 0 ? "-o, " : "",
                       rows[j].name, rows[j].value ? " " : "", rows[j].value ? rows[j].value : "");
            printf("%*s%s\n", width < 28 ? 28 - width : 1, "", rows[j].help);
        }
    return EXIT_SUCCESS;
}

static int print_overview(FILE *to)
{
    fprintf(to, "usage: kedge-agent <verb> [options]\n\n");
    for (size_t i = 0; i < KEDGE_COUNT(verbs); i++)
        fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    fprintf(to, "\n'kedge-agent <verb> --help' tells more; 'kedge-agent --version' says which.\n");
    return to == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    kedge_auto(options) struct options options = {0};
    struct kedge_err err;
    if (argc < 2)
        return print_overview(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_overview(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("kedge-agent " KEDGE_VERSION_TEXT);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < KEDGE_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, argv[1]) != 0)
            continue;
        int status = parse(argv[1], argc - 1, argv + 1, &options);
        if (status)
            return status;
        if (options.help)
            return print_help(i);
        if (kedge_key_init(&err))
            return fail(&err);
        return verbs[i].run(&options);
    }
    return complain(NULL, "unknown verb");
}
