/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inference (pkg/instancetype/infer): a matcher that says which volume to ask takes its name from labels of the claim,
 * the DataVolume, the DataSource or the snapshot behind that volume.
 */
#include "policy/instancetype.h"

struct inference {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_vm *vm;
        const char *name_label, *kind_label;
        struct mv_str name, kind;
        struct mv_str problem;
        bool ignorable; /* the problem is one that the VM may tell KubeVirt to ignore */
};

static bool fail(struct inference *i, bool ignorable, struct mv_str problem) {
        i->problem = problem;
        i->ignorable = ignorable;
        return false;
}

static bool fail_missing(struct inference *i, enum mv_kind kind, struct mv_str name) {
        return fail(i, false,
                    mv_arena_format(i->arena, "%s%s%s \"%.*s\" not found", mv_kinds[kind].plural,
                                    mv_kinds[kind].group[0] ? "." : "", mv_kinds[kind].group,
                                    MV_STR_ARG(name)));
}

static bool from_labels(struct inference *i, const struct mv_map *labels) {
        const struct mv_str *name = mv_map_get(labels, mv_str_from(i->name_label));
        const struct mv_str *kind = mv_map_get(labels, mv_str_from(i->kind_label));
        if (!name)
                return fail(i, true,
                            mv_arena_format(i->arena, "unable to find required %s label on the volume",
                                            i->name_label));
        i->name = *name;
        i->kind = kind ? *kind : (struct mv_str){ 0 };
        return true;
}

static bool from_claim(struct inference *i, struct mv_str namespace, struct mv_str name) {
        const struct mv_claim *claim = mv_snapshot_find(i->snapshot, MV_KIND_CLAIM, namespace, name);
        return claim ? from_labels(i, &claim->meta.labels) : fail_missing(i, MV_KIND_CLAIM, name);
}

static bool from_snapshot(struct inference *i, const struct mv_object_ref *ref) {
        const struct mv_volume_snapshot *snapshot =
                mv_snapshot_find(i->snapshot, MV_KIND_VOLUME_SNAPSHOT, ref->namespace, ref->name);
        return snapshot ? from_labels(i, &snapshot->meta.labels)
                        : fail_missing(i, MV_KIND_VOLUME_SNAPSHOT, ref->name);
}

static bool from_source_ref(struct inference *i, const struct mv_source_ref *ref) {
        if (!mv_str_is(ref->kind, "DataSource"))
                return fail(i, true,
                            mv_arena_format(
                                    i->arena,
                                    "unable to infer defaults from DataVolumeSourceRef as Kind %.*s is not "
                                    "supported",
                                    MV_STR_ARG(ref->kind)));
        struct mv_str namespace = ref->namespace.p ? ref->namespace : i->vm->meta.namespace;
        const struct mv_data_source *source =
                mv_snapshot_find(i->snapshot, MV_KIND_DATA_SOURCE, namespace, ref->name);
        if (!source)
                return fail_missing(i, MV_KIND_DATA_SOURCE, ref->name);
        if (from_labels(i, &source->meta.labels))
                return true;
        const struct mv_data_source_source *of = &source->spec.source;
        if (of->pvc)
                return from_claim(i, of->pvc->namespace, of->pvc->name);
        if (of->snapshot)
                return from_snapshot(i, of->snapshot);
        return fail(
                i, true,
                MV_STR("unable to infer defaults from DataSource that doesn't provide DataVolumeSourcePVC or "
                       "DataVolumeSourceSnapshot"));
}

static bool from_data_volume_spec(struct inference *i, const struct mv_data_volume_spec *spec) {
        if (spec->source && spec->source->pvc)
                return from_claim(i, spec->source->pvc->namespace, spec->source->pvc->name);
        if (spec->source && spec->source->snapshot)
                return from_snapshot(i, spec->source->snapshot);
        if (spec->source_ref)
                return from_source_ref(i, spec->source_ref);
        return fail(
                i, true,
                MV_STR("unable to infer defaults from DataVolumeSpec as DataVolumeSource is not supported"));
}

static bool from_data_volume(struct inference *i, struct mv_str name) {
        for (size_t t = 0; t < i->vm->spec.data_volume_templates.n; t++)
                if (mv_str_equal(i->vm->spec.data_volume_templates.items[t].meta.name, name))
                        return from_data_volume_spec(i, &i->vm->spec.data_volume_templates.items[t].spec);
        const struct mv_data_volume *volume =
                mv_snapshot_find(i->snapshot, MV_KIND_DATA_VOLUME, i->vm->meta.namespace, name);
        if (!volume) /* they are collected as garbage; the claim stays */
                return from_claim(i, i->vm->meta.namespace, name);
        return from_labels(i, &volume->meta.labels) || from_data_volume_spec(i, &volume->spec);
}

static bool from_volumes(struct inference *i, struct mv_str name) {
        const struct mv_vmi_template *template = i->vm->spec.template;
        for (size_t v = 0; template && v < template->spec.volumes.n; v++) {
                const struct mv_volume *volume = &template->spec.volumes.items[v];
                if (!mv_str_equal(volume->name, name))
                        continue;
                if (volume->persistent_volume_claim)
                        return from_claim(i, i->vm->meta.namespace,
                                          volume->persistent_volume_claim->claim_name);
                if (volume->data_volume)
                        return from_data_volume(i, volume->data_volume->name);
                return fail(
                        i, true,
                        mv_arena_format(i->arena,
                                        "unable to infer defaults from volume %.*s as type is not supported",
                                        MV_STR_ARG(name)));
        }
        return fail(
                i, false,
                mv_arena_format(i->arena, "unable to find volume %.*s to infer defaults", MV_STR_ARG(name)));
}

struct mv_str mv_instancetype_infer(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                    struct mv_vm *vm, enum mv_matcher_of of) {
        const struct mv_matcher *matcher = mv_instancetype_matcher(vm, of);
        if (!matcher || !matcher->infer_from_volume.n)
                return (struct mv_str){ 0 };
        bool type = of == MV_OF_INSTANCETYPE, ignore = mv_str_is(matcher->failure_policy, "Ignore");
        struct inference i = {
                .arena = arena,
                .snapshot = snapshot,
                .vm = vm,
                .name_label = type ? "instancetype.kubevirt.io/default-instancetype"
                                   : "instancetype.kubevirt.io/default-preference",
                .kind_label = type ? "instancetype.kubevirt.io/default-instancetype-kind"
                                   : "instancetype.kubevirt.io/default-preference-kind",
        };
        struct mv_matcher *inferred = NULL;
        if (from_volumes(&i, matcher->infer_from_volume)) {
                inferred = mv_arena_new(arena, struct mv_matcher);
                if (!inferred)
                        return (struct mv_str){ 0 };
                *inferred = (struct mv_matcher){ .name = i.name, .kind = i.kind };
                /* So that the VM's own memory, which was to stand in, does not conflict. */
                if (type && ignore)
                        vm->spec.template->spec.domain.memory = NULL;
        } else if (!i.ignorable || !ignore)
                return i.problem;
        if (type)
                vm->spec.instancetype = inferred;
        else
                vm->spec.preference = inferred;
        return (struct mv_str){ 0 };
}
