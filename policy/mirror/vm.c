/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VirtualMachine, create and update (admitters/vms-admitter.go). The template is judged with what an instancetype and a
 * preference make of it; policy/instancetype has the order of things.
 */
#include "policy/mirror.h"

#include "policy/instancetype.h"

#include "policy/object/vm.h"

void mv_mirror_vm(struct mv_mirror_answer *answer) {
        const struct mv_review_request *request = answer->in->request;
        struct mv_arena *arena = answer->in->arena;
        struct mv_vm *old = NULL;
        if (!mv_mirror_has_resource(answer, "virtualmachines")) {
                mv_mirror_unfamiliar(answer);
                mv_mirror_error(answer, MV_STR("expect resource to be 'virtualmachines'"));
                return;
        }
        /* First, since decoding mostly tells that the object has its shape. */
        const struct mv_vm *vm = mv_mirror_object(answer, MV_KIND_VM, &mv_shape_vm);
        if (!mv_mirror_schema(answer, &mv_shape_vm_spec) || !vm || vm->meta.deletion_timestamp.n ||
            !vm->spec.template)
                return;
        if (mv_str_is(request->operation, "UPDATE")) {
                old = mv_arena_new(arena, struct mv_vm);
                if (!old || !mv_mirror_decode(answer, request->old_object, &mv_table_vm, old, NULL))
                        return;
        }
        const struct mv_refused *refused =
                mv_instancetype_refusal(arena, answer->in->snapshot, answer->config, vm, old,
                                        mv_mirror_user_is_kubevirt(answer, NULL));
        if (!refused)
                return;
        if (refused->unfamiliar)
                mv_mirror_unfamiliar(answer);
        if (refused->code == 400)
                mv_mirror_error(answer, refused->message);
        mv_mirror_causes(answer, refused->causes, refused->n_causes);
}
