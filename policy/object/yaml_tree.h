/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the YAML reader: libyaml's events -> a light tree of one document -> JSON. Only yaml.c, yaml_tree.c and
 * yaml_emit.c use it.
 *
 * The tree lies in yaml->arena and dies with the document. An alias is a node of its own that points to
 * what it stands for, so the tree is a graph without cycles: nothing is copied before the JSON is written.
 *
 * Of a document that has a sequence `items`, as a List has, each of them is written as soon as its end was read, and its
 * tree dies then, so that the tree of one item is there at a time. This gives the same JSON text and the same places, or
 * fails: where something is wrong, or an anchor or a merge is met, whose meaning may need what is gone, the document is
 * read once more as a whole, and what comes of that counts.
 */
#pragma once

#include "policy/base/arena.h"
#include "policy/base/buf.h"
#include "policy/base/err.h"
#include "policy/object/yaml.h"
#include "policy/object/yaml_places.h"

#include <stdbool.h>
#include <yaml.h>

struct mv_yaml_entry;
struct mv_yaml_anchor;

enum mv_yaml_kind { MV_YAML_SCALAR, MV_YAML_SEQUENCE, MV_YAML_MAPPING, MV_YAML_ALIAS };

struct mv_yaml_node {
        struct mv_yaml_node *next; /* sibling */
        unsigned line, column;
        enum mv_yaml_kind kind;
        bool plain; /* scalar without quotes and tag */
        bool open;  /* its end has not been read yet */
        union {
                struct {
                        struct mv_str text, tag;
                } scalar;
                struct {
                        struct mv_yaml_node *first, *last;
                        size_t n;
                } children; /* of a sequence; of a mapping (keys and values in turn) while it is open */
                struct {
                        struct mv_yaml_entry *items;
                        size_t n;
                } entries;                  /* of a mapping: unique keys, merges applied */
                struct mv_yaml_node *alias; /* what it stands for */
        };
};

struct mv_yaml_entry {
        struct mv_str name;
        const struct mv_yaml_node *key;
        struct mv_yaml_node *value;
        bool merged;   /* it came through `<<`: may override and be overridden */
        bool replaced; /* a later one has the same key */
};

struct mv_yaml {
        const struct mv_allocator *allocator;
        struct mv_str text;
        struct mv_yaml_limits limits;
        unsigned lines_before; /* the text, in its file */
        yaml_parser_t parser;
        bool ended;
        bool whole;         /* the items of no document are written while they are read */
        int code;           /* of the first error */
        size_t n_documents; /* that were begun */

        /* Of the current document. */
        struct mv_arena arena;
        struct mv_buf json;
        struct mv_yaml_places places;
        const struct mv_yaml_node *items; /* that are written while they are read; NULL: there are none */
        size_t n_head;                    /* entries of the document up to those, which are written */
        struct mv_arena outer; /* while items are read: of all but the current one, which is in arena */
        struct mv_yaml_anchor **anchors;
        size_t n_anchors, anchor_slots; /* slots are a power of two */
        size_t n_nodes, n_expanded;
};

/* Remember and report an error at a place of the YAML. Returns code. */
int mv_yaml_fail(struct mv_yaml *yaml, unsigned line, unsigned column, struct mv_err *err, int code,
                 const char *format, ...) __attribute__((format(printf, 6, 7)));
#define mv_yaml_fail_node(yaml, node, err, ...) \
        mv_yaml_fail(yaml, (node)->line, (node)->column, err, __VA_ARGS__)
int mv_yaml_fail_memory(struct mv_yaml *yaml, struct mv_err *err);

/* n more nodes stand in the document because of an alias or a merge. Returns 0 or MV_ELIMIT. */
int mv_yaml_count_expanded(struct mv_yaml *yaml, const struct mv_yaml_node *node, size_t n,
                           struct mv_err *err);

/* Read one document. *ret_root is NULL at the end of the stream. Returns 0 or an error; MV_ENOMEM without
 * filling err. */
int mv_yaml_read_document(struct mv_yaml *yaml, struct mv_yaml_node **ret_root, struct mv_err *err);

/* Write the whole document. Returns 0 or an error; MV_ENOMEM without filling err. */
int mv_yaml_emit(struct mv_yaml *yaml, struct mv_yaml_node *root, struct mv_err *err);
/* The same in pieces: up to the `[` of the items, which are the last entry of root then; each item; what is behind them. */
int mv_yaml_emit_head(struct mv_yaml *yaml, const struct mv_yaml_node *root, struct mv_err *err);
int mv_yaml_emit_item(struct mv_yaml *yaml, struct mv_yaml_node *item, bool first, struct mv_err *err);
int mv_yaml_emit_tail(struct mv_yaml *yaml, const struct mv_yaml_node *root, struct mv_err *err);

/* The arena of the items goes. Without items nothing happens. */
void mv_yaml_leave_items(struct mv_yaml *yaml);
