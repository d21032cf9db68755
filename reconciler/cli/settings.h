/* SPDX-License-Identifier: Apache-2.0 */
/* The command line as the server's options: one place where flags become settings. */
#pragma once

#include "command.h"
#include "server/serve.h"

/* Options whose strings live in `arena`. */
struct kedge_settings {
    struct kedge_serve_options options;
    struct kedge_arena arena;
};

/* The options that say where state is and how Git is reached: for every verb that opens a store. */
#define KEDGE_SETTINGS_OPTIONS                                                                     \
    (KEDGE_OPTION(REPO) | KEDGE_OPTION(REVISION) | KEDGE_OPTION(PATH) | KEDGE_OPTION(STATE_DIR) |  \
     KEDGE_OPTION(STORE) | KEDGE_OPTION(DIRECTOR_KEY) | KEDGE_OPTION(PASSPHRASE_FILE) |            \
     KEDGE_OPTION(ROOTS) | KEDGE_OPTION(LIFETIME) | KEDGE_OPTION(SSH_KEY) |                        \
     KEDGE_OPTION(KNOWN_HOSTS) | KEDGE_OPTION(USERNAME) | KEDGE_OPTION(PASSWORD_FILE) |            \
     KEDGE_OPTION(CA_FILE) | KEDGE_OPTION(ACCEPT_REWRITE) | KEDGE_OPTION(REQUIRE_SIGNATURES) |     \
     KEDGE_OPTION(ALLOW_UNSIGNED) | KEDGE_OPTION(TRUST_COMMIT) | KEDGE_OPTION(ALLOWED_SIGNERS) |   \
     KEDGE_OPTION(ALLOWED_SIGNERS_PATH))

/* `signing`: a director's key is needed; KEDGE_NOTFOUND says how to make one. Release the settings
 * whatever it returns. */
int kedge_settings_fill(struct kedge_call *call, bool signing, struct kedge_settings *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
/* The value of an option that takes a span, in ms; *out stays where it was not given. */
int kedge_settings_span(struct kedge_call *call, enum kedge_option option, kedge_ms *out,
                        struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_settings_auto(struct kedge_settings *settings);
