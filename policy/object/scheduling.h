/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Kubernetes' scheduler reads of a pod, and KubeVirt copies from an instance: node and pod affinity, tolerations,
 * topology spread; and the selectors that these are made of (k8s.io/api/core/v1, k8s.io/component-helpers/scheduling).
 */
#pragma once

#include "policy/object/meta.h"

struct mv_requirement {              /* of a label selector or of a node selector */
        struct mv_str key, operator; /* In, NotIn, Exists, DoesNotExist; of nodes also Gt, Lt */
        struct mv_strings values;
};

struct mv_label_selector {
        struct mv_map match_labels;
        MV_LIST(struct mv_requirement) match_expressions;
};

struct mv_node_selector_term {
        MV_LIST(struct mv_requirement) match_expressions;
        MV_LIST(struct mv_requirement) match_fields; /* of metadata.name */
};
struct mv_node_selector {
        MV_LIST(struct mv_node_selector_term) terms;
};

struct mv_pod_affinity_term {
        struct mv_label_selector *label_selector;     /* NULL matches no pod */
        struct mv_label_selector *namespace_selector; /* NULL: see mv_pod_affinity_has_namespace */
        struct mv_strings namespaces, match_label_keys, mismatch_label_keys;
        struct mv_str topology_key;
};
struct mv_pod_affinity {
        MV_LIST(struct mv_pod_affinity_term) required;
};

struct mv_affinity {
        struct mv_node_affinity {
                struct mv_node_selector *required;
        } * node;
        struct mv_pod_affinity *pod, *pod_anti;
};

struct mv_toleration {
        struct mv_str key, operator, value, effect;
};
struct mv_tolerations {
        struct mv_toleration *items;
        size_t n;
};

struct mv_topology_spread {
        struct mv_optional_int max_skew, min_domains;
        struct mv_str topology_key, when_unsatisfiable, node_affinity_policy, node_taints_policy;
        struct mv_label_selector *label_selector;
        struct mv_strings match_label_keys;
};

struct mv_taint {
        struct mv_str key, value, effect;
};

extern const struct mv_table mv_table_affinity, mv_table_label_selector, mv_table_node_selector,
        mv_table_taint, mv_table_toleration, mv_table_topology_spread;

/* One requirement holds for these labels. An operator that Kubernetes does not have never holds. */
bool mv_requirement_holds(const struct mv_requirement *requirement, const struct mv_map *labels);
/* All of it holds; an empty selector selects everything, NULL nothing
 * (k8s.io/apimachinery/pkg/apis/meta/v1: LabelSelectorAsSelector). */
bool mv_label_selector_matches(const struct mv_label_selector *selector, const struct mv_map *labels);
/* One of the terms holds; an empty term holds for no node
 * (k8s.io/component-helpers/scheduling/corev1/nodeaffinity: LazyErrorNodeSelector.Match). */
bool mv_node_selector_term_matches(const struct mv_node_selector_term *term, struct mv_str name,
                                   const struct mv_map *labels);
bool mv_node_selector_matches(const struct mv_node_selector *selector, struct mv_str name,
                              const struct mv_map *labels);
/* One of the tolerations tolerates the taint (k8s.io/api/core/v1: Toleration.ToleratesTaint). */
bool mv_tolerations_tolerate(const struct mv_tolerations *tolerations, const struct mv_taint *taint);
/* A pod in that namespace, which has those labels (NULL: not known), is one that the term looks at; own is the namespace
 * of the pod that has the term. */
bool mv_pod_affinity_has_namespace(const struct mv_pod_affinity_term *term, struct mv_str own,
                                   struct mv_str namespace, const struct mv_map *labels);
