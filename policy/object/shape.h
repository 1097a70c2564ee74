/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: what KubeVirt's API types make of a JSON object, as far as two questions need it: which keys there are
 * (its webhooks refuse any other, pkg/util/openapi), and when two objects are the same to
 * equality.Semantic.DeepEqual of k8s.io/apimachinery. The decode tables hold only what rules read; these are complete.
 */
#pragma once

#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum mv_shape_kind {
        MV_SHAPE_ANY,    /* JSON of no known type */
        MV_SHAPE_VALUE,  /* a string, number or boolean */
        MV_SHAPE_AMOUNT, /* a quantity: equal by value */
        MV_SHAPE_OBJECT,
        MV_SHAPE_LIST,    /* of objects, or of values when there is no shape; the empty one is as none */
        MV_SHAPE_MAP,     /* of values; likewise */
        MV_SHAPE_AMOUNTS, /* a map of quantities; likewise */
};

struct mv_shape;

struct mv_shape_field {
        const char *key;
        const struct mv_shape *shape; /* of the object, or of the list's items */
        enum mv_shape_kind kind;
        bool pointer;  /* absent is not the same as the type's zero ("", 0, false, {}) */
        bool required; /* KubeVirt's webhooks refuse an object without it */
        size_t n;      /* bytes of key */
};

struct mv_shape {
        const struct mv_shape_field *fields; /* sorted by key; at most 64 */
        size_t n;
};

/* spec of VirtualMachine, VirtualMachineInstance and VirtualMachineInstanceMigration. */
extern const struct mv_shape mv_shape_vm_spec, mv_shape_vmi_spec, mv_shape_migration_spec;
/* Parts of a MigrationPolicy's spec.experimental. */
extern const struct mv_shape mv_shape_stall_detector, mv_shape_downtime_tuning;

/* The field of that name, n bytes long, or NULL. */
const struct mv_shape_field *mv_shape_find(const struct mv_shape *shape, const char *key, size_t n);
