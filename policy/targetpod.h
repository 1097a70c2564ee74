/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node selector of a migration's target pod, or of an instance's first pod: each label that KubeVirt or somebody
 * else asks for, with what it is as a cause (pkg/virt-controller/services/nodeselectorrenderer.go: Render; template.go:
 * newNodeSelectorRenderer, renderLaunchManifest; watch/migration/migration.go: createTargetPod). For policy/nodefit.
 */
#pragma once

#include "policy/nodefit.h"

struct mv_selected {
        struct mv_str key, value;
        enum mv_fit_class class;
        const char *what;
        struct mv_str name; /* with `what`, the cause; for "selector:" the value follows */
};

struct mv_target_selector {
        struct mv_selected *items;
        size_t n, capacity;
};

/* source is the node it leaves, NULL when it has none (or none that is known); source_pod its launcher pod there, NULL
 * when that is not known: then it is the one that KubeVirt would have made. */
void mv_target_selector_make(struct mv_arena *arena, const struct mv_fit_question *question,
                             const struct mv_node *source, struct mv_str source_vendor,
                             const struct mv_pod *source_pod, struct mv_target_selector *ret);

/* What only comes from the node that it leaves: host-model and CPU vendor. */
void mv_target_selector_add_source(struct mv_arena *arena, const struct mv_fit_question *question,
                                   const struct mv_node *source, struct mv_str source_vendor,
                                   const struct mv_pod *source_pod, struct mv_target_selector *selector);
