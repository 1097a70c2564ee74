/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/nodefit.h"

#include "policy/object/storage.h"
#include "policy/nodes/podfit.h"
#include "policy/launcher/targetpod.h"

#include <stdlib.h>

/* A fit in the making. */
struct maker {
        struct mv_arena *arena;
        const struct mv_fit_question *q;
        const struct mv_node_index *index;
        const struct mv_pod_index *pods;
        const struct mv_node_usage *usage;
        struct mv_fit *fit;
        struct mv_fit_check *checks;
        size_t n, capacity;
        size_t *work; /* of requirements that no index answers */
};

/* What they may cost together: labels of nodes that are looked at, by the eight. One who writes hundreds of them for
 * thousands of nodes gets the answer of one that memory does not suffice for. */
enum { MOST_WORK = 20 * 1000 * 1000 };

static const struct mv_str none = { 0 };

static struct mv_fit_check *add_check(struct maker *m, enum mv_fit_class class, const char *what,
                                      struct mv_str name, const uint64_t *pass) {
        if (m->n == m->capacity) {
                size_t capacity = m->capacity ? m->capacity * 2 : 64;
                struct mv_fit_check *checks = mv_arena_new_array(m->arena, struct mv_fit_check, capacity);
                if (!checks)
                        return NULL;
                if (m->n)
                        memcpy(checks, m->checks, m->n * sizeof *checks);
                m->checks = checks;
                m->capacity = capacity;
        }
        m->checks[m->n] = (struct mv_fit_check){ .class = class, .what = what, .name = name, .pass = pass };
        return &m->checks[m->n++];
}

/* All nodes but these (NULL: none). */
static const uint64_t *all_but(const struct maker *m, const uint64_t *without) {
        if (!without)
                return mv_node_index_all(m->index);
        uint64_t *set = mv_node_set_all(m->index, m->arena);
        mv_node_set_without(m->index, set, without);
        return set;
}

/* --- labels --- */

static const uint64_t *selected_set(const struct mv_node_index *index, struct mv_arena *arena,
                                    const struct mv_selected *s) {
        return s->found ? s->nodes : mv_node_index_label(index, arena, s->key, s->value);
}

static void check_selector(struct maker *m, const struct mv_target_selector *selector) {
        for (size_t i = 0; i < selector->n; i++) {
                const struct mv_selected *s = &selector->items[i];
                struct mv_fit_check *check =
                        add_check(m, s->class, s->what, s->name, selected_set(m->index, m->arena, s));
                if (check)
                        check->of_model = s->found;
                if (check && s->what[0] == 's' && strcmp(s->what, "selector:") == 0)
                        check->value = s->value;
        }
}

static const uint64_t *requirement_set(const struct maker *m, const struct mv_requirement *r) {
        bool not_in = mv_str_is(r->operator, "NotIn");
        if (mv_str_is(r->operator, "In") || not_in) {
                uint64_t *set = mv_node_set_new(m->index, m->arena);
                for (size_t i = 0; i < r->values.n; i++)
                        mv_node_index_or_label(m->index, r->key, r->values.items[i], set);
                return not_in ? all_but(m, set) : set;
        }
        const uint64_t *keyed = mv_node_index_key(m->index, m->arena, r->key);
        if (mv_str_is(r->operator, "Exists"))
                return keyed;
        if (mv_str_is(r->operator, "DoesNotExist"))
                return all_but(m, keyed);
        uint64_t *set = mv_node_set_new(m->index, m->arena);
        for (size_t i = mv_node_set_next(m->index, keyed, 0); set && i != SIZE_MAX && *m->work < MOST_WORK;
             i = mv_node_set_next(m->index, keyed, i + 1)) {
                const struct mv_map *labels = &mv_node_index_at(m->index, i)->meta.labels;
                if (mv_requirement_holds(r, labels))
                        mv_node_set_add(set, i);
                *m->work += 1 + labels->n / 8;
        }
        if (*m->work >= MOST_WORK)
                m->arena->failed = true;
        return set;
}

/* Of the fields there is one, the name. */
static const uint64_t *field_set(const struct maker *m, const struct mv_requirement *r) {
        uint64_t *set = mv_node_set_new(m->index, m->arena);
        bool not_in = mv_str_is(r->operator, "NotIn");
        if (!set || !mv_str_is(r->key, "metadata.name") || !(not_in || mv_str_is(r->operator, "In")))
                return set;
        for (size_t i = 0; i < r->values.n; i++) {
                size_t node = mv_node_index_find(m->index, r->values.items[i]);
                if (node != SIZE_MAX)
                        mv_node_set_add(set, node);
        }
        return not_in ? all_but(m, set) : set;
}

/* The nodes that one of the terms selects. An empty term selects nothing, unless KubeVirt adds to it. */
static const uint64_t *node_selector_set(const struct maker *m, const struct mv_node_selector *selector,
                                         bool extended) {
        uint64_t *set = mv_node_set_new(m->index, m->arena);
        for (size_t i = 0; i < selector->terms.n; i++) {
                const struct mv_node_selector_term *term = &selector->terms.items[i];
                if (!extended && !term->match_expressions.n && !term->match_fields.n)
                        continue;
                uint64_t *passing = mv_node_set_all(m->index, m->arena);
                for (size_t k = 0; k < term->match_expressions.n; k++)
                        mv_node_set_and(m->index, passing,
                                        requirement_set(m, &term->match_expressions.items[k]));
                for (size_t k = 0; k < term->match_fields.n; k++)
                        mv_node_set_and(m->index, passing, field_set(m, &term->match_fields.items[k]));
                mv_node_set_or(m->index, set, passing);
        }
        return set;
}

/* What setNodeAffinityForPod adds to every term, and the terms themselves. */
static void check_affinity(struct maker *m) {
        const struct mv_vmi_spec *spec = &m->q->vmi->spec;
        const struct mv_cpu *cpu = spec->domain.cpu;
        bool extended = false;
        if (!cpu || !cpu->model.n || mv_str_is(cpu->model, "host-model")) {
                extended = true;
                add_check(m, MV_FIT_CPU, "obsolete-host-model", none,
                          all_but(m, mv_node_index_key(
                                             m->index, m->arena,
                                             MV_STR("node-labeller.kubevirt.io/obsolete-host-model"))));
        }
        for (size_t i = 0; cpu && i < cpu->features.n; i++) {
                if (!mv_str_is(cpu->features.items[i].policy, "forbid"))
                        continue;
                extended = true;
                struct mv_str key = mv_arena_format(m->arena, "cpu-feature.node.kubevirt.io/%.*s",
                                                    MV_STR_ARG(cpu->features.items[i].name));
                add_check(m, MV_FIT_CPU, "cpu-feature-forbidden:", cpu->features.items[i].name,
                          all_but(m, mv_node_index_key(m->index, m->arena, key)));
        }
        const struct mv_node_affinity *affinity = spec->affinity ? spec->affinity->node : NULL;
        if (affinity && affinity->required)
                add_check(m, MV_FIT_SELECTOR, "affinity", none,
                          node_selector_set(m, affinity->required, extended));
}

/* --- taints --- */

/* The API server gives every pod tolerations for the time that a node may be away. */
static bool is_tolerated(const struct maker *m, const struct mv_taint *taint) {
        if (mv_str_is(taint->effect, "NoExecute") &&
            (mv_str_is(taint->key, "node.kubernetes.io/not-ready") ||
             mv_str_is(taint->key, "node.kubernetes.io/unreachable")))
                return true;
        return mv_tolerations_tolerate(&m->q->vmi->spec.tolerations, taint);
}

/* Kubernetes itself, or whoever drains the node, puts it there and takes it away. */
static bool is_passing(const struct maker *m, struct mv_str key) {
        struct mv_str drain = m->q->config->spec->migrations.node_drain_taint_key;
        return mv_str_starts_with(key, MV_STR("node.kubernetes.io/")) ||
               mv_str_equal(key, drain.p ? drain : MV_STR("kubevirt.io/drain")) ||
               mv_str_is(key, "medik8s.io/drain");
}

#define UNSCHEDULABLE "node.kubernetes.io/unschedulable"

static bool repels(const struct maker *m, const struct mv_taint *taint) {
        return (mv_str_is(taint->effect, "NoSchedule") || mv_str_is(taint->effect, "NoExecute")) &&
               !is_tolerated(m, taint);
}

/* A cordon is one cause, whether the node's spec tells it or its taint. */
static void check_taints(struct maker *m) {
        static const struct mv_taint cordon = { .key = { UNSCHEDULABLE, sizeof UNSCHEDULABLE - 1 },
                                                .effect = { "NoSchedule", 10 } };
        const uint64_t *cordoned = is_tolerated(m, &cordon) ? NULL : mv_node_index_cordoned(m->index);
        uint64_t *closed = NULL;
        if (cordoned) {
                closed = mv_node_set_new(m->index, m->arena);
                mv_node_set_or(m->index, closed, cordoned);
        }
        for (size_t i = 0; i < mv_node_index_taints(m->index); i++) {
                const uint64_t *tainted;
                const struct mv_taint *taint = mv_node_index_taint(m->index, m->arena, i, &tainted);
                if (!tainted || !repels(m, taint))
                        continue;
                if (mv_str_is(taint->key, UNSCHEDULABLE)) {
                        closed = closed ? closed : mv_node_set_new(m->index, m->arena);
                        mv_node_set_or(m->index, closed, tainted);
                } else
                        add_check(m, is_passing(m, taint->key) ? MV_FIT_OPEN : MV_FIT_TAINT,
                                  "taint:", taint->key, all_but(m, tainted));
        }
        if (closed)
                add_check(m, MV_FIT_OPEN, "unschedulable", none, all_but(m, closed));
}

/* The nodes without a taint that keeps the pod away. A cordon alone is none. */
static const uint64_t *untainted(const struct maker *m) {
        uint64_t *set = mv_node_set_all(m->index, m->arena);
        for (size_t i = 0; i < mv_node_index_taints(m->index); i++) {
                const uint64_t *tainted;
                if (repels(m, mv_node_index_taint(m->index, m->arena, i, &tainted)))
                        mv_node_set_without(m->index, set, tainted);
        }
        return set;
}

/* --- volumes --- */

static struct mv_str claim_of(const struct mv_volume *volume) {
        const struct mv_claim_source *source =
                volume->persistent_volume_claim ? volume->persistent_volume_claim
                : volume->memory_dump           ? volume->memory_dump
                : volume->ephemeral             ? volume->ephemeral->persistent_volume_claim
                                                : NULL;
        if (volume->data_volume)
                return volume->data_volume->name;
        return source ? source->claim_name : none;
}

/* Where a class that provisions at the first use may do so. */
static const uint64_t *topology_set(const struct maker *m, const struct mv_storage_class *class) {
        uint64_t *set = mv_node_set_new(m->index, m->arena);
        for (size_t i = 0; i < class->allowed_topologies.n; i++) {
                const struct mv_topology_selector_term *term = &class->allowed_topologies.items[i];
                uint64_t *passing = mv_node_set_all(m->index, m->arena);
                for (size_t k = 0; k < term->match_label_expressions.n; k++) {
                        const struct mv_requirement r = {
                                .key = term->match_label_expressions.items[k].key,
                                .operator= MV_STR("In"),
                                .values = term->match_label_expressions.items[k].values
                        };
                        mv_node_set_and(m->index, passing, requirement_set(m, &r));
                }
                mv_node_set_or(m->index, set, passing);
        }
        return set;
}

/* A claim that is bound is where its volume is; one that is not goes by its class. What is not in the input forbids
 * nothing. */
static void check_claim(struct maker *m, struct mv_str name) {
        const struct mv_claim *claim =
                mv_snapshot_find(m->q->snapshot, MV_KIND_CLAIM, m->q->vmi->meta.namespace, name);
        if (!claim)
                return;
        if (claim->spec.volume_name.n) {
                const struct mv_persistent_volume *volume = mv_snapshot_find(
                        m->q->snapshot, MV_KIND_PERSISTENT_VOLUME, none, claim->spec.volume_name);
                if (volume && volume->spec.node_affinity && volume->spec.node_affinity->required)
                        add_check(m, MV_FIT_VOLUME, "volume:", name,
                                  node_selector_set(m, volume->spec.node_affinity->required, false));
                return;
        }
        const struct mv_storage_class *class =
                mv_snapshot_find(m->q->snapshot, MV_KIND_STORAGE_CLASS, none, claim->spec.storage_class_name);
        if (class && class->allowed_topologies.n &&
            mv_str_is(class->volume_binding_mode, "WaitForFirstConsumer"))
                add_check(m, MV_FIT_VOLUME, "volume:", name, topology_set(m, class));
}

static void check_volumes(struct maker *m) {
        const struct mv_vmi_spec *spec = &m->q->vmi->spec;
        for (size_t i = 0; i < spec->volumes.n; i++) {
                struct mv_str claim = claim_of(&spec->volumes.items[i]);
                if (claim.n)
                        check_claim(m, claim);
        }
}

/* --- resources --- */

/* The nodes with at least so much, or that say nothing. levels is NULL when no node has any. */
static const uint64_t *with_at_least(const struct maker *m, const struct mv_levels *levels, int64_t amount) {
        const uint64_t *silent = mv_node_index_silent(m->index), *found = NULL;
        bool exact = !levels || mv_levels_find(levels, amount, &found);
        if (exact && !silent)
                return found;
        uint64_t *set = mv_node_set_all(m->index, m->arena);
        if (set && levels)
                mv_levels_and(levels, amount, set);
        else
                mv_node_set_and(m->index, set, NULL);
        mv_node_set_or(m->index, set, silent);
        return set;
}

/* Every node that runs instances has these. Where no node of the input names one, its Nodes were written by hand, and
 * leave it out. */
static bool goes_without_saying(struct mv_str name) {
        static const char *const names[] = { "cpu",
                                             "memory",
                                             "ephemeral-storage",
                                             "pods",
                                             "devices.kubevirt.io/kvm",
                                             "devices.kubevirt.io/tun",
                                             "devices.kubevirt.io/vhost-net" };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (mv_str_is(name, names[i]))
                        return true;
        return false;
}

static void check_resource(struct maker *m, struct mv_str name, int64_t amount) {
        if (amount <= 0)
                return;
        size_t resource = mv_node_index_resource(m->index, name);
        bool known = resource != SIZE_MAX;
        if (!known && goes_without_saying(name))
                return;
        add_check(m, MV_FIT_SIZE, "resource:", name,
                  with_at_least(m, known ? mv_node_index_allocatable(m->index, resource) : NULL, amount));
        if (known)
                add_check(m, MV_FIT_ROOM, "resource:", name,
                          with_at_least(m, mv_node_usage_free(m->usage, resource), amount));
}

static void check_resources(struct maker *m) {
        const struct mv_launcher *launcher = m->q->launcher;
        for (size_t i = 0; launcher && i < launcher->requests.n; i++)
                check_resource(m, launcher->requests.items[i].name, launcher->requests.items[i].amount);
        if (launcher)
                check_resource(m, MV_STR("pods"), 1);
}

/* --- other pods --- */

/* Never back to where a pod of the instance is, nor to a node of the same host name. */
static void check_source(struct maker *m) {
        const struct mv_vmi *vmi = m->q->vmi;
        uint64_t *set = NULL;
        size_t n = 0;
        const uint32_t *own = vmi->meta.uid.n ? mv_pod_index_label(m->pods, MV_STR("kubevirt.io/created-by"),
                                                                   vmi->meta.uid, &n)
                                              : NULL;
        if (m->fit->source == SIZE_MAX && !n)
                return;
        set = mv_node_set_new(m->index, m->arena);
        for (size_t i = 0; set && i <= n; i++) {
                const struct mv_placed *placed = i < n ? mv_pod_index_at(m->pods, own[i]) : NULL;
                size_t node = placed ? placed->node : m->fit->source;
                if (node == SIZE_MAX || (placed && !mv_str_equal(placed->namespace, vmi->meta.namespace)) ||
                    (placed && m->q->moves && m->q->moves->gone[own[i]]))
                        continue;
                mv_node_set_add(set, node);
                const struct mv_str *host = mv_map_get(&mv_node_index_at(m->index, node)->meta.labels,
                                                       MV_STR("kubernetes.io/hostname"));
                if (host)
                        mv_node_index_or_label(m->index, MV_STR("kubernetes.io/hostname"), *host, set);
        }
        add_check(m, MV_FIT_SOURCE, "source-node", none, all_but(m, set));
}

static void check_pods(struct maker *m) {
        const struct mv_vmi *vmi = m->q->vmi;
        struct mv_pod_fit pod = {
                .arena = m->arena,
                .snapshot = m->q->snapshot,
                .nodes = m->index,
                .pods = m->pods,
                .moves = m->q->moves,
                .namespace = vmi->meta.namespace,
                .labels = mv_launcher_labels(m->arena, vmi),
                .spec = &vmi->spec,
        };
        const uint64_t *averse = mv_pod_fit_averse(&pod);
        if (averse)
                add_check(m, MV_FIT_PODS, "pod-anti-affinity", none, all_but(m, averse));
        if (vmi->spec.affinity && vmi->spec.affinity->pod && vmi->spec.affinity->pod->required.n)
                add_check(m, MV_FIT_PODS, "pod-affinity", none, mv_pod_fit_attracted(&pod));
        if (!vmi->spec.topology_spread_constraints.n)
                return;
        const struct mv_fit so_far = {
                .index = m->index, .checks = m->checks, .n_checks = m->n, .model = m->fit->model
        };
        const unsigned labels = MV_FIT_BIT(MV_FIT_CPU) | MV_FIT_BIT(MV_FIT_SELECTOR) |
                                MV_FIT_BIT(MV_FIT_ADDED) | MV_FIT_BIT(MV_FIT_LABEL) |
                                MV_FIT_BIT(MV_FIT_SCHEDULABLE);
        add_check(m, MV_FIT_SPREAD, "topology-spread", none,
                  mv_pod_fit_spread(&pod, mv_fit_passing(m->arena, &so_far, labels), untainted(m)));
}

/* --- the whole --- */

static const struct mv_pod *source_pod(const struct mv_fit_question *q, const struct mv_pod_index *pods) {
        return q->vmi->status.node_name.n ? mv_pod_index_launcher(pods, q->vmi, q->vmi->status.node_name)
                                          : NULL;
}

const struct mv_fit *mv_fit_make(struct mv_arena *arena, const struct mv_fit_question *question) {
        struct mv_fit *fit = mv_arena_new(arena, struct mv_fit);
        if (!fit)
                return NULL;
        size_t work = 0;
        struct maker m = {
                .arena = arena,
                .q = question,
                .work = &work,
                .index = mv_snapshot_node_index(question->snapshot),
                .pods = mv_snapshot_pod_index(question->snapshot),
                .usage = question->usage ? question->usage : mv_snapshot_node_usage(question->snapshot),
                .fit = fit,
        };
        struct mv_str node = question->vmi->status.node_name;
        fit->index = m.index;
        fit->source = node.n ? mv_node_index_find(m.index, node) : SIZE_MAX;
        fit->source_unknown = node.n && fit->source == SIZE_MAX;
        bool known = fit->source != SIZE_MAX;
        struct mv_target_selector selector;
        const struct mv_target_source source = {
                .vendor = known ? mv_node_index_vendor(m.index, fit->source) : none,
                .model = known ? mv_node_index_host_model(m.index, fit->source) : NULL,
                .pod = known ? source_pod(question, m.pods) : NULL,
        };
        mv_target_selector_make(arena, question, known ? &source : NULL, &selector);
        fit->model = selector.model;
        m.capacity = selector.n + 32;
        m.checks = mv_arena_new_array(arena, struct mv_fit_check, m.capacity);
        if (!m.checks)
                return NULL;
        check_selector(&m, &selector);
        check_affinity(&m);
        check_taints(&m);
        check_volumes(&m);
        check_resources(&m);
        check_source(&m);
        check_pods(&m);
        fit->checks = m.checks;
        fit->n_checks = m.n;
        fit->feasible = mv_fit_passing(arena, fit, MV_FIT_EVERYTHING);
        return mv_arena_failed(arena) ? NULL : fit;
}

uint64_t *mv_fit_passing(struct mv_arena *arena, const struct mv_fit *fit, unsigned classes) {
        uint64_t *set = mv_node_set_all(fit->index, arena);
        for (size_t i = 0; i < fit->n_checks; i++)
                if ((classes & MV_FIT_BIT(fit->checks[i].class)) && !fit->checks[i].of_model)
                        mv_node_set_and(fit->index, set, fit->checks[i].pass);
        if (fit->model && (classes & MV_FIT_BIT(MV_FIT_CPU)))
                mv_node_set_and(fit->index, set, fit->model->pass);
        return set;
}

size_t mv_fit_others(struct mv_arena *arena, const struct mv_fit *fit, unsigned classes) {
        uint64_t *set = mv_fit_passing(arena, fit, classes);
        if (set && fit->source != SIZE_MAX)
                mv_node_set_remove(set, fit->source);
        return mv_node_set_count(fit->index, set);
}

/* One of the nodes of set that an instance could move to from that node; SIZE_MAX. */
static size_t reachable(struct mv_arena *arena, const struct mv_fit_question *q, const struct mv_fit *fit,
                        unsigned classes, const uint64_t *set, size_t from) {
        struct mv_target_selector selector;
        const struct mv_target_source source = { .vendor = mv_node_index_vendor(fit->index, from),
                                                 .model = mv_node_index_host_model(fit->index, from) };
        mv_target_selector_make(arena, q, &source, &selector);
        uint64_t *others = mv_node_set_new(fit->index, arena);
        if (!others)
                return SIZE_MAX;
        mv_node_set_or(fit->index, others, set);
        mv_node_set_remove(others, from);
        for (size_t i = 0; i < selector.n; i++)
                if (classes & MV_FIT_BIT(selector.items[i].class))
                        mv_node_set_and(fit->index, others,
                                        selected_set(fit->index, arena, &selector.items[i]));
        return mv_node_set_next(fit->index, others, 0);
}

size_t mv_fit_pair(struct mv_arena *arena, const struct mv_fit_question *question, const struct mv_fit *fit,
                   unsigned classes, size_t *ret_to) {
        const uint64_t *set = mv_fit_passing(arena, fit, classes);
        size_t from = mv_node_set_next(fit->index, set, 0), to = SIZE_MAX;
        struct mv_arena scratch; /* what one node takes is given back before the next */
        mv_arena_init(&scratch, arena->allocator, arena->cap);
        for (; from != SIZE_MAX; from = mv_node_set_next(fit->index, set, from + 1)) {
                to = reachable(&scratch, question, fit, classes, set, from);
                if (to != SIZE_MAX || mv_arena_failed(&scratch))
                        break;
                mv_arena_clear(&scratch);
        }
        arena->failed |= mv_arena_failed(&scratch);
        mv_arena_done(&scratch);
        *ret_to = to;
        return from;
}

struct mv_str mv_fit_token(struct mv_arena *arena, const struct mv_fit_check *check) {
        const struct mv_str parts[] = { mv_str_from(check->what), check->name,
                                        check->value.p ? MV_STR("=") : MV_STR(""), check->value };
        return check->name.n ? mv_arena_join(arena, parts, sizeof parts / sizeof *parts) : parts[0];
}

static int by_text(const void *a, const void *b) {
        return mv_str_compare(*(const struct mv_str *)a, *(const struct mv_str *)b);
}

const struct mv_str *mv_fit_causes(struct mv_arena *arena, const struct mv_fit *fit, size_t node,
                                   size_t *ret_n) {
        struct mv_str *causes = NULL;
        size_t n = 0;
        *ret_n = 0;
        for (size_t i = 0; i < fit->n_checks; i++) {
                if (mv_node_set_has(fit->checks[i].pass, node))
                        continue;
                if (!causes)
                        causes = mv_arena_new_array(arena, struct mv_str, fit->n_checks - i);
                if (!causes)
                        return NULL;
                causes[n++] = mv_fit_token(arena, &fit->checks[i]);
        }
        if (n > 1)
                qsort(causes, n, sizeof *causes, by_text);
        for (size_t i = 0; i < n; i++)
                if (!i || !mv_str_equal(causes[i], causes[*ret_n - 1]))
                        causes[(*ret_n)++] = causes[i];
        return causes;
}
