/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, VERSION_MAX = 64 };

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
        const char *name, *labels, *help;
} counters[MV_COUNTER_MAX] = {
        [MV_COUNTER_ACCEPTED] = { "migvet_connections_accepted_total", "", "Connections accepted." },
        [MV_COUNTER_REFUSED] = { "migvet_connections_refused_total", "",
                                 "Connections that were accepted but could not be served." },
        [MV_COUNTER_EVICTED] = { "migvet_connections_evicted_total", "",
                                 "Idle connections closed to make room for others." },
        [MV_COUNTER_TIMED_OUT_NEW] = { "migvet_connections_timed_out_total", "{phase=\"new\"}",
                                       "Connections cut off at their deadline, by what was waited for." },
        [MV_COUNTER_TIMED_OUT_RECEIVING] = { "migvet_connections_timed_out_total", "{phase=\"receiving\"}",
                                             NULL },
        [MV_COUNTER_TIMED_OUT_WAITING] = { "migvet_connections_timed_out_total", "{phase=\"waiting\"}",
                                           NULL },
        [MV_COUNTER_TIMED_OUT_SENDING] = { "migvet_connections_timed_out_total", "{phase=\"sending\"}",
                                           NULL },
        [MV_COUNTER_TIMED_OUT_IDLE] = { "migvet_connections_timed_out_total", "{phase=\"idle\"}", NULL },
        [MV_COUNTER_HANDSHAKES_FAILED] = { "migvet_tls_handshakes_failed_total", "",
                                           "TLS handshakes that failed, clients that hung up included." },
        [MV_COUNTER_LIBRARY_MESSAGES] = { "migvet_http_library_messages_total", "",
                                          "Messages of the HTTP library, logged or not." },
        [MV_COUNTER_REQUEST_BYTES] = { "migvet_http_request_body_bytes_total", "",
                                       "Bytes of request bodies received." },
        [MV_COUNTER_REQUESTS] = { "migvet_http_requests_total", "", "HTTP requests answered." },
};

/* The kinds that the webhook registers for; the empty name is what had none. */
static const char *const resources[] = {
        "other",
        "virtualmachines",
        "virtualmachineinstances",
        "virtualmachineinstancemigrations",
        "migrationpolicies",
        "nodemaintenances",
        "virtualmachinepools",
        "virtualmachineinstancereplicasets",
        "namespaces",
        "pods",
};
static const char *const operations[] = { "other", "CREATE", "UPDATE", "DELETE", "CONNECT" };
static const char *const verdicts[] = { "", "True", "False", "Unknown" };
static const char *const types[] = { "validating", "mutating" };
static const char *const kinds[] = { "other", "VirtualMachine", "VirtualMachineInstance",
                                     "VirtualMachineInstanceMigration" };
/* Whose answers are timed: types, and then the verdicts. */
enum { TIMED_VERDICTS = sizeof types / sizeof *types, TIMED_MAX };
enum decision { DECISION_ALLOWED, DECISION_DENIED, DECISION_ERROR, DECISION_MAX };
static const char *const decisions[] = { "allowed", "denied", "error" };

/* Codes that the server answers; the last one stands for all others. */
static const int error_codes[] = { 400, 401, 403, 404, 405, 411, 413, 414, 415, 500, 503, 504, 0 };

/* Upper bounds in microseconds, and as text in seconds. */
static const struct {
        long long microseconds;
        const char *text;
} buckets[] = {
        { 50, "5e-05" },    { 100, "0.0001" },  { 250, "0.00025" }, { 500, "0.0005" },  { 1000, "0.001" },
        { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },  { 25000, "0.025" }, { 50000, "0.05" },
        { 100000, "0.1" },  { 250000, "0.25" }, { 500000, "0.5" },  { 1000000, "1" },   { 2500000, "2.5" },
        { 5000000, "5" },   { 10000000, "10" },
};

typedef _Atomic uint64_t cell;

struct shard {
        cell counters[MV_COUNTER_MAX];
        cell errors[LENGTH(error_codes)];
        cell reviews[LENGTH(types)][LENGTH(resources)][LENGTH(operations)][DECISION_MAX][LENGTH(verdicts)];
        cell asked[LENGTH(kinds)][LENGTH(error_codes) + 1][LENGTH(verdicts)]; /* 200 after all others */
        cell durations[TIMED_MAX][LENGTH(buckets) + 1];                       /* not cumulative */
        cell duration_sum_ns[TIMED_MAX];
        char apart[64]; /* so that no two shards share a cache line */
};

struct mv_metrics {
        struct shard shards[SHARDS];
        char version[VERSION_MAX];
};

static struct shard *shard_mine(struct mv_metrics *metrics) {
        static atomic_uint threads;
        static _Thread_local unsigned mine; /* number of this thread, from 1 */
        if (mine == 0)
                mine = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed);
        return &metrics->shards[mine % SHARDS];
}

static void cell_add(cell *to, uint64_t n) {
        atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

/* Sum of the cell at this offset over all shards. */
static uint64_t cell_sum(const struct mv_metrics *metrics, size_t offset) {
        uint64_t sum = 0;
        for (size_t i = 0; i < SHARDS; i++)
                sum += atomic_load_explicit(
                        (const cell *)(const void *)((const char *)&metrics->shards[i] + offset),
                        memory_order_relaxed);
        return sum;
}

#define SUM(metrics, field) \
        cell_sum((metrics), \
                 (size_t)((const char *)&(metrics)->shards[0].field - (const char *)&(metrics)->shards[0]))

struct mv_metrics *mv_metrics_new(const char *version) {
        struct mv_metrics *metrics = calloc(1, sizeof *metrics);
        if (!metrics)
                return NULL;
        struct mv_str text = mv_str_from(version);
        if (text.n >= sizeof metrics->version)
                text.n = sizeof metrics->version - 1;
        if (text.n)
                memcpy(metrics->version, text.p, text.n);
        return metrics;
}

struct mv_metrics *mv_metrics_free(struct mv_metrics *metrics) {
        free(metrics);
        return NULL;
}

void mv_metrics_add(struct mv_metrics *metrics, enum mv_counter counter, uint64_t n) {
        if (metrics)
                cell_add(&shard_mine(metrics)->counters[counter], n);
}

/* Position among error_codes. */
static size_t code_find(int code) {
        size_t i = 0;
        while (error_codes[i] && error_codes[i] != code)
                i++;
        return i;
}

static const char *code_text(size_t i, char out[16]) {
        snprintf(out, 16, "%d", error_codes[i]);
        return error_codes[i] ? out : "other";
}

void mv_metrics_add_error(struct mv_metrics *metrics, int code) {
        if (metrics)
                cell_add(&shard_mine(metrics)->errors[code_find(code)], 1);
}

/* Position of text in the list, or 0. */
static size_t list_find(const char *const *list, size_t n, struct mv_str text) {
        for (size_t i = 1; i < n; i++)
                if (mv_str_is(text, list[i]))
                        return i;
        return 0;
}

static void add_duration(struct shard *shard, size_t timed, long long nanoseconds) {
        if (nanoseconds < 0)
                nanoseconds = 0;
        size_t bucket = 0;
        while (bucket < LENGTH(buckets) && nanoseconds > buckets[bucket].microseconds * 1000)
                bucket++;
        cell_add(&shard->durations[timed][bucket], 1);
        cell_add(&shard->duration_sum_ns[timed], (uint64_t)nanoseconds);
}

void mv_metrics_add_review(struct mv_metrics *metrics, bool mutate, const struct mv_review_summary *summary,
                           int status, long long nanoseconds) {
        if (!metrics)
                return;
        struct shard *shard = shard_mine(metrics);
        size_t resource = list_find(resources, LENGTH(resources), summary->resource);
        size_t operation = list_find(operations, LENGTH(operations), summary->operation);
        size_t verdict = list_find(verdicts, LENGTH(verdicts), mv_str_from(summary->verdict));
        enum decision decision = status != 200      ? DECISION_ERROR
                                 : summary->allowed ? DECISION_ALLOWED
                                                    : DECISION_DENIED;
        cell_add(&shard->reviews[mutate][resource][operation][decision][verdict], 1);
        add_duration(shard, mutate, nanoseconds);
}

void mv_metrics_add_verdict(struct mv_metrics *metrics, const struct mv_verdict_summary *summary, int status,
                            long long nanoseconds) {
        if (!metrics)
                return;
        struct shard *shard = shard_mine(metrics);
        size_t kind = list_find(kinds, LENGTH(kinds), summary->kind);
        size_t verdict = list_find(verdicts, LENGTH(verdicts), mv_str_from(summary->verdict));
        size_t code = status == 200 ? LENGTH(error_codes) : code_find(status);
        cell_add(&shard->asked[kind][code][verdict], 1);
        add_duration(shard, TIMED_VERDICTS, nanoseconds);
}

uint64_t mv_metrics_get(const struct mv_metrics *metrics, enum mv_counter counter) {
        return SUM(metrics, counters[counter]);
}

void mv_metrics_write_family(struct mv_buf *out, const char *name, const char *type, const char *help) {
        mv_buf_format(out, "# HELP %s ", name);
        for (; *help; help++)
                if (*help == '\\')
                        mv_buf_append_text(out, "\\\\");
                else if (*help == '\n')
                        mv_buf_append_text(out, "\\n");
                else
                        mv_buf_append_byte(out, *help);
        mv_buf_format(out, "\n# TYPE %s %s\n", name, type);
}

static void write_label(struct mv_buf *out, const char *name, struct mv_str value) {
        mv_buf_format(out, "%s=\"", name);
        for (size_t i = 0; i < value.n; i++)
                if (value.p[i] == '\\' || value.p[i] == '"')
                        mv_buf_format(out, "\\%c", value.p[i]);
                else if (value.p[i] == '\n')
                        mv_buf_append_text(out, "\\n");
                else
                        mv_buf_append_byte(out, value.p[i]);
        mv_buf_append_byte(out, '"');
}

void mv_metrics_write_sample(struct mv_buf *out, const char *name, const struct mv_label *labels,
                             size_t n_labels, double value) {
        mv_buf_append_text(out, name);
        for (size_t i = 0; i < n_labels; i++) {
                mv_buf_append_byte(out, i ? ',' : '{');
                write_label(out, labels[i].name, labels[i].value);
        }
        mv_buf_format(out, "%s %.17g\n", n_labels ? "}" : "", value);
}

void mv_metrics_write_single(struct mv_buf *out, const char *name, const char *type, const char *help,
                             double value) {
        mv_metrics_write_family(out, name, type, help);
        mv_metrics_write_sample(out, name, NULL, 0, value);
}

static void write_reviews(const struct mv_metrics *metrics, struct mv_buf *out) {
        static const char name[] = "migvet_admission_reviews_total";
        mv_metrics_write_family(out, name, "counter",
                                "AdmissionReviews answered, by what was asked and decided.");
        for (size_t t = 0; t < LENGTH(types); t++)
                for (size_t r = 0; r < LENGTH(resources); r++)
                        for (size_t o = 0; o < LENGTH(operations); o++)
                                for (size_t d = 0; d < DECISION_MAX; d++)
                                        for (size_t v = 0; v < LENGTH(verdicts); v++) {
                                                uint64_t n = SUM(metrics, reviews[t][r][o][d][v]);
                                                if (n == 0)
                                                        continue;
                                                mv_buf_format(
                                                        out,
                                                        "%s{type=\"%s\",resource=\"%s\",operation=\"%s\","
                                                        "decision=\"%s\",verdict=\"%s\"} %llu\n",
                                                        name, types[t], resources[r], operations[o],
                                                        decisions[d], verdicts[v], (unsigned long long)n);
                                        }
}

/* type: of a label; "" when there is none. */
static void write_histogram(const struct mv_metrics *metrics, struct mv_buf *out, const char *name,
                            size_t timed, const char *type) {
        char label[64] = "", alone[64] = "";
        uint64_t sum = 0;
        if (*type) {
                snprintf(label, sizeof label, "type=\"%s\",", type);
                snprintf(alone, sizeof alone, "{type=\"%s\"}", type);
        }
        for (size_t b = 0; b < LENGTH(buckets); b++) {
                sum += SUM(metrics, durations[timed][b]);
                mv_buf_format(out, "%s_bucket{%sle=\"%s\"} %llu\n", name, label, buckets[b].text,
                              (unsigned long long)sum);
        }
        sum += SUM(metrics, durations[timed][LENGTH(buckets)]);
        mv_buf_format(out, "%s_bucket{%sle=\"+Inf\"} %llu\n", name, label, (unsigned long long)sum);
        mv_buf_format(out, "%s_sum%s %.9f\n", name, alone,
                      (double)SUM(metrics, duration_sum_ns[timed]) / 1e9);
        mv_buf_format(out, "%s_count%s %llu\n", name, alone, (unsigned long long)sum);
}

static void write_durations(const struct mv_metrics *metrics, struct mv_buf *out) {
        static const char reviews[] = "migvet_admission_review_duration_seconds",
                          asked[] = "migvet_verdict_request_duration_seconds";
        static const char help[] = "Time from the request's first line to the answer.";
        mv_metrics_write_family(out, reviews, "histogram", help);
        for (size_t t = 0; t < LENGTH(types); t++)
                write_histogram(metrics, out, reviews, t, types[t]);
        mv_metrics_write_family(out, asked, "histogram", help);
        write_histogram(metrics, out, asked, TIMED_VERDICTS, "");
}

static void write_asked(const struct mv_metrics *metrics, struct mv_buf *out) {
        static const char name[] = "migvet_verdict_requests_total";
        mv_metrics_write_family(out, name, "counter",
                                "Questions of controllers for a verdict, by kind and by what was answered.");
        for (size_t k = 0; k < LENGTH(kinds); k++)
                for (size_t c = 0; c <= LENGTH(error_codes); c++)
                        for (size_t v = 0; v < LENGTH(verdicts); v++) {
                                uint64_t n = SUM(metrics, asked[k][c][v]);
                                char code[16];
                                if (n)
                                        mv_buf_format(out,
                                                      "%s{kind=\"%s\",code=\"%s\",verdict=\"%s\"} %llu\n",
                                                      name, kinds[k],
                                                      c < LENGTH(error_codes) ? code_text(c, code) : "200",
                                                      verdicts[v], (unsigned long long)n);
                        }
}

void mv_metrics_write(const struct mv_metrics *metrics, struct mv_buf *out) {
        mv_metrics_write_family(out, "migvet_build_info", "gauge", "Always 1; the version is its label.");
        mv_metrics_write_sample(
                out, "migvet_build_info",
                &(struct mv_label){ .name = "version", .value = mv_str_from(metrics->version) }, 1, 1);

        write_reviews(metrics, out);
        write_asked(metrics, out);
        write_durations(metrics, out);

        mv_metrics_write_family(out, "migvet_http_errors_total", "counter",
                                "HTTP answers with a status of 400 or more, by status.");
        for (size_t i = 0; i < LENGTH(error_codes); i++) {
                uint64_t n = SUM(metrics, errors[i]);
                char code[16];
                mv_buf_format(out, "migvet_http_errors_total{code=\"%s\"} %llu\n", code_text(i, code),
                              (unsigned long long)n);
        }

        for (size_t i = 0; i < MV_COUNTER_MAX; i++) {
                if (counters[i].help)
                        mv_metrics_write_family(out, counters[i].name, "counter", counters[i].help);
                mv_buf_format(out, "%s%s %llu\n", counters[i].name, counters[i].labels,
                              (unsigned long long)SUM(metrics, counters[i]));
        }
}
