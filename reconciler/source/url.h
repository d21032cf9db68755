/* SPDX-License-Identifier: Apache-2.0 */
/* Where a repository is: a path, file:, ssh: or https:, taken apart and checked. */
#pragma once

#include "kedge/err.h"

enum kedge_url_scheme { KEDGE_URL_FILE, KEDGE_URL_SSH, KEDGE_URL_HTTPS };

struct kedge_url {
    enum kedge_url_scheme scheme;
    char *text; /* as libgit2 takes it: an absolute path for a local repository */
    char *user; /* or NULL */
    char *host; /* NULL for file:; never begins with '-' */
    char *port; /* digits, or NULL */
    char *path; /* %XX decoded; no control characters */
};

/* KEDGE_UNSUPPORTED: another scheme (http: and git: prove neither side). KEDGE_INVALID: a password
 * inside, or a part that is malformed. */
int kedge_url_parse(const char *text, struct kedge_url *out,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_url_release(struct kedge_url *url);
void kedge_url_auto(struct kedge_url *url);
