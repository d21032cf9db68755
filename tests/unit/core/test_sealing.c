/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sealing.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"

static const struct kedge_secret secrets[] = {{"TOKEN", "sealed", 2}, {"PIN", "sealed", 3}};

static const struct kedge_deployment deployment = {
    .object.name = "all",
    .target = "m",
    .targets.devices = {(const char *const[]){"a", "b", "c"}, 3},
    .secrets = secrets,
    .secret_count = KEDGE_COUNT(secrets),
};

Test(sealing, a_secret_for_too_few_is_warned_of)
{
    static const struct kedge_device devices[] = {{.object.name = "a"},
                                                  {.object.name = "b"},
                                                  {.object.name = "c"}};
    const void *rows[] = {&devices[0], &devices[1], &devices[2]};
    struct kedge_arena arena = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_specs specs = {.kinds[KEDGE_KIND_DEVICE] =
                                          kedge_table_build(&arena, rows, KEDGE_COUNT(rows))};
    kedge_sealing_warn(&specs, &deployment, &findings);
    cr_assert_eq(findings.count, 1);
    cr_expect_eq(findings.errors, 0);
    cr_expect_str_eq(findings.at[0].rule, "few-recipients");
    cr_expect_not_null(strstr(findings.at[0].message, "'TOKEN'"));
    kedge_arena_release(&arena);
    kedge_findings_release(&findings);
    kedge_test_no_leaks();
}

Test(sealing, secrets_that_reach_nobody_are_refused)
{
    static const struct kedge_label pin[] = {{"PIN", "1"}};
    static const struct {
        struct kedge_runtime_spec runtime;
        uint32_t secrets; /* that the assignment has */
        const char *rule; /* NULL: fine */
    } rows[] = {
        {{.driver = KEDGE_DRIVER_PROCESS}, 2, NULL},
        {{.driver = KEDGE_DRIVER_FILES}, 2, "unused-secret"},
        {{.driver = KEDGE_DRIVER_FILES, .before_start.command.count = 1}, 2, NULL},
        {{.driver = KEDGE_DRIVER_FILES, .after_stop.command.count = 1}, 2, NULL},
        {{.driver = KEDGE_DRIVER_FILES, .probe.kind = KEDGE_PROBE_EXEC}, 2, NULL},
        {{.driver = KEDGE_DRIVER_PROCESS}, 0, "unused-secret"}, /* a model of an application */
        {{.driver = KEDGE_DRIVER_PROCESS, .env = {pin, 1}}, 2, "variable-twice"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        const struct kedge_desired_assignment assignment = {
            .assignment = {.instance = "m",
                           .version = "1.0.0",
                           .runtime = rows[i].runtime,
                           .secrets = secrets,
                           .secret_count = rows[i].secrets}};
        kedge_sealing_check(&(struct kedge_desired_deployment){.name = "all",
                                                               .deployment = &deployment,
                                                               .count = 1,
                                                               .assignments = &assignment},
                            &findings);
        cr_assert_eq(findings.errors, rows[i].rule != NULL, "row %zu", i);
        if (rows[i].rule)
            cr_expect_str_eq(findings.at[0].rule, rows[i].rule, "row %zu", i);
    }
}

Test(sealing, news_name_what_is_other)
{
    static const struct kedge_secret one[] = {{"A", "x", 1}, {"B", "x", 1}},
                                     two[] = {{"A", "y", 1}, {"C", "x", 1}};
    static const struct {
        const struct kedge_secret *before, *after;
        uint32_t had, has;
        const char *news;
    } rows[] = {
        {one, one, 2, 2, NULL},
        {one, two, 1, 1, "secret 'A' changed"},
        {one, two, 2, 2, "secret 'A' changed, secret 'B' removed, secret 'C' added"},
        {NULL, one, 0, 1, "secret 'A' added"},
        {one, NULL, 1, 0, "secret 'A' removed"},
        {NULL, NULL, 0, 0, NULL},
    };
    struct kedge_arena arena = {0};
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        const struct kedge_assignment before = {.secrets = rows[i].before,
                                                .secret_count = rows[i].had},
                                      after = {.secrets = rows[i].after,
                                               .secret_count = rows[i].has};
        const char *news = kedge_sealing_news(&arena, &before, &after);
        cr_assert_eq(news == NULL, rows[i].news == NULL, "row %zu", i);
        cr_expect(news == NULL || strcmp(news, rows[i].news) == 0, "row %zu: %s", i, news);
    }
    kedge_arena_release(&arena);
    kedge_test_no_leaks();
}
