/* SPDX-License-Identifier: Apache-2.0 */
/* The model: band energies of a window, a hidden layer, one anomaly score. Weights are a
 * safetensors file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "window.h"

#define DETECTOR_BANDS_MAX  64
#define DETECTOR_HIDDEN_MAX 64

/* Tensors, all F32: band [bands] in Hz; mean, scale [bands]; w1 [hidden, bands]; b1, w2 [hidden];
 * b2 [1]. */
struct detector {
    size_t bands, hidden;
    float band[DETECTOR_BANDS_MAX], mean[DETECTOR_BANDS_MAX], scale[DETECTOR_BANDS_MAX];
    float w1[DETECTOR_HIDDEN_MAX * DETECTOR_BANDS_MAX];
    float b1[DETECTOR_HIDDEN_MAX], w2[DETECTOR_HIDDEN_MAX], b2[1];
};

/* Log energy of the window in each band, standardised. */
void detector_features(const struct detector *detector, const float samples[WINDOW_SAMPLES],
                       float *features);
/* Probability that the window comes from a faulty machine; `hidden` (may be NULL) gets the layer's
 * outputs. */
float detector_score(const struct detector *detector, const float *features, float *hidden);
/* False with a line in `why` (size bytes) when the file is missing, malformed or holds a value that
 * is not finite. */
bool detector_load(struct detector *detector, const char *path, char *why, size_t size);
bool detector_save(const struct detector *detector, const char *path);
