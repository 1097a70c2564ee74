/* SPDX-License-Identifier: Apache-2.0 */
/* policy/convergence: how much is copied, how long it takes, and how long it may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/convergence.h"

#include <limits.h>
#include <stdio.h>

#define GIB (INT64_C(1) << 30)
#define MIB (INT64_C(1) << 20)
#define UNIT INT64_C(1000000000)

#define VMI(memory, disks, volumes, status)                                                                  \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm1'},'spec':{"  \
        "'domain':{'memory':{'guest':'" memory "'},'devices':{'disks':[" disks "]}},'volumes':[" volumes "]" \
        "},'status':{" status "}}"
#define DISK(name) "{'name':'" name "','disk':{}}"
#define POLICY(spec)                                                                                          \
        ",{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy','metadata':{'name':'p'},'" \
        "spec':{'selectors':{}," spec "}}"
#define GATES(names)                                                                                        \
        ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv','namespace':'system'},'" \
        "spec':{'configuration':{'developerConfiguration':{'featureGates':[" names                          \
        "]}}},'status':{'phase':'Deployed'}}"

struct measured {
        struct mv_snapshot *snapshot;
        struct mv_arena arena;
        struct mv_instance instance;
        struct mv_copy_size size;
        struct mv_convergence figures;
};

static void measure_version(struct measured *m, const char *objects, unsigned version) {
        m->snapshot = snapshot_make(objects);
        mv_arena_init(&m->arena, &mv_allocator_system, 0);
        const struct mv_vmi *vmi =
                mv_snapshot_find(m->snapshot, MV_KIND_VMI, MV_STR("default"), MV_STR("vm1"));
        const struct mv_behaviour *behaviour = mv_behaviour_of(version);
        const struct mv_kubevirt_config *config = mv_snapshot_config(m->snapshot);
        mv_expand_vmi(&m->arena, config, vmi, &m->instance);
        const struct mv_claim_facts *claims =
                mv_claims_resolve(&m->arena, m->snapshot, behaviour, &m->instance);
        assert_true(mv_copy_size_of(&m->arena, m->snapshot, behaviour, &m->instance, claims, &m->size));
        const struct mv_resolution *resolution =
                mv_resolve(&m->arena, m->snapshot, &m->instance.vmi, version);
        mv_convergence_of(&m->size, resolution, config, behaviour, &m->instance.vmi, &m->figures);
}

static void measure(struct measured *m, const char *objects) {
        measure_version(m, objects, UINT_MAX);
}

static void measured_done(struct measured *m) {
        mv_arena_done(&m->arena);
        mv_snapshot_free(m->snapshot);
}

static int64_t rate_of(const char *text) {
        struct mv_quantity quantity;
        assert_int_equal(mv_quantity_parse(mv_str_from(text), &quantity, NULL), 0);
        return mv_copy_rate(&quantity);
}

static void test_rate(void **state) {
        (void)state;
        assert_int_equal(rate_of("0"), 0);
        assert_int_equal(rate_of("-1"), 0);
        assert_int_equal(rate_of("1"), MIB);
        assert_int_equal(rate_of("1048575"), MIB);
        assert_int_equal(rate_of("1.4Mi"), MIB);
        assert_int_equal(rate_of("1.5Mi"), 2 * MIB);
        assert_int_equal(rate_of("64Mi"), 64 * MIB);
        assert_int_equal(rate_of("100M"), 95 * MIB);
}

static void test_time(void **state) {
        (void)state;
        assert_int_equal(mv_copy_time(0, 0), 0);
        assert_int_equal(mv_copy_time(1, 0), INT64_MAX);
        assert_int_equal(mv_copy_time(1, 3), 334);
        assert_int_equal(mv_copy_time(8 * GIB, 64 * MIB), 128000);
        assert_int_equal(mv_copy_time(INT64_MAX, 1), INT64_MAX);
        assert_int_equal(mv_copy_time(INT64_MAX - 1, 1), INT64_MAX);
}

/* Units of 10^9 bytes, begun ones count in full. */
static void test_deadline(void **state) {
        (void)state;
        assert_int_equal(mv_copy_deadline(150, 4 * UNIT), 600);
        assert_int_equal(mv_copy_deadline(150, 4 * UNIT + 1), 750);
        assert_int_equal(mv_copy_deadline(150, 4 * GIB), 750);
        assert_int_equal(mv_copy_deadline(0, GIB), 0);
        assert_int_equal(mv_copy_deadline(150, 0), 0);
        assert_int_equal(mv_copy_deadline(INT64_MAX, 2 * UNIT), INT64_MAX);
        assert_int_equal(mv_copy_rate_needed(4 * GIB, 750), 5726624);
        assert_int_equal(mv_copy_rate_needed(GIB, 0), 0);
        assert_int_equal(mv_copy_rate_needed(GIB, -1), INT64_MAX);
}

static void test_span(void **state) {
        (void)state;
        const struct mv_copy_size memory = { .memory = 8 * GIB, .least = 8 * GIB, .most = 8 * GIB };
        struct mv_copy_span span = mv_copy_span_of(&memory, 64 * MIB, 0);
        assert_int_equal(span.least, 128000);
        assert_int_equal(span.most, 128000);
        span = mv_copy_span_of(&memory, 64 * MIB, 32 * MIB);
        assert_int_equal(span.least, 128000);
        assert_int_equal(span.most, 256000);
        span = mv_copy_span_of(&memory, 64 * MIB, 64 * MIB);
        assert_int_equal(span.least, 128000);
        assert_int_equal(span.most, INT64_MAX);
        /* What is dirty is memory; disks are copied once. */
        const struct mv_copy_size disks = { .memory = 8 * GIB, .least = 8 * GIB, .most = 12 * GIB };
        assert_int_equal(mv_copy_span_of(&disks, 64 * MIB, 32 * MIB).most, 320000);
        const struct mv_copy_size unknown = { .memory = 8 * GIB, .least = 8 * GIB, .most = INT64_MAX };
        assert_int_equal(mv_copy_span_of(&unknown, 64 * MIB, 0).least, 128000);
        assert_int_equal(mv_copy_span_of(&unknown, 64 * MIB, 0).most, INT64_MAX);
}

static void test_memory_only(void **state) {
        (void)state;
        struct measured m;
        measure(&m, VMI("8Gi", DISK("a"), "{'name':'a','persistentVolumeClaim':{'claimName':'c'}}", ""));
        assert_int_equal(m.size.memory, 8 * GIB);
        assert_int_equal(m.size.most, 8 * GIB);
        assert_int_equal(m.size.counted, 8 * GIB);
        assert_int_equal(m.size.n_copied, 0);
        assert_false(m.size.block);
        assert_int_equal(m.figures.deadline, 1350);
        assert_int_equal(m.figures.rate, 0);
        assert_int_equal(m.figures.action, MV_DEADLINE_ABORT);
        assert_int_equal(mv_convergence_in_time(&m.size, &m.figures), MV_IN_TIME_UNLIMITED);
        measured_done(&m);
}

/* Container disks are copied and counted, nobody knows how much; empty disks are copied and not counted. */
static void test_local_disks(void **state) {
        (void)state;
        struct measured m;
        measure(&m,
                VMI("1Gi", DISK("os") "," DISK("scratch") "," DISK("eph") ",{'name':'cd','cdrom':{}}",
                    "{'name':'os','containerDisk':{'image':'x'}},{'name':'scratch','emptyDisk':{"
                    "'capacity':'2Gi'}},{'name':'eph','ephemeral':{'persistentVolumeClaim':{'claimName':'c'}}},"
                    "{'name':'cd','containerDisk':{'image':'y'}},{'name':'init','cloudInitNoCloud':{}}",
                    "") ",{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'c'},'spec':{"
                        "'resources':{'requests':{'storage':'3Gi'}}}}");
        assert_true(m.size.block);
        assert_int_equal(m.size.n_copied, 3);
        assert_str(m.size.copied[0].volume, "os");
        assert_int_equal(m.size.copied[0].most, INT64_MAX);
        assert_int_equal(m.size.copied[0].counts, -1);
        assert_int_equal(m.size.copied[1].most, 2 * GIB);
        assert_int_equal(m.size.copied[1].counts, 0);
        assert_int_equal(m.size.copied[2].most, 3 * GIB);
        assert_int_equal(m.size.copied[2].counts, -1);
        assert_int_equal(m.size.copied[2].index, 2);
        assert_int_equal(m.size.most, INT64_MAX);
        assert_int_equal(m.size.disks, 5 * GIB);
        assert_int_equal(m.size.counted, GIB);
        assert_true(m.size.counts_more);
        measured_done(&m);
}

#define MIGRATED(source)                                                                        \
        VMI("1Gi", DISK("data"), "{'name':'data','persistentVolumeClaim':{'claimName':'new'}}", \
            "'migratedVolumes':[{'volumeName':'data'" source "}]")

static void test_migrated_volumes(void **state) {
        (void)state;
        struct measured m;
        const char *objects = MIGRATED(",'sourcePVCInfo':{'claimName':'old','capacity':{'storage':'10Gi'},"
                                       "'requests':{'storage':'9Gi'}}");
        measure(&m, objects);
        assert_int_equal(m.size.n_copied, 1);
        assert_true(m.size.copied[0].migrated);
        assert_int_equal(m.size.counted, 10 * GIB);
        assert_int_equal(m.size.most, 11 * GIB);
        assert_int_equal(m.size.least, GIB);
        assert_false(m.size.counts_more);
        measured_done(&m);
        /* Versions before there were any. */
        measure_version(&m, objects, MV_KUBEVIRT(1, 2));
        assert_int_equal(m.size.n_copied, 0);
        assert_int_equal(m.size.counted, GIB);
        measured_done(&m);
        measure(&m, MIGRATED(""));
        assert_int_equal(m.size.counted, GIB);
        assert_int_equal(m.size.most, INT64_MAX);
        measured_done(&m);
}

static void assert_in_time(const char *objects, enum mv_in_time expected) {
        struct measured m;
        measure(&m, objects);
        assert_int_equal(mv_convergence_in_time(&m.size, &m.figures), expected);
        measured_done(&m);
}

#define VMI_ON_EMPTY_DISK(capacity) \
        VMI("8Gi", DISK("s"), "{'name':'s','emptyDisk':{'capacity':'" capacity "'}}", "")
#define VMI_ON_CONTAINER_DISK VMI("8Gi", DISK("s"), "{'name':'s','containerDisk':{'image':'x'}}", "")

static void test_in_time(void **state) {
        (void)state;
        /* 8Gi: 9 units. 64Mi/s: 128 s. */
        assert_in_time(VMI("8Gi", "", "", "")
                               POLICY("'bandwidthPerMigration':'64Mi','completionTimeoutPerGiB':15"),
                       MV_IN_TIME_YES);
        assert_in_time(VMI("8Gi", "", "", "")
                               POLICY("'bandwidthPerMigration':'64Mi','completionTimeoutPerGiB':14"),
                       MV_IN_TIME_NO);
        assert_in_time(VMI("8Gi", "", "", "") POLICY("'completionTimeoutPerGiB':14"), MV_IN_TIME_UNLIMITED);
        assert_in_time(VMI("8Gi", "", "", "")
                               POLICY("'bandwidthPerMigration':'1Mi','completionTimeoutPerGiB':0"),
                       MV_IN_TIME_UNLIMITED);
        assert_in_time(VMI("8Gi", "", "", "")
                               POLICY("'bandwidthPerMigration':'64Mi','completionTimeoutPerGiB':"
                                      "14,'experimental':{'compression':'zstd'}"),
                       MV_IN_TIME_DEPENDS);
        assert_in_time(VMI_ON_EMPTY_DISK("1Gi")
                               POLICY("'bandwidthPerMigration':'64Mi','completionTimeoutPerGiB':15"),
                       MV_IN_TIME_DEPENDS);
        assert_in_time(VMI_ON_EMPTY_DISK("100Mi")
                               POLICY("'bandwidthPerMigration':'64Mi','completionTimeoutPerGiB':15"),
                       MV_IN_TIME_YES);
        /* 15 s a unit need 63.6Mi/s, and what is written is given as much time; 64Mi/s are enough, 63Mi/s are not. */
        assert_in_time(
                VMI_ON_CONTAINER_DISK POLICY("'bandwidthPerMigration':'64Mi','completionTimeoutPerGiB':15"),
                MV_IN_TIME_YES);
        assert_in_time(
                VMI_ON_CONTAINER_DISK POLICY("'bandwidthPerMigration':'63Mi','completionTimeoutPerGiB':15"),
                MV_IN_TIME_DEPENDS);
        assert_in_time(
                VMI_ON_CONTAINER_DISK POLICY("'bandwidthPerMigration':'32Mi','completionTimeoutPerGiB':15"),
                MV_IN_TIME_NO);
}

static void assert_action(const char *objects, unsigned version, enum mv_deadline_action expected) {
        struct measured m;
        measure_version(&m, objects, version);
        assert_int_equal(m.figures.action, expected);
        measured_done(&m);
}

#define HOST_DEVICE                                                                                         \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm1'},'spec':{" \
        "'domain':{'memory':{'guest':'1Gi'},'devices':{'gpus':[{'name':'g','deviceName':'d'}]}}}}"
#define PLAIN VMI("1Gi", "", "", "")

static void test_action(void **state) {
        (void)state;
        assert_action(PLAIN, UINT_MAX, MV_DEADLINE_ABORT);
        assert_action(PLAIN POLICY("'allowPostCopy':true"), UINT_MAX, MV_DEADLINE_POST_COPY);
        assert_action(PLAIN POLICY("'allowPostCopy':true"), MV_KUBEVIRT(1, 4), MV_DEADLINE_POST_COPY);
        assert_action(PLAIN POLICY("'allowPostCopy':true,'allowWorkloadDisruption':false"), UINT_MAX,
                      MV_DEADLINE_ABORT);
        assert_action(PLAIN POLICY("'allowPostCopy':true,'allowWorkloadDisruption':false"), MV_KUBEVIRT(1, 4),
                      MV_DEADLINE_POST_COPY);
        assert_action(PLAIN POLICY("'allowWorkloadDisruption':true"), UINT_MAX, MV_DEADLINE_PAUSE);
        assert_action(PLAIN POLICY("'completionTimeoutPerGiB':0"), UINT_MAX, MV_DEADLINE_NONE);
        assert_action(HOST_DEVICE POLICY("'allowPostCopy':true"), UINT_MAX, MV_DEADLINE_DOWNTIME);
        assert_action(HOST_DEVICE POLICY("'allowPostCopy':true"), MV_KUBEVIRT(1, 8), MV_DEADLINE_POST_COPY);
        assert_action(PLAIN GATES("'MigrationStallDetection'"), UINT_MAX, MV_DEADLINE_DETECTOR);
        assert_action(PLAIN GATES("'HostDisk'"), UINT_MAX, MV_DEADLINE_ABORT);
}

static void test_texts(void **state) {
        (void)state;
        char out[MV_COPY_TEXT];
        assert_str(mv_copy_bytes_text(0, out), "0");
        assert_str(mv_copy_bytes_text(1023, out), "1023");
        assert_str(mv_copy_bytes_text(64 * MIB, out), "64Mi");
        assert_str(mv_copy_bytes_text(GIB + GIB / 2, out), "1.5Gi");
        assert_str(mv_copy_bytes_text(GIB + 1, out), "1Gi");
        assert_str(mv_copy_bytes_text(INT64_MAX, out), "8Ei");
        assert_str(mv_copy_time_text(400, out), "400ms");
        assert_str(mv_copy_time_text(1000, out), "1s");
        assert_str(mv_copy_time_text(128000, out), "2m8s");
        assert_str(mv_copy_time_text(3723000, out), "1h2m3s");
        assert_str(mv_copy_time_text(180000, out), "3m");
        assert_str(mv_copy_time_text(3600000, out), "1h");
        assert_str(mv_copy_time_text(INT64_MAX, out), "never");
        assert_str(mv_copy_time_text(INT64_MAX - 1, out), "2562047788015h12m56s");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rate),
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_deadline),
                cmocka_unit_test(test_span),
                cmocka_unit_test(test_memory_only),
                cmocka_unit_test(test_local_disks),
                cmocka_unit_test(test_migrated_volumes),
                cmocka_unit_test(test_in_time),
                cmocka_unit_test(test_action),
                cmocka_unit_test(test_texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
