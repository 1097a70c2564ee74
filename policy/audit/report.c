/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/audit/report.h"

#include "policy/base/hash.h"
#include "policy/base/json.h"
#include "policy/object/digest.h"
#include "policy/object/meta.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_BYTES = 1024, RESULT_BYTES = 16 * 1024, FEW_STEPS = 8 };
/* From the worst to the best. */
enum class { BLOCKED, NOT_KNOWN, AT_RISK, RISK_NOT_KNOWN, EXEMPT, PASSED };
enum { PASS, FAIL, WARN, ERROR, SKIP };
static const char *const result_names[] = { "pass", "fail", "warn", "error", "skip" };
static const struct {
        int result;
        const char *severity; /* NULL: none */
} classes[MV_REPORT_CLASSES] = {
        [BLOCKED] = { FAIL, "high" },   [NOT_KNOWN] = { ERROR, "high" },
        [AT_RISK] = { WARN, "medium" }, [RISK_NOT_KNOWN] = { ERROR, "medium" },
        [EXEMPT] = { SKIP, NULL },      [PASSED] = { PASS, NULL },
};

const char *mv_report_api(enum mv_reports api) {
        return api == MV_REPORTS_POLICY_REPORTS ? "wgpolicyk8s.io/v1alpha2" : "openreports.io/v1alpha1";
}

const char *mv_report_plural(enum mv_reports api) {
        return api == MV_REPORTS_POLICY_REPORTS ? "policyreports" : "reports";
}

void mv_report_init(struct mv_report *report, enum mv_reports api, struct mv_str namespace) {
        *report = (struct mv_report){ .api = api };
        mv_arena_init(&report->arena, &mv_allocator_system, 0);
        report->namespace = mv_arena_copy(&report->arena, namespace);
}

void mv_report_done(struct mv_report *report) {
        mv_arena_done(&report->arena);
}

/* --- results --- */

static void write_resource(struct mv_json *json, const struct mv_subject *subject) {
        mv_json_key(json, "resources");
        mv_json_array(json);
        mv_json_object(json);
        mv_json_member(json, "apiVersion", subject->api_version);
        mv_json_member(json, "kind", subject->kind);
        mv_json_member(json, "name", subject->name);
        mv_json_member(json, "namespace", subject->namespace);
        if (subject->uid.n)
                mv_json_member(json, "uid", subject->uid);
        mv_json_end(json);
        mv_json_end(json);
}

/* f is NULL for what passed. */
static void write_result(struct mv_json *json, const struct mv_verdict *verdict, const struct mv_finding *f,
                         enum class class, struct mv_str exempt) {
        mv_json_object(json);
        mv_json_member(json, "policy", MV_STR("migvet"));
        mv_json_member(json, "rule", f ? mv_str_from(f->rule->id) : MV_STR("live-migration"));
        mv_json_member(json, "category", mv_str_from(f ? mv_area_name(f->rule->area) : "verdict"));
        mv_json_member(json, "result", mv_str_from(result_names[classes[class].result]));
        if (classes[class].severity)
                mv_json_member(json, "severity", mv_str_from(classes[class].severity));
        mv_json_key(json, "scored");
        mv_json_bool(json, class != EXEMPT);
        mv_json_member(json, "message",
                       f ? mv_str_cut(f->message, MESSAGE_BYTES) : MV_STR("it can live-migrate"));
        if (f && (f->field.n || f->fix.n || exempt.n)) {
                mv_json_key(json, "properties");
                mv_json_object(json);
                if (exempt.n)
                        mv_json_member(json, "exempt", mv_str_cut(exempt, MESSAGE_BYTES));
                if (f->field.n)
                        mv_json_member(json, "field", mv_str_cut(f->field, MESSAGE_BYTES));
                if (f->fix.n)
                        mv_json_member(json, "fix", mv_str_cut(f->fix, MESSAGE_BYTES));
                mv_json_end(json);
        }
        write_resource(json, &verdict->subject);
        mv_json_end(json);
}

static void add(struct mv_report *report, const struct mv_verdict *verdict, const struct mv_finding *f,
                enum class class, struct mv_str exempt) {
        struct mv_buf buf;
        struct mv_json json;
        struct mv_arena scratch;
        report->counts[classes[class].result]++;
        if (!report->classes[class])
                report->classes[class] =
                        mv_arena_new_array(&report->arena, struct mv_report_result, MV_REPORT_RESULTS);
        if (report->n[class] == MV_REPORT_RESULTS || !report->classes[class])
                return;
        mv_buf_init(&buf, &mv_allocator_system, RESULT_BYTES);
        mv_arena_init(&scratch, &mv_allocator_system, 0);
        mv_json_init(&json, &buf);
        write_result(&json, verdict, f, class, exempt);
        struct mv_report_result *result = &report->classes[class][report->n[class]++];
        if (!mv_buf_failed(&buf)) {
                result->text = mv_arena_copy_padded(&report->arena, mv_buf_str(&buf), MV_SCAN_PADDING);
                if (result->text.p)
                        result->digest = mv_json_digest(&scratch, result->text);
        }
        report->failed |= mv_buf_failed(&buf) || mv_arena_failed(&scratch) || !result->text.p;
        mv_buf_done(&buf);
        mv_arena_done(&scratch);
}

void mv_report_add(struct mv_report *report, const struct mv_verdict *verdict, struct mv_str exempt) {
        bool any = false;
        for (const struct mv_finding *f = verdict->findings; f; f = f->next) {
                bool blocker = f->severity == MV_SEVERITY_BLOCKER;
                if (f->outcome == MV_OUTCOME_PASS || f->severity == MV_SEVERITY_NOTE)
                        continue;
                add(report, verdict, f,
                    exempt.n                           ? EXEMPT
                    : f->outcome == MV_OUTCOME_UNKNOWN ? (blocker ? NOT_KNOWN : RISK_NOT_KNOWN)
                                                       : (blocker ? BLOCKED : AT_RISK),
                    exempt);
                any = true;
        }
        if (!any)
                add(report, verdict, NULL, PASSED, MV_STR(""));
        report->failed |= mv_arena_failed(&report->arena);
}

/* --- the object --- */

/* Those that are told, in their order; NULL when memory is out. The caller frees the array. */
static const struct mv_report_result **choose(const struct mv_report *report, size_t *ret_n,
                                              size_t *ret_left_out) {
        const struct mv_report_result **chosen = calloc(MV_REPORT_RESULTS, sizeof *chosen);
        size_t n = 0, bytes = 0, all = 0;
        for (int i = 0; i < 5; i++)
                all += report->counts[i];
        for (int class = 0; chosen && class < MV_REPORT_CLASSES; class ++)
                for (size_t i = 0; i < report->n[class] && n < MV_REPORT_RESULTS; i++) {
                        bytes += report->classes[class][i].text.n + 1;
                        if (bytes <= MV_REPORT_BYTES)
                                chosen[n++] = &report->classes[class][i];
                }
        *ret_n = n;
        *ret_left_out = all - n;
        return chosen;
}

static void write_summary(struct mv_json *json, const struct mv_report *report) {
        mv_json_object(json);
        for (int i = 0; i < 5; i++) {
                mv_json_key(json, result_names[i]);
                mv_json_int(json, (long long)report->counts[i]);
        }
        mv_json_end(json);
}

static void write_count(struct mv_json *json, size_t n) {
        char text[24];
        snprintf(text, sizeof text, "%zu", n);
        mv_json_string(json, mv_str_from(text));
}

static void write_results(struct mv_json *json, const struct mv_report_result **results, size_t n) {
        mv_json_array(json);
        for (size_t i = 0; i < n; i++)
                mv_json_raw(json, results[i]->text);
        mv_json_end(json);
}

uint64_t mv_report_digest(const struct mv_report *report) {
        uint64_t digest = MV_HASH_START;
        for (int i = 0; i < 5; i++)
                digest = mv_digest_add(digest, report->counts[i]);
        for (int class = 0; class < MV_REPORT_CLASSES; class ++)
                for (size_t i = 0; i < report->n[class]; i++)
                        digest = mv_digest_add(digest, report->classes[class][i].digest);
        return digest;
}

void mv_report_encode(const struct mv_report *report, struct mv_buf *out) {
        size_t n, left_out;
        const struct mv_report_result **results = choose(report, &n, &left_out);
        struct mv_json json;
        mv_json_init(&json, out);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", mv_str_from(mv_report_api(report->api)));
        mv_json_member(&json, "kind",
                       report->api == MV_REPORTS_POLICY_REPORTS ? MV_STR("PolicyReport") : MV_STR("Report"));
        mv_json_key(&json, "metadata");
        mv_json_object(&json);
        mv_json_member(&json, "name", MV_STR(MV_REPORT_NAME));
        mv_json_member(&json, "namespace", report->namespace);
        mv_json_key(&json, "labels");
        mv_json_object(&json);
        mv_json_member(&json, MV_REPORT_LABEL, MV_STR(MV_REPORT_NAME));
        mv_json_end(&json);
        mv_json_key(&json, "annotations");
        mv_json_object(&json);
        mv_json_key(&json, MV_REPORT_LEFT_OUT);
        write_count(&json, left_out);
        mv_json_end(&json);
        mv_json_end(&json);
        /* The older API has no place for it. */
        if (report->api == MV_REPORTS_OPENREPORTS)
                mv_json_member(&json, "source", MV_STR("migvet"));
        mv_json_key(&json, "summary");
        write_summary(&json, report);
        mv_json_key(&json, "results");
        if (results)
                write_results(&json, results, n);
        mv_json_end(&json);
        out->failed |= !results || report->failed;
        free(results);
}

/* --- the patch --- */

struct present {
        struct mv_meta meta;
        struct mv_str source, summary, results; /* JSON, "" when absent */
};

static int read_present(struct mv_arena *arena, struct mv_str json, struct present *ret, struct mv_err *err) {
        static const struct mv_field fields[] = {
                MV_FIELD_TABLE(struct present, "metadata", MV_TYPE_OBJECT, meta, &mv_table_meta),
                MV_FIELD(struct present, "source", MV_TYPE_RAW, source),
                MV_FIELD(struct present, "summary", MV_TYPE_RAW, summary),
                MV_FIELD(struct present, "results", MV_TYPE_RAW, results),
        };
        static const struct mv_table table = MV_TABLE(fields, struct present);
        const struct mv_decode decode = { .arena = arena };
        int r = mv_decode(&decode, json, &table, ret, err);
        if (r == 0 && !mv_map_has(&ret->meta.labels, MV_STR(MV_REPORT_LABEL), MV_STR(MV_REPORT_NAME)))
                return mv_err_set(
                        err, MV_EUSAGE,
                        "the report %s of namespace %.*s is somebody else's: it lacks the label " MV_REPORT_LABEL,
                        MV_REPORT_NAME, MV_STR_ARG(ret->meta.namespace));
        return r;
}

/* A patch in the making. */
struct patch {
        struct mv_json json;
        size_t steps;
};

static void step(struct patch *patch, const char *op, const char *path) {
        patch->steps++;
        mv_json_object(&patch->json);
        mv_json_member(&patch->json, "op", mv_str_from(op));
        mv_json_member(&patch->json, "path", mv_str_from(path));
        if (op[0] != 'r')
                mv_json_key(&patch->json, "value");
}

static void step_result(struct patch *patch, const char *op, size_t i) {
        char path[48];
        snprintf(path, sizeof path, "/results/%zu", i);
        step(patch, op, path);
}

static int compare_digests(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return (x > y) - (x < y);
}

static bool has_digest(const uint64_t *sorted, size_t n, uint64_t digest) {
        return n && bsearch(&digest, sorted, n, sizeof *sorted, compare_digests);
}

/* The digests of a list's elements. */
static uint64_t *digests_of(struct mv_arena *arena, struct mv_str json, size_t *ret_n) {
        struct mv_scan scan;
        struct mv_str text;
        bool first = true;
        size_t n = 0, capacity = 0;
        uint64_t *digests = NULL;
        *ret_n = 0;
        if (!json.n)
                return NULL;
        mv_scan_init(&scan, json);
        if (!mv_scan_array(&scan))
                return NULL;
        while (mv_scan_element(&scan, &first) && mv_scan_skip(&scan, &text)) {
                if (n == capacity) {
                        uint64_t *more = mv_arena_new_array(arena, uint64_t, capacity ? 2 * capacity : 256);
                        if (!more)
                                break;
                        if (n)
                                memcpy(more, digests, n * sizeof *more);
                        digests = more;
                        capacity = capacity ? 2 * capacity : 256;
                }
                /* The scanner wants zero bytes behind it. */
                struct mv_str copy = mv_arena_copy_padded(arena, text, MV_SCAN_PADDING);
                if (!copy.p)
                        break;
                digests[n++] = mv_json_digest(arena, copy);
        }
        *ret_n = n;
        return digests;
}

/* What is kept of the old list is in the same order in the new one, and nothing is there twice. */
static bool is_simple(const uint64_t *old, size_t n_old, const uint64_t *now, size_t n_now,
                      const uint64_t *sorted_old, const uint64_t *sorted_now) {
        for (size_t i = 1; i < n_old; i++)
                if (sorted_old[i] == sorted_old[i - 1])
                        return false;
        for (size_t i = 1; i < n_now; i++)
                if (sorted_now[i] == sorted_now[i - 1])
                        return false;
        size_t i = 0, j = 0;
        for (;;) {
                while (i < n_old && !has_digest(sorted_now, n_now, old[i]))
                        i++;
                while (j < n_now && !has_digest(sorted_old, n_old, now[j]))
                        j++;
                if (i == n_old || j == n_now)
                        return i == n_old && j == n_now;
                if (old[i++] != now[j++])
                        return false;
        }
}

static uint64_t *sorted_copy(struct mv_arena *arena, const uint64_t *digests, size_t n) {
        uint64_t *copy = mv_arena_new_array(arena, uint64_t, n + 1);
        if (copy && n) {
                memcpy(copy, digests, n * sizeof *copy);
                qsort(copy, n, sizeof *copy, compare_digests);
        }
        return copy;
}

static void patch_results(struct patch *patch, struct mv_arena *arena, const struct present *present,
                          const struct mv_report_result **results, size_t n) {
        size_t n_old, changes = 0;
        uint64_t *old = digests_of(arena, present->results, &n_old);
        uint64_t *now = mv_arena_new_array(arena, uint64_t, n + 1);
        for (size_t i = 0; now && i < n; i++)
                now[i] = results[i]->digest;
        uint64_t *sorted_old = sorted_copy(arena, old, n_old),
                 *sorted_now = now ? sorted_copy(arena, now, n) : NULL;
        if (!sorted_old || !sorted_now)
                return; /* the arena has failed */
        for (size_t i = 0; i < n_old; i++)
                changes += !has_digest(sorted_now, n, old[i]);
        for (size_t i = 0; i < n; i++)
                changes += !has_digest(sorted_old, n_old, now[i]);
        if (!present->results.n || changes > n / 2 + FEW_STEPS ||
            !is_simple(old, n_old, now, n, sorted_old, sorted_now)) {
                step(patch, "add", "/results");
                write_results(&patch->json, results, n);
                mv_json_end(&patch->json);
                return;
        }
        for (size_t i = n_old; i-- > 0;)
                if (!has_digest(sorted_now, n, old[i])) {
                        step_result(patch, "remove", i);
                        mv_json_end(&patch->json);
                }
        for (size_t i = 0; i < n; i++)
                if (!has_digest(sorted_old, n_old, now[i])) {
                        step_result(patch, "add", i);
                        mv_json_raw(&patch->json, results[i]->text);
                        mv_json_end(&patch->json);
                }
}

static void patch_left_out(struct patch *patch, const struct mv_map *annotations, size_t left_out) {
        char text[24];
        snprintf(text, sizeof text, "%zu", left_out);
        if (mv_map_has(annotations, MV_STR(MV_REPORT_LEFT_OUT), mv_str_from(text)))
                return;
        if (annotations->n)
                step(patch, "add", "/metadata/annotations/migvet.io~1results-left-out");
        else {
                step(patch, "add", "/metadata/annotations");
                mv_json_object(&patch->json);
                mv_json_key(&patch->json, MV_REPORT_LEFT_OUT);
        }
        write_count(&patch->json, left_out);
        if (!annotations->n)
                mv_json_end(&patch->json);
        mv_json_end(&patch->json);
}

/* The member says something else than value, JSON text. */
static void patch_member(struct patch *patch, struct mv_arena *arena, const char *path, struct mv_str present,
                         struct mv_str value) {
        struct mv_str a = mv_arena_copy_padded(arena, present, MV_SCAN_PADDING),
                      b = mv_arena_copy_padded(arena, value, MV_SCAN_PADDING);
        if (present.n && a.p && b.p && mv_json_digest(arena, a) == mv_json_digest(arena, b))
                return;
        step(patch, "add", path);
        mv_json_raw(&patch->json, value);
        mv_json_end(&patch->json);
}

static void write_patch(const struct mv_report *report, struct mv_arena *arena, const struct present *present,
                        struct patch *patch) {
        size_t n, left_out;
        const struct mv_report_result **results = choose(report, &n, &left_out);
        struct mv_buf summary;
        struct mv_json json;
        mv_json_array(&patch->json);
        step(patch, "test", "/metadata/resourceVersion");
        mv_json_string(&patch->json, present->meta.resource_version);
        mv_json_end(&patch->json);
        mv_buf_init(&summary, &mv_allocator_system, 1024);
        mv_json_init(&json, &summary);
        write_summary(&json, report);
        patch_member(patch, arena, "/summary", present->summary, mv_buf_str(&summary));
        if (report->api == MV_REPORTS_OPENREPORTS)
                patch_member(patch, arena, "/source", present->source, MV_STR("\"migvet\""));
        patch_left_out(patch, &present->meta.annotations, left_out);
        if (results)
                patch_results(patch, arena, present, results, n);
        mv_json_end(&patch->json);
        patch->json.buf->failed |= !results || report->failed || mv_buf_failed(&summary);
        mv_buf_done(&summary);
        free(results);
}

int mv_report_patch(const struct mv_report *report, struct mv_str json, struct mv_buf *out, bool *ret_any,
                    struct mv_err *err) {
        struct mv_arena arena;
        struct present present;
        struct patch patch = { 0 };
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int r = read_present(&arena, json, &present, err);
        if (r == 0) {
                mv_json_init(&patch.json, out);
                write_patch(report, &arena, &present, &patch);
                if (mv_buf_failed(out) || mv_arena_failed(&arena))
                        r = mv_err_oom(err);
                *ret_any = patch.steps > 1;
        }
        mv_arena_done(&arena);
        return r;
}

int mv_report_owned(struct mv_arena *arena, struct mv_str json, struct mv_str *ret_version,
                    struct mv_err *err) {
        struct present present;
        int r = read_present(arena, json, &present, err);
        if (r == 0)
                *ret_version = mv_arena_copy(arena, present.meta.resource_version);
        return r;
}
