/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtiofs: directories of the host or of claims, shared with the guest.
 *
 * Reads spec.domain.devices.filesystems.
 */
#include "policy/rule.h"

static void check_1_0(struct mv_context *ctx) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->filesystems.n; i++) {
                const struct mv_filesystem *filesystem = &devices->filesystems.items[i];
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_FAIL,
                                  "filesystem %.*s is shared by virtiofs, which KubeVirt migrates since 1.5",
                                  MV_STR_ARG(filesystem->name));
                finding->field = mv_spec_field(ctx, "domain.devices.filesystems[%zu]", i);
                finding->thing = filesystem->name;
                finding->index = i;
                finding->condition = MV_STR("VMI uses virtiofs");
        }
}

static void check(struct mv_context *ctx) {
        if (ctx->vmi->spec.domain.devices.filesystems.n)
                mv_report(ctx, MV_OUTCOME_PASS, "virtiofs migrates since KubeVirt 1.5");
}

const struct mv_rule mv_rule_virtiofs = {
        .id = "virtiofs",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "VirtIOFSNotLiveMigratable",
        .summary = "before KubeVirt 1.5, a VM with virtiofs cannot migrate",
        .documentation =
                "A filesystem under devices.filesystems shares a directory with the guest through virtiofs. Until "
                "KubeVirt 1.4 any such VM was refused; since 1.5 it can migrate, and the claim behind the filesystem is "
                "judged like that of a disk: see pvc-access-mode.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveMigrationCondition",
        .fix = "upgrade KubeVirt, or share the data with the guest by a disk or over the network",
        .revisions = {
                { 0, check_1_0, MV_STEP_VIRTIOFS, 0, NULL },
                { MV_KUBEVIRT(1, 4), check_1_0, MV_STEP_VIRTIOFS, MV_STEP_VIRTIOFS,
                  "counts in StorageLiveMigratable, too" },
                { MV_KUBEVIRT(1, 5), check, 0, 0, "can migrate" },
        },
};
