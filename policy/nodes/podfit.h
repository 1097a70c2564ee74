/* SPDX-License-Identifier: Apache-2.0 */
/* What other pods have to do with where a pod may go: affinity, anti-affinity in both directions, and topology spread, as
 * Kubernetes' scheduler decides (plugins interpodaffinity, podtopologyspread). For policy/nodes/nodefit. */
#pragma once

#include "policy/nodes/nodeindex.h"
#include "policy/nodes/podindex.h"
#include "policy/snapshot/snapshot.h"

struct mv_pod_fit {
        struct mv_arena *arena;
        const struct mv_snapshot *snapshot;
        const struct mv_node_index *nodes;
        const struct mv_pod_index *pods;
        const struct mv_pod_moves *moves; /* NULL: none */
        struct mv_str namespace;
        struct mv_map labels; /* of the incoming pod */
        const struct mv_vmi_spec *spec;
        size_t work; /* done so far: what one object may cost has a limit, beyond which the arena is made to fail */
};

/* The nodes that a required anti-affinity, its own or that of a pod there, forbids. NULL: none. */
uint64_t *mv_pod_fit_averse(struct mv_pod_fit *fit);
/* The nodes that its required affinity allows; all of them when it has none. */
const uint64_t *mv_pod_fit_attracted(struct mv_pod_fit *fit);
/* The nodes that its topology spread constraints allow. eligible are those that pass its node selector and affinity,
 * untainted those whose taints it tolerates. */
const uint64_t *mv_pod_fit_spread(struct mv_pod_fit *fit, const uint64_t *eligible,
                                  const uint64_t *untainted);
