/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-empty-selector: a MigrationPolicy that selects every VM.
 *
 * Reads spec.selectors.
 */
#include "policy/rule.h"

#include <inttypes.h>

static void check(struct mv_context *ctx) {
        const struct mv_policy_selectors *selectors = ctx->policy->spec.selectors;
        if (!selectors)
                return; /* it matches nothing, and policy-never-matches says so */
        if (selectors->namespace_labels.n || selectors->vmi_labels.n) {
                mv_report(ctx, MV_OUTCOME_PASS,
                          "it selects by %" PRIu32 " of the namespace's labels and %" PRIu32
                          " of the instance's",
                          selectors->namespace_labels.n, selectors->vmi_labels.n);
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "its selectors are empty, so it applies to every VM of every namespace that no other "
                "policy matches");
        finding->field = MV_STR("spec.selectors");
}

const struct mv_rule mv_rule_policy_empty_selector = {
        .id = "policy-empty-selector",
        .area = MV_AREA_POLICY,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .subject = MV_SUBJECT_POLICY,
        .summary = "a MigrationPolicy that matches every VM of the cluster",
        .documentation =
                "A MigrationPolicy whose spec.selectors is there but empty (or holds two empty maps) matches every VM "
                "with the score 0. Any policy with a label that matches wins over it. As a default for the whole "
                "cluster the KubeVirt object's spec.configuration.migrations is the place. A policy without "
                "spec.selectors is the opposite: it matches nothing.",
        .source = "KubeVirt pkg/virt-controller/watch/migration/migrationpolicy.go: countMatchingLabels",
        .fix = "name the labels of the namespaces or instances it is for, or set these values in "
               "spec.configuration.migrations of the KubeVirt object",
        .revisions = { { 0, check, 0, 0, NULL } },
};
