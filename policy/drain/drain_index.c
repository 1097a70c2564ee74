/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/drain/drain_index.h"

#include "policy/base/hash.h"
#include "policy/base/lookup.h"
#include "policy/base/time.h"

static uint64_t hash_of(const struct mv_lookup *lookup, struct mv_str a, struct mv_str b) {
        return mv_hash_add(mv_hash_add(mv_hash_seed(lookup), a), b);
}

uint32_t mv_drain_index_node(const struct mv_drain_index *index, struct mv_str name) {
        MV_LOOKUP_FOREACH(i, index->nodes, hash_of(index->nodes, name, MV_STR("")))
        if (mv_str_equal(index->node_names[i - 1], name))
                return i - 1;
        return MV_NO_NUMBER;
}

uint32_t mv_drain_index_vmi(const struct mv_drain_index *index, struct mv_str namespace, struct mv_str name) {
        MV_LOOKUP_FOREACH(i, index->vmis, hash_of(index->vmis, namespace, name)) {
                const struct mv_meta *meta = &mv_drain_vmi(index, i - 1)->meta;
                if (mv_str_equal(meta->name, name) && mv_str_equal(meta->namespace, namespace))
                        return i - 1;
        }
        return MV_NO_NUMBER;
}

uint32_t mv_drain_index_migration(const struct mv_drain_index *index, struct mv_str namespace,
                                  struct mv_str uid) {
        MV_LOOKUP_FOREACH(i, index->migration_uids, hash_of(index->migration_uids, namespace, uid)) {
                const struct mv_meta *meta = &mv_drain_migration(index, i - 1)->meta;
                if (mv_str_equal(meta->uid, uid) && mv_str_equal(meta->namespace, namespace))
                        return i - 1;
        }
        return MV_NO_NUMBER;
}

static uint32_t vmi_of_uid(const struct mv_drain_index *index, struct mv_str uid) {
        MV_LOOKUP_FOREACH(i, index->uids, hash_of(index->uids, uid, MV_STR("")))
        if (mv_str_equal(mv_drain_vmi(index, i - 1)->meta.uid, uid))
                return i - 1;
        return MV_NO_NUMBER;
}

/* The instance that controls the pod. Manifests that were written by hand have no UIDs; there the name counts. */
static uint32_t controller_of(const struct mv_drain_index *index, const struct mv_pod *pod) {
        const struct mv_owner *owner = mv_meta_controller(&pod->meta);
        if (!owner)
                return MV_NO_NUMBER;
        uint32_t vmi = owner->uid.n ? vmi_of_uid(index, owner->uid)
                       : mv_str_is(owner->kind, "VirtualMachineInstance")
                               ? mv_drain_index_vmi(index, pod->meta.namespace, owner->name)
                               : MV_NO_NUMBER;
        return vmi != MV_NO_NUMBER &&
                               mv_str_equal(mv_drain_vmi(index, vmi)->meta.namespace, pod->meta.namespace) &&
                               (owner->uid.n || !mv_drain_vmi(index, vmi)->meta.uid.n)
                       ? vmi
                       : MV_NO_NUMBER;
}

/* n things by the key of each, of which there are n_keys; MV_NO_NUMBER is left out. */
static bool group(struct mv_arena *arena, uint32_t n_keys, const uint32_t *key_of, uint32_t n,
                  struct mv_groups *ret) {
        uint32_t *start = mv_arena_new_array(arena, uint32_t, (size_t)n_keys + 2);
        uint32_t *items = mv_arena_new_array(arena, uint32_t, (size_t)n + 1);
        if (!start || !items)
                return false;
        for (uint32_t i = 0; i < n; i++)
                if (key_of[i] != MV_NO_NUMBER)
                        start[key_of[i] + 2]++;
        for (uint32_t k = 2; k < n_keys + 2; k++)
                start[k] += start[k - 1];
        for (uint32_t i = 0; i < n; i++)
                if (key_of[i] != MV_NO_NUMBER)
                        items[start[key_of[i] + 1]++] = i;
        *ret = (struct mv_groups){ .start = start, .items = items };
        return true;
}

/* The nodes, and then the names of nodes that instances are on and that are not there. */
static bool index_nodes(struct mv_arena *arena, struct mv_drain_index *index) {
        uint32_t most = index->n_nodes + index->n_vmis;
        struct mv_lookup *nodes = mv_lookup_make(arena, most);
        struct mv_str *names = mv_arena_new_array(arena, struct mv_str, (size_t)most + 1);
        uint32_t *node_of = mv_arena_new_array(arena, uint32_t, (size_t)index->n_vmis + 1);
        if (!nodes || !names || !node_of)
                return false;
        index->nodes = nodes;
        index->node_names = names;
        index->node_of = node_of;
        for (uint32_t i = 0; i < index->n_nodes; i++) {
                names[i] = mv_drain_node_at(index, i)->meta.name;
                mv_lookup_add(nodes, hash_of(nodes, names[i], MV_STR("")), i);
        }
        index->n_places = index->n_nodes;
        for (uint32_t i = 0; i < index->n_vmis; i++) {
                struct mv_str name = mv_drain_vmi(index, i)->status.node_name;
                node_of[i] = mv_drain_index_node(index, name);
                if (node_of[i] != MV_NO_NUMBER)
                        continue;
                node_of[i] = index->n_places;
                names[index->n_places] = name;
                mv_lookup_add(nodes, hash_of(nodes, name, MV_STR("")), index->n_places++);
        }
        return true;
}

/* The other names: the rest is found by them. */
static bool index_names(struct mv_arena *arena, struct mv_drain_index *index) {
        struct mv_lookup *vmis = mv_lookup_make(arena, index->n_vmis),
                         *uids = mv_lookup_make(arena, index->n_vmis),
                         *migration_uids = mv_lookup_make(arena, index->n_migrations);
        if (!vmis || !uids || !migration_uids)
                return false;
        for (uint32_t i = 0; i < index->n_vmis; i++) {
                const struct mv_meta *meta = &mv_drain_vmi(index, i)->meta;
                mv_lookup_add(vmis, hash_of(vmis, meta->namespace, meta->name), i);
                if (meta->uid.n)
                        mv_lookup_add(uids, hash_of(uids, meta->uid, MV_STR("")), i);
        }
        for (uint32_t i = 0; i < index->n_migrations; i++) {
                const struct mv_meta *meta = &mv_drain_migration(index, i)->meta;
                if (meta->uid.n)
                        mv_lookup_add(migration_uids, hash_of(migration_uids, meta->namespace, meta->uid), i);
        }
        index->vmis = vmis;
        index->uids = uids;
        index->migration_uids = migration_uids;
        return true;
}

static bool index_relations(struct mv_arena *arena, struct mv_drain_index *index) {
        uint32_t *vmi_of = mv_arena_new_array(arena, uint32_t, (size_t)index->n_migrations + 1);
        uint32_t *controller = mv_arena_new_array(arena, uint32_t, (size_t)index->n_pods + 1);
        uint32_t *creator = mv_arena_new_array(arena, uint32_t, (size_t)index->n_pods + 1);
        if (!vmi_of || !controller || !creator)
                return false;
        for (uint32_t i = 0; i < index->n_migrations; i++) {
                const struct mv_migration *migration = mv_drain_migration(index, i);
                vmi_of[i] = mv_drain_index_vmi(index, migration->meta.namespace, migration->spec.vmi_name);
        }
        for (uint32_t i = 0; i < index->n_pods; i++) {
                const struct mv_pod *pod = mv_drain_pod(index, i);
                const struct mv_str *label = mv_map_get(&pod->meta.labels, MV_STR("kubevirt.io/created-by"));
                controller[i] = controller_of(index, pod);
                creator[i] = label && label->n ? vmi_of_uid(index, *label) : MV_NO_NUMBER;
        }
        index->vmi_of = vmi_of;
        return group(arena, index->n_places, index->node_of, index->n_vmis, &index->vmis_of_node) &&
               group(arena, index->n_vmis, vmi_of, index->n_migrations, &index->migrations_of) &&
               group(arena, index->n_vmis, controller, index->n_pods, &index->pods_of) &&
               group(arena, index->n_vmis, creator, index->n_pods, &index->created_by);
}

const struct mv_drain_index *mv_drain_index_make(struct mv_arena *arena, const struct mv_snapshot *snapshot) {
        struct mv_drain_index *index = mv_arena_new(arena, struct mv_drain_index);
        if (!index)
                return NULL;
        *index = (struct mv_drain_index){
                .snapshot = snapshot,
                .n_vmis = (uint32_t)mv_snapshot_count(snapshot, MV_KIND_VMI),
                .n_nodes = (uint32_t)mv_snapshot_count(snapshot, MV_KIND_NODE),
                .n_pods = (uint32_t)mv_snapshot_count(snapshot, MV_KIND_POD),
                .n_migrations = (uint32_t)mv_snapshot_count(snapshot, MV_KIND_MIGRATION),
        };
        return index_nodes(arena, index) && index_names(arena, index) && index_relations(arena, index) ? index
                                                                                                       : NULL;
}

size_t mv_drain_active_pods(const struct mv_drain_index *index, uint32_t vmi) {
        size_t n = 0;
        MV_GROUP_FOREACH(i, &index->pods_of, vmi)
        n += !mv_pod_is_final(mv_drain_pod(index, index->pods_of.items[i]));
        return n;
}

const struct mv_pod *mv_drain_current_pod(const struct mv_drain_index *index, uint32_t vmi) {
        struct mv_str node = mv_drain_vmi(index, vmi)->status.node_name;
        const struct mv_pod *newest = NULL;
        int64_t newest_time = INT64_MIN;
        MV_GROUP_FOREACH(i, &index->pods_of, vmi) {
                const struct mv_pod *pod = mv_drain_pod(index, index->pods_of.items[i]);
                int64_t created = INT64_MIN;
                if (node.n && !mv_str_equal(pod->spec.node_name, node))
                        continue;
                mv_time_parse(pod->meta.creation_timestamp, &created);
                if (!newest || newest_time < created) {
                        newest = pod;
                        newest_time = created;
                }
        }
        return newest;
}

bool mv_drain_has_target_pod(const struct mv_drain_index *index, uint32_t migration) {
        struct mv_str uid = mv_drain_migration(index, migration)->meta.uid;
        uint32_t vmi = index->vmi_of[migration];
        if (vmi == MV_NO_NUMBER)
                return false;
        MV_GROUP_FOREACH(i, &index->created_by, vmi) {
                const struct mv_map *labels = &mv_drain_pod(index, index->created_by.items[i])->meta.labels;
                if (mv_map_has(labels, MV_STR("kubevirt.io/migrationJobUID"), uid) &&
                    mv_map_has(labels, MV_STR("kubevirt.io"), MV_STR("virt-launcher")))
                        return true;
        }
        return false;
}
