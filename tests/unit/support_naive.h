/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the naive evaluation (support_naive_fit.h) share. */
#pragma once

#include "tests/unit/support_naive_fit.h"

#include "policy/object/node.h"

/* A pod on a node; or an instance that runs, of whose pod nothing is known. */
struct present {
        struct mv_str namespace;
        struct mv_map labels;
        const struct mv_affinity *affinity;
        const struct mv_node *node; /* NULL: not in the snapshot */
        const struct mv_pod *pod;   /* NULL: an instance */
        struct mv_amounts requests;
        bool leaving;
};

struct naive_cluster {
        const struct mv_snapshot *snapshot;
        size_t n_nodes;
        struct present *present;
        size_t n_present;
};

struct wanted {
        struct mv_str key, value;
};

struct naive {
        struct mv_arena *arena;
        const struct naive_cluster *cluster;
        const struct mv_fit_question *q;
        const struct mv_vmi *vmi;
        unsigned version;
        struct mv_map labels; /* of the pod */
        const struct mv_node *source;
        struct wanted *wanted; /* the pod's node selector */
        size_t n_wanted, n_added;
        /* Of the node in question. */
        struct mv_str causes[256];
        size_t n_causes;
};

/* Of maps that need not be sorted; the last of a key counts. */
const struct mv_str *naive_label(const struct mv_map *labels, struct mv_str key);
bool naive_has_label(const struct mv_map *labels, struct mv_str key, struct mv_str value);
bool naive_is_in(struct mv_str value, const struct mv_strings *values);
/* A requirement holds for the value of its label, NULL when there is none. */
bool naive_value_passes(const struct mv_requirement *r, const struct mv_str *value);
bool naive_selector_matches(const struct mv_label_selector *selector, const struct mv_map *labels);

const struct mv_node *naive_node_at(const struct naive_cluster *cluster, size_t i);
bool naive_is_launcher(const struct mv_pod *pod, const struct mv_vmi *vmi);

/* The node in question has that cause. */
void naive_cause(struct naive *n, const char *what, struct mv_str name);
/* All that a pod's nodeSelector and required node affinity say; and no taint keeps the pod away. */
bool naive_node_affinity_passes(const struct naive *n, const struct mv_node *node);
bool naive_taints_pass(const struct naive *n, const struct mv_node *node);

/* Find the pod's node selector; and the cause when a node has not what is wanted. */
void naive_select(struct naive *n);
void naive_selector_cause(struct naive *n, const struct wanted *wanted);

/* A pod in that namespace and with those labels is what all terms of the affinity look for. */
bool naive_matches_all(const struct naive *n, struct mv_str namespace, const struct mv_map *labels);
/* friends[i]: the i-th pod present is what all terms look for. */
void naive_pod_causes(struct naive *n, const struct mv_node *node, const bool *friends);
void naive_source_cause(struct naive *n, const struct mv_node *node);
/* crowded[i]: the i-th node may take no more. */
void naive_find_crowded(const struct naive *n, bool *crowded);
