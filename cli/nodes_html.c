/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migvet nodes -o html`: one page that needs nothing else. A table with a header for each row and column, which stay in
 * sight while it scrolls; every cell says in words what its mark means; below it the reasons, VM by VM. With many nodes
 * the columns are counts, and the reasons name groups of nodes.
 */
#include "cli/nodes.h"

enum layout { MATRIX, COUNTS };
enum { MOST_COLUMNS = 120 };

static const char head[] =
        "<!DOCTYPE html>\n"
        "<html lang=\"en\">\n"
        "<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<title>migvet nodes</title>\n"
        "<style>\n"
        ":root {\n"
        "  --page: #f6f7f9; --card: #fff; --text: #1c2430; --quiet: #5b6676; --line: #d8dde5; --head: #eef1f5;\n"
        "  --feasible: #17693a; --feasible-bg: #dcf3e4; --source: #2d4f9e; --source-bg: #dfe8fb;\n"
        "  --momentary: #7a5200; --momentary-bg: #fdeebf; --lasting: #9c2330; --lasting-bg: #fbe1e3;\n"
        "}\n"
        "@media (prefers-color-scheme: dark) {\n"
        "  :root {\n"
        "    --page: #12161c; --card: #1a2028; --text: #e4e8ee; --quiet: #9aa6b6; --line: #323b47; --head: #222a34;\n"
        "    --feasible: #8fe0ad; --feasible-bg: #173526; --source: #a9c3ff; --source-bg: #1d2c4d;\n"
        "    --momentary: #f4d27a; --momentary-bg: #3c3010; --lasting: #ffb0b7; --lasting-bg: #451b21;\n"
        "  }\n"
        "}\n"
        "* { box-sizing: border-box; }\n"
        "body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 110rem; background: var(--page);\n"
        "  color: var(--text); font: 15px/1.5 system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif; }\n"
        "h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 2rem 0 .75rem; font-size: 1.15rem; }\n"
        ".lead { margin: .25rem 0 1.25rem; color: var(--quiet); }\n"
        ".legend { display: flex; flex-wrap: wrap; gap: .4rem 1.25rem; margin: 0 0 1rem; padding: 0; list-style: none; }\n"
        ".mark { display: inline-block; min-width: 1.6em; padding: 0 .35em; border-radius: .3em; text-align: center;\n"
        "  font-weight: 700; font-family: ui-monospace, \"DejaVu Sans Mono\", monospace; }\n"
        ".feasible { color: var(--feasible); background: var(--feasible-bg); }\n"
        ".source { color: var(--source); background: var(--source-bg); }\n"
        ".momentary { color: var(--momentary); background: var(--momentary-bg); }\n"
        ".lasting { color: var(--lasting); background: var(--lasting-bg); }\n"
        ".unknown { color: var(--quiet); background: var(--head); }\n"
        ".frame { max-height: 80vh; overflow: auto; border: 1px solid var(--line); border-radius: .6rem;\n"
        "  background: var(--card); width: fit-content; max-width: 100%; }\n"
        ".frame:focus-visible, a:focus-visible, summary:focus-visible { outline: 3px solid var(--source);\n"
        "  outline-offset: 2px; }\n"
        "table { border-collapse: separate; border-spacing: 0; }\n"
        "caption { padding: .6rem .9rem; text-align: left; color: var(--quiet); caption-side: bottom; }\n"
        "th, td { padding: .35rem .75rem; border-bottom: 1px solid var(--line); white-space: nowrap; }\n"
        "thead th { position: sticky; top: 0; z-index: 2; background: var(--head); font-weight: 600; }\n"
        "tbody th, thead th:first-child { position: sticky; left: 0; text-align: left; background: var(--card); }\n"
        "thead th:first-child { z-index: 3; background: var(--head); }\n"
        "tbody th { z-index: 1; font-weight: 500; border-right: 1px solid var(--line); }\n"
        "tbody tr:hover th, tbody tr:hover td { background: var(--head); }\n"
        "td { text-align: center; font-variant-numeric: tabular-nums; }\n"
        "a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: .2em; }\n"
        ".kind { color: var(--quiet); font-weight: 400; }\n"
        ".words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);\n"
        "  white-space: nowrap; }\n"
        "details { margin: 0 0 .5rem; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }\n"
        "details:target { border-color: var(--source); }\n"
        "summary { padding: .5rem .9rem; cursor: pointer; } summary b { font-weight: 600; }\n"
        ".standing { margin-left: .5rem; padding: .05rem .5rem; border-radius: 1rem; font-size: .85em; }\n"
        "details ul { margin: 0; padding: 0 .9rem .7rem; list-style: none; }\n"
        "details li { margin: .25rem 0; display: flex; gap: .6rem; align-items: baseline; }\n"
        "code { font-family: ui-monospace, \"DejaVu Sans Mono\", monospace; font-size: .92em; overflow-wrap: anywhere; }\n"
        "@media print { .frame { max-height: none; overflow: visible; } }\n"
        "</style>\n"
        "</head>\n"
        "<body>\n"
        "<main>\n"
        "<h1>Where each VM could go</h1>\n";

static const char legend[] = "<ul class=\"legend\" aria-label=\"Legend\">\n"
                             "<li><span class=\"mark feasible\">+</span> can go, or start, there</li>\n"
                             "<li><span class=\"mark source\">o</span> is there now</li>\n"
                             "<li><span class=\"mark momentary\">!</span> not right now</li>\n"
                             "<li><span class=\"mark lasting\">x</span> cannot</li>\n"
                             "</ul>\n";

/* Text in an element or a quoted attribute. */
static void escaped(FILE *stream, struct mv_str s) {
        for (size_t i = 0; i < s.n; i++)
                switch (s.p[i]) {
                case '&':
                        fputs("&amp;", stream);
                        break;
                case '<':
                        fputs("&lt;", stream);
                        break;
                case '>':
                        fputs("&gt;", stream);
                        break;
                case '"':
                        fputs("&quot;", stream);
                        break;
                case '\'':
                        fputs("&#39;", stream);
                        break;
                default: /* control characters are no HTML */
                        putc((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : s.p[i], stream);
                }
}

/* An element without attributes but its class. */
static void element(FILE *stream, const char *tag, const char *class, struct mv_str text) {
        fprintf(stream, "<%s%s%s%s>", tag, class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
        escaped(stream, text);
        fprintf(stream, "</%s>", tag);
}

static bool begin(struct mv_nodes_run *run) {
        run->layout = run->n_columns <= MOST_COLUMNS ? MATRIX : COUNTS;
        fputs(head, stdout);
        fputs("<p class=\"lead\">Nodes as a scheduler would judge them for the pod that KubeVirt makes.</p>\n",
              stdout);
        fputs(legend, stdout);
        fputs("<div class=\"frame\" role=\"region\" aria-labelledby=\"matrix\" tabindex=\"0\">\n"
              "<table>\n<caption id=\"matrix\">VMs and nodes; a VM's name leads to the reasons</caption>\n"
              "<thead>\n<tr><th scope=\"col\">VM</th>",
              stdout);
        for (size_t i = 0; run->layout == MATRIX && i < run->n_columns; i++) {
                fputs("<th scope=\"col\">", stdout);
                escaped(stdout, mv_node_index_at(run->index, run->columns[i])->meta.name);
                fputs("</th>", stdout);
        }
        if (run->layout == COUNTS)
                fputs("<th scope=\"col\">can go</th><th scope=\"col\">is there</th>"
                      "<th scope=\"col\">not right now</th><th scope=\"col\">cannot</th>",
                      stdout);
        fputs("</tr>\n</thead>\n<tbody>\n", stdout);
        return mv_nodes_part_open(&run->reasons);
}

/* --- a row --- */

/* What a cell says in words: the meaning of its mark, and the causes. */
static struct mv_str in_words(const struct mv_nodes_row *row, const struct mv_fit_group *group) {
        const char *meaning = mv_places_meaning(group->mark, mv_nodes_starts(row));
        struct mv_str causes = mv_places_causes(row->arena, group, group->mark == MV_MARK_SOURCE);
        return mv_arena_format(row->arena, "%s%s%.*s", meaning, causes.n ? ": " : "", MV_STR_ARG(causes));
}

static void print_cell(struct mv_nodes_run *run, const struct mv_nodes_row *row, size_t node) {
        if (!row->fit) {
                fputs("<td title=\"not known\"><span class=\"mark unknown\" aria-hidden=\"true\">?</span>"
                      "<span class=\"words\">not known</span></td>",
                      stdout);
                return;
        }
        struct mv_fit_group one = { .mark = mv_fit_mark(row->fit, node) };
        one.causes = mv_fit_causes(row->arena, row->fit, node, &one.n_causes);
        struct mv_str words = in_words(row, &one);
        fputs("<td title=\"", stdout);
        escaped(stdout, mv_node_index_at(run->index, node)->meta.name);
        fputs(": ", stdout);
        escaped(stdout, words);
        printf("\"><span class=\"mark %s\" aria-hidden=\"true\">%s</span><span class=\"words\">",
               mv_fit_mark_name(one.mark), mv_places_sign(one.mark));
        escaped(stdout, words);
        fputs("</span></td>", stdout);
}

static void print_group(FILE *stream, const struct mv_nodes_row *row, const struct mv_fit_group *group) {
        fprintf(stream, "<li><span class=\"mark %s\" aria-hidden=\"true\">%s</span> <span>",
                mv_fit_mark_name(group->mark), mv_places_sign(group->mark));
        fprintf(stream, "<span class=\"words\">%s: </span>",
                mv_places_meaning(group->mark, mv_nodes_starts(row)));
        escaped(stream, mv_places_nodes(row->arena, row->fit->index, group->nodes, group->n_nodes));
        for (size_t i = 0; i < group->n_causes; i++) {
                if (group->mark == MV_MARK_SOURCE && mv_str_is(group->causes[i], "source-node"))
                        continue;
                putc(' ', stream);
                element(stream, "code", NULL, group->causes[i]);
        }
        fputs("</span></li>\n", stream);
}

static void print_reasons(struct mv_nodes_run *run, const struct mv_nodes_row *row, struct mv_str name) {
        static const char *const classes[] = { "feasible", "momentary", "lasting", "unknown", "unknown" };
        FILE *stream = run->reasons.stream;
        struct mv_str standing = mv_nodes_standing(row);
        fprintf(stream, "<details open id=\"vm%zu\"><summary><span class=\"kind\">%s</span> <b>", run->number,
                mv_kinds[row->entry->kind].shorthand);
        escaped(stream, name);
        fputs("</b> ", stream);
        escaped(stream, mv_nodes_whereabouts(row));
        if (standing.n) {
                fprintf(stream, " <span class=\"standing %s\">", classes[row->standing]);
                escaped(stream, standing);
                fputs("</span>", stream);
        }
        fputs("</summary>\n<ul>\n", stream);
        for (size_t i = 0; row->groups && i < row->groups->n; i++)
                print_group(stream, row, &row->groups->items[i]);
        if (row->stranded) {
                fputs("<li><span class=\"mark lasting\">stranded</span> <span>its launcher pod selects ",
                      stream);
                element(stream, "code", NULL, mv_stranded_text(row->arena, row->stranded));
                fprintf(stream, ", which %s. To do: ",
                        row->stranded->together ? "no other node has altogether" : "no other node has");
                escaped(stream, MV_STR(MV_STRANDED_FIX));
                fputs("</span></li>\n", stream);
        }
        fputs("</ul></details>\n", stream);
}

static void print_row(struct mv_nodes_run *run, const struct mv_nodes_row *row) {
        struct mv_str name = mv_nodes_name(row->arena, &row->verdict->subject);
        printf("<tr><th scope=\"row\"><span class=\"kind\">%s</span> <a href=\"#vm%zu\">",
               mv_kinds[row->entry->kind].shorthand, run->number);
        escaped(stdout, name);
        fputs("</a></th>", stdout);
        for (size_t i = 0; run->layout == MATRIX && i < run->n_columns; i++)
                print_cell(run, row, run->columns[i]);
        for (int mark = 0; run->layout == COUNTS && mark < MV_MARKS; mark++) {
                if (row->groups && row->groups->count[mark])
                        printf("<td><span class=\"mark %s\">%zu</span></td>",
                               mv_fit_mark_name((enum mv_fit_mark)mark), row->groups->count[mark]);
                else
                        printf("<td>%s</td>", row->groups ? "0" : "?");
        }
        fputs("</tr>\n", stdout);
        print_reasons(run, row, name);
}

static bool end(struct mv_nodes_run *run) {
        fputs("</tbody>\n</table>\n</div>\n<p class=\"lead\">", stdout);
        escaped(stdout, mv_nodes_summary(run));
        fputs("</p>\n<h2>Reasons</h2>\n", stdout);
        bool ok = mv_nodes_part_print(&run->reasons);
        fputs("</main>\n</body>\n</html>\n", stdout);
        return ok && !mv_arena_failed(&run->arena);
}

const struct mv_nodes_printer mv_nodes_printer_html = { "html", begin, print_row, end };
