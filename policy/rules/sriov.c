/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sriov: interfaces that are virtual functions of a network card.
 *
 * Reads spec.domain.devices.interfaces, spec.networks, NetworkAttachmentDefinitions, and the gate SRIOVLiveMigration.
 */
#include "policy/object/network_attachment.h"
#include "policy/rule.h"

static struct mv_finding *report(struct mv_context *ctx, enum mv_outcome outcome, struct mv_str message,
                                 size_t i) {
        struct mv_finding *finding = mv_report(ctx, outcome, "%.*s", MV_STR_ARG(message));
        finding->field = mv_spec_field(ctx, "domain.devices.interfaces[%zu]", i);
        finding->thing = ctx->vmi->spec.domain.devices.interfaces.items[i].name;
        finding->index = i;
        return finding;
}

static void check_0(struct mv_context *ctx) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->interfaces.n; i++) {
                struct mv_str name = devices->interfaces.items[i].name;
                if (!devices->interfaces.items[i].sriov)
                        continue;
                if (mv_kubevirt_gate(ctx->config, "SRIOVLiveMigration")) {
                        mv_report(ctx, MV_OUTCOME_PASS,
                                  "interface %.*s is SR-IOV, and the gate SRIOVLiveMigration is on",
                                  MV_STR_ARG(name));
                        continue;
                }
                struct mv_finding *finding = report(
                        ctx, MV_OUTCOME_FAIL,
                        mv_text(ctx,
                                "interface %.*s is SR-IOV, which this version of KubeVirt migrates only "
                                "with the feature gate SRIOVLiveMigration",
                                MV_STR_ARG(name)),
                        i);
                /* KubeVirt looks at the pod network before. */
                finding->index += devices->interfaces.n;
                finding->condition = MV_STR(
                        "SRIOVLiveMigration feature-gate is closed, can't migrate VMI with SRIOV interfaces");
        }
}

/* "NAMESPACE/NAME" or "NAME", of the instance's namespace then; NULL when it is not in the input. */
static const struct mv_network_attachment *find_attachment(const struct mv_context *ctx, struct mv_str name) {
        struct mv_str namespace = ctx->vmi->meta.namespace;
        size_t slash = mv_str_find_byte(name, '/');
        if (slash < name.n) {
                namespace = (struct mv_str){ name.p, slash };
                name = mv_str_skip(name, slash + 1);
        }
        return mv_snapshot_find(ctx->snapshot, MV_KIND_NETWORK_ATTACHMENT, namespace, name);
}

/* The resource of the network that the interface is on; "" when it is not known. */
static struct mv_str resource_of(const struct mv_context *ctx, struct mv_str interface) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        for (size_t i = 0; i < spec->networks.n; i++) {
                const struct mv_network *network = &spec->networks.items[i];
                if (!network->multus || !mv_str_equal(network->name, interface))
                        continue;
                const struct mv_network_attachment *attachment =
                        find_attachment(ctx, network->multus->network_name);
                return attachment ? mv_network_attachment_resource(attachment) : (struct mv_str){ 0 };
        }
        return (struct mv_str){ 0 };
}

static void check(struct mv_context *ctx) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        for (size_t i = 0; i < devices->interfaces.n; i++) {
                struct mv_str name = devices->interfaces.items[i].name;
                if (!devices->interfaces.items[i].sriov)
                        continue;
                struct mv_str resource = resource_of(ctx, name);
                struct mv_finding *finding = report(
                        ctx, MV_OUTCOME_FAIL,
                        mv_text(ctx,
                                "interface %.*s is SR-IOV, so the node it moves to needs a free device%s%.*s",
                                MV_STR_ARG(name), resource.n ? " of resource " : " for its network",
                                MV_STR_ARG(resource)),
                        i);
                finding->severity = MV_SEVERITY_NOTE;
                finding->fix = MV_STR("keep such a device free on another node");
        }
}

const struct mv_rule mv_rule_sriov = {
        .id = "sriov",
        .area = MV_AREA_NETWORK,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(NETWORK_ATTACHMENT) | MV_NEED(KUBEVIRT),
        .reason = "InterfaceNotLiveMigratable",
        .summary = "an SR-IOV interface needs a free device on the target, and once needed a feature gate",
        .documentation =
                "KubeVirt unplugs an SR-IOV interface before a migration and plugs one in on the target. Before 0.57 a "
                "VM that has one was refused unless the feature gate SRIOVLiveMigration was on (sriovLiveMigration in a "
                "HyperConverged), and some guides still ask for it; since 0.57 there is no gate. What remains is a "
                "note: the target pod requests the device resource of the network, which the annotation "
                "k8s.v1.cni.cncf.io/resourceName of its NetworkAttachmentDefinition names, and waits on every node "
                "where none is free.",
        .source = "KubeVirt v0.56 pkg/virt-handler/vm.go: checkNetworkInterfacesForMigration; kubevirt/kubevirt pull "
                  "request 7990; pkg/network/multus",
        .fix = "keep a device of that resource free on another node; before KubeVirt 0.57 also turn on the feature gate "
               "SRIOVLiveMigration",
        .revisions = {
                { 0, check_0, MV_STEP_NETWORK, MV_STEP_NETWORK, NULL },
                { MV_KUBEVIRT(0, 57), check, 0, 0, "no feature gate is needed; a note on the device remains" },
        },
};
