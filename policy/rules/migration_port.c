/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migration-port: ports 49152 and 49153 in a masquerade interface.
 *
 * Reads ports and portRanges of masquerade interfaces, status.migrationTransport and KubeVirt's version.
 */
#include "policy/rule.h"

enum { MEMORY_PORT = 49152, DISK_PORT = 49153 };

/* Migration traffic is TCP; a port that forwards UDP or SCTP is not in its way. */
static bool is_tcp(struct mv_str protocol) {
        return !mv_str_is(protocol, "UDP") && !mv_str_is(protocol, "SCTP");
}

/* because: why KubeVirt itself does not need the port, NULL when it does. */
static void report(struct mv_context *ctx, const char *because, const struct mv_interface *interface,
                   size_t i, struct mv_str field, int64_t port) {
        struct mv_finding *finding;
        if (because) {
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "interface %.*s takes port %lld, which OpenShift's documentation reserves for live "
                        "migration; %s, so KubeVirt itself does not need it",
                        MV_STR_ARG(interface->name), (long long)port, because);
                finding->severity = MV_SEVERITY_RISK;
        } else
                finding = mv_report(
                        ctx, MV_OUTCOME_FAIL,
                        "interface %.*s takes port %lld, which live migration needs in the launcher pod",
                        MV_STR_ARG(interface->name), (long long)port);
        finding->field = field;
        finding->thing = interface->name;
        finding->index = i;
}

static void look(struct mv_context *ctx, const char *because) {
        const struct mv_devices *devices = &ctx->vmi->spec.domain.devices;
        bool seen = false;
        if (mv_str_is(ctx->vmi->status.migration_transport, "Unix"))
                because = "status.migrationTransport is Unix";
        for (size_t i = 0; i < devices->interfaces.n; i++) {
                const struct mv_interface *interface = &devices->interfaces.items[i];
                if (!interface->masquerade)
                        continue;
                bool hit = false;
                for (size_t j = 0; j < interface->ports.n; j++) {
                        const struct mv_port *port = &interface->ports.items[j];
                        if (!is_tcp(port->protocol) ||
                            (port->port.value != MEMORY_PORT && port->port.value != DISK_PORT))
                                continue;
                        hit = true;
                        report(ctx, because, interface, i,
                               mv_spec_field(ctx, "domain.devices.interfaces[%zu].ports[%zu]", i, j),
                               port->port.value);
                }
                for (size_t j = 0; j < interface->port_ranges.n; j++) {
                        const struct mv_port_range *range = &interface->port_ranges.items[j];
                        int64_t end = range->end.set ? range->end.value : range->start.value;
                        if (!is_tcp(range->protocol) || range->start.value > DISK_PORT || end < MEMORY_PORT)
                                continue;
                        hit = true;
                        report(ctx, because, interface, i,
                               mv_spec_field(ctx, "domain.devices.interfaces[%zu].portRanges[%zu]", i, j),
                               range->start.value <= MEMORY_PORT ? MEMORY_PORT : DISK_PORT);
                }
                seen |= !hit && (interface->ports.n || interface->port_ranges.n);
        }
        if (seen)
                mv_report(ctx, MV_OUTCOME_PASS, "ports 49152 and 49153 are free");
}

static void check_0_0(struct mv_context *ctx) {
        look(ctx, NULL);
}

/* Where nobody knows the version it may be an older one. */
static void check(struct mv_context *ctx) {
        look(ctx, ctx->version_known ? "KubeVirt 0.46 and newer migrate through a Unix socket" : NULL);
}

const struct mv_rule mv_rule_migration_port = {
        .id = "migration-port",
        .area = MV_AREA_NETWORK,
        .severity = MV_SEVERITY_BLOCKER,
        .needs = MV_NEED(KUBEVIRT),
        .reason = "",
        .summary = "ports 49152 and 49153 of a masquerade interface belong to live migration",
        .documentation =
                "Before KubeVirt 0.46 migration data came into the launcher pod on ports 49152 (memory) and 49153 "
                "(disks); a masquerade interface that forwards them to the guest breaks migration. Newer launchers "
                "migrate through a Unix socket (status.migrationTransport: Unix), and no version of KubeVirt checks "
                "the ports. OpenShift's documentation still forbids them. So this is a blocker where the version is "
                "unknown or older than 0.46, and a risk where it is known to be newer or the instance says Unix. Ports "
                "that forward UDP or SCTP are not in the way of migration, which is TCP.",
        .source =
                "OpenShift Virtualization documentation; KubeVirt pkg/network/setup/netconf.go: newMasqueradeAdapter",
        .fix = "use other ports in the interface's ports or portRanges",
        .revisions = {
                { 0, check_0_0, 0, 0, NULL },
                { MV_KUBEVIRT(0, 46), check, 0, 0,
                  "a risk: migration goes through a Unix socket (a blocker where the version is unknown)" },
        },
};
