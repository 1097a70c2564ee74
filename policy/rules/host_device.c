/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host-device: devices of the node that are handed to the guest.
 *
 * Reads spec.domain.devices.hostDevices.
 */
#include "policy/rule.h"

static void report(struct mv_context *ctx, struct mv_str condition) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->host_devices.n; i++) {
                const struct mv_device *device = &devices->host_devices.items[i];
                struct mv_finding *finding = mv_report(
                        ctx, MV_OUTCOME_FAIL, "host device %.*s (%.*s) belongs to one node and cannot move",
                        MV_STR_ARG(device->name),
                        MV_STR_ARG(device->device_name.n ? device->device_name : device->claim_name));
                finding->field = mv_spec_field(ctx, "domain.devices.hostDevices[%zu]", i);
                finding->thing = device->name;
                finding->index = i;
                finding->condition = condition;
        }
}

static void check_1_0(struct mv_context *ctx) {
        report(ctx, MV_STR("VMI uses a PCI host devices"));
}

static void check(struct mv_context *ctx) {
        report(ctx, MV_STR("VMI specifies non-migratable generic PCI host device"));
}

const struct mv_rule mv_rule_host_device = {
        .id = "host-device",
        .area = MV_AREA_DEVICE,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "HostDeviceNotLiveMigratable",
        .summary = "a PCI, USB or other host device keeps the VM on its node",
        .documentation =
                "A device that is passed through has state that KubeVirt cannot carry to another node, so a VM with "
                "any entry under hostDevices cannot migrate, however the device is requested (by resource name or by a "
                "resource claim).",
        .source = "KubeVirt pkg/virt-handler/vm.go: vmiContainsNonMigratablePCIHostDevices",
        .fix = "remove the host device, or set evictionStrategy: LiveMigrateIfPossible so that a drain shuts the VM "
               "down instead of hanging",
        .revisions = {
                { 0, check_1_0, MV_STEP_HOST_DEVICES, MV_STEP_HOST_DEVICES, NULL },
                { MV_KUBEVIRT(1, 9), check, MV_STEP_HOST_DEVICES, MV_STEP_HOST_DEVICES, "another message" },
        },
};
