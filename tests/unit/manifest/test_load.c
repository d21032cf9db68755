/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/load.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "lib/leak.h"
#include "lib/rng.h"
#include "manifest/check.h"

#define HEAD "apiVersion: kedge.dev/v1alpha1\nkind: "

enum { PATHS = 40 };

/* A repository: the text of each path, NULL where there is no file. */
struct repository {
    char *files[PATHS];
};

static void put(struct repository *repo, size_t path, const char *text)
{
    free(repo->files[path]);
    repo->files[path] = text ? strdup(text) : NULL;
}

static void repository_auto(struct repository *repo)
{
    for (size_t i = 0; i < PATHS; i++)
        free(repo->files[i]);
}

/* The tree of `after`: whole, or against `before`. */
static struct kedge_tree tree_of(const struct repository *after, const struct repository *before,
                                 const char *base, const char *commit)
{
    struct kedge_tree tree = {0};
    tree.entries = kedge_arena_array(&tree.arena, PATHS, sizeof *tree.entries);
    strcpy(tree.base, base);
    strcpy(tree.commit, commit);
    for (size_t i = 0; i < PATHS; i++) {
        const char *now = after->files[i], *then = before ? before->files[i] : NULL;
        if (now == then || (now && then && strcmp(now, then) == 0))
            continue;
        struct kedge_tree_entry *entry = &tree.entries[tree.count++];
        entry->path = kedge_arena_printf(&tree.arena, "f%02zu.yaml", i);
        entry->data = now ? kedge_arena_strdup(&tree.arena, now) : NULL;
        entry->size = now ? strlen(now) : 0;
        struct kedge_digest digest = kedge_digest_of(entry->data, entry->size);
        memcpy(entry->blob, digest.bytes, sizeof entry->blob);
    }
    return tree;
}

static int load(struct kedge_arena *pool, const struct kedge_specs *previous,
                struct kedge_tree tree, struct kedge_findings *findings,
                const struct kedge_specs **out, struct kedge_err *err)
{
    int code = kedge_load_specs(pool, previous, &tree, findings, out, err);
    kedge_tree_release(&tree); /* nothing may point into it */
    return code;
}

/* All that two revisions show: names, places and labels, files, postings. */
static void print(const struct kedge_specs *specs, struct kedge_buf *out)
{
    const struct kedge_object *object;
    for (int kind = 0; kind < KEDGE_KIND_COUNT; kind++) {
        struct kedge_table_iter iter = {0};
        while ((object = kedge_table_next(specs->kinds[kind], &iter))) {
            kedge_buf_printf(out, "%d %s %s:%u", kind, object->name, object->at.file,
                             object->at.line);
            for (uint32_t i = 0; i < object->labels.count; i++)
                kedge_buf_printf(out, " %s=%s", object->labels.at[i].key,
                                 object->labels.at[i].value);
            kedge_buf_putc(out, '\n');
        }
    }
    struct kedge_table_iter iter = {0};
    const struct kedge_file *file;
    while ((file = kedge_table_next(specs->files, &iter)))
        kedge_buf_printf(out, "%s %u %u\n", file->path, file->count, file->skipped);
    iter = (struct kedge_table_iter){0};
    const struct kedge_references *references;
    while ((references = kedge_table_next(specs->references, &iter)))
        kedge_buf_printf(out, "%s refers %u\n", references->path, references->count);
    iter = (struct kedge_table_iter){0};
    const struct kedge_posting *posting;
    while ((posting = kedge_table_next(specs->postings, &iter))) {
        kedge_buf_printf(out, "%s:", posting->name);
        struct kedge_table_iter devices = {0};
        while ((object = kedge_table_next(posting->devices, &devices)))
            kedge_buf_printf(out, " %s/%s", object->name, object->at.file);
        kedge_buf_putc(out, '\n');
    }
    kedge_buf_printf(out, "skipped %zu\n", specs->skipped);
}

/* A random file: some devices, perhaps a foreign document, perhaps a window that names a device. */
static void put_random(struct repository *repo, size_t path, struct kedge_rng *rng)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    size_t devices = kedge_rng_below(rng, 4);
    for (size_t i = 0; i < devices; i++)
        kedge_buf_printf(&text,
                         HEAD "Device\nmetadata: {name: d%zu, labels: {a: v%zu, %s: x}}\n---\n",
                         kedge_rng_chance(rng, 3) ? 0 : path * 10 + i, kedge_rng_below(rng, 3),
                         kedge_rng_chance(rng, 50) ? "b" : "c");
    if (kedge_rng_chance(rng, 20))
        kedge_buf_puts(&text, "apiVersion: v1\nkind: Pod\n---\n");
    if (kedge_rng_chance(rng, 10))
        kedge_buf_printf(&text,
                         HEAD "MaintenanceWindow\nmetadata: {name: w%zu}\nspec: {schedule: "
                              "'@daily', duration: 1h, targets: {devices: [d%zu]}}\n",
                         path, kedge_rng_below(rng, PATHS) * 10);
    put(repo, path, kedge_rng_chance(rng, 15) ? NULL : text.data ? text.data : "");
}

/* Editing a revision file by file and reading it whole give the same, or the same refusal. */
Test(load, editing_equals_reading)
{
    struct kedge_rng rng = kedge_rng_make(20260301);
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(repository) struct repository trusted = {0}, next = {0};
    put(&trusted, 0, HEAD "Device\nmetadata: {name: d0}\n");
    const struct kedge_specs *specs = NULL;
    kedge_auto(kedge_findings) struct kedge_findings none = {0};
    struct kedge_err err;
    cr_assert_eq(load(&pool, NULL, tree_of(&trusted, NULL, "", "c0"), &none, &specs, &err), 0);

    unsigned accepted = 0, refused = 0;
    for (unsigned round = 1; round <= 300; round++) {
        for (size_t i = 0; i < PATHS; i++)
            put(&next, i, trusted.files[i]);
        for (size_t i = kedge_rng_below(&rng, 4) + 1; i > 0; i--)
            put_random(&next, kedge_rng_below(&rng, PATHS), &rng);
        char commit[16];
        snprintf(commit, sizeof commit, "c%u", round);

        kedge_auto(kedge_arena) struct kedge_arena other = {0};
        kedge_auto(kedge_findings) struct kedge_findings edited = {0}, whole = {0}, again = {0};
        const struct kedge_specs *one = NULL, *two = NULL, *three = NULL;
        int code = load(&pool, specs, tree_of(&next, &trusted, specs->commit, commit), &edited,
                        &one, &err);
        int same = load(&other, NULL, tree_of(&next, NULL, "", commit), &whole, &two, &err);
        int third = load(&other, specs, tree_of(&next, NULL, "", commit), &again, &three, &err);
        cr_assert_eq(code, same, "round %u: %d, whole %d", round, code, same);
        cr_assert_eq(third, same, "round %u", round);
        if (code < 0) {
            refused++;
            continue;
        }
        accepted++;
        kedge_auto(kedge_buf) struct kedge_buf a = {0}, b = {0}, c = {0};
        print(one, &a);
        print(two, &b);
        print(three, &c);
        cr_assert_str_eq(a.data, b.data, "round %u", round);
        cr_assert_str_eq(c.data, b.data, "round %u", round);
        specs = one;
        struct repository swap = trusted;
        trusted = next;
        next = swap;
    }
    cr_expect_gt(accepted, 100);
    cr_expect_gt(refused, 10);
}

Test(load, a_refused_revision_changes_nothing)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(repository) struct repository good = {0}, bad = {0};
    put(&good, 0, HEAD "Device\nmetadata: {name: a}\n");
    put(&bad, 0, HEAD "Device\nmetadata: {name: a}\nspec: {x: 1}\n");
    const struct kedge_specs *specs = NULL;
    struct kedge_err err;
    cr_assert_eq(load(&pool, NULL, tree_of(&good, NULL, "", "c1"), &findings, &specs, &err), 0);
    const struct kedge_specs *before = specs;
    size_t used = pool.used;
    int code = load(&pool, specs, tree_of(&bad, &good, "c1", "c2"), &findings, &specs, &err);
    cr_expect_eq(code, KEDGE_INVALID);
    cr_expect_str_eq(err.msg, "the manifests have 1 error");
    cr_expect_eq(specs, before);
    cr_expect_eq(pool.used, used, "nothing of it is kept");
    cr_expect_not_null(kedge_spec_find(specs, KEDGE_KIND_DEVICE, "a"));
}

Test(load, an_empty_revision_means_stop)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(repository) struct repository full = {0}, empty = {0};
    put(&full, 0, HEAD "Device\nmetadata: {name: a}\n");
    const struct kedge_specs *specs = NULL;
    struct kedge_err err;
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    cr_expect_eq(load(&pool, NULL, tree_of(&empty, NULL, "", "c0"), &findings, &specs, &err),
                 KEDGE_INVALID);
    cr_assert_eq(load(&pool, NULL, tree_of(&full, NULL, "", "c1"), &findings, &specs, &err), 0);
    cr_expect_eq(load(&pool, specs, tree_of(&empty, &full, "c1", "c2"), &findings, &specs, &err),
                 KEDGE_INVALID);
    cr_assert_eq(findings.count, 2);
    cr_expect_str_eq(findings.at[1].rule, "empty-revision");
}

Test(load, another_base_is_a_conflict)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(repository) struct repository one = {0}, two = {0};
    put(&two, 0, HEAD "Device\nmetadata: {name: a}\n");
    const struct kedge_specs *specs = NULL;
    struct kedge_err err;
    cr_expect_eq(load(&pool, NULL, tree_of(&two, &one, "c1", "c2"), &findings, &specs, &err),
                 KEDGE_CONFLICT);
}

Test(load, refused_files_and_names_across_files)
{
    struct kedge_tree_entry entries[] = {
        {.path = "a.yaml", .data = HEAD "Device\nmetadata: {name: x}\n"},
        {.path = "b.yaml", .data = HEAD "Device\nmetadata: {name: x}\n"},
        {.path = "c.yaml", .refused = "the file is larger than 1 MiB"},
        {.path = "d.yaml",
         .data = HEAD "MaintenanceWindow\nmetadata: {name: w}\nspec: {schedule: '@daily', "
                      "duration: 1h, targets: {devices: [y]}}\n"},
    };
    for (size_t i = 0; i < KEDGE_COUNT(entries); i++)
        entries[i].size = entries[i].data ? strlen(entries[i].data) : 0;
    struct kedge_tree tree = {.entries = entries, .count = KEDGE_COUNT(entries)};
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    const struct kedge_specs *specs = NULL;
    struct kedge_err err;
    cr_expect_eq(kedge_load_specs(&pool, NULL, &tree, &findings, &specs, &err), KEDGE_INVALID);
    cr_assert_eq(findings.count, 2, "'y' may be declared in the file that could not be read");
    cr_expect_str_eq(findings.at[0].at.file, "b.yaml");
    cr_expect_str_eq(findings.at[0].message, "Device 'x' is declared twice, first at a.yaml:1:1");
    cr_expect_str_eq(findings.at[1].at.file, "c.yaml");
    cr_expect_str_eq(findings.at[1].message, "the file is larger than 1 MiB");
}

Test(load, removing_a_device_finds_who_names_it)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(repository) struct repository one = {0}, two = {0};
    put(&one, 0, HEAD "Device\nmetadata: {name: a}\n");
    put(&one, 1,
        HEAD "MaintenanceWindow\nmetadata: {name: w}\nspec: {schedule: '@daily', "
             "duration: 1h, targets: {devices: [a]}}\n");
    put(&two, 1, one.files[1]);
    const struct kedge_specs *specs = NULL;
    struct kedge_err err;
    cr_assert_eq(load(&pool, NULL, tree_of(&one, NULL, "", "c1"), &findings, &specs, &err), 0);
    cr_expect_eq(load(&pool, specs, tree_of(&two, &one, "c1", "c2"), &findings, &specs, &err),
                 KEDGE_INVALID);
    cr_assert_eq(findings.count, 1);
    cr_expect_str_eq(findings.at[0].at.file, "f01.yaml");
    cr_expect_eq(findings.at[0].at.line, 4);
    cr_expect_str_eq(findings.at[0].field, "spec.targets.devices[0]");
}

static void put_version(struct repository *repo, size_t path, const char *name, char digit)
{
    kedge_auto(kedge_buf) struct kedge_buf text = {0};
    kedge_buf_printf(&text,
                     HEAD "ModelVersion\nmetadata: {name: %s}\nspec: {model: m, version: 1.0.0, "
                          "artifact: {url: 'hub:', size: 1, digest: 'sha256:",
                     name);
    for (int i = 0; i < 64; i++)
        kedge_buf_putc(&text, digit);
    kedge_buf_puts(&text, "'}}\n");
    put(repo, path, text.data);
}

Test(load, a_version_keeps_its_artifact)
{
    kedge_auto(kedge_arena) struct kedge_arena pool = {0};
    kedge_auto(kedge_findings) struct kedge_findings findings = {0};
    kedge_auto(repository) struct repository one = {0}, two = {0};
    put(&one, 0, HEAD "Model\nmetadata: {name: m}\n");
    put(&two, 0, one.files[0]);
    put_version(&one, 1, "v", 'a');
    put_version(&two, 2, "renamed", 'b');
    const struct kedge_specs *before = NULL, *after = NULL;
    struct kedge_err err;
    cr_assert_eq(load(&pool, NULL, tree_of(&one, NULL, "", "c1"), &findings, &before, &err), 0);
    cr_assert_eq(load(&pool, before, tree_of(&two, &one, "c1", "c2"), &findings, &after, &err), 0);
    kedge_check_immutable(before, before, &findings);
    cr_expect_eq(findings.count, 0);
    kedge_check_immutable(before, after, &findings);
    cr_assert_eq(findings.count, 1);
    cr_expect_str_eq(findings.at[0].rule, "version-changed");
    cr_expect_str_eq(findings.at[0].at.file, "f02.yaml");
    kedge_test_no_leaks();
}
