/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/baseline.h"

#include "policy/nodes/cpumodels.h"
#include "policy/nodes/fitgroups.h"
#include "policy/render.h"

#include <stdlib.h>

#define CPU_MODEL "cpu-model.node.kubevirt.io/"
#define CPU_VENDOR "cpu-vendor.node.kubevirt.io/"

/* --- groups --- */

static struct mv_str architecture_of(const struct mv_node_index *index, size_t node) {
        const struct mv_str *arch =
                mv_map_get(&mv_node_index_at(index, node)->meta.labels, MV_STR("kubernetes.io/arch"));
        return arch ? *arch : (struct mv_str){ 0 };
}

static struct mv_str vendor_of(const struct mv_node_index *index, size_t node) {
        struct mv_str key = mv_node_index_vendor(index, node);
        return key.n ? mv_str_skip(key, sizeof CPU_VENDOR - 1) : key;
}

struct making {
        struct mv_baseline_group group;
        uint64_t *nodes;
};

static int by_kind(const void *a, const void *b) {
        const struct making *x = a, *y = b;
        int r = mv_str_compare(x->group.architecture, y->group.architecture);
        return r ? r : mv_str_compare(x->group.vendor, y->group.vendor);
}

/* Put the nodes into groups; there are few groups, however many nodes. */
static struct making *split(struct mv_arena *arena, const struct mv_node_index *index, const uint64_t *nodes,
                            size_t *ret_n) {
        struct making *groups = NULL;
        size_t n = 0, capacity = 0;
        for (size_t i = mv_node_set_next(index, nodes, 0); i != SIZE_MAX;
             i = mv_node_set_next(index, nodes, i + 1)) {
                struct mv_str architecture = architecture_of(index, i), vendor = vendor_of(index, i);
                size_t at = 0;
                while (at < n && !(mv_str_equal(groups[at].group.architecture, architecture) &&
                                   mv_str_equal(groups[at].group.vendor, vendor)))
                        at++;
                if (at == capacity) {
                        capacity = capacity ? capacity * 2 : 4;
                        struct making *more = mv_arena_new_array(arena, struct making, capacity);
                        if (!more)
                                return NULL;
                        if (n)
                                memcpy(more, groups, n * sizeof *more);
                        groups = more;
                }
                if (at == n) {
                        groups[n++] = (struct making){
                                .group = { .architecture = architecture, .vendor = vendor },
                                .nodes = mv_node_set_new(index, arena),
                        };
                        if (!groups[at].nodes)
                                return NULL;
                }
                mv_node_set_add(groups[at].nodes, i);
                groups[at].group.n_nodes++;
        }
        if (n)
                qsort(groups, n, sizeof *groups, by_kind);
        *ret_n = n;
        return groups;
}

/* --- the models of a group --- */

static int by_age(const void *a, const void *b) {
        return mv_cpu_model_compare(((const struct mv_baseline_model *)a)->name,
                                    ((const struct mv_baseline_model *)b)->name);
}

/* Each model that a node of the group offers, once. Nodes of a group are much alike: what the one before had is found at
 * the same place. */
static bool collect_models(struct mv_arena *arena, const struct mv_node_index *index, struct making *making) {
        struct mv_baseline_model *models = NULL;
        size_t n = 0, capacity = 0;
        const uint64_t *nodes = making->nodes;
        for (size_t i = mv_node_set_next(index, nodes, 0); i != SIZE_MAX;
             i = mv_node_set_next(index, nodes, i + 1)) {
                const struct mv_map *labels = &mv_node_index_at(index, i)->meta.labels;
                for (size_t k = 0; k < labels->n; k++) {
                        const struct mv_pair *label = &labels->items[k];
                        if (!mv_str_starts_with(label->key, MV_STR(CPU_MODEL)) ||
                            !mv_str_is(label->value, "true"))
                                continue;
                        struct mv_str name = mv_str_skip(label->key, sizeof CPU_MODEL - 1);
                        size_t at = 0;
                        while (at < n && !mv_str_equal(models[at].name, name))
                                at++;
                        if (at < n || mv_cpu_model_is_obsolete(name))
                                continue;
                        if (n == capacity) {
                                capacity = capacity ? capacity * 2 : 32;
                                struct mv_baseline_model *more =
                                        mv_arena_new_array(arena, struct mv_baseline_model, capacity);
                                if (!more)
                                        return false;
                                if (n)
                                        memcpy(more, models, n * sizeof *more);
                                models = more;
                        }
                        uint64_t *with = mv_node_set_new(index, arena);
                        mv_node_set_or(index, with,
                                       mv_node_index_label(index, arena, label->key, label->value));
                        mv_node_set_and(index, with, nodes);
                        models[n++] = (struct mv_baseline_model){
                                .name = name,
                                .ranked = mv_cpu_model_rank(name) != 0,
                                .nodes = with,
                                .n_nodes = mv_node_set_count(index, with),
                        };
                }
        }
        if (n)
                qsort(models, n, sizeof *models, by_age);
        making->group.models = models;
        making->group.n_models = n;
        return !mv_arena_failed(arena);
}

static bool find_common(struct mv_arena *arena, struct mv_baseline_group *group) {
        size_t *common = mv_arena_new_array(arena, size_t, group->n_models + 1);
        if (!common)
                return false;
        for (size_t i = 0; i < group->n_models; i++)
                if (group->models[i].n_nodes == group->n_nodes)
                        common[group->n_common++] = i;
        group->common = common;
        return true;
}

/* Models newer than the baseline that one node lacks. Of an unranked baseline nothing can be said to be newer but what is
 * ranked. */
static bool find_brakes(struct mv_arena *arena, const struct mv_node_index *index,
                        struct mv_baseline_group *group) {
        size_t newer = group->n_common ? group->common[0] : group->n_models;
        struct mv_baseline_brake *brakes = mv_arena_new_array(arena, struct mv_baseline_brake, newer + 1);
        uint64_t *seen = mv_node_set_new(index, arena), *lacking = mv_node_set_new(index, arena);
        if (!brakes || !seen || !lacking)
                return false;
        for (size_t i = 0; i < newer && i < group->n_models && group->n_nodes > 1; i++) {
                if (group->models[i].n_nodes + 1 != group->n_nodes || !group->models[i].ranked)
                        continue;
                mv_node_set_or(index, lacking, group->nodes);
                mv_node_set_without(index, lacking, group->models[i].nodes);
                size_t node = mv_node_set_next(index, lacking, 0);
                mv_node_set_without(index, lacking, lacking);
                if (mv_node_set_has(seen, node))
                        continue;
                mv_node_set_add(seen, node);
                brakes[group->n_brakes++] =
                        (struct mv_baseline_brake){ .node = node, .model = group->models[i].name };
        }
        group->brakes = brakes;
        return true;
}

const struct mv_baseline *mv_baseline_make(struct mv_arena *arena, const struct mv_node_index *index,
                                           const uint64_t *nodes) {
        const uint64_t *asked = nodes ? nodes : mv_node_index_all(index);
        struct mv_baseline *baseline = mv_arena_new(arena, struct mv_baseline);
        uint64_t *running = mv_node_set_new(index, arena), *left_out = mv_node_set_new(index, arena);
        if (!baseline || !running || !left_out)
                return NULL;
        mv_node_set_or(index, running, asked);
        mv_node_set_and(index, running,
                        mv_node_index_label(index, arena, MV_STR("kubevirt.io/schedulable"), MV_STR("true")));
        mv_node_set_or(index, left_out, asked);
        mv_node_set_without(index, left_out, running);
        struct making *making = split(arena, index, running, &baseline->n_groups);
        struct mv_baseline_group *groups =
                mv_arena_new_array(arena, struct mv_baseline_group, baseline->n_groups + 1);
        if (mv_arena_failed(arena) || !groups)
                return NULL;
        for (size_t i = 0; i < baseline->n_groups; i++) {
                making[i].group.nodes = making[i].nodes;
                if (!collect_models(arena, index, &making[i]) || !find_common(arena, &making[i].group) ||
                    !find_brakes(arena, index, &making[i].group))
                        return NULL;
                groups[i] = making[i].group;
        }
        baseline->groups = groups;
        baseline->left_out = left_out;
        return mv_arena_failed(arena) ? NULL : baseline;
}

const struct mv_baseline_model *mv_baseline_newest(const struct mv_baseline_group *group) {
        return group->n_common ? &group->models[group->common[0]] : NULL;
}

const struct mv_baseline_model *mv_baseline_model_find(const struct mv_baseline_group *group,
                                                       struct mv_str name) {
        for (size_t i = 0; i < group->n_models; i++)
                if (mv_str_equal(group->models[i].name, name))
                        return &group->models[i];
        return NULL;
}

/* --- instances --- */

static bool is_known_somewhere(const struct mv_baseline *baseline, struct mv_str model) {
        for (size_t i = 0; i < baseline->n_groups; i++)
                if (mv_baseline_model_find(&baseline->groups[i], model))
                        return true;
        return false;
}

bool mv_baseline_concerns(const struct mv_baseline *baseline, const struct mv_baseline_group *group,
                          const struct mv_verdict *verdict) {
        if (!verdict->fit || !verdict->instance)
                return false;
        const struct mv_vmi_spec *spec = &verdict->instance->vmi.spec;
        const struct mv_cpu *cpu = spec->domain.cpu;
        if (verdict->fit->source != SIZE_MAX)
                return mv_node_set_has(group->nodes, verdict->fit->source);
        if (spec->architecture.n && group->architecture.n &&
            !mv_str_equal(spec->architecture, group->architecture))
                return false;
        /* "host-model" and "host-passthrough" are no model of any node. */
        return !cpu || !is_known_somewhere(baseline, cpu->model) || mv_baseline_model_find(group, cpu->model);
}

/* Where it could go, as far as what lasts is concerned. */
static uint64_t *reach(struct mv_arena *arena, const struct mv_fit *fit) {
        uint64_t *set = mv_fit_passing(arena, fit, MV_FIT_LASTING);
        if (set && fit->source != SIZE_MAX)
                mv_node_set_remove(set, fit->source);
        return set;
}

bool mv_baseline_compare(struct mv_arena *arena, const struct mv_verdict *now, const struct mv_verdict *then,
                         const uint64_t *among, struct mv_baseline_change *ret) {
        const struct mv_fit *before = among ? mv_fit_among(arena, now->fit, among) : now->fit;
        const struct mv_fit *after = among ? mv_fit_among(arena, then->fit, among) : then->fit;
        uint64_t *lost = before ? reach(arena, before) : NULL, *reached = after ? reach(arena, after) : NULL;
        if (!lost || !reached)
                return false;
        bool could = mv_fit_has_target(arena, now->fit_question, before, MV_FIT_LASTING),
             can = mv_fit_has_target(arena, then->fit_question, after, MV_FIT_LASTING);
        *ret = (struct mv_baseline_change){
                .before = mv_node_set_count(before->index, lost),
                .after = mv_node_set_count(before->index, reached),
                .lost = lost,
                .blockers = mv_verdict_blockers(arena, then),
        };
        mv_node_set_without(before->index, lost, reached);
        bool loses = mv_node_set_count(before->index, lost) || !can;
        ret->effect = !could ? (can ? MV_BASELINE_GAINS : MV_BASELINE_STUCK)
                             : (loses ? MV_BASELINE_LOSES : MV_BASELINE_KEEPS);
        return !mv_arena_failed(arena);
}
