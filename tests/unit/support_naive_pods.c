/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support_naive.h"

/* --- other pods --- */

/* Both have that label, and the same. */
static bool same_domain(const struct mv_node *a, const struct mv_node *b, struct mv_str key) {
        const struct mv_str *left = a ? naive_label(&a->meta.labels, key) : NULL;
        const struct mv_str *right = b ? naive_label(&b->meta.labels, key) : NULL;
        return left && right && mv_str_equal(*left, *right);
}

void naive_source_cause(struct naive *n, const struct mv_node *node) {
        const struct mv_str host = MV_STR("kubernetes.io/hostname");
        bool there = n->source && (node == n->source || same_domain(node, n->source, host));
        for (size_t i = 0; i < n->cluster->n_present; i++) {
                const struct present *p = &n->cluster->present[i];
                if (n->vmi->meta.uid.n && mv_str_equal(p->namespace, n->vmi->meta.namespace) &&
                    naive_has_label(&p->labels, MV_STR("kubevirt.io/created-by"), n->vmi->meta.uid))
                        there |= node == p->node || same_domain(node, p->node, host);
        }
        if (there)
                naive_cause(n, "source-node", MV_STR(""));
}

/* The API server adds to the selector, when it stores a pod: the key has (not) the value that the pod has. */
static bool keys_pass(const struct mv_strings *keys, const struct mv_map *own, const struct mv_map *labels,
                      bool same) {
        for (size_t i = 0; i < keys->n; i++) {
                const struct mv_str *value = naive_label(own, keys->items[i]);
                if (value && naive_has_label(labels, keys->items[i], *value) != same)
                        return false;
        }
        return true;
}

static const struct mv_map *labels_of_namespace(const struct naive *n, struct mv_str name) {
        static const struct mv_map none = { 0 };
        for (size_t i = 0; i < mv_snapshot_count(n->cluster->snapshot, MV_KIND_NAMESPACE); i++) {
                const struct mv_namespace *namespace =
                        mv_snapshot_at(n->cluster->snapshot, MV_KIND_NAMESPACE, i);
                if (mv_str_equal(namespace->meta.name, name))
                        return &namespace->meta.labels;
        }
        return &none;
}

/* Whoever has the term, in that namespace and with those labels, looks at the other one. */
static bool looks_at(const struct naive *n, const struct mv_pod_affinity_term *term, struct mv_str namespace,
                     const struct mv_map *own, bool stored, struct mv_str other_namespace,
                     const struct mv_map *other) {
        bool here = term->namespaces.n || term->namespace_selector
                            ? naive_is_in(other_namespace, &term->namespaces) ||
                                      naive_selector_matches(term->namespace_selector,
                                                             labels_of_namespace(n, other_namespace))
                            : mv_str_equal(other_namespace, namespace);
        return here && naive_selector_matches(term->label_selector, other) &&
               (stored || (keys_pass(&term->match_label_keys, own, other, true) &&
                           keys_pass(&term->mismatch_label_keys, own, other, false)));
}

static bool i_look_at(const struct naive *n, const struct mv_pod_affinity_term *term,
                      struct mv_str other_namespace, const struct mv_map *other) {
        return looks_at(n, term, n->vmi->meta.namespace, &n->labels, false, other_namespace, other);
}

static bool repelled(const struct naive *n, const struct mv_node *node, const struct present *p) {
        const struct mv_affinity *mine = n->vmi->spec.affinity, *theirs = p->affinity;
        for (size_t i = 0; mine && mine->pod_anti && i < mine->pod_anti->required.n; i++) {
                const struct mv_pod_affinity_term *term = &mine->pod_anti->required.items[i];
                if (same_domain(node, p->node, term->topology_key) &&
                    i_look_at(n, term, p->namespace, &p->labels))
                        return true;
        }
        for (size_t i = 0; theirs && theirs->pod_anti && i < theirs->pod_anti->required.n; i++) {
                const struct mv_pod_affinity_term *term = &theirs->pod_anti->required.items[i];
                if (same_domain(node, p->node, term->topology_key) &&
                    looks_at(n, term, p->namespace, &p->labels, p->pod, n->vmi->meta.namespace, &n->labels))
                        return true;
        }
        return false;
}

static const struct mv_pod_affinity_term *affinity_terms(const struct naive *n, size_t *ret_n) {
        const struct mv_affinity *affinity = n->vmi->spec.affinity;
        *ret_n = affinity && affinity->pod ? affinity->pod->required.n : 0;
        return *ret_n ? affinity->pod->required.items : NULL;
}

bool naive_matches_all(const struct naive *n, struct mv_str namespace, const struct mv_map *labels) {
        size_t n_terms;
        const struct mv_pod_affinity_term *terms = affinity_terms(n, &n_terms);
        for (size_t i = 0; i < n_terms; i++)
                if (!i_look_at(n, &terms[i], namespace, labels))
                        return false;
        return true;
}

/* friends[i]: the i-th pod present is what all terms look for. */
static bool attracted(const struct naive *n, const struct mv_node *node, const bool *friends) {
        size_t n_terms;
        const struct mv_pod_affinity_term *terms = affinity_terms(n, &n_terms);
        bool all = true, none = true;
        for (size_t i = 0; i < n_terms; i++) {
                bool any = false;
                if (!naive_label(&node->meta.labels, terms[i].topology_key))
                        return false;
                for (size_t k = 0; k < n->cluster->n_present; k++) {
                        const struct mv_node *there = n->cluster->present[k].node;
                        if (!friends[k] || !there)
                                continue;
                        any |= same_domain(node, there, terms[i].topology_key);
                        none &= !naive_label(&there->meta.labels, terms[i].topology_key);
                }
                all &= any;
        }
        return all || (none && naive_matches_all(n, n->vmi->meta.namespace, &n->labels));
}

void naive_pod_causes(struct naive *n, const struct mv_node *node, const bool *friends) {
        bool averse = false;
        for (size_t i = 0; i < n->cluster->n_present; i++)
                averse |= n->cluster->present[i].node && repelled(n, node, &n->cluster->present[i]);
        if (averse)
                naive_cause(n, "pod-anti-affinity", MV_STR(""));
        if (!attracted(n, node, friends))
                naive_cause(n, "pod-affinity", MV_STR(""));
}

/* --- topology spread --- */

struct spread_counts { /* of one constraint: what each node counts for */
        bool *counts;
        size_t *pods;
};

static bool must_hold(const struct mv_topology_spread *spread) {
        return mv_str_is(spread->when_unsatisfiable, "DoNotSchedule");
}

static bool has_all_keys(const struct naive *n, const struct mv_node *node) {
        for (size_t i = 0; i < n->vmi->spec.topology_spread_constraints.n; i++) {
                const struct mv_topology_spread *spread = &n->vmi->spec.topology_spread_constraints.items[i];
                if (must_hold(spread) && !naive_label(&node->meta.labels, spread->topology_key))
                        return false;
        }
        return true;
}

static bool selects_everything(const struct naive *n, const struct mv_topology_spread *spread) {
        bool any_key = false;
        for (size_t i = 0; i < spread->match_label_keys.n; i++)
                any_key |= naive_label(&n->labels, spread->match_label_keys.items[i]) != NULL;
        return spread->label_selector && !spread->label_selector->match_labels.n &&
               !spread->label_selector->match_expressions.n && !any_key;
}

static bool spread_selects(const struct naive *n, const struct mv_topology_spread *spread,
                           const struct mv_map *labels) {
        return naive_selector_matches(spread->label_selector, labels) &&
               keys_pass(&spread->match_label_keys, &n->labels, labels, true);
}

static struct spread_counts count_spread(const struct naive *n, const struct mv_topology_spread *spread) {
        size_t n_nodes = n->cluster->n_nodes;
        struct spread_counts counts = { mv_arena_new_array(n->arena, bool, n_nodes),
                                        mv_arena_new_array(n->arena, size_t, n_nodes) };
        assert_true(counts.counts && counts.pods);
        for (size_t i = 0; i < n_nodes; i++) {
                const struct mv_node *node = naive_node_at(n->cluster, i);
                counts.counts[i] =
                        has_all_keys(n, node) &&
                        (mv_str_is(spread->node_affinity_policy, "Ignore") ||
                         naive_node_affinity_passes(n, node)) &&
                        (!mv_str_is(spread->node_taints_policy, "Honor") || naive_taints_pass(n, node));
                for (size_t k = 0; counts.counts[i] && k < n->cluster->n_present; k++) {
                        const struct present *p = &n->cluster->present[k];
                        counts.pods[i] += p->node == node && !p->leaving &&
                                          mv_str_equal(p->namespace, n->vmi->meta.namespace) &&
                                          !selects_everything(n, spread) &&
                                          spread_selects(n, spread, &p->labels);
                }
        }
        return counts;
}

static size_t pods_in_domain(const struct naive *n, const struct spread_counts *counts,
                             const struct mv_node *node, struct mv_str key) {
        size_t pods = 0;
        for (size_t i = 0; i < n->cluster->n_nodes; i++)
                if (counts->counts[i] && same_domain(naive_node_at(n->cluster, i), node, key))
                        pods += counts->pods[i];
        return pods;
}

/* The fewest pods that a domain has; none when there are too few domains. */
static size_t least_pods(const struct naive *n, const struct mv_topology_spread *spread,
                         const struct spread_counts *counts) {
        size_t least = SIZE_MAX;
        int64_t domains = 0;
        for (size_t i = 0; i < n->cluster->n_nodes; i++) {
                const struct mv_node *node = naive_node_at(n->cluster, i);
                bool first = counts->counts[i];
                for (size_t k = 0; k < i; k++)
                        first &= !(counts->counts[k] &&
                                   same_domain(node, naive_node_at(n->cluster, k), spread->topology_key));
                if (!first)
                        continue;
                domains++;
                size_t pods = pods_in_domain(n, counts, node, spread->topology_key);
                least = pods < least ? pods : least;
        }
        int64_t minimum = spread->min_domains.set ? spread->min_domains.value : 1;
        return domains < minimum || !domains ? 0 : least;
}

/* crowded[i]: the i-th node may take no more. */
void naive_find_crowded(const struct naive *n, bool *crowded) {
        for (size_t i = 0; i < n->vmi->spec.topology_spread_constraints.n; i++) {
                const struct mv_topology_spread *spread = &n->vmi->spec.topology_spread_constraints.items[i];
                if (!must_hold(spread))
                        continue;
                const struct spread_counts counts = count_spread(n, spread);
                size_t least = least_pods(n, spread, &counts);
                size_t itself = spread_selects(n, spread, &n->labels);
                for (size_t k = 0; k < n->cluster->n_nodes; k++) {
                        const struct mv_node *node = naive_node_at(n->cluster, k);
                        size_t pods = pods_in_domain(n, &counts, node, spread->topology_key);
                        crowded[k] |= !naive_label(&node->meta.labels, spread->topology_key) ||
                                      (int64_t)(pods + itself) - (int64_t)least > spread->max_skew.value;
                }
        }
}
