/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/nodes/population.h"

#include "policy/object/vm.h"

static const enum mv_kind kinds[] = { MV_KIND_VM, MV_KIND_VMI, MV_KIND_POOL, MV_KIND_REPLICA_SET };
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* The metadata whose labels an instance of the object has; NULL when there will be none. */
static const struct mv_meta *instance_meta(enum mv_kind kind, const void *object) {
        const struct mv_vm *vm = NULL;
        switch (kind) {
        case MV_KIND_VMI:
                return mv_vmi_is_final(object) ? NULL : &((const struct mv_vmi *)object)->meta;
        case MV_KIND_REPLICA_SET: {
                const struct mv_replica_set *set = object;
                return set->spec.template ? &set->spec.template->meta : NULL;
        }
        case MV_KIND_POOL:
                vm = ((const struct mv_pool *)object)->spec.template;
                break;
        default:
                vm = object;
                break;
        }
        return vm && vm->spec.template ? &vm->spec.template->meta : NULL;
}

bool mv_population_next(const struct mv_snapshot *snapshot, struct mv_inhabitant *inhabitant) {
        for (; inhabitant->next_kind < N_KINDS; inhabitant->next_kind++, inhabitant->next = 0) {
                enum mv_kind kind = kinds[inhabitant->next_kind];
                while (inhabitant->next < mv_snapshot_count(snapshot, kind)) {
                        const void *object = mv_snapshot_at(snapshot, kind, inhabitant->next++);
                        const struct mv_meta *instance = instance_meta(kind, object);
                        const struct mv_meta *own =
                                (const struct mv_meta *)(const void *)((const char *)object +
                                                                       mv_kinds[kind].meta_offset);
                        if (!instance)
                                continue;
                        inhabitant->kind = kind;
                        inhabitant->namespace = own->namespace;
                        inhabitant->name = own->name;
                        inhabitant->labels = &instance->labels;
                        return true;
                }
        }
        return false;
}
