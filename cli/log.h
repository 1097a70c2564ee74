/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's log: one line an event on stderr, as text or JSON.
 *
 * A server writes a line for each answer (mv_logger's `later`), so those may wait for a moment and be written together, by a
 * thread. Lines stay in order: any other is written at once, behind what waited. What ends the process at once (a crash,
 * kill -9) takes the lines that wait with it.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/log.h"

#include <stdbool.h>

struct mv_log_writer;

struct mv_log {
        bool json;
        enum mv_log_level level;      /* lines below it are dropped */
        struct mv_log_writer *writer; /* of lines that wait; NULL: none do */
        struct mv_logger logger;      /* filled by mv_log_init; may be used from any thread */
};

void mv_log_init(struct mv_log *log, bool json, enum mv_log_level level);

/* From now on `later` may wait so long. From one thread, before others use the log. MV_EIO, MV_ENOMEM: each is still written at
 * once. */
int mv_log_defer(struct mv_log *log, unsigned milliseconds, struct mv_err *err);
/* Write what waits: before something else is written to stderr. */
void mv_log_flush(struct mv_log *log);
/* Write what waits, and from now on each line at once. Other threads are done with the log. */
void mv_log_done(struct mv_log *log);

/* "debug", "info", "warning" (or "warn"), "error"; false for anything else. */
bool mv_log_level_parse(const char *text, enum mv_log_level *ret);

/* What time it is, as lines of the log and events say it: "2026-11-26T10:00:00.123Z". */
enum { MV_TIMESTAMP_SIZE = 64 };
void mv_log_timestamp(char out[MV_TIMESTAMP_SIZE]);
