/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML -> JSON text, document by document, so that one decoder serves both.
 *
 * The meaning is that of kubectl (sigs.k8s.io/yaml: YAML 1.1 by go.yaml.in/yaml/v2), see yaml_scalar.h; but
 * a key that comes twice is an error that names both lines, where kubectl lets the last one win. A merge
 * (`<<`) may override, and is applied in the order of the text. Keys that are numbers or booleans become
 * strings. Documents that are empty or null are passed over. `%YAML` other than 1.1 is refused.
 *
 * What always holds:
 * - The JSON text that is handed out is valid, nests at most limits.depth levels, names no key of an object
 *   twice, and is followed by 8 zero bytes. It lives until the next call of mv_yaml_next or mv_yaml_free.
 * - The work is bounded by the size of the text and by limits.expanded, whatever the aliases are.
 * - After an error the reader is good for nothing but mv_yaml_free.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stddef.h>

struct mv_yaml;

struct mv_yaml_limits {
        size_t depth;    /* levels of objects and arrays; 0: 64, which is also the most */
        size_t nodes;    /* keys, values and expanded nodes of one document; 0: 100,000 */
        size_t expanded; /* of these, what aliases and merges add; 0: 100,000 */
        size_t bytes;    /* JSON text of one document; 0: 64 MiB */
};

enum {
        MV_YAML_DEPTH = 64,
        MV_YAML_NODES = 100000,
        MV_YAML_EXPANDED = 100000,
        MV_YAML_BYTES = 64 * 1024 * 1024,
};

/*
 * Start to read text, which is borrowed until mv_yaml_free. It is UTF-8, or UTF-16 with a byte order mark.
 * limits may be NULL: all defaults. Returns 0 or MV_ENOMEM.
 */
int mv_yaml_new(const struct mv_allocator *allocator, struct mv_str text, const struct mv_yaml_limits *limits,
                struct mv_yaml **ret, struct mv_err *err);
/* The text begins behind so many lines of its file: added to every line that is told. Call it before
 * mv_yaml_next. */
void mv_yaml_set_lines_before(struct mv_yaml *yaml, unsigned lines);
/* Takes NULL; returns NULL. */
struct mv_yaml *mv_yaml_free(struct mv_yaml *yaml);

/*
 * The next document as JSON; ret_json->p is NULL at the end of the stream. Returns 0; or MV_ESYNTAX,
 * MV_ETYPE (a value that is no JSON: .inf, a null key, a tag that does not fit), MV_ELIMIT with err->line
 * and err->column set; or MV_ENOMEM.
 */
int mv_yaml_next(struct mv_yaml *yaml, struct mv_str *ret_json, struct mv_err *err);

/* Where the key or value of the current document stands in the YAML that the byte at offset of its JSON
 * text belongs to. Both are 1-based; the column counts characters. */
void mv_yaml_locate(const struct mv_yaml *yaml, size_t offset, unsigned *ret_line, unsigned *ret_column);

/* Line and column (1-based, in characters) of a byte of text, which is UTF-8, or UTF-16 with a byte order
 * mark. */
void mv_text_locate(struct mv_str text, size_t offset, unsigned *ret_line, unsigned *ret_column);
