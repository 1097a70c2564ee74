/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eviction-strategy: what a drain does to this VM.
 *
 * Reads spec.evictionStrategy, the cluster's, the verdict of the other rules, and the label kubevirt.io/schedulable of
 * the nodes, where the input has any.
 */
#include "policy/nodes/nodeindex.h"
#include "policy/rule.h"

/* Where the cluster's strategy is set: the operator of a HyperConverged puts back what somebody edits in its KubeVirt
 * object. */
static struct mv_str cluster_object(struct mv_context *ctx) {
        if (!mv_snapshot_count(ctx->snapshot, MV_KIND_HYPERCONVERGED))
                return MV_STR("the KubeVirt object");
        const struct mv_hyperconverged *owner = mv_snapshot_at(ctx->snapshot, MV_KIND_HYPERCONVERGED, 0);
        return mv_text(ctx, "HyperConverged %.*s/%.*s", MV_STR_ARG(owner->meta.namespace),
                       MV_STR_ARG(owner->meta.name));
}

static void report(struct mv_context *ctx, enum mv_severity severity, struct mv_str message,
                   struct mv_str fix) {
        struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL, "%.*s", MV_STR_ARG(message));
        finding->field = mv_spec_field(ctx, "evictionStrategy");
        finding->severity = severity;
        finding->fix = fix;
}

/* Nodes that run VMs; SIZE_MAX when the input has no nodes. A cordoned one counts, for that passes; and the VM's own,
 * which the input may lack. */
static size_t workers(struct mv_context *ctx) {
        const struct mv_node_index *index = mv_snapshot_node_index(ctx->snapshot);
        struct mv_str own = ctx->vmi->status.node_name;
        uint64_t *set = mv_node_set_all(index, ctx->arena);
        if (!set || !mv_snapshot_count(ctx->snapshot, MV_KIND_NODE))
                return SIZE_MAX;
        mv_node_set_and(
                index, set,
                mv_node_index_label(index, ctx->arena, MV_STR("kubevirt.io/schedulable"), MV_STR("true")));
        bool elsewhere = own.n && !mv_snapshot_find(ctx->snapshot, MV_KIND_NODE, (struct mv_str){ 0 }, own);
        return mv_node_set_count(index, set) + elsewhere;
}

/* KubeVirt goes by its own condition, which does not ask for another node. */
static bool is_asked_to_move(const struct mv_context *ctx) {
        return mv_str_is(ctx->condition_status, "True");
}

/* On a cluster of one, a VM whose strategy is to migrate is asked to
 * move and cannot. */
static bool has_nowhere_to_go(struct mv_context *ctx, bool if_possible) {
        size_t n = workers(ctx);
        if (n > 1 || (if_possible && !is_asked_to_move(ctx)))
                return false;
        const char *nodes = n ? "just one node runs VMs" : "no node runs VMs";
        report(ctx, MV_SEVERITY_RISK,
               mv_text(ctx,
                       "evictionStrategy is %.*s and %s (kubevirt.io/schedulable=true), so the VM can never migrate: it "
                       "blocks every drain of its node",
                       MV_STR_ARG(ctx->eviction_strategy), nodes),
               mv_text(ctx,
                       "set evictionStrategy: None, on the VM or for the cluster in %.*s, so that a drain shuts the VM "
                       "down, or add a node",
                       MV_STR_ARG(cluster_object(ctx))));
        return true;
}

static void check(struct mv_context *ctx) {
        struct mv_str strategy = ctx->eviction_strategy;
        bool migrate = mv_str_is(strategy, "LiveMigrate"), none = mv_str_is(strategy, "None");
        bool if_possible = mv_str_is(strategy, "LiveMigrateIfPossible");
        if (!migrate && !none && !if_possible && !mv_str_is(strategy, "External")) {
                report(ctx, MV_SEVERITY_RISK,
                       mv_text(ctx,
                               "evictionStrategy \"%.*s\" is none that KubeVirt knows, and it refuses the VM",
                               MV_STR_ARG(strategy)),
                       MV_STR("use LiveMigrate, LiveMigrateIfPossible, None or External"));
                return;
        }
        if ((migrate || if_possible) && has_nowhere_to_go(ctx, if_possible))
                return;
        if ((migrate || if_possible) && ctx->so_far == MV_OUTCOME_FAIL && is_asked_to_move(ctx)) {
                report(ctx, MV_SEVERITY_RISK,
                       mv_text(ctx,
                               "evictionStrategy is %.*s, and KubeVirt sees a VM that can migrate, but it cannot: a "
                               "drain asks it to move again and again, and never ends",
                               MV_STR_ARG(strategy)),
                       MV_STR("mend what blocks the migration, or set evictionStrategy: None so that a drain shuts the VM "
                              "down (the VM must be stopped to change it)"));
                return;
        }
        if (migrate && ctx->so_far == MV_OUTCOME_FAIL) {
                report(ctx, MV_SEVERITY_RISK,
                       MV_STR("evictionStrategy is LiveMigrate and the VM cannot migrate: it blocks every drain of its "
                              "node"),
                       MV_STR("mend what blocks the migration, or set evictionStrategy: LiveMigrateIfPossible so that "
                              "a drain shuts the VM down (the VM must be stopped to change it)"));
                return;
        }
        if (none && !ctx->eviction_set && ctx->so_far == MV_OUTCOME_PASS && workers(ctx) > 1) {
                report(ctx, MV_SEVERITY_NOTE,
                       MV_STR("no evictionStrategy is set: a drain shuts the VM down although it could migrate"),
                       mv_text(ctx, "set evictionStrategy: LiveMigrate, on the VM or for the cluster in %.*s",
                               MV_STR_ARG(cluster_object(ctx))));
                return;
        }
        mv_report(ctx, MV_OUTCOME_PASS, "evictionStrategy %.*s: a drain %s", MV_STR_ARG(strategy),
                  migrate && ctx->so_far != MV_OUTCOME_PASS
                          ? "migrates the VM if it can, and is blocked if it cannot"
                  : migrate ? "migrates the VM"
                  : none    ? "shuts the VM down"
                  : mv_str_is(strategy, "External")
                          ? "marks the VM, and somebody else must move it: KubeVirt does not"
                  : ctx->so_far == MV_OUTCOME_FAIL ? "shuts the VM down, for it cannot migrate"
                                                   : "migrates the VM if it can");
}

const struct mv_rule mv_rule_eviction_strategy = {
        .id = "eviction-strategy",
        .area = MV_AREA_EVICTION,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(NODE) | MV_NEED(KUBEVIRT) | MV_NEED(HYPERCONVERGED),
        .reason = "",
        .last = true,
        .summary = "what a drain of its node does to the VM",
        .documentation =
                "LiveMigrate on a VM that cannot migrate blocks the drain of its node for good: every eviction is "
                "refused and nothing moves it. LiveMigrateIfPossible lets such a VM be shut down. None, which is also "
                "KubeVirt's default, shuts the VM down even if it could migrate. External leaves it to another "
                "controller. KubeVirt checks only the spelling when the VM is created. Where the VM cannot move for a "
                "reason that KubeVirt does not see, say that no other node can take it, both LiveMigrate and "
                "LiveMigrateIfPossible block the drain: the VM is migratable as KubeVirt sees it, is asked to move, and "
                "stays.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/pod-eviction-admitter.go; "
                  "pkg/util/migrations: VMIEvictionStrategy",
        .fix = "set evictionStrategy: LiveMigrate on VMs that can migrate and LiveMigrateIfPossible on others",
        .revisions = { { 0, check, 0, 0, NULL } },
};
