/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/claims.h"

#include "policy/base/names.h"
#include "policy/object/config_map.h"
#include "policy/snapshot/volumes.h"

struct resolver {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_behaviour *behaviour;
        const struct mv_instance *instance;
        struct mv_str namespace;
        struct mv_names_index statuses, migrated, disks, filesystems, templates;
        const struct mv_storage_class *virt_default, *general_default; /* NULL: there is none */
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

/* One step further on the way to the access modes. */
static void follow(const struct resolver *r, struct mv_claim_facts *facts, const char *kind,
                   struct mv_str name) {
        const struct mv_str parts[] = { facts->chain, MV_STR(" → "), mv_str_from(kind),
                                        name.n ? MV_STR(" ") : MV_STR(""), name };
        facts->chain = mv_arena_join(r->arena, parts, sizeof parts / sizeof *parts);
}

static void known(struct mv_claim_facts *facts, const struct mv_strings *modes) {
        facts->source = MV_CLAIM_TEMPLATE;
        facts->modes = modes;
        facts->problem = (struct mv_str){ 0 };
        facts->missing_name = (struct mv_str){ 0 };
}

/* The set that CDI takes: of all the first; where a volume mode is asked for, the first of that mode that has access
 * modes (getDefaultVolumeAndAccessMode, getDefaultAccessModes). */
static const struct mv_claim_property_set *choose_set(const struct mv_storage_profile *profile,
                                                      struct mv_str volume_mode) {
        for (size_t i = 0; i < profile->status.claim_property_sets.n; i++) {
                const struct mv_claim_property_set *set = &profile->status.claim_property_sets.items[i];
                if (!volume_mode.n)
                        return set->access_modes.n ? set : NULL;
                if (set->access_modes.n && mv_str_equal(volume_mode, set->volume_mode))
                        return set;
        }
        return NULL;
}

static void resolve_profile(const struct resolver *r, struct mv_str volume_mode,
                            struct mv_claim_facts *facts) {
        const struct mv_storage_profile *profile = mv_snapshot_find(
                r->snapshot, MV_KIND_STORAGE_PROFILE, (struct mv_str){ 0 }, facts->storage_class);
        if (!profile) {
                unknown(facts, MV_KIND_STORAGE_PROFILE, facts->storage_class,
                        mv_arena_format(r->arena, "StorageProfile %.*s %s", MV_STR_ARG(facts->storage_class),
                                        mv_snapshot_absent(r->snapshot, MV_KIND_STORAGE_PROFILE)));
                return;
        }
        follow(r, facts, "StorageProfile", facts->storage_class);
        const struct mv_claim_property_set *set = choose_set(profile, volume_mode);
        if (!set) {
                unknown(facts, MV_KIND_STORAGE_PROFILE, facts->storage_class,
                        mv_arena_format(r->arena, "StorageProfile %.*s has no access modes%s%.*s",
                                        MV_STR_ARG(facts->storage_class),
                                        volume_mode.n ? " for volume mode " : " in its first set",
                                        MV_STR_ARG(volume_mode)));
                return;
        }
        known(facts, &set->access_modes);
}

/* There is no such class: the access modes of a volume that would do, if all that would are alike in what matters
 * (CheckVolumeSatisfyClaim, of a claim that names no access modes). */
static bool resolve_volume(const struct resolver *r, const struct mv_claim_spec *storage,
                           struct mv_claim_facts *facts) {
        const struct mv_persistent_volume *found = mv_volume_index_find(
                mv_snapshot_volumes(r->snapshot), storage->storage_class_name, storage->volume_mode,
                mv_map_get(&storage->resources.requests, MV_STR("storage")));
        if (!found)
                return false;
        follow(r, facts, "PersistentVolume", found->meta.name);
        known(facts, &found->spec.access_modes);
        return true;
}

/* The setting of the class, else the general one; NULL when there is neither. */
static const struct mv_str *default_of(const struct resolver *r, const struct mv_config_map *map,
                                       struct mv_str class, const char *setting) {
        const struct mv_str *value = NULL;
        if (class.n)
                value = mv_map_get(&map->data,
                                   mv_arena_format(r->arena, "%.*s.%s", MV_STR_ARG(class), setting));
        return value ? value : mv_map_get(&map->data, mv_str_from(setting));
}

/* The last source, where nothing else says: the ConfigMap kubevirt-storage-class-defaults. */
static void resolve_defaults(const struct resolver *r, struct mv_str volume_mode,
                             struct mv_claim_facts *facts) {
        const struct mv_config_map *map =
                mv_snapshot_cluster_config_map(r->snapshot, MV_STR(MV_STORAGE_CLASS_DEFAULTS));
        const struct mv_str *mode = map ? default_of(r, map, facts->storage_class, "accessMode") : NULL;
        const struct mv_str *its = map ? default_of(r, map, facts->storage_class, "volumeMode") : NULL;
        if (!mode || (volume_mode.n && its && !mv_str_equal(*its, volume_mode)))
                return;
        struct mv_strings *modes = mv_arena_new(r->arena, struct mv_strings);
        struct mv_str *copy = mv_arena_new(r->arena, struct mv_str);
        if (!modes || !copy)
                return;
        *copy = *mode;
        *modes = (struct mv_strings){ copy, 1 };
        follow(r, facts, "ConfigMap",
               mv_arena_format(r->arena, "%.*s/%.*s", MV_STR_ARG(map->meta.namespace),
                               MV_STR_ARG(map->meta.name)));
        known(facts, modes);
}

/* The class of a DataVolume that names none. False when there is none, and facts say so. */
static bool take_default_class(const struct resolver *r, const struct mv_data_volume *volume,
                               const char *what, bool archive, struct mv_claim_facts *facts) {
        const struct mv_storage_class *class = NULL;
        if (!archive)
                class = r->virt_default;
        bool virt = class != NULL;
        if (!class)
                class = r->general_default;
        if (!class) {
                unknown(facts, MV_KIND_STORAGE_CLASS, MV_STR(""),
                        mv_arena_format(r->arena, "%s %.*s names no storage class, and none is the default",
                                        what, MV_STR_ARG(volume->meta.name)));
                return false;
        }
        facts->storage_class = class->meta.name;
        follow(r, facts, virt ? "default virtualization StorageClass" : "default StorageClass",
               class->meta.name);
        return true;
}

/* A class is named, but there is none of that name; true also where "" asks for none. */
static bool class_is_absent(const struct resolver *r, struct mv_str class) {
        if (!class.n)
                return true;
        return mv_snapshot_count(r->snapshot, MV_KIND_STORAGE_CLASS) &&
               !mv_snapshot_find(r->snapshot, MV_KIND_STORAGE_CLASS, (struct mv_str){ 0 }, class) &&
               !mv_snapshot_find(r->snapshot, MV_KIND_STORAGE_PROFILE, (struct mv_str){ 0 }, class);
}

/* What CDI makes of `storage` without access modes. */
static void resolve_storage(struct resolver *r, const struct mv_data_volume *volume, const char *what,
                            struct mv_claim_facts *facts) {
        const struct mv_claim_spec *storage = volume->spec.storage;
        bool archive = mv_str_is(volume->spec.content_type, "archive");
        struct mv_str volume_mode = archive ? MV_STR("Filesystem") : storage->volume_mode;
        if (!storage->storage_class_name.p) {
                if (take_default_class(r, volume, what, archive, facts))
                        resolve_profile(r, volume_mode, facts);
        } else if (!class_is_absent(r, storage->storage_class_name))
                resolve_profile(r, volume_mode, facts);
        else if (resolve_volume(r, storage, facts))
                return;
        else if (storage->storage_class_name.n)
                unknown(facts, MV_KIND_STORAGE_CLASS, storage->storage_class_name,
                        mv_arena_format(r->arena, "StorageClass %.*s %s",
                                        MV_STR_ARG(storage->storage_class_name),
                                        mv_snapshot_absent(r->snapshot, MV_KIND_STORAGE_CLASS)));
        else {
                unknown(facts, MV_KIND_CLAIM, facts->name,
                        mv_arena_format(
                                r->arena,
                                "%s %.*s asks for no storage class, and no PersistentVolume of the input decides",
                                what, MV_STR_ARG(volume->meta.name)));
                return;
        }
        if (facts->source == MV_CLAIM_UNKNOWN)
                resolve_defaults(r, volume_mode, facts);
}

static void resolve_data_volume(struct resolver *r, const struct mv_data_volume *volume, const char *what,
                                struct mv_claim_facts *facts) {
        const struct mv_claim_spec *spec = volume->spec.pvc ? volume->spec.pvc : volume->spec.storage;
        const char *problem = NULL;
        follow(r, facts, what, (struct mv_str){ 0 });
        if (!spec)
                problem = "has neither pvc nor storage";
        else if (!volume->spec.pvc && mv_str_is(volume->spec.content_type, "archive") &&
                 mv_str_is(spec->volume_mode, "Block"))
                problem = "is an archive with volume mode Block, which CDI refuses";
        else if (volume->spec.pvc && !spec->access_modes.n)
                problem = "names no access modes under pvc";
        facts->incomplete = !spec;
        if (problem) {
                unknown(facts, MV_KIND_CLAIM, facts->name,
                        mv_arena_format(r->arena, "%s %.*s %s", what, MV_STR_ARG(volume->meta.name),
                                        problem));
                return;
        }
        facts->storage_class = spec->storage_class_name;
        if (spec->access_modes.n)
                known(facts, &spec->access_modes);
        else
                resolve_storage(r, volume, what, facts);
}

static const struct mv_data_volume *find_template(const struct resolver *r, struct mv_str name) {
        if (!r->instance->vm)
                return NULL;
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
                                                          .chain = MV_STR("VMI → status.volumeStatus"),
                                                          .name = info->claim_name,
                                                          .modes = &info->access_modes,
                                                          .migrated = facts->migrated };
                return;
        }
        facts->name = claim_name(volume);
        facts->chain = r->instance->vm ? MV_STR("VM") : MV_STR("VMI");
        /* With both sources the DataVolume's name is looked up, and the message names the claim. */
        struct mv_str looked_up = volume->data_volume ? volume->data_volume->name : facts->name;
        const struct mv_claim *claim = mv_snapshot_find(r->snapshot, MV_KIND_CLAIM, r->namespace, looked_up);
        const struct mv_data_volume *template = find_template(r, looked_up);
        if (claim) {
                facts->source = MV_CLAIM_EXISTS;
                facts->outranks = template && volume->data_volume;
                follow(r, facts, "PersistentVolumeClaim", (struct mv_str){ 0 });
                facts->modes = &claim->spec.access_modes;
                facts->storage_class = claim->spec.storage_class_name;
                return;
        }
        if (info) {
                facts->source = MV_CLAIM_STATUS;
                follow(r, facts, "status.volumeStatus", (struct mv_str){ 0 });
                facts->modes = &info->access_modes;
                return;
        }
        const struct mv_data_volume *data_volume =
                mv_snapshot_find(r->snapshot, MV_KIND_DATA_VOLUME, r->namespace, looked_up);
        if (data_volume)
                resolve_data_volume(r, data_volume, "DataVolume", facts);
        else if (template)
                resolve_data_volume(r, template, "DataVolume template", facts);
        else {
                unknown(facts, MV_KIND_CLAIM, looked_up,
                        mv_arena_format(r->arena, "PersistentVolumeClaim %.*s/%.*s %s",
                                        MV_STR_ARG(r->namespace), MV_STR_ARG(looked_up),
                                        mv_snapshot_absent(r->snapshot, MV_KIND_CLAIM)));
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
                              .namespace = vmi->meta.namespace,
                              .virt_default = default_class(
                                      snapshot, MV_STR("storageclass.kubevirt.io/is-default-virt-class")),
                              .general_default = default_class(
                                      snapshot, MV_STR("storageclass.kubernetes.io/is-default-class")) };
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
