/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain as JSON and CSV. */
#include "cli/drain_output.h"

#include "cli/csv.h"
#include "policy/base/json.h"
#include "policy/convergence.h"

#include <stdio.h>

const char *mv_drain_span(int64_t least, int64_t most, char out[MV_DRAIN_SPAN]) {
        char a[MV_COPY_TEXT], b[MV_COPY_TEXT];
        if (least == MV_SIM_NEVER) {
                snprintf(out, MV_DRAIN_SPAN, "-");
                return out;
        }
        struct mv_str from = least ? mv_copy_time_text(least, a) : MV_STR("0s");
        struct mv_str to = most ? mv_copy_time_text(most, b) : MV_STR("0s");
        if (most == MV_SIM_NEVER)
                snprintf(out, MV_DRAIN_SPAN, "at least %.*s, no upper bound", MV_STR_ARG(from));
        else if (mv_str_equal(from, to))
                snprintf(out, MV_DRAIN_SPAN, "%.*s", MV_STR_ARG(from));
        else
                snprintf(out, MV_DRAIN_SPAN, "%.*s to %.*s", MV_STR_ARG(from), MV_STR_ARG(to));
        return out;
}

/* --- in words --- */

struct mv_str mv_drain_counts(struct mv_arena *arena, const struct mv_drain_plan *plan) {
        static const char *const words[][2] = {
                { "migrates", "migrate" },
                { "restarts", "restart" },
                { "stays down", "stay down" },
                { "has an unknown outcome", "have an unknown outcome" },
                { "is left to another controller", "are left to another controller" },
                { "blocks", "block" },
                { "is undecided", "are undecided" },
        };
        _Static_assert(sizeof words / sizeof *words == MV_DRAIN_UNDECIDED + 1, "one for each outcome");
        struct mv_str text = { 0 };
        for (int i = 0; i <= MV_DRAIN_UNDECIDED; i++)
                if (plan->count[i])
                        text = mv_arena_format(arena, "%.*s%s%zu %s", MV_STR_ARG(text), text.n ? ", " : "",
                                               plan->count[i], words[i][plan->count[i] != 1]);
        return text.n ? text : MV_STR("no instance");
}

struct mv_str mv_drain_duration(struct mv_arena *arena, const struct mv_drain_plan *plan, bool one_by_one) {
        char span[MV_DRAIN_SPAN];
        if (plan->blocks)
                return MV_STR("the drain blocks");
        if (plan->count[MV_DRAIN_EXTERNAL])
                return MV_STR("the drain ends when another controller has done its part");
        if (!plan->n_fates)
                return MV_STR("nothing to wait for");
        if (one_by_one && plan->n_nodes > 1)
                return mv_arena_format(arena, "%s in at most %u wave%s a node",
                                       mv_drain_span(plan->least, plan->most, span), plan->waves,
                                       plan->waves == 1 ? "" : "s");
        return mv_arena_format(arena, "%s in %u wave%s", mv_drain_span(plan->least, plan->most, span),
                               plan->waves, plan->waves == 1 ? "" : "s");
}

struct mv_str mv_drain_node_text(struct mv_arena *arena, const struct mv_drain_node *node) {
        char span[MV_DRAIN_SPAN];
        const char *plural = node->n_fates == 1 ? "" : "s";
        if (!node->n_fates)
                return MV_STR("no instance");
        if (node->n_blocking)
                return mv_arena_format(arena, "%zu instance%s, %zu block%s the drain", node->n_fates, plural,
                                       node->n_blocking, node->n_blocking == 1 ? "s" : "");
        if (node->n_external)
                return mv_arena_format(arena,
                                       "%zu instance%s, empty when another controller has moved %zu of them",
                                       node->n_fates, plural, node->n_external);
        return mv_arena_format(arena, "%zu instance%s, empty after %s", node->n_fates, plural,
                               mv_drain_span(node->empty_least, node->empty_most, span));
}

struct mv_str mv_drain_fate_text(struct mv_arena *arena, const struct mv_drain_fate *fate) {
        char span[MV_DRAIN_SPAN];
        struct mv_str text = { 0 };
        if (fate->to.n)
                text = mv_arena_format(arena, "to %.*s", MV_STR_ARG(fate->to));
        if (fate->end_least != MV_SIM_NEVER)
                text = mv_arena_format(arena, "%.*s%swave %u, done after %s", MV_STR_ARG(text),
                                       text.n ? ", " : "", fate->wave,
                                       mv_drain_span(fate->end_least, fate->end_most, span));
        if (fate->grace >= 0 && fate->outcome != MV_DRAIN_BLOCKS)
                text = mv_arena_format(arena, "%.*s%sgrace period %llds", MV_STR_ARG(text),
                                       text.n ? ", " : "", (long long)fate->grace);
        return text;
}

/* --- the time, drawn --- */

bool mv_drain_is_drawn(const struct mv_drain_fate *fate) {
        return fate->begin_least != MV_SIM_NEVER && fate->end_least != MV_SIM_NEVER;
}

/* The shortest round time of which there are at most so many in the horizon. */
static int64_t round_tick(int64_t horizon, int most_marks) {
        enum { S = 1000, M = 60 * S, H = 60 * M };
        static const int64_t round[] = { 1,      10,     100,   1 * S, 2 * S, 5 * S,  10 * S,
                                         15 * S, 30 * S, 1 * M, 2 * M, 5 * M, 10 * M, 15 * M,
                                         30 * M, 1 * H,  2 * H, 3 * H, 6 * H, 12 * H, 24 * H };
        size_t last = sizeof round / sizeof *round - 1;
        for (size_t i = 0; i < last; i++)
                if (horizon / round[i] <= most_marks)
                        return round[i];
        int64_t tick = round[last];
        while (horizon / tick > most_marks)
                tick *= 2;
        return tick;
}

struct mv_drain_axis mv_drain_axis_make(const struct mv_drain_plan *plan, int most_marks) {
        struct mv_drain_axis axis = { 0 };
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                const int64_t ends[] = { fate->end_least, fate->end_most };
                if (!mv_drain_is_drawn(fate))
                        continue;
                axis.unbounded |= fate->end_most == MV_SIM_NEVER;
                for (size_t e = 0; e < 2; e++)
                        if (ends[e] != MV_SIM_NEVER && ends[e] > axis.horizon)
                                axis.horizon = ends[e];
                axis.horizon += !axis.horizon;
        }
        /* room for what has no known end */
        if (axis.unbounded && axis.horizon < INT64_MAX / 2)
                axis.horizon += axis.horizon / 4 + 1;
        axis.tick = round_tick(axis.horizon, most_marks > 0 ? most_marks : 1);
        return axis;
}

int mv_drain_place(const struct mv_drain_axis *axis, int64_t at, int width) {
        return at >= axis->horizon ? width : (int)((double)at * width / (double)axis->horizon);
}

/* --- JSON --- */

static void write_seconds(struct mv_json *json, int64_t milliseconds) {
        char text[32];
        if (milliseconds == MV_SIM_NEVER) {
                mv_json_null(json);
                return;
        }
        int n = snprintf(text, sizeof text, "%lld.%03d", (long long)(milliseconds / 1000),
                         (int)(milliseconds % 1000));
        mv_json_raw(json, (struct mv_str){ text, (size_t)n });
}

/* Seconds from the beginning; null: not known, or never. */
static void write_range(struct mv_json *json, const char *key, int64_t least, int64_t most) {
        mv_json_key(json, key);
        mv_json_object(json);
        mv_json_key(json, "atLeast");
        write_seconds(json, least);
        mv_json_key(json, "atMost");
        write_seconds(json, most);
        mv_json_end(json);
}

static void write_count(struct mv_json *json, const char *key, size_t n) {
        mv_json_key(json, key);
        mv_json_int(json, (long long)n);
}

static void write_node(struct mv_json *json, const struct mv_drain_node *node) {
        mv_json_object(json);
        mv_json_member(json, "name", node->name);
        write_count(json, "instances", node->n_fates);
        write_count(json, "blocking", node->n_blocking);
        write_count(json, "external", node->n_external);
        write_range(json, "empty", node->empty_least, node->empty_most);
        mv_json_end(json);
}

static void write_fate(struct mv_json *json, const struct mv_drain_plan *plan,
                       const struct mv_drain_fate *fate) {
        mv_json_object(json);
        mv_json_member(json, "namespace", fate->vmi->meta.namespace);
        mv_json_member(json, "name", fate->vmi->meta.name);
        mv_json_member(json, "node", plan->nodes[fate->node].name);
        mv_json_key(json, "outcome");
        mv_json_text(json, mv_drain_outcome_name(fate->outcome));
        mv_json_member(json, "to", fate->to);
        mv_json_key(json, "obstacle");
        mv_json_text(json, mv_drain_obstacle_name(fate->obstacle));
        mv_json_member(json, "why", fate->why);
        write_count(json, "wave", fate->wave);
        write_count(json, "targetPods", fate->attempts);
        write_range(json, "begin", fate->begin_least, fate->begin_most);
        write_range(json, "end", fate->end_least, fate->end_most);
        mv_json_key(json, "gracePeriodSeconds");
        if (fate->grace < 0)
                mv_json_null(json);
        else
                mv_json_int(json, fate->grace);
        mv_json_member(json, "mismatch", fate->mismatch);
        mv_json_key(json, "fixes");
        mv_json_array(json);
        for (size_t i = 0; i < fate->n_fixes; i++) {
                mv_json_object(json);
                mv_json_member(json, "rule", mv_str_from(fate->fixes[i].rule));
                mv_json_member(json, "message", fate->fixes[i].message);
                mv_json_member(json, "fix", fate->fixes[i].fix);
                mv_json_end(json);
        }
        mv_json_end(json);
        mv_json_member(json, "advice", fate->advice);
        mv_json_end(json);
}

static void write_order(struct mv_json *json, const struct mv_drain_plan *plan) {
        mv_json_key(json, "betterOrder");
        if (!plan->n_order) {
                mv_json_null(json);
                return;
        }
        mv_json_object(json);
        mv_json_key(json, "nodes");
        mv_json_array(json);
        for (size_t i = 0; i < plan->n_order; i++)
                mv_json_string(json, plan->nodes[plan->order[i]].name);
        mv_json_end(json);
        write_count(json, "withoutNode", plan->order_leaves);
        mv_json_end(json);
}

void mv_drain_write_json(struct mv_buf *buf, const struct mv_drain_plan *plan) {
        struct mv_json json;
        mv_json_init(&json, buf);
        mv_json_object(&json);
        mv_json_member(&json, "apiVersion", MV_STR("migvet.io/v1alpha1"));
        mv_json_member(&json, "kind", MV_STR("DrainPlan"));
        mv_json_key(&json, "blocks");
        mv_json_bool(&json, plan->blocks);
        write_range(&json, "duration", plan->least, plan->most);
        write_count(&json, "waves", plan->waves);
        mv_json_key(&json, "summary");
        mv_json_object(&json);
        for (int i = 0; i <= MV_DRAIN_UNDECIDED; i++)
                write_count(&json, mv_drain_outcome_name((enum mv_drain_outcome)i), plan->count[i]);
        mv_json_end(&json);
        mv_json_key(&json, "nodes");
        mv_json_array(&json);
        for (size_t i = 0; i < plan->n_nodes; i++)
                write_node(&json, &plan->nodes[i]);
        mv_json_end(&json);
        mv_json_key(&json, "instances");
        mv_json_array(&json);
        for (size_t i = 0; i < plan->n_fates; i++)
                write_fate(&json, plan, &plan->fates[i]);
        mv_json_end(&json);
        write_order(&json, plan);
        mv_json_key(&json, "assumptions");
        mv_json_array(&json);
        for (size_t i = 0; i < plan->n_assumptions; i++)
                mv_json_string(&json, plan->assumptions[i]);
        mv_json_end(&json);
        mv_json_end(&json);
}

/* --- CSV (RFC 4180) --- */

static void seconds_cell(struct mv_buf *buf, int64_t milliseconds) {
        if (milliseconds != MV_SIM_NEVER)
                mv_buf_format(buf, "%lld.%03d", (long long)(milliseconds / 1000), (int)(milliseconds % 1000));
        mv_buf_append_byte(buf, ',');
}

void mv_drain_write_csv(struct mv_buf *buf, const struct mv_drain_plan *plan) {
        mv_buf_append_text(buf,
                           "node,namespace,name,outcome,to,obstacle,why,mismatch,beginAtLeast,beginAtMost,"
                           "endAtLeast,endAtMost,wave\r\n");
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                mv_csv_field(buf, plan->nodes[fate->node].name, ",");
                mv_csv_field(buf, fate->vmi->meta.namespace, ",");
                mv_csv_field(buf, fate->vmi->meta.name, ",");
                mv_csv_field(buf, mv_str_from(mv_drain_outcome_name(fate->outcome)), ",");
                mv_csv_field(buf, fate->to, ",");
                mv_csv_field(buf, mv_str_from(mv_drain_obstacle_name(fate->obstacle)), ",");
                mv_csv_field(buf, fate->why, ",");
                mv_csv_field(buf, fate->mismatch, ",");
                seconds_cell(buf, fate->begin_least);
                seconds_cell(buf, fate->begin_most);
                seconds_cell(buf, fate->end_least);
                seconds_cell(buf, fate->end_most);
                mv_buf_format(buf, "%u\r\n", fate->wave);
        }
}
