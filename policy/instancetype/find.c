/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding what a matcher means (pkg/instancetype/find, pkg/instancetype/preference/find, pkg/instancetype/compatibility):
 * the revision that the VM names, else the one that the controller has recorded for it, else the current object. A
 * revision that is missing is an error; the current object does not stand in for it.
 */
#include "policy/instancetype.h"

#include "policy/object/controller_revision.h"

static const struct {
        enum mv_kind namespaced, cluster;
        const char *matcher;
} sides[] = {
        [MV_OF_INSTANCETYPE] = { MV_KIND_INSTANCETYPE, MV_KIND_CLUSTER_INSTANCETYPE, "InstancetypeMatcher" },
        [MV_OF_PREFERENCE] = { MV_KIND_PREFERENCE, MV_KIND_CLUSTER_PREFERENCE, "PreferenceMatcher" },
};

const struct mv_matcher *mv_instancetype_matcher(const struct mv_vm *vm, enum mv_matcher_of of) {
        return of == MV_OF_INSTANCETYPE ? vm->spec.instancetype : vm->spec.preference;
}

const struct mv_matcher_status *mv_instancetype_status(const struct mv_vm *vm, enum mv_matcher_of of) {
        return of == MV_OF_INSTANCETYPE ? vm->status.instancetype : vm->status.preference;
}

/* Whatever the case of a's letters; b is in lower case. */
static bool is_word(struct mv_str a, const char *b) {
        if (a.n != strlen(b))
                return false;
        for (size_t i = 0; i < a.n; i++)
                if ((a.p[i] >= 'A' && a.p[i] <= 'Z' ? a.p[i] - 'A' + 'a' : a.p[i]) != b[i])
                        return false;
        return true;
}

enum mv_kind mv_instancetype_kind(struct mv_str kind, enum mv_matcher_of of) {
        const enum mv_kind both[] = { sides[of].namespaced, sides[of].cluster };
        if (!kind.n)
                return sides[of].cluster;
        for (size_t i = 0; i < 2; i++)
                if (is_word(kind, mv_kinds[both[i]].word) || is_word(kind, mv_kinds[both[i]].plural))
                        return both[i];
        return MV_KIND_COUNT;
}

static struct mv_matched not_found(struct mv_arena *arena, enum mv_kind kind, struct mv_str name) {
        return (struct mv_matched){
                .problem = mv_arena_format(arena, "%s.%s \"%.*s\" not found", mv_kinds[kind].plural,
                                           mv_kinds[kind].group, MV_STR_ARG(name)),
                .missing_kind = kind,
                .missing_name = name,
        };
}

struct mv_matched mv_instancetype_find_current(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                               const struct mv_vm *vm, enum mv_matcher_of of) {
        const struct mv_matcher *matcher = mv_instancetype_matcher(vm, of);
        struct mv_matched matched = { .missing_kind = MV_KIND_COUNT };
        if (!matcher)
                return matched;
        enum mv_kind kind = mv_instancetype_kind(matcher->kind, of);
        if (kind == MV_KIND_COUNT) {
                matched.problem = mv_arena_format(arena, "got unexpected kind in %s: %.*s", sides[of].matcher,
                                                  MV_STR_ARG(matcher->kind));
                return matched;
        }
        matched.object = mv_snapshot_find(snapshot, kind, vm->meta.namespace, matcher->name);
        return matched.object ? matched : not_found(arena, kind, matcher->name);
}

/* The object that a revision holds. */
static struct mv_matched decode_revision(struct mv_arena *arena,
                                         const struct mv_controller_revision *revision,
                                         enum mv_matcher_of of) {
        struct mv_matched matched = { .missing_kind = MV_KIND_COUNT };
        struct mv_any any;
        struct mv_err err = { 0 };
        const struct mv_decode decode = { .arena = arena };
        if (!revision->data.n) {
                matched.problem = MV_STR("unexpected type in ControllerRevision: <nil>");
                return matched;
        }
        /* The scanner reads a little behind the text. */
        char *padded = mv_arena_allocate(arena, revision->data.n + MV_SCAN_PADDING, 1);
        if (!padded)
                return matched;
        memcpy(padded, revision->data.p, revision->data.n);
        const struct mv_str text = { padded, revision->data.n };
        if (mv_decode(&decode, text, &mv_table_any, &any, &err) < 0) {
                matched.problem = mv_arena_format(arena, "failed to decode object in ControllerRevision: %s",
                                                  err.message);
                return matched;
        }
        bool known = mv_str_is(any.api_version, "instancetype.kubevirt.io/v1beta1");
        enum mv_kind kind = mv_kind_find(mv_api_group(any.api_version), any.kind);
        if (!known || (kind != MV_KIND_INSTANCETYPE && kind != MV_KIND_CLUSTER_INSTANCETYPE &&
                       kind != MV_KIND_PREFERENCE && kind != MV_KIND_CLUSTER_PREFERENCE)) {
                matched.problem =
                        mv_arena_format(arena,
                                        "failed to decode object in ControllerRevision: no kind \"%.*s\" is "
                                        "registered for version \"%.*s\"",
                                        MV_STR_ARG(any.kind), MV_STR_ARG(any.api_version));
                return matched;
        }
        if (kind != sides[of].namespaced && kind != sides[of].cluster) {
                matched.problem = mv_arena_format(
                        arena, "unexpected type in ControllerRevision: *v1beta1.%.*s", MV_STR_ARG(any.kind));
                return matched;
        }
        void *object = mv_arena_allocate(arena, mv_kinds[kind].table->size, mv_kinds[kind].table->align);
        if (!object)
                return matched;
        if (mv_decode(&decode, text, mv_kinds[kind].table, object, &err) < 0)
                matched.problem =
                        mv_arena_format(arena, "failed to decode object in ControllerRevision: %s%s%s",
                                        err.path, err.path[0] ? ": " : "", err.message);
        else
                matched.object = object;
        return matched;
}

struct mv_matched mv_instancetype_find(struct mv_arena *arena, const struct mv_snapshot *snapshot,
                                       const struct mv_vm *vm, enum mv_matcher_of of) {
        const struct mv_matcher *matcher = mv_instancetype_matcher(vm, of);
        const struct mv_matcher_status *status = mv_instancetype_status(vm, of);
        if (!matcher)
                return (struct mv_matched){ .missing_kind = MV_KIND_COUNT };
        struct mv_str name = matcher->revision_name;
        if (!name.n && status)
                name = status->revision_name;
        if (!name.n)
                return mv_instancetype_find_current(arena, snapshot, vm, of);
        const struct mv_controller_revision *revision =
                mv_snapshot_find(snapshot, MV_KIND_CONTROLLER_REVISION, vm->meta.namespace, name);
        if (!revision)
                return not_found(arena, MV_KIND_CONTROLLER_REVISION, name);
        /* One that the VM itself names counts whatever it holds; a recorded one only as long as the name is still that. */
        if (!matcher->revision_name.n &&
            !mv_map_has(&revision->meta.labels, MV_STR("instancetype.kubevirt.io/object-name"),
                        matcher->name))
                return mv_instancetype_find_current(arena, snapshot, vm, of);
        return decode_revision(arena, revision, of);
}
