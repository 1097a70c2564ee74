/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support_random.h"

static bool wish(struct maker *m, unsigned percent) {
        return chance(m, percent) && chance(m, m->demands);
}

static void cpu(struct maker *m) {
        static const char *const policies[] = { "",       "require", "require", "optional",
                                                "forbid", "force",   "disable" };
        unsigned n = 0;
        put(m, "\"cpu\":{\"cores\":%u", 1 + random_below(&m->random, 3));
        if (wish(m, 40))
                put(m, ",\"model\":\"%s\"", PICK(m, models));
        else if (chance(m, 60))
                put(m, ",\"model\":\"%s\"", chance(m, 80) ? "host-model" : "host-passthrough");
        if (wish(m, 10))
                put(m, ",\"dedicatedCpuPlacement\":true");
        if (wish(m, 8))
                put(m, ",\"realtime\":{}");
        put(m, ",\"features\":[");
        for (unsigned i = 0; i < COUNT(features); i++)
                if (wish(m, 15)) {
                        put_separate(m, &n);
                        put(m, "{\"name\":\"%s\",\"policy\":\"%s\"}", features[i], PICK(m, policies));
                }
        put(m, "]}");
}

static void domain(struct maker *m) {
        static const char *const securities[] = { "{\"sev\":{}}",
                                                  "{\"sev\":{\"policy\":{\"encryptedState\":true}}}",
                                                  "{\"snp\":{}}", "{\"tdx\":{}}" };
        static const char *const guests[] = { "256Mi", "1Gi", "1Gi", "5Gi", "60Gi" };
        unsigned n = 0;
        put(m, "\"domain\":{");
        cpu(m);
        put(m, ",\"memory\":{\"guest\":\"%s\"}", PICK(m, guests));
        if (chance(m, 70))
                put(m, ",\"machine\":{\"type\":\"%s\"}", PICK(m, machines));
        if (wish(m, 15)) {
                put(m, ",\"features\":{\"hyperv\":{");
                for (unsigned i = 0; i < COUNT(enlightenments); i++)
                        if (chance(m, 30)) {
                                put_separate(m, &n);
                                put(m, "\"%s\":%s", enlightenments[i],
                                    chance(m, 85) ? "{}" : "{\"enabled\":false}");
                        }
                if (chance(m, 20)) {
                        put_separate(m, &n);
                        put(m, "\"evmcs\":{}");
                }
                put(m, "}}");
        }
        if (wish(m, 15))
                put(m, ",\"launchSecurity\":%s", PICK(m, securities));
        put(m, ",\"devices\":{}}");
}

static void tolerations(struct maker *m) {
        unsigned n = 0;
        put(m, "\"tolerations\":[");
        while (chance(m, 30)) {
                put_separate(m, &n);
                put(m, "{\"operator\":\"%s\"", chance(m, 60) ? "Exists" : "Equal");
                if (chance(m, 90))
                        put(m, ",\"key\":\"%s\"", PICK(m, taint_keys));
                if (chance(m, 30))
                        put(m, ",\"value\":\"%s\"", PICK(m, zones));
                if (chance(m, 50))
                        put(m, ",\"effect\":\"%s\"", PICK(m, effects));
                put(m, "}");
        }
        put(m, "],");
}

static void spread(struct maker *m) {
        unsigned n = 0;
        put(m, "\"topologySpreadConstraints\":[");
        while (wish(m, n ? 40 : 15)) {
                put_separate(m, &n);
                put(m, "{\"maxSkew\":%u,", 1 + random_below(&m->random, 2));
                put(m, "\"topologyKey\":\"%s\",", PICK(m, topologies));
                put(m, "\"whenUnsatisfiable\":\"%s\"", chance(m, 85) ? "DoNotSchedule" : "ScheduleAnyway");
                if (chance(m, 95)) {
                        put(m, ",\"labelSelector\":");
                        put_label_selector(m);
                }
                if (chance(m, 20))
                        put(m, ",\"minDomains\":%u", 1 + random_below(&m->random, 5));
                if (chance(m, 30))
                        put(m, ",\"nodeAffinityPolicy\":\"%s\"", chance(m, 70) ? "Ignore" : "Honor");
                if (chance(m, 30))
                        put(m, ",\"nodeTaintsPolicy\":\"%s\"", chance(m, 70) ? "Honor" : "Ignore");
                put_keys(m, "matchLabelKeys", 20);
                put(m, "}");
        }
        put(m, "],");
}

static void volumes(struct maker *m) {
        static const char *const before[] = { "\"persistentVolumeClaim\":{\"claimName\"",
                                              "\"dataVolume\":{\"name\"", "\"memoryDump\":{\"claimName\"",
                                              "\"ephemeral\":{\"persistentVolumeClaim\":{\"claimName\"" };
        static const char *const after[] = { "}", "}", "}", "}}" };
        unsigned n = 0;
        put(m, "\"volumes\":[");
        while (wish(m, 35)) {
                unsigned source = random_below(&m->random, COUNT(before));
                put_separate(m, &n);
                put(m, "{\"name\":\"disk-%u\",%s:\"claim-%u\"%s}", n, before[source],
                    random_below(&m->random, 8), after[source]);
        }
        put(m, "],");
}

static void instance_spec(struct maker *m) {
        unsigned n = 0;
        put(m, "{");
        if (chance(m, 20))
                put(m, "\"architecture\":\"%s\",", chance(m, 65) ? "amd64" : "s390x");
        put(m, "\"nodeSelector\":{");
        if (wish(m, 15))
                put_member(m, &n, "zone", PICK(m, zones));
        if (wish(m, 3))
                put_member(m, &n, "kubernetes.io/arch", "arm64");
        if (wish(m, 3))
                put_member(m, &n, "cpu-feature.node.kubevirt.io/aes", "true");
        put(m, "},");
        put_affinity(m, m->demands / 5);
        put(m, ",");
        tolerations(m);
        spread(m);
        volumes(m);
        domain(m);
        put(m, ",\"networks\":[{\"name\":\"default\",\"pod\":{}}]}");
}

void put_instance(struct maker *m, unsigned i) {
        static const char *const phases[] = { "Running", "Running", "Running", "Pending", "Succeeded" };
        unsigned n = 0;
        put(m,
            "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachineInstance\",\"metadata\":{\"name\":\"vm-%u\",",
            i);
        if (chance(m, 90))
                put(m, "\"uid\":\"uid-%u\",", i);
        put(m, "\"namespace\":\"%s\",\"labels\":{", PICK(m, namespaces));
        put_pod_labels(m, &n);
        put(m, "}%s},\"spec\":", chance(m, 5) ? ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" : "");
        instance_spec(m);
        put(m, ",\"status\":{\"phase\":\"%s\"", PICK(m, phases));
        if (chance(m, 80)) {
                put(m, ",\"nodeName\":\"");
                put_node_name(m, 5);
                put(m, "\"");
        }
        if (chance(m, 15))
                put(m, ",\"machine\":{\"type\":\"%s\"}", PICK(m, machines));
        if (chance(m, 15))
                put(m, ",\"topologyHints\":{\"tscFrequency\":%s}", chance(m, 50) ? "2000" : "3000");
        put(m, "}}");
}

void put_machine(struct maker *m, unsigned i) {
        unsigned n = 0;
        put(m,
            "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\",\"metadata\":{\"name\":\"vm-%u\","
            "\"namespace\":\"%s\"},\"spec\":{\"template\":{\"metadata\":{\"labels\":{",
            i, PICK(m, namespaces));
        put_pod_labels(m, &n);
        put(m, "}},\"spec\":");
        instance_spec(m);
        put(m, "}}}");
}

void put_migration(struct maker *m, unsigned i) {
        unsigned n = 0;
        put(m,
            "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachineInstanceMigration\",\"metadata\":{\"name\":"
            "\"move-%u\",\"namespace\":\"default\"},\"spec\":{\"vmiName\":\"vm-%u\",\"addedNodeSelector\":{",
            i, i);
        if (chance(m, 60))
                put_member(m, &n, "zone", PICK(m, zones));
        if (chance(m, 30))
                put_member(m, &n, "cpu-feature.node.kubevirt.io/vmx", "true");
        if (chance(m, 20))
                put_member(m, &n, "cpu-vendor.node.kubevirt.io/Intel", "true");
        if (chance(m, 10))
                put_member(m, &n, "kubevirt.io/schedulable", "false");
        if (chance(m, 10))
                put_member(m, &n, "kubernetes.io/arch", chance(m, 50) ? "amd64" : "arm64");
        put(m, "}}}");
}
