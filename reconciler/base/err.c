/* SPDX-License-Identifier: Apache-2.0 */
#include "kedge/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
    [-KEDGE_OK] = "ok",
    [-KEDGE_INVALID] = "invalid",
    [-KEDGE_NOTFOUND] = "notfound",
    [-KEDGE_EXISTS] = "exists",
    [-KEDGE_CONFLICT] = "conflict",
    [-KEDGE_DENIED] = "denied",
    [-KEDGE_UNAVAILABLE] = "unavailable",
    [-KEDGE_TIMEOUT] = "timeout",
    [-KEDGE_CORRUPT] = "corrupt",
    [-KEDGE_LIMIT] = "limit",
    [-KEDGE_UNSUPPORTED] = "unsupported",
    [-KEDGE_IO] = "io",
    [-KEDGE_INTERNAL] = "internal",
};

const char *kedge_code_name(int code)
{
    if (code > 0 || code < KEDGE_INTERNAL)
        return code_names[-KEDGE_INTERNAL];
    return code_names[-code];
}

/* Drops a character that the end of the room cut in two. */
static void cut_on_boundary(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length - (start - 1) < need)
        text[start - 1] = '\0';
}

/* The message is built aside first, because arguments may point into `err`. */
static void fill(struct kedge_err *err, enum kedge_code code, int sys, const char *text,
                 const char *joint, const char *rest)
{
    char message[KEDGE_ERR_TEXT];
    int length = snprintf(message, sizeof message, "%s%s%s", text, joint, rest);
    if (length >= (int)sizeof message)
        cut_on_boundary(message, sizeof message - 1);
    err->code = code;
    err->sys = sys;
    memcpy(err->msg, message, sizeof message);
}

int kedge_err_set(struct kedge_err *err, enum kedge_code code, const char *format, ...)
{
    if (!err)
        return code;
    char text[KEDGE_ERR_TEXT + 1]; /* one more, so that fill() sees a cut */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fill(err, code, 0, text, "", "");
    return code;
}

static enum kedge_code code_of(int sys)
{
    switch (sys) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return KEDGE_LIMIT;
    case ENOENT:
        return KEDGE_NOTFOUND;
    case EEXIST:
        return KEDGE_EXISTS;
    case EACCES:
    case EPERM:
        return KEDGE_DENIED;
    default:
        return KEDGE_IO;
    }
}

int kedge_err_sys(struct kedge_err *err, int sys, const char *format, ...)
{
    enum kedge_code code = code_of(sys);
    if (!err)
        return code;
    char text[KEDGE_ERR_TEXT + 1];
    char reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fill(err, code, sys, text, ": ", strerror_r(sys, reason, sizeof reason));
    return code;
}

int kedge_err_wrap(struct kedge_err *err, const char *format, ...)
{
    if (!err)
        return KEDGE_INTERNAL;
    char text[KEDGE_ERR_TEXT + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fill(err, err->code, err->sys, text, ": ", err->msg);
    return err->code;
}
