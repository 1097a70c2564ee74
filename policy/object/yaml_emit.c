/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml_scalar.h"
#include "policy/object/yaml_tree.h"

static void mark_place(struct mv_yaml *yaml, const struct mv_yaml_node *node) {
        const struct mv_yaml_place place = { yaml->json.n, node->line, node->column };
        mv_yaml_places_add(&yaml->places, &place);
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

static int emit_entries(struct mv_yaml *yaml, const struct mv_yaml_node *node, size_t from, size_t to,
                        size_t depth, const struct mv_yaml_node *via, struct mv_err *err);

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
                r = emit_entries(yaml, node, 0, node->entries.n, depth + 1, via, err);
        else
                for (struct mv_yaml_node *item = node->children.first; item && !r; item = item->next) {
                        if (item != node->children.first)
                                mv_buf_append_byte(&yaml->json, ',');
                        r = emit(yaml, item, depth + 1, via, err);
                }
        mv_buf_append_byte(&yaml->json, mapping ? '}' : ']');
        return r;
}

static void emit_key(struct mv_yaml *yaml, const struct mv_yaml_node *node, size_t i) {
        const struct mv_yaml_entry *e = &node->entries.items[i];
        if (i)
                mv_buf_append_byte(&yaml->json, ',');
        mark_place(yaml, e->key);
        emit_string(&yaml->json, e->name);
        mv_buf_append_byte(&yaml->json, ':');
}

static int emit_entries(struct mv_yaml *yaml, const struct mv_yaml_node *node, // NOLINT(misc-no-recursion)
                        size_t from, size_t to, size_t depth, const struct mv_yaml_node *via,
                        struct mv_err *err) {
        int r = 0;
        for (size_t i = from; i < to && !r; i++) {
                const struct mv_yaml_entry *e = &node->entries.items[i];
                emit_key(yaml, node, i);
                r = via ? mv_yaml_count_expanded(yaml, via, 1, err) : 0;
                if (!r)
                        r = emit(yaml, e->value, depth, !via && e->merged ? e->key : via, err);
        }
        return r;
}

int mv_yaml_emit(struct mv_yaml *yaml, struct mv_yaml_node *root, struct mv_err *err) {
        return emit(yaml, root, 0, NULL, err);
}

/* --- the same in pieces --- */

int mv_yaml_emit_head(struct mv_yaml *yaml, const struct mv_yaml_node *root, struct mv_err *err) {
        size_t last = root->entries.n - 1;
        mark_place(yaml, root);
        mv_buf_append_byte(&yaml->json, '{');
        int r = emit_entries(yaml, root, 0, last, 1, NULL, err);
        emit_key(yaml, root, last);
        mark_place(yaml, root->entries.items[last].value);
        mv_buf_append_byte(&yaml->json, '[');
        return r;
}

int mv_yaml_emit_item(struct mv_yaml *yaml, struct mv_yaml_node *item, bool first, struct mv_err *err) {
        if (!first)
                mv_buf_append_byte(&yaml->json, ',');
        return emit(yaml, item, 2, NULL, err);
}

int mv_yaml_emit_tail(struct mv_yaml *yaml, const struct mv_yaml_node *root, struct mv_err *err) {
        mv_buf_append_byte(&yaml->json, ']');
        int r = emit_entries(yaml, root, yaml->n_head, root->entries.n, 1, NULL, err);
        mv_buf_append_byte(&yaml->json, '}');
        return r;
}
