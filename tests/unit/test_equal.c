/* SPDX-License-Identifier: Apache-2.0 */
/* Equality of JSON as Go's types have it, and the check for fields that the types do not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/base/arena.h"
#include "policy/object/equal.h"

#include "policy/object/migration.h"
#include "policy/object/vm.h"
#include "policy/object/schema.h"

#include <stdio.h>

static bool equal(const char *a, const char *b, const struct mv_shape *shape) {
        struct mv_arena arena;
        struct mv_str x = json_make(a), y = json_make(b);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        bool result = mv_json_equal(&arena, x, y, shape);
        assert_int_equal(mv_json_equal(&arena, y, x, shape), result);
        assert_true(mv_json_equal(&arena, x, x, shape));
        assert_false(mv_arena_failed(&arena));
        mv_arena_done(&arena);
        text_free(x);
        text_free(y);
        return result;
}

struct pair {
        const char *a, *b;
        bool equal;
};

static void check(const struct pair *pairs, size_t n, const struct mv_shape *shape) {
        for (size_t i = 0; i < n; i++)
                if (equal(pairs[i].a, pairs[i].b, shape) != pairs[i].equal)
                        fail_msg("%s and %s must%s be equal", pairs[i].a, pairs[i].b,
                                 pairs[i].equal ? "" : " not");
}

static void test_untyped(void **state) {
        (void)state;
        static const struct pair pairs[] = {
                { "", "null", true },
                { "null", "{}", true },
                { "", "[ ]", true },
                { "{'a':1,'b':[true,'x']}", "{ 'b' : [ true , '\\u0078' ], 'a':1 }", true },
                { "{'a':null,'b':{},'c':[]}", "{}", true },
                { "{'a':1,'c':2}", "{'b':1,'c':2}", false },
                { "{'a':0}", "{}", false },
                { "{'a':''}", "{}", false },
                { "{'a':'1'}", "{'a':1}", false },
                { "{'a':true}", "{'a':false}", false },
                { "{'a':[1,2]}", "{'a':[2,1]}", false },
                { "{'a':[1]}", "{'a':[1,1]}", false },
                { "{'a':[]}", "{'a':[1]}", false },
                { "[1]", "{'a':1}", false },
                /* Of a key that comes twice the last one counts, as in Go. */
                { "{'a':1,'a':2}", "{'a':2}", true },
        };
        check(pairs, sizeof pairs / sizeof *pairs, NULL);
}

static void test_instance(void **state) {
        (void)state;
        static const struct pair pairs[] = {
                { "{'nodeSelector':{}}", "{}", true },
                { "{'nodeSelector':{'a':''}}", "{}", false },
                { "{'nodeSelector':{'a':'b','c':'d'}}", "{'nodeSelector':{'c':'d','a':'b'}}", true },
                { "{'nodeSelector':{'a':'b'}}", "{'nodeSelector':{'a':'c'}}", false },
                { "{'volumes':[],'networks':null}", "{}", true },
                { "{'volumes':[{'name':'a'}]}", "{'volumes':[{'name':'a'},{'name':'b'}]}", false },
                { "{'volumes':[{'name':'a'},{'name':'b'}]}", "{'volumes':[{'name':'b'},{'name':'a'}]}",
                  false },
                /* A plain string's zero is as nothing, that of a pointer is not. */
                { "{'architecture':''}", "{}", true },
                { "{'evictionStrategy':''}", "{}", false },
                { "{'evictionStrategy':null}", "{}", true },
                { "{'evictionStrategy':'None'}", "{'evictionStrategy':'LiveMigrate'}", false },
                { "{'domain':{}}", "{}", true },
                { "{'domain':{'devices':{},'resources':{'requests':{}}}}", "{}", true },
                { "{'domain':{'cpu':{}}}", "{'domain':{}}", false },
                { "{'domain':{'cpu':{'cores':0}}}", "{'domain':{'cpu':{}}}", true },
                { "{'domain':{'cpu':{'cores':1}}}", "{'domain':{'cpu':{'cores':2}}}", false },
                { "{'domain':{'cpu':{'dedicatedCpuPlacement':false}}}", "{'domain':{'cpu':{}}}", true },
                { "{'domain':{'devices':{'autoattachPodInterface':false}}}", "{'domain':{'devices':{}}}",
                  false },
                { "{'domain':{'devices':{'interfaces':[{'name':'a','bridge':{}}]}}}",
                  "{'domain':{'devices':{'interfaces':[{'name':'a'}]}}}", false },
                { "{'domain':{'devices':{'interfaces':[{'name':'a','ports':[]}]}}}",
                  "{'domain':{'devices':{'interfaces':[{'name':'a'}]}}}", true },
                /* Quantities by value. */
                { "{'domain':{'memory':{'guest':'1Gi'}}}", "{'domain':{'memory':{'guest':'1024Mi'}}}", true },
                { "{'domain':{'memory':{'guest':'1Gi'}}}", "{'domain':{'memory':{'guest':'1G'}}}", false },
                { "{'domain':{'memory':{'guest':'0'}}}", "{'domain':{'memory':{}}}", false },
                { "{'domain':{'resources':{'requests':{'cpu':1}}}}",
                  "{'domain':{'resources':{'requests':{'cpu':'1000m'}}}}", true },
                { "{'domain':{'resources':{'requests':{'cpu':'0'}}}}", "{'domain':{'resources':{}}}", false },
                { "{'domain':{'resources':{'requests':{'cpu':'junk'}}}}",
                  "{'domain':{'resources':{'requests':{'cpu':'trash'}}}}", false },
                /* A field that the type does not have is dropped. */
                { "{'bogus':{'a':1}}", "{}", true },
                /* Wrong types are not equal to right ones. */
                { "{'domain':'x'}", "{'domain':{'cpu':{}}}", false },
                { "{'volumes':{'a':1}}", "{'volumes':[1]}", false },
                { "{'nodeSelector':['a']}", "{'nodeSelector':{'a':'b'}}", false },
        };
        check(pairs, sizeof pairs / sizeof *pairs, &mv_shape_vmi_spec);
}

static void test_others(void **state) {
        (void)state;
        static const struct pair migrations[] = {
                { "{'vmiName':'a','addedNodeSelector':{}}", "{'vmiName':'a'}", true },
                { "{'vmiName':'a'}", "{'vmiName':'b'}", false },
                { "{'vmiName':''}", "", true },
                { "{'priority':''}", "{}", false },
                { "{'sendTo':{}}", "{}", false },
                { "{'receive':{'migrationID':''}}", "{'receive':{}}", true },
        };
        static const struct pair detectors[] = {
                { "{'ewmaAlpha':'0.4'}", "{'ewmaAlpha':'400m'}", true },
                { "{'ewmaAlpha':'0.4'}", "{'ewmaAlpha':'0.5'}", false },
                { "{'ewmaAlpha':'0'}", "{}", false },
        };
        check(migrations, sizeof migrations / sizeof *migrations, &mv_shape_migration_spec);
        check(detectors, sizeof detectors / sizeof *detectors, &mv_shape_stall_detector);
}

static void test_out_of_memory(void **state) {
        (void)state;
        struct mv_str a = json_make("{'a':[1,'\\u0041']}"), b = json_make("{'a':[1,'A']}");
        for (size_t fail_at = 1; fail_at < 3; fail_at++) {
                struct test_allocator allocator;
                struct mv_arena arena;
                test_allocator_init(&allocator, fail_at);
                mv_arena_init(&arena, &allocator.allocator, 0);
                bool same = mv_json_equal(&arena, a, b, NULL);
                assert_int_equal(same, !mv_arena_failed(&arena));
                mv_arena_done(&arena);
                assert_int_equal(allocator.live, 0);
        }
        text_free(a);
        text_free(b);
}

/* Every shape that can be reached is sorted, or members would not be found. */
static void assert_sorted(const struct mv_shape *shape) {
        assert_true(shape->n <= 64);
        for (size_t i = 0; i < shape->n; i++) {
                const struct mv_shape_field *field = &shape->fields[i];
                if (i && strcmp(shape->fields[i - 1].key, field->key) >= 0)
                        fail_msg("%s comes before %s", shape->fields[i - 1].key, field->key);
                assert_ptr_equal(mv_shape_find(shape, field->key, strlen(field->key)), field);
                assert_true(field->kind != MV_SHAPE_OBJECT || field->shape);
                if (field->shape)
                        assert_sorted(field->shape);
        }
}

static void test_shapes(void **state) {
        (void)state;
        const struct mv_shape *const all[] = { &mv_shape_vm_spec, &mv_shape_vmi_spec,
                                               &mv_shape_migration_spec, &mv_shape_stall_detector,
                                               &mv_shape_downtime_tuning };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                assert_sorted(all[i]);
        assert_null(mv_shape_find(&mv_shape_vmi_spec, "volume", 6));
        assert_null(mv_shape_find(&mv_shape_vmi_spec, "volumesX", 8));
        assert_null(mv_shape_find(&mv_shape_vmi_spec, "", 0));
}

static void collect(void *context, struct mv_str message) {
        char *out = context;
        size_t n = strlen(out);
        snprintf(out + n, 1024 - n, "%s%.*s", n ? "|" : "", MV_STR_ARG(message));
}

/* Decoding tells the same in passing, of what it can decode. */
static void assert_fits(struct mv_str object, const struct mv_shape *spec, bool fits) {
        bool vm = spec == &mv_shape_vm_spec, told = !fits;
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct mv_table *table = vm ? &mv_table_vm : &mv_table_migration;
        const struct mv_decode decode = { .arena = &arena,
                                          .shape = vm ? &mv_shape_vm : &mv_shape_migration,
                                          .ret_fits = &told };
        void *decoded = mv_arena_allocate(&arena, table->size, table->align);
        if (mv_decode(&decode, object, table, decoded, NULL) == 0)
                assert_int_equal(told, fits);
        mv_arena_done(&arena);
}

static void test_schema(void **state) {
        (void)state;
#define FORBIDDEN " in body is a forbidden property"
        static const struct {
                const char *object;
                const struct mv_shape *spec;
                const char *complaints;
        } cases[] = {
                { "{'kind':'K','apiVersion':'v','metadata':{'x':1},'status':{'x':1},'spec':{'vmiName':'a'}}",
                  &mv_shape_migration_spec, "" },
                { "{'spec':{'bogus':1}}", &mv_shape_migration_spec, "spec.bogus" FORBIDDEN },
                { "{'spec':{'sendTo':{'a':1,'connectURL':'u','b':2}},'top':1}", &mv_shape_migration_spec,
                  ".top" FORBIDDEN "|spec.sendTo.a" FORBIDDEN "|spec.sendTo.b" FORBIDDEN },
                { "{'spec':{'addedNodeSelector':{'any':'thing'}}}", &mv_shape_migration_spec, "" },
                { "{}", &mv_shape_migration_spec,
                  "spec in body is required|spec in body must be of type object: \"null\"" },
                { "{'spec':null}", &mv_shape_migration_spec,
                  "spec in body must be of type object: \"null\"" },
                { "{'spec':{}}", &mv_shape_vm_spec, "spec.template in body is required" },
                { "{'spec':{'affinity':{},'template':{'spec':{'domain':{'devices':{'disks':[{'name':'a'},{'nam':'b'}]}}}}}}",
                  &mv_shape_vm_spec,
                  "spec.affinity" FORBIDDEN "|spec.template.spec.domain.devices.disks.1.nam" FORBIDDEN },
                { "{'spec':{'template':{'metadata':{'label':{}},'spec':{'\\u0064omain':{'cpus':1}}}}}",
                  &mv_shape_vm_spec,
                  "spec.template.metadata.label" FORBIDDEN "|spec.template.spec.domain.cpus" FORBIDDEN },
                { "{'kind':'VirtualMachine','metadata':{'any':1},'spec':{'template':{'metadata':{'labels':{'a':'b'}},'spec':{'domain':"
                  "{'devices':{'disks':[{'name':'a','disk':{'bus':'virtio'}},null]}},'volumes':[{'name':'a','emptyDisk':{"
                  "'capacity':'1Gi'}}]}}}}",
                  &mv_shape_vm_spec, "" },
                { "{'spec':{'template':{'spec':{'domain':{'devices':{}},'volumes':[{'name':'a','emptyDisk':{'capcity':'1Gi'}}]}}}}",
                  &mv_shape_vm_spec, "spec.template.spec.volumes.0.emptyDisk.capcity" FORBIDDEN },
                { "{'spec':{'template':{'spec':{'domain':{'devices':{'tpm':{'persistant':true}}}}}}}",
                  &mv_shape_vm_spec, "spec.template.spec.domain.devices.tpm.persistant" FORBIDDEN },
                /* Wrong types are for decoding to find. */
                { "{'spec':{'template':{'spec':{'volumes':'x','domain':[1]}}}}", &mv_shape_vm_spec, "" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct mv_arena arena;
                struct mv_str object = json_make(cases[i].object);
                char complaints[1024] = "";
                mv_arena_init(&arena, &mv_allocator_system, 0);
                mv_schema_check(&arena, object, cases[i].spec, collect, complaints);
                assert_string_equal(complaints, cases[i].complaints);
                assert_fits(object, cases[i].spec, !cases[i].complaints[0]);
                mv_arena_done(&arena);
                text_free(object);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_untyped), cmocka_unit_test(test_instance),
                cmocka_unit_test(test_others),  cmocka_unit_test(test_out_of_memory),
                cmocka_unit_test(test_shapes),  cmocka_unit_test(test_schema),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
