/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support_naive.h"

#include "policy/kubevirt_config.h"
#include "policy/nodes/tsc.h"

/* --- the node selector --- */

static void want(struct naive *n, struct mv_str key, struct mv_str value) {
        size_t at = 0;
        while (at < n->n_wanted && !mv_str_equal(n->wanted[at].key, key))
                at++;
        assert_true(at < 400);
        n->wanted[at] = (struct wanted){ key, value };
        n->n_wanted += at == n->n_wanted;
}

static void want_true(struct naive *n, const char *prefix, struct mv_str name) {
        want(n, mv_arena_format(n->arena, "%s%.*s", prefix, MV_STR_ARG(name)), MV_STR("true"));
}

static void want_all(struct naive *n, const struct mv_map *map, bool architecture) {
        for (size_t i = 0; i < map->n; i++)
                if (architecture || !mv_str_is(map->items[i].key, "kubernetes.io/arch"))
                        want(n, map->items[i].key, map->items[i].value);
}

static bool wants(const struct naive *n, struct mv_str part, bool anywhere) {
        for (size_t i = 0; i < n->n_wanted; i++)
                if (anywhere ? mv_str_contains(n->wanted[i].key, part)
                             : mv_str_starts_with(n->wanted[i].key, part))
                        return true;
        return false;
}

static void want_hyperv(struct naive *n, const struct mv_hyperv *hyperv) {
#define FEATURE(member)                                           \
        if (hyperv->member && hyperv->member->enabled == MV_TRUE) \
        want_true(n, "hyperv.node.kubevirt.io/", MV_STR(#member))
        FEATURE(vpindex);
        FEATURE(runtime);
        FEATURE(reset);
        FEATURE(synic);
        FEATURE(synictimer);
        FEATURE(frequencies);
        FEATURE(reenlightenment);
        FEATURE(tlbflush);
        FEATURE(ipi);
#undef FEATURE
        if (hyperv->evmcs && hyperv->evmcs->enabled != MV_FALSE)
                want_true(n, "cpu-vendor.node.kubevirt.io/", MV_STR("Intel"));
}

static void want_security(struct naive *n, const struct mv_launch_security *security) {
        bool s390x = mv_str_is(n->vmi->spec.architecture, "s390x");
        if (security->sev || security->snp)
                want_true(n, "kubevirt.io/sev", MV_STR(""));
        if (security->sev && security->sev->policy.encrypted_state)
                want_true(n, "kubevirt.io/sev-es", MV_STR(""));
        if (security->snp)
                want_true(n, "kubevirt.io/sev-snp", MV_STR(""));
        if (security->tdx)
                want_true(n, "kubevirt.io/tdx", MV_STR(""));
        if (s390x)
                want_true(n, "kubevirt.io/s390-pv", MV_STR(""));
}

static const struct mv_pod *source_pod(const struct naive *n) {
        for (size_t i = 0; i < n->cluster->n_present; i++) {
                const struct mv_pod *pod = n->cluster->present[i].pod;
                if (pod && naive_is_launcher(pod, n->vmi) &&
                    mv_str_equal(pod->spec.node_name, n->vmi->status.node_name))
                        return pod;
        }
        return NULL;
}

static bool fixes_model(struct mv_str key) {
        return mv_str_contains(key, MV_STR("cpu-feature.node.kubevirt.io/")) ||
               mv_str_contains(key, MV_STR("cpu-model-migration.node.kubevirt.io/"));
}

static void want_host_model(struct naive *n, const struct mv_map *first) {
        const struct mv_pod *pod = source_pod(n);
        const struct mv_map *selected = pod ? &pod->spec.node_selector : first;
        bool fixed = false;
        for (size_t i = 0; i < selected->n; i++)
                if (fixes_model(selected->items[i].key)) {
                        fixed = true;
                        want(n, selected->items[i].key, selected->items[i].value);
                }
        if (fixed)
                return;
        const struct mv_str model = MV_STR("host-model-cpu.node.kubevirt.io/"),
                            feature = MV_STR("host-model-required-features.node.kubevirt.io/");
        const struct mv_map *labels = &n->source->meta.labels;
        for (size_t i = 0; i < labels->n; i++) {
                if (!mv_str_starts_with(labels->items[i].key, model))
                        continue;
                struct mv_str name = mv_str_skip(labels->items[i].key, model.n);
                want(n,
                     mv_arena_format(n->arena, "cpu-model-migration.node.kubevirt.io/%.*s", MV_STR_ARG(name)),
                     labels->items[i].value);
                for (size_t k = 0; k < labels->n; k++)
                        if (mv_str_starts_with(labels->items[k].key, feature)) {
                                name = mv_str_skip(labels->items[k].key, feature.n);
                                want(n,
                                     mv_arena_format(n->arena, "cpu-feature.node.kubevirt.io/%.*s",
                                                     MV_STR_ARG(name)),
                                     labels->items[k].value);
                        }
                return;
        }
}

static void want_instance(struct naive *n) {
        const struct mv_vmi_spec *spec = &n->vmi->spec;
        const struct mv_domain *domain = &spec->domain;
        const struct mv_cpu *cpu = domain->cpu;
        bool cross =
                spec->architecture.n && mv_kubevirt_gate(n->q->config, "CrossArchitectureVirtualization");
        want_true(n, "kubevirt.io/schedulable", MV_STR(""));
        if (spec->architecture.n && !cross)
                want(n, MV_STR("kubernetes.io/arch"), spec->architecture);
        want_all(n, &n->q->config->spec->developer.node_selectors, !cross);
        want_all(n, &spec->node_selector, !cross);
        if (cpu && cpu->dedicated_cpu_placement)
                want_true(n, "kubevirt.io/cpumanager", MV_STR(""));
        if (cpu && cpu->realtime)
                want_true(n, "kubevirt.io/realtime", MV_STR(""));
        struct mv_str machine = n->vmi->status.machine.type;
        if (!machine.n)
                machine = domain->machine.type;
        if (machine.n && n->version >= MV_KUBEVIRT_PATCH(1, 5, 1))
                want_true(n, "machine-type.node.kubevirt.io/", machine);
        if (domain->launch_security)
                want_security(n, domain->launch_security);
        bool named = cpu && cpu->model.n && !mv_str_is(cpu->model, "host-model") &&
                     !mv_str_is(cpu->model, "host-passthrough");
        if (named)
                want_true(n, "cpu-model.node.kubevirt.io/", cpu->model);
        for (size_t i = 0; cpu && cpu->model.n && i < cpu->features.n; i++)
                if (!cpu->features.items[i].policy.n || mv_str_is(cpu->features.items[i].policy, "require"))
                        want_true(n, "cpu-feature.node.kubevirt.io/", cpu->features.items[i].name);
        if (domain->features && domain->features->hyperv &&
            mv_kubevirt_gate(n->q->config, "HypervStrictCheck"))
                want_hyperv(n, domain->features->hyperv);
        long long hint = mv_tsc_need_of(spec) == MV_TSC_NOT_NEEDED
                                 ? 0
                                 : mv_tsc_hint(n->cluster->snapshot, n->q->config, n->vmi);
        if (hint)
                want(n, mv_arena_format(n->arena, "scheduling.node.kubevirt.io/tsc-frequency-%lld", hint),
                     MV_STR("true"));
        if (cross)
                want_true(n, "kubevirt.io/vm-arch-", spec->architecture);
}

void naive_select(struct naive *n) {
        bool vendor = n->version >= MV_KUBEVIRT_PATCH(1, 7, 1) ||
                      (n->version >= MV_KUBEVIRT_PATCH(1, 6, 4) && n->version < MV_KUBEVIRT(1, 7));
        const struct mv_cpu *cpu = n->vmi->spec.domain.cpu;
        /* The pod it was started with. */
        want_instance(n);
        struct mv_map first = { .items = mv_arena_new_array(n->arena, struct mv_pair, n->n_wanted) };
        assert_non_null(first.items);
        for (; first.n < n->n_wanted; first.n++)
                first.items[first.n] = (struct mv_pair){ n->wanted[first.n].key, n->wanted[first.n].value };
        /* And the one it would move to. */
        n->n_wanted = 0;
        if (n->q->added_node_selector && n->version >= MV_KUBEVIRT(1, 6))
                want_all(n, n->q->added_node_selector, true);
        want_instance(n);
        if (n->source && cpu && mv_str_is(cpu->model, "host-model"))
                want_host_model(n, &first);
        const struct mv_str prefix = MV_STR("cpu-vendor.node.kubevirt.io/");
        for (size_t i = 0; vendor && n->source && i < n->source->meta.labels.n; i++)
                if (mv_str_starts_with(n->source->meta.labels.items[i].key, prefix) &&
                    !wants(n, prefix, false))
                        want(n, n->source->meta.labels.items[i].key, MV_STR("true"));
}

void naive_selector_cause(struct naive *n, const struct wanted *wanted) {
        static const struct {
                const char *prefix, *what;
        } prefixes[] = {
                { "cpu-model.node.kubevirt.io/", "cpu-model:" },
                { "cpu-model-migration.node.kubevirt.io/", "host-model:" },
                { "cpu-feature.node.kubevirt.io/", "cpu-feature:" },
                { "cpu-vendor.node.kubevirt.io/", "cpu-vendor:" },
                { "hyperv.node.kubevirt.io/", "hyperv:" },
                { "machine-type.node.kubevirt.io/", "machine-type:" },
                { "scheduling.node.kubevirt.io/tsc-frequency-", "tsc-frequency:" },
                { "kubevirt.io/vm-arch-", "vm-arch:" },
        };
        static const char *const singles[][2] = {
                { "kubevirt.io/schedulable", "not-schedulable" },
                { "kubevirt.io/cpumanager", "cpumanager" },
                { "kubevirt.io/realtime", "realtime" },
                { "kubevirt.io/sev", "sev" },
                { "kubevirt.io/sev-es", "sev-es" },
                { "kubevirt.io/sev-snp", "sev-snp" },
                { "kubevirt.io/tdx", "tdx" },
                { "kubevirt.io/s390-pv", "secure-execution" },
        };
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
                struct mv_str prefix = mv_str_from(prefixes[i].prefix);
                if (mv_str_starts_with(wanted->key, prefix)) {
                        naive_cause(n, prefixes[i].what, mv_str_skip(wanted->key, prefix.n));
                        return;
                }
        }
        for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
                if (mv_str_is(wanted->key, singles[i][0])) {
                        naive_cause(n, singles[i][1], MV_STR(""));
                        return;
                }
        if (mv_str_is(wanted->key, "kubernetes.io/arch"))
                naive_cause(n, "arch:", wanted->value);
        else
                naive_cause(n, "selector:",
                            mv_arena_format(n->arena, "%.*s=%.*s", MV_STR_ARG(wanted->key),
                                            MV_STR_ARG(wanted->value)));
}
