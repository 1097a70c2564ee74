/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/kubevirt_config.h"

#include "policy/hyperconverged.h"

static const struct mv_kubevirt_configuration no_configuration = { 0 };

/* States of KubeVirt's gates (pkg/virt-config/featuregate/active.go, inactive.go), by the first version they hold for,
 * the newest row of a gate last. A gate that is not listed, or not yet, is off. */
static const struct gate {
        const char *name;
        enum { ALPHA, BETA, GA } state;
        unsigned since;
} gates[] = {
        { "VGPULiveMigration", ALPHA, MV_KUBEVIRT(1, 9) },
        { "HypervStrictCheck", ALPHA, 0 },
        { "CPUManager", ALPHA, 0 },
        { "MigrationStallDetection", ALPHA, MV_KUBEVIRT(1, 9) },
        { "MigrationDowntimeTuning", ALPHA, MV_KUBEVIRT(1, 10) },
        { "CrossArchitectureVirtualization", ALPHA, MV_KUBEVIRT(1, 9) },
        { "EnableVirtioFsStorageVolumes", ALPHA, 0 },
        { "HostDisk", ALPHA, 0 },
        { "HostDevices", ALPHA, 0 },
        { "DecentralizedLiveMigration", ALPHA, MV_KUBEVIRT(1, 6) },
        { "DecentralizedLiveMigration", BETA, MV_KUBEVIRT(1, 10) },
        { "MigrationPriorityQueue", ALPHA, MV_KUBEVIRT(1, 7) },
        { "MigrationPriorityQueue", BETA, MV_KUBEVIRT(1, 8) },
        { "MigrationPriorityQueue", GA, MV_KUBEVIRT(1, 9) },
        { "NodeRestriction", ALPHA, MV_KUBEVIRT(1, 3) },
        { "NodeRestriction", BETA, MV_KUBEVIRT(1, 6) },
        { "PasstBinding", BETA, MV_KUBEVIRT(1, 8) },
        { "ImageVolume", ALPHA, MV_KUBEVIRT(1, 6) },
        { "ImageVolume", BETA, MV_KUBEVIRT(1, 7) },
        { "IOMMUFD", ALPHA, MV_KUBEVIRT(1, 9) },
        { "GPUsWithDRA", ALPHA, MV_KUBEVIRT(1, 6) },
        { "GPUsWithDRA", BETA, MV_KUBEVIRT(1, 9) },
        { "HostDevicesWithDRA", ALPHA, MV_KUBEVIRT(1, 6) },
        { "HostDevicesWithDRA", BETA, MV_KUBEVIRT(1, 9) },
        { "ExternalNetResourceInjection", BETA, MV_KUBEVIRT(1, 8) },
        { "WorkloadEncryptionSEV", ALPHA, MV_KUBEVIRT(0, 49) },
        { "WorkloadEncryptionSEV", BETA, MV_KUBEVIRT(1, 9) },
        { "LiveMigration", ALPHA, 0 },
        { "LiveMigration", GA, MV_KUBEVIRT(0, 56) },
        { "SRIOVLiveMigration", ALPHA, 0 },
        { "SRIOVLiveMigration", GA, MV_KUBEVIRT(0, 57) },
};

static const struct gate *find_gate(const struct mv_kubevirt_config *config, const char *name) {
        const struct gate *gate = NULL;
        for (size_t i = 0; i < sizeof gates / sizeof *gates; i++)
                if (gates[i].name[0] == name[0] && strcmp(gates[i].name, name) == 0 &&
                    (!config->version_number || gates[i].since <= config->version_number))
                        gate = &gates[i];
        return gate;
}

bool mv_kubevirt_has_gate(const struct mv_kubevirt_config *config, const char *name) {
        return find_gate(config, name) != NULL;
}

bool mv_kubevirt_gate(const struct mv_kubevirt_config *config, const char *name) {
        const struct mv_developer_configuration *developer = &config->spec->developer;
        const struct gate *gate = find_gate(config, name);
        if (!gate)
                return false;
        if (gate->state == GA || mv_strings_have(&developer->feature_gates, mv_str_from(name)))
                return true;
        return gate->state == BETA && !mv_strings_have(&developer->disabled_feature_gates, mv_str_from(name));
}

struct mv_str mv_kubevirt_account(const struct mv_kubevirt_config *config, struct mv_str username) {
        const struct mv_str prefix = MV_STR("system:serviceaccount:");
        const struct mv_str nobody = { 0 };
        if (!mv_str_starts_with(username, prefix))
                return nobody;
        struct mv_str rest = mv_str_skip(username, prefix.n);
        size_t colon = mv_str_find_byte(rest, ':');
        return colon < rest.n && mv_str_equal((struct mv_str){ rest.p, colon }, config->namespace)
                       ? mv_str_skip(rest, colon + 1)
                       : nobody;
}

unsigned mv_kubevirt_version_parse(struct mv_str text, struct mv_str *ret_text) {
        if (text.n && text.p[0] == 'v')
                text = mv_str_skip(text, 1);
        size_t n = 0, dots = 0;
        while (n < text.n && ((text.p[n] >= '0' && text.p[n] <= '9') || text.p[n] == '.'))
                n++;
        if (!n || text.p[n - 1] == '.' || (n < text.n && text.p[n] != '-' && text.p[n] != '+'))
                return 0;
        text.n = n;
        size_t first = mv_str_find_byte(text, '.');
        if (first == text.n)
                return 0;
        struct mv_str rest = mv_str_skip(text, first + 1);
        size_t second = mv_str_find_byte(rest, '.');
        for (size_t i = 0; i < text.n; i++)
                dots += text.p[i] == '.';
        unsigned long long major, minor, patch = 999;
        if (dots > 2 || !mv_str_to_unsigned((struct mv_str){ text.p, first }, 1000, &major) ||
            !mv_str_to_unsigned((struct mv_str){ rest.p, second }, 999, &minor))
                return 0;
        if (second < rest.n && !mv_str_to_unsigned(mv_str_skip(rest, second + 1), 999, &patch))
                return 0;
        *ret_text = text;
        return MV_KUBEVIRT_PATCH(major, minor, patch);
}

const struct mv_kubevirt_config *mv_kubevirt_config_at(struct mv_arena *arena,
                                                       const struct mv_kubevirt_config *config,
                                                       struct mv_str version) {
        struct mv_str text = { 0 };
        unsigned number = mv_kubevirt_version_parse(version, &text);
        struct mv_kubevirt_config *copy = number ? mv_arena_new(arena, struct mv_kubevirt_config) : NULL;
        if (!copy)
                return config;
        *copy = *config;
        copy->version = text;
        copy->version_from = MV_STR("flag");
        copy->version_number = number;
        return copy;
}

/* validateConfig: the first thing wrong with it, or NULL. A number that is 0 is lost on the way there (setConfigFromKubeVirt
 * writes the configuration as JSON without zeros before it lays it over the defaults), so only less is invalid. */
static const char *invalid(const struct mv_kubevirt_configuration *c) {
        static const char *const pull_policies[] = { "", "Always", "Never", "IfNotPresent" };
        static const char *const interfaces[] = { "", "bridge", "slirp", "masquerade" };
        if (!mv_str_is_one_of(c->image_pull_policy, pull_policies))
                return "imagePullPolicy is none of Always, Never, IfNotPresent";
        if (c->developer.memory_overcommit.set && c->developer.memory_overcommit.value < 0)
                return "developerConfiguration.memoryOvercommit must not be negative";
        if (c->developer.cpu_allocation_ratio.set && c->developer.cpu_allocation_ratio.value < 0)
                return "developerConfiguration.cpuAllocationRatio must not be negative";
        if (c->developer.pvc_tolerate_less_space.set && (c->developer.pvc_tolerate_less_space.value < 0 ||
                                                         c->developer.pvc_tolerate_less_space.value > 100))
                return "developerConfiguration.pvcTolerateLessSpaceUpToPercent must be from 0 to 100";
        if (!mv_str_is_one_of(c->network.default_network_interface, interfaces))
                return "network.defaultNetworkInterface is none of bridge, slirp, masquerade";
        return NULL;
}

/* The version the cluster runs; while an upgrade is under way, the older of the two. */
static void set_version(struct mv_kubevirt_config *config, const struct mv_kubevirt_status *status,
                        struct mv_str from) {
        struct mv_str observed = { 0 }, target = { 0 };
        unsigned a = mv_kubevirt_version_parse(status->observed_version, &observed);
        unsigned b = mv_kubevirt_version_parse(status->target_version, &target);
        if (!a) {
                config->version_unread = status->observed_version;
                return;
        }
        config->version_unread = (struct mv_str){ 0 };
        bool older_target = b && b < a;
        config->version = older_target ? target : observed;
        config->version_number = older_target ? b : a;
        config->version_from = from;
}

/* Lay what is configured over the defaults. */
static void overlay(struct mv_kubevirt_config *config, const struct mv_kubevirt_configuration *spec) {
        config->spec = spec;
        if (spec->network.default_network_interface.n)
                config->default_network_interface = spec->network.default_network_interface;
        if (spec->network.permit_bridge_on_pod_network != MV_UNSET)
                config->permit_bridge_on_pod_network = spec->network.permit_bridge_on_pod_network == MV_TRUE;
        config->cpu_model = spec->cpu_model;
        if (spec->eviction_strategy.p) {
                config->eviction_strategy = spec->eviction_strategy;
                config->eviction_from = config->from;
        }
}

/* No KubeVirt object, but the one whose operator makes it, in its own namespace. */
static void take_hyperconverged(struct mv_arena *arena, struct mv_kubevirt_config *config,
                                const struct mv_hyperconverged *hyperconverged,
                                enum mv_optional several_workers) {
        const struct mv_kubevirt_configuration *spec =
                mv_hyperconverged_filled(arena, hyperconverged, several_workers);
        config->namespace = hyperconverged->meta.namespace;
        config->from =
                mv_arena_format(arena, "HyperConverged/%.*s/%.*s", MV_STR_ARG(hyperconverged->meta.namespace),
                                MV_STR_ARG(hyperconverged->meta.name));
        if (spec)
                overlay(config, spec);
}

static bool is_in_force(const struct mv_kubevirt *object) {
        return !object->meta.deletion_timestamp.n && object->status.phase.n;
}

/* The one in force; of several, which KubeVirt does not admit, the first by name, however the files are ordered. */
static const struct mv_kubevirt *choose(const struct mv_kubevirt *const *objects, size_t n) {
        const struct mv_kubevirt *chosen = NULL;
        for (size_t i = 0; i < n; i++) {
                if (!is_in_force(objects[i]))
                        continue;
                int order = chosen ? mv_str_compare(objects[i]->meta.namespace, chosen->meta.namespace) : -1;
                if (order < 0 || (order == 0 && mv_str_compare(objects[i]->meta.name, chosen->meta.name) < 0))
                        chosen = objects[i];
        }
        return chosen;
}

/* What is odd about several that are in force, "" when there is just that one. Another one stands for all. */
static struct mv_str name_others(struct mv_arena *arena, const struct mv_kubevirt *const *objects, size_t n,
                                 const struct mv_kubevirt *chosen) {
        const struct mv_kubevirt **others = mv_arena_new_array(arena, const struct mv_kubevirt *, n);
        size_t n_others = 0;
        for (size_t i = 0; others && i < n; i++)
                if (objects[i] != chosen)
                        others[n_others++] = objects[i];
        const struct mv_kubevirt *other = others ? choose(others, n_others) : NULL;
        if (!other)
                return (struct mv_str){ 0 };
        return mv_arena_format(
                arena,
                "KubeVirt %.*s/%.*s and %.*s/%.*s are both in force, and KubeVirt admits just one: the "
                "first by name is judged by",
                MV_STR_ARG(chosen->meta.namespace), MV_STR_ARG(chosen->meta.name),
                MV_STR_ARG(other->meta.namespace), MV_STR_ARG(other->meta.name));
}

struct mv_kubevirt_config *mv_kubevirt_config_new(struct mv_arena *arena,
                                                  const struct mv_kubevirt *const *objects, size_t n,
                                                  const struct mv_hyperconverged *hyperconverged,
                                                  enum mv_optional several_workers) {
        struct mv_kubevirt_config *config = mv_arena_new(arena, struct mv_kubevirt_config);
        if (!config)
                return NULL;
        *config = (struct mv_kubevirt_config){
                .from = MV_STR("default"),
                .namespace = MV_STR("kubevirt"),
                .spec = &no_configuration,
                .default_architecture = MV_STR("amd64"),
                .default_network_interface = MV_STR("bridge"),
                .permit_bridge_on_pod_network = true,
                .eviction_strategy = MV_STR("None"),
                .eviction_from = MV_STR("default"),
                .version_from = MV_STR("default"),
        };
        const struct mv_kubevirt *chosen = choose(objects, n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_kubevirt *object = objects[i];
                if (chosen && object != chosen)
                        continue;
                config->namespace = object->meta.namespace;
                struct mv_str name =
                        mv_arena_format(arena, "KubeVirt/%.*s/%.*s", MV_STR_ARG(object->meta.namespace),
                                        MV_STR_ARG(object->meta.name));
                set_version(config, &object->status, name);
                if (!is_in_force(object)) {
                        config->problem = mv_arena_format(
                                arena, "KubeVirt %.*s/%.*s %s, so KubeVirt's defaults are in force",
                                MV_STR_ARG(object->meta.namespace), MV_STR_ARG(object->meta.name),
                                object->meta.deletion_timestamp.n ? "is being deleted"
                                                                  : "has no status.phase yet");
                        continue;
                }
                config->object = object;
                config->from =
                        mv_arena_format(arena, "KubeVirt/%.*s/%.*s", MV_STR_ARG(object->meta.namespace),
                                        MV_STR_ARG(object->meta.name));
                config->problem = name_others(arena, objects, n, object);
        }
        if (!n && hyperconverged)
                take_hyperconverged(arena, config, hyperconverged, several_workers);
        if (!config->object)
                return config;
        if (config->object->status.default_architecture.n)
                config->default_architecture = config->object->status.default_architecture;

        const struct mv_kubevirt_configuration *spec = &config->object->spec.configuration;
        const char *problem = invalid(spec);
        if (problem) {
                config->problem =
                        mv_arena_format(arena, "%.*s: spec.configuration is invalid and ignored: %s",
                                        MV_STR_ARG(config->from), problem);
                return config;
        }
        overlay(config, spec);
        return config;
}
