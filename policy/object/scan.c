/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/scan.h"

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

void mv_scan_init(struct mv_scan *scan, struct mv_str text) {
        *scan = (struct mv_scan){ .begin = text.p, .p = text.p, .end = text.p + text.n };
}

bool mv_scan_fail(struct mv_scan *scan, int code, const char *problem) {
        if (!scan->code) {
                scan->code = code;
                scan->problem = problem;
        }
        return false;
}

/* A byte that cannot stand where p is. */
static bool unexpected(struct mv_scan *scan, const char *problem) {
        return mv_scan_fail(scan, MV_ESYNTAX, scan->p >= scan->end ? "the text ends too early" : problem);
}

/* What an API server sends has hardly any. */
static inline const char *past_space(const char *p) {
        if ((unsigned char)*p <= ' ')
                while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
                        p++;
        return p;
}

char mv_scan_peek(struct mv_scan *scan) {
        scan->p = past_space(scan->p);
        return *scan->p;
}

/* Position of the first byte that ends the plain run of a string: a quote, a backslash, a control character or
 * the start of a multi-byte character. Zero bytes behind the text stop it. */
#ifdef __SSE2__
static inline const char *plain_end(const char *p) {
        const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
        for (;; p += 8) {
                __m128i w = _mm_loadl_epi64((const __m128i *)(const void *)p);
                /* Bytes from 0x80 on are negative, and so less than a space, too. */
                __m128i hit =
                        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(w, quote), _mm_cmpeq_epi8(w, backslash)),
                                     _mm_cmplt_epi8(w, space));
                /* So are the eight zero bytes that the load puts behind: there always is a hit. */
                unsigned plain = (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(hit));
                if (plain < 8)
                        return p + plain;
        }
}
#else
static inline const char *plain_end(const char *p) {
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        for (;; p += 8) {
                uint64_t w;
                memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
                w = __builtin_bswap64(w);
#endif
                uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
                uint64_t hit = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                                ((w - ones * 0x20) & ~w) | w) &
                               high;
                /* A borrow can only mark bytes above the first true hit. */
                if (hit)
                        return p + (unsigned)__builtin_ctzll(hit) / 8;
        }
}
#endif

/* Length of the well-formed multi-byte character at p (Unicode table 3-7), or 0. */
static unsigned utf8_length(const unsigned char *p) {
        if (p[0] >= 0xc2 && p[0] <= 0xdf)
                return (p[1] & 0xc0) == 0x80 ? 2 : 0;
        if ((p[0] & 0xf0) == 0xe0) {
                unsigned char low = p[0] == 0xe0 ? 0xa0 : 0x80, top = p[0] == 0xed ? 0x9f : 0xbf;
                return p[1] >= low && p[1] <= top && (p[2] & 0xc0) == 0x80 ? 3 : 0;
        }
        if (p[0] >= 0xf0 && p[0] <= 0xf4) {
                unsigned char low = p[0] == 0xf0 ? 0x90 : 0x80, top = p[0] == 0xf4 ? 0x8f : 0xbf;
                return p[1] >= low && p[1] <= top && (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80 ? 4 : 0;
        }
        return 0;
}

static bool is_hex(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A string that started at start and is more than one plain run, which ends at scan->p. */
static bool string_of_runs(struct mv_scan *scan, const char *start, struct mv_scan_string *ret) {
        bool escaped = false;
        for (;; scan->p = plain_end(scan->p)) {
                unsigned char c = (unsigned char)*scan->p;
                if (c == '"')
                        break;
                if (c == '\\') {
                        escaped = true;
                        char e = scan->p[1];
                        if (e == 'u') {
                                for (int i = 2; i < 6; i++)
                                        if (!is_hex(scan->p[i]))
                                                return unexpected(scan,
                                                                  "\\u without four hexadecimal digits");
                                scan->p += 6;
                        } else if (e == 'n' || e == '"' || (e && strchr("\\/bfrt", e)))
                                scan->p += 2;
                        else
                                return unexpected(scan, "unknown escape in a string");
                } else if (c < 0x20)
                        return unexpected(scan, "a control character in a string");
                else {
                        unsigned n = utf8_length((const unsigned char *)scan->p);
                        if (!n)
                                return unexpected(scan, "a string is not UTF-8");
                        scan->p += n;
                }
        }
        *ret = (struct mv_scan_string){ { start, (size_t)(scan->p - start) }, escaped };
        scan->p++;
        return true;
}

/* Behind the opening quote. */
static inline bool string_rest(struct mv_scan *scan, struct mv_scan_string *ret) {
        const char *start = scan->p, *end = plain_end(start);
        scan->p = end;
        if (*end != '"')
                return string_of_runs(scan, start, ret);
        *ret = (struct mv_scan_string){ { start, (size_t)(end - start) }, false };
        scan->p++;
        return true;
}

bool mv_scan_string(struct mv_scan *scan, struct mv_scan_string *ret) {
        if (scan->code)
                return false;
        if (mv_scan_peek(scan) != '"')
                return unexpected(scan, "expected a string");
        scan->p++;
        return string_rest(scan, ret);
}

static bool open_level(struct mv_scan *scan) {
        if (scan->depth >= MV_SCAN_DEPTH)
                return mv_scan_fail(scan, MV_ELIMIT, "nested deeper than 64 levels");
        scan->depth++;
        scan->p++;
        return true;
}

bool mv_scan_object(struct mv_scan *scan) {
        if (scan->code)
                return false;
        if (mv_scan_peek(scan) != '{')
                return unexpected(scan, "expected an object");
        return open_level(scan);
}

bool mv_scan_array(struct mv_scan *scan) {
        if (scan->code)
                return false;
        if (mv_scan_peek(scan) != '[')
                return unexpected(scan, "expected an array");
        return open_level(scan);
}

static const char comma_too_many[] = "a comma before the closing bracket",
                  missing_brace[] = "expected a comma or a closing brace",
                  missing_bracket[] = "expected a comma or a closing bracket",
                  missing_key[] = "expected a key in double quotes",
                  missing_colon[] = "expected a colon behind the key";

/* Where an element may stand: false at the closing byte, which is consumed, and on error. */
static inline bool next_element(struct mv_scan *scan, bool *first, char closing, const char *problem) {
        if (scan->code)
                return false;
        const char *p = past_space(scan->p);
        if (*p == closing) {
                scan->p = p + 1;
                scan->depth--;
                return false;
        }
        if (!*first) {
                if (*p != ',') {
                        scan->p = p;
                        return unexpected(scan, problem);
                }
                p = past_space(p + 1);
                if (*p == closing) {
                        scan->p = p;
                        return unexpected(scan, comma_too_many);
                }
        }
        scan->p = p;
        *first = false;
        return true;
}

bool mv_scan_key(struct mv_scan *scan, bool *first, struct mv_scan_string *ret) {
        if (!next_element(scan, first, '}', missing_brace))
                return false;
        if (*scan->p != '"')
                return unexpected(scan, missing_key);
        scan->p++;
        if (!string_rest(scan, ret))
                return false;
        if (*scan->p != ':' && mv_scan_peek(scan) != ':')
                return unexpected(scan, missing_colon);
        scan->p++;
        return true;
}

bool mv_scan_element(struct mv_scan *scan, bool *first) {
        return next_element(scan, first, ']', missing_bracket);
}

bool mv_scan_number(struct mv_scan *scan, struct mv_str *ret, bool *ret_integer) {
        if (scan->code)
                return false;
        scan->p = past_space(scan->p);
        const char *start = scan->p, *p = start;
        bool integer = true;
        p += *p == '-';
        if (*p == '0')
                p++;
        else if (*p >= '1' && *p <= '9')
                while (*p >= '0' && *p <= '9')
                        p++;
        else
                return unexpected(scan, "expected a value");
        for (int part = 0; part < 2; part++) {
                if (part == 0 ? *p != '.' : *p != 'e' && *p != 'E')
                        continue;
                integer = false;
                p++;
                if (part == 1 && (*p == '+' || *p == '-'))
                        p++;
                if (*p < '0' || *p > '9') {
                        scan->p = p;
                        return unexpected(scan, "a number without digits where they must be");
                }
                while (*p >= '0' && *p <= '9')
                        p++;
        }
        scan->p = p;
        if (p > start && ((*p >= '0' && *p <= '9') || *p == '.' || *p == '-' || *p == '+'))
                return unexpected(scan, "a malformed number");
        *ret = (struct mv_str){ start, (size_t)(p - start) };
        *ret_integer = integer;
        return true;
}

static bool literal(struct mv_scan *scan, struct mv_str word) {
        if (scan->code)
                return false;
        scan->p = past_space(scan->p);
        if ((size_t)(scan->end - scan->p) < word.n || memcmp(scan->p, word.p, word.n) != 0)
                return unexpected(scan, "expected a value");
        scan->p += word.n;
        return true;
}

bool mv_scan_bool(struct mv_scan *scan, bool *ret) {
        bool value = mv_scan_peek(scan) == 't';
        if (!literal(scan, value ? MV_STR("true") : MV_STR("false")))
                return false;
        *ret = value;
        return true;
}

bool mv_scan_null(struct mv_scan *scan) {
        return literal(scan, MV_STR("null"));
}

/* --- passing over ----------------------------------------------------------------------------------------------------- */

/* These return where the text goes on, or NULL on error; scan->p is only where they fail. Half of a review is passed over, so
 * the position stays in a register. */

static const char *stop_at(struct mv_scan *scan, const char *p, const char *problem) {
        scan->p = p;
        unexpected(scan, problem);
        return NULL;
}

/* p is behind the opening quote. */
static inline const char *pass_string(struct mv_scan *scan, const char *p) {
        const char *end = plain_end(p);
        if (*end == '"')
                return end + 1;
        struct mv_scan_string string;
        scan->p = end;
        return string_of_runs(scan, p, &string) ? scan->p : NULL;
}

static const char *pass_number_or_word(struct mv_scan *scan, const char *p) {
        struct mv_str number;
        bool any;
        scan->p = p;
        bool ok = *p == 't' || *p == 'f' ? mv_scan_bool(scan, &any)
                  : *p == 'n'            ? mv_scan_null(scan)
                                         : mv_scan_number(scan, &number, &any);
        return ok ? scan->p : NULL;
}

static inline const char *pass_key(struct mv_scan *scan, const char *p) {
        if (*p != '"')
                return stop_at(scan, p, missing_key);
        p = pass_string(scan, p + 1);
        if (!p || *p == ':')
                return p ? p + 1 : NULL;
        p = past_space(p);
        return *p == ':' ? p + 1 : stop_at(scan, p, missing_colon);
}

/* The objects and arrays that are open: bit 0 says of the innermost that it is an object. */
struct levels {
        unsigned n;
        uint64_t objects;                            /* of the innermost 64 */
        uint64_t outer[MV_SCAN_SKIP_DEPTH / 64 + 1]; /* 64 each of those around them */
};

static inline void levels_open(struct levels *levels, bool object) {
        if (levels->n % 64 == 0 && levels->n)
                levels->outer[levels->n / 64 - 1] = levels->objects;
        levels->objects = levels->objects << 1 | object;
        levels->n++;
}

static inline void levels_close(struct levels *levels) {
        levels->objects >>= 1;
        if (--levels->n % 64 == 0 && levels->n)
                levels->objects = levels->outer[levels->n / 64 - 1];
}

bool mv_scan_skip(struct mv_scan *scan, struct mv_str *ret) {
        if (scan->code)
                return false;
        const char *start = past_space(scan->p), *p = start;
        struct levels levels;
        levels.n = 0;
        levels.objects = 0;
        for (;;) {
                /* A value, or what opens one that is not empty. */
                p = past_space(p);
                if (*p == '{' || *p == '[') {
                        bool object = *p == '{';
                        if (scan->depth + levels.n >= MV_SCAN_SKIP_DEPTH) {
                                scan->p = p;
                                return mv_scan_fail(scan, MV_ELIMIT, "nested deeper than 10000 levels");
                        }
                        p = past_space(p + 1);
                        if (*p != (object ? '}' : ']')) {
                                levels_open(&levels, object);
                                if (object && !(p = pass_key(scan, p)))
                                        return false;
                                continue;
                        }
                        p++;
                } else if (!(p = *p == '"' ? pass_string(scan, p + 1) : pass_number_or_word(scan, p)))
                        return false;
                /* The end of some levels, then the next element. */
                for (; levels.n; p++) {
                        bool object = levels.objects & 1;
                        char closing = object ? '}' : ']';
                        p = past_space(p);
                        if (*p == closing) {
                                levels_close(&levels);
                                continue;
                        }
                        if (*p != ',')
                                return stop_at(scan, p, object ? missing_brace : missing_bracket) != NULL;
                        p = past_space(p + 1);
                        if (*p == closing)
                                return stop_at(scan, p, comma_too_many) != NULL;
                        if (object && !(p = pass_key(scan, p)))
                                return false;
                        break;
                }
                if (!levels.n)
                        break;
        }
        scan->p = p;
        if (ret)
                *ret = (struct mv_str){ start, (size_t)(p - start) };
        return true;
}

bool mv_scan_finish(struct mv_scan *scan) {
        if (scan->code)
                return false;
        /* The text may be a part of a larger one (an item of a list): do not look behind its end. */
        while (scan->p < scan->end &&
               (*scan->p == ' ' || *scan->p == '\n' || *scan->p == '\r' || *scan->p == '\t'))
                scan->p++;
        return scan->p == scan->end || mv_scan_fail(scan, MV_ESYNTAX, "more text behind the value");
}

static unsigned hex4(const char *p) {
        unsigned value = 0;
        for (int i = 0; i < 4; i++) {
                unsigned char c = (unsigned char)p[i];
                value = value << 4 | (c <= 0x39 ? c - 0x30u : (c | 0x20u) - 0x61u + 10u);
        }
        return value;
}

static size_t put_utf8(unsigned code, char *out) {
        if (code < 0x80) {
                out[0] = (char)code;
                return 1;
        }
        if (code < 0x800) {
                out[0] = (char)(0xc0 | code >> 6);
                out[1] = (char)(0x80 | (code & 0x3f));
                return 2;
        }
        if (code < 0x10000) {
                out[0] = (char)(0xe0 | code >> 12);
                out[1] = (char)(0x80 | (code >> 6 & 0x3f));
                out[2] = (char)(0x80 | (code & 0x3f));
                return 3;
        }
        out[0] = (char)(0xf0 | code >> 18);
        out[1] = (char)(0x80 | (code >> 12 & 0x3f));
        out[2] = (char)(0x80 | (code >> 6 & 0x3f));
        out[3] = (char)(0x80 | (code & 0x3f));
        return 4;
}

size_t mv_scan_unescape(struct mv_str raw, char *out) {
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        size_t n = 0;
        for (size_t i = 0; i < raw.n;) {
                if (raw.p[i] != '\\') {
                        out[n++] = raw.p[i++];
                        continue;
                }
                char e = raw.p[i + 1];
                if (e != 'u') {
                        out[n++] = values[strchr(names, e) - names];
                        i += 2;
                        continue;
                }
                unsigned code = hex4(raw.p + i + 2);
                i += 6;
                if (code >= 0xd800 && code < 0xdc00 && i + 6 <= raw.n && raw.p[i] == '\\' &&
                    raw.p[i + 1] == 'u') {
                        unsigned low = hex4(raw.p + i + 2);
                        if (low >= 0xdc00 && low < 0xe000) {
                                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                                i += 6;
                        }
                }
                if (code >= 0xd800 && code < 0xe000)
                        code = 0xfffd;
                n += put_utf8(code, out + n);
        }
        return n;
}

int mv_json_validate(struct mv_str text, struct mv_err *err) {
        struct mv_scan scan;
        mv_scan_init(&scan, text);
        if (mv_scan_skip(&scan, NULL) && mv_scan_finish(&scan))
                return 0;
        if (err)
                err->offset = (size_t)(scan.p - scan.begin);
        return mv_err_set(err, scan.code, "%s", scan.problem);
}
