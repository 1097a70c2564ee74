/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/subjects.h"

#include "policy/snapshot/kindtable.h"
#include "policy/object/migration.h"
#include "policy/object/vm.h"

static bool belongs_to_vm(const struct mv_snapshot *snapshot, const struct mv_meta *meta,
                          mv_in_scope *in_scope, const void *context) {
        const struct mv_owner *owner = mv_meta_controller(meta);
        const struct mv_vm *vm =
                owner && mv_str_is(owner->kind, "VirtualMachine")
                        ? mv_snapshot_find(snapshot, MV_KIND_VM, meta->namespace, owner->name)
                        : NULL;
        return vm && (!in_scope || in_scope(context, &vm->meta));
}

bool mv_is_subject(const struct mv_snapshot *snapshot, enum mv_kind kind, const void *object,
                   mv_in_scope *in_scope, const void *context) {
        const struct mv_meta *meta = mv_kind_meta(kind, object);
        if (!mv_kind_is_judged(kind) || (in_scope && !in_scope(context, meta)))
                return false;
        /* KubeVirt keeps a few of each instance. */
        if (kind == MV_KIND_MIGRATION && mv_migration_is_final(object))
                return false;
        return kind != MV_KIND_VMI || !belongs_to_vm(snapshot, meta, in_scope, context);
}
