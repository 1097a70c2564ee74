/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/stranded.h"

#include "policy/base/growing.h"
#include "policy/object/pod.h"
#include "policy/nodes/podindex.h"

#include <stdlib.h>

static const struct kind {
        const char *key, *token;
} kinds[] = {
        { "cpu-model-migration.node.kubevirt.io/", "host-model:" },
        { "cpu-feature.node.kubevirt.io/", "cpu-feature:" },
};

/* The cause that the key is, "" when it tells nothing of the CPU. */
static struct mv_str token_of(struct mv_arena *arena, struct mv_str key) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                struct mv_str prefix = mv_str_from(kinds[i].key);
                if (mv_str_starts_with(key, prefix))
                        return mv_arena_format(arena, "%s%.*s", kinds[i].token,
                                               MV_STR_ARG(mv_str_skip(key, prefix.n)));
        }
        return (struct mv_str){ 0 };
}

static bool is_required(const struct mv_cpu *cpu, struct mv_str key) {
        for (size_t i = 0; i < cpu->features.n; i++)
                if (mv_str_ends_with(key, cpu->features.items[i].name) &&
                    mv_str_find_byte(key, '/') + 1 + cpu->features.items[i].name.n == key.n)
                        return true;
        return false;
}

static int by_text(const void *a, const void *b) {
        return mv_str_compare(*(const struct mv_str *)a, *(const struct mv_str *)b);
}

/* The nodes other than its own where instances can run. */
static uint64_t *others(struct mv_arena *arena, const struct mv_node_index *index, size_t source) {
        uint64_t *set = mv_node_set_new(index, arena);
        if (!set)
                return NULL;
        mv_node_set_or(index, set,
                       mv_node_index_label(index, arena, MV_STR("kubevirt.io/schedulable"), MV_STR("true")));
        if (source != SIZE_MAX)
                mv_node_set_remove(set, source);
        return set;
}

const struct mv_stranded *mv_stranded_find(struct mv_arena *arena, const struct mv_fit_question *q) {
        const struct mv_node_index *index = mv_snapshot_node_index(q->snapshot);
        const struct mv_cpu *cpu = q->vmi->spec.domain.cpu;
        struct mv_str node = q->vmi->status.node_name;
        if (!node.n || !cpu || !mv_str_is(cpu->model, "host-model"))
                return NULL;
        const struct mv_pod *pod = mv_pod_index_launcher(mv_snapshot_pod_index(q->snapshot), q->vmi, node);
        const uint64_t *set = others(arena, index, mv_node_index_find(index, node));
        uint64_t *passing = others(arena, index, mv_node_index_find(index, node));
        size_t n = pod ? pod->spec.node_selector.n : 0, frozen = 0, missing = 0;
        struct mv_stranded *stranded = mv_arena_new(arena, struct mv_stranded);
        /* What no other node has from the front, what some have from the back. */
        struct mv_str *causes = mv_arena_new_array(arena, struct mv_str, 2 * n + 1);
        if (!pod || !set || !passing || !stranded || !causes || !mv_node_set_count(index, set))
                return NULL;
        for (size_t i = 0; i < n; i++) {
                const struct mv_pair *pair = &pod->spec.node_selector.items[i];
                struct mv_str token = token_of(arena, pair->key);
                if (!token.n || is_required(cpu, pair->key))
                        continue;
                const uint64_t *with = mv_node_index_label(index, arena, pair->key, pair->value);
                causes[n + frozen++] = token;
                if (!mv_node_set_count_both(index, set, with))
                        causes[missing++] = token;
                mv_node_set_and(index, passing, with);
        }
        if (mv_arena_failed(arena) || !frozen || mv_node_set_count(index, passing))
                return NULL;
        stranded->pod = pod;
        stranded->together = !missing;
        stranded->causes = missing ? causes : causes + n;
        stranded->n = missing ? missing : frozen;
        qsort(missing ? causes : causes + n, stranded->n, sizeof *causes, by_text);
        return stranded;
}

struct mv_str mv_stranded_text(struct mv_arena *arena, const struct mv_stranded *stranded) {
        struct mv_growing text = { .arena = arena };
        for (size_t i = 0; i < stranded->n; i++)
                mv_growing_add(&text, "%s%.*s", i ? ", " : "", MV_STR_ARG(stranded->causes[i]));
        return mv_growing_text(&text);
}
