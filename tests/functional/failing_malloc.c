/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the program: from main on, the allocation number FAIL_AT has no memory (with FAIL_AFTER: nor has any
 * behind it). At the end the number of allocations goes to the file FAIL_COUNT. This also reaches the libraries.
 * A program that runs on is told by the file FAIL_SWITCH, two numbers as the machine has them, of 64 bits: how many allocations
 * still succeed before one fails, 0 for none that fails (and counted down), and how many failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static _Atomic unsigned long calls;
static unsigned long fail_at;
static bool fail_after, begun;
static _Atomic uint64_t *countdown; /* in FAIL_SWITCH, and behind it how many failed */

/* Counts down to the allocation that fails. */
static bool is_switched_off(void) {
        uint64_t left = atomic_load(&countdown[0]);
        while (left && !atomic_compare_exchange_weak(&countdown[0], &left, left - 1))
                continue;
        if (left != 1)
                return false;
        countdown[1]++;
        errno = ENOMEM;
        return true;
}

static bool fails(void) {
        if (!begun)
                return false;
        if (countdown)
                return is_switched_off();
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
        const char *shared = getenv("FAIL_SWITCH");
        fail_after = getenv("FAIL_AFTER") != NULL;
        if (shared) {
                int fd = open(shared, O_RDWR | O_CLOEXEC);
                void *memory = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                close(fd);
                if (fd < 0 || memory == MAP_FAILED)
                        abort();
                countdown = memory;
        }
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
