/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml_plain.h"

#include "policy/object/yaml_scalar.h"

enum { MOST_KEYS = 64, LONGEST_KEY = 256, NO_COLUMN = -1 };

/* A position in a line; at the end of the document its column is NO_COLUMN, and its line the one that ends it. */
struct cursor {
        struct mv_yaml *yaml;
        const char *p, *line, *line_end; /* the line's newline, or the end of the text */
        const char *end;                 /* of the text */
        unsigned lines_before;           /* the line, in the text */
        ptrdiff_t column;                /* of p when a node begins there, from 0 */
};

/* --- lines --- */

static const char *end_of_line(const struct cursor *c, const char *p) {
        const char *newline = memchr(p, '\n', (size_t)(c->end - p));
        return newline ? newline : c->end;
}

static const char *skip_spaces(const char *p, const char *end) {
        while (p < end && *p == ' ')
                p++;
        return p;
}

static bool is_separator(const char *line, const char *line_end) {
        return line_end - line >= 3 && memcmp(line, "---", 3) == 0 &&
               (line_end - line == 3 || line[3] == ' ');
}

/* Go to what stands on the line that begins there, or on the next one that is neither empty nor a comment. */
static void enter_line(struct cursor *c, const char *line) {
        for (;; c->lines_before++) {
                c->line = line;
                c->line_end = end_of_line(c, line);
                c->p = skip_spaces(line, c->line_end);
                if (is_separator(line, c->line_end))
                        break;
                if (c->p < c->line_end && *c->p != '#') {
                        c->column = c->p - line;
                        return;
                }
                if (c->line_end == c->end)
                        break;
                line = c->line_end + 1;
        }
        c->column = NO_COLUMN;
}

static void next_line(struct cursor *c) {
        if (c->line_end == c->end) {
                c->line = c->p = c->end;
                c->column = NO_COLUMN;
                return;
        }
        c->lines_before++;
        enter_line(c, c->line_end + 1);
}

/* Nothing but a comment stands on the line from p on, where a token has ended. */
static bool is_rest(const struct cursor *c, const char *p) {
        const char *rest = skip_spaces(p, c->line_end);
        return rest == c->line_end || (*rest == '#' && rest > p);
}

/* --- what is written --- */

struct spot {
        unsigned line, column;
};

static struct spot spot_of(const struct cursor *c, const char *p) {
        return (struct spot){ c->yaml->lines_before + c->lines_before + 1, (unsigned)(p - c->line) + 1 };
}

/* One more key or value begins. False when there are too many. */
static bool begin(struct cursor *c, struct spot spot) {
        mv_yaml_mark(c->yaml, spot.line, spot.column);
        return ++c->yaml->n_nodes <= c->yaml->limits.nodes;
}

static bool put_scalar(struct cursor *c, struct spot spot, struct mv_str text, bool plain) {
        const struct mv_yaml_node node = { .kind = MV_YAML_SCALAR, .plain = plain, .scalar.text = text };
        bool good = begin(c, spot) && mv_yaml_emit_scalar(c->yaml, &node, NULL) == 0;
        c->yaml->code = 0; /* whether that is an error, libyaml says */
        return good;
}

/* --- scalars --- */

static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* An unquoted scalar: up to the end of the line or a comment. */
static bool read_unquoted(struct cursor *c, struct mv_str *ret) {
        const char *p = c->p;
        bool starts = is_word(*p) || (*p && strchr("/.+~", *p)) ||
                      (*p == '-' && p + 1 < c->line_end && p[1] != ' ');
        if (!starts)
                return false;
        const char *last = p; /* that is no space */
        for (; p < c->line_end; p++) {
                if (*p == '#' && p[-1] == ' ')
                        break;
                if (*p == ':' && (p + 1 == c->line_end || p[1] == ' '))
                        return false;
                if (*p != ' ')
                        last = p;
        }
        *ret = (struct mv_str){ c->p, (size_t)(last - c->p) + 1 };
        return true;
}

/* In quotes, with none in it and no escape. */
static bool read_quoted(struct cursor *c, struct mv_str *ret) {
        char quote = *c->p;
        const char *text = c->p + 1;
        const char *close = memchr(text, quote, (size_t)(c->line_end - text));
        if (!close || (quote == '"' && memchr(text, '\\', (size_t)(close - text))) || !is_rest(c, close + 1))
                return false;
        *ret = (struct mv_str){ text, (size_t)(close - text) };
        return true;
}

/* Write the lines behind `|` or `|-` that are deeper than column as a text. Leaves the cursor on the last of them. */
static bool put_literal(struct cursor *c, ptrdiff_t column) {
        struct mv_buf *out = &c->yaml->json;
        bool strip = c->p + 1 < c->line_end && c->p[1] == '-';
        if (c->p + 1 + strip != c->line_end || c->line_end == c->end || !begin(c, spot_of(c, c->p)))
                return false;
        ptrdiff_t indent = 0; /* that of the first line */
        unsigned empty = 0;   /* lines, since the last with text */
        mv_buf_append_byte(out, '"');
        for (const char *line = c->line_end + 1, *line_end;; line = line_end + 1) {
                line_end = end_of_line(c, line);
                if (line == line_end && indent && line_end < c->end) {
                        empty++;
                        continue;
                }
                const char *text = skip_spaces(line, line_end);
                if (text == line_end && text > line) /* nothing but spaces: of another meaning */
                        return false;
                if (text - line <= column || text - line < indent)
                        break;
                if (line_end == c->end) /* without its newline: of another meaning */
                        return false;
                c->lines_before += empty + 1;
                for (empty += indent > 0; empty; empty--)
                        mv_yaml_emit_text(out, MV_STR("\n"));
                indent = indent ? indent : text - line;
                mv_yaml_emit_text(out, (struct mv_str){ line + indent, (size_t)(line_end - line - indent) });
                c->line = line;
                c->line_end = line_end;
        }
        if (!strip)
                mv_yaml_emit_text(out, MV_STR("\n"));
        mv_buf_append_byte(out, '"');
        return indent > 0;
}

/* The name at p and its colon, not behind a space: how a mapping begins. */
static bool find_key(const struct cursor *c, struct mv_str *ret) {
        const char *p = c->p;
        while (p < c->line_end && p - c->p < LONGEST_KEY &&
               (is_word(*p) || *p == '.' || *p == '/' || *p == '-'))
                p++;
        *ret = (struct mv_str){ c->p, (size_t)(p - c->p) };
        return p < c->line_end && *p == ':' && (p + 1 == c->line_end || p[1] == ' ');
}

/* A key is text, and no word or number that only looks so. */
static bool is_text(const struct cursor *c, struct mv_str key) {
        if (!key.n || !is_word(key.p[0]) || (key.p[0] >= '0' && key.p[0] <= '9'))
                return false;
        if (key.n > 5 || !strchr("yYnNtTfFoO", key.p[0])) /* not as long as any word, or begins otherwise */
                return true;
        struct mv_yaml_scalar scalar;
        return mv_yaml_scalar_resolve(&c->yaml->arena, key, (struct mv_str){ 0 }, true, &scalar, NULL) == 0 &&
               scalar.type == MV_YAML_TEXT;
}

/* --- collections: each function reads a node and goes on to the next; false when it is not to be read here. The recursion
 * ends at limits.depth --- */

static bool read_block(struct cursor *c, size_t depth);
static bool read_sequence(struct cursor *c, ptrdiff_t column, size_t depth);

static bool is_dash(const struct cursor *c) {
        return *c->p == '-' && (c->p + 1 == c->line_end || c->p[1] == ' ');
}

/* A value that begins on the line of its key or dash; the node that it belongs to is at column. */
static bool read_inline(struct cursor *c, ptrdiff_t column, size_t depth) {
        struct spot spot = spot_of(c, c->p);
        struct mv_str text = { 0 };
        char first = *c->p;
        if (first == '{' || first == '[') {
                if (c->line_end - c->p < 2 || c->p[1] != (first == '{' ? '}' : ']') ||
                    !is_rest(c, c->p + 2) || depth >= c->yaml->limits.depth || !begin(c, spot))
                        return false;
                mv_buf_append(&c->yaml->json, c->p, 2);
        } else if (first == '|') {
                if (!put_literal(c, column))
                        return false;
        } else {
                bool quoted = first == '\'' || first == '"';
                if (!(quoted ? read_quoted(c, &text) : read_unquoted(c, &text)) ||
                    !put_scalar(c, spot, text, !quoted))
                        return false;
        }
        next_line(c);
        return c->column <= column; /* a scalar that goes on otherwise */
}

/* A value on the lines behind its key or dash, which ends at `behind`; or none at all: null. */
static bool read_below(struct cursor *c, const char *behind, // NOLINT(misc-no-recursion)
                       ptrdiff_t column, bool in_mapping, size_t depth) {
        struct spot spot = spot_of(c, behind);
        next_line(c);
        if (c->column > column)
                return read_block(c, depth);
        if (in_mapping && c->column == column && is_dash(c))
                return read_sequence(c, column, depth);
        return put_scalar(c, spot, (struct mv_str){ 0 }, true);
}

static bool read_mapping(struct cursor *c, ptrdiff_t column, size_t depth) { // NOLINT(misc-no-recursion)
        struct mv_str keys[MOST_KEYS];
        size_t n = 0;
        if (depth >= c->yaml->limits.depth || !begin(c, spot_of(c, c->p)))
                return false;
        mv_buf_append_byte(&c->yaml->json, '{');
        do {
                struct mv_str key;
                if (n == MOST_KEYS || !find_key(c, &key) || !is_text(c, key))
                        return false;
                for (size_t i = 0; i < n; i++)
                        if (mv_str_equal(keys[i], key))
                                return false;
                if (n)
                        mv_buf_append_byte(&c->yaml->json, ',');
                keys[n++] = key;
                if (!begin(c, spot_of(c, c->p)))
                        return false;
                mv_buf_append_byte(&c->yaml->json, '"');
                mv_buf_append(&c->yaml->json, key.p, key.n);
                mv_buf_append(&c->yaml->json, "\":", 2);
                const char *behind = key.p + key.n + 1;
                c->p = skip_spaces(behind, c->line_end);
                if (!(is_rest(c, behind) ? read_below(c, behind, column, true, depth + 1)
                                         : read_inline(c, column, depth + 1)))
                        return false;
        } while (c->column == column);
        mv_buf_append_byte(&c->yaml->json, '}');
        return c->column < column;
}

static bool read_item(struct cursor *c, ptrdiff_t column, size_t depth) { // NOLINT(misc-no-recursion)
        const char *behind = c->p + 1;
        if (is_rest(c, behind))
                return read_below(c, behind, column, false, depth);
        struct mv_str key;
        c->p = skip_spaces(behind, c->line_end);
        c->column = c->p - c->line;
        return is_dash(c) || find_key(c, &key) ? read_block(c, depth) : read_inline(c, column, depth);
}

static bool read_sequence(struct cursor *c, ptrdiff_t column, size_t depth) { // NOLINT(misc-no-recursion)
        if (depth >= c->yaml->limits.depth || !begin(c, spot_of(c, c->p)))
                return false;
        mv_buf_append_byte(&c->yaml->json, '[');
        for (bool first = true; c->column == column && is_dash(c); first = false) {
                if (!first)
                        mv_buf_append_byte(&c->yaml->json, ',');
                if (!read_item(c, column, depth + 1))
                        return false;
        }
        mv_buf_append_byte(&c->yaml->json, ']');
        return c->column <= column;
}

static bool read_block(struct cursor *c, size_t depth) { // NOLINT(misc-no-recursion)
        return is_dash(c) ? read_sequence(c, c->column, depth) : read_mapping(c, c->column, depth);
}

/* --- documents --- */

static size_t count_tidy(struct mv_str text) {
        size_t n = 0;
        while (n < text.n && (text.p[n] == '\n' || (text.p[n] >= ' ' && text.p[n] <= '~')))
                n++;
        return n;
}

/* Go to the document at yaml->at, over the separator that it begins with. False: it is none that is read here. */
static bool enter_document(struct cursor *c) {
        enter_line(c, c->yaml->text.p + c->yaml->at);
        if (c->column != NO_COLUMN || !is_separator(c->line, c->line_end))
                return true;
        if (!is_rest(c, c->line + 3))
                return false;
        next_line(c);
        return true;
}

enum mv_yaml_plain mv_yaml_plain_next(struct mv_yaml *yaml) {
        const char *end = yaml->text.p + yaml->text.n;
        if (!yaml->at)
                yaml->tidy = count_tidy(yaml->text);
        while (yaml->at < yaml->text.n) {
                struct cursor c = { .yaml = yaml, .end = end, .lines_before = yaml->at_line };
                if (!enter_document(&c))
                        return MV_YAML_PLAIN_OTHER;
                bool empty = c.column == NO_COLUMN;
                if (!empty &&
                    (!read_block(&c, 0) || c.column != NO_COLUMN || yaml->json.n > yaml->limits.bytes))
                        return MV_YAML_PLAIN_OTHER;
                size_t next =
                        is_separator(c.line, c.line_end) ? (size_t)(c.line - yaml->text.p) : yaml->text.n;
                if (next > yaml->tidy)
                        return MV_YAML_PLAIN_OTHER;
                yaml->document_at = yaml->at;
                yaml->document_line = yaml->at_line;
                yaml->at = next;
                yaml->at_line = c.lines_before;
                if (!empty)
                        return MV_YAML_PLAIN_READ;
        }
        return MV_YAML_PLAIN_END;
}
