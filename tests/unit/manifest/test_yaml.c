/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/yaml.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "lib/leak.h"

/* Writes a tree as "(k=v k=[a b])", with the first letter of each scalar's type before it. */
static void write_node(const struct kedge_yaml_node *node, struct kedge_buf *out)
{
    if (node->type == KEDGE_YAML_LIST) {
        kedge_buf_puts(out, "[");
        for (const struct kedge_yaml_node *i = node->first; i; i = i->next) {
            write_node(i, out);
            kedge_buf_puts(out, i->next ? " " : "");
        }
        kedge_buf_puts(out, "]");
    } else if (node->type == KEDGE_YAML_MAP) {
        kedge_buf_puts(out, "(");
        for (const struct kedge_yaml_node *k = node->first; k; k = k->next->next) {
            kedge_buf_printf(out, "%s=", k->text);
            write_node(k->next, out);
            kedge_buf_puts(out, k->next->next ? " " : "");
        }
        kedge_buf_puts(out, ")");
    } else {
        kedge_buf_printf(out, "%c:%s", "nbifs"[node->type], node -> text);
    }
}

static void visit(const struct kedge_yaml_node *root, void *payload)
{
    struct kedge_buf *out = payload;
    kedge_buf_puts(out, out->size ? " | " : "");
    write_node(root, out);
}

static void expect(const char *yaml, const char *tree)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(kedge_yaml) struct kedge_yaml *reader = kedge_yaml_new();
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    bool good = kedge_yaml_read(reader, (struct kedge_slice){yaml, strlen(yaml)}, "a.yaml",
                                &findings, visit, &out);
    cr_expect(good, "%s", yaml);
    cr_expect_eq(findings.count, 0, "%s: %s", yaml, findings.count ? findings.at[0].message : "");
    cr_expect_str_eq(out.data ? out.data : "", tree, "%s", yaml);
}

Test(yaml, core_schema)
{
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"~", ""},
        {"[~, null, Null, NULL, nULL, '']", "[n:~ n:null n:Null n:NULL s:nULL s:]"},
        {"[true, True, TRUE, tRUE, false, yes, no, on, off, y]",
         "[b:true b:True b:TRUE s:tRUE b:false s:yes s:no s:on s:off s:y]"},
        {"[0, -1, +7, 010, 0o17, 0x1F, 0o8, 0xg, 1_000, 0b1, 1:30]",
         "[i:0 i:-1 i:+7 i:010 i:0o17 i:0x1F s:0o8 s:0xg s:1_000 s:0b1 s:1:30]"},
        {"[1.5, .5, 1., 1e3, -1.5E-3, 1e, ., -, +, 1.2.3, .inf, -.INF, .nan, .NaN, +.nan]",
         "[f:1.5 f:.5 f:1. f:1e3 f:-1.5E-3 s:1e s:. s:- s:+ s:1.2.3 f:.inf f:-.INF f:.nan f:.NaN "
         "s:+.nan]"},
        {"[\"1\", 'true', \"~\", 2026-03-01, 2026-03-01T12:00:00Z]",
         "[s:1 s:true s:~ s:2026-03-01 s:2026-03-01T12:00:00Z]"},
        {"a:\nb: c", "(a=n: b=s:c)"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++)
        expect(rows[i].text, rows[i].tree);
    kedge_test_no_leaks();
}

Test(yaml, structure)
{
    expect("", "");
    expect("# only a comment\n", "");
    expect("---\n---\na: 1\n...\n---\n- b\n", "(a=i:1) | [s:b]");
    expect("a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n",
           "(a=(b=[i:1 i:2]) c=(b=[i:1 i:2]) d=[(b=[i:1 i:2]) (b=[i:1 i:2])])");
    expect("a: &x 1\nb: &x 2\nc: *x\n", "(a=i:1 b=i:2 c=i:2)");
    expect("\"<<\": 1\n", "(<<=i:1)");
    expect("{\"a\":{\"b\":[]},\"c\":\"\\u00e9\\/\"}", "(a=(b=[]) c=s:\xC3\xA9/)");
    expect("a: |\n  x\n  y\nb: >-\n  x\n  y\n", "(a=s:x\ny\n b=s:x y)");
    expect("a: b#c\nd: 'e' # f\n", "(a=s:b#c d=s:e)");
    kedge_test_no_leaks();
}

static void visit_position(const struct kedge_yaml_node *root, void *payload)
{
    const struct kedge_yaml_node **kept = payload;
    const struct kedge_yaml_node *value = root->first->next->next->next;
    static struct kedge_yaml_node copy;
    copy = *value;
    *kept = &copy;
}

Test(yaml, columns_count_characters)
{
    const char *text =
        "\xEF\xBB\xBF# \xC3\xA4\n{\xC3\xB6\xE2\x82\xAC: 1, \xF0\x9F\x98\x80: zwei}\n";
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(kedge_yaml) struct kedge_yaml *reader = kedge_yaml_new();
    const struct kedge_yaml_node *value = NULL;
    cr_assert(kedge_yaml_read(reader, (struct kedge_slice){text, strlen(text)}, "a", &findings,
                              visit_position, &value));
    cr_assert_not_null(value);
    cr_expect_eq(value->line, 2);
    cr_expect_eq(value->column, 12);
}

Test(yaml, numbers)
{
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-17", true, -17},
        {"+5", true, 5},
        {"0o17", true, 15},
        {"0xfF", true, 255},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"0xffffffffffffffff", false, 0},
    };
    for (size_t i = 0; i < KEDGE_COUNT(rows); i++) {
        struct kedge_yaml_node node = {.text = rows[i].text, .type = KEDGE_YAML_INTEGER};
        int64_t value = 0;
        cr_expect_eq(kedge_yaml_integer(&node, &value), rows[i].fits, "%s", rows[i].text);
        cr_expect_eq(value, rows[i].value, "%s", rows[i].text);
    }
    double number;
    cr_expect(kedge_yaml_number(&(struct kedge_yaml_node){.text = ".5", .type = KEDGE_YAML_NUMBER},
                                &number));
    cr_expect_eq(number, 0.5);
    cr_expect_not(
        kedge_yaml_number(&(struct kedge_yaml_node){.text = "-.inf", .type = KEDGE_YAML_NUMBER},
                          &number));
    cr_expect_not(
        kedge_yaml_number(&(struct kedge_yaml_node){.text = "1e999", .type = KEDGE_YAML_NUMBER},
                          &number));
}

Test(yaml, many_keys_are_compared_in_time)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(kedge_yaml) struct kedge_yaml *reader = kedge_yaml_new();
    kedge_auto(kedge_buf) struct kedge_buf text = {0}, out = {0};
    for (int i = 0; i < 40000; i++)
        kedge_buf_printf(&text, "k%d: 1\n", i);
    kedge_buf_puts(&text, "k7: 2\n");
    cr_expect(kedge_yaml_read(reader, kedge_buf_slice(&text), "a", &findings, visit, &out));
    cr_assert_eq(findings.count, 1);
    cr_expect_str_eq(findings.at[0].rule, "duplicate-key");
    cr_expect_eq(findings.at[0].at.line, 40001);
}

Test(yaml, a_reader_forgets_the_file_before)
{
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(kedge_yaml) struct kedge_yaml *reader = kedge_yaml_new();
    kedge_auto(kedge_buf) struct kedge_buf out = {0};
    struct kedge_slice broken = {"a: &x [[[1, {", 13}, whole = {"b: 1", 4}, alias = {"b: *x", 5};
    cr_expect_not(kedge_yaml_read(reader, broken, "a", &findings, visit, &out));
    cr_expect(kedge_yaml_read(reader, whole, "b", &findings, visit, &out));
    cr_expect_str_eq(out.data, "(b=i:1)");
    cr_expect_not(kedge_yaml_read(reader, alias, "c", &findings, visit, &out));
    cr_expect_eq(findings.count, 2);
}
