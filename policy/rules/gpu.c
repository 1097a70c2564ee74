/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpu: GPUs, of which one mediated device can migrate.
 *
 * Reads spec.domain.devices.gpus, the gate VGPULiveMigration and permittedHostDevices.mediatedDevices.
 */
#include "policy/rule.h"

#define OTHERWISE "else set evictionStrategy: LiveMigrateIfPossible"
#define REMOVE "remove the GPU: one that a resource claim asks for never migrates; " OTHERWISE

/* What the device is asked for by: a resource name or a resource claim. */
static struct mv_str device_of(const struct mv_device *gpu) {
        return gpu->device_name.n ? gpu->device_name : gpu->claim_name;
}

static bool is_mediated(const struct mv_context *ctx, struct mv_str device_name) {
        const struct mv_permitted_host_devices *permitted = ctx->config->spec->permitted_host_devices;
        for (size_t i = 0; permitted && i < permitted->mediated_devices.n; i++)
                if (mv_str_equal(permitted->mediated_devices.items[i].resource_name, device_name))
                        return true;
        return false;
}

/* Until a vGPU could migrate, any GPU was a host device like others. */
static void check_1_0(struct mv_context *ctx) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->gpus.n; i++) {
                const struct mv_device *gpu = &devices->gpus.items[i];
                struct mv_finding *finding =
                        mv_report(ctx, MV_OUTCOME_FAIL, "GPU %.*s (%.*s) belongs to one node and cannot move",
                                  MV_STR_ARG(gpu->name), MV_STR_ARG(device_of(gpu)));
                finding->field = mv_spec_field(ctx, "domain.devices.gpus[%zu]", i);
                finding->thing = gpu->name;
                finding->index = i;
                finding->condition = MV_STR("VMI uses a PCI host devices");
                finding->fix =
                        gpu->device_name.n
                                ? MV_STR("remove the GPU; for a vGPU, upgrade to KubeVirt 1.9, where one can "
                                         "migrate; " OTHERWISE)
                                : MV_STR(REMOVE);
        }
}

static void check(struct mv_context *ctx) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        if (!devices->gpus.n)
                return;
        const struct mv_device *gpu = &devices->gpus.items[0];
        struct mv_finding *finding;
        if (devices->gpus.n > 1) {
                finding = mv_report(ctx, MV_OUTCOME_FAIL,
                                    "the VM has %zu GPUs; at most one, a vGPU, can migrate", devices->gpus.n);
                finding->field = mv_spec_field(ctx, "domain.devices.gpus");
                finding->condition = MV_STR("VMI specifies too many GPUs");
                finding->fix = MV_STR("leave at most one GPU, a vGPU; " OTHERWISE);
                return;
        }
        if (!mv_kubevirt_gate(ctx->config, "VGPULiveMigration")) {
                finding =
                        mv_report(ctx, MV_OUTCOME_FAIL,
                                  "GPU %.*s (%.*s) cannot migrate: the feature gate VGPULiveMigration is off",
                                  MV_STR_ARG(gpu->name), MV_STR_ARG(device_of(gpu)));
                finding->condition =
                        MV_STR("VMI specifies a GPU but feature gate VGPULiveMigration is not enabled");
                if (!gpu->device_name.n)
                        finding->fix = MV_STR(REMOVE);
        } else if (!is_mediated(ctx, gpu->device_name)) {
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "GPU %.*s (%.*s) cannot migrate: it is none of the permitted mediated devices",
                        MV_STR_ARG(gpu->name), MV_STR_ARG(device_of(gpu)));
                finding->condition = MV_STR("VMI specifies non-migratable GPU device");
                if (!gpu->device_name.n)
                        finding->fix = MV_STR(REMOVE);
        } else {
                mv_report(ctx, MV_OUTCOME_PASS, "GPU %.*s is a mediated device that can migrate",
                          MV_STR_ARG(gpu->name));
                return;
        }
        finding->field = mv_spec_field(ctx, "domain.devices.gpus[0]");
}

const struct mv_rule mv_rule_gpu = {
        .id = "gpu",
        .area = MV_AREA_DEVICE,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "HostDeviceNotLiveMigratable",
        .summary = "a GPU keeps the VM on its node, except one mediated device (vGPU) behind a gate",
        .documentation =
                "One GPU can migrate when the feature gate VGPULiveMigration is on and its deviceName is a resourceName "
                "under permittedHostDevices.mediatedDevices of the KubeVirt object. More than one GPU, a GPU passed "
                "through as a PCI device and one requested by a resource claim cannot.",
        .source = "KubeVirt pkg/virt-handler/vm.go: vmiContainsNonMigratablePCIHostDevices, isMdevGPU",
        .fix = "remove the GPU or, for a vGPU, turn the gate VGPULiveMigration on and list the device under "
               "permittedHostDevices.mediatedDevices; else set evictionStrategy: LiveMigrateIfPossible",
        .revisions = {
                { 0, check_1_0, MV_STEP_HOST_DEVICES, MV_STEP_HOST_DEVICES, NULL },
                { MV_KUBEVIRT(1, 9), check, MV_STEP_HOST_DEVICES, MV_STEP_HOST_DEVICES,
                  "one mediated device can migrate, with the gate VGPULiveMigration" },
        },
};
