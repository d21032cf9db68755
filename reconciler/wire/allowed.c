/* SPDX-License-Identifier: Apache-2.0 */
#include "allowed.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"

#define PATTERN 1023 /* OpenSSH's: a longer one makes its whole list match nothing */

/* '*' any text, '?' any byte. Without recursion: only the last '*' is ever tried again. */
static bool matches_one(const char *text, struct kedge_slice pattern)
{
    const char *p = pattern.data, *end = pattern.data + pattern.size;
    const char *star = NULL, *retry = NULL;
    while (*text) {
        if (p < end && *p == '*') {
            star = p++;
            retry = text;
        } else if (p < end && (*p == '?' || *p == *text)) {
            p++;
            text++;
        } else if (star) {
            p = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*')
        p++;
    return p == end;
}

bool kedge_allowed_matches(const char *text, const char *patterns)
{
    bool found = false;
    for (const char *at = patterns; *at;) {
        bool negated = *at == '!';
        at += negated;
        struct kedge_slice pattern = {at, strcspn(at, ",")};
        if (pattern.size > PATTERN)
            return false;
        at += pattern.size + (at[pattern.size] == ',');
        if (!matches_one(text, pattern))
            continue;
        if (negated)
            return false;
        found = true;
    }
    return found;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct kedge_slice *text)
{
    while (text->size && is_space(*text->data))
        *text = (struct kedge_slice){text->data + 1, text->size - 1};
}

static struct kedge_slice take(struct kedge_slice *from, size_t size)
{
    struct kedge_slice taken = {from->data, size};
    *from = (struct kedge_slice){from->data + size, from->size - size};
    return taken;
}

/* Takes the next line, without its end. */
static bool take_line(struct kedge_slice *text, struct kedge_slice *line)
{
    if (text->size == 0)
        return false;
    const char *end = memchr(text->data, '\n', text->size);
    *line = take(text, end ? (size_t)(end - text->data) : text->size);
    if (end)
        take(text, 1);
    return true;
}

/* Bytes up to white space outside quotes; SIZE_MAX when a quote is left open. */
static size_t options_size(struct kedge_slice text)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < text.size && (quoted || !is_space(text.data[i])); i++) {
        if (text.data[i] == '\\' && i + 1 < text.size && text.data[i + 1] == '"')
            i++;
        else if (text.data[i] == '"')
            quoted = !quoted;
    }
    return quoted ? SIZE_MAX : i;
}

/* Takes `word` (any case) when it is next. */
static bool take_word(struct kedge_slice *text, const char *word)
{
    size_t size = strlen(word);
    if (text->size < size || strncasecmp(text->data, word, size) != 0)
        return false;
    take(text, size);
    return true;
}

/* A string in quotes, in which \" stands for a quote. NULL when it is not one. */
static const char *take_quoted(struct kedge_arena *arena, struct kedge_slice *text)
{
    if (!take_word(text, "\""))
        return NULL;
    char *out = kedge_arena_alloc(arena, text->size + 1);
    size_t size = 0;
    while (text->size && *text->data != '"') {
        if (*text->data == '\\' && text->size > 1 && text->data[1] == '"')
            take(text, 1);
        out[size++] = *take(text, 1).data;
    }
    return take_word(text, "\"") ? out : NULL;
}

/* YYYYMMDD[HHMM[SS]], with Z or UTC behind it where *utc. */
static bool parse_time(const char *text, kedge_ms *out, bool *utc)
{
    size_t size = strlen(text);
    size_t digits = strspn(text, "0123456789");
    char iso[32];
    *utc = digits < size;
    if (*utc && strcasecmp(text + digits, "Z") != 0 && strcasecmp(text + digits, "UTC") != 0)
        return false;
    if (digits != 8 && digits != 12 && digits != 14)
        return false;
    snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6,
             digits > 8 ? text + 8 : "00", digits > 8 ? text + 10 : "00",
             digits > 12 ? text + 12 : "00");
    return kedge_clock_parse(iso, out) && *out > 0;
}

/* Takes `name="time"`'s value. */
static const char *take_time(struct kedge_arena *arena, struct kedge_slice *text,
                             struct kedge_allowed_line *line, kedge_ms *out)
{
    bool utc;
    if (*out)
        return "an option stands here twice";
    const char *value = take_quoted(arena, text);
    if (!value || !parse_time(value, out, &utc))
        return "a time is not \"YYYYMMDD[HHMM[SS]]Z\"";
    if (!utc)
        line->problem = "a time without Z is taken as UTC, though OpenSSH takes it as local";
    return NULL;
}

/* One option into `line`, or none before a comma, as OpenSSH has it; what is wrong, or NULL. */
static const char *take_option(struct kedge_arena *arena, struct kedge_slice *text,
                               struct kedge_allowed_line *line)
{
    if (text->size && *text->data == ',')
        return NULL;
    if (take_word(text, "cert-authority")) {
        line->authority = true;
        return NULL;
    }
    if (take_word(text, "namespaces=")) {
        if (line->namespaces)
            return "an option stands here twice";
        line->namespaces = take_quoted(arena, text);
        return line->namespaces ? NULL : "namespaces are not in quotes";
    }
    if (take_word(text, "valid-after="))
        return take_time(arena, text, line, &line->after);
    if (take_word(text, "valid-before="))
        return take_time(arena, text, line, &line->before);
    return "unknown option";
}

static const char *read_options(struct kedge_arena *arena, struct kedge_slice text,
                                struct kedge_allowed_line *line)
{
    for (;;) {
        const char *problem = take_option(arena, &text, line);
        if (problem)
            return problem;
        if (text.size == 0)
            break;
        if (!take_word(&text, ","))
            return "unknown option";
    }
    if (line->after && line->before && line->before <= line->after)
        return "valid-before is not later than valid-after";
    return NULL;
}

static struct kedge_slice first_word(struct kedge_slice text)
{
    size_t size = 0;
    while (size < text.size && !is_space(text.data[size]))
        size++;
    return (struct kedge_slice){text.data, size};
}

/* The key at the front of `text`; what is wrong, or NULL. */
static const char *read_key(struct kedge_arena *arena, struct kedge_slice text,
                            struct kedge_sshkey *out)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    struct kedge_sshkey key;
    struct kedge_err err;
    if (text.size == 0)
        return "no key";
    if (kedge_sshkey_take(&text, &blob, &key, &err))
        return kedge_arena_strdup(arena, err.msg);
    key.application.data =
        kedge_arena_strndup(arena, key.application.data ? key.application.data : "",
                            key.application.size);
    *out = key;
    return NULL;
}

/* Takes the first word as OpenSSH's strdelimw does: up to white space, or on past a quote, which is
 * left out, to the next quote, where the word ends. NULL when there is none. */
static const char *take_principals(struct kedge_arena *arena, struct kedge_slice *text)
{
    char *out = kedge_arena_alloc(arena, text->size + 1);
    size_t size = 0;
    while (text->size && !is_space(*text->data) && *text->data != '"')
        out[size++] = *take(text, 1).data;
    if (!take_word(text, "\""))
        return out;
    while (text->size && *text->data != '"')
        out[size++] = *take(text, 1).data;
    return take_word(text, "\"") ? out : NULL;
}

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

/* What stops the line from counting, or NULL. */
static const char *read_line(struct kedge_arena *arena, struct kedge_slice text,
                             struct kedge_allowed_line *line)
{
    if (memchr(text.data, '\0', text.size))
        return "a NUL byte";
    line->principals = take_principals(arena, &text);
    if (!line->principals)
        return "principals in quotes that do not end";
    if (count_items(line->principals) > KEDGE_LIMIT_PRINCIPALS)
        return "too many principals: spread them over lines";
    skip_space(&text);
    if (!kedge_sshkey_is_name(first_word(text))) {
        size_t size = options_size(text);
        if (size == SIZE_MAX)
            return "an option in quotes that do not end";
        struct kedge_slice options = take(&text, size);
        const char *problem = options.size ? read_options(arena, options, line) : NULL;
        if (problem)
            return problem;
        skip_space(&text);
    }
    return read_key(arena, text, &line->key);
}

/* Takes the next line that says something; *number counts all lines. */
static bool take_entry(struct kedge_slice *text, uint32_t *number, struct kedge_slice *line)
{
    while (take_line(text, line)) {
        ++*number;
        skip_space(line);
        if (line->size && *line->data != '#')
            return true;
    }
    return false;
}

static size_t count_entries(struct kedge_slice text)
{
    size_t count = 0;
    uint32_t number = 0;
    for (struct kedge_slice line; take_entry(&text, &number, &line);)
        count++;
    return count;
}

int kedge_allowed_parse(struct kedge_arena *arena, struct kedge_slice text,
                        struct kedge_allowed *out, struct kedge_err *err)
{
    if (text.size > KEDGE_LIMIT_ALLOWED)
        return kedge_err_set(err, KEDGE_LIMIT, "allowed signers: %zu bytes, at most %zu are read",
                             text.size, KEDGE_LIMIT_ALLOWED);
    size_t count = count_entries(text);
    if (count > KEDGE_LIMIT_LIST)
        return kedge_err_set(err, KEDGE_LIMIT, "allowed signers: %zu lines, at most %d are read",
                             count, KEDGE_LIMIT_LIST);
    struct kedge_allowed_line *lines = kedge_arena_array(arena, count, sizeof *lines);
    uint32_t number = 0;
    struct kedge_slice rest;
    for (size_t i = 0; take_entry(&text, &number, &rest); i++) {
        lines[i].number = number;
        const char *problem = read_line(arena, rest, &lines[i]);
        lines[i].usable = !problem;
        if (problem)
            lines[i].problem = problem;
    }
    *out = (struct kedge_allowed){lines, (uint32_t)count};
    return 0;
}

static bool is_certified(const struct kedge_allowed_claim *claim)
{
    return claim->certificate && claim->certificate->kind != KEDGE_SSHCERT_NONE;
}

/* Is the line about the key, or, when it has a certificate, about the authority that gave it? */
static bool is_about(const struct kedge_allowed_line *line, const struct kedge_allowed_claim *claim)
{
    const struct kedge_sshkey *key =
        is_certified(claim) ? &claim->certificate->authority : claim->key;
    return line->usable && kedge_sshkey_equal(&line->key, key);
}

/* Some pattern matches; a '!' before one has no meaning (ssh-keygen -Y find-principals). */
static bool matches_any(const char *text, const char *patterns)
{
    const char *at = patterns;
    for (size_t size; (size = strcspn(at, ",")) > 0; at += size + (at[size] == ',')) {
        if (matches_one(text, (struct kedge_slice){at, size}))
            return true;
    }
    return false;
}

/* Appends, between commas, the principals of the certificate that match. Those that would read as
 * several there, or to Git, which takes one a line, are nobody's. */
static void add_certified(const struct kedge_sshcert *certificate, const char *patterns,
                          bool (*match)(const char *text, const char *patterns),
                          struct kedge_buf *out)
{
    struct kedge_slice rest = certificate->principals;
    for (struct kedge_slice one; kedge_sshcert_take_principal(&rest, &one);) {
        kedge_auto(kedge_buf) struct kedge_buf principal = {0};
        kedge_buf_add(&principal, one.data, one.size);
        if (one.size && !strpbrk(principal.data, ",\r\n") && match(principal.data, patterns))
            kedge_buf_printf(out, "%s%s", out->size ? "," : "", principal.data);
    }
}

void kedge_allowed_principals(const struct kedge_allowed_line *line,
                              const struct kedge_sshcert *certificate, struct kedge_buf *out)
{
    if (certificate && certificate->kind != KEDGE_SSHCERT_NONE)
        add_certified(certificate, line->principals, kedge_allowed_matches, out);
    else
        kedge_buf_puts(out, line->principals);
}

static const char *objection_to_certificate(const struct kedge_allowed_line *line,
                                            const struct kedge_allowed_claim *claim)
{
    kedge_auto(kedge_buf) struct kedge_buf shared = {0};
    const char *against = kedge_sshcert_objection(claim->certificate, claim->principal, claim->at);
    if (against || claim->principal)
        return against;
    add_certified(claim->certificate, line->principals, matches_any, &shared);
    return shared.size ? NULL : "its certificate names no principal of that line";
}

/* Why a line that is about it does not allow the claim, or NULL. */
static const char *objection(const struct kedge_allowed_line *line,
                             const struct kedge_allowed_claim *claim)
{
    if (line->authority && !is_certified(claim))
        return "it is a certificate authority, which does not sign itself";
    if (!line->authority && is_certified(claim))
        return "its certificate's authority is no cert-authority there";
    if (claim->principal && !kedge_allowed_matches(claim->principal, line->principals))
        return "it is not this principal's";
    if (line->namespaces && claim->name_space &&
        !kedge_allowed_matches(claim->name_space, line->namespaces))
        return "it is not for this namespace";
    if (line->after && claim->at < line->after)
        return "it was not valid yet";
    if (line->before && claim->at > line->before)
        return "it was not valid any more";
    return is_certified(claim) ? objection_to_certificate(line, claim) : NULL;
}

const struct kedge_allowed_line *kedge_allowed_match(const struct kedge_allowed *allowed,
                                                     const struct kedge_allowed_claim *claim,
                                                     struct kedge_err *err)
{
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    const char *why = "no line has it";
    uint32_t number = 0;
    for (uint32_t i = 0; i < allowed->count; i++) {
        const struct kedge_allowed_line *line = &allowed->lines[i];
        if (!is_about(line, claim))
            continue;
        const char *against = objection(line, claim);
        if (!against)
            return line;
        why = against;
        number = line->number;
    }
    kedge_sshkey_fingerprint(claim->key, fingerprint);
    if (number)
        kedge_err_set(err, KEDGE_DENIED, "key %s is not allowed to sign: line %u, %s", fingerprint,
                      number, why);
    else
        kedge_err_set(err, KEDGE_DENIED, "key %s is not allowed to sign: %s", fingerprint, why);
    return NULL;
}

/* The line whose principals are asked about: the first of the key, or of its certificate's authority,
 * that is valid then. Appends those principals. */
static const struct kedge_allowed_line *find_principals(const struct kedge_allowed *allowed,
                                                        const struct kedge_allowed_claim *claim,
                                                        struct kedge_buf *out)
{
    const struct kedge_allowed_claim open = {.key = claim->key,
                                             .certificate = claim->certificate,
                                             .at = claim->at};
    for (uint32_t i = 0; i < allowed->count; i++) {
        const struct kedge_allowed_line *line = &allowed->lines[i];
        if (!is_about(line, claim) || objection(line, &open))
            continue;
        if (is_certified(claim))
            add_certified(claim->certificate, line->principals, matches_any, out);
        else
            kedge_buf_puts(out, line->principals);
        return line;
    }
    return NULL;
}

const struct kedge_allowed_line *kedge_allowed_search(const struct kedge_allowed *allowed,
                                                      const struct kedge_allowed_claim *claim,
                                                      struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf principals = {0};
    const struct kedge_allowed_line *known = find_principals(allowed, claim, &principals);
    struct kedge_allowed_claim asked = *claim;
    asked.principal = NULL;
    if (!known)
        return kedge_allowed_match(allowed, &asked, err);
    struct kedge_err why; /* the last principal's: all of them must fail before it is one */
    kedge_err_set(&why, KEDGE_DENIED, "line %u names no principal", known->number);
    const char *at = principals.data ? principals.data : "";
    for (size_t size; (size = strcspn(at, ",")) > 0; at += size + (at[size] == ',')) {
        kedge_auto(kedge_buf) struct kedge_buf principal = {0};
        kedge_buf_add(&principal, at, size);
        asked.principal = principal.data;
        const struct kedge_allowed_line *line = kedge_allowed_match(allowed, &asked, &why);
        if (line)
            return line;
    }
    kedge_err_set(err, why.code, "%s", why.msg);
    return NULL;
}

int kedge_allowed_revoked(struct kedge_slice list, const struct kedge_sshkey *key,
                          const struct kedge_sshcert *certificate, bool *out, struct kedge_err *err)
{
    static const char krl[] = "SSHKRL\n";
    bool found = false;
    if (list.size > KEDGE_LIMIT_ALLOWED)
        return kedge_err_set(err, KEDGE_LIMIT, "revoked keys: %zu bytes, at most %zu are read",
                             list.size, KEDGE_LIMIT_ALLOWED);
    if (list.size >= strlen(krl) && memcmp(list.data, krl, strlen(krl)) == 0)
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "revoked keys: a binary KRL is not read, list the keys as text");
    uint32_t number = 0;
    for (struct kedge_slice line; take_entry(&list, &number, &line);) {
        kedge_auto(kedge_buf) struct kedge_buf blob = {0};
        struct kedge_sshkey revoked;
        struct kedge_slice type = first_word(line);
        bool known = kedge_sshkey_is_name(type);
        int code = kedge_sshcert_is_name(type) ? kedge_sshcert_take_key(&line, &blob, &revoked, err)
                                               : kedge_sshkey_take(&line, &blob, &revoked, err);
        if (code == KEDGE_UNSUPPORTED && known)
            continue;
        if (code)
            return kedge_err_wrap(err, "revoked keys: line %u", number);
        found = found || kedge_sshkey_equal(&revoked, key) ||
                (certificate && certificate->kind != KEDGE_SSHCERT_NONE &&
                 kedge_sshkey_equal(&revoked, &certificate->authority));
    }
    *out = found;
    return 0;
}
