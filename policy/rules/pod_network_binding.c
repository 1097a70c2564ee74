/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod-network-binding: how the guest is connected to the pod network.
 *
 * Reads spec.networks, spec.domain.devices.interfaces, the annotation kubevirt.io/allow-pod-bridge-network-live-migration
 * and the registered binding plugins.
 */
#include "policy/rule.h"

/* How a version of KubeVirt looks at the pod network. */
struct behaviour {
        bool needs_interface; /* a pod network without an interface of its name is refused */
        bool plugins;         /* a binding plugin registered with `migration` can migrate */
        bool passt;           /* there is a binding `passtBinding` */
        struct mv_str condition;
};

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
                return mv_text(ctx, "binding plugin %.*s, which is not registered as one that can migrate",
                               MV_STR_ARG(interface->binding->name));
        return interface->sriov           ? MV_STR("sriov")
               : interface->slirp         ? MV_STR("slirp")
               : interface->macvtap       ? MV_STR("macvtap")
               : interface->passt         ? MV_STR("passt")
               : interface->passt_binding ? MV_STR("passt, which this version of KubeVirt does not know")
                                          : MV_STR("no binding method");
}

static void report_no_interface(struct mv_context *ctx, const struct mv_network *network) {
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL, "network %.*s is the pod network, and no interface has its name",
                MV_STR_ARG(network->name));
        finding->field =
                mv_spec_field(ctx, "networks[%zu]", (size_t)(network - ctx->vmi->spec.networks.items));
        finding->thing = network->name;
        finding->fix =
                mv_text(ctx, "add an interface named %.*s with masquerade: {}", MV_STR_ARG(network->name));
        finding->condition =
                mv_text(ctx, "no primary interface found for network %.*s", MV_STR_ARG(network->name));
}

/* What lets the interface migrate, in words; NULL when nothing does. The first hit decides. */
static const char *migratable_by(const struct mv_context *ctx, const struct behaviour *behaviour,
                                 const struct mv_interface *interface) {
        if (interface->masquerade)
                return "masquerade";
        if (interface->passt_binding && behaviour->passt)
                return "passt";
        if (interface->bridge)
                return mv_map_get(&ctx->vmi->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION))
                               ? "bridge, which the annotation lets migrate"
                               : NULL;
        return behaviour->plugins && interface->binding && plugin_migrates(ctx, interface->binding->name)
                       ? "a binding plugin that can migrate"
                       : NULL;
}

static void check_as(struct mv_context *ctx, const struct behaviour *behaviour) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        const struct mv_network *network = spec->domain.devices.interfaces.n ? mv_pod_network(spec) : NULL;
        if (!network)
                return;
        size_t i = 0;
        const struct mv_interface *interface = mv_network_interface(spec, network->name, &i);
        if (!interface) {
                if (behaviour->needs_interface)
                        report_no_interface(ctx, network);
                return;
        }
        const char *by = migratable_by(ctx, behaviour, interface);
        if (by) {
                mv_report(ctx, MV_OUTCOME_PASS, "interface %.*s connects to the pod network by %s",
                          MV_STR_ARG(interface->name), by);
                return;
        }
        struct mv_str binding = described(ctx, interface);
        struct mv_finding *finding;
        if (ctx->instance->default_network) {
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "the VM names no network, so it gets the cluster's default interface, which "
                        "connects to the pod network by %.*s",
                        MV_STR_ARG(binding));
                finding->field = mv_spec_field(ctx, "domain.devices.interfaces");
                finding->fix = MV_STR("name the network: networks: [{name: default, pod: {}}] and under "
                                      "domain.devices interfaces: [{name: default, masquerade: {}}]");
        } else {
                finding =
                        mv_report(ctx, MV_OUTCOME_FAIL, "interface %.*s connects to the pod network by %.*s",
                                  MV_STR_ARG(interface->name), MV_STR_ARG(binding));
                finding->field = mv_spec_field(ctx, "domain.devices.interfaces[%zu]", i);
        }
        finding->thing = interface->name;
        finding->index = i;
        finding->condition = behaviour->condition;
}

static void check_1_0(struct mv_context *ctx) {
        const struct behaviour behaviour = {
                .condition = MV_STR(
                        "cannot migrate VMI which does not use masquerade to connect to the pod network or "
                        "bridge with " MV_BRIDGE_ANNOTATION " VM annotation"),
        };
        check_as(ctx, &behaviour);
}

static void check_1_2(struct mv_context *ctx) {
        const struct behaviour behaviour = {
                .plugins = true,
                .condition = MV_STR(
                        "cannot migrate VMI which does not use masquerade, bridge with " MV_BRIDGE_ANNOTATION
                        " VM annotation or a migratable plugin to connect to the pod network"),
        };
        check_as(ctx, &behaviour);
}

static void check(struct mv_context *ctx) {
        const struct behaviour behaviour = {
                .needs_interface = true,
                .plugins = true,
                .passt = true,
                .condition =
                        MV_STR("cannot migrate VMI which does not use masquerade or a migratable plugin to "
                               "connect to the pod network"),
        };
        check_as(ctx, &behaviour);
}

const struct mv_rule mv_rule_pod_network_binding = {
        .id = "pod-network-binding",
        .area = MV_AREA_NETWORK,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "InterfaceNotLiveMigratable",
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
        .revisions = {
                { 0, check_1_0, MV_STEP_NETWORK, MV_STEP_NETWORK, NULL },
                { MV_KUBEVIRT(1, 2), check_1_2, MV_STEP_NETWORK, MV_STEP_NETWORK,
                  "a binding plugin that is registered with `migration` can migrate" },
                { MV_KUBEVIRT(1, 8), check, MV_STEP_NETWORK, MV_STEP_NETWORK,
                  "passtBinding can migrate; a pod network without an interface of its name is refused" },
        },
};
