/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How libraries of the program say something to its operator without knowing where it goes: a vtable that
 * cli/log.c fills. policy/ itself never logs. The function may be called from any thread.
 */
#pragma once

#include "policy/base/str.h"

#include <stddef.h>

enum mv_log_level { MV_LOG_DEBUG, MV_LOG_INFO, MV_LOG_WARNING, MV_LOG_ERROR };

/* One named value of a line, say {"file", "a.yaml"}. */
struct mv_log_field {
        const char *name;
        struct mv_str value;
};

/* Write one line. message is plain text without a newline; everything is borrowed for the call. */
typedef void mv_log_line(void *context, enum mv_log_level level, const char *component, const char *message,
                         const struct mv_log_field *fields, size_t n_fields);

struct mv_logger {
        mv_log_line *line;
        mv_log_line
                *later; /* of lines that there are many of: they may wait for one another; NULL: as `line` */
        void *context;
        enum mv_log_level least; /* what is below is dropped, so it need not be put together */
};
