/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying an instancetype (pkg/instancetype/apply): every field of it is copied, or conflicts with what the VM says.
 * All conflicts are reported together, in the order below.
 */
#include "policy/instancetype.h"

#include "policy/object/quantity.h"

#include <stdio.h>

struct application {
        struct mv_arena *arena;
        const char *path; /* "spec", "spec.template.spec" */
        const struct mv_instancetype_spec *type;
        const struct mv_preference_spec *preference;
        struct mv_vmi_template *template;
        struct mv_vmi_spec *spec; /* of the template */
        struct mv_causes *causes;
        bool crash;
};

static void conflict_at(struct application *a, struct mv_str field) {
        mv_causes_add(a->causes, "FieldValueInvalid",
                      mv_arena_format(a->arena, "VM field(s) %.*s conflicts with selected instance type",
                                      MV_STR_ARG(field)),
                      field);
}

static void conflict(struct application *a, const char *field) {
        conflict_at(a, mv_arena_format(a->arena, "%s.%s", a->path, field));
}

static void apply_placement(struct application *a) {
        if (a->type->node_selector.present) {
                /* KubeVirt's webhook stores no empty one. */
                if (a->spec->node_selector.n)
                        conflict(a, "nodeSelector");
                else
                        a->spec->node_selector = a->type->node_selector;
        }
        if (a->type->scheduler_name.n) {
                if (a->spec->scheduler_name.n)
                        conflict(a, "schedulerName");
                else
                        a->spec->scheduler_name = a->type->scheduler_name;
        }
}

static void check_cpu(struct application *a, const struct mv_cpu *cpu) {
        const struct mv_instancetype_cpu *type = &a->type->cpu;
        const struct {
                bool conflicts;
                const char *field;
        } all[] = {
                { mv_map_get(&a->spec->domain.resources.requests, MV_STR("cpu")),
                  "domain.resources.requests.cpu" },
                { mv_map_get(&a->spec->domain.resources.limits, MV_STR("cpu")),
                  "domain.resources.limits.cpu" },
                { cpu->sockets.value != 0, "domain.cpu.sockets" },
                { cpu->cores.value != 0, "domain.cpu.cores" },
                { cpu->threads.value != 0, "domain.cpu.threads" },
                { cpu->model.n && type->model.p, "domain.cpu.model" },
                { cpu->dedicated_cpu_placement && type->dedicated_cpu_placement,
                  "domain.cpu.dedicatedCPUPlacement" },
                { cpu->isolate_emulator_thread && type->isolate_emulator_thread,
                  "domain.cpu.isolateEmulatorThread" },
                { cpu->numa && type->numa, "domain.cpu.numa" },
                { cpu->realtime && type->realtime, "domain.cpu.realtime" },
        };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (all[i].conflicts)
                        conflict(a, all[i].field);
}

static void apply_cpu(struct application *a) {
        const struct mv_instancetype_cpu *type = &a->type->cpu;
        struct mv_cpu *cpu = mv_own(a->arena, a->spec->domain.cpu);
        if (!cpu)
                return;
        a->spec->domain.cpu = cpu;
        size_t before = a->causes->n;
        check_cpu(a, cpu);
        if (a->causes->n > before)
                return;
        if (type->model.p)
                cpu->model = type->model;
        if (type->dedicated_cpu_placement)
                cpu->dedicated_cpu_placement = type->dedicated_cpu_placement == MV_TRUE;
        if (type->isolate_emulator_thread)
                cpu->isolate_emulator_thread = type->isolate_emulator_thread == MV_TRUE;
        if (type->numa)
                cpu->numa = type->numa;
        if (type->realtime)
                cpu->realtime = type->realtime;
        if (type->max_sockets.set)
                cpu->max_sockets = type->max_sockets;
        a->crash |= mv_topology_apply((uint32_t)type->guest.value, a->preference, cpu) == MV_APPLIED_CRASH;
}

/* Only the first is reported. */
static const char *memory_conflict(const struct application *a, const struct mv_memory *memory) {
        const struct mv_resources *resources = &a->spec->domain.resources;
        return memory->guest.p                                      ? "domain.memory.guest"
               : memory->hugepages && a->type->memory.hugepages     ? "domain.memory.hugepages"
               : memory->max_guest.p && a->type->memory.max_guest.p ? "domain.memory.maxGuest"
               : mv_map_get(&resources->requests, MV_STR("memory")) ? "domain.resources.requests.memory"
               : mv_map_get(&resources->limits, MV_STR("memory"))   ? "domain.resources.limits.memory"
                                                                    : NULL;
}

/* The request is that many percent lower than the guest's memory; KubeVirt reckons with 32-bit floating point. */
static void overcommit(struct application *a, int64_t percent) {
        struct mv_quantity guest, request;
        char digits[32], out[MV_QUANTITY_TEXT];
        if (mv_quantity_parse(a->type->memory.guest, &guest, NULL) < 0)
                return;
        float bytes = (float)mv_quantity_value(&guest) * (1 - (float)percent / 100);
        int64_t value = bytes < 9.2e18F && bytes > -9.2e18F ? (int64_t)bytes : 0;
        snprintf(digits, sizeof digits, "%lld", (long long)value);
        if (mv_quantity_parse(mv_str_from(digits), &request, NULL) < 0)
                return;
        request.format = guest.format;
        request.verbatim = false;
        mv_map_set(a->arena, &a->spec->domain.resources.requests, MV_STR("memory"),
                   mv_arena_copy(a->arena, mv_quantity_print(&request, out)));
}

static void apply_memory(struct application *a) {
        const struct mv_instancetype_memory *type = &a->type->memory;
        struct mv_memory *memory = mv_own(a->arena, a->spec->domain.memory);
        if (!memory)
                return;
        a->spec->domain.memory = memory;
        const char *field = memory_conflict(a, memory);
        if (field) {
                conflict(a, field);
                return;
        }
        memory->guest = type->guest.n ? mv_quantity_text(a->arena, type->guest) : MV_STR("0");
        if (type->overcommit_percent.value > 0)
                overcommit(a, type->overcommit_percent.value);
        if (type->hugepages)
                memory->hugepages = type->hugepages;
        if (type->max_guest.p)
                memory->max_guest = mv_quantity_text(a->arena, type->max_guest);
}

static void apply_io_threads(struct application *a) {
        struct mv_domain *domain = &a->spec->domain;
        if (a->type->io_threads && a->type->io_threads->supplemental_pool_thread_count.set) {
                struct mv_io_threads *threads = mv_own(a->arena, domain->io_threads);
                if (threads && threads->supplemental_pool_thread_count.set)
                        conflict(a, "domain.ioThreads.supplementalPoolThreadCount");
                else if (threads) {
                        threads->supplemental_pool_thread_count =
                                a->type->io_threads->supplemental_pool_thread_count;
                        domain->io_threads = threads;
                }
        }
        if (a->type->io_threads_policy.p) {
                if (domain->io_threads_policy.p)
                        conflict(a, "domain.ioThreadsPolicy");
                else
                        domain->io_threads_policy = a->type->io_threads_policy;
        }
}

static void apply_launch_security(struct application *a) {
        if (!a->type->launch_security)
                return;
        if (a->spec->domain.launch_security)
                conflict(a, "domain.launchSecurity");
        else
                a->spec->domain.launch_security = a->type->launch_security;
}

static void apply_devices(struct application *a) {
        struct mv_devices *devices = &a->spec->domain.devices;
        if (a->type->gpus.n) {
                if (devices->gpus.n)
                        conflict(a, "domain.devices.gpus");
                else {
                        devices->gpus.items = a->type->gpus.items;
                        devices->gpus.n = a->type->gpus.n;
                }
        }
        if (a->type->host_devices.n) {
                if (devices->host_devices.n)
                        conflict(a, "domain.devices.hostDevices");
                else {
                        devices->host_devices.items = a->type->host_devices.items;
                        devices->host_devices.n = a->type->host_devices.n;
                }
        }
}

static void apply_annotations(struct application *a) {
        struct mv_map *annotations = &a->template->meta.annotations;
        for (size_t i = 0; i < a->type->annotations.n; i++) {
                const struct mv_pair *pair = &a->type->annotations.items[i];
                const struct mv_str *there = mv_map_get(annotations, pair->key);
                if (!there)
                        mv_map_set(a->arena, annotations, pair->key, pair->value);
                else if (!mv_str_equal(*there, pair->value))
                        conflict_at(a, mv_arena_format(a->arena, "annotations.%.*s", MV_STR_ARG(pair->key)));
        }
}

enum mv_applied mv_instancetype_apply(struct mv_arena *arena, const char *path,
                                      const struct mv_instancetype_spec *instancetype,
                                      const struct mv_preference_spec *preference,
                                      struct mv_vmi_template *template, struct mv_causes *causes) {
        struct application a = { .arena = arena,
                                 .path = path,
                                 .type = instancetype,
                                 .preference = preference,
                                 .template = template,
                                 .spec = &template->spec,
                                 .causes = causes };
        size_t before = causes->n;
        if (instancetype) {
                apply_placement(&a);
                apply_cpu(&a);
                apply_memory(&a);
                apply_io_threads(&a);
                apply_launch_security(&a);
                apply_devices(&a);
                apply_annotations(&a);
        }
        if (a.crash)
                return MV_APPLIED_CRASH;
        if (causes->n > before)
                return MV_APPLIED_CONFLICT;
        return preference ? mv_preference_apply(arena, preference, template) : MV_APPLIED;
}
