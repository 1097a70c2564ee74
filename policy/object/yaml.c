/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml.h"

#include "policy/base/buf.h"
#include "policy/object/yaml_scalar.h"
#include "policy/object/yaml_tree.h"

#include <stdint.h>
#include <string.h>

enum { PADDING = 8 };

/* From this byte of the JSON text on, the text comes from there. */
struct place {
        size_t offset;
        unsigned line, column;
};

void mv_text_locate(struct mv_str text, size_t offset, unsigned *ret_line, unsigned *ret_column) {
        const unsigned char *p = (const unsigned char *)text.p;
        bool little = text.n >= 2 && p[0] == 0xff && p[1] == 0xfe,
             big = text.n >= 2 && p[0] == 0xfe && p[1] == 0xff;
        size_t step = little || big ? 2 : 1;
        size_t i = step == 2 ? 2 : text.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        unsigned line = 1, column = 1;
        if (offset > text.n)
                offset = text.n;
        for (; i + step <= offset; i += step) {
                unsigned c = step == 1 ? p[i]
                             : little  ? p[i] | (unsigned)p[i + 1] << 8
                                       : p[i + 1] | (unsigned)p[i] << 8;
                if (c == '\n') {
                        line++;
                        column = 1;
                } else if (step == 1 ? (c & 0xc0) != 0x80 : (c & 0xfc00) != 0xdc00)
                        column++;
        }
        *ret_line = line;
        *ret_column = column;
}

/* --- tree -> JSON --- */

static void mark_place(struct mv_yaml *yaml, const struct mv_yaml_node *node) {
        struct place place = { .offset = yaml->json.n, .line = node->line, .column = node->column };
        mv_buf_append(&yaml->places, &place, sizeof place);
}

static void emit_string(struct mv_buf *out, struct mv_str s) {
        static const char digits[] = "0123456789abcdef";
        mv_buf_append_byte(out, '"');
        size_t start = 0;
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                if (c >= 0x20 && c != '"' && c != '\\')
                        continue;
                mv_buf_append(out, s.p + start, i - start);
                start = i + 1;
                const char *plain = strchr("\"\"\\\\\nn\tt\rr", c);
                if (c && plain) {
                        mv_buf_append_byte(out, '\\');
                        mv_buf_append_byte(out, plain[1]);
                } else {
                        char escape[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
                        mv_buf_append(out, escape, sizeof escape);
                }
        }
        mv_buf_append(out, s.p + start, s.n - start);
        mv_buf_append_byte(out, '"');
}

static int emit_scalar(struct mv_yaml *yaml, const struct mv_yaml_node *node, struct mv_err *err) {
        struct mv_yaml_scalar scalar;
        char number[MV_YAML_NUMBER_SIZE];
        struct mv_err why = { 0 };
        int r = mv_yaml_scalar_resolve(&yaml->arena, node->scalar.text, node->scalar.tag, node->plain,
                                       &scalar, &why);
        if (r)
                return r == MV_ENOMEM ? r : mv_yaml_fail_node(yaml, node, err, r, "%s", why.message);
        switch (scalar.type) {
        case MV_YAML_NULL:
                mv_buf_append_text(&yaml->json, "null");
                break;
        case MV_YAML_BOOL:
                mv_buf_append_text(&yaml->json, scalar.boolean ? "true" : "false");
                break;
        case MV_YAML_TEXT:
                emit_string(&yaml->json, scalar.text);
                break;
        case MV_YAML_FLOAT:
                if (scalar.number - scalar.number != 0)
                        return mv_yaml_fail_node(yaml, node, err, MV_ETYPE, "%.*s is no number that JSON has",
                                                 MV_STR_ARG(node->scalar.text));
                /* fall through */
        case MV_YAML_INT:
                mv_buf_append_str(&yaml->json, mv_yaml_scalar_print(&scalar, number));
                break;
        }
        return 0;
}

static int emit_entries(struct mv_yaml *yaml, const struct mv_yaml_node *node, size_t depth,
                        const struct mv_yaml_node *via, struct mv_err *err);

/* depth: levels that are open. via: the outermost alias or merged key that node stands here because of,
 * or NULL. Recursion ends at limits.depth. */
static int emit(struct mv_yaml *yaml, struct mv_yaml_node *node, size_t depth, // NOLINT(misc-no-recursion)
                const struct mv_yaml_node *via, struct mv_err *err) {
        if (node->kind == MV_YAML_ALIAS) {
                via = via ? via : node;
                node = node->alias;
        }
        int r = via ? mv_yaml_count_expanded(yaml, via, 1, err) : 0;
        if (r)
                return r;
        if (yaml->json.n > yaml->limits.bytes)
                return mv_yaml_fail_node(yaml, via ? via : node, err, MV_ELIMIT,
                                         "the document is larger than %zu bytes", yaml->limits.bytes);
        mark_place(yaml, node);
        if (node->kind == MV_YAML_SCALAR)
                return emit_scalar(yaml, node, err);
        if (depth >= yaml->limits.depth)
                return mv_yaml_fail_node(yaml, via ? via : node, err, MV_ELIMIT,
                                         "nested deeper than %zu levels", yaml->limits.depth);
        bool mapping = node->kind == MV_YAML_MAPPING;
        mv_buf_append_byte(&yaml->json, mapping ? '{' : '[');
        if (mapping)
                r = emit_entries(yaml, node, depth + 1, via, err);
        else
                for (struct mv_yaml_node *item = node->children.first; item && !r; item = item->next) {
                        if (item != node->children.first)
                                mv_buf_append_byte(&yaml->json, ',');
                        r = emit(yaml, item, depth + 1, via, err);
                }
        mv_buf_append_byte(&yaml->json, mapping ? '}' : ']');
        return r;
}

static int emit_entries(struct mv_yaml *yaml, const struct mv_yaml_node *node, // NOLINT(misc-no-recursion)
                        size_t depth, const struct mv_yaml_node *via, struct mv_err *err) {
        int r = 0;
        for (size_t i = 0; i < node->entries.n && !r; i++) {
                const struct mv_yaml_entry *e = &node->entries.items[i];
                if (i)
                        mv_buf_append_byte(&yaml->json, ',');
                mark_place(yaml, e->key);
                emit_string(&yaml->json, e->name);
                mv_buf_append_byte(&yaml->json, ':');
                r = via ? mv_yaml_count_expanded(yaml, via, 1, err) : 0;
                if (!r)
                        r = emit(yaml, e->value, depth, !via && e->merged ? e->key : via, err);
        }
        return r;
}

static bool is_null(struct mv_yaml *yaml, const struct mv_yaml_node *node) {
        struct mv_yaml_scalar scalar;
        return node->kind == MV_YAML_SCALAR &&
               mv_yaml_scalar_resolve(&yaml->arena, node->scalar.text, node->scalar.tag, node->plain, &scalar,
                                      NULL) == 0 &&
               scalar.type == MV_YAML_NULL;
}

/* --- the reader --- */

int mv_yaml_new(const struct mv_allocator *allocator, struct mv_str text, const struct mv_yaml_limits *limits,
                struct mv_yaml **ret, struct mv_err *err) {
        struct mv_yaml *yaml = allocator->allocate(allocator->context, sizeof *yaml);
        if (!yaml)
                return mv_err_oom(err);
        *yaml = (struct mv_yaml){ .allocator = allocator, .text = text };
        if (limits)
                yaml->limits = *limits;
        if (!yaml->limits.depth || yaml->limits.depth > MV_YAML_DEPTH)
                yaml->limits.depth = MV_YAML_DEPTH;
        if (!yaml->limits.nodes)
                yaml->limits.nodes = MV_YAML_NODES;
        if (!yaml->limits.expanded)
                yaml->limits.expanded = MV_YAML_EXPANDED;
        if (!yaml->limits.bytes)
                yaml->limits.bytes = MV_YAML_BYTES;
        if (!yaml_parser_initialize(&yaml->parser)) {
                allocator->release(allocator->context, yaml);
                return mv_err_oom(err);
        }
        yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
        mv_arena_init(&yaml->arena, allocator, 0);
        mv_buf_init(&yaml->json, allocator, SIZE_MAX);
        mv_buf_init(&yaml->places, allocator, SIZE_MAX);
        *ret = yaml;
        return 0;
}

void mv_yaml_set_lines_before(struct mv_yaml *yaml, unsigned lines) {
        yaml->lines_before = lines;
}

struct mv_yaml *mv_yaml_free(struct mv_yaml *yaml) {
        if (!yaml)
                return NULL;
        yaml_parser_delete(&yaml->parser);
        mv_arena_done(&yaml->arena);
        mv_buf_done(&yaml->json);
        mv_buf_done(&yaml->places);
        yaml->allocator->release(yaml->allocator->context, yaml);
        return NULL;
}

static void forget_document(struct mv_yaml *yaml) {
        mv_arena_clear(&yaml->arena);
        mv_buf_clear(&yaml->json);
        mv_buf_clear(&yaml->places);
        yaml->anchors = NULL;
        yaml->n_anchors = yaml->anchor_slots = yaml->n_nodes = yaml->n_expanded = 0;
}

int mv_yaml_next(struct mv_yaml *yaml, struct mv_str *ret_json, struct mv_err *err) {
        if (yaml->code)
                return mv_err_set(err, yaml->code, "the YAML could not be read");
        struct mv_yaml_node *root;
        do {
                forget_document(yaml);
                if (yaml->ended) {
                        *ret_json = (struct mv_str){ 0 };
                        return 0;
                }
                root = NULL;
                int r = mv_yaml_read_document(yaml, &root, err);
                if (r)
                        return r == MV_ENOMEM ? mv_yaml_fail_memory(yaml, err) : r;
        } while (!root || is_null(yaml, root));

        int r = emit(yaml, root, 0, NULL, err);
        if (!r && yaml->json.n > yaml->limits.bytes)
                r = mv_yaml_fail_node(yaml, root, err, MV_ELIMIT, "the document is larger than %zu bytes",
                                      yaml->limits.bytes);
        char *padding = r ? NULL : mv_buf_reserve(&yaml->json, PADDING);
        if (padding)
                memset(padding, 0, PADDING);
        else if (!r)
                r = MV_ENOMEM;
        if (!r && (mv_buf_failed(&yaml->places) || mv_arena_failed(&yaml->arena)))
                r = MV_ENOMEM;
        if (r)
                return r == MV_ENOMEM ? mv_yaml_fail_memory(yaml, err) : r;
        *ret_json = mv_buf_str(&yaml->json);
        return 0;
}

void mv_yaml_locate(const struct mv_yaml *yaml, size_t offset, unsigned *ret_line, unsigned *ret_column) {
        size_t low = 0, high = yaml->places.n / sizeof(struct place);
        struct place place = { .line = 1, .column = 1 };
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                struct place at;
                memcpy(&at, yaml->places.p + middle * sizeof at, sizeof at);
                if (at.offset <= offset) {
                        place = at;
                        low = middle + 1;
                } else
                        high = middle;
        }
        *ret_line = place.line;
        *ret_column = place.column;
}
