/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label selector, and after a line break labels as `key=value` lines: what is taken says the same in pieces (all of its
 * requirements hold), `x in (y)` is never what `x notin (y)` is, and what is refused has a message that says where.
 */
#include "policy/object/selector.h"
#include "tests/fuzz/support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mv_str next_line(struct mv_str *rest) {
        struct mv_str line = { rest->p, mv_str_find_byte(*rest, '\n') };
        *rest = mv_str_skip(*rest, line.n < rest->n ? line.n + 1 : rest->n);
        return line;
}

static int by_key(const void *a, const void *b) {
        return mv_str_compare(((const struct mv_pair *)a)->key, ((const struct mv_pair *)b)->key);
}

/* Sorted by key, keys unique, as decoded ones are. */
static void read_labels(struct mv_str text, struct mv_pair *pairs, size_t most, struct mv_map *ret) {
        size_t n = 0, kept = 0;
        while (text.n && n < most) {
                struct mv_str line = next_line(&text);
                size_t equal = mv_str_find_byte(line, '=');
                pairs[n++] = (struct mv_pair){ { line.p, equal },
                                               mv_str_skip(line, equal < line.n ? equal + 1 : line.n) };
        }
        qsort(pairs, n, sizeof *pairs, by_key);
        for (size_t i = 0; i < n; i++)
                if (!kept || !mv_str_equal(pairs[kept - 1].key, pairs[i].key))
                        pairs[kept++] = pairs[i];
        *ret = (struct mv_map){ pairs, kept, true };
}

/* The part before the first comma that is not in parentheses. */
static struct mv_str next_requirement(struct mv_str *rest) {
        size_t n = 0;
        bool in = false;
        for (; n < rest->n && (in || rest->p[n] != ','); n++)
                in = rest->p[n] == '(' || (in && rest->p[n] != ')');
        struct mv_str part = { rest->p, n };
        *rest = mv_str_skip(*rest, n < rest->n ? n + 1 : n);
        return part;
}

static struct mv_selector *parse(struct mv_arena *arena, struct mv_str text) {
        struct mv_selector *selector = NULL;
        fuzz_check(mv_selector_parse(arena, text, &selector, NULL) == 0,
                   "a part of a selector is none alone");
        return selector;
}

/* Of "x in (y)": "x notin (y)", which says the contrary. */
static void check_contrary(struct mv_arena *arena, struct mv_str part, const struct mv_map *labels,
                           bool matches) {
        const char *in = part.n ? memmem(part.p, part.n, " in (", 5) : NULL;
        if (!in)
                return;
        size_t before = (size_t)(in - part.p) + 1;
        char *text = mv_arena_allocate(arena, part.n + 3, 1);
        fuzz_check(text, "no memory");
        memcpy(text, part.p, before);
        memcpy(text + before, "not", 3);
        memcpy(text + before + 3, part.p + before, part.n - before);
        const struct mv_selector *contrary = parse(arena, (struct mv_str){ text, part.n + 3 });
        fuzz_check(mv_selector_matches(contrary, labels) != matches, "in and notin agree");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mv_pair pairs[64];
        struct mv_map labels;
        struct mv_arena arena;
        struct mv_err err = { 0 };
        struct mv_selector *selector = NULL;
        struct mv_str rest = fuzz_str(data, size), text = next_line(&rest);
        read_labels(rest, pairs, sizeof pairs / sizeof *pairs, &labels);
        mv_arena_init(&arena, &mv_allocator_system, 0);
        int r = mv_selector_parse(&arena, text, &selector, &err);
        if (r)
                fuzz_check(!selector && r == err.code && err.message[0] && err.offset <= text.n,
                           "an odd refusal");
        else {
                bool all = true;
                fuzz_check(!memchr(text.n ? text.p : "", '\0', text.n), "a selector with a NUL byte");
                while (text.n) {
                        struct mv_str part = next_requirement(&text);
                        bool matches = mv_selector_matches(parse(&arena, part), &labels);
                        check_contrary(&arena, part, &labels, matches);
                        all = all && matches;
                }
                fuzz_check(mv_selector_matches(selector, &labels) == all, "the whole is not its parts");
        }
        mv_arena_done(&arena);
        return 0;
}
