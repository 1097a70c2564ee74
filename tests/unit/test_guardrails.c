/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas and limits: what counts a launcher pod, how much of what, and the numbers that are told, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/support.h"

#include "policy/launcher/quota.h"

#include <stdio.h>
#include <string.h>

/* Its launcher requests 1410731712 bytes of memory and 105m of CPU; 60000000 bytes and 15m are its limits. */
#define INSTANCE(status)                                                                                   \
        "{'apiVersion':'kubevirt.io/v1','kind':'VirtualMachineInstance','metadata':{'name':'vm'},'spec':{" \
        "'domain':{'memory':{'guest':'1Gi'},'devices':{'interfaces':[{'name':'a','masquerade':{}}]}},"     \
        "'networks':[{'name':'a','pod':{}}]},'status':{" status "}}"
#define RUNS "'phase':'Running','nodeName':'n'"

static void quota(const char *status, const char *spec, const char *quota_status, const char *outcome,
                  const char *message) {
        char items[4096];
        struct judged judged;
        snprintf(
                items, sizeof items,
                "{'apiVersion':'v1','kind':'ResourceQuota','metadata':{'name':'q'},'spec':{%s},'status':{%s}}",
                spec, quota_status);
        struct mv_snapshot *snapshot =
                snapshot_of(*status ? INSTANCE(RUNS) : INSTANCE("'phase':'Pending'"), items, NULL);
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        assert_string_equal(outcome_of(&judged.verdict, "resource-quota"), outcome);
        const struct mv_finding *finding = finding_of(&judged.verdict, "resource-quota");
        if (message && !strstr(finding->message.p, message))
                fail_msg("%s\nhas no\n%s", finding->message.p, message);
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

static void test_quota_numbers(void **state) {
        (void)state;
        quota("runs", "'hard':{'requests.memory':'2410731712'}", "'used':{'requests.memory':'1000000000'}",
              "pass", NULL);
        quota("runs", "'hard':{'requests.memory':'2410731711'}", "'used':{'requests.memory':'1000000000'}",
              "fail", "requests.memory: 954Mi of 2410731711 used, the target pod needs 1346Mi more");
        quota("", "'hard':{'memory':'2821463424'}", "'used':{'memory':'0'}", "pass", NULL);
        quota("", "'hard':{'memory':'2821463423'}", "'used':{'memory':'0'}", "fail",
              "memory: 0 of 2821463423 used, the VM and its target pod need 2691Mi more");
        quota("runs", "'hard':{'cpu':'210m'}", "'used':{'cpu':'105m'}", "pass", NULL);
        quota("runs", "'hard':{'cpu':'209m'}", "'used':{'cpu':'105m'}", "fail",
              "cpu: 105m of 209m used, the target pod needs 105m more");
        /* The status decides, where it is there; what it does not know of is as in the spec. */
        quota("runs", "'hard':{'pods':'1'}", "'hard':{'pods':'5'},'used':{'pods':'1'}", "pass", NULL);
        /* A quota on limits: KubeVirt limits memory to twice its request, 2751463424, and CPU to the CPUs. */
        quota("runs", "'hard':{'limits.memory':'5622926848'}", "'used':{'limits.memory':'2811463424'}",
              "pass", NULL);
        quota("runs", "'hard':{'limits.memory':'5622926847'}", "'used':{'limits.memory':'2811463424'}",
              "fail", NULL);
        quota("runs", "'hard':{'limits.cpu':'2030m'}", "'used':{'limits.cpu':'1015m'}", "pass", NULL);
        quota("runs", "'hard':{'limits.cpu':'2029m'}", "'used':{'limits.cpu':'1015m'}", "fail", NULL);
        quota("runs", "'hard':{'requests.ephemeral-storage':'100M'}",
              "'used':{'requests.ephemeral-storage':'50M'}", "pass", NULL);
        quota("runs", "'hard':{'ephemeral-storage':'99M'}", "'used':{'ephemeral-storage':'50M'}", "fail",
              NULL);
        quota("runs", "'hard':{'requests.memory':'much'}", "'used':{'requests.memory':'1'}", "pass", NULL);
        quota("runs", "'hard':{'requests.memory':'9E'}", "'used':{'requests.memory':'9E'}", "fail", NULL);
        /* Unknown, until it cannot be enough for two. */
        quota("runs", "'hard':{'requests.memory':'2821463424'}", "", "unknown", NULL);
        quota("runs", "'hard':{'requests.memory':'2821463423'}", "", "fail",
              "at least 1346Mi of 2821463423 used");
        quota("", "'hard':{'requests.memory':'2821463424'}", "", "unknown", NULL);
}

static struct mv_resource_quota *quota_at(const struct mv_snapshot *snapshot) {
        const void *object = mv_snapshot_at(snapshot, MV_KIND_RESOURCE_QUOTA, 0);
        return (struct mv_resource_quota *)(uintptr_t)object;
}

static void scope(const char *spec, const struct mv_quota_traits *traits, bool counts) {
        char items[1024];
        snprintf(items, sizeof items,
                 "{'apiVersion':'v1','kind':'ResourceQuota','metadata':{'name':'q'},'spec':{%s}}", spec);
        struct mv_snapshot *snapshot = snapshot_make(items);
        if (mv_quota_counts(quota_at(snapshot), traits) != counts)
                fail_msg("%s", spec);
        mv_snapshot_free(snapshot);
}

static void test_scopes(void **state) {
        (void)state;
        const struct mv_quota_traits plain = { 0 };
        const struct mv_quota_traits high = { .priority_class = MV_STR("high"), .cross_namespace = true };
        const struct mv_quota_traits job = { .terminating = true, .best_effort = true };
        scope("", &plain, true);
        scope("'scopes':['NotTerminating','NotBestEffort']", &plain, true);
        scope("'scopes':['NotTerminating','BestEffort']", &plain, false);
        scope("'scopes':['Terminating']", &plain, false);
        scope("'scopes':['Terminating','BestEffort']", &job, true);
        scope("'scopes':['NotBestEffort']", &job, false);
        scope("'scopes':['NotTerminating']", &job, false);
        scope("'scopes':['PriorityClass']", &plain, false);
        scope("'scopes':['PriorityClass']", &high, true);
        scope("'scopes':['CrossNamespacePodAffinity']", &plain, false);
        scope("'scopes':['CrossNamespacePodAffinity']", &high, true);
        scope("'scopes':['VolumeAttributesClass']", &plain, false);
        const struct {
                const char *operator, * values;
                bool plain, high;
        } classes[] = {
                { "In", "'values':['low','high']", false, true },
                { "In", "'values':['low']", false, false },
                { "NotIn", "'values':['high']", true, false },
                { "NotIn", "'values':['low']", true, true },
                { "Exists", "'values':[]", false, true },
                { "DoesNotExist", "'values':[]", true, false },
        };
        for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
                char spec[256];
                snprintf(
                        spec, sizeof spec,
                        "'scopeSelector':{'matchExpressions':[{'scopeName':'PriorityClass','operator':'%s',%s}]}",
                        classes[i].operator, classes[i].values);
                scope(spec, &plain, classes[i].plain);
                scope(spec, &high, classes[i].high);
        }
}

static void test_usage(void **state) {
        (void)state;
        struct mv_amount request_items[] = { { MV_STR("cpu"), 100 },
                                             { MV_STR("ephemeral-storage"), 5 },
                                             { MV_STR("hugepages-2Mi"), 7 },
                                             { MV_STR("memory"), 200 },
                                             { MV_STR("x/gpu"), 2 } };
        struct mv_amount limit_items[] = { { MV_STR("cpu"), 300 }, { MV_STR("memory"), 400 } };
        const struct mv_amounts requests = { request_items, 5 }, limits = { limit_items, 2 };
        const struct {
                const char *resource;
                int64_t amount; /* -1: no matter of pods */
        } cases[] = {
                { "cpu", 100 },
                { "requests.cpu", 100 },
                { "limits.cpu", 300 },
                { "memory", 200 },
                { "limits.memory", 400 },
                { "pods", 1 },
                { "count/pods", 1 },
                { "hugepages-2Mi", 7 },
                { "requests.hugepages-2Mi", 7 },
                { "x/gpu", -1 },
                { "requests.x/gpu", 2 },
                { "limits.x/gpu", -1 },
                { "ephemeral-storage", 5 },
                { "limits.ephemeral-storage", 0 },
                { "requests.storage", -1 },
                { "services", -1 },
                { "count/deployments.apps", -1 },
                { "requests.y/none", 0 },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                int64_t amount = -1;
                bool counts = mv_quota_usage(mv_str_from(cases[i].resource), &requests, &limits, &amount);
                assert_int_equal(counts ? amount : -1, cases[i].amount);
        }
}

static void limit_range(const char *item, const char *outcome, const char *message) {
        char items[2048];
        struct judged judged;
        snprintf(items, sizeof items,
                 "{'apiVersion':'v1','kind':'LimitRange','metadata':{'name':'l'},'spec':{'limits':[{%s}]}}",
                 item);
        struct mv_snapshot *snapshot = snapshot_of(INSTANCE(RUNS), items, NULL);
        judge(&judged, snapshot, MV_KIND_VMI, "vm");
        assert_string_equal(outcome_of(&judged.verdict, "limit-range"), outcome);
        const struct mv_finding *finding = finding_of(&judged.verdict, "limit-range");
        if (message && !strstr(finding->message.p, message))
                fail_msg("%s\nhas no\n%s", finding->message.p, message);
        judged_done(&judged);
        mv_snapshot_free(snapshot);
}

static void test_limit_range_numbers(void **state) {
        (void)state;
        limit_range("'type':'Container','min':{'cpu':'5m'}", "pass", NULL);
        limit_range("'type':'Container','min':{'cpu':'6m'}", "fail",
                    "guest-console-log requests cpu 5m, and min is 6m");
        limit_range("'type':'Container','min':{'nvidia.com/gpu':'1'}", "pass",
                    NULL); /* min is the default request */
        limit_range("'type':'Container','max':{'memory':'1375731712'}", "pass", NULL);
        limit_range("'type':'Container','max':{'memory':'1375731711'}", "fail",
                    "compute requests memory 1312Mi, more than the default limit 1312Mi");
        limit_range("'type':'Container','max':{'cpu':'10m'}", "fail",
                    "guest-console-log has a limit of cpu 15m, and max is 10m");
        limit_range("'type':'Container','default':{'memory':'2Gi'},'max':{'memory':'3Gi'}", "pass", NULL);
        limit_range("'type':'Container','default':{'cpu':'1'},'maxLimitRequestRatio':{'cpu':'10'}", "pass",
                    NULL);
        limit_range("'type':'Container','default':{'cpu':'1001m'},'maxLimitRequestRatio':{'cpu':'10'}",
                    "fail",
                    "compute has a limit of cpu 1001m on a request of 100m, and maxLimitRequestRatio is 10");
        limit_range("'type':'Container','maxLimitRequestRatio':{'cpu':'100'}", "fail",
                    "compute has no limit of cpu, and maxLimitRequestRatio is 100");
        limit_range("'type':'Pod','min':{'memory':'1410731712'}", "fail",
                    "the pod has a limit of memory 58Mi, and min is 1346Mi");
        limit_range("'type':'Pod','min':{'memory':'60000000'}", "pass", NULL);
        limit_range("'type':'Pod','max':{'memory':'1'}", "fail",
                    "the pod has a limit of memory 58Mi, and max is 1");
        limit_range("'type':'Pod','max':{'nvidia.com/gpu':'1'}", "fail",
                    "the pod has no limit of nvidia.com/gpu");
        limit_range("'type':'PersistentVolumeClaim','max':{'storage':'1'}", "none", NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_quota_numbers),
                cmocka_unit_test(test_scopes),
                cmocka_unit_test(test_usage),
                cmocka_unit_test(test_limit_range_numbers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
