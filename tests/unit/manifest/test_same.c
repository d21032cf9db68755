/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/same.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/leak.h"
#include "manifest.h"
#include "manifest/field.h"

static struct revision parse(const char *text)
{
    struct revision r = revision_of(text, strlen(text));
    cr_assert_not_null(r.specs, "%s", r.findings.count ? r.findings.at[0].message : r.err.msg);
    return r;
}

static const struct kedge_file *only_file(const struct revision *r)
{
    return kedge_table_at(r->specs->files, 0);
}

/* Read twice, and once more behind comments, an object is itself and no other of its file; and it
 * refers to what the loader says. */
static void check_file(const char *text)
{
    kedge_auto(kedge_buf) struct kedge_buf commented = {0};
    kedge_buf_printf(&commented, "# a comment\n\n%s", text);
    kedge_auto(revision) struct revision one = parse(text), other = parse(commented.data);
    const struct kedge_file *a = only_file(&one), *b = only_file(&other);
    kedge_auto(kedge_buf) struct kedge_buf found = {0};
    for (uint32_t i = 0; i < a->count; i++) {
        enum kedge_kind kind = (enum kedge_kind)a->kinds[i];
        cr_expect(kedge_same_object(kind, a->objects[i], b->objects[i]), "%s", a->objects[i]->name);
        for (uint32_t k = 0; k < b->count; k++)
            if (k != i && b->kinds[k] == a->kinds[i])
                cr_expect_not(kedge_same_object(kind, a->objects[i], b->objects[k]) &&
                              strcmp(a->objects[i]->name, b->objects[k]->name) == 0);
        kedge_same_references(kind, a->objects[i], &one.pool, &found);
    }
    const struct kedge_references *known = kedge_table_find(one.specs->references, a->path);
    const struct kedge_reference *at = (const struct kedge_reference *)found.data;
    size_t count = found.size / sizeof *at;
    cr_expect_eq(count, known ? known->count : 0, "%zu references in:\n%s", count, text);
    for (size_t i = 0; i < count; i++) {
        bool listed = false;
        for (uint32_t k = 0; known && k < known->count && !listed; k++)
            listed = at[i].kind == known->at[k].kind && strcmp(at[i].name, known->at[k].name) == 0;
        cr_expect(listed, "%s '%s'", at[i].field, at[i].name);
    }
}

/* A field that is parsed and not kept could not be compared. */
static void check_record(const struct kedge_record *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const struct kedge_field *field = &record->fields[i];
        cr_expect(field->size > 0 || field->type == KEDGE_FIELD_OBJECT, "%s.%s", record->name,
                  field->name);
        if (field->record && field->type != KEDGE_FIELD_SELECTOR)
            check_record(field->record);
    }
}

Test(same, every_field_is_kept)
{
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++)
        check_record(kedge_kinds[kind]);
}

Test(same, every_valid_manifest_is_itself)
{
    kedge_auto(kedge_buf) struct kedge_buf folder = {0};
    kedge_buf_printf(&folder, "%s/tests/data/valid", getenv("KEDGE_SOURCE_ROOT"));
    DIR *dir = opendir(folder.data);
    cr_assert_not_null(dir);
    const struct dirent *item;
    size_t checked = 0;
    while ((item = readdir(dir))) {
        /* What begins with a directive or a byte order mark takes no comment before it. */
        if (item->d_name[0] == '.' || strstr(item->d_name, "directive") ||
            strstr(item->d_name, "bom"))
            continue;
        kedge_auto(kedge_buf) struct kedge_buf path = {0}, text = {0};
        struct kedge_err err;
        kedge_buf_printf(&path, "%s/%s", folder.data, item->d_name);
        cr_assert_eq(kedge_fs_read(AT_FDCWD, path.data, KEDGE_MIB(1), &text, &err), 0);
        check_file(text.data);
        checked++;
    }
    closedir(dir);
    cr_assert_gt(checked, 15);
    kedge_test_no_leaks();
}

#define HEAD "apiVersion: kedge.dev/v1alpha1\nkind: Deployment\n"
#define BASE                                                                                       \
    "metadata: {name: d, labels: {a: b}}\nspec: {model: m, version: ^1.0.0, config: {a: 1}, "      \
    "targets: {selector: {matchLabels: {s: t}}}, suspend: {reason: r}}\n"                          \
    "---\napiVersion: kedge.dev/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {}\n"

Test(same, each_difference_counts)
{
    static const char *const changed[][2] = {
        {"a: b", "a: c"},
        {"{a: b}", "{}"},
        {"version: ^1.0.0", "version: 1.0.0"},
        {"config: {a: 1}", "config: {a: 2}"},
        {"s: t", "s: u"},
        {"reason: r", "reason: r, by: ann"},
        {", suspend: {reason: r}", ""},
        {"reason: r}", "reason: r}, prune: false"},
        {"reason: r}", "reason: r}, state: stopped"},
        {"selector: {matchLabels: {s: t}}", "selector: {matchLabels: {s: t}, matchExpressions: "
                                            "[{key: k, operator: Exists}]}"},
    };
    kedge_auto(revision) struct revision base = parse(HEAD BASE);
    for (size_t i = 0; i < KEDGE_COUNT(changed); i++) {
        kedge_auto(kedge_buf) struct kedge_buf text = {0};
        const char *whole = HEAD BASE, *at = strstr(whole, changed[i][0]);
        cr_assert_not_null(at, "%s", changed[i][0]);
        kedge_buf_add(&text, whole, (size_t)(at - whole));
        kedge_buf_puts(&text, changed[i][1]);
        kedge_buf_puts(&text, at + strlen(changed[i][0]));
        kedge_auto(revision) struct revision other = parse(text.data);
        cr_expect_not(kedge_same_object(KEDGE_KIND_DEPLOYMENT, only_file(&base)->objects[0],
                                        only_file(&other)->objects[0]),
                      "%s", changed[i][1]);
    }
    kedge_test_no_leaks();
}
