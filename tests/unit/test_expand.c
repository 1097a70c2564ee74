/* SPDX-License-Identifier: Apache-2.0 */
/* The instance that KubeVirt would make: each default that is worked out, and what a user said stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/expand.h"

#include <stdio.h>

#define KUBEVIRT(configuration, status)                                                   \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kubevirt'," \
        "'namespace':'kubevirt'},'spec':{'configuration':{" configuration                 \
        "}},'status':{'phase':'Deployed'" status "}}"

struct expanded {
        struct mv_snapshot *snapshot;
        struct mv_arena arena;
        struct mv_instance instance;
};

/* Of a VM with this template, and of an instance with the same spec: both come out alike. */
static const struct mv_vmi_spec *expand(struct expanded *e, const char *spec, const char *kubevirt) {
        char items[4096];
        snprintf(items, sizeof items,
                 "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'vm','uid':'u',"
                 "'labels':{'own':'1'},"
                 "'annotations':{'own':'1'}},'spec':{'template':{'metadata':{'name':'ignored','labels':{"
                 "'app':'x'},"
                 "'annotations':{'note':'y'}},'spec':%s}}},{'apiVersion':'kubevirt.io/v1',"
                 "'kind':'VirtualMachineInstance',"
                 "'metadata':{'name':'vm','uid':'v'},'spec':%s}%s%s",
                 spec, spec, kubevirt ? "," : "", kubevirt ? kubevirt : "");
        e->snapshot = snapshot_make(items);
        mv_arena_init(&e->arena, &mv_allocator_system, 0);
        const struct mv_vm *vm = mv_snapshot_at(e->snapshot, MV_KIND_VM, 0);
        mv_expand_template(&e->arena, mv_snapshot_config(e->snapshot), vm->spec.template, &vm->meta, NULL,
                           &e->instance);
        return &e->instance.vmi.spec;
}

static void done(struct expanded *e) {
        assert_false(mv_arena_failed(&e->arena));
        mv_arena_done(&e->arena);
        mv_snapshot_free(e->snapshot);
}

static void test_identity(void **state) {
        (void)state;
        struct expanded e;
        expand(&e, "{}", NULL);
        const struct mv_vmi *vmi = &e.instance.vmi;
        assert_str(vmi->meta.name, "vm");
        assert_str(vmi->meta.namespace, "default");
        assert_str(vmi->meta.uid, "");
        assert_true(mv_map_has(&vmi->meta.labels, MV_STR("app"), MV_STR("x")));
        assert_null(mv_map_get(&vmi->meta.labels, MV_STR("own")));
        assert_true(mv_map_has(&vmi->meta.annotations, MV_STR("note"), MV_STR("y")));
        assert_null(mv_map_get(&vmi->meta.annotations, MV_STR("own")));
        assert_str(vmi->kind, "VirtualMachineInstance");
        assert_str(vmi->status.phase, "Pending");
        assert_string_equal(e.instance.spec_path, "spec.template.spec");
        assert_string_equal(e.instance.meta_path, "spec.template.metadata");
        struct mv_instance raw;
        mv_expand_vmi(&e.arena, mv_snapshot_config(e.snapshot), mv_snapshot_at(e.snapshot, MV_KIND_VMI, 0),
                      &raw);
        assert_str(raw.vmi.meta.uid, "v");
        assert_string_equal(raw.spec_path, "spec");
        assert_string_equal(raw.meta_path, "metadata");
        done(&e);
}

static void machine(const char *spec, const char *kubevirt, const char *architecture, const char *type,
                    const char *model) {
        struct expanded e;
        const struct mv_vmi_spec *s = expand(&e, spec, kubevirt);
        assert_str(s->architecture, architecture);
        assert_str(s->domain.machine.type, type);
        assert_str(s->domain.cpu->model, model);
        done(&e);
}

static void test_machine_and_cpu_model(void **state) {
        (void)state;
        machine("{}", NULL, "amd64", "q35", "host-model");
        machine("{'architecture':'arm64'}", NULL, "arm64", "virt", "host-passthrough");
        machine("{'architecture':'s390x'}", NULL, "s390x", "s390-ccw-virtio", "host-model");
        machine("{'architecture':'riscv64'}", NULL, "riscv64", "", "host-model");
        machine("{}", KUBEVIRT("", ",'defaultArchitecture':'arm64'"), "arm64", "virt", "host-passthrough");
        machine("{'architecture':'amd64'}", KUBEVIRT("", ",'defaultArchitecture':'arm64'"), "amd64", "q35",
                "host-model");
        machine("{'domain':{'machine':{'type':'pc'},'cpu':{'model':'Haswell'}}}",
                KUBEVIRT("'cpuModel':'EPYC','machineType':'x'", ""), "amd64", "pc", "Haswell");
        machine("{}", KUBEVIRT("'cpuModel':'EPYC'", ""), "amd64", "q35", "EPYC");
        machine("{'architecture':'arm64'}", KUBEVIRT("'cpuModel':'EPYC'", ""), "arm64", "virt",
                "host-passthrough");
        machine("{}", KUBEVIRT("'machineType':'pc-q35-9'", ""), "amd64", "pc-q35-9", "host-model");
        machine("{}",
                KUBEVIRT("'architectureConfiguration':{'amd64':{'machineType':'q'},'arm64':{"
                         "'machineType':'v'}}",
                         ""),
                "amd64", "q", "host-model");
        machine("{'architecture':'arm64'}",
                KUBEVIRT("'architectureConfiguration':{'amd64':{'machineType':'q'},'arm64':"
                         "{'machineType':'v'}}",
                         ""),
                "arm64", "v", "host-passthrough");
        /* The machine type of the whole cluster comes before that of the architecture. */
        machine("{}",
                KUBEVIRT("'machineType':'pc','architectureConfiguration':{'amd64':{'machineType':'q'}}", ""),
                "amd64", "pc", "host-model");
}

static void memory(const char *domain, const char *guest) {
        char spec[512];
        struct expanded e;
        snprintf(spec, sizeof spec, "{'domain':{%s}}", domain);
        assert_str(expand(&e, spec, NULL)->domain.memory->guest, guest);
        done(&e);
}

static void test_memory(void **state) {
        (void)state;
        memory("", "");
        memory("'memory':{'guest':'1Gi'},'resources':{'requests':{'memory':'2Gi'},'limits':{'memory':'3Gi'}}",
               "1Gi");
        memory("'memory':{'hugepages':{'pageSize':'1Gi'}},'resources':{'requests':{'memory':'2Gi'},"
               "'limits':{'memory':'3Gi'}}",
               "2Gi");
        memory("'memory':{'hugepages':{'pageSize':'1Gi'}},'resources':{'limits':{'memory':'3Gi'}}", "3Gi");
        memory("'memory':{'hugepages':{'pageSize':'1Gi'}}", "1Gi");
        memory("'resources':{'requests':{'memory':2147483648}}", "2147483648");
}

static void network(const char *spec, const char *kubevirt, const char *binding) {
        struct expanded e;
        const struct mv_vmi_spec *s = expand(&e, spec, kubevirt);
        assert_int_equal(e.instance.default_network, binding != NULL);
        if (binding) {
                assert_int_equal(s->networks.n, 1);
                assert_str(s->networks.items[0].name, "default");
                assert_true(s->networks.items[0].pod);
                assert_int_equal(s->domain.devices.interfaces.n, 1);
                const struct mv_interface *interface = &s->domain.devices.interfaces.items[0];
                assert_str(interface->name, "default");
                assert_int_equal(interface->bridge, strcmp(binding, "bridge") == 0);
                assert_int_equal(interface->masquerade, strcmp(binding, "masquerade") == 0);
                assert_int_equal(interface->slirp, strcmp(binding, "slirp") == 0);
        }
        done(&e);
}

static void test_network(void **state) {
        (void)state;
        network("{}", NULL, "bridge");
        network("{'networks':[],'domain':{'devices':{'interfaces':[],'autoattachPodInterface':true}}}", NULL,
                "bridge");
        network("{}", KUBEVIRT("'network':{'defaultNetworkInterface':'masquerade'}", ""), "masquerade");
        network("{}", KUBEVIRT("'network':{'defaultNetworkInterface':'slirp'}", ""), "slirp");
        network("{'domain':{'devices':{'autoattachPodInterface':false}}}", NULL, NULL);
        network("{'networks':[{'name':'x','pod':{}}]}", NULL, NULL);
        network("{'domain':{'devices':{'interfaces':[{'name':'x','masquerade':{}}]}}}", NULL, NULL);
}

static const struct mv_disk *disk_of(const struct mv_vmi_spec *spec, struct mv_str name) {
        for (size_t i = 0; i < spec->domain.devices.disks.n; i++)
                if (mv_str_equal(spec->domain.devices.disks.items[i].name, name))
                        return &spec->domain.devices.disks.items[i];
        return NULL;
}

static void test_disks(void **state) {
        (void)state;
        struct expanded e;
        const struct mv_vmi_spec *s = expand(
                &e,
                "{'domain':{'devices':{'disks':[{'name':'root','cdrom':{}}],'filesystems':[{'name':'fs',"
                "'virtiofs':{}}]}},"
                "'volumes':[{'name':'root','containerDisk':{}},{'name':'fs','configMap':{'name':'x'}},{"
                "'name':'data',"
                "'emptyDisk':{}},{'name':'dump','memoryDump':{'claimName':'d'}},{'name':'more',"
                "'emptyDisk':{}}]}",
                NULL);
        assert_int_equal(s->domain.devices.disks.n, 4);
        assert_non_null(disk_of(s, MV_STR("root"))->cdrom);
        assert_non_null(disk_of(s, MV_STR("dump"))->disk);
        assert_non_null(disk_of(s, MV_STR("data"))->disk);
        assert_non_null(disk_of(s, MV_STR("more"))->disk);
        assert_null(disk_of(s, MV_STR("fs")));
        done(&e);
}

static const struct mv_hyperv *hyperv(struct expanded *e, const char *features) {
        char spec[512];
        snprintf(spec, sizeof spec, "{'domain':{'features':{'hyperv':{%s}}}}", features);
        return expand(e, spec, NULL)->domain.features->hyperv;
}

static bool on(const struct mv_feature_state *feature) {
        return feature && feature->enabled == MV_TRUE;
}

static void test_hyperv(void **state) {
        (void)state;
        struct expanded e;
        const struct mv_hyperv *h =
                hyperv(&e, "'relaxed':{},'vapic':{'enabled':false},'reset':{'enabled':true}");
        assert_true(on(h->relaxed) && on(h->reset));
        assert_int_equal(h->vapic->enabled, MV_FALSE);
        assert_null(h->synic);
        assert_null(h->vpindex);
        done(&e);
        h = hyperv(&e, "'synictimer':{}");
        assert_true(on(h->synictimer) && on(h->synic) && on(h->vpindex) && !h->vapic);
        done(&e);
        h = hyperv(&e, "'tlbflush':{}");
        assert_true(on(h->vpindex) && !h->synic);
        done(&e);
        h = hyperv(&e, "'ipi':{}");
        assert_true(on(h->vpindex));
        done(&e);
        h = hyperv(&e, "'synic':{'enabled':false},'synictimer':{'enabled':false},'ipi':{'enabled':false}");
        assert_null(h->vpindex);
        assert_int_equal(h->synic->enabled, MV_FALSE);
        done(&e);
        /* hypervPassthrough is not defaulted. */
        const struct mv_vmi_spec *s =
                expand(&e, "{'domain':{'features':{'hypervPassthrough':{},'hyperv':{}}}}", NULL);
        assert_int_equal(s->domain.features->hyperv_passthrough->enabled, MV_UNSET);
        done(&e);
        assert_null(expand(&e, "{'domain':{'features':{}}}", NULL)->domain.features->hyperv);
        done(&e);
}

static void vmx(const char *evmcs, const char *features, size_t n, const char *policy) {
        char spec[512];
        struct expanded e;
        snprintf(spec, sizeof spec, "{'domain':{'cpu':{'features':[%s]},'features':{'hyperv':{'evmcs':%s}}}}",
                 features, evmcs);
        const struct mv_vmi_spec *s = expand(&e, spec, NULL);
        const struct mv_cpu *cpu = s->domain.cpu;
        assert_int_equal(cpu->features.n, n);
        for (size_t i = 0; i < n; i++)
                if (mv_str_is(cpu->features.items[i].name, "vmx"))
                        assert_str(cpu->features.items[i].policy, policy);
        assert_int_equal(on(s->domain.features->hyperv->vapic), strcmp(evmcs, "{}") == 0);
        done(&e);
}

static void test_evmcs(void **state) {
        (void)state;
        vmx("{}", "", 1, "require");
        vmx("{}", "{'name':'pcid'}", 2, "require");
        vmx("{}", "{'name':'vmx','policy':'disable'},{'name':'pcid'}", 2, "require");
        vmx("{'enabled':false}", "{'name':'pcid'}", 1, "");
}

/* Applying the defaults to what has them changes nothing, and the source is never written to. */
static void test_twice(void **state) {
        (void)state;
        struct expanded e;
        expand(&e,
               "{'domain':{'features':{'hyperv':{'evmcs':{},'synictimer':{}}}},'volumes':[{'name':'v',"
               "'emptyDisk':{}}]}",
               NULL);
        struct mv_instance again;
        mv_expand_vmi(&e.arena, mv_snapshot_config(e.snapshot), &e.instance.vmi, &again);
        const struct mv_vmi_spec *a = &e.instance.vmi.spec, *b = &again.vmi.spec;
        assert_int_equal(b->networks.n, a->networks.n);
        assert_int_equal(b->domain.devices.interfaces.n, a->domain.devices.interfaces.n);
        assert_int_equal(b->domain.devices.disks.n, 1);
        assert_int_equal(b->domain.cpu->features.n, a->domain.cpu->features.n);
        assert_true(on(b->domain.features->hyperv->vpindex));
        assert_true(mv_str_equal(a->domain.cpu->model, b->domain.cpu->model));
        assert_true(mv_str_equal(a->domain.machine.type, b->domain.machine.type));
        const struct mv_vmi *source = mv_snapshot_at(e.snapshot, MV_KIND_VMI, 0);
        assert_int_equal(source->spec.networks.n, 0);
        assert_int_equal(source->spec.domain.devices.disks.n, 0);
        assert_null(source->spec.domain.cpu);
        assert_null(source->spec.domain.features->hyperv->vpindex);
        assert_int_equal(source->spec.domain.features->hyperv->evmcs->enabled, MV_UNSET);
        done(&e);
}

static void test_status(void **state) {
        (void)state;
        struct expanded e;
        expand(&e, "{}", NULL);
        const struct mv_vm *vm = mv_snapshot_at(e.snapshot, MV_KIND_VM, 0);
        const struct mv_vmi_status status = { .phase = MV_STR("Running"), .node_name = MV_STR("n1") };
        struct mv_instance with;
        mv_expand_template(&e.arena, mv_snapshot_config(e.snapshot), vm->spec.template, &vm->meta, &status,
                           &with);
        assert_str(with.vmi.status.phase, "Running");
        assert_str(with.vmi.status.node_name, "n1");
        done(&e);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_identity), cmocka_unit_test(test_machine_and_cpu_model),
                cmocka_unit_test(test_memory),   cmocka_unit_test(test_network),
                cmocka_unit_test(test_disks),    cmocka_unit_test(test_hyperv),
                cmocka_unit_test(test_evmcs),    cmocka_unit_test(test_twice),
                cmocka_unit_test(test_status),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
