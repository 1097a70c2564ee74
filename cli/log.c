/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log.h"

#include "cli/log_writer.h"

#include "policy/base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* What clients send can be of any length; a line holds the beginning of it. */
enum {
        LONGEST_LINE = 65536,
        LONGEST_VALUE = 1024,
        MOST_LINES = 1000 /* bytes that most lines have at most */
};

static const char *const level_names[] = { "debug", "info", "warning", "error" };

bool mv_log_level_parse(const char *text, enum mv_log_level *ret) {
        for (int i = 0; i < 4; i++)
                if (strcmp(text, level_names[i]) == 0) {
                        *ret = (enum mv_log_level)i;
                        return true;
                }
        if (strcmp(text, "warn") == 0) {
                *ret = MV_LOG_WARNING;
                return true;
        }
        return false;
}

enum { TO_THE_SECOND = sizeof "2026-11-26T10:00:00" - 1 };

void mv_log_timestamp(char out[MV_TIMESTAMP_SIZE]) {
        static _Thread_local time_t second = -1; /* which `date` is, so that it is printed once a second */
        static _Thread_local char date[32];
        struct timespec now;
        struct tm parts;
        clock_gettime(CLOCK_REALTIME, &now);
        if (now.tv_sec != second) {
                gmtime_r(&now.tv_sec, &parts);
                strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
                second = now.tv_sec;
        }
        const int ms = (int)(now.tv_nsec / 1000000);
        const char fraction[] = {
                '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z', '\0'
        };
        memcpy(out, date, TO_THE_SECOND);
        memcpy(out + TO_THE_SECOND, fraction, sizeof fraction);
}

static void json_line(struct mv_buf *buf, const char *time, const char *level, const char *component,
                      const char *message, const struct mv_log_field *fields, size_t n) {
        struct mv_json json;
        mv_json_init(&json, buf);
        mv_json_object(&json);
        mv_json_member(&json, "ts", mv_str_from(time));
        mv_json_member(&json, "level", mv_str_from(level));
        mv_json_member(&json, "component", mv_str_from(component));
        mv_json_member(&json, "msg", mv_str_from(message));
        for (size_t i = 0; i < n; i++)
                mv_json_member(&json, fields[i].name, mv_str_cut(fields[i].value, LONGEST_VALUE));
        mv_json_end(&json);
}

/* A value that needs no quotes to be read back. */
static bool is_simple(struct mv_str s) {
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\' || s.p[i] >= 0x7f)
                        return false;
        return s.n > 0;
}

static void text_line(struct mv_buf *buf, const char *time, const char *level, const char *component,
                      const char *message, const struct mv_log_field *fields, size_t n) {
        struct mv_str text = mv_str_from(message);
        mv_buf_format(buf, "%s %-7s %s: ", time, level, component);
        /* Messages may quote what came from outside. */
        for (size_t i = 0; i < text.n; i++)
                mv_buf_append_byte(buf,
                                   (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? '?' : text.p[i]);
        for (size_t i = 0; i < n; i++) {
                mv_buf_format(buf, " %s=", fields[i].name);
                struct mv_str value = mv_str_cut(fields[i].value, LONGEST_VALUE);
                if (is_simple(value))
                        mv_buf_append_str(buf, value);
                else
                        mv_buf_append_quoted(buf, value);
        }
}

static void write_line(const struct mv_log *log, bool later, enum mv_log_level level, const char *component,
                       const char *message, const struct mv_log_field *fields, size_t n) {
        char time[MV_TIMESTAMP_SIZE];
        struct mv_buf buf;
        if (level < log->level)
                return;
        mv_log_timestamp(time);
        mv_buf_init(&buf, &mv_allocator_system, LONGEST_LINE);
        mv_buf_reserve(&buf, MOST_LINES);
        (log->json ? json_line : text_line)(&buf, time, level_names[level], component, message, fields, n);
        mv_buf_append_byte(&buf, '\n');
        if (mv_buf_failed(&buf)) {
        } else if (log->writer)
                mv_log_writer_put(log->writer, mv_buf_str(&buf), !later);
        else
                mv_log_write(mv_buf_str(&buf));
        mv_buf_done(&buf);
}

static void line(void *context, enum mv_log_level level, const char *component, const char *message,
                 const struct mv_log_field *fields, size_t n) {
        write_line(context, false, level, component, message, fields, n);
}

static void later(void *context, enum mv_log_level level, const char *component, const char *message,
                  const struct mv_log_field *fields, size_t n) {
        write_line(context, true, level, component, message, fields, n);
}

void mv_log_init(struct mv_log *log, bool json, enum mv_log_level level) {
        *log = (struct mv_log){ .json = json,
                                .level = level,
                                .logger = { .line = line, .later = later, .context = log, .least = level } };
}

int mv_log_defer(struct mv_log *log, unsigned milliseconds, struct mv_err *err) {
        return mv_log_writer_new(milliseconds, &log->writer, err);
}

void mv_log_flush(struct mv_log *log) {
        if (log->writer)
                mv_log_writer_put(log->writer, (struct mv_str){ 0 }, true);
}

void mv_log_done(struct mv_log *log) {
        log->writer = mv_log_writer_free(log->writer);
}
