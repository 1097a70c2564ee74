/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a drain as one HTML page that needs nothing else. The time of each instance is drawn as SVG, which is for
 * the eye: the table below it says the same in words.
 */
#include "cli/drain_output.h"
#include "cli/page.h"
#include "policy/convergence.h"

enum { WIDTH = 640, ROW = 22, AXIS = 22, MARGIN = 40, MARKS = 8, CHARACTER = 7, NARROWEST_LABEL = 160 };

struct drawing {
        struct mv_arena *arena;
        struct mv_drain_axis axis;
        int label; /* the width of the names */
};

static const char *class_of(enum mv_drain_outcome outcome) {
        return outcome == MV_DRAIN_MIGRATES                                  ? "feasible"
               : outcome == MV_DRAIN_BLOCKS || outcome == MV_DRAIN_UNDECIDED ? "lasting"
                                                                             : "momentary";
}

static struct mv_str name_of(struct mv_arena *arena, const struct mv_drain_fate *fate) {
        return mv_arena_format(arena, "%.*s/%.*s", MV_STR_ARG(fate->vmi->meta.namespace),
                               MV_STR_ARG(fate->vmi->meta.name));
}

static int x_of(const struct drawing *drawing, int64_t at) {
        return drawing->label + mv_drain_place(&drawing->axis, at, WIDTH);
}

static void draw_axis(const struct drawing *drawing, size_t n) {
        char text[MV_COPY_TEXT];
        for (int64_t at = 0; at <= drawing->axis.horizon; at += drawing->axis.tick) {
                int x = x_of(drawing, at);
                struct mv_str mark = at ? mv_copy_time_text(at, text) : MV_STR("0");
                printf("<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%zu\"/><text class=\"tick\" x=\"%d\" "
                       "y=\"14\">%.*s</text>\n",
                       x, AXIS - 4, x, AXIS + n * ROW, x, MV_STR_ARG(mark));
        }
}

static void draw(const struct drawing *drawing, const struct mv_drain_fate *fate, size_t row) {
        int y = AXIS + (int)row * ROW;
        const char *class = class_of(fate->outcome);
        printf("<text x=\"0\" y=\"%d\">", y + 15);
        mv_page_text(stdout, name_of(drawing->arena, fate));
        fputs("</text>", stdout);
        if (!mv_drain_is_drawn(fate)) {
                printf("<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, drawing->label + 4, y + 15,
                       mv_drain_outcome_name(fate->outcome));
                return;
        }
        int begin = x_of(drawing, fate->begin_least), end = x_of(drawing, fate->end_least);
        int latest = fate->end_most == MV_SIM_NEVER ? drawing->label + WIDTH : x_of(drawing, fate->end_most);
        printf("<g><title>%s", mv_drain_outcome_name(fate->outcome));
        fputs(" ", stdout);
        mv_page_text(stdout, mv_drain_fate_text(drawing->arena, fate));
        printf("</title><rect class=\"%s late\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\"/>"
               "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\"/></g>\n",
               class, begin, y + 4, latest > begin ? latest - begin : 1, class, begin, y + 4,
               end > begin ? end - begin : 2);
}

/* What the bars mean, where there are any. */
static void print_legend(const struct drawing *drawing) {
        if (!drawing->axis.horizon)
                return;
        fputs("<ul class=\"legend\" aria-label=\"Legend\">\n"
              "<li><span class=\"swatch\" aria-hidden=\"true\"></span> solid: " MV_DRAIN_SOLID "</li>\n"
              "<li><span class=\"swatch late\" aria-hidden=\"true\"></span> pale: " MV_DRAIN_PALE "</li>\n",
              stdout);
        if (drawing->axis.unbounded)
                fputs("<li>" MV_DRAIN_UNBOUNDED "</li>\n", stdout);
        fputs("</ul>\n", stdout);
}

static void print_row(const struct drawing *drawing, const struct mv_drain_fate *fate) {
        char span[MV_DRAIN_SPAN];
        fputs("<tr><th scope=\"row\">", stdout);
        mv_page_text(stdout, name_of(drawing->arena, fate));
        printf("</th><td><span class=\"mark %s\">%s</span></td><td>", class_of(fate->outcome),
               mv_drain_outcome_name(fate->outcome));
        mv_page_text(stdout, fate->to.n ? fate->to : MV_STR("-"));
        if (mv_drain_is_drawn(fate))
                printf("</td><td>%u</td><td>", fate->wave);
        else
                fputs("</td><td>-</td><td>", stdout);
        fputs(mv_drain_span(fate->end_least, fate->end_most, span), stdout);
        fputs("</td><td>", stdout);
        mv_page_text(stdout, fate->why);
        if (fate->mismatch.n) {
                fputs(" <span class=\"standing momentary\">", stdout);
                mv_page_text(stdout, fate->mismatch);
                fputs("</span>", stdout);
        }
        fputs("</td></tr>\n", stdout);
}

/* A part of the page that scrolls, also with the keyboard. */
static void open_frame(size_t node, const char *what) {
        printf("<div class=\"frame\" role=\"region\" aria-labelledby=\"node%zu\" aria-description=\"%s\" tabindex=\"0\">\n",
               node, what);
}

static void print_node(const struct drawing *drawing, const struct mv_drain_plan *plan, size_t node,
                       size_t first, size_t n) {
        const struct mv_drain_node *about = &plan->nodes[node];
        bool drawn = false;
        printf("<h2 id=\"node%zu\">", node);
        mv_page_text(stdout, about->name);
        fputs("</h2>\n", stdout);
        fputs("<p class=\"lead\">", stdout);
        mv_page_element(stdout, "span", about->n_blocking ? "standing lasting" : NULL,
                        mv_drain_node_text(drawing->arena, about));
        fputs("</p>\n", stdout);
        for (size_t i = first; i < first + n; i++)
                drawn |= mv_drain_is_drawn(&plan->fates[i]);
        if (drawn) {
                int width = drawing->label + WIDTH + MARGIN;
                open_frame(node, "time line");
                printf("<svg role=\"img\" aria-label=\"Time line; the table says the same\" viewBox=\"0 0 %d %zu\" "
                       "width=\"%d\">\n",
                       width, AXIS + n * ROW, width);
                draw_axis(drawing, n);
                for (size_t i = 0; i < n; i++)
                        draw(drawing, &plan->fates[first + i], i);
                fputs("</svg>\n</div>\n<p></p>\n", stdout);
        }
        if (!n)
                return;
        open_frame(node, "table");
        fputs("<table class=\"prose\">\n<caption>Instances of ", stdout);
        mv_page_text(stdout, about->name);
        fputs("</caption>\n<thead><tr><th scope=\"col\">instance</th><th scope=\"col\">outcome</th><th "
              "scope=\"col\">to</th><th scope=\"col\">wave</th><th scope=\"col\">done after</th><th "
              "scope=\"col\">why</th></tr></thead>\n<tbody>\n",
              stdout);
        for (size_t i = 0; i < n; i++)
                print_row(drawing, &plan->fates[first + i]);
        fputs("</tbody>\n</table>\n</div>\n", stdout);
}

static void print_fixes(const struct drawing *drawing, const struct mv_drain_plan *plan) {
        bool shown = false;
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                if (!fate->fix_first)
                        continue;
                if (!shown)
                        fputs("<h2>Fix these first</h2>\n<ul>\n", stdout);
                shown = true;
                fputs("<li>", stdout);
                mv_page_element(stdout, "b", NULL, name_of(drawing->arena, fate));
                fputs(": ", stdout);
                mv_page_text(stdout, fate->why);
                for (size_t f = 0; f < fate->n_fixes; f++) {
                        fputs("<br>", stdout);
                        mv_page_element(stdout, "code", NULL, mv_str_from(fate->fixes[f].rule));
                        putchar(' ');
                        mv_page_text(stdout, fate->fixes[f].message);
                        fputs(". ", stdout);
                        mv_page_element(stdout, "em", NULL, fate->fixes[f].fix);
                }
                if (fate->advice.n) {
                        fputs("<br>To do: ", stdout);
                        mv_page_element(stdout, "em", NULL, fate->advice);
                }
                fputs("</li>\n", stdout);
        }
        if (shown)
                fputs("</ul>\n", stdout);
}

static void print_order(const struct mv_drain_plan *plan) {
        if (!plan->n_order)
                return;
        fputs("<h2>A better order, one by one</h2>\n<ol>\n", stdout);
        for (size_t i = 0; i < plan->n_order; i++) {
                mv_page_element(stdout, "li", NULL, plan->nodes[plan->order[i]].name);
                putchar('\n');
        }
        fputs("</ol>\n", stdout);
        if (plan->order_leaves)
                printf("<p>%zu find%s no node even so.</p>\n", plan->order_leaves,
                       plan->order_leaves == 1 ? "s" : "");
        else
                fputs("<p>Everybody finds a node then.</p>\n", stdout);
}

static struct drawing prepare(struct mv_arena *arena, const struct mv_drain_plan *plan) {
        struct drawing drawing = { .arena = arena,
                                   .axis = mv_drain_axis_make(plan, MARKS),
                                   .label = NARROWEST_LABEL };
        for (size_t i = 0; i < plan->n_fates; i++) {
                int width = CHARACTER * (int)mv_text_columns(name_of(arena, &plan->fates[i])) + CHARACTER;
                drawing.label = width > drawing.label ? width : drawing.label;
        }
        return drawing;
}

bool mv_drain_print_html(const struct mv_drain_plan *plan, bool one_by_one) {
        struct mv_arena arena;
        size_t i = 0;
        mv_arena_init(&arena, &mv_allocator_system, 0);
        const struct drawing drawing = prepare(&arena, plan);
        mv_page_begin(stdout, "migvet drain");
        printf("<h1>Drain of %zu node%s</h1>\n<p class=\"lead\">", plan->n_nodes,
               plan->n_nodes == 1 ? "" : "s");
        mv_page_text(stdout, mv_drain_counts(&arena, plan));
        printf(": <span class=\"standing %s\">", plan->blocks ? "lasting" : "feasible");
        mv_page_text(stdout, mv_drain_duration(&arena, plan, one_by_one));
        fputs("</span></p>\n", stdout);
        print_fixes(&drawing, plan);
        print_order(plan);
        print_legend(&drawing);
        for (size_t node = 0; node < plan->n_nodes; node++) {
                size_t first = i;
                while (i < plan->n_fates && plan->fates[i].node == node)
                        i++;
                print_node(&drawing, plan, node, first, i - first);
        }
        fputs("<h2>Assumptions</h2>\n<ul>\n", stdout);
        for (size_t a = 0; a < plan->n_assumptions; a++) {
                mv_page_element(stdout, "li", NULL, plan->assumptions[a]);
                putchar('\n');
        }
        fputs("</ul>\n", stdout);
        mv_page_end(stdout);
        bool ok = !mv_arena_failed(&arena);
        mv_arena_done(&arena);
        return ok;
}
