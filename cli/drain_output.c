/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain as JSON and CSV. */
#include "cli/drain_output.h"

#include "policy/base/json.h"
#include "policy/convergence.h"

#include <stdio.h>

const char *mv_drain_span(int64_t least, int64_t most, char out[MV_DRAIN_SPAN]) {
        char a[MV_COPY_TEXT], b[MV_COPY_TEXT];
        if (least == MV_SIM_NEVER)
                snprintf(out, MV_DRAIN_SPAN, "-");
        else if (most == MV_SIM_NEVER)
                snprintf(out, MV_DRAIN_SPAN, "at least %.*s", MV_STR_ARG(mv_copy_time_text(least, a)));
        else
                snprintf(out, MV_DRAIN_SPAN, "%.*s to %.*s", MV_STR_ARG(mv_copy_time_text(least, a)),
                         MV_STR_ARG(mv_copy_time_text(most, b)));
        return out;
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

static void cell(struct mv_buf *buf, struct mv_str text) {
        mv_buf_append_byte(buf, '"');
        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] == '"')
                        mv_buf_append_byte(buf, '"');
                mv_buf_append_byte(buf, text.p[i]);
        }
        mv_buf_append_text(buf, "\",");
}

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
                cell(buf, plan->nodes[fate->node].name);
                cell(buf, fate->vmi->meta.namespace);
                cell(buf, fate->vmi->meta.name);
                cell(buf, mv_str_from(mv_drain_outcome_name(fate->outcome)));
                cell(buf, fate->to);
                cell(buf, mv_str_from(mv_drain_obstacle_name(fate->obstacle)));
                cell(buf, fate->why);
                cell(buf, fate->mismatch);
                seconds_cell(buf, fate->begin_least);
                seconds_cell(buf, fate->begin_most);
                seconds_cell(buf, fate->end_least);
                seconds_cell(buf, fate->end_most);
                mv_buf_format(buf, "%u\r\n", fate->wave);
        }
}
