/* SPDX-License-Identifier: Apache-2.0 */
/*
 * persistent-reservation: SCSI persistent reservations.
 *
 * Reads spec.domain.devices.disks[].lun.reservation.
 */
#include "policy/rule.h"

static void check(struct mv_context *ctx) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->disks.n; i++) {
                const struct mv_disk *disk = &devices->disks.items[i];
                if (!disk->lun || !disk->lun->reservation)
                        continue;
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_FAIL,
                                  "disk %.*s uses a SCSI persistent reservation: the VM migrates, its storage cannot",
                                  MV_STR_ARG(disk->name));
                finding->field = mv_spec_field(ctx, "domain.devices.disks[%zu].lun.reservation", i);
                finding->thing = disk->name;
                finding->index = i;
                finding->condition = MV_STR("VMI uses SCSI persistent reservation");
        }
}

const struct mv_rule mv_rule_persistent_reservation = {
        .id = "persistent-reservation",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_NOTE,
        .reason = "PersistentReservationNotLiveMigratable",
        .storage_step = 5,
        .summary = "SCSI persistent reservations keep the storage where it is",
        .documentation =
                "A disk of kind lun with reservation: true holds a reservation on the shared storage. The VM itself can "
                "migrate; moving its volumes to other storage while it runs cannot, which the condition "
                "StorageLiveMigratable says.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveStorageMigrationCondition",
        .fix = "nothing has to change for live migration; stop the VM to move its storage",
        .revisions = { { 0, check, NULL } },
};
