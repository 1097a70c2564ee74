/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/narrow.h"

static bool fits_key(struct mv_str key, bool zone) {
        return zone ? mv_str_is(key, "topology.kubernetes.io/zone")
                    : mv_str_starts_with(key, MV_STR("cpu-model.node.kubevirt.io/"));
}

/* The first label of that kind which, of the others, just the fitting nodes carry. */
static bool find(struct mv_arena *arena, const struct mv_node_index *index, const uint64_t *fitting,
                 const uint64_t *others, bool zone, struct mv_pair *ret) {
        const struct mv_node *first = mv_node_index_at(index, mv_node_set_next(index, fitting, 0));
        size_t n = mv_node_set_count(index, fitting);
        for (size_t i = 0; i < first->meta.labels.n; i++) {
                const struct mv_pair *label = &first->meta.labels.items[i];
                if (!fits_key(label->key, zone))
                        continue;
                const uint64_t *carriers = mv_node_index_label(index, arena, label->key, label->value);
                if (mv_node_set_count_both(index, carriers, fitting) != n ||
                    mv_node_set_count_both(index, carriers, others) != n)
                        continue;
                *ret = *label;
                return true;
        }
        return false;
}

bool mv_narrow(struct mv_arena *arena, const struct mv_fit *fit, struct mv_pair *ret) {
        if (!fit || fit->source == SIZE_MAX)
                return false;
        uint64_t *fitting = mv_fit_passing(arena, fit, MV_FIT_LASTING);
        uint64_t *others = mv_node_set_all(fit->index, arena);
        if (!fitting || !others)
                return false;
        mv_node_set_remove(fitting, fit->source);
        mv_node_set_remove(others, fit->source);
        size_t n = mv_node_set_count(fit->index, fitting);
        if (!n || n == mv_node_set_count(fit->index, others))
                return false;
        return find(arena, fit->index, fitting, others, false, ret) ||
               find(arena, fit->index, fitting, others, true, ret);
}
