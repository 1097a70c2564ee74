/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stranded instances: the node selector of a running instance's launcher pod names a CPU model and CPU features, which
 * every later target pod copies without a look at the node (pkg/virt-controller/watch/migration/migration.go:
 * prepareNodeSelectorForHostCpuModel). A first migration puts them there, so they are frozen until the instance is
 * started anew; when no other node has them, it cannot leave.
 */
#pragma once

#include "policy/nodes/nodefit.h"

struct mv_stranded {
        const struct mv_pod *pod;    /* the launcher pod */
        const struct mv_str *causes; /* tokens: "host-model:Skylake", "cpu-feature:avx512f"; sorted */
        size_t n;
        bool together; /* other nodes have each of them, but none has them all */
};

/* NULL when the instance is not stranded: it does not run, its CPU is not host-model, its launcher pod is not in the
 * snapshot or froze nothing, or another schedulable node has it all; also when the arena is exhausted. What the instance
 * requires in its own spec is not frozen. */
const struct mv_stranded *mv_stranded_find(struct mv_arena *arena, const struct mv_fit_question *question);

/* The causes as one text, "host-model:Skylake, cpu-feature:avx512f". */
struct mv_str mv_stranded_text(struct mv_arena *arena, const struct mv_stranded *stranded);
/* What to do about it. */
#define MV_STRANDED_FIX                                                                                       \
        "stop and start the VM, so that its next launcher pod asks for nothing that an earlier node had; or " \
        "give it a named CPU model that several nodes support: migvet nodes --baseline names the newest"
