/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/library.h"

#include "webhook/connection.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_A_SECOND = 5 };

static const char component[] = "webhook";

void mv_library_log_init(struct mv_library_log *log, const struct mv_logger *logger,
                         struct mv_metrics *metrics) {
        *log = (struct mv_library_log){ .logger = logger, .metrics = metrics };
        pthread_mutex_init(&log->lock, NULL);
}

void mv_library_log_done(struct mv_library_log *log) {
        pthread_mutex_destroy(&log->lock);
}

void mv_library_say(const struct mv_logger *logger, enum mv_log_level level, const char *format, ...) {
        if (!logger)
                return;
        char text[512];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        logger->line(logger->context, level, component, text, NULL, 0);
}

void mv_library_log_line(void *context, const char *format, va_list args) {
        struct mv_library_log *log = context;
        if (strstr(format, "handshake message")) {
                mv_metrics_add(log->metrics, MV_COUNTER_HANDSHAKES_FAILED, 1);
                return;
        }
        mv_metrics_add(log->metrics, MV_COUNTER_LIBRARY_MESSAGES, 1);

        long long now = mv_now();
        unsigned dropped = 0;
        pthread_mutex_lock(&log->lock);
        if (now - log->window > 1000000000LL) {
                dropped = log->dropped;
                log->window = now;
                log->passed = log->dropped = 0;
        }
        bool pass = log->passed < LINES_A_SECOND;
        if (pass)
                log->passed++;
        else
                log->dropped++;
        pthread_mutex_unlock(&log->lock);
        if (!pass)
                return;

        if (dropped)
                mv_library_say(log->logger, MV_LOG_WARNING, "libmicrohttpd: %u more messages", dropped);
        char text[400];
        vsnprintf(text, sizeof text, format, args);
        text[strcspn(text, "\n")] = '\0';
        mv_library_say(log->logger, MV_LOG_WARNING, "libmicrohttpd: %s", text);
}

static void library_panic(void *context, const char *file, unsigned line, const char *reason) {
        const struct mv_logger *logger = context;
        if (logger)
                mv_library_say(logger, MV_LOG_ERROR, "libmicrohttpd gave up: %s:%u: %s", file ? file : "",
                               line, reason ? reason : "");
        else
                fprintf(stderr, "libmicrohttpd gave up: %s:%u: %s\n", file ? file : "", line,
                        reason ? reason : "");
        abort();
}

void mv_library_set_panic(const struct mv_logger *logger) {
        union {
                const struct mv_logger *logger;
                void *context;
        } pass = { .logger = logger }; /* the library's context is not const, and is not written to */
        MHD_set_panic_func(library_panic, pass.context);
}
