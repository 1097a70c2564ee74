/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migration-network: the network that migrations are to use must exist where KubeVirt runs.
 *
 * Reads `network` of the migration settings, and NetworkAttachmentDefinitions.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        struct mv_str name = ctx->config->spec->migrations.network, namespace = ctx->config->namespace;
        struct mv_str from = ctx->config->from;
        if (!name.n)
                return;
        size_t slash = mv_str_find_byte(name, '/');
        if (slash < name.n) {
                namespace = (struct mv_str){ name.p, slash };
                name = mv_str_skip(name, slash + 1);
        }
        if (mv_snapshot_find(ctx->snapshot, MV_KIND_NETWORK_ATTACHMENT, namespace, name)) {
                mv_report(ctx, MV_OUTCOME_PASS, "migrations use network %.*s/%.*s (from %.*s)",
                          MV_STR_ARG(namespace), MV_STR_ARG(name), MV_STR_ARG(from));
                return;
        }
        bool any = mv_snapshot_count(ctx->snapshot, MV_KIND_NETWORK_ATTACHMENT) ||
                   mv_snapshot_has_all(ctx->snapshot, MV_KIND_NETWORK_ATTACHMENT);
        struct mv_finding *finding = mv_report(
                ctx, any ? MV_OUTCOME_FAIL : MV_OUTCOME_UNKNOWN,
                any ? "migrations are to use network %.*s (from %.*s), and there is no NetworkAttachmentDefinition "
                      "%.*s/%.*s"
                    : "migrations are to use network %.*s (from %.*s), and the input has no "
                      "NetworkAttachmentDefinition at all, so whether %.*s/%.*s is there is not known",
                MV_STR_ARG(name), MV_STR_ARG(from), MV_STR_ARG(namespace), MV_STR_ARG(name));
        finding->thing = name;
        if (!any)
                mv_report_missing(finding, MV_KIND_NETWORK_ATTACHMENT, namespace, name);
        finding->fix =
                any ? mv_text(ctx,
                              "create NetworkAttachmentDefinition %.*s in namespace %.*s, where KubeVirt runs, "
                              "or mend network in %.*s",
                              MV_STR_ARG(name), MV_STR_ARG(namespace), MV_STR_ARG(from))
                    : mv_text(ctx,
                              "give migvet the NetworkAttachmentDefinitions of namespace %.*s too, %.*s among them",
                              MV_STR_ARG(namespace), MV_STR_ARG(name));
}

const struct mv_rule mv_rule_migration_network = {
        .id = "migration-network",
        .area = MV_AREA_NETWORK,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(KUBEVIRT) | MV_NEED(HYPERCONVERGED) | MV_NEED(NETWORK_ATTACHMENT),
        .reason = "",
        .cluster = true,
        .summary = "the network set aside for migrations must exist",
        .documentation =
                "With `network` in the migration settings (spec.configuration.migrations of KubeVirt, "
                "liveMigrationConfig of HyperConverged) every virt-handler pod is attached to that "
                "NetworkAttachmentDefinition, and migrations go through it. It must be in the namespace where KubeVirt "
                "is installed, unless the name says NAMESPACE/NAME. Without it the pods do not start anew, and a node "
                "whose virt-handler lacks the interface migrates over the pod network or not at all. Where the input "
                "has no NetworkAttachmentDefinition at all, it is unknown. It says the same of every VM.",
        .source =
                "KubeVirt pkg/virt-operator/resource/generate/components/daemonsets.go: NewHandlerDaemonSet",
        .fix = "create the NetworkAttachmentDefinition in the namespace where KubeVirt runs",
        .revisions = { { 0, check, 0, 0, NULL } },
};
