/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/claims.h"

#include "policy/base/names.h"

struct resolver {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_behaviour *behaviour;
        const struct mv_instance *instance;
        struct mv_str namespace;
        struct mv_names_index statuses, migrated, disks, filesystems, templates;
};

static const struct mv_claim_info *claim_info(const struct resolver *r, struct mv_str volume) {
        size_t i = mv_names_index_find(&r->statuses, volume);
        return i == SIZE_MAX ? NULL : r->instance->vmi.status.volume_status.items[i].claim_info;
}

/* Neither a claim nor a host disk, not shown through virtiofs, not a read-only CD-ROM. */
static bool is_copied(const struct resolver *r, const struct mv_volume *volume) {
        if (volume->persistent_volume_claim || volume->data_volume || volume->host_disk ||
            (!r->behaviour->filesystems_copied &&
             mv_names_index_find(&r->filesystems, volume->name) != SIZE_MAX))
                return false;
        size_t i = mv_names_index_find(&r->disks, volume->name);
        if (i == SIZE_MAX)
                return true;
        const struct mv_disk_target *cdrom = r->instance->vmi.spec.domain.devices.disks.items[i].cdrom;
        return !cdrom || cdrom->readonly == MV_FALSE;
}

/* The default class: among those with the annotation the newest, then the first by name. */
static const struct mv_storage_class *default_class(const struct mv_snapshot *snapshot,
                                                    struct mv_str annotation) {
        const struct mv_storage_class *best = NULL;
        for (size_t i = 0; i < mv_snapshot_count(snapshot, MV_KIND_STORAGE_CLASS); i++) {
                const struct mv_storage_class *class = mv_snapshot_at(snapshot, MV_KIND_STORAGE_CLASS, i);
                if (!mv_map_has(&class->meta.annotations, annotation, MV_STR("true")))
                        continue;
                int newer =
                        best ? mv_str_compare(class->meta.creation_timestamp, best->meta.creation_timestamp)
                             : 1;
                if (newer > 0 || (newer == 0 && mv_str_compare(class->meta.name, best->meta.name) < 0))
                        best = class;
        }
        return best;
}

static void unknown(struct mv_claim_facts *facts, enum mv_kind kind, struct mv_str name,
                    struct mv_str problem) {
        facts->source = MV_CLAIM_UNKNOWN;
        facts->missing_kind = kind;
        facts->missing_name = name;
        facts->problem = problem;
}

/* Access modes of the first set of the profile whose volume mode fits. */
static void resolve_profile(struct resolver *r, const struct mv_claim_spec *storage,
                            struct mv_claim_facts *facts) {
        const struct mv_storage_profile *profile = mv_snapshot_find(
                r->snapshot, MV_KIND_STORAGE_PROFILE, (struct mv_str){ 0 }, facts->storage_class);
        if (!profile) {
                unknown(facts, MV_KIND_STORAGE_PROFILE, facts->storage_class,
                        mv_arena_format(r->arena, "StorageProfile %.*s is not in the input",
                                        MV_STR_ARG(facts->storage_class)));
                return;
        }
        facts->chain = mv_arena_format(r->arena, "%.*s -> StorageProfile %.*s", MV_STR_ARG(facts->chain),
                                       MV_STR_ARG(facts->storage_class));
        for (size_t i = 0; i < profile->status.claim_property_sets.n; i++) {
                const struct mv_claim_property_set *set = &profile->status.claim_property_sets.items[i];
                if (set->access_modes.n &&
                    (!storage->volume_mode.n || mv_str_equal(storage->volume_mode, set->volume_mode))) {
                        facts->source = MV_CLAIM_TEMPLATE;
                        facts->modes = &set->access_modes;
                        return;
                }
        }
        unknown(facts, MV_KIND_STORAGE_PROFILE, facts->storage_class,
                mv_arena_format(r->arena, "StorageProfile %.*s has no access modes%s%.*s",
                                MV_STR_ARG(facts->storage_class),
                                storage->volume_mode.n ? " for volume mode " : "",
                                MV_STR_ARG(storage->volume_mode)));
}

static void resolve_data_volume(struct resolver *r, const struct mv_data_volume *volume, const char *what,
                                struct mv_claim_facts *facts) {
        const struct mv_claim_spec *spec = volume->spec.pvc ? volume->spec.pvc : volume->spec.storage;
        facts->chain = mv_arena_format(r->arena, "%s %.*s", what, MV_STR_ARG(volume->meta.name));
        if (!spec) {
                unknown(facts, MV_KIND_CLAIM, facts->name,
                        mv_arena_format(r->arena, "%s %.*s has neither pvc nor storage", what,
                                        MV_STR_ARG(volume->meta.name)));
                return;
        }
        facts->storage_class = spec->storage_class_name;
        if (spec->access_modes.n) {
                facts->source = MV_CLAIM_TEMPLATE;
                facts->modes = &spec->access_modes;
                return;
        }
        if (volume->spec.pvc) {
                unknown(facts, MV_KIND_CLAIM, facts->name,
                        mv_arena_format(r->arena, "%s %.*s names no access modes under pvc", what,
                                        MV_STR_ARG(volume->meta.name)));
                return;
        }
        if (spec->storage_class_name.p && !spec->storage_class_name.n) {
                unknown(facts, MV_KIND_CLAIM, facts->name,
                        mv_arena_format(
                                r->arena,
                                "%s %.*s asks for no storage class, so no profile says its access modes",
                                what, MV_STR_ARG(volume->meta.name)));
                return;
        }
        if (!spec->storage_class_name.p) {
                const struct mv_storage_class *class =
                        default_class(r->snapshot, MV_STR("storageclass.kubevirt.io/is-default-virt-class"));
                bool virt = class != NULL;
                if (!class)
                        class = default_class(r->snapshot,
                                              MV_STR("storageclass.kubernetes.io/is-default-class"));
                if (!class) {
                        unknown(facts, MV_KIND_STORAGE_CLASS, MV_STR(""),
                                mv_arena_format(
                                        r->arena,
                                        "%s %.*s names no storage class, and none in the input is the default",
                                        what, MV_STR_ARG(volume->meta.name)));
                        return;
                }
                facts->storage_class = class->meta.name;
                facts->chain = mv_arena_format(r->arena, "%.*s -> default %sStorageClass %.*s",
                                               MV_STR_ARG(facts->chain), virt ? "virtualization " : "",
                                               MV_STR_ARG(class->meta.name));
        }
        resolve_profile(r, spec, facts);
}

static const struct mv_data_volume *find_template(const struct resolver *r, struct mv_str name) {
        size_t i = mv_names_index_find(&r->templates, name);
        return i == SIZE_MAX ? NULL : &r->instance->vm->spec.data_volume_templates.items[i];
}

/* The claim that KubeVirt looks up for the volume: pkg/storage/types: PVCNameFromVirtVolume. */
static struct mv_str claim_name(const struct mv_volume *volume) {
        if (volume->persistent_volume_claim)
                return volume->persistent_volume_claim->claim_name;
        return volume->data_volume ? volume->data_volume->name : (struct mv_str){ 0 };
}

static void resolve(struct resolver *r, const struct mv_volume *volume, struct mv_claim_facts *facts) {
        const struct mv_claim_info *info = claim_info(r, volume->name);
        bool claimed = volume->persistent_volume_claim || volume->data_volume;
        facts->copied = is_copied(r, volume);
        facts->migrated = r->behaviour->migrated_volumes != MV_MIGRATED_IGNORED &&
                          mv_names_index_find(&r->migrated, volume->name) != SIZE_MAX;
        if (!claimed) {
                /* A host disk that KubeVirt put in place of a claim carries the claim's facts. */
                if (volume->host_disk && info && r->behaviour->host_disk_by_claim)
                        *facts = (struct mv_claim_facts){ .source = MV_CLAIM_STATUS,
                                                          .name = info->claim_name,
                                                          .modes = &info->access_modes,
                                                          .migrated = facts->migrated };
                return;
        }
        facts->name = claim_name(volume);
        /* With both sources the DataVolume's name is looked up, and the message names the claim. */
        struct mv_str looked_up = volume->data_volume ? volume->data_volume->name : facts->name;
        const struct mv_claim *claim = mv_snapshot_find(r->snapshot, MV_KIND_CLAIM, r->namespace, looked_up);
        if (claim) {
                facts->source = MV_CLAIM_EXISTS;
                facts->modes = &claim->spec.access_modes;
                facts->storage_class = claim->spec.storage_class_name;
                return;
        }
        if (info) {
                facts->source = MV_CLAIM_STATUS;
                facts->modes = &info->access_modes;
                return;
        }
        const struct mv_data_volume *template = find_template(r, looked_up);
        const struct mv_data_volume *data_volume =
                mv_snapshot_find(r->snapshot, MV_KIND_DATA_VOLUME, r->namespace, looked_up);
        if (data_volume)
                resolve_data_volume(r, data_volume, "DataVolume", facts);
        else if (template)
                resolve_data_volume(r, template, "DataVolume template", facts);
        else {
                unknown(facts, MV_KIND_CLAIM, looked_up,
                        mv_arena_format(r->arena, "PersistentVolumeClaim %.*s/%.*s is not in the input",
                                        MV_STR_ARG(r->namespace), MV_STR_ARG(looked_up)));
        }
}

struct mv_claim_facts *mv_claims_resolve(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                         const struct mv_behaviour *behaviour,
                                         const struct mv_instance *instance) {
        const struct mv_vmi *vmi = &instance->vmi;
        struct mv_claim_facts *facts = mv_arena_new_array(arena, struct mv_claim_facts, vmi->spec.volumes.n);
        struct resolver r = { .arena = arena,
                              .snapshot = snapshot,
                              .behaviour = behaviour,
                              .instance = instance,
                              .namespace = vmi->meta.namespace };
        bool ok = facts && mv_names_index_list(arena, &r.statuses, vmi->status.volume_status, name) &&
                  mv_names_index_list(arena, &r.migrated, vmi->status.migrated_volumes, volume_name) &&
                  mv_names_index_list(arena, &r.disks, vmi->spec.domain.devices.disks, name) &&
                  mv_names_index_list(arena, &r.filesystems, vmi->spec.domain.devices.filesystems, name) &&
                  (!instance->vm || mv_names_index_list(arena, &r.templates,
                                                        instance->vm->spec.data_volume_templates, meta.name));
        if (!ok)
                return NULL;
        for (size_t i = 0; i < vmi->spec.volumes.n; i++)
                resolve(&r, &vmi->spec.volumes.items[i], &facts[i]);
        return facts;
}
