/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct bench_workload *const groups[] = {
    bench_git_workloads,  bench_manifest_workloads, bench_core_workloads,
    bench_wire_workloads, bench_store_workloads,    bench_named_workloads,
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_cpu(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_wall(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double bench_resident_kib(void)
{
    long pages = 0, resident = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "r");
    bench_check(file && fscanf(file, "%ld %ld", &pages, &resident) == 2, "/proc/self/statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

void bench_must(int rc, const struct kedge_err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench: %s: %s\n", kedge_code_name(rc), err->msg);
    exit(1);
}

void bench_check(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

unsigned bench_turns(const struct bench *bench, unsigned turns)
{
    return bench->quick && turns > 3 ? 3 : turns;
}

void bench_add(struct bench_series *series, double value)
{
    bench_check(series->count < BENCH_TURNS_MAX, "more turns than there is room for");
    series->at[series->count++] = value;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static struct bench_series sorted(const struct bench_series *series)
{
    struct bench_series copy = *series;
    qsort(copy.at, copy.count, sizeof copy.at[0], by_value);
    return copy;
}

double bench_median(const struct bench_series *series)
{
    struct bench_series row = sorted(series);
    unsigned half = row.count / 2;
    return row.count % 2 ? row.at[half] : (row.at[half - 1] + row.at[half]) / 2;
}

static double ratio_of(const struct bench_row *row)
{
    struct bench_series ratios = {0};
    for (unsigned i = 0; i < row->ours->count; i++)
        bench_add(&ratios, row->ours->at[i] / row->bare->at[i]);
    return bench_median(&ratios);
}

void bench_print(struct bench *bench, const struct bench_row *row)
{
    static const char *const forms[] = {
        [BENCH_RATIO_AT_MOST] = "ratio <= %g",
        [BENCH_RATIO_AT_LEAST] = "ratio >= %g",
        [BENCH_VALUE_AT_MOST] = "value <= %g",
        [BENCH_VALUE_AT_LEAST] = "value >= %g",
    };
    struct bench_series ours = sorted(row->ours);
    double value = bench_median(row->ours), ratio = row->bare ? ratio_of(row) : 0;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"workload\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"n\":%u,\"min\":%.6g,"
           "\"max\":%.6g,\"peak_kib\":%ld",
           row->workload, value, row->unit, ours.count, ours.at[0], ours.at[ours.count - 1],
           usage.ru_maxrss);
    if (row->bare)
        printf(",\"bare\":%.6g,\"ratio\":%.4g", bench_median(row->bare), ratio);
    if (row->kind != BENCH_NO_BAR) {
        bool by_ratio = row->kind == BENCH_RATIO_AT_MOST || row->kind == BENCH_RATIO_AT_LEAST;
        bool at_most = row->kind == BENCH_RATIO_AT_MOST || row->kind == BENCH_VALUE_AT_MOST;
        double seen = by_ratio ? ratio : value;
        bool met = at_most ? seen <= row->bar : seen >= row->bar;
        printf(",\"bar\":\"");
        printf(forms[row->kind], row->bar);
        printf("\",\"met\":%s", met ? "true" : "false");
        bench->missed += !met;
    }
    printf("}\n");
    fflush(stdout);
}

void bench_print_value(struct bench *bench, const char *workload, const char *unit, double value,
                       enum bench_bar kind, double bar)
{
    struct bench_series one = {0};
    bench_add(&one, value);
    bench_print(bench, &(struct bench_row){workload, unit, &one, NULL, kind, bar});
}

/* In a process of its own; its missed bars are its exit status, from 100 on. */
static int run(struct bench *bench, const struct bench_workload *workload)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        bench->missed = 0;
        workload->run(bench);
        exit(bench->missed ? 100 + (int)bench->missed : 0);
    }
    bench_check(child > 0 && waitpid(child, &status, 0) == child, "fork");
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    if (code >= 100)
        bench->missed += (unsigned)code - 100;
    else if (code != 0)
        fprintf(stderr, "bench: workload '%s' failed\n", workload->name);
    return code >= 100 ? 0 : code;
}

static bool is_chosen(const struct bench_workload *group, const char *name, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return count == 0 && group != bench_named_workloads;
}

static void usage(FILE *out)
{
    fprintf(out, "usage: kedge-bench [--quick] --cache DIR [WORKLOAD...]\n\nworkloads:");
    for (size_t g = 0; g < KEDGE_COUNT(groups); g++) {
        for (const struct bench_workload *w = groups[g]; w->name; w++)
            fprintf(out, " %s", w->name);
    }
    fprintf(out, "\n");
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    int first = 1, failed = 0, ran = 0;
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--quick") == 0) {
            bench.quick = true;
        } else if (strcmp(argv[first], "--cache") == 0 && first + 1 < argc) {
            bench.cache = argv[++first];
        } else {
            usage(strcmp(argv[first], "--help") == 0 ? stdout : stderr);
            return strcmp(argv[first], "--help") == 0 ? 0 : 64;
        }
    }
    if (!bench.cache) {
        usage(stderr);
        return 64;
    }
    for (size_t g = 0; g < KEDGE_COUNT(groups); g++) {
        for (const struct bench_workload *w = groups[g]; w->name; w++) {
            if (!is_chosen(groups[g], w->name, argc - first, argv + first))
                continue;
            ran++;
            failed += run(&bench, w) != 0;
        }
    }
    if (ran == 0) {
        usage(stderr);
        return 64;
    }
    fprintf(stderr, "%d workloads, %d failed, %u bars missed\n", ran, failed, bench.missed);
    return failed ? 1 : 0;
}
