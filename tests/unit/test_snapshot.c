/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: what goes in, what is refused and where, what is found again, and what is worked out once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/snapshot/kindtable.h"
#include "policy/kubevirt_config.h"
#include "policy/nodes/nodeindex.h"
#include "policy/object/node.h"
#include "policy/object/storage.h"
#include "policy/object/vm.h"

#include <stdio.h>
#include <stdlib.h>

#define CLAIM(name) "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name "'}}"
#define NODE(name, labels) \
        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "','labels':{" labels "}}}"

static size_t count_all(const struct mv_snapshot *snapshot) {
        size_t n;
        mv_snapshot_entries(snapshot, &n);
        return n;
}

static void test_empty(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make("");
        assert_int_equal(count_all(s), 0);
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                assert_int_equal(mv_snapshot_count(s, (enum mv_kind)kind), 0);
                assert_null(mv_snapshot_find(s, (enum mv_kind)kind, MV_STR("default"), MV_STR("x")));
        }
        assert_int_equal(mv_snapshot_lowest_tsc_frequency(s), 0);
        assert_str(mv_snapshot_config(s)->namespace, "kubevirt");
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_null(mv_node_index_label(mv_snapshot_node_index(s), &arena, MV_STR("a"), MV_STR("b")));
        mv_arena_done(&arena);
        assert_true(mv_snapshot_bytes(s) > 0);
        mv_snapshot_free(s);
        mv_snapshot_free(NULL);
        assert_null(mv_snapshot_builder_free(NULL));
}

static void test_kinds(void **state) {
        (void)state;
        for (int i = 0; i < MV_KIND_COUNT; i++) {
                const struct mv_kind_info *info = &mv_kinds[i];
                struct mv_str group = mv_str_from(info->group);
                assert_int_equal(mv_kind_find(group, mv_str_from(info->kind)), i);
                assert_int_equal(mv_kind_find_resource(group, mv_str_from(info->plural)), i);
                assert_int_equal(mv_kind_find(MV_STR("example.com"), mv_str_from(info->kind)), MV_KIND_COUNT);
                assert_int_equal(mv_kind_find_resource(MV_STR("example.com"), mv_str_from(info->plural)),
                                 MV_KIND_COUNT);
                assert_non_null(info->table);
                assert_true(info->meta_offset + sizeof(struct mv_meta) <= info->table->size);
        }
        assert_int_equal(mv_kind_find(MV_STR("events.k8s.io"), MV_STR("Event")), MV_KIND_COUNT);
        /* The version of the API does not matter, and what nobody reads is passed over. */
        struct mv_snapshot *s = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1alpha3','kind':'VirtualMachine','metadata':{'name':'old'}},"
                "{'apiVersion':'kubevirt.io/v9','kind':'VirtualMachine','metadata':{'name':'new'}},"
                "{'apiVersion':'v1','kind':'Service','metadata':{'name':'s'},'spec':7},"
                "{'apiVersion':'example.com/v1','kind':'VirtualMachine','metadata':{}}");
        assert_int_equal(count_all(s), 2);
        assert_int_equal(mv_snapshot_count(s, MV_KIND_VM), 2);
        mv_snapshot_free(s);
}

static void test_namespaces(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make(
                CLAIM("a") ",{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'a',"
                           "'namespace':'shop'},"
                           "'spec':{'accessModes':['ReadWriteMany']}},"
                           "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','namespace':'odd'}}");
        const struct mv_claim *own = mv_snapshot_find(s, MV_KIND_CLAIM, MV_STR("default"), MV_STR("a"));
        const struct mv_claim *other = mv_snapshot_find(s, MV_KIND_CLAIM, MV_STR("shop"), MV_STR("a"));
        assert_non_null(own);
        assert_non_null(other);
        assert_ptr_not_equal(own, other);
        assert_str(own->meta.namespace, "default");
        assert_int_equal(other->spec.access_modes.n, 1);
        assert_null(mv_snapshot_find(s, MV_KIND_CLAIM, MV_STR("test"), MV_STR("a")));
        assert_null(mv_snapshot_find(s, MV_KIND_DATA_VOLUME, MV_STR("shop"), MV_STR("a")));
        assert_null(mv_snapshot_find(s, MV_KIND_CLAIM, MV_STR("shop"), MV_STR("")));
        /* Kinds without a namespace have none, whatever is asked for. */
        const struct mv_node *node = mv_snapshot_find(s, MV_KIND_NODE, MV_STR("any"), MV_STR("n"));
        assert_non_null(node);
        assert_int_equal(node->meta.namespace.n, 0);
        mv_snapshot_free(s);
}

#define MIGRATION(namespace, name, phase)                                                                   \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstanceMigration','metadata':{'name':'" name \
        "','namespace':'" namespace "'},'status':{'phase':'" phase "'}}"

/* The names of objects[0..n), with a space behind each. */
static void assert_names(enum mv_kind kind, const void *const *objects, size_t n, const char *expected) {
        char names[256] = "";
        for (size_t i = 0; i < n; i++) {
                struct mv_str name = mv_kind_meta(kind, objects[i])->name;
                size_t at = strlen(names);
                snprintf(names + at, sizeof names - at, "%.*s ", MV_STR_ARG(name));
        }
        assert_string_equal(names, expected);
}

/* In whatever order they come. */
static void test_of_namespace(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make(
                MIGRATION("b", "3", "Running") "," MIGRATION("a", "2", "Succeeded") "," MIGRATION(
                        "b", "1", "Failed") "," MIGRATION("c", "5", "") "," MIGRATION("b", "2", "Pending"));
        static const struct {
                const char *namespace, *names;
        } rows[] = { { "a", "2 " }, { "b", "3 1 2 " }, { "c", "5 " }, { "", "" }, { "aa", "" }, { "d", "" } };
        size_t n;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const void *const *found =
                        mv_snapshot_of_namespace(s, MV_KIND_MIGRATION, mv_str_from(rows[i].namespace), &n);
                assert_names(MV_KIND_MIGRATION, found, n, rows[i].names);
        }
        assert_names(MV_KIND_MIGRATION, mv_snapshot_unfinished(s, MV_KIND_MIGRATION, &n), 3, "3 5 2 ");
        assert_int_equal(n, 3);
        mv_snapshot_of_namespace(s, MV_KIND_POD, MV_STR("a"), &n);
        assert_int_equal(n, 0);
        mv_snapshot_unfinished(s, MV_KIND_POD, &n);
        assert_int_equal(n, 0);
        mv_snapshot_free(s);
}

static void test_lists(void **state) {
        (void)state;
        struct mv_snapshot *s = snapshot_make(CLAIM("a") ",{'apiVersion':'v1','kind':'List','items':[" CLAIM(
                "b") ",{'kind':'PersistentVolumeClaimList',"
                     "'apiVersion':'v1','metadata':{'resourceVersion':'7'},'items':[" CLAIM(
                             "c") "]}]},"
                                  "{'apiVersion':'v1','kind':'List','items':[]},{'apiVersion':'v1',"
                                  "'kind':'List','items':null},"
                                  "{'apiVersion':'v1','kind':'List'}," CLAIM("d"));
        static const char *const order[] = { "a", "b", "c", "d" };
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(s, &n);
        assert_int_equal(n, 4);
        for (size_t i = 0; i < n; i++) {
                const struct mv_claim *claim = mv_snapshot_at(s, MV_KIND_CLAIM, i);
                assert_str(claim->meta.name, order[i]);
                assert_ptr_equal(entries[i].object, claim);
                assert_ptr_equal(entries[i].meta, &claim->meta);
                assert_int_equal(entries[i].kind, MV_KIND_CLAIM);
                assert_str(entries[i].origin, "input");
        }
        mv_snapshot_free(s);
        /* A kind of its own that ends in List, and is an object. */
        s = snapshot_make(
                "{'apiVersion':'example.com/v1','kind':'ShoppingList','metadata':{'name':'x'},'items':["
                "'milk']}");
        assert_int_equal(count_all(s), 0);
        mv_snapshot_free(s);
}

static void refused(const char *json, int code, const char *path, const char *at, const char *word) {
        struct mv_snapshot *s = NULL;
        struct mv_err err = { 0 };
        struct mv_str text = json_make(json);
        int r = snapshot_try(&mv_allocator_system, text, &s, &err);
        const char *place = strstr(json, at);
        size_t offset = place ? (size_t)(place - json) : 0;
        if (r != code || err.code != code || strcmp(err.path, path) != 0 || err.offset != offset ||
            !strstr(err.message, word))
                fail_msg("%s: %d at \"%s\", offset %zu instead of %zu: %s", json, r, err.path, err.offset,
                         offset, err.message);
        assert_null(s);
        assert_int_equal(snapshot_try(&mv_allocator_system, text, &s, NULL), code);
        text_free(text);
}

#define LIST(items) "{'apiVersion':'v1','kind':'List','items':[" items "]}"
static void test_errors(void **state) {
        (void)state;
        refused("", MV_ESYNTAX, "", "", "too early");
        refused("[]", MV_ETYPE, "", "", "must be an object");
        refused("{}", MV_ETYPE, "", "", "kind");
        refused("{'kind':'Node'}", MV_ETYPE, "", "", "apiVersion");
        refused("{'kind':'Node','apiVersion':1}", MV_ETYPE, "apiVersion", "1}", "string");
        refused("{'kind':'Node','apiVersion':'v1'}", MV_ETYPE, "metadata.name", "", "without a name");
        refused("{'kind':'Node','apiVersion':'v1','metadata':{'name':'n'}}x", MV_ESYNTAX, "", "x", "behind");
        refused("{'kind':'Node','apiVersion':'v1','metadata':{'name':'n'},'spec':{'taints':[{},{'key':2}]}}",
                MV_ETYPE, "spec.taints[1].key", "2}]", "string");
        refused(LIST("{'kind':'Node','apiVersion':'v1','metadata':{'name':'n'}},{'apiVersion':'v1',"
                     "'kind':'Node','metadata':"
                     "{'name':true}}"),
                MV_ETYPE, "items[1].metadata.name", "true", "string");
        refused(LIST("{'kind':'Node','apiVersion':'v1','metadata':{'name':'n'}},7"), MV_ETYPE, "items[1]",
                "7]", "must be an object");
        refused(LIST("{'apiVersion':'v1'}"), MV_ETYPE, "items[0]", "{'apiVersion':'v1'}", "kind");
        refused(LIST("{'apiVersion':'v1','kind':'Node'}"), MV_ETYPE, "items[0].metadata.name",
                "{'apiVersion':'v1','kind':'Node'", "without a name");
        refused(LIST("{'apiVersion':'v1','kind':'List','items':[{'apiVersion':'v1','kind':'Node',"
                     "'metadata':{'name':[]}}]}"),
                MV_ETYPE, "items[0].items[0].metadata.name", "[]}", "string");
        refused("{'apiVersion':'v1','kind':'List','items':{}}", MV_ESYNTAX, "", "{}}", "array");
        refused("{'apiVersion':'v1','kind':'List','items':[1,]}", MV_ESYNTAX, "items", "]}", "comma");
}

static void test_depth(void **state) {
        (void)state;
        /* Lists within lists, deeper than a document may nest. */
        char *json = malloc(8192);
        assert_non_null(json);
        for (int lists = 30; lists <= 40; lists += 10) {
                size_t n = 0;
                for (int i = 0; i < lists; i++)
                        n += (size_t)snprintf(json + n, 8192 - n,
                                              "{'apiVersion':'v1','kind':'List','items':[");
                for (int i = 0; i < lists; i++)
                        n += (size_t)snprintf(json + n, 8192 - n, "]}");
                struct mv_str text = json_make(json);
                struct mv_snapshot *s = NULL;
                assert_int_equal(snapshot_try(&mv_allocator_system, text, &s, NULL),
                                 lists == 30 ? 0 : MV_ELIMIT);
                mv_snapshot_free(s);
                text_free(text);
        }
        free(json);
}

static void test_several_documents(void **state) {
        (void)state;
        struct mv_str a = json_make(CLAIM("a")), b = json_make(CLAIM("b")), bad = json_make("{'kind':1}");
        struct mv_err err = { 0 };
        struct mv_snapshot *s = NULL;
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        assert_int_equal(mv_snapshot_builder_add(builder, a, MV_STR("one.yaml"), &err), 0);
        assert_int_equal(mv_snapshot_builder_add(builder, a, MV_STR("two.yaml"), &err),
                         0); /* the same again: once */
        assert_int_equal(mv_snapshot_builder_add(builder, b, MV_STR("two.yaml"), &err), 0);
        assert_int_equal(err.code, 0);
        assert_int_equal(mv_snapshot_builder_finish(builder, &s, &err), 0);
        size_t n;
        const struct mv_entry *entries = mv_snapshot_entries(s, &n);
        assert_int_equal(n, 2);
        assert_str(entries[0].origin, "one.yaml");
        assert_str(entries[1].origin, "two.yaml");
        mv_snapshot_notes(s, &n);
        assert_int_equal(n, 0);
        mv_snapshot_free(s);

        /* After an error the builder is good for nothing. */
        builder = mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        assert_int_equal(mv_snapshot_builder_add(builder, a, MV_STR("one.yaml"), &err), 0);
        assert_int_equal(mv_snapshot_builder_add(builder, bad, MV_STR("two.yaml"), &err), MV_ETYPE);
        assert_int_equal(mv_snapshot_builder_add(builder, b, MV_STR("three.yaml"), NULL), MV_EUSAGE);
        s = NULL;
        assert_int_equal(mv_snapshot_builder_finish(builder, &s, &err), MV_EUSAGE);
        assert_null(s);
        text_free(a);
        text_free(b);
        text_free(bad);
}

/* Of objects with one name the last counts, as when files are applied one after the other. */
static void test_given_twice(void **state) {
        (void)state;
        static const char format[] =
                "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'%s'},'spec':"
                "{'storageClassName':'%d'}}";
        enum { ROUNDS = 100 }; /* past the point where the tables grow */
        struct mv_snapshot_builder *builder =
                mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        struct mv_snapshot *s = NULL;
        for (int i = 0; i < ROUNDS; i++)
                for (int k = 0; k < 2; k++) {
                        char text[256];
                        snprintf(text, sizeof text, format, k ? "b" : "a", i);
                        struct mv_str json = json_make(text);
                        assert_int_equal(mv_snapshot_builder_add(builder, json, MV_STR("f.yaml"), NULL), 0);
                        text_free(json);
                }
        assert_int_equal(mv_snapshot_builder_finish(builder, &s, NULL), 0);
        size_t n, superseded = 0;
        const struct mv_entry *entries = mv_snapshot_entries(s, &n);
        assert_int_equal(n, 2 * ROUNDS);
        for (size_t i = 0; i < n; i++)
                superseded += entries[i].superseded;
        assert_int_equal(superseded, n - 2);
        assert_int_equal(mv_snapshot_count(s, MV_KIND_CLAIM), 2);
        const struct mv_claim *claim = mv_snapshot_find(s, MV_KIND_CLAIM, MV_STR("default"), MV_STR("a"));
        assert_str(claim->spec.storage_class_name, "99");
        assert_ptr_equal(mv_snapshot_at(s, MV_KIND_CLAIM, 0), claim);
        const struct mv_str *notes = mv_snapshot_notes(s, &n);
        assert_int_equal(n, 2 * ROUNDS - 2);
        assert_non_null(strstr(notes[0].p, "PersistentVolumeClaim default/a"));
        assert_non_null(strstr(notes[0].p, "f.yaml"));
        mv_snapshot_free(s);
}

static void test_no_name_yet(void **state) {
        (void)state;
        /* One that has no name yet cannot be mistaken for another. */
        struct mv_snapshot *s = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'generateName':'vm-'}},"
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'generateName':'vm-'},"
                "'spec':{}}");
        assert_int_equal(mv_snapshot_count(s, MV_KIND_VM), 2);
        assert_null(mv_snapshot_find(s, MV_KIND_VM, MV_STR("default"), MV_STR("vm-")));
        mv_snapshot_free(s);
}

static void test_many(void **state) {
        (void)state;
        enum { N = 3000 };
        char *text = malloc(N * 120);
        size_t n = 0;
        assert_non_null(text);
        for (int i = 0; i < N; i++)
                n += (size_t)snprintf(
                        text + n, N * 120 - n,
                        "%s{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'c-%d',"
                        "'namespace':"
                        "'ns-%d'}}",
                        i ? "," : "", i, i % 7);
        struct mv_snapshot *s = snapshot_make(text);
        assert_int_equal(mv_snapshot_count(s, MV_KIND_CLAIM), N);
        for (int i = 0; i < N; i++) {
                char name[16], namespace[16], wrong[16];
                snprintf(name, sizeof name, "c-%d", i);
                snprintf(namespace, sizeof namespace, "ns-%d", i % 7);
                snprintf(wrong, sizeof wrong, "ns-%d", (i + 1) % 7);
                assert_ptr_equal(
                        mv_snapshot_find(s, MV_KIND_CLAIM, mv_str_from(namespace), mv_str_from(name)),
                        mv_snapshot_at(s, MV_KIND_CLAIM, (size_t)i));
                assert_null(mv_snapshot_find(s, MV_KIND_CLAIM, mv_str_from(wrong), mv_str_from(name)));
        }
        mv_snapshot_free(s);
        free(text);
}

static void test_input_may_go(void **state) {
        (void)state;
        struct mv_str json =
                json_make("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels':{'a':'b'}},"
                          "'spec':{'taints':[{'key':'k','effect':'NoSchedule'}]}}");
        char origin[] = "file.yaml";
        struct mv_snapshot *s = NULL;
        struct mv_snapshot_builder *b = mv_snapshot_builder_new(&mv_allocator_system, MV_STR("default"));
        assert_int_equal(mv_snapshot_builder_add(b, json, mv_str_from(origin), NULL), 0);
        text_free(json);
        memset(origin, 'x', sizeof origin - 1);
        assert_int_equal(mv_snapshot_builder_finish(b, &s, NULL), 0);
        const struct mv_node *node = mv_snapshot_at(s, MV_KIND_NODE, 0);
        assert_true(mv_map_has(&node->meta.labels, MV_STR("a"), MV_STR("b")));
        assert_str(node->spec.taints.items[0].key, "k");
        size_t n;
        assert_str(mv_snapshot_entries(s, &n)[0].origin, "file.yaml");
        mv_snapshot_free(s);
}

#define TSC(value) "'cpu-timer.node.kubevirt.io/tsc-frequency':'" value "'"
#define READY "'kubevirt.io/schedulable':'true'"
static int64_t lowest(const char *items) {
        struct mv_snapshot *s = snapshot_make(items);
        int64_t frequency = mv_snapshot_lowest_tsc_frequency(s);
        mv_snapshot_free(s);
        return frequency;
}

static void test_tsc_frequency(void **state) {
        (void)state;
        assert_int_equal(lowest(NODE("a", READY "," TSC("2100000000"))), 2100000000);
        assert_int_equal(lowest(NODE("a", READY "," TSC("3000")) "," NODE(
                                 "b", READY "," TSC("2000")) "," NODE("c", READY "," TSC("2500"))),
                         2000);
        assert_int_equal(lowest(NODE("a", TSC("1000")) "," NODE(
                                 "b", "'kubevirt.io/schedulable':'false'," TSC("1500"))),
                         0);
        assert_int_equal(lowest(NODE("a", TSC("1000")) "," NODE("b", READY "," TSC("2000"))), 2000);
        /* A node that runs an instance counts. */
        assert_int_equal(
                lowest(NODE("a", TSC("1000")) "," NODE(
                        "b", READY
                        "," TSC("2000")) ",{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance',"
                                         "'metadata':{'name':'x'},"
                                         "'status':{'nodeName':'a'}}"),
                1000);
        assert_int_equal(
                lowest(NODE("a", READY "," TSC("0")) "," NODE("b", READY "," TSC("-5")) "," NODE(
                        "c", READY "," TSC("fast")) "," NODE("d", READY "," TSC("9223372036854775808"))),
                0);
        assert_true(lowest(NODE("a", READY "," TSC("9223372036854775807"))) == INT64_MAX);
}

static void test_node_index(void **state) {
        (void)state;
        enum { N = 130 };
        char *text = malloc(N * 160);
        size_t n = 0;
        assert_non_null(text);
        for (int i = 0; i < N; i++) /* enough labels to make the table grow */
                n += (size_t)snprintf(
                        text + n, N * 160 - n,
                        "%s{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d','labels':{'own':'%d',"
                        "'odd':'%d',"
                        "'all':'x','label-%d':''}}}",
                        i ? "," : "", i, i, i % 2, i);
        struct mv_snapshot *s = snapshot_make(text);
        const struct mv_node_index *index = mv_snapshot_node_index(s);
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        assert_int_equal(mv_node_index_words(index), 4); /* whole blocks */
        uint64_t *set = mv_node_set_all(index, &arena);
        assert_int_equal(mv_node_set_count(index, set), N);
        mv_node_set_and(index, set, mv_node_index_label(index, &arena, MV_STR("all"), MV_STR("x")));
        assert_int_equal(mv_node_set_count(index, set), N);
        mv_node_set_and(index, set, mv_node_index_label(index, &arena, MV_STR("odd"), MV_STR("1")));
        assert_int_equal(mv_node_set_count(index, set), N / 2);
        for (size_t i = 0; i < N; i++)
                assert_int_equal(mv_node_set_has(set, i), i % 2 == 1);
        mv_node_set_remove(set, 129);
        mv_node_set_remove(set, 129);
        assert_int_equal(mv_node_set_count(index, set), N / 2 - 1);
        for (int i = 0; i < N; i++) {
                char value[8];
                snprintf(value, sizeof value, "%d", i);
                const uint64_t *own = mv_node_index_label(index, &arena, MV_STR("own"), mv_str_from(value));
                assert_non_null(own);
                assert_int_equal(mv_node_set_count(index, own), 1);
                assert_true(mv_node_set_has(own, (size_t)i));
        }
        assert_null(mv_node_index_label(index, &arena, MV_STR("own"), MV_STR("130")));
        assert_null(mv_node_index_label(index, &arena, MV_STR("ow"), MV_STR("n1")));
        mv_node_set_and(index, set, NULL); /* nobody carries it */
        assert_int_equal(mv_node_set_count(index, set), 0);
        assert_int_equal(mv_node_set_count(index, mv_node_set_new(index, &arena)), 0);
        mv_arena_done(&arena);
        mv_snapshot_free(s);
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_empty),         cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_namespaces),    cmocka_unit_test(test_of_namespace),
                cmocka_unit_test(test_lists),         cmocka_unit_test(test_errors),
                cmocka_unit_test(test_depth),         cmocka_unit_test(test_several_documents),
                cmocka_unit_test(test_given_twice),   cmocka_unit_test(test_no_name_yet),
                cmocka_unit_test(test_many),          cmocka_unit_test(test_input_may_go),
                cmocka_unit_test(test_tsc_frequency), cmocka_unit_test(test_node_index),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
