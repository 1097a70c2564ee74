/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/admission.h"

#include "policy/base/names.h"
#include "policy/behaviour.h"
#include "policy/object/quantity.h"

#include <limits.h>

#define TEMPLATE "spec.template.spec"

static void cause(struct mv_admission *a, const char *reason, struct mv_str message, struct mv_str field) {
        mv_causes_add(&a->causes, reason, message, field);
}

/* What a later KubeVirt may know. */
static void unknown_value(struct mv_admission *a, struct mv_str message, struct mv_str field) {
        mv_causes_add_unfamiliar(&a->causes, "FieldValueInvalid", message, field);
}

#define text(a, ...) mv_arena_format((a)->causes.arena, __VA_ARGS__)

/* Slirp, passt and macvtap are no bindings any more. */
static bool bindings_are_gone(const struct mv_kubevirt_config *config) {
        return mv_behaviour_of(config->version_number ? config->version_number : UINT_MAX)
                ->bindings_discontinued;
}

/* --- networks --- */

struct mv_str mv_admission_default_network(const struct mv_kubevirt_config *config,
                                           const struct mv_vmi_spec *spec) {
        struct mv_str binding = config->default_network_interface;
        if (spec->networks.n || spec->domain.devices.interfaces.n ||
            spec->domain.devices.autoattach_pod_interface == MV_FALSE)
                return (struct mv_str){ 0 };
        if (mv_str_is(binding, "bridge") && !config->permit_bridge_on_pod_network)
                return MV_STR("bridge interface is not enabled in kubevirt-config");
        if (mv_str_is(binding, "slirp") && bindings_are_gone(config))
                return MV_STR("slirp interface is deprecated as of v1.3");
        return (struct mv_str){ 0 };
}

static struct mv_str interface_field(struct mv_admission *a, const char *path, size_t i, const char *rest) {
        return text(a, "%s.domain.devices.interfaces[%zu]%s", path, i, rest);
}

/* Which networks are the pod's, by name; of several networks of a name KubeVirt sees the last. */
struct pod_networks {
        struct mv_names_index index;
        bool *pod; /* of the first network of that name: what the last one says */
};

static bool pod_networks_make(struct mv_arena *arena, const struct mv_vmi_spec *spec,
                              struct pod_networks *ret) {
        ret->pod = mv_arena_new_array(arena, bool, spec->networks.n);
        if (!ret->pod || !mv_names_index_list(arena, &ret->index, spec->networks, name))
                return false;
        for (size_t i = 0; i < spec->networks.n; i++)
                ret->pod[mv_names_index_find(&ret->index, spec->networks.items[i].name)] =
                        spec->networks.items[i].pod;
        return true;
}

static bool is_on_pod_network(const struct pod_networks *networks, struct mv_str name) {
        size_t i = mv_names_index_find(&networks->index, name);
        return i != SIZE_MAX && networks->pod[i];
}

/* countInterfaceBindings; passt says that it has a passtBinding, which came with its gate. */
static int count_bindings(const struct mv_interface *interface, bool passt, bool gone) {
        int n = interface->bridge + interface->masquerade + interface->sriov + passt +
                (interface->binding != NULL);
        return gone ? n : n + interface->slirp + interface->passt + interface->macvtap;
}

/* validateInterfaceBinding */
static void check_interfaces(struct mv_admission *a, const char *path, const struct mv_vmi_spec *spec) {
        struct pod_networks networks;
        bool gone = bindings_are_gone(a->config);
        if (!pod_networks_make(a->causes.arena, spec, &networks))
                return; /* memory is out: the answer is Unknown */
        for (size_t i = 0; i < spec->domain.devices.interfaces.n; i++) {
                const struct mv_interface *interface = &spec->domain.devices.interfaces.items[i];
                bool pod = is_on_pod_network(&networks, interface->name);
                bool passt = interface->passt_binding && mv_kubevirt_has_gate(a->config, "PasstBinding");
                const struct {
                        bool wrong;
                        const char *message;
                } checks[] = {
                        { interface->masquerade && !pod,
                          "Masquerade interface only implemented with pod network" },
                        { interface->bridge && pod && !a->config->permit_bridge_on_pod_network,
                          "Bridge on pod network configuration is not enabled under kubevirt-config" },
                        { passt && !mv_kubevirt_gate(a->config, "PasstBinding"),
                          "PasstBinding feature gate is not enabled" },
                        { passt && !pod, "PasstBinding interface only implemented with pod network" },
                };
                if (count_bindings(interface, passt, gone) != 1)
                        cause(a, "FieldValueInvalid",
                              text(a,
                                   "logical %.*s interface must have exactly one binding method or binding "
                                   "plugin",
                                   MV_STR_ARG(interface->name)),
                              interface_field(a, path, i, ""));
                for (size_t j = 0; j < sizeof checks / sizeof *checks; j++)
                        if (checks[j].wrong)
                                cause(a, "FieldValueInvalid", mv_str_from(checks[j].message),
                                      interface_field(a, path, i, ".name"));
        }
}

/* validateDiscontinuedBindings */
void mv_admission_discontinued(struct mv_admission *a, const char *path, const struct mv_vmi_spec *spec) {
        for (size_t i = 0; bindings_are_gone(a->config) && i < spec->domain.devices.interfaces.n; i++) {
                const struct mv_interface *interface = &spec->domain.devices.interfaces.items[i];
                if (interface->slirp)
                        cause(a, "FieldValueInvalid",
                              MV_STR("Slirp interface support has been discontinued since v1.3"),
                              interface_field(a, path, i, ".slirp"));
                if (interface->passt)
                        cause(a, "FieldValueInvalid",
                              MV_STR("Passt network binding has been discontinued since v1.3"),
                              interface_field(a, path, i, ".passt"));
                if (interface->macvtap)
                        cause(a, "FieldValueInvalid",
                              MV_STR("Macvtap network binding has been discontinued since v1.3"),
                              interface_field(a, path, i, ".macvtap"));
        }
}

void mv_admission_gates(struct mv_admission *a, const struct mv_vmi_spec *spec) {
        const struct mv_strings *named = &a->config->spec->developer.feature_gates;
        bool passt = false, macvtap = false;
        for (size_t i = 0; bindings_are_gone(a->config) && i < spec->domain.devices.interfaces.n; i++) {
                passt |= spec->domain.devices.interfaces.items[i].passt;
                macvtap |= spec->domain.devices.interfaces.items[i].macvtap;
        }
        for (size_t i = 0; i < named->n; i++) {
                if (passt && mv_str_is(named->items[i], "Passt"))
                        cause(a, "FieldValueNotSupported",
                              MV_STR("Passt network binding is discontinued since v1.3. Please refer to Kubevirt user "
                                     "guide for alternatives."),
                              (struct mv_str){ 0 });
                if (macvtap && mv_str_is(named->items[i], "Macvtap"))
                        cause(a, "FieldValueNotSupported",
                              MV_STR("Macvtap network binding is discontinued since v1.3. Please refer to Kubevirt user "
                                     "guide for alternatives."),
                              (struct mv_str){ 0 });
        }
}

/* --- the rest --- */

/* validateLiveMigration, isValidEvictionStrategy: the cluster's counts where the spec has none. Whether the instance can
 * migrate is not asked. */
static void check_eviction_strategy(struct mv_admission *a, const char *path,
                                    const struct mv_vmi_spec *spec) {
        static const char *const strategies[] = { "LiveMigrate", "LiveMigrateIfPossible", "None",
                                                  "External" };
        struct mv_str strategy =
                spec->eviction_strategy.p ? spec->eviction_strategy : a->config->eviction_strategy;
        if (mv_str_is_one_of(strategy, strategies))
                return;
        struct mv_str field = text(a, "%s.evictionStrategy", path);
        unknown_value(a,
                      text(a, "%.*s is set with an unrecognized option: %.*s", MV_STR_ARG(field),
                           MV_STR_ARG(strategy)),
                      field);
}

/* validateHugepagesMemoryRequests, as far as it is about the size itself. The path that it names is no path of the API. */
static void check_hugepages(struct mv_admission *a, const char *path, const struct mv_vmi_spec *spec) {
        const struct mv_memory *memory = spec->domain.memory;
        struct mv_quantity size;
        if (!memory || !memory->hugepages ||
            mv_quantity_parse(memory->hugepages->page_size, &size, NULL) != MV_ETYPE)
                return;
        struct mv_str field = text(a, "%s.domain.hugepages.size", path);
        cause(a, "FieldValueInvalid",
              text(a, "%.*s '%.*s': %s", MV_STR_ARG(field), MV_STR_ARG(memory->hugepages->page_size),
                   mv_quantity_wrong_format),
              field);
}

bool mv_label_is_reserved(struct mv_str label) {
        static const char *const labels[] = {
                "kubevirt.io/created-by",  "kubevirt.io/migrationJobUID",
                "kubevirt.io/nodeName",    "kubevirt.io/migrationTargetNodeName",
                "kubevirt.io/schedulable", "kubevirt.io/install-strategy"
        };
        return mv_str_is_one_of(label, labels);
}

/* ValidateVirtualMachineInstanceMetadata */
static void check_labels(struct mv_admission *a, const char *path, const struct mv_map *labels) {
        bool reserved = false;
        for (size_t i = 0; i < labels->n; i++)
                reserved = reserved || mv_label_is_reserved(labels->items[i].key);
        if (reserved && !a->kubevirt)
                cause(a, "FieldValueNotSupported",
                      MV_STR("creation of the following reserved kubevirt.io/ labels on a VMI object is "
                             "prohibited"),
                      text(a, "%s.labels", path));
}

/* validateRunStrategy */
static void check_run_strategy(struct mv_admission *a, const struct mv_vm_spec *spec) {
        static const char *const strategies[] = { "Halted", "Manual", "Always", "RerunOnFailure", "Once" };
        struct mv_str strategy = spec->run_strategy;
        if (spec->running != MV_UNSET && strategy.p)
                cause(a, "FieldValueInvalid",
                      MV_STR("Running and RunStrategy are mutually exclusive. Note that Running is "
                             "deprecated, please use RunStrategy instead"),
                      MV_STR("spec.running"));
        if (spec->running == MV_UNSET && !strategy.p && !a->draft)
                cause(a, "FieldValueInvalid", MV_STR("RunStrategy must be specified"),
                      MV_STR("spec.running"));
        if (!strategy.p)
                return;
        bool receiver = mv_str_is(strategy, "WaitAsReceiver");
        if (mv_str_is_one_of(strategy, strategies) ||
            (receiver && mv_kubevirt_gate(a->config, "DecentralizedLiveMigration")))
                return;
        if (receiver)
                cause(a, "FieldValueInvalid",
                      text(a,
                           "Invalid RunStrategy (%.*s), DecentralizedLiveMigration feature gate is not enabled "
                           "in kubevirt resource",
                           MV_STR_ARG(strategy)),
                      MV_STR("spec.runStrategy"));
        else
                unknown_value(a, text(a, "Invalid RunStrategy (%.*s)", MV_STR_ARG(strategy)),
                              MV_STR("spec.runStrategy"));
}

void mv_admission_vm(struct mv_admission *a, const struct mv_vm_spec *vm, const struct mv_map *labels,
                     const struct mv_vmi_spec *spec) {
        check_labels(a, "spec.template.metadata", labels);
        check_hugepages(a, TEMPLATE, spec);
        check_interfaces(a, TEMPLATE, spec);
        check_eviction_strategy(a, TEMPLATE, spec);
        check_run_strategy(a, vm);
}

void mv_admission_vmi(struct mv_admission *a, const struct mv_map *labels, const struct mv_vmi_spec *spec) {
        static const char *const architectures[] = { "amd64", "arm64", "s390x" };
        mv_admission_gates(a, spec);
        mv_admission_discontinued(a, "spec", spec);
        /* Once by the network's own validator, once by that of the whole spec. */
        check_interfaces(a, "spec", spec);
        check_hugepages(a, "spec", spec);
        check_interfaces(a, "spec", spec);
        check_eviction_strategy(a, "spec", spec);
        check_labels(a, "metadata", labels);
        /* None is named only where KubeVirt's mutating webhook, which fills it in, has not been at work. */
        if (spec->architecture.n && !mv_str_is_one_of(spec->architecture, architectures))
                unknown_value(a, text(a, "unsupported architecture: %.*s", MV_STR_ARG(spec->architecture)),
                              MV_STR("spec.architecture"));
}
