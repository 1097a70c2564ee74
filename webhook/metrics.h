/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server counts, and its text for Prometheus (format 0.0.4).
 *
 * Counting is lock-free and may be done from any thread: each thread adds to one of several shards, which are
 * summed when scraped. Label values come from fixed lists, so no client can make the number of series grow;
 * what is not in the list is "other". Numbers that live elsewhere (the certificate's expiry, the size of the
 * snapshot) are asked of collectors at scrape time.
 */
#pragma once

#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "webhook/backend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_metrics;

enum mv_counter {
        MV_COUNTER_ACCEPTED,      /* connections taken from the backlog */
        MV_COUNTER_REFUSED,       /* accepted, but could not be served */
        MV_COUNTER_EVICTED,       /* idle, shut to make room for another */
        MV_COUNTER_TIMED_OUT_NEW, /* shut because a deadline passed, by what was waited for */
        MV_COUNTER_TIMED_OUT_RECEIVING,
        MV_COUNTER_TIMED_OUT_WAITING,
        MV_COUNTER_TIMED_OUT_SENDING,
        MV_COUNTER_TIMED_OUT_IDLE,
        MV_COUNTER_HANDSHAKES_FAILED,
        MV_COUNTER_LIBRARY_MESSAGES, /* lines that libmicrohttpd wanted to log */
        MV_COUNTER_REQUEST_BYTES,    /* bytes of request bodies */
        MV_COUNTER_REQUESTS,         /* requests answered by our own handler */
        MV_COUNTER_MAX,
};

/* Something that writes whole metric families at scrape time, from any server thread. */
struct mv_collector {
        void (*collect)(void *context, struct mv_buf *out);
        void *context;
};

/* version goes into migvet_build_info; it is copied. NULL on lack of memory. */
struct mv_metrics *mv_metrics_new(const char *version);
struct mv_metrics *mv_metrics_free(struct mv_metrics *metrics);

/* Each of these takes NULL for metrics and then does nothing. */
void mv_metrics_add(struct mv_metrics *metrics, enum mv_counter counter, uint64_t n);
/* An answer with an HTTP status of 400 or more. */
void mv_metrics_add_error(struct mv_metrics *metrics, int code);
/* A review: its summary, the HTTP status of the answer (200, or else no review was answered), and the time
 * from the request's first line to the answer. */
void mv_metrics_add_review(struct mv_metrics *metrics, bool mutate, const struct mv_review_summary *summary,
                           int status, long long nanoseconds);
/* A controller's question for a verdict, likewise. */
void mv_metrics_add_verdict(struct mv_metrics *metrics, const struct mv_verdict_summary *summary, int status,
                            long long nanoseconds);

/* Sum of a counter over all threads. */
uint64_t mv_metrics_get(const struct mv_metrics *metrics, enum mv_counter counter);

/* Append everything counted here. */
void mv_metrics_write(const struct mv_metrics *metrics, struct mv_buf *out);

/* For collectors: the HELP and TYPE lines of a family (type is "gauge" or "counter"), then its samples. A
 * label is written with its value escaped. */
struct mv_label {
        const char *name;
        struct mv_str value;
};
void mv_metrics_write_family(struct mv_buf *out, const char *name, const char *type, const char *help);
/* A family of one sample. */
void mv_metrics_write_single(struct mv_buf *out, const char *name, const char *type, const char *help,
                             double value);
void mv_metrics_write_sample(struct mv_buf *out, const char *name, const struct mv_label *labels,
                             size_t n_labels, double value);
