/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume-block-migration: local volumes that a migration copies.
 *
 * Reads spec.volumes, how disks and filesystems show them, and status.migratedVolumes.
 */
#include "policy/claims.h"
#include "policy/rule.h"

/* What a volume is that a migration copies, and what its owner can do. */
struct copied {
        const char *what, *fix;
};

static struct copied describe(const struct mv_volume *volume, bool migrated) {
        if (migrated)
                return (struct copied){ "being migrated to other storage",
                                        "nothing has to change; it is copied this once" };
        if (volume->memory_dump)
                return (struct copied){
                        "a memory dump and copied with the memory",
                        "nothing has to change; without the dump (virtctl memory-dump remove) it is "
                        "not copied"
                };
        if (volume->container_disk || volume->ephemeral)
                return (struct copied){
                        "local and copied with the memory",
                        "nothing has to change; a claim with ReadWriteMany in its place need not be "
                        "copied"
                };
        if (volume->empty_disk)
                return (struct copied){
                        "local and copied with the memory",
                        "nothing has to change; a smaller one, or a claim with ReadWriteMany in its "
                        "place, is copied faster or not at all"
                };
        return (struct copied){ "local and copied with the memory",
                                "nothing has to change; shown as a CD-ROM it need not be copied" };
}

static void check(struct mv_context *ctx) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        for (size_t i = 0; i < spec->volumes.n; i++) {
                const struct mv_volume *volume = &spec->volumes.items[i];
                bool migrated =
                        ctx->claims[i].migrated && ctx->behaviour->migrated_volumes == MV_MIGRATED_COPIED;
                if (!ctx->claims[i].copied && !migrated)
                        continue;
                const struct copied copied = describe(volume, migrated);
                struct mv_str size = volume->empty_disk ? volume->empty_disk->capacity : (struct mv_str){ 0 };
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL, "volume %.*s is %s, so the method is BlockMigration%s%.*s",
                        MV_STR_ARG(volume->name), copied.what, size.n ? "; up to " : "", MV_STR_ARG(size));
                finding->field = mv_spec_field(ctx, "volumes[%zu]", i);
                finding->fix = mv_str_from(copied.fix);
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
        .fix = "nothing has to change; a claim with ReadWriteMany, or a cloud-init volume shown as a CD-ROM, is not "
               "copied",
        .revisions = { { 0, check, 0, 0, NULL } },
};
