/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/written.h"

#include "policy/object/schema.h"
#include "policy/object/vm.h"

struct collecting {
        struct mv_arena *arena;
        const char *path; /* where the text that is looked at stands in the object, "" at its top */
        struct mv_forbidden *ret;
        size_t capacity;
};

static void collect(void *context, struct mv_str message) {
        struct collecting *c = context;
        if (c->ret->n == c->capacity) {
                size_t capacity = c->capacity ? c->capacity * 2 : 4;
                struct mv_str *items = mv_arena_new_array(c->arena, struct mv_str, capacity);
                if (!items)
                        return;
                if (c->ret->n)
                        memcpy(items, c->ret->items, c->ret->n * sizeof *items);
                c->ret->items = items;
                c->capacity = capacity;
        }
        /* What is wrong at the top of an object begins with the dot. */
        bool dot = c->path[0] && !mv_str_starts_with(message, MV_STR("."));
        c->ret->items[c->ret->n++] =
                mv_arena_format(c->arena, "%s%s%.*s", c->path, dot ? "." : "", MV_STR_ARG(message));
}

/* Look at text, an object whose spec has that shape. */
static int look(const struct mv_decode *decode, struct mv_str text, const char *path,
                const struct mv_shape *spec, struct mv_forbidden *ret, struct mv_err *err) {
        struct collecting collecting = { .arena = decode->arena, .path = path, .ret = ret };
        struct mv_arena scratch; /* for the paths of all that is right */
        mv_arena_init(&scratch, decode->arena->allocator, 0);
        mv_schema_check(&scratch, text, spec, collect, &collecting);
        bool failed = mv_arena_failed(&scratch) || mv_arena_failed(decode->arena);
        mv_arena_done(&scratch);
        return failed ? mv_err_oom(err) : 0;
}

/* A template, as text. */
struct carrier {
        struct mv_str template;
};
static const struct mv_field carrier_spec_fields[] = {
        MV_FIELD(struct carrier, "template", MV_TYPE_RAW, template),
};
static const struct mv_table carrier_spec_table = MV_TABLE(carrier_spec_fields, struct carrier);
static const struct mv_field carrier_fields[] = {
        { .key = { "spec", 4 }, .type = MV_TYPE_OBJECT, .table = &carrier_spec_table },
};
static const struct mv_table carrier_table = MV_TABLE(carrier_fields, struct carrier);

static const struct mv_field pool_carrier_spec_fields[] = {
        MV_FIELD(struct carrier, "virtualMachineTemplate", MV_TYPE_RAW, template),
};
static const struct mv_table pool_carrier_spec_table = MV_TABLE(pool_carrier_spec_fields, struct carrier);
static const struct mv_field pool_carrier_fields[] = {
        { .key = { "spec", 4 }, .type = MV_TYPE_OBJECT, .table = &pool_carrier_spec_table },
};
static const struct mv_table pool_carrier_table = MV_TABLE(pool_carrier_fields, struct carrier);

static int look_at_template(const struct mv_decode *decode, struct mv_str json, const struct mv_table *table,
                            const char *path, const struct mv_shape *spec, struct mv_forbidden *ret,
                            struct mv_err *err) {
        const struct mv_decode borrow = { .arena = decode->arena };
        struct carrier carrier;
        int r = mv_decode(&borrow, json, table, &carrier, err);
        if (r < 0 || !carrier.template.n)
                return r;
        return look(decode, carrier.template, path, spec, ret, err);
}

int mv_vm_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err) {
        struct mv_vm *vm = object;
        if (vm->meta.resource_version.n || vm->status.printable_status.n)
                return 0;
        return look(decode, json, "", &mv_shape_vm_spec, &vm->forbidden, err);
}

int mv_vmi_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err) {
        struct mv_vmi *vmi = object;
        if (vmi->meta.resource_version.n || vmi->status.phase.n)
                return 0;
        return look(decode, json, "", &mv_shape_vmi_spec, &vmi->forbidden, err);
}

int mv_pool_read(const struct mv_decode *decode, struct mv_str json, void *object, struct mv_err *err) {
        struct mv_pool *pool = object;
        if (pool->meta.resource_version.n)
                return 0;
        return look_at_template(decode, json, &pool_carrier_table, "spec.virtualMachineTemplate",
                                &mv_shape_vm_spec, &pool->forbidden, err);
}

int mv_replica_set_read(const struct mv_decode *decode, struct mv_str json, void *object,
                        struct mv_err *err) {
        struct mv_replica_set *set = object;
        if (set->meta.resource_version.n)
                return 0;
        return look_at_template(decode, json, &carrier_table, "spec.template", &mv_shape_vmi_spec,
                                &set->forbidden, err);
}
