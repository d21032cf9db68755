/* SPDX-License-Identifier: Apache-2.0 */
#include "grant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/secret.h"

#define SIGNATURE (2 * KEDGE_SECRET_MAC + 1)

static void sign(const uint8_t secret[KEDGE_SERVER_SECRET], const char *device, const char *expires,
                 char hex[SIGNATURE])
{
    uint8_t mac[KEDGE_SECRET_MAC];
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_printf(&text, "%s|%s", device, expires); /* no name holds a '|' */
    kedge_secret_mac(secret, text.data, text.size, mac);
    kedge_hex_encode(mac, sizeof mac, hex);
}

void kedge_grant_write(const uint8_t secret[KEDGE_SERVER_SECRET], const char *device,
                       kedge_ms expires, char text[KEDGE_SERVER_GRANT])
{
    char seconds[24], hex[SIGNATURE];
    snprintf(seconds, sizeof seconds, "%" PRId64, expires / 1000);
    sign(secret, device, seconds, hex);
    snprintf(text, KEDGE_SERVER_GRANT, "exp=%s,sig=%s", seconds, hex);
}

bool kedge_grant_check(const uint8_t secret[KEDGE_SERVER_SECRET], const char *device,
                       const char *expires, const char *signature, kedge_ms now)
{
    char hex[SIGNATURE];
    sign(secret, device, expires, hex);
    /* The signature covers the text of `expires`, so what was signed is a number. */
    return strlen(signature) == SIGNATURE - 1 &&
           kedge_secret_equal(hex, signature, SIGNATURE - 1) &&
           strtoll(expires, NULL, 10) >= now / 1000;
}
