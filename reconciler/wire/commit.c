/* SPDX-License-Identifier: Apache-2.0 */
#include "commit.h"

#include <string.h>

#include "base/limits.h"

#define LAST_SECOND 253402300799LL /* of the year 9999 */

static bool starts_with(struct kedge_slice text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

/* Takes the next line with its end. */
static struct kedge_slice take_line(struct kedge_slice *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    struct kedge_slice line = {text->data, end ? (size_t)(end - text->data) + 1 : text->size};
    *text = (struct kedge_slice){text->data + line.size, text->size - line.size};
    return line;
}

/* What Git leaves out of what is signed. Only the first is read: the other belongs to the object's
 * twin in a SHA-256 repository. */
static const char *const left_out[] = {"gpgsig ", "gpgsig-sha256 "};

/* Index into `left_out` of a header line, or -1. */
static int find_left_out(struct kedge_slice line)
{
    for (size_t i = 0; i < KEDGE_COUNT(left_out); i++) {
        if (starts_with(line, left_out[i]))
            return (int)i;
    }
    return -1;
}

/* Parts the headers of `object`, up to and with the blank line, into `payload` and `signature`; what
 * is left of `object` is the message. */
static int split_headers(struct kedge_slice *object, struct kedge_buf *payload,
                         struct kedge_buf *signature, struct kedge_err *err)
{
    bool seen[KEDGE_COUNT(left_out)] = {0};
    int within = -1; /* index of the header whose lines these are */
    while (object->size) {
        struct kedge_slice line = take_line(object);
        if (memchr(line.data, '\0', line.size))
            return kedge_err_set(err, KEDGE_INVALID, "a header holds a NUL byte");
        if (*line.data == ' ' && within >= 0) {
            if (within == 0)
                kedge_buf_add(signature, line.data + 1, line.size - 1);
            continue;
        }
        within = find_left_out(line);
        if (within < 0) {
            if (starts_with(line, "gpgsig"))
                return kedge_err_set(err, KEDGE_INVALID, "a header 'gpgsig' is none that Git has");
            kedge_buf_add(payload, line.data, line.size);
            if (*line.data == '\n')
                return 0;
            continue;
        }
        if (seen[within])
            return kedge_err_set(err, KEDGE_INVALID, "it has two signatures");
        seen[within] = true;
        size_t name = strlen(left_out[within]);
        if (within == 0)
            kedge_buf_add(signature, line.data + name, line.size - name);
    }
    return 0;
}

/* The first header `name` in `payload`, without its end. */
static bool find_header(const struct kedge_buf *payload, const char *name, struct kedge_slice *out)
{
    struct kedge_slice rest = kedge_buf_slice(payload);
    while (rest.size) {
        struct kedge_slice line = take_line(&rest);
        if (*line.data == '\n')
            return false;
        if (starts_with(line, name)) {
            size_t size = strlen(name);
            *out = (struct kedge_slice){line.data + size,
                                        line.size - size - (line.data[line.size - 1] == '\n')};
            return true;
        }
    }
    return false;
}

/* Digits that are a second within four-digit years. */
static bool parse_seconds(const char *at, const char *end, kedge_ms *out)
{
    int64_t seconds = 0;
    const char *begin = at;
    for (; at < end && *at >= '0' && *at <= '9' && seconds <= LAST_SECOND; at++)
        seconds = seconds * 10 + (*at - '0');
    *out = seconds * 1000;
    return at > begin && seconds <= LAST_SECOND && (at == end || *at == ' ');
}

/* "Name <email> seconds zone": the email ends at the first '>' behind the first '<', the time stands
 * behind the last '>' (git's split_ident_line). */
static int read_ident(const char *name, struct kedge_commit *commit, struct kedge_err *err)
{
    struct kedge_slice line;
    if (!find_header(&commit->payload, name, &line))
        return kedge_err_set(err, KEDGE_INVALID, "it has no header '%s'", name);
    const char *end = line.data + line.size;
    const char *open = memchr(line.data, '<', line.size);
    const char *close = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
    const char *time = close ? (const char *)memrchr(line.data, '>', line.size) + 1 : NULL;
    while (time && time < end && *time == ' ')
        time++;
    if (!time || !parse_seconds(time, end, &commit->at))
        return kedge_err_set(err, KEDGE_INVALID, "its header '%s' names no person and time", name);
    commit->email = (struct kedge_slice){open + 1, (size_t)(close - open) - 1};
    return 0;
}

static int check_object(struct kedge_slice object, const char *first, struct kedge_err *err)
{
    if (object.size > KEDGE_LIMIT_GIT_COMMIT)
        return kedge_err_set(err, KEDGE_LIMIT, "it has %zu bytes, at most %zu are read",
                             object.size, KEDGE_LIMIT_GIT_COMMIT);
    if (!starts_with(object, first))
        return kedge_err_set(err, KEDGE_INVALID, "it does not start with '%s'", first);
    return 0;
}

/* Hands over or releases what was read. */
static int finish(int code, const char *what, struct kedge_commit *read, struct kedge_commit *out,
                  struct kedge_err *err)
{
    if (!code && read->signature.size == 0)
        code = kedge_err_set(err, KEDGE_DENIED, "it is not signed");
    if (code) {
        kedge_commit_release(read);
        return kedge_err_wrap(err, "%s", what);
    }
    *out = *read;
    return 0;
}

int kedge_commit_parse(struct kedge_slice object, struct kedge_commit *out, struct kedge_err *err)
{
    struct kedge_commit read = {0};
    int code = check_object(object, "tree ", err);
    if (!code)
        code = split_headers(&object, &read.payload, &read.signature, err);
    if (!code) {
        kedge_buf_add(&read.payload, object.data, object.size);
        code = read_ident("committer ", &read, err);
    }
    return finish(code, "commit", &read, out, err);
}

/* How signatures begin that Git knows. */
static const char *const armors[] = {
    "-----BEGIN SSH SIGNATURE-----",
    "-----BEGIN PGP SIGNATURE-----",
    "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN SIGNED MESSAGE-----",
};

static bool is_armor(struct kedge_slice line)
{
    for (size_t i = 0; i < KEDGE_COUNT(armors); i++) {
        if (starts_with(line, armors[i]))
            return true;
    }
    return false;
}

/* A tag's signature is the end of its message, from the last line that begins one. */
static size_t find_armor(struct kedge_slice object)
{
    struct kedge_slice rest = object;
    size_t found = object.size;
    while (rest.size) {
        struct kedge_slice line = take_line(&rest);
        if (is_armor(line))
            found = (size_t)(line.data - object.data);
    }
    return found;
}

int kedge_commit_parse_tag(struct kedge_slice object, struct kedge_commit *out,
                           struct kedge_err *err)
{
    struct kedge_commit read = {0};
    kedge_auto(kedge_buf) struct kedge_buf foreign = {0};
    int code = check_object(object, "object ", err);
    if (!code) {
        size_t armor = find_armor(object);
        kedge_buf_add(&read.signature, object.data + armor, object.size - armor);
        object.size = armor;
        code = split_headers(&object, &read.payload, &foreign, err);
    }
    if (!code && foreign.size)
        code = kedge_err_set(err, KEDGE_INVALID, "it has a signature among its headers");
    if (!code) {
        kedge_buf_add(&read.payload, object.data, object.size);
        code = read_ident("tagger ", &read, err);
        (void)find_header(&read.payload, "tag ", &read.name);
    }
    return finish(code, "tag", &read, out, err);
}

void kedge_commit_release(struct kedge_commit *commit)
{
    kedge_buf_release(&commit->payload);
    kedge_buf_release(&commit->signature);
    *commit = (struct kedge_commit){0};
}

void kedge_commit_auto(struct kedge_commit *commit)
{
    kedge_commit_release(commit);
}

int kedge_commit_verify(const struct kedge_commit *commit, const struct kedge_allowed *allowed,
                        struct kedge_slice revoked, struct kedge_buf *principals,
                        char fingerprint[KEDGE_SSHKEY_FINGERPRINT], struct kedge_err *err)
{
    kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
    const struct kedge_slice armor = kedge_buf_slice(&commit->signature);
    bool is_revoked = false;
    if (is_armor(armor) && !starts_with(armor, armors[0]))
        return kedge_err_set(err, KEDGE_UNSUPPORTED,
                             "it is signed with OpenPGP or X.509: sign with an SSH key");
    int code = kedge_sshsig_parse(armor, &signature, err);
    if (!code)
        code = kedge_sshsig_verify(&signature, KEDGE_SSHSIG_GIT, kedge_buf_slice(&commit->payload),
                                   err);
    if (!code)
        code = kedge_allowed_revoked(revoked, &signature.key, &signature.certificate, &is_revoked,
                                     err);
    if (code)
        return code;
    char text[KEDGE_SSHKEY_FINGERPRINT];
    kedge_sshkey_fingerprint(&signature.key, text);
    if (is_revoked)
        return kedge_err_set(err, KEDGE_DENIED, "key %s%s is revoked", text,
                             signature.certificate.kind ? " or its certificate's authority" : "");
    const struct kedge_allowed_claim claim = {&signature.key, &signature.certificate, NULL,
                                              KEDGE_SSHSIG_GIT, commit->at};
    const struct kedge_allowed_line *found = kedge_allowed_search(allowed, &claim, err);
    if (!found)
        return KEDGE_DENIED;
    kedge_allowed_principals(found, &signature.certificate, principals);
    memcpy(fingerprint, text, sizeof text);
    return 0;
}
