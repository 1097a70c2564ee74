/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `migvet nodes -o html`: one page that needs nothing else. A table with a header for each row and column, which stay in
 * sight while it scrolls; every cell says in words what its mark means; below it the reasons, VM by VM. With many nodes
 * the columns are counts, and the reasons name groups of nodes.
 */
#include "cli/nodes.h"
#include "cli/page.h"

enum layout { MATRIX, COUNTS };
enum { MOST_COLUMNS = 120 };

static const char legend[] = "<ul class=\"legend\" aria-label=\"Legend\">\n"
                             "<li><span class=\"mark feasible\">+</span> can go, or start, there</li>\n"
                             "<li><span class=\"mark source\">o</span> is there now</li>\n"
                             "<li><span class=\"mark momentary\">!</span> not right now</li>\n"
                             "<li><span class=\"mark lasting\">x</span> cannot</li>\n"
                             "</ul>\n";

static bool begin(struct mv_nodes_run *run) {
        run->layout = run->n_columns <= MOST_COLUMNS ? MATRIX : COUNTS;
        mv_page_begin(stdout, "migvet nodes");
        fputs("<h1>Where each VM could go</h1>\n<p class=\"lead\">Nodes as a scheduler would judge them for the pod that KubeVirt makes.</p>\n",
              stdout);
        fputs(legend, stdout);
        fputs("<div class=\"frame\" role=\"region\" aria-labelledby=\"matrix\" tabindex=\"0\">\n"
              "<table>\n<caption id=\"matrix\">VMs and nodes; a VM's name leads to the reasons</caption>\n"
              "<thead>\n<tr><th scope=\"col\">VM</th>",
              stdout);
        for (size_t i = 0; run->layout == MATRIX && i < run->n_columns; i++) {
                fputs("<th scope=\"col\">", stdout);
                mv_page_text(stdout, mv_node_index_at(run->index, run->columns[i])->meta.name);
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
        mv_page_text(stdout, mv_node_index_at(run->index, node)->meta.name);
        fputs(": ", stdout);
        mv_page_text(stdout, words);
        printf("\"><span class=\"mark %s\" aria-hidden=\"true\">%s</span><span class=\"words\">",
               mv_fit_mark_name(one.mark), mv_places_sign(one.mark));
        mv_page_text(stdout, words);
        fputs("</span></td>", stdout);
}

static void print_group(FILE *stream, const struct mv_nodes_row *row, const struct mv_fit_group *group) {
        fprintf(stream, "<li><span class=\"mark %s\" aria-hidden=\"true\">%s</span> <span>",
                mv_fit_mark_name(group->mark), mv_places_sign(group->mark));
        fprintf(stream, "<span class=\"words\">%s: </span>",
                mv_places_meaning(group->mark, mv_nodes_starts(row)));
        mv_page_text(stream, mv_places_nodes(row->arena, row->fit->index, group->nodes, group->n_nodes));
        for (size_t i = 0; i < group->n_causes; i++) {
                if (group->mark == MV_MARK_SOURCE && mv_str_is(group->causes[i], "source-node"))
                        continue;
                putc(' ', stream);
                mv_page_element(stream, "code", NULL, group->causes[i]);
        }
        fputs("</span></li>\n", stream);
}

static void print_reasons(struct mv_nodes_run *run, const struct mv_nodes_row *row, struct mv_str name) {
        static const char *const classes[] = { "feasible", "momentary", "lasting", "unknown", "unknown" };
        FILE *stream = run->reasons.stream;
        struct mv_str standing = mv_nodes_standing(row);
        fprintf(stream, "<details open id=\"vm%zu\"><summary><span class=\"kind\">%s</span> <b>", run->number,
                mv_kinds[row->entry->kind].shorthand);
        mv_page_text(stream, name);
        fputs("</b> ", stream);
        mv_page_text(stream, mv_nodes_whereabouts(row));
        if (standing.n) {
                fprintf(stream, " <span class=\"standing %s\">", classes[row->standing]);
                mv_page_text(stream, standing);
                fputs("</span>", stream);
        }
        fputs("</summary>\n<ul>\n", stream);
        for (size_t i = 0; row->groups && i < row->groups->n; i++)
                print_group(stream, row, &row->groups->items[i]);
        if (row->stranded) {
                fputs("<li><span class=\"mark lasting\">stranded</span> <span>its launcher pod selects ",
                      stream);
                mv_page_element(stream, "code", NULL, mv_stranded_text(row->arena, row->stranded));
                fprintf(stream, ", which %s. To do: ",
                        row->stranded->together ? "no other node has altogether" : "no other node has");
                mv_page_text(stream, MV_STR(MV_STRANDED_FIX));
                fputs("</span></li>\n", stream);
        }
        fputs("</ul></details>\n", stream);
}

static void print_row(struct mv_nodes_run *run, const struct mv_nodes_row *row) {
        struct mv_str name = mv_nodes_name(row->arena, &row->verdict->subject);
        printf("<tr><th scope=\"row\"><span class=\"kind\">%s</span> <a href=\"#vm%zu\">",
               mv_kinds[row->entry->kind].shorthand, run->number);
        mv_page_text(stdout, name);
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
        mv_page_text(stdout, mv_nodes_summary(run));
        fputs("</p>\n<h2>Reasons</h2>\n", stdout);
        bool ok = mv_nodes_part_print(&run->reasons);
        mv_page_end(stdout);
        return ok && !mv_arena_failed(&run->arena);
}

const struct mv_nodes_printer mv_nodes_printer_html = { "html", begin, print_row, end };
