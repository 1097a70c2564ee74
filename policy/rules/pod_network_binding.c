/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod-network-binding: how the guest is connected to the pod network.
 *
 * Reads spec.networks, spec.domain.devices.interfaces, the annotation kubevirt.io/allow-pod-bridge-network-live-migration
 * and the registered binding plugins.
 */
#include "policy/rule.h"

static bool plugin_migrates(const struct mv_context *ctx, struct mv_str name) {
        const struct mv_network_configuration *network = &ctx->config->spec->network;
        for (size_t i = 0; i < network->bindings.n; i++)
                if (mv_str_equal(network->bindings.items[i].name, name))
                        return network->bindings.items[i].migration;
        return false;
}

static struct mv_str described(struct mv_context *ctx, const struct mv_interface *interface) {
        if (interface->bridge)
                return MV_STR("bridge");
        if (interface->binding)
                return mv_text(ctx, "binding plugin %.*s, which is not registered as one that can migrate,",
                               MV_STR_ARG(interface->binding->name));
        return interface->sriov     ? MV_STR("sriov")
               : interface->slirp   ? MV_STR("slirp")
               : interface->macvtap ? MV_STR("macvtap")
               : interface->passt   ? MV_STR("passt")
                                    : MV_STR("no binding method");
}

static void check(struct mv_context *ctx) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        if (!spec->domain.devices.interfaces.n)
                return;
        const struct mv_network *network = mv_pod_network(spec);
        if (!network)
                return;
        size_t i = 0;
        const struct mv_interface *interface = mv_network_interface(spec, network->name, &i);
        if (!interface) {
                struct mv_finding *finding = mv_report(ctx, MV_OUTCOME_FAIL,
                                                       "network %.*s is the pod network, and no interface has its name",
                                                       MV_STR_ARG(network->name));
                finding->field = mv_spec_field(ctx, "networks[%zu]", (size_t)(network - spec->networks.items));
                finding->thing = network->name;
                finding->fix = mv_text(ctx, "add an interface named %.*s with masquerade: {}", MV_STR_ARG(network->name));
                finding->condition =
                        mv_text(ctx, "no primary interface found for network %.*s", MV_STR_ARG(network->name));
                return;
        }
        bool annotated = mv_map_get(&ctx->vmi->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION)) != NULL;
        if (interface->masquerade || interface->passt_binding || (interface->bridge && annotated) ||
            (!interface->bridge && interface->binding && plugin_migrates(ctx, interface->binding->name))) {
                mv_report(ctx, MV_OUTCOME_PASS, "interface %.*s connects to the pod network by %s",
                          MV_STR_ARG(interface->name),
                          interface->masquerade      ? "masquerade"
                          : interface->passt_binding ? "passt"
                          : interface->bridge        ? "bridge, which the annotation lets migrate"
                                                     : "a binding plugin that can migrate");
                return;
        }
        struct mv_str binding = described(ctx, interface);
        struct mv_finding *finding;
        if (ctx->instance->default_network) {
                finding = mv_report(ctx, MV_OUTCOME_FAIL,
                                    "the VM names no network, so it gets the cluster's default interface, which "
                                    "connects to the pod network by %.*s",
                                    MV_STR_ARG(binding));
                finding->field = mv_spec_field(ctx, "domain.devices.interfaces");
                finding->fix = MV_STR("name the network: networks: [{name: default, pod: {}}] and under "
                                      "domain.devices interfaces: [{name: default, masquerade: {}}]");
        } else {
                finding = mv_report(ctx, MV_OUTCOME_FAIL, "interface %.*s connects to the pod network by %.*s",
                                    MV_STR_ARG(interface->name), MV_STR_ARG(binding));
                finding->field = mv_spec_field(ctx, "domain.devices.interfaces[%zu]", i);
        }
        finding->thing = interface->name;
        finding->index = i;
        finding->condition = MV_STR("cannot migrate VMI which does not use masquerade or a migratable plugin to "
                                    "connect to the pod network");
}

const struct mv_rule mv_rule_pod_network_binding = {
        .id = "pod-network-binding",
        .area = MV_AREA_NETWORK,
        .severity = MV_SEVERITY_BLOCKER,
        .reason = "InterfaceNotLiveMigratable",
        .live_step = 1,
        .storage_step = 1,
        .summary = "the pod network must be connected by masquerade, or by something else that can migrate",
        .documentation =
                "A bridge gives the guest the pod's own address, which stays behind on the old node. Masquerade, passt "
                "and binding plugins registered with `migration` keep the guest's address inside the VM. A bridge is "
                "let through where the instance (in a VirtualMachine: the template) carries the annotation "
                MV_BRIDGE_ANNOTATION
                ", with any value: see bridge-migration-limits. Only the first network of type pod counts; secondary "
                "networks never matter.\n\n"
                "A VM that names neither networks nor interfaces gets the cluster's default interface, and that is "
                "bridge unless the KubeVirt object says otherwise.",
        .source = "KubeVirt pkg/network/vmispec/interface.go: VerifyVMIMigratable; pkg/network/vmispec/defaults.go",
        .fix = "use masquerade: {} for the interface of the pod network, or set "
               "devices.autoattachPodInterface: false where it needs none",
        .revisions = { { 0, check, NULL } },
};
