/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/selector.h"

enum operator{ EXISTS, ABSENT, IN, NOT_IN };

struct requirement {
        enum operator operator;
        struct mv_str key;
        struct mv_str values[32];
        size_t n_values;
        struct requirement *next;
};

struct mv_selector {
        struct requirement *first;
};

struct parser {
        struct mv_str text;
        size_t at;
        struct mv_arena *arena;
        struct mv_err *err;
};

static int fail(struct parser *p, const char *problem) {
        if (p->err)
                p->err->offset = p->at;
        return mv_err_set(p->err, MV_ESYNTAX, "label selector \"%.*s\": %s at character %zu",
                          MV_STR_ARG(p->text), problem, p->at + 1);
}

static char peek(struct parser *p) {
        while (p->at < p->text.n && p->text.p[p->at] == ' ')
                p->at++;
        return p->at < p->text.n ? p->text.p[p->at] : '\0';
}

static bool accept(struct parser *p, const char *token) {
        size_t n = strlen(token);
        peek(p);
        if (p->text.n - p->at < n || memcmp(p->text.p + p->at, token, n) != 0)
                return false;
        p->at += n;
        return true;
}

/* A key or a value; may be empty. */
static struct mv_str word(struct parser *p) {
        peek(p);
        size_t start = p->at;
        while (p->at < p->text.n && !strchr(" ,=!()", p->text.p[p->at]))
                p->at++;
        return (struct mv_str){ p->text.p + start, p->at - start };
}

static int parse_set(struct parser *p, struct requirement *r) {
        if (!accept(p, "("))
                return fail(p, "expected (");
        do {
                if (r->n_values == sizeof r->values / sizeof *r->values)
                        return fail(p, "too many values");
                r->values[r->n_values++] = word(p);
        } while (accept(p, ","));
        return accept(p, ")") ? 0 : fail(p, "expected )");
}

static int parse_requirement(struct parser *p, struct requirement *r) {
        bool absent = accept(p, "!");
        r->key = word(p);
        if (!r->key.n)
                return fail(p, "expected a label");
        r->operator= absent ? ABSENT : EXISTS;
        char c = peek(p);
        if (absent || !c || c == ',')
                return 0;
        if (accept(p, "!=") || accept(p, "==") || accept(p, "=")) {
                r->operator= p->text.p[p->at - 2] == '!' ? NOT_IN : IN;
                r->values[r->n_values++] = word(p);
                return 0;
        }
        struct mv_str name = word(p);
        if (!mv_str_is(name, "in") && !mv_str_is(name, "notin"))
                return fail(p, "expected =, !=, in or notin");
        r->operator= mv_str_is(name, "in") ? IN : NOT_IN;
        return parse_set(p, r);
}

int mv_selector_parse(struct mv_arena *arena, struct mv_str text, struct mv_selector **ret,
                      struct mv_err *err) {
        struct parser p = { .text = text, .at = mv_str_find_byte(text, '\0'), .arena = arena, .err = err };
        if (p.at < text.n) /* it would be the end */
                return fail(&p, "a NUL byte");
        p.at = 0;
        struct mv_selector *selector = mv_arena_new(arena, struct mv_selector);
        struct requirement **end = selector ? &selector->first : NULL;
        while (selector && peek(&p)) {
                struct requirement *r = mv_arena_new(arena, struct requirement);
                if (!r)
                        break;
                int code = parse_requirement(&p, r);
                if (code < 0)
                        return code;
                *end = r;
                end = &r->next;
                if (peek(&p) && !accept(&p, ","))
                        return fail(&p, "expected a comma");
        }
        if (mv_arena_failed(arena))
                return mv_err_oom(err);
        *ret = selector;
        return 0;
}

bool mv_selector_matches(const struct mv_selector *selector, const struct mv_map *labels) {
        for (const struct requirement *r = selector->first; r; r = r->next) {
                const struct mv_str *value = mv_map_get(labels, r->key);
                bool among = false;
                for (size_t i = 0; value && i < r->n_values; i++)
                        among |= mv_str_equal(*value, r->values[i]);
                if (r->operator== EXISTS   ? !value
                    : r->operator== ABSENT ? value != NULL
                    : r->operator== IN     ? !among
                                           : among)
                        return false;
        }
        return true;
}
