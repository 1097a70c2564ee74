/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of a launcher pod beside `compute`. */
#include "policy/base/names.h"
#include "policy/launcher/launcher_making.h"
#include "policy/object/scan.h"

/* The cluster's figure for support containers of that type, or ours: the first that is not zero
 * (pkg/virt-config/virt-config.go: GetSupportContainerRequest, GetSupportContainerLimit). */
static int64_t supported(const struct mv_launcher_making *m, const char *type, bool limit, const char *name,
                         int64_t ours) {
        for (size_t i = 0; i < m->config->spec->support_containers.n; i++) {
                const struct mv_support_container *container = &m->config->spec->support_containers.items[i];
                const struct mv_str *text =
                        mv_map_get(limit ? &container->resources.limits : &container->resources.requests,
                                   mv_str_from(name));
                int64_t amount;
                if (mv_str_is(container->type, type) && text &&
                    mv_amount_read(mv_str_from(name), *text, &amount) && amount)
                        return amount;
        }
        return ours;
}

/* What support containers of one type get: thousandths of a core and bytes; 0 is none. */
struct support {
        const char *type;
        int64_t cpu_request, memory_request, cpu_limit, memory_limit;
        bool limits_always; /* else just where requests are to equal them, or where the cluster says so */
};

static void support(struct mv_launcher_making *m, const char *name, enum mv_pod_role role, size_t count,
                    const struct support *figures, int64_t storage) {
        const struct mv_str cpu = MV_STR("cpu"), bytes = MV_STR("memory");
        bool equal = m->own.dedicated || m->own.guaranteed;
        bool limits = figures->limits_always || equal;
        const char *type = figures->type;
        int64_t cpu_limit = supported(m, type, true, "cpu", limits ? figures->cpu_limit : 0);
        int64_t memory_limit = supported(m, type, true, "memory", limits ? figures->memory_limit : 0);
        int64_t cpu_request = supported(m, type, false, "cpu", figures->cpu_request);
        int64_t memory_request = supported(m, type, false, "memory", figures->memory_request);
        struct mv_amounts_builder request_list, limit_list;
        if (!count)
                return;
        mv_amounts_builder_init(&request_list, m->arena);
        mv_amounts_builder_init(&limit_list, m->arena);
        if (cpu_limit)
                mv_amounts_add(&limit_list, cpu, cpu_limit);
        if (memory_limit)
                mv_amounts_add(&limit_list, bytes, memory_limit);
        if (cpu_request || equal)
                mv_amounts_add(&request_list, cpu, equal ? cpu_limit : cpu_request);
        if (memory_request || equal)
                mv_amounts_add(&request_list, bytes, equal ? memory_limit : memory_request);
        if (storage)
                mv_amounts_add(&request_list, MV_STR("ephemeral-storage"), storage);
        mv_launcher_add(m, (struct mv_launcher_container){ .name = name,
                                                           .count = count,
                                                           .role = role,
                                                           .requests = mv_amounts_build(&request_list),
                                                           .limits = mv_amounts_build(&limit_list) });
}

static bool is_hotplugged(const struct mv_volume *volume) {
        return (volume->persistent_volume_claim && volume->persistent_volume_claim->hotpluggable) ||
               (volume->data_volume && volume->data_volume->hotpluggable) ||
               (volume->memory_dump && volume->memory_dump->hotpluggable);
}

/* template.go: RenderHotplugAttachmentPodTemplate; renderresources.go: hotplugContainerRequests. */
static void attachment(struct mv_launcher_making *m) {
        const struct mv_vmi_spec *spec = &m->vmi->spec;
        const char *const type = "hotplug-disk";
        bool small = m->figures->small_attachment;
        struct mv_amounts_builder requests, limits;
        for (size_t i = 0; i < spec->volumes.n; i++)
                m->launcher->has_attachment |= is_hotplugged(&spec->volumes.items[i]);
        if (!m->launcher->has_attachment)
                return;
        mv_amounts_builder_init(&requests, m->arena);
        mv_amounts_builder_init(&limits, m->arena);
        mv_amounts_add(&requests, MV_STR("cpu"), supported(m, type, false, "cpu", small ? 10 : 100));
        mv_amounts_add(&requests, MV_STR("memory"),
                       supported(m, type, false, "memory", small ? 2000000 : 80000000));
        mv_amounts_add(&limits, MV_STR("cpu"), supported(m, type, true, "cpu", 100));
        mv_amounts_add(&limits, MV_STR("memory"), supported(m, type, true, "memory", 80000000));
        m->launcher->attachment_requests = mv_amounts_build(&requests);
        m->launcher->attachment_limits = mv_amounts_build(&limits);
}

/* Sidecars that annotations ask for (pkg/hooks/hooks.go: UnmarshalHookSidecarList). */
static size_t hook_sidecars(struct mv_launcher_making *m) {
        const struct mv_str *text =
                mv_map_get(&m->vmi->meta.annotations, MV_STR("hooks.kubevirt.io/hookSidecars"));
        if (!text)
                return 0;
        char *padded = mv_arena_allocate(m->arena, text->n + MV_SCAN_PADDING, 1);
        if (!padded)
                return 0;
        if (text->n)
                memcpy(padded, text->p, text->n);
        struct mv_scan scan;
        size_t n = 0;
        bool first = true;
        mv_scan_init(&scan, (struct mv_str){ padded, text->n });
        if (mv_scan_peek(&scan) == 'n')
                mv_scan_null(&scan);
        else if (mv_scan_array(&scan))
                while (mv_scan_element(&scan, &first) && mv_scan_skip(&scan, NULL))
                        n++;
        if (!scan.code && mv_scan_finish(&scan))
                return n;
        mv_launcher_cannot(m, MV_STR("the annotation hooks.kubevirt.io/hookSidecars is no list in JSON"));
        return 0;
}

/* Sidecars of network binding plugins, one a plugin (pkg/network/netbinding/netbinding.go). */
static size_t plugin_sidecars(struct mv_launcher_making *m) {
        const struct mv_devices *devices = &m->vmi->spec.domain.devices;
        struct mv_names_index index;
        size_t n = 0;
        if (!mv_names_index_list(m->arena, &index, m->config->spec->network.bindings, name))
                return 0;
        bool *seen = mv_arena_new_array(m->arena, bool, m->config->spec->network.bindings.n);
        for (size_t i = 0; seen && i < devices->interfaces.n; i++) {
                const struct mv_interface_binding *binding = devices->interfaces.items[i].binding;
                if (!binding)
                        continue;
                size_t plugin = mv_names_index_find(&index, binding->name);
                if (plugin == SIZE_MAX) {
                        mv_launcher_cannot(
                                m, mv_arena_format(m->arena,
                                                   "couldn't find configuration for network binding: %.*s",
                                                   MV_STR_ARG(binding->name)));
                        continue;
                }
                n += !seen[plugin] && m->config->spec->network.bindings.items[plugin].sidecar_image.n;
                seen[plugin] = true;
        }
        return n;
}

static bool logs_console(const struct mv_launcher_making *m) {
        const struct mv_devices *devices = &m->vmi->spec.domain.devices;
        if (m->figures->console_log == MV_CONSOLE_LOG_NONE || devices->autoattach_serial_console == MV_FALSE)
                return false;
        return devices->log_serial_console != MV_UNSET
                       ? devices->log_serial_console == MV_TRUE
                       : !m->config->spec->virtual_machine_options.disable_serial_console_log;
}

/* Volumes that a container of their own shows through virtiofs. */
static size_t shared_volumes(struct mv_launcher_making *m) {
        const struct mv_vmi_spec *spec = &m->vmi->spec;
        struct mv_names_index index;
        size_t n = 0;
        if (!spec->domain.devices.filesystems.n ||
            !mv_names_index_list(m->arena, &index, spec->domain.devices.filesystems, name))
                return 0;
        for (size_t i = 0; i < spec->volumes.n; i++)
                n += !spec->volumes.items[i].container_path &&
                     mv_names_index_find(&index, spec->volumes.items[i].name) != SIZE_MAX;
        return n;
}

void mv_launcher_add_support(struct mv_launcher_making *m) {
        static const struct support console = { "guest-console-log", 5, 35000000, 15, 60000000, true };
        static const struct support disk = { "container-disk", 1, 1000000, 10, 40000000, true };
        static const struct support copy = { "container-disk", 10, 1000000, 100, 40000000, true };
        static const struct support copy_dedicated = { "container-disk", 10, 1000000, 10, 40000000, true };
        static const struct support virtiofs = { "virtiofs", 10, 1000000, 100, 80000000, true };
        static const struct support sidecar = { "sidecar", 0, 0, 200, 64000000, false };
        const struct mv_vmi_spec *spec = &m->vmi->spec;
        const enum mv_pod_role console_role =
                m->figures->console_log == MV_CONSOLE_LOG_SIDECAR ? MV_ROLE_SIDECAR : MV_ROLE_CONTAINER;
        bool boot = spec->domain.firmware && spec->domain.firmware->kernel_boot.container;
        size_t disks = boot;
        for (size_t i = 0; i < spec->volumes.n; i++)
                disks += spec->volumes.items[i].container_disk &&
                         !mv_str_is(spec->volumes.items[i].name, "kernel-boot-volume");
        /* Else the kubelet mounts images, and what finds their digest is not in a migration's target. */
        bool by_containers = !mv_kubevirt_gate(m->config, "ImageVolume");
        if (logs_console(m))
                support(m, "guest-console-log", console_role, 1, &console, 0);
        if (by_containers && disks) {
                bool equal = m->own.dedicated || m->own.guaranteed;
                support(m, "container-disk-binary", MV_ROLE_INIT, 1, equal ? &copy_dedicated : &copy, 0);
                support(m, "volume-init", MV_ROLE_INIT, disks, &disk, MV_LAUNCHER_STORAGE);
                support(m, "volume", MV_ROLE_CONTAINER, disks, &disk, MV_LAUNCHER_STORAGE);
        }
        support(m, "virtiofs", MV_ROLE_CONTAINER, shared_volumes(m), &virtiofs, 0);
        support(m, "hook-sidecar", MV_ROLE_CONTAINER, hook_sidecars(m) + plugin_sidecars(m), &sidecar, 0);
        attachment(m);
}
