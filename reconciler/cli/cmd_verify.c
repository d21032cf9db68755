/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "signers.h"
#include "verdict.h"
#include "wire/minisign.h"
#include "wire/root.h"
#include "wire/sshsig.h"

/* For a file that is mapped, as it may be of any size; an empty one is not. */
static void mapped_auto(struct kedge_slice *mapped)
{
    if (mapped->size)
        munmap((void *)mapped->data, mapped->size);
}

static int open_file(const char *path, int *fd, size_t *size, struct kedge_err *err)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, &st) < 0)
        return kedge_err_sys(err, errno, "cannot open '%s'", path);
    if (!S_ISREG(st.st_mode))
        return kedge_err_set(err, KEDGE_INVALID, "'%s' is not a regular file", path);
    *size = (size_t)st.st_size;
    return 0;
}

static int map_file(const char *path, struct kedge_slice *out, struct kedge_err *err)
{
    kedge_auto(kedge_fd) int fd = -1;
    size_t size = 0;
    int code = open_file(path, &fd, &size, err);
    if (code)
        return code;
    if (!size)
        return 0;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return kedge_err_sys(err, errno, "cannot map '%s'", path);
    *out = (struct kedge_slice){data, size};
    return 0;
}

/* What is judged may be too large to be read: that is a verdict, other failures are none. */
static int read_judged(struct kedge_call *call, const char *path, size_t limit,
                       struct kedge_buf *out, struct kedge_err *err)
{
    int code = kedge_fs_read(AT_FDCWD, path, limit, out, err);
    const struct kedge_verdict verdict = {.subject = path, .reason = "limit", .message = err->msg};
    return code == KEDGE_LIMIT ? kedge_verdict_give(call, &verdict) : code;
}

/* --- SSH ------------------------------------------------------------------------------------- */

/* Why the signature does not count, or NULL. */
static const char *judge_ssh(const struct kedge_signers *signers,
                             const struct kedge_allowed_claim *claim,
                             const struct kedge_sshsig *signature, struct kedge_slice message,
                             struct kedge_err *err)
{
    if (kedge_sshsig_verify(signature, claim->name_space, message, err))
        return "bad-signature";
    if (kedge_signers_revoked(signers, claim->key, claim->certificate)) {
        kedge_err_set(err, KEDGE_DENIED, "the key%s is revoked",
                      claim->certificate->kind ? " or its certificate's authority" : "");
        return "revoked";
    }
    return kedge_allowed_match(&signers->allowed, claim, err) ? NULL : "not-allowed";
}

static int verify_ssh(struct kedge_call *call, const struct kedge_signers *signers,
                      struct kedge_allowed_claim *claim, struct kedge_slice armor,
                      struct kedge_slice message)
{
    kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
    struct kedge_verdict verdict = {.subject = call->operands[0]};
    struct kedge_err err;
    char key[KEDGE_SSHKEY_FINGERPRINT], text[KEDGE_ERR_TEXT];
    int code = kedge_sshsig_parse(armor, &signature, &err);
    if (code) {
        verdict.reason = kedge_verdict_word(code);
    } else {
        claim->key = &signature.key;
        claim->certificate = &signature.certificate;
        verdict.reason = judge_ssh(signers, claim, &signature, message, &err);
        kedge_verdict_add(&verdict, "key", kedge_sshkey_fingerprint(&signature.key, key));
    }
    verdict.message = err.msg;
    if (!verdict.reason) {
        snprintf(text, sizeof text, "signed for '%s' by '%s' with key %s", claim->name_space,
                 claim->principal, key);
        verdict.message = text;
        kedge_verdict_add(&verdict, "principal", claim->principal);
        kedge_verdict_add(&verdict, "namespace", claim->name_space);
    }
    return kedge_verdict_give(call, &verdict);
}

int kedge_cmd_verify_ssh(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_signers) struct kedge_signers signers = {0};
    kedge_auto(kedge_buf) struct kedge_buf armor = {0};
    kedge_auto(mapped) struct kedge_slice message = {"", 0};
    struct kedge_allowed_claim claim = {.at = kedge_clock_wall()};
    const char *signature;
    int code = kedge_signers_load(call, &signers, err);
    if (!code)
        code = kedge_command_need(call, KEDGE_OPTION_IDENTITY, &claim.principal, err);
    if (!code)
        code = kedge_command_need(call, KEDGE_OPTION_NAMESPACE, &claim.name_space, err);
    if (!code)
        code = kedge_command_need(call, KEDGE_OPTION_SIGNATURE, &signature, err);
    if (!code)
        code = read_judged(call, signature, KEDGE_LIMIT_SSHSIG, &armor, err);
    if (!code)
        code = map_file(call->operands[0], &message, err);
    if (code)
        return code;
    return verify_ssh(call, &signers, &claim, kedge_buf_slice(&armor), message);
}

/* --- minisign -------------------------------------------------------------------------------- */

/* The larger file there is: four lines with the longest comments. */
#define MINISIGN_FILE (KEDGE_MINISIGN_COMMENT + KEDGE_MINISIGN_TRUSTED + 512)

/* A prehashed signature is checked while the file streams by; the older form signs it as a whole. */
static int check_minisign(const char *path, const struct kedge_minisign *signature,
                          const struct kedge_minisign_key *key, bool *judged, struct kedge_err *err)
{
    kedge_auto(mapped) struct kedge_slice whole = {"", 0};
    kedge_auto(kedge_fd) int fd = -1;
    uint8_t hash[KEDGE_MINISIGN_HASH];
    size_t size;
    int code =
        signature->prehashed ? open_file(path, &fd, &size, err) : map_file(path, &whole, err);
    if (!code && signature->prehashed)
        code = kedge_minisign_hash_file(fd, hash, err);
    if (code)
        return code;
    *judged = true;
    return signature->prehashed ? kedge_minisign_verify(signature, key, hash, err)
                                : kedge_minisign_verify_data(signature, key, whole, err);
}

static int verify_minisign(struct kedge_call *call, const struct kedge_minisign_key *key,
                           struct kedge_slice text, struct kedge_err *err)
{
    struct kedge_verdict verdict = {.subject = call->operands[0], .message = err->msg};
    struct kedge_minisign signature;
    char name[KEDGE_KEY_TEXT];
    bool judged = false;
    int code = kedge_minisign_parse(text, &signature, err);
    if (code) {
        verdict.reason = kedge_verdict_word(code);
        return kedge_verdict_give(call, &verdict);
    }
    code = check_minisign(call->operands[0], &signature, key, &judged, err);
    if (code && !judged)
        return code;
    kedge_verdict_add(&verdict, "key", kedge_public_key_format(&key->key, name));
    if (code) {
        verdict.reason = "bad-signature";
    } else {
        verdict.message = "the signature and its trusted comment are the key's";
        kedge_verdict_add(&verdict, "trustedComment", signature.trusted);
    }
    return kedge_verdict_give(call, &verdict);
}

int kedge_cmd_verify_minisign(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf path = {0}, public = {0}, text = {0};
    const char *given = kedge_command_value(call, KEDGE_OPTION_SIGNATURE), *pubkey;
    struct kedge_minisign_key key;
    int code = kedge_key_init(err);
    if (!code)
        code = kedge_command_need(call, KEDGE_OPTION_PUBKEY, &pubkey, err);
    if (!code)
        code = kedge_fs_read(AT_FDCWD, pubkey, MINISIGN_FILE, &public, err);
    if (!code && kedge_minisign_key_parse(kedge_buf_slice(&public), &key, err))
        code = kedge_err_wrap(err, "'%s'", pubkey);
    kedge_buf_printf(&path, "%s%s", given ? given : call->operands[0], given ? "" : ".minisig");
    if (!code)
        code = read_judged(call, path.data, MINISIGN_FILE, &text, err);
    return code ? code : verify_minisign(call, &key, kedge_buf_slice(&text), err);
}

/* --- DSSE ------------------------------------------------------------------------------------ */

struct keys {
    struct kedge_public_key at[KEDGE_LIMIT_SIGNATURES];
    size_t count;
};

static int add_key(struct kedge_call *call, const char *text, struct keys *out,
                   struct kedge_err *err)
{
    if (out->count == KEDGE_COUNT(out->at))
        return kedge_command_misuse(call, err, "more than %zu keys", KEDGE_COUNT(out->at));
    int code = kedge_public_key_parse(text, &out->at[out->count], err);
    call->misused = code == KEDGE_INVALID;
    if (!code)
        out->count++;
    return code;
}

/* Every --key, then the operands before the envelope. */
static int take_keys(struct kedge_call *call, struct keys *out, struct kedge_err *err)
{
    const char *first;
    int code = kedge_command_need(call, KEDGE_OPTION_KEY, &first, err);
    for (size_t i = 0; !code && i < call->options.given_count; i++) {
        if (call->options.given[i].option == KEDGE_OPTION_KEY)
            code = add_key(call, call->options.given[i].value, out, err);
    }
    for (size_t i = 0; !code && i + 1 < call->operand_count; i++)
        code = add_key(call, call->operands[i], out, err);
    return code;
}

static int take_threshold(struct kedge_call *call, unsigned *out, struct kedge_err *err)
{
    const char *text = kedge_command_value(call, KEDGE_OPTION_THRESHOLD);
    *out = 1;
    if (!text)
        return 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < 1 || value > KEDGE_LIMIT_SIGNATURES)
        return kedge_command_misuse(call, err, "'--threshold' takes 1 to %d, not '%s'",
                                    KEDGE_LIMIT_SIGNATURES, text);
    *out = (unsigned)value;
    return 0;
}

static int verify_dsse(struct kedge_call *call, const struct kedge_envelope_trust *trust,
                       struct kedge_slice envelope)
{
    kedge_auto(kedge_buf) struct kedge_buf payload = {0};
    struct kedge_verdict verdict = {.subject = call->operands[call->operand_count - 1]};
    struct kedge_err err;
    char digest[KEDGE_DIGEST_TEXT], text[KEDGE_ERR_TEXT];
    int code = kedge_envelope_verify(envelope.data, envelope.size, KEDGE_LIMIT_ENVELOPE, trust,
                                     &payload, &err);
    verdict.message = err.msg;
    if (code == KEDGE_UNSUPPORTED)
        verdict.reason = "wrong-type";
    else if (code)
        verdict.reason = code == KEDGE_DENIED ? "unsigned" : kedge_verdict_word(code);
    if (!code) {
        struct kedge_digest of = kedge_digest_of(payload.data, payload.size);
        snprintf(text, sizeof text, "signed by %u of the %zu keys", trust->threshold,
                 trust->key_count);
        verdict.message = text;
        kedge_verdict_add(&verdict, "payloadType", trust->payload_type);
        kedge_verdict_add(&verdict, "payloadDigest", kedge_digest_format(&of, digest));
    }
    return kedge_verdict_give(call, &verdict);
}

int kedge_cmd_verify_dsse(struct kedge_call *call, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    struct keys keys = {0};
    struct kedge_envelope_trust trust = {
        .keys = keys.at,
        .payload_type = kedge_command_value(call, KEDGE_OPTION_TYPE),
    };
    int code = kedge_key_init(err);
    if (!code)
        code = take_threshold(call, &trust.threshold, err);
    if (!code)
        code = take_keys(call, &keys, err);
    trust.key_count = keys.count;
    if (!code)
        code = read_judged(call, call->operands[call->operand_count - 1], KEDGE_LIMIT_ENVELOPE,
                           &envelope, err);
    return code ? code : verify_dsse(call, &trust, kedge_buf_slice(&envelope));
}

/* --- root documents -------------------------------------------------------------------------- */

/* The first root is believed for its own sake. */
static enum kedge_root_refusal begin_chain(struct kedge_slice file, struct kedge_root *root,
                                           struct kedge_err *err)
{
    int code = kedge_root_pin(file, NULL, root, err);
    if (!code)
        return KEDGE_ROOT_ACCEPTED;
    return code == KEDGE_DENIED ? KEDGE_ROOT_SELF_UNSIGNED : KEDGE_ROOT_MALFORMED;
}

/* Walks the files; *at is the one that the refusal is about. */
static int walk_chain(struct kedge_call *call, struct kedge_root *root, const char **at,
                      enum kedge_root_refusal *refusal, struct kedge_err *err)
{
    *refusal = KEDGE_ROOT_ACCEPTED;
    for (size_t i = 0; i < call->operand_count && !*refusal; i++) {
        kedge_auto(kedge_buf) struct kedge_buf file = {0};
        *at = call->operands[i];
        int code = kedge_fs_read(AT_FDCWD, *at, KEDGE_LIMIT_ROOT, &file, err);
        if (code && code != KEDGE_LIMIT)
            return code;
        const struct kedge_slice text = kedge_buf_slice(&file);
        if (code == KEDGE_LIMIT)
            *refusal = KEDGE_ROOT_MALFORMED;
        else
            *refusal = i ? kedge_root_follow(root, text, root, err) : begin_chain(text, root, err);
    }
    if (!*refusal)
        *refusal = kedge_root_fresh(root, kedge_clock_wall(), err);
    return 0;
}

int kedge_cmd_verify_root(struct kedge_call *call, struct kedge_err *err)
{
    struct kedge_root root = {0};
    struct kedge_verdict verdict = {.message = err->msg};
    enum kedge_root_refusal refusal;
    char version[24], expires[KEDGE_TIME_TEXT], digest[KEDGE_DIGEST_TEXT], text[KEDGE_ERR_TEXT];
    int code = kedge_key_init(err);
    if (!code)
        code = walk_chain(call, &root, &verdict.subject, &refusal, err);
    if (code)
        return code;
    if (refusal)
        verdict.reason = kedge_word_name(&kedge_root_refusal_words, (int)refusal);
    if (root.version) { /* the last that was accepted */
        snprintf(version, sizeof version, "%lld", (long long)root.version);
        kedge_verdict_add(&verdict, "version", version);
        kedge_verdict_add(&verdict, "expires", kedge_clock_format(root.expires, expires));
        kedge_verdict_add(&verdict, "digest", kedge_digest_format(&root.digest, digest));
    }
    if (!refusal) {
        snprintf(text, sizeof text, "root version %s, good until %s", version, expires);
        verdict.message = text;
    }
    return kedge_verdict_give(call, &verdict);
}
