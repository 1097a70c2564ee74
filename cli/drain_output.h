/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain, for programs and for people. */
#pragma once

#include "cli/options.h"
#include "cli/text.h"
#include "policy/base/buf.h"
#include "policy/drain.h"

/* Failure is the buffer's. */
void mv_drain_write_json(struct mv_buf *buf, const struct mv_drain_plan *plan);
void mv_drain_write_csv(struct mv_buf *buf, const struct mv_drain_plan *plan);
void mv_drain_write_html(struct mv_buf *buf, const struct mv_drain_plan *plan);

void mv_drain_print_table(const struct mv_style *style, const struct mv_drain_plan *plan);

enum { MV_DRAIN_SPAN = 48 };
/* "12s to 3m5s", "at least 12s", "-"; into out. */
const char *mv_drain_span(int64_t least, int64_t most, char out[MV_DRAIN_SPAN]);
