/* SPDX-License-Identifier: Apache-2.0 */
/*
 * persistent-state: the claim that holds a persistent TPM or EFI variables.
 *
 * Reads devices.tpm.persistent, firmware.bootloader.efi.persistent and status.volumeStatus.
 */
#include "policy/rule.h"

static bool has_state(const struct mv_vmi_spec *spec) {
        const struct mv_tpm *tpm = spec->domain.devices.tpm;
        const struct mv_bootloader *loader = spec->domain.firmware ? spec->domain.firmware->bootloader : NULL;
        return (tpm && tpm->persistent == MV_TRUE && tpm->enabled != MV_FALSE) ||
               (loader && loader->efi && loader->efi->persistent == MV_TRUE);
}

static void check_nothing(struct mv_context *ctx) {
        if (has_state(&ctx->vmi->spec))
                mv_report(ctx, MV_OUTCOME_PASS, "the claim of a persistent TPM or EFI is not in the way");
}

static void check_1_3(struct mv_context *ctx) {
        if (!has_state(&ctx->vmi->spec))
                return;
        const struct mv_vmi_status *status = &ctx->vmi->status;
        for (size_t i = 0; i < status->volume_status.n; i++) {
                const struct mv_claim_info *info = status->volume_status.items[i].claim_info;
                if (!info || !mv_str_starts_with(info->claim_name, MV_STR("persistent-state-for-")) ||
                    mv_strings_have(&info->access_modes, MV_STR("ReadWriteMany")))
                        continue;
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL, "claim %.*s of the persistent TPM or EFI is not ReadWriteMany",
                        MV_STR_ARG(info->claim_name));
                finding->field = mv_spec_field(ctx, "domain");
                finding->thing = info->claim_name;
                finding->index = ctx->vmi->spec.volumes.n + i;
                finding->condition = MV_STR("cannot migrate VMI: Backend storage PVC is not RWX");
                return;
        }
        mv_report(ctx, MV_OUTCOME_PASS, "the claim of the persistent TPM or EFI is shared");
}

const struct mv_rule mv_rule_persistent_state = {
        .id = "persistent-state",
        .area = MV_AREA_STORAGE,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "DisksNotLiveMigratable",
        .summary = "in KubeVirt 1.3, a persistent TPM or EFI needs shared storage",
        .documentation =
                "A persistent TPM or persistent EFI variables live on a claim of their own, which is not among the "
                "volumes of the spec. KubeVirt 1.3 alone refused to migrate when that claim was not ReadWriteMany; "
                "before and since it does not matter.",
        .source = "KubeVirt pkg/virt-handler/vm.go: checkVolumesForMigration (v1.3)",
        .fix = "upgrade KubeVirt, or set vmStateStorageClass to a class with ReadWriteMany",
        .revisions = {
                { 0, check_nothing, 0, 0, NULL },
                { MV_KUBEVIRT(1, 3), check_1_3, MV_STEP_VOLUMES_FIRST, 0, "the claim must be ReadWriteMany" },
                { MV_KUBEVIRT(1, 4), check_nothing, 0, 0, "the claim does not matter" },
        },
};
