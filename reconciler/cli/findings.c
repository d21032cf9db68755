/* SPDX-License-Identifier: Apache-2.0 */
#include "findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

static const struct {
    const char *name;
    kedge_findings_write *write;
} formats[] = {
    {"text", kedge_findings_text},     {"json", kedge_findings_json},
    {"sarif", kedge_findings_sarif},   {"junit", kedge_findings_junit},
    {"github", kedge_findings_github},
};

kedge_findings_write *kedge_findings_writer(const char *format)
{
    for (size_t i = 0; i < KEDGE_COUNT(formats); i++)
        if (strcmp(formats[i].name, format) == 0)
            return formats[i].write;
    return NULL;
}

static int compare_path(const void *key, const void *entry)
{
    return strcmp(key, ((const struct kedge_tree_entry *)entry)->path);
}

/* Line number `line` of `file`, without its end; empty where there is none. */
static struct kedge_slice source_line(const struct kedge_tree *tree, const char *file,
                                      uint32_t line)
{
    const struct kedge_tree_entry *entry =
        file && line && tree->count
            ? bsearch(file, tree->entries, tree->count, sizeof *tree->entries, compare_path)
            : NULL;
    if (!entry || !entry->data)
        return (struct kedge_slice){0};
    const char *at = entry->data, *end = at + entry->size;
    for (; line > 1 && at; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    if (!at || at == end)
        return (struct kedge_slice){0};
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return (struct kedge_slice){.data = at, .size = (size_t)((stop ? stop : end) - at)};
}

#define EXCERPT 100 /* bytes of a line that are shown */

/* Bytes of the first `count` characters. */
static size_t bytes_of(struct kedge_slice text, uint32_t count)
{
    size_t at = 0;
    while (count && at < text.size) {
        at++;
        while (at < text.size && ((unsigned char)text.data[at] & 0xc0) == 0x80)
            at++;
        count--;
    }
    return at;
}

/* What stands there may be a secret that nobody has sealed, and findings are read by many. */
static bool is_secret(const struct kedge_finding *f)
{
    static const char secrets[] = "spec.secrets";
    return f->field && strncmp(f->field, secrets, sizeof secrets - 1) == 0;
}

/*     7 |   capacty:
 *       |   ^          */
static void write_excerpt(const struct kedge_findings_report *report, const struct kedge_finding *f,
                          struct kedge_buf *out)
{
    struct kedge_slice line = source_line(report->tree, f->at.file, f->at.line);
    if (!line.size || !f->at.column || is_secret(f))
        return;
    size_t before = bytes_of(line, f->at.column - 1);
    if (before > EXCERPT)
        return;
    size_t shown = line.size < EXCERPT
                       ? line.size
                       : bytes_of((struct kedge_slice){line.data, EXCERPT}, EXCERPT);
    kedge_buf_printf(out, "%6u | ", f->at.line);
    size_t start = out->size;
    kedge_print_bytes(out, line.data, before);
    size_t indent = kedge_print_width(out->data + start, out->size - start);
    kedge_print_bytes(out, line.data + before, shown > before ? shown - before : 0);
    kedge_buf_printf(out, "\n       | %*s", (int)indent, "");
    kedge_print_styled(out, report->color, KEDGE_PRINT_CYAN, "^");
    kedge_buf_putc(out, '\n');
}

static void write_finding(const struct kedge_findings_report *report, const struct kedge_finding *f,
                          struct kedge_buf *out)
{
    bool error = f->severity == KEDGE_SEVERITY_ERROR;
    if (f->at.file) {
        kedge_print_text(out, report->root);
        kedge_print_text(out, f->at.file);
        if (f->at.line)
            kedge_buf_printf(out, ":%u:%u", f->at.line, f->at.column);
        kedge_buf_puts(out, ": ");
    }
    char severity[64];
    snprintf(severity, sizeof severity, "%s[%s]", error ? "error" : "warning", f->rule);
    kedge_print_styled(out, report->color, error ? KEDGE_PRINT_RED : KEDGE_PRINT_YELLOW, severity);
    kedge_buf_puts(out, ": ");
    kedge_print_text(out, f->message);
    if (f->field) {
        kedge_buf_puts(out, " (");
        kedge_print_text(out, f->field);
        kedge_buf_putc(out, ')');
    }
    kedge_buf_putc(out, '\n');
    write_excerpt(report, f, out);
    if (f->remedy) {
        kedge_buf_puts(out, "  remedy: ");
        kedge_print_text(out, f->remedy);
        kedge_buf_putc(out, '\n');
    }
}

void kedge_findings_text(const struct kedge_findings_report *report, struct kedge_buf *out)
{
    const struct kedge_findings *findings = report->findings;
    for (size_t i = 0; i < findings->count; i++)
        write_finding(report, &findings->at[i], out);
    size_t more = findings->errors + findings->warnings - findings->count;
    if (more)
        kedge_buf_printf(out, "... and %zu more\n", more);
}

void kedge_findings_json(const struct kedge_findings_report *report, struct kedge_buf *out)
{
    const struct kedge_findings *findings = report->findings;
    struct kedge_json_writer writer = {.out = out};
    kedge_json_begin_object(&writer);
    kedge_json_add_integer(&writer, "errors", (int64_t)findings->errors);
    kedge_json_add_integer(&writer, "warnings", (int64_t)findings->warnings);
    kedge_json_key(&writer, "items");
    kedge_json_begin_array(&writer);
    for (size_t i = 0; i < findings->count; i++) {
        const struct kedge_finding *f = &findings->at[i];
        struct kedge_buf file = {0};
        kedge_buf_printf(&file, "%s%s", report->root ? report->root : "",
                         f->at.file ? f->at.file : "");
        kedge_json_begin_object(&writer);
        kedge_json_add_string(&writer, "severity",
                              f->severity == KEDGE_SEVERITY_ERROR ? "error" : "warning");
        kedge_json_add_string(&writer, "rule", f->rule);
        kedge_json_add_string(&writer, "file", f->at.file ? file.data : NULL);
        if (f->at.line) {
            kedge_json_add_integer(&writer, "line", f->at.line);
            kedge_json_add_integer(&writer, "column", f->at.column);
        }
        kedge_json_add_string(&writer, "field", f->field);
        kedge_json_add_string(&writer, "message", f->message);
        kedge_json_add_string(&writer, "remedy", f->remedy);
        kedge_json_end_object(&writer);
        kedge_buf_release(&file);
    }
    kedge_json_end_array(&writer);
    kedge_json_end_object(&writer);
    kedge_buf_putc(out, '\n');
}
