/* SPDX-License-Identifier: Apache-2.0 */
/*
 * persistent-reservation: SCSI persistent reservations.
 *
 * Reads spec.domain.devices.disks[].lun.reservation.
 */
#include "policy/rule.h"

static void report(struct mv_context *ctx, const char *message, enum mv_severity severity,
                   struct mv_str condition) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->disks.n; i++) {
                const struct mv_disk *disk = &devices->disks.items[i];
                if (!disk->lun || !disk->lun->reservation)
                        continue;
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_FAIL, "disk %.*s uses a SCSI persistent reservation: %s",
                                  MV_STR_ARG(disk->name), message);
                finding->severity = severity;
                finding->field = mv_spec_field(ctx, "domain.devices.disks[%zu].lun.reservation", i);
                finding->thing = disk->name;
                finding->index = i;
                finding->condition = condition;
        }
}

static void check_1_0(struct mv_context *ctx) {
        report(ctx, "this version of KubeVirt does not migrate it", MV_SEVERITY_BLOCKER,
               MV_STR("VMI uses SCSI persitent reservation")); /* sic */
}

static void check_1_7(struct mv_context *ctx) {
        report(ctx, "this version of KubeVirt does not migrate it", MV_SEVERITY_BLOCKER,
               MV_STR("VMI uses SCSI persistent reservation"));
}

static void check(struct mv_context *ctx) {
        report(ctx, "the VM migrates, its storage cannot", MV_SEVERITY_NOTE,
               MV_STR("VMI uses SCSI persistent reservation"));
}

const struct mv_rule mv_rule_persistent_reservation = {
        .id = "persistent-reservation",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "PersistentReservationNotLiveMigratable",
        .summary = "SCSI persistent reservations keep the storage where it is",
        .documentation =
                "A disk of kind lun with reservation: true holds a reservation on the shared storage. The VM itself can "
                "migrate; moving its volumes to other storage while it runs cannot, which the condition "
                "StorageLiveMigratable says: a note. Until KubeVirt 1.8 such a VM could not migrate at all: a blocker.",
        .source = "KubeVirt pkg/virt-handler/vm.go: calculateLiveStorageMigrationCondition",
        .fix = "nothing has to change for live migration; stop the VM to move its storage",
        .revisions = {
                { 0, check_1_0, MV_STEP_PERSISTENT_RESERVATION, MV_STEP_PERSISTENT_RESERVATION, NULL },
                { MV_KUBEVIRT(1, 7), check_1_7, MV_STEP_PERSISTENT_RESERVATION, MV_STEP_PERSISTENT_RESERVATION,
                  "the message is spelled right" },
                { MV_KUBEVIRT(1, 9), check, 0, MV_STEP_PERSISTENT_RESERVATION,
                  "only StorageLiveMigratable looks at it, so it is a note" },
        },
};
