/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"
#include "state/sealed.h"

/* The header that the age specification shows, with a payload of nothing. */
#define FIRST   "age-encryption.org/v1\n"
#define STANZA  "-> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE\n" BODY
#define BODY    "qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E\n"
#define MAC     "--- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s\n"
#define PAYLOAD "0123456789abcdef0123456789abcdef"

static int parse(const char *text, struct kedge_sealed *out, struct kedge_err *err)
{
    *err = (struct kedge_err){0};
    int code = kedge_sealed_parse((struct kedge_slice){text, strlen(text)}, out, err);
    cr_assert_eq(code, (int)err->code);
    return code;
}

Test(sealed, what_a_header_says)
{
    struct kedge_err err;
    kedge_auto(kedge_sealed) struct kedge_sealed sealed = {0};
    cr_assert_eq(parse(FIRST STANZA "-> grease x y\n\n" STANZA MAC PAYLOAD, &sealed, &err), 0, "%s",
                 err.msg);
    cr_expect_eq(kedge_sealed_recipients(&sealed), 2);
    cr_expect_eq(sealed.mac[0], 0x1c);
    cr_expect_eq(sealed.payload.size, strlen(PAYLOAD));
    const char *header = FIRST STANZA "-> grease x y\n\n" STANZA "---";
    cr_expect_eq(sealed.authentic.size, strlen(header));
    cr_expect_arr_eq(sealed.authentic.data, header, strlen(header));
    const struct kedge_sealed_stanza *stanza = (const void *)sealed.stanzas.data;
    cr_expect_eq(stanza->share[0], 0x5c);
    cr_expect_eq(stanza->body[0], 0xa9);
    kedge_sealed_release(&sealed);
    kedge_test_no_leaks();
}

Test(sealed, what_no_device_opens_is_refused)
{
    static const struct {
        const char *text;
        int code;
        const char *says;
    } rows[] = {
        {"", KEDGE_INVALID, "not an age file"},
        {"hunter2", KEDGE_INVALID, "replace it"},
        {"ENC[AES256_GCM,data:CwE4O1s=,iv:2k=,aad:o=,tag:w==,type:str]", KEDGE_UNSUPPORTED, "SOPS"},
        {"-----BEGIN PGP MESSAGE-----\n", KEDGE_UNSUPPORTED, "PGP"},
        {"age-encryption.org/v2\n" STANZA MAC PAYLOAD, KEDGE_UNSUPPORTED, "version 1"},
        {"age-encryption.org/v1 \n" STANZA MAC PAYLOAD, KEDGE_UNSUPPORTED, "version 1"},
        {FIRST "-> scrypt 3d9y0G+8q1ffPQ0xJJatIQ 10\n" BODY MAC PAYLOAD, KEDGE_UNSUPPORTED,
         "passphrase"},
        {FIRST STANZA "-> scrypt 3d9y0G+8q1ffPQ0xJJatIQ 10\n" BODY MAC PAYLOAD, KEDGE_UNSUPPORTED,
         "passphrase"},
        {FIRST "-> ssh-ed25519 fCt7bg " BODY BODY MAC PAYLOAD, KEDGE_UNSUPPORTED, "'ssh-ed25519'"},
        {FIRST "-> x25519 x\n\n" MAC PAYLOAD, KEDGE_UNSUPPORTED, "no X25519 recipient"},
        {FIRST MAC PAYLOAD, KEDGE_INVALID, "header"},
        {FIRST STANZA, KEDGE_INVALID, "header"},
        {FIRST STANZA "---" MAC PAYLOAD, KEDGE_INVALID, "header"},
        {FIRST STANZA MAC "0123456789abcdef0123456789abcde", KEDGE_INVALID, "cut short"},
        {FIRST "-> X25519\n" BODY MAC PAYLOAD, KEDGE_INVALID, "X25519 stanza"},
        {FIRST "-> X25519 AAAA\n" BODY MAC PAYLOAD, KEDGE_INVALID, "X25519 stanza"},
        {FIRST "-> X25519  AAAA\n" BODY MAC PAYLOAD, KEDGE_INVALID, "stanza"},
        {FIRST "-> \n" BODY MAC PAYLOAD, KEDGE_INVALID, "stanza"},
        {FIRST "->X25519 AAAA\n" BODY MAC PAYLOAD, KEDGE_INVALID, "header"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_sealed sealed = {0};
        struct kedge_err err;
        cr_expect_eq(parse(rows[i].text, &sealed, &err), rows[i].code, "row %zu: %s", i, err.msg);
        cr_expect_not_null(strstr(err.msg, rows[i].says), "row %zu: %s", i, err.msg);
        cr_expect_null(strstr(err.msg, "hunter2"));
    }
    kedge_test_no_leaks();
}

Test(sealed, sizes_are_bounded)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    struct kedge_sealed sealed = {0};
    struct kedge_err err;
    kedge_buf_puts(&text, FIRST STANZA MAC);
    while (text.size <= KEDGE_LIMIT_STRING)
        kedge_buf_puts(&text, PAYLOAD);
    cr_expect_eq(kedge_sealed_parse(kedge_buf_slice(&text), &sealed, &err), KEDGE_LIMIT);
    text.size = strlen(FIRST STANZA MAC) + KEDGE_SEALED_PAYLOAD + 1;
    cr_expect_eq(kedge_sealed_parse(kedge_buf_slice(&text), &sealed, &err), KEDGE_LIMIT);
    text.size--;
    cr_expect_eq(kedge_sealed_parse(kedge_buf_slice(&text), &sealed, &err), 0);
    kedge_sealed_release(&sealed);
}

Test(sealed, references_in_a_configuration)
{
    static const struct {
        const char *config, *name, *rest;
    } rows[] = {
        {"{}", NULL, NULL},
        {"{\"a\":{\"$secret\":\"TOKEN\"},\"b\":1}", "TOKEN", ",\"b\":1}"},
        {"{\"a\":[1,{\"$secret\":\"X\"}]}", "X", "]}"},
        {"{\"a\":\"{\\\"$secret\\\":\\\"TOKEN\\\"}\"}", NULL,
         NULL}, /* a string that looks like it */
        {"{\"$secret\":\"", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        const struct kedge_slice config = {rows[i].config, strlen(rows[i].config)};
        struct kedge_sealed_reference found;
        bool any = kedge_sealed_next(config, &found);
        cr_assert_eq(any, rows[i].name != NULL, "row %zu", i);
        if (!any)
            continue;
        cr_expect_eq(found.name.size, strlen(rows[i].name));
        cr_expect_arr_eq(found.name.data, rows[i].name, found.name.size);
        cr_expect_str_eq(found.whole.data + found.whole.size, rows[i].rest);
    }
}
