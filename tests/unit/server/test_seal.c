/* SPDX-License-Identifier: Apache-2.0 */
#include "server/seal.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"

static struct kedge_plan plan_of(char commit, uint8_t inventory, uint8_t digest)
{
    struct kedge_plan plan = {.inventory = {{inventory}}, .digest = {{digest}}};
    memset(plan.commit, commit, KEDGE_COMMIT_TEXT - 1);
    return plan;
}

static void seal(const struct kedge_plan *plan, struct kedge_seal *out)
{
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_err err;
    kedge_seal_write(plan, &(struct kedge_changes){0}, 0, &file);
    cr_assert_eq(kedge_seal_read(kedge_buf_slice(&file), out, &err), 0, "%s", err.msg);
}

Test(seal, names_what_has_moved)
{
    static const struct {
        char commit;
        uint8_t inventory, digest;
        const char *says; /* NULL: nothing moved */
    } now[] = {{'a', 1, 1, NULL},
               {'b', 1, 1, "commit has moved"},
               {'a', 2, 1, "inventory has moved"},
               {'a', 1, 2, "decisions have moved"}};
    struct kedge_plan sealed = plan_of('a', 1, 1);
    struct kedge_seal read;
    struct kedge_err err;
    seal(&sealed, &read);
    for (size_t i = 0; i < KEDGE_COUNT(now); i++) {
        struct kedge_plan plan = plan_of(now[i].commit, now[i].inventory, now[i].digest);
        int code = kedge_seal_check(&read, &plan, &err);
        cr_assert_eq(code, now[i].says ? KEDGE_CONFLICT : 0);
        if (now[i].says)
            cr_assert_not_null(strstr(err.msg, now[i].says), "%s", err.msg);
    }
}

Test(seal, refuses_a_file_that_was_edited)
{
    const struct kedge_changes none = {0};
    struct kedge_plan plan = plan_of('a', 1, 1);
    kedge_auto(kedge_buf) struct kedge_buf file = {0};
    struct kedge_err err;
    kedge_seal_write(&plan, &none, 12345, &file);
    cr_assert_eq(kedge_seal_check_text(kedge_buf_slice(&file), &plan, &none, &err), 0, "%s",
                 err.msg);
    char *shown = strstr(strstr(file.data, "\"plan\""), "aaaa");
    *shown = 'b';
    cr_assert_eq(kedge_seal_check_text(kedge_buf_slice(&file), &plan, &none, &err), KEDGE_CONFLICT);
    cr_assert_not_null(strstr(err.msg, "edited"), "%s", err.msg);
}

Test(seal, refuses_what_is_none)
{
    static const char *const files[] = {
        "", "{}", "[]", "{\"format\":\"kedge.dev/sealed-plan/v1\"}",
        "{\"format\":\"x\",\"commit\":\"c\",\"inventory\":\"sha256:"
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\",\"digest\":\"sha256:"
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}"};
    struct kedge_seal read;
    struct kedge_err err;
    for (size_t i = 0; i < KEDGE_COUNT(files); i++)
        cr_assert_eq(kedge_seal_read((struct kedge_slice){files[i], strlen(files[i])}, &read, &err),
                     KEDGE_INVALID);
}
