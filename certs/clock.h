/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of what waits, is retried and has a deadline: CLOCK_MONOTONIC. And that of what is written for others to read. */
#pragma once

#include <time.h>

/* In nanoseconds. */
static inline long long mv_now(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* In milliseconds. */
static inline long long mv_clock_ms(void) {
        return mv_now() / 1000000;
}

/* The time of day, in microseconds since 1970: it may be set, so nothing waits by it. */
static inline long long mv_wall_us(void) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
