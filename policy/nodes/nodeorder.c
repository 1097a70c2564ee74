/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/nodeorder.h"

#include <stdlib.h>

struct named {
        struct mv_str name;
        uint32_t node;
};

static int by_name(const void *a, const void *b) {
        const struct named *x = a, *y = b;
        int order = mv_str_compare(x->name, y->name);
        return order ? order : (x->node > y->node) - (x->node < y->node);
}

bool mv_node_order_make(struct mv_node_order *order, const struct mv_node_index *index,
                        struct mv_arena *arena) {
        const size_t places = mv_node_index_count(index);
        struct mv_arena scratch;
        size_t n = 0, empty = places;
        if (!order->nodes)
                order->nodes = mv_arena_new_array(arena, uint32_t, places + 1);
        if (!order->ranks)
                order->ranks = mv_arena_new_array(arena, uint32_t, places + 1);
        if (!order->nodes || !order->ranks)
                return false;
        mv_arena_init(&scratch, arena->allocator, 0);
        struct named *named = mv_arena_new_array(&scratch, struct named, places + 1);
        for (uint32_t i = 0; named && i < places; i++) {
                const struct mv_node *node = mv_node_index_at(index, i);
                if (node)
                        named[n++] = (struct named){ node->meta.name, i };
                else
                        order->nodes[--empty] = i;
        }
        if (named)
                qsort(named, n, sizeof *named, by_name);
        for (size_t i = 0; named && i < n; i++)
                order->nodes[i] = named[i].node;
        for (uint32_t i = 0; named && i < places; i++)
                order->ranks[order->nodes[i]] = i;
        mv_arena_done(&scratch);
        return named != NULL;
}
