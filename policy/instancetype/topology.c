/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs to sockets, cores and threads (pkg/instancetype/apply/cpu.go: applyGuestCPUTopology,
 * pkg/instancetype/preference/apply/cpu.go, pkg/instancetype/preference/validation/cpu.go: CheckSpreadCPUTopology).
 */
#include "policy/instancetype.h"

enum { THREADS_PER_CORE = 2, DEFAULT_RATIO = 2 };

enum mv_topology mv_topology_preferred(const struct mv_preference_spec *preference) {
        static const struct {
                const char *name, *old;
                enum mv_topology topology;
        } known[] = {
                { "sockets", "preferSockets", MV_TOPOLOGY_SOCKETS },
                { "cores", "preferCores", MV_TOPOLOGY_CORES },
                { "threads", "preferThreads", MV_TOPOLOGY_THREADS },
                { "spread", "preferSpread", MV_TOPOLOGY_SPREAD },
                { "any", "preferAny", MV_TOPOLOGY_ANY },
        };
        if (!preference || !preference->cpu.topology.p)
                return MV_TOPOLOGY_SOCKETS;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                if (mv_str_is(preference->cpu.topology, known[i].name) ||
                    mv_str_is(preference->cpu.topology, known[i].old))
                        return known[i].topology;
        return MV_TOPOLOGY_OTHER;
}

struct mv_str mv_topology_across(const struct mv_preference_spec *preference) {
        return preference->cpu.spread.across.p ? preference->cpu.spread.across : MV_STR("SocketsCores");
}

static uint32_t ratio_of(const struct mv_preference_spec *preference) {
        if (preference->cpu.spread.ratio.set)
                return (uint32_t)preference->cpu.spread.ratio.value;
        uint32_t ratio = (uint32_t)preference->spread_socket_to_core_ratio.value;
        return ratio ? ratio : DEFAULT_RATIO;
}

static struct mv_optional_int number(uint32_t value) {
        return (struct mv_optional_int){ .value = value, .set = true };
}

static enum mv_applied spread(uint32_t vcpus, const struct mv_preference_spec *preference,
                              struct mv_cpu *cpu) {
        struct mv_str across = mv_topology_across(preference);
        uint32_t ratio = ratio_of(preference);
        bool known = mv_str_is(across, "SocketsCores") || mv_str_is(across, "CoresThreads") ||
                     mv_str_is(across, "SocketsCoresThreads");
        if (!known)
                return MV_APPLIED;
        if (!ratio)
                return MV_APPLIED_CRASH;
        if (mv_str_is(across, "CoresThreads")) {
                cpu->threads = number(ratio);
                cpu->cores = number(vcpus / ratio);
                return MV_APPLIED;
        }
        bool threads = mv_str_is(across, "SocketsCoresThreads");
        if (threads)
                cpu->threads = number(THREADS_PER_CORE);
        cpu->cores = number(ratio);
        cpu->sockets = number((threads ? vcpus / THREADS_PER_CORE : vcpus) / ratio);
        return MV_APPLIED;
}

enum mv_applied mv_topology_apply(uint32_t vcpus, const struct mv_preference_spec *preference,
                                  struct mv_cpu *cpu) {
        cpu->cores = cpu->sockets = cpu->threads = number(1);
        if (vcpus == 1)
                return MV_APPLIED;
        switch (mv_topology_preferred(preference)) {
        case MV_TOPOLOGY_CORES:
                cpu->cores = number(vcpus);
                break;
        case MV_TOPOLOGY_THREADS:
                cpu->threads = number(vcpus);
                break;
        case MV_TOPOLOGY_SOCKETS:
        case MV_TOPOLOGY_ANY:
                cpu->sockets = number(vcpus);
                break;
        case MV_TOPOLOGY_SPREAD:
                return spread(vcpus, preference, cpu);
        case MV_TOPOLOGY_OTHER:
                break;
        }
        return MV_APPLIED;
}

enum mv_applied mv_topology_check(const struct mv_instancetype_spec *instancetype,
                                  const struct mv_preference_spec *preference, struct mv_causes *causes) {
        if (!instancetype || mv_topology_preferred(preference) != MV_TOPOLOGY_SPREAD)
                return MV_APPLIED;
        uint32_t ratio = ratio_of(preference), vcpus = (uint32_t)instancetype->cpu.guest.value;
        struct mv_str across = mv_topology_across(preference), message = { 0 };
        bool cores = mv_str_is(across, "SocketsCores"), threads = mv_str_is(across, "CoresThreads");
        if (cores || threads) {
                if (!ratio)
                        return MV_APPLIED_CRASH;
                if (vcpus % ratio == 0)
                        return MV_APPLIED;
                message = mv_arena_format(
                        causes->arena,
                        "%u vCPUs provided by the instance type are not divisible by the %s %u%s", vcpus,
                        cores ? "Spec.PreferSpreadSocketToCoreRatio or "
                                "Spec.CPU.PreferSpreadOptions.Ratio of"
                              : "number of threads per core",
                        ratio, cores ? " provided by the preference" : "");
        } else if (mv_str_is(across, "SocketsCoresThreads")) {
                if (vcpus % THREADS_PER_CORE == 0) {
                        if (!ratio)
                                return MV_APPLIED_CRASH;
                        if (vcpus / THREADS_PER_CORE % ratio == 0)
                                return MV_APPLIED;
                }
                message = mv_arena_format(
                        causes->arena,
                        "%u vCPUs provided by the instance type are not divisible by the number of "
                        "threads per core %u and Spec.PreferSpreadSocketToCoreRatio or "
                        "Spec.CPU.PreferSpreadOptions.Ratio of %u",
                        vcpus, (unsigned)THREADS_PER_CORE, ratio);
        } else
                return MV_APPLIED;
        mv_causes_add(causes, "FieldValueInvalid", message, MV_STR("instancetype.spec.cpu.guest"));
        return MV_APPLIED_CONFLICT;
}
