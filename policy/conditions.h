/* SPDX-License-Identifier: Apache-2.0 */
/* What KubeVirt itself would report: its two conditions and the migration method, rebuilt from what the rules found
 * (pkg/virt-handler/vm.go: calculateLiveMigrationCondition, calculateLiveStorageMigrationCondition). */
#pragma once

#include "policy/verdict.h"

/* LiveMigratable, and StorageLiveMigratable where the version has it, from verdict->findings into verdict->conditions. */
void mv_conditions_make(const struct mv_context *ctx, struct mv_verdict *verdict);
/* Shared storage moves nothing but memory; anything local, or an error of the volumes, means block migration. */
const char *mv_migration_method(const struct mv_context *ctx, const struct mv_verdict *verdict);
/* KubeVirt's check of the volumes says no. */
bool mv_is_volume_error(const struct mv_finding *finding);
