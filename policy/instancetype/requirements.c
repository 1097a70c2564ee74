/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a preference requires (pkg/instancetype/preference/requirements): CPU, memory, architecture, in this order, and
 * the first that is not there is the answer. Only the validating webhook asks.
 */
#include "policy/instancetype.h"

#include "policy/object/quantity.h"

#define CPU "spec.template.spec.domain.cpu"

static void refuse(struct mv_causes *causes, struct mv_str problem, struct mv_str field) {
        mv_causes_add(causes, "FieldValueNotFound",
                      mv_arena_format(causes->arena, "failure checking preference requirements: %.*s",
                                      MV_STR_ARG(problem)),
                      field);
}

/* Which numbers of the VM's own CPU count, by the topology that the preference likes. */
static void check_vm_cpu(const struct mv_preference_spec *preference, const struct mv_vmi_spec *spec,
                         struct mv_causes *causes) {
        static const struct {
                enum mv_topology topology;
                const char *across; /* of a spread */
                const char *as, *field;
                bool sockets, cores, threads;
        } all[] = {
                { MV_TOPOLOGY_SOCKETS, NULL, "sockets", CPU ".sockets", true, false, false },
                { MV_TOPOLOGY_CORES, NULL, "cores", CPU ".cores", false, true, false },
                { MV_TOPOLOGY_THREADS, NULL, "threads", CPU ".threads", false, false, true },
                { MV_TOPOLOGY_ANY, NULL, "cores, sockets and threads",
                  CPU ".cores, " CPU ".sockets, " CPU ".threads", true, true, true },
                { MV_TOPOLOGY_SPREAD, "SocketsCores", "SocketsCores", CPU ".sockets, " CPU ".cores", true,
                  true, false },
                { MV_TOPOLOGY_SPREAD, "CoresThreads", "CoresThreads", CPU ".cores, " CPU ".threads", false,
                  true, true },
                { MV_TOPOLOGY_SPREAD, "SocketsCoresThreads", "SocketsCoresThreads",
                  CPU ".sockets, " CPU ".cores, " CPU ".threads", true, true, true },
        };
        uint32_t required = (uint32_t)preference->requirements.cpu->guest.value;
        const struct mv_cpu *cpu = spec->domain.cpu;
        enum mv_topology topology = mv_topology_preferred(preference);
        if (!cpu) {
                refuse(causes,
                       mv_arena_format(
                               causes->arena,
                               "no CPU resources provided by VirtualMachine, preference requires %u vCPU",
                               required),
                       MV_STR(CPU));
                return;
        }
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
                if (all[i].topology != topology ||
                    (all[i].across && !mv_str_is(mv_topology_across(preference), all[i].across)))
                        continue;
                uint32_t vcpus = (all[i].sockets ? (uint32_t)cpu->sockets.value : 1) *
                                 (all[i].cores ? (uint32_t)cpu->cores.value : 1) *
                                 (all[i].threads ? (uint32_t)cpu->threads.value : 1);
                if (vcpus < required)
                        refuse(causes,
                               mv_arena_format(
                                       causes->arena,
                                       "insufficient CPU resources of %u vCPU provided by VirtualMachine, "
                                       "preference requires %u vCPU provided as %s",
                                       vcpus, required, all[i].as),
                               mv_str_from(all[i].field));
                return;
        }
}

static void check_cpu(const struct mv_instancetype_spec *instancetype,
                      const struct mv_preference_spec *preference, const struct mv_vmi_spec *spec,
                      struct mv_causes *causes) {
        if (!instancetype) {
                check_vm_cpu(preference, spec, causes);
                return;
        }
        uint32_t vcpus = (uint32_t)instancetype->cpu.guest.value;
        uint32_t required = (uint32_t)preference->requirements.cpu->guest.value;
        if (vcpus < required)
                refuse(causes,
                       mv_arena_format(
                               causes->arena,
                               "insufficient CPU resources of %u vCPU provided by instance type, preference "
                               "requires %u vCPU",
                               vcpus, required),
                       MV_STR("spec.instancetype"));
}

static void check_memory(const struct mv_instancetype_spec *instancetype,
                         const struct mv_preference_spec *preference, const struct mv_vmi_spec *spec,
                         struct mv_causes *causes) {
        struct mv_quantity provided, required;
        struct mv_str provided_text = instancetype ? instancetype->memory.guest : MV_STR("0");
        struct mv_str required_text = preference->requirements.memory->guest;
        if (spec->domain.memory && spec->domain.memory->guest.n)
                provided_text = spec->domain.memory->guest;
        if (mv_quantity_parse(provided_text, &provided, NULL) < 0 ||
            mv_quantity_parse(required_text, &required, NULL) < 0 ||
            mv_quantity_compare(&provided, &required) >= 0)
                return;
        provided_text = mv_quantity_text(causes->arena, provided_text);
        required_text = mv_quantity_text(causes->arena, required_text);
        refuse(causes,
               mv_arena_format(
                       causes->arena,
                       "insufficient Memory resources of %.*s provided by %s, preference requires %.*s",
                       MV_STR_ARG(provided_text), instancetype ? "instance type" : "VirtualMachine",
                       MV_STR_ARG(required_text)),
               instancetype ? MV_STR("spec.instancetype") : MV_STR("spec.template.spec.domain.memory"));
}

static void check_architecture(const struct mv_preference_spec *preference, const struct mv_vmi_spec *spec,
                               struct mv_causes *causes) {
        struct mv_str required = preference->requirements.architecture;
        if (!mv_str_equal(spec->architecture, required))
                refuse(causes,
                       mv_arena_format(causes->arena,
                                       "preference requires architecture %.*s but %.*s is being requested",
                                       MV_STR_ARG(required), MV_STR_ARG(spec->architecture)),
                       MV_STR("spec.template.spec.architecture"));
}

void mv_requirements_check(const struct mv_instancetype_spec *instancetype,
                           const struct mv_preference_spec *preference, const struct mv_vmi_spec *spec,
                           struct mv_causes *causes) {
        if (!preference)
                return;
        if (preference->requirements.cpu)
                check_cpu(instancetype, preference, spec, causes);
        if (!causes->n && preference->requirements.memory)
                check_memory(instancetype, preference, spec, causes);
        if (!causes->n && preference->requirements.architecture.p)
                check_architecture(preference, spec, causes);
}
