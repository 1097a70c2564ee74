/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host-disk: a disk image on the node.
 *
 * Reads spec.volumes[].hostDisk.shared; a host disk that stands for a claim is judged by pvc-access-mode.
 */
#include "policy/claims.h"
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        for (size_t i = 0; i < ctx->vmi->spec.volumes.n; i++) {
                const struct mv_volume *volume = &ctx->vmi->spec.volumes.items[i];
                if (!volume->host_disk || ctx->claims[i].source != MV_CLAIM_NONE)
                        continue;
                if (volume->host_disk->shared) {
                        mv_report(ctx, MV_OUTCOME_PASS, "volume %.*s: the host disk is shared",
                                  MV_STR_ARG(volume->name));
                        continue;
                }
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_FAIL,
                                  "volume %.*s: host disk %.*s is on one node and is not marked shared",
                                  MV_STR_ARG(volume->name), MV_STR_ARG(volume->host_disk->path));
                finding->field = mv_spec_field(ctx, "volumes[%zu].hostDisk", i);
                finding->thing = volume->name;
                finding->index = i;
                finding->condition = MV_STR("cannot migrate VMI with non-shared HostDisk");
        }
}

const struct mv_rule mv_rule_host_disk = {
        .id = "host-disk",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED_CLAIMS,
        .reason = "DisksNotLiveMigratable",
        .summary = "a host disk must be shared between nodes",
        .documentation =
                "A hostDisk is a file on the node's own file system. KubeVirt migrates such a VM only when the volume "
                "says shared: true, which claims that the same path shows the same file on every node. A host disk "
                "that KubeVirt put in the place of a claim is judged by the claim.",
        .source = "KubeVirt pkg/virt-handler/vm.go: checkVolumesForMigration",
        .fix = "put the disk on a ReadWriteMany claim or, where the path really is on shared storage, set shared: true",
        .revisions = {
                { 0, check, MV_STEP_VOLUMES_FIRST, 0, NULL },
                { MV_KUBEVIRT(1, 6), check, MV_STEP_VOLUMES, 0,
                  "volumes are the last thing that KubeVirt looks at, no longer the first" },
        },
};
