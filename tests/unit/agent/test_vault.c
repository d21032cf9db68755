/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/vault.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"

/* A device, and what is sealed for it. */
struct device {
    struct kedge_key *key;
    struct kedge_age_identity *identity;
};

static struct device make(uint8_t number)
{
    struct device device;
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    device.key = kedge_key_from_seed((uint8_t[32]){number});
    cr_assert_eq(kedge_age_identity_of(device.key, &device.identity, &err), 0);
    return device;
}

static void end(struct device *device)
{
    kedge_key_free(device->key);
    kedge_age_identity_free(device->identity);
}

static void seal(const struct device *device, const void *secret, size_t size,
                 struct kedge_buf *out)
{
    const struct kedge_age_recipient recipient = kedge_age_identity_recipient(device->identity);
    struct kedge_err err;
    kedge_buf_clear(out);
    cr_assert_eq(kedge_age_seal(&recipient, 1, secret, size, out, &err), 0, "%s", err.msg);
}

static int open_one(const struct device *device, const char *name, const char *sealed,
                    const char *config, struct kedge_vault *out, struct kedge_err *err)
{
    const struct kedge_secret secret = {name, sealed, 1};
    const struct kedge_assignment assignment = {.deployment = "all",
                                                .config = {config, strlen(config)},
                                                .secrets = &secret,
                                                .secret_count = 1};
    *err = (struct kedge_err){0};
    int code = kedge_vault_open(&assignment, device->identity, out, err);
    cr_assert_eq(code, (int)err->code);
    return code;
}

Test(vault, opens_secrets_and_puts_them_into_the_configuration)
{
    static const struct {
        const char *secret, *config, *opened; /* NULL: the configuration stays as it is */
    } rows[] = {
        {"hunter2", "{}", NULL},
        {"hunter2", "{\"a\":\"{\\\"$secret\\\":\\\"T\\\"}\"}", NULL},
        {"hunter2", "{\"a\":{\"$secret\":\"T\"}}", "{\"a\":\"hunter2\"}"},
        {"hunter2", "{\"a\":[{\"$secret\":\"T\"},1,{\"$secret\":\"T\"}],\"b\":2}",
         "{\"a\":[\"hunter2\",1,\"hunter2\"],\"b\":2}"},
        {"a\"b\\c\n\x01\xc3\xa9", "{\"a\":{\"$secret\":\"T\"}}",
         "{\"a\":\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\"}"},
        {"{\"$secret\":\"T\"}", "{\"a\":{\"$secret\":\"T\"}}",
         "{\"a\":\"{\\\"$secret\\\":\\\"T\\\"}\"}"},
        {"", "{\"a\":{\"$secret\":\"T\"}}", "{\"a\":\"\"}"},
    };
    struct device device = make(1);
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_vault vault = {0};
        struct kedge_err err;
        seal(&device, rows[i].secret, strlen(rows[i].secret), &sealed);
        cr_assert_eq(open_one(&device, "T", sealed.data, rows[i].config, &vault, &err), 0,
                     "row %zu: %s", i, err.msg);
        cr_assert_eq(vault.count, 1);
        cr_expect_str_eq(vault.at[0].name, "T");
        cr_expect_str_eq(vault.at[0].value.data, rows[i].secret);
        if (rows[i].opened)
            cr_expect_str_eq(vault.config.data, rows[i].opened, "row %zu", i);
        else
            cr_expect_eq(vault.config.size, 0, "row %zu", i);
        kedge_vault_release(&vault);
    }
    kedge_buf_release(&sealed);
    end(&device);
    kedge_test_no_leaks();
}

/* The room for it is measured before: nothing is ever moved out of guarded memory. */
Test(vault, the_worst_case_of_escapes_fits)
{
    static char secret[KEDGE_LIMIT_SECRET + 1];
    struct device device = make(1);
    struct kedge_vault vault = {0};
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    memset(secret, 1, sizeof secret - 1);
    seal(&device, secret, sizeof secret - 1, &sealed);
    cr_assert_eq(open_one(&device, "T", sealed.data,
                          "{\"a\":{\"$secret\":\"T\"},\"b\":{\"$secret\":\"T\"}}", &vault, &err),
                 0, "%s", err.msg);
    cr_expect_eq(vault.config.size, strlen("{\"a\":\"\",\"b\":\"\"}") + 12 * KEDGE_LIMIT_SECRET);
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_puts(&text, "says ");
    kedge_buf_puts(&text, secret);
    kedge_vault_redact(&vault, &text);
    cr_expect_str_eq(text.data, "says ***");
    kedge_vault_release(&vault);
    end(&device);
}

Test(vault, what_cannot_be_opened_is_refused_with_its_name)
{
    struct device device = make(1), other = make(2);
    struct device signer = {.key = device.key};
    struct kedge_vault vault = {0};
    struct kedge_err err;
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    seal(&device, "hunter2", 7, &sealed);

    cr_expect_eq(open_one(&other, "T", sealed.data, "{}", &vault, &err), KEDGE_DENIED);
    cr_expect_not_null(strstr(err.msg, "secret 'T' is not sealed to this device"), "%s", err.msg);
    cr_expect_not_null(strstr(err.msg, "kedge secret recipients --deployment all"));
    cr_expect_eq(open_one(&signer, "T", sealed.data, "{}", &vault, &err), KEDGE_UNSUPPORTED);
    cr_expect_eq(open_one(&device, "", sealed.data, "{}", &vault, &err), KEDGE_INVALID);
    cr_expect_eq(open_one(&device, "A=B", sealed.data, "{}", &vault, &err), KEDGE_INVALID);
    cr_expect_eq(open_one(&device, "T", "hunter2", "{}", &vault, &err), KEDGE_INVALID);
    cr_expect_eq(open_one(&device, "T", sealed.data, "{\"a\":{\"$secret\":\"U\"}}", &vault, &err),
                 KEDGE_INVALID);
    sealed.data[sealed.size - 60] ^= 1;
    cr_expect_neq(open_one(&device, "T", sealed.data, "{}", &vault, &err), 0);
    seal(&device, "a\0b", 3, &sealed);
    cr_expect_eq(open_one(&device, "T", sealed.data, "{}", &vault, &err), KEDGE_INVALID);
    cr_expect_not_null(strstr(err.msg, "NUL"));
    seal(&device, "\xff\xfe", 2, &sealed);
    cr_expect_eq(open_one(&device, "T", sealed.data, "{\"a\":{\"$secret\":\"T\"}}", &vault, &err),
                 KEDGE_INVALID);
    cr_expect_not_null(strstr(err.msg, "UTF-8"));
    cr_expect_eq(vault.count, 0);
    cr_expect_eq(open_one(&device, "T", sealed.data, "{}", &vault, &err), 0,
                 "a variable may hold any bytes");
    kedge_vault_release(&vault);
    kedge_buf_release(&sealed);
    end(&device);
    end(&other);
    kedge_test_no_leaks();
}

Test(vault, redaction)
{
    static const struct {
        const char *secret, *text, *left;
    } rows[] = {
        {"hunter2", "token hunter2.\n", "token ***.\n"},
        {"hunter2", "hunter2hunter2 hunter", "****** ***"},
        {"hunter2", "hunt", "***"},
        {"hunter2", "hun", "hun"},
        {"hunter2\n", "token hunter2.", "token ***."},
        {"first line\nsecond\n", "a second b first line\n", "a *** b ***\n"},
        {"qu\"ote", "{\"a\":\"qu\\\"ote\"} qu\"ote", "{\"a\":\"***\"} ***"},
        {"pin", "pin", "pin"},
        {"", "nothing", "nothing"},
        {"aaaa", "aaaaaaaaaaaaaaaaa", "************a"},
    };
    struct device device = make(1);
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_vault vault = {0};
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        struct kedge_err err;
        seal(&device, rows[i].secret, strlen(rows[i].secret), &sealed);
        cr_assert_eq(open_one(&device, "T", sealed.data, "{}", &vault, &err), 0);
        kedge_buf_puts(&text, rows[i].text);
        kedge_vault_redact(&vault, &text);
        cr_expect_str_eq(text.data, rows[i].left, "row %zu", i);
        cr_expect_eq(text.size, strlen(rows[i].left));
        kedge_vault_release(&vault);
    }
    end(&device);
}
