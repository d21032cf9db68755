/* SPDX-License-Identifier: Apache-2.0 */
/* Findings for build systems: SARIF, JUnit, GitHub. */
#include "findings.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/digest.h"

/* GitHub refuses more than 25,000 results and shows 5,000. */
#define SARIF_RESULTS 5000

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The rules that occur, each once, sorted; free() it. */
static const char **rules_of(const struct kedge_findings *findings, size_t *count)
{
    const char **rules = kedge_alloc_array(findings->count + 1, sizeof *rules);
    *count = 0;
    for (size_t i = 0; i < findings->count; i++)
        rules[i] = findings->at[i].rule;
    if (findings->count)
        qsort(rules, findings->count, sizeof *rules, by_text);
    for (size_t i = 0; i < findings->count; i++)
        if (!*count || strcmp(rules[*count - 1], rules[i]) != 0)
            rules[(*count)++] = rules[i];
    return rules;
}

/* Path of a finding from the repository's top, as a URI reference. */
static void write_uri(const struct kedge_findings_report *report, const char *file,
                      struct kedge_buf *out)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    const char *parts[] = {report->root ? report->root : "", file};
    for (size_t i = 0; i < KEDGE_COUNT(parts); i++)
        for (const char *at = parts[i]; *at; at++)
            kedge_buf_printf(out, strchr(plain, *at) ? "%c" : "%%%02X", (unsigned char)*at);
}

/* Stays the same when lines above move: rule, file, field and message, not the position. */
static void write_fingerprint(struct kedge_json_writer *writer, const struct kedge_finding *f)
{
    struct kedge_buf text = {0};
    kedge_buf_printf(&text, "%s\n%s\n%s\n%s", f->rule, f->at.file ? f->at.file : "",
                     f->field ? f->field : "", f->message);
    struct kedge_digest digest = kedge_digest_of(text.data, text.size);
    char hex[KEDGE_DIGEST_TEXT];
    kedge_json_key(writer, "partialFingerprints");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "kedge/v1",
                          kedge_digest_format(&digest, hex) + sizeof "sha256:" - 1);
    kedge_json_end_object(writer);
    kedge_buf_release(&text);
}

static void write_sarif_location(const struct kedge_findings_report *report,
                                 const struct kedge_finding *f, struct kedge_json_writer *writer)
{
    struct kedge_buf uri = {0};
    write_uri(report, f->at.file, &uri);
    kedge_json_key(writer, "locations");
    kedge_json_begin_array(writer);
    kedge_json_begin_object(writer);
    kedge_json_key(writer, "physicalLocation");
    kedge_json_begin_object(writer);
    kedge_json_key(writer, "artifactLocation");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "uri", uri.data);
    kedge_json_add_string(writer, "uriBaseId", "%SRCROOT%");
    kedge_json_end_object(writer);
    if (f->at.line) {
        kedge_json_key(writer, "region");
        kedge_json_begin_object(writer);
        kedge_json_add_integer(writer, "startLine", f->at.line);
        kedge_json_add_integer(writer, "startColumn", f->at.column ? f->at.column : 1);
        kedge_json_end_object(writer);
    }
    kedge_json_end_object(writer);
    kedge_json_end_object(writer);
    kedge_json_end_array(writer);
    kedge_buf_release(&uri);
}

static void write_sarif_result(const struct kedge_findings_report *report,
                               const struct kedge_finding *f, struct kedge_json_writer *writer)
{
    struct kedge_buf text = {0};
    kedge_buf_printf(&text, "%s%s%s", f->message, f->remedy ? "; " : "",
                     f->remedy ? f->remedy : "");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "ruleId", f->rule);
    kedge_json_add_string(writer, "level",
                          f->severity == KEDGE_SEVERITY_ERROR ? "error" : "warning");
    kedge_json_key(writer, "message");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "text", text.data);
    kedge_json_end_object(writer);
    if (f->at.file)
        write_sarif_location(report, f, writer);
    write_fingerprint(writer, f);
    kedge_json_end_object(writer);
    kedge_buf_release(&text);
}

static void write_sarif_tool(const struct kedge_findings *findings,
                             struct kedge_json_writer *writer)
{
    size_t count;
    const char **rules = rules_of(findings, &count);
    kedge_json_key(writer, "tool");
    kedge_json_begin_object(writer);
    kedge_json_key(writer, "driver");
    kedge_json_begin_object(writer);
    kedge_json_add_string(writer, "name", "kedge");
    kedge_json_add_string(writer, "version", KEDGE_VERSION_TEXT);
    kedge_json_key(writer, "rules");
    kedge_json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        kedge_json_begin_object(writer);
        kedge_json_add_string(writer, "id", rules[i]);
        kedge_json_end_object(writer);
    }
    kedge_json_end_array(writer);
    kedge_json_end_object(writer);
    kedge_json_end_object(writer);
    free(rules);
}

void kedge_findings_sarif(const struct kedge_findings_report *report, struct kedge_buf *out)
{
    const struct kedge_findings *findings = report->findings;
    struct kedge_json_writer writer = {.out = out};
    kedge_json_begin_object(&writer);
    kedge_json_add_string(&writer, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    kedge_json_add_string(&writer, "version", "2.1.0");
    kedge_json_key(&writer, "runs");
    kedge_json_begin_array(&writer);
    kedge_json_begin_object(&writer);
    write_sarif_tool(findings, &writer);
    kedge_json_key(&writer, "results");
    kedge_json_begin_array(&writer);
    for (size_t i = 0; i < findings->count && i < SARIF_RESULTS; i++)
        write_sarif_result(report, &findings->at[i], &writer);
    kedge_json_end_array(&writer);
    kedge_json_end_object(&writer);
    kedge_json_end_array(&writer);
    kedge_json_end_object(&writer);
    kedge_buf_putc(out, '\n');
}

/* XML 1.0 forbids most control characters even as references: they are left out. */
static void write_xml(const char *text, struct kedge_buf *out)
{
    static const char *const entities[128] = {
        ['<'] = "&lt;",  ['>'] = "&gt;",   ['&'] = "&amp;",  ['"'] = "&quot;",
        ['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;",
    };
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 128 && entities[c])
            kedge_buf_puts(out, entities[c]);
        else if (c >= 0x20)
            kedge_buf_putc(out, *text);
    }
}

static void write_junit_case(const struct kedge_findings_report *report,
                             const struct kedge_finding *f, struct kedge_buf *out)
{
    bool error = f->severity == KEDGE_SEVERITY_ERROR;
    kedge_buf_puts(out, "    <testcase classname=\"");
    write_xml(report->root, out);
    write_xml(f->at.file ? f->at.file : "revision", out);
    kedge_buf_puts(out, "\" name=\"");
    write_xml(f->rule, out);
    if (f->at.line)
        kedge_buf_printf(out, " %u:%u", f->at.line, f->at.column);
    kedge_buf_puts(out, error ? "\"><failure type=\"" : "\"><system-out>");
    if (error) {
        write_xml(f->rule, out);
        kedge_buf_puts(out, "\" message=\"");
        write_xml(f->message, out);
        kedge_buf_puts(out, "\">");
        write_xml(f->remedy, out);
        kedge_buf_puts(out, "</failure>");
    } else {
        write_xml(f->message, out);
        kedge_buf_puts(out, "</system-out>");
    }
    kedge_buf_puts(out, "</testcase>\n");
}

void kedge_findings_junit(const struct kedge_findings_report *report, struct kedge_buf *out)
{
    const struct kedge_findings *findings = report->findings;
    size_t failures = 0;
    for (size_t i = 0; i < findings->count; i++)
        failures += findings->at[i].severity == KEDGE_SEVERITY_ERROR;
    size_t tests = findings->count ? findings->count : 1;
    kedge_buf_printf(out,
                     "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<testsuites tests=\"%zu\" failures=\"%zu\">\n"
                     "  <testsuite name=\"kedge validate\" tests=\"%zu\" failures=\"%zu\">\n",
                     tests, failures, tests, failures);
    for (size_t i = 0; i < findings->count; i++)
        write_junit_case(report, &findings->at[i], out);
    if (!findings->count)
        kedge_buf_puts(out, "    <testcase classname=\"revision\" name=\"valid\"/>\n");
    kedge_buf_puts(out, "  </testsuite>\n</testsuites>\n");
}

/* Text of a repository must not be able to give commands of its own. */
static void write_github(const char *text, bool property, struct kedge_buf *out)
{
    for (; text && *text; text++) {
        bool special = *text == '%' || *text == '\r' || *text == '\n' ||
                       (property && (*text == ':' || *text == ','));
        kedge_buf_printf(out, special ? "%%%02X" : "%c", (unsigned char)*text);
    }
}

void kedge_findings_github(const struct kedge_findings_report *report, struct kedge_buf *out)
{
    for (size_t i = 0; i < report->findings->count; i++) {
        const struct kedge_finding *f = &report->findings->at[i];
        kedge_buf_printf(out, "::%s ", f->severity == KEDGE_SEVERITY_ERROR ? "error" : "warning");
        if (f->at.file) {
            kedge_buf_puts(out, "file=");
            write_github(report->root, true, out);
            write_github(f->at.file, true, out);
            if (f->at.line)
                kedge_buf_printf(out, ",line=%u,col=%u", f->at.line, f->at.column);
            kedge_buf_putc(out, ',');
        }
        kedge_buf_puts(out, "title=");
        write_github(f->rule, true, out);
        kedge_buf_puts(out, "::");
        write_github(f->message, false, out);
        if (f->remedy) {
            kedge_buf_puts(out, "; ");
            write_github(f->remedy, false, out);
        }
        kedge_buf_putc(out, '\n');
    }
}
