/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/wipe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* In front of what is handed out, which keeps its alignment. */
union head {
        size_t size;
        max_align_t align;
};

static void *wiping_allocate(void *context, size_t size) {
        (void)context;
        union head *head = size <= SIZE_MAX - sizeof *head ? malloc(sizeof *head + size) : NULL;
        if (!head)
                return NULL;
        head->size = size;
        return head + 1;
}

static void wiping_release(void *context, void *memory) {
        (void)context;
        if (!memory)
                return;
        union head *head = (union head *)memory - 1;
        explicit_bzero(memory, head->size);
        free(head);
}

const struct mv_allocator mv_allocator_wiping = { wiping_allocate, wiping_release, NULL };
