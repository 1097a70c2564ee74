/* SPDX-License-Identifier: Apache-2.0 */
/* Which pods are where as the drain goes on, for whose affinity and topology spread looks at them: a pod that is left counts
 * no more, and one that migrates counts on both nodes. */
#include "policy/drain/drain_making.h"

bool mv_drain_company_make(struct mv_arena *arena, const struct mv_snapshot *snapshot, uint32_t n_members,
                           struct mv_pod_moves *ret) {
        size_t most = 2 * (size_t)n_members + 1; /* each is on two nodes at most */
        *ret = (struct mv_pod_moves){
                .gone = mv_arena_new_array(arena, bool,
                                           mv_pod_index_count(mv_snapshot_pod_index(snapshot)) + 1),
                .come = mv_arena_new_array(arena, const struct mv_placed *, most),
                .averse = mv_arena_new_array(arena, const struct mv_placed *, most),
        };
        return ret->gone && ret->come && ret->averse;
}

bool mv_drain_keeps_company(const struct mv_vmi *vmi) {
        const struct mv_affinity *affinity = vmi->spec.affinity;
        return vmi->spec.topology_spread_constraints.n ||
               (affinity && ((affinity->pod && affinity->pod->required.n) ||
                             (affinity->pod_anti && affinity->pod_anti->required.n)));
}

static void come(struct mv_drain_places *places, struct mv_drain_member *member, uint32_t node) {
        const struct mv_placed **slot = member->moved[0] ? &member->moved[1] : &member->moved[0];
        struct mv_placed *placed = mv_arena_new(places->arena, struct mv_placed);
        struct mv_map *labels = mv_arena_new(places->arena, struct mv_map);
        if (!placed || !labels || *slot)
                return;
        *labels = mv_launcher_labels(places->arena, member->vmi);
        *placed = (struct mv_placed){
                .namespace = member->vmi->meta.namespace,
                .labels = labels,
                .affinity = mv_launcher_affinity(places->arena, member->vmi, labels),
                .node = node,
        };
        *slot = placed;
        places->moves.come[places->moves.n_come++] = placed;
        if (placed->affinity && placed->affinity->pod_anti && placed->affinity->pod_anti->required.n)
                places->moves.averse[places->moves.n_averse++] = placed;
}

/* The order says nothing. */
static void take_out(const struct mv_placed **list, size_t *n, const struct mv_placed *placed) {
        for (size_t i = 0; i < *n; i++)
                if (list[i] == placed) {
                        list[i] = list[--*n];
                        return;
                }
}

/* Its pods of the snapshot on that node: whether there are any left; with `go` they are gone from now on. */
static bool has_pod(struct mv_drain_places *places, const struct mv_drain_member *member, uint32_t node,
                    bool go) {
        const struct mv_pod_index *pods = mv_snapshot_pod_index(places->order->about.snapshot);
        const struct mv_groups *groups[] = { &places->index->pods_of, &places->index->created_by };
        bool found = false;
        for (size_t g = 0; g < 2; g++)
                MV_GROUP_FOREACH(i, groups[g], member->number) {
                        size_t number =
                                mv_pod_index_find(pods, mv_drain_pod(places->index, groups[g]->items[i]));
                        if (number == SIZE_MAX || mv_pod_index_at(pods, number)->node != node)
                                continue;
                        found |= !places->moves.gone[number];
                        places->moves.gone[number] |= go;
                }
        size_t number = mv_pod_index_find_instance(pods, member->vmi);
        if (number == SIZE_MAX || mv_pod_index_at(pods, number)->node != node)
                return found;
        found |= !places->moves.gone[number];
        places->moves.gone[number] |= go;
        return found;
}

void mv_drain_company_come(struct mv_drain_places *places, struct mv_drain_member *member, uint32_t node) {
        for (int i = 0; i < 2; i++)
                if (member->moved[i] && member->moved[i]->node == node)
                        return;
        if (!has_pod(places, member, node, false))
                come(places, member, node);
}

void mv_drain_company_leave(struct mv_drain_places *places, struct mv_drain_member *member, uint32_t node) {
        for (int i = 0; i < 2; i++) {
                const struct mv_placed *placed = member->moved[i];
                if (!placed || placed->node != node)
                        continue;
                take_out(places->moves.come, &places->moves.n_come, placed);
                take_out(places->moves.averse, &places->moves.n_averse, placed);
                member->moved[i] = NULL;
                return;
        }
        has_pod(places, member, node, true);
}
