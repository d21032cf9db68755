/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON line per workload: ours, the library's bare rate taken turn by turn in the same run, and
 * the bar between them.
 *
 * Each workload runs in a process of its own, so that its peak memory is its own. The machine's
 * speed drifts; a bar is a ratio within one run wherever it can be. */
#pragma once

#include "kedge/err.h"

#define BENCH_TURNS_MAX 64

struct bench {
    bool quick;        /* small data, few turns: does it run at all */
    const char *cache; /* folder of generated repositories */
    unsigned missed;   /* bars, so far */
};

struct bench_workload {
    const char *name;
    void (*run)(struct bench *bench);
};
/* End with a NULL name. */
extern const struct bench_workload bench_git_workloads[], bench_manifest_workloads[],
    bench_core_workloads[], bench_wire_workloads[], bench_store_workloads[];
/* Run only when they are named. */
extern const struct bench_workload bench_named_workloads[];

/* What was seen, one number a turn. */
struct bench_series {
    double at[BENCH_TURNS_MAX];
    unsigned count;
};
void bench_add(struct bench_series *series, double value);
double bench_median(const struct bench_series *series);

enum bench_bar {
    BENCH_NO_BAR,
    BENCH_RATIO_AT_MOST, /* ours / bare */
    BENCH_RATIO_AT_LEAST,
    BENCH_VALUE_AT_MOST,
    BENCH_VALUE_AT_LEAST,
};

/* A line of output. The ratio is the median of the turns' ratios. */
struct bench_row {
    const char *workload, *unit;
    const struct bench_series *ours, *bare; /* of equal count; bare may be NULL */
    enum bench_bar kind;
    double bar;
};
void bench_print(struct bench *bench, const struct bench_row *row);
/* A single number. */
void bench_print_value(struct bench *bench, const char *workload, const char *unit, double value,
                       enum bench_bar kind, double bar);

/* Seconds: of processor time of this process with all its threads; of the wall. */
double bench_cpu(void);
double bench_wall(void);
/* Resident KiB now, after free memory was given back. */
double bench_resident_kib(void);

/* Ends the program, for what a benchmark cannot go on without. */
void bench_must(int rc, const struct kedge_err *err);
void bench_check(bool holds, const char *what);
unsigned bench_turns(const struct bench *bench, unsigned turns);
