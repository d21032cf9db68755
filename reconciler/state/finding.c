/* SPDX-License-Identifier: Apache-2.0 */
#include "finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

static const char *copy(struct kedge_arena *arena, const char *text)
{
    return text == NULL ? NULL : kedge_arena_strdup(arena, text);
}

/* Counts one finding and makes room for it; NULL when there are too many to keep. */
static struct kedge_finding *reserve(struct kedge_findings *findings, enum kedge_severity severity)
{
    if (severity == KEDGE_SEVERITY_ERROR)
        findings->errors++;
    else
        findings->warnings++;
    if (findings->count == KEDGE_LIMIT_FINDINGS)
        return NULL;
    if (findings->count == findings->capacity) {
        findings->capacity = findings->capacity == 0 ? 16 : 2 * findings->capacity;
        findings->at = kedge_alloc_grow(findings->at, findings->capacity * sizeof *findings->at);
    }
    return &findings->at[findings->count++];
}

void kedge_finding_add(struct kedge_findings *findings, enum kedge_severity severity,
                       const char *rule, struct kedge_position at, const char *field,
                       const char *remedy, const char *message, ...)
{
    struct kedge_finding *finding = reserve(findings, severity);
    if (finding == NULL)
        return;
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    va_list arguments;
    va_start(arguments, message);
    kedge_buf_vprintf(&text, message, arguments);
    va_end(arguments);
    struct kedge_arena *arena = &findings->arena;
    *finding = (struct kedge_finding){
        .severity = severity,
        .rule = copy(arena, rule),
        .at = {copy(arena, at.file), at.line, at.column},
        .field = copy(arena, field),
        .message = kedge_arena_strndup(arena, text.data, text.size),
        .remedy = copy(arena, remedy),
    };
}

void kedge_finding_merge(struct kedge_findings *into, const struct kedge_findings *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct kedge_finding *f = &from->at[i];
        kedge_finding_add(into, f->severity, f->rule, f->at, f->field, f->remedy, "%s", f->message);
    }
    /* Those `from` has counted but not kept. */
    size_t kept_errors = 0;
    for (size_t i = 0; i < from->count; i++)
        kept_errors += from->at[i].severity == KEDGE_SEVERITY_ERROR;
    into->errors += from->errors - kept_errors;
    into->warnings += from->warnings - (from->count - kept_errors);
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b);
}

static int compare(const void *left, const void *right)
{
    const struct kedge_finding *a = left, *b = right;
    int order = compare_text(a->at.file, b->at.file);
    if (order == 0 && a->at.line != b->at.line)
        order = a->at.line < b->at.line ? -1 : 1;
    if (order == 0 && a->at.column != b->at.column)
        order = a->at.column < b->at.column ? -1 : 1;
    if (order == 0)
        order = strcmp(a->rule, b->rule);
    if (order == 0)
        order = compare_text(a->field, b->field);
    return order != 0 ? order : strcmp(a->message, b->message);
}

void kedge_finding_sort(struct kedge_findings *findings)
{
    if (findings->count > 1)
        qsort(findings->at, findings->count, sizeof *findings->at, compare);
}

void kedge_findings_release(struct kedge_findings *findings)
{
    kedge_arena_release(&findings->arena);
    free(findings->at);
    *findings = (struct kedge_findings){0};
}

void kedge_findings_auto(struct kedge_findings *findings)
{
    kedge_findings_release(findings);
}
