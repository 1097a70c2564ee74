/* SPDX-License-Identifier: Apache-2.0 */
/* The stamp of /mutate: its patches, what its digest is made of, and that nothing makes it refuse or fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/base64.h"
#include "policy/mutate.h"
#include "policy/object/digest.h"
#include "policy/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- patches --- */

/* What of the object is patched for that stamp, with ' for ". */
static void check_patch(const char *object, const struct mv_stamp *stamp, const char *expected) {
        struct mv_arena arena;
        struct mv_buf out;
        struct mv_patched patched;
        struct mv_str text = json_make(object), wanted = json_make(expected);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_buf_init(&out, &mv_allocator_system, 1 << 16);
        assert_true(mv_patched_read(&arena, text, &patched));
        mv_patch_write(&out, &patched, stamp, NULL);
        assert_false(mv_buf_failed(&out));
        assert_str(mv_buf_str(&out), wanted.p);
        mv_buf_done(&out);
        mv_arena_done(&arena);
        text_free(text);
        text_free(wanted);
}

static const struct mv_stamp stamp = { .verdict = { "True", 4 },
                                       .policy = { "none", 4 },
                                       .inputs = { "0f", 2 } };
#define VALUES "{'migvet.io/inputs':'0f','migvet.io/policy':'none','migvet.io/verdict':'True'}"
#define STEP(name) "'path':'/metadata/annotations/migvet.io~1" name "'"

static void test_no_annotations(void **state) {
        (void)state;
        const char *whole = "[{'op':'add','path':'/metadata/annotations','value':" VALUES "}]";
        check_patch("{'metadata':{'name':'x'}}", &stamp, whole);
        check_patch("{'metadata':{}}", &stamp, whole);
        check_patch("{'metadata':{'annotations':null}}", &stamp, whole);
        const char *metadata = "[{'op':'add','path':'/metadata','value':{'annotations':" VALUES "}}]";
        check_patch("{}", &stamp, metadata);
        check_patch("{'metadata':null}", &stamp, metadata);
}

static void test_only_what_differs(void **state) {
        (void)state;
        check_patch("{'metadata':{'annotations':" VALUES "}}", &stamp, "");
        check_patch("{'metadata':{'annotations':{}}}", &stamp,
                    "[{'op':'add'," STEP("inputs") ",'value':'0f'},{'op':'add'," STEP(
                            "policy") ",'value':'none'},{'op':'add'," STEP("verdict") ",'value':'True'}]");
        check_patch(
                "{'metadata':{'annotations':{'a/b':'c','migvet.io/inputs':'0f','migvet.io/other':'d',"
                "'migvet.io/policy':'fast','migvet.io/rules':'gpu','migvet.io/targets':''}}}",
                &stamp,
                "[{'op':'replace'," STEP("policy") ",'value':'none'},{'op':'remove'," STEP(
                        "rules") "},{'op':'remove'," STEP("targets") "},{'op':'add'," STEP("verdict") ",'value':"
                                                                                                      "'True'}]");
        const struct mv_stamp quoted = { .policy = { "a\"\n", 3 } };
        check_patch("{'metadata':{'annotations':{}}}", &quoted,
                    "[{'op':'add'," STEP("policy") ",'value':'a\\'\\n'}]");
}

/* An object keeps the stamp it has, also one without values. */
static void test_nothing_to_change(void **state) {
        (void)state;
        static const char *const objects[] = {
                "{}",
                "{'metadata':{}}",
                "{'metadata':{'annotations':{}}}",
                "{'metadata':{'annotations':{'a':'b'}}}",
                "{'metadata':{'annotations':{'migvet.io/rules':'','migvet.io/verdict':'x'}}}",
        };
        for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
                struct mv_arena arena;
                struct mv_patched patched;
                struct mv_stamp kept = { 0 };
                struct mv_str text = json_make(objects[i]);
                mv_arena_init(&arena, &mv_allocator_system, 0);
                assert_true(mv_patched_read(&arena, text, &patched));
                if (patched.meta)
                        mv_stamp_read(&patched.meta->annotations, &kept);
                check_patch(objects[i], &kept, "");
                mv_arena_done(&arena);
                text_free(text);
        }
}

/* --- digests --- */

static uint64_t digest_of(const char *json) {
        struct mv_arena arena;
        struct mv_str text = json_make(json);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        uint64_t digest = mv_json_digest(&arena, text);
        mv_arena_done(&arena);
        text_free(text);
        return digest;
}

static void test_json_digest(void **state) {
        (void)state;
        static const char *const same[][2] = {
                { "{'a':1,'b':[1,2]}", " { 'b' : [ 1 , 2 ] , 'a' : 1 } " },
                { "{'a':{'b':'c','d':'e'}}", "{'a':{'d':'e','b':'c'}}" },
                { "{'a':'b'}", "{'\\u0061':'\\u0062'}" },
                { "{'a':1}", "{'a':1,'b':null}" },
        };
        static const char *const all[] = {
                "",
                "{}",
                "[]",
                "''",
                "null",
                "false",
                "0",
                "[[]]",
                "[{}]",
                "{'a':{}}",
                "{'a':[]}",
                "{'a':''}",
                "{'a':false}",
                "{'a':0}",
                "{'b':0}",
                "{'a':'0'}",
                "[1,2]",
                "[2,1]",
                "[[1],2]",
                "[[1,2]]",
                "[12]",
                "['a']",
                "['a','']",
                "{'a':'b'}",
                "{'ab':''}",
                "{'b':'a'}",
                "{'a':'b','b':0}",
                "{'a':{'b':0}}",
                "[null]",
                "[0,null]",
                "{'a':{'b':1},'c':{'d':2}}",
                "{'a':{'d':2},'c':{'b':1}}",
        };
        for (size_t i = 0; i < sizeof same / sizeof *same; i++)
                assert_true(digest_of(same[i][0]) == digest_of(same[i][1]));
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                for (size_t j = 0; j < i; j++)
                        if (digest_of(all[i]) == digest_of(all[j]))
                                fail_msg("%s and %s have one digest", all[i], all[j]);
        /* What is kept is compared with what another process says. */
        assert_int_equal(digest_of("{'a':'b','c':[true]}"), UINT64_C(0xb454cf79ea2dab0c));
}

/* --- answers --- */

struct asked {
        const char *resource, *operation, *object, *old;
        const char *objects; /* of the cluster, with NODE; NULL: it was not read yet */
        const char *config, *user;
        size_t memory;
        size_t fail_at; /* this allocation fails, and all after it; 0: none does */
        bool late;
};

struct answered {
        char patch[2048]; /* with ' for " */
        bool judged;
};

static bool is_late(void *context) {
        (void)context;
        return true;
}

/* Whatever it is, the answer allows, warns of nothing, and has a patchType just when it has a patch. */
static void ask(const struct asked *asked, struct answered *ret) {
        char text[8192], whole[256];
        struct mv_arena arena, configuration;
        struct mv_buf response;
        struct mv_config config;
        struct mv_review_result result;
        struct mv_snapshot *snapshot = asked->objects ? snapshot_make(asked->objects) : NULL;
        snprintf(
                text, sizeof text,
                "{'apiVersion':'admission.k8s.io/v1','kind':'AdmissionReview','request':{'uid':'u','resource':"
                "{'group':'kubevirt.io','version':'v1','resource':'%s'},'operation':'%s','namespace':'default',"
                "'name':'x','userInfo':{'username':'%s'},'object':%s,'oldObject':%s}}",
                asked->resource ? asked->resource : "virtualmachines",
                asked->operation ? asked->operation : "CREATE", asked->user ? asked->user : "jane",
                asked->object, asked->old ? asked->old : "null");
        snprintf(whole, sizeof whole, "apiVersion: " MV_CONFIG_API_VERSION "\nkind: Configuration\n%s",
                 asked->config ? asked->config : "");
        struct mv_str body = json_make(text);
        mv_arena_init(&configuration, &mv_allocator_system, 0);
        assert_int_equal(mv_config_read(&configuration, mv_str_from(whole), &config, NULL), 0);
        struct test_allocator allocator;
        test_allocator_init(&allocator, asked->fail_at);
        allocator.fail_after = true;
        mv_arena_init(&arena, &allocator.allocator, asked->memory);
        mv_buf_init(&response, &mv_allocator_system, 1 << 20);
        const struct mv_review_input input = { .arena = &arena,
                                               .snapshot = snapshot,
                                               .config = &config,
                                               .mirror = MV_MIRROR_DENY,
                                               .mutate = true,
                                               .expired = asked->late ? is_late : NULL };
        *ret = (struct answered){ 0 };
        int status = mv_review_answer(&input, body, &response, &result);
        if (status == 200) {
                static const char mark[] = "\"patchType\":\"JSONPatch\",\"patch\":\"";
                const char *patch = strstr(response.p, mark);
                assert_non_null(strstr(response.p, "\"allowed\":true"));
                assert_null(strstr(response.p, "\"warnings\""));
                assert_true((patch != NULL) == (strstr(response.p, "\"patch") != NULL));
                if (patch) {
                        struct mv_str encoded = mv_str_from(patch + sizeof mark - 1);
                        encoded.n = mv_str_find_byte(encoded, '"');
                        size_t n;
                        assert_true(encoded.n && encoded.n < sizeof ret->patch);
                        assert_true(mv_base64_decode(encoded, (unsigned char *)ret->patch, &n));
                        ret->patch[n] = '\0';
                        for (char *p = ret->patch; *p; p++)
                                *p = *p == '"' ? '\'' : *p;
                }
        } else
                assert_int_equal(status, 503); /* not even the envelope could be read */
        ret->judged = result.judged;
        mv_buf_done(&response);
        mv_arena_done(&arena);
        assert_int_equal(allocator.live, 0);
        mv_arena_done(&configuration);
        text_free(body);
        mv_snapshot_free(snapshot);
}

#define VM(meta, more)                                                                                                 \
        "{'metadata':{'name':'x'" meta "},'spec':{'runStrategy':'Always'" more                                         \
        ",'template':{'spec':{'domain':{'cpu':{'model':'M'},'devices':{'interfaces':[{'name':'a','masquerade':{}}]}}," \
        "'networks':[{'name':'a','pod':{}}],'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'c'}}]}}}}"
#define PLAIN VM("", "")
#define OF_CLUSTER(kind, name, more) \
        "{'apiVersion':'v1','kind':'" kind "','metadata':{'name':'" name "'" more "}"
#define IN_DEFAULT(api, kind, name, more)                                                                    \
        "{'apiVersion':'" api "','kind':'" kind "','metadata':{'namespace':'default','name':'" name "'" more \
        "}"
#define NODE(name, more)                                                                                                                                                         \
        OF_CLUSTER(                                                                                                                                                              \
                "Node", name,                                                                                                                                                    \
                ",'labels':{'kubernetes.io/arch':'amd64','cpu-model.node.kubevirt.io/M':'true','machine-type.node.kubevirt.io/q35':'true','kubevirt.io/schedulable':'true'" more \
                "}")                                                                                                                                                             \
        "},"
#define CLAIM(mode, more) \
        IN_DEFAULT("v1", "PersistentVolumeClaim", "c", more) ",'spec':{'accessModes':['" mode "']}},"
#define KUBEVIRT(spec)                                                                                      \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'k','namespace':'kubevirt'},'" \
        "spec':{'configuration':{" spec "}}},"
#define NAMESPACE(labels) OF_CLUSTER("Namespace", "default", ",'labels':{" labels "}") "}"
#define NODES NODE("a", "") NODE("b", "")
#define CLUSTER NODES CLAIM("ReadWriteMany", "") KUBEVIRT("") NAMESPACE("")

#define assert_patch(expected, ...)                              \
        do {                                                     \
                struct answered answered_;                       \
                ask(&(struct asked){ __VA_ARGS__ }, &answered_); \
                assert_string_equal(answered_.patch, expected);  \
        } while (0)
#define assert_no_patch(...) assert_patch("", __VA_ARGS__)
#define UNKNOWN                                                                                         \
        "[{'op':'add','path':'/metadata/annotations','value':{'migvet.io/policy':'unknown','migvet.io/" \
        "verdict':'Unknown'}}]"

static void inputs_of(const struct asked *asked, char ret[17]) {
        struct answered answered;
        ask(asked, &answered);
        const char *at = strstr(answered.patch, "'migvet.io/inputs':'");
        assert_non_null(at);
        memcpy(ret, at + 20, 16);
        ret[16] = '\0';
        assert_int_equal(strspn(ret, "0123456789abcdef"), 16);
}

static void test_stamp(void **state) {
        (void)state;
        struct answered answered;
        char inputs[17], expected[512];
        const struct asked asked = { .object = PLAIN, .objects = CLUSTER };
        inputs_of(&asked, inputs);
        snprintf(expected, sizeof expected,
                 "[{'op':'add','path':'/metadata/annotations','value':{'migvet.io/inputs':'%s','migvet.io/"
                 "policy':'none','migvet.io/targets':'2','migvet.io/verdict':'True'}}]",
                 inputs);
        ask(&asked, &answered);
        assert_string_equal(answered.patch, expected);
        assert_true(answered.judged);
        /* Without nodes there is nothing to count; without the claim it is not known. */
        ask(&(struct asked){ .object = PLAIN, .objects = NAMESPACE("") }, &answered);
        assert_null(strstr(answered.patch, "targets"));
        assert_non_null(strstr(answered.patch, "'migvet.io/verdict':'Unknown'"));
        /* Once patched, there is nothing more to change. */
        char again[1024];
        snprintf(again, sizeof again,
                 VM(",'annotations':{'migvet.io/inputs':'%s','migvet.io/policy':'none','migvet.io/targets':"
                    "'2','migvet.io/verdict':'True'}",
                    ""),
                 inputs);
        assert_no_patch(.object = again, .objects = CLUSTER);
}

static void test_policy(void **state) {
        (void)state;
#define POLICY(selector)                                                                                \
        ",{'apiVersion':'migrations.kubevirt.io/v1alpha1','kind':'MigrationPolicy','metadata':{'name':" \
        "'fast'},'spec':{'allowPostCopy':true,'selectors':{'namespaceSelector':{" selector "}}}}"
        static const struct {
                const char *objects, *policy;
        } cases[] = {
                { NODES NAMESPACE("'a':'b'") POLICY("'a':'b'"), "'migvet.io/policy':'fast'" },
                { NODES NAMESPACE("'a':'c'") POLICY("'a':'b'"), "'migvet.io/policy':'none'" },
                { NODES CLAIM("ReadWriteMany", "") KUBEVIRT("")
                          OF_CLUSTER("Namespace", "other", "") "}" POLICY("'a':'b'"),
                  "'migvet.io/policy':'unknown'" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct answered answered;
                ask(&(struct asked){ .object = PLAIN, .objects = cases[i].objects }, &answered);
                if (!strstr(answered.patch, cases[i].policy))
                        fail_msg("%zu: %s is not in %s", i, cases[i].policy, answered.patch);
        }
}

static void test_updates(void **state) {
        (void)state;
        const char *stamped = VM(",'annotations':{'a':'b','migvet.io/verdict':'False'}", "");
        const char *forged = VM(",'annotations':{'migvet.io/targets':'9','migvet.io/verdict':'True'}", "");
        const char *changed = VM(",'annotations':{'a':'b','migvet.io/verdict':'False'}", ",'x':1");
        const char *gone = VM(",'deletionTimestamp':'2026-01-01T00:00:00Z'", ",'x':1");
        struct answered answered;
        assert_no_patch(.operation = "UPDATE", .object = stamped, .old = stamped, .objects = CLUSTER);
        assert_no_patch(.operation = "UPDATE", .object = PLAIN, .old = PLAIN, .objects = CLUSTER);
        assert_no_patch(.operation = "UPDATE", .object = PLAIN, .old = "{'spec':1}", .objects = CLUSTER,
                        .resource = "virtualmachineinstancemigrations");
        /* What the client makes of the stamp is undone. */
        assert_patch(
                "[{'op':'remove'," STEP("targets") "},{'op':'replace'," STEP("verdict") ",'value':'False'}]",
                .operation = "UPDATE", .object = forged, .old = stamped, .objects = CLUSTER);
        assert_patch("[{'op':'add','path':'/metadata/annotations','value':{'migvet.io/verdict':'False'}}]",
                     .operation = "UPDATE", .object = PLAIN, .old = stamped, .objects = CLUSTER);
        assert_patch("[{'op':'remove'," STEP("targets") "},{'op':'remove'," STEP("verdict") "}]",
                     .operation = "UPDATE", .object = forged, .old = PLAIN, .objects = CLUSTER);
        ask(&(struct asked){ .operation = "UPDATE", .object = changed, .old = stamped, .objects = CLUSTER },
            &answered);
        assert_non_null(strstr(answered.patch, "{'op':'replace'," STEP("verdict") ",'value':'True'}"));
        assert_true(answered.judged);
        assert_no_patch(.operation = "UPDATE", .object = gone, .old = PLAIN, .objects = CLUSTER);
        assert_no_patch(.operation = "DELETE", .object = "null", .old = PLAIN, .objects = CLUSTER);
}

static void test_other_kinds(void **state) {
        (void)state;
        static const char *const others[] = { "virtualmachineinstances", "virtualmachinepools",
                                              "virtualmachineinstancereplicasets", "pods" };
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                assert_no_patch(.resource = others[i], .object = PLAIN, .objects = CLUSTER);
}

/* It answers with Unknown or with no patch, even where the configuration denies what is unknown. */
static void test_never_denied(void **state) {
        (void)state;
        const char *deny = "unknown: deny\ndefaults: {enforce: migratable}\n";
        assert_patch(UNKNOWN, .object = PLAIN, .config = deny);
        assert_patch(UNKNOWN, .object = PLAIN, .config = deny, .late = true, .objects = CLUSTER);
        assert_patch(UNKNOWN, .object = "{'metadata':{'name':'x'},'spec':{'template':7}}",
                     .objects = CLUSTER);
        assert_patch("[{'op':'add','path':'/metadata','value':{'annotations':{'migvet.io/policy':'unknown',"
                     "'migvet.io/verdict':'Unknown'}}}]",
                     .object = "{'spec':7}", .objects = CLUSTER);
        assert_patch(UNKNOWN, .object = "{'metadata':{'name':'x'},'spec':{},'spec':{}}", .objects = CLUSTER);
        assert_no_patch(.object = "{'metadata':{'annotations':7}}", .objects = CLUSTER);
}

/* With less memory than it takes, it is Unknown or not stamped. */
static void test_no_memory(void **state) {
        (void)state;
        for (int by_cap = 0; by_cap < 2; by_cap++) {
                size_t unknown = 0, known = 0;
                for (size_t n = 1; !known; n++) {
                        struct answered answered;
                        ask(&(struct asked){ .object = PLAIN,
                                             .objects = CLUSTER,
                                             .config = "unknown: deny\ndefaults: {enforce: migratable}\n",
                                             .memory = by_cap ? n * 256 : 0,
                                             .fail_at = by_cap ? 0 : n },
                            &answered);
                        bool complete = strstr(answered.patch, "'migvet.io/verdict':'True'") &&
                                        strstr(answered.patch, "'migvet.io/inputs'");
                        assert_true(!answered.patch[0] || strcmp(answered.patch, UNKNOWN) == 0 || complete);
                        unknown += strcmp(answered.patch, UNKNOWN) == 0;
                        known += complete;
                }
                assert_true(unknown || !by_cap);
        }
}

static void test_inputs(void **state) {
        (void)state;
        static const char node_pod[] = NODE("c", ",'x':'y'") NODES CLAIM("ReadWriteMany", "") KUBEVIRT("")
                NAMESPACE("") "," IN_DEFAULT("v1", "Pod", "p",
                                             "") ",'spec':{'nodeName':'a','containers':[]}}";
        static const struct {
                const char *object, *objects;
                bool same;
        } cases[] = {
                { PLAIN, node_pod, true },
                { PLAIN, NODES CLAIM("ReadWriteMany", ",'resourceVersion':'7'") KUBEVIRT("") NAMESPACE(""),
                  true },
                { PLAIN, NODES CLAIM("ReadWriteMany", "") KUBEVIRT("") NAMESPACE("'migvet.io/warn':'none'"),
                  true },
                { VM(",'labels':{'a':'b'}", ""), CLUSTER, true },
                { VM("", ",'updateVolumesStrategy':'Migration'"), CLUSTER, false },
                { PLAIN, NODES CLAIM("ReadWriteOnce", "") KUBEVIRT("") NAMESPACE(""), false },
                { PLAIN, NODES KUBEVIRT("") NAMESPACE(""), false },
                { PLAIN, NODES CLAIM("ReadWriteMany", "") KUBEVIRT("'evictionStrategy':'None'") NAMESPACE(""),
                  false },
                { PLAIN, NODES CLAIM("ReadWriteMany", "") KUBEVIRT("") NAMESPACE("'a':'b'"), false },
                { PLAIN, CLUSTER POLICY("'other':'b'"), false },
                { PLAIN,
                  CLUSTER "," IN_DEFAULT("cdi.kubevirt.io/v1beta1", "DataVolume", "c", "") ",'spec':{}}",
                  false },
        };
        char first[17];
        inputs_of(&(struct asked){ .object = PLAIN, .objects = CLUSTER }, first);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                char inputs[17];
                inputs_of(&(struct asked){ .object = cases[i].object, .objects = cases[i].objects }, inputs);
                if ((strcmp(first, inputs) == 0) != cases[i].same)
                        fail_msg("%zu: %s after %s", i, inputs, first);
        }
}

/* --- fillNodeSelector --- */

#define MODEL(name) ",'cpu-model.node.kubevirt.io/" name "':'true'"
#define ZONE(name) ",'topology.kubernetes.io/zone':'" name "'"
#define PLACE(name, labels, spec)                                                                               \
        OF_CLUSTER(                                                                                             \
                "Node", name,                                                                                   \
                ",'labels':{'kubernetes.io/arch':'amd64','machine-type.node.kubevirt.io/q35':'true','kubevirt." \
                "io/schedulable':'true'" labels "}")                                                            \
        ",'spec':{" spec "}},"
#define VERSION(version)                                                                                    \
        "{'apiVersion':'kubevirt.io/v1','kind':'KubeVirt','metadata':{'name':'k','namespace':'kubevirt'},'" \
        "status':{'phase':'Deployed','observedKubeVirtVersion':'" version "'}},"
#define RUNNING(spec)                                                                                                     \
        IN_DEFAULT("kubevirt.io/v1", "VirtualMachineInstance", "i", "")                                                   \
        ",'spec':{'architecture':'amd64','domain':{'machine':{'type':'q35'},'cpu':{'model':'M'},'devices':{'interfaces':" \
        "[{'name':'a','masquerade':{}}]}},'networks':[{'name':'a','pod':{}}]" spec                                        \
        "},'status':{'phase':'Running','nodeName':'a'}}"
#define MOVE(spec) "{'metadata':{'name':'x'},'spec':{'vmiName':'i'" spec "}}"
#define BY_MODEL PLACE("a", MODEL("M"), "") PLACE("b", MODEL("M"), "") PLACE("c", MODEL("N"), "")
#define FILLED(label) "{'op':'add','path':'/spec/addedNodeSelector','value':{'" label "'}}"
#define OF_MODEL FILLED("cpu-model.node.kubevirt.io/M':'true")
#define IN_ZONE FILLED("topology.kubernetes.io/zone':'east")

struct filling {
        const char *objects;
        const char *filled; /* NULL: nothing */
        const char *object, *user, *config;
};

static void check_filling(const struct filling *filling) {
        struct answered answered;
        ask(&(struct asked){ .resource = "virtualmachineinstancemigrations",
                             .object = filling->object ? filling->object : MOVE(""),
                             .objects = filling->objects,
                             .user = filling->user,
                             .config = filling->config ? filling->config : "fillNodeSelector: true\n" },
            &answered);
        if (filling->filled ? !strstr(answered.patch, filling->filled)
                            : strstr(answered.patch, "addedNodeSelector") != NULL)
                fail_msg("not %s: %s", filling->filled ? filling->filled : "nothing", answered.patch);
}

static void test_selector(void **state) {
        (void)state;
#define NEW VERSION("v1.9.0")
#define SSD ",'disk':'ssd'"
#define ON_SSD RUNNING(",'nodeSelector':{'disk':'ssd'}")
        static const struct {
                const char *objects, *filled;
        } cases[] = {
                { BY_MODEL NEW RUNNING(""), OF_MODEL },
                /* What is in the way for a moment does not count: d could take it, too. */
                { BY_MODEL PLACE("d", MODEL("M"), "'unschedulable':true") NEW RUNNING(""), OF_MODEL },
                /* The model is everywhere, the zone is not; the source may be in it. */
                { PLACE("a", MODEL("M") SSD ZONE("east"), "") PLACE("b", MODEL("M") SSD ZONE("east"), "")
                          PLACE("c", MODEL("M") ZONE("west"), "") NEW ON_SSD,
                  IN_ZONE },
                { PLACE("a", MODEL("M"), "") PLACE("b", MODEL("M") ZONE("east"), "")
                          PLACE("c", ZONE("west"), "") NEW RUNNING(""),
                  OF_MODEL },
                /* One of the zone does not fit; one that fits is elsewhere. */
                { PLACE("a", MODEL("M") SSD, "") PLACE("b", MODEL("M") SSD ZONE("east"), "")
                          PLACE("c", MODEL("M") ZONE("east"), "") NEW ON_SSD,
                  NULL },
                { PLACE("a", MODEL("M") SSD, "") PLACE("b", MODEL("M") SSD ZONE("east"), "")
                          PLACE("c", MODEL("M") SSD ZONE("west"), "") PLACE("d", MODEL("M"), "") NEW ON_SSD,
                  NULL },
                /* All others fit, or none does, or nobody knows where it is. */
                { PLACE("a", MODEL("M"), "") PLACE("b", MODEL("M"), "") NEW RUNNING(""), NULL },
                { PLACE("a", MODEL("M"), "") PLACE("c", MODEL("N"), "") NEW RUNNING(""), NULL },
                { PLACE("b", MODEL("M"), "") PLACE("c", MODEL("N"), "") NEW RUNNING(""), NULL },
                { NEW RUNNING(""), NULL },
                { BY_MODEL NEW NAMESPACE(""), NULL },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                check_filling(&(struct filling){ .objects = cases[i].objects, .filled = cases[i].filled });
}

static void test_selector_is_left_alone(void **state) {
        (void)state;
        static const struct filling cases[] = {
                { BY_MODEL NEW RUNNING(""), OF_MODEL, MOVE(",'addedNodeSelector':null"), NULL, NULL },
                { BY_MODEL NEW RUNNING(""), NULL, MOVE(",'addedNodeSelector':{'a':'b'}"), NULL, NULL },
                { BY_MODEL NEW RUNNING(""), NULL, MOVE(",'addedNodeSelector':{}"), NULL, NULL },
                { BY_MODEL NEW RUNNING(""), NULL, MOVE(",'sendTo':{'migrationID':'m','connectURL':'u'}"),
                  NULL, NULL },
                { BY_MODEL NEW RUNNING(""), NULL, MOVE(",'receive':{'migrationID':'m'}"), NULL, NULL },
                { BY_MODEL NEW RUNNING(""), NULL, NULL, "system:serviceaccount:kubevirt:kubevirt-controller",
                  NULL },
                { BY_MODEL NEW RUNNING(""), OF_MODEL, NULL,
                  "system:serviceaccount:kubevirt:kubevirt-apiserver", NULL },
                { BY_MODEL NEW RUNNING(""), NULL, NULL, NULL, "unknown: warn\n" },
                { BY_MODEL VERSION("v1.6.0") RUNNING(""), OF_MODEL, NULL, NULL, NULL },
                { BY_MODEL VERSION("v1.5.9") RUNNING(""), NULL, NULL, NULL, NULL },
                { BY_MODEL RUNNING(""), NULL, NULL, NULL, NULL },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                check_filling(&cases[i]);
}

/* The digest is that of the object as it will be. */
static void test_selector_and_inputs(void **state) {
        (void)state;
        static const char objects[] = BY_MODEL NEW RUNNING("");
        const char *resource = "virtualmachineinstancemigrations", *config = "fillNodeSelector: true\n";
        char before[17], after[17], off[17];
        inputs_of(
                &(struct asked){
                        .resource = resource, .object = MOVE(""), .objects = objects, .config = config },
                before);
        inputs_of(&(struct asked){ .resource = resource,
                                   .object = MOVE(
                                           ",'addedNodeSelector':{'cpu-model.node.kubevirt.io/M':'true'}"),
                                   .objects = objects,
                                   .config = config },
                  after);
        inputs_of(&(struct asked){ .resource = resource, .object = MOVE(""), .objects = objects }, off);
        assert_string_equal(before, after);
        assert_string_not_equal(before, off);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_annotations),
                cmocka_unit_test(test_only_what_differs),
                cmocka_unit_test(test_nothing_to_change),
                cmocka_unit_test(test_json_digest),
                cmocka_unit_test(test_stamp),
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_updates),
                cmocka_unit_test(test_other_kinds),
                cmocka_unit_test(test_never_denied),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_inputs),
                cmocka_unit_test(test_selector),
                cmocka_unit_test(test_selector_is_left_alone),
                cmocka_unit_test(test_selector_and_inputs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
