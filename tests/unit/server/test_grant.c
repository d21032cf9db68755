/* SPDX-License-Identifier: Apache-2.0 */
#include "server/grant.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(grant, is_for_one_device_and_a_while)
{
    uint8_t secret[KEDGE_SERVER_SECRET] = {1}, other[KEDGE_SERVER_SECRET] = {2};
    char text[KEDGE_SERVER_GRANT], expires[24], signature[80];
    kedge_grant_write(secret, "press", 50000, text);
    cr_assert_eq(sscanf(text, "exp=%23[0-9],sig=%79s", expires, signature), 2);
    cr_assert_str_eq(expires, "50");
    cr_assert(kedge_grant_check(secret, "press", expires, signature, 49000));
    cr_assert(kedge_grant_check(secret, "press", expires, signature, 50999));
    cr_assert(!kedge_grant_check(secret, "press", expires, signature, 51000), "over");
    cr_assert(!kedge_grant_check(secret, "lathe", expires, signature, 49000));
    cr_assert(!kedge_grant_check(other, "press", expires, signature, 49000));
    cr_assert(!kedge_grant_check(secret, "press", "99999", signature, 49000));
    cr_assert(!kedge_grant_check(secret, "press", expires, "", 49000));
    signature[5] = signature[5] == '0' ? '1' : '0';
    cr_assert(!kedge_grant_check(secret, "press", expires, signature, 49000));
}
