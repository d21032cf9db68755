/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <math.h>

double window_uniform(struct window_random *random)
{
    /* xorshift64* */
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (double)((random->state * 0x2545F4914F6CDD1DULL) >> 11) / 9007199254740992.0;
}

double window_normal(struct window_random *random)
{
    double radius = sqrt(-2.0 * log(1.0 - window_uniform(random)));
    return radius * cos(2.0 * M_PI * window_uniform(random));
}

void window_healthy(struct window_random *random, float samples[WINDOW_SAMPLES])
{
    double shaft = 24.0 + 2.0 * window_uniform(random); /* Hz */
    double phase = 2.0 * M_PI * window_uniform(random);
    double load = 0.6 + 0.8 * window_uniform(random);

    for (int i = 0; i < WINDOW_SAMPLES; i++) {
        double t = (double)i / WINDOW_RATE;
        double turn = 2.0 * M_PI * shaft * t + phase;
        samples[i] = (float)(load * (sin(turn) + 0.4 * sin(2.0 * turn) + 0.2 * sin(3.0 * turn)) +
                             0.15 * window_normal(random));
    }
}

void window_faulty(struct window_random *random, double severity, float samples[WINDOW_SAMPLES])
{
    window_healthy(random, samples);
    double knocks = 85.0 + 10.0 * window_uniform(random); /* Hz: ball pass frequency */
    double ring = 780.0 + 120.0 * window_uniform(random); /* Hz: resonance of the housing */
    double since = window_uniform(random) / knocks;

    for (int i = 0; i < WINDOW_SAMPLES; i++) {
        samples[i] +=
            (float)(2.5 * severity * exp(-since * 220.0) * sin(2.0 * M_PI * ring * since));
        since += 1.0 / WINDOW_RATE;
        if (since >= 1.0 / knocks)
            since -= 1.0 / knocks;
    }
}
