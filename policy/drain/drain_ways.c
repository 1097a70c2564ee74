/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_making.h"

#include "policy/base/hash.h"
#include "policy/base/lookup.h"
#include "policy/object/guard.h"
#include "policy/object/vm.h"
#include "policy/nodes/podindex.h"

enum { DEFAULT_GRACE = 30 }; /* seconds (types.go: DefaultGracePeriodSeconds) */

/* --- disruption budgets --- */

static uint64_t label_hash(const struct mv_lookup *by_label, struct mv_str namespace, struct mv_str key,
                           struct mv_str value) {
        return mv_hash_add(mv_hash_add(mv_hash_add(mv_hash_seed(by_label), namespace), key), value);
}

bool mv_drain_budgets_make(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                           struct mv_drain_budgets *ret) {
        uint32_t n = (uint32_t)mv_snapshot_count(snapshot, MV_KIND_DISRUPTION_BUDGET);
        struct mv_lookup *by_label = mv_lookup_make(arena, n), *by_namespace = mv_lookup_make(arena, n);
        int64_t *allowed = mv_arena_new_array(arena, int64_t, (size_t)n + 1);
        if (!by_label || !by_namespace || !allowed)
                return false;
        for (uint32_t i = 0; i < n; i++) {
                const struct mv_disruption_budget *budget =
                        mv_snapshot_at(snapshot, MV_KIND_DISRUPTION_BUDGET, i);
                const struct mv_map *labels =
                        budget->spec.selector ? &budget->spec.selector->match_labels : NULL;
                allowed[i] = budget->status.disruptions_allowed.value;
                if (labels && labels->n)
                        mv_lookup_add(by_label,
                                      label_hash(by_label, budget->meta.namespace, labels->items[0].key,
                                                 labels->items[0].value),
                                      i);
                else
                        mv_lookup_add(by_namespace,
                                      mv_hash_add(mv_hash_seed(by_namespace), budget->meta.namespace), i);
        }
        *ret = (struct mv_drain_budgets){ .snapshot = snapshot,
                                          .n = n,
                                          .allowed = allowed,
                                          .by_label = by_label,
                                          .by_namespace = by_namespace };
        return true;
}

/* Budgets that select a pod: how many, and the last one that was found. */
struct selecting {
        size_t n;
        uint32_t budget;
};

static const struct mv_disruption_budget *budget_at(const struct mv_drain_budgets *budgets, uint32_t i) {
        return mv_snapshot_at(budgets->snapshot, MV_KIND_DISRUPTION_BUDGET, i);
}

static void count_if_selects(const struct mv_drain_budgets *budgets, uint32_t i, struct mv_str namespace,
                             const struct mv_map *labels, const struct mv_pair *by, struct selecting *ret) {
        const struct mv_disruption_budget *budget = budget_at(budgets, i);
        const struct mv_label_selector *selector = budget->spec.selector;
        if (!mv_str_equal(budget->meta.namespace, namespace) || !mv_label_selector_matches(selector, labels))
                return;
        /* found by its first label only, so that it counts once */
        if (by && (!mv_str_equal(selector->match_labels.items[0].key, by->key) ||
                   !mv_str_equal(selector->match_labels.items[0].value, by->value)))
                return;
        ret->n++;
        ret->budget = i;
}

static struct selecting budgets_of(const struct mv_drain_budgets *budgets, struct mv_str namespace,
                                   const struct mv_map *labels) {
        struct selecting ret = { .budget = MV_SIM_NONE };
        MV_LOOKUP_FOREACH(i, budgets->by_namespace,
                          mv_hash_add(mv_hash_seed(budgets->by_namespace), namespace))
        count_if_selects(budgets, i - 1, namespace, labels, NULL, &ret);
        for (size_t l = 0; l < labels->n; l++)
                MV_LOOKUP_FOREACH(i, budgets->by_label,
                                  label_hash(budgets->by_label, namespace, labels->items[l].key,
                                             labels->items[l].value))
        count_if_selects(budgets, i - 1, namespace, labels, &labels->items[l], &ret);
        return ret;
}

/* The eviction needs the budgets that select the pod; only one pod with more than one is refused for good. */
static void need_budget(struct mv_arena *arena, const struct mv_drain_index *index,
                        const struct mv_drain_budgets *budgets, struct mv_drain_member *member,
                        struct mv_sim_vm *ret) {
        const struct mv_pod *pod = mv_drain_current_pod(index, member->number);
        struct mv_map labels = pod ? pod->meta.labels : mv_launcher_labels(arena, member->vmi);
        struct selecting selecting = budgets_of(budgets, member->vmi->meta.namespace, &labels);
        if (selecting.n > 1) {
                ret->way = MV_SIM_STAYS;
                member->obstacle = MV_DRAIN_BUDGET;
                member->why = mv_arena_format(
                        arena, "%zu PodDisruptionBudgets select its pod, and then Kubernetes evicts it never",
                        selecting.n);
        } else
                ret->budget = selecting.budget;
}

/* --- what comes after a shutdown --- */

static struct mv_str run_strategy(const struct mv_vm *vm) {
        if (vm->spec.run_strategy.n)
                return vm->spec.run_strategy;
        return vm->spec.running == MV_TRUE ? MV_STR("Always") : MV_STR("Halted");
}

/* pkg/virt-controller/watch/vm/vm.go: syncRunStrategy; an instance that shut down in time has Succeeded. */
static void shut_down(struct mv_arena *arena, const struct mv_drain_order *order,
                      struct mv_drain_member *member, const char *because, struct mv_sim_vm *ret) {
        const struct mv_vmi *vmi = member->vmi;
        const struct mv_owner *owner = mv_meta_controller(&vmi->meta);
        struct mv_optional_int grace = vmi->spec.termination_grace_period_seconds;
        member->grace = grace.set && grace.value >= 0 ? grace.value : DEFAULT_GRACE;
        ret->way = MV_SIM_SHUTS_DOWN;
        member->because = because;
        if (!owner) {
                member->why = mv_arena_format(
                        arena, "%s, so it is shut down, and nobody who owns it starts another", because);
                return;
        }
        if (!mv_str_is(owner->kind, "VirtualMachine")) {
                ret->way = MV_SIM_RESTARTS;
                member->why =
                        mv_arena_format(arena, "%s, so it is shut down; its %.*s %.*s makes another one",
                                        because, MV_STR_ARG(owner->kind), MV_STR_ARG(owner->name));
                return;
        }
        const struct mv_vm *vm =
                mv_snapshot_find(order->about.snapshot, MV_KIND_VM, vmi->meta.namespace, owner->name);
        if (!vm) {
                member->unowned = true;
                member->why =
                        mv_arena_format(arena,
                                        "%s, so it is shut down; whether it starts again is not known: its "
                                        "VirtualMachine %.*s %s",
                                        because, MV_STR_ARG(owner->name),
                                        mv_snapshot_absent(order->about.snapshot, MV_KIND_VM));
                return;
        }
        struct mv_str strategy = run_strategy(vm);
        bool again = mv_str_is(strategy, "Always");
        if (again)
                ret->way = MV_SIM_RESTARTS;
        member->why = mv_arena_format(
                arena, "%s, so it is shut down and %s (run strategy %.*s)%s", because,
                again ? "starts elsewhere" : "stays down", MV_STR_ARG(strategy),
                mv_str_is(strategy, "RerunOnFailure")
                        ? ", unless its guest does not shut down in time: then it starts again"
                        : "");
}

/* --- the answer to the eviction --- */

static void stay(struct mv_drain_member *member, enum mv_drain_obstacle obstacle, struct mv_str why,
                 struct mv_sim_vm *ret) {
        ret->way = MV_SIM_STAYS;
        member->obstacle = obstacle;
        member->why = why;
}

static struct mv_str refusal(struct mv_arena *arena, const struct mv_vmi *vmi, struct mv_str strategy) {
        const struct mv_condition *condition =
                mv_condition_find(&vmi->status.conditions, MV_STR("LiveMigratable"));
        if (!condition)
                return mv_arena_format(
                        arena,
                        "its eviction strategy is %.*s, and its status has no condition LiveMigratable",
                        MV_STR_ARG(strategy));
        return mv_arena_format(arena, "its eviction strategy is %.*s, and LiveMigratable is %.*s%s%.*s%s%.*s",
                               MV_STR_ARG(strategy), MV_STR_ARG(condition->status),
                               condition->reason.n ? ": " : "", MV_STR_ARG(condition->reason),
                               condition->message.n ? ", " : "", MV_STR_ARG(condition->message));
}

void mv_drain_way(struct mv_arena *arena, const struct mv_drain_order *order,
                  const struct mv_drain_index *index, const struct mv_drain_budgets *budgets,
                  struct mv_drain_member *member, struct mv_sim_vm *ret) {
        const struct mv_vmi *vmi = member->vmi;
        struct mv_str strategy = mv_drain_strategy(order->about.config, vmi);
        bool migratable = mv_drain_is_migratable(vmi);
        bool live = mv_str_is(strategy, "LiveMigrate"), maybe = mv_str_is(strategy, "LiveMigrateIfPossible");
        ret->budget = MV_SIM_NONE;
        member->grace = -1;
        if (vmi->meta.deletion_timestamp.n)
                shut_down(arena, order, member, "it is being deleted", ret);
        else if (live && !migratable)
                stay(member, MV_DRAIN_WEBHOOK, refusal(arena, vmi, strategy), ret);
        else if (live || (maybe && migratable)) {
                ret->way = MV_SIM_MIGRATES;
                if (order->about.config->spec->migrations.match_selinux_level != MV_FALSE &&
                    !vmi->status.selinux_context.n)
                        member->may =
                                mv_drain_joined(arena, member->may,
                                                MV_STR("KubeVirt makes no target pod until its status says "
                                                       "selinuxContext"));
        } else if (mv_str_is(strategy, "External")) {
                stay(member, MV_DRAIN_NOTHING,
                     MV_STR("its eviction strategy is External: another controller has to move it"), ret);
                member->external = true;
        } else {
                shut_down(arena, order, member,
                          maybe ? "its eviction strategy is LiveMigrateIfPossible and it cannot migrate"
                                : "its eviction strategy does not ask for a migration",
                          ret);
                need_budget(arena, index, budgets, member, ret);
        }
}
