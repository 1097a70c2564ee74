/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VirtualMachine, create and update (admitters/vms-admitter.go). The template is judged with what an instancetype and a
 * preference make of it; conflicts with them come first.
 */
#include "policy/mirror.h"

#include "policy/instancetype.h"

#include "policy/object/vm.h"

#define TEMPLATE "spec.template.spec"

/* The network that the instance gets when it asks for none (pkg/network/vmispec/defaults.go). False: it gets an error. */
static bool default_network(struct mv_mirror_answer *answer, const struct mv_vmi_spec *spec) {
        struct mv_str binding = answer->config->default_network_interface;
        if (spec->networks.n || spec->domain.devices.interfaces.n ||
            spec->domain.devices.autoattach_pod_interface == MV_FALSE)
                return true;
        if (mv_str_is(binding, "bridge") && !answer->config->permit_bridge_on_pod_network)
                mv_mirror_error(answer, MV_STR("bridge interface is not enabled in kubevirt-config"));
        else if (mv_str_is(binding, "slirp"))
                mv_mirror_error(answer, MV_STR("slirp interface is deprecated as of v1.3"));
        else
                return true;
        return false;
}

/* What the VM names is applied; *ret is the template that results. False: that was refused. */
static bool instancetype(struct mv_mirror_answer *answer, struct mv_vm *vm, struct mv_vmi_template *ret) {
        const struct mv_review_request *request = answer->in->request;
        struct mv_vm *old = NULL;
        if (!vm->meta.namespace.n)
                vm->meta.namespace = request->namespace;
        if (mv_str_is(request->operation, "UPDATE") && request->old_object.n) {
                old = mv_arena_new(answer->in->arena, struct mv_vm);
                if (!old || !mv_mirror_decode(answer, request->old_object, &mv_table_vm, old, NULL))
                        return false;
        }
        const struct mv_refused *refused =
                mv_instancetype_refusal(answer->in->arena, answer->in->snapshot, vm, old, ret);
        if (!refused || !refused->code) /* a crash is no answer */
                return !refused;
        if (refused->code == 400)
                mv_mirror_error(answer, refused->message);
        for (size_t i = 0; i < refused->n_causes; i++)
                mv_mirror_cause(answer, refused->causes[i].reason, refused->causes[i].message,
                                refused->causes[i].field);
        return false;
}

/* validateRunStrategy */
static void run_strategy(struct mv_mirror_answer *answer, const struct mv_vm_spec *spec) {
        static const char *const strategies[] = { "Halted", "Manual", "Always", "RerunOnFailure", "Once" };
        struct mv_str strategy = spec->run_strategy;
        if (spec->running != MV_UNSET && strategy.p)
                mv_mirror_cause(answer, "FieldValueInvalid",
                                MV_STR("Running and RunStrategy are mutually exclusive. Note that Running is "
                                       "deprecated, please use RunStrategy instead"),
                                MV_STR("spec.running"));
        if (spec->running == MV_UNSET && !strategy.p)
                mv_mirror_cause(answer, "FieldValueInvalid", MV_STR("RunStrategy must be specified"),
                                MV_STR("spec.running"));
        if (!strategy.p)
                return;
        bool receiver = mv_str_is(strategy, "WaitAsReceiver");
        if (receiver && mv_kubevirt_gate(answer->config, "DecentralizedLiveMigration"))
                return;
        for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
                if (mv_str_is(strategy, strategies[i]))
                        return;
        mv_mirror_cause(
                answer, "FieldValueInvalid",
                mv_mirror_text(answer, "Invalid RunStrategy (%.*s)%s", MV_STR_ARG(strategy),
                               receiver ? ", DecentralizedLiveMigration feature gate is not enabled in "
                                          "kubevirt resource"
                                        : ""),
                MV_STR("spec.runStrategy"));
}

void mv_mirror_vm(struct mv_mirror_answer *answer) {
        const struct mv_review_request *request = answer->in->request;
        struct mv_vmi_template *template = mv_arena_new(answer->in->arena, struct mv_vmi_template);
        struct mv_vm vm;
        if (!template)
                return;
        if (!mv_mirror_has_resource(answer, "virtualmachines")) {
                mv_mirror_error(answer, MV_STR("expect resource to be 'virtualmachines'"));
                return;
        }
        if (!mv_mirror_schema(answer, &mv_shape_vm_spec) ||
            !mv_mirror_decode(answer, request->object, &mv_table_vm, &vm, NULL) ||
            vm.meta.deletion_timestamp.n || !vm.spec.template || !instancetype(answer, &vm, template) ||
            !default_network(answer, &template->spec))
                return;
        if (mv_str_is(request->operation, "CREATE"))
                mv_mirror_discontinued(answer, TEMPLATE, &template->spec);
        if (answer->n_causes)
                return;
        mv_mirror_labels(answer, "spec.template.metadata", &template->meta.labels);
        mv_mirror_interfaces(answer, TEMPLATE, &template->spec);
        mv_mirror_eviction_strategy(answer, TEMPLATE, &template->spec);
        run_strategy(answer, &vm.spec);
}
