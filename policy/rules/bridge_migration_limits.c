/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bridge-migration-limits: a bridge on the pod network that an annotation lets migrate works under conditions that
 * nobody checks.
 *
 * Reads the annotation and the interface of the pod network.
 */
#include "policy/rule.h"

static void look(struct mv_context *ctx, const char *too_old) {
        const struct mv_vmi_spec *spec = &ctx->vmi->spec;
        const struct mv_network *network = mv_pod_network(spec);
        size_t i = 0;
        const struct mv_interface *interface = network ? mv_network_interface(spec, network->name, &i) : NULL;
        if (!interface || !interface->bridge ||
            !mv_map_get(&ctx->vmi->meta.annotations, MV_STR(MV_BRIDGE_ANNOTATION)))
                return;
        bool sriov = false;
        for (size_t j = 0; j < spec->domain.devices.interfaces.n; j++)
                sriov |= spec->domain.devices.interfaces.items[j].sriov;
        struct mv_finding *finding = mv_report(
                ctx, MV_OUTCOME_FAIL,
                "interface %.*s is a bridge that the annotation lets migrate: the guest keeps its address only with "
                "DHCP and a network plugin that supports it (OVN-Kubernetes); IPv6 alone is not supported, and with "
                "both families the guest gets no IPv6 route%s%s",
                MV_STR_ARG(interface->name), sriov ? "; SR-IOV, which this VM uses, is not supported" : "",
                too_old);
        finding->field = mv_meta_field(ctx, "annotations[%s]", MV_BRIDGE_ANNOTATION);
        finding->thing = interface->name;
        finding->index = i;
}

static void check_0(struct mv_context *ctx) {
        look(ctx, "; it needs KubeVirt 1.0, and this cluster is older");
}

static void check(struct mv_context *ctx) {
        look(ctx, "");
}

const struct mv_rule mv_rule_bridge_migration_limits = {
        .id = "bridge-migration-limits",
        .area = MV_AREA_NETWORK,
        .severity = MV_SEVERITY_RISK,
        .reason = "",
        .summary = "a bridge that an annotation lets migrate works only under conditions",
        .documentation =
                "With the annotation " MV_BRIDGE_ANNOTATION
                " KubeVirt migrates a VM whose pod network is a bridge. Whether its connections survive is up to the "
                "network plugin. OVN-Kubernetes supports it with KubeVirt 1.0 or newer and a guest that uses DHCP; "
                "single-stack IPv6 is not supported, dual stack sets no IPv6 routes over DHCP or autoconfiguration, "
                "and SR-IOV is not supported. Any value of the annotation counts, `false` too.",
        .source = "OVN-Kubernetes live migration documentation; KubeVirt pkg/network/vmispec/interface.go",
        .fix = "make sure of these conditions, or use masquerade: {} and drop the annotation",
        .revisions = { { 0, check_0, 0, 0, NULL },
                       { MV_KUBEVIRT(1, 0), check, 0, 0,
                         "OVN-Kubernetes supports it from this version on" } },
};
