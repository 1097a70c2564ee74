/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain for a terminal: what becomes of each instance, with the time drawn as bars. */
#include "cli/drain_output.h"

#include "policy/convergence.h"

#include <stdio.h>

enum { BAR = 32, NARROWEST_BAR = 10, INDENT = 2, DEEP = 6, OUTCOME = 10, MARK = 8 };

/* How the lines of instances stand across the page. */
struct layout {
        struct mv_arena *arena;
        const struct mv_style *style;
        struct mv_drain_axis axis;
        size_t name; /* its width; 0: the name has a line of its own, and where it goes another one */
        int bar;
};

static const char *color_of(const struct mv_style *style, enum mv_drain_outcome outcome) {
        return outcome == MV_DRAIN_MIGRATES                                  ? style->green
               : outcome == MV_DRAIN_BLOCKS || outcome == MV_DRAIN_UNDECIDED ? style->red
                                                                             : style->yellow;
}

static struct mv_str name_of(struct mv_arena *arena, const struct mv_vmi *vmi) {
        return mv_arena_format(arena, "%.*s/%.*s", MV_STR_ARG(vmi->meta.namespace),
                               MV_STR_ARG(vmi->meta.name));
}

/* The bar gets what the names and targets leave of the line; where that is too little, each has its own line. */
static struct layout lay_out(struct mv_arena *arena, const struct mv_style *style,
                             const struct mv_drain_plan *plan) {
        struct layout layout = { .arena = arena, .style = style, .name = 12, .bar = BAR };
        size_t text = 0;
        for (size_t i = 0; i < plan->n_fates; i++) {
                size_t n = mv_text_columns(name_of(arena, plan->fates[i].vmi));
                layout.name = n > layout.name ? n : layout.name;
                n = mv_text_columns(mv_drain_fate_text(arena, &plan->fates[i]));
                text = n > text ? n : text;
        }
        size_t taken = INDENT + layout.name + 2 + OUTCOME + 1 + 1 + text;
        if (style->width && taken + BAR > style->width)
                layout.bar = (int)style->width - (int)taken;
        if (layout.bar < NARROWEST_BAR) {
                int room = (int)style->width - DEEP - OUTCOME - 1;
                layout.name = 0;
                layout.bar = room < BAR ? room : BAR;
        }
        layout.axis = mv_drain_axis_make(plan, layout.bar / MARK);
        return layout;
}

static size_t bar_column(const struct layout *layout) {
        return layout->name ? INDENT + layout->name + 2 + OUTCOME + 1 : DEEP + OUTCOME + 1;
}

/* The marks of the time, above the bars of a node. */
static void print_axis(const struct layout *layout) {
        const struct mv_drain_axis *axis = &layout->axis;
        char text[MV_COPY_TEXT];
        size_t column = 0;
        printf("%s%*s", layout->style->dim, (int)bar_column(layout), "");
        for (int64_t at = 0; at <= axis->horizon; at += axis->tick) {
                struct mv_str mark = at ? mv_copy_time_text(at, text) : MV_STR("0");
                size_t place = (size_t)mv_drain_place(axis, at, layout->bar);
                if (column + (at != 0) > place || place + 1 + mark.n > (size_t)layout->bar)
                        continue;
                printf("%*s|%.*s", (int)(place - column), "", MV_STR_ARG(mark));
                column = place + 1 + mark.n;
        }
        printf("%s\n", layout->style->reset);
}

/* Solid to the earliest end, light to the latest; without a latest end light to the right edge. trail: with the blanks
 * behind it. */
static void print_bar(const struct layout *layout, const struct mv_drain_fate *fate, bool trail) {
        int width = layout->bar;
        if (!mv_drain_is_drawn(fate)) {
                printf("%*s", trail ? width : 0, "");
                return;
        }
        int begin = mv_drain_place(&layout->axis, fate->begin_least, width);
        int end = mv_drain_place(&layout->axis, fate->end_least, width);
        int latest =
                fate->end_most == MV_SIM_NEVER ? width : mv_drain_place(&layout->axis, fate->end_most, width);
        if (begin == width)
                begin--;
        if (end <= begin)
                end = begin + 1;
        if (latest < end)
                latest = end;
        for (int i = 0; i < (trail ? width : latest); i++)
                fputs(i < begin ? " " : i < end ? "\u2588" : i < latest ? "\u2591" : " ", stdout);
}

static void print_fate(const struct layout *layout, const struct mv_drain_fate *fate) {
        const struct mv_style *style = layout->style;
        const char *color = color_of(style, fate->outcome), *outcome = mv_drain_outcome_name(fate->outcome);
        struct mv_str text = mv_drain_fate_text(layout->arena, fate);
        bool drawn = mv_drain_is_drawn(fate), beside = layout->name && text.n;
        printf("%*s", INDENT, "");
        mv_text_cell(stdout, name_of(layout->arena, fate->vmi), layout->name);
        printf("%s%*s%s%-*s", layout->name ? "" : "\n", layout->name ? 2 : DEEP, "", color,
               drawn || beside ? OUTCOME + 1 : 0, outcome);
        print_bar(layout, fate, beside);
        printf("%s%s", style->reset, beside ? " " : "\n");
        if (text.n)
                mv_text_wrap(stdout, text, beside ? 0 : DEEP, DEEP, beside ? 0 : style->width);
        if (fate->why.n)
                mv_text_wrap(stdout, fate->why, DEEP, DEEP, style->width);
        if (fate->mismatch.n) {
                printf("%*s%s!%s ", DEEP, "", style->yellow, style->reset);
                mv_text_wrap_from(stdout, fate->mismatch, DEEP + 2, DEEP + 2, style->width);
        }
}

static void print_node(const struct layout *layout, const struct mv_drain_node *node) {
        const struct mv_style *style = layout->style;
        fputs(style->bold, stdout);
        mv_text_cell(stdout, node->name, 0);
        printf(":%s%s ", style->reset, node->n_blocking ? style->red : "");
        mv_text_wrap_from(stdout, mv_drain_node_text(layout->arena, node), mv_text_columns(node->name) + 2,
                          INDENT, style->width);
        fputs(node->n_blocking ? style->reset : "", stdout);
}

static void print_legend(const struct layout *layout) {
        const struct mv_style *style = layout->style;
        if (!layout->axis.horizon)
                return;
        mv_text_wrap(stdout,
                     MV_STR("Time runs from the start of the drain: \u2588 " MV_DRAIN_SOLID
                            ", \u2591 " MV_DRAIN_PALE "."),
                     0, INDENT, style->width);
        if (layout->axis.unbounded)
                mv_text_wrap(stdout, MV_STR(MV_DRAIN_UNBOUNDED), 0, INDENT, style->width);
        putchar('\n');
}

/* The instances of a node; returns the place of the first one of the next node. */
static size_t print_fates(const struct layout *layout, const struct mv_drain_plan *plan, size_t node,
                          size_t first) {
        bool drawn = false;
        size_t end = first;
        for (; end < plan->n_fates && plan->fates[end].node == node; end++)
                drawn |= mv_drain_is_drawn(&plan->fates[end]);
        if (drawn)
                print_axis(layout);
        for (size_t i = first; i < end; i++)
                print_fate(layout, &plan->fates[i]);
        return end;
}

/* What has to be changed before the drain can end. */
static void print_fixes(struct mv_arena *arena, const struct mv_style *style,
                        const struct mv_drain_plan *plan) {
        bool shown = false;
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                if (!fate->fix_first)
                        continue;
                if (!shown)
                        printf("\n%sFix these first%s\n", style->bold, style->reset);
                shown = true;
                mv_text_wrap(stdout,
                             mv_arena_format(arena, "%.*s: %.*s", MV_STR_ARG(name_of(arena, fate->vmi)),
                                             MV_STR_ARG(fate->why)),
                             INDENT, 2 * INDENT, style->width);
                for (size_t f = 0; f < fate->n_fixes; f++) {
                        printf("    %sx %s%s  ", style->red, fate->fixes[f].rule, style->reset);
                        mv_text_wrap_from(stdout, fate->fixes[f].message, 8 + strlen(fate->fixes[f].rule), 6,
                                          style->width);
                        printf("      %sfix%s  ", style->dim, style->reset);
                        mv_text_wrap_from(stdout, fate->fixes[f].fix, 11, 11, style->width);
                }
                if (fate->advice.n) {
                        printf("    %sto do%s  ", style->dim, style->reset);
                        mv_text_wrap_from(stdout, fate->advice, 11, 11, style->width);
                }
        }
}

static void print_order(struct mv_arena *arena, const struct mv_style *style,
                        const struct mv_drain_plan *plan) {
        struct mv_str text = MV_STR(", one by one, in which everybody finds a node:");
        if (!plan->n_order)
                return;
        if (plan->order_leaves)
                text = mv_arena_format(arena,
                                       ", one by one, in which %zu find%s no node:", plan->order_leaves,
                                       plan->order_leaves == 1 ? "s" : "");
        for (size_t i = 0; i < plan->n_order; i++)
                text = mv_arena_format(arena, "%.*s %.*s", MV_STR_ARG(text),
                                       MV_STR_ARG(plan->nodes[plan->order[i]].name));
        printf("\n%sA better order%s", style->bold, style->reset);
        mv_text_wrap_from(stdout, text, strlen("A better order"), INDENT, style->width);
}

bool mv_drain_print_table(const struct mv_style *style, const struct mv_drain_plan *plan, bool one_by_one) {
        struct mv_arena arena;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        struct layout layout = lay_out(&arena, style, plan);
        size_t i = 0;
        print_legend(&layout);
        for (size_t node = 0; node < plan->n_nodes; node++) {
                print_node(&layout, &plan->nodes[node]);
                i = print_fates(&layout, plan, node, i);
        }
        print_fixes(&arena, style, plan);
        print_order(&arena, style, plan);
        printf("\n%sAssumptions%s\n", style->bold, style->reset);
        for (size_t a = 0; a < plan->n_assumptions; a++)
                mv_text_wrap(stdout, plan->assumptions[a], INDENT, INDENT, style->width);
        struct mv_str counts = mv_drain_counts(&arena, plan);
        struct mv_str duration = mv_drain_duration(&arena, plan, one_by_one);
        bool one_line = !style->width || counts.n + 2 + duration.n <= style->width;
        putchar('\n');
        if (one_line)
                printf("%.*s: ", MV_STR_ARG(counts));
        else
                mv_text_wrap(stdout, mv_arena_format(&arena, "%.*s:", MV_STR_ARG(counts)), 0, INDENT,
                             style->width);
        fputs(plan->blocks ? style->red : style->green, stdout);
        mv_text_wrap(stdout, duration, one_line ? 0 : INDENT, INDENT, one_line ? 0 : style->width);
        fputs(style->reset, stdout);
        bool ok = !mv_arena_failed(&arena);
        mv_arena_done(&arena);
        return ok;
}
