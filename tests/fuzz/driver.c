/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without libFuzzer, with libFuzzer's own arguments: replays the files and
 * folders named, then mutates them `-runs=N` times or for `-max_total_time=SECONDS`. The same
 * `-seed=N` gives the same inputs. The input that ends the program is kept in ./crash-input. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "lib/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct corpus {
    struct kedge_buf *inputs;
    size_t count;
};

static const uint8_t *current;
static size_t current_size;

/* Only calls that are safe in a signal handler. */
static void keep_input(int signal_number)
{
    int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, current, current_size) == (ssize_t)current_size)
        (void)!write(STDERR_FILENO, "input kept in ./crash-input\n", 28);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* The target sees a copy of exactly this size, so that the sanitizer sees every byte beyond. */
static void run(const struct kedge_buf *input)
{
    uint8_t *exact = malloc(input->size ? input->size : 1);
    if (!exact)
        abort();
    if (input->size)
        memcpy(exact, input->data, input->size);
    current = exact;
    current_size = input->size;
    LLVMFuzzerTestOneInput(exact, input->size);
    free(exact);
}

static void add_path(struct corpus *corpus, const char *path);

static void add_folder(struct corpus *corpus, const char *path)
{
    struct dirent **entries;
    int count =
        scandir(path, &entries, NULL, alphasort); /* the order must not depend on the disk */
    for (int i = 0; i < count; i++) {
        kedge_auto(kedge_buf) struct kedge_buf inner = {0};
        kedge_buf_printf(&inner, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            add_path(corpus, inner.data);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void add_path(struct corpus *corpus, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        add_folder(corpus, path);
        return;
    }
    struct kedge_buf input = {0};
    struct kedge_err err = {0};
    if (kedge_fs_read(AT_FDCWD, path, KEDGE_MIB(64), &input, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    corpus->inputs = kedge_alloc_grow(corpus->inputs, (corpus->count + 1) * sizeof input);
    corpus->inputs[corpus->count++] = input;
}

/* One small change: flip a bit, set a telling byte, drop or repeat a run, or take over a piece of
 * another input. */
static void mutate(struct kedge_buf *input, const struct corpus *corpus, struct kedge_rng *rng)
{
    static const char telling[] = "\0\x01\x7f\x80\xff\"'{}[]:,-\\/\n\t &*!%#09.";
    size_t at = kedge_rng_below(rng, input->size + 1);
    size_t rest = input->size - at;
    size_t length = 1 + kedge_rng_below(rng, rest < 64 ? rest + 1 : 64);
    kedge_auto(kedge_buf) struct kedge_buf tail = {0};
    const struct kedge_buf *other = &corpus->inputs[kedge_rng_below(rng, corpus->count)];
    size_t from = kedge_rng_below(rng, other->size + 1);
    switch (kedge_rng_below(rng, 5)) {
    case 0:
        if (rest)
            input->data[at] = (char)(input->data[at] ^ (1 << kedge_rng_below(rng, 8)));
        return;
    case 1:
        if (rest)
            input->data[at] = telling[kedge_rng_below(rng, sizeof telling - 1)];
        return;
    case 2: /* drop */
        length = length < rest ? length : rest;
        kedge_buf_add(&tail, input->data + at + length, rest - length);
        break;
    case 3: /* repeat */
        kedge_buf_add(&tail, input->data + at, length < rest ? length : rest);
        kedge_buf_add(&tail, input->data + at, rest);
        break;
    default: /* take over */
        kedge_buf_add(&tail, other->data + from,
                      length < other->size - from ? length : other->size - from);
        kedge_buf_add(&tail, input->data + at, rest);
    }
    input->size = at;
    kedge_buf_add(input, tail.data, tail.size);
}

static void run_mutated(const struct corpus *corpus, struct kedge_rng *rng)
{
    kedge_auto(kedge_buf) struct kedge_buf input = {0};
    const struct kedge_buf *seed = &corpus->inputs[kedge_rng_below(rng, corpus->count)];
    kedge_buf_add(&input, seed->data, seed->size);
    kedge_buf_reserve(&input, 1);
    for (size_t changes = 1 + kedge_rng_below(rng, 6); changes > 0; changes--)
        mutate(&input, corpus, rng);
    run(&input);
}

static bool take_number(const char *argument, const char *name, uint64_t *value)
{
    size_t length = strlen(name);
    if (strncmp(argument, name, length) != 0)
        return false;
    *value = strtoull(argument + length, NULL, 10);
    return true;
}

int main(int argc, char **argv)
{
    struct corpus corpus = {0};
    uint64_t runs = 0, seconds = 0, seed = 1;
    for (int i = 1; i < argc; i++) {
        if (!take_number(argv[i], "-runs=", &runs) &&
            !take_number(argv[i], "-max_total_time=", &seconds) &&
            !take_number(argv[i], "-seed=", &seed))
            add_path(&corpus, argv[i]);
    }
    if (corpus.count == 0) {
        fprintf(stderr, "usage: %s [-runs=N] [-max_total_time=SECONDS] [-seed=N] CORPUS...\n",
                argv[0]);
        return 64;
    }
    signal(SIGABRT, keep_input);
    for (size_t i = 0; i < corpus.count; i++)
        run(&corpus.inputs[i]);

    struct kedge_rng rng = kedge_rng_make(seed);
    kedge_ms end = kedge_clock_monotonic() + (kedge_ms)seconds * 1000;
    uint64_t done = 0;
    while (done < runs || (seconds && kedge_clock_monotonic() < end)) {
        run_mutated(&corpus, &rng);
        done++;
    }
    printf("%zu inputs replayed, %llu mutated, seed %llu\n", corpus.count, (unsigned long long)done,
           (unsigned long long)seed);
    for (size_t i = 0; i < corpus.count; i++)
        kedge_buf_release(&corpus.inputs[i]);
    free(corpus.inputs);
    return 0;
}
