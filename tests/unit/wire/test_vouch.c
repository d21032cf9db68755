/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/vouch.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/digest.h"
#include "base/limits.h"
#include "lib/leak.h"

static struct kedge_arena arena;
static struct kedge_key *keys[2];
static uint8_t hash[KEDGE_RELEASE_HASH];
static struct kedge_release_claim claim = {.model = "vibration",
                                           .version = "1.4.0",
                                           .size = 7,
                                           .counter = 3};

static void start(void)
{
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    claim.digest = kedge_digest_of("weights", 7);
    claim.runtime = kedge_assignment_runtime(KEDGE_FORMAT_NONE, &(struct kedge_runtime_spec){0});
    for (uint8_t i = 0; i < KEDGE_COUNT(keys); i++)
        keys[i] = kedge_key_from_seed((const uint8_t[32]){i + 1});
}

static void stop(void)
{
    for (size_t i = 0; i < KEDGE_COUNT(keys); i++)
        kedge_key_free(keys[i]);
    kedge_arena_release(&arena);
}

TestSuite(vouch, .init = start, .fini = stop);

static struct kedge_signature sign(int key, const struct kedge_release_claim *what)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_err err;
    struct kedge_public_key public = kedge_key_public(keys[key]);
    struct kedge_minisign_key id = kedge_minisign_key_of(&public);
    char *shown = kedge_arena_alloc(&arena, KEDGE_MINISIGN_ID_TEXT);
    cr_assert_eq(kedge_release_sign(keys[key], hash, what, &text, &err), 0, "%s", err.msg);
    return (struct kedge_signature){
        .key_id = kedge_minisign_id_format(id.id, shown),
        .value = kedge_arena_strndup(&arena, text.data, text.size),
        .at = {"v.yaml", 12, 7},
    };
}

/* The rule that is broken by a version with these signatures, or NULL. */
static const char *broken(const struct kedge_signature *signatures, uint32_t count, const char *url)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_model_version version = {
        .object.name = "v",
        .model = claim.model,
        .release = {.version_text = claim.version,
                    .artifact = {.url = url, .digest = claim.digest, .size = claim.size},
                    .signatures = signatures,
                    .signature_count = count},
    };
    struct kedge_specs specs = {0};
    specs.kinds[KEDGE_KIND_MODEL_VERSION] = kedge_table_build(&arena, &(const void *){&version}, 1);
    kedge_vouch_check(NULL, &specs, &findings);
    kedge_findings_release(&findings);
    kedge_vouch_check(&specs, &specs, &findings);
    cr_expect_eq(findings.count, 0, "what has not changed is not looked at again");
    kedge_vouch_check(NULL, &specs, &findings);
    if (findings.count == 0)
        return NULL;
    cr_expect_eq(findings.count, 1);
    cr_expect_eq(findings.at[0].severity, KEDGE_SEVERITY_ERROR);
    return kedge_arena_strdup(&arena, findings.at[0].rule);
}

static void expect(const char *rule, const struct kedge_signature *signatures, uint32_t count)
{
    const char *found = broken(signatures, count, "hub:");
    if (rule)
        cr_expect_str_eq(found ? found : "none", rule);
    else
        cr_expect_null(found, "%s", found);
}

Test(vouch, what_the_manifest_says_is_fine)
{
    const struct kedge_signature list[] = {sign(0, &claim), sign(1, &claim)};
    expect(NULL, NULL, 0);
    expect(NULL, list, 1);
    expect(NULL, list, 2);
}

Test(vouch, another_claim_is_found)
{
    struct kedge_release_claim others[5] = {claim, claim, claim, claim, claim};
    others[0].model = "other";
    others[1].version = "1.4.1";
    others[2].digest = kedge_digest_of("other", 5);
    others[3].size++;
    others[4].runtime = kedge_digest_of("sh", 2);
    for (size_t i = 0; i < KEDGE_COUNT(others); i++) {
        const struct kedge_signature list[] = {sign(0, &claim), sign(1, &others[i])};
        expect("signature-claim", list, 2);
    }
}

Test(vouch, another_form_is_found)
{
    static const char *const values[] = {"", "RUQf6LRCGA9i5", "untrusted comment: x\n",
                                         /* minisign's older form */
                                         "untrusted comment: signature from minisign secret key\n"
                                         "RWSoqBIKRth3L2k3Rg5QbjzZlPojlCWnBgIDbibQocGIN5Cex2SKk0uTw"
                                         "jQir/QvQj6RdDJy+V6jEOwqgpxSYQaq6oXhTr6YV"
                                         "go=\ntrusted comment: x\n"
                                         "4tkx52APdA+1VkUThU7JN6pukJwiPXQpMxKK/"
                                         "zGLOg7HRfeOCgJEkgmkA0ivZqtzNZ/OnI2eDYFHIjYjGvyjAA==\n"};
    for (size_t i = 0; i < KEDGE_COUNT(values); i++) {
        const struct kedge_signature list[] = {{.key_id = "A", .value = values[i]}};
        expect("signature-form", list, 1);
    }
    struct kedge_signature many[KEDGE_LIMIT_SIGNATURES + 1];
    for (size_t i = 0; i < KEDGE_COUNT(many); i++)
        many[i] = sign(0, &claim);
    expect("signature-form", many, KEDGE_COUNT(many));
    cr_expect_str_eq(broken(many, 1, NULL), "signature-form", "nothing to sign");
}

Test(vouch, hints_are_held_to_what_they_say)
{
    struct kedge_signature list[] = {sign(0, &claim), sign(0, &claim)};
    expect("signature-twice", list, 2);
    list[1].key_id = "0123456789ABCDEF";
    expect("signature-key", list, 2);
}

Test(vouch, an_application_is_signed_under_its_own_name)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_signature list[] = {sign(0, &claim)};
    struct kedge_application application = {
        .object.name = claim.model,
        .release = {.version_text = claim.version,
                    .artifact = {.url = "hub:", .digest = claim.digest, .size = claim.size},
                    .signatures = list,
                    .signature_count = 1},
    };
    struct kedge_specs specs = {0};
    specs.kinds[KEDGE_KIND_APPLICATION] =
        kedge_table_build(&arena, &(const void *){&application}, 1);
    kedge_vouch_check(NULL, &specs, &findings);
    cr_expect_eq(findings.count, 0);
    application.object.name = "line-control";
    kedge_vouch_check(NULL, &specs, &findings);
    cr_assert_eq(findings.count, 1);
    cr_expect_str_eq(findings.at[0].rule, "signature-claim");
    cr_expect_eq(findings.at[0].at.line, 12);
}
