/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For policy/evaluate.c: what rules may look at (struct mv_context), put together for one object. Everything comes from the
 * evaluation's arena, whose failure the caller tests.
 */
#pragma once

#include "policy/evaluate.h"

/* KubeVirt's configuration: of the snapshot, or of the version asked for. */
const struct mv_kubevirt_config *mv_kubevirt_config_of(const struct mv_evaluation *evaluation);

/* A context, and what of the verdict is known before any rule: version and eviction strategy. NULL when memory is out. */
struct mv_context *mv_context_new(const struct mv_evaluation *evaluation, const struct mv_instance *instance,
                                  const struct mv_vm *vm, const struct mv_migration *migration,
                                  struct mv_verdict *ret);
/* The launcher pod, and where it could go. An instance that leaves for another cluster goes to no node of this one. */
void mv_context_set_fit(struct mv_context *ctx, struct mv_verdict *verdict);
/* How much a migration copies, and how long that takes. NULL when memory is out. */
const struct mv_copy *mv_context_measure(const struct mv_context *ctx);

/* Memory ran out somewhere: nothing that was found can be trusted to be all. */
void mv_out_of_memory(struct mv_verdict *verdict);
