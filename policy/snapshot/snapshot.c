/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/snapshot.h"

#include "policy/kubevirt_config.h"
#include "policy/object/config_map.h"
#include "policy/object/node.h"
#include "policy/snapshot/snapshot_making.h"

#include <stdio.h>

void mv_snapshot_free(struct mv_snapshot *snapshot) {
        if (!snapshot)
                return;
        const struct mv_allocator *allocator = snapshot->allocator;
        void (*released)(void *context) = snapshot->released;
        void *context = snapshot->context;
        mv_arena_done(&snapshot->arena);
        mv_pieces_done(&snapshot->pieces);
        allocator->release(allocator->context, snapshot);
        if (released)
                released(context);
}

/* --- what is worked out once --- */

void mv_snapshot_add_note(struct mv_snapshot *snapshot, struct mv_str note) {
        if (snapshot->n_notes == snapshot->notes_capacity) {
                size_t capacity = snapshot->notes_capacity ? snapshot->notes_capacity * 2 : 8;
                struct mv_str *notes = mv_arena_new_array(&snapshot->arena, struct mv_str, capacity);
                if (!notes)
                        return;
                if (snapshot->n_notes)
                        memcpy(notes, snapshot->notes, snapshot->n_notes * sizeof *notes);
                snapshot->notes = notes;
                snapshot->notes_capacity = capacity;
        }
        snapshot->notes[snapshot->n_notes++] = note;
}

static const struct mv_config_map *pass_over_map(struct mv_snapshot *snapshot,
                                                 const struct mv_config_map *map) {
        mv_snapshot_add_note(snapshot,
                             mv_arena_format(&snapshot->arena, "ConfigMap %.*s/%.*s is not read: %.*s: %.*s",
                                             MV_STR_ARG(map->meta.namespace), MV_STR_ARG(map->meta.name),
                                             MV_STR_ARG(map->problem_path), MV_STR_ARG(map->problem)));
        return NULL;
}

/* That of KubeVirt's namespace, else of an installer's. Anybody can make one of that name elsewhere. */
static const struct mv_config_map *find_installed_config_map(const struct mv_snapshot *snapshot,
                                                             struct mv_str name) {
        const struct mv_config_map *map =
                mv_snapshot_find(snapshot, MV_KIND_CONFIG_MAP, snapshot->config->namespace, name);
        for (size_t i = 0; !map && mv_installer_namespace(i); i++)
                map = mv_snapshot_find(snapshot, MV_KIND_CONFIG_MAP, mv_str_from(mv_installer_namespace(i)),
                                       name);
        return map;
}

/* Files that do not show where KubeVirt is: the only one of that name. */
static const struct mv_config_map *find_only_config_map(struct mv_snapshot *snapshot, struct mv_str name) {
        const struct mv_config_map *only = NULL;
        if (mv_snapshot_count(snapshot, MV_KIND_KUBEVIRT) ||
            mv_snapshot_count(snapshot, MV_KIND_HYPERCONVERGED))
                return NULL;
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_CONFIG_MAP); i++) {
                const struct mv_config_map *map = mv_snapshot_at(snapshot, MV_KIND_CONFIG_MAP, i);
                if (!mv_str_equal(map->meta.name, name))
                        continue;
                if (only)
                        return NULL;
                only = map;
        }
        return only && only->problem.n ? pass_over_map(snapshot, only) : only;
}

/* NULL into *ret when there is none. */
static int find_cluster_config_map(struct mv_snapshot *snapshot, const char *name, bool pass_over,
                                   const struct mv_config_map **ret, const struct mv_config_map **ret_map,
                                   struct mv_err *err) {
        const struct mv_config_map *map = find_installed_config_map(snapshot, mv_str_from(name));
        *ret = map ? map : find_only_config_map(snapshot, mv_str_from(name));
        if (!map || !map->problem.n)
                return 0;
        if (pass_over) {
                *ret = pass_over_map(snapshot, map);
                return 0;
        }
        *ret_map = map;
        if (err) {
                err->line = err->column = 0;
                err->offset = 0;
                snprintf(err->path, sizeof err->path, "%.*s", MV_STR_ARG(map->problem_path));
        }
        return mv_err_set(err, MV_ETYPE, "ConfigMap %.*s/%.*s: %.*s", MV_STR_ARG(map->meta.namespace),
                          MV_STR_ARG(map->meta.name), MV_STR_ARG(map->problem));
}

/* As the operator of HyperConverged counts them. Of an input without nodes it is not known. */
static enum mv_optional has_several_workers(const struct mv_snapshot *snapshot) {
        const size_t n_nodes = mv_snapshot_count(snapshot, MV_KIND_NODE);
        size_t n = 0;
        if (!n_nodes && !mv_snapshot_has_all(snapshot, MV_KIND_NODE))
                return MV_UNSET;
        for (size_t i = 0; n < 2 && i < n_nodes; i++) {
                const struct mv_node *node = mv_snapshot_at(snapshot, MV_KIND_NODE, i);
                n += mv_map_get(&node->meta.labels, MV_STR("node-role.kubernetes.io/worker")) != NULL;
        }
        return n < 2 ? MV_FALSE : MV_TRUE;
}

int mv_snapshot_configure(struct mv_snapshot *snapshot, bool pass_over, const struct mv_config_map **ret_map,
                          struct mv_err *err) {
        const struct mv_kind_table *kubevirts = snapshot->tables[MV_KIND_KUBEVIRT];
        const struct mv_hyperconverged *hyperconverged =
                mv_snapshot_count(snapshot, MV_KIND_HYPERCONVERGED)
                        ? mv_snapshot_at(snapshot, MV_KIND_HYPERCONVERGED, 0)
                        : NULL;
        *ret_map = NULL;
        snapshot->config = mv_kubevirt_config_new(
                &snapshot->arena,
                kubevirts ? (const struct mv_kubevirt *const *)(const void *)kubevirts->objects : NULL,
                kubevirts ? kubevirts->n : 0, hyperconverged,
                hyperconverged ? has_several_workers(snapshot) : MV_UNSET);
        if (!snapshot->config)
                return mv_err_oom(err);
        int r = find_cluster_config_map(snapshot, MV_LEGACY_CONFIG, pass_over, &snapshot->legacy_config,
                                        ret_map, err);
        if (r == 0)
                r = find_cluster_config_map(snapshot, MV_STORAGE_CLASS_DEFAULTS, pass_over,
                                            &snapshot->storage_class_defaults, ret_map, err);
        return r;
}

/* --- reading --- */

const void *mv_snapshot_find(const struct mv_snapshot *snapshot, enum mv_kind kind, struct mv_str namespace,
                             struct mv_str name) {
        if (snapshot->lookups && name.n)
                mv_lookups_add(snapshot->lookups, kind, namespace, name);
        if (snapshot->namespace && kind == MV_KIND_NAMESPACE &&
            mv_str_equal(snapshot->namespace->meta.name, name))
                return snapshot->namespace;
        return mv_kind_table_find(snapshot->tables[kind], namespace, name);
}

size_t mv_snapshot_count(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        const struct mv_kind_table *table = snapshot->tables[kind];
        return table ? table->n : 0;
}

const void *mv_snapshot_at(const struct mv_snapshot *snapshot, enum mv_kind kind, size_t i) {
        return snapshot->tables[kind]->objects[i];
}

const void *const *mv_snapshot_of_namespace(const struct mv_snapshot *snapshot, enum mv_kind kind,
                                            struct mv_str namespace, size_t *ret_n) {
        return mv_kind_table_of_namespace(snapshot->tables[kind], namespace, ret_n);
}

const void *const *mv_snapshot_unfinished(const struct mv_snapshot *snapshot, enum mv_kind kind,
                                          size_t *ret_n) {
        const struct mv_kind_table *table = snapshot->tables[kind];
        *ret_n = table ? table->n_unfinished : 0;
        return table ? (const void *const *)table->unfinished : NULL;
}

bool mv_snapshot_is_blind(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        enum mv_knowledge knowledge = snapshot->known[kind].knowledge;
        return knowledge == MV_KNOWLEDGE_NONE || knowledge == MV_KNOWLEDGE_FORBIDDEN ||
               knowledge == MV_KNOWLEDGE_OUTDATED;
}

const struct mv_known *mv_snapshot_known(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        return &snapshot->known[kind];
}

const char *mv_snapshot_absent(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        static const char *const words[] = {
                [MV_KNOWLEDGE_SOME] = "is not in the input",
                [MV_KNOWLEDGE_NONE] = "has not been read yet",
                [MV_KNOWLEDGE_ALL] = "does not exist",
                [MV_KNOWLEDGE_ABSENT] = "does not exist",
                [MV_KNOWLEDGE_FORBIDDEN] = "may not be read",
                [MV_KNOWLEDGE_LOST] = "is not known",
                [MV_KNOWLEDGE_OUTDATED] = "is not known any more",
                [MV_KNOWLEDGE_NAMED] = "is not known",
                [MV_KNOWLEDGE_LATE] = "could not be read in time",
        };
        return words[snapshot->known[kind].knowledge];
}

bool mv_snapshot_has_all(const struct mv_snapshot *snapshot, enum mv_kind kind) {
        enum mv_knowledge knowledge = snapshot->known[kind].knowledge;
        return knowledge == MV_KNOWLEDGE_ALL || knowledge == MV_KNOWLEDGE_ABSENT;
}

const struct mv_entry *mv_snapshot_entries(const struct mv_snapshot *snapshot, size_t *ret_n) {
        *ret_n = snapshot->n_entries;
        return snapshot->entries;
}

const struct mv_str *mv_snapshot_notes(const struct mv_snapshot *snapshot, size_t *ret_n) {
        *ret_n = snapshot->n_notes;
        return snapshot->notes;
}

const struct mv_passed_over *mv_snapshot_passed_over(const struct mv_snapshot *snapshot, size_t *ret_n) {
        *ret_n = snapshot->n_passed_over;
        return snapshot->passed_over;
}

const struct mv_kubevirt_config *mv_snapshot_config(const struct mv_snapshot *snapshot) {
        return snapshot->config;
}

const struct mv_config_map *mv_snapshot_cluster_config_map(const struct mv_snapshot *snapshot,
                                                           struct mv_str name) {
        return mv_str_is(name, MV_LEGACY_CONFIG) ? snapshot->legacy_config : snapshot->storage_class_defaults;
}

const struct mv_node_index *mv_snapshot_node_index(const struct mv_snapshot *snapshot) {
        return snapshot->placement.nodes;
}

const struct mv_node_usage *mv_snapshot_node_usage(const struct mv_snapshot *snapshot) {
        return snapshot->placement.usage;
}

const struct mv_pod_index *mv_snapshot_pod_index(const struct mv_snapshot *snapshot) {
        return snapshot->placement.pods;
}

const struct mv_volume_index *mv_snapshot_volumes(const struct mv_snapshot *snapshot) {
        const struct mv_kind_table *table = snapshot->tables[MV_KIND_PERSISTENT_VOLUME];
        return table ? table->volumes : NULL;
}

const struct mv_kernels *mv_snapshot_kernels(const struct mv_snapshot *snapshot) {
        return &snapshot->placement.kernels;
}

int64_t mv_snapshot_lowest_tsc_frequency(const struct mv_snapshot *snapshot) {
        return snapshot->placement.lowest_tsc_frequency;
}

size_t mv_snapshot_bytes(const struct mv_snapshot *snapshot) {
        return snapshot->arena.held + snapshot->pieces.bytes + snapshot->shared_bytes;
}
