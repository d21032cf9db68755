/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/limits.h"
#include "fixture.h"
#include "lib/leak.h"
#include "lib/tempdir.h"
#include "lib/vectors.h"
#include "stock.h"
#include "wire/sshsig.h"

static int verify(struct kedge_slice armor, const char *name_space, struct kedge_slice message)
{
    kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
    struct kedge_err err = {0};
    int code = kedge_sshsig_parse(armor, &signature, &err);
    if (!code)
        code = kedge_sshsig_verify(&signature, name_space, message, &err);
    cr_assert_eq(code, (int)err.code);
    return code;
}

Test(sshsig, openssh_vectors)
{
    static const struct {
        const char *name;
        int code;
    } rows[] = {
        {"ed25519", 0},
        {"ed25519_sk", 0},
        {"rsa", KEDGE_UNSUPPORTED},
        {"ecdsa", KEDGE_UNSUPPORTED},
        {"ecdsa_sk", KEDGE_UNSUPPORTED},
        {"ecdsa_sk_webauthn", KEDGE_UNSUPPORTED},
        {"mldsa44-ed25519", KEDGE_UNSUPPORTED},
    };
    kedge_auto(kedge_buf) struct kedge_buf message = {0}, name_space = {0};
    kedge_vectors_read("sshsig/signed-data", &message);
    kedge_vectors_read("sshsig/namespace", &name_space);
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf armor = {0};
        char path[64];
        snprintf(path, sizeof path, "sshsig/%s.sig", rows[i].name);
        kedge_vectors_read(path, &armor);
        cr_expect_eq(verify(kedge_buf_slice(&armor), name_space.data, kedge_buf_slice(&message)),
                     rows[i].code, "%s", rows[i].name);
        if (rows[i].code == 0) {
            cr_expect_eq(verify(kedge_buf_slice(&armor), "git", kedge_buf_slice(&message)),
                         KEDGE_DENIED);
            cr_expect_eq(verify(kedge_buf_slice(&armor), name_space.data,
                                (struct kedge_slice){message.data, message.size - 1}),
                         KEDGE_DENIED);
        }
    }
}

Test(sshsig, the_key_within_is_the_public_keys)
{
    static const struct {
        const char *name;
        enum kedge_sshkey_type type;
        uint8_t flags;
        uint32_t counter;
    } rows[] = {
        {"ed25519", KEDGE_SSHKEY_ED25519, 0, 0},
        {"ed25519_sk", KEDGE_SSHKEY_SK_ED25519, KEDGE_SSHSIG_TOUCHED, 0x12345678},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_buf) struct kedge_buf armor = {0}, public = {0}, blob = {0};
        kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
        struct kedge_sshkey key;
        struct kedge_err err = {0};
        char path[64];
        snprintf(path, sizeof path, "sshsig/%s.sig", rows[i].name);
        kedge_vectors_read(path, &armor);
        snprintf(path, sizeof path, "sshsig/%s.pub", rows[i].name);
        kedge_vectors_read(path, &public);
        cr_assert_eq(kedge_sshsig_parse(kedge_buf_slice(&armor), &signature, &err), 0, "%s",
                     err.msg);
        struct kedge_slice line = kedge_buf_slice(&public);
        cr_assert_eq(kedge_sshkey_take(&line, &blob, &key, &err), 0, "%s", err.msg);
        cr_expect(kedge_sshkey_equal(&key, &signature.key));
        cr_expect_eq(signature.key.type, rows[i].type);
        cr_expect_eq(signature.flags, rows[i].flags);
        cr_expect_eq(signature.counter, rows[i].counter);
    }
}

/* A signature by our own key, so that each field can be made wrong. */
struct recipe {
    const char *magic;
    uint32_t version;
    const char *key_type, *name_space, *reserved, *hash, *signature_type;
    size_t signature_size;
    const char *behind_key, *behind_signature, *behind;
    bool security_key;
    uint8_t flags;
};

static const struct recipe plain = {
    "SSHSIG", 1, "ssh-ed25519", "git", "", "sha512", "ssh-ed25519", 64, "", "", "", false, 0};

static const struct kedge_slice message = {"tree 0\0\n", 8};

static void put_text(struct kedge_buf *out, const char *text)
{
    kedge_sshkey_put_string(out, text, strlen(text));
}

static void put_u32(struct kedge_buf *out, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    kedge_buf_add(out, bytes, sizeof bytes);
}

/* The 64 bytes of an Ed25519 signature over what PROTOCOL.sshsig says is signed. SHA-256, so that
 * nothing here but libcrypto computes the hash. */
static void sign_data(const struct recipe *recipe, uint8_t out[KEDGE_KEY_SIGNATURE])
{
    kedge_auto(kedge_buf) struct kedge_buf data = {0};
    struct kedge_err err;
    struct kedge_digest digest = kedge_digest_of(message.data, message.size);
    kedge_buf_puts(&data, "SSHSIG");
    put_text(&data, recipe->name_space);
    put_text(&data, "");
    put_text(&data, "sha256");
    kedge_sshkey_put_string(&data, digest.bytes, sizeof digest.bytes);
    if (recipe->security_key) {
        struct kedge_digest application = kedge_digest_of("ssh:", 4);
        struct kedge_digest inner = kedge_digest_of(data.data, data.size);
        kedge_buf_clear(&data);
        kedge_buf_add(&data, application.bytes, sizeof application.bytes);
        kedge_buf_putc(&data, (char)recipe->flags);
        put_u32(&data, 77);
        kedge_buf_add(&data, inner.bytes, sizeof inner.bytes);
        cr_assert_eq(data.size, 69);
    }
    cr_assert_eq(kedge_key_sign(kedge_fixture_director(), data.data, data.size, out, &err), 0);
}

static void make(const struct recipe *recipe, struct kedge_buf *armor)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0}, key = {0}, signature = {0};
    const struct kedge_public_key public = kedge_key_public(kedge_fixture_director());
    uint8_t bytes[KEDGE_KEY_SIGNATURE + 1] = {0};
    sign_data(recipe, bytes);
    put_text(&key, recipe->key_type);
    kedge_sshkey_put_string(&key, public.bytes, sizeof public.bytes);
    put_text(&signature, recipe->signature_type);
    kedge_sshkey_put_string(&signature, bytes, recipe->signature_size);
    if (recipe->security_key) {
        put_text(&key, "ssh:");
        kedge_buf_putc(&signature, (char)recipe->flags);
        put_u32(&signature, 77);
    }
    kedge_buf_puts(&key, recipe->behind_key);
    kedge_buf_puts(&signature, recipe->behind_signature);
    kedge_buf_puts(&blob, recipe->magic);
    put_u32(&blob, recipe->version);
    kedge_sshkey_put_string(&blob, key.data, key.size);
    put_text(&blob, recipe->name_space);
    put_text(&blob, recipe->reserved);
    put_text(&blob, recipe->hash);
    kedge_sshkey_put_string(&blob, signature.data, signature.size);
    kedge_buf_puts(&blob, recipe->behind);
    kedge_buf_puts(armor, "-----BEGIN SSH SIGNATURE-----\n");
    kedge_base64_encode(armor, blob.data, blob.size);
    kedge_buf_puts(armor, "\n-----END SSH SIGNATURE-----\n");
}

static struct recipe sound(void)
{
    struct recipe recipe = plain;
    recipe.hash = "sha256";
    return recipe;
}

static struct recipe sound_security_key(void)
{
    struct recipe recipe = sound();
    recipe.key_type = recipe.signature_type = "sk-ssh-ed25519@openssh.com";
    recipe.security_key = true;
    recipe.flags = KEDGE_SSHSIG_TOUCHED;
    return recipe;
}

static int verify_recipe(struct recipe recipe)
{
    kedge_auto(kedge_buf) struct kedge_buf armor = {0};
    make(&recipe, &armor);
    return verify(kedge_buf_slice(&armor), "git", message);
}

#define EXPECT_WITH(field, value, code)                                                            \
    do {                                                                                           \
        struct recipe changed = sound();                                                           \
        changed.field = (value);                                                                   \
        cr_expect_eq(verify_recipe(changed), (code), #field " = " #value);                         \
    } while (0)

Test(sshsig, every_field_counts)
{
    cr_expect_eq(verify_recipe(sound()), 0);
    EXPECT_WITH(magic, "SSHSIK", KEDGE_INVALID);
    EXPECT_WITH(version, 2, KEDGE_UNSUPPORTED);
    EXPECT_WITH(version, 0, KEDGE_UNSUPPORTED);
    EXPECT_WITH(key_type, "ssh-ed25519-cert-v01@openssh.com", KEDGE_INVALID);
    EXPECT_WITH(key_type, "ssh-rsa-cert-v01@openssh.com", KEDGE_UNSUPPORTED);
    EXPECT_WITH(key_type, "ssh-rsa", KEDGE_UNSUPPORTED);
    EXPECT_WITH(key_type, "sk-ssh-ed25519@openssh.com", KEDGE_INVALID);
    EXPECT_WITH(name_space, "file", KEDGE_DENIED);
    EXPECT_WITH(name_space, "", KEDGE_INVALID);
    EXPECT_WITH(reserved, "later", 0); /* ignored, as in OpenSSH */
    EXPECT_WITH(hash, "sha512", KEDGE_DENIED);
    EXPECT_WITH(hash, "sha1", KEDGE_INVALID);
    EXPECT_WITH(hash, "", KEDGE_INVALID);
    EXPECT_WITH(signature_type, "ssh-rsa", KEDGE_INVALID);
    EXPECT_WITH(signature_size, 63, KEDGE_INVALID);
    EXPECT_WITH(signature_size, 65, KEDGE_INVALID);
    EXPECT_WITH(signature_size, 0, KEDGE_INVALID);
    EXPECT_WITH(behind_key, "x", KEDGE_INVALID);
    EXPECT_WITH(behind_signature, "x", KEDGE_INVALID);
    EXPECT_WITH(behind, "x", KEDGE_INVALID);
    kedge_test_no_leaks();
}

Test(sshsig, security_keys_must_have_been_touched)
{
    struct recipe recipe = sound_security_key();
    cr_expect_eq(verify_recipe(recipe), 0);
    recipe.flags = KEDGE_SSHSIG_TOUCHED | KEDGE_SSHSIG_VERIFIED;
    cr_expect_eq(verify_recipe(recipe), 0);
    recipe.flags = KEDGE_SSHSIG_VERIFIED;
    cr_expect_eq(verify_recipe(recipe), KEDGE_DENIED);
    recipe.flags = 0;
    cr_expect_eq(verify_recipe(recipe), KEDGE_DENIED);
    recipe = sound_security_key();
    recipe.behind_signature = "x";
    cr_expect_eq(verify_recipe(recipe), KEDGE_INVALID);
}

static void check_flips(struct recipe recipe)
{
    kedge_auto(kedge_buf) struct kedge_buf armor = {0};
    make(&recipe, &armor);
    for (size_t i = 0; i + 1 < armor.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            armor.data[i] = (char)(armor.data[i] ^ 1 << bit);
            cr_expect_neq(verify(kedge_buf_slice(&armor), "git", message), 0, "byte %zu bit %d", i,
                          bit);
            armor.data[i] = (char)(armor.data[i] ^ 1 << bit);
        }
    }
    for (size_t size = 0; size + 1 < armor.size; size++)
        cr_expect_eq(verify((struct kedge_slice){armor.data, size}, "git", message), KEDGE_INVALID);
}

Test(sshsig, every_changed_bit_and_every_cut_is_refused)
{
    check_flips(sound());
    check_flips(sound_security_key());
    kedge_test_no_leaks();
}

Test(sshsig, armor_as_openssh_reads_it)
{
    kedge_auto(kedge_buf) struct kedge_buf armor = {0}, crlf = {0}, wrapped = {0}, behind = {0},
                                           before = {0}, begin = {0}, large = {0};
    struct recipe recipe = sound();
    make(&recipe, &armor);
    size_t first = (size_t)(strchr(armor.data, '\n') - armor.data);
    for (size_t i = 0; i < armor.size; i++) {
        if (armor.data[i] == '\n' && i > first)
            kedge_buf_putc(&crlf, '\r');
        kedge_buf_putc(&crlf, armor.data[i]);
        kedge_buf_putc(&wrapped, armor.data[i]);
        if (i > 40 && i < 200 && i % 7 == 0)
            kedge_buf_puts(&wrapped, "\n ");
    }
    cr_expect_eq(verify(kedge_buf_slice(&crlf), "git", message), 0);
    kedge_buf_printf(&begin, "%.*s\r%s", (int)first, armor.data, armor.data + first);
    cr_expect_eq(verify(kedge_buf_slice(&begin), "git", message), KEDGE_INVALID);
    cr_expect_eq(verify(kedge_buf_slice(&wrapped), "git", message), 0);
    kedge_buf_printf(&behind, "%s\n \n", armor.data);
    cr_expect_eq(verify(kedge_buf_slice(&behind), "git", message), 0);
    kedge_buf_puts(&behind, "x");
    cr_expect_eq(verify(kedge_buf_slice(&behind), "git", message), KEDGE_INVALID);
    kedge_buf_printf(&before, "\n%s", armor.data);
    cr_expect_eq(verify(kedge_buf_slice(&before), "git", message), KEDGE_INVALID);
    kedge_buf_puts(&large, armor.data);
    while (large.size <= KEDGE_LIMIT_SSHSIG)
        kedge_buf_putc(&large, '\n');
    cr_expect_eq(verify(kedge_buf_slice(&large), "git", message), KEDGE_LIMIT);
    cr_expect_eq(verify((struct kedge_slice){NULL, 0}, "git", message), KEDGE_INVALID);
}

Test(sshsig, fingerprints_are_those_of_ssh_keygen)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    struct kedge_sshkey key;
    struct kedge_err err;
    char text[KEDGE_SSHKEY_FINGERPRINT];
    static const char line[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlizSIN3DQV78VPNjVvvwjgf+"
                               "P5HqbPYCYu3BOMdjAE ED25519 test key";
    struct kedge_slice rest = {line, strlen(line)};
    cr_assert_eq(kedge_sshkey_take(&rest, &blob, &key, &err), 0, "%s", err.msg);
    cr_expect_str_eq(kedge_sshkey_fingerprint(&key, text),
                     "SHA256:ZxTZQ/K7JZpz0mHqWqdmYCUcq3MAtnu9TYA66TCBkxM");
    cr_expect_eq(rest.size, strlen("ED25519 test key"));
}

Test(sshsig, we_verify_what_ssh_keygen_signs)
{
    static const char *const hashes[] = {"hashalg=sha256", "hashalg=sha512"};
    for (size_t i = 0; i < KEDGE_COUNT(hashes); i++) {
        kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
        kedge_auto(kedge_buf) struct kedge_buf armor = {0};
        struct kedge_err err = {0};
        char key[300], data[300];
        snprintf(key, sizeof key, "%s/key", tmp.path);
        snprintf(data, sizeof data, "%s/data", tmp.path);
        cr_assert_eq(kedge_fs_write(tmp.fd, "data", message.data, message.size, 0600, &err), 0);
        const char *const generate[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N",
                                        "",           "-f", key,  NULL};
        const char *const sign[] = {"ssh-keygen", "-Y", "sign", "-O", hashes[i], "-n",
                                    "git",        "-f", key,    data, NULL};
        cr_assert_eq(kedge_stock_run(generate, NULL, NULL), 0);
        cr_assert_eq(kedge_stock_run(sign, NULL, NULL), 0);
        cr_assert_eq(kedge_fs_read(tmp.fd, "data.sig", KEDGE_LIMIT_SSHSIG, &armor, &err), 0);
        cr_expect_eq(verify(kedge_buf_slice(&armor), "git", message), 0);
        cr_expect_eq(verify(kedge_buf_slice(&armor), "file", message), KEDGE_DENIED);
    }
}
