/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/leak.h"

static char source[] = "kind: Device\n\n  na\xc3\xafve: \tx\n";
static struct kedge_tree_entry entries[] = {
    {.path = "a.yaml", .data = source, .size = sizeof source - 1},
    {.path = "z.yaml"},
};
static const struct kedge_tree tree = {.entries = entries, .count = 2};

/* One finding, written in one format. */
static void write(kedge_findings_write *format, struct kedge_position at, const char *message,
                  const char *root, struct kedge_buf *out)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_finding_add(&findings, KEDGE_SEVERITY_ERROR, "some-rule", at, "spec.x", "do this", "%s",
                      message);
    format(
        &(struct kedge_findings_report){
            .findings = &findings,
            .tree = &tree,
            .root = root,
        },
        out);
}

Test(findings, a_line_that_may_be_a_secret_is_not_shown)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    kedge_finding_add(&findings, KEDGE_SEVERITY_ERROR, "not-sealed",
                      (struct kedge_position){"a.yaml", 1, 7}, "spec.secrets[0]", NULL, "wrong");
    kedge_findings_text(
        &(struct kedge_findings_report){.findings = &findings, .tree = &tree, .root = "f/"}, &out);
    cr_expect_not_null(strstr(out.data, "a.yaml:1:7: error[not-sealed]: wrong"));
    cr_expect_null(strstr(out.data, "Device"));
}

Test(findings, the_caret_stands_under_the_character)
{
    static const struct {
        struct kedge_position at;
        const char *text;
    } cases[] = {
        {{"a.yaml", 1, 7},
         "f/a.yaml:1:7: error[some-rule]: wrong (spec.x)\n"
         "     1 | kind: Device\n"
         "       |       ^\n"
         "  remedy: do this\n"},
        {{"a.yaml", 3, 9},
         "f/a.yaml:3:9: error[some-rule]: wrong (spec.x)\n"
         "     3 |   na\xc3\xafve: \\x09x\n"
         "       |         ^\n"
         "  remedy: do this\n"},
        {{"a.yaml", 3, 11},
         "f/a.yaml:3:11: error[some-rule]: wrong (spec.x)\n"
         "     3 |   na\xc3\xafve: \\x09x\n"
         "       |              ^\n"
         "  remedy: do this\n"},
        {{"a.yaml", 2, 1}, "f/a.yaml:2:1: error[some-rule]: wrong (spec.x)\n  remedy: do this\n"},
        {{"a.yaml", 99, 1}, "f/a.yaml:99:1: error[some-rule]: wrong (spec.x)\n  remedy: do this\n"},
        {{"z.yaml", 1, 1}, "f/z.yaml:1:1: error[some-rule]: wrong (spec.x)\n  remedy: do this\n"},
        {{"a.yaml", 0, 0}, "f/a.yaml: error[some-rule]: wrong (spec.x)\n  remedy: do this\n"},
        {{NULL, 0, 0}, "error[some-rule]: wrong (spec.x)\n  remedy: do this\n"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(cases); i++) {
        kedge_auto(kedge_buf) struct kedge_buf out = {0};
        write(kedge_findings_text, cases[i].at, "wrong", "f/", &out);
        cr_assert_str_eq(out.data, cases[i].text);
    }
    kedge_test_no_leaks();
}

Test(findings, github_takes_no_commands_from_a_manifest)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    write(kedge_findings_github, (struct kedge_position){"a,b:c\n.yaml", 1, 2},
          "100%\n::stop-commands::x", NULL, &out);
    cr_assert_str_eq(out.data, "::error file=a%2Cb%3Ac%0A.yaml,line=1,col=2,title=some-rule::"
                               "100%25%0A::stop-commands::x; do this\n");
}

Test(findings, junit_is_xml_whatever_the_text)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    write(kedge_findings_junit, (struct kedge_position){"a<b.yaml", 1, 2}, "\"x\" & \x01\x1b ]]>",
          NULL, &out);
    cr_assert_not_null(strstr(out.data, "classname=\"a&lt;b.yaml\""), "%s", out.data);
    cr_assert_not_null(strstr(out.data, "message=\"&quot;x&quot; &amp;  ]]&gt;\""), "%s", out.data);
    cr_assert_null(strpbrk(out.data, "\x01\x1b"));
}

Test(findings, sarif_paths_are_uris)
{
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    write(kedge_findings_sarif, (struct kedge_position){"a b#c.yaml", 3, 0}, "wrong", "fleet/",
          &out);
    cr_assert_not_null(strstr(out.data, "\"uri\":\"fleet/a%20b%23c.yaml\""), "%s", out.data);
    cr_assert_not_null(strstr(out.data, "{\"startLine\":3,\"startColumn\":1}"), "%s", out.data);
}

Test(findings, every_format_of_validate_has_a_writer)
{
    static const char *const formats[] = {"text", "json", "sarif", "junit", "github"};
    for (size_t i = 0; i < KEDGE_COUNT(formats); i++) {
        struct kedge_findings none = {.count = 0};
        kedge_auto(kedge_buf) struct kedge_buf out = {0};
        cr_assert_not_null(kedge_findings_writer(formats[i]));
        kedge_findings_writer(formats[i])(
            &(struct kedge_findings_report){
                .findings = &none,
                .tree = &tree,
            },
            &out);
    }
    cr_assert_null(kedge_findings_writer("html"));
}
