/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain, for programs and for people. */
#pragma once

#include "cli/options.h"
#include "cli/text.h"
#include "policy/base/buf.h"
#include "policy/drain/drain.h"

/* Failure is the buffer's. */
void mv_drain_write_json(struct mv_buf *buf, const struct mv_drain_plan *plan);
void mv_drain_write_csv(struct mv_buf *buf, const struct mv_drain_plan *plan);

/* For people, to the standard output. one_by_one: waves are counted for each node. False when memory is out. */
bool mv_drain_print_html(const struct mv_drain_plan *plan, bool one_by_one);
bool mv_drain_print_table(const struct mv_style *style, const struct mv_drain_plan *plan, bool one_by_one);

enum { MV_DRAIN_SPAN = 64 };
/* "12s to 3m5s", "3s", "at least 12s, no upper bound", "-"; into out. */
const char *mv_drain_span(int64_t least, int64_t most, char out[MV_DRAIN_SPAN]);

/* "1 migrates, 2 restart" */
struct mv_str mv_drain_counts(struct mv_arena *arena, const struct mv_drain_plan *plan);
/* "the drain blocks", "3s to 5m in 2 waves" */
struct mv_str mv_drain_duration(struct mv_arena *arena, const struct mv_drain_plan *plan, bool one_by_one);
/* "2 instances, empty after 3s to 5m"; of one that blocks only "2 instances, 1 blocks the drain". */
struct mv_str mv_drain_node_text(struct mv_arena *arena, const struct mv_drain_node *node);
/* Where and when: "to n2, wave 1, done after 3s to 5m"; "" when nothing happens to it. */
struct mv_str mv_drain_fate_text(struct mv_arena *arena, const struct mv_drain_fate *fate);

/* --- the time, drawn --- */

struct mv_drain_axis {
        int64_t horizon; /* its end: the last thing that is known to end; 0: nothing is drawn */
        int64_t tick;    /* between two marks, in round units */
        bool unbounded;  /* something has no upper bound */
};
/* With so many marks at most. */
struct mv_drain_axis mv_drain_axis_make(const struct mv_drain_plan *plan, int most_marks);
/* It has a time, so it is drawn. */
bool mv_drain_is_drawn(const struct mv_drain_fate *fate);
/* Of width, for something at that time. */
int mv_drain_place(const struct mv_drain_axis *axis, int64_t at, int width);

#define MV_DRAIN_SOLID "the time that it takes at least"
#define MV_DRAIN_PALE "the time that it takes at most"
#define MV_DRAIN_UNBOUNDED                                                                                     \
        "Pale to the right edge: there is no upper bound, since its migration, or one that it waits for, may " \
        "not converge; how fast the guest writes (--dirty-rate) and the KubeVirt deadline decide."
