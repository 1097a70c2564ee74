/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program: from main on, the allocation number FAIL_AT has no memory (with FAIL_AFTER: nor has any
 * behind it). At the end the number of allocations goes to the file FAIL_COUNT. This also reaches the libraries.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static _Atomic unsigned long calls;
static unsigned long fail_at;
static bool fail_after, begun;

static bool fails(void) {
        if (!begun)
                return false;
        unsigned long n = ++calls;
        bool failed = fail_at && (fail_after ? n >= fail_at : n == fail_at);
        if (failed)
                errno = ENOMEM;
        return failed;
}

void *malloc(size_t size) {
        return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size) {
        return fails() ? NULL : __libc_realloc(memory, size);
}

static int (*program)(int, char **, char **);

static int counted(int argc, char **argv, char **environment) {
        const char *at = getenv("FAIL_AT"), *count = getenv("FAIL_COUNT");
        fail_at = at ? strtoul(at, NULL, 10) : 0;
        fail_after = getenv("FAIL_AFTER") != NULL;
        begun = true;
        int code = program(argc, argv, environment);
        begun = false;
        FILE *f = count ? fopen(count, "w") : NULL;
        if (f) {
                fprintf(f, "%lu\n", calls);
                fclose(f);
        }
        return code;
}

int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
        int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                     void (*)(void), void *);
        *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
        program = main;
        return start(counted, argc, argv, init, fini, rtld_fini, stack_end);
}
