/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index of things by name, for lists that somebody else may have made as long as he likes: looking one up takes
 * the same time however many there are. Of several with one name the first is found, as a search from the front would.
 */
#pragma once

#include "policy/base/arena.h"

#include <stdint.h>

struct mv_names_index {
        const char *names; /* the name of the first item; that of the next one is stride bytes behind it */
        size_t n, stride;
        uint32_t *slots; /* item number + 1; open addressing, n_slots a power of two; NULL: there are few */
        size_t n_slots;
};

/* Index n items whose names, each a struct mv_str, stand stride bytes apart from the one at names on. names may be NULL
 * when n is 0. False when arena is exhausted. The items must stay where they are. */
bool mv_names_index_build(struct mv_arena *arena, struct mv_names_index *index, const void *names, size_t n,
                          size_t stride);
/* Index the list `list` (a MV_LIST) by its items' member. */
#define mv_names_index_list(arena, index, list, member)                                             \
        mv_names_index_build((arena), (index), (list).n ? &(list).items[0].member : NULL, (list).n, \
                             sizeof *(list).items)

/* The number of the first item with that name, or SIZE_MAX. */
size_t mv_names_index_find(const struct mv_names_index *index, struct mv_str name);
