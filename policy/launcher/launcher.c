/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/launcher.h"

#include "policy/base/names.h"
#include "policy/launcher/launcher_making.h"
#include "policy/object/quantity.h"

enum { DEFAULT_OVERCOMMIT = 100, DEFAULT_ALLOCATION_RATIO = 10 };

void mv_launcher_cannot(struct mv_launcher_making *m, struct mv_str problem) {
        if (!m->launcher->problem.n)
                m->launcher->problem = problem;
}

/* --- domain.resources --- */

static struct mv_launcher_own own_amount(struct mv_launcher_making *m, const struct mv_map *map,
                                         const char *list, const char *name) {
        struct mv_str key = mv_str_from(name);
        const struct mv_str *text = mv_map_get(map, key);
        struct mv_launcher_own own = { .set = text != NULL };
        if (text && !mv_amount_read(key, *text, &own.amount))
                mv_launcher_cannot(m, mv_arena_format(m->arena, "resources.%s.%s is no quantity: %.*s", list,
                                                      name, MV_STR_ARG(*text)));
        return own;
}

/* Of the topology, as hardware.GetNumberOfVCPUs has it: what is zero is left out. */
static int64_t topology(const struct mv_cpu *cpu) {
        const int64_t factors[] = { cpu->cores.value, cpu->sockets.value, cpu->threads.value };
        int64_t vcpus = 0;
        for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
                if (factors[i] > 0)
                        vcpus = vcpus ? mv_amount_multiply(vcpus, factors[i]) : factors[i];
        return vcpus;
}

static int64_t io_threads(const struct mv_launcher_making *m) {
        const struct mv_io_threads *threads = m->vmi->spec.domain.io_threads;
        return m->figures->io_threads && threads && threads->supplemental_pool_thread_count.value > 0
                       ? threads->supplemental_pool_thread_count.value
                       : 0;
}

/* The request that memory gets when it has none: the limit, else what the guest is to have
 * (renderresources.go: WithMemoryRequests; before 1.6 in the webhook). */
static void default_memory_request(struct mv_launcher_making *m) {
        struct mv_launcher_own *request = &m->own.memory_request;
        const struct mv_memory *memory = m->vmi->spec.domain.memory;
        const struct mv_optional_int overcommit = m->config->spec->developer.memory_overcommit;
        if (!request->amount && m->own.memory_limit.amount)
                *request = m->own.memory_limit;
        if (request->set)
                return;
        int64_t bytes = m->own.guest;
        if (bytes < 0 && memory && memory->hugepages)
                mv_amount_read(MV_STR("memory"), memory->hugepages->page_size, &bytes);
        if (bytes <= 0)
                return;
        int64_t percent = overcommit.set && overcommit.value > 0 ? overcommit.value : DEFAULT_OVERCOMMIT;
        if (percent != DEFAULT_OVERCOMMIT)
                bytes = mv_amount_multiply(bytes, 100) / percent;
        *request = (struct mv_launcher_own){ .amount = bytes, .set = true };
}

/* pkg/defaults/defaults.go: setDefaultResourceRequests. A stored instance has this already. */
static void default_cpu_request(struct mv_launcher_making *m) {
        enum { DEFAULT_REQUEST = 100 };
        struct mv_launcher_own *request = &m->own.cpu_request;
        int64_t milli;
        if (m->own.cpu_limit.amount && !request->amount)
                *request = m->own.cpu_limit;
        if (!request->set && !m->own.dedicated && m->config->spec->cpu_request.n &&
            mv_amount_read(MV_STR("cpu"), m->config->spec->cpu_request, &milli) && milli != DEFAULT_REQUEST)
                *request = (struct mv_launcher_own){ .amount = milli, .set = true };
}

static void read_resources(struct mv_launcher_making *m) {
        const struct mv_domain *domain = &m->vmi->spec.domain;
        const struct mv_resources *resources = &domain->resources;
        struct mv_launcher_resources *own = &m->own;
        own->cpu_request = own_amount(m, &resources->requests, "requests", "cpu");
        own->cpu_limit = own_amount(m, &resources->limits, "limits", "cpu");
        own->memory_request = own_amount(m, &resources->requests, "requests", "memory");
        own->memory_limit = own_amount(m, &resources->limits, "limits", "memory");
        own->has_topology = domain->cpu != NULL;
        own->vcpus = domain->cpu ? topology(domain->cpu) : 0;
        own->dedicated = domain->cpu && domain->cpu->dedicated_cpu_placement;
        own->guest = -1;
        if (domain->memory && domain->memory->guest.n &&
            !mv_amount_read(MV_STR("memory"), domain->memory->guest, &own->guest))
                mv_launcher_cannot(m, mv_arena_format(m->arena, "memory.guest is no quantity: %.*s",
                                                      MV_STR_ARG(domain->memory->guest)));
        default_cpu_request(m);
        bool memory = own->memory_request.amount ? own->memory_request.amount == own->memory_limit.amount
                                                 : own->memory_limit.amount != 0;
        own->guaranteed =
                memory && own->cpu_request.amount && own->cpu_request.amount == own->cpu_limit.amount;
}

/* --- compute --- */

/* Both lists of the container: what KubeVirt works out, which a value of the user's replaces. */
struct lists {
        struct mv_amounts_builder requests, limits;
};

static void add_both(struct lists *lists, struct mv_str name, int64_t amount) {
        mv_amounts_add(&lists->requests, name, amount);
        mv_amounts_add(&lists->limits, name, amount);
}

/* The user's own lists, whatever is in them, take the place of what was worked out. */
static void set_own(struct mv_launcher_making *m, struct mv_amounts_builder *builder,
                    const struct mv_map *map, const char *list) {
        for (size_t i = 0; i < map->n; i++) {
                struct mv_str name = map->items[i].key;
                if (mv_str_is(name, "cpu") || mv_str_is(name, "memory"))
                        continue;
                struct mv_launcher_own own = { 0 };
                if (!mv_amount_read(name, map->items[i].value, &own.amount))
                        mv_launcher_cannot(
                                m, mv_arena_format(m->arena, "resources.%s.%.*s is no quantity: %.*s", list,
                                                   MV_STR_ARG(name), MV_STR_ARG(map->items[i].value)));
                if (mv_str_is(name, "ephemeral-storage"))
                        own.amount = mv_amount_add(own.amount, MV_LAUNCHER_STORAGE);
                mv_amounts_set(builder, name, own.amount);
        }
}

static void set_amount(struct mv_amounts_builder *builder, const char *name,
                       const struct mv_launcher_own *own) {
        if (own->set)
                mv_amounts_set(builder, mv_str_from(name), own->amount);
}

static int64_t cores(int64_t milli) {
        return milli / 1000 + (milli % 1000 != 0);
}

/* renderresources.go: WithCPUPinning. */
static void pin_cpus(struct mv_launcher_making *m) {
        const struct mv_domain *domain = &m->vmi->spec.domain;
        struct mv_launcher_resources *own = &m->own;
        int64_t threads = io_threads(m);
        if (own->vcpus) {
                int64_t milli = mv_amount_multiply(mv_amount_add(own->vcpus, threads), 1000);
                own->cpu_limit = own->cpu_request = (struct mv_launcher_own){ .amount = milli, .set = true };
        } else {
                own->cpu_limit.amount =
                        mv_amount_add(own->cpu_limit.amount, own->cpu_limit.set ? threads * 1000 : 0);
                own->cpu_request.amount =
                        mv_amount_add(own->cpu_request.amount, own->cpu_request.set ? threads * 1000 : 0);
        }
        if (domain->cpu->isolate_emulator_thread) {
                bool pool = domain->io_threads_policy.p &&
                            mv_str_is(domain->io_threads_policy, "supplementalPool");
                bool complete =
                        mv_map_get(&m->vmi->meta.annotations,
                                   MV_STR("alpha.kubevirt.io/EmulatorThreadCompleteToEvenParity")) != NULL;
                int64_t used = mv_amount_add(cores(own->cpu_limit.amount), pool ? threads : 0);
                int64_t emulator = m->figures->even_parity && complete && used % 2 == 0 ? 2000 : 1000;
                own->cpu_limit =
                        (struct mv_launcher_own){ .amount = mv_amount_add(own->cpu_limit.amount, emulator),
                                                  .set = true };
                if (own->cpu_request.set)
                        own->cpu_request.amount = mv_amount_add(own->cpu_request.amount, emulator);
        }
        if (own->memory_request.set)
                own->memory_limit = own->memory_request;
}

static bool wants_cpu_limit(const struct mv_launcher_making *m) {
        const struct mv_label_selector *selector = m->config->spec->auto_cpu_limit_namespaces;
        if (!m->namespace || mv_map_get(&m->vmi->spec.domain.resources.limits, MV_STR("cpu")))
                return false;
        return m->namespace->quota_limits_cpu || (selector && m->namespace->labels &&
                                                  mv_label_selector_matches(selector, m->namespace->labels));
}

/* renderresources.go: WithoutDedicatedCPU. */
static void share_cpus(struct mv_launcher_making *m, struct lists *lists) {
        const struct mv_optional_int configured = m->config->spec->developer.cpu_allocation_ratio;
        int64_t ratio = configured.set && configured.value > 0 ? configured.value : DEFAULT_ALLOCATION_RATIO;
        int64_t cpus = mv_amount_add(m->own.has_topology ? m->own.vcpus : 1, io_threads(m));
        if (!cpus)
                return;
        int64_t milli;
        if (cpus < ratio) {
                /* KubeVirt prints the quotient of two doubles, so a product like 29.000000000000004 counts as 30. */
                double share = (double)cpus / (double)ratio * 1000;
                milli = (int64_t)share;
                milli += (double)milli < share;
        } else {
                int64_t thousands = mv_amount_multiply(cpus, 1000);
                milli = thousands / ratio + (thousands % ratio != 0);
        }
        mv_amounts_add(&lists->requests, MV_STR("cpu"), milli);
        if (wants_cpu_limit(m))
                mv_amounts_add(&lists->limits, MV_STR("cpu"), mv_amount_multiply(cpus, 1000));
}

/* renderresources.go: WithHugePages. The pages hold the guest; what is requested beyond that stays memory. */
static void hugepages(struct mv_launcher_making *m, struct lists *lists, int64_t overhead) {
        struct mv_launcher_resources *own = &m->own;
        struct mv_str name = mv_arena_format(m->arena, "hugepages-%.*s",
                                             MV_STR_ARG(m->vmi->spec.domain.memory->hugepages->page_size));
        int64_t pages = own->memory_request.amount, more = 0, limit_more = 0;
        if (own->guest >= 0 && pages > own->guest) {
                more = pages - own->guest;
                pages = own->guest;
        }
        if (own->guest >= 0 && own->memory_limit.amount > own->guest)
                limit_more = own->memory_limit.amount - own->guest;
        add_both(lists, name, pages);
        own->memory_request =
                (struct mv_launcher_own){ .amount = mv_amount_add(more, overhead), .set = true };
        own->memory_limit.amount = mv_amount_add(limit_more, own->memory_limit.set ? overhead : 0);
}

/* getMemoryLimitsRatio. */
static double memory_limit_ratio(const struct mv_launcher_making *m) {
        const struct mv_str *label =
                m->namespace->labels ? mv_map_get(m->namespace->labels,
                                                  MV_STR("alpha.kubevirt.io/auto-memory-limits-ratio"))
                                     : NULL;
        double ratio;
        return label && mv_launcher_factor(*label, &ratio) && ratio >= 1.0 ? ratio : 2.0;
}

static void memory(struct mv_launcher_making *m, struct lists *lists) {
        struct mv_launcher_resources *own = &m->own;
        const struct mv_domain *domain = &m->vmi->spec.domain;
        int64_t overhead = m->launcher->memory_overhead;
        if (domain->memory && domain->memory->hugepages) {
                hugepages(m, lists, overhead);
        } else {
                own->memory_request.set = true;
                if (!domain->resources.overcommit_guest_overhead)
                        own->memory_request.amount = mv_amount_add(own->memory_request.amount, overhead);
                if (own->memory_limit.set)
                        own->memory_limit.amount = mv_amount_add(own->memory_limit.amount, overhead);
        }
        if (m->namespace && m->namespace->quota_limits_memory &&
            !mv_map_get(&domain->resources.limits, MV_STR("memory")))
                mv_amounts_add(&lists->limits, MV_STR("memory"),
                               mv_launcher_scale(own->memory_request.amount, memory_limit_ratio(m)));
}

/* --- devices --- */

static bool by_claim(const struct mv_device *device) {
        return device->claim_name.p || device->request_name.p;
}

static bool has_virtio_interface(const struct mv_devices *devices) {
        for (size_t i = 0; i < devices->interfaces.n; i++)
                if (!devices->interfaces.items[i].model.n ||
                    mv_str_is(devices->interfaces.items[i].model, "virtio"))
                        return true;
        return false;
}

static bool has_reservation(const struct mv_devices *devices) {
        for (size_t i = 0; i < devices->disks.n; i++)
                if (devices->disks.items[i].lun && devices->disks.items[i].lun->reservation)
                        return true;
        return false;
}

/* renderresources.go: getRequiredResources. They are limits, in the place of the user's; the request follows. */
static void set_required(struct mv_launcher_making *m, struct lists *lists) {
        const struct mv_devices *devices = &m->vmi->spec.domain.devices;
        bool emulation = m->config->spec->developer.use_emulation;
        const struct {
                struct mv_str name;
                bool needed;
        } required[] = {
                { MV_STR("devices.kubevirt.io/kvm"), !emulation },
                { MV_STR("devices.kubevirt.io/tun"),
                  devices->interfaces.n || devices->autoattach_pod_interface != MV_FALSE },
                { MV_STR("devices.kubevirt.io/vhost-net"), has_virtio_interface(devices) && !emulation },
                { MV_STR("devices.kubevirt.io/vhost-vsock"), devices->autoattach_vsock == MV_TRUE },
        };
        for (size_t i = 0; i < sizeof required / sizeof *required; i++)
                if (required[i].needed)
                        mv_amounts_set(&lists->limits, required[i].name, 1);
}

/* renderresources.go: WithSEV and its neighbours, WithGPUsDevicePlugins, WithHostDevicesDevicePlugins. */
static void add_devices(struct mv_launcher_making *m, struct lists *lists) {
        const struct mv_devices *devices = &m->vmi->spec.domain.devices;
        const struct mv_launch_security *security = m->vmi->spec.domain.launch_security;
        if (security && (security->sev || security->snp))
                add_both(lists, MV_STR("devices.kubevirt.io/sev"), 1);
        if (security && security->tdx && m->figures->tdx)
                add_both(lists, MV_STR("devices.kubevirt.io/tdx"), 1);
        if (has_reservation(devices))
                add_both(lists, MV_STR("devices.kubevirt.io/pr-helper"), 1);
        if (mv_kubevirt_gate(m->config, "IOMMUFD"))
                add_both(lists, MV_STR("devices.kubevirt.io/iommufd"), 1);
        for (size_t i = 0; i < devices->gpus.n; i++)
                if (devices->gpus.items[i].device_name.n && !by_claim(&devices->gpus.items[i]))
                        add_both(lists, devices->gpus.items[i].device_name, 1);
        for (size_t i = 0; i < devices->host_devices.n; i++)
                if (devices->host_devices.items[i].device_name.n &&
                    !by_claim(&devices->host_devices.items[i]))
                        add_both(lists, devices->host_devices.items[i].device_name, 1);
}

/* The devices of one list that are not permitted, each told of in KubeVirt's words; *first is where the text begins. */
static void not_permitted(struct mv_launcher_making *m, const struct mv_names_index permitted[3],
                          const char *kind, const struct mv_device *devices, size_t n, bool claims_pass,
                          struct mv_str *text) {
        enum { TOLD = 8 }; /* of a list; the text names the others by number */
        size_t bad = 0;
        for (size_t i = 0; i < n; i++) {
                const struct mv_device *device = &devices[i];
                bool found = claims_pass && by_claim(device);
                for (size_t p = 0; !found && p < 3; p++)
                        found = mv_names_index_find(&permitted[p], device->device_name) != SIZE_MAX;
                if (found || ++bad > TOLD)
                        continue;
                *text = mv_arena_format(
                        m->arena, "%.*s%s%s %.*s is not permitted in permittedHostDevices configuration",
                        MV_STR_ARG(*text), text->n ? " " : "", kind, MV_STR_ARG(device->device_name));
        }
        if (bad > TOLD)
                *text = mv_arena_format(m->arena, "%.*s, and %zu more", MV_STR_ARG(*text), bad - TOLD);
}

/* renderresources.go: validatePermittedHostDevices. */
static void check_permitted(struct mv_launcher_making *m) {
        const struct mv_permitted_host_devices *lists = m->config->spec->permitted_host_devices;
        const struct mv_devices *devices = &m->vmi->spec.domain.devices;
        struct mv_names_index permitted[3];
        struct mv_str text = { 0 };
        if (!lists || (!devices->gpus.n && !devices->host_devices.n) ||
            !mv_names_index_list(m->arena, &permitted[0], lists->pci_host_devices, resource_name) ||
            !mv_names_index_list(m->arena, &permitted[1], lists->mediated_devices, resource_name) ||
            !mv_names_index_list(m->arena, &permitted[2], lists->usb, resource_name))
                return;
        bool gpu_claims = mv_kubevirt_gate(m->config, "GPUsWithDRA");
        bool exempt = m->figures->claims_exempt_gpus;
        if (!exempt || !gpu_claims)
                not_permitted(m, permitted, "GPU", devices->gpus.items, devices->gpus.n, gpu_claims, &text);
        not_permitted(m, permitted, "HostDevice", devices->host_devices.items, devices->host_devices.n,
                      !exempt && mv_kubevirt_gate(m->config, "HostDevicesWithDRA"), &text);
        if (text.n)
                mv_launcher_cannot(m, text);
}

/* --- containers --- */

void mv_launcher_add(struct mv_launcher_making *m, struct mv_launcher_container container) {
        container.requests = mv_amounts_default(m->arena, &container.requests, &container.limits);
        m->containers[m->n_containers++] = container;
}

static void compute(struct mv_launcher_making *m) {
        const struct mv_domain *domain = &m->vmi->spec.domain;
        struct lists lists;
        mv_amounts_builder_init(&lists.requests, m->arena);
        mv_amounts_builder_init(&lists.limits, m->arena);
        struct mv_launcher_resources early = m->own;
        if (m->figures->request_first) {
                default_memory_request(m);
                early = m->own;
        }
        m->launcher->memory_overhead = mv_launcher_overhead(m->figures, m->config, m->vmi, &early);
        default_memory_request(m);
        if (m->own.dedicated)
                pin_cpus(m);
        else
                share_cpus(m, &lists);
        memory(m, &lists);
        add_devices(m, &lists);
        mv_amounts_set(&lists.requests, MV_STR("ephemeral-storage"), MV_LAUNCHER_STORAGE);
        set_own(m, &lists.requests, &domain->resources.requests, "requests");
        set_own(m, &lists.limits, &domain->resources.limits, "limits");
        set_required(m, &lists);
        set_amount(&lists.requests, "cpu", &m->own.cpu_request);
        set_amount(&lists.limits, "cpu", &m->own.cpu_limit);
        set_amount(&lists.requests, "memory", &m->own.memory_request);
        set_amount(&lists.limits, "memory", &m->own.memory_limit);
        mv_launcher_add(m, (struct mv_launcher_container){ .name = "compute",
                                                           .count = 1,
                                                           .requests = mv_amounts_build(&lists.requests),
                                                           .limits = mv_amounts_build(&lists.limits) });
}

static struct mv_amounts whole_pod(struct mv_launcher_making *m, bool limits) {
        struct mv_pod_part parts[8];
        for (size_t i = 0; i < m->n_containers; i++)
                parts[i] = (struct mv_pod_part){ .role = m->containers[i].role,
                                                 .count = m->containers[i].count,
                                                 .amounts = limits ? m->containers[i].limits
                                                                   : m->containers[i].requests };
        return mv_amounts_of_pod(m->arena, parts, m->n_containers);
}

const struct mv_launcher *mv_launcher_make_in(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                                              unsigned version, const struct mv_vmi *vmi,
                                              const struct mv_launcher_namespace *namespace) {
        enum { MOST_CONTAINERS = 8 };
        struct mv_launcher *launcher = mv_arena_new(arena, struct mv_launcher);
        struct mv_launcher_container *containers =
                mv_arena_new_array(arena, struct mv_launcher_container, MOST_CONTAINERS);
        if (!launcher || !containers)
                return NULL;
        struct mv_launcher_making m = {
                .arena = arena,
                .config = config,
                .figures = mv_launcher_figures_of(version),
                .namespace = namespace,
                .vmi = vmi,
                .launcher = launcher,
                .containers = containers,
        };
        read_resources(&m);
        check_permitted(&m);
        compute(&m);
        mv_launcher_add_support(&m);
        launcher->containers = containers;
        launcher->n_containers = m.n_containers;
        launcher->requests = whole_pod(&m, false);
        launcher->limits = whole_pod(&m, true);
        return mv_arena_failed(arena) ? NULL : launcher;
}

const struct mv_launcher *mv_launcher_make(struct mv_arena *arena, const struct mv_kubevirt_config *config,
                                           unsigned version, const struct mv_vmi *vmi) {
        return mv_launcher_make_in(arena, config, version, vmi, NULL);
}
