/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sitepath.h"

#include <ctype.h>

struct parser {
        struct mv_str text, steps[MV_SITE_STEPS + 1];
        size_t at, n;
        struct mv_err *err;
        int code;
};

static bool wrong(struct parser *p, size_t at, const char *problem) {
        p->code = mv_err_set(p->err, MV_ESYNTAX, "is no path of a field: %s, behind %zu bytes of it", problem,
                             at);
        return false;
}

static bool add(struct parser *p, struct mv_str step) {
        if (p->n > MV_SITE_STEPS) { /* one more for the root */
                p->code = mv_err_set(p->err, MV_ELIMIT, "is a path of more than %d steps", MV_SITE_STEPS);
                return false;
        }
        p->steps[p->n++] = step;
        return true;
}

static bool is_plain(char c) {
        return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '/' || c == '$';
}

static bool read_member(struct parser *p) {
        size_t begin = p->at;
        while (p->at < p->text.n && is_plain(p->text.p[p->at]))
                p->at++;
        return p->at > begin ? add(p, (struct mv_str){ p->text.p + begin, p->at - begin })
                             : wrong(p, begin, "the name of a member is missing");
}

/* Behind `[`: `*]`, or a member's name in quotes. */
static bool read_brackets(struct parser *p) {
        char quote = p->at < p->text.n ? p->text.p[p->at] : '\0';
        struct mv_str step = { 0 };
        if (quote == '\'' || quote == '"') {
                struct mv_str rest = mv_str_skip(p->text, p->at + 1);
                size_t n = mv_str_find_byte(rest, quote);
                if (n == rest.n)
                        return wrong(p, p->at, "a quotation mark is not closed");
                if (n == 0)
                        return wrong(p, p->at, "the name of a member is missing");
                step = (struct mv_str){ rest.p, n };
                p->at += n + 2;
        } else if (quote == '*')
                p->at++;
        else
                return wrong(p, p->at, "[*] or a name in quotes is expected");
        if (p->at == p->text.n || p->text.p[p->at] != ']')
                return wrong(p, p->at, "] is expected");
        p->at++;
        return add(p, step);
}

static bool read_steps(struct parser *p) {
        if (!read_member(p))
                return false;
        while (p->at < p->text.n) {
                char c = p->text.p[p->at];
                if (c != '.' && c != '[')
                        return wrong(p, p->at, "., [ or its end is expected");
                p->at++;
                if (!(c == '.' ? read_member(p) : read_brackets(p)))
                        return false;
        }
        return true;
}

/* What every object has; a typing error would else be a field that is never there. */
static bool is_known(enum mv_site_root root, struct mv_str member) {
        static const char *const members[] = { "apiVersion", "kind", "metadata", "spec", "status" };
        if (root == MV_SITE_STORAGE_CLASS)
                return member.p && !mv_str_is(member, "spec") && !mv_str_is(member, "status");
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
                if (mv_str_is(member, members[i]))
                        return true;
        return false;
}

int mv_site_path_parse(struct mv_arena *arena, struct mv_str text, struct mv_site_path *ret,
                       struct mv_err *err) {
        struct parser p = { .text = text, .err = err };
        enum mv_site_root root = MV_SITE_OBJECT;
        if (!read_steps(&p))
                return p.code;
        if (mv_str_is(p.steps[0], "claim"))
                root = MV_SITE_CLAIM;
        else if (mv_str_is(p.steps[0], "storageClass"))
                root = MV_SITE_STORAGE_CLASS;
        size_t skip = root != MV_SITE_OBJECT;
        if (p.n == skip) {
                wrong(&p, text.n, "a field is expected");
                return p.code;
        }
        if (!is_known(root, p.steps[skip])) {
                wrong(&p, p.steps[skip].p ? (size_t)(p.steps[skip].p - text.p) : p.steps[0].n,
                      root == MV_SITE_STORAGE_CLASS
                              ? "no StorageClass has such a field"
                              : "apiVersion, kind, metadata, spec or status is expected");
                return p.code;
        }
        if (p.n - skip > MV_SITE_STEPS)
                return mv_err_set(err, MV_ELIMIT, "is a path of more than %d steps", MV_SITE_STEPS);
        *ret = (struct mv_site_path){ .root = root,
                                      .steps = mv_arena_new_array(arena, struct mv_str, p.n - skip),
                                      .n = p.n - skip };
        if (!ret->steps)
                return mv_err_oom(err);
        for (size_t i = 0; i < ret->n; i++)
                ret->steps[i] = p.steps[skip + i];
        return 0;
}

bool mv_site_path_is(const struct mv_site_path *path, const char *first, const char *second) {
        return path->n == 2 && mv_str_is(path->steps[0], first) && mv_str_is(path->steps[1], second);
}
