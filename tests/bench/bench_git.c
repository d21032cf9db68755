/* SPDX-License-Identifier: Apache-2.0 */
/* Git: reading a commit, what differs between two, a tick in which nothing has moved. */
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "bare_git.h"
#include "fleet.h"
#include "source/git.h"

/* A handle on the generated repository, and its two commits. */
struct scene {
    char *path;
    struct kedge_git *git;
    char before[KEDGE_COMMIT_TEXT], after[KEDGE_COMMIT_TEXT];
};

static struct scene scene_of(const struct bench *bench, size_t devices)
{
    struct kedge_err err;
    struct scene scene = {.path = fleet_repository(bench, devices)};
    bench_must(kedge_git_open(scene.path, &scene.git, &err), &err);
    bench_must(kedge_git_resolve(scene.git, "main~1", scene.before, &err), &err);
    bench_must(kedge_git_resolve(scene.git, "main", scene.after, &err), &err);
    return scene;
}

static void scene_auto(struct scene *scene)
{
    kedge_git_free(scene->git);
    free(scene->path);
}

/* W1's git half: every manifest of a commit, against the same objects read by libgit2 alone. */
static void read_tree(struct bench *bench)
{
    size_t devices = fleet_size(bench);
    kedge_auto(scene) struct scene scene = scene_of(bench, devices);
    struct bench_series cpu = {0}, wall = {0}, bare_cpu = {0}, bare_wall = {0};
    struct kedge_err err;
    for (unsigned i = bench_turns(bench, 5); i > 0; i--) {
        kedge_auto(kedge_tree) struct kedge_tree tree = {0};
        double c = bench_cpu(), w = bench_wall();
        size_t read = bare_git_read(scene.path, scene.before, NULL, NULL);
        bench_add(&bare_cpu, bench_cpu() - c);
        bench_add(&bare_wall, bench_wall() - w);
        c = bench_cpu();
        w = bench_wall();
        bench_must(kedge_git_tree(scene.git, NULL, scene.before, "", &tree, &err), &err);
        bench_add(&cpu, bench_cpu() - c);
        bench_add(&wall, bench_wall() - w);
        bench_check(tree.count == read && read >= devices, "a file is missing");
    }
    bench_print(bench, &(struct bench_row){"git_read_cpu", "cpu_s", &cpu, &bare_cpu, 0, 0});
    bench_print(bench, &(struct bench_row){"git_read_wall", "s", &wall, &bare_wall, 0, 0});
}

/* W2's git half, against a walk that only finds the blobs that differ. */
static void difference(struct bench *bench)
{
    enum { EACH = 20 };
    kedge_auto(scene) struct scene scene = scene_of(bench, fleet_size(bench));
    struct bench_series ours = {0}, bare = {0};
    struct kedge_err err;
    for (unsigned i = bench_turns(bench, 15); i > 0; i--) {
        double c = bench_cpu();
        for (int k = 0; k < EACH; k++)
            bench_check(bare_git_differ(scene.path, scene.before, scene.after) == 1, "no change");
        bench_add(&bare, (bench_cpu() - c) * 1e3 / EACH);
        c = bench_cpu();
        for (int k = 0; k < EACH; k++) {
            kedge_auto(kedge_tree) struct kedge_tree tree = {0};
            bench_must(kedge_git_tree(scene.git, scene.before, scene.after, "", &tree, &err), &err);
            bench_check(tree.count == 1 && tree.entries[0].data, "no change");
        }
        bench_add(&ours, (bench_cpu() - c) * 1e3 / EACH);
    }
    bench_print(bench, &(struct bench_row){"git_difference", "cpu_ms", &ours, &bare,
                                           BENCH_VALUE_AT_MOST, 0.7});
}

/* Everything, then one commit of one file more. */
static void first_fetches(struct bench *bench, const struct scene *scene, const char *url,
                          const char *folder)
{
    const char *const revisions[] = {scene->before, "main"};
    const char *const names[] = {"git_fetch_all", "git_fetch_one_file"};
    for (size_t i = 0; i < KEDGE_COUNT(names); i++) {
        kedge_auto(kedge_git) struct kedge_git *mirror = NULL;
        struct kedge_git_options options = {.revision = revisions[i]};
        struct kedge_err err;
        char head[KEDGE_COMMIT_TEXT];
        bench_must(kedge_git_mirror(url, folder, &options, &mirror, &err), &err);
        double c = bench_cpu();
        bench_must(kedge_git_fetch(mirror, head, &err), &err);
        bench_print_value(bench, names[i], "cpu_ms", (bench_cpu() - c) * 1e3, BENCH_NO_BAR, 0);
    }
}

/* W3: a tick with an unchanged head, against one listing of the remote's references. */
static void noop(struct bench *bench)
{
    enum { EACH = 200 };
    kedge_auto(scene) struct scene scene = scene_of(bench, fleet_size(bench));
    kedge_auto(kedge_git) struct kedge_git *mirror = NULL;
    kedge_auto(kedge_buf) struct kedge_buf url = {0}, folder = {0};
    struct bench_series ours = {0}, bare = {0};
    struct kedge_git_options options = {.revision = "main"};
    struct kedge_err err;
    char head[KEDGE_COMMIT_TEXT];
    kedge_buf_printf(&url, "file://%s", scene.path);
    kedge_buf_printf(&folder, "%s/mirror", bench->cache);
    bench_must(kedge_fs_remove(AT_FDCWD, folder.data, &err), &err);
    first_fetches(bench, &scene, url.data, folder.data);
    bench_must(kedge_git_mirror(url.data, folder.data, &options, &mirror, &err), &err);
    bench_must(kedge_git_fetch(mirror, head, &err), &err);
    double c;
    double before = bench_resident_kib();
    for (unsigned i = bench_turns(bench, 15); i > 0; i--) {
        c = bench_cpu();
        for (int k = 0; k < EACH; k++)
            bench_check(bare_git_list(url.data) > 0, "no references");
        bench_add(&bare, (bench_cpu() - c) * 1e3 / EACH);
        c = bench_cpu();
        for (int k = 0; k < EACH; k++)
            bench_must(kedge_git_fetch(mirror, head, &err), &err);
        bench_add(&ours, (bench_cpu() - c) * 1e3 / EACH);
        bench_check(strcmp(head, scene.after) == 0, "another head");
    }
    bench_print(bench,
                &(struct bench_row){"noop_tick", "cpu_ms", &ours, &bare, BENCH_RATIO_AT_MOST, 1.5});
    bench_print_value(bench, "noop_growth", "KiB", bench_resident_kib() - before,
                      BENCH_VALUE_AT_MOST, 512);
}

const struct bench_workload bench_git_workloads[] = {
    {"git_read", read_tree},
    {"git_difference", difference},
    {"noop", noop},
    {0},
};
