/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is where: the nodes inverted, what is free on each, and the pods that are on them. Worked out from the Nodes, Pods
 * and VirtualMachineInstances of a snapshot; whole snapshots of a live cluster share one while these do not change.
 */
#pragma once

#include "policy/nodes/nodeindex.h"
#include "policy/nodes/nodeusage.h"
#include "policy/nodes/podindex.h"
#include "policy/snapshot/snapshot.h"

struct mv_placement {
        const struct mv_node_index *nodes;
        const struct mv_node_usage *usage;
        const struct mv_pod_index *pods;
        struct mv_kernels kernels;
        int64_t lowest_tsc_frequency; /* as mv_snapshot_lowest_tsc_frequency says */
};

/* From what snapshot lists and finds; everything lives in arena, and points to the objects of the snapshot. False when
 * memory is out. */
bool mv_placement_make(struct mv_arena *arena, const struct mv_snapshot *snapshot, struct mv_placement *ret);
