/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy-values: values of a MigrationPolicy that KubeVirt refuses, or that do not do what they say.
 *
 * Reads the settings in its spec, and which feature gates are on.
 */
#include "policy/policy_values.h"

#include "policy/object/quantity.h"
#include "policy/rule.h"

#include <stdio.h>

static struct mv_finding *report_value(struct mv_context *ctx, const char *field, struct mv_str message) {
        /* Some of KubeVirt's messages begin with the field. */
        bool named = !field[0] || mv_str_starts_with(message, mv_str_from(field));
        struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL, "%s%s%.*s", named ? "" : field,
                                               named ? "" : ": ", MV_STR_ARG(message));
        finding->field = field[0] ? mv_text(ctx, "spec.%s", field) : MV_STR("spec");
        finding->thing = finding->field;
        return finding;
}

static void report_invalid(void *context, struct mv_str message, const char *field) {
        report_value(context, field, message);
}

static void check_values(struct mv_context *ctx, const struct mv_policy_values *values) {
        static const struct mv_policy_values nothing = { 0 };
        const struct mv_policy_check check = {
                .arena = ctx->arena,
                .config = ctx->config,
                .invalid = report_invalid,
                .unreadable = report_invalid,
                .context = ctx,
        };
        mv_policy_values_check(&check, values, &nothing);
}

/* What KubeVirt's webhook refuses. What is there already may have been allowed by a gate that is off now; without it the
 * value does nothing. */
static void check_refused(struct mv_context *ctx) {
        const struct mv_migration_settings *settings = &ctx->policy->spec.settings;
        struct mv_policy_values values = {
                .completion_timeout_per_gib = settings->completion_timeout_per_gib,
                .bandwidth_per_migration = settings->bandwidth_per_migration,
                .experimental = settings->experimental,
        };
        if (settings->max_downtime_ms.set)
                values.max_downtime_ms = mv_text(ctx, "%lld", (long long)settings->max_downtime_ms.value);
        check_values(ctx, &values);
}

static void report_risk(struct mv_context *ctx, const char *field, struct mv_str message, const char *fix) {
        struct mv_finding *finding = report_value(ctx, field, message);
        finding->severity = MV_SEVERITY_RISK;
        finding->fix = mv_str_from(fix);
}

/* KubeVirt makes whole MiB of it, and at least one. */
static void check_bandwidth(struct mv_context *ctx) {
        struct mv_quantity quantity;
        struct mv_str text = ctx->policy->spec.settings.bandwidth_per_migration;
        if (!text.p || mv_quantity_parse(text, &quantity, NULL) < 0 || mv_quantity_sign(&quantity) <= 0 ||
            mv_quantity_value(&quantity) >= 1 << 20)
                return;
        report_risk(
                ctx, "bandwidthPerMigration",
                mv_text(ctx, "\"%.*s\" are bytes per second, of which KubeVirt makes 1Mi", MV_STR_ARG(text)),
                "write the bytes per second with a unit, such as 64Mi; 0 is no limit");
}

/* Post-copy begins when the deadline passes, so without one it never does. */
static void check_deadline(struct mv_context *ctx) {
        const struct mv_migration_settings *settings = &ctx->policy->spec.settings;
        if (settings->allow_post_copy == MV_TRUE && settings->completion_timeout_per_gib.set &&
            settings->completion_timeout_per_gib.value == 0 &&
            !mv_kubevirt_gate(ctx->config, "MigrationStallDetection"))
                report_risk(
                        ctx, "completionTimeoutPerGiB",
                        MV_STR("0 sets no deadline, and allowPostCopy acts only when the deadline passes: it "
                               "never does"),
                        "set completionTimeoutPerGiB to the seconds after which post-copy is to begin, per "
                        "10^9 bytes");
}

/* Likewise when the deadline aborts the migration. */
static void check_disruption(struct mv_context *ctx) {
        const struct mv_migration_settings *settings = &ctx->policy->spec.settings;
        if (settings->allow_post_copy == MV_TRUE && settings->allow_workload_disruption == MV_FALSE &&
            !mv_kubevirt_gate(ctx->config, "MigrationStallDetection"))
                report_risk(
                        ctx, "allowWorkloadDisruption",
                        MV_STR("false keeps KubeVirt from going to post-copy, so allowPostCopy does nothing: "
                               "at the deadline the migration is aborted"),
                        "leave allowWorkloadDisruption out (then it follows allowPostCopy), or set it to true");
}

static void report_pass(struct mv_context *ctx) {
        for (const struct mv_finding *f = ctx->findings; f; f = f->next)
                if (f->rule == ctx->rule)
                        return;
        mv_report(ctx, MV_OUTCOME_PASS, "KubeVirt takes its values, and they do what they say");
}

static void check_1_0(struct mv_context *ctx) {
        check_refused(ctx);
        check_bandwidth(ctx);
        check_deadline(ctx);
        report_pass(ctx);
}

static void check_1_5(struct mv_context *ctx) {
        check_refused(ctx);
        check_bandwidth(ctx);
        check_deadline(ctx);
        check_disruption(ctx);
        report_pass(ctx);
}

const struct mv_rule mv_rule_policy_values = {
        .id = "policy-values",
        .area = MV_AREA_POLICY,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .subject = MV_SUBJECT_POLICY,
        .summary = "values of a MigrationPolicy that KubeVirt refuses, or that do nothing",
        .documentation =
                "KubeVirt refuses negative values, factors out of range, what is no quantity, and settings whose "
                "feature gate is off. It admits some that cannot work, which are reported as risks: a bandwidth below "
                "1Mi per second (it counts as 1Mi; bytes, not bits), allowPostCopy with a deadline of 0, and "
                "allowPostCopy with allowWorkloadDisruption: false.",
        .source = "KubeVirt pkg/virt-api/webhooks/validating-webhook/admitters/migrationpolicy-admitter.go; "
                  "pkg/virt-launcher/virtwrap/live-migration-source.go: handleLegacyConvergence",
        .fix = "correct the value, or enable the feature gate that the message names",
        .revisions = { { 0, check_1_0, 0, 0, NULL },
                       { MV_KUBEVIRT(1, 5), check_1_5, 0, 0, "looks at allowWorkloadDisruption" },
                       { MV_KUBEVIRT(1, 9), check_1_5, 0, 0,
                         "maxDowntimeMs and experimental are there, and need feature gates" } },
};
