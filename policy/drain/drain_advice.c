/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about an instance that blocks a drain, where the rules have nothing to fix, or not all that counts. */
#include "policy/drain/drain_making.h"
#include "policy/evaluate.h"
#include "policy/object/guard.h"
#include "policy/nodes/podindex.h"

/* "`migvet explain vmi/NAME -n NAMESPACE`" */
static struct mv_str explain(struct mv_arena *arena, const struct mv_vmi *vmi) {
        return mv_arena_format(arena, "`migvet explain vmi/%.*s -n %.*s`", MV_STR_ARG(vmi->meta.name),
                               MV_STR_ARG(vmi->meta.namespace));
}

/* What is to be fixed explains the condition. */
static bool is_explained(const struct mv_drain_fate *fate) {
        for (size_t i = 0; i < fate->n_fixes; i++)
                if (fate->fixes[i].condition)
                        return !fate->mismatch.n;
        return false;
}

/* KubeVirt goes by the condition, which virt-handler writes again whenever it looks at the instance. */
static struct mv_str about_condition(struct mv_drain_making *m, const struct mv_drain_fate *fate) {
        const struct mv_condition *stored =
                mv_condition_find(&fate->vmi->status.conditions, MV_STR("LiveMigratable"));
        if (!stored)
                return mv_arena_format(
                        m->arena,
                        "wait until virt-handler on %.*s has written the condition LiveMigratable, or look at "
                        "its log; %.*s tells what the rules expect it to say",
                        MV_STR_ARG(fate->from), MV_STR_ARG(explain(m->arena, fate->vmi)));
        if (is_explained(fate))
                return (struct mv_str){ 0 };
        struct mv_verdict verdict;
        mv_drain_evaluate(m, fate->vmi, &verdict);
        const char *status = verdict.n_conditions ? verdict.conditions[0].status : "Unknown";
        const char *rules = strcmp(status, "True") == 0    ? "the rules find nothing against it"
                            : strcmp(status, "False") == 0 ? "the rules find a reason"
                                                           : "the input does not show all that decides";
        return mv_arena_format(
                m->arena,
                "%s: wait for virt-handler on %.*s to write its condition again, or restart the VM, and "
                "compare with %.*s",
                rules, MV_STR_ARG(fate->from), MV_STR_ARG(explain(m->arena, fate->vmi)));
}

/* "data (minAvailable 1), all": the budgets that select its pod. */
static struct mv_str selecting(struct mv_drain_making *m, uint32_t number, const struct mv_vmi *vmi,
                               size_t *ret_n) {
        const struct mv_snapshot *snapshot = m->order->about.snapshot;
        const struct mv_pod *pod = mv_drain_current_pod(m->index, number);
        struct mv_map labels = pod ? pod->meta.labels : mv_launcher_labels(&m->scratch, vmi);
        struct mv_str text = { 0 };
        *ret_n = 0;
        for (uint32_t i = 0; i < m->budgets.n; i++) {
                const struct mv_disruption_budget *budget =
                        mv_snapshot_at(snapshot, MV_KIND_DISRUPTION_BUDGET, i);
                if (!mv_str_equal(budget->meta.namespace, vmi->meta.namespace) ||
                    !mv_label_selector_matches(budget->spec.selector, &labels))
                        continue;
                struct mv_str least = budget->spec.min_available, most = budget->spec.max_unavailable;
                text = mv_arena_format(m->arena, "%.*s%s%.*s%s%.*s%s", MV_STR_ARG(text),
                                       (*ret_n)++ ? ", " : "", MV_STR_ARG(budget->meta.name),
                                       least.n  ? " (minAvailable "
                                       : most.n ? " (maxUnavailable "
                                                : "",
                                       MV_STR_ARG(least.n ? least : most), least.n || most.n ? ")" : "");
        }
        return text;
}

static struct mv_str about_budget(struct mv_drain_making *m, uint32_t number,
                                  const struct mv_drain_fate *fate) {
        size_t n;
        struct mv_str names = selecting(m, number, fate->vmi, &n);
        if (n > 1)
                return mv_arena_format(
                        m->arena,
                        "let only one of PodDisruptionBudgets %.*s in namespace %.*s select its "
                        "pod",
                        MV_STR_ARG(names), MV_STR_ARG(fate->vmi->meta.namespace));
        return mv_arena_format(m->arena,
                               "lower minAvailable or raise maxUnavailable of PodDisruptionBudget %.*s in "
                               "namespace %.*s, or run more replicas of what it selects",
                               MV_STR_ARG(names), MV_STR_ARG(fate->vmi->meta.namespace));
}

/* The other nodes that stay open and would take it, were there enough of each resource. */
static uint64_t *otherwise_fitting(struct mv_drain_making *m, const struct mv_fit *fit) {
        uint64_t *nodes = mv_node_set_all(m->nodes, &m->scratch);
        if (!nodes)
                return NULL;
        for (size_t i = 0; i < fit->n_checks; i++)
                if (strcmp(fit->checks[i].what, "resource:") != 0)
                        mv_node_set_and(m->nodes, nodes, fit->checks[i].pass);
        for (uint32_t i = 0; i < m->n_drained; i++)
                mv_node_set_remove(nodes, m->drained[i]);
        if (fit->source != SIZE_MAX)
                mv_node_set_remove(nodes, fit->source);
        return nodes;
}

/* "memory: 300Mi more on n2, which has most of it" for each resource of which even that node has too little. */
static struct mv_str missing(struct mv_drain_making *m, const struct mv_fit_question *question,
                             const uint64_t *nodes) {
        const struct mv_node_usage *usage = mv_snapshot_node_usage(question->snapshot);
        const struct mv_amounts *requests = &question->launcher->requests;
        struct mv_str text = { 0 };
        for (size_t i = 0; i < requests->n; i++) {
                const struct mv_amount *request = &requests->items[i];
                size_t resource = mv_node_index_resource(m->nodes, request->name);
                if (resource == SIZE_MAX)
                        continue;
                const struct mv_levels *free = mv_node_usage_free(usage, resource);
                size_t best = SIZE_MAX;
                for (size_t node = mv_node_set_next(m->nodes, nodes, 0); free && node != SIZE_MAX;
                     node = mv_node_set_next(m->nodes, nodes, node + 1))
                        if (best == SIZE_MAX || free->values[node] > free->values[best])
                                best = node;
                if (best == SIZE_MAX || free->values[best] >= request->amount)
                        continue;
                int64_t there = free->values[best] > 0 ? free->values[best] : 0;
                text = mv_arena_format(
                        m->arena,
                        "%.*s%s%.*s of %.*s more on %.*s, which has most of it (its pod requests %.*s)",
                        MV_STR_ARG(text), text.n ? ", " : "",
                        MV_STR_ARG(mv_amount_show(&m->scratch, request->name, request->amount - there)),
                        MV_STR_ARG(request->name), MV_STR_ARG(mv_node_index_at(m->nodes, best)->meta.name),
                        MV_STR_ARG(mv_amount_show(&m->scratch, request->name, request->amount)));
        }
        return text;
}

static struct mv_str about_room(struct mv_drain_making *m, const struct mv_vmi *vmi) {
        struct mv_verdict verdict;
        mv_drain_evaluate(m, vmi, &verdict);
        if (!verdict.fit || !verdict.fit_question->launcher)
                return (struct mv_str){ 0 };
        const uint64_t *nodes = otherwise_fitting(m, verdict.fit);
        if (!nodes || !mv_node_set_count(m->nodes, nodes))
                return MV_STR(
                        "add a node that takes it, or make one: migvet nodes shows what stops it on each");
        struct mv_str text = missing(m, verdict.fit_question, nodes);
        if (!text.n)
                return MV_STR(
                        "what moves before it takes the room: drain fewer nodes at once (--one-by-one), or add a "
                        "node");
        return mv_arena_format(m->arena, "make room, or add a node: it needs %.*s", MV_STR_ARG(text));
}

struct mv_str mv_drain_advice(struct mv_drain_making *m, uint32_t number, const struct mv_drain_fate *fate) {
        switch (fate->obstacle) {
        case MV_DRAIN_WEBHOOK:
                return about_condition(m, fate);
        case MV_DRAIN_BUDGET:
                return about_budget(m, number, fate);
        case MV_DRAIN_NO_NODE:
                return about_room(m, fate->vmi);
        case MV_DRAIN_CONVERGENCE:
                return MV_STR(
                        "give its migration more bandwidth (bandwidthPerMigration) or time "
                        "(completionTimeoutPerGiB), or let it end by force (allowPostCopy, allowWorkloadDisruption)");
        case MV_DRAIN_QUEUE:
                return MV_STR(
                        "raise parallelMigrationsPerCluster or parallelOutboundMigrationsPerNode, or end the "
                        "migrations that hold the places");
        case MV_DRAIN_POD:
                return mv_arena_format(m->arena, "make what its pod needs: compare with %.*s",
                                       MV_STR_ARG(explain(m->arena, fate->vmi)));
        default:
                return (struct mv_str){ 0 };
        }
}
