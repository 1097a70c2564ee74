/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/conditions.h"

#include "policy/behaviour.h"
#include "policy/claims.h"

/* KubeVirt's chain is rebuilt from what the rules reported: within a step, by the place in the spec. */
static bool before(const struct mv_finding *a, const struct mv_finding *b, unsigned step_a, unsigned step_b) {
        return step_a != step_b ? step_a < step_b : step_a && a->index < b->index;
}

/* The first failing step decides. */
static void live_condition(struct mv_verdict *verdict) {
        const struct mv_finding *first = NULL;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (f->condition.n && f->live_step &&
                    (!first || before(f, first, f->live_step, first->live_step)))
                        first = f;
        verdict->conditions[verdict->n_conditions++] = (struct mv_verdict_condition){
                .type = "LiveMigratable",
                .status = first ? "False" : "True",
                .reason = first ? mv_str_from(first->rule->reason) : (struct mv_str){ 0 },
                .message = first ? first->condition : (struct mv_str){ 0 },
        };
}

/* All failing steps are listed, each once. */
static void storage_condition(struct mv_arena *arena, struct mv_verdict *verdict) {
        struct mv_str message = { 0 };
        for (unsigned done = 0;;) {
                const struct mv_finding *next = NULL;
                for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                        if (f->condition.n && f->storage_step > done &&
                            (!next || before(f, next, f->storage_step, next->storage_step)))
                                next = f;
                if (!next)
                        break;
                message = mv_arena_format(arena, "%.*s%s%s: %.*s", MV_STR_ARG(message), message.n ? ", " : "",
                                          next->rule->reason, MV_STR_ARG(next->condition));
                done = next->storage_step;
        }
        verdict->conditions[verdict->n_conditions++] = (struct mv_verdict_condition){
                .type = "StorageLiveMigratable",
                .status = message.n ? "False" : "True",
                .reason = message.n ? MV_STR("NotMigratable") : (struct mv_str){ 0 },
                .message = message,
        };
}

void mv_conditions_make(const struct mv_context *ctx, struct mv_verdict *verdict) {
        live_condition(verdict);
        if (ctx->behaviour->storage_condition)
                storage_condition(ctx->arena, verdict);
}

bool mv_is_volume_error(const struct mv_finding *f) {
        return f->condition.n && (f->live_step == MV_STEP_VOLUMES || f->live_step == MV_STEP_VOLUMES_FIRST);
}

const char *mv_migration_method(const struct mv_context *ctx, const struct mv_verdict *verdict) {
        const struct mv_vmi *vmi = ctx->vmi;
        if (vmi->status.migrated_volumes.n && ctx->behaviour->migrated_volumes == MV_MIGRATED_COPIED)
                return "BlockMigration";
        for (size_t i = 0; i < vmi->spec.volumes.n; i++)
                if (ctx->claims[i].copied)
                        return "BlockMigration";
        for (const struct mv_finding *f = verdict->findings; f; f = f->next)
                if (mv_is_volume_error(f))
                        return "BlockMigration";
        return "LiveMigration";
}
