/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/report.h"

#include "tests/unit/support.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct mv_rule blocker = { .id = "pvc-access-mode", .area = MV_AREA_STORAGE };
static const struct mv_rule risk = { .id = "gpu", .area = MV_AREA_DEVICE };

/* An object with a finding of a rule, or none. */
static void add(struct mv_report *report, const char *name, const struct mv_rule *rule,
                enum mv_outcome outcome, enum mv_severity severity, const char *exempt) {
        struct mv_finding finding = { .rule = rule,
                                      .outcome = outcome,
                                      .severity = severity,
                                      .message = MV_STR("a <b>"),
                                      .field = MV_STR("spec.x"),
                                      .fix = MV_STR("f") };
        struct mv_verdict verdict = { .subject = { .api_version = MV_STR("kubevirt.io/v1"),
                                                   .kind = MV_STR("VirtualMachine"),
                                                   .namespace = MV_STR("shop"),
                                                   .name = mv_str_from(name) },
                                      .findings = rule ? &finding : NULL };
        mv_report_add(report, &verdict, mv_str_from(exempt));
}

static json_object *encoded(const struct mv_report *report) {
        struct mv_buf out;
        mv_buf_init(&out, &mv_allocator_system, 8 << 20);
        mv_report_encode(report, &out);
        assert_false(mv_buf_failed(&out));
        json_object *object = json_tokener_parse(out.p);
        assert_non_null(object);
        mv_buf_done(&out);
        return object;
}

static const char *text_at(json_object *object, const char *path) {
        json_object *found;
        assert_int_equal(json_pointer_get(object, path, &found), 0);
        return json_object_get_string(found);
}

static void test_object(void **state) {
        (void)state;
        struct mv_report report;
        mv_report_init(&report, MV_REPORTS_OPENREPORTS, MV_STR("shop"));
        add(&report, "fine", NULL, MV_OUTCOME_PASS, MV_SEVERITY_NOTE, "");
        add(&report, "noted", &risk, MV_OUTCOME_FAIL, MV_SEVERITY_NOTE, "");
        add(&report, "risky", &risk, MV_OUTCOME_FAIL, MV_SEVERITY_RISK, "");
        add(&report, "stuck", &blocker, MV_OUTCOME_FAIL, MV_SEVERITY_BLOCKER, "");
        add(&report, "unknown", &blocker, MV_OUTCOME_UNKNOWN, MV_SEVERITY_BLOCKER, "");
        add(&report, "exempt", &blocker, MV_OUTCOME_FAIL, MV_SEVERITY_BLOCKER, "an appliance");
        json_object *object = encoded(&report);
        static const char *const wanted[][2] = {
                { "/apiVersion", "openreports.io/v1alpha1" },
                { "/kind", "Report" },
                { "/metadata/name", "migvet" },
                { "/metadata/namespace", "shop" },
                { "/metadata/labels/app.kubernetes.io~1managed-by", "migvet" },
                { "/metadata/annotations/migvet.io~1results-left-out", "0" },
                { "/source", "migvet" },
                { "/summary/fail", "1" },
                { "/summary/warn", "1" },
                { "/summary/error", "1" },
                { "/summary/skip", "1" },
                { "/summary/pass", "2" },
                { "/results/0/resources/0/name", "stuck" },
                { "/results/0/result", "fail" },
                { "/results/0/severity", "high" },
                { "/results/0/rule", "pvc-access-mode" },
                { "/results/0/category", "storage" },
                { "/results/0/policy", "migvet" },
                { "/results/0/message", "a <b>" },
                { "/results/0/properties/field", "spec.x" },
                { "/results/0/properties/fix", "f" },
                { "/results/0/resources/0/kind", "VirtualMachine" },
                { "/results/1/result", "error" },
                { "/results/1/severity", "high" },
                { "/results/2/result", "warn" },
                { "/results/2/severity", "medium" },
                { "/results/3/result", "skip" },
                { "/results/3/properties/exempt", "an appliance" },
                { "/results/4/result", "pass" },
                { "/results/4/resources/0/name", "fine" },
                { "/results/5/resources/0/name", "noted" },
        };
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
                assert_string_equal(text_at(object, wanted[i][0]), wanted[i][1]);
        json_object_put(object);
        mv_report_done(&report);
        mv_report_init(&report, MV_REPORTS_POLICY_REPORTS, MV_STR("shop"));
        object = encoded(&report);
        assert_string_equal(text_at(object, "/apiVersion"), "wgpolicyk8s.io/v1alpha2");
        assert_string_equal(text_at(object, "/kind"), "PolicyReport");
        assert_null(json_object_object_get(object, "source"));
        json_object_put(object);
        mv_report_done(&report);
}

static void test_too_many(void **state) {
        (void)state;
        struct mv_report report;
        char name[32];
        mv_report_init(&report, MV_REPORTS_OPENREPORTS, MV_STR("shop"));
        for (int i = 0; i < 1200; i++) {
                snprintf(name, sizeof name, "fine-%d", i);
                add(&report, name, NULL, MV_OUTCOME_PASS, MV_SEVERITY_NOTE, "");
        }
        add(&report, "stuck", &blocker, MV_OUTCOME_FAIL, MV_SEVERITY_BLOCKER, "");
        json_object *object = encoded(&report);
        assert_string_equal(text_at(object, "/metadata/annotations/migvet.io~1results-left-out"), "201");
        assert_string_equal(text_at(object, "/summary/pass"), "1200");
        assert_string_equal(text_at(object, "/results/0/resources/0/name"), "stuck");
        assert_int_equal(json_object_array_length(json_object_object_get(object, "results")), 1000);
        json_object_put(object);
        mv_report_done(&report);
}

/* --- patches --- */

static void insert(json_object *array, size_t at, json_object *value) {
        size_t n = json_object_array_length(array);
        json_object_array_add(array, NULL);
        for (size_t i = n; i > at; i--)
                json_object_array_put_idx(array, i, json_object_get(json_object_array_get_idx(array, i - 1)));
        json_object_array_put_idx(array, at, value);
}

/* Do what a JSON Patch says. */
static void apply(json_object *object, const char *text) {
        json_object *patch = json_tokener_parse(text);
        assert_non_null(patch);
        for (size_t i = 0; i < json_object_array_length(patch); i++) {
                json_object *step = json_object_array_get_idx(patch, i);
                const char *op = text_at(step, "/op"), *path = text_at(step, "/path");
                json_object *value = json_object_object_get(step, "value");
                json_object *results = json_object_object_get(object, "results");
                if (strcmp(op, "test") == 0)
                        assert_string_equal(text_at(object, path), json_object_get_string(value));
                else if (strncmp(path, "/results/", 9) == 0) {
                        size_t at = (size_t)strtoul(path + 9, NULL, 10),
                               n = json_object_array_length(results);
                        assert_true(at < n || (at == n && op[0] == 'a'));
                        if (op[0] == 'r')
                                json_object_array_del_idx(results, at, 1);
                        else
                                insert(results, at, json_object_get(value));
                } else
                        assert_int_equal(json_pointer_set(&object, path, json_object_get(value)), 0);
        }
        json_object_put(patch);
}

/* The object as a server keeps it. */
static json_object *stored(const struct mv_report *report) {
        json_object *object = encoded(report);
        json_object_object_add(json_object_object_get(object, "metadata"), "resourceVersion",
                               json_object_new_string("7"));
        return object;
}

/* Patch object to what the report says; the number of steps, but for the first. */
static size_t patch(json_object *object, const struct mv_report *report) {
        struct mv_str json =
                text_make(json_object_to_json_string_ext(object, JSON_C_TO_STRING_SPACED),
                          strlen(json_object_to_json_string_ext(object, JSON_C_TO_STRING_SPACED)));
        struct mv_buf out;
        struct mv_err err = { 0 };
        bool any;
        mv_buf_init(&out, &mv_allocator_system, 8 << 20);
        assert_int_equal(mv_report_patch(report, json, &out, &any, &err), 0);
        json_object *steps = json_tokener_parse(out.p);
        size_t n = json_object_array_length(steps) - 1;
        assert_int_equal(any, n > 0);
        json_object_put(steps);
        apply(object, out.p);
        json_object *wanted = stored(report);
        assert_true(json_object_equal(object, wanted));
        json_object_put(wanted);
        mv_buf_done(&out);
        text_free(json);
        return n;
}

static void fill(struct mv_report *report, uint64_t which, int n) {
        char name[32];
        mv_report_init(report, MV_REPORTS_OPENREPORTS, MV_STR("shop"));
        for (int i = 0; i < n; i++) {
                snprintf(name, sizeof name, "vm-%d", i);
                add(report, name, which >> i & 1 ? &blocker : NULL, MV_OUTCOME_FAIL, MV_SEVERITY_BLOCKER, "");
        }
}

static void test_patch(void **state) {
        (void)state;
        struct mv_report before, after;
        fill(&before, 0, 60);
        fill(&after, 1 << 5, 60);
        json_object *object = stored(&before);
        assert_int_equal(patch(object, &before), 0);
        /* One result goes, one comes, and the summary. */
        assert_int_equal(patch(object, &after), 3);
        assert_true(mv_report_digest(&before) != mv_report_digest(&after));
        /* Somebody has changed it. */
        json_object_object_del(object, "summary");
        json_object_object_del(object, "source");
        json_object_object_del(json_object_object_get(object, "metadata"), "annotations");
        assert_int_equal(patch(object, &after), 3);
        json_object_object_del(object, "results");
        assert_int_equal(patch(object, &after), 1);
        json_object_put(object);
        mv_report_done(&before);
        mv_report_done(&after);
}

static void test_random_patches(void **state) {
        (void)state;
        uint64_t random = 1;
        for (int i = 0; i < 200; i++) {
                struct mv_report before, after;
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                fill(&before, random >> 20, 10 + i % 30);
                fill(&after, i % 3 ? random >> 20 ^ (random >> 60) : random >> 24, 10 + i % 28);
                json_object *object = stored(&before);
                patch(object, &after);
                json_object_put(object);
                mv_report_done(&before);
                mv_report_done(&after);
        }
}

/* The same twice cannot be told apart: the list is written anew. */
static void test_twice(void **state) {
        (void)state;
        struct mv_report before, after;
        fill(&before, 0, 30);
        fill(&after, 0, 30);
        add(&after, "vm-3", NULL, MV_OUTCOME_PASS, MV_SEVERITY_NOTE, "");
        json_object *object = stored(&before);
        assert_int_equal(patch(object, &after), 2);
        json_object_put(object);
        mv_report_done(&before);
        mv_report_done(&after);
}

static void test_not_ours(void **state) {
        (void)state;
        struct mv_report report;
        struct mv_buf out;
        struct mv_err err = { 0 };
        bool any;
        struct mv_str json =
                json_make("{'metadata':{'name':'migvet','namespace':'shop','resourceVersion':'1'}}");
        fill(&report, 0, 3);
        mv_buf_init(&out, &mv_allocator_system, 8 << 20);
        assert_int_equal(mv_report_patch(&report, json, &out, &any, &err), MV_EUSAGE);
        assert_non_null(strstr(err.message, "somebody else's"));
        text_free(json);
        json = json_make("{'metadata':3}");
        assert_int_equal(mv_report_patch(&report, json, &out, &any, &err), MV_ETYPE);
        text_free(json);
        mv_buf_done(&out);
        mv_report_done(&report);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_object), cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_patch),  cmocka_unit_test(test_random_patches),
                cmocka_unit_test(test_twice),  cmocka_unit_test(test_not_ours),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
