/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/places.h"

#include "policy/object/pod.h"

/* So many nodes are all named, of more the first few. */
enum { NAMED_NODES = 5, FIRST_NODES = 3, SHOWN_GROUPS = 12 };

const char *mv_places_sign(enum mv_fit_mark mark) {
        static const char *const signs[] = { "+", "o", "!", "x" };
        return signs[mark];
}

const char *mv_places_color(const struct mv_style *style, enum mv_fit_mark mark) {
        const char *const colors[] = { style->green, style->bold, style->yellow, style->red };
        return colors[mark];
}

const char *mv_places_meaning(enum mv_fit_mark mark, bool starts) {
        static const char *const meanings[] = { "can go there", "is there now", "not right now",
                                                "cannot go there" };
        return !starts                     ? meanings[mark]
               : mark == MV_MARK_FEASIBLE  ? "can start there"
               : mark == MV_MARK_MOMENTARY ? "not right now"
                                           : "cannot start there";
}

struct mv_str mv_places_nodes(struct mv_arena *arena, const struct mv_node_index *index, const size_t *nodes,
                              size_t n) {
        size_t shown = n <= NAMED_NODES ? n : FIRST_NODES;
        struct mv_str text = { 0 };
        for (size_t i = 0; i < shown; i++)
                text = mv_arena_format(arena, "%.*s%s%.*s", MV_STR_ARG(text), i ? ", " : "",
                                       MV_STR_ARG(mv_node_index_at(index, nodes[i])->meta.name));
        return shown < n ? mv_arena_format(arena, "%.*s and %zu more", MV_STR_ARG(text), n - shown) : text;
}

struct mv_str mv_places_causes(struct mv_arena *arena, const struct mv_fit_group *group,
                               bool without_source) {
        struct mv_str text = { 0 };
        for (size_t i = 0; i < group->n_causes; i++)
                if (!without_source || !mv_str_is(group->causes[i], "source-node"))
                        text = mv_arena_format(arena, "%.*s%s%.*s", MV_STR_ARG(text), text.n ? ", " : "",
                                               MV_STR_ARG(group->causes[i]));
        return text;
}

void mv_places_print(FILE *stream, struct mv_arena *arena, const struct mv_fit *fit,
                     const struct mv_fit_groups *groups, const struct mv_style *style) {
        size_t more = 0;
        for (size_t i = 0; i < groups->n; i++) {
                const struct mv_fit_group *group = &groups->items[i];
                if (i >= SHOWN_GROUPS) {
                        more += group->n_nodes;
                        continue;
                }
                struct mv_str nodes = mv_places_nodes(arena, fit->index, group->nodes, group->n_nodes);
                struct mv_str causes = mv_places_causes(arena, group, group->mark == MV_MARK_SOURCE);
                struct mv_str text = mv_arena_format(arena, "%.*s%s%.*s", MV_STR_ARG(nodes),
                                                     causes.n ? ": " : "", MV_STR_ARG(causes));
                fprintf(stream, "  %s%s%s ", mv_places_color(style, group->mark), mv_places_sign(group->mark),
                        style->reset);
                mv_text_wrap_from(stream, text, 4, 6, style->width);
        }
        if (more)
                fprintf(stream, "    and %zu more nodes for other reasons: -o csv lists all\n", more);
}

void mv_places_print_stranded(FILE *stream, struct mv_arena *arena, const struct mv_stranded *stranded,
                              const struct mv_style *style) {
        struct mv_str text =
                mv_arena_format(arena, "launcher pod %.*s selects what an earlier node had and %s: %.*s",
                                MV_STR_ARG(stranded->pod->meta.name),
                                stranded->together ? "no other node has altogether" : "no other node has",
                                MV_STR_ARG(mv_stranded_text(arena, stranded)));
        fprintf(stream, "  %sstranded%s  ", style->red, style->reset);
        mv_text_wrap_from(stream, text, 12, 6, style->width);
        fputs("      fix  ", stream);
        mv_text_wrap_from(stream, MV_STR(MV_STRANDED_FIX), 11, 11, style->width);
}
