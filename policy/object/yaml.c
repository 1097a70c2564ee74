/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml.h"

#include "policy/base/buf.h"
#include "policy/object/yaml_scalar.h"
#include "policy/object/yaml_tree.h"

#include <stdint.h>
#include <string.h>

enum { PADDING = 8 };

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

static bool is_null(struct mv_yaml *yaml, const struct mv_yaml_node *node) {
        struct mv_yaml_scalar scalar;
        return node->kind == MV_YAML_SCALAR &&
               mv_yaml_scalar_resolve(&yaml->arena, node->scalar.text, node->scalar.tag, node->plain, &scalar,
                                      NULL) == 0 &&
               scalar.type == MV_YAML_NULL;
}

/* --- the reader --- */

static bool start_parser(struct mv_yaml *yaml) {
        if (!yaml_parser_initialize(&yaml->parser))
                return false;
        yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)(yaml->text.p ? yaml->text.p : ""),
                                     yaml->text.n);
        return true;
}

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
        if (!start_parser(yaml)) {
                allocator->release(allocator->context, yaml);
                return mv_err_oom(err);
        }
        mv_arena_init(&yaml->arena, allocator, 0);
        mv_buf_init(&yaml->json, allocator, SIZE_MAX);
        mv_yaml_places_init(&yaml->places, allocator);
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
        mv_yaml_leave_items(yaml);
        mv_arena_done(&yaml->arena);
        mv_buf_done(&yaml->json);
        mv_yaml_places_done(&yaml->places);
        yaml->allocator->release(yaml->allocator->context, yaml);
        return NULL;
}

static void forget_document(struct mv_yaml *yaml) {
        mv_yaml_leave_items(yaml);
        mv_arena_clear(&yaml->arena);
        mv_buf_clear(&yaml->json);
        mv_yaml_places_clear(&yaml->places);
        yaml->items = NULL;
        yaml->anchors = NULL;
        yaml->n_anchors = yaml->anchor_slots = yaml->n_nodes = yaml->n_expanded = 0;
}

/* Read and write the next document, MV_ENOMEM without filling err. */
static int next_document(struct mv_yaml *yaml, struct mv_str *ret_json, struct mv_err *err) {
        struct mv_yaml_node *root;
        do {
                forget_document(yaml);
                if (yaml->ended) {
                        *ret_json = (struct mv_str){ 0 };
                        return 0;
                }
                root = NULL;
                yaml->n_documents++;
                int r = mv_yaml_read_document(yaml, &root, err);
                if (r)
                        return r;
        } while (!root || is_null(yaml, root));

        int r = yaml->items ? mv_yaml_emit_tail(yaml, root, err) : mv_yaml_emit(yaml, root, err);
        if (!r && yaml->json.n > yaml->limits.bytes)
                r = mv_yaml_fail_node(yaml, root, err, MV_ELIMIT, "the document is larger than %zu bytes",
                                      yaml->limits.bytes);
        if (r)
                return r;
        char *padding = mv_buf_reserve(&yaml->json, PADDING);
        if (!padding || mv_yaml_places_failed(&yaml->places) || mv_arena_failed(&yaml->arena))
                return MV_ENOMEM;
        memset(padding, 0, PADDING);
        *ret_json = mv_buf_str(&yaml->json);
        return 0;
}

/* Go back to where the current document begins: libyaml can only begin anew. */
static int rewind_document(struct mv_yaml *yaml) {
        yaml_parser_delete(&yaml->parser);
        if (!start_parser(yaml))
                return MV_ENOMEM;
        yaml->ended = false;
        for (size_t n = 1; n < yaml->n_documents;) {
                yaml_event_t event;
                if (!yaml_parser_parse(&yaml->parser, &event)) /* it could read this the first time */
                        return MV_ENOMEM;
                n += event.type == YAML_DOCUMENT_END_EVENT;
                yaml_event_delete(&event);
        }
        yaml->n_documents--;
        return 0;
}

int mv_yaml_next(struct mv_yaml *yaml, struct mv_str *ret_json, struct mv_err *err) {
        if (yaml->code)
                return mv_err_set(err, yaml->code, "the YAML could not be read");
        const struct mv_err before = err ? *err : (struct mv_err){ 0 };
        int r = next_document(yaml, ret_json, err);
        if (r && r != MV_ENOMEM && yaml->items) {
                yaml->whole = true; /* in what follows, too: each document is read twice at most */
                yaml->code = 0;
                if (err)
                        *err = before;
                r = rewind_document(yaml);
                if (!r)
                        r = next_document(yaml, ret_json, err);
        }
        return r == MV_ENOMEM ? mv_yaml_fail_memory(yaml, err) : r;
}

void mv_yaml_locate(const struct mv_yaml *yaml, size_t offset, unsigned *ret_line, unsigned *ret_column) {
        struct mv_yaml_place place = mv_yaml_places_find(&yaml->places, offset);
        *ret_line = place.line;
        *ret_column = place.column;
}
