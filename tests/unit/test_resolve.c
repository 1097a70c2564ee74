/* SPDX-License-Identifier: Apache-2.0 */
/* policy/resolve: which MigrationPolicy applies, and the settings that result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/kubevirt_config.h"
#include "policy/resolve.h"
#include "policy/review.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMESPACE                                                                     \
        "{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default','labels'" \
        ":{'env':'prod','team':'blue'}}}"
#define VMI_WITH(metadata)                                                                                 \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm1'" metadata \
        "},'spec':{'domain':{'devices':{}}}}"
#define VMI VMI_WITH(",'labels':{'app':'db','tier':'gold'}")
#define POLICY(name, spec)                                                                                    \
        ",{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy','metadata':{'name':'" name \
        "'},'spec':{" spec "}}"
#define ANY "'selectors':{}"
#define OF_VMI(labels) "'selectors':{'virtualMachineInstanceSelector':{" labels "}}"
#define OF_NAMESPACE(labels) "'selectors':{'namespaceSelector':{" labels "}}"
#define KUBEVIRT(migrations)                                                                               \
        ",{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv','namespace':'system'}," \
        "'spec':{'configuration':{'migrations':{" migrations "}}},'status':{'phase':'Deployed'}}"

struct resolved {
        struct mv_snapshot *snapshot;
        struct mv_arena arena;
        const struct mv_resolution *resolution;
};

static void resolve_version(struct resolved *r, const char *objects, unsigned version) {
        r->snapshot = snapshot_make(objects);
        mv_arena_init(&r->arena, &mv_allocator_system, 0);
        const struct mv_vmi *vmi =
                mv_snapshot_find(r->snapshot, MV_KIND_VMI, MV_STR("default"), MV_STR("vm1"));
        assert_non_null(vmi);
        r->resolution = mv_resolve(&r->arena, r->snapshot, vmi, version);
        assert_non_null(r->resolution);
}

static void resolved_done(struct resolved *r) {
        mv_arena_done(&r->arena);
        mv_snapshot_free(r->snapshot);
}

/* The matching policies, best first: "a(0+2) b(1+0)", the labels of the namespace before those of the instance. */
#define assert_policies(objects, expected) assert_policies_at(objects, expected, __FILE__, __LINE__)
static void assert_policies_at(const char *objects, const char *expected, const char *file, int line) {
        struct resolved r;
        char text[512] = "";
        size_t n = 0;
        resolve_version(&r, objects, UINT_MAX);
        for (size_t i = 0; i < r.resolution->n_matches; i++) {
                const struct mv_policy_match *match = &r.resolution->matches[i];
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s(%zu+%zu)", i ? " " : "",
                                      MV_STR_ARG(match->policy->meta.name), match->namespace_labels,
                                      match->vmi_labels);
        }
        assert_str_at(mv_str_from(text), expected, file, line);
        assert_true(mv_resolution_policy(r.resolution) ==
                    (r.resolution->n_matches ? &r.resolution->matches[0] : NULL));
        resolved_done(&r);
}

/* "VALUE ORIGIN", "{} ORIGIN" of a group, "" when it is absent. */
static const char *setting(const struct mv_resolution *resolution, const char *path) {
        static char text[256];
        for (size_t i = 0; i < resolution->n_settings; i++) {
                const struct mv_setting *s = &resolution->settings[i];
                if (strcmp(s->path, path) != 0)
                        continue;
                char number[32];
                snprintf(number, sizeof number, "%lld", (long long)s->number);
                struct mv_str value = s->type == MV_SETTING_BOOL  ? mv_str_from(s->number ? "true" : "false")
                                      : s->type == MV_SETTING_INT ? mv_str_from(number)
                                      : s->type == MV_SETTING_GROUP ? MV_STR("{}")
                                                                    : s->text;
                snprintf(text, sizeof text, "%.*s %.*s", MV_STR_ARG(value), MV_STR_ARG(s->from));
                return text;
        }
        return "";
}

static void test_selectors(void **state) {
        (void)state;
        assert_policies(VMI "," NAMESPACE, "");
        assert_policies(VMI "," NAMESPACE POLICY("a", "'allowPostCopy':true"), "");
        assert_policies(VMI "," NAMESPACE POLICY("a", "'selectors':null"), "");
        assert_policies(VMI "," NAMESPACE POLICY("a", ANY), "a(0+0)");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("")), "a(0+0)");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("'app':'db','tier':'gold'")), "a(0+2)");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("'app':'db','tier':'silver'")), "");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("'app':'db','zone':'x'")), "");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("'app':''")), "");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("'team':'blue'")), ""); /* the namespace's */
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_NAMESPACE("'team':'blue'")), "a(1+0)");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_NAMESPACE("'team':'red'")), "");
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_NAMESPACE("'app':'db'")), ""); /* the instance's */
        assert_policies(VMI "," NAMESPACE POLICY("a", "'selectors':{'namespaceSelector':{'env':'prod'},"
                                                      "'virtualMachineInstanceSelector':{'app':'db'}}"),
                        "a(1+1)");
        assert_policies(VMI "," NAMESPACE POLICY("a", "'selectors':{'namespaceSelector':{'env':'test'},"
                                                      "'virtualMachineInstanceSelector':{'app':'db'}}"),
                        "");
}

static void test_no_labels(void **state) {
        (void)state;
        const char *policies[] = {
                VMI_WITH("") "," NAMESPACE POLICY("a", ANY) POLICY("v", OF_VMI("'app':'db'"))
                        POLICY("n", OF_NAMESPACE("'team':'blue'")) POLICY("r", OF_NAMESPACE("'team':'red'")),
                VMI_WITH(",'labels':{}") "," NAMESPACE POLICY("a", ANY) POLICY("v", OF_VMI("'app':'db'"))
                        POLICY("n", OF_NAMESPACE("'team':'blue'")) POLICY("r", OF_NAMESPACE("'team':'red'")),
        };
        for (size_t i = 0; i < 2; i++)
                assert_policies(policies[i], "n(1+0) a(0+0)");
        /* A namespace without labels, of which nothing is unknown. */
        assert_policies(VMI ",{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'default'}}" POLICY(
                                "n", OF_NAMESPACE("'kubernetes.io/metadata.name':'default'"))
                                POLICY("a", ANY),
                        "a(0+0)");
}

static void test_order(void **state) {
        (void)state;
        assert_policies(VMI "," NAMESPACE POLICY("a", OF_VMI("'app':'db'")) POLICY("all", ANY)
                                POLICY("b", OF_VMI("'app':'db','tier':'gold'")),
                        "b(0+2) a(0+1) all(0+0)");
        /* The total first, then the instance's labels. */
        assert_policies(VMI "," NAMESPACE POLICY("v", OF_VMI("'app':'db'"))
                                POLICY("n", OF_NAMESPACE("'env':'prod','team':'blue'")),
                        "n(2+0) v(0+1)");
        assert_policies(VMI "," NAMESPACE POLICY("n", OF_NAMESPACE("'env':'prod'"))
                                POLICY("v", OF_VMI("'app':'db'")),
                        "v(0+1) n(1+0)");
        /* Then names, by bytes. */
        assert_policies(VMI "," NAMESPACE POLICY("m2", ANY) POLICY("m10", ANY) POLICY("b.x", ANY)
                                POLICY("bx", ANY) POLICY("b-x", ANY),
                        "b-x(0+0) b.x(0+0) bx(0+0) m10(0+0) m2(0+0)");
}

static void test_absent_namespace(void **state) {
        (void)state;
        struct resolved r;
        resolve_version(&r,
                        VMI POLICY("a", OF_NAMESPACE("'kubernetes.io/metadata.name':'default'"))
                                POLICY("b", OF_NAMESPACE("'kubernetes.io/metadata.name':'other'")),
                        UINT_MAX);
        assert_int_equal(r.resolution->n_matches, 1);
        assert_str(r.resolution->matches[0].policy->meta.name, "a");
        assert_false(r.resolution->namespace_matters);
        resolved_done(&r);
        resolve_version(&r, VMI POLICY("a", OF_NAMESPACE("'team':'blue'")), UINT_MAX);
        assert_int_equal(r.resolution->n_matches, 0);
        assert_true(r.resolution->namespace_matters);
        resolved_done(&r);
        resolve_version(&r, VMI "," NAMESPACE POLICY("a", OF_NAMESPACE("'team':'red'")), UINT_MAX);
        assert_false(r.resolution->namespace_matters);
        resolved_done(&r);
}

static void test_defaults(void **state) {
        (void)state;
        static const struct {
                unsigned version;
                const char *disruption, *completion, *utility, *downtime;
        } versions[] = {
                { MV_KUBEVIRT(0, 59), "", "800 default", "", "" },
                { MV_KUBEVIRT(1, 3), "", "800 default", "", "" },
                { MV_KUBEVIRT(1, 4), "", "150 default", "", "" },
                { MV_KUBEVIRT(1, 5), "false default", "150 default", "", "" },
                { MV_KUBEVIRT(1, 7), "false default", "150 default", "", "" },
                { MV_KUBEVIRT(1, 8), "false default", "150 default", "150 default", "" },
                { MV_KUBEVIRT(1, 9), "false default", "150 default", "150 default", "900 default" },
                { UINT_MAX, "false default", "150 default", "150 default", "900 default" },
        };
        for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
                struct resolved r;
                resolve_version(&r, VMI "," NAMESPACE, versions[i].version);
                assert_string_equal(setting(r.resolution, "allowWorkloadDisruption"), versions[i].disruption);
                assert_string_equal(setting(r.resolution, "completionTimeoutPerGiB"), versions[i].completion);
                assert_string_equal(setting(r.resolution, "utilityVolumesTimeout"), versions[i].utility);
                assert_string_equal(setting(r.resolution, "maxDowntimeMs"), versions[i].downtime);
                assert_string_equal(setting(r.resolution, "allowAutoConverge"), "false default");
                assert_string_equal(setting(r.resolution, "allowPostCopy"), "false default");
                assert_string_equal(setting(r.resolution, "bandwidthPerMigration"), "0 default");
                assert_string_equal(setting(r.resolution, "nodeDrainTaintKey"), "kubevirt.io/drain default");
                assert_string_equal(setting(r.resolution, "parallelMigrationsPerCluster"), "5 default");
                assert_string_equal(setting(r.resolution, "parallelOutboundMigrationsPerNode"), "2 default");
                assert_string_equal(setting(r.resolution, "progressTimeout"), "150 default");
                assert_string_equal(setting(r.resolution, "unsafeMigrationOverride"), "false default");
                assert_string_equal(setting(r.resolution, "disableTLS"), "");
                assert_string_equal(setting(r.resolution, "matchSELinuxLevelOnMigration"), "");
                assert_string_equal(setting(r.resolution, "network"), "");
                assert_string_equal(setting(r.resolution, "experimental"), "");
                for (size_t k = 1; k < r.resolution->n_settings; k++)
                        assert_true(strcmp(r.resolution->settings[k - 1].path,
                                           r.resolution->settings[k].path) < 0);
                resolved_done(&r);
        }
}

static void test_cluster(void **state) {
        (void)state;
        struct resolved r;
        resolve_version(&r,
                        VMI "," NAMESPACE KUBEVIRT("'bandwidthPerMigration':'5000','progressTimeout':0,"
                                                   "'disableTLS':false,'matchSELinuxLevelOnMigration':true,"
                                                   "'network':'','nodeDrainTaintKey':null,'maxDowntimeMs':7")
                                POLICY("a", ANY ",'bandwidthPerMigration':'1024Mi','progressTimeout':5"),
                        UINT_MAX);
        assert_string_equal(setting(r.resolution, "progressTimeout"), "0 KubeVirt/system/kv");
        assert_string_equal(setting(r.resolution, "disableTLS"), "false KubeVirt/system/kv");
        assert_string_equal(setting(r.resolution, "matchSELinuxLevelOnMigration"), "true KubeVirt/system/kv");
        assert_string_equal(setting(r.resolution, "network"), " KubeVirt/system/kv");
        assert_string_equal(setting(r.resolution, "nodeDrainTaintKey"), "kubevirt.io/drain default");
        assert_string_equal(setting(r.resolution, "maxDowntimeMs"), "7 KubeVirt/system/kv");
        assert_string_equal(setting(r.resolution, "bandwidthPerMigration"), "1Gi MigrationPolicy/a");
        resolved_done(&r);
        resolve_version(&r, VMI "," NAMESPACE KUBEVIRT("'bandwidthPerMigration':5000"), UINT_MAX);
        assert_string_equal(setting(r.resolution, "bandwidthPerMigration"), "5k KubeVirt/system/kv");
        resolved_done(&r);
}

/* allowWorkloadDisruption, by what the KubeVirt object and the policy set. */
static void test_disruption(void **state) {
        (void)state;
        static const struct {
                const char *objects, *disruption;
        } cases[] = {
                { VMI KUBEVIRT("'allowPostCopy':true"), "true KubeVirt/system/kv" },
                { VMI KUBEVIRT("'allowPostCopy':false"), "false KubeVirt/system/kv" },
                { VMI KUBEVIRT("'allowPostCopy':true,'allowWorkloadDisruption':false"),
                  "false KubeVirt/system/kv" },
                { VMI POLICY("a", ANY ",'allowPostCopy':true"), "true MigrationPolicy/a" },
                { VMI POLICY("a", ANY ",'allowPostCopy':true,'allowWorkloadDisruption':false"),
                  "false MigrationPolicy/a" },
                { VMI POLICY("a", ANY ",'allowWorkloadDisruption':true"), "true MigrationPolicy/a" },
                { VMI KUBEVIRT("'allowWorkloadDisruption':true") POLICY("a", ANY ",'allowPostCopy':false"),
                  "false MigrationPolicy/a" },
                { VMI KUBEVIRT("'allowPostCopy':true") POLICY("a", ANY ",'allowAutoConverge':true"),
                  "true KubeVirt/system/kv" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct resolved r;
                resolve_version(&r, cases[i].objects, MV_KUBEVIRT(1, 5));
                assert_string_equal(setting(r.resolution, "allowWorkloadDisruption"), cases[i].disruption);
                resolved_done(&r);
                resolve_version(&r, cases[i].objects, MV_KUBEVIRT(1, 4));
                assert_string_equal(setting(r.resolution, "allowWorkloadDisruption"), "");
                resolved_done(&r);
        }
}

static void test_experimental(void **state) {
        (void)state;
        static const char objects[] = VMI POLICY(
                "a",
                ANY ",'experimental':{'compression':'zs\\u0074d','later':1,'stallDetector':{'stallMargin':8,"
                    "'ewmaAlpha':'0.50','precopyPossibleFactor':1.5,'searchLocalMinima':false},"
                    "'downtimeTuning':{'steps':3}}");
        struct resolved r;
        resolve_version(&r, objects, UINT_MAX);
        assert_string_equal(setting(r.resolution, "experimental"), "{} MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.compression"), "zstd MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.downtimeTuning.steps"),
                            "3 MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.downtimeTuning.initialMs"), "");
        assert_string_equal(setting(r.resolution, "experimental.stallDetector.stallMargin"),
                            "8 MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.stallDetector.ewmaAlpha"),
                            "500m MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.stallDetector.precopyPossibleFactor"),
                            "1500m MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.stallDetector.searchLocalMinima"),
                            "false MigrationPolicy/a");
        assert_string_equal(setting(r.resolution, "experimental.stallDetector.switchoverTimeout"), "");
        resolved_done(&r);
        resolve_version(&r, objects, MV_KUBEVIRT(1, 9));
        assert_string_equal(setting(r.resolution, "experimental.downtimeTuning"), "");
        assert_string_equal(setting(r.resolution, "experimental.stallDetector"), "{} MigrationPolicy/a");
        resolved_done(&r);
        resolve_version(&r, objects, MV_KUBEVIRT(1, 8));
        assert_string_equal(setting(r.resolution, "experimental"), "");
        resolved_done(&r);
        /* Empty objects are kept, null is nothing, and so is what no API server stores. */
        resolve_version(&r, VMI POLICY("a", ANY ",'experimental':{'stallDetector':{}}"), UINT_MAX);
        assert_string_equal(setting(r.resolution, "experimental.stallDetector"), "{} MigrationPolicy/a");
        resolved_done(&r);
        static const char *const nothing[] = {
                VMI POLICY("a", ANY ",'experimental':null"),
                VMI POLICY("a", ANY ",'experimental':'zstd'"),
                VMI POLICY("a", ANY ",'experimental':{'compression':7}"),
        };
        for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
                resolve_version(&r, nothing[i], UINT_MAX);
                assert_string_equal(setting(r.resolution, "experimental"), "");
                resolved_done(&r);
        }
        /* The cluster cannot set it. */
        resolve_version(&r, VMI KUBEVIRT("'experimental':{'compression':'zstd'}"), UINT_MAX);
        assert_string_equal(setting(r.resolution, "experimental"), "");
        resolved_done(&r);
}

/* A policy that sets nothing is named since 1.9; before, it only keeps the others out. */
static void test_recorded(void **state) {
        (void)state;
        static const struct {
                const char *spec;
                unsigned since;
        } cases[] = {
                { "", MV_KUBEVIRT(1, 9) },
                { ",'maxDowntimeMs':5", MV_KUBEVIRT(1, 9) },
                { ",'experimental':{}", MV_KUBEVIRT(1, 9) },
                { ",'network':'x'", MV_KUBEVIRT(1, 9) },
                { ",'allowWorkloadDisruption':false", MV_KUBEVIRT(1, 5) },
                { ",'allowPostCopy':false", 0 },
                { ",'completionTimeoutPerGiB':0", 0 },
                { ",'bandwidthPerMigration':'0'", 0 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char objects[2048];
                snprintf(objects, sizeof objects, "%s" POLICY("a", OF_VMI("'app':'db'") "%s") "%s",
                         VMI "," NAMESPACE, cases[i].spec, POLICY("z", ANY ",'allowAutoConverge':true"));
                for (unsigned minor = 0; minor <= 10; minor++) {
                        struct resolved r;
                        resolve_version(&r, objects, MV_KUBEVIRT(1, minor));
                        const struct mv_policy_match *match = mv_resolution_policy(r.resolution);
                        assert_int_equal(r.resolution->n_matches, 2);
                        assert_int_equal(match != NULL, MV_KUBEVIRT(1, minor) >= cases[i].since);
                        if (match)
                                assert_str(match->policy->meta.name, "a");
                        assert_string_equal(setting(r.resolution, "allowAutoConverge"), "false default");
                        resolved_done(&r);
                }
        }
        assert_null(mv_resolution_policy(NULL));
}

static void test_rendered(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(
                VMI "," NAMESPACE POLICY("b", OF_VMI("'app':'db'") ",'experimental':{'compression':'zstd',"
                                                                   "'stallDetector':{'stallMargin':8}}")
                        POLICY("a", OF_NAMESPACE("'team':'blue'")) POLICY("c", ANY)
                                KUBEVIRT("'bandwidthPerMigration':'5000','network':'net'"));
        struct judged judged;
        judge(&judged, snapshot, MV_KIND_VMI, "vm1");
        assert_non_null(strstr(
                judged.text,
                ",\"policy\":{\"name\":\"b\",\"matched\":{\"namespaceLabels\":0,\"virtualMachineInstanceLabels\":1},"
                "\"candidates\":["
                "{\"name\":\"a\",\"matched\":{\"namespaceLabels\":1,\"virtualMachineInstanceLabels\":0}},"
                "{\"name\":\"c\",\"matched\":{\"namespaceLabels\":0,\"virtualMachineInstanceLabels\":0}}]},"
                "\"migrationConfiguration\":{\"allowAutoConverge\":{\"value\":false,\"from\":\"default\"},"));
        assert_non_null(strstr(
                judged.text,
                "\"bandwidthPerMigration\":{\"value\":\"5k\",\"from\":\"KubeVirt/system/kv\"},"
                "\"completionTimeoutPerGiB\":{\"value\":150,\"from\":\"default\"},"
                "\"experimental\":{\"compression\":{\"value\":\"zstd\",\"from\":\"MigrationPolicy/b\"},"
                "\"stallDetector\":{\"stallMargin\":{\"value\":8,\"from\":\"MigrationPolicy/b\"}}},"
                "\"maxDowntimeMs\":{\"value\":900,\"from\":\"default\"},"
                "\"network\":{\"value\":\"net\",\"from\":\"KubeVirt/system/kv\"},"));
        judged_done(&judged);
        judge_version(&judged, snapshot, MV_KIND_VMI, "vm1", "v1.8.2");
        assert_non_null(strstr(judged.text, ",\"policy\":null,\"migrationConfiguration\":{"));
        assert_null(strstr(judged.text, "experimental"));
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* The labels are those of the instance to be, which come from the template. */
static void test_vm(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'vm2','labels':{'app':"
                "'web'}},'spec':{'running':true,'template':{'metadata':{'labels':{'app':'db'}},'spec':{'domain':{'devices':{}}}}}},"
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'m'},"
                "'spec':{'vmiName':'none'}}" POLICY("of-vm", OF_VMI("'app':'web'"))
                        POLICY("of-template", OF_VMI("'app':'db'")));
        struct judged judged;
        judge(&judged, snapshot, MV_KIND_VM, "vm2");
        assert_str(mv_resolution_policy(judged.verdict.resolution)->policy->meta.name, "of-template");
        judged_done(&judged);
        /* Without an instance there is nothing to say. */
        judge(&judged, snapshot, MV_KIND_MIGRATION, "m");
        assert_null(judged.verdict.resolution);
        assert_non_null(strstr(judged.text, ",\"policy\":null,\"migrationConfiguration\":{}"));
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* The audit annotation of an admission review. */
static void assert_annotation(const struct mv_snapshot *snapshot, const char *app, const char *expected) {
        char text[1024];
        snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u','operation':"
                "'CREATE','resource':{'group':'kubevirt.io','version':'v1','resource':'virtualmachineinstances'},"
                "'namespace':'default','userInfo':{'username':'me'},'object':{'apiVersion':'kubevirt.io/v1','kind':"
                "'VirtualMachineInstance','metadata':{'labels':{'app':'%s'}},'spec':{'domain':{'devices':{}}}}}}",
                app);
        struct mv_str body = json_make(text);
        struct mv_arena arena;
        struct mv_buf response;
        struct mv_config config;
        struct mv_review_result result;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        mv_config_init(&config);
        const struct mv_review_input input = { .arena = &arena, .snapshot = snapshot, .config = &config };
        assert_int_equal(mv_review_answer(&input, body, &response, &result), 200);
        assert_str(result.decision.policy, expected);
        snprintf(text, sizeof text, "\"policy\":\"%s\"", expected);
        assert_non_null(strstr(response.p, text));
        mv_buf_done(&response);
        mv_arena_done(&arena);
        text_free(body);
}

static void test_annotation(void **state) {
        (void)state;
        struct mv_snapshot *snapshot = snapshot_make(NAMESPACE POLICY("a", OF_VMI("'app':'db'")));
        assert_annotation(snapshot, "db", "a");
        assert_annotation(snapshot, "web", "none");
        mv_snapshot_free(snapshot);
}

/* Every allocation fails in turn: nothing, or all of it. */
static void test_memory(void **state) {
        (void)state;
        struct mv_snapshot *snapshot =
                snapshot_make(VMI "," NAMESPACE POLICY("b", ANY ",'experimental':{'stallDetector':{}}")
                                      POLICY("a", ANY ",'bandwidthPerMigration':'5000'"));
        const struct mv_vmi *vmi = mv_snapshot_find(snapshot, MV_KIND_VMI, MV_STR("default"), MV_STR("vm1"));
        bool done = false;
        for (size_t cap = 1; !done; cap += 64) {
                struct mv_arena arena;
                mv_arena_init(&arena, &mv_allocator_system, cap);
                const struct mv_resolution *resolution = mv_resolve(&arena, snapshot, vmi, UINT_MAX);
                assert_int_equal(resolution == NULL, mv_arena_failed(&arena));
                done = resolution != NULL;
                if (done)
                        assert_string_equal(setting(resolution, "bandwidthPerMigration"),
                                            "5k MigrationPolicy/a");
                mv_arena_done(&arena);
        }
        mv_snapshot_free(snapshot);
}

/* All policies for vm1: "a=matches b=instance:app(web)", the first label that misses and what is there instead. */
#define assert_scores(objects, expected) assert_scores_at(objects, expected, __FILE__, __LINE__)
static void assert_scores_at(const char *objects, const char *expected, const char *file, int line) {
        static const char *const words[] = { "matches", "none", "instance", "namespace", "unknown" };
        struct mv_snapshot *snapshot = snapshot_make(objects);
        struct mv_arena arena;
        char text[512] = "";
        size_t n, used = 0;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_vmi *vmi = mv_snapshot_find(snapshot, MV_KIND_VMI, MV_STR("default"), MV_STR("vm1"));
        const struct mv_policy_score *scores = mv_policy_scores(&arena, snapshot, vmi, &n);
        for (size_t i = 0; i < n; i++) {
                const struct mv_policy_score *score = &scores[i];
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s=%s", i ? " " : "",
                                         MV_STR_ARG(score->match.policy->meta.name), words[score->miss]);
                if (score->label)
                        used += (size_t)snprintf(text + used, sizeof text - used, ":%.*s(%.*s)",
                                                 MV_STR_ARG(score->label->key),
                                                 MV_STR_ARG(score->found ? *score->found : MV_STR("-")));
        }
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
        if (strcmp(text, expected) != 0) {
                print_error("\"%s\" is not \"%s\"\n", text, expected);
                _fail(file, line);
        }
}

static void test_scores(void **state) {
        (void)state;
        assert_scores(VMI "," NAMESPACE, "");
        assert_scores(VMI "," NAMESPACE POLICY("c", ANY) POLICY("b", OF_VMI("'app':'db'")) POLICY("a", ""),
                      "b=matches c=matches a=none");
        assert_scores(VMI "," NAMESPACE POLICY("b", OF_VMI("'app':'web'"))
                              POLICY("a", OF_VMI("'app':'db','zone':'x','zz':'y'")),
                      "a=instance:zone(-) b=instance:app(db)");
        assert_scores(VMI "," NAMESPACE POLICY("b", OF_NAMESPACE("'env':'test'"))
                              POLICY("a", OF_NAMESPACE("'env':'prod','tier':'x'")),
                      "a=namespace:tier(-) b=namespace:env(prod)");
        /* Of a Namespace that is not there only the name is known. */
        assert_scores(VMI POLICY("b", OF_NAMESPACE("'env':'prod'"))
                              POLICY("a", OF_NAMESPACE("'kubernetes.io/metadata.name':'other'"))
                                      POLICY("c", OF_NAMESPACE("'kubernetes.io/metadata.name':'default'")),
                      "c=matches a=namespace:kubernetes.io/metadata.name(default) b=unknown:env(-)");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_selectors),  cmocka_unit_test(test_no_labels),
                cmocka_unit_test(test_order),      cmocka_unit_test(test_absent_namespace),
                cmocka_unit_test(test_defaults),   cmocka_unit_test(test_cluster),
                cmocka_unit_test(test_disruption), cmocka_unit_test(test_experimental),
                cmocka_unit_test(test_recorded),   cmocka_unit_test(test_rendered),
                cmocka_unit_test(test_vm),         cmocka_unit_test(test_annotation),
                cmocka_unit_test(test_memory),     cmocka_unit_test(test_scores),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
