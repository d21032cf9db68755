/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/limits.h"
#include "statement.h"

#define MAX_LEVELS 32 /* more than KEDGE_LIMIT_BATCH leaves need */
#define STEP_TEXT  47 /* base64 of a digest, as a JSON string and a comma */

struct kedge_batch {
    /* Level by level: the leaves, their parents, ... the root. A level of odd length hands its last
     * node up as it is. */
    struct kedge_digest *nodes;
    size_t capacity;
    size_t size; /* leaves */
    struct kedge_digest_state *hash;
    struct kedge_buf root; /* envelope */
    /* The proof that was last written, step by step: neighbours share most of it. */
    size_t step_nodes[MAX_LEVELS]; /* plus 1; 0: none */
    char steps[MAX_LEVELS][STEP_TEXT];
    struct kedge_buf scratch;
};

/* The leading byte keeps a leaf from passing for a node (RFC 9162 2.1.1). */
static struct kedge_digest hash_leaf(struct kedge_digest_state *hash, struct kedge_slice statement)
{
    kedge_digest_update(hash, "\0", 1);
    kedge_digest_update(hash, statement.data, statement.size);
    return kedge_digest_finish(hash);
}

static struct kedge_digest hash_node(struct kedge_digest_state *hash,
                                     const struct kedge_digest *left,
                                     const struct kedge_digest *right)
{
    uint8_t bytes[1 + 2 * KEDGE_DIGEST_SIZE] = {1};
    memcpy(bytes + 1, left->bytes, KEDGE_DIGEST_SIZE);
    memcpy(bytes + 1 + KEDGE_DIGEST_SIZE, right->bytes, KEDGE_DIGEST_SIZE);
    kedge_digest_update(hash, bytes, sizeof bytes);
    return kedge_digest_finish(hash);
}

struct kedge_batch *kedge_batch_new(void)
{
    struct kedge_batch *batch = kedge_alloc_zeroed(sizeof *batch);
    batch->hash = kedge_digest_begin();
    return batch;
}

void kedge_batch_free(struct kedge_batch *batch)
{
    if (!batch)
        return;
    free(batch->nodes);
    kedge_digest_free(batch->hash);
    kedge_buf_release(&batch->root);
    kedge_buf_release(&batch->scratch);
    free(batch);
}

void kedge_batch_auto(struct kedge_batch **batch)
{
    kedge_batch_free(*batch);
}

static void reserve(struct kedge_batch *batch, size_t nodes)
{
    if (nodes <= batch->capacity)
        return;
    batch->capacity = nodes < 64 ? 64 : 2 * nodes;
    batch->nodes = kedge_alloc_grow(batch->nodes, batch->capacity * sizeof *batch->nodes);
}

size_t kedge_batch_add(struct kedge_batch *batch, struct kedge_slice statement)
{
    if (batch->size == KEDGE_LIMIT_BATCH)
        abort();
    reserve(batch, batch->size + 1);
    batch->nodes[batch->size] = hash_leaf(batch->hash, statement);
    return batch->size++;
}

/* Fills the levels above the leaves; returns the root. */
static const struct kedge_digest *grow_tree(struct kedge_batch *batch)
{
    reserve(batch, 2 * batch->size + MAX_LEVELS);
    struct kedge_digest *level = batch->nodes;
    for (size_t length = batch->size; length > 1;) {
        struct kedge_digest *above = level + length;
        for (size_t i = 0; i + 1 < length; i += 2)
            above[i / 2] = hash_node(batch->hash, &level[i], &level[i + 1]);
        if (length % 2)
            above[length / 2] = level[length - 1];
        level = above;
        length = (length + 1) / 2;
    }
    return level;
}

int kedge_batch_sign(struct kedge_batch *batch, const struct kedge_key *const *keys,
                     size_t key_count, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0};
    struct kedge_json_writer w = {.out = &statement};
    char text[KEDGE_DIGEST_TEXT];
    const struct kedge_digest *root = grow_tree(batch);
    kedge_statement_begin(&w);
    kedge_statement_subject(&w, "batch", root);
    kedge_statement_predicate(&w, KEDGE_BATCH_PREDICATE);
    kedge_json_begin_object(&w);
    kedge_json_add_string(&w, "root", kedge_digest_format(root, text));
    kedge_json_add_integer(&w, "size", (int64_t)batch->size);
    kedge_json_end_object(&w);
    kedge_statement_end(&w);
    return kedge_envelope_sign(&batch->root, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&statement),
                               keys, key_count, err);
}

/* Has step number `step` of the proof say `node`. */
static void set_step(struct kedge_batch *batch, size_t step, size_t node)
{
    if (batch->step_nodes[step] == node + 1)
        return;
    kedge_buf_clear(&batch->scratch);
    struct kedge_json_writer w = {.out = &batch->scratch};
    kedge_json_put_base64(&w, batch->nodes[node].bytes, KEDGE_DIGEST_SIZE);
    kedge_buf_putc(&batch->scratch, ',');
    memcpy(batch->steps[step], batch->scratch.data, STEP_TEXT);
    batch->step_nodes[step] = node + 1;
}

/* The proof of leaf `index`, as the inside of a JSON array. */
static struct kedge_slice prove(struct kedge_batch *batch, size_t index)
{
    size_t steps = 0;
    size_t start = 0; /* first node of the level */
    for (size_t length = batch->size; length > 1; length = (length + 1) / 2, index /= 2) {
        size_t sibling = index ^ 1;
        if (sibling < length)
            set_step(batch, steps++, start + sibling);
        start += length;
    }
    return (struct kedge_slice){batch->steps[0], steps ? steps * STEP_TEXT - 1 : 0};
}

void kedge_batch_write(struct kedge_batch *batch, size_t index, struct kedge_slice statement,
                       struct kedge_buf *out)
{
    struct kedge_json_writer w = {.out = out};
    kedge_buf_reserve(out, statement.size / 3 * 4 + sizeof batch->steps + batch->root.size + 64);
    kedge_json_begin_object(&w);
    kedge_json_key(&w, "order");
    kedge_json_put_base64(&w, statement.data, statement.size);
    kedge_json_add_integer(&w, "index", (int64_t)index);
    kedge_json_key(&w, "proof");
    kedge_json_begin_array(&w);
    kedge_json_put_raw(&w, prove(batch, index));
    kedge_json_end_array(&w);
    kedge_json_key(&w, "root");
    kedge_json_put_raw(&w, kedge_buf_slice(&batch->root));
    kedge_json_end_object(&w);
}

/* What the root's statement says. */
struct claim {
    struct kedge_digest root;
    int64_t size;
};

static int read_claim(struct kedge_slice statement, struct claim *out, struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    json_t *predicate;
    const char *root;
    int code = kedge_statement_read(statement, KEDGE_LIMIT_ENVELOPE, KEDGE_BATCH_PREDICATE, &json,
                                    &predicate, err);
    if (!code)
        code = kedge_json_string(predicate, "root", &root, err);
    if (!code)
        code = kedge_json_integer(predicate, "size", &out->size, err);
    if (code)
        return code;
    if (!kedge_digest_parse(root, &out->root))
        return kedge_err_set(err, KEDGE_INVALID, "member 'root' is not a digest: '%.80s'", root);
    if (out->size < 1 || out->size > KEDGE_LIMIT_BATCH)
        return kedge_err_set(err, KEDGE_LIMIT, "a tree of %lld leaves, 1 to %d are read",
                             (long long)out->size, KEDGE_LIMIT_BATCH);
    return 0;
}

/* Appends the digests of member "proof", one behind the other. */
static int read_proof(const json_t *member, struct kedge_buf *out, struct kedge_err *err)
{
    json_t *proof;
    int code = kedge_json_array(member, "proof", &proof, err);
    if (code)
        return code;
    size_t count = json_array_size(proof);
    if (count > MAX_LEVELS)
        return kedge_err_set(err, KEDGE_LIMIT, "a proof of %zu steps, at most %d are read", count,
                             MAX_LEVELS);
    for (size_t i = 0; i < count; i++) {
        const json_t *step = json_array_get(proof, i);
        if (!json_is_string(step))
            return kedge_err_set(err, KEDGE_INVALID, "step %zu of the proof is not a string", i);
        code = kedge_base64_decode(out, json_string_value(step), json_string_length(step), err);
        if (code)
            return code;
        if (out->size != (i + 1) * KEDGE_DIGEST_SIZE)
            return kedge_err_set(err, KEDGE_INVALID, "step %zu of the proof is not a digest", i);
    }
    return 0;
}

/* RFC 9162 2.1.3.2. */
static bool is_included(const struct claim *claim, int64_t index, struct kedge_slice statement,
                        const struct kedge_digest *proof, size_t steps)
{
    kedge_auto(kedge_digest) struct kedge_digest_state *hash = kedge_digest_begin();
    struct kedge_digest node = hash_leaf(hash, statement);
    uint64_t at = (uint64_t)index, last = (uint64_t)claim->size - 1;
    if (index < 0 || at > last)
        return false;
    for (size_t i = 0; i < steps; i++) {
        if (last == 0)
            return false;
        if (at % 2 || at == last) {
            node = hash_node(hash, &proof[i], &node);
            while (at % 2 == 0 && at != 0) { /* handed up without a sibling */
                at /= 2;
                last /= 2;
            }
        } else {
            node = hash_node(hash, &node, &proof[i]);
        }
        at /= 2;
        last /= 2;
    }
    return last == 0 && kedge_digest_equal(&node, &claim->root);
}

static int verify_member(const json_t *member, const struct kedge_envelope_trust *trust,
                         struct kedge_buf *payload, struct kedge_err *err)
{
    kedge_auto(kedge_buf) struct kedge_buf root = {0}, proof = {0}, statement = {0};
    struct claim claim;
    json_t *envelope;
    int64_t index;
    int code = kedge_json_object(member, "root", &envelope, err);
    if (!code)
        code = kedge_envelope_verify_json(envelope, trust, &root, err);
    if (!code)
        code = read_claim(kedge_buf_slice(&root), &claim, err);
    if (!code)
        code = kedge_json_base64(member, "order", &statement, err);
    if (!code)
        code = kedge_json_integer(member, "index", &index, err);
    if (!code)
        code = read_proof(member, &proof, err);
    if (code)
        return code;
    if (!is_included(&claim, index, kedge_buf_slice(&statement),
                     (const struct kedge_digest *)proof.data, proof.size / KEDGE_DIGEST_SIZE))
        return kedge_err_set(err, KEDGE_DENIED, "the statement is not leaf %lld of the signed tree",
                             (long long)index);
    kedge_buf_add(payload, statement.data, statement.size);
    return 0;
}

int kedge_batch_verify(const char *data, size_t size, size_t limit,
                       const struct kedge_envelope_trust *trust, struct kedge_buf *payload,
                       struct kedge_err *err)
{
    kedge_auto(kedge_json) json_t *json = NULL;
    int code = kedge_json_parse(data, size, limit, &json, err);
    if (!code && (json_object_get(json, "payload") || !json_object_get(json, "order")))
        return kedge_envelope_verify_json(json, trust, payload, err);
    if (!code)
        code = verify_member(json, trust, payload, err);
    return code ? kedge_err_wrap(err, "batch") : 0;
}
