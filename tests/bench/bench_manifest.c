/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: loading a whole fleet (W1), validating documents (W13). */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yaml.h>

#include "bare_git.h"
#include "base/fs.h"
#include "fleet.h"
#include "manifest/load.h"
#include "source/git.h"

/* libyaml's own events of a document, made and dropped. */
static void bare_parse(const char *data, size_t size, void *payload)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool end = false;
    bench_check(yaml_parser_initialize(&parser), "libyaml");
    yaml_parser_set_input_string(&parser, (const unsigned char *)data, size);
    while (!end) {
        bench_check(yaml_parser_parse(&parser, &event), "libyaml refuses a manifest");
        end = event.type == YAML_STREAM_END_EVENT;
        *(size_t *)payload += event.type == YAML_DOCUMENT_START_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

static void expect_clean(const struct kedge_findings *findings)
{
    if (findings->count > 0)
        fprintf(stderr, "%s:%u: %s\n", findings->at[0].at.file, findings->at[0].at.line,
                findings->at[0].message);
    bench_check(findings->count == 0, "the fleet has findings");
}

static size_t count_objects(const struct kedge_specs *specs)
{
    size_t count = 0;
    for (size_t i = 0; i < KEDGE_KIND_COUNT; i++)
        count += kedge_table_count(specs->kinds[i]);
    return count;
}

static void load_cold(struct bench *bench)
{
    size_t devices = fleet_size(bench);
    char *path = fleet_repository(bench, devices);
    kedge_auto(kedge_git) struct kedge_git *git = NULL;
    struct bench_series cpu = {0}, wall = {0}, bare = {0}, resident = {0};
    char commit[KEDGE_COMMIT_TEXT];
    struct kedge_err err;
    bench_must(kedge_git_open(path, &git, &err), &err);
    bench_must(kedge_git_resolve(git, "main", commit, &err), &err);
    for (unsigned i = bench_turns(bench, 5); i > 0; i--) {
        kedge_auto(kedge_arena) struct kedge_arena pool = {0};
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        struct kedge_tree tree = {0};
        const struct kedge_specs *specs = NULL;
        size_t documents = 0;
        double c = bench_cpu();
        bare_git_read(path, commit, bare_parse, &documents);
        bench_add(&bare, bench_cpu() - c);
        double before = bench_resident_kib(), w = bench_wall();
        c = bench_cpu();
        bench_must(kedge_git_tree(git, NULL, commit, "", &tree, &err), &err);
        bench_must(kedge_load_specs(&pool, NULL, &tree, &findings, &specs, &err), &err);
        bench_add(&cpu, bench_cpu() - c);
        bench_add(&wall, bench_wall() - w);
        expect_clean(&findings);
        bench_check(count_objects(specs) == documents, "a document is missing");
        kedge_tree_release(&tree);
        bench_add(&resident, (bench_resident_kib() - before) * 1024 / (double)devices);
    }
    bench_print(bench, &(struct bench_row){"load_cold_cpu", "cpu_s", &cpu, &bare,
                                           BENCH_RATIO_AT_MOST, 1.25});
    bench_print(bench,
                &(struct bench_row){"load_cold_wall", "s", &wall, &bare, BENCH_RATIO_AT_MOST, 0.7});
    bench_print(bench, &(struct bench_row){"load_resident", "bytes/device", &resident, NULL,
                                           BENCH_VALUE_AT_MOST, 640});
    free(path);
}

/* A tree of device manifests made in memory: parsing and checking alone. */
static void make_tree(struct kedge_tree *tree, size_t count)
{
    tree->entries = kedge_arena_array(&tree->arena, count + 1, sizeof *tree->entries);
    for (size_t i = 0; i < count; i++) {
        char *text = fleet_device(i, false);
        tree->entries[i].path = kedge_arena_printf(&tree->arena, "d/device-%07zu.yaml", i);
        tree->entries[i].size = strlen(text);
        tree->entries[i].data = kedge_arena_strdup(&tree->arena, text);
        memcpy(tree->entries[i].blob, &i, sizeof i);
        tree->entries[i].blob[KEDGE_COMMIT_SIZE - 1] = 1;
        free(text);
    }
    tree->count = tree->files = count;
}

static void validate(struct bench *bench)
{
    size_t count = bench->quick ? 2000 : 10000;
    kedge_auto(kedge_tree) struct kedge_tree tree = {0};
    struct bench_series ours = {0}, bare = {0};
    struct kedge_err err;
    make_tree(&tree, count);
    for (unsigned i = bench_turns(bench, 9); i > 0; i--) {
        kedge_auto(kedge_arena) struct kedge_arena pool = {0};
        kedge_auto(kedge_findings) struct kedge_findings findings = {0};
        const struct kedge_specs *specs = NULL;
        size_t documents = 0;
        double c = bench_cpu();
        for (size_t k = 0; k < count; k++)
            bare_parse(tree.entries[k].data, tree.entries[k].size, &documents);
        bench_add(&bare, (double)count / (bench_cpu() - c));
        c = bench_cpu();
        bench_must(kedge_load_specs(&pool, NULL, &tree, &findings, &specs, &err), &err);
        bench_add(&ours, (double)count / (bench_cpu() - c));
        expect_clean(&findings);
        bench_check(count_objects(specs) == documents, "a document is missing");
    }
    bench_print(bench, &(struct bench_row){"validate", "doc/cpu_s", &ours, &bare,
                                           BENCH_RATIO_AT_LEAST, 0.85});
}

/* `kedge validate` on one file, from its start to its exit. */
static void validate_start(struct bench *bench)
{
    char self[PATH_MAX], program[PATH_MAX], file[PATH_MAX];
    struct bench_series ours = {0};
    struct kedge_err err;
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    bench_check(size > 0, "/proc/self/exe");
    self[size] = '\0';
    int length = snprintf(program, sizeof program, "%s/../../reconciler/kedge", dirname(self));
    bench_check(length < (int)sizeof program, "the build folder's path is too long");
    snprintf(file, sizeof file, "%s/device.yaml", bench->cache);
    char *text = fleet_device(1, false);
    bench_must(kedge_fs_mkdirs(AT_FDCWD, bench->cache, 0755, &err), &err);
    bench_must(kedge_fs_write(AT_FDCWD, file, text, strlen(text), 0644, &err), &err);
    free(text);
    for (unsigned i = bench_turns(bench, 31); i > 0; i--) {
        const char *const argv[] = {program, "--quiet", "validate", file, NULL};
        pid_t pid;
        int status;
        double w = bench_wall();
        bench_check(posix_spawn(&pid, program, NULL, NULL, (char *const *)argv, environ) == 0,
                    "kedge does not start");
        bench_check(waitpid(pid, &status, 0) == pid && status == 0, "kedge validate fails");
        bench_add(&ours, (bench_wall() - w) * 1e3);
    }
    bench_print(bench,
                &(struct bench_row){"validate_start", "ms", &ours, NULL, BENCH_VALUE_AT_MOST, 3});
}

const struct bench_workload bench_manifest_workloads[] = {
    {"load_cold", load_cold},
    {"validate", validate},
    {"validate_start", validate_start},
    {0},
};
