/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config-ignored: a KubeVirt object that KubeVirt itself does not go by.
 *
 * Reads the KubeVirt objects (policy/kubevirt_config.h).
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        if (ctx->config->problem.n) {
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_FAIL, "%.*s", MV_STR_ARG(ctx->config->problem));
                finding->thing = MV_STR("KubeVirt");
        } else if (ctx->config->object)
                mv_report(ctx, MV_OUTCOME_PASS, "%.*s is in force", MV_STR_ARG(ctx->config->from));
}

const struct mv_rule mv_rule_config_ignored = {
        .id = "config-ignored",
        .area = MV_AREA_CONFIGURATION,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .cluster = true,
        .summary = "a KubeVirt object is there but not in force",
        .documentation =
                "KubeVirt goes by the KubeVirt object that is not being deleted and has a status.phase, and admits just one; of "
                "several in the input migvet takes the first by namespace and name, and says so. When its "
                "spec.configuration is invalid (imagePullPolicy, defaultNetworkInterface, memoryOvercommit, "
                "cpuAllocationRatio or pvcTolerateLessSpaceUpToPercent out of range), all of it is ignored and what was "
                "valid last stays in force; after a fresh start these are the defaults, and migvet judges by them. So "
                "what the object says about migrations, eviction or networks has no effect. It says the same of every "
                "VM.",
        .source =
                "KubeVirt pkg/virt-config/configuration.go: GetConfigFromKubeVirtCR, setConfigFromKubeVirt, "
                "validateConfig",
        .fix = "mend the KubeVirt object; in files, keep its status, as kubectl get kubevirt -A -o yaml prints it",
        .revisions = { { 0, check, 0, 0, NULL } },
};
