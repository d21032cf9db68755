/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a secret is for, as the command line says it: devices by name, by label or by deployment, and
 * further recipients. */
#pragma once

#include "ask.h"
#include "wire/age.h"

/* What a verb that needs it takes. */
#define KEDGE_AUDIENCE_OPTIONS                                                                     \
    (KEDGE_ASK_OPTIONS | KEDGE_OPTION(PATH) | KEDGE_OPTION(DEVICE) | KEDGE_OPTION(SELECTOR) |      \
     KEDGE_OPTION(DEPLOYMENT) | KEDGE_OPTION(RECIPIENT))

struct kedge_audience_member {
    const char *device; /* NULL: given with --recipient */
    struct kedge_age_recipient recipient;
};

/* All-zero is empty. */
struct kedge_audience {
    struct kedge_arena arena;
    struct kedge_buf members; /* struct kedge_audience_member: devices by name, then the others */
};
void kedge_audience_auto(struct kedge_audience *audience);
size_t kedge_audience_count(const struct kedge_audience *audience);
const struct kedge_audience_member *kedge_audience_at(const struct kedge_audience *audience,
                                                      size_t index);

/* Reads the manifests of the repository around the current folder, where devices are asked for. The
 * key of a device that they do not name is asked of the server or store, where one is given.
 * KEDGE_NOTFOUND names what is not there, KEDGE_INVALID is no audience at all. */
int kedge_audience_gather(struct kedge_call *call, struct kedge_audience *out,
                          struct kedge_err *err) KEDGE_MUST_CHECK;
