/* SPDX-License-Identifier: Apache-2.0 */
/* What selectors and tolerations say, by hand from k8s.io/apimachinery/pkg/labels, component-helpers' nodeaffinity and
 * k8s.io/api/core/v1: ToleratesTaint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/object/node.h"

/* One decoded object of a table; everything lives in the arena. */
#define DECODE(arena, type, table, text) ((const type *)decode((arena), (table), sizeof(type), (text)))

static const void *decode(struct mv_arena *arena, const struct mv_table *table, size_t size,
                          const char *text) {
        void *object = mv_arena_allocate(arena, size, 16);
        struct mv_str json = json_make(text);
        struct mv_err err = { 0 };
        struct mv_decode decode = { .arena = arena, .copy = true };
        if (mv_decode(&decode, json, table, object, &err) < 0)
                fail_msg("%s: %s", text, err.message);
        text_free(json);
        return object;
}

static const struct mv_map *labels_of(struct mv_arena *arena, const char *text) {
        struct mv_str meta = mv_arena_format(arena, "{'labels':{%s}}", text);
        return &DECODE(arena, struct mv_meta, &mv_table_meta, meta.p)->labels;
}

static void test_requirements(void **state) {
        (void)state;
        static const struct {
                const char *requirement; /* of the key `k` */
                const char *labels;
                bool of_pods; /* label selectors have no Gt and Lt */
                bool holds;
        } cases[] = {
                { "'operator':'In','values':['a','b']", "'k':'b'", true, true },
                { "'operator':'In','values':['a','b']", "'k':'c'", true, false },
                { "'operator':'In','values':['a','b']", "'x':'a'", true, false },
                { "'operator':'In','values':['']", "'k':''", true, true },
                { "'operator':'In','values':['']", "", true, false },
                { "'operator':'In','values':[]", "'k':'a'", true, false },
                { "'operator':'NotIn','values':['a']", "'k':'b'", true, true },
                { "'operator':'NotIn','values':['a']", "'k':'a'", true, false },
                { "'operator':'NotIn','values':['a']", "", true, true },
                { "'operator':'Exists'", "'k':''", true, true },
                { "'operator':'Exists'", "'kk':'k'", true, false },
                { "'operator':'DoesNotExist'", "'kk':'k'", true, true },
                { "'operator':'DoesNotExist'", "'k':'k'", true, false },
                { "'operator':'Gt','values':['5']", "'k':'6'", false, true },
                { "'operator':'Gt','values':['5']", "'k':'5'", false, false },
                { "'operator':'Gt','values':['-5']", "'k':'-4'", false, true },
                { "'operator':'Gt','values':['9']", "'k':'10'", false, true },
                { "'operator':'Gt','values':['5']", "", false, false },
                { "'operator':'Gt','values':['5']", "'k':'six'", false, false },
                { "'operator':'Gt','values':['five']", "'k':'6'", false, false },
                { "'operator':'Gt','values':['5']", "'k':'6.5'", false, false },
                { "'operator':'Gt','values':['5','7']", "'k':'9'", false, false },
                { "'operator':'Gt','values':[]", "'k':'9'", false, false },
                { "'operator':'Gt','values':['5']", "'k':'+6'", false, true },
                { "'operator':'Gt','values':['5']", "'k':'--6'", false, false },
                { "'operator':'Gt','values':['5']", "'k':''", false, false },
                { "'operator':'Gt','values':['5']", "'k':'-'", false, false },
                { "'operator':'Gt','values':['-9223372036854775808']", "'k':'9223372036854775807'", false,
                  true },
                { "'operator':'Gt','values':['5']", "'k':'9223372036854775808'", false, false },
                { "'operator':'Lt','values':['5']", "'k':'-9223372036854775808'", false, true },
                { "'operator':'Lt','values':['5']", "'k':'-9223372036854775809'", false, false },
                { "'operator':'Lt','values':['5']", "'k':'4'", false, true },
                { "'operator':'Lt','values':['5']", "'k':'5'", false, false },
                { "'operator':'in','values':['a']", "'k':'a'", true, false },
                { "'operator':'','values':['a']", "'k':'a'", true, false },
        };
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const struct mv_map *labels = labels_of(&arena, cases[i].labels);
                struct mv_str text = mv_arena_format(&arena, "{'matchExpressions':[{'key':'k',%s}]}",
                                                     cases[i].requirement);
                const struct mv_label_selector *selector =
                        DECODE(&arena, struct mv_label_selector, &mv_table_label_selector, text.p);
                if (mv_requirement_holds(&selector->match_expressions.items[0], labels) != cases[i].holds)
                        fail_msg("%s of %s", cases[i].requirement, cases[i].labels);
                if (cases[i].of_pods)
                        assert_int_equal(mv_label_selector_matches(selector, labels), cases[i].holds);
                text = mv_arena_format(&arena,
                                       "{'nodeSelectorTerms':[{'matchExpressions':[{'key':'k',%s}]}]}",
                                       cases[i].requirement);
                assert_int_equal(mv_node_selector_matches(DECODE(&arena, struct mv_node_selector,
                                                                 &mv_table_node_selector, text.p),
                                                          MV_STR("node"), labels),
                                 cases[i].holds);
        }
        mv_arena_done(&arena);
}

static void test_label_selectors(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_map *web = labels_of(&arena, "'app':'web','tier':'1'"), *none = labels_of(&arena, "");
        static const struct {
                const char *text;
                bool web, none;
        } cases[] = {
                { "{}", true, true },
                { "{'matchLabels':{}}", true, true },
                { "{'matchLabels':{'app':'web'}}", true, false },
                { "{'matchLabels':{'app':'web','tier':'2'}}", false, false },
                { "{'matchLabels':{'app':'web'},'matchExpressions':[{'key':'tier','operator':'NotIn','values':['1']}]}",
                  false, false },
                { "{'matchExpressions':[{'key':'tier','operator':'Exists'},{'key':'x','operator':'DoesNotExist'}]}",
                  true, false },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                const struct mv_label_selector *selector =
                        DECODE(&arena, struct mv_label_selector, &mv_table_label_selector, cases[i].text);
                assert_int_equal(mv_label_selector_matches(selector, web), cases[i].web);
                assert_int_equal(mv_label_selector_matches(selector, none), cases[i].none);
        }
        /* No selector is not an empty one. */
        assert_false(mv_label_selector_matches(NULL, web));
        mv_arena_done(&arena);
}

static void test_node_selectors(void **state) {
        (void)state;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_map *labels = labels_of(&arena, "'zone':'a'");
        static const struct {
                const char *terms;
                bool matches; /* node `n1` in zone a */
        } cases[] = {
                { "", false },
                { "{}", false },
                { "{'matchExpressions':[],'matchFields':[]}", false },
                { "{},{'matchExpressions':[{'key':'zone','operator':'Exists'}]}", true },
                { "{'matchFields':[{'key':'metadata.name','operator':'In','values':['n1']}]}", true },
                { "{'matchFields':[{'key':'metadata.name','operator':'In','values':['n2']}]}", false },
                { "{'matchFields':[{'key':'metadata.name','operator':'NotIn','values':['n1']}]}", false },
                { "{'matchFields':[{'key':'metadata.name','operator':'NotIn','values':['n2']}]}", true },
                { "{'matchFields':[{'key':'spec.x','operator':'In','values':['n1']}]}", false },
                { "{'matchExpressions':[{'key':'zone','operator':'In','values':['b']}],'matchFields':[{'key':"
                  "'metadata.name','operator':'In','values':['n1']}]}",
                  false },
                { "{'matchExpressions':[{'key':'zone','operator':'In','values':['b']}]},{'matchFields':[{'key':"
                  "'metadata.name','operator':'In','values':['n1']}]}",
                  true },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_str text = mv_arena_format(&arena, "{'nodeSelectorTerms':[%s]}", cases[i].terms);
                const struct mv_node_selector *selector =
                        DECODE(&arena, struct mv_node_selector, &mv_table_node_selector, text.p);
                if (mv_node_selector_matches(selector, MV_STR("n1"), labels) != cases[i].matches)
                        fail_msg("%s", cases[i].terms);
        }
        mv_arena_done(&arena);
}

static void test_tolerations(void **state) {
        (void)state;
        static const struct {
                const char *toleration;
                bool tolerates; /* dedicated=db:NoSchedule */
        } cases[] = {
                { "'key':'dedicated','operator':'Equal','value':'db','effect':'NoSchedule'", true },
                { "'key':'dedicated','value':'db'", true },
                { "'key':'dedicated','value':'web'", false },
                { "'key':'dedicated'", false },
                { "'key':'dedicated','operator':'Exists'", true },
                { "'key':'dedicated','operator':'Exists','effect':'NoExecute'", false },
                { "'key':'dedicated','operator':'Exists','effect':'NoSchedule'", true },
                { "'key':'other','operator':'Exists'", false },
                { "'operator':'Exists'", true },
                { "'operator':'Exists','effect':'NoExecute'", false },
                { "'operator':'Equal','value':'db'", true },
                { "'operator':'Gt','value':'db','key':'dedicated'", false },
                { "", false },
        };
        const struct mv_taint taint = { MV_STR("dedicated"), MV_STR("db"), MV_STR("NoSchedule") };
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_str text = mv_arena_format(&arena, "{%s}", cases[i].toleration);
                struct mv_toleration two[] = { { .key = MV_STR("x"), .operator= MV_STR("Exists") },
                                               *DECODE(&arena, struct mv_toleration, &mv_table_toleration,
                                                       text.p) };
                if (mv_tolerations_tolerate(&(struct mv_tolerations){ two, 2 }, &taint) != cases[i].tolerates)
                        fail_msg("%s", cases[i].toleration);
        }
        assert_false(mv_tolerations_tolerate(&(struct mv_tolerations){ 0 }, &taint));
        mv_arena_done(&arena);
}

static void test_namespaces_of_terms(void **state) {
        (void)state;
        static const struct {
                const char *term;
                bool own, named, labelled, unknown;
        } cases[] = {
                { "", true, false, false, false },
                { "'namespaces':['named']", false, true, false, false },
                { "'namespaceSelector':{}", true, true, true, true },
                { "'namespaceSelector':{'matchLabels':{'team':'a'}}", false, false, true, false },
                { "'namespaces':['named'],'namespaceSelector':{'matchLabels':{'team':'a'}}", false, true,
                  true, false },
                { "'namespaceSelector':{'matchExpressions':[{'key':'team','operator':'DoesNotExist'}]}", true,
                  true, false, true },
        };
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_map *none = labels_of(&arena, ""), *team = labels_of(&arena, "'team':'a'");
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_str text =
                        mv_arena_format(&arena,
                                        "{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution'"
                                        ":[{%s}]}}",
                                        cases[i].term);
                const struct mv_pod_affinity_term *term =
                        &DECODE(&arena, struct mv_affinity, &mv_table_affinity, text.p)
                                 ->pod->required.items[0];
                const struct mv_str own = MV_STR("own");
                assert_int_equal(mv_pod_affinity_has_namespace(term, own, own, none), cases[i].own);
                assert_int_equal(mv_pod_affinity_has_namespace(term, own, MV_STR("named"), none),
                                 cases[i].named);
                assert_int_equal(mv_pod_affinity_has_namespace(term, own, MV_STR("other"), team),
                                 cases[i].labelled);
                assert_int_equal(mv_pod_affinity_has_namespace(term, own, MV_STR("unknown"), NULL),
                                 cases[i].unknown);
        }
        mv_arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_requirements),        cmocka_unit_test(test_label_selectors),
                cmocka_unit_test(test_node_selectors),      cmocka_unit_test(test_tolerations),
                cmocka_unit_test(test_namespaces_of_terms),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
