/* SPDX-License-Identifier: Apache-2.0 */
#include "state/finding.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/limits.h"

static void add(struct kedge_findings *findings, const char *file, uint32_t line, uint32_t column,
                const char *rule)
{
    kedge_finding_add(findings, KEDGE_SEVERITY_ERROR, rule,
                      (struct kedge_position){file, line, column}, NULL, NULL, "%s", rule);
}

Test(finding, keeps_copies)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    char rule[] = "rule", file[] = "a.yaml", field[] = "spec", remedy[] = "fix", word[] = "word";
    kedge_finding_add(&findings, KEDGE_SEVERITY_WARNING, rule, (struct kedge_position){file, 3, 4},
                      field, remedy, "%s %d", word, 7);
    rule[0] = file[0] = field[0] = remedy[0] = word[0] = '?';
    cr_assert_eq(findings.count, 1);
    cr_expect_eq(findings.warnings, 1);
    cr_expect_eq(findings.errors, 0);
    cr_expect_str_eq(findings.at[0].rule, "rule");
    cr_expect_str_eq(findings.at[0].at.file, "a.yaml");
    cr_expect_str_eq(findings.at[0].field, "spec");
    cr_expect_str_eq(findings.at[0].remedy, "fix");
    cr_expect_str_eq(findings.at[0].message, "word 7");
}

Test(finding, sorted_by_file_line_column_rule)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    add(&findings, "b", 1, 1, "6");
    add(&findings, "a", 2, 1, "4");
    add(&findings, "a", 2, 1, "5");
    add(&findings, "a", 1, 9, "3");
    add(&findings, "a", 1, 2, "2");
    add(&findings, NULL, 0, 0, "1");
    kedge_finding_sort(&findings);
    for (size_t i = 0; i < findings.count; i++)
        cr_expect_eq(findings.at[i].rule[0], (char)('1' + i));
    kedge_finding_sort(&(struct kedge_findings){0});
}

Test(finding, counts_what_it_does_not_keep)
{
    kedge_auto(kedge_findings) struct kedge_findings many = {0}, sum = {0};
    for (size_t i = 0; i < KEDGE_LIMIT_FINDINGS + 5; i++)
        add(&many, "a", (uint32_t)i, 1, "rule");
    cr_expect_eq(many.count, KEDGE_LIMIT_FINDINGS);
    cr_expect_eq(many.errors, KEDGE_LIMIT_FINDINGS + 5);
    add(&sum, "b", 1, 1, "rule");
    kedge_finding_merge(&sum, &many);
    cr_expect_eq(sum.count, KEDGE_LIMIT_FINDINGS);
    cr_expect_eq(sum.errors, KEDGE_LIMIT_FINDINGS + 6);
    cr_expect_eq(sum.warnings, 0);
}
