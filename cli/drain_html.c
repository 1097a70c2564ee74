/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a drain as one HTML page that needs nothing else: the time of each instance drawn as SVG. */
#include "cli/drain_output.h"

enum { WIDTH = 640, ROW = 22, LABEL = 220 };

/* Text between tags or in an attribute in double quotes. */
static void text(struct mv_buf *buf, struct mv_str s) {
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                const char *escape = c == '&'                                          ? "&amp;"
                                     : c == '<'                                        ? "&lt;"
                                     : c == '>'                                        ? "&gt;"
                                     : c == '"'                                        ? "&quot;"
                                     : c == '\''                                       ? "&#39;"
                                     : (c < ' ' && c != '\n' && c != '\t') || c == 127 ? "?"
                                                                                       : NULL;
                if (escape)
                        mv_buf_append_text(buf, escape);
                else
                        mv_buf_append_byte(buf, (char)c);
        }
}

static void plain(struct mv_buf *buf, const char *s) {
        mv_buf_append_text(buf, s);
}

static const char head[] =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width\"><title>migvet drain</title>\n<style>\n"
        ":root{color-scheme:light dark;--ink:#1c1e21;--dim:#667;--paper:#fff;--line:#dde;--good:#2a7d4f;--bad:#b3261e;"
        "--warn:#9a6700}\n"
        "@media(prefers-color-scheme:dark){:root{--ink:#e4e6ea;--dim:#99a;--paper:#16181c;--line:#334;--good:#5fc48d;"
        "--bad:#ff8a80;--warn:#e3b341}}\n"
        "body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem auto;"
        "max-width:70rem;padding:0 1rem}\n"
        "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem;border-top:1px solid var(--line);padding-top:1rem}\n"
        ".good{color:var(--good);fill:var(--good)}.bad{color:var(--bad);fill:var(--bad)}.warn{color:var(--warn);"
        "fill:var(--warn)}.late{opacity:.3}.dim{color:var(--dim)}\n"
        "svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}\n"
        "td,th{text-align:left;padding:.15rem .8rem .15rem 0;vertical-align:top}\n"
        "</style></head><body>\n";

static const char *class_of(enum mv_drain_outcome outcome) {
        return outcome == MV_DRAIN_MIGRATES                                  ? "good"
               : outcome == MV_DRAIN_BLOCKS || outcome == MV_DRAIN_UNDECIDED ? "bad"
                                                                             : "warn";
}

static int64_t horizon_of(const struct mv_drain_plan *plan) {
        int64_t horizon = 1;
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                if (fate->end_least != MV_SIM_NEVER && fate->end_least > horizon)
                        horizon = fate->end_least;
                if (fate->end_most != MV_SIM_NEVER && fate->end_most > horizon)
                        horizon = fate->end_most;
        }
        return horizon;
}

static int x_of(int64_t at, int64_t horizon) {
        return LABEL + (at >= horizon ? WIDTH : (int)((double)at * WIDTH / (double)horizon));
}

static void draw(struct mv_buf *buf, const struct mv_drain_fate *fate, size_t row, int64_t horizon) {
        int y = (int)row * ROW, begin = LABEL, end = LABEL, latest = LABEL;
        char span[MV_DRAIN_SPAN];
        mv_buf_format(buf, "<text x=\"0\" y=\"%d\">", y + 15);
        text(buf, fate->vmi->meta.namespace);
        plain(buf, "/");
        text(buf, fate->vmi->meta.name);
        plain(buf, "</text>");
        if (fate->end_least == MV_SIM_NEVER || fate->begin_least == MV_SIM_NEVER) {
                mv_buf_format(buf, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n",
                              class_of(fate->outcome), LABEL, y + 15, mv_drain_outcome_name(fate->outcome));
                return;
        }
        begin = x_of(fate->begin_least, horizon);
        end = x_of(fate->end_least, horizon);
        latest = fate->end_most == MV_SIM_NEVER ? LABEL + WIDTH : x_of(fate->end_most, horizon);
        mv_buf_format(
                buf,
                "<g><title>%s, %s</title><rect class=\"%s late\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\"/>"
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\"/></g>\n",
                mv_drain_outcome_name(fate->outcome), mv_drain_span(fate->end_least, fate->end_most, span),
                class_of(fate->outcome), begin, y + 4, latest > begin ? latest - begin : 1,
                class_of(fate->outcome), begin, y + 4, end > begin ? end - begin : 2);
}

static void write_row(struct mv_buf *buf, const struct mv_drain_fate *fate) {
        char span[MV_DRAIN_SPAN];
        plain(buf, "<tr><td>");
        text(buf, fate->vmi->meta.namespace);
        plain(buf, "/");
        text(buf, fate->vmi->meta.name);
        mv_buf_format(buf, "</td><td class=\"%s\">%s</td><td>", class_of(fate->outcome),
                      mv_drain_outcome_name(fate->outcome));
        text(buf, fate->to);
        mv_buf_format(buf, "</td><td>%s</td><td>", mv_drain_span(fate->end_least, fate->end_most, span));
        text(buf, fate->why);
        if (fate->mismatch.n) {
                plain(buf, " <span class=\"warn\">");
                text(buf, fate->mismatch);
                plain(buf, "</span>");
        }
        plain(buf, "</td></tr>\n");
}

static void write_node(struct mv_buf *buf, const struct mv_drain_plan *plan, size_t node, size_t first,
                       size_t n, int64_t horizon) {
        char span[MV_DRAIN_SPAN];
        const struct mv_drain_node *about = &plan->nodes[node];
        plain(buf, "<h2>");
        text(buf, about->name);
        mv_buf_format(buf, "</h2>\n<p>%zu instances, ", about->n_fates);
        if (about->n_blocking)
                mv_buf_format(buf, "<span class=\"bad\">%zu block the drain</span></p>\n", about->n_blocking);
        else
                mv_buf_format(buf, "empty after %s</p>\n",
                              mv_drain_span(about->empty_least, about->empty_most, span));
        if (!n)
                return;
        mv_buf_format(buf, "<svg role=\"img\" viewBox=\"0 0 %d %zu\" width=\"%d\">\n", LABEL + WIDTH, n * ROW,
                      LABEL + WIDTH);
        for (size_t i = 0; i < n; i++)
                draw(buf, &plan->fates[first + i], i, horizon);
        plain(buf,
              "</svg>\n<table><tr><th>instance</th><th>outcome</th><th>to</th><th>done after</th><th></th></tr>\n");
        for (size_t i = 0; i < n; i++)
                write_row(buf, &plan->fates[first + i]);
        plain(buf, "</table>\n");
}

static void write_fixes(struct mv_buf *buf, const struct mv_drain_plan *plan) {
        if (!plan->count[MV_DRAIN_BLOCKS])
                return;
        plain(buf, "<h2>Fix these first</h2>\n<ul>\n");
        for (size_t i = 0; i < plan->n_fates; i++) {
                const struct mv_drain_fate *fate = &plan->fates[i];
                if (fate->outcome != MV_DRAIN_BLOCKS)
                        continue;
                plain(buf, "<li>");
                text(buf, fate->vmi->meta.namespace);
                plain(buf, "/");
                text(buf, fate->vmi->meta.name);
                plain(buf, ": ");
                text(buf, fate->why);
                for (size_t f = 0; f < fate->n_fixes; f++) {
                        plain(buf, "<br><code>");
                        text(buf, mv_str_from(fate->fixes[f].rule));
                        plain(buf, "</code> ");
                        text(buf, fate->fixes[f].message);
                        plain(buf, " <em>");
                        text(buf, fate->fixes[f].fix);
                        plain(buf, "</em>");
                }
                plain(buf, "</li>\n");
        }
        plain(buf, "</ul>\n");
}

void mv_drain_write_html(struct mv_buf *buf, const struct mv_drain_plan *plan) {
        char span[MV_DRAIN_SPAN];
        int64_t horizon = horizon_of(plan);
        size_t i = 0;
        plain(buf, head);
        mv_buf_format(buf, "<h1>Drain of %zu node%s</h1>\n<p>", plan->n_nodes, plan->n_nodes == 1 ? "" : "s");
        for (int outcome = 0; outcome <= MV_DRAIN_UNDECIDED; outcome++)
                if (plan->count[outcome])
                        mv_buf_format(buf, "%zu %s, ", plan->count[outcome],
                                      mv_drain_outcome_name((enum mv_drain_outcome)outcome));
        if (plan->blocks)
                plain(buf, "<strong class=\"bad\">the drain blocks</strong></p>\n");
        else
                mv_buf_format(buf, "<strong class=\"good\">%s</strong> in %u waves</p>\n",
                              mv_drain_span(plan->least, plan->most, span), plan->waves);
        write_fixes(buf, plan);
        if (plan->n_order) {
                plain(buf, "<h2>A better order, one by one</h2>\n<ol>");
                for (size_t o = 0; o < plan->n_order; o++) {
                        plain(buf, "<li>");
                        text(buf, plan->nodes[plan->order[o]].name);
                        plain(buf, "</li>");
                }
                mv_buf_format(buf, "</ol>\n<p>%zu find no node even so.</p>\n", plan->order_leaves);
        }
        for (size_t node = 0; node < plan->n_nodes; node++) {
                size_t first = i;
                while (i < plan->n_fates && plan->fates[i].node == node)
                        i++;
                write_node(buf, plan, node, first, i - first, horizon);
        }
        plain(buf, "<h2>Assumptions</h2>\n<ul class=\"dim\">\n");
        for (size_t a = 0; a < plan->n_assumptions; a++) {
                plain(buf, "<li>");
                text(buf, plan->assumptions[a]);
                plain(buf, "</li>\n");
        }
        plain(buf, "</ul>\n</body></html>\n");
}
