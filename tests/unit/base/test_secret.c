/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <criterion/criterion.h>
#include <string.h>

Test(secret, random_bytes_differ)
{
    uint8_t a[32], b[32];
    kedge_secret_random(a, sizeof a);
    kedge_secret_random(b, sizeof b);
    cr_assert(memcmp(a, b, sizeof a) != 0);
}

Test(secret, a_mac_binds_key_and_data)
{
    uint8_t key[KEDGE_SECRET_KEY] = {1}, other[KEDGE_SECRET_KEY] = {2};
    uint8_t mac[KEDGE_SECRET_MAC], again[KEDGE_SECRET_MAC];
    kedge_secret_mac(key, "press-01", 8, mac);
    kedge_secret_mac(key, "press-01", 8, again);
    cr_assert(kedge_secret_equal(mac, again, sizeof mac));
    kedge_secret_mac(other, "press-01", 8, again);
    cr_assert(!kedge_secret_equal(mac, again, sizeof mac));
    kedge_secret_mac(key, "press-02", 8, again);
    cr_assert(!kedge_secret_equal(mac, again, sizeof mac));
}

Test(secret, guarded_memory_begins_as_zeros)
{
    static const char zeros[100];
    char *memory = kedge_secret_alloc(sizeof zeros);
    cr_expect_arr_eq(memory, zeros, sizeof zeros);
    kedge_secret_free(memory);
    kedge_secret_free(NULL);
}
