/* SPDX-License-Identifier: Apache-2.0 */
/* Order statements: read as they are, and admitted once the director has signed them. */
#include <stdlib.h>
#include <string.h>

#include "wire/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1772366400000LL /* 2026-03-01T12:00:00Z */

static struct kedge_key *director(void)
{
    static struct kedge_key *key;
    struct kedge_err err;
    if (!key && kedge_key_init(&err) == 0)
        key = kedge_key_from_seed((uint8_t[32]){1});
    return key;
}

/* What the device may rely on. */
static void check(const struct kedge_order *order)
{
    if (order->generation < 1 || order->expires <= order->issued || !order->commit ||
        !order->source || !kedge_name_valid(order->device, strlen(order->device)))
        abort();
    for (uint32_t i = 1; i < order->set_count; i++) {
        if (strcmp(order->set[i - 1].instance, order->set[i].instance) >= 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_key *key = director();
    const struct kedge_slice payload = {(const char *)data, size};
    struct kedge_order order;
    struct kedge_err err = {0};
    int code = kedge_order_read(&arena, payload, &order, &err);
    if (code == 0)
        check(&order);
    else if (!err.msg[0])
        abort();

    kedge_auto(kedge_buf) struct kedge_buf envelope = {0};
    const struct kedge_public_key public = kedge_key_public(key);
    const struct kedge_envelope_trust trust = {&public, 1, 1, KEDGE_ENVELOPE_IN_TOTO};
    const struct kedge_order_memory memory = {.device = "press-07", .generation = 6};
    if (kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, payload, &key, 1, &err))
        abort();
    enum kedge_order_refusal refusal =
        kedge_order_admit(&arena, kedge_buf_slice(&envelope), &trust, &memory, NOW, &order, &err);
    if ((refusal == KEDGE_ORDER_MALFORMED) != (code != 0))
        abort();
    if (refusal == KEDGE_ORDER_ACCEPTED &&
        (order.generation <= 6 || strcmp(order.device, "press-07") != 0 || order.expires <= NOW))
        abort();
    return 0;
}
