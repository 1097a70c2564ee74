/* SPDX-License-Identifier: Apache-2.0 */
/* The program's log: one line an event on stderr, as text or JSON. */
#pragma once

#include "policy/base/log.h"

#include <stdbool.h>

struct mv_log {
        bool json;
        enum mv_log_level level; /* lines below it are dropped */
        struct mv_logger logger; /* filled by mv_log_init; may be used from any thread */
};

void mv_log_init(struct mv_log *log, bool json, enum mv_log_level level);

/* "debug", "info", "warning" (or "warn"), "error"; false for anything else. */
bool mv_log_level_parse(const char *text, enum mv_log_level *ret);

/* What time it is, as lines of the log and events say it: "2026-11-26T10:00:00.123Z". */
enum { MV_TIMESTAMP_SIZE = 64 };
void mv_log_timestamp(char out[MV_TIMESTAMP_SIZE]);
