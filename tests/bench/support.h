/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of the benchmarks share. Each ends with a message when anything goes wrong. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline _Noreturn void bench_stop(const char *what) {
        fprintf(stderr, "%s\n", what);
        exit(1);
}

static inline double bench_now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The bytes of a file, with a few zero bytes behind them that n does not count; to be freed. */
struct bench_text {
        char *p;
        size_t n;
};

static inline struct bench_text bench_read(const char *name) {
        enum { PADDING = 64 };
        FILE *file = fopen(name, "rb");
        long n = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
        char *text = n < 0 ? NULL : calloc(1, (size_t)n + PADDING);
        if (!text || fseek(file, 0, SEEK_SET) < 0 || fread(text, 1, (size_t)n, file) != (size_t)n)
                bench_stop(name);
        fclose(file);
        return (struct bench_text){ text, (size_t)n };
}
