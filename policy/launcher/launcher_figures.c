/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/launcher/launcher_figures.h"

#include "policy/object/quantity.h"

#define MIB (INT64_C(1) << 20)

/* Oldest first. Read in the releases' own code: GetMemoryOverhead of pkg/virt-controller/services/renderresources.go,
 * since 1.8 of pkg/hypervisor/kvm/hypervisorbackend.go; template.go, serialconsolelog.go; pkg/network. */
static const struct mv_launcher_figures all_figures[] = {
        { .since = 0, .fixed = 210, .video = 16, .ratio = MV_RATIO_ALL, .request_first = true },
        { .since = MV_KUBEVIRT(1, 1),
          .fixed = 210,
          .video = 16,
          .guaranteed = 100,
          .ratio = MV_RATIO_WITHOUT_GUARANTEE,
          .console_log = MV_CONSOLE_LOG_CONTAINER,
          .even_parity = true,
          .request_first = true },
        { .since = MV_KUBEVIRT(1, 2),
          .fixed = 210,
          .video = 16,
          .guaranteed = 100,
          .ratio = MV_RATIO_WITHOUT_GUARANTEE,
          .console_log = MV_CONSOLE_LOG_CONTAINER,
          .small_attachment = true,
          .even_parity = true,
          .request_first = true },
        { .since = MV_KUBEVIRT(1, 3),
          .fixed = 210,
          .video = 16,
          .guaranteed = 100,
          .ratio = MV_RATIO_WITHOUT_GUARANTEE,
          .passt = MV_PASST_NONE,
          .console_log = MV_CONSOLE_LOG_CONTAINER,
          .small_attachment = true,
          .plugin_overhead = true,
          .even_parity = true,
          .request_first = true },
        /* From 1.4.1 on; 1.4.0 has 5 MiB less. */
        { .since = MV_KUBEVIRT(1, 4),
          .fixed = 215,
          .video = 16,
          .guaranteed = 100,
          .ratio = MV_RATIO_WITHOUT_GUARANTEE,
          .passt = MV_PASST_NONE,
          .console_log = MV_CONSOLE_LOG_CONTAINER,
          .small_attachment = true,
          .plugin_overhead = true,
          .disabled_tpm_free = true,
          .even_parity = true,
          .request_first = true },
        { .since = MV_KUBEVIRT(1, 5),
          .fixed = 220,
          .video = 16,
          .guaranteed = 100,
          .passt = MV_PASST_NONE,
          .console_log = MV_CONSOLE_LOG_CONTAINER,
          .small_attachment = true,
          .plugin_overhead = true,
          .disabled_tpm_free = true,
          .io_threads = true,
          .even_parity = true,
          .request_first = true },
        { .since = MV_KUBEVIRT(1, 6),
          .fixed = 220,
          .video = 32,
          .guaranteed = 100,
          .passt = MV_PASST_NONE,
          .console_log = MV_CONSOLE_LOG_SIDECAR,
          .small_attachment = true,
          .plugin_overhead = true,
          .disabled_tpm_free = true,
          .io_threads = true,
          .even_parity = true,
          .claims_exempt_gpus = true },
        { .since = MV_KUBEVIRT(1, 8),
          .fixed = 220,
          .video = 32,
          .guaranteed = 100,
          .passt = MV_PASST_ONCE,
          .console_log = MV_CONSOLE_LOG_SIDECAR,
          .small_attachment = true,
          .plugin_overhead = true,
          .disabled_tpm_free = true,
          .io_threads = true,
          .even_parity = true,
          .reserved_overhead = true,
          .claims_exempt_gpus = true },
        { .since = MV_KUBEVIRT(1, 9),
          .fixed = 220,
          .video = 32,
          .guaranteed = 100,
          .passt = MV_PASST_ONCE,
          .console_log = MV_CONSOLE_LOG_SIDECAR,
          .small_attachment = true,
          .plugin_overhead = true,
          .disabled_tpm_free = true,
          .io_threads = true,
          .even_parity = true,
          .reserved_overhead = true,
          .tdx = true },
        { .since = MV_KUBEVIRT(1, 10),
          .fixed = 240,
          .video = 32,
          .guaranteed = 100,
          .passt = MV_PASST_ONCE,
          .console_log = MV_CONSOLE_LOG_SIDECAR,
          .small_attachment = true,
          .plugin_overhead = true,
          .disabled_tpm_free = true,
          .io_threads = true,
          .even_parity = true,
          .reserved_overhead = true,
          .tdx = true },
};

const struct mv_launcher_figures *mv_launcher_figures_of(unsigned version) {
        const struct mv_launcher_figures *found = &all_figures[0];
        for (size_t i = 0; i < sizeof all_figures / sizeof *all_figures; i++)
                if (all_figures[i].since <= version)
                        found = &all_figures[i];
        return found;
}

bool mv_launcher_factor(struct mv_str text, double *ret) {
        struct mv_quantity quantity;
        for (size_t i = 0; i < text.n; i++)
                if (!memchr("0123456789+-.eE", text.p[i], sizeof "0123456789+-.eE" - 1))
                        return false;
        if (!text.n || mv_str_ends_with(text, MV_STR("E")) || mv_quantity_parse(text, &quantity, NULL) < 0)
                return false;
        /* Both are exact for every factor that somebody may mean, so the quotient is the nearest double. */
        double power = 1;
        int exponent = quantity.exponent;
        for (; quantity.mantissa > INT64_MAX || quantity.mantissa < INT64_MIN; exponent++)
                quantity.mantissa /= 10;
        for (int i = exponent < 0 ? -exponent : exponent; i > 0; i--)
                power *= 10;
        double mantissa = (double)(int64_t)quantity.mantissa;
        *ret = exponent < 0 ? mantissa / power : mantissa * power;
        return true;
}

int64_t mv_launcher_scale(int64_t value, double factor) {
        double product = (double)value * factor;
        if (product >= 0x1p63)
                return INT64_MAX;
        return product > 0 ? (int64_t)product : 0;
}

/* Thousands of bytes, as resource.Quantity counts them: rounded up. */
static int64_t kilo(int64_t bytes) {
        return bytes / 1000 + (bytes % 1000 != 0);
}

static int64_t probes(const struct mv_vmi_spec *spec) {
        int64_t n = (spec->liveness_probe && spec->liveness_probe->exec) +
                    (spec->readiness_probe && spec->readiness_probe->exec);
        return n ? (100 + 10 * n) * MIB : 0;
}

static bool has_sriov(const struct mv_devices *devices) {
        for (size_t i = 0; i < devices->interfaces.n; i++)
                if (devices->interfaces.items[i].sriov)
                        return true;
        return false;
}

static bool has_downward_metrics(const struct mv_vmi_spec *spec) {
        for (size_t i = 0; i < spec->volumes.n; i++)
                if (spec->volumes.items[i].downward_metrics)
                        return true;
        return false;
}

/* pkg/network/resources/memory.go. Each plugin counts once, however many interfaces use it. */
static int64_t plugins(const struct mv_kubevirt_config *config, const struct mv_devices *devices) {
        int64_t sum = 0, amount;
        for (size_t p = 0; p < config->spec->network.bindings.n; p++) {
                const struct mv_binding_plugin *plugin = &config->spec->network.bindings.items[p];
                const struct mv_str *memory =
                        mv_map_get(&plugin->compute_overhead.requests, MV_STR("memory"));
                for (size_t i = 0; memory && i < devices->interfaces.n; i++) {
                        const struct mv_interface_binding *binding = devices->interfaces.items[i].binding;
                        if (!binding || !mv_str_equal(binding->name, plugin->name))
                                continue;
                        mv_amount_read(MV_STR("memory"), *memory, &amount);
                        sum = mv_amount_add(sum, amount);
                        break;
                }
        }
        return sum;
}

static int64_t passt(const struct mv_launcher_figures *figures, const struct mv_devices *devices) {
        int64_t each = 0, once = 0;
        for (size_t i = 0; i < devices->interfaces.n; i++) {
                const struct mv_interface *interface = &devices->interfaces.items[i];
                each += interface->passt && !interface->ports.n;
                once |= interface->passt_binding;
        }
        return figures->passt == MV_PASST_EACH   ? each * 800 * MIB
               : figures->passt == MV_PASST_ONCE ? once * 250 * MIB
                                                 : 0;
}

int64_t mv_launcher_overhead(const struct mv_launcher_figures *figures,
                             const struct mv_kubevirt_config *config, const struct mv_vmi *vmi,
                             const struct mv_launcher_resources *resources) {
        const struct mv_vmi_spec *spec = &vmi->spec;
        const struct mv_devices *devices = &spec->domain.devices;
        const struct mv_launch_security *security = spec->domain.launch_security;
        struct mv_str architecture = spec->architecture.n ? spec->architecture : config->default_architecture;
        /* Page tables: one bit for 512 bits of what is requested. */
        int64_t overhead = mv_amount_multiply(kilo(resources->memory_request.amount), 1000) / 512;
        int64_t vcpus = resources->vcpus;
        if (!resources->has_topology) {
                int64_t cores = resources->cpu_limit.set ? resources->cpu_limit.amount
                                                         : resources->cpu_request.amount;
                vcpus = cores / 1000 + (cores % 1000 != 0);
        }
        const struct {
                bool counts;
                int64_t mib;
        } parts[] = {
                { true, figures->fixed },
                { true, 8 }, /* an IO thread */
                { devices->autoattach_graphics_device != MV_FALSE, figures->video },
                { mv_str_is(architecture, "arm64"), 128 }, /* two flash images of UEFI */
                { devices->host_devices.n || devices->gpus.n || has_sriov(devices), 1024 },
                { has_downward_metrics(spec), 1 },
                { security && (security->sev || security->snp), 256 },
                { devices->tpm && !(figures->disabled_tpm_free && devices->tpm->enabled == MV_FALSE), 53 },
        };
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
                overhead = mv_amount_add(overhead, parts[i].counts ? parts[i].mib * MIB : 0);
        overhead = mv_amount_add(overhead, mv_amount_multiply(8 * MIB, vcpus < 1 ? 1 : vcpus));
        overhead = mv_amount_add(overhead, probes(spec));
        int64_t network = passt(figures, devices);
        if (figures->passt == MV_PASST_EACH) {
                overhead = mv_amount_add(overhead, network);
                network = 0;
        }
        int64_t guaranteed = resources->dedicated || resources->guaranteed ? figures->guaranteed * MIB : 0;
        if (figures->ratio == MV_RATIO_ALL) {
                overhead = mv_amount_add(overhead, guaranteed);
                guaranteed = 0;
        }
        int64_t reserved = 0;
        if (figures->reserved_overhead && spec->domain.memory && spec->domain.memory->reserved_overhead)
                mv_amount_read(MV_STR("memory"), spec->domain.memory->reserved_overhead->added_overhead,
                               &reserved);
        overhead = mv_amount_add(overhead, reserved);

        double ratio;
        if (mv_launcher_factor(config->spec->additional_overhead_ratio, &ratio)) {
                int64_t more = mv_launcher_scale(kilo(overhead), ratio > 1 ? ratio - 1.0 : 0);
                int64_t less = mv_launcher_scale(kilo(overhead), ratio < 1 ? 1.0 - ratio : 0);
                overhead = mv_amount_add(overhead, mv_amount_multiply(more, 1000));
                less = mv_amount_multiply(less, 1000);
                overhead = overhead > less ? overhead - less : 0;
        }
        overhead = mv_amount_add(overhead, guaranteed);
        if (figures->plugin_overhead)
                network = mv_amount_add(network, plugins(config, devices));
        return mv_amount_add(overhead, network);
}
