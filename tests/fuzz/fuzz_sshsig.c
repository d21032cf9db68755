/* SPDX-License-Identifier: Apache-2.0 */
/* Armored SSH signatures. The keys of the corpus have signed "tree" for "git" and nothing else. */
#include <stdlib.h>
#include <string.h>

#include "wire/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A certificate that was read is whole, and good at no time for a principal that it does not name. */
static void check_certificate(const struct kedge_sshcert *certificate)
{
    struct kedge_slice rest = certificate->principals, one;
    while (kedge_sshcert_take_principal(&rest, &one)) {
        if (memchr(one.data, '\0', one.size))
            abort();
    }
    if (rest.size || !kedge_sshcert_objection(certificate, "nobody at all", 1772366400000))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct kedge_err err = {0};
    if (!ready && kedge_key_init(&err))
        abort();
    ready = true;
    kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
    if (kedge_sshsig_parse((struct kedge_slice){(const char *)data, size}, &signature, &err)) {
        if (!err.msg[0] || signature.blob.data)
            abort();
        return 0;
    }
    if (signature.certificate.kind != KEDGE_SSHCERT_NONE)
        check_certificate(&signature.certificate);
    /* A fuzzer can make keys of its own, but no signature by one. */
    bool git = kedge_sshsig_verify(&signature, KEDGE_SSHSIG_GIT, (struct kedge_slice){"tree", 4},
                                   &err) == 0;
    if (git && (signature.name_space.size != 3 || (signature.key.type == KEDGE_SSHKEY_SK_ED25519 &&
                                                   !(signature.flags & KEDGE_SSHSIG_TOUCHED))))
        abort();
    if (kedge_sshsig_verify(&signature, "file", (struct kedge_slice){"tree", 4}, &err) == 0 ||
        kedge_sshsig_verify(&signature, KEDGE_SSHSIG_GIT, (struct kedge_slice){"tred", 4}, &err) ==
            0)
        abort();
    char fingerprint[KEDGE_SSHKEY_FINGERPRINT];
    if (strlen(kedge_sshkey_fingerprint(&signature.key, fingerprint)) !=
        KEDGE_SSHKEY_FINGERPRINT - 1)
        abort();
    return 0;
}
