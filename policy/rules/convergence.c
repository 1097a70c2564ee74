/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convergence: whether the memory can be copied once before the migration's deadline.
 *
 * Reads the guest's memory, the volumes that are copied, and the effective bandwidthPerMigration and
 * completionTimeoutPerGiB.
 */
#include "policy/convergence.h"

#include "policy/rule.h"

/* The figures as texts. */
struct words {
        char memory[MV_COPY_TEXT], disks[MV_COPY_TEXT], rate[MV_COPY_TEXT], needed[MV_COPY_TEXT],
                pass[MV_COPY_TEXT], deadline[MV_COPY_TEXT];
        struct mv_str rate_from, deadline_from;
        const char *action;
};

static struct mv_str origin(const struct mv_context *ctx, const char *path) {
        const struct mv_setting *setting = mv_resolution_setting(ctx->resolution, path);
        return setting ? setting->from : (struct mv_str){ 0 };
}

static void describe(const struct mv_context *ctx, struct words *words) {
        static const char *const actions[] = {
                [MV_DEADLINE_NONE] = "",
                [MV_DEADLINE_ABORT] = "then the migration is aborted",
                [MV_DEADLINE_POST_COPY] = "then it goes on as post-copy",
                [MV_DEADLINE_PAUSE] =
                        "then the guest is paused while the rest is copied, and the migration is "
                        "aborted when that takes as long again",
                [MV_DEADLINE_DOWNTIME] =
                        "then the guest is stopped while the rest is copied, and the migration is "
                        "aborted when that takes as long again",
                [MV_DEADLINE_DETECTOR] = "then the stall detector forces the switch, or aborts it",
        };
        const struct mv_copy_size *size = &ctx->copy->size;
        const struct mv_convergence *figures = &ctx->copy->figures;
        mv_copy_bytes_text(size->memory, words->memory);
        mv_copy_bytes_text(size->disks, words->disks);
        mv_copy_bytes_text(figures->rate, words->rate);
        mv_copy_bytes_text(figures->needed, words->needed);
        mv_copy_time_text(figures->pass.least, words->pass);
        mv_copy_seconds_text(figures->deadline, words->deadline);
        words->rate_from = origin(ctx, "bandwidthPerMigration");
        words->deadline_from = origin(ctx, "completionTimeoutPerGiB");
        words->action = actions[figures->action];
}

/* The claim of an ephemeral volume that is copied, when it decides and is not in the input; "" otherwise. */
static struct mv_str missing_claim(const struct mv_context *ctx) {
        const struct mv_copy_size *size = &ctx->copy->size;
        for (size_t i = 0; i < size->n_copied; i++) {
                const struct mv_volume *volume = &ctx->vmi->spec.volumes.items[size->copied[i].index];
                const struct mv_claim_source *claim =
                        volume->ephemeral ? volume->ephemeral->persistent_volume_claim : NULL;
                if (claim && !mv_snapshot_find(ctx->snapshot, MV_KIND_CLAIM, ctx->vmi->meta.namespace,
                                               claim->claim_name))
                        return claim->claim_name;
        }
        return (struct mv_str){ 0 };
}

static void report_depends(struct mv_context *ctx, const struct words *words) {
        const struct mv_copy_size *size = &ctx->copy->size;
        struct mv_str claim = missing_claim(ctx);
        const char *on =
                ctx->copy->figures.compressed ? "how well the data compress" : "how full its local disks are";
        struct mv_str more = size->disks ? mv_text(ctx, " (%s or more)", words->disks) : (struct mv_str){ 0 };
        if (size->most != INT64_MAX && size->disks)
                more = mv_text(ctx, " (at most %s)", words->disks);
        struct mv_finding *finding = mv_report(
                ctx, claim.n ? MV_OUTCOME_UNKNOWN : MV_OUTCOME_FAIL,
                "copying %s of memory takes %s at %s/s (%.*s), and it depends on %s%.*s whether all is copied before "
                "the deadline of %s (%.*s); %s",
                words->memory, words->pass, words->rate, MV_STR_ARG(words->rate_from), on, MV_STR_ARG(more),
                words->deadline, MV_STR_ARG(words->deadline_from), words->action);
        finding->field = mv_spec_field(ctx, "volumes");
        finding->severity = claim.n ? finding->severity : MV_SEVERITY_NOTE;
        if (!claim.n)
                return;
        finding->fix =
                mv_text(ctx, "%.*s; or %.*s",
                        MV_STR_ARG(mv_missing_fix(ctx, MV_KIND_CLAIM, ctx->vmi->meta.namespace, claim)),
                        MV_STR_ARG(finding->fix));
        mv_report_missing(finding, MV_KIND_CLAIM, ctx->vmi->meta.namespace, claim);
}

static void report_unlimited(struct mv_context *ctx, const struct words *words) {
        const struct mv_convergence *figures = &ctx->copy->figures;
        if (!figures->deadline)
                mv_report(ctx, MV_OUTCOME_PASS, "%s of memory are copied, and no deadline is set (%.*s)",
                          words->memory, MV_STR_ARG(words->deadline_from));
        else
                mv_report(
                        ctx, MV_OUTCOME_PASS,
                        "%s of memory must be copied within %s, which needs at least %s/s; no bandwidth is set (%.*s)",
                        words->memory, words->deadline, words->needed, MV_STR_ARG(words->rate_from));
}

static void check(struct mv_context *ctx) {
        struct words words;
        if (!ctx->copy || !ctx->copy->size.memory)
                return;
        enum mv_in_time in_time = mv_convergence_in_time(&ctx->copy->size, &ctx->copy->figures);
        if (ctx->terse && (in_time == MV_IN_TIME_YES || in_time == MV_IN_TIME_UNLIMITED)) {
                mv_report(ctx, MV_OUTCOME_PASS, "the memory can be copied in time");
                return;
        }
        describe(ctx, &words);
        switch (in_time) {
        case MV_IN_TIME_YES:
                mv_report(ctx, MV_OUTCOME_PASS,
                          "copying %s of memory once takes %s at %s/s (%.*s), and the deadline is %s (%.*s)",
                          words.memory, words.pass, words.rate, MV_STR_ARG(words.rate_from), words.deadline,
                          MV_STR_ARG(words.deadline_from));
                break;
        case MV_IN_TIME_UNLIMITED:
                report_unlimited(ctx, &words);
                break;
        case MV_IN_TIME_DEPENDS:
                report_depends(ctx, &words);
                break;
        case MV_IN_TIME_NO:
                mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "copying %s of memory once takes %s at %s/s (%.*s), but the deadline is %s (%.*s), which "
                        "needs at least %s/s; %s",
                        words.memory, words.pass, words.rate, MV_STR_ARG(words.rate_from), words.deadline,
                        MV_STR_ARG(words.deadline_from), words.needed, words.action)
                        ->field = mv_spec_field(ctx, "domain.memory");
                break;
        }
}

const struct mv_rule mv_rule_convergence = {
        .id = "convergence",
        .area = MV_AREA_CONVERGENCE,
        .severity = MV_SEVERITY_RISK,
        .needs = MV_NEED(CLAIM) | MV_NEED(MIGRATION_POLICY) | MV_NEED(NAMESPACE) | MV_NEED(KUBEVIRT),
        .reason = "",
        .summary = "the memory cannot be copied once before the deadline",
        .documentation =
                "KubeVirt gives a migration completionTimeoutPerGiB seconds for each 10^9 bytes (begun ones in full) of the "
                "guest's memory and the disks that are copied, except empty disks, which are copied and not counted. "
                "bandwidthPerMigration caps the rate, in whole MiB per second. Where one pass over the memory at that "
                "rate takes longer, no migration can be over in time: it is aborted, or, with allowWorkloadDisruption, "
                "goes on as post-copy or with the guest paused. A guest that writes takes more than one pass; pages of "
                "zeroes cost nothing. Without a cap the rate that is needed is reported, with what passed. Where local "
                "disks decide, whose size is not known, that is a note. completionTimeoutPerGiB: 0 sets no deadline.",
        .source = "KubeVirt pkg/virt-launcher/virtwrap/live-migration-source.go: newMigrationMonitor, "
                  "handleLegacyConvergence; manager.go: getVMIMigrationDataSize",
        .fix = "raise bandwidthPerMigration or completionTimeoutPerGiB, in the MigrationPolicy that applies or in "
               "spec.configuration.migrations of the KubeVirt object",
        .revisions = { { 0, check, 0, 0, NULL } },
};
