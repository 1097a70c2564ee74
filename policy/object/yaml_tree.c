/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml_tree.h"

#include "policy/base/hash.h"
#include "policy/object/yaml_scalar.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct mv_yaml_anchor {
        struct mv_yaml_anchor *next;
        uint64_t hash;
        struct mv_str name;
        struct mv_yaml_node *node;
};

/* --- errors --- */

static unsigned one_based(size_t n) {
        return n < UINT_MAX ? (unsigned)n + 1 : UINT_MAX;
}

static unsigned line_of(const struct mv_yaml *yaml, const yaml_mark_t *mark) {
        return one_based(mark->line + yaml->lines_before);
}

/* Text of the document that stands in a message: no control characters, no character that was cut. */
static void make_printable(char *text) {
        unsigned char *p = (unsigned char *)text;
        while (*p) {
                size_t length = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4, have = 1;
                if (*p < 0x20 || *p == 0x7f)
                        *p = ' ';
                while (have < length && (p[have] & 0xc0) == 0x80)
                        have++;
                if (have < length)
                        memset(p, '?', have);
                p += have;
        }
}

int mv_yaml_fail(struct mv_yaml *yaml, unsigned line, unsigned column, struct mv_err *err, int code,
                 const char *format, ...) {
        char message[256];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        make_printable(message);
        if (err) {
                err->line = line;
                err->column = column;
        }
        yaml->code = code;
        return mv_err_set(err, code, "%s", message);
}

int mv_yaml_fail_memory(struct mv_yaml *yaml, struct mv_err *err) {
        yaml->code = MV_ENOMEM;
        return mv_err_oom(err);
}

static int fail_parser(struct mv_yaml *yaml, struct mv_err *err) {
        const yaml_parser_t *p = &yaml->parser;
        if (p->error == YAML_MEMORY_ERROR)
                return mv_yaml_fail_memory(yaml, err);
        const char *problem = p->problem ? p->problem : "this is no YAML";
        if (p->error == YAML_READER_ERROR) {
                unsigned line, column;
                mv_text_locate(yaml->text, p->problem_offset, &line, &column);
                line += yaml->lines_before;
                if (p->problem_value == -1)
                        return mv_yaml_fail(yaml, line, column, err, MV_ESYNTAX, "%s", problem);
                return mv_yaml_fail(yaml, line, column, err, MV_ESYNTAX, "%s (#x%02X)", problem,
                                    (unsigned)p->problem_value);
        }
        unsigned line = line_of(yaml, &p->problem_mark), column = one_based(p->problem_mark.column);
        if (!p->context)
                return mv_yaml_fail(yaml, line, column, err, MV_ESYNTAX, "%s", problem);
        return mv_yaml_fail(yaml, line, column, err, MV_ESYNTAX, "%s (%s that begins on line %u)", problem,
                            p->context, line_of(yaml, &p->context_mark));
}

/* The document cannot be written item by item; nobody sees this error. */
static int need_whole(struct mv_yaml *yaml, struct mv_err *err) {
        return mv_yaml_fail(yaml, 1, 1, err, MV_EUSAGE, "the document has to be read as a whole");
}

int mv_yaml_count_expanded(struct mv_yaml *yaml, const struct mv_yaml_node *node, size_t n,
                           struct mv_err *err) {
        if (yaml->items)
                return need_whole(yaml, err);
        yaml->n_expanded += n;
        if (yaml->n_expanded > yaml->limits.expanded || yaml->n_nodes + yaml->n_expanded > yaml->limits.nodes)
                return mv_yaml_fail_node(yaml, node, err, MV_ELIMIT,
                                         "aliases and merges make too much of the document "
                                         "(more than %zu nodes)",
                                         yaml->limits.expanded < yaml->limits.nodes ? yaml->limits.expanded
                                                                                    : yaml->limits.nodes);
        return 0;
}

/* --- anchors --- */

static struct mv_yaml_anchor *anchor_find(const struct mv_yaml *yaml, uint64_t hash, struct mv_str name) {
        struct mv_yaml_anchor *a = yaml->anchors ? yaml->anchors[hash & (yaml->anchor_slots - 1)] : NULL;
        while (a && (a->hash != hash || !mv_str_equal(a->name, name)))
                a = a->next;
        return a;
}

static bool anchor_grow(struct mv_yaml *yaml) {
        size_t slots = yaml->anchor_slots ? yaml->anchor_slots * 2 : 16;
        struct mv_yaml_anchor **table = mv_arena_new_array(&yaml->arena, struct mv_yaml_anchor *, slots);
        if (!table)
                return false;
        for (size_t i = 0; i < yaml->anchor_slots; i++)
                for (struct mv_yaml_anchor *a = yaml->anchors[i], *next; a; a = next) {
                        next = a->next;
                        a->next = table[a->hash & (slots - 1)];
                        table[a->hash & (slots - 1)] = a;
                }
        yaml->anchors = table;
        yaml->anchor_slots = slots;
        return true;
}

/* A name that is given anew stands for the newest node. */
static bool anchor_set(struct mv_yaml *yaml, const yaml_char_t *text, struct mv_yaml_node *node) {
        if (!text)
                return true;
        struct mv_str name = mv_str_from((const char *)text);
        uint64_t hash = mv_hash_add(mv_hash_seed(yaml), name);
        struct mv_yaml_anchor *a = anchor_find(yaml, hash, name);
        if (a) {
                a->node = node;
                return true;
        }
        if (yaml->n_anchors >= yaml->anchor_slots && !anchor_grow(yaml))
                return false;
        a = mv_arena_new(&yaml->arena, struct mv_yaml_anchor);
        name = mv_arena_copy(&yaml->arena, name);
        if (!a || !name.p)
                return false;
        struct mv_yaml_anchor **slot = &yaml->anchors[hash & (yaml->anchor_slots - 1)];
        *a = (struct mv_yaml_anchor){ .next = *slot, .hash = hash, .name = name, .node = node };
        *slot = a;
        yaml->n_anchors++;
        return true;
}

/* --- mappings --- */

static struct mv_yaml_node *target(struct mv_yaml_node *node) {
        return node->kind == MV_YAML_ALIAS ? node->alias : node;
}

static bool is_merge(const struct mv_yaml_node *key) {
        return key->kind == MV_YAML_SCALAR && mv_str_is(key->scalar.text, "<<") &&
               (key->plain || mv_str_is(key->scalar.tag, "tag:yaml.org,2002:merge"));
}

/* The number of entries that a merge of value adds. */
static int count_merge(struct mv_yaml *yaml, struct mv_yaml_node *value, size_t *n, struct mv_err *err) {
        struct mv_yaml_node *map = target(value);
        if (map->kind == MV_YAML_MAPPING) {
                *n += map->entries.n;
                return mv_yaml_count_expanded(yaml, value, map->entries.n * 2, err);
        }
        bool good = value->kind == MV_YAML_SEQUENCE;
        for (struct mv_yaml_node *item = good ? value->children.first : NULL; item; item = item->next) {
                map = target(item);
                if (map->kind != MV_YAML_MAPPING)
                        return mv_yaml_fail_node(yaml, item, err, MV_ETYPE,
                                                 "a merge (<<) takes a mapping or a list of mappings");
                *n += map->entries.n;
                int r = mv_yaml_count_expanded(yaml, item, map->entries.n * 2, err);
                if (r)
                        return r;
        }
        return good ? 0
                    : mv_yaml_fail_node(yaml, value, err, MV_ETYPE,
                                        "a merge (<<) takes a mapping or a list of mappings");
}

static void append_mapping(struct mv_yaml_node *map, struct mv_yaml_entry *entries, size_t *n) {
        for (size_t i = 0; i < map->entries.n; i++) {
                entries[*n] = map->entries.items[i];
                entries[(*n)++].merged = true;
        }
}

/* Of a list the earlier mapping wins, so it goes last. */
static int append_merge(struct mv_yaml *yaml, struct mv_yaml_node *value, struct mv_yaml_entry *entries,
                        size_t *n) {
        if (target(value)->kind == MV_YAML_MAPPING) {
                append_mapping(target(value), entries, n);
                return 0;
        }
        struct mv_yaml_node **items =
                mv_arena_new_array(&yaml->arena, struct mv_yaml_node *, value->children.n);
        if (!items)
                return MV_ENOMEM;
        size_t n_items = 0;
        for (struct mv_yaml_node *item = value->children.first; item; item = item->next)
                items[n_items++] = target(item);
        while (n_items)
                append_mapping(items[--n_items], entries, n);
        return 0;
}

static int key_name(struct mv_yaml *yaml, const struct mv_yaml_node *node, struct mv_str *ret,
                    struct mv_err *err) {
        const struct mv_yaml_node *key = node->kind == MV_YAML_ALIAS ? node->alias : node;
        if (key->kind != MV_YAML_SCALAR)
                return mv_yaml_fail_node(yaml, node, err, MV_ETYPE, "a key cannot be a list or a mapping");
        struct mv_yaml_scalar scalar;
        char number[MV_YAML_NUMBER_SIZE];
        struct mv_err why = { 0 };
        int r = mv_yaml_scalar_resolve(&yaml->arena, key->scalar.text, key->scalar.tag, key->plain, &scalar,
                                       &why);
        if (r)
                return r == MV_ENOMEM ? r : mv_yaml_fail_node(yaml, node, err, r, "%s", why.message);
        struct mv_str name;
        if (!mv_yaml_scalar_key(&scalar, number, &name))
                return mv_yaml_fail_node(yaml, node, err, MV_ETYPE, "a key cannot be %s",
                                         scalar.type == MV_YAML_NULL ? "null" : "an integer of that size");
        *ret = scalar.type == MV_YAML_INT || scalar.type == MV_YAML_FLOAT ? mv_arena_copy(&yaml->arena, name)
                                                                          : name;
        return ret->p || !ret->n ? 0 : MV_ENOMEM;
}

static int compare_entries(const void *a, const void *b) {
        const struct mv_yaml_entry *x = *(struct mv_yaml_entry *const *)a,
                                   *y = *(struct mv_yaml_entry *const *)b;
        int order = mv_str_compare(x->name, y->name);
        return order ? order : (x > y) - (x < y); /* of the same array */
}

/* Mark entries that a later one replaces; refuse keys that the text itself gives twice. */
static int find_duplicates(struct mv_yaml *yaml, struct mv_yaml_entry *entries, size_t n,
                           struct mv_err *err) {
        struct mv_yaml_entry **sorted = mv_arena_new_array(&yaml->arena, struct mv_yaml_entry *, n);
        if (!sorted)
                return MV_ENOMEM;
        for (size_t i = 0; i < n; i++)
                sorted[i] = &entries[i];
        qsort(sorted, n, sizeof(struct mv_yaml_entry *), compare_entries);
        const struct mv_yaml_entry *again = NULL, *before = NULL, *written = NULL;
        for (size_t i = 0; i < n; i++) {
                struct mv_yaml_entry *e = sorted[i];
                bool same = i && mv_str_equal(sorted[i - 1]->name, e->name);
                if (same)
                        sorted[i - 1]->replaced = true;
                else
                        written = NULL;
                if (e->merged)
                        continue;
                if (written && (!again || e < again)) {
                        again = e;
                        before = written;
                }
                written = e;
        }
        if (again)
                return mv_yaml_fail_node(yaml, again->key, err, MV_ESYNTAX,
                                         "key \"%.*s\" is already set on line %u",
                                         (int)(again->name.n < 100 ? again->name.n : 100),
                                         again->name.p ? again->name.p : "", before->key->line);
        return 0;
}

/* The mapping's end was read: turn its children into entries. */
static int close_mapping(struct mv_yaml *yaml, struct mv_yaml_node *map, struct mv_err *err) {
        size_t n = 0;
        int r = 0;
        for (struct mv_yaml_node *key = map->children.first; key && !r; key = key->next->next)
                if (is_merge(key))
                        r = count_merge(yaml, key->next, &n, err);
                else
                        n++;
        if (r)
                return r;
        struct mv_yaml_entry *entries = mv_arena_new_array(&yaml->arena, struct mv_yaml_entry, n ? n : 1);
        if (!entries)
                return MV_ENOMEM;
        n = 0;
        for (struct mv_yaml_node *key = map->children.first; key && !r; key = key->next->next) {
                if (is_merge(key)) {
                        r = append_merge(yaml, key->next, entries, &n);
                        continue;
                }
                entries[n] = (struct mv_yaml_entry){ .key = key, .value = key->next };
                r = key_name(yaml, key, &entries[n++].name, err);
        }
        if (!r && n > 1)
                r = find_duplicates(yaml, entries, n, err);
        if (r)
                return r;
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
                if (!entries[i].replaced)
                        entries[kept++] = entries[i];
        map->entries.items = entries;
        map->entries.n = kept;
        return 0;
}

/* --- events -> tree --- */

static void add_child(struct mv_yaml_node *parent, struct mv_yaml_node *child) {
        if (parent->children.last)
                parent->children.last->next = child;
        else
                parent->children.first = child;
        parent->children.last = child;
        parent->children.n++;
}

static bool has_anchor(const yaml_event_t *event) {
        if (event->type == YAML_SCALAR_EVENT)
                return event->data.scalar.anchor;
        return event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                                        : event->data.mapping_start.anchor;
}

/* A node for the event, not yet in the tree. */
static int make_node(struct mv_yaml *yaml, const yaml_event_t *event, struct mv_yaml_node **ret,
                     struct mv_err *err) {
        if (yaml->items && has_anchor(event))
                return need_whole(yaml, err);
        struct mv_yaml_node *node = mv_arena_new(&yaml->arena, struct mv_yaml_node);
        if (!node)
                return MV_ENOMEM;
        node->line = line_of(yaml, &event->start_mark);
        node->column = one_based(event->start_mark.column);
        bool good = true;
        if (event->type == YAML_SCALAR_EVENT) {
                struct mv_str text = { (const char *)event->data.scalar.value, event->data.scalar.length };
                node->kind = MV_YAML_SCALAR;
                node->plain = event->data.scalar.plain_implicit;
                node->scalar.text = mv_arena_copy(&yaml->arena, text);
                if (event->data.scalar.tag)
                        node->scalar.tag = mv_arena_copy(&yaml->arena,
                                                         mv_str_from((const char *)event->data.scalar.tag));
                good = anchor_set(yaml, event->data.scalar.anchor, node);
        } else if (event->type == YAML_SEQUENCE_START_EVENT) {
                node->kind = MV_YAML_SEQUENCE;
                node->open = true;
                good = anchor_set(yaml, event->data.sequence_start.anchor, node);
        } else {
                node->kind = MV_YAML_MAPPING;
                node->open = true;
                good = anchor_set(yaml, event->data.mapping_start.anchor, node);
        }
        if (!good || mv_arena_failed(&yaml->arena))
                return MV_ENOMEM;
        *ret = node;
        return 0;
}

static int make_alias(struct mv_yaml *yaml, const yaml_event_t *event, struct mv_yaml_node **ret,
                      struct mv_err *err) {
        struct mv_yaml_node *node = mv_arena_new(&yaml->arena, struct mv_yaml_node);
        if (!node)
                return MV_ENOMEM;
        node->line = line_of(yaml, &event->start_mark);
        node->column = one_based(event->start_mark.column);
        node->kind = MV_YAML_ALIAS;
        struct mv_str name = mv_str_from((const char *)event->data.alias.anchor);
        struct mv_yaml_anchor *a = anchor_find(yaml, mv_hash_add(mv_hash_seed(yaml), name), name);
        int shown = (int)(name.n < 100 ? name.n : 100);
        if (!a)
                return mv_yaml_fail_node(yaml, node, err, MV_ESYNTAX, "there is no anchor '%.*s'", shown,
                                         name.p);
        if (a->node->open)
                return mv_yaml_fail_node(yaml, node, err, MV_ESYNTAX,
                                         "the value of anchor '%.*s' contains itself", shown, name.p);
        node->alias = a->node;
        *ret = node;
        return 0;
}

/* --- items that are written while they are read --- */

static bool is_items(const struct mv_yaml_node *key) {
        return key && key->kind == MV_YAML_SCALAR && !key->scalar.tag.n &&
               mv_str_is(key->scalar.text, "items");
}

/* A sequence was begun as the value of the document's key `items`. */
static int enter_items(struct mv_yaml *yaml, const struct mv_yaml_node *root,
                       const struct mv_yaml_node *items, struct mv_err *err) {
        struct mv_yaml_node head = *root;
        yaml->items = items;
        int r = close_mapping(yaml, &head, err);
        if (r)
                return r;
        yaml->n_head = head.entries.n;
        /* Room for all of it, which is not touched before it is needed: growing would copy it. */
        if (!mv_buf_reserve(&yaml->json, yaml->text.n))
                return MV_ENOMEM;
        r = mv_yaml_emit_head(yaml, &head, err);
        if (!r && mv_arena_failed(&yaml->arena))
                return MV_ENOMEM;
        yaml->outer = yaml->arena;
        mv_arena_init(&yaml->arena, yaml->allocator, 0);
        return r;
}

/* The end of an item was read. */
static int take_item(struct mv_yaml *yaml, struct mv_yaml_node *items, struct mv_err *err) {
        int r = mv_yaml_emit_item(yaml, items->children.last, items->children.n == 1, err);
        if (!r && mv_arena_failed(&yaml->arena))
                r = MV_ENOMEM;
        items->children.first = items->children.last = NULL;
        mv_arena_clear(&yaml->arena);
        return r;
}

void mv_yaml_leave_items(struct mv_yaml *yaml) {
        if (!yaml->outer.allocator)
                return;
        mv_arena_done(&yaml->arena);
        yaml->arena = yaml->outer;
        yaml->outer = (struct mv_arena){ 0 };
}

struct stack {
        struct mv_yaml_node *open[MV_YAML_DEPTH];
        size_t n;
        struct mv_yaml_node *root;
};

/* The end of a node was read. */
static int close_node(struct mv_yaml *yaml, struct stack *stack, struct mv_yaml_node *node,
                      struct mv_err *err) {
        if (node == yaml->items)
                mv_yaml_leave_items(yaml);
        int r = node->kind == MV_YAML_MAPPING && node->open ? close_mapping(yaml, node, err) : 0;
        node->open = false;
        struct mv_yaml_node *parent = stack->n ? stack->open[stack->n - 1] : NULL;
        return !r && parent && parent == yaml->items ? take_item(yaml, parent, err) : r;
}

/* A sequence or mapping begins, behind that sibling. */
static int open_node(struct mv_yaml *yaml, struct stack *stack, struct mv_yaml_node *node,
                     const struct mv_yaml_node *before, struct mv_err *err) {
        if (stack->n >= yaml->limits.depth)
                return mv_yaml_fail_node(yaml, node, err, MV_ELIMIT, "nested deeper than %zu levels",
                                         yaml->limits.depth);
        stack->open[stack->n++] = node;
        bool value =
                stack->n == 2 && stack->root->kind == MV_YAML_MAPPING && stack->root->children.n % 2 == 0;
        if (value && node->kind == MV_YAML_SEQUENCE && is_items(before) && !yaml->items && !yaml->whole)
                return enter_items(yaml, stack->root, node, err);
        return 0;
}

/* One event inside a document. */
static int take_event(struct mv_yaml *yaml, struct stack *stack, const yaml_event_t *event,
                      struct mv_err *err) {
        if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT)
                /* libyaml opens what it closes */
                return stack->n ? close_node(yaml, stack, stack->open[--stack->n], err) : 0;
        struct mv_yaml_node *node = NULL;
        int r = event->type == YAML_ALIAS_EVENT ? make_alias(yaml, event, &node, err)
                                                : make_node(yaml, event, &node, err);
        if (r || !node)
                return r ? r : MV_ENOMEM;
        if (++yaml->n_nodes > yaml->limits.nodes)
                return mv_yaml_fail_node(yaml, node, err, MV_ELIMIT, "the document has more than %zu nodes",
                                         yaml->limits.nodes);
        const struct mv_yaml_node *before = NULL;
        if (stack->n) {
                before = stack->open[stack->n - 1]->children.last;
                add_child(stack->open[stack->n - 1], node);
        } else
                stack->root = node;
        return node->open ? open_node(yaml, stack, node, before, err) : close_node(yaml, stack, node, err);
}

static int check_version(struct mv_yaml *yaml, const yaml_event_t *event, struct mv_err *err) {
        const yaml_version_directive_t *version = event->data.document_start.version_directive;
        if (!version || (version->major == 1 && version->minor == 1))
                return 0;
        return mv_yaml_fail(yaml, line_of(yaml, &event->start_mark), one_based(event->start_mark.column), err,
                            MV_ESYNTAX, "found incompatible YAML document (%%YAML %d.%d; only 1.1 is read)",
                            version->major, version->minor);
}

int mv_yaml_read_document(struct mv_yaml *yaml, struct mv_yaml_node **ret_root, struct mv_err *err) {
        struct stack stack = { .n = 0 };
        for (;;) {
                yaml_event_t event;
                if (!yaml_parser_parse(&yaml->parser, &event))
                        return fail_parser(yaml, err);
                int r = 0;
                yaml_event_type_t type = event.type;
                if (type == YAML_DOCUMENT_START_EVENT)
                        r = check_version(yaml, &event, err);
                else if (type == YAML_STREAM_END_EVENT || type == YAML_NO_EVENT)
                        yaml->ended = true;
                else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_END_EVENT)
                        r = take_event(yaml, &stack, &event, err);
                yaml_event_delete(&event);
                if (r)
                        return r;
                if (yaml->ended || type == YAML_DOCUMENT_END_EVENT) {
                        *ret_root = stack.root;
                        return 0;
                }
        }
}
