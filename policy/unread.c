/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/unread.h"

#include "policy/notice.h"

static const struct {
        enum mv_kind kind;
        enum mv_severity severity;
        bool targets;        /* only where a target in this cluster is looked for */
        const char *so_that; /* what is not known because of it */
} deciding[] = {
        { MV_KIND_KUBEVIRT, MV_SEVERITY_BLOCKER, false,
          "KubeVirt's version and configuration are not known" },
        { MV_KIND_NODE, MV_SEVERITY_BLOCKER, true, "whether another node can take the VM is not known" },
        { MV_KIND_POD, MV_SEVERITY_RISK, true, "how much room the nodes have is not known" },
        { MV_KIND_MIGRATION_POLICY, MV_SEVERITY_RISK, false, "which policy applies is not known" },
        { MV_KIND_RESOURCE_QUOTA, MV_SEVERITY_RISK, true,
          "whether a quota has room for the target pod is not known" },
        { MV_KIND_LIMIT_RANGE, MV_SEVERITY_RISK, true,
          "whether a limit range allows the target pod is not known" },
};

void mv_report_unread(struct mv_context *ctx) {
        static const struct mv_revision revision;
        static const char *const words[] = {
                [MV_KNOWLEDGE_SOME] = NULL,
                [MV_KNOWLEDGE_NONE] = "have not been read yet",
                [MV_KNOWLEDGE_ALL] = NULL,
                [MV_KNOWLEDGE_ABSENT] = NULL,
                [MV_KNOWLEDGE_FORBIDDEN] = "may not be listed",
                [MV_KNOWLEDGE_LOST] = NULL,
                [MV_KNOWLEDGE_OUTDATED] = "are not known any more",
                [MV_KNOWLEDGE_NAMED] = "cannot all be read",
                [MV_KNOWLEDGE_LATE] = NULL,
        };
        const struct mv_migration_spec *asked = ctx->migration ? &ctx->migration->spec : NULL;
        bool leaves = asked && asked->send_to && !asked->receive;
        ctx->rule = &mv_notice_cluster_unread;
        ctx->revision = &revision;
        for (size_t i = 0; i < sizeof deciding / sizeof *deciding; i++) {
                enum mv_kind kind = deciding[i].kind;
                const struct mv_known *known = mv_snapshot_known(ctx->snapshot, kind);
                const char *why = words[known->knowledge];
                if (!why || (deciding[i].targets && leaves))
                        continue;
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_UNKNOWN, "%s %s%s%.*s, so %s", mv_kinds[kind].plural, why,
                        known->reason.n ? ": " : "", MV_STR_ARG(known->reason), deciding[i].so_that);
                finding->severity = deciding[i].severity;
                finding->thing = mv_str_from(mv_kinds[kind].kind);
                finding->fix = mv_missing_fix(ctx, kind, MV_STR(""), MV_STR(""));
                mv_report_missing(finding, kind, MV_STR(""), MV_STR(""));
        }
}
