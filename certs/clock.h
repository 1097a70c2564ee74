/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of what waits, is retried and has a deadline: CLOCK_MONOTONIC. */
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
