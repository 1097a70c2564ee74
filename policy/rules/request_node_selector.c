/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request-node-selector: addedNodeSelector of a migration must leave a node. KubeVirt does not look, so this is no
 * refusal of its webhook, and it holds for a migration that is pending, too.
 *
 * Reads spec.addedNodeSelector of the migration, and what node-fit reads.
 */
#include "policy/rule.h"

static void check_1_0(struct mv_context *ctx) {
        (void)ctx; /* there is no such field */
}

static void check(struct mv_context *ctx) {
        const unsigned own = MV_FIT_LASTING & ~MV_FIT_BIT(MV_FIT_ADDED);
        const struct mv_migration *migration = ctx->migration;
        if (!ctx->fit || !migration || mv_migration_is_final(migration) ||
            !migration->spec.added_node_selector.n || !mv_has_target(ctx, own))
                return;
        if (mv_has_target(ctx, MV_FIT_LASTING)) {
                size_t n = mv_count_targets(ctx, MV_FIT_LASTING);
                mv_report(ctx, MV_OUTCOME_PASS, "addedNodeSelector leaves %zu node%s", n, n == 1 ? "" : "s");
                return;
        }
        uint64_t *possible = mv_fit_passing(ctx->arena, ctx->fit, own);
        struct mv_finding *finding =
                mv_report(ctx, MV_OUTCOME_FAIL, "addedNodeSelector leaves no node: %.*s",
                          MV_STR_ARG(mv_obstacles(ctx, possible,
                                                  MV_FIT_BIT(MV_FIT_ADDED) | MV_FIT_BIT(MV_FIT_SOURCE))));
        finding->field = MV_STR("spec.addedNodeSelector");
}

const struct mv_rule mv_rule_request_node_selector = {
        .id = "request-node-selector",
        .area = MV_AREA_REQUEST,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NODE) | MV_NEED(POD),
        .reason = "",
        .targets = true,
        .summary = "the migration's addedNodeSelector leaves no node",
        .documentation =
                "spec.addedNodeSelector narrows a migration to certain nodes, beside all that the VM itself asks for. "
                "KubeVirt does not look whether any node is left: the target pod stays pending until it times out. A label that "
                "the VM or KubeVirt selects by itself is not overridden: theirs counts.",
        .source = "KubeVirt pkg/virt-controller/watch/migration/migration.go: createTargetPod",
        .fix = "name a label that one of the nodes which can take the VM carries: migvet nodes shows them",
        .revisions = {
                { 0, check_1_0, 0, 0, NULL },
                { MV_KUBEVIRT(1, 6), check, 0, 0, "addedNodeSelector exists" },
        },
};
