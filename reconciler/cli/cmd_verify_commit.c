/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/fs.h"
#include "base/limits.h"
#include "signers.h"
#include "source/git.h"
#include "verdict.h"
#include "wire/commit.h"

/* What revisions are held against. */
struct judge {
    struct kedge_git *git;
    struct kedge_signers signers;
};

static void judge_auto(struct judge *judge)
{
    kedge_git_free(judge->git);
    kedge_signers_release(&judge->signers);
}

/* Which of the reasons for a denial it was. */
static const char *denial(const struct judge *judge, const struct kedge_commit *commit)
{
    kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
    struct kedge_err ignored;
    if (kedge_sshsig_parse(kedge_buf_slice(&commit->signature), &signature, &ignored) ||
        kedge_sshsig_verify(&signature, KEDGE_SSHSIG_GIT, kedge_buf_slice(&commit->payload),
                            &ignored))
        return "bad-signature";
    return kedge_signers_revoked(&judge->signers, &signature.key, &signature.certificate)
               ? "revoked"
               : "not-allowed";
}

/* Judges the object; the reason for a refusal, or NULL. */
static const char *judge_object(const struct judge *judge, const struct kedge_git_object *raw,
                                struct kedge_buf *principals,
                                char fingerprint[KEDGE_SSHKEY_FINGERPRINT], struct kedge_err *err)
{
    kedge_auto(kedge_commit) struct kedge_commit commit = {0};
    const struct kedge_slice object = kedge_buf_slice(&raw->data);
    int code = raw->tag ? kedge_commit_parse_tag(object, &commit, err)
                        : kedge_commit_parse(object, &commit, err);
    if (code)
        return code == KEDGE_DENIED ? "unsigned" : kedge_verdict_word(code);
    code =
        kedge_commit_verify(&commit, &judge->signers.allowed,
                            kedge_buf_slice(&judge->signers.revoked), principals, fingerprint, err);
    if (code == KEDGE_DENIED)
        return denial(judge, &commit);
    return code ? kedge_verdict_word(code) : NULL;
}

typedef int give_verdict(struct kedge_call *call, const struct kedge_verdict *verdict);

static int verify(struct kedge_call *call, const struct judge *judge, const char *revision,
                  give_verdict *give)
{
    kedge_auto(kedge_git_object) struct kedge_git_object raw = {0};
    kedge_auto(kedge_buf) struct kedge_buf principals = {0};
    struct kedge_verdict verdict = {.subject = revision};
    struct kedge_err err;
    char key[KEDGE_SSHKEY_FINGERPRINT], message[KEDGE_ERR_TEXT];
    int code = kedge_git_object(judge->git, revision, &raw, &err);
    if (code)
        verdict.reason = kedge_verdict_word(code);
    else
        verdict.reason = judge_object(judge, &raw, &principals, key, &err);
    verdict.message = err.msg;
    if (!code)
        kedge_verdict_add(&verdict, raw.tag ? "tag" : "commit", raw.id);
    if (!verdict.reason) {
        snprintf(message, sizeof message, "%s %.12s is signed by '%s' with key %s",
                 raw.tag ? "tag" : "commit", raw.id, principals.data, key);
        verdict.message = message;
        kedge_verdict_add(&verdict, "principal", principals.data);
        kedge_verdict_add(&verdict, "key", key);
    }
    return give(call, &verdict);
}

/* Whoever asks may wait for each answer before the next question. */
static int answer(struct kedge_call *call, struct kedge_err *err)
{
    bool written = fwrite(call->out.data, 1, call->out.size, stdout) == call->out.size;
    kedge_buf_clear(&call->out);
    if (fflush(stdout) != 0 || !written)
        return kedge_err_sys(err, errno, "cannot write to standard output");
    return 0;
}

static void line_auto(char **line)
{
    free(*line);
}

static int verify_input(struct kedge_call *call, const struct judge *judge, struct kedge_err *err)
{
    kedge_auto(line) char *line = NULL;
    size_t room = 0;
    int status = KEDGE_EXIT_DONE;
    for (ssize_t size; (size = getline(&line, &room, stdin)) >= 0;) {
        if (size && line[size - 1] == '\n')
            line[--size] = '\0';
        if (!size)
            continue;
        if (size > KEDGE_LIMIT_PATH || strlen(line) != (size_t)size)
            return kedge_err_set(err, KEDGE_INVALID, "a line of standard input is no revision");
        if (verify(call, judge, line, kedge_verdict_give_json))
            status = KEDGE_EXIT_ERROR;
        int code = answer(call, err);
        if (code)
            return code;
    }
    if (ferror(stdin))
        return kedge_err_sys(err, errno, "cannot read standard input");
    return status;
}

int kedge_cmd_verify_commit(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(judge) struct judge judge = {0};
    const char *repository = kedge_command_value(call, KEDGE_OPTION_REPO);
    int code = kedge_signers_load(call, &judge.signers, err);
    if (!code)
        code = kedge_git_open(repository ? repository : ".", &judge.git, err);
    if (code)
        return code;
    if (!call->operand_count)
        return verify_input(call, &judge, err);
    int status = KEDGE_EXIT_DONE;
    for (size_t i = 0; i < call->operand_count; i++) {
        if (verify(call, &judge, call->operands[i], kedge_verdict_give))
            status = KEDGE_EXIT_ERROR;
    }
    return status;
}
