/* SPDX-License-Identifier: Apache-2.0 */
/* `migvet nodes` for people: a matrix while it fits, numbers when there are many nodes, and the reasons below. */
#include "cli/nodes.h"

enum { GAP = 2, PAGE_WIDTH = 80, MOST_COLUMNS = 32, KIND_WIDTH = 7, COUNT_WIDTH = 9 };

/* How the nodes stand across the page: with their names, as numbers with a list of names, or counted. */
enum layout { BY_NAME, BY_NUMBER, COUNTED };

static struct mv_str node_name(const struct mv_nodes_run *run, size_t column) {
        return mv_node_index_at(run->index, run->columns[column])->meta.name;
}

static size_t page_width(const struct mv_nodes_run *run) {
        return run->style.width ? run->style.width : PAGE_WIDTH;
}

static size_t column_width(const struct mv_nodes_run *run, size_t column) {
        size_t digits = run->n_columns > 9 ? 2 : 1;
        return GAP + (run->layout == BY_NUMBER ? digits : mv_text_columns(node_name(run, column)));
}

static void choose_layout(struct mv_nodes_run *run) {
        run->name_width = sizeof "NAMESPACE/NAME" - 1;
        for (size_t i = 0; i < run->selection->n; i++) {
                const struct mv_meta *meta = run->selection->entries[i]->meta;
                size_t width = mv_text_columns(meta->namespace) + 1 +
                               mv_text_columns(meta->name.n ? meta->name : meta->generate_name);
                if (width > run->name_width)
                        run->name_width = width;
        }
        for (run->layout = BY_NAME; run->layout < COUNTED; run->layout++) {
                size_t width = KIND_WIDTH + 1 + run->name_width;
                for (size_t i = 0; i < run->n_columns; i++)
                        width += column_width(run, i);
                if (run->n_columns <= MOST_COLUMNS && width <= page_width(run))
                        return;
        }
}

static void print_key(struct mv_nodes_run *run) {
        struct mv_str text = { 0 };
        for (size_t i = 0; i < run->n_columns; i++)
                text = mv_arena_format(&run->arena, "%.*s%s%zu %.*s", MV_STR_ARG(text), i ? ", " : "", i + 1,
                                       MV_STR_ARG(node_name(run, i)));
        printf("%snodes%s  ", run->style.dim, run->style.reset);
        mv_text_wrap_from(stdout, text, 7, 7, page_width(run));
        putchar('\n');
}

static void print_head(struct mv_nodes_run *run) {
        const struct mv_style *style = &run->style;
        if (run->layout == BY_NUMBER)
                print_key(run);
        printf("%s%-*s ", style->bold, KIND_WIDTH, "KIND");
        mv_text_cell(stdout, MV_STR("NAMESPACE/NAME"), run->name_width);
        for (size_t i = 0; run->layout != COUNTED && i < run->n_columns; i++) {
                printf("%*s", GAP, "");
                if (run->layout == BY_NAME)
                        mv_text_cell(stdout, node_name(run, i), 0);
                else
                        printf("%*zu", (int)column_width(run, i) - GAP, i + 1);
        }
        if (run->layout == COUNTED)
                printf("%*s%*s%*s%*s", COUNT_WIDTH, "CAN GO", COUNT_WIDTH, "IS ON", COUNT_WIDTH, "NOT NOW",
                       COUNT_WIDTH, "CANNOT");
        printf("%s\n", style->reset);
}

static bool begin(struct mv_nodes_run *run) {
        choose_layout(run);
        if (run->selection->n)
                print_head(run);
        return mv_nodes_part_open(&run->reasons);
}

static const char *short_kind(enum mv_kind kind) {
        return mv_kinds[kind].shorthand;
}

/* A mark in the middle of its column. */
static void print_mark(const struct mv_nodes_run *run, const struct mv_nodes_row *row, size_t column) {
        size_t width = column_width(run, column), before = GAP + (width - GAP - 1) / 2;
        if (run->layout == BY_NUMBER)
                before = width - 1;
        enum mv_fit_mark mark = row->fit ? mv_fit_mark(row->fit, run->columns[column]) : MV_MARKS;
        printf("%*s%s%s%s", (int)before, "",
               mark == MV_MARKS ? run->style.dim : mv_places_color(&run->style, mark),
               mark == MV_MARKS ? "?" : mv_places_sign(mark), run->style.reset);
        if (column + 1 < run->n_columns)
                printf("%*s", (int)(width - before - 1), "");
}

static void print_counts(const struct mv_nodes_run *run, const struct mv_nodes_row *row) {
        for (int mark = 0; mark < MV_MARKS; mark++)
                if (row->groups)
                        printf("%s%*zu%s",
                               row->groups->count[mark] ? mv_places_color(&run->style, (enum mv_fit_mark)mark)
                                                        : "",
                               COUNT_WIDTH, row->groups->count[mark], run->style.reset);
                else
                        printf("%*s", COUNT_WIDTH, "?");
}

/* A piece of a line, on the next line where this one has no room for it. */
static void print_piece(FILE *stream, const struct mv_style *style, const char *color, struct mv_str text,
                        size_t *column) {
        size_t n = mv_text_columns(text);
        if (!n)
                return;
        bool fits = !style->width || *column + 1 + n <= style->width;
        fprintf(stream, "%s%s", fits ? " " : "\n    ", color);
        mv_text_cell(stream, text, 0);
        fputs(style->reset, stream);
        *column = (fits ? *column + 1 : 4) + n;
}

static void print_reasons(struct mv_nodes_run *run, const struct mv_nodes_row *row, struct mv_str name) {
        FILE *stream = run->reasons.stream;
        const struct mv_style *style = &run->style;
        struct mv_str where = mv_nodes_whereabouts(row), standing = mv_nodes_standing(row);
        const char *kind = short_kind(row->entry->kind);
        size_t column = strlen(kind) + 1 + mv_text_columns(name);
        fprintf(stream, "\n%s%s ", style->bold, kind);
        mv_text_cell(stream, name, 0);
        fprintf(stream, "%s%s", style->reset, standing.n && !where.n ? ":" : "");
        if (where.n && standing.n)
                where = mv_arena_format(row->arena, "%.*s,", MV_STR_ARG(where));
        print_piece(stream, style, "", where, &column);
        print_piece(stream, style, row->standing == MV_STANDING_NOWHERE ? style->red : style->yellow,
                    standing, &column);
        putc('\n', stream);
        if (row->groups)
                mv_places_print(stream, row->arena, row->fit, row->groups, style);
        if (row->stranded)
                mv_places_print_stranded(stream, row->arena, row->stranded, style);
}

static void print_row(struct mv_nodes_run *run, const struct mv_nodes_row *row) {
        struct mv_str name = mv_nodes_name(row->arena, &row->verdict->subject);
        printf("%-*s ", KIND_WIDTH, short_kind(row->entry->kind));
        mv_text_cell(stdout, name, run->name_width);
        for (size_t i = 0; run->layout != COUNTED && i < run->n_columns; i++)
                print_mark(run, row, i);
        if (run->layout == COUNTED)
                print_counts(run, row);
        putchar('\n');
        print_reasons(run, row, name);
}

static bool end(struct mv_nodes_run *run) {
        const struct mv_style *style = &run->style;
        if (!run->selection->n)
                puts("nothing to ask about: no VM, instance, migration, pool or replica set is selected");
        else {
                printf("\n%s+%s can go, or start, there   %so%s is there now   %s!%s not right now   %sx%s cannot\n",
                       style->green, style->reset, style->bold, style->reset, style->yellow, style->reset,
                       style->red, style->reset);
        }
        bool ok = mv_nodes_part_print(&run->reasons);
        if (run->selection->n) {
                putchar('\n');
                mv_text_wrap(stdout, mv_nodes_summary(run), 0, 2, style->width);
        }
        return ok && !mv_arena_failed(&run->arena);
}

const struct mv_nodes_printer mv_nodes_printer_table = { "table", begin, print_row, end };
