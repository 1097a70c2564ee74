/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/document.h"

#include "policy/base/buf.h"
#include "policy/object/scan.h"

#include <stdint.h>

struct mv_document_reader {
        const struct mv_allocator *allocator;
        struct mv_str text;
        struct mv_yaml_limits limits;
        struct mv_yaml *yaml; /* reads the rest of the stream; NULL while it is JSON */
        size_t at;            /* end of what has been read, while it is JSON */
        size_t document;      /* where the current document begins, while it is JSON */
        struct mv_buf copy;   /* of the current document, when it is not the last */
        int code;             /* of the first error */
        size_t placed;        /* the byte of the text that was placed last, while it is JSON; */
        struct mv_place place;
};

static bool is_space(char c) {
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_space(struct mv_str text, size_t at) {
        while (at < text.n && is_space(text.p[at]))
                at++;
        return at;
}

static bool is_json(struct mv_str text, size_t at) {
        at = skip_space(text, at);
        if (at == text.n || text.p[at] != '{')
                return false;
        at = skip_space(text, at + 1);
        return at == text.n || text.p[at] == '"' || text.p[at] == '}';
}

static bool is_separator(struct mv_str text, size_t at) {
        return text.n - at >= 3 && memcmp(text.p + at, "---", 3) == 0 && (at == 0 || text.p[at - 1] == '\n');
}

/* From the beginning of a line on. */
static int start_yaml(struct mv_document_reader *reader, size_t at, struct mv_err *err) {
        int r = mv_yaml_new(reader->allocator, mv_str_skip(reader->text, at), &reader->limits, &reader->yaml,
                            err);
        if (!r && at) {
                unsigned line, column;
                mv_text_locate(reader->text, at, &line, &column);
                mv_yaml_set_lines_before(reader->yaml, line - 1);
        }
        return r;
}

/* Zero bytes at its beginning: UTF-16 without a byte order mark, or UTF-32. */
static bool is_wide(struct mv_str text) {
        bool marked =
                mv_str_starts_with(text, MV_STR("\xff\xfe")) || mv_str_starts_with(text, MV_STR("\xfe\xff"));
        size_t zeros = 0;
        for (size_t i = 0; i < 4 && i < text.n; i++)
                zeros += !text.p[i];
        return zeros > (marked ? 1 : 0);
}

int mv_document_reader_new(const struct mv_allocator *allocator, struct mv_str text,
                           const struct mv_yaml_limits *limits, struct mv_document_reader **ret,
                           struct mv_err *err) {
        struct mv_document_reader *reader = allocator->allocate(allocator->context, sizeof *reader);
        if (!reader)
                return mv_err_oom(err);
        if (!text.p)
                text = (struct mv_str){ .p = "\0\0\0\0\0\0\0", .n = 0 };
        *reader = (struct mv_document_reader){ .allocator = allocator, .text = text };
        if (limits)
                reader->limits = *limits;
        mv_buf_init(&reader->copy, allocator, SIZE_MAX);
        size_t mark = mv_str_starts_with(text, MV_STR("\xef\xbb\xbf")) ? 3 : 0;
        reader->at = mark;
        if (!is_json(text, mark)) {
                int r = start_yaml(reader, 0, err);
                if (r) {
                        mv_document_reader_free(reader);
                        return r;
                }
        }
        *ret = reader;
        return 0;
}

struct mv_document_reader *mv_document_reader_free(struct mv_document_reader *reader) {
        if (!reader)
                return NULL;
        mv_yaml_free(reader->yaml);
        mv_buf_done(&reader->copy);
        reader->allocator->release(reader->allocator->context, reader);
        return NULL;
}

static int fail_at(const struct mv_document_reader *reader, size_t offset, int code, const char *problem,
                   struct mv_err *err) {
        if (err) {
                err->offset = offset;
                mv_text_locate(reader->text, offset, &err->line, &err->column);
        }
        return mv_err_set(err, code, "%s", problem);
}

/* Behind a document: pass over lines of `---`. The next document may be YAML. */
static int next_form(struct mv_document_reader *reader, struct mv_err *err) {
        reader->at = skip_space(reader->text, reader->at);
        while (is_separator(reader->text, reader->at)) {
                size_t behind = reader->at + 3, next = skip_space(reader->text, behind);
                bool end = next == reader->text.n;
                if (!end &&
                    (next == behind || (!is_separator(reader->text, next) && !is_json(reader->text, next))))
                        return start_yaml(reader, reader->at, err);
                reader->at = next;
        }
        return 0;
}

static int next_json(struct mv_document_reader *reader, struct mv_str *ret_json, struct mv_err *err) {
        struct mv_str text = reader->text;
        struct mv_scan scan;
        mv_scan_init(&scan, mv_str_skip(text, reader->at));
        struct mv_str value;
        if (text.p[reader->at] != '{')
                return fail_at(reader, reader->at, MV_ESYNTAX, "text behind a JSON document", err);
        if (!mv_scan_skip(&scan, &value))
                return fail_at(reader, (size_t)(scan.p - text.p), scan.code, scan.problem, err);
        reader->document = (size_t)(value.p - text.p);
        reader->at = reader->document + value.n;
        size_t rest = skip_space(text, reader->at);
        if (rest == text.n) {
                /* The last: as it stands, with the space and the zero bytes behind it. */
                reader->at = rest;
                *ret_json = mv_str_skip(text, reader->document);
                return 0;
        }
        mv_buf_clear(&reader->copy);
        mv_buf_append_str(&reader->copy, value);
        char *padding = mv_buf_reserve(&reader->copy, MV_SCAN_PADDING);
        if (!padding)
                return mv_err_oom(err);
        memset(padding, 0, MV_SCAN_PADDING);
        *ret_json = mv_buf_str(&reader->copy);
        return 0;
}

int mv_document_reader_next(struct mv_document_reader *reader, struct mv_str *ret_json, struct mv_err *err) {
        if (reader->code)
                return mv_err_set(err, reader->code, "the stream could not be read");
        int r = is_wide(reader->text) ? fail_at(reader, 0, MV_ESYNTAX, "is not UTF-8", err) : 0;
        if (r)
                return reader->code = r;
        if (!reader->yaml)
                r = next_form(reader, err);
        if (!r && reader->yaml)
                r = mv_yaml_next(reader->yaml, ret_json, err);
        else if (!r && reader->at == reader->text.n)
                *ret_json = (struct mv_str){ 0 };
        else if (!r)
                r = next_json(reader, ret_json, err);
        reader->code = r;
        return r;
}

void mv_document_reader_locate(const struct mv_document_reader *reader, size_t offset, unsigned *ret_line,
                               unsigned *ret_column) {
        if (!reader->yaml) {
                mv_text_locate(reader->text, reader->document + offset, ret_line, ret_column);
                return;
        }
        mv_yaml_locate(reader->yaml, offset, ret_line, ret_column);
}

struct mv_place mv_document_reader_place(struct mv_document_reader *reader, size_t offset) {
        struct mv_place place = { 0 };
        if (reader->yaml) {
                mv_yaml_locate(reader->yaml, offset, &place.line, &place.column);
                return place;
        }
        size_t at = reader->document + offset;
        if (!reader->place.line || at < reader->placed) {
                mv_text_locate(reader->text, at, &place.line, &place.column);
        } else {
                place = reader->place;
                for (size_t i = reader->placed; i < at && i < reader->text.n; i++) {
                        bool newline = reader->text.p[i] == '\n';
                        place.line += newline;
                        place.column = newline ? 1 : place.column + ((reader->text.p[i] & 0xc0) != 0x80);
                }
        }
        reader->placed = at;
        reader->place = place;
        return place;
}
