/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of a stream, YAML or JSON, one after another as JSON text: what `kubectl -f` reads.
 *
 * A stream is JSON when its first characters other than space are `{` and then `"` or `}` (or its end): no
 * YAML writer begins so, and the strict scanner knows JSON's escapes better than YAML does. It is a series
 * of objects, with or without lines of `---` between them. Where another form begins behind a `---`, and
 * for all other streams, yaml.h reads on.
 *
 * What always holds of the text that is handed out: it is valid JSON, followed by at least 8 zero bytes,
 * and lives until the next call of mv_document_reader_next or mv_document_reader_free. It is not always an
 * object.
 */
#pragma once

#include "policy/base/alloc.h"
#include "policy/base/err.h"
#include "policy/base/str.h"
#include "policy/object/lines.h"
#include "policy/object/yaml.h"

#include <stddef.h>

struct mv_document_reader;

/*
 * Start to read text, which is followed by at least 8 zero bytes and borrowed until
 * mv_document_reader_free. limits may be NULL (see yaml.h; of JSON only the depth, 64, is limited). Returns
 * 0 or MV_ENOMEM.
 */
int mv_document_reader_new(const struct mv_allocator *allocator, struct mv_str text,
                           const struct mv_yaml_limits *limits, struct mv_document_reader **ret,
                           struct mv_err *err);
/* Takes NULL; returns NULL. */
struct mv_document_reader *mv_document_reader_free(struct mv_document_reader *reader);

/* The next document; ret_json->p is NULL at the end. Returns 0, or what mv_yaml_next returns, with
 * err->line and err->column set where the error has a place. After an error the reader can only be freed. */
int mv_document_reader_next(struct mv_document_reader *reader, struct mv_str *ret_json, struct mv_err *err);

/* Where in the stream (1-based; columns in characters) the byte at offset of the current document's JSON
 * comes from. */
void mv_document_reader_locate(const struct mv_document_reader *reader, size_t offset, unsigned *ret_line,
                               unsigned *ret_column);
/* The same for many bytes of a document, asked for in their order: each is found from the one before. */
struct mv_place mv_document_reader_place(struct mv_document_reader *reader, size_t offset);
