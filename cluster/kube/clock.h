/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of what waits and is retried. */
#pragma once

#include <time.h>

/* CLOCK_MONOTONIC in milliseconds. */
static inline long long mv_clock_ms(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
