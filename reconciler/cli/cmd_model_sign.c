/* SPDX-License-Identifier: Apache-2.0 */
/* A release signature over the artifact of a version, and its place in the manifest. */
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "kedge/artifact.h"
#include "manifest/edit.h"
#include "net/httpc.h"
#include "passphrase.h"
#include "place.h"
#include "print.h"
#include "revision.h"
#include "wire/vouch.h"

#define PIECE   KEDGE_MIB(1)
#define CONTEXT 3 /* lines around a change */

/* What is signed, and what becomes of its manifest. */
struct signing {
    struct kedge_call *call;
    struct kedge_revision revision;
    const struct kedge_release *release;
    struct kedge_position at;
    struct kedge_release_claim claim;
    struct kedge_buf before, after; /* the file */
    struct kedge_buf ids;           /* of the keys, one a line */
};

static void signing_auto(struct signing *signing)
{
    kedge_revision_release(&signing->revision);
    kedge_buf_release(&signing->before);
    kedge_buf_release(&signing->after);
    kedge_buf_release(&signing->ids);
}

static void artifact_auto(struct kedge_artifact **artifact)
{
    kedge_artifact_close(*artifact);
}

/* --- what is signed --------------------------------------------------------------------------- */

static void find_release(struct signing *signing, const char *model, const char *version)
{
    const struct kedge_specs *specs = signing->revision.specs;
    const struct kedge_model_version *row;
    struct kedge_table_iter iter = {0};
    while ((row = kedge_table_next(specs->kinds[KEDGE_KIND_MODEL_VERSION], &iter)))
        if (strcmp(row->model, model) == 0 && strcmp(row->release.version_text, version) == 0) {
            signing->release = &row->release;
            signing->at = row->object.at;
            return;
        }
    const struct kedge_application *application =
        kedge_spec_find(specs, KEDGE_KIND_APPLICATION, model);
    if (application && strcmp(application->release.version_text, version) == 0) {
        signing->release = &application->release;
        signing->at = application->object.at;
    }
}

/* The highest counter that a signature of one of the model's versions names. */
static int64_t highest_counter(const struct kedge_specs *specs, const char *model)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_model_version *row;
    struct kedge_table_iter iter = {0};
    int64_t highest = 0;
    while ((row = kedge_table_next(specs->kinds[KEDGE_KIND_MODEL_VERSION], &iter)))
        for (uint32_t i = 0; strcmp(row->model, model) == 0 && i < row->release.signature_count;
             i++) {
            const char *value = row->release.signatures[i].value;
            struct kedge_minisign parsed;
            struct kedge_release_claim claim;
            struct kedge_err ignored; /* what does not read is not counted */
            if (!kedge_minisign_parse((struct kedge_slice){value, strlen(value)}, &parsed,
                                      &ignored) &&
                !kedge_release_read(&arena, parsed.trusted, &claim, &ignored) &&
                claim.counter > highest)
                highest = claim.counter;
        }
    return highest;
}

static int take_counter(struct signing *signing, struct kedge_err *err)
{
    const char *text = kedge_command_value(signing->call, KEDGE_OPTION_COUNTER);
    char *end;
    if (!text) {
        signing->claim.counter = highest_counter(signing->revision.specs, signing->claim.model);
        return 0;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > KEDGE_LIMIT_VERSION_NUMBER)
        return kedge_command_misuse(signing->call, err, "'--counter' takes 0 to 2^53 - 1, not '%s'",
                                    text);
    signing->claim.counter = value;
    return 0;
}

static int load(struct signing *signing, struct kedge_err *err)
{
    const char *model = signing->call->operands[0], *version = signing->call->operands[1];
    int code = kedge_revision_read(".", &signing->revision, err);
    if (code)
        return code;
    if (!signing->revision.specs)
        return kedge_err_set(err, KEDGE_INVALID,
                             "the manifests have %zu errors: 'kedge validate' shows them",
                             signing->revision.findings.errors);
    find_release(signing, model, version);
    if (!signing->release)
        return kedge_err_set(err, KEDGE_NOTFOUND, "no manifest declares version '%s' of '%s'",
                             version, model);
    if (!signing->release->artifact.url)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' has no artifact of its own to sign", model);
    const struct kedge_artifact_ref *artifact = &signing->release->artifact;
    signing->claim = (struct kedge_release_claim){
        .model = model,
        .version = version,
        .digest = artifact->digest,
        .size = artifact->size,
        .runtime = kedge_assignment_runtime(artifact->format, &signing->release->runtime),
    };
    return take_counter(signing, err);
}

/* --- its bytes -------------------------------------------------------------------------------- */

/* Where the artifact is read from: a file, or a driver. */
struct source {
    int fd;
    struct kedge_artifact *remote;
};

static int read_piece(const struct source *source, char *data, size_t *got, struct kedge_err *err)
{
    if (source->remote)
        return source->remote->ops->read(source->remote, data, PIECE, got, err);
    ssize_t count;
    do
        count = read(source->fd, data, PIECE);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return kedge_err_sys(err, errno, "cannot read the artifact");
    *got = (size_t)count;
    return 0;
}

/* No byte beyond the size is read, and none is signed that the manifest does not name. */
static int hash(const struct signing *signing, const struct source *source,
                uint8_t out[KEDGE_RELEASE_HASH], struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf piece = {0};
    kedge_auto(kedge_digest) struct kedge_digest_state *sha = kedge_digest_begin();
    kedge_auto(kedge_release) struct kedge_release_state *blake = kedge_release_begin();
    const struct kedge_artifact_ref *artifact = &signing->release->artifact;
    char is[KEDGE_DIGEST_TEXT], should[KEDGE_DIGEST_TEXT];
    int64_t size = 0;
    kedge_buf_reserve(&piece, PIECE);
    for (size_t got = 1; got && size <= artifact->size; size += (int64_t)got) {
        int code = read_piece(source, piece.data, &got, err);
        if (code)
            return code;
        kedge_digest_update(sha, piece.data, got);
        kedge_release_update(blake, piece.data, got);
    }
    if (size != artifact->size)
        return kedge_err_set(err, KEDGE_CORRUPT,
                             "the artifact has %s%lld bytes, the manifest says %lld",
                             size > artifact->size ? "more than " : "",
                             (long long)(size > artifact->size ? artifact->size : size),
                             (long long)artifact->size);
    struct kedge_digest found = kedge_digest_finish(sha);
    if (!kedge_digest_equal(&found, &artifact->digest))
        return kedge_err_set(err, KEDGE_CORRUPT, "the artifact has digest %s, the manifest says %s",
                             kedge_digest_format(&found, is),
                             kedge_digest_format(&artifact->digest, should));
    kedge_release_finish(blake, out);
    return 0;
}

static int open_remote(const struct signing *signing, struct kedge_artifact **out,
                       struct kedge_err *err)
{
    const struct kedge_artifact_ref *artifact = &signing->release->artifact;
    const struct kedge_artifact_origin origin = {
        .url = artifact->url,
        .digest = artifact->digest,
        .ca_file = kedge_command_value(signing->call, KEDGE_OPTION_CA_FILE),
    };
    int64_t offset = 0;
    int code = kedge_httpc_init(err);
    if (!code && kedge_artifact_open(&origin, &offset, out, err))
        code = kedge_err_wrap(err, "the artifact is not among the hub's blobs here (--blobs), nor "
                                   "given (--artifact)");
    return code;
}

/* From --artifact, else the hub's blobs, else where the manifest says. */
static int hash_artifact(const struct signing *signing, uint8_t out[KEDGE_RELEASE_HASH],
                         struct kedge_err *err)
{
    const char *path = kedge_command_value(signing->call, KEDGE_OPTION_ARTIFACT);
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    kedge_auto(artifact) struct kedge_artifact *remote = NULL;
    char hex[KEDGE_DIGEST_HEX];
    kedge_place_of(signing->call, KEDGE_OPTION_BLOBS, "blobs", &blob);
    kedge_buf_printf(&blob, "/%s",
                     kedge_hex_encode(signing->release->artifact.digest.bytes, KEDGE_DIGEST_SIZE,
                                      hex));
    kedge_auto(kedge_fd) int fd = open(path ? path : blob.data, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && path)
        return kedge_err_sys(err, errno, "cannot open '%s'", path);
    int code = fd < 0 ? open_remote(signing, &remote, err) : 0;
    return code ? code : hash(signing, &(struct source){fd, remote}, out, err);
}

/* --- signatures ------------------------------------------------------------------------------- */

/* Puts one into the file's text; several follow each other. */
static int write_signature(struct signing *signing, const char *value, struct kedge_err *err)
{
    struct kedge_vouch vouch;
    int code = kedge_vouch_read(value, &signing->claim, &vouch, err);
    if (code)
        return code;
    const struct kedge_signature signature = {.key_id = vouch.key_id, .value = value};
    kedge_auto(kedge_buf) struct kedge_buf edited = {0};
    code = kedge_edit_sign(kedge_buf_slice(&signing->after), signing->at.line, &signature, &edited,
                           err);
    if (code)
        return kedge_err_wrap(err, "%s:%u", signing->at.file, signing->at.line);
    kedge_buf_release(&signing->after);
    signing->after = edited;
    edited = (struct kedge_buf){0};
    signing->claim.counter = vouch.counter;
    kedge_buf_printf(&signing->ids, "%s\n", vouch.key_id);
    return 0;
}

/* Made elsewhere: lines may end as on other systems. */
static int add_file(struct signing *signing, const char *path, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, value = {0};
    int code = kedge_fs_read(AT_FDCWD, path, KEDGE_LIMIT_STRING, &text, err);
    if (code)
        return code;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != '\r')
            kedge_buf_putc(&value, text.data[i]);
    if (!value.size || value.data[value.size - 1] != '\n')
        kedge_buf_putc(&value, '\n');
    if (strlen(value.data) != value.size)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' holds a NUL byte", path);
    code = write_signature(signing, value.data, err);
    return code ? kedge_err_wrap(err, "'%s'", path) : 0;
}

static int sign(struct signing *signing, const char *source, const uint8_t *bytes,
                struct kedge_err *err)
{
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    kedge_auto(kedge_buf) struct kedge_buf value = {0};
    int code = kedge_passphrase_load(signing->call, source, &key, err);
    if (!code)
        code = kedge_release_sign(key, bytes, &signing->claim, &value, err);
    return code ? code : write_signature(signing, value.data, err);
}

static int add_all(struct signing *signing, struct kedge_err *err)
{
    const struct kedge_option_values *options = &signing->call->options;
    uint8_t bytes[KEDGE_RELEASE_HASH];
    int code = 0;
    if (kedge_command_has(signing->call, KEDGE_OPTION_KEY))
        code = hash_artifact(signing, bytes, err);
    for (size_t i = 0; !code && i < options->given_count; i++) {
        const struct kedge_option_given *given = &options->given[i];
        if (given->option == KEDGE_OPTION_KEY)
            code = sign(signing, given->value, bytes, err);
        else if (given->option == KEDGE_OPTION_SIGNATURE)
            code = add_file(signing, given->value, err);
    }
    return code;
}

/* --- what changed ----------------------------------------------------------------------------- */

static size_t next_line(const struct kedge_buf *text, size_t at)
{
    const char *end = memchr(text->data + at, '\n', text->size - at);
    return end ? (size_t)(end + 1 - text->data) : text->size;
}

/* The lines from `from` to `to`, each behind `mark`. */
static void show_lines(const struct signing *signing, const struct kedge_buf *text, size_t from,
                       size_t to, const char *mark, enum kedge_print_style style)
{
    struct kedge_call *call = signing->call;
    for (size_t at = from, next; at < to; at = next) {
        next = next_line(text, at);
        size_t size = next - at - (text->data[next - 1] == '\n');
        kedge_auto(kedge_buf) struct kedge_buf line = {0};
        kedge_buf_puts(&line, mark);
        kedge_buf_add(&line, text->data + at, size);
        kedge_print_styled(&call->out, call->color, style, line.data);
        kedge_buf_putc(&call->out, '\n');
    }
}

/* The start of the line that lies `lines` before `at`, itself a start. */
static size_t lines_before(const struct kedge_buf *text, size_t at, int lines)
{
    while (at && lines--)
        for (at--; at && text->data[at - 1] != '\n';)
            at--;
    return at;
}

static size_t lines_behind(const struct kedge_buf *text, size_t at, int lines)
{
    while (at < text->size && lines--)
        at = next_line(text, at);
    return at;
}

/* One change in one place: what both have in front and behind is left out, whole lines. */
static void show_diff(const struct signing *signing)
{
    const struct kedge_buf *old = &signing->before, *new = &signing->after;
    size_t least = old->size < new->size ? old->size : new->size, start = 0, end = 0;
    while (start < least && old->data[start] == new->data[start])
        start++;
    while (start && old->data[start - 1] != '\n')
        start--;
    while (end < least - start && old->data[old->size - 1 - end] == new->data[new->size - 1 - end])
        end++;
    while (end && (old->size - end > start || new->size - end > start) &&
           !((old->size == end || old->data[old->size - end - 1] == '\n') &&
             new->data[new->size - end - 1] == '\n'))
        end--;
    size_t behind = old->size - end;
    kedge_buf_printf(&signing->call->out, "%s\n", signing->at.file);
    show_lines(signing, old, lines_before(old, start, CONTEXT), start, " ", KEDGE_PRINT_PLAIN);
    show_lines(signing, old, start, behind, "-", KEDGE_PRINT_RED);
    show_lines(signing, new, start, new->size - end, "+", KEDGE_PRINT_GREEN);
    show_lines(signing, old, behind, lines_behind(old, behind, CONTEXT), " ", KEDGE_PRINT_PLAIN);
}

static void show(const struct signing *signing)
{
    struct kedge_call *call = signing->call;
    char digest[KEDGE_DIGEST_TEXT];
    if (kedge_command_format(call, "text")) {
        show_diff(signing);
        if (!kedge_command_has(call, KEDGE_OPTION_QUIET))
            kedge_buf_printf(&call->out,
                             "\nWritten, not committed: git commit -m 'Sign %s %s' %s\n",
                             signing->claim.model, signing->claim.version, signing->at.file);
        return;
    }
    struct kedge_json_writer w = {.out = &call->out};
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "file", signing->at.file);
    kedge_json_add_integer(&w, "line", signing->at.line);
    kedge_json_add_string(&w, "model", signing->claim.model);
    kedge_json_add_string(&w, "version", signing->claim.version);
    kedge_json_add_string(&w, "digest", kedge_digest_format(&signing->claim.digest, digest));
    kedge_json_add_integer(&w, "size", signing->claim.size);
    kedge_json_add_integer(&w, "counter", signing->claim.counter);
    kedge_json_key(&w, "keyIds");
    kedge_json_begin_array(&w);
    for (const char *at = signing->ids.data; at && *at; at += strcspn(at, "\n") + 1) {
        char id[KEDGE_MINISIGN_ID_TEXT];
        memcpy(id, at, sizeof id - 1);
        id[sizeof id - 1] = '\0';
        kedge_json_put_string(&w, id);
    }
    kedge_json_end_array(&w);
    kedge_json_end_object(&w);
    kedge_buf_putc(&call->out, '\n');
}

static int change_manifest(struct signing *signing, struct kedge_err *err)
{
    struct stat st;
    int code =
        kedge_fs_read(AT_FDCWD, signing->at.file, KEDGE_LIMIT_MANIFEST, &signing->before, err);
    if (code)
        return code;
    kedge_buf_add(&signing->after, signing->before.data, signing->before.size);
    code = add_all(signing, err);
    if (code)
        return code;
    if (stat(signing->at.file, &st) < 0)
        return kedge_err_sys(err, errno, "cannot find '%s'", signing->at.file);
    code = kedge_fs_write(AT_FDCWD, signing->at.file, signing->after.data, signing->after.size,
                          st.st_mode & 0777, err);
    if (!code)
        show(signing);
    return code;
}

int kedge_cmd_model_sign(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(signing) struct signing signing = {.call = call};
    bool comment = kedge_command_has(call, KEDGE_OPTION_PRINT_COMMENT);
    if (!comment && !kedge_command_has(call, KEDGE_OPTION_KEY) &&
        !kedge_command_has(call, KEDGE_OPTION_SIGNATURE))
        return kedge_command_misuse(call, err, "sign with --key, or give a --signature");
    int code = kedge_key_init(err);
    if (!code)
        code = load(&signing, err);
    if (code || !comment)
        return code ? code : change_manifest(&signing, err);
    code = kedge_release_write(&signing.claim, &call->out, err);
    if (!code)
        kedge_buf_putc(&call->out, '\n');
    return code;
}
