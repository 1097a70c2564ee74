/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* --- escaping --- */

/* It stands in quotes as it is. */
static inline bool is_plain_byte(unsigned char c) {
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Copy s, unless a byte of it is special: what is at `to` then does not count. */
static inline bool copy_bytes(char *to, struct mv_str s) {
        for (size_t i = 0; i < s.n; i++) {
                if (!is_plain_byte((unsigned char)s.p[i]))
                        return false;
                to[i] = s.p[i];
        }
        return true;
}

#ifdef __SSE2__
static inline __m128i load(const char *p) {
        return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void store(char *p, __m128i w) {
        _mm_storeu_si128((__m128i *)(void *)p, w);
}

/* The bytes that do not stand in quotes as they are, those of longer characters too, as bits. */
static inline unsigned find_special(__m128i w) {
        const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), one = _mm_set1_epi8(1),
                      most = _mm_set1_epi8(' ' + 1);
        /* From 0x7f (delete) on they are negative when one is added, and 0 at the end, so less than a space, too. */
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(w, quote), _mm_cmpeq_epi8(w, backslash));
        hit = _mm_or_si128(hit, _mm_cmplt_epi8(_mm_add_epi8(w, one), most));
        return (unsigned)_mm_movemask_epi8(hit);
}

/* How many bytes s begins with that stand in quotes as they are: of its first multiple of 16 bytes. */
static inline size_t plain_blocks(struct mv_str s) {
        for (size_t n = 0;; n += 16) {
                unsigned special = s.n - n >= 16 ? find_special(load(s.p + n)) : 0;
                if (special)
                        return n + (size_t)__builtin_ctz(special);
                if (s.n - n < 16)
                        return n;
        }
}

/* The same for s as a whole, in words; the last one may begin within the one before. */
static inline bool copy_plain(char *to, struct mv_str s) {
        if (s.n >= 16) {
                const __m128i last = load(s.p + s.n - 16);
                unsigned special = find_special(last);
                for (size_t i = 0; i < s.n - 16; i += 16) {
                        const __m128i w = load(s.p + i);
                        special |= find_special(w);
                        store(to + i, w);
                }
                store(to + s.n - 16, last);
                return !special;
        }
        if (s.n >= 8) {
                long long first, last;
                memcpy(&first, s.p, sizeof first);
                memcpy(&last, s.p + s.n - sizeof last, sizeof last);
                memcpy(to, &first, sizeof first);
                memcpy(to + s.n - sizeof last, &last, sizeof last);
                return !find_special(_mm_set_epi64x(first, last));
        }
        if (s.n >= 4) {
                uint32_t first, last;
                memcpy(&first, s.p, sizeof first);
                memcpy(&last, s.p + s.n - sizeof last, sizeof last);
                memcpy(to, &first, sizeof first);
                memcpy(to + s.n - sizeof last, &last, sizeof last);
                const long long both = (long long)((uint64_t)first << 32 | last);
                return !find_special(_mm_set1_epi64x(both));
        }
        return copy_bytes(to, s);
}
#else
static inline size_t plain_blocks(struct mv_str s) {
        (void)s;
        return 0;
}

static inline bool copy_plain(char *to, struct mv_str s) {
        return copy_bytes(to, s);
}
#endif

/* The length of what s begins with that stands in quotes as it is. */
static size_t plain_length(struct mv_str s) {
        size_t n = plain_blocks(s);
        while (n < s.n) {
                unsigned char c = (unsigned char)s.p[n];
                size_t length = is_plain_byte(c) ? 1 : 0;
                if (c >= 0x80)
                        length = mv_str_character(mv_str_skip(s, n));
                if (!length)
                        break;
                n += length;
        }
        return n;
}

static void append_escape(struct mv_buf *buf, unsigned char c) {
        static const char hex[] = "0123456789abcdef";
        if (c == '"' || c == '\\') {
                mv_buf_append_byte(buf, '\\');
                mv_buf_append_byte(buf, (char)c);
        } else if (c == '\n')
                mv_buf_append_text(buf, "\\n");
        else if (c == '\t')
                mv_buf_append_text(buf, "\\t");
        else if (c == '\r')
                mv_buf_append_text(buf, "\\r");
        else if (c >= 0x80)
                mv_buf_append_text(buf, "\xef\xbf\xbd");
        else {
                char escape[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
                mv_buf_append(buf, escape, sizeof escape);
        }
}

/* s in quotes, with a byte before and one behind it unless they are 0. Apart from append_between, which is called much more
 * often and so needs no registers saved for it. */
static __attribute__((noinline)) void append_escaped(struct mv_buf *buf, char before, struct mv_str s,
                                                     char after) {
        if (before)
                mv_buf_append_byte(buf, before);
        mv_buf_append_byte(buf, '"');
        for (;;) {
                size_t plain = plain_length(s);
                mv_buf_append(buf, s.p, plain);
                if (plain == s.n)
                        break;
                append_escape(buf, (unsigned char)s.p[plain]);
                s = mv_str_skip(s, plain + 1);
        }
        mv_buf_append_byte(buf, '"');
        if (after)
                mv_buf_append_byte(buf, after);
}

/* The same. Most strings need no escapes. */
static void append_between(struct mv_buf *buf, char before, struct mv_str s, char after) {
        const size_t n = (before != 0) + s.n + 2 + (after != 0);
        char *to = mv_buf_reserve(buf, n);
        if (!to)
                return;
        if (before)
                *to++ = before;
        *to++ = '"';
        if (!copy_plain(to, s)) {
                append_escaped(buf, before, s, after);
                return;
        }
        to += s.n;
        *to++ = '"';
        if (after)
                *to = after;
        buf->n += n;
}

void mv_buf_append_quoted(struct mv_buf *buf, struct mv_str s) {
        append_between(buf, 0, s, 0);
}

/* --- values --- */

void mv_json_init(struct mv_json *json, struct mv_buf *buf) {
        *json = (struct mv_json){ .buf = buf };
}

/* Before a value or a key: the comma that separates it from the one before, or 0. */
static char separator(struct mv_json *json) {
        const uint64_t bit = UINT64_C(1) << json->depth;
        const bool comma = !json->keyed && json->depth && json->filled & bit;
        json->keyed = false;
        json->filled |= bit;
        return comma ? ',' : 0;
}

static void separate(struct mv_json *json) {
        if (separator(json))
                mv_buf_append_byte(json->buf, ',');
}

static void open_level(struct mv_json *json, bool array) {
        separate(json);
        mv_buf_append_byte(json->buf, array ? '[' : '{');
        json->depth++;
        uint64_t bit = UINT64_C(1) << json->depth;
        json->filled &= ~bit;
        json->arrays = array ? json->arrays | bit : json->arrays & ~bit;
}

void mv_json_object(struct mv_json *json) {
        open_level(json, false);
}

void mv_json_array(struct mv_json *json) {
        open_level(json, true);
}

void mv_json_end(struct mv_json *json) {
        mv_buf_append_byte(json->buf, json->arrays >> json->depth & 1 ? ']' : '}');
        json->depth--;
}

void mv_json_key_str(struct mv_json *json, struct mv_str key) {
        append_between(json->buf, separator(json), key, ':');
        json->keyed = true;
}

void mv_json_string(struct mv_json *json, struct mv_str value) {
        append_between(json->buf, separator(json), value, 0);
}

void mv_json_text(struct mv_json *json, const char *value) {
        mv_json_string(json, mv_str_from(value));
}

void mv_json_bool(struct mv_json *json, bool value) {
        mv_json_raw(json, value ? MV_STR("true") : MV_STR("false"));
}

void mv_json_int(struct mv_json *json, long long value) {
        separate(json);
        mv_buf_append_int(json->buf, value);
}

void mv_json_null(struct mv_json *json) {
        mv_json_raw(json, MV_STR("null"));
}

void mv_json_raw(struct mv_json *json, struct mv_str value) {
        separate(json);
        mv_buf_append_str(json->buf, value);
}
