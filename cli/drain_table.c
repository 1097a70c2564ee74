/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain for a terminal: what becomes of each instance, with the time drawn as bars. */
#include "cli/drain_output.h"

#include <stdio.h>

enum { BAR = 32, NARROW_BAR = 16, NARROW = 110 };

static const char *color_of(const struct mv_style *style, enum mv_drain_outcome outcome) {
        return outcome == MV_DRAIN_MIGRATES                                  ? style->green
               : outcome == MV_DRAIN_BLOCKS || outcome == MV_DRAIN_UNDECIDED ? style->red
                                                                             : style->yellow;
}

/* The end of the time that is drawn: the last thing that is known to end. */
static int64_t horizon_of(const struct mv_drain_plan *plan) {
        int64_t horizon = 1;
        for (size_t i = 0; i < plan->n_fates; i++) {
                const int64_t times[] = { plan->fates[i].end_least, plan->fates[i].end_most };
                for (size_t t = 0; t < 2; t++)
                        if (times[t] != MV_SIM_NEVER && times[t] > horizon)
                                horizon = times[t];
        }
        return horizon;
}

static int column_of(int64_t at, int64_t horizon, int width) {
        return at >= horizon ? width : (int)((double)at * width / (double)horizon);
}

/* Solid to the earliest end, light to the latest; without a latest end light to the right edge. */
static void print_bar(const struct mv_drain_fate *fate, int64_t horizon, int width) {
        if (fate->begin_least == MV_SIM_NEVER || fate->end_least == MV_SIM_NEVER) {
                printf("%*s", width, "");
                return;
        }
        int begin = column_of(fate->begin_least, horizon, width);
        int end = column_of(fate->end_least, horizon, width);
        int latest = fate->end_most == MV_SIM_NEVER ? width : column_of(fate->end_most, horizon, width);
        if (begin == width)
                begin--;
        if (end <= begin)
                end = begin + 1;
        for (int i = 0; i < width; i++)
                fputs(i < begin ? " " : i < end ? "\u2588" : i < latest ? "\u2591" : " ", stdout);
}

static void print_name(const struct mv_vmi *vmi, size_t width) {
        mv_text_cell(stdout, vmi->meta.namespace, 0);
        putchar('/');
        size_t taken = mv_text_columns(vmi->meta.namespace) + 1;
        mv_text_cell(stdout, vmi->meta.name, width > taken ? width - taken : 0);
}

static size_t name_width(const struct mv_drain_plan *plan) {
        size_t width = 12;
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_meta *meta = &plan->fates[i].vmi->meta;
                size_t n = mv_text_columns(meta->namespace) + 1 + mv_text_columns(meta->name);
                width = n > width ? n : width;
        }
        return width < 40 ? width : 40;
}

static void print_fate(const struct mv_style *style, const struct mv_drain_fate *fate, int64_t horizon,
                       int bar, size_t width) {
        char span[MV_DRAIN_SPAN];
        const char *color = color_of(style, fate->outcome);
        fputs("  ", stdout);
        print_name(fate->vmi, width);
        printf("  %s%-10s%s ", color, mv_drain_outcome_name(fate->outcome), style->reset);
        printf("%s", color);
        print_bar(fate, horizon, bar);
        printf("%s ", style->reset);
        if (fate->to.n) {
                fputs("to ", stdout);
                mv_text_cell(stdout, fate->to, 0);
                fputs(", ", stdout);
        }
        if (fate->end_least != MV_SIM_NEVER)
                printf("wave %u, done after %s", fate->wave,
                       mv_drain_span(fate->end_least, fate->end_most, span));
        if (fate->grace >= 0 && fate->outcome != MV_DRAIN_BLOCKS)
                printf(", grace period %llds", (long long)fate->grace);
        putchar('\n');
        if (fate->why.n) {
                fputs("      ", stdout);
                mv_text_wrap_from(stdout, fate->why, 6, 6, style->width);
        }
        if (fate->mismatch.n) {
                printf("      %s!%s ", style->yellow, style->reset);
                mv_text_wrap_from(stdout, fate->mismatch, 8, 8, style->width);
        }
}

static void print_node(const struct mv_style *style, const struct mv_drain_node *node) {
        char span[MV_DRAIN_SPAN];
        fputs(style->bold, stdout);
        mv_text_cell(stdout, node->name, 0);
        printf("%s: %zu instance%s", style->reset, node->n_fates, node->n_fates == 1 ? "" : "s");
        if (node->n_blocking)
                printf(", %s%zu block%s the drain%s\n", style->red, node->n_blocking,
                       node->n_blocking == 1 ? "s" : "", style->reset);
        else if (node->n_external)
                printf(", empty when another controller has moved %zu of them\n", node->n_external);
        else
                printf(", empty after %s\n", mv_drain_span(node->empty_least, node->empty_most, span));
}

/* What has to be changed before the drain can end. */
static void print_fixes(const struct mv_style *style, const struct mv_drain_plan *plan) {
        bool shown = false;
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                if (!fate->fix_first)
                        continue;
                if (!shown)
                        printf("\n%sFix these first%s\n", style->bold, style->reset);
                shown = true;
                fputs("  ", stdout);
                print_name(fate->vmi, 0);
                fputs(": ", stdout);
                mv_text_wrap_from(stdout, fate->why, 4, 4, style->width);
                for (size_t f = 0; f < fate->n_fixes; f++) {
                        printf("    %sx %s%s  ", style->red, fate->fixes[f].rule, style->reset);
                        mv_text_wrap_from(stdout, fate->fixes[f].message, 8 + strlen(fate->fixes[f].rule), 6,
                                          style->width);
                        printf("      %sfix%s  ", style->dim, style->reset);
                        mv_text_wrap_from(stdout, fate->fixes[f].fix, 11, 11, style->width);
                }
        }
}

static void print_order(const struct mv_style *style, const struct mv_drain_plan *plan) {
        if (!plan->n_order)
                return;
        printf("\n%sA better order%s, one by one, ", style->bold, style->reset);
        if (plan->order_leaves)
                printf("in which %zu find no node:", plan->order_leaves);
        else
                fputs("in which everybody finds a node:", stdout);
        for (size_t i = 0; i < plan->n_order; i++) {
                putchar(' ');
                mv_text_cell(stdout, plan->nodes[plan->order[i]].name, 0);
        }
        putchar('\n');
}

void mv_drain_print_table(const struct mv_style *style, const struct mv_drain_plan *plan) {
        char span[MV_DRAIN_SPAN];
        int64_t horizon = horizon_of(plan);
        int bar = style->width && style->width < NARROW ? NARROW_BAR : BAR;
        size_t width = name_width(plan), i = 0;
        for (size_t node = 0; node < plan->n_nodes; node++) {
                print_node(style, &plan->nodes[node]);
                for (; i < plan->n_fates && plan->fates[i].node == node; i++)
                        print_fate(style, &plan->fates[i], horizon, bar, width);
        }
        print_fixes(style, plan);
        print_order(style, plan);
        printf("\n%sAssumptions%s\n", style->bold, style->reset);
        for (size_t a = 0; a < plan->n_assumptions; a++) {
                fputs("  ", stdout);
                mv_text_wrap_from(stdout, plan->assumptions[a], 2, 2, style->width);
        }
        putchar('\n');
        for (int outcome = 0; outcome <= MV_DRAIN_UNDECIDED; outcome++)
                if (plan->count[outcome])
                        printf("%zu %s, ", plan->count[outcome],
                               mv_drain_outcome_name((enum mv_drain_outcome)outcome));
        if (plan->blocks)
                printf("%sthe drain blocks%s\n", style->red, style->reset);
        else
                printf("%s%s%s in %u wave%s\n", style->green, mv_drain_span(plan->least, plan->most, span),
                       style->reset, plan->waves, plan->waves == 1 ? "" : "s");
}
