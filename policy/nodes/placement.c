/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/placement.h"

#include "policy/object/node.h"
#include "policy/object/vmi.h"
#include "policy/launcher/podrequests.h"
#include "policy/snapshot/snapshot.h"

/* The frequency that the node shows counts, if it is the lowest so far. */
static void count_tsc_frequency(const struct mv_node *node, int64_t *lowest) {
        const struct mv_str *label =
                mv_map_get(&node->meta.labels, MV_STR("cpu-timer.node.kubevirt.io/tsc-frequency"));
        unsigned long long frequency;
        if (label && mv_str_to_unsigned(*label, INT64_MAX, &frequency) && frequency &&
            (!*lowest || (int64_t)frequency < *lowest))
                *lowest = (int64_t)frequency;
}

/* A node counts when it is schedulable or runs some instance. */
static int64_t find_lowest_tsc_frequency(const struct mv_snapshot *snapshot) {
        int64_t lowest = 0;
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_NODE); i++) {
                const struct mv_node *node = mv_snapshot_at(snapshot, MV_KIND_NODE, i);
                if (mv_map_has(&node->meta.labels, MV_STR("kubevirt.io/schedulable"), MV_STR("true")))
                        count_tsc_frequency(node, &lowest);
        }
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_VMI); i++) {
                const struct mv_vmi *vmi = mv_snapshot_at(snapshot, MV_KIND_VMI, i);
                const struct mv_node *node =
                        vmi->status.node_name.n
                                ? mv_snapshot_find(snapshot, MV_KIND_NODE, (struct mv_str){ 0 },
                                                   vmi->status.node_name)
                                : NULL;
                if (node)
                        count_tsc_frequency(node, &lowest);
        }
        return lowest;
}

/* From this kernel on vm.unprivileged_userfaultfd is 0 by default. */
enum { KERNEL_MAJOR = 5, KERNEL_MINOR = 11 };

/* "5.14.0-427.el9.x86_64" is 5.11 or newer. */
static bool is_newer_kernel(struct mv_str version) {
        size_t dot = mv_str_find_byte(version, '.');
        unsigned long long major, minor;
        if (dot == version.n || !mv_str_to_unsigned((struct mv_str){ version.p, dot }, 1000, &major))
                return false;
        struct mv_str rest = mv_str_skip(version, dot + 1);
        size_t digits = 0;
        while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '9')
                digits++;
        if (!mv_str_to_unsigned((struct mv_str){ rest.p, digits }, 1000, &minor))
                return false;
        return major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR);
}

static struct mv_kernels find_kernels(const struct mv_snapshot *snapshot) {
        struct mv_kernels kernels = { 0 };
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_NODE); i++) {
                const struct mv_node *node = mv_snapshot_at(snapshot, MV_KIND_NODE, i);
                if (!is_newer_kernel(node->status.info.kernel_version))
                        continue;
                if (!kernels.first)
                        kernels.first = node;
                kernels.newer++;
        }
        return kernels;
}

static struct mv_node_index *index_nodes(struct mv_arena *arena, const struct mv_snapshot *snapshot) {
        size_t n = mv_snapshot_count(snapshot, MV_KIND_NODE);
        struct mv_node_index *index = mv_node_index_new(arena, n);
        for (size_t i = 0; index && i < n; i++)
                if (!mv_node_index_replace(index, i, mv_snapshot_at(snapshot, MV_KIND_NODE, i)))
                        return NULL;
        return index && mv_node_index_settle(index) ? index : NULL;
}

/* What the pods leave free. */
static struct mv_node_usage *count_usage(struct mv_arena *arena, const struct mv_node_index *nodes,
                                         const struct mv_pod_index *pods) {
        struct mv_node_usage *usage = mv_node_usage_new(arena, nodes);
        struct mv_arena scratch;
        mv_arena_init(&scratch, arena->allocator, 0);
        for (size_t i = 0; usage && i < mv_pod_index_count(pods); i++) {
                const struct mv_placed *placed = mv_pod_index_at(pods, i);
                if (!placed->pod || placed->node == SIZE_MAX)
                        continue;
                const struct mv_amounts requests = mv_pod_requests(&scratch, placed->pod);
                mv_node_usage_add(usage, placed->node, &requests);
                if (mv_arena_failed(&scratch))
                        break;
                mv_arena_clear(&scratch);
        }
        bool ok = usage && !mv_arena_failed(&scratch) && mv_node_usage_settle(arena, usage);
        mv_arena_done(&scratch);
        return ok ? usage : NULL;
}

bool mv_placement_make(struct mv_arena *arena, const struct mv_snapshot *snapshot, struct mv_placement *ret) {
        const struct mv_node_index *nodes = index_nodes(arena, snapshot);
        const struct mv_pod_index *pods = nodes ? mv_pod_index_build(arena, snapshot, nodes) : NULL;
        const struct mv_node_usage *usage = pods ? count_usage(arena, nodes, pods) : NULL;
        if (!usage || mv_arena_failed(arena))
                return false;
        *ret = (struct mv_placement){ .nodes = nodes,
                                      .usage = usage,
                                      .pods = pods,
                                      .kernels = find_kernels(snapshot),
                                      .lowest_tsc_frequency = find_lowest_tsc_frequency(snapshot) };
        return true;
}
