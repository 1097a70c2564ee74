/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubevirt-version: the version of KubeVirt is one whose behaviour is not known.
 *
 * Reads the version asked for, the KubeVirt object's status and the gates LiveMigration and SRIOVLiveMigration.
 */
#include "policy/rule.h"

static void report_old(struct mv_context *ctx) {
        mv_report(
                ctx, MV_OUTCOME_FAIL,
                "KubeVirt %.*s is judged as 1.0, but for feature gates and the migration ports: what else was "
                "different before 1.0 is not known to migvet",
                MV_STR_ARG(ctx->config->version));
}

/* Migration itself was behind a gate, which that for SR-IOV turned on, too. */
static void check_0_0(struct mv_context *ctx) {
        report_old(ctx);
        if (mv_kubevirt_gate(ctx->config, "LiveMigration") ||
            mv_kubevirt_gate(ctx->config, "SRIOVLiveMigration"))
                return;
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the feature gate LiveMigration is off, and KubeVirt %.*s migrates nothing without it",
                MV_STR_ARG(ctx->config->version));
        finding->severity = MV_SEVERITY_BLOCKER;
        finding->fix =
                MV_STR("name LiveMigration under developerConfiguration.featureGates of the KubeVirt object");
}

static void check_0_56(struct mv_context *ctx) {
        report_old(ctx);
}

static void check(struct mv_context *ctx) {
        mv_report(ctx, MV_OUTCOME_PASS, "the behaviour of KubeVirt %.*s is known",
                  MV_STR_ARG(ctx->config->version));
}

static void check_newer(struct mv_context *ctx) {
        if (ctx->version_known)
                mv_report(ctx, MV_OUTCOME_FAIL,
                          "KubeVirt %.*s is newer than what this migvet knows, and is judged as 1.10",
                          MV_STR_ARG(ctx->config->version));
        else if (ctx->config->version_unread.n)
                mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "\"%.*s\" in the KubeVirt object's status.observedKubeVirtVersion is no version, so the newest "
                        "behaviour that is known counts",
                        MV_STR_ARG(ctx->config->version_unread));
}

const struct mv_rule mv_rule_kubevirt_version = {
        .id = "kubevirt-version",
        .area = MV_AREA_CONFIGURATION,
        .severity = MV_SEVERITY_NOTE,
        .cluster = true,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .summary = "the behaviour of this version of KubeVirt is not known",
        .documentation =
                "What KubeVirt does differs between versions; migvet follows status.observedKubeVirtVersion of the "
                "KubeVirt object, or --kubevirt-version, from 1.0 to 1.10. By version are: the conditions and their "
                "messages, the defaults of the migration settings and which of them there are, feature gates, priorities "
                "and decentralized migrations, and which bindings are discontinued. The same in all of them are the values "
                "of evictionStrategy. Not known by version, and taken from 1.10, are: which labels are reserved, what the "
                "webhooks say of runStrategy, of updates of instances, of MigrationPolicies and of evictions, and how "
                "instancetypes and preferences are applied. Older versions are judged as 1.0 but for feature gates and the "
                "migration ports, newer ones as 1.10, and this note says so.",
        .source = "the code of KubeVirt 1.0 to 1.8, and of the main branch on the way to 1.10",
        .fix = "check with the documentation of that version of KubeVirt, or name another one with --kubevirt-version",
        .revisions = {
                { 0, check_0_0, 0, 0, "judged as 1.0 but for gates and ports; nothing migrates without the gate LiveMigration" },
                { MV_KUBEVIRT(0, 56), check_0_56, 0, 0, "judged as 1.0 but for gates and ports" },
                { MV_KUBEVIRT(1, 0), check, 0, 0, "known" },
                { MV_KUBEVIRT(1, 11), check_newer, 0, 0, "judged as 1.10" },
        },
};
