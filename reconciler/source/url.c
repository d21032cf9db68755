/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/limits.h"

void kedge_url_release(struct kedge_url *url)
{
    free(url->text);
    free(url->user);
    free(url->host);
    free(url->port);
    free(url->path);
    *url = (struct kedge_url){0};
}

void kedge_url_auto(struct kedge_url *url)
{
    kedge_url_release(url);
}

static char *copy(const char *text, size_t size)
{
    char *out = kedge_alloc_zeroed(size + 1);
    memcpy(out, text, size);
    return out;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `text` without its %XX, NULL when one is malformed. */
static char *decode(const char *text)
{
    char *out = kedge_alloc_zeroed(strlen(text) + 1), *to = out;
    while (*text) {
        if (*text != '%') {
            *to++ = *text++;
            continue;
        }
        int high = hex(text[1]), low = high < 0 ? -1 : hex(text[2]);
        if (low < 0) {
            free(out);
            return NULL;
        }
        *to++ = (char)(high << 4 | low);
        text += 3;
    }
    return out;
}

static bool only(const char *text, const char *allowed)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (; *text; text++) {
        if (!strchr(letters, *text) && !strchr(allowed, *text))
            return false;
    }
    return true;
}

static bool clean(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

/* user@host:port, each part checked: they become arguments of ssh. */
static int parse_authority(const char *text, size_t size, struct kedge_url *url,
                           struct kedge_err *err)
{
    const char *end = text + size, *at = memrchr(text, '@', size);
    if (at) {
        if (memchr(text, ':', (size_t)(at - text)))
            return kedge_err_set(err, KEDGE_INVALID,
                                 "the url holds a password: put it in a credentials file");
        url->user = copy(text, (size_t)(at - text));
        text = at + 1;
    }
    bool bracket = text < end && *text == '[';
    const char *close = bracket ? memchr(text, ']', (size_t)(end - text)) : NULL;
    const char *from = close ? close : text;
    const char *colon = memchr(from, ':', (size_t)(end - from));
    if (colon)
        url->port = copy(colon + 1, (size_t)(end - colon - 1));
    if (!colon)
        colon = end;
    url->host =
        close ? copy(text + 1, (size_t)(close - text - 1)) : copy(text, (size_t)(colon - text));
    bool valid = *url->host && *url->host != '-' && only(url->host, bracket ? ":.%-_" : ".-_") &&
                 (!close || close + 1 == colon) && (!bracket || close);
    if (!valid)
        return kedge_err_set(err, KEDGE_INVALID, "the url's host is malformed");
    if (url->port && (!*url->port || strlen(url->port) > 5 ||
                      strspn(url->port, "0123456789") != strlen(url->port)))
        return kedge_err_set(err, KEDGE_INVALID, "the url's port is not a number");
    if (url->user && (!*url->user || *url->user == '-' || !only(url->user, "._+~-")))
        return kedge_err_set(err, KEDGE_INVALID, "the url's user is malformed");
    return 0;
}

static int set_path(struct kedge_url *url, char *path, struct kedge_err *err)
{
    url->path = path;
    if (!path || !*path || !clean(path))
        return kedge_err_set(err, KEDGE_INVALID, "the url's path is malformed");
    return 0;
}

static int parse_local(const char *path, bool encoded, struct kedge_url *url, struct kedge_err *err)
{
    int rc = set_path(url, encoded ? decode(path) : kedge_alloc_strdup(path), err);
    if (rc < 0)
        return rc;
    if (*url->path != '/') {
        char folder[KEDGE_LIMIT_PATH];
        struct kedge_buf absolute = {0};
        if (!getcwd(folder, sizeof folder))
            return kedge_err_set(err, KEDGE_IO, "the working folder has no path");
        kedge_buf_printf(&absolute, "%s/%s", folder, url->path);
        free(url->path);
        url->path = kedge_buf_take(&absolute);
    }
    url->text = kedge_alloc_strdup(url->path);
    return 0;
}

/* user@host:path, as scp takes it. The path is as it is, relative to the home of `user`. */
static int parse_scp(const char *text, const char *colon, struct kedge_url *url,
                     struct kedge_err *err)
{
    url->scheme = KEDGE_URL_SSH;
    url->text = kedge_alloc_strdup(text);
    int rc = parse_authority(text, (size_t)(colon - text), url, err);
    return rc < 0 ? rc : set_path(url, kedge_alloc_strdup(colon + 1), err);
}

static int parse_remote(const char *text, const char *rest, enum kedge_url_scheme scheme,
                        struct kedge_url *url, struct kedge_err *err)
{
    size_t authority = strcspn(rest, "/");
    url->scheme = scheme;
    url->text = kedge_alloc_strdup(text);
    int rc = parse_authority(rest, authority, url, err);
    return rc < 0 ? rc : set_path(url, decode(rest + authority), err);
}

static int parse(const char *text, struct kedge_url *url, struct kedge_err *err)
{
    const char *rest = strstr(text, "://");
    size_t scheme = rest ? (size_t)(rest - text) : 0;
    if (!*text || strlen(text) >= KEDGE_LIMIT_PATH)
        return kedge_err_set(err, KEDGE_INVALID, "the url is empty or too long");
    if (!rest) {
        const char *colon = strchr(text, ':');
        bool scp = colon && (size_t)(colon - text) < strcspn(text, "/");
        return scp ? parse_scp(text, colon, url, err) : parse_local(text, false, url, err);
    }
    rest += 3;
    if (scheme == 5 && memcmp(text, "https", scheme) == 0)
        return parse_remote(text, rest, KEDGE_URL_HTTPS, url, err);
    if (scheme == 3 && memcmp(text, "ssh", scheme) == 0)
        return parse_remote(text, rest, KEDGE_URL_SSH, url, err);
    if (scheme == 4 && memcmp(text, "file", scheme) == 0 && *rest == '/')
        return parse_local(rest, true, url, err);
    return kedge_err_set(err, KEDGE_UNSUPPORTED, "use a path, file:///path, ssh: or https:");
}

int kedge_url_parse(const char *text, struct kedge_url *out, struct kedge_err *err)
{
    kedge_auto(kedge_url) struct kedge_url url = {0};
    int rc = parse(text, &url, err);
    if (rc < 0)
        return rc;
    *out = url;
    url = (struct kedge_url){0};
    return 0;
}
