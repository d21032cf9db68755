/* SPDX-License-Identifier: Apache-2.0 */
#include "rights.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "inside.h"
#include "trust.h"

#define APPROVE   "Kedge-Approve:"
#define RECORD    KEDGE_COMMIT_TEXT /* of a trunk: an id and a line end */
#define WITNESSES 64                /* merged commits that are asked what they hold */
#define APPROVALS 64                /* that one commit may give */
#define FILES     256               /* changed files that they are asked about */

/* --- the trunk --- */

static size_t trunk_count(const struct kedge_buf *trunk)
{
    return trunk->size / RECORD;
}

/* Number `index`, as a string in `arena`. */
static const char *trunk_at(const struct kedge_buf *trunk, size_t index, struct kedge_arena *arena)
{
    return kedge_arena_strndup(arena, trunk->data + index * RECORD, RECORD - 1);
}

static void trunk_add(struct kedge_buf *trunk, const char *commit)
{
    kedge_buf_add(trunk, commit, RECORD - 1);
    kedge_buf_putc(trunk, '\n');
}

int kedge_rights_open(struct kedge_server *server, struct kedge_err *err)
{
    char *known = NULL;
    kedge_buf_clear(&server->trunk);
    if (kedge_store_get(server->options.store, "trunk", &known, err) < 0)
        return err->code == KEDGE_NOTFOUND ? 0 : err->code;
    kedge_buf_puts(&server->trunk, known);
    free(known);
    if (server->trunk.size % RECORD)
        return kedge_err_set(err, KEDGE_CORRUPT, "the store's 'trunk' is no list of commits");
    return 0;
}

int kedge_rights_record(struct kedge_server *server, const struct kedge_buf *trunk,
                        struct kedge_err *err)
{
    return kedge_store_put(server->options.store, "trunk", trunk->data, err);
}

/* --- who stands behind a commit --- */

/* A commit that is merged, of somebody known, who made it on top of the trunk: what an older branch
 * lacks or has still, nobody has taken away or put back. */
struct merged {
    const char *commit;
    struct kedge_rights_signer signer;
};

/* The walk, and what waits of commits that are not valid by themselves. */
struct steps {
    struct kedge_server *server;
    struct kedge_rights_walk *walk;
    struct kedge_arena scratch;
    const char *last;           /* the commit before, or NULL */
    struct kedge_buf authors;   /* struct kedge_rights_signer */
    struct kedge_buf approvals; /* struct kedge_judge_approval */
    struct kedge_buf merged;    /* struct merged */
};

static void steps_auto(struct steps *steps)
{
    kedge_arena_release(&steps->scratch);
    kedge_buf_release(&steps->authors);
    kedge_buf_release(&steps->approvals);
    kedge_buf_release(&steps->merged);
}

/* The last paragraph of a message, where Git keeps trailers. */
static const char *find_trailers(const char *message)
{
    const char *found = message;
    for (const char *at = message; (at = strstr(at, "\n\n"));) {
        at += strspn(at, "\n");
        if (*at)
            found = at;
    }
    return found;
}

static void find_approvals(struct steps *steps, const struct kedge_trust_signature *signature)
{
    const char *line = find_trailers(signature->message);
    const size_t most = APPROVALS * sizeof(struct kedge_judge_approval);
    for (; line && *line && steps->approvals.size < most;
         line = strchr(line, '\n'), line += line != NULL) {
        if (strncmp(line, APPROVE, strlen(APPROVE)) != 0)
            continue;
        const char *id = line + strlen(APPROVE);
        id += strspn(id, " \t");
        if (strspn(id, "0123456789abcdef") != KEDGE_COMMIT_TEXT - 1)
            continue;
        struct kedge_judge_approval approval = {kedge_arena_strndup(&steps->scratch, id,
                                                                    KEDGE_COMMIT_TEXT - 1),
                                                signature->signer};
        kedge_buf_add(&steps->approvals, &approval, sizeof approval);
    }
}

/* Signers live as long as the judgements, which remember them. */
static int identify(struct steps *steps, const char *commit, struct kedge_trust_signature *out,
                    struct kedge_err *err)
{
    if (kedge_trust_identify(steps->server, steps->last, commit, steps->walk->pool, out, err) < 0)
        return err->code;
    if (out->signer.fingerprint)
        find_approvals(steps, out);
    return 0;
}

/* The signer of a commit of the trunk, and those of what it merges. */
static int add_signers(struct steps *steps, const char *commit, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &steps->server->options.revisions;
    struct kedge_range range = {0};
    struct kedge_trust_signature signature;
    if (git->range(git->self, steps->last, commit, &steps->scratch, &range, err) < 0)
        return err->code;
    for (size_t i = range.count > WITNESSES ? range.count - WITNESSES : 0; i < range.count; i++) {
        const char *id = range.at[i].id;
        if (identify(steps, id, &signature, err) < 0)
            return err->code;
        const struct merged merged = {id, signature.signer};
        if (strcmp(id, commit) == 0)
            kedge_buf_add(&steps->authors, &signature.signer, sizeof signature.signer);
        else if (signature.signer.fingerprint && range.at[i].elder_count)
            kedge_buf_add(&steps->merged, &merged, sizeof merged);
    }
    return 0;
}

/* A file of a commit; nothing where there is none. */
static int read_file(const struct kedge_server *server, const char *commit, const char *path,
                     size_t limit, struct kedge_buf *out, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    int code = git->file(git->self, commit, path, limit, out, err);
    return code == KEDGE_NOTFOUND ? 0 : code;
}

static int compare_files(const struct kedge_server *server, const char *const commits[2],
                         const char *path, size_t limit, bool *same, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf a = {0};
    kedge_auto(kedge_buf) struct kedge_buf b = {0};
    if (read_file(server, commits[0], path, limit, &a, err) < 0 ||
        read_file(server, commits[1], path, limit, &b, err) < 0)
        return err->code;
    *same = a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
    return 0;
}

static void see_file(const void *before, const void *after, void *payload)
{
    const struct kedge_file *file = after ? after : before;
    struct kedge_buf *paths = payload;
    if (paths->size < FILES * sizeof file->path)
        kedge_buf_add(paths, &file->path, sizeof file->path);
}

/* Which of the files that change the commit holds as they come into force: its signer signed them. */
static int find_seen(struct steps *steps, const char *commit, const char *merged,
                     const struct kedge_buf *paths, struct kedge_strings *out,
                     struct kedge_err *err)
{
    const struct kedge_server *server = steps->server;
    const char *root = server->options.path, *const commits[2] = {commit, merged};
    const char *const *at = (const char *const *)paths->data;
    size_t count = paths->size / sizeof(*at);
    const char **seen = kedge_arena_array(steps->walk->pool, count, sizeof(*seen));
    *out = (struct kedge_strings){.at = seen};
    for (size_t i = 0; i < count; i++) {
        bool same = false;
        const char *path =
            root && *root ? kedge_arena_printf(&steps->scratch, "%s/%s", root, at[i]) : at[i];
        if (compare_files(server, commits, path, KEDGE_LIMIT_MANIFEST, &same, err) < 0)
            return err->code;
        if (same)
            seen[out->count++] = at[i];
    }
    return 0;
}

/* Only rules that count signers ask for them. */
static int find_witnesses(struct steps *steps, const char *commit, const struct kedge_desired *git,
                          struct kedge_rights_signers *out, struct kedge_err *err)
{
    const struct kedge_judgement *judged = steps->walk->judged;
    const struct merged *merged = (const struct merged *)steps->merged.data;
    size_t count = steps->merged.size / sizeof *merged;
    if (count == 0 || !kedge_rights_count(judged->lawful->specs))
        return 0;
    kedge_auto(kedge_buf) struct kedge_buf paths = {0};
    struct kedge_rights_signer *at = kedge_arena_array(steps->walk->pool, count, sizeof *at);
    kedge_table_diff(judged->git->specs->files, git->specs->files, see_file, &paths);
    for (size_t i = 0; i < count; i++) {
        struct kedge_strings *seen = kedge_arena_new(steps->walk->pool, struct kedge_strings);
        if (find_seen(steps, commit, merged[i].commit, &paths, seen, err) < 0)
            return err->code;
        at[i] = merged[i].signer;
        at[i].seen = seen;
    }
    *out = (struct kedge_rights_signers){at, (uint32_t)count};
    return 0;
}

static struct kedge_rights_signers keep_signers(struct kedge_arena *arena,
                                                const struct kedge_buf *signers)
{
    struct kedge_rights_signer *at = kedge_arena_alloc(arena, signers->size);
    if (signers->size)
        memcpy(at, signers->data, signers->size);
    return (struct kedge_rights_signers){at, (uint32_t)(signers->size / sizeof *at)};
}

/* --- one commit after the other --- */

/* Whoever may say who signs may be anybody: such a change comes into force as a whole or not. */
static int check_file(struct steps *steps, const char *commit, const char *path,
                      struct kedge_err *err)
{
    const struct kedge_specs *rules = steps->walk->judged->lawful->specs;
    const char *const commits[2] = {steps->last, commit};
    const struct kedge_rights_signer *author =
        (const struct kedge_rights_signer *)(void *)(steps->authors.data + steps->authors.size) - 1;
    const struct kedge_rights_party party = {.authors = {author, 1}};
    bool same = false;
    if (compare_files(steps->server, commits, path, KEDGE_LIMIT_ALLOWED, &same, err) < 0)
        return err->code;
    if (same)
        return 0;
    struct kedge_rights_verdict verdict = kedge_rights_file(rules, &party, path);
    if (verdict.allowed)
        return 0;
    steps->walk->denied = true;
    return kedge_err_set(err, KEDGE_DENIED,
                         "%.12s: '%s' may not change '%s': %s; take it off the branch, or make it "
                         "anew, signed by somebody who may",
                         commit, author->principals ? author->principals : "somebody unknown", path,
                         kedge_rights_explain(&steps->scratch, &verdict));
}

static int check_files(struct steps *steps, const char *commit, struct kedge_err *err)
{
    if (check_file(steps, commit, steps->server->trust.path, err) < 0)
        return err->code;
    return check_file(steps, commit, KEDGE_TRUST_REVOKED, err);
}

/* The commit has been judged, and with it all that waited for it. */
static void settle(struct steps *steps, const char *commit)
{
    struct kedge_rights_walk *walk = steps->walk;
    if (kedge_judge_settled(walk->judged))
        kedge_buf_clear(&walk->trunk);
    trunk_add(&walk->trunk, commit);
    kedge_buf_clear(&steps->authors);
    kedge_buf_clear(&steps->approvals);
    kedge_buf_clear(&steps->merged);
}

static int judge(struct steps *steps, const char *commit, const struct kedge_desired *git,
                 struct kedge_err *err)
{
    struct kedge_rights_walk *walk = steps->walk;
    struct kedge_judge_step step = {
        .commit = commit,
        .git = git,
        .party.authors = keep_signers(walk->pool, &steps->authors),
        .approvals = (const struct kedge_judge_approval *)steps->approvals.data,
        .approval_count = (uint32_t)(steps->approvals.size / sizeof *step.approvals),
    };
    if (find_witnesses(steps, commit, git, &step.party.witnesses, err) < 0)
        return err->code;
    walk->judged = kedge_judge_next(walk->pool, walk->judged, &step);
    settle(steps, commit);
    return 0;
}

/* Everything in a commit is in force. */
static int begin(struct steps *steps, const char *commit, struct kedge_err *err)
{
    struct kedge_rights_walk *walk = steps->walk;
    const struct kedge_desired *git;
    const struct kedge_desired *previous = walk->judged ? walk->judged->git : NULL;
    if (walk->load(walk->payload, commit, previous, &git, err) < 0)
        return err->code;
    walk->judged = kedge_judge_begin(walk->pool, git);
    settle(steps, commit);
    steps->last = commit;
    return 0;
}

/* A commit that is not valid by itself is judged together with the next one that is; the signers of
 * all must be allowed then. */
static int go_on(struct steps *steps, const char *commit, bool last, struct kedge_err *err)
{
    struct kedge_rights_walk *walk = steps->walk;
    const struct kedge_desired *git;
    if (trunk_count(&walk->trunk) >= KEDGE_LIMIT_GIT_RANGE)
        return kedge_err_set(err, KEDGE_LIMIT,
                             "policy has held something for %d commits; 'kedge status' names it: "
                             "revert or approve it",
                             KEDGE_LIMIT_GIT_RANGE);
    if (walk->judged && kedge_rights_bind(walk->judged->lawful->specs) &&
        (add_signers(steps, commit, err) < 0 || check_files(steps, commit, err) < 0))
        return err->code;
    const struct kedge_desired *previous = walk->judged ? walk->judged->git : NULL;
    int code = walk->load(walk->payload, commit, previous, &git, err);
    if (code == KEDGE_INVALID && !last)
        trunk_add(&walk->trunk, commit);
    else if (code == 0 && walk->judged)
        code = judge(steps, commit, git, err);
    else if (code == 0)
        code = begin(steps, commit, err);
    steps->last = commit;
    return code == KEDGE_INVALID && !last ? 0 : code;
}

/* The trunk from `base`, which is left out, to `head`. */
static int find_trunk(struct steps *steps, const char *base, const char *head,
                      struct kedge_buf *out, struct kedge_err *err)
{
    const struct kedge_server_revisions *git = &steps->server->options.revisions;
    struct kedge_range range = {0};
    if (strcmp(base, head) == 0)
        return 0;
    if (git->range(git->self, base, head, &steps->scratch, &range, err) < 0)
        return err->code;
    /* Parents come before their children, so backward each is met once. */
    const char *next = head;
    for (size_t i = range.count; i-- > 0 && next;) {
        if (strcmp(range.at[i].id, next) != 0)
            continue;
        kedge_buf_add(out, &range.at[i].id, sizeof range.at[i].id);
        next = range.at[i].elder_count ? range.at[i].elders[0] : NULL;
    }
    const char **ids = (const char **)out->data;
    size_t count = out->size / sizeof(*ids);
    for (size_t i = 0; i < count / 2; i++) {
        const char *swapped = ids[i];
        ids[i] = ids[count - 1 - i];
        ids[count - 1 - i] = swapped;
    }
    return 0;
}

static int follow_trunk(struct steps *steps, const char *base, const char *head,
                        struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf trunk = {0};
    if (find_trunk(steps, base, head, &trunk, err) < 0)
        return err->code;
    const char *const *ids = (const char *const *)trunk.data;
    size_t count = trunk.size / sizeof(*ids);
    for (size_t i = 0; i < count; i++)
        if (go_on(steps, ids[i], i + 1 == count, err) < 0)
            return err->code;
    return 0;
}

/* The commit that was judged last, or NULL. */
static const char *last_known(const struct kedge_server *server, struct kedge_arena *arena)
{
    size_t count = trunk_count(&server->trunk);
    return count ? trunk_at(&server->trunk, count - 1, arena) : NULL;
}

/* Where an operator has pinned a commit beyond the ones that were judged, that one is in force as it
 * is. */
static bool is_beyond(const struct kedge_server *server, const char *pin, const char *known)
{
    const struct kedge_server_revisions *git = &server->options.revisions;
    struct kedge_err ignored;
    return pin && strcmp(pin, server->trust.pin) == 0 && strcmp(pin, known) != 0 &&
           (server->options.accept_rewrite || git->follows(git->self, known, pin, &ignored) == 0);
}

/* All that was judged before, from the commit of which nothing was held. */
static int replay(struct steps *steps, struct kedge_err *err)
{
    const struct kedge_buf *known = &steps->server->trunk;
    size_t count = trunk_count(known);
    if (begin(steps, trunk_at(known, 0, &steps->scratch), err) < 0)
        return err->code;
    for (size_t i = 1; i < count; i++)
        if (go_on(steps, trunk_at(known, i, &steps->scratch), i + 1 == count, err) < 0)
            return err->code;
    return 0;
}

/* From nothing: what is known, or what is trusted first, or the head alone. */
static int start_over(struct steps *steps, const char *head, struct kedge_err *err)
{
    const struct kedge_server *server = steps->server;
    const char *anchor = kedge_trust_anchor(server);
    const char *known = last_known(server, &steps->scratch);
    if (known && !is_beyond(server, anchor, known))
        return replay(steps, err);
    if (!anchor)
        return begin(steps, head, err);
    /* What an operator trusts need not be valid: then nothing is in force yet. */
    if (begin(steps, anchor, err) < 0 && err->code != KEDGE_INVALID)
        return err->code;
    steps->last = anchor;
    return 0;
}

int kedge_rights_walk(struct kedge_server *server, const char *head, struct kedge_rights_walk *walk,
                      struct kedge_err *err)
{
    kedge_auto(steps) struct steps steps = {.server = server, .walk = walk};
    const char *from = walk->judged ? walk->judged->git->specs->commit : NULL;
    const char *known = last_known(server, &steps.scratch);
    if (!server->trust.required || (trunk_count(&server->trunk) == 1 && strcmp(known, head) == 0))
        return begin(&steps, head, err);
    if (from && known && strcmp(from, known) == 0 &&
        !is_beyond(server, kedge_trust_anchor(server), from)) {
        steps.last = from;
        kedge_buf_add(&walk->trunk, server->trunk.data, server->trunk.size);
    } else {
        walk->judged = NULL;
        if (start_over(&steps, head, err) < 0)
            return err->code;
    }
    if (follow_trunk(&steps, steps.last, head, err) < 0)
        return err->code;
    if (walk->judged)
        return 0;
    return begin(&steps, head, err);
}
