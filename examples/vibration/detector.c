/* SPDX-License-Identifier: Apache-2.0 */
#include "detector.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT (1 << 20)

/* One tensor of the file and where it lives in the struct. */
struct tensor {
    const char *name;
    float *at;
    size_t rows, columns; /* columns 0: a vector */
};

enum { TENSORS = 7 };

static void list_tensors(struct detector *d, struct tensor list[TENSORS])
{
    const struct tensor tensors[TENSORS] = {
        {"b1", d->b1, d->hidden, 0},      {"b2", d->b2, 1, 0},
        {"band", d->band, d->bands, 0},   {"mean", d->mean, d->bands, 0},
        {"scale", d->scale, d->bands, 0}, {"w1", d->w1, d->hidden, d->bands},
        {"w2", d->w2, d->hidden, 0},
    };
    memcpy(list, tensors, sizeof(tensors));
}

static size_t tensor_values(const struct tensor *tensor)
{
    return tensor->rows * (tensor->columns ? tensor->columns : 1);
}

/* Energy of one frequency by Goertzel's recurrence. */
static double band_energy(const float samples[WINDOW_SAMPLES], double frequency)
{
    double turn = 2.0 * cos(2.0 * M_PI * frequency / WINDOW_RATE);
    double last = 0.0, before = 0.0;

    for (int i = 0; i < WINDOW_SAMPLES; i++) {
        double now = samples[i] + turn * last - before;
        before = last;
        last = now;
    }
    return last * last + before * before - turn * last * before;
}

void detector_features(const struct detector *d, const float samples[WINDOW_SAMPLES],
                       float *features)
{
    for (size_t i = 0; i < d->bands; i++) {
        double energy = band_energy(samples, d->band[i]) / WINDOW_SAMPLES;
        features[i] = (float)((log(energy + 1e-6) - d->mean[i]) / d->scale[i]);
    }
}

float detector_score(const struct detector *d, const float *features, float *hidden)
{
    double sum = d->b2[0];

    for (size_t h = 0; h < d->hidden; h++) {
        double in = d->b1[h];
        for (size_t i = 0; i < d->bands; i++)
            in += (double)d->w1[h * d->bands + i] * features[i];
        double out = tanh(in);
        if (hidden)
            hidden[h] = (float)out;
        sum += d->w2[h] * out;
    }
    return (float)(1.0 / (1.0 + exp(-sum)));
}

bool detector_save(const struct detector *detector, const char *path)
{
    struct detector copy = *detector;
    struct tensor tensors[TENSORS];
    json_t *header = json_object();
    size_t offset = 0;

    list_tensors(&copy, tensors);
    for (size_t i = 0; i < TENSORS; i++) {
        size_t end = offset + tensor_values(&tensors[i]) * sizeof(float);
        json_t *shape = tensors[i].columns
                            ? json_pack("[i,i]", (int)tensors[i].rows, (int)tensors[i].columns)
                            : json_pack("[i]", (int)tensors[i].rows);
        json_object_set_new(header, tensors[i].name,
                            json_pack("{s:s,s:o,s:[i,i]}", "dtype", "F32", "shape", shape,
                                      "data_offsets", (int)offset, (int)end));
        offset = end;
    }
    char *text = json_dumps(header, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(header);

    uint64_t length = strlen(text);
    FILE *file = fopen(path, "wb");
    bool good =
        file && fwrite(&length, sizeof(length), 1, file) == 1 && fwrite(text, length, 1, file) == 1;
    for (size_t i = 0; good && i < TENSORS; i++)
        good = fwrite(tensors[i].at, sizeof(float), tensor_values(&tensors[i]), file) ==
               tensor_values(&tensors[i]);
    if (file && fclose(file))
        good = false;
    free(text);
    return good;
}

/* The first dimension of a tensor in the header; 0 when there is none. */
static size_t header_rows(const json_t *header, const char *name)
{
    json_int_t rows = json_integer_value(
        json_array_get(json_object_get(json_object_get(header, name), "shape"), 0));
    return rows > 0 ? (size_t)rows : 0;
}

static bool read_tensor(const struct tensor *tensor, const json_t *header, const uint8_t *data,
                        size_t size)
{
    const json_t *entry = json_object_get(header, tensor->name);
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    json_int_t begin = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    size_t bytes = tensor_values(tensor) * sizeof(float);

    if (!dtype || strcmp(dtype, "F32") || begin < 0 || end < begin || (size_t)end > size ||
        (size_t)(end - begin) != bytes)
        return false;
    memcpy(tensor->at, data + begin, bytes);
    for (size_t i = 0; i < tensor_values(tensor); i++) {
        if (!isfinite(tensor->at[i]))
            return false;
    }
    return true;
}

static bool read_tensors(struct detector *d, const uint8_t *bytes, size_t size, char *why,
                         size_t why_size)
{
    uint64_t length;
    if (size < sizeof(length)) {
        snprintf(why, why_size, "the file is cut short");
        return false;
    }
    memcpy(&length, bytes, sizeof(length));
    if (length > size - sizeof(length)) {
        snprintf(why, why_size, "the header is longer than the file");
        return false;
    }
    json_t *header =
        json_loadb((const char *)bytes + sizeof(length), length, JSON_REJECT_DUPLICATES, NULL);
    d->bands = header_rows(header, "band");
    d->hidden = header_rows(header, "b1");
    bool good =
        d->bands && d->bands <= DETECTOR_BANDS_MAX && d->hidden && d->hidden <= DETECTOR_HIDDEN_MAX;
    if (!good)
        snprintf(why, why_size, "the header is not this model's");

    struct tensor tensors[TENSORS];
    list_tensors(d, tensors);
    for (size_t i = 0; good && i < TENSORS; i++) {
        good = read_tensor(&tensors[i], header, bytes + sizeof(length) + length,
                           size - sizeof(length) - length);
        if (!good)
            snprintf(why, why_size, "tensor '%s' is missing, of a wrong shape or not finite",
                     tensors[i].name);
    }
    json_decref(header);
    return good;
}

bool detector_load(struct detector *detector, const char *path, char *why, size_t why_size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        snprintf(why, why_size, "cannot open it");
        return false;
    }
    uint8_t *bytes = malloc(FILE_LIMIT);
    size_t size = bytes ? fread(bytes, 1, FILE_LIMIT, file) : 0;
    fclose(file);
    memset(detector, 0, sizeof(*detector));
    bool good = read_tensors(detector, bytes, size, why, why_size);
    free(bytes);
    return good;
}
