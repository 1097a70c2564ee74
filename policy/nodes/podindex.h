/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of a snapshot that are on a node and have not ended, by their labels, and their required anti-affinity by
 * whom it concerns: so that to ask which of them a pod has to keep away from takes as long as there are such pods, not
 * as there are pods.
 *
 * An instance that runs and has no launcher pod among them counts as one, with the labels and the affinity that its pod
 * would have; it takes up no resources.
 */
#pragma once

#include "policy/nodes/nodeusage.h"
#include "policy/object/pod.h"
#include "policy/object/vmi.h"

struct mv_snapshot;

/* A pod, or an instance that stands for one. */
struct mv_placed {
        struct mv_str namespace;
        const struct mv_map *labels;
        const struct mv_affinity *affinity; /* NULL */
        size_t node;              /* its number in the node index, SIZE_MAX: that Node is not known */
        const struct mv_pod *pod; /* NULL: an instance */
        bool leaving;             /* it is being deleted */
};

/* Required anti-affinity that pods of one namespace have in common. */
struct mv_aversion {
        const struct mv_pod_affinity_term *term;
        struct mv_str namespace;
        uint32_t *placed; /* their numbers */
        size_t n_placed, capacity;
        struct mv_aversion *next;
};

struct mv_pod_index;

/* How the cluster differs from the snapshot: pods that are gone from it, and those that have come. */
struct mv_pod_moves {
        bool *gone; /* of each number */
        const struct mv_placed **come;
        size_t n_come;
        const struct mv_placed **averse; /* those of them that have required anti-affinity */
        size_t n_averse;
};

/* Everything lives in arena; NULL when it is exhausted. The snapshot has its entries and the node index. */
struct mv_pod_index *mv_pod_index_build(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                        const struct mv_node_index *nodes);

const struct mv_placed *mv_pod_index_at(const struct mv_pod_index *index, size_t i);
size_t mv_pod_index_count(const struct mv_pod_index *index);
/* The numbers of those with that label, ascending. */
const uint32_t *mv_pod_index_label(const struct mv_pod_index *index, struct mv_str key, struct mv_str value,
                                   size_t *ret_n);
/* The aversions that select by that label first; those that select by no label in particular. */
const struct mv_aversion *mv_pod_index_aversions(const struct mv_pod_index *index, struct mv_str key,
                                                 struct mv_str value);
const struct mv_aversion *mv_pod_index_other_aversions(const struct mv_pod_index *index);

/* The labels of an instance's launcher pod (pkg/virt-controller/services/template.go: podLabels). */
struct mv_map mv_launcher_labels(struct mv_arena *arena, const struct mv_vmi *vmi);
/* The affinity that its pod has once the API server has stored it; NULL when there is none, or memory is out. */
const struct mv_affinity *mv_launcher_affinity(struct mv_arena *arena, const struct mv_vmi *vmi,
                                               const struct mv_map *labels);
/* The number of that pod, or of the instance that stands for its pod; SIZE_MAX when it is not placed. */
size_t mv_pod_index_find(const struct mv_pod_index *index, const struct mv_pod *pod);
size_t mv_pod_index_find_instance(const struct mv_pod_index *index, const struct mv_vmi *vmi);
/* The instance's launcher pod on that node, "" for any node; NULL when there is none. */
const struct mv_pod *mv_pod_index_launcher(const struct mv_pod_index *index, const struct mv_vmi *vmi,
                                           struct mv_str node);
