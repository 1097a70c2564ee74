/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the log that wait to be written together, and the thread that does it when a moment has passed. Whoever puts a line
 * where there is no room for it, or one that must not wait, writes what is there himself, so nothing is dropped and a reader
 * that is slow slows the program down.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>

struct mv_log_writer;

/* MV_EIO: no thread; MV_ENOMEM. */
int mv_log_writer_new(unsigned milliseconds, struct mv_log_writer **ret, struct mv_err *err);
/* Writes what waits. Takes NULL; returns NULL. */
struct mv_log_writer *mv_log_writer_free(struct mv_log_writer *writer);

/* A line, with its newline. at_once: it is written when this returns, and what waited before it. Any thread. */
void mv_log_writer_put(struct mv_log_writer *writer, struct mv_str line, bool at_once);

/* Write to stderr. There is nobody to tell when that fails. */
void mv_log_write(struct mv_str text);
