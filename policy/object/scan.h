/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict pull scanner for JSON text (RFC 8259): it validates and hands out slices, and never allocates.
 *
 * json-c cannot be the judge of what is JSON (it accepts NaN, raw control characters, overlong UTF-8, ...), and it
 * costs many times the time; so everything that can be large or comes from outside is read with this scanner.
 *
 * What always holds:
 * - The text is followed by at least MV_SCAN_PADDING zero bytes that may be read; strings are compared eight bytes
 *   at a time without asking where the text ends.
 * - The first error is kept (code, message, offset) and every later call fails.
 * - Objects and arrays that are read nest at most MV_SCAN_DEPTH levels, more than any object of KubeVirt; what is passed
 *   over, at most as many as the API server accepts (sigs.k8s.io/json: maxNestingDepth). Nothing here is recursive.
 */
#pragma once

#include "policy/base/err.h"
#include "policy/base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { MV_SCAN_PADDING = 8, MV_SCAN_DEPTH = 64, MV_SCAN_SKIP_DEPTH = 10000 };

struct mv_scan {
        const char *begin, *p, *end;
        unsigned depth;      /* open objects and arrays */
        int code;            /* 0, or the MV_E... of the first error */
        const char *problem; /* what is wrong, static text */
};

/* A string as it stands between the quotes. */
struct mv_scan_string {
        struct mv_str raw;
        bool escaped; /* raw holds backslashes: mv_scan_unescape makes the value of it */
};

void mv_scan_init(struct mv_scan *scan, struct mv_str text);

/* Keep the first error. Returns false, for `return mv_scan_fail(...)`. */
bool mv_scan_fail(struct mv_scan *scan, int code, const char *problem);

/* Skip white space; the first byte of the next token, 0 at the end of the text. */
char mv_scan_peek(struct mv_scan *scan);

/* `{`. Then mv_scan_key until it returns false; then ask scan->code. */
bool mv_scan_object(struct mv_scan *scan);
/* The next key and its colon; false behind the last one (the `}` is consumed) and on error. *first is the caller's,
 * true at the start. */
bool mv_scan_key(struct mv_scan *scan, bool *first, struct mv_scan_string *ret);
/* `[`, then mv_scan_element before each element, likewise. */
bool mv_scan_array(struct mv_scan *scan);
bool mv_scan_element(struct mv_scan *scan, bool *first);

bool mv_scan_string(struct mv_scan *scan, struct mv_scan_string *ret);
/* The text of a number. *ret_integer: it has neither fraction nor exponent. */
bool mv_scan_number(struct mv_scan *scan, struct mv_str *ret, bool *ret_integer);
bool mv_scan_bool(struct mv_scan *scan, bool *ret);
bool mv_scan_null(struct mv_scan *scan);

/* Validate and pass over one value of any kind. ret, unless NULL, is its text. */
bool mv_scan_skip(struct mv_scan *scan, struct mv_str *ret);
/* Only white space is left. */
bool mv_scan_finish(struct mv_scan *scan);

/* Resolve the escapes of a string that the scanner accepted into out, which has room for raw.n bytes; returns the
 * length. A lone surrogate becomes U+FFFD, as Go's encoding/json has it. */
size_t mv_scan_unescape(struct mv_str raw, char *out);

/* Validate a whole text. 0 or the error, with offset. */
int mv_json_validate(struct mv_str text, struct mv_err *err);
