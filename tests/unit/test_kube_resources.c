/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/kube/discovery.h"
#include "cluster/kube/resources.h"
#include "policy/rule.h"
#include "tests/unit/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_each_kind_is_described(void **state) {
        (void)state;
        for (int kind = 0; kind < MV_KIND_COUNT; kind++) {
                const struct mv_kube_resource *resource = &mv_kube_resources[kind];
                const struct mv_table *table = mv_kinds[kind].table;
                if (!resource->versions[0] || (!resource->listed && !resource->some))
                        fail_msg("%s is not described", mv_kinds[kind].kind);
                bool only_metadata =
                        table->n == 1 && mv_str_is(table->fields[0].key, "metadata") && !mv_kinds[kind].read;
                if (resource->listed && resource->metadata != only_metadata)
                        fail_msg("%s: what is read of it is not what is asked for", mv_kinds[kind].kind);
        }
}

static void test_needed(void **state) {
        (void)state;
        uint64_t needed = mv_kube_needed();
        assert_true(needed & MV_NEED(VM));
        assert_true(needed & MV_NEED(RESOURCE_QUOTA)); /* of one rule */
        assert_true(needed & MV_NEED(MAINTENANCE));
        assert_true((needed & MV_NEED_ALWAYS) == MV_NEED_ALWAYS);
        assert_true(needed >> MV_KIND_COUNT == 0);
}

static void test_paths(void **state) {
        (void)state;
        struct mv_buf buf;
        mv_buf_init(&buf, &mv_allocator_system, 1000);
        mv_kube_collection_path(&buf, MV_KIND_NODE, "v1");
        assert_string_equal(buf.p, "/api/v1/nodes");
        mv_buf_clear(&buf);
        mv_kube_collection_path(&buf, MV_KIND_POOL, "v1beta1");
        assert_string_equal(buf.p, "/apis/pool.kubevirt.io/v1beta1/virtualmachinepools");
        mv_buf_clear(&buf);
        mv_kube_object_path(&buf, MV_KIND_NODE, "v1", MV_STR("x"), MV_STR("a/../b"));
        assert_string_equal(buf.p, "/api/v1/nodes/a%2F..%2Fb");
        mv_buf_clear(&buf);
        mv_kube_object_path(&buf, MV_KIND_VMI, "v1", MV_STR("ns"), MV_STR("vm"));
        assert_string_equal(buf.p, "/apis/kubevirt.io/v1/namespaces/ns/virtualmachineinstances/vm");
        mv_buf_done(&buf);
}

#define VERBS "'verbs':['get','list','watch']"

static void read_groups(struct mv_kube_discovery *discovery, bool core, const char *text, bool want) {
        bool aggregated = !want;
        struct mv_err err = { 0 };
        struct mv_str body = json_make(text);
        if (mv_kube_discovery_read(discovery, core, body, &aggregated, &err) < 0)
                fail_msg("%s", err.message);
        assert_int_equal(aggregated, want);
        text_free(body);
}

static void test_discovery(void **state) {
        (void)state;
        struct mv_kube_discovery discovery = { { [MV_KIND_POD] = "v1", [MV_KIND_POOL] = "v1beta1" } };
        read_groups(&discovery, false,
                    "{'kind':'APIGroupDiscoveryList','items':["
                    "{'metadata':{'name':'hco.kubevirt.io'},'versions':["
                    "{'version':'v1beta1','resources':[{'resource':'hyperconvergeds'," VERBS "}]},"
                    "{'version':'v1','resources':[{'resource':'hyperconvergeds'," VERBS "}]}]},"
                    "{'metadata':{'name':'kubevirt.io'},'versions':["
                    "{'version':'v1','resources':[{'resource':'virtualmachines'," VERBS "},"
                    "{'resource':'kubevirts','verbs':['get']}]},"
                    "{'version':'v1alpha3','resources':[{'resource':'virtualmachines'," VERBS "}]},"
                    "{'version':'v9','resources':[{'resource':'virtualmachineinstances'," VERBS "}]}]},"
                    "{'metadata':{'name':'other.io'},'versions':["
                    "{'version':'v1','resources':[{'resource':'nodemaintenances'," VERBS "}]}]}]}",
                    true);
        assert_string_equal(discovery.versions[MV_KIND_HYPERCONVERGED], "v1");
        assert_string_equal(discovery.versions[MV_KIND_VM], "v1");
        assert_null(discovery.versions[MV_KIND_KUBEVIRT]); /* it cannot be listed */
        assert_null(discovery.versions[MV_KIND_VMI]);      /* in no version that is known here */
        assert_null(discovery.versions[MV_KIND_MAINTENANCE]);
        assert_null(discovery.versions[MV_KIND_POOL]);              /* it was there before */
        assert_string_equal(discovery.versions[MV_KIND_POD], "v1"); /* not this document's business */
        read_groups(
                &discovery, true,
                "{'kind':'APIGroupDiscoveryList','items':[{'metadata':{'creationTimestamp':null},'versions':["
                "{'version':'v1','resources':[{'resource':'nodes'," VERBS "}]}]}]}",
                true);
        assert_string_equal(discovery.versions[MV_KIND_NODE], "v1");
        assert_null(discovery.versions[MV_KIND_POD]);
        assert_string_equal(discovery.versions[MV_KIND_VM], "v1");
        read_groups(&discovery, false, "{'kind':'APIGroupList','groups':[]}", false);
        assert_string_equal(discovery.versions[MV_KIND_VM], "v1");
        struct mv_str broken = json_make("{'kind':'APIGroupDiscoveryList','items':[{]}");
        bool aggregated;
        assert_int_equal(mv_kube_discovery_read(&discovery, false, broken, &aggregated, NULL), MV_ESYNTAX);
        assert_string_equal(discovery.versions[MV_KIND_VM], "v1");
        text_free(broken);
}

static void test_discovery_of_versions(void **state) {
        (void)state;
        struct mv_kube_discovery discovery = { { NULL } };
        struct mv_str body =
                json_make("{'kind':'APIResourceList','resources':[{'name':'virtualmachines'," VERBS
                          "},{'name':'virtualmachines/status','verbs':['get']}]}");
        assert_int_equal(mv_kube_discovery_read_version(&discovery, "kubevirt.io", "v1", body, NULL), 0);
        assert_string_equal(discovery.versions[MV_KIND_VM], "v1");
        assert_int_equal(mv_kube_discovery_read_version(&discovery, "kubevirt.io", "v1alpha3", body, NULL),
                         0);
        assert_string_equal(discovery.versions[MV_KIND_VM], "v1");
        text_free(body);
        body = json_make("{'kind':'Status'}");
        assert_int_equal(mv_kube_discovery_read_version(&discovery, "kubevirt.io", "v1", body, NULL),
                         MV_ETYPE);
        text_free(body);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_kind_is_described),
                cmocka_unit_test(test_needed),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_discovery),
                cmocka_unit_test(test_discovery_of_versions),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
