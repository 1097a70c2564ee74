/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support_naive.h"

#include "policy/object/storage.h"
#include "policy/launcher/podrequests.h"

#include <stdlib.h>

/* --- labels; a map need not be sorted here, and the last of a key counts --- */

const struct mv_str *naive_label(const struct mv_map *labels, struct mv_str key) {
        for (size_t i = labels->n; i-- > 0;)
                if (mv_str_equal(labels->items[i].key, key))
                        return &labels->items[i].value;
        return NULL;
}

bool naive_has_label(const struct mv_map *labels, struct mv_str key, struct mv_str value) {
        const struct mv_str *have = naive_label(labels, key);
        return have && mv_str_equal(*have, value);
}

bool naive_is_in(struct mv_str value, const struct mv_strings *values) {
        for (size_t i = 0; i < values->n; i++)
                if (mv_str_equal(values->items[i], value))
                        return true;
        return false;
}

static bool integer(struct mv_str text, long long *ret) {
        char copy[32], *end;
        if (!text.n || text.n >= sizeof copy || (text.p[0] != '-' && text.p[0] != '+' && text.p[0] < '0'))
                return false;
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
        *ret = strtoll(copy, &end, 10);
        return end == copy + text.n && end[-1] >= '0';
}

bool naive_value_passes(const struct mv_requirement *r, const struct mv_str *value) {
        long long have, want;
        if (mv_str_is(r->operator, "In"))
                return value && naive_is_in(*value, &r->values);
        if (mv_str_is(r->operator, "NotIn"))
                return !(value && naive_is_in(*value, &r->values));
        if (mv_str_is(r->operator, "Exists"))
                return value;
        if (mv_str_is(r->operator, "DoesNotExist"))
                return !value;
        if (!value || r->values.n != 1 || !integer(*value, &have) || !integer(r->values.items[0], &want))
                return false;
        return mv_str_is(r->operator, "Gt") ? have > want : mv_str_is(r->operator, "Lt") && have < want;
}

bool naive_selector_matches(const struct mv_label_selector *selector, const struct mv_map *labels) {
        if (!selector)
                return false;
        for (size_t i = 0; i < selector->match_labels.n; i++)
                if (!naive_has_label(labels, selector->match_labels.items[i].key,
                                     selector->match_labels.items[i].value))
                        return false;
        for (size_t i = 0; i < selector->match_expressions.n; i++)
                if (!naive_value_passes(&selector->match_expressions.items[i],
                                        naive_label(labels, selector->match_expressions.items[i].key)))
                        return false;
        return true;
}

/* --- the cluster --- */

const struct mv_node *naive_node_at(const struct naive_cluster *cluster, size_t i) {
        return mv_snapshot_at(cluster->snapshot, MV_KIND_NODE, i);
}

static const struct mv_node *node_named(const struct naive_cluster *cluster, struct mv_str name) {
        for (size_t i = 0; i < cluster->n_nodes; i++)
                if (name.n && mv_str_equal(naive_node_at(cluster, i)->meta.name, name))
                        return naive_node_at(cluster, i);
        return NULL;
}

static struct mv_map pod_labels(struct mv_arena *arena, const struct mv_vmi *vmi) {
        size_t n = vmi->meta.labels.n;
        struct mv_map labels = { .items = mv_arena_new_array(arena, struct mv_pair, n + 3) };
        assert_non_null(labels.items);
        for (size_t i = 0; i < n; i++)
                labels.items[i] = vmi->meta.labels.items[i];
        labels.items[n++] = (struct mv_pair){ MV_STR("kubevirt.io"), MV_STR("virt-launcher") };
        labels.items[n++] = (struct mv_pair){ MV_STR("kubevirt.io/created-by"), vmi->meta.uid };
        labels.items[n++] = (struct mv_pair){ MV_STR("vm.kubevirt.io/name"), vmi->meta.name };
        labels.n = n;
        return labels;
}

static bool ended(struct mv_str phase) {
        return mv_str_is(phase, "Succeeded") || mv_str_is(phase, "Failed");
}

bool naive_is_launcher(const struct mv_pod *pod, const struct mv_vmi *vmi) {
        return vmi->meta.uid.n && mv_str_equal(pod->meta.namespace, vmi->meta.namespace) &&
               naive_has_label(&pod->meta.labels, MV_STR("kubevirt.io/created-by"), vmi->meta.uid);
}

struct naive_cluster *naive_cluster_new(struct mv_arena *arena, const struct mv_snapshot *snapshot) {
        struct naive_cluster *cluster = mv_arena_new(arena, struct naive_cluster);
        size_t pods = mv_snapshot_count(snapshot, MV_KIND_POD),
               instances = mv_snapshot_count(snapshot, MV_KIND_VMI);
        assert_non_null(cluster);
        cluster->snapshot = snapshot;
        cluster->n_nodes = mv_snapshot_count(snapshot, MV_KIND_NODE);
        cluster->present = mv_arena_new_array(arena, struct present, pods + instances);
        assert_non_null(cluster->present);
        for (size_t i = 0; i < pods; i++) {
                const struct mv_pod *pod = mv_snapshot_at(snapshot, MV_KIND_POD, i);
                if (pod->spec.node_name.n && !ended(pod->status.phase))
                        cluster->present[cluster->n_present++] = (struct present){
                                .namespace = pod->meta.namespace,
                                .labels = pod->meta.labels,
                                .affinity = pod->spec.affinity,
                                .node = node_named(cluster, pod->spec.node_name),
                                .pod = pod,
                                .requests = mv_pod_requests(arena, pod),
                                .leaving = pod->meta.deletion_timestamp.n,
                        };
        }
        for (size_t i = 0, known = cluster->n_present; i < instances; i++) {
                const struct mv_vmi *vmi = mv_snapshot_at(snapshot, MV_KIND_VMI, i);
                bool seen = !vmi->status.node_name.n || ended(vmi->status.phase);
                for (size_t k = 0; k < known; k++)
                        seen |= naive_is_launcher(cluster->present[k].pod, vmi);
                if (!seen)
                        cluster->present[cluster->n_present++] = (struct present){
                                .namespace = vmi->meta.namespace,
                                .labels = pod_labels(arena, vmi),
                                .affinity = vmi->spec.affinity,
                                .node = node_named(cluster, vmi->status.node_name),
                                .leaving = vmi->meta.deletion_timestamp.n,
                        };
        }
        return cluster;
}

/* --- causes of one node --- */

void naive_cause(struct naive *n, const char *what, struct mv_str name) {
        assert_true(n->n_causes < sizeof n->causes / sizeof *n->causes);
        n->causes[n->n_causes++] = mv_arena_format(n->arena, "%s%.*s", what, MV_STR_ARG(name));
}

static bool is_selected(const struct naive *n, const struct mv_node *node) {
        for (size_t i = 0; i < n->n_wanted; i++)
                if (!naive_has_label(&node->meta.labels, n->wanted[i].key, n->wanted[i].value))
                        return false;
        return true;
}

static bool host_model_or_none(const struct naive *n) {
        const struct mv_cpu *cpu = n->vmi->spec.domain.cpu;
        return !cpu || !cpu->model.n || mv_str_is(cpu->model, "host-model");
}

static bool is_obsolete(const struct naive *n, const struct mv_node *node) {
        return host_model_or_none(n) &&
               naive_label(&node->meta.labels, MV_STR("node-labeller.kubevirt.io/obsolete-host-model"));
}

/* The i-th CPU feature is forbidden; and the node has it. */
static bool forbids(const struct naive *n, size_t i, const struct mv_node *node) {
        const struct mv_cpu_feature *feature = &n->vmi->spec.domain.cpu->features.items[i];
        return mv_str_is(feature->policy, "forbid") &&
               (!node ||
                naive_label(&node->meta.labels, mv_arena_format(n->arena, "cpu-feature.node.kubevirt.io/%.*s",
                                                                MV_STR_ARG(feature->name))));
}

static size_t n_features(const struct naive *n) {
        return n->vmi->spec.domain.cpu ? n->vmi->spec.domain.cpu->features.n : 0;
}

static bool term_passes(const struct mv_node_selector_term *term, const struct mv_node *node) {
        for (size_t i = 0; i < term->match_expressions.n; i++)
                if (!naive_value_passes(
                            &term->match_expressions.items[i],
                            naive_label(&node->meta.labels, term->match_expressions.items[i].key)))
                        return false;
        for (size_t i = 0; i < term->match_fields.n; i++)
                if (!naive_value_passes(&term->match_fields.items[i], &node->meta.name))
                        return false;
        return true;
}

static bool node_selector_passes(const struct mv_node_selector *selector, const struct mv_node *node,
                                 bool extended) {
        for (size_t i = 0; i < selector->terms.n; i++) {
                const struct mv_node_selector_term *term = &selector->terms.items[i];
                if ((extended || term->match_expressions.n || term->match_fields.n) &&
                    term_passes(term, node))
                        return true;
        }
        return false;
}

/* The instance's own required affinity; KubeVirt's additions are causes of their own. */
static bool affinity_passes(const struct naive *n, const struct mv_node *node) {
        const struct mv_affinity *affinity = n->vmi->spec.affinity;
        bool extended = host_model_or_none(n);
        for (size_t i = 0; i < n_features(n); i++)
                extended |= forbids(n, i, NULL);
        return !affinity || !affinity->node || !affinity->node->required ||
               node_selector_passes(affinity->node->required, node, extended);
}

/* All that a pod's nodeSelector and required node affinity say. */
bool naive_node_affinity_passes(const struct naive *n, const struct mv_node *node) {
        for (size_t i = 0; i < n_features(n); i++)
                if (forbids(n, i, node))
                        return false;
        return is_selected(n, node) && !is_obsolete(n, node) && affinity_passes(n, node);
}

static void cpu_and_label_causes(struct naive *n, const struct mv_node *node) {
        for (size_t i = 0; i < n->n_wanted; i++)
                if (!naive_has_label(&node->meta.labels, n->wanted[i].key, n->wanted[i].value))
                        naive_selector_cause(n, &n->wanted[i]);
        if (is_obsolete(n, node))
                naive_cause(n, "obsolete-host-model", MV_STR(""));
        for (size_t i = 0; i < n_features(n); i++)
                if (forbids(n, i, node))
                        naive_cause(
                                n, "cpu-feature-forbidden:", n->vmi->spec.domain.cpu->features.items[i].name);
        if (!affinity_passes(n, node))
                naive_cause(n, "affinity", MV_STR(""));
}

static bool tolerated(const struct naive *n, const struct mv_taint *taint) {
        const struct mv_tolerations *tolerations = &n->vmi->spec.tolerations;
        for (size_t i = 0; i < tolerations->n; i++) {
                const struct mv_toleration *t = &tolerations->items[i];
                bool effect = !t->effect.n || mv_str_equal(t->effect, taint->effect);
                bool key = !t->key.n || mv_str_equal(t->key, taint->key);
                bool value = mv_str_is(t->operator, "Exists") ||
                             ((!t->operator.n || mv_str_is(t->operator, "Equal")) &&
                              mv_str_equal(t->value, taint->value));
                if (effect && key && value)
                        return true;
        }
        return mv_str_is(taint->effect, "NoExecute") &&
               (mv_str_is(taint->key, "node.kubernetes.io/not-ready") ||
                mv_str_is(taint->key, "node.kubernetes.io/unreachable"));
}

static bool repels(const struct naive *n, const struct mv_taint *taint) {
        return !mv_str_is(taint->effect, "PreferNoSchedule") && !tolerated(n, taint);
}

bool naive_taints_pass(const struct naive *n, const struct mv_node *node) {
        for (size_t i = 0; i < node->spec.taints.n; i++)
                if (repels(n, &node->spec.taints.items[i]))
                        return false;
        return true;
}

static void taint_causes(struct naive *n, const struct mv_node *node) {
        const struct mv_str unschedulable = MV_STR("node.kubernetes.io/unschedulable");
        const struct mv_taint cordon = { .key = unschedulable, .effect = MV_STR("NoSchedule") };
        if (node->spec.unschedulable && !tolerated(n, &cordon))
                naive_cause(n, "unschedulable", MV_STR(""));
        for (size_t i = 0; i < node->spec.taints.n; i++) {
                const struct mv_taint *taint = &node->spec.taints.items[i];
                if (!repels(n, taint))
                        continue;
                if (mv_str_equal(taint->key, unschedulable))
                        naive_cause(n, "unschedulable", MV_STR(""));
                else
                        naive_cause(n, "taint:", taint->key);
        }
}

static bool class_allows(const struct mv_storage_class *class, const struct mv_node *node) {
        if (!class || !mv_str_is(class->volume_binding_mode, "WaitForFirstConsumer") ||
            !class->allowed_topologies.n)
                return true;
        for (size_t i = 0; i < class->allowed_topologies.n; i++) {
                const struct mv_topology_selector_term *term = &class->allowed_topologies.items[i];
                bool all = true;
                for (size_t k = 0; k < term->match_label_expressions.n; k++) {
                        const struct mv_str *value =
                                naive_label(&node->meta.labels, term->match_label_expressions.items[k].key);
                        all &= value && naive_is_in(*value, &term->match_label_expressions.items[k].values);
                }
                if (all)
                        return true;
        }
        return false;
}

static void volume_causes(struct naive *n, const struct mv_node *node) {
        const struct mv_snapshot *snapshot = n->cluster->snapshot;
        const struct mv_str none = { 0 };
        for (size_t i = 0; i < n->vmi->spec.volumes.n; i++) {
                const struct mv_volume *volume = &n->vmi->spec.volumes.items[i];
                struct mv_str name = none;
                if (volume->data_volume)
                        name = volume->data_volume->name;
                else if (volume->persistent_volume_claim)
                        name = volume->persistent_volume_claim->claim_name;
                else if (volume->memory_dump)
                        name = volume->memory_dump->claim_name;
                else if (volume->ephemeral && volume->ephemeral->persistent_volume_claim)
                        name = volume->ephemeral->persistent_volume_claim->claim_name;
                const struct mv_claim *claim =
                        mv_snapshot_find(snapshot, MV_KIND_CLAIM, n->vmi->meta.namespace, name);
                if (!claim)
                        continue;
                const struct mv_persistent_volume *bound =
                        mv_snapshot_find(snapshot, MV_KIND_PERSISTENT_VOLUME, none, claim->spec.volume_name);
                bool fits = true;
                if (!claim->spec.volume_name.n)
                        fits = class_allows(mv_snapshot_find(snapshot, MV_KIND_STORAGE_CLASS, none,
                                                             claim->spec.storage_class_name),
                                            node);
                else if (bound && bound->spec.node_affinity && bound->spec.node_affinity->required)
                        fits = node_selector_passes(bound->spec.node_affinity->required, node, false);
                if (!fits)
                        naive_cause(n, "volume:", name);
        }
}

/* Every node that runs instances has it, and no Node of the cluster names it: it has been left out. */
static bool is_left_out(const struct naive *n, struct mv_str name) {
        static const char *const everywhere[] = { "cpu",
                                                  "memory",
                                                  "ephemeral-storage",
                                                  "pods",
                                                  "devices.kubevirt.io/kvm",
                                                  "devices.kubevirt.io/tun",
                                                  "devices.kubevirt.io/vhost-net" };
        bool found = false;
        for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++)
                found |= mv_str_is(name, everywhere[i]);
        for (size_t i = 0; found && i < mv_snapshot_count(n->q->snapshot, MV_KIND_NODE); i++) {
                const struct mv_node *node = mv_snapshot_at(n->q->snapshot, MV_KIND_NODE, i);
                found = naive_label(&node->status.allocatable, name) == NULL;
        }
        return found;
}

static void resource_cause(struct naive *n, const struct mv_node *node, struct mv_str name, int64_t amount) {
        int64_t free = 0;
        const struct mv_str *allocatable = naive_label(&node->status.allocatable, name);
        if (allocatable)
                mv_amount_read(name, *allocatable, &free);
        for (size_t i = 0; i < n->cluster->n_present; i++) {
                const struct present *p = &n->cluster->present[i];
                if (p->node == node && p->pod)
                        free -= mv_str_is(name, "pods") ? 1 : mv_amounts_get(&p->requests, name);
        }
        if (amount > free && !is_left_out(n, name))
                naive_cause(n, "resource:", name);
}

static void resource_causes(struct naive *n, const struct mv_node *node) {
        const struct mv_launcher *launcher = n->q->launcher;
        if (!launcher || !node->status.allocatable.n)
                return;
        for (size_t i = 0; i < launcher->requests.n; i++)
                if (launcher->requests.items[i].amount > 0)
                        resource_cause(n, node, launcher->requests.items[i].name,
                                       launcher->requests.items[i].amount);
        resource_cause(n, node, MV_STR("pods"), 1);
}

/* --- the whole --- */

static int by_text(const void *a, const void *b) {
        return mv_str_compare(*(const struct mv_str *)a, *(const struct mv_str *)b);
}

static struct mv_str join_causes(struct naive *n) {
        struct mv_str text = { 0 };
        qsort(n->causes, n->n_causes, sizeof *n->causes, by_text);
        for (size_t i = 0; i < n->n_causes; i++)
                if (!i || !mv_str_equal(n->causes[i], n->causes[i - 1]))
                        text = mv_arena_format(n->arena, "%.*s%s%.*s", MV_STR_ARG(text), text.n ? ", " : "",
                                               MV_STR_ARG(n->causes[i]));
        return text;
}

struct mv_str *naive_fit(struct mv_arena *arena, const struct naive_cluster *cluster,
                         const struct mv_fit_question *question, unsigned version) {
        struct naive *n = mv_arena_new(arena, struct naive);
        struct mv_str *ret = mv_arena_new_array(arena, struct mv_str, cluster->n_nodes);
        bool *friends = mv_arena_new_array(arena, bool, cluster->n_present);
        bool *crowded = mv_arena_new_array(arena, bool, cluster->n_nodes);
        assert_true(n && ret && friends && crowded);
        *n = (struct naive){
                .arena = arena,
                .cluster = cluster,
                .q = question,
                .vmi = question->vmi,
                .version = version,
                .labels = pod_labels(arena, question->vmi),
                .source = node_named(cluster, question->vmi->status.node_name),
                .wanted = mv_arena_new_array(arena, struct wanted, 401),
        };
        assert_non_null(n->wanted);
        naive_select(n);
        for (size_t i = 0; i < cluster->n_present; i++)
                friends[i] = naive_matches_all(n, cluster->present[i].namespace, &cluster->present[i].labels);
        naive_find_crowded(n, crowded);
        for (size_t i = 0; i < cluster->n_nodes; i++) {
                const struct mv_node *node = naive_node_at(cluster, i);
                n->n_causes = 0;
                cpu_and_label_causes(n, node);
                taint_causes(n, node);
                volume_causes(n, node);
                resource_causes(n, node);
                naive_source_cause(n, node);
                naive_pod_causes(n, node, friends);
                if (crowded[i])
                        naive_cause(n, "topology-spread", MV_STR(""));
                ret[i] = join_causes(n);
        }
        assert_false(mv_arena_failed(arena));
        return ret;
}
