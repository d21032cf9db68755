/* SPDX-License-Identifier: Apache-2.0 */
/* One error type for every floor.
 *
 * A function that can fail returns 0 or a negative `enum kedge_code`, takes `struct kedge_err *` as
 * its last parameter and fills it on failure only. The struct lives on the caller's stack, is never
 * allocated and has meaning only after a non-zero return. Outputs are written only on success.
 *
 * Messages: lower case, no full stop, subjects in single quotes, what failed first, then why, then
 * what to do. Wrap once per floor; never replace the lower text. */
#pragma once

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Closed list. Each code says what the caller should do; the same words appear in JSON, metrics and
 * refusals. */
enum kedge_code {
    KEDGE_OK = 0,
    KEDGE_INVALID = -1,      /* the input is wrong: fix it */
    KEDGE_NOTFOUND = -2,     /* it does not exist */
    KEDGE_EXISTS = -3,       /* it exists already */
    KEDGE_CONFLICT = -4,     /* something moved: read again and retry */
    KEDGE_DENIED = -5,       /* signature, key or right refused */
    KEDGE_UNAVAILABLE = -6,  /* try again later, with back-off */
    KEDGE_TIMEOUT = -7,      /* no answer in time */
    KEDGE_CORRUPT = -8,      /* stop and keep the evidence */
    KEDGE_LIMIT = -9,        /* larger than kedge accepts */
    KEDGE_UNSUPPORTED = -10, /* understood, but not something kedge does */
    KEDGE_IO = -11,          /* the operating system refused; `sys` holds errno */
    KEDGE_INTERNAL = -12,    /* a bug of ours */
};

#define KEDGE_ERR_TEXT 512

struct kedge_err {
    enum kedge_code code;
    int sys; /* errno where the operating system failed, else 0 */
    char msg[KEDGE_ERR_TEXT];
};

/* Fills `err` and returns `code`. Text that does not fit is cut on a UTF-8 boundary. `err` may be
 * NULL. */
int kedge_err_set(struct kedge_err *err, enum kedge_code code, const char *format, ...)
    KEDGE_PRINTF(3, 4);

/* As kedge_err_set with KEDGE_IO (KEDGE_LIMIT for ENOSPC/EDQUOT/EFBIG, KEDGE_NOTFOUND for ENOENT,
 * KEDGE_EXISTS for EEXIST, KEDGE_DENIED for EACCES/EPERM): appends ": " and the text of `sys`, an
 * errno value. */
int kedge_err_sys(struct kedge_err *err, int sys, const char *format, ...) KEDGE_PRINTF(3, 4);

/* Puts "<text>: " before the message; returns the code already in `err`, which is kept. */
int kedge_err_wrap(struct kedge_err *err, const char *format, ...) KEDGE_PRINTF(2, 3);

/* "invalid", "notfound", ...; "ok" for KEDGE_OK. Never NULL. */
const char *kedge_code_name(int code);

#ifdef __cplusplus
}
#endif
