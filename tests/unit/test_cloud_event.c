/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict as a CloudEvent: to the byte, and in two pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/cloud_event.h"
#include "policy/object/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mv_verdict plain = {
        .subject = { .api_version = MV_STR("kubevirt.io/v1"),
                     .kind = MV_STR("VirtualMachine"),
                     .namespace = MV_STR("shop"),
                     .name = MV_STR("db"),
                     .uid = MV_STR("u-1") },
        .migratable = MV_OUTCOME_FAIL,
        .method = "BlockMigration",
        .eviction_strategy = MV_STR("LiveMigrate"),
        .eviction_from = MV_STR("vm"),
        .version = MV_STR("1.8.4"),
        .version_from = MV_STR("KubeVirt/kubevirt/kubevirt"),
};
static const struct mv_cloud_event event = {
        .id = MV_STR("0b0f\""),
        .time = MV_STR("2026-11-26T10:00:00.123Z"),
        .cluster_name = MV_STR("east 1/ü"),
        .replica = MV_STR("migvet-0"),
        .verdict = &plain,
        .allowed = true,
        .level = MV_STR("declared"),
        .operation = MV_STR("CREATE"),
};

static const char golden[] =
        "{\"specversion\":\"1.0\",\"id\":\"0b0f\\\"\",\"source\":\"/clusters/east%201%2F%C3%BC/migvet/migvet-0\","
        "\"type\":\"io.migvet.verdict.v1alpha1\",\"subject\":\"shop/VirtualMachine/db\","
        "\"time\":\"2026-11-26T10:00:00.123Z\",\"datacontenttype\":\"application/json\","
        "\"sequence\":\"00000000000000000042\",\"data\":{\"verdict\":{\"apiVersion\":\"migvet.io/v1alpha1\","
        "\"kind\":\"Verdict\",\"subject\":{\"apiVersion\":\"kubevirt.io/v1\",\"kind\":\"VirtualMachine\","
        "\"namespace\":\"shop\",\"name\":\"db\",\"uid\":\"u-1\"},\"migratable\":\"False\","
        "\"method\":\"BlockMigration\",\"conditions\":[],\"evictionStrategy\":{\"value\":\"LiveMigrate\","
        "\"from\":\"vm\"},\"findings\":[],\"observed\":[],\"kubevirtVersion\":{\"value\":\"1.8.4\","
        "\"from\":\"KubeVirt/kubevirt/kubevirt\"},\"policy\":null,\"migrationConfiguration\":{}},"
        "\"decision\":{\"allowed\":true,\"level\":\"declared\",\"operation\":\"CREATE\",\"dryRun\":false}}}";

/* The event with a number; to be freed. */
static char *whole(const struct mv_cloud_event *of, unsigned long long sequence) {
        struct mv_arena arena;
        struct mv_buf buf;
        char *text = NULL;
        size_t split;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        mv_buf_init(&buf, &mv_allocator_system, 1 << 20);
        mv_buf_append_text(&buf, "before"); /* what is there already stays */
        mv_cloud_event_render(&buf, &arena, of, &split);
        assert_false(mv_buf_failed(&buf));
        assert_memory_equal(buf.p, "before", 6);
        assert_true(asprintf(&text, "%.*s%020llu%s", (int)split, buf.p + 6, sequence, buf.p + 6 + split) > 0);
        mv_buf_done(&buf);
        mv_arena_done(&arena);
        return text;
}

static void test_golden(void **state) {
        (void)state;
        char *text = whole(&event, 42);
        assert_string_equal(text, golden);
        free(text);
        struct mv_cloud_event denied = event;
        denied.allowed = false;
        text = whole(&denied, UINT64_MAX);
        assert_non_null(strstr(text, "\"allowed\":false"));
        assert_non_null(strstr(text, "\"sequence\":\"18446744073709551615\""));
        free(text);
}

/* A verdict with findings, and what the scanner says of the text. */
static void test_of_an_object(void **state) {
        (void)state;
        struct judged judged;
        struct mv_scan scan;
        struct mv_snapshot *snapshot = snapshot_make(
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'m'},'spec':{'template':"
                "{'spec':{'networks':[{'name':'d','pod':{}}],'domain':{'devices':{'interfaces':[{'name':'d',"
                "'bridge':{}}]}}}}}}");
        judge(&judged, snapshot, MV_KIND_VM, "m");
        struct mv_cloud_event of = event;
        of.verdict = &judged.verdict;
        char *text = whole(&of, 1);
        assert_non_null(strstr(text, "\"subject\":\"default/VirtualMachine/m\""));
        assert_non_null(strstr(text, "\"outcome\":\"fail\""));
        assert_null(strstr(text, "\"outcome\":\"pass\""));
        struct mv_str padded = text_make(text, strlen(text));
        mv_scan_init(&scan, padded);
        assert_true(mv_scan_skip(&scan, NULL) && mv_scan_finish(&scan));
        text_free(padded);
        free(text);
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

/* So many names between these quotes. */
static size_t names(const char *text, const char *key) {
        size_t n = 0;
        const char *at = strstr(text, key), *end = at ? strchr(at, ']') : NULL;
        assert_non_null(end);
        for (; (at = strstr(at, "\"n-")) && at < end; at++)
                n++;
        return n;
}

/* In a large cluster: some of the nodes, and how many more there are. */
static void test_many_nodes(void **state) {
        (void)state;
        enum { FIT = 70, CORDONED = 1 };
        struct judged judged;
        struct mv_buf items;
        mv_buf_init(&items, &mv_allocator_system, 1 << 20);
        mv_buf_append_text(
                &items,
                "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachine','metadata':{'name':'m'},'spec':"
                "{'template':{'spec':{'domain':{'devices':{}}}}}}");
        for (int i = 0; i < FIT + CORDONED; i++)
                mv_buf_format(
                        &items,
                        ",{'apiVersion':'v1','kind':'Node','metadata':{'name':'n-%02d','labels':{"
                        "'kubevirt.io/schedulable':'true','kubernetes.io/arch':'amd64','machine-type.node.kubevirt.io/q35':"
                        "'true'}},'spec':{'unschedulable':%s}}",
                        i, i < FIT ? "false" : "true");
        struct mv_snapshot *snapshot = snapshot_make(items.p);
        judge(&judged, snapshot, MV_KIND_VM, "m");
        struct mv_cloud_event of = event;
        of.verdict = &judged.verdict;
        char *text = whole(&of, 1);
        assert_non_null(strstr(text, "\"targets\":{\"total\":71,\"feasible\":[\"n-00\",\"n-01\","));
        assert_int_equal(names(text, "\"feasible\":["), MV_CLOUD_EVENT_NODES);
        assert_non_null(strstr(text, "\"infeasible\":[{\"node\":\"n-70\",\"causes\":["));
        assert_non_null(strstr(text, "],\"omitted\":{\"feasible\":20,\"infeasible\":0}}"));
        free(text);
        judged_done(&judged);
        mv_snapshot_free(snapshot);
        mv_buf_done(&items);
}

/* Each allocation fails in turn: all of it, or a buffer that has failed. */
static void test_memory(void **state) {
        (void)state;
        for (size_t i = 1;; i++) {
                struct test_allocator allocator;
                struct mv_arena arena;
                struct mv_buf buf;
                size_t split;
                test_allocator_init(&allocator, i);
                mv_arena_init(&arena, &allocator.allocator, 0);
                mv_buf_init(&buf, &allocator.allocator, 1 << 20);
                mv_cloud_event_render(&buf, &arena, &event, &split);
                bool all = allocator.calls < i;
                assert_int_equal(mv_buf_failed(&buf), !all);
                mv_buf_done(&buf);
                mv_arena_done(&arena);
                assert_int_equal(allocator.live, 0);
                if (all)
                        break;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden),
                cmocka_unit_test(test_of_an_object),
                cmocka_unit_test(test_many_nodes),
                cmocka_unit_test(test_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
