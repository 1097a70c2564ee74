/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics' text, and the answers of the management port. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "webhook/health.h"
#include "webhook/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *render(const struct mv_metrics *metrics) {
        struct mv_buf out;
        mv_buf_init(&out, &mv_allocator_system, 1 << 20);
        mv_metrics_write(metrics, &out);
        assert_false(mv_buf_failed(&out));
        return out.p;
}

static void assert_has(const char *text, const char *line) {
        const char *at = strstr(text, line);
        if (!at || (at != text && at[-1] != '\n'))
                fail_msg("no line \"%s\" in:\n%s", line, text);
}

static struct mv_review_summary summary(const char *resource, const char *operation, bool allowed,
                                        const char *verdict) {
        return (struct mv_review_summary){ .resource = mv_str_from(resource),
                                           .operation = mv_str_from(operation),
                                           .allowed = allowed,
                                           .verdict = verdict };
}

static void test_reviews(void **state) {
        struct mv_metrics *metrics = mv_metrics_new("1.2.3\"\n");
        (void)state;
        struct mv_review_summary a = summary("virtualmachines", "CREATE", true, "True");
        struct mv_review_summary b = summary("evil\"}\n", "EVIL", false, "perhaps");
        struct mv_review_summary c = { 0 };
        mv_metrics_add_review(metrics, false, &a, 200, 120000);
        mv_metrics_add_review(metrics, false, &a, 200, 20LL * 1000000000);
        mv_metrics_add_review(metrics, true, &b, 200, 3000000);
        mv_metrics_add_review(metrics, true, &c, 400, -5);
        char *text = render(metrics);
        assert_has(text, "migvet_build_info{version=\"1.2.3\\\"\\n\"} 1\n");
        assert_has(text, "# TYPE migvet_admission_reviews_total counter\n");
        assert_has(text, "migvet_admission_reviews_total{type=\"validating\",resource=\"virtualmachines\","
                         "operation=\"CREATE\",decision=\"allowed\",verdict=\"True\"} 2\n");
        assert_has(text,
                   "migvet_admission_reviews_total{type=\"mutating\",resource=\"other\",operation=\"other\","
                   "decision=\"denied\",verdict=\"\"} 1\n");
        assert_has(text,
                   "migvet_admission_reviews_total{type=\"mutating\",resource=\"other\",operation=\"other\","
                   "decision=\"error\",verdict=\"\"} 1\n");
        assert_null(strstr(text, "evil"));
        assert_has(text, "# TYPE migvet_admission_review_duration_seconds histogram\n");
        assert_has(text,
                   "migvet_admission_review_duration_seconds_bucket{type=\"validating\",le=\"0.0001\"} 0\n");
        assert_has(text,
                   "migvet_admission_review_duration_seconds_bucket{type=\"validating\",le=\"0.00025\"} 1\n");
        assert_has(text,
                   "migvet_admission_review_duration_seconds_bucket{type=\"validating\",le=\"10\"} 1\n");
        assert_has(text,
                   "migvet_admission_review_duration_seconds_bucket{type=\"validating\",le=\"+Inf\"} 2\n");
        assert_has(text, "migvet_admission_review_duration_seconds_count{type=\"validating\"} 2\n");
        assert_has(text, "migvet_admission_review_duration_seconds_sum{type=\"validating\"} 20.000120000\n");
        assert_has(text, "migvet_admission_review_duration_seconds_count{type=\"mutating\"} 2\n");
        free(text);
        mv_metrics_free(metrics);
}

static void test_counters(void **state) {
        struct mv_metrics *metrics = mv_metrics_new("1");
        (void)state;
        mv_metrics_add(metrics, MV_COUNTER_TIMED_OUT_IDLE, 3);
        mv_metrics_add(metrics, MV_COUNTER_TIMED_OUT_WAITING, 2);
        mv_metrics_add(metrics, MV_COUNTER_HANDSHAKES_FAILED, 2);
        mv_metrics_add_error(metrics, 413);
        mv_metrics_add_error(metrics, 418);
        mv_metrics_add(NULL, MV_COUNTER_ACCEPTED, 1);
        mv_metrics_add_error(NULL, 400);
        char *text = render(metrics);
        assert_has(text, "migvet_connections_timed_out_total{phase=\"idle\"} 3\n");
        assert_has(text, "migvet_connections_timed_out_total{phase=\"new\"} 0\n");
        assert_has(text, "migvet_connections_timed_out_total{phase=\"waiting\"} 2\n");
        assert_has(text, "migvet_tls_handshakes_failed_total 2\n");
        assert_has(text, "migvet_http_errors_total{code=\"413\"} 1\n");
        assert_has(text, "migvet_http_errors_total{code=\"other\"} 1\n");

        /* Each family is announced once, before its samples; every line ends; no line is empty. */
        char family[128] = "";
        assert_int_equal(text[strlen(text) - 1], '\n');
        unsigned families = 0;
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                *end = '\0';
                if (strncmp(line, "# HELP ", 7) == 0)
                        continue;
                if (strncmp(line, "# TYPE ", 7) == 0) {
                        sscanf(line + 7, "%127s", family);
                        families++;
                } else if (strncmp(line, family, strlen(family)) != 0)
                        fail_msg("\"%s\" stands under %s", line, family);
        }
        assert_true(families >= 10);
        free(text);
        mv_metrics_free(metrics);
}

static void *count(void *context) {
        struct mv_review_summary a = summary("pods", "CREATE", true, "");
        for (int i = 0; i < 10000; i++) {
                mv_metrics_add(context, MV_COUNTER_REQUESTS, 1);
                mv_metrics_add_review(context, false, &a, 200, 1000);
        }
        return NULL;
}

static void test_threads(void **state) {
        enum { THREADS = 20 };
        pthread_t threads[THREADS];
        struct mv_metrics *metrics = mv_metrics_new("1");
        (void)state;
        for (int i = 0; i < THREADS; i++)
                pthread_create(&threads[i], NULL, count, metrics);
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        assert_int_equal(mv_metrics_get(metrics, MV_COUNTER_REQUESTS), THREADS * 10000);
        char *text = render(metrics);
        assert_has(text, "migvet_admission_review_duration_seconds_count{type=\"validating\"} 200000\n");
        free(text);
        mv_metrics_free(metrics);
}

static void test_samples(void **state) {
        struct mv_buf out;
        (void)state;
        mv_buf_init(&out, &mv_allocator_system, 4096);
        mv_metrics_write_family(&out, "x", "gauge", "a\\b\nc");
        struct mv_label labels[] = { { "kind", MV_STR("No\"de\\\n") }, { "b", MV_STR("") } };
        mv_metrics_write_sample(&out, "x", labels, 2, 1.5);
        mv_metrics_write_sample(&out, "y", NULL, 0, 1795000000);
        assert_string_equal(out.p,
                            "# HELP x a\\\\b\\nc\n# TYPE x gauge\nx{kind=\"No\\\"de\\\\\\n\",b=\"\"} 1.5\n"
                            "y 1795000000\n");
        mv_buf_done(&out);
}

/* --- health --------------------------------------------------------------------------------------------- */

static bool check(void *context, struct mv_buf *remark) {
        const char *text = context;
        mv_buf_append_text(remark, text + 1);
        return text[0] == '+';
}

static void collect(void *context, struct mv_buf *out) {
        (void)context;
        mv_metrics_write_sample(out, "migvet_snapshot_objects", NULL, 0, 7);
}

/* method, target -> status and body (to be freed) */
static int ask(const struct mv_health *health, const char *method, const char *raw, char **ret_body,
               const char **ret_type) {
        struct mv_target target;
        struct mv_buf out;
        mv_target_set(&target, raw);
        mv_buf_init(&out, &mv_allocator_system, 1 << 20);
        int status = mv_health_answer(health, method, &target, &out, ret_type);
        *ret_body = out.p;
        return status;
}

static void test_health(void **state) {
        char cluster[] = "+12 nodes", identity[] = "-expired\n[+]forged ok", fine[] = "+";
        struct mv_health_check checks[] = { { "cluster", check, cluster }, { "identity", check, fine } };
        struct mv_collector collector = { collect, NULL };
        atomic_bool draining = false;
        struct mv_metrics *metrics = mv_metrics_new("1");
        struct mv_health health = { .checks = checks,
                                    .n_checks = 2,
                                    .collectors = &collector,
                                    .n_collectors = 1,
                                    .metrics = metrics,
                                    .draining = &draining };
        const struct {
                const char *method, *target;
                int status;
                const char *body; /* whole; NULL: whatever */
        } cases[] = {
                { "GET", "/livez", 200, "ok" },
                { "HEAD", "/livez", 200, "ok" },
                { "GET", "/livez?verbose", 200, "[+]ping ok\nlivez check passed\n" },
                { "GET", "/readyz", 200, "ok" },
                { "GET", "/readyz?verbose", 200,
                  "[+]ping ok\n[+]cluster ok: 12 nodes\n[+]identity ok\n[+]shutdown ok\n"
                  "readyz check passed\n" },
                { "GET", "/readyz?verbose&exclude=cluster", 200,
                  "[+]ping ok\n[+]cluster excluded: ok\n[+]identity ok\n[+]shutdown ok\n"
                  "readyz check passed\n" },
                { "POST", "/readyz", 405, NULL },
                { "DELETE", "/metrics", 405, NULL },
                { "GET", "/", 404, NULL },
                { "GET", "/readyz/", 404, NULL },
                { "GET", "/readyz%00", 404, NULL },
                { "GET", "", 404, NULL },
        };
        char *body;
        const char *type;
        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                assert_int_equal(ask(&health, cases[i].method, cases[i].target, &body, &type),
                                 cases[i].status);
                if (cases[i].body)
                        assert_string_equal(body, cases[i].body);
                free(body);
        }

        assert_int_equal(ask(&health, "GET", "/metrics", &body, &type), 200);
        assert_string_equal(type, "text/plain; version=0.0.4; charset=utf-8");
        assert_has(body, "migvet_snapshot_objects 7\n");
        free(body);

        checks[1].context = identity;
        assert_int_equal(ask(&health, "GET", "/readyz", &body, &type), 503);
        assert_string_equal(
                body, "[+]ping ok\n[+]cluster ok: 12 nodes\n"
                      "[-]identity failed: expired [+]forged ok\n[+]shutdown ok\nreadyz check failed\n");
        free(body);
        assert_int_equal(ask(&health, "GET", "/readyz?exclude=identity", &body, &type), 200);
        free(body);
        assert_int_equal(ask(&health, "GET", "/readyz?exclude=nothing", &body, &type), 503);
        assert_non_null(strstr(body, "warn: "));
        free(body);

        checks[1].context = fine;
        draining = true;
        assert_int_equal(ask(&health, "GET", "/readyz", &body, &type), 503);
        assert_has(body, "[-]shutdown failed: draining\n");
        free(body);
        assert_int_equal(ask(&health, "GET", "/livez", &body, &type), 200);
        free(body);
        mv_metrics_free(metrics);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reviews), cmocka_unit_test(test_counters),
                cmocka_unit_test(test_threads), cmocka_unit_test(test_samples),
                cmocka_unit_test(test_health),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
