/* SPDX-License-Identifier: Apache-2.0 */
/* Every option of the program, once: an option means the same with every verb that takes it. */
#pragma once

#include "kedge/err.h"

enum kedge_option {
    KEDGE_OPTION_HELP,
    KEDGE_OPTION_VERSION,
    KEDGE_OPTION_DIRECTORY,
    KEDGE_OPTION_OUTPUT,
    KEDGE_OPTION_COLOR,
    KEDGE_OPTION_QUIET,
    KEDGE_OPTION_LOG_LEVEL,
    KEDGE_OPTION_LOG_FORMAT,
    KEDGE_OPTION_REPO,
    KEDGE_OPTION_REVISION,
    KEDGE_OPTION_PATH,
    KEDGE_OPTION_STATE_DIR,
    KEDGE_OPTION_STORE,
    KEDGE_OPTION_SERVER,
    KEDGE_OPTION_DIRECTOR_KEY,
    KEDGE_OPTION_PASSPHRASE_FILE,
    KEDGE_OPTION_PASSPHRASE,
    KEDGE_OPTION_BLOBS,
    KEDGE_OPTION_CA_FILE,
    KEDGE_OPTION_SSH_KEY,
    KEDGE_OPTION_KNOWN_HOSTS,
    KEDGE_OPTION_USERNAME,
    KEDGE_OPTION_PASSWORD_FILE,
    KEDGE_OPTION_INTERVAL,
    KEDGE_OPTION_CRON,
    KEDGE_OPTION_TIME_ZONE,
    KEDGE_OPTION_LIFETIME,
    KEDGE_OPTION_LISTEN,
    KEDGE_OPTION_PORT_FILE,
    KEDGE_OPTION_MANUAL,
    KEDGE_OPTION_ACCEPT_REWRITE,
    KEDGE_OPTION_REQUIRE_SIGNATURES,
    KEDGE_OPTION_ALLOW_UNSIGNED,
    KEDGE_OPTION_TRUST_COMMIT,
    KEDGE_OPTION_ALLOWED_SIGNERS_PATH,
    KEDGE_OPTION_ONCE,
    KEDGE_OPTION_BASE,
    KEDGE_OPTION_AS,
    KEDGE_OPTION_HEAD,
    KEDGE_OPTION_INVENTORY,
    KEDGE_OPTION_OUT,
    KEDGE_OPTION_DETAILED_EXITCODE,
    KEDGE_OPTION_ALL,
    KEDGE_OPTION_DEVICE,
    KEDGE_OPTION_INSTANCE,
    KEDGE_OPTION_COMMIT,
    KEDGE_OPTION_SINCE,
    KEDGE_OPTION_LIMIT,
    KEDGE_OPTION_FORMAT,
    KEDGE_OPTION_FOR,
    KEDGE_OPTION_TIMEOUT,
    KEDGE_OPTION_ALLOWED_SIGNERS,
    KEDGE_OPTION_REVOKED,
    KEDGE_OPTION_IDENTITY,
    KEDGE_OPTION_NAMESPACE,
    KEDGE_OPTION_SIGNATURE,
    KEDGE_OPTION_PUBKEY,
    KEDGE_OPTION_KEY,
    KEDGE_OPTION_ARTIFACT,
    KEDGE_OPTION_COUNTER,
    KEDGE_OPTION_PRINT_COMMENT,
    KEDGE_OPTION_THRESHOLD,
    KEDGE_OPTION_TYPE,
    KEDGE_OPTION_ROOT,
    KEDGE_OPTION_ROOTS,
    KEDGE_OPTION_ROLE,
    KEDGE_OPTION_ROOT_KEY,
    KEDGE_OPTION_DIRECTOR,
    KEDGE_OPTION_RELEASE,
    KEDGE_OPTION_EXPIRES,
    KEDGE_OPTION_SELECTOR,
    KEDGE_OPTION_DEPLOYMENT,
    KEDGE_OPTION_RECIPIENT,
    KEDGE_OPTION_HARDWARE,
    KEDGE_OPTION_FINGERPRINT,
    KEDGE_OPTION_AHEAD,
    KEDGE_OPTION_NOW,
    KEDGE_OPTION_VERIFY,
    KEDGE_OPTION_EXPORT,
    KEDGE_OPTION_EVIDENCE,
    KEDGE_OPTION_MAN,
    KEDGE_OPTION_COUNT
};

/* A set of options, as a verb lists those it takes. */
__extension__ typedef unsigned __int128 kedge_options;
#define KEDGE_OPTION(name) ((kedge_options)1 << KEDGE_OPTION_##name)
/* Taken by every verb. */
#define KEDGE_OPTIONS_GLOBAL                                                                       \
    (KEDGE_OPTION(HELP) | KEDGE_OPTION(VERSION) | KEDGE_OPTION(DIRECTORY) | KEDGE_OPTION(COLOR) |  \
     KEDGE_OPTION(QUIET) | KEDGE_OPTION(LOG_LEVEL) | KEDGE_OPTION(LOG_FORMAT))

struct kedge_option_row {
    const char *name;     /* without "--" */
    char letter;          /* 0: none */
    bool environment;     /* KEDGE_<NAME> stands in for it */
    const char *argument; /* what it takes, as help shows it; NULL: it is a flag */
    const char *preset;   /* value when it is not given */
    const char *choices;  /* "a|b": the values it takes; NULL: any */
    const char *help;     /* one line */
};
extern const struct kedge_option_row kedge_option_rows[KEDGE_OPTION_COUNT];

#define KEDGE_OPTION_GIVEN 256 /* options on one command line */

/* What was given; NULL: nothing. A flag that was given has "". */
struct kedge_option_values {
    const char *at[KEDGE_OPTION_COUNT]; /* the last of each */
    /* All in their order, for those that may be given several times. */
    struct kedge_option_given {
        enum kedge_option option;
        const char *value;
    } given[KEDGE_OPTION_GIVEN];
    size_t given_count;
};

/* Takes the options out of `arguments` (without the program's name), which may stand anywhere
 * before "--": `-x`, `-xVALUE`, `-x VALUE`, `--name`, `--name=VALUE`, `--name VALUE`. What is left
 * moves to the front in its order; *count becomes its number. KEDGE_INVALID says what is wrong and
 * what was probably meant. */
int kedge_option_parse(char **arguments, size_t *count, struct kedge_option_values *out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
/* Fills what was not given from the environment, then with presets, for the options in `set`; those
 * with choices are checked. */
int kedge_option_complete(struct kedge_option_values *values, kedge_options set,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
/* Is `word` one of "a|b|c"? */
bool kedge_option_is_choice(const char *choices, const char *word);
/* "KEDGE_DIRECTOR_KEY" of "director-key". */
#define KEDGE_OPTION_VARIABLE 48
const char *kedge_option_variable(const struct kedge_option_row *row,
                                  char text[KEDGE_OPTION_VARIABLE]);
