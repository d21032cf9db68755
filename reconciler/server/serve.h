/* SPDX-License-Identifier: Apache-2.0 */
/* The shell around the server: what a process needs to run it, as a daemon or for one command. */
#pragma once

#include "server.h"
#include "source/git.h"
#include "wire/keyfile.h"

struct kedge_serve_options {
    const char *repository; /* URL of the Git repository; NULL: the one the store remembers */
    const char *path;       /* manifest root in it; NULL or "": the top */
    const char *store;      /* URL of the store */
    const char *mirror;     /* folder of the Git mirror; NULL: beside the store (PATH.git) */
    const char *key;        /* the director's key (wire/keyfile.h); NULL: nothing is signed */
    const char *passphrase; /* file with the passphrase of a sealed key, or NULL */
    kedge_keyfile_ask *ask; /* for it, where there is no such file; NULL: nobody can be asked */
    const char *roots;      /* folder of root documents, N.root.json; NULL: none */
    struct kedge_git_options git;
    kedge_ms interval;
    const char *cron, *zone; /* schedule instead of an interval; zone NULL: UTC */
    kedge_ms lifetime;       /* of an order */
    bool manual;             /* deliver only; `reconcile --once` and `apply` decide */
    bool accept_rewrite;

    /* who may change the repository (trust.h) */
    bool require_signatures, allow_unsigned;
    const char *trust_commit;         /* full id, or NULL */
    const char *allowed_signers;      /* file of the operator's, for the first commit; or NULL */
    const char *allowed_signers_path; /* of the file in the repository, or NULL */

    /* the daemon's */
    const char *listen;    /* "127.0.0.1:8411", "[::]:0"; NULL: KEDGE_SERVE_LISTEN */
    const char *port_file; /* gets the bound address in one line; NULL: none */
    const char *blobs;     /* folder of artifacts named by their SHA-256 in hex; NULL: none */
};

#define KEDGE_SERVE_LISTEN "127.0.0.1:8411"

/* Runs until SIGTERM or SIGINT: poll Git, reconcile, serve devices. Logs. KEDGE_CONFLICT: another
 * daemon has the store (the message names its pid). KEDGE_INVALID: an option is wrong. */
int kedge_serve_run(const struct kedge_serve_options *options,
                    struct kedge_err *err) KEDGE_MUST_CHECK;
