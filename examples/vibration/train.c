/* SPDX-License-Identifier: Apache-2.0 */
/* Trains the detector on synthetic windows and writes its weights.
 *
 *     vibration-train --bands N --hidden N --windows N --epochs N --out model.safetensors
 *
 *     vibration-train [--seed N] --print-window SEVERITY
 *
 * Prints one JSON line: accuracy on windows it has not seen. Few bands and windows give the first,
 * poorer version; more of both the better second one. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detector.h"

/* A window as POST /v1/score takes it; severity 0 is a healthy machine. */
static void print_window(double severity, uint64_t seed)
{
    struct window_random random = {.state = 0x77696e646f77ULL ^ seed * 0x9E3779B97F4A7C15ULL};
    float samples[WINDOW_SAMPLES];

    if (severity > 0.0)
        window_faulty(&random, severity, samples);
    else
        window_healthy(&random, samples);
    for (int i = 0; i < WINDOW_SAMPLES; i++)
        printf("%s%.4f", i ? "," : "[", samples[i]);
    printf("]\n");
}

struct sample {
    float features[DETECTOR_BANDS_MAX];
    float faulty; /* 0 or 1 */
};

static void make_window(struct window_random *random, bool faulty, float samples[WINDOW_SAMPLES])
{
    if (faulty)
        window_faulty(random, 0.25 + 0.75 * window_uniform(random), samples);
    else
        window_healthy(random, samples);
}

static void make_samples(const struct detector *d, struct window_random *random,
                         struct sample *samples, size_t count)
{
    float window[WINDOW_SAMPLES];

    for (size_t i = 0; i < count; i++) {
        make_window(random, i % 2, window);
        samples[i].faulty = (float)(i % 2);
        detector_features(d, window, samples[i].features);
    }
}

/* Bands spread from 20 Hz to 1,000 Hz; mean and scale of their log energies over the windows. */
static void fit_features(struct detector *d, struct sample *samples, size_t count,
                         struct window_random *random)
{
    for (size_t b = 0; b < d->bands; b++) {
        d->band[b] = (float)(20.0 + 980.0 * (double)b / (double)d->bands);
        d->mean[b] = 0.0F;
        d->scale[b] = 1.0F;
    }
    struct window_random again = *random;
    make_samples(d, random, samples, count);
    for (size_t b = 0; b < d->bands; b++) {
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < count; i++) {
            sum += samples[i].features[b];
            squares += (double)samples[i].features[b] * samples[i].features[b];
        }
        double mean = sum / (double)count;
        d->mean[b] = (float)mean;
        d->scale[b] = (float)sqrt(fmax(squares / (double)count - mean * mean, 1e-6));
    }
    make_samples(d, &again, samples, count);
}

/* One step down the gradient of the cross entropy at one sample. */
static void descend(struct detector *d, const struct sample *sample, float rate)
{
    float hidden[DETECTOR_HIDDEN_MAX];
    float error = detector_score(d, sample->features, hidden) - sample->faulty;

    for (size_t h = 0; h < d->hidden; h++) {
        float back = error * d->w2[h] * (1.0F - hidden[h] * hidden[h]);
        d->w2[h] -= rate * error * hidden[h];
        d->b1[h] -= rate * back;
        for (size_t b = 0; b < d->bands; b++)
            d->w1[h * d->bands + b] -= rate * back * sample->features[b];
    }
    d->b2[0] -= rate * error;
}

static double accuracy(const struct detector *d, const struct sample *samples, size_t count)
{
    size_t right = 0;

    for (size_t i = 0; i < count; i++)
        right +=
            (detector_score(d, samples[i].features, NULL) >= 0.5F) == (samples[i].faulty >= 0.5F);
    return (double)right / (double)count;
}

static void train(struct detector *d, size_t windows, size_t epochs, double *reached)
{
    struct window_random random = {.state = 0x6b65646765ULL};
    struct sample *samples = calloc(windows, sizeof(*samples));
    if (!samples)
        exit(1);

    fit_features(d, samples, windows, &random);
    for (size_t i = 0; i < d->hidden * d->bands; i++)
        d->w1[i] = (float)(window_normal(&random) / sqrt((double)d->bands));
    for (size_t h = 0; h < d->hidden; h++)
        d->w2[h] = (float)(window_normal(&random) / sqrt((double)d->hidden));
    for (size_t epoch = 0; epoch < epochs; epoch++) {
        for (size_t i = 0; i < windows; i++)
            descend(d, &samples[(size_t)(window_uniform(&random) * (double)windows)], 0.02F);
    }
    make_samples(d, &random, samples, windows);
    *reached = accuracy(d, samples, windows);
    free(samples);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"bands", required_argument, NULL, 'b'},        {"hidden", required_argument, NULL, 'h'},
        {"windows", required_argument, NULL, 'w'},      {"epochs", required_argument, NULL, 'e'},
        {"out", required_argument, NULL, 'o'},          {"seed", required_argument, NULL, 's'},
        {"print-window", required_argument, NULL, 'p'}, {0},
    };
    struct detector detector = {.bands = 4, .hidden = 4};
    size_t windows = 1000, epochs = 20;
    uint64_t seed = 1;
    const char *out = "model.safetensors";

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'b':
            detector.bands = strtoul(optarg, NULL, 10);
            break;
        case 'h':
            detector.hidden = strtoul(optarg, NULL, 10);
            break;
        case 'w':
            windows = strtoul(optarg, NULL, 10);
            break;
        case 'e':
            epochs = strtoul(optarg, NULL, 10);
            break;
        case 'o':
            out = optarg;
            break;
        case 's':
            seed = strtoull(optarg, NULL, 10);
            break;
        case 'p':
            print_window(strtod(optarg, NULL), seed);
            return 0;
        default:
            return 64;
        }
    }
    if (!detector.bands || detector.bands > DETECTOR_BANDS_MAX || !detector.hidden ||
        detector.hidden > DETECTOR_HIDDEN_MAX || windows < 10 || windows > 1000000) {
        fprintf(stderr,
                "vibration-train: bands and hidden go from 1 to 64, windows from 10 to 1000000\n");
        return 64;
    }
    double reached;
    train(&detector, windows, epochs, &reached);
    if (!detector_save(&detector, out)) {
        fprintf(stderr, "vibration-train: cannot write '%s'\n", out);
        return 1;
    }
    printf("{\"bands\":%zu,\"hidden\":%zu,\"windows\":%zu,\"accuracy\":%.4f}\n", detector.bands,
           detector.hidden, windows, reached);
    return 0;
}
