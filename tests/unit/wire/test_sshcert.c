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
#include "stock.h"
#include "wire/allowed.h"
#include "wire/sshsig.h"

#define NOW     1772366400 /* 2026-03-01T12:00:00Z */
#define FOREVER UINT64_MAX

static const struct kedge_slice message = {"tree", 4};

/* A certificate of the director's key by the stranger, so that each field can be made wrong. */
struct recipe {
    const char *type, *authority_type, *signature_type;
    const char *principals; /* a comma behind each */
    const char *critical, *extension;
    uint64_t after, before;
    uint32_t kind;
    size_t point, signature_size;
    const char *behind_principals, *behind_critical, *behind_authority, *behind_signature, *behind;
    bool ended; /* a NUL behind each principal */
    bool security_key, forged;
};

static const struct recipe sound = {
    .type = "ssh-ed25519-cert-v01@openssh.com",
    .authority_type = "ssh-ed25519",
    .signature_type = "ssh-ed25519",
    .principals = "ann@example.org,bob@example.org,",
    .before = FOREVER,
    .kind = KEDGE_SSHCERT_USER,
    .point = 32,
    .signature_size = 64,
    .behind_principals = "",
    .behind_critical = "",
    .behind_authority = "",
    .behind_signature = "",
    .behind = "",
};

static struct kedge_slice slice(const char *text)
{
    return (struct kedge_slice){text, strlen(text)};
}

static void put_text(struct kedge_buf *out, const char *text)
{
    kedge_sshkey_put_string(out, text, strlen(text));
}

static void put_buf(struct kedge_buf *out, const struct kedge_buf *buf)
{
    kedge_sshkey_put_string(out, buf->data ? buf->data : "", buf->size);
}

static void put_u32(struct kedge_buf *out, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    kedge_buf_add(out, bytes, sizeof bytes);
}

static void put_u64(struct kedge_buf *out, uint64_t value)
{
    put_u32(out, (uint32_t)(value >> 32));
    put_u32(out, (uint32_t)value);
}

static void put_principals(const struct recipe *recipe, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf list = {0};
    const char *at = recipe->principals;
    for (size_t size; *at; at += size + 1) {
        kedge_auto(kedge_buf) struct kedge_buf one = {0};
        size = strcspn(at, ",");
        kedge_buf_add(&one, at, size);
        if (recipe->ended)
            kedge_buf_putc(&one, '\0');
        put_buf(&list, &one);
    }
    kedge_buf_puts(&list, recipe->behind_principals);
    put_buf(out, &list);
}

/* A name with an empty value, or none. */
static void put_option(const char *name, const char *behind, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf list = {0};
    if (name) {
        put_text(&list, name);
        put_text(&list, "");
    }
    kedge_buf_puts(&list, behind);
    put_buf(out, &list);
}

static void make_certificate(const struct recipe *recipe, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf authority = {0}, signature = {0};
    const struct kedge_public_key own = kedge_key_public(kedge_fixture_director());
    const struct kedge_public_key vouching = kedge_key_public(kedge_fixture_stranger());
    uint8_t bytes[KEDGE_KEY_SIGNATURE + 1] = {0};
    struct kedge_err err;
    put_text(out, recipe->type);
    put_text(out, "a nonce");
    kedge_sshkey_put_string(out, own.bytes, recipe->point);
    if (recipe->security_key)
        put_text(out, "ssh:");
    put_u64(out, 7);
    put_u32(out, recipe->kind);
    put_text(out, "id");
    put_principals(recipe, out);
    put_u64(out, recipe->after);
    put_u64(out, recipe->before);
    put_option(recipe->critical, recipe->behind_critical, out);
    put_option(recipe->extension, "", out);
    put_text(out, "");
    put_text(&authority, recipe->authority_type);
    kedge_sshkey_put_string(&authority, vouching.bytes, sizeof vouching.bytes);
    if (strcmp(recipe->authority_type, "sk-ssh-ed25519@openssh.com") == 0)
        put_text(&authority, "ssh:");
    kedge_buf_puts(&authority, recipe->behind_authority);
    put_buf(out, &authority);
    const struct kedge_key *signer =
        recipe->forged ? kedge_fixture_director() : kedge_fixture_stranger();
    cr_assert_eq(kedge_key_sign(signer, out->data, out->size, bytes, &err), 0);
    put_text(&signature, recipe->signature_type);
    kedge_sshkey_put_string(&signature, bytes, recipe->signature_size);
    kedge_buf_puts(&signature, recipe->behind_signature);
    put_buf(out, &signature);
    kedge_buf_puts(out, recipe->behind);
}

static int read_recipe(struct recipe recipe)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    struct kedge_sshkey key;
    struct kedge_sshcert certificate = {0};
    struct kedge_err err = {0};
    make_certificate(&recipe, &blob);
    int code = kedge_sshcert_read(kedge_buf_slice(&blob), &key, &certificate, &err);
    cr_assert_eq(code, (int)err.code);
    cr_assert_eq(code == 0, certificate.kind != KEDGE_SSHCERT_NONE);
    return code;
}

#define EXPECT_WITH(field, value, code)                                                            \
    do {                                                                                           \
        struct recipe changed = sound;                                                             \
        changed.field = (value);                                                                   \
        cr_expect_eq(read_recipe(changed), (code), #field " = " #value);                           \
    } while (0)

Test(sshcert, every_field_counts)
{
    cr_expect_eq(read_recipe(sound), 0);
    EXPECT_WITH(type, "ssh-ed25519", KEDGE_INVALID);
    EXPECT_WITH(type, "ssh-rsa-cert-v01@openssh.com", KEDGE_INVALID);
    EXPECT_WITH(type, "sk-ssh-ed25519-cert-v01@openssh.com", KEDGE_INVALID);
    EXPECT_WITH(point, 31, KEDGE_INVALID);
    EXPECT_WITH(kind, 0, KEDGE_INVALID);
    EXPECT_WITH(kind, 3, KEDGE_INVALID);
    EXPECT_WITH(kind, KEDGE_SSHCERT_HOST, 0);
    EXPECT_WITH(principals, "", 0);
    EXPECT_WITH(principals, ",", 0);
    EXPECT_WITH(behind_principals, "x", KEDGE_INVALID);
    EXPECT_WITH(critical, "anything", 0);
    EXPECT_WITH(behind_critical, "x", KEDGE_INVALID);
    EXPECT_WITH(extension, "permit-pty", 0);
    EXPECT_WITH(authority_type, "ssh-rsa", KEDGE_UNSUPPORTED);
    EXPECT_WITH(authority_type, "sk-ssh-ed25519@openssh.com", KEDGE_UNSUPPORTED);
    EXPECT_WITH(authority_type, "ssh-ed25519-cert-v01@openssh.com", KEDGE_UNSUPPORTED);
    EXPECT_WITH(behind_authority, "x", KEDGE_INVALID);
    EXPECT_WITH(signature_type, "ssh-rsa", KEDGE_INVALID);
    EXPECT_WITH(signature_type, "ssh-ed25519-cert-v01@openssh.com", KEDGE_INVALID);
    EXPECT_WITH(signature_size, 63, KEDGE_INVALID);
    EXPECT_WITH(signature_size, 65, KEDGE_INVALID);
    EXPECT_WITH(behind_signature, "x", KEDGE_INVALID);
    EXPECT_WITH(behind, "x", KEDGE_INVALID);
    EXPECT_WITH(forged, true, KEDGE_DENIED);
    struct recipe ended = sound;
    ended.ended = true;
    cr_expect_eq(read_recipe(ended), 0, "a NUL behind a text");
    kedge_test_no_leaks();
}

Test(sshcert, principals_are_bounded)
{
    kedge_auto(kedge_buf) struct kedge_buf names = {0};
    for (int i = 0; i < KEDGE_LIMIT_PRINCIPALS; i++)
        kedge_buf_puts(&names, "a,");
    EXPECT_WITH(principals, names.data, 0);
    kedge_buf_puts(&names, "a,");
    EXPECT_WITH(principals, names.data, KEDGE_LIMIT);
}

Test(sshcert, a_nul_within_a_principal_is_refused)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    struct kedge_sshkey key;
    struct kedge_sshcert certificate;
    struct kedge_err err;
    make_certificate(&sound, &blob);
    char *at = memmem(blob.data, blob.size, "ann@example.org", 15);
    at[3] = '\0';
    cr_expect_eq(kedge_sshcert_read(kedge_buf_slice(&blob), &key, &certificate, &err),
                 KEDGE_INVALID);
}

Test(sshcert, every_changed_bit_and_every_cut_is_refused)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    struct kedge_sshkey key;
    struct kedge_sshcert certificate;
    struct kedge_err err;
    make_certificate(&sound, &blob);
    for (size_t i = 0; i < blob.size * 8; i++) {
        blob.data[i / 8] = (char)(blob.data[i / 8] ^ 1 << i % 8);
        cr_expect_neq(kedge_sshcert_read(kedge_buf_slice(&blob), &key, &certificate, &err), 0,
                      "bit %zu", i);
        blob.data[i / 8] = (char)(blob.data[i / 8] ^ 1 << i % 8);
    }
    for (size_t size = 0; size < blob.size; size++)
        cr_expect_neq(kedge_sshcert_read((struct kedge_slice){blob.data, size}, &key, &certificate,
                                         &err),
                      0, "cut at %zu", size);
    kedge_test_no_leaks();
}

/* --- signatures by certified keys ------------------------------------------------------------- */

static void sign(const struct recipe *recipe, struct kedge_buf *armor)
{
    kedge_auto(kedge_buf) struct kedge_buf data = {0}, key = {0}, inner = {0}, blob = {0};
    struct kedge_digest digest = kedge_digest_of(message.data, message.size);
    uint8_t bytes[KEDGE_KEY_SIGNATURE];
    struct kedge_err err;
    make_certificate(recipe, &key);
    kedge_buf_puts(&data, "SSHSIG");
    put_text(&data, "git");
    put_text(&data, "");
    put_text(&data, "sha256");
    kedge_sshkey_put_string(&data, digest.bytes, sizeof digest.bytes);
    if (recipe->security_key) {
        struct kedge_digest application = kedge_digest_of("ssh:", 4);
        struct kedge_digest what = kedge_digest_of(data.data, data.size);
        kedge_buf_clear(&data);
        kedge_buf_add(&data, application.bytes, sizeof application.bytes);
        kedge_buf_putc(&data, KEDGE_SSHSIG_TOUCHED);
        put_u32(&data, 77);
        kedge_buf_add(&data, what.bytes, sizeof what.bytes);
    }
    cr_assert_eq(kedge_key_sign(kedge_fixture_director(), data.data, data.size, bytes, &err), 0);
    put_text(&inner, recipe->security_key ? "sk-ssh-ed25519@openssh.com" : "ssh-ed25519");
    kedge_sshkey_put_string(&inner, bytes, sizeof bytes);
    if (recipe->security_key) {
        kedge_buf_putc(&inner, KEDGE_SSHSIG_TOUCHED);
        put_u32(&inner, 77);
    }
    kedge_buf_puts(&blob, "SSHSIG");
    put_u32(&blob, 1);
    put_buf(&blob, &key);
    put_text(&blob, "git");
    put_text(&blob, "");
    put_text(&blob, "sha256");
    put_buf(&blob, &inner);
    kedge_buf_puts(armor, "-----BEGIN SSH SIGNATURE-----\n");
    kedge_base64_encode(armor, blob.data, blob.size);
    kedge_buf_puts(armor, "\n-----END SSH SIGNATURE-----\n");
}

/* "type base64" of a plain key of ours. */
static void put_line(const struct kedge_key *of, bool security_key, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    const struct kedge_public_key public = kedge_key_public(of);
    const char *type = security_key ? "sk-ssh-ed25519@openssh.com" : "ssh-ed25519";
    put_text(&blob, type);
    kedge_sshkey_put_string(&blob, public.bytes, sizeof public.bytes);
    if (security_key)
        put_text(&blob, "ssh:");
    kedge_buf_printf(out, "%s ", type);
    kedge_base64_encode(out, blob.data, blob.size);
}

static void put_certificate_line(const struct recipe *recipe, struct kedge_buf *out)
{
    kedge_auto(kedge_buf) struct kedge_buf blob = {0};
    make_certificate(recipe, &blob);
    kedge_buf_printf(out, "%s ", recipe->type);
    kedge_base64_encode(out, blob.data, blob.size);
}

/* `pattern` with $ as the authority's key, % as the signer's and & as its certificate. */
static void fill(const char *pattern, const struct recipe *recipe, struct kedge_buf *out)
{
    for (const char *at = pattern; *at; at++) {
        if (*at == '$')
            put_line(kedge_fixture_stranger(), false, out);
        else if (*at == '%')
            put_line(kedge_fixture_director(), recipe->security_key, out);
        else if (*at == '&')
            put_certificate_line(recipe, out);
        else
            kedge_buf_putc(out, *at);
    }
}

enum difference { SAME, STRICTER };

static const struct row {
    const char *allowed, *revoked;
    const char *principals; /* of the certificate; NULL: ann and bob */
    uint64_t after, before; /* 0: FOREVER */
    uint32_t kind;          /* 0: a user's */
    const char *critical;
    bool ended, accepted;
    enum difference difference;
} rows[] = {
    {.allowed = "ann@example.org cert-authority $", .accepted = true},
    {.allowed = "*@example.org cert-authority $", .accepted = true},
    {.allowed = "bob@example.org,ann@* CERT-AUTHORITY,namespaces=\"git\" $", .accepted = true},
    {.allowed = "* cert-authority $", .ended = true, .accepted = true},
    {.allowed = "bob@example.org cert-authority $"},
    {.allowed = "*,!ann@example.org cert-authority $"},
    {.allowed = "* cert-authority,namespaces=\"file\" $"},
    {.allowed = "* cert-authority,valid-before=\"20260101Z\" $"},
    {.allowed = "* cert-authority,valid-after=\"20260401Z\" $"},
    {.allowed = "* cert-authority,valid-before=\"20260101Z\" $\n* cert-authority $",
     .accepted = true},
    {.allowed = "* cert-authority %"},
    {.allowed = "* $"},
    {.allowed = "* %"},
    {.allowed = "* $\n* %\n* cert-authority %"},
    {.allowed = "* $\nann@example.org cert-authority $", .accepted = true},
    {.allowed = "* &", .difference = STRICTER},
    {.allowed = "* cert-authority &"},
    {.allowed = ""},
    /* principals */
    {.allowed = "* cert-authority $", .principals = ""},
    {.allowed = "* cert-authority $", .principals = ","},
    {.allowed = "* cert-authority $", .principals = "bob@example.org,"},
    {.allowed = "* cert-authority $", .principals = "*,"},
    {.allowed = "* cert-authority $", .principals = "*@example.org,"},
    {.allowed = "* cert-authority $", .principals = "ANN@example.org,"},
    {.allowed = "* cert-authority $", .principals = "ann@example.orgs,ann,"},
    {.allowed = "* cert-authority $", .principals = "x,,ann@example.org,", .accepted = true},
    /* times: the first second counts, the last does not */
    {.allowed = "* cert-authority $", .after = NOW, .accepted = true},
    {.allowed = "* cert-authority $", .after = NOW + 1},
    {.allowed = "* cert-authority $", .before = NOW},
    {.allowed = "* cert-authority $", .before = NOW + 1, .accepted = true},
    {.allowed = "* cert-authority $", .after = FOREVER},
    {.allowed = "* cert-authority $", .after = NOW + 9, .before = NOW - 9},
    {.allowed = "* cert-authority $", .before = 1},
    /* what it is for */
    {.allowed = "* cert-authority $", .kind = KEDGE_SSHCERT_HOST},
    {.allowed = "* cert-authority $", .critical = "force-command", .accepted = true},
    {.allowed = "* cert-authority $", .critical = "source-address", .accepted = true},
    {.allowed = "* cert-authority $", .critical = "verify-required", .difference = STRICTER},
    {.allowed = "* cert-authority $", .critical = "later@example.org", .difference = STRICTER},
    {.allowed = "* cert-authority $", .critical = "", .difference = STRICTER},
    /* revoked keys */
    {.allowed = "* cert-authority $", .revoked = "$\n"},
    {.allowed = "* cert-authority $", .revoked = "%\n"},
    {.allowed = "* cert-authority $", .revoked = "# a\n\n& of ann\n"},
    {.allowed = "* cert-authority $", .revoked = "# nobody\n", .accepted = true},
};

static struct recipe recipe_of(const struct row *row, bool security_key)
{
    struct recipe recipe = sound;
    recipe.principals = row->principals ? row->principals : sound.principals;
    recipe.after = row->after;
    recipe.before = row->before ? row->before : FOREVER;
    recipe.kind = row->kind ? row->kind : KEDGE_SSHCERT_USER;
    recipe.critical = row->critical;
    recipe.ended = row->ended;
    recipe.security_key = security_key;
    if (security_key)
        recipe.type = "sk-ssh-ed25519-cert-v01@openssh.com";
    return recipe;
}

struct scene {
    struct kedge_buf armor, allowed, revoked;
};

static void scene_auto(struct scene *scene)
{
    kedge_buf_release(&scene->armor);
    kedge_buf_release(&scene->allowed);
    kedge_buf_release(&scene->revoked);
}

static void set_scene(const struct row *row, bool security_key, struct scene *out)
{
    const struct recipe recipe = recipe_of(row, security_key);
    sign(&recipe, &out->armor);
    fill(row->allowed, &recipe, &out->allowed);
    fill(row->revoked ? row->revoked : "", &recipe, &out->revoked);
}

/* As `ssh-keygen -Y verify` where there is a principal, else as Git. */
static bool we_accept(const struct scene *scene, const char *principal, kedge_ms at)
{
    kedge_auto(kedge_sshsig) struct kedge_sshsig signature = {0};
    kedge_auto(kedge_arena) struct kedge_arena arena = {0};
    struct kedge_allowed allowed;
    struct kedge_err err = {0};
    bool revoked = true;
    cr_assert_eq(kedge_sshsig_parse(kedge_buf_slice(&scene->armor), &signature, &err), 0, "%s",
                 err.msg);
    cr_assert_eq(kedge_sshsig_verify(&signature, "git", message, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_allowed_parse(&arena, kedge_buf_slice(&scene->allowed), &allowed, &err), 0);
    cr_assert_eq(kedge_allowed_revoked(kedge_buf_slice(&scene->revoked), &signature.key,
                                       &signature.certificate, &revoked, &err),
                 0, "%s", err.msg);
    const struct kedge_allowed_claim claim = {&signature.key, &signature.certificate, principal,
                                              "git", at};
    const struct kedge_allowed_line *line = principal
                                                ? kedge_allowed_match(&allowed, &claim, &err)
                                                : kedge_allowed_search(&allowed, &claim, &err);
    cr_assert(line || (err.code == KEDGE_DENIED && strstr(err.msg, "key SHA256:")), "%s", err.msg);
    return line && !revoked;
}

Test(sshcert, a_line_of_the_authority_allows_what_both_name)
{
    for (size_t i = 0; i < KEDGE_COUNT(rows) * 2; i++) {
        kedge_auto(scene) struct scene scene = {0};
        const struct row *row = &rows[i / 2];
        set_scene(row, i % 2, &scene);
        cr_expect_eq(we_accept(&scene, "ann@example.org", NOW * 1000LL + 999), row->accepted,
                     "row %zu: %s", i / 2, row->allowed);
    }
    kedge_test_no_leaks();
}

/* The same rows, judged by ssh-keygen. */
Test(sshcert, ssh_keygen_gives_the_same_verdicts, .timeout = 60)
{
    kedge_auto(kedge_tempdir) struct kedge_tempdir tmp = kedge_tempdir_make();
    struct kedge_err err = {0};
    char data[300], signature[300], allowed[300], revoked[300];
    snprintf(data, sizeof data, "%s/data", tmp.path);
    snprintf(signature, sizeof signature, "%s/signature", tmp.path);
    snprintf(allowed, sizeof allowed, "%s/allowed", tmp.path);
    snprintf(revoked, sizeof revoked, "%s/revoked", tmp.path);
    const char *const verify[] = {"ssh-keygen",
                                  "-Y",
                                  "verify",
                                  "-n",
                                  "git",
                                  "-I",
                                  "ann@example.org",
                                  "-O",
                                  "verify-time=20260301120000Z",
                                  "-f",
                                  allowed,
                                  "-s",
                                  signature,
                                  "-r",
                                  revoked,
                                  NULL};
    cr_assert_eq(kedge_fs_write(tmp.fd, "data", message.data, message.size, 0600, &err), 0);
    for (size_t i = 0; i < KEDGE_COUNT(rows) * 2; i++) {
        kedge_auto(scene) struct scene scene = {0};
        const struct row *row = &rows[i / 2];
        set_scene(row, i % 2, &scene);
        kedge_buf_putc(&scene.allowed, '\n');
        cr_assert_eq(kedge_fs_write(tmp.fd, "signature", scene.armor.data, scene.armor.size, 0600,
                                    &err),
                     0);
        cr_assert_eq(kedge_fs_write(tmp.fd, "allowed", scene.allowed.data, scene.allowed.size, 0600,
                                    &err),
                     0);
        cr_assert_eq(kedge_fs_write(tmp.fd, "revoked", scene.revoked.data ? scene.revoked.data : "",
                                    scene.revoked.size, 0600, &err),
                     0);
        bool accepted = kedge_stock_run(verify, data, NULL) == 0;
        cr_expect_eq(accepted, row->accepted || row->difference == STRICTER, "row %zu: %s", i / 2,
                     row->allowed);
    }
}

/* Without a principal the certificate's are tried, those that the authority's line knows. */
Test(sshcert, a_principal_is_found_as_git_finds_it)
{
    static const struct {
        const char *allowed, *principals;
        bool accepted;
    } searches[] = {
        {"*@example.org cert-authority $", "ann@example.org,", true},
        {"*@example.org cert-authority $", "eve,ann@example.org,", true},
        {"*@example.org cert-authority $", "eve,", false},
        {"*@example.org cert-authority $", "", false},
        {"bob cert-authority $\n*@example.org cert-authority $", "ann@example.org,", true},
        {"*,!ann cert-authority $", "ann,", false},
        {"*,!ann cert-authority $", "ann,bob,", true},
        {"!ann cert-authority $", "bob,", false},
        {"* cert-authority,namespaces=\"file\" $\n* cert-authority $", "ann,", true},
        {"* $\n* %", "ann,", false},
        {"* cert-authority %", "ann,", false},
    };
    for (size_t i = 0; i < KEDGE_COUNT(searches); i++) {
        kedge_auto(scene) struct scene scene = {0};
        const struct row row = {.allowed = searches[i].allowed,
                                .principals = searches[i].principals};
        set_scene(&row, false, &scene);
        cr_expect_eq(we_accept(&scene, NULL, NOW * 1000LL), searches[i].accepted, "search %zu: %s",
                     i, searches[i].allowed);
    }
    kedge_test_no_leaks();
}

/* Nobody is taken for all whom the authority may vouch for. */
Test(sshcert, who_signed_is_whom_the_certificate_names)
{
    static const struct {
        const char *patterns, *principals, *signer;
    } names[] = {
        {"ann,bob", "bob,", "bob"},
        {"*", "ann,bob,", "ann,bob"},
        {"a*", "ann,bob,abe,", "ann,abe"},
        {"*,!ann", "ann,bob,", "bob"},
        {"*", "bob\nann,", ""},
    };
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        kedge_auto(kedge_buf) struct kedge_buf blob = {0}, said = {0}, plain = {0};
        const struct kedge_allowed_line line = {.principals = names[i].patterns};
        struct recipe recipe = sound;
        struct kedge_sshkey key;
        struct kedge_sshcert certificate;
        struct kedge_err err;
        recipe.principals = names[i].principals;
        make_certificate(&recipe, &blob);
        cr_assert_eq(kedge_sshcert_read(kedge_buf_slice(&blob), &key, &certificate, &err), 0);
        kedge_allowed_principals(&line, &certificate, &said);
        cr_expect_str_eq(said.data ? said.data : "", names[i].signer);
        kedge_allowed_principals(&line, NULL, &plain);
        cr_expect_str_eq(plain.data, names[i].patterns);
    }
}

/* A key is revoked by any certificate of it in the list, whoever has given that. */
Test(sshcert, a_listed_certificate_revokes_its_key)
{
    kedge_auto(kedge_buf) struct kedge_buf list = {0}, wrong = {0}, blob = {0};
    const struct kedge_sshkey key = {.key = kedge_key_public(kedge_fixture_director())};
    const struct kedge_sshkey other = {.key = kedge_key_public(kedge_fixture_stranger())};
    struct recipe recipe = sound;
    struct kedge_err err = {0};
    bool revoked = false;
    recipe.authority_type = "ssh-rsa";
    put_certificate_line(&recipe, &list);
    cr_expect_eq(kedge_allowed_revoked(kedge_buf_slice(&list), &key, NULL, &revoked, &err), 0);
    cr_expect(revoked);
    cr_expect_eq(kedge_allowed_revoked(kedge_buf_slice(&list), &other, NULL, &revoked, &err), 0);
    cr_expect_not(revoked);
    make_certificate(&sound, &blob);
    kedge_buf_puts(&wrong, "sk-ssh-ed25519-cert-v01@openssh.com ");
    kedge_base64_encode(&wrong, blob.data, blob.size);
    cr_expect_eq(kedge_allowed_revoked(kedge_buf_slice(&wrong), &key, NULL, &revoked, &err),
                 KEDGE_INVALID);
    cr_expect_eq(kedge_allowed_revoked(slice("ssh-ed25519-cert-v01@openssh.com AAAA"), &key, NULL,
                                       &revoked, &err),
                 KEDGE_INVALID);
}
