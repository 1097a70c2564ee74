/* SPDX-License-Identifier: Apache-2.0 */
/* KubeVirt's own refusals, request by request: code and message, and the causes where they say more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/mirror.h"

#include <stdio.h>

#define KUBEVIRT(configuration)                                                                         \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'kv','namespace':'virt'}," \
        "'spec':{'configuration':{" configuration "}},'status':{'phase':'Deployed'}}"
#define GATES(list) "'developerConfiguration':{'featureGates':[" list "]}"
#define ADMIN "admin"
#define ACCOUNT(name) "system:serviceaccount:virt:" name

enum resource { MIGRATIONS, INSTANCES, MACHINES, POLICIES, EVICTIONS };
static const struct {
        const char *group, *version, *resource, *sub_resource;
} resources[] = {
        [MIGRATIONS] = { "kubevirt.io", "v1", "virtualmachineinstancemigrations", "" },
        [INSTANCES] = { "kubevirt.io", "v1", "virtualmachineinstances", "" },
        [MACHINES] = { "kubevirt.io", "v1", "virtualmachines", "" },
        [POLICIES] = { "migrations.kubevirt.io", "v1alpha1", "migrationpolicies", "" },
        [EVICTIONS] = { "", "v1", "pods", "eviction" },
};

struct request {
        const char *objects; /* of the cluster */
        enum resource resource;
        const char *user, *now, *before;  /* before NULL: a create */
        const char *extra, *name, *group; /* NULL, unless they matter */
        char end;                         /* so that the compiler does not ask for what is left out */
};

/* What was answered: "allowed", or "CODE MESSAGE"; with causes "CODE MESSAGE {REASON FIELD}...", and " -> NODE" when an
 * instance was marked. */
static char answer[4096];

static const char *ask(const struct request *asked) {
        struct mv_arena arena;
        struct mv_decision decision;
        struct mv_str now = json_make(asked->now ? asked->now : ""),
                      before = json_make(asked->before ? asked->before : "");
        struct mv_str extra = json_make(asked->extra ? asked->extra : "");
        struct mv_snapshot *snapshot = snapshot_make(asked->objects);
        const struct mv_review_request request = {
                .uid = MV_STR("u"),
                .name = mv_str_from(asked->name ? asked->name : "x"),
                .namespace = MV_STR("default"),
                .operation = asked->before ? MV_STR("UPDATE") : MV_STR("CREATE"),
                .sub_resource = mv_str_from(resources[asked->resource].sub_resource),
                .resource = { .group = mv_str_from(asked->group ? asked->group
                                                                : resources[asked->resource].group),
                              .version = mv_str_from(resources[asked->resource].version),
                              .resource = mv_str_from(resources[asked->resource].resource) },
                .user = { .username = mv_str_from(asked->user), .extra = extra },
                .object = now,
                .old_object = before,
        };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_decision_init(&decision);
        bool refused = mv_mirror(&(struct mv_mirror_input){ .arena = &arena,
                                                            .snapshot = snapshot,
                                                            .config = mv_snapshot_config(snapshot),
                                                            .request = &request },
                                 &decision);
        assert_int_equal(refused, !decision.allowed);
        int n = refused ? snprintf(answer, sizeof answer, "%d %.*s", decision.code,
                                   MV_STR_ARG(decision.message))
                        : snprintf(answer, sizeof answer, "allowed");
        assert_str(decision.reason, decision.causes ? "Invalid" : "");
        for (const struct mv_cause *cause = decision.causes; cause; cause = cause->next)
                n += snprintf(answer + n, sizeof answer - (size_t)n, " {%.*s%s%.*s}",
                              MV_STR_ARG(cause->reason), cause->field.n ? " " : "", MV_STR_ARG(cause->field));
        if (decision.evacuation.n)
                snprintf(answer + n, sizeof answer - (size_t)n, " -> %.*s", MV_STR_ARG(decision.evacuation));
        mv_arena_done(&arena);
        mv_snapshot_free(snapshot);
        text_free(now);
        text_free(before);
        text_free(extra);
        return answer;
}

/* The last member of a case's request may be left out; so the expectation comes first. */
#define assert_answer(expected, ...) \
        assert_string_equal(ask(&(struct request){ __VA_ARGS__, .end = 0 }), expected)

/* --- migrations --- */

#define MIGRATION(labels, spec, phase) \
        "{'metadata':{'name':'m'" labels "},'spec':{" spec "},'status':{'phase':'" phase "'}}"
#define LABEL(value) ",'labels':{'kubevirt.io/vmi-name':'" value "'}"

static void test_migration(void **state) {
        (void)state;
        /* What the request-* rules say is tested with them; here nobody judged. */
        assert_answer("allowed", "", MIGRATIONS, ADMIN, MIGRATION("", "'vmiName':'a'", ""));
        assert_answer("422 spec.x in body is a forbidden property {}", "", MIGRATIONS, ADMIN,
                      MIGRATION("", "'vmiName':'a','x':1", ""));
        assert_answer("400 expect resource to be '{kubevirt.io v1 virtualmachineinstancemigrations}'", "",
                      MIGRATIONS, ADMIN, MIGRATION("", "'vmiName':'a','x':1", ""),
                      .group = "old.kubevirt.io");
        assert_answer("allowed", "", MIGRATIONS, ADMIN, MIGRATION("", "'x':1", ""), .group = "example.com");
}

static void test_migration_update(void **state) {
        (void)state;
        const char *spec = "422 update of Migration object's spec is restricted {FieldValueNotSupported}";
        const char *removed =
                "422 selector label can't be removed from an in-flight migration {FieldValueNotSupported}";
        const char *modified =
                "422 selector label can't be modified on an in-flight migration {FieldValueNotSupported}";
        const char *before = MIGRATION(LABEL("a"), "'vmiName':'a'", "Running");
#define UPDATE(expected, now, old) assert_answer(expected, "", MIGRATIONS, ADMIN, now, old)
        UPDATE("allowed", before, before);
        UPDATE(spec, MIGRATION(LABEL("a"), "'vmiName':'b'", "Running"), before);
        UPDATE(spec, MIGRATION(LABEL("a"), "'vmiName':'b'", "Failed"), before);
        UPDATE(spec, MIGRATION(LABEL("a"), "'vmiName':'a','priority':''", "Running"), before);
        UPDATE(spec, MIGRATION("", "'vmiName':'b'", "Running"), before);
        UPDATE("allowed", MIGRATION(LABEL("a"), "'addedNodeSelector':{},'vmiName':'a'", "Running"), before);
        UPDATE(removed, MIGRATION("", "'vmiName':'a'", "Running"), before);
        UPDATE(modified, MIGRATION(",'labels':{}", "'vmiName':'a'", "Running"), before);
        UPDATE(modified, MIGRATION(",'labels':{'a':'b'}", "'vmiName':'a'", ""), before);
        UPDATE(modified, MIGRATION(LABEL("b"), "'vmiName':'a'", "Pending"), before);
        UPDATE("allowed", MIGRATION(LABEL("b"), "'vmiName':'a'", "Failed"), before);
        UPDATE("allowed", MIGRATION("", "'vmiName':'a'", "Succeeded"), before);
        UPDATE("allowed", before, MIGRATION("", "'vmiName':'a'", "Running"));
        UPDATE("422 spec.x in body is a forbidden property {}",
               MIGRATION("", "'vmiName':'b','x':1", "Running"), before);
        UPDATE("400 status: must be an object", "{'spec':{},'status':[]}", before);
        /* For everybody. */
        assert_answer(spec, "", MIGRATIONS, ACCOUNT("kubevirt-controller"),
                      MIGRATION(LABEL("a"), "'vmiName':'b'", "Running"), before);
}

/* --- machines and instances --- */

#define TEMPLATE(meta, spec) "'template':{'metadata':{" meta "},'spec':{" spec "}}"
#define MACHINE(rest) "{'metadata':{'name':'v'},'spec':{" rest "}}"
#define DOMAIN(interface, network)                                                                                      \
        "'domain':{'devices':{'interfaces':[{'name':'default'," interface "}]}},'networks':[{'name':'default'," network \
        "}]"
#define POD DOMAIN("'masquerade':{}", "'pod':{}")
#define NO_BRIDGE KUBEVIRT("'network':{'permitBridgeInterfaceOnPodNetwork':false}")
#define MASQUERADE \
        KUBEVIRT(  \
                "'network':{'permitBridgeInterfaceOnPodNetwork':false,'defaultNetworkInterface':'masquerade'}")

static void test_machine(void **state) {
        (void)state;
        const char *reserved =
                "422 creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited "
                "{FieldValueNotSupported spec.template.metadata.labels}";
        const char *labelled = MACHINE("'runStrategy':'Halted'," TEMPLATE(
                "'labels':{'a':'b','kubevirt.io/schedulable':'true'}", POD));
        assert_answer("allowed", "", MACHINES, ADMIN, MACHINE("'runStrategy':'Once'," TEMPLATE("", POD)));
        assert_answer("allowed", "", MACHINES, ADMIN, MACHINE("'running':true," TEMPLATE("", POD)));
        assert_answer("422 Invalid RunStrategy (always) {FieldValueInvalid spec.runStrategy}", "", MACHINES,
                      ADMIN, MACHINE("'runStrategy':'always'," TEMPLATE("", POD)));
        assert_answer("422 Invalid RunStrategy () {FieldValueInvalid spec.runStrategy}", "", MACHINES, ADMIN,
                      MACHINE("'runStrategy':''," TEMPLATE("", POD)));
        assert_answer("422 RunStrategy must be specified {FieldValueInvalid spec.running}", "", MACHINES,
                      ADMIN, MACHINE(TEMPLATE("", POD)));
        assert_answer(
                "422 Running and RunStrategy are mutually exclusive. Note that Running is deprecated, please use "
                "RunStrategy instead {FieldValueInvalid spec.running}",
                "", MACHINES, ADMIN, MACHINE("'running':false,'runStrategy':'Halted'," TEMPLATE("", POD)));
        assert_answer("allowed", "", MACHINES, ADMIN,
                      MACHINE("'runStrategy':'WaitAsReceiver'," TEMPLATE("", POD)));
        assert_answer(
                "422 Invalid RunStrategy (WaitAsReceiver), DecentralizedLiveMigration feature gate is not enabled "
                "in kubevirt resource {FieldValueInvalid spec.runStrategy}",
                KUBEVIRT("'developerConfiguration':{'disabledFeatureGates':['DecentralizedLiveMigration']}"),
                MACHINES, ADMIN, MACHINE("'runStrategy':'WaitAsReceiver'," TEMPLATE("", POD)));
        assert_answer(reserved, KUBEVIRT(""), MACHINES, ADMIN, labelled);
        assert_answer(reserved, KUBEVIRT(""), MACHINES, ADMIN, labelled, labelled);
        assert_answer("allowed", KUBEVIRT(""), MACHINES, ACCOUNT("kubevirt-apiserver"), labelled);
        assert_answer(reserved, KUBEVIRT(""), MACHINES, ACCOUNT("kubevirt-operator"), labelled);
        assert_answer(reserved, KUBEVIRT(""), MACHINES, "system:serviceaccount:virtual:kubevirt-handler",
                      labelled);
        /* In the order in which KubeVirt looks, labels first. */
        assert_answer(
                "422 creation of the following reserved kubevirt.io/ labels on a VMI object is prohibited, "
                "spec.template.spec.evictionStrategy is set with an unrecognized option: livemigrate, Invalid "
                "RunStrategy (No) {FieldValueNotSupported spec.template.metadata.labels} {FieldValueInvalid "
                "spec.template.spec.evictionStrategy} {FieldValueInvalid spec.runStrategy}",
                "", MACHINES, ADMIN,
                MACHINE("'runStrategy':'No'," TEMPLATE("'labels':{'kubevirt.io/nodeName':'n'}",
                                                       "'evictionStrategy':'livemigrate'," POD)));
        assert_answer("422 spec.template in body is required {}", "", MACHINES, ADMIN,
                      MACHINE("'running':true"));
        assert_answer(
                "allowed", "", MACHINES, ADMIN,
                "{'metadata':{'deletionTimestamp':'2026-01-01T00:00:00Z'},'spec':{'template':{'spec':{}}}}");
        assert_answer("allowed", "", MACHINES, ADMIN, MACHINE("'bogus':1"),
                      .group = "vmoperator.example.com");
}

static void test_machine_network(void **state) {
        (void)state;
        const char *bridge = MACHINE("'running':true," TEMPLATE("", DOMAIN("'bridge':{}", "'pod':{}")));
        const char *slirp = MACHINE("'running':true," TEMPLATE("", DOMAIN("'slirp':{}", "'pod':{}")));
        const char *nothing = MACHINE("'running':true," TEMPLATE("", ""));
        assert_answer("allowed", "", MACHINES, ADMIN, bridge);
        assert_answer(
                "422 Bridge on pod network configuration is not enabled under kubevirt-config {FieldValueInvalid "
                "spec.template.spec.domain.devices.interfaces[0].name}",
                NO_BRIDGE, MACHINES, ADMIN, bridge);
        assert_answer("allowed", NO_BRIDGE, MACHINES, ADMIN,
                      MACHINE("'running':true," TEMPLATE(
                              "", DOMAIN("'bridge':{}", "'multus':{'networkName':'n'}"))));
        assert_answer("allowed", "", MACHINES, ADMIN, nothing);
        assert_answer("400 bridge interface is not enabled in kubevirt-config", NO_BRIDGE, MACHINES, ADMIN,
                      nothing);
        assert_answer("allowed", MASQUERADE, MACHINES, ADMIN, nothing);
        assert_answer("400 slirp interface is deprecated as of v1.3",
                      KUBEVIRT("'network':{'defaultNetworkInterface':'slirp'}"), MACHINES, ADMIN, nothing);
        assert_answer("allowed", NO_BRIDGE, MACHINES, ADMIN,
                      MACHINE("'running':true," TEMPLATE(
                              "", "'domain':{'devices':{'autoattachPodInterface':false}}")));
        assert_answer("422 Slirp interface support has been discontinued since v1.3 {FieldValueInvalid "
                      "spec.template.spec.domain.devices.interfaces[0].slirp}",
                      "", MACHINES, ADMIN, slirp);
        assert_answer("422 logical default interface must have exactly one binding method or binding plugin "
                      "{FieldValueInvalid spec.template.spec.domain.devices.interfaces[0]}",
                      "", MACHINES, ADMIN, slirp, slirp);
}

#define INSTANCE(meta, spec) "{'metadata':{'name':'v'" meta "},'spec':{" spec "}}"

static void test_instance_create(void **state) {
        (void)state;
        assert_answer("allowed", "", INSTANCES, ADMIN, INSTANCE("", "'architecture':'s390x'," POD));
        assert_answer("422 unsupported architecture: AMD64 {FieldValueInvalid spec.architecture}", "",
                      INSTANCES, ADMIN, INSTANCE("", "'architecture':'AMD64'," POD));
        /* As a client sends it, before KubeVirt's mutating webhook. */
        assert_answer("allowed", "", INSTANCES, ADMIN, INSTANCE("", POD));
        assert_answer(
                "422 Bridge on pod network configuration is not enabled under kubevirt-config, Bridge on pod "
                "network configuration is not enabled under kubevirt-config, spec.evictionStrategy is set with an "
                "unrecognized option: , creation of the following reserved kubevirt.io/ labels on a VMI object is "
                "prohibited, unsupported architecture: riscv64 {FieldValueInvalid "
                "spec.domain.devices.interfaces[0].name} {FieldValueInvalid "
                "spec.domain.devices.interfaces[0].name} {FieldValueInvalid spec.evictionStrategy} "
                "{FieldValueNotSupported metadata.labels} {FieldValueInvalid spec.architecture}",
                NO_BRIDGE, INSTANCES, ADMIN,
                INSTANCE(
                        ",'labels':{'kubevirt.io/created-by':'u'}",
                        "'evictionStrategy':'','architecture':'riscv64'," DOMAIN("'bridge':{}", "'pod':{}")));
        assert_answer("allowed", KUBEVIRT(""), INSTANCES, ACCOUNT("kubevirt-controller"),
                      INSTANCE(",'labels':{'kubevirt.io/created-by':'u'}", "'architecture':'arm64'," POD));
        assert_answer("422 spec.domain.bogus in body is a forbidden property {}", "", INSTANCES, ADMIN,
                      INSTANCE("", "'domain':{'bogus':1}"));
}

static void test_instance_update(void **state) {
        (void)state;
#define STORED(labels, spec, status) \
        "{'metadata':{'name':'v','labels':{" labels "}},'spec':{" spec "},'status':{" status "}}"
#define ON(node) STORED("", POD, "'nodeName':'" node "'")
#define MOVING(node, target) \
        STORED("", POD, "'nodeName':'" node "','migrationState':{'targetNode':'" target "'}")
#define FROM(node) .extra = "{'authentication.kubernetes.io/node-name':['" node "']}"
        const char *spec = "422 update of VMI object is restricted {FieldValueNotSupported}";
        const char *labels =
                "422 modification of the following reserved kubevirt.io/ labels on a VMI object is "
                "prohibited {FieldValueNotSupported}";
        const char *missing =
                "422 Node restriction failed, virt-handler service account is missing node name "
                "{FieldValueInvalid}";
        const char *owns = "422 Node restriction, virt-handler is only allowed to modify VMIs it owns "
                           "{FieldValueInvalid}";
        const char *sets =
                "422 Node restriction, virt-handler is not allowed to set target node {FieldValueInvalid}";
        const char *handler = ACCOUNT("kubevirt-handler"), *controller = ACCOUNT("kubevirt-controller");
        const char *stored = STORED("'kubevirt.io/nodeName':'a','x':'y'", POD, "");
        const char *changed = STORED("'kubevirt.io/nodeName':'a'", "'evictionStrategy':'None'," POD, "");
        const char *kv = KUBEVIRT("");
        assert_answer("allowed", kv, INSTANCES, ADMIN, stored, stored);
        assert_answer(spec, kv, INSTANCES, ADMIN, changed, stored);
        assert_answer("allowed", kv, INSTANCES, controller, changed, stored);
        assert_answer("allowed", kv, INSTANCES, ADMIN,
                      STORED("'kubevirt.io/nodeName':'a'", "'volumes':[]," POD, ""), stored);
        assert_answer(labels, kv, INSTANCES, ADMIN, STORED("'x':'y'", POD, ""), stored);
        assert_answer(labels, kv, INSTANCES, ADMIN, STORED("'kubevirt.io/nodeName':'b'", POD, ""), stored);
        assert_answer(labels, kv, INSTANCES, ADMIN, stored, STORED("", POD, ""));
        assert_answer("allowed", kv, INSTANCES, controller, STORED("", POD, ""), stored);
        assert_answer("allowed", kv, INSTANCES, ADMIN, STORED("'kubevirt.io/nodeName':'a','x':'z'", POD, ""),
                      stored);

        assert_answer(missing, kv, INSTANCES, handler, ON("a"), ON("a"));
        assert_answer(missing, kv, INSTANCES, handler, ON("a"), ON("a"),
                      .extra = "{'authentication.kubernetes.io/node-name':[]}");
        assert_answer("allowed", kv, INSTANCES, handler, ON("a"), ON("a"), FROM("a"));
        assert_answer(owns, kv, INSTANCES, handler, ON("a"), ON("a"), FROM("b"));
        assert_answer("allowed", kv, INSTANCES, handler, MOVING("a", "b"), MOVING("a", "b"), FROM("b"));
        assert_answer(owns, kv, INSTANCES, handler, MOVING("a", "b"), MOVING("a", "b"), FROM("c"));
        assert_answer(sets, kv, INSTANCES, handler, MOVING("a", "b"), ON("a"), FROM("a"));
        assert_answer("allowed", kv, INSTANCES, handler, MOVING("a", "c"), MOVING("a", "b"), FROM("a"));
        assert_answer("allowed", kv, INSTANCES, handler, MOVING("a", ""), ON("a"), FROM("a"));
        assert_answer("allowed",
                      KUBEVIRT("'developerConfiguration':{'disabledFeatureGates':['NodeRestriction']}"),
                      INSTANCES, handler, ON("a"), ON("a"), FROM("b"));

        const char *small = STORED("", "'domain':{'cpu':{'maxSockets':4},'memory':{'maxGuest':'4Gi'}}", "");
        assert_answer("422 CPU topology maxSockets changed {FieldValueInvalid}", kv, INSTANCES, controller,
                      STORED("", "'domain':{'cpu':{'maxSockets':8},'memory':{'maxGuest':'8Gi'}}", ""), small);
        assert_answer("422 Memory maxGuest changed {FieldValueInvalid}", kv, INSTANCES, controller,
                      STORED("", "'domain':{'cpu':{'maxSockets':4},'memory':{'maxGuest':'8Gi'}}", ""), small);
        assert_answer("allowed", kv, INSTANCES, controller,
                      STORED("",
                             "'domain':{'cpu':{'maxSockets':4,'sockets':2},'memory':{'maxGuest':'4096Mi'}}",
                             ""),
                      small);
}

/* --- policies --- */

#define POLICY(spec) "{'metadata':{'name':'p'},'spec':{" spec "}}"
#define DETECTOR(members) "'experimental':{'stallDetector':{" members "}}"
#define AT(field) " {FieldValueInvalid spec." field "}"

static void test_policy(void **state) {
        (void)state;
        const char *downtime =
                "422 maxDowntimeMs cannot be modified without enabling the MigrationStallDetection or "
                "MigrationDowntimeTuning feature gate" AT("maxDowntimeMs");
        const char *tuning = "422 experimental.downtimeTuning cannot be modified without enabling the "
                             "MigrationDowntimeTuning feature gate" AT("experimental.downtimeTuning");
        const char *detection = "422 experimental.stallDetector cannot be modified without enabling the "
                                "MigrationStallDetection feature gate" AT("experimental.stallDetector");
        const char *stall = KUBEVIRT(GATES("'MigrationStallDetection'"));
        const char *tune = KUBEVIRT(GATES("'MigrationDowntimeTuning'"));
        assert_answer("allowed", "", POLICIES, ADMIN, POLICY("'bogus':1"));
        assert_answer("allowed", "", POLICIES, ADMIN, "{}");
        assert_answer("422 must not be negative, must not be negative" AT("completionTimeoutPerGiB")
                              AT("bandwidthPerMigration"),
                      "", POLICIES, ADMIN,
                      POLICY("'bandwidthPerMigration':'-1n','completionTimeoutPerGiB':-1"));
        assert_answer("400 quantities must match the regular expression "
                      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                      "", POLICIES, ADMIN, POLICY("'bandwidthPerMigration':'fast'"));
        assert_answer(
                "400 json: cannot unmarshal number -1 into Go struct field MigrationPolicySpec.spec.maxDowntimeMs "
                "of type uint64",
                "", POLICIES, ADMIN, POLICY("'maxDowntimeMs':-1"));
        assert_answer(
                "400 unexpected resource {Group:kubevirt.io Version:v1alpha1 Resource:migrationpolicies}", "",
                POLICIES, ADMIN, POLICY(""), .group = "kubevirt.io");

        assert_answer(downtime, "", POLICIES, ADMIN, POLICY("'maxDowntimeMs':0"));
        assert_answer(downtime, "", POLICIES, ADMIN, POLICY("'maxDowntimeMs':5"),
                      POLICY("'maxDowntimeMs':4"));
        assert_answer("allowed", "", POLICIES, ADMIN, POLICY("'maxDowntimeMs':5"),
                      POLICY("'maxDowntimeMs':5"));
        assert_answer("allowed", "", POLICIES, ADMIN, POLICY(""), POLICY("'maxDowntimeMs':5"));
        assert_answer("allowed", stall, POLICIES, ADMIN, POLICY("'maxDowntimeMs':5"));
        assert_answer("allowed", tune, POLICIES, ADMIN, POLICY("'maxDowntimeMs':5"));

        assert_answer(tuning, stall, POLICIES, ADMIN, POLICY("'experimental':{'downtimeTuning':{}}"));
        assert_answer("allowed", tune, POLICIES, ADMIN, POLICY("'experimental':{'downtimeTuning':{}}"));
        assert_answer(tuning, "", POLICIES, ADMIN, POLICY("'experimental':{'downtimeTuning':{'steps':1}}"),
                      POLICY("'experimental':{'downtimeTuning':{}}"));
        assert_answer("allowed", "", POLICIES, ADMIN,
                      POLICY("'experimental':{'downtimeTuning':{'steps':1,'initialMs':2}}"),
                      POLICY("'experimental':{'downtimeTuning':{'initialMs':2,'steps':1}}"));

        assert_answer(detection, tune, POLICIES, ADMIN, POLICY(DETECTOR("")));
        assert_answer("allowed", stall, POLICIES, ADMIN, POLICY(DETECTOR("")));
        assert_answer("allowed", "", POLICIES, ADMIN, POLICY(DETECTOR("'ewmaAlpha':'0.4'")),
                      POLICY(DETECTOR("'ewmaAlpha':'400m'")));
        /* Factors are looked at even where they stay. */
        assert_answer("422 must be less than or equal to 1" AT("experimental.stallDetector.ewmaAlpha"), "",
                      POLICIES, ADMIN, POLICY(DETECTOR("'ewmaAlpha':2")),
                      POLICY(DETECTOR("'ewmaAlpha':'2'")));
        assert_answer(
                "422 experimental.stallDetector and experimental.downtimeTuning are mutually exclusive; the stall "
                "detection path manages its own downtime schedule" AT("experimental"),
                KUBEVIRT(GATES("'MigrationStallDetection','MigrationDowntimeTuning'")), POLICIES, ADMIN,
                POLICY("'experimental':{'stallDetector':{},'downtimeTuning':{}}"));

        assert_answer("400 spec.experimental: must be an object", "", POLICIES, ADMIN,
                      POLICY("'experimental':[]"));
        assert_answer("400 spec.experimental.stallDetector: must be an object", "", POLICIES, ADMIN,
                      POLICY("'experimental':{'stallDetector':[]}"));
        assert_answer("400 spec.experimental.stallDetector.ewmaAlpha: must be a string or a number", "",
                      POLICIES, ADMIN, POLICY(DETECTOR("'ewmaAlpha':{}")));
}

/* What a version does not have its API server drops before any webhook sees it. */
static void test_policy_of_older_versions(void **state) {
        (void)state;
#define OF(version)                                                                                       \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'k','namespace':'virtual'}," \
        "'status':{'phase':'Deployed','observedKubeVirtVersion':'v" version "'}}"
        const char *tuning = POLICY("'experimental':{'downtimeTuning':{}}");
        const char *downtime = POLICY("'maxDowntimeMs':5");
        const char *detection = POLICY(DETECTOR(""));
        const char *off = "422 experimental.stallDetector cannot be modified without enabling the "
                          "MigrationStallDetection feature gate" AT("experimental.stallDetector");
        assert_answer("allowed", OF("1.8.4"), POLICIES, ADMIN, downtime);
        assert_answer("allowed", OF("1.8.4"), POLICIES, ADMIN, detection);
        assert_answer("allowed", OF("1.7.0"), POLICIES, ADMIN, POLICY(DETECTOR("'ewmaAlpha':2")));
        assert_answer("allowed", OF("1.8.4"), POLICIES, ADMIN, POLICY("'experimental':[]"));
        assert_answer(off, OF("1.9.0"), POLICIES, ADMIN, detection);
        assert_answer("allowed", OF("1.9.0"), POLICIES, ADMIN, tuning);
        assert_answer("422 experimental.downtimeTuning cannot be modified without enabling the "
                      "MigrationDowntimeTuning feature gate" AT("experimental.downtimeTuning"),
                      OF("1.10.0"), POLICIES, ADMIN, tuning);
}

static void test_policy_factors(void **state) {
        (void)state;
        static const struct {
                const char *member, *message;
        } cases[] = {
                { "'ewmaAlpha':'0'", "must be greater than 0" },
                { "'ewmaAlpha':'1m'", NULL },
                { "'ewmaAlpha':1", NULL },
                { "'ewmaAlpha':'1001m'", "must be less than or equal to 1" },
                { "'ewmaAlpha':'0.1234'", "invalid scalar \"123400u\": must have at most 3 decimal places" },
                { "'ewmaAlpha':'-1'", "invalid scalar \"-1\": must not be negative" },
                { "'precopyPossibleFactor':'1'", NULL },
                { "'precopyPossibleFactor':'1k'", NULL },
                { "'precopyPossibleFactor':'999m'", "must be greater than or equal to 1" },
                { "'patienceWindowDecayFactor':'0'", NULL },
                { "'patienceWindowDecayFactor':'1.0'", NULL },
                { "'patienceWindowDecayFactor':'1.5'", "must be less than or equal to 1" },
                { "'completionTimeoutFactor':'0'", "must be greater than or equal to 1" },
                { "'completionTimeoutFactor':'2.5'", NULL },
                { "'completionTimeoutFactor':'1.0005'",
                  "invalid scalar \"1000500u\": must have at most 3 decimal places" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char object[256], expected[512];
                const char *member = cases[i].member;
                snprintf(object, sizeof object, POLICY(DETECTOR("%s")), member);
                if (cases[i].message)
                        snprintf(expected, sizeof expected,
                                 "422 %s {FieldValueInvalid spec.experimental.stallDetector.%.*s}",
                                 cases[i].message, (int)strcspn(member + 1, "'"), member + 1);
                else
                        snprintf(expected, sizeof expected, "allowed");
                assert_answer(expected, KUBEVIRT(GATES("'MigrationStallDetection'")), POLICIES, ADMIN,
                              object);
        }
}

/* --- evictions --- */

#define PLACED(name, meta, node, phase)                                                                     \
        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "'," meta "},'spec':{'nodeName':'" node \
        "'},"                                                                                               \
        "'status':{'phase':'" phase "'}}"
#define LAUNCHER_META "'labels':{'kubevirt.io':'virt-launcher'},'annotations':{'kubevirt.io/domain':'v'}"
#define LAUNCHER PLACED("x", LAUNCHER_META, "a", "Running")
#define RUNNING(spec, migratable, status)                                                          \
        ",{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'v'}," \
        "'spec':{" spec                                                                            \
        "},'status':{'nodeName':'a','conditions':[{'type':'LiveMigratable','status':'" migratable  \
        "'}]" status "}}"
#define STRATEGY(name) "'evictionStrategy':'" name "'"

static void test_eviction(void **state) {
        (void)state;
        const char *triggered = "429 Eviction triggered evacuation of VMI \"default/v\" -> a";
        const char *stuck = "429 VMI v is configured with an eviction strategy but is not live-migratable";
#define EVICT(expected, objects) assert_answer(expected, objects, EVICTIONS, ADMIN, "{}")
        EVICT("allowed", "");
        EVICT(triggered, LAUNCHER RUNNING(STRATEGY("LiveMigrate"), "True", ""));
        EVICT(stuck, LAUNCHER RUNNING(STRATEGY("LiveMigrate"), "False", ""));
        EVICT(triggered, LAUNCHER RUNNING(STRATEGY("LiveMigrateIfPossible"), "True", ""));
        EVICT("allowed", LAUNCHER RUNNING(STRATEGY("LiveMigrateIfPossible"), "Unknown", ""));
        EVICT(triggered, LAUNCHER RUNNING(STRATEGY("External"), "False", ""));
        EVICT("allowed", LAUNCHER RUNNING(STRATEGY("None"), "True", ""));
        EVICT("allowed", LAUNCHER RUNNING("", "True", ""));
        EVICT(triggered, LAUNCHER RUNNING("", "True", "") "," KUBEVIRT("'evictionStrategy':'LiveMigrate'"));
        EVICT("429 Evacuation in progress: Eviction triggered evacuation of VMI \"default/v\"",
              LAUNCHER RUNNING(STRATEGY("External"), "True", ",'evacuationNodeName':'b'"));
        EVICT("429 Eviction request for target Pod",
              PLACED("x", LAUNCHER_META, "b", "Running") RUNNING(STRATEGY("LiveMigrate"), "True", ""));
        EVICT("allowed",
              PLACED("x", LAUNCHER_META, "a", "Failed") RUNNING(STRATEGY("LiveMigrate"), "True", ""));
        EVICT("allowed", PLACED("x", "'annotations':{'kubevirt.io/domain':'v'}", "a", "Running")
                                 RUNNING(STRATEGY("LiveMigrate"), "True", ""));
        EVICT("allowed", PLACED("x", "'labels':{'kubevirt.io':'virt-launcher'}", "a", "Running")
                                 RUNNING(STRATEGY("LiveMigrate"), "True", ""));
        EVICT("429 kubevirt failed getting the vmi: virtualmachineinstances.kubevirt.io \"v\" not found",
              LAUNCHER);
}

static void test_eviction_of_hotplug(void **state) {
        (void)state;
#define OWNER(name) "{'apiVersion':'v1','kind':'Pod','name':'" name "','uid':'u','controller':true}"
#define HOTPLUG(owners) \
        PLACED("x", "'labels':{'kubevirt.io':'hotplug-disk'},'ownerReferences':[" owners "]", "a", "Running")
#define OWNING PLACED("l", LAUNCHER_META, "a", "Running")
        const char *refused =
                "429 cannot evict hotplug pod: x associated with running vmi: v in namespace default";
        EVICT(refused, HOTPLUG(OWNER("l")) "," OWNING RUNNING(STRATEGY("None"), "False", ""));
        EVICT("allowed", HOTPLUG(OWNER("l")) "," OWNING);
        EVICT("allowed", HOTPLUG(OWNER("gone")) "," OWNING RUNNING("", "True", ""));
        EVICT("allowed", HOTPLUG(OWNER("l") "," OWNER("m")) "," OWNING RUNNING("", "True", ""));
        EVICT("allowed", HOTPLUG("") "," OWNING RUNNING("", "True", ""));
        EVICT("allowed",
              HOTPLUG(OWNER("l")) "," PLACED("l", LAUNCHER_META, "a", "Succeeded") RUNNING("", "True", ""));
}

/* --- shape of a refusal --- */

static void test_many_causes(void **state) {
        (void)state;
        char object[1024], expected[2048];
        int n = snprintf(object, sizeof object, "{'spec':{"), m = snprintf(expected, sizeof expected, "422 ");
        for (int i = 0; i < 12; i++) {
                n += snprintf(object + n, sizeof object - (size_t)n, "%s'f%d':1", i ? "," : "", i);
                if (i < 10)
                        m += snprintf(expected + m, sizeof expected - (size_t)m,
                                      "%sspec.f%d in body is a forbidden property", i ? ", " : "", i);
        }
        snprintf(object + n, sizeof object - (size_t)n, "}}");
        m += snprintf(expected + m, sizeof expected - (size_t)m, ", and 2 more validation errors");
        for (int i = 0; i < 10; i++)
                m += snprintf(expected + m, sizeof expected - (size_t)m, " {}");
        assert_answer(expected, "", MIGRATIONS, ADMIN, object);
}

static void test_nothing_to_say(void **state) {
        (void)state;
        assert_answer("allowed", "", MIGRATIONS, ADMIN, NULL);
        assert_answer("allowed", "", POLICIES, ADMIN, NULL, .group = "example.com");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_migration),
                cmocka_unit_test(test_migration_update),
                cmocka_unit_test(test_machine),
                cmocka_unit_test(test_machine_network),
                cmocka_unit_test(test_instance_create),
                cmocka_unit_test(test_instance_update),
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_policy_factors),
                cmocka_unit_test(test_policy_of_older_versions),
                cmocka_unit_test(test_eviction),
                cmocka_unit_test(test_eviction_of_hotplug),
                cmocka_unit_test(test_many_causes),
                cmocka_unit_test(test_nothing_to_say),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
