/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_making.h"

#include "policy/base/time.h"
#include "policy/launcher/podrequests.h"

#include <stdlib.h>

enum { PENDING_TIMEOUT = 300000, FIRST_BACKOFF = 20000 }; /* ms (migration.go) */
/* What a review may take, whatever the size of the cluster. */
enum { MOST_QUESTIONS = 1000, MOST_MEMORY = 256 << 20 };
enum { MOST_ORDERED = 32, ROUNDS = 6 }; /* nodes for which an order is looked for, and how hard */

/* --- who takes part --- */

static uint32_t place_of(const struct mv_drain_making *m, struct mv_str node) {
        size_t place = mv_node_index_find(m->nodes, node);
        return place == SIZE_MAX ? MV_SIM_NONE : (uint32_t)place;
}

static bool take_nodes(struct mv_drain_making *m) {
        bool *seen = mv_arena_new_array(m->arena, bool, mv_node_index_count(m->nodes) + 1);
        m->drained = mv_arena_new_array(m->arena, uint32_t, m->order->n_nodes + 1);
        if (!seen || !m->drained)
                return false;
        for (size_t i = 0; i < m->order->n_nodes; i++) {
                uint32_t place = place_of(m, m->order->nodes[i]);
                if (place != MV_SIM_NONE && !seen[place])
                        m->drained[m->n_drained++] = place;
                if (place != MV_SIM_NONE)
                        seen[place] = true;
        }
        return true;
}

/* The first of its migrations that has not ended. */
static const struct mv_migration *unfinished(const struct mv_drain_making *m, uint32_t vmi) {
        MV_GROUP_FOREACH(i, &m->index->migrations_of, vmi) {
                const struct mv_migration *migration =
                        mv_drain_migration(m->index, m->index->migrations_of.items[i]);
                if (!mv_migration_is_final(migration) && !mv_migration_is_decentralized(migration))
                        return migration;
        }
        return NULL;
}

static int by_age_and_name(const void *a, const void *b) {
        const struct mv_drain_member *x = a, *y = b;
        if (!x->migration != !y->migration)
                return x->migration ? -1 : 1;
        int64_t at_x = INT64_MIN, at_y = INT64_MIN;
        if (x->migration) {
                mv_time_parse(x->migration->meta.creation_timestamp, &at_x);
                mv_time_parse(y->migration->meta.creation_timestamp, &at_y);
        }
        if (at_x != at_y)
                return at_x < at_y ? -1 : 1;
        int order = mv_str_compare(x->vmi->meta.namespace, y->vmi->meta.namespace);
        return order ? order : mv_str_compare(x->vmi->meta.name, y->vmi->meta.name);
}

/* It is on one of the nodes, or has a migration. */
static bool takes_part(const struct mv_drain_making *m, const bool *drained, uint32_t vmi,
                       uint32_t *ret_node) {
        const struct mv_vmi *object = mv_drain_vmi(m->index, vmi);
        *ret_node = place_of(m, object->status.node_name);
        return !mv_vmi_is_final(object) && *ret_node != MV_SIM_NONE &&
               (drained[*ret_node] || unfinished(m, vmi));
}

static bool take_members(struct mv_drain_making *m) {
        uint32_t n = 0, node;
        bool *drained = mv_arena_new_array(m->arena, bool, mv_node_index_count(m->nodes) + 1);
        if (!drained)
                return false;
        for (uint32_t i = 0; i < m->n_drained; i++)
                drained[m->drained[i]] = true;
        for (uint32_t i = 0; i < m->index->n_vmis; i++)
                n += takes_part(m, drained, i, &node);
        m->members = mv_arena_new_array(m->arena, struct mv_drain_member, (size_t)n + 1);
        if (!m->members)
                return false;
        for (uint32_t i = 0; i < m->index->n_vmis; i++) {
                if (!takes_part(m, drained, i, &node))
                        continue;
                m->members[m->n_members++] = (struct mv_drain_member){
                        .vmi = mv_drain_vmi(m->index, i),
                        .number = i,
                        .migration = unfinished(m, i),
                        .on_drained = drained[node],
                        .home = node,
                        .at = node,
                        .taken = MV_SIM_NONE,
                };
        }
        qsort(m->members, m->n_members, sizeof *m->members, by_age_and_name);
        return true;
}

/* The migration that the member has, and the pod that it has made. */
static void take_job(struct mv_drain_making *m, struct mv_drain_member *member, struct mv_sim_vm *vm) {
        const struct mv_migration_state *state = member->vmi->status.migration_state;
        if (!member->migration)
                return;
        vm->job_priority = mv_drain_has_priorities(m->order->about.config)
                                   ? mv_drain_priority(member->migration->spec.priority)
                                   : 0;
        vm->job = mv_migration_is_running(member->migration) ? MV_SIM_RUNNING : MV_SIM_QUEUED;
        vm->job_is_narrow = member->migration->spec.added_node_selector.n > 0;
        if (vm->job != MV_SIM_RUNNING)
                return;
        if (state && mv_str_equal(state->migration_uid, member->migration->meta.uid))
                vm->job_target = place_of(m, state->target_node);
        MV_GROUP_FOREACH(i, &m->index->pods_of, member->number) {
                const struct mv_pod *pod = mv_drain_pod(m->index, m->index->pods_of.items[i]);
                if (mv_pod_is_final(pod) ||
                    !mv_map_has(&pod->meta.labels, MV_STR("kubevirt.io/migrationJobUID"),
                                member->migration->meta.uid))
                        continue;
                if (vm->job_target == MV_SIM_NONE)
                        vm->job_target = place_of(m, pod->spec.node_name);
                member->target = mv_pod_requests(m->arena, pod);
        }
        member->target_made = true;
        member->taken = vm->job_target;
}

static int evacuation_priority(const struct mv_drain_making *m, const struct mv_vmi *vmi) {
        if (!mv_drain_has_priorities(m->order->about.config))
                return 0;
        return mv_drain_priority(mv_map_has(&vmi->meta.annotations, MV_STR("kubevirt.io/eviction-source"),
                                            MV_STR("descheduler"))
                                         ? MV_STR("system-maintenance")
                                         : MV_STR("system-critical"));
}

/* Of the pod that the instance runs in, where the input does not have it; NULL: KubeVirt could not make it. */
static const struct mv_amounts *requests_of(struct mv_drain_making *m, const struct mv_vmi *vmi) {
        const struct mv_drain_question *about = &m->order->about;
        struct mv_instance *instance = mv_arena_new(&m->scratch, struct mv_instance);
        if (!instance)
                return NULL;
        mv_expand_vmi(&m->scratch, about->config, vmi, instance);
        const struct mv_launcher *launcher =
                mv_launcher_make(&m->scratch, about->config, about->version, &instance->vmi);
        return launcher && !launcher->problem.n ? &launcher->requests : NULL;
}

/* An instance without its launcher pod in the input takes up room all the same. */
static bool count_instances(struct mv_drain_making *m) {
        const struct mv_snapshot *snapshot = m->order->about.snapshot;
        const struct mv_pod_index *pods = mv_snapshot_pod_index(snapshot);
        m->usage = mv_node_usage_copy(m->arena, mv_snapshot_node_usage(snapshot));
        if (!m->usage)
                return false;
        for (uint32_t i = 0; i < m->index->n_vmis; i++) {
                const struct mv_vmi *vmi = mv_drain_vmi(m->index, i);
                uint32_t node = place_of(m, vmi->status.node_name);
                if (node == MV_SIM_NONE || mv_vmi_is_final(vmi) || mv_drain_active_pods(m->index, i) ||
                    mv_pod_index_launcher(pods, vmi, (struct mv_str){ 0 }))
                        continue;
                const struct mv_amounts *requests = requests_of(m, vmi);
                if (requests)
                        mv_node_usage_add(m->usage, node, requests);
                if (mv_arena_failed(&m->scratch))
                        return false;
                mv_arena_clear(&m->scratch);
        }
        return !mv_arena_failed(m->arena);
}

static bool describe_members(struct mv_drain_making *m) {
        m->least = mv_arena_new_array(m->arena, struct mv_sim_vm, (size_t)m->n_members + 1);
        m->most = mv_arena_new_array(m->arena, struct mv_sim_vm, (size_t)m->n_members + 1);
        m->first = mv_arena_new_array(m->arena, struct mv_drain_found *, (size_t)m->n_members + 1);
        m->last = mv_arena_new_array(m->arena, struct mv_drain_found *, (size_t)m->n_members + 1);
        if (mv_arena_failed(m->arena))
                return false;
        for (uint32_t i = 0; i < m->n_members; i++) {
                struct mv_drain_member *member = &m->members[i];
                struct mv_sim_vm vm = { .node = member->at,
                                        .priority = evacuation_priority(m, member->vmi),
                                        .job_target = MV_SIM_NONE };
                const struct mv_pod *pod = mv_drain_current_pod(m->index, member->number);
                take_job(m, member, &vm);
                m->company |= mv_drain_keeps_company(member->vmi);
                mv_drain_way(m->arena, m->order, m->index, &m->budgets, member, &vm);
                if (pod && !mv_pod_is_final(pod))
                        member->source = mv_pod_requests(m->arena, pod);
                else if (!mv_pod_index_launcher(mv_snapshot_pod_index(m->order->about.snapshot), member->vmi,
                                                (struct mv_str){ 0 }))
                        member->source = mv_drain_keep_amounts(m->arena, requests_of(m, member->vmi));
                if (mv_arena_failed(&m->scratch))
                        return false;
                mv_arena_clear(&m->scratch);
                if (m->order->verdicts)
                        mv_drain_judge(m, member, &vm);
                m->least[i] = m->most[i] = vm;
                mv_drain_times(&m->scratch, m->arena, m->order, member, &m->least[i], &m->most[i]);
                if (member->waits)
                        m->most[i].takes = MV_SIM_NEVER;
                if (mv_arena_failed(&m->scratch))
                        return false;
                mv_arena_clear(&m->scratch);
        }
        return true;
}

/* --- the two simulations --- */

struct searching {
        struct mv_drain_making *m;
        struct mv_drain_places places;
};

static uint32_t find_and_note(void *context, uint32_t vm, uint32_t from, const bool *closed) {
        struct searching *searching = context;
        uint32_t node = mv_drain_places_find(&searching->places, vm, from, closed);
        bool waited = searching->m->waits[vm];
        searching->m->waits[vm] = node == MV_SIM_NONE;
        if (node == MV_SIM_NONE)
                return node;
        struct mv_drain_found *found = mv_arena_new(searching->m->arena, struct mv_drain_found);
        if (!found)
                return MV_SIM_NONE;
        uint32_t after = waited ? searching->m->happened_last : MV_SIM_NONE;
        *found = (struct mv_drain_found){
                .node = node,
                .after = after,
                .count = after == MV_SIM_NONE ? 0 : searching->m->happened[after],
                .failed = searching->m->failed[vm],
        };
        *(searching->m->last[vm] ? &searching->m->last[vm]->next : &searching->m->first[vm]) = found;
        searching->m->last[vm] = found;
        return node;
}

static void happens(struct mv_drain_making *m, uint32_t vm) {
        m->happened[vm]++;
        m->happened_last = vm;
}

static void take_place(void *context, uint32_t vm, uint32_t node) {
        happens(((struct searching *)context)->m, vm);
        mv_drain_places_take(&((struct searching *)context)->places, vm, node);
}

static void leave_place(void *context, uint32_t vm, uint32_t node) {
        happens(((struct searching *)context)->m, vm);
        mv_drain_places_leave(&((struct searching *)context)->places, vm, node);
}

static void fails(void *context, uint32_t vm) {
        struct searching *searching = context;
        searching->m->failed[vm] = true;
        mv_drain_places_fail(&searching->places, vm);
}

/* The upper bound goes the same ways; who had to wait for another one waits for it. */
static uint32_t find_again(void *context, uint32_t vm, uint32_t from, const bool *closed) {
        struct mv_drain_making *m = context;
        (void)from;
        (void)closed;
        struct mv_drain_found *found = m->first[vm];
        if (!found || (found->after != MV_SIM_NONE && m->happened[found->after] < found->count) ||
            (found->failed && !m->failed[vm]))
                return MV_SIM_NONE;
        m->first[vm] = found->next;
        return found->node;
}

static void happens_again(void *context, uint32_t vm, uint32_t node) {
        (void)node;
        happens(context, vm);
}

static void fails_again(void *context, uint32_t vm) {
        ((struct mv_drain_making *)context)->failed[vm] = true;
}

/* Nothing has happened yet. */
static bool begin(struct mv_drain_making *m) {
        m->waits = mv_arena_new_array(m->arena, bool, (size_t)m->n_members + 1);
        m->happened = mv_arena_new_array(m->arena, uint32_t, (size_t)m->n_members + 1);
        m->happened_last = MV_SIM_NONE;
        m->failed = mv_arena_new_array(m->arena, bool, (size_t)m->n_members + 1);
        return m->waits && m->happened && m->failed;
}

static struct mv_sim simulation(const struct mv_drain_making *m, const struct mv_sim_vm *vms) {
        const struct mv_kubevirt_config *config = m->order->about.config;
        return (struct mv_sim){
                .vms = vms,
                .n_vms = m->n_members,
                .n_nodes = (uint32_t)mv_node_index_count(m->nodes),
                .budgets = m->budgets.allowed,
                .n_budgets = m->budgets.n,
                .drained = m->drained,
                .n_drained = m->n_drained,
                .one_by_one = m->order->one_by_one,
                .cluster_limit = mv_drain_cluster_limit(config),
                .node_limit = mv_drain_node_limit(config),
                .pending_timeout = PENDING_TIMEOUT,
                .first_backoff = FIRST_BACKOFF,
                .most_questions = m->order->most_questions,
                .company = m->company,
        };
}

static const struct mv_sim_result *search(struct mv_drain_making *m, struct mv_sim *sim,
                                          struct mv_drain_member *members) {
        struct searching searching = { .m = m };
        if (!begin(m) || !mv_drain_places_make(m->arena, m->order, m->index, m->usage, members, m->n_members,
                                               &searching.places))
                return NULL;
        sim->places = (struct mv_sim_places){ &searching, find_and_note, take_place, leave_place, fails };
        const struct mv_sim_result *result = mv_sim_run(m->arena, sim);
        mv_drain_places_done(&searching.places);
        return result;
}

/* --- an order of the nodes --- */

static size_t homeless(const struct mv_sim_result *result) {
        size_t n = 0;
        for (uint32_t i = 0; i < result->n_moves; i++)
                n += result->moves[i].end == MV_SIM_NO_NODE || result->moves[i].end == MV_SIM_HOMELESS;
        return n;
}

struct load {
        uint32_t node, place;
        uint32_t n;
};

static int lightest_first(const void *a, const void *b) {
        const struct load *x = a, *y = b;
        return x->n != y->n ? (x->n < y->n ? -1 : 1) : (x->place < y->place ? -1 : 1);
}

/* Those in which somebody found no node go to the end, in the order in which they were. */
static bool defer(struct mv_drain_making *m, const struct mv_sim_result *result, struct load *order) {
        bool *late = mv_arena_new_array(m->arena, bool, m->n_drained);
        struct load *next = mv_arena_new_array(m->arena, struct load, m->n_drained);
        uint32_t n = 0;
        if (!late || !next)
                return false;
        for (uint32_t i = 0; i < result->n_moves; i++)
                if (result->moves[i].end == MV_SIM_NO_NODE || result->moves[i].end == MV_SIM_HOMELESS)
                        late[result->moves[i].drain] = true;
        for (int pass = 0; pass < 2; pass++)
                for (uint32_t i = 0; i < m->n_drained; i++)
                        if (late[i] == (pass == 1))
                                next[n++] = order[i];
        bool changed = memcmp(next, order, n * sizeof *next) != 0;
        memcpy(order, next, n * sizeof *next);
        return changed;
}

/* Run them one by one in that order; how many find no node. */
static const struct mv_sim_result *try_order(struct mv_drain_making *m, const struct load *order) {
        struct mv_sim sim = simulation(m, m->least);
        uint32_t *drained = mv_arena_new_array(m->arena, uint32_t, m->n_drained);
        struct mv_drain_member *members =
                mv_arena_new_array(m->arena, struct mv_drain_member, (size_t)m->n_members + 1);
        if (!drained || !members)
                return NULL;
        memcpy(members, m->members, m->n_members * sizeof *members);
        for (uint32_t i = 0; i < m->n_drained; i++)
                drained[i] = order[i].node;
        sim.drained = drained;
        sim.one_by_one = true;
        return search(m, &sim, members);
}

static void keep_order(struct mv_drain_making *m, const struct load *order, size_t leaves) {
        size_t *kept = mv_arena_new_array(m->arena, size_t, m->n_drained);
        if (!kept)
                return;
        for (uint32_t i = 0; i < m->n_drained; i++)
                kept[i] = order[i].place;
        m->plan->order = kept;
        m->plan->n_order = m->n_drained;
        m->plan->order_leaves = leaves;
}

/* The lightest node first; whoever finds no room waits until the others are back. */
static void look_for_order(struct mv_drain_making *m, const struct mv_sim_result *asked) {
        size_t best = homeless(asked);
        if (!best || asked->stopped || m->n_drained < 2 || m->n_drained > MOST_ORDERED)
                return;
        struct load *order = mv_arena_new_array(m->arena, struct load, m->n_drained);
        if (!order)
                return;
        for (uint32_t i = 0; i < m->n_drained; i++)
                order[i] = (struct load){ .node = m->drained[i], .place = i };
        for (uint32_t i = 0; i < m->n_members; i++)
                for (uint32_t d = 0; d < m->n_drained; d++)
                        order[d].n += m->least[i].node == order[d].node;
        qsort(order, m->n_drained, sizeof *order, lightest_first);
        for (int round = 0; round < ROUNDS && best; round++) {
                const struct mv_sim_result *result = try_order(m, order);
                if (!result || result->stopped)
                        return;
                if (homeless(result) < best) {
                        best = homeless(result);
                        keep_order(m, order, best);
                }
                if (!defer(m, result, order))
                        return;
        }
}

static bool fill(struct mv_drain_making *m) {
        struct mv_sim sim = simulation(m, m->least);
        struct mv_drain_member *members =
                mv_arena_new_array(m->arena, struct mv_drain_member, (size_t)m->n_members + 1);
        if (!members)
                return false;
        memcpy(members, m->members, m->n_members * sizeof *members);
        const struct mv_sim_result *least = search(m, &sim, members);
        if (!least)
                return false;
        for (uint32_t i = 0; i < m->n_members; i++) {
                m->members[i].not_fitting = members[i].not_fitting;
                m->members[i].obstacle = members[i].obstacle;
                m->members[i].delayed = members[i].delayed;
        }
        sim.vms = m->most;
        sim.most_questions = 0;
        sim.places = (struct mv_sim_places){ m, find_again, happens_again, happens_again, fails_again };
        const struct mv_sim_result *most = begin(m) ? mv_sim_run(m->arena, &sim) : NULL;
        if (!most || !mv_drain_add_fates(m, least, most) || !mv_drain_add_nodes(m, least, most))
                return false;
        m->plan->stopped = least->stopped;
        m->plan->blocks =
                least->stopped || m->plan->count[MV_DRAIN_BLOCKS] || m->plan->count[MV_DRAIN_UNDECIDED];
        look_for_order(m, least);
        mv_drain_add_assumptions(m);
        return !mv_arena_failed(m->arena);
}

const struct mv_drain_plan *mv_drain_plan_make(struct mv_arena *arena, const struct mv_drain_order *order) {
        const struct mv_snapshot *snapshot = order->about.snapshot;
        struct mv_drain_making m = {
                .arena = arena,
                .order = order,
                .index = mv_drain_index_make(arena, snapshot),
                .nodes = mv_snapshot_node_index(snapshot),
                .plan = mv_arena_new(arena, struct mv_drain_plan),
        };
        if (!m.index || !m.plan)
                return NULL;
        mv_arena_init(&m.scratch, arena->allocator, 0);
        bool made = mv_drain_budgets_make(arena, snapshot, &m.budgets) && take_nodes(&m) &&
                    count_instances(&m) && take_members(&m) && describe_members(&m) && fill(&m);
        mv_arena_done(&m.scratch);
        return made ? m.plan : NULL;
}

bool mv_drain_for_review(struct mv_arena *arena, const struct mv_allocator *allocator,
                         const struct mv_drain_question *about, struct mv_str node,
                         const struct mv_drain_plan **ret) {
        const struct mv_drain_order order = {
                .about = *about,
                .nodes = &node,
                .n_nodes = 1,
                .most_questions = MOST_QUESTIONS,
        };
        mv_arena_init(arena, allocator, MOST_MEMORY);
        *ret = NULL;
        if (!mv_snapshot_find(about->snapshot, MV_KIND_NODE, (struct mv_str){ 0 }, node))
                return true;
        *ret = mv_drain_plan_make(arena, &order);
        return *ret != NULL;
}
