/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eviction-strategy: what a drain does to this VM.
 *
 * Reads spec.evictionStrategy, the cluster's, and the verdict of the other rules.
 */
#include "policy/rule.h"

static void report(struct mv_context *ctx, enum mv_severity severity, struct mv_str message,
                   struct mv_str fix) {
        struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL, "%.*s", MV_STR_ARG(message));
        finding->field = mv_spec_field(ctx, "evictionStrategy");
        finding->severity = severity;
        finding->fix = fix;
}

static void check(struct mv_context *ctx) {
        struct mv_str strategy = ctx->eviction_strategy;
        bool migrate = mv_str_is(strategy, "LiveMigrate"), none = mv_str_is(strategy, "None");
        if (!migrate && !none && !mv_str_is(strategy, "LiveMigrateIfPossible") &&
            !mv_str_is(strategy, "External")) {
                report(ctx, MV_SEVERITY_RISK,
                       mv_text(ctx,
                               "evictionStrategy \"%.*s\" is none that KubeVirt knows, and it refuses the VM",
                               MV_STR_ARG(strategy)),
                       MV_STR("use LiveMigrate, LiveMigrateIfPossible, None or External"));
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
        if (none && !ctx->eviction_set && ctx->so_far == MV_OUTCOME_PASS) {
                report(ctx, MV_SEVERITY_NOTE,
                       MV_STR("no evictionStrategy is set: a drain shuts the VM down although it could migrate"),
                       MV_STR("set evictionStrategy: LiveMigrate, on the VM or for the cluster in the KubeVirt object"));
                return;
        }
        mv_report(ctx, MV_OUTCOME_PASS, "evictionStrategy %.*s: a drain %s", MV_STR_ARG(strategy),
                  migrate && ctx->so_far != MV_OUTCOME_PASS
                          ? "migrates the VM if it can, and is blocked if it cannot"
                  : migrate                         ? "migrates the VM"
                  : none                            ? "shuts the VM down"
                  : mv_str_is(strategy, "External") ? "leaves the VM to an external controller"
                  : ctx->so_far == MV_OUTCOME_FAIL  ? "shuts the VM down, for it cannot migrate"
                                                    : "migrates the VM if it can");
}

const struct mv_rule mv_rule_eviction_strategy = {
        .id = "eviction-strategy",
        .area = MV_AREA_EVICTION,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .last = true,
        .summary = "what a drain of its node does to the VM",
        .documentation =
                "LiveMigrate on a VM that cannot migrate blocks the drain of its node for good: every eviction is "
                "refused and nothing moves it. LiveMigrateIfPossible lets such a VM be shut down. None, which is also "
                "KubeVirt's default, shuts the VM down even if it could migrate. External leaves it to another "
                "controller. KubeVirt checks only the spelling when the VM is created.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/pod-eviction-admitter.go; "
                  "pkg/util/migrations: VMIEvictionStrategy",
        .fix = "set evictionStrategy: LiveMigrate on VMs that can migrate and LiveMigrateIfPossible on others",
        .revisions = { { 0, check, 0, 0, NULL } },
};
