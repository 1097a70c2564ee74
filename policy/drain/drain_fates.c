/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_making.h"

const char *mv_drain_outcome_name(enum mv_drain_outcome outcome) {
        static const char *const names[] = { "migrates", "restarts", "stays-down", "unknown",
                                             "external", "blocks",   "undecided" };
        return names[outcome];
}

const char *mv_drain_obstacle_name(enum mv_drain_obstacle obstacle) {
        static const char *const names[] = { "",        "eviction-webhook",  "disruption-budget",
                                             "no-node", "convergence",       "queue",
                                             "pod",     "target-pod-refused" };
        return names[obstacle];
}

/* --- the plan --- */

static struct mv_str node_name(const struct mv_drain_making *m, uint32_t node) {
        return node == MV_SIM_NONE ? MV_STR("") : mv_node_index_at(m->nodes, node)->meta.name;
}

static void block(struct mv_drain_fate *fate, enum mv_drain_obstacle obstacle, struct mv_str why) {
        fate->outcome = MV_DRAIN_BLOCKS;
        fate->fix_first = true;
        fate->obstacle = obstacle;
        fate->why = why;
}

/* What its status says of the migration that it has already; "" when it has none that runs. */
static struct mv_str under_way(const struct mv_drain_making *m, const struct mv_drain_member *member) {
        const struct mv_migration *migration = member->migration;
        const struct mv_migration_state *state = member->vmi->status.migration_state;
        if (!migration || !mv_migration_is_running(migration))
                return (struct mv_str){ 0 };
        bool of_it = state && mv_str_equal(state->migration_uid, migration->meta.uid);
        return mv_arena_format(m->arena, "it migrates already: %.*s is in phase %.*s, and its status %s%.*s",
                               MV_STR_ARG(migration->meta.name), MV_STR_ARG(migration->status.phase),
                               !of_it                 ? "does not tell of it yet"
                               : state->target_node.n ? "names target node "
                                                      : "names no target node yet",
                               MV_STR_ARG(of_it ? state->target_node : MV_STR("")));
}

/* What there is to say of the migration that it has now; "" when it has none. */
static struct mv_str present(const struct mv_drain_making *m, const struct mv_sim_move *move,
                             const struct mv_drain_member *member) {
        if (!member->delayed)
                return move->from == member->home ? under_way(m, member) : (struct mv_str){ 0 };
        struct mv_str name = member->migration->meta.name;
        return mv_arena_format(
                m->arena,
                "its VirtualMachineInstanceMigration %.*s finds no node with its addedNodeSelector and fails after 5 min, "
                "and only then the evacuation makes its own (delete VirtualMachineInstanceMigration %.*s first)",
                MV_STR_ARG(name), MV_STR_ARG(name));
}

static void set_outcome(const struct mv_drain_making *m, const struct mv_sim_move *move,
                        struct mv_drain_fate *fate) {
        const struct mv_drain_member *member = &m->members[move->vm];
        fate->why = member->why;
        switch (move->end) {
        case MV_SIM_MOVED:
                fate->outcome = MV_DRAIN_MIGRATES;
                fate->why = mv_drain_joined(m->arena, present(m, move, member), member->may);
                fate->grace = -1;
                break;
        case MV_SIM_STARTED:
                fate->outcome = MV_DRAIN_RESTARTS;
                break;
        case MV_SIM_DOWN:
                fate->outcome = member->unowned ? MV_DRAIN_UNKNOWN : MV_DRAIN_STAYS_DOWN;
                fate->fix_first = member->refused;
                break;
        case MV_SIM_HOMELESS:
                fate->outcome = MV_DRAIN_STAYS_DOWN;
                fate->fix_first = true;
                fate->why = mv_arena_format(
                        m->arena,
                        "%s, so it is shut down and stays down: %.*s. It comes back when a node that takes it is uncordoned",
                        member->because, MV_STR_ARG(member->not_fitting));
                break;
        case MV_SIM_STAYED:
                if (member->external)
                        fate->outcome = MV_DRAIN_EXTERNAL;
                else
                        block(fate, member->obstacle, member->why);
                break;
        case MV_SIM_NO_NODE:
                block(fate, member->obstacle ? member->obstacle : MV_DRAIN_NO_NODE, member->not_fitting);
                break;
        case MV_SIM_ABORTED:
                block(fate, MV_DRAIN_CONVERGENCE, member->slow);
                break;
        case MV_SIM_NO_BUDGET: {
                const struct mv_meta *budget = mv_snapshot_at(
                        m->order->about.snapshot, MV_KIND_DISRUPTION_BUDGET, m->least[move->vm].budget);
                block(fate, MV_DRAIN_BUDGET,
                      mv_arena_format(m->arena, "%.*s, but PodDisruptionBudget %.*s allows no disruption",
                                      MV_STR_ARG(member->why), MV_STR_ARG(budget->name)));
                break;
        }
        case MV_SIM_NO_TURN:
                block(fate, MV_DRAIN_QUEUE,
                      MV_STR("the limits on parallel migrations never let its migration start"));
                break;
        case MV_SIM_STOPPED:
                if (member->slow.n)
                        block(fate, MV_DRAIN_CONVERGENCE, member->slow);
                else
                        fate->outcome = MV_DRAIN_UNDECIDED;
                break;
        }
}

static int64_t later(int64_t a, int64_t b) {
        return a > b ? a : b;
}

static void add_fate(struct mv_drain_making *m, const struct mv_sim_move *move,
                     const struct mv_sim_move *most, struct mv_drain_fate *fate) {
        const struct mv_drain_member *member = &m->members[move->vm];
        struct mv_drain_plan *plan = m->plan;
        *fate = (struct mv_drain_fate){
                .vmi = member->vmi,
                .from = node_name(m, move->from),
                .to = node_name(m, move->to),
                .node = move->drain,
                .begin_least = move->started,
                .begin_most = most ? most->started : MV_SIM_NEVER,
                .end_least = move->end == MV_SIM_HOMELESS ? move->left : move->ended,
                .end_most = !most                          ? MV_SIM_NEVER
                            : most->end == MV_SIM_HOMELESS ? most->left
                                                           : most->ended,
                .grace = member->grace,
                .homeless = move->end == MV_SIM_HOMELESS || move->end == MV_SIM_NO_NODE,
                .wave = move->wave,
                .attempts = move->attempts,
        };
        set_outcome(m, move, fate);
        fate->mismatch = member->mismatch;
        if (fate->outcome == MV_DRAIN_BLOCKS || fate->outcome == MV_DRAIN_STAYS_DOWN ||
            fate->outcome == MV_DRAIN_UNKNOWN || fate->mismatch.n) {
                fate->fixes = member->fixes;
                fate->n_fixes = member->n_fixes;
        }
        if (fate->outcome == MV_DRAIN_BLOCKS || fate->outcome == MV_DRAIN_EXTERNAL ||
            fate->outcome == MV_DRAIN_UNDECIDED)
                fate->end_least = fate->end_most = MV_SIM_NEVER;
        plan->count[fate->outcome]++;
        if (fate->outcome <= MV_DRAIN_UNKNOWN && move->wave > plan->waves)
                plan->waves = move->wave;
}

/* Moves come in the order of the evictions: node by node, but for what lands on a node that is being drained. */
static struct mv_drain_fate *by_node(struct mv_drain_making *m, const struct mv_drain_fate *fates, size_t n) {
        struct mv_drain_fate *sorted = mv_arena_new_array(m->arena, struct mv_drain_fate, n + 1);
        size_t *at = mv_arena_new_array(m->arena, size_t, (size_t)m->n_drained + 1);
        if (!sorted || !at)
                return NULL;
        for (size_t i = 0; i < n; i++)
                at[fates[i].node + 1]++;
        for (uint32_t node = 1; node <= m->n_drained; node++)
                at[node] += at[node - 1];
        for (size_t i = 0; i < n; i++)
                sorted[at[fates[i].node]++] = fates[i];
        return sorted;
}

bool mv_drain_add_fates(struct mv_drain_making *m, const struct mv_sim_result *least,
                        const struct mv_sim_result *most) {
        struct mv_drain_fate *fates =
                mv_arena_new_array(m->arena, struct mv_drain_fate, (size_t)least->n_moves + 1);
        if (!fates)
                return false;
        for (uint32_t i = 0; i < least->n_moves; i++) {
                const struct mv_sim_move *move = &least->moves[i];
                bool same = i < most->n_moves && most->moves[i].vm == move->vm &&
                            most->moves[i].from == move->from && most->moves[i].end == move->end;
                add_fate(m, move, same ? &most->moves[i] : NULL, &fates[i]);
                if (m->order->verdicts)
                        fates[i].advice = mv_drain_advice(m, m->members[move->vm].number, &fates[i]);
                if (mv_arena_failed(&m->scratch))
                        m->arena->failed = true; /* what was not found is not known to be right */
                mv_arena_clear(&m->scratch);
        }
        m->plan->fates = by_node(m, fates, least->n_moves);
        m->plan->n_fates = least->n_moves;
        return m->plan->fates != NULL;
}

bool mv_drain_add_nodes(struct mv_drain_making *m, const struct mv_sim_result *least,
                        const struct mv_sim_result *most) {
        struct mv_drain_node *nodes =
                mv_arena_new_array(m->arena, struct mv_drain_node, (size_t)m->n_drained + 1);
        if (!nodes)
                return false;
        for (uint32_t i = 0; i < m->n_drained; i++) {
                nodes[i] = (struct mv_drain_node){
                        .name = node_name(m, m->drained[i]),
                        .begin_least = least->drains[i].begun,
                        .empty_least = least->drains[i].empty,
                        .empty_most =
                                least->drains[i].empty == MV_SIM_NEVER ? MV_SIM_NEVER : most->drains[i].empty,
                };
                m->plan->least = later(m->plan->least, nodes[i].empty_least);
                m->plan->most = later(m->plan->most, nodes[i].empty_most);
        }
        for (size_t i = 0; i < m->plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &m->plan->fates[i];
                nodes[fate->node].n_fates++;
                nodes[fate->node].n_blocking +=
                        fate->outcome == MV_DRAIN_BLOCKS || fate->outcome == MV_DRAIN_UNDECIDED;
                nodes[fate->node].n_external += fate->outcome == MV_DRAIN_EXTERNAL;
        }
        m->plan->nodes = nodes;
        m->plan->n_nodes = m->n_drained;
        return true;
}

void mv_drain_add_assumptions(struct mv_drain_making *m) {
        const struct mv_drain_order *order = m->order;
        int64_t link = order->link_rate ? order->link_rate : MV_DRAIN_LINK_RATE;
        long long cluster = (long long)mv_drain_cluster_limit(order->about.config);
        struct mv_str *lines = mv_arena_new_array(m->arena, struct mv_str, 12);
        size_t n = 0;
        if (!lines)
                return;
        lines[n++] = mv_arena_format(
                m->arena,
                "Each node's network carries %lld Mbit/s. The shortest time has it alone and copies the memory %s; the "
                "longest shares it among %lld migrations, disks are full and a target pod is ready after 60 s.",
                (long long)(link * 8 / 1000000),
                order->dirty_rate ? "as often as the dirty rate asks" : "once", cluster);
        lines[n++] =
                order->dirty_rate
                        ? mv_arena_format(m->arena, "Every guest writes %lld MB of its memory a second.",
                                          (long long)(order->dirty_rate / 1000000))
                        : MV_STR("How fast the guests write is not known (--dirty-rate): the longest time is the "
                                 "deadline that KubeVirt sets a migration. One whose guest writes too fast is aborted then, "
                                 "unless workload disruption is allowed, and tried again: for it there is no longest time.");
        lines[n++] = MV_STR(
                "The scheduler prefers the node with most CPU and memory left, as by default; affinity to "
                "other pods and topology spread go by where the plan has the instances at that moment, and all "
                "other pods stay where they are.");
        lines[n++] = MV_STR(
                "Among migrations of the same priority KubeVirt has no order: this is one of the possible "
                "ones.");
        lines[n++] = MV_STR("A guest shuts down at once, or is killed 30 s after its grace period.");
        lines[n++] = MV_STR(
                "All pods are evicted at the same moment, as by kubectl drain; pods other than those of "
                "instances only take up room.");
        if (!mv_snapshot_count(order->about.snapshot, MV_KIND_POD))
                lines[n++] =
                        MV_STR("No Pod is in the input: nodes are judged as empty but for the instances that "
                               "run on them, with what their pods would request.");
        if (order->one_by_one)
                lines[n++] = MV_STR(
                        "A node takes instances again as soon as it is empty, and the next one is drained; "
                        "one that does not become empty stays closed, and the next one is drained all the "
                        "same.");
        m->plan->assumptions = lines;
        m->plan->n_assumptions = n;
}
