/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/nodeusage.h"

struct mv_node_usage {
        const struct mv_node_index *index;
        struct mv_levels *free; /* one a resource of the index */
        size_t n, pods;         /* pods: the number of that resource, SIZE_MAX */
};

static struct mv_node_usage *allocate(struct mv_arena *arena, const struct mv_node_index *index) {
        struct mv_node_usage *usage = mv_arena_new(arena, struct mv_node_usage);
        size_t n = mv_node_index_resources(index);
        struct mv_levels *free = mv_arena_new_array(arena, struct mv_levels, n);
        if (!usage || !free)
                return NULL;
        *usage = (struct mv_node_usage){ index, free, n, mv_node_index_resource(index, MV_STR("pods")) };
        return usage;
}

struct mv_node_usage *mv_node_usage_new(struct mv_arena *arena, const struct mv_node_index *index) {
        struct mv_node_usage *usage = allocate(arena, index);
        for (size_t i = 0; usage && i < usage->n; i++)
                if (!mv_levels_copy(mv_node_index_allocatable(index, i), arena, &usage->free[i]))
                        return NULL;
        return usage;
}

struct mv_node_usage *mv_node_usage_copy(struct mv_arena *arena, const struct mv_node_usage *usage) {
        struct mv_node_usage *copy = allocate(arena, usage->index);
        for (size_t i = 0; copy && i < copy->n; i++)
                if (!mv_levels_copy(&usage->free[i], arena, &copy->free[i]))
                        return NULL;
        return copy;
}

/* Free amounts stay within int64: what is requested beyond that is as little room as can be said. */
static void change(struct mv_node_usage *usage, size_t node, size_t resource, int64_t amount, bool comes) {
        if (resource == SIZE_MAX || !amount)
                return;
        struct mv_levels *levels = &usage->free[resource];
        int64_t value;
        if (comes ? __builtin_sub_overflow(levels->values[node], amount, &value)
                  : __builtin_add_overflow(levels->values[node], amount, &value))
                value = comes ? INT64_MIN : INT64_MAX;
        mv_levels_set(levels, node, value);
}

static void change_all(struct mv_node_usage *usage, size_t node, const struct mv_amounts *requests,
                       bool comes) {
        for (size_t i = 0; i < requests->n; i++)
                change(usage, node, mv_node_index_resource(usage->index, requests->items[i].name),
                       requests->items[i].amount, comes);
        change(usage, node, usage->pods, 1, comes);
}

void mv_node_usage_add(struct mv_node_usage *usage, size_t node, const struct mv_amounts *requests) {
        change_all(usage, node, requests, true);
}

void mv_node_usage_remove(struct mv_node_usage *usage, size_t node, const struct mv_amounts *requests) {
        change_all(usage, node, requests, false);
}

bool mv_node_usage_settle(struct mv_arena *arena, struct mv_node_usage *usage) {
        for (size_t i = 0; i < usage->n; i++)
                if (!mv_levels_choose(&usage->free[i], arena))
                        return false;
        return true;
}

const struct mv_levels *mv_node_usage_free(const struct mv_node_usage *usage, size_t resource) {
        return &usage->free[resource];
}
