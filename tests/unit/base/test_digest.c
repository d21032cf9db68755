/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "lib/leak.h"

/* FIPS 180-4 examples. */
static const struct {
    const char *text, *digest;
} vectors[] = {
    {"", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

Test(digest, vectors)
{
    for (size_t i = 0; i < KEDGE_COUNT(vectors); i++) {
        char text[KEDGE_DIGEST_TEXT];
        struct kedge_digest digest = kedge_digest_of(vectors[i].text, strlen(vectors[i].text));
        struct kedge_digest parsed;
        cr_assert_str_eq(kedge_digest_format(&digest, text), vectors[i].digest);
        cr_assert(kedge_digest_parse(text, &parsed));
        cr_assert(kedge_digest_equal(&parsed, &digest));
        cr_assert_not(kedge_digest_is_zero(&digest));
    }
}

Test(digest, a_million_in_pieces)
{
    kedge_auto(kedge_digest) struct kedge_digest_state *state = kedge_digest_begin();
    char text[KEDGE_DIGEST_TEXT], block[1000];
    memset(block, 'a', sizeof block);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++)
            kedge_digest_update(state, block, sizeof block);
        struct kedge_digest digest = kedge_digest_finish(state); /* and starts over */
        cr_assert_str_eq(kedge_digest_format(&digest, text),
                         "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

Test(digest, parse_refuses)
{
    static const char *const bad[] = {
        "",
        "sha256:",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "SHA256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
    };
    struct kedge_digest digest = {0};
    for (size_t i = 0; i < KEDGE_COUNT(bad); i++)
        cr_assert_not(kedge_digest_parse(bad[i], &digest), "%s", bad[i]);
    cr_assert(kedge_digest_is_zero(&digest));
}

Test(digest, free_takes_null)
{
    kedge_digest_free(NULL);
    kedge_digest_free(kedge_digest_begin());
    kedge_test_no_leaks();
}
