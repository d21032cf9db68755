/* SPDX-License-Identifier: Apache-2.0 */
/* Files of allowed signers and of revoked keys. */
#include <stdlib.h>
#include <string.h>

#include "wire/allowed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A claim that a usable line itself suggests must be allowed where the line asks for no more. */
static void check_line(const struct kedge_allowed *allowed, const struct kedge_allowed_line *line)
{
    struct kedge_err err = {0};
    const struct kedge_allowed_claim claim = {&line->key, NULL, NULL, "git", line->after};
    const struct kedge_allowed_line *match = kedge_allowed_match(allowed, &claim, &err);
    if (!match && err.code != KEDGE_DENIED)
        abort();
    if (match && (match->authority || !match->usable))
        abort();
    if (!line->authority && !line->namespaces && (!match || match->number > line->number))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    const struct kedge_slice text = {(const char *)data, size};
    struct kedge_allowed allowed = {0};
    struct kedge_err err = {0};
    if (kedge_key_init(&err) || (kedge_allowed_parse(&arena, text, &allowed, &err) && !err.msg[0]))
        abort();
    for (uint32_t i = 0; i < allowed.count; i++) {
        const struct kedge_allowed_line *line = &allowed.lines[i];
        bool revoked;
        if (!line->usable && !line->problem)
            abort();
        if (!line->usable)
            continue;
        check_line(&allowed, line);
        kedge_allowed_matches("alice@example.com", line->principals);
        if (kedge_allowed_revoked(text, &line->key, NULL, &revoked, &err) && !err.msg[0])
            abort();
    }
    return 0;
}
