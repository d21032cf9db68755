/* SPDX-License-Identifier: Apache-2.0 */
#include "trust.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "inside.h"
#include "wire/commit.h"

#define PERSON 80 /* bytes of a name in a message */

/* What is required, and since when. */

/* The store's value of `key`, at most `room` bytes with its NUL; "" when there is none. */
static int recall(const struct kedge_server *server, const char *key, char *out, size_t room,
                  struct kedge_err *err)
{
    char *known = NULL;
    if (kedge_store_get(server->options.store, key, &known, err) < 0)
        return err->code == KEDGE_NOTFOUND ? 0 : err->code;
    size_t size = strlen(known);
    if (size < room)
        memcpy(out, known, size + 1);
    free(known);
    return size < room ? 0 : kedge_err_set(err, KEDGE_CORRUPT, "the store's '%s' is too long", key);
}

static int remember(struct kedge_server *server, const char *key, const char *value,
                    struct kedge_err *err)
{
    char known[KEDGE_TRUST_PATH] = "";
    if (server->options.store->read_only || server->options.manual)
        return 0; /* somebody else decides */
    if (recall(server, key, known, sizeof known, err) < 0)
        return err->code;
    return strcmp(known, value) == 0 ? 0 : kedge_store_put(server->options.store, key, value, err);
}

static int take_pin(struct kedge_server *server, struct kedge_err *err)
{
    const char *pin = server->options.signing.pin;
    if (!pin)
        return 0;
    if (strlen(pin) != KEDGE_COMMIT_TEXT - 1 ||
        strspn(pin, "0123456789abcdef") != KEDGE_COMMIT_TEXT - 1)
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is no full commit id to trust", pin);
    memcpy(server->trust.pin, pin, KEDGE_COMMIT_TEXT);
    return 0;
}

static int take_path(struct kedge_server *server, struct kedge_err *err)
{
    struct kedge_trust *trust = &server->trust;
    const char *path = server->options.signing.path;
    if (recall(server, "allowed-signers", trust->path, sizeof trust->path, err) < 0)
        return err->code;
    if (!path)
        path = trust->path[0] ? trust->path : KEDGE_TRUST_ALLOWED;
    if (!*path || *path == '/' || strlen(path) >= sizeof trust->path)
        return kedge_err_set(err, KEDGE_INVALID,
                             "'%s' is no path of a file in the repository, such as '%s'", path,
                             KEDGE_TRUST_ALLOWED);
    memmove(trust->path, path, strlen(path) + 1);
    return 0;
}

int kedge_trust_open(struct kedge_server *server, struct kedge_err *err)
{
    const struct kedge_server_signing *signing = &server->options.signing;
    struct kedge_trust *trust = &server->trust;
    char known[sizeof "required"] = "";
    if (signing->required && signing->waived)
        return kedge_err_set(err, KEDGE_INVALID,
                             "signatures cannot be required and waived at the same time");
    if (recall(server, "signatures", known, sizeof known, err) < 0 ||
        recall(server, "verified", trust->verified, sizeof trust->verified, err) < 0 ||
        take_pin(server, err) < 0 || take_path(server, err) < 0)
        return err->code;
    trust->required = !signing->waived && (signing->required || strcmp(known, "required") == 0);
    if (!trust->required)
        return *known ? remember(server, "signatures", "", err) : 0;
    if (!server->options.manual && !trust->verified[0] && !trust->pin[0] && !signing->allowed.size)
        return kedge_err_set(err, KEDGE_INVALID,
                             "signatures are required, but which commit is trusted first? name it "
                             "with --trust-commit, or its signers with --allowed-signers");
    if (remember(server, "signatures", "required", err) < 0)
        return err->code;
    return remember(server, "allowed-signers", trust->path, err);
}

bool kedge_trust_covers(const struct kedge_server *server)
{
    return !server->trust.required || strcmp(server->trust.verified, server->commit) == 0;
}

int kedge_trust_record(struct kedge_server *server, const char *commit, struct kedge_err *err)
{
    if (!server->trust.required)
        return 0;
    return kedge_store_put(server->options.store, "verified", commit, err);
}

/* Judging. */

struct court {
    const struct kedge_server *server;
    kedge_ms now;
    const char *anchor;       /* NULL: the operator's file stands in for it */
    struct kedge_buf revoked; /* as the head has it */

    /* Who may sign, as it stood in the commit asked last: it seldom changes. */
    struct kedge_arena arena;
    struct kedge_buf text; /* of `allowed` */
    struct kedge_allowed allowed;
};

static void court_auto(struct court *court)
{
    kedge_buf_release(&court->revoked);
    kedge_arena_release(&court->arena);
    kedge_buf_release(&court->text);
}

/* A file of a commit; nothing where there is none. */
static int read_file(const struct court *court, const char *commit, const char *path,
                     struct kedge_buf *out, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &court->server->options.revisions;
    int code = git->file(git->self, commit, path, KEDGE_LIMIT_ALLOWED, out, err);
    return code == KEDGE_NOTFOUND ? 0 : code;
}

static bool same_text(const struct kedge_buf *a, const struct kedge_buf *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Who may sign on top of `elder`. */
static int load_allowed(struct court *court, const char *elder, struct kedge_err *err)
{
    const struct kedge_slice *given = &court->server->options.signing.allowed;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    int code = 0;
    if (elder)
        code = read_file(court, elder, court->server->trust.path, &text, err);
    else
        kedge_buf_add(&text, given->data, given->size);
    if (code || same_text(&text, &court->text))
        return code;
    kedge_arena_clear(&court->arena);
    kedge_buf_clear(&court->text);
    court->allowed = (struct kedge_allowed){0};
    code = kedge_allowed_parse(&court->arena, kedge_buf_slice(&text), &court->allowed, err);
    if (code == 0)
        kedge_buf_add(&court->text, text.data, text.size);
    return code;
}

/* Both lists of revoked keys as one; the head's comes first, so that its form is judged. */
static int load_revoked(const struct court *court, const char *elder, struct kedge_buf *out,
                        struct kedge_err *err)
{
    kedge_buf_add(out, court->revoked.data, court->revoked.size);
    if (!elder)
        return 0;
    kedge_auto(kedge_buf) struct kedge_buf before = {0};
    int code = read_file(court, elder, KEDGE_TRUST_REVOKED, &before, err);
    if (code == 0 && !same_text(&before, &court->revoked)) {
        kedge_buf_putc(out, '\n');
        kedge_buf_add(out, before.data, before.size);
    }
    return code;
}

/* `principals` and `fingerprint` say who signed. */
static int find_signer(struct court *court, const char *elder, const struct kedge_commit *commit,
                       struct kedge_buf *principals, char fingerprint[KEDGE_SSHKEY_FINGERPRINT],
                       struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf revoked = {0};
    int code = load_allowed(court, elder, err);
    if (!code)
        code = load_revoked(court, elder, &revoked, err);
    if (!code && court->allowed.count == 0)
        code = kedge_err_set(err, KEDGE_DENIED, "nobody may sign, for nobody is named");
    if (!code)
        code = kedge_commit_verify(commit, &court->allowed, kedge_buf_slice(&revoked), principals,
                                   fingerprint, err);
    return code;
}

static int check_signer(struct court *court, const char *elder, const struct kedge_commit *commit,
                        struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf principals = {0};
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    int code = find_signer(court, elder, commit, &principals, fingerprint, err);
    if (code == KEDGE_DENIED && elder)
        kedge_err_set(err, code, "%s (by '%s' as it stood in commit %.12s)", err->msg,
                      court->server->trust.path, elder);
    return code;
}

/* Else a key that has expired could sign on, with the dates of when it was good. */
static int check_time(const struct court *court, const struct kedge_range_commit *entry,
                      kedge_ms at, struct kedge_err *err)
{
    char claimed[KEDGE_TIME_TEXT], bound[KEDGE_TIME_TEXT];
    kedge_clock_format(at, claimed);
    if (at + KEDGE_TRUST_SKEW < entry->parents_at)
        return kedge_err_set(err, KEDGE_DENIED, "it is dated %s, before its parent's %s", claimed,
                             kedge_clock_format(entry->parents_at, bound));
    if (at > court->now + KEDGE_TRUST_SKEW)
        return kedge_err_set(err, KEDGE_UNAVAILABLE, "it is dated %s, which is still to come",
                             claimed);
    return 0;
}

/* A tag that was signed for one name could be pushed again under another. */
static int check_name(const struct kedge_commit *tag, const char *name, struct kedge_err *err)
{
    if (tag->name.size == strlen(name) && memcmp(tag->name.data, name, tag->name.size) == 0)
        return 0;
    return kedge_err_set(err, KEDGE_DENIED, "it was not made as a tag of this name");
}

/* The annotated tag that leads to `head`, if one does. What it names is in its signature. */
static int check_tag(struct court *court, const char *head, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &court->server->options.revisions;
    kedge_auto(kedge_buf) struct kedge_buf raw = {0};
    kedge_auto(kedge_commit) struct kedge_commit commit = {0}, tag = {0};
    struct kedge_range_commit entry = {.id = head};
    struct kedge_slice object;
    const char *name;
    if (!git->tag || !git->tag(git->self, &name, &object))
        return 0;
    if (git->raw(git->self, head, &raw, err) < 0)
        return err->code;
    if (kedge_commit_parse(kedge_buf_slice(&raw), &commit, err) == 0)
        entry.parents_at = commit.at; /* one that is pinned need not be signed */
    int code = kedge_commit_parse_tag(object, &tag, err);
    if (!code)
        code = check_signer(court, court->anchor, &tag, err);
    if (!code)
        code = check_name(&tag, name, err);
    if (!code)
        code = check_time(court, &entry, tag.at, err);
    if (!code || code == KEDGE_UNAVAILABLE)
        return code;
    return kedge_err_set(
        err, KEDGE_DENIED,
        "tag '%s': %s; sign it anew as somebody who is allowed, or follow a branch", name,
        err->msg);
}

static int judge(struct court *court, const struct kedge_range_commit *entry, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &court->server->options.revisions;
    kedge_auto(kedge_buf) struct kedge_buf raw = {0};
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    int code = git->raw(git->self, entry->id, &raw, err);
    if (!code)
        code = kedge_commit_parse(kedge_buf_slice(&raw), &commit, err);
    if (!code && entry->elder_count == 0)
        code = check_signer(court, court->anchor, &commit, err);
    for (uint32_t i = 0; i < entry->elder_count && !code; i++)
        code = check_signer(court, entry->elders[i], &commit, err);
    return code ? code : check_time(court, entry, commit.at, err);
}

/* Who made it, as it says itself: one line of text, whatever it says. */
static void put_person(const struct kedge_server *server, const char *commit, struct kedge_buf *out)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const char *author = "", *subject;
    struct kedge_err ignored;
    if (!git->describe || git->describe(git->self, commit, &arena, &author, &subject, &ignored) < 0)
        return;
    size_t size = strlen(author), kept = 0, next;
    while (kept < size && (next = kedge_utf8_character(author + kept, size - kept)) > 0 &&
           kept + next <= PERSON)
        kept += next;
    kedge_buf_puts(out, " by ");
    for (size_t i = 0; i < kept; i++)
        kedge_buf_putc(out, (unsigned char)author[i] < ' ' || author[i] == 0x7f ? '?' : author[i]);
}

/* What is wrong with a signature, however it is wrong, is one verdict; what could not be read is
 * none. */
static int explain(const struct court *court, const char *commit, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf person = {0};
    bool refused = err->code == KEDGE_DENIED || err->code == KEDGE_INVALID ||
                   err->code == KEDGE_UNSUPPORTED || err->code == KEDGE_LIMIT;
    put_person(court->server, commit, &person);
    return kedge_err_set(err, refused ? KEDGE_DENIED : err->code, "%.12s%s: %s%s", commit,
                         person.data ? person.data : "", err->msg,
                         refused ? "; take it off the branch, or make it anew, signed by somebody "
                                   "who is allowed"
                                 : "");
}

const char *kedge_trust_anchor(const struct kedge_server *server)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    const char *pin = server->trust.pin, *verified = server->trust.verified;
    struct kedge_err ignored;
    if (*pin && (!*verified || server->options.accept_rewrite ||
                 git->follows(git->self, verified, pin, &ignored) == 0))
        return pin;
    return *verified ? verified : NULL;
}

/* Every commit that `head` brings; without an anchor the head's signer answers for what lies
 * behind. */
static int read_range(const struct court *court, const char *head, struct kedge_arena *arena,
                      struct kedge_range *out, struct kedge_err *err)
{
    const struct kedge_server_options *options = &court->server->options;
    const struct kedge_server_revisions *git = &options->revisions;
    if (!court->anchor) {
        struct kedge_range_commit *only = kedge_arena_alloc(arena, sizeof *only);
        only->id = head;
        *out = (struct kedge_range){only, 1};
        return 0;
    }
    if (!options->accept_rewrite && git->follows(git->self, court->anchor, head, err) < 0)
        return err->code == KEDGE_CONFLICT
                   ? kedge_err_set(err, KEDGE_DENIED,
                                   "commit %.12s was not made on top of %.12s, which is trusted",
                                   head, court->anchor)
                   : err->code;
    return git->range(git->self, court->anchor, head, arena, out, err);
}

static const char *message_of(const struct kedge_commit *commit, struct kedge_arena *arena)
{
    const char *text = kedge_arena_strndup(arena, commit->payload.data, commit->payload.size);
    const char *body = strstr(text, "\n\n"); /* headers hold no NUL */
    return body ? body + 2 : "";
}

/* What is wrong with a signature tells that nobody is known to have made it. */
static bool is_verdict(int code)
{
    return code == KEDGE_DENIED || code == KEDGE_INVALID || code == KEDGE_UNSUPPORTED;
}

int kedge_trust_identify(const struct kedge_server *server, const char *elder, const char *commit,
                         struct kedge_arena *arena, struct kedge_trust_signature *out,
                         struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    kedge_auto(court) struct court court = {.server = server};
    kedge_auto(kedge_buf) struct kedge_buf raw = {0}, principals = {0};
    kedge_auto(kedge_commit) struct kedge_commit read = {0};
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    *out = (struct kedge_trust_signature){.message = ""};
    int code = git->raw(git->self, commit, &raw, err);
    if (code)
        return code;
    code = kedge_commit_parse(kedge_buf_slice(&raw), &read, err);
    if (!code)
        code = find_signer(&court, elder, &read, &principals, fingerprint, err);
    if (code)
        return is_verdict(code) ? 0 : code;
    out->signer.principals = kedge_arena_strdup(arena, principals.data);
    out->signer.fingerprint = kedge_arena_strdup(arena, fingerprint);
    out->message = message_of(&read, arena);
    return 0;
}

int kedge_trust_check(struct kedge_server *server, const char *commit, kedge_ms now,
                      struct kedge_err *err)
{
    if (!server->trust.required)
        return 0;
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    kedge_auto(court) struct court court = {.server = server, .now = now};
    struct kedge_range range = {0};
    court.anchor = kedge_trust_anchor(server);
    if (read_range(&court, commit, &arena, &range, err) < 0 ||
        read_file(&court, commit, KEDGE_TRUST_REVOKED, &court.revoked, err) < 0)
        return kedge_err_wrap(err, "it cannot be verified");
    for (size_t i = 0; i < range.count; i++)
        if (judge(&court, &range.at[i], err) < 0)
            return explain(&court, range.at[i].id, err);
    return check_tag(&court, commit, err);
}
