/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libmicrohttpd has to say: its log lines, counted and let through a few a second, and its panic.
 */
#pragma once

#include "policy/base/log.h"
#include "webhook/metrics.h"

#include <pthread.h>
#include <stdarg.h>

struct mv_library_log {
        const struct mv_logger *logger; /* may be NULL */
        struct mv_metrics *metrics;     /* may be NULL */
        pthread_mutex_t lock;
        long long window;         /* when the current second began */
        unsigned passed, dropped; /* lines in it */
};

void mv_library_log_init(struct mv_library_log *log, const struct mv_logger *logger,
                         struct mv_metrics *metrics);
void mv_library_log_done(struct mv_library_log *log);

/* For MHD_OPTION_EXTERNAL_LOGGER; context is a struct mv_library_log. A failed handshake is only counted: the
 * library says neither who nor why. */
void mv_library_log_line(void *context, const char *format, va_list args)
        __attribute__((format(printf, 2, 0)));

/* A panic of the library is logged and aborts the process: it cannot go on. One logger a process; NULL for
 * stderr. */
void mv_library_set_panic(const struct mv_logger *logger);

/* One plain line, when there is a logger. */
void mv_library_say(const struct mv_logger *logger, enum mv_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
