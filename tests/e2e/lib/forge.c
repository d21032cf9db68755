/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who holds a key can sign: any bytes. usage: forge KEYFILE < STATEMENT > ENVELOPE */
#include <stdio.h>

#include "wire/envelope.h"
#include "wire/keyfile.h"

int main(int argc, char **argv)
{
    kedge_auto(kedge_buf) struct kedge_buf statement = {0}, envelope = {0};
    kedge_auto(kedge_key) struct kedge_key *key = NULL;
    struct kedge_err err = {.msg = "usage: forge KEYFILE"};
    char block[4096];
    for (size_t got; (got = fread(block, 1, sizeof block, stdin)) > 0;)
        kedge_buf_add(&statement, block, got);
    if (argc != 2 || kedge_key_init(&err) || kedge_keyfile_load(argv[1], NULL, NULL, &key, &err) ||
        kedge_envelope_sign(&envelope, KEDGE_ENVELOPE_IN_TOTO, kedge_buf_slice(&statement),
                            (const struct kedge_key *const[]){key}, 1, &err)) {
        fprintf(stderr, "forge: %s\n", err.msg);
        return 1;
    }
    fwrite(envelope.data, 1, envelope.size, stdout);
    return 0;
}
