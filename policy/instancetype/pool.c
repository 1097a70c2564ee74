/* SPDX-License-Identifier: Apache-2.0 */
/* The VM of a pool (pkg/virt-controller/watch/pool/pool.go: indexVMSpec). */
#include "policy/instancetype.h"

static struct mv_str indexed(struct mv_arena *arena, struct mv_str name) {
        return mv_arena_format(arena, "%.*s-0", MV_STR_ARG(name));
}

static bool is_template(const struct mv_vm *vm, struct mv_str name) {
        for (size_t i = 0; i < vm->spec.data_volume_templates.n; i++)
                if (mv_str_equal(vm->spec.data_volume_templates.items[i].meta.name, name))
                        return true;
        return false;
}

void mv_instancetype_pool_vm(struct mv_arena *arena, const struct mv_pool *pool, struct mv_vm *ret) {
        static const struct mv_vm nothing = { 0 };
        const struct mv_vm *vm = pool->spec.template ? pool->spec.template : &nothing;
        if (!mv_own_vm(arena, vm, ret))
                return;
        struct mv_vmi_spec *spec = &ret->spec.template->spec;
        size_t n_templates = vm->spec.data_volume_templates.n, n_volumes = spec->volumes.n;
        struct mv_data_volume *templates = mv_arena_new_array(arena, struct mv_data_volume, n_templates);
        struct mv_volume *volumes = mv_arena_new_array(arena, struct mv_volume, n_volumes);
        ret->api_version = MV_STR("kubevirt.io/v1");
        ret->kind = MV_STR("VirtualMachine");
        ret->meta.name = indexed(arena, pool->meta.name.n ? pool->meta.name : pool->meta.generate_name);
        ret->meta.namespace = pool->meta.namespace;
        if (!templates || !volumes)
                return;
        for (size_t i = 0; i < n_templates; i++) {
                templates[i] = vm->spec.data_volume_templates.items[i];
                templates[i].meta.name = indexed(arena, templates[i].meta.name);
        }
        for (size_t i = 0; i < n_volumes; i++) {
                struct mv_claim_source *claim = spec->volumes.items[i].persistent_volume_claim;
                struct mv_data_volume_source *source = spec->volumes.items[i].data_volume;
                volumes[i] = spec->volumes.items[i];
                if (claim && is_template(vm, claim->claim_name)) {
                        volumes[i].persistent_volume_claim = claim = mv_own(arena, claim);
                        if (claim)
                                claim->claim_name = indexed(arena, claim->claim_name);
                } else if (!claim && source && is_template(vm, source->name)) {
                        volumes[i].data_volume = source = mv_own(arena, source);
                        if (source)
                                source->name = indexed(arena, source->name);
                }
        }
        ret->spec.data_volume_templates.items = templates;
        spec->volumes.items = volumes;
}
