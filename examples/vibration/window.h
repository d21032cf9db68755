/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic vibration windows of a rotating machine: what a sensor on its bearing would give. */
#pragma once

#include <stdint.h>

#define WINDOW_SAMPLES 256  /* one window */
#define WINDOW_RATE    2560 /* samples per second: a window is 100 ms */

/* A small deterministic generator, so that training gives the same weights everywhere. */
struct window_random {
    uint64_t state;
};
double window_uniform(struct window_random *random); /* [0, 1) */
double window_normal(struct window_random *random);  /* mean 0, deviation 1 */

/* Fills `samples` (in g) with a healthy machine: the shaft's turning, two harmonics and noise; or a
 * faulty one: the same with the short ringing knocks of a cracked bearing race, `severity` 0 to 1.
 */
void window_healthy(struct window_random *random, float samples[WINDOW_SAMPLES]);
void window_faulty(struct window_random *random, double severity, float samples[WINDOW_SAMPLES]);
