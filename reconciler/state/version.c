/* SPDX-License-Identifier: Apache-2.0 */
#include "version.h"

#include <string.h>

#include "base/limits.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

bool kedge_version_take_number(const char **text, int64_t *number)
{
    const char *at = *text;
    int64_t value = 0;
    for (; is_digit(*at); at++) {
        if (at > *text && **text == '0')
            return false;
        value = 10 * value + (*at - '0');
        if (value > KEDGE_LIMIT_VERSION_NUMBER)
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    *number = value;
    return true;
}

/* Dot-separated identifiers after a sign. A numeric identifier of a prerelease has no leading zero.
 */
static bool take_identifiers(struct kedge_arena *arena, const char **text, bool leading_zeros,
                             const char **out)
{
    const char *first = *text + 1, *at = first;
    for (;;) {
        const char *part = at;
        bool numeric = true;
        for (; is_identifier(*at); at++)
            numeric &= is_digit(*at);
        if (at == part || (!leading_zeros && numeric && *part == '0' && at - part > 1))
            return false;
        if (*at != '.')
            break;
        at++;
    }
    *out = kedge_arena_strndup(arena, first, (size_t)(at - first));
    *text = at;
    return true;
}

bool kedge_version_take_suffix(struct kedge_arena *arena, const char **text,
                               struct kedge_version *out)
{
    const char *at = *text;
    const char *pre = NULL, *build = NULL;
    if (*at == '-' && !take_identifiers(arena, &at, false, &pre))
        return false;
    if (*at == '+' && !take_identifiers(arena, &at, true, &build))
        return false;
    *text = at;
    out->pre = pre;
    out->build = build;
    return true;
}

int kedge_version_parse(struct kedge_arena *arena, const char *text, struct kedge_version *out,
                        struct kedge_err *err)
{
    if (strlen(text) > KEDGE_LIMIT_VERSION)
        return kedge_err_set(err, KEDGE_INVALID, "version is longer than %d bytes",
                             KEDGE_LIMIT_VERSION);
    struct kedge_version version = {0};
    const char *at = text;
    bool core = kedge_version_take_number(&at, &version.major) && *at++ == '.' &&
                kedge_version_take_number(&at, &version.minor) && *at++ == '.' &&
                kedge_version_take_number(&at, &version.patch);
    if (!core || !kedge_version_take_suffix(arena, &at, &version) || *at != '\0')
        return kedge_err_set(err, KEDGE_INVALID,
                             "'%s' is not a semantic version; write one like '1.4.0' or "
                             "'2.0.0-rc.1'",
                             text);
    *out = version;
    return 0;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Numeric identifiers compare as numbers of any length and sort before the others. */
static int compare_identifiers(const char *a, size_t a_size, const char *b, size_t b_size)
{
    bool a_numeric = strspn(a, "0123456789") >= a_size;
    bool b_numeric = strspn(b, "0123456789") >= b_size;
    if (a_numeric != b_numeric)
        return a_numeric ? -1 : 1;
    if (a_numeric && a_size != b_size)
        return a_size < b_size ? -1 : 1;
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : compare_numbers((int64_t)a_size, (int64_t)b_size);
}

static int compare_prereleases(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a == NULL) - (b == NULL); /* a release comes after its prereleases */
    for (;;) {
        size_t a_size = strcspn(a, "."), b_size = strcspn(b, ".");
        int order = compare_identifiers(a, a_size, b, b_size);
        if (order != 0)
            return order;
        a += a_size;
        b += b_size;
        if (*a == '\0' || *b == '\0')
            return (*a != '\0') - (*b != '\0'); /* more identifiers come later */
        a++;
        b++;
    }
}

int kedge_version_compare(const struct kedge_version *a, const struct kedge_version *b)
{
    int order = compare_numbers(a->major, b->major);
    if (order == 0)
        order = compare_numbers(a->minor, b->minor);
    if (order == 0)
        order = compare_numbers(a->patch, b->patch);
    return order != 0 ? order : compare_prereleases(a->pre, b->pre);
}
