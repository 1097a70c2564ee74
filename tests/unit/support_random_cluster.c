/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support_random.h"

uint64_t random_next(struct test_random *random) {
        uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

unsigned random_below(struct test_random *random, unsigned n) {
        return (unsigned)(random_next(random) % n);
}

bool random_chance(struct test_random *random, unsigned percent) {
        return random_below(random, 100) < percent;
}

void put_separate(struct maker *m, unsigned *n) {
        if ((*n)++)
                mv_buf_append_byte(m->out, ',');
}

/* A member "key": "value" of an object that has n so far. */
void put_member(struct maker *m, unsigned *n, const char *key, const char *value) {
        put_separate(m, n);
        put(m, "\"%s\":\"%s\"", key, value);
}

void put_flag(struct maker *m, unsigned *n, unsigned percent, const char *prefix, const char *name) {
        if (!chance(m, percent))
                return;
        put_separate(m, n);
        put(m, "\"%s%s\":\"%s\"", prefix, name, chance(m, 97) ? "true" : "false");
}

/* --- nodes --- */

void put_node_name(struct maker *m, unsigned unknown) {
        if (chance(m, unknown))
                put(m, "elsewhere");
        else
                put(m, "node-%u", random_below(&m->random, m->n_nodes));
}

static void node_labels(struct maker *m, unsigned node) {
        unsigned n = 0, have = m->have;
        const char *own = PICK(m, models);
        if (chance(m, 95)) {
                put_separate(m, &n);
                put(m, "\"kubernetes.io/hostname\":\"node-%u\"", chance(m, 95) ? node : node / 2);
        }
        put_flag(m, &n, have < 90 ? 90 : have, "kubevirt.io/", "schedulable");
        put_member(m, &n, "kubernetes.io/arch", chance(m, 5) ? "s390x" : chance(m, have) ? "amd64" : "arm64");
        if (chance(m, 92))
                put_member(m, &n, "zone", PICK(m, zones));
        if (chance(m, 85))
                put_member(m, &n, "rack", PICK(m, racks));
        for (unsigned i = 0; i < COUNT(models); i++) {
                put_flag(m, &n, have, "cpu-model.node.kubevirt.io/", models[i]);
                put_flag(m, &n, have, "cpu-model-migration.node.kubevirt.io/", models[i]);
        }
        for (unsigned i = 0; i < COUNT(features); i++) {
                put_flag(m, &n, i < 2 ? have : 100 - have, "cpu-feature.node.kubevirt.io/", features[i]);
                put_flag(m, &n, i < 2 ? have / 3 : 5, "host-model-required-features.node.kubevirt.io/",
                         features[i]);
        }
        put_flag(m, &n, 90, "host-model-cpu.node.kubevirt.io/", own);
        put_flag(m, &n, 90, "cpu-vendor.node.kubevirt.io/", chance(m, have) ? "Intel" : "AMD");
        for (unsigned i = 0; i < COUNT(enlightenments); i++)
                put_flag(m, &n, have, "hyperv.node.kubevirt.io/", enlightenments[i]);
        for (unsigned i = 0; i < COUNT(machines); i++)
                put_flag(m, &n, have, "machine-type.node.kubevirt.io/", machines[i]);
        put_flag(m, &n, have, "scheduling.node.kubevirt.io/tsc-frequency-", "2000");
        put_flag(m, &n, have, "scheduling.node.kubevirt.io/tsc-frequency-", "3000");
        if (chance(m, 50))
                put_member(m, &n, "cpu-timer.node.kubevirt.io/tsc-frequency",
                           chance(m, 50) ? "2000" : "3000");
        static const char *const more[] = { "sev",      "sev-es",        "sev-snp",
                                            "tdx",      "s390-pv",       "cpumanager",
                                            "realtime", "vm-arch-amd64", "vm-arch-s390x" };
        for (unsigned i = 0; i < COUNT(more); i++)
                put_flag(m, &n, have, "kubevirt.io/", more[i]);
        put_flag(m, &n, m->trouble / 4, "node-labeller.kubevirt.io/", "obsolete-host-model");
}

static void taints(struct maker *m) {
        unsigned n = 0;
        put(m, "\"taints\":[");
        while (chance(m, n ? 40 : m->trouble / 2)) {
                put_separate(m, &n);
                put(m, "{\"key\":\"%s\",", PICK(m, taint_keys));
                put(m, "\"effect\":\"%s\"", PICK(m, effects));
                if (chance(m, 30))
                        put(m, ",\"value\":\"%s\"", PICK(m, zones));
                put(m, "}");
        }
        put(m, "]");
}

static void node(struct maker *m, unsigned i) {
        put(m, "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"node-%u\",\"labels\":{", i);
        node_labels(m, i);
        put(m, "}},\"spec\":{");
        if (chance(m, m->trouble / 4))
                put(m, "\"unschedulable\":true,");
        taints(m);
        put(m, "},\"status\":{");
        if (chance(m, 95)) {
                static const char *const cpus[] = { "32", "16", "8", "2500m", "150m" };
                static const char *const memories[] = { "256Gi", "64Gi", "16Gi", "2Gi", "1200Mi" };
                unsigned size = chance(m, m->trouble) ? 5 : 2;
                put(m, "\"allocatable\":{\"cpu\":\"%s\",", cpus[random_below(&m->random, size)]);
                put(m, "\"memory\":\"%s\"", memories[random_below(&m->random, size)]);
                if (chance(m, 97))
                        put(m, ",\"devices.kubevirt.io/kvm\":\"1k\",\"devices.kubevirt.io/tun\":\"1k\"");
                if (chance(m, 97))
                        put(m, ",\"devices.kubevirt.io/vhost-net\":%u", random_below(&m->random, 50));
                if (chance(m, 80))
                        put(m, ",\"devices.kubevirt.io/sev\":9,\"devices.kubevirt.io/tdx\":9");
                if (chance(m, 97))
                        put(m, ",\"ephemeral-storage\":\"100Gi\"");
                if (chance(m, 98))
                        put(m, ",\"pods\":\"%u\"", chance(m, 90) ? 110 : random_below(&m->random, 4));
                put(m, "}");
        }
        put(m, "}}");
}

/* --- selectors --- */

static void values(struct maker *m, const char *const *from, unsigned n_from) {
        unsigned n = 0;
        put(m, "\"values\":[");
        do {
                put_separate(m, &n);
                put(m, "\"%s\"", from[random_below(&m->random, n_from)]);
        } while (chance(m, 50));
        put(m, "]");
}

/* Of pods and namespaces (on labels app and tier). */
void put_label_selector(struct maker *m) {
        unsigned n = 0;
        static const char *const operators[] = { "In", "NotIn", "Exists", "DoesNotExist" };
        put(m, "{");
        if (chance(m, 70)) {
                put(m, "\"matchLabels\":{\"app\":\"%s\"", PICK(m, apps));
                put(m, "%s}", chance(m, 20) ? ",\"tier\":\"1\"" : "");
                n++;
        }
        if (chance(m, n ? 20 : 85)) {
                const char *operator= PICK(m, operators);
                bool app = chance(m, 50);
                put_separate(m, &n);
                put(m, "\"matchExpressions\":[{\"key\":\"%s\",\"operator\":\"%s\",",
                    app ? "app" : "tier", operator);
                values(m, app ? apps : tiers, operator[0] == 'E' || operator[0] == 'D' ? 1 : 2);
                put(m, "}]");
        }
        put(m, "}");
}

void put_keys(struct maker *m, const char *name, unsigned percent) {
        if (!chance(m, percent))
                return;
        put(m, ",\"%s\":[\"%s\"]", name, chance(m, 70) ? "tier" : "version");
}

static void pod_terms(struct maker *m, const char *kind) {
        unsigned n = 0;
        put(m, "\"%s\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[", kind);
        do {
                put_separate(m, &n);
                put(m, "{\"topologyKey\":\"%s\"", PICK(m, topologies));
                if (chance(m, 95)) {
                        put(m, ",\"labelSelector\":");
                        put_label_selector(m);
                }
                if (chance(m, 25)) {
                        put(m, ",\"namespaceSelector\":");
                        if (chance(m, 40))
                                put(m, "{}");
                        else
                                put_label_selector(m);
                }
                if (chance(m, 20)) {
                        put(m, ",\"namespaces\":[\"%s\",", PICK(m, namespaces));
                        put(m, "\"%s\"]", PICK(m, namespaces));
                }
                put_keys(m, "matchLabelKeys", 15);
                put_keys(m, "mismatchLabelKeys", 10);
                put(m, "}");
        } while (chance(m, 30));
        put(m, "]}");
}

/* Of nodes. */
static void node_term(struct maker *m) {
        unsigned n = 0, parts = 0;
        static const char *const operators[] = { "In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt" };
        put(m, "{");
        if (chance(m, 85)) {
                put(m, "\"matchExpressions\":[");
                do {
                        const char *operator= PICK(m, operators);
                        bool compare = operator[0] == 'G' || operator[0] == 'L';
                        bool zone = !compare && chance(m, 60);
                        put_separate(m, &n);
                        put(m, "{\"key\":\"%s\",\"operator\":\"%s\",", zone ? "zone" : "rack", operator);
                        if (compare)
                                put(m, "\"values\":[\"%d\"]", (int)random_below(&m->random, 6) - 1);
                        else
                                values(m, zone ? zones : racks, zone ? COUNT(zones) : COUNT(racks));
                        put(m, "}");
                } while (chance(m, 25));
                put(m, "]");
                parts++;
        }
        if (chance(m, parts ? 10 : 60)) {
                put_separate(m, &parts);
                put(m, "\"matchFields\":[{\"key\":\"metadata.name\",\"operator\":\"%s\",\"values\":[\"",
                    chance(m, 40) ? "In" : "NotIn");
                put_node_name(m, 10);
                put(m, "\"]}]");
        }
        put(m, "}");
}

static void node_selector(struct maker *m) {
        unsigned n = 0;
        put(m, "{\"nodeSelectorTerms\":[");
        do {
                put_separate(m, &n);
                node_term(m);
        } while (chance(m, 45));
        put(m, "]}");
}

void put_affinity(struct maker *m, unsigned percent) {
        unsigned n = 0;
        put(m, "\"affinity\":{");
        if (chance(m, percent)) {
                put_separate(m, &n);
                put(m, "\"nodeAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":");
                node_selector(m);
                put(m, "}");
        }
        if (chance(m, percent)) {
                put_separate(m, &n);
                pod_terms(m, "podAffinity");
        }
        if (chance(m, percent)) {
                put_separate(m, &n);
                pod_terms(m, "podAntiAffinity");
        }
        put(m, "}");
}

/* --- pods --- */

void put_pod_labels(struct maker *m, unsigned *n) {
        if (chance(m, 80))
                put_member(m, n, "app", PICK(m, apps));
        if (chance(m, 50))
                put_member(m, n, "tier", PICK(m, tiers));
        if (chance(m, 30))
                put_member(m, n, "version", PICK(m, zones));
}

static void launcher_selector(struct maker *m) {
        unsigned n = 0;
        put(m, ",\"nodeSelector\":{");
        put_flag(m, &n, 60, "kubevirt.io/", "schedulable");
        put_flag(m, &n, 25, "cpu-feature.node.kubevirt.io/", PICK(m, features));
        put_flag(m, &n, 25, "cpu-model-migration.node.kubevirt.io/", PICK(m, models));
        put(m, "}");
}

static void pod(struct maker *m, unsigned i) {
        static const char *const phases[] = { "Running", "Running",   "Running",
                                              "Pending", "Succeeded", "Failed" };
        static const char *const cpus[] = { "100m", "1", "4", "13" };
        static const char *const memories[] = { "128Mi", "2Gi", "12Gi", "90Gi" };
        unsigned n = 0;
        bool launcher = chance(m, 25);
        put(m,
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"pod-%u\",\"namespace\":\"%s\","
            "\"labels\":{",
            i, PICK(m, namespaces));
        put_pod_labels(m, &n);
        if (launcher) {
                put_separate(m, &n);
                put(m, "\"kubevirt.io/created-by\":\"uid-%u\"", random_below(&m->random, m->n_instances));
                put_member(m, &n, "kubevirt.io", "virt-launcher");
        }
        put(m, "}%s},\"spec\":{", chance(m, 8) ? ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" : "");
        if (chance(m, 92)) {
                put(m, "\"nodeName\":\"");
                put_node_name(m, 5);
                put(m, "\",");
        }
        put_affinity(m, m->trouble / 8);
        if (launcher)
                launcher_selector(m);
        put(m, ",\"containers\":[{\"resources\":{\"requests\":{\"cpu\":\"%s\",", PICK(m, cpus));
        put(m, "\"memory\":\"%s\"", PICK(m, memories));
        if (chance(m, 30))
                put(m, ",\"devices.kubevirt.io/vhost-net\":%u", random_below(&m->random, 20));
        put(m, "}}}]},\"status\":{\"phase\":\"%s\"}}", PICK(m, phases));
}

/* --- storage, and the rest --- */

static void claim(struct maker *m, unsigned i) {
        static const char *const classes[] = { "late", "early", "anywhere", "missing" };
        put(m,
            "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolumeClaim\",\"metadata\":{\"name\":\"claim-%u\","
            "\"namespace\":\"%s\"},",
            i, chance(m, 70) ? "default" : "ns-a");
        put(m, "\"spec\":{\"storageClassName\":\"%s\"", PICK(m, classes));
        if (chance(m, 60))
                put(m, ",\"volumeName\":\"pv-%u\"", random_below(&m->random, 9));
        put(m, "}}");
}

static void volume(struct maker *m, unsigned i) {
        put(m,
            "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"metadata\":{\"name\":\"pv-%u\"},\"spec\":{",
            i);
        if (chance(m, 80)) {
                put(m, "\"nodeAffinity\":{\"required\":");
                node_selector(m);
                put(m, "}");
        }
        put(m, "}}");
}

static void storage_class(struct maker *m, const char *name, bool late) {
        unsigned n = 0;
        put(m,
            "{\"apiVersion\":\"storage.k8s.io/v1\",\"kind\":\"StorageClass\",\"metadata\":{\"name\":\"%s\"},"
            "\"provisioner\":\"x\",\"volumeBindingMode\":\"%s\",\"allowedTopologies\":[",
            name, late ? "WaitForFirstConsumer" : "Immediate");
        while (chance(m, 60)) {
                put_separate(m, &n);
                put(m, "{\"matchLabelExpressions\":[{\"key\":\"zone\",");
                values(m, zones, COUNT(zones));
                put(m, "}");
                if (chance(m, 20))
                        put(m, ",{\"key\":\"rack\",\"values\":[\"1\",\"2\",\"3\"]}");
                put(m, "]}");
        }
        put(m, "]}");
}

static void kubevirt(struct maker *m) {
        static const char *const versions[] = { "1.0.0", "1.1.1", "1.2.2", "1.3.1", "1.4.1", "1.5.0",
                                                "1.5.1", "1.6.0", "1.6.3", "1.6.4", "1.7.0", "1.7.1",
                                                "1.8.0", "1.8.4", "1.9.0", "1.9.1" };
        static const char *const gates[] = { "HypervStrictCheck", "CPUManager",
                                             "CrossArchitectureVirtualization", "WorkloadEncryptionSEV",
                                             "WorkloadEncryptionTDX" };
        unsigned n = 0;
        put(m, "{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"KubeVirt\",\"metadata\":{\"name\":\"kubevirt\","
               "\"namespace\":\"kubevirt\"},\"spec\":{\"configuration\":{\"developerConfiguration\":{"
               "\"featureGates\":[");
        for (unsigned i = 0; i < COUNT(gates); i++)
                if (chance(m, 35)) {
                        put_separate(m, &n);
                        put(m, "\"%s\"", gates[i]);
                }
        put(m, "]");
        if (chance(m, 10))
                put(m, ",\"nodeSelectors\":{\"zone\":\"%s\"}", PICK(m, zones));
        if (chance(m, 15))
                put(m, ",\"minimumClusterTSCFrequency\":3000");
        put(m, "}");
        if (chance(m, 30))
                put(m, ",\"migrations\":{\"nodeDrainTaintKey\":\"custom/drain\"}");
        if (chance(m, 20))
                put(m, ",\"cpuModel\":\"%s\"", PICK(m, models));
        put(m, "}},\"status\":{\"phase\":\"Deployed\",\"observedKubeVirtVersion\":\"v%s\"}}",
            PICK(m, versions));
}

static void comma(struct maker *m) {
        mv_buf_append_byte(m->out, ',');
}

void random_cluster(uint64_t seed, struct mv_buf *ret) {
        static const unsigned have[] = { 60, 85, 95, 98, 100, 100 }, trouble[] = { 0, 10, 40, 100 },
                              demands[] = { 0, 10, 40, 100 };
        struct maker *m = &(struct maker){ .random = { seed }, .out = ret };
        mv_buf_clear(ret);
        m->n_nodes = 1 + random_below(&m->random, chance(m, 25) ? 70 : 16);
        m->n_instances = 1 + random_below(&m->random, 6);
        m->have = PICK(m, have);
        m->trouble = PICK(m, trouble);
        m->demands = PICK(m, demands);
        put(m, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
        kubevirt(m);
        for (unsigned i = 0; i < m->n_nodes; i++) {
                comma(m);
                node(m, i);
        }
        for (unsigned i = 1; i < COUNT(namespaces); i++)
                if (chance(m, 85)) {
                        unsigned n = 0;
                        put(m,
                            ",{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\",\"labels\":{",
                            namespaces[i]);
                        put_pod_labels(m, &n);
                        put(m, "}}}");
                }
        for (unsigned i = 0, n = random_below(&m->random, chance(m, 30) ? 60 : 15); i < n; i++) {
                comma(m);
                pod(m, i);
        }
        for (unsigned i = 0; i < 6; i++) {
                comma(m);
                claim(m, i);
                comma(m);
                volume(m, i);
        }
        comma(m);
        storage_class(m, "late", true);
        comma(m);
        storage_class(m, "early", false);
        for (unsigned i = 0; i < m->n_instances; i++) {
                comma(m);
                put_instance(m, i);
                comma(m);
                put_machine(m, 100 + i);
                comma(m);
                put_migration(m, i);
        }
        put(m, "]}");
}
