/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures (W5): an order for each device, one for many, what a device checks. */
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/limits.h"
#include "unit/wire/fixture.h"
#include "wire/batch.h"

enum { EACH = 2000 };

/* libsodium's key pair of the fixture's director. */
static void keys_of_director(unsigned char public[32], unsigned char secret[64])
{
    unsigned char seed[32] = {1};
    bench_check(crypto_sign_seed_keypair(public, secret, seed) == 0, "libsodium");
}

/* The statement of an order with one action and one instance, and what is signed of it. */
static void make_statement(struct kedge_buf *statement, struct kedge_buf *signed_bytes)
{
    struct kedge_order order = kedge_fixture_order();
    kedge_fixture_payload(&order, 1, statement);
    kedge_envelope_pae(signed_bytes, KEDGE_ENVELOPE_IN_TOTO, strlen(KEDGE_ENVELOPE_IN_TOTO),
                       statement->data, statement->size);
}

/* Signatures a second of processor time by libsodium, over the very bytes that ours signs. */
static double sign_bare(const struct kedge_buf *bytes)
{
    unsigned char public[32], secret[64], signature[64];
    keys_of_director(public, secret);
    double c = bench_cpu();
    for (int i = 0; i < EACH; i++) {
        bytes->data[bytes->size - 1] = (char)i;
        crypto_sign_detached(signature, NULL, (const unsigned char *)bytes->data, bytes->size,
                             secret);
    }
    return EACH / (bench_cpu() - c);
}

static void sign_each(struct bench *bench)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0}, bytes = {0}, envelope = {0};
    const struct kedge_key *director = kedge_fixture_director();
    struct bench_series ours = {0}, bare = {0};
    struct kedge_err err;
    make_statement(&statement, &bytes);
    for (unsigned i = bench_turns(bench, 15); i > 0; i--) {
        bench_add(&bare, sign_bare(&bytes));
        double c = bench_cpu();
        for (int k = 0; k < EACH; k++) {
            kedge_buf_clear(&envelope);
            bench_must(kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO,
                                           kedge_buf_slice(&statement), &director, 1, &err),
                       &err);
        }
        bench_add(&ours, EACH / (bench_cpu() - c));
    }
    bench_print(bench, &(struct bench_row){"sign_each", "envelope/cpu_s", &ours, &bare,
                                           BENCH_RATIO_AT_LEAST, 0.95});
}

/* The root of a Merkle tree over `count` statements, and one signature over it. */
static void merkle_bare(char *const *statements, size_t size, size_t count,
                        unsigned char (*level)[32])
{
    unsigned char public[32], secret[64], signature[64], pair[65] = {1};
    keys_of_director(public, secret);
    for (size_t i = 0; i < count; i++)
        SHA256((const unsigned char *)statements[i], size, level[i]);
    for (size_t width = count; width > 1; width = (width + 1) / 2) {
        for (size_t i = 0; i + 1 < width; i += 2) {
            memcpy(pair + 1, level[i], 64);
            SHA256(pair, sizeof pair, level[i / 2]);
        }
        if (width % 2)
            memcpy(level[width / 2], level[width - 1], 32);
    }
    crypto_sign_detached(signature, NULL, level[0], 32, secret);
}

static void sign_batch(struct bench *bench)
{
    size_t count = bench->quick ? 5000 : 100000;
    kedge_auto(kedge_buf) struct kedge_buf statement = {0}, bytes = {0}, member = {0};
    const struct kedge_key *director = kedge_fixture_director();
    struct bench_series ours = {0}, floor = {0}, single = {0};
    struct kedge_err err;
    make_statement(&statement, &bytes);
    char **statements = calloc(count, sizeof *statements);
    unsigned char(*level)[32] = calloc(count, sizeof *level);
    for (size_t i = 0; i < count; i++) {
        statements[i] = malloc(statement.size);
        memcpy(statements[i], statement.data, statement.size);
        memcpy(statements[i] + statement.size / 2, &i, sizeof i);
    }
    for (unsigned i = bench_turns(bench, 7); i > 0; i--) {
        kedge_auto(kedge_batch) struct kedge_batch *batch = kedge_batch_new();
        bench_add(&single, sign_bare(&bytes));
        double c = bench_cpu();
        merkle_bare(statements, statement.size, count, level);
        bench_add(&floor, (double)count / (bench_cpu() - c));
        c = bench_cpu();
        for (size_t k = 0; k < count; k++)
            kedge_batch_add(batch, (struct kedge_slice){statements[k], statement.size});
        bench_must(kedge_batch_sign(batch, &director, 1, &err), &err);
        for (size_t k = 0; k < count; k++) {
            kedge_buf_clear(&member);
            kedge_batch_write(batch, k, (struct kedge_slice){statements[k], statement.size},
                              &member);
        }
        bench_add(&ours, (double)count / (bench_cpu() - c));
    }
    bench_print(bench, &(struct bench_row){"sign_batch", "member/cpu_s", &ours, &floor,
                                           BENCH_RATIO_AT_LEAST, 0.8});
    bench_print(bench, &(struct bench_row){"sign_batch_gain", "member/cpu_s", &ours, &single,
                                           BENCH_RATIO_AT_LEAST, 25});
    for (size_t i = 0; i < count; i++)
        free(statements[i]);
    free(statements);
    free(level);
}

/* All that a device does with an order, from bytes to a decision. */
static void check_order(struct bench *bench)
{
    enum { CHECKS = 1000 };
    kedge_auto(kedge_buf) struct kedge_buf statement = {0}, bytes = {0}, envelope = {0};
    unsigned char public[32], secret[64], signature[64];
    struct kedge_order order = kedge_fixture_order();
    struct kedge_envelope_trust trust = kedge_fixture_trust();
    struct kedge_order_memory memory = {.device = order.device};
    struct bench_series ours = {0}, bare = {0};
    struct kedge_err err;
    make_statement(&statement, &bytes);
    kedge_fixture_envelope(&order, 1, kedge_fixture_director(), &envelope);
    keys_of_director(public, secret);
    const unsigned char *at = (const unsigned char *)bytes.data;
    crypto_sign_detached(signature, NULL, at, bytes.size, secret);
    for (unsigned i = bench_turns(bench, 15); i > 0; i--) {
        double c = bench_cpu();
        for (int k = 0; k < CHECKS; k++)
            bench_check(crypto_sign_verify_detached(signature, at, bytes.size, public) == 0, "bad");
        bench_add(&bare, (bench_cpu() - c) * 1e6 / CHECKS);
        c = bench_cpu();
        for (int k = 0; k < CHECKS; k++) {
            kedge_auto(kedge_arena) struct kedge_arena arena = {0};
            struct kedge_order out;
            bench_check(kedge_order_admit(&arena, kedge_buf_slice(&envelope), &trust, &memory,
                                          KEDGE_FIXTURE_NOW + 1000, &out,
                                          &err) == KEDGE_ORDER_ACCEPTED,
                        err.msg);
        }
        bench_add(&ours, (bench_cpu() - c) * 1e6 / CHECKS);
    }
    bench_print(bench, &(struct bench_row){"check_order", "cpu_us", &ours, &bare,
                                           BENCH_RATIO_AT_MOST, 1.15});
}

const struct bench_workload bench_wire_workloads[] = {
    {"sign_each", sign_each},
    {"sign_batch", sign_batch},
    {"check_order", check_order},
    {0},
};
