/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume-block-migration: local volumes that a migration copies.
 *
 * Reads spec.volumes, how disks and filesystems show them, and status.migratedVolumes.
 */
#include "policy/claims.h"
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        for (size_t i = 0; i < spec->volumes.n; i++) {
                const struct mv_volume *volume = &spec->volumes.items[i];
                bool migrated =
                        ctx->claims[i].migrated && ctx->behaviour->migrated_volumes == MV_MIGRATED_COPIED;
                if (!ctx->claims[i].copied && !migrated)
                        continue;
                struct mv_str size = volume->empty_disk ? volume->empty_disk->capacity : (struct mv_str){ 0 };
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL, "volume %.*s is %s, so the method is BlockMigration%s%.*s",
                        MV_STR_ARG(volume->name),
                        migrated ? "being migrated to other storage" : "local and copied with the memory",
                        size.n ? "; up to " : "", MV_STR_ARG(size));
                finding->field = mv_spec_field(ctx, "volumes[%zu]", i);
                finding->thing = volume->name;
                finding->index = i;
        }
}

const struct mv_rule mv_rule_volume_block_migration = {
        .id = "volume-block-migration",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_NOTE,
        .needs = MV_NEED_CLAIMS,
        .reason = "",
        .summary = "local volumes are copied, which takes longer",
        .documentation =
                "A local volume (container disk, cloud-init, empty disk, ephemeral, config map, memory dump, ...) does "
                "not prevent a migration: KubeVirt copies it, and the method is BlockMigration instead of "
                "LiveMigration. Volumes shown through virtiofs and read-only CD-ROMs are not copied. The size counts "
                "into the time that the migration is given.",
        .source = "KubeVirt pkg/virt-handler/vm.go: checkVolumesForMigration",
        .fix = "nothing has to change; a cloud-init volume shown as a CD-ROM need not be copied",
        .revisions = { { 0, check, 0, 0, NULL } },
};
