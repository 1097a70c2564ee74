/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where memory comes from. Arenas and buffers take an allocator, so that tests can count allocations and
 * let each of them fail in turn. The library itself has no other way to get memory.
 */
#pragma once

#include <stddef.h>

struct mv_allocator {
        void *(*allocate)(void *context, size_t size); /* NULL when there is none */
        void (*release)(void *context, void *memory);  /* memory may be NULL */
        void *context;
};

/* malloc and free. */
extern const struct mv_allocator mv_allocator_system;
