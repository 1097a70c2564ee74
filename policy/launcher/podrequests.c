/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/podrequests.h"

/* A container as the API server stores it: a limit without a request is the request as well. */
static struct mv_amounts of_container(struct mv_arena *arena, const struct mv_container_resources *resources,
                                      bool limits) {
        struct mv_amounts limit = mv_amounts_read(arena, &resources->limits);
        if (limits)
                return limit;
        struct mv_amounts request = mv_amounts_read(arena, &resources->requests);
        return mv_amounts_default(arena, &request, &limit);
}

/* What may be said for the pod as a whole, in the place of its containers' sum. */
static bool is_pod_level(struct mv_str name) {
        return mv_str_is(name, "cpu") || mv_str_is(name, "memory") ||
               mv_str_starts_with(name, MV_STR("hugepages-"));
}

static struct mv_amounts amounts_of(struct mv_arena *arena, const struct mv_pod *pod, bool limits) {
        const struct mv_pod_spec *spec = &pod->spec;
        struct mv_amounts none = { 0 };
        struct mv_pod_part *parts =
                mv_arena_new_array(arena, struct mv_pod_part, spec->init_containers.n + spec->containers.n);
        size_t n = 0;
        if (!parts)
                return none;
        for (size_t i = 0; i < spec->init_containers.n; i++) {
                const struct mv_container *container = &spec->init_containers.items[i];
                bool sidecar = mv_str_is(container->restart_policy, "Always");
                parts[n++] =
                        (struct mv_pod_part){ .role = sidecar ? MV_ROLE_SIDECAR : MV_ROLE_INIT,
                                              .count = 1,
                                              .amounts = of_container(arena, &container->resources, limits) };
        }
        for (size_t i = 0; i < spec->containers.n; i++)
                parts[n++] = (struct mv_pod_part){
                        .count = 1,
                        .amounts = of_container(arena, &spec->containers.items[i].resources, limits)
                };
        struct mv_amounts containers = mv_amounts_of_pod(arena, parts, n);
        struct mv_amounts whole = of_container(arena, &spec->resources, limits);
        struct mv_amounts overhead = mv_amounts_read(arena, &spec->overhead);
        struct mv_amounts_builder builder;
        mv_amounts_builder_init(&builder, arena);
        for (size_t i = 0; i < containers.n; i++)
                mv_amounts_add(&builder, containers.items[i].name, containers.items[i].amount);
        for (size_t i = 0; i < whole.n; i++)
                if (is_pod_level(whole.items[i].name))
                        mv_amounts_set(&builder, whole.items[i].name, whole.items[i].amount);
        /* A limit that nobody set stays unlimited. */
        for (size_t i = 0; i < overhead.n; i++)
                if (!limits || mv_amounts_find(&containers, overhead.items[i].name) ||
                    mv_amounts_find(&whole, overhead.items[i].name))
                        mv_amounts_add(&builder, overhead.items[i].name, overhead.items[i].amount);
        return mv_amounts_build(&builder);
}

struct mv_amounts mv_pod_requests(struct mv_arena *arena, const struct mv_pod *pod) {
        return amounts_of(arena, pod, false);
}

struct mv_amounts mv_pod_limits(struct mv_arena *arena, const struct mv_pod *pod) {
        return amounts_of(arena, pod, true);
}
