/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts of resources, as a scheduler and a quota count them, and what the containers of a pod make together
 * (k8s.io/component-helpers/resource: PodRequests, PodLimits).
 *
 * Nothing overflows: a sum that does not fit stays at the largest value. Memory comes from the arena, whose failure the
 * caller tests; until then a list may be shorter than it should be.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/object/decode.h"

#include <stdint.h>

/* An amount of a resource. Of `cpu` in thousandths of a core, of everything else in its own unit: bytes, pieces. */
struct mv_amount {
        struct mv_str name; /* "cpu", "memory", "hugepages-2Mi", "devices.kubevirt.io/kvm" */
        int64_t amount;
};
struct mv_amounts { /* sorted by name, each once */
        struct mv_amount *items;
        size_t n;
};

/* The amount of that resource, 0 when it is not there. */
int64_t mv_amounts_get(const struct mv_amounts *amounts, struct mv_str name);
/* The same, NULL when it is not there: 0 can be asked for. */
const struct mv_amount *mv_amounts_find(const struct mv_amounts *amounts, struct mv_str name);

/* a + b and a * b, at most INT64_MAX; neither may be negative. */
int64_t mv_amount_add(int64_t a, int64_t b);
int64_t mv_amount_multiply(int64_t a, int64_t b);

/* The amount that text, a quantity, is of the resource name; nothing is negative. False, and 0, when it is no quantity. */
bool mv_amount_read(struct mv_str name, struct mv_str text, int64_t *ret);
/* The amount as Kubernetes would print it: "1500m", "2Gi", "220200960"; in arena. */
struct mv_str mv_amount_print(struct mv_arena *arena, struct mv_str name, int64_t amount);
/* For people: bytes are rounded up to whole Mi. name may be a quota's: "requests.memory". */
struct mv_str mv_amount_show(struct mv_arena *arena, struct mv_str name, int64_t amount);
/* A resource list of the API; what is no quantity counts as 0. */
struct mv_amounts mv_amounts_read(struct mv_arena *arena, const struct mv_map *map);

/* --- one after the other --- */

enum { MV_AMOUNT_ADD, MV_AMOUNT_SET, MV_AMOUNT_SIDECAR, MV_AMOUNT_INIT };
struct mv_amounts_builder {
        struct mv_arena *arena;
        struct mv_amounts_step {
                struct mv_str name;
                int64_t amount;
                size_t order;
                int what; /* one of MV_AMOUNT_... */
        } * steps;
        size_t n, capacity;
};

void mv_amounts_builder_init(struct mv_amounts_builder *builder, struct mv_arena *arena);
/* More of it. */
void mv_amounts_add(struct mv_amounts_builder *builder, struct mv_str name, int64_t amount);
/* Just that much instead of what was said of it so far. */
void mv_amounts_set(struct mv_amounts_builder *builder, struct mv_str name, int64_t amount);
/* The list of all that was said; the builder is used up. */
struct mv_amounts mv_amounts_build(struct mv_amounts_builder *builder);

/* Requests with, for each limit that has none, the limit: what the API server makes of a container. */
struct mv_amounts mv_amounts_default(struct mv_arena *arena, const struct mv_amounts *requests,
                                     const struct mv_amounts *limits);

/* --- a pod --- */

enum mv_pod_role {
        MV_ROLE_CONTAINER,
        MV_ROLE_SIDECAR, /* an init container that restarts always, and so runs beside the containers */
        MV_ROLE_INIT,    /* runs to its end before the containers start */
};
struct mv_pod_part {
        enum mv_pod_role role;
        size_t count; /* of such containers, one behind the other */
        struct mv_amounts amounts;
};

/* What the parts, in the order of the pod, ask for together: the sum of those that run at the same time, or what the
 * hungriest init container needs with the sidecars that were started before it. */
struct mv_amounts mv_amounts_of_pod(struct mv_arena *arena, const struct mv_pod_part *parts, size_t n);
