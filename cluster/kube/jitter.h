/* SPDX-License-Identifier: Apache-2.0 */
/* Chance from a seed, so that many who wait for one server do not come back in step, and a test knows what they do. */
#pragma once

#include <stdint.h>

/* SplitMix64 (Steele, Lea, Flood). */
static inline uint64_t mv_random_next(uint64_t *state) {
        *state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = *state;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

/* ms, and up to half as much more. */
static inline long long mv_jitter(uint64_t *state, long long ms) {
        return ms + (long long)(mv_random_next(state) % (uint64_t)(ms / 2 + 1));
}
