/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node selector of a migration's target pod, or of an instance's first pod: each label that KubeVirt or somebody
 * else asks for, with what it is as a cause (pkg/virt-controller/services/nodeselectorrenderer.go: Render; template.go:
 * newNodeSelectorRenderer, renderLaunchManifest; watch/migration/migration.go: createTargetPod). For policy/nodes/nodefit.
 */
#pragma once

#include "policy/nodes/nodefit.h"

struct mv_selected {
        struct mv_str key, value;
        enum mv_fit_class class;
        const char *what;
        struct mv_str name;    /* with `what`, the cause; for "selector:" the value follows */
        const uint64_t *nodes; /* of a host model's label: who has it */
        bool found;            /* it is one */
};

struct mv_target_selector {
        struct mv_selected *items;
        size_t n, capacity;
        uint32_t *slots;                   /* item number + 1 by key, once there are many; open addressing */
        size_t n_slots;                    /* a power of two */
        const struct mv_host_model *model; /* whose labels the items with `found` are; NULL */
};

/* The node that it leaves. */
struct mv_target_source {
        struct mv_str vendor;              /* label key of its CPU vendor, "" */
        const struct mv_host_model *model; /* NULL: its labels name none */
        const struct mv_pod *
                pod; /* the launcher pod there; NULL: not known, so it is the one that KubeVirt would have made */
};

/* source is NULL when it leaves none (or none that is known). */
void mv_target_selector_make(struct mv_arena *arena, const struct mv_fit_question *question,
                             const struct mv_target_source *source, struct mv_target_selector *ret);
