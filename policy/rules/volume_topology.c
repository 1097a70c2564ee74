/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume-topology: volumes that can be used on one node only.
 *
 * Reads the claims that the volumes name, spec.nodeAffinity of their PersistentVolumes, allowedTopologies of their
 * storage classes, and the labels of nodes.
 */
#include "policy/claims.h"
#include "policy/rule.h"

/* A claim is bound to a volume that the input, which has volumes, does not have. */
static const struct mv_claim *unknown_volume(struct mv_context *ctx, size_t *ret_index) {
        const struct mv_vmi *vmi = ctx->vmi;
        if (!mv_snapshot_count(ctx->snapshot, MV_KIND_PERSISTENT_VOLUME))
                return NULL;
        for (size_t i = 0; i < vmi->spec.volumes.n; i++) {
                const struct mv_claim *claim =
                        ctx->claims[i].source == MV_CLAIM_EXISTS
                                ? mv_snapshot_find(ctx->snapshot, MV_KIND_CLAIM, vmi->meta.namespace,
                                                   ctx->claims[i].name)
                                : NULL;
                *ret_index = i;
                if (claim && claim->spec.volume_name.n &&
                    !mv_snapshot_find(ctx->snapshot, MV_KIND_PERSISTENT_VOLUME, (struct mv_str){ 0 },
                                      claim->spec.volume_name))
                        return claim;
        }
        return NULL;
}

static void report_unknown(struct mv_context *ctx, const struct mv_claim *claim, size_t index) {
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_UNKNOWN,
                "claim %.*s is bound to PersistentVolume %.*s, which %s, so where it can be used is not known",
                MV_STR_ARG(claim->meta.name), MV_STR_ARG(claim->spec.volume_name),
                mv_snapshot_absent(ctx->snapshot, MV_KIND_PERSISTENT_VOLUME));
        finding->field = mv_spec_field(ctx, "volumes[%zu]", index);
        finding->fix = mv_missing_fix(ctx, MV_KIND_PERSISTENT_VOLUME, MV_STR(""), claim->spec.volume_name);
        mv_report_missing(finding, MV_KIND_PERSISTENT_VOLUME, (struct mv_str){ 0 }, claim->spec.volume_name);
}

static void check(struct mv_context *ctx) {
        const unsigned volumes = MV_FIT_BIT(MV_FIT_VOLUME);
        if (!ctx->fit)
                return;
        struct mv_str *names = mv_arena_new_array(ctx->arena, struct mv_str, ctx->fit->n_checks);
        size_t n = 0;
        for (size_t i = 0; names && i < ctx->fit->n_checks; i++)
                if (ctx->fit->checks[i].class == MV_FIT_VOLUME)
                        names[n++] = ctx->fit->checks[i].name;
        struct mv_str claims = mv_text_list(ctx, names, n);
        size_t index;
        const struct mv_claim *unknown = unknown_volume(ctx, &index);
        if (!claims.n) {
                if (unknown)
                        report_unknown(ctx, unknown, index);
                return;
        }
        size_t others = mv_count_targets(ctx, volumes);
        bool started = ctx->fit->source != SIZE_MAX || ctx->fit->source_unknown;
        if (others > (started ? 0u : 1u) && unknown) {
                report_unknown(ctx, unknown, index);
                return;
        }
        if (others > (started ? 0u : 1u)) {
                mv_report(ctx, MV_OUTCOME_PASS, "the volumes of claims %.*s can be used on %zu %snodes",
                          MV_STR_ARG(claims), others, started ? "other " : "");
                return;
        }
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "the volumes of claims %.*s are bound to nodes: there is no %s where they can all be used",
                MV_STR_ARG(claims), started ? "other node" : "second node");
        finding->field = mv_spec_field(ctx, "volumes");
}

const struct mv_rule mv_rule_volume_topology = {
        .id = "volume-topology",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED_CLAIMS | MV_NEED(NODE),
        .reason = "",
        .targets = true,
        .summary = "volumes that only one node can use leave no target",
        .documentation =
                "A PersistentVolume can say by spec.nodeAffinity on which nodes it can be used: local volumes on one, zonal "
                "ones in one zone. The scheduler obeys for the target pod, too. Where the volumes of the VM leave no node but "
                "its own, a migration waits until it times out, whatever the access modes say. A claim that is not bound "
                "goes by allowedTopologies of its class, if that waits for the first consumer. Where the "
                "input has no PersistentVolume at all, they forbid nothing.",
        .source =
                "Kubernetes pkg/scheduler/framework/plugins/volumebinding; k8s.io/component-helpers/storage/volume: CheckNodeAffinity",
        .fix = "move the disks to storage that other nodes reach, by cloning the claim or migrating the volume",
        .revisions = { { 0, check, 0, 0, NULL } },
};
