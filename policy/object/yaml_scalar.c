/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/yaml_scalar.h"

#include "policy/base/base64.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TAG_PREFIX "tag:yaml.org,2002:"

enum tag { TAG_NONE, TAG_STR, TAG_BOOL, TAG_INT, TAG_FLOAT, TAG_NULL, TAG_TIMESTAMP, TAG_BINARY, TAG_OTHER };

static const char *const tag_names[] = {
        [TAG_STR] = "str",   [TAG_BOOL] = "bool",           [TAG_INT] = "int",       [TAG_FLOAT] = "float",
        [TAG_NULL] = "null", [TAG_TIMESTAMP] = "timestamp", [TAG_BINARY] = "binary",
};

static enum tag tag_find(struct mv_str tag) {
        if (!tag.n)
                return TAG_NONE;
        if (!mv_str_starts_with(tag, MV_STR(TAG_PREFIX)))
                return TAG_OTHER;
        struct mv_str rest = mv_str_skip(tag, sizeof(TAG_PREFIX) - 1);
        for (enum tag t = TAG_STR; t < TAG_OTHER; t++)
                if (mv_str_is(rest, tag_names[t]))
                        return t;
        return TAG_OTHER;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* --- words --- */

static const struct {
        const char *words[6];
        struct mv_yaml_scalar value;
} word_table[] = {
        { { "y", "Y", "yes", "Yes", "YES" }, { .type = MV_YAML_BOOL, .boolean = true } },
        { { "true", "True", "TRUE" }, { .type = MV_YAML_BOOL, .boolean = true } },
        { { "on", "On", "ON" }, { .type = MV_YAML_BOOL, .boolean = true } },
        { { "n", "N", "no", "No", "NO" }, { .type = MV_YAML_BOOL } },
        { { "false", "False", "FALSE" }, { .type = MV_YAML_BOOL } },
        { { "off", "Off", "OFF" }, { .type = MV_YAML_BOOL } },
        { { "", "~", "null", "Null", "NULL" }, { .type = MV_YAML_NULL } },
        { { ".nan", ".NaN", ".NAN" }, { .type = MV_YAML_FLOAT, .number = (double)NAN } },
        { { ".inf", ".Inf", ".INF" }, { .type = MV_YAML_FLOAT, .number = (double)INFINITY } },
        { { "+.inf", "+.Inf", "+.INF" }, { .type = MV_YAML_FLOAT, .number = (double)INFINITY } },
        { { "-.inf", "-.Inf", "-.INF" }, { .type = MV_YAML_FLOAT, .number = -(double)INFINITY } },
};

static bool find_word(struct mv_str text, struct mv_yaml_scalar *ret) {
        if (text.n > 5 || (text.n && !strchr("yYnNtTfFoO~.+-", text.p[0])))
                return false;
        for (size_t i = 0; i < sizeof word_table / sizeof word_table[0]; i++)
                for (size_t j = 0; j < 6 && word_table[i].words[j]; j++)
                        if (mv_str_is(text, word_table[i].words[j])) {
                                *ret = word_table[i].value;
                                return true;
                        }
        return false;
}

/* --- numbers --- */

/* Digits of that base, at least `least` of them and nothing else, below 2^64. */
static bool read_digits(struct mv_str s, unsigned base, size_t least, unsigned long long *ret) {
        unsigned long long value = 0;
        if (s.n < least)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                char c = s.p[i];
                unsigned digit = 99;
                if (is_digit(c))
                        digit = (unsigned)(c - '0');
                else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                        digit = (unsigned)((c | 0x20) - 'a') + 10;
                if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return false;
        }
        *ret = value;
        return true;
}

/* An integer as Go's strconv.ParseInt and ParseUint with base 0 read it: a leading 0 is octal. */
static bool read_integer(struct mv_str s, struct mv_yaml_scalar *ret) {
        bool sign = s.n && (s.p[0] == '-' || s.p[0] == '+'), negative = s.n && s.p[0] == '-';
        if (sign)
                s = mv_str_skip(s, 1);
        unsigned base = 10;
        size_t prefix = 0;
        if (s.n && s.p[0] == '0') {
                char c = s.n >= 3 ? (char)(s.p[1] | 0x20) : '0';
                base = c == 'b' ? 2 : c == 'x' ? 16 : 8;
                prefix = c == 'b' || c == 'x' || c == 'o' ? 2 : 1;
        }
        unsigned long long value;
        if (!read_digits(mv_str_skip(s, prefix), base, prefix == 1 ? 0 : 1, &value))
                return false;
        /* Only without a sign may it be above the largest int64. */
        if (value > (sign ? (unsigned long long)INT64_MAX + negative : UINT64_MAX))
                return false;
        *ret = (struct mv_yaml_scalar){ .type = MV_YAML_INT,
                                        .boolean = negative && value,
                                        .magnitude = value };
        return true;
}

/* Go's library has one more form, by accident: 0b-101. */
static bool read_odd_binary(struct mv_str s, struct mv_yaml_scalar *ret) {
        if (!mv_str_starts_with(s, MV_STR("0b")) || s.n < 4 || (s.p[2] != '-' && s.p[2] != '+'))
                return false;
        unsigned long long value;
        if (!read_digits(mv_str_skip(s, 3), 2, 1, &value) ||
            value > (unsigned long long)INT64_MAX + (s.p[2] == '-'))
                return false;
        *ret = (struct mv_yaml_scalar){ .type = MV_YAML_INT,
                                        .boolean = s.p[2] == '-' && value,
                                        .magnitude = value };
        return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? and not too large. s is followed by a NUL byte. */
static bool read_float(struct mv_str s, struct mv_yaml_scalar *ret) {
        size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0, whole = i;
        while (i < s.n && is_digit(s.p[i]))
                i++;
        whole = i - whole;
        if (i < s.n && s.p[i] == '.') {
                size_t fraction = ++i;
                while (i < s.n && is_digit(s.p[i]))
                        i++;
                if (!whole && i == fraction)
                        return false;
        } else if (!whole)
                return false;
        if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
                i++;
                if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
                        i++;
                if (i == s.n)
                        return false;
                while (i < s.n && is_digit(s.p[i]))
                        i++;
        }
        if (i < s.n)
                return false;
        double value = strtod(s.p, NULL);
        if (isinf(value))
                return false;
        *ret = (struct mv_yaml_scalar){ .type = MV_YAML_FLOAT, .number = value };
        return true;
}

/* s without underscores, NUL-terminated. */
static bool drop_underscores(struct mv_arena *arena, struct mv_str s, struct mv_str *ret) {
        char *p = mv_arena_allocate(arena, s.n + 1, 1);
        if (!p)
                return false;
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] != '_')
                        p[n++] = s.p[i];
        *ret = (struct mv_str){ p, n };
        return true;
}

/* Each underscore stands between digits. */
static bool underscores_separate(struct mv_str s) {
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] == '_' && (!i || !is_digit(s.p[i - 1]) || i + 1 == s.n || !is_digit(s.p[i + 1])))
                        return false;
        return true;
}

/* --- tags --- */

/* Length of the character that begins with this byte; 0 when none does. */
static size_t utf8_length(unsigned char first) {
        if (first < 0x80)
                return 1;
        return first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

/* Bytes that are no UTF-8 become U+FFFD each, as Go prints them. */
static struct mv_str make_utf8(struct mv_arena *arena, const unsigned char *p, size_t n) {
        char *out = n <= SIZE_MAX / 3 ? mv_arena_allocate(arena, n * 3 + 1, 1) : NULL;
        size_t at = 0;
        if (!out)
                return (struct mv_str){ 0 };
        for (size_t i = 0; i < n;) {
                size_t length = utf8_length(p[i]);
                unsigned char low = p[i] == 0xe0 ? 0xa0 : p[i] == 0xf0 ? 0x90 : 0x80;
                unsigned char top = p[i] == 0xed ? 0x9f : p[i] == 0xf4 ? 0x8f : 0xbf;
                if (length > n - i)
                        length = 0;
                for (size_t j = 1; j < length; j++)
                        if (p[i + j] < (j == 1 ? low : 0x80) || p[i + j] > (j == 1 ? top : 0xbf))
                                length = 0;
                memcpy(out + at, length ? (const char *)p + i : "\xef\xbf\xbd", length ? length : 3);
                at += length ? length : 3;
                i += length ? length : 1;
        }
        return (struct mv_str){ out, at };
}

static int resolve_binary(struct mv_arena *arena, struct mv_str text, struct mv_yaml_scalar *ret,
                          struct mv_err *err) {
        unsigned char *bytes = mv_arena_allocate(arena, text.n + 1, 1);
        size_t n;
        if (!bytes)
                return mv_err_oom(err);
        if (!mv_base64_decode(text, bytes, &n))
                return mv_err_set(err, MV_ETYPE, "!!binary value contains invalid base64 data");
        struct mv_str decoded = make_utf8(arena, bytes, n);
        if (mv_arena_failed(arena))
                return mv_err_oom(err);
        *ret = (struct mv_yaml_scalar){ .type = MV_YAML_TEXT, .text = decoded };
        return 0;
}

/* Four digits and a hyphen: what the tag !!timestamp accepts here. The value is text all the same. */
static bool is_timestamp(struct mv_str s) {
        return s.n > 5 && is_digit(s.p[0]) && is_digit(s.p[1]) && is_digit(s.p[2]) && is_digit(s.p[3]) &&
               s.p[4] == '-' && is_digit(s.p[5]);
}

/* The value of a scalar whose tag lets it be anything. False when out of memory. */
static bool resolve_any(struct mv_arena *arena, struct mv_str text, struct mv_yaml_scalar *ret) {
        if (find_word(text, ret))
                return true;
        *ret = (struct mv_yaml_scalar){ .type = MV_YAML_TEXT, .text = text };
        char c = text.n ? text.p[0] : 'x';
        if (!is_digit(c) && c != '-' && c != '+' && c != '.')
                return true;
        struct mv_str plain;
        if (!drop_underscores(arena, text, &plain))
                return false;
        if (c == '.') {
                if (underscores_separate(text))
                        read_float(plain, ret);
        } else if (!read_integer(plain, ret) && !read_float(plain, ret))
                read_odd_binary(plain, ret);
        return true;
}

int mv_yaml_scalar_resolve(struct mv_arena *arena, struct mv_str text, struct mv_str tag_text, bool plain,
                           struct mv_yaml_scalar *ret, struct mv_err *err) {
        enum tag tag = tag_find(tag_text);
        if (tag == TAG_BINARY)
                return resolve_binary(arena, text, ret, err);
        struct mv_yaml_scalar value = { .type = MV_YAML_TEXT, .text = text };
        bool is_text = tag == TAG_STR || tag == TAG_OTHER || (tag == TAG_NONE && !plain);
        if (!is_text && !resolve_any(arena, text, &value))
                return mv_err_oom(err);

        static const enum mv_yaml_type wanted[] = {
                [TAG_BOOL] = MV_YAML_BOOL,
                [TAG_INT] = MV_YAML_INT,
                [TAG_FLOAT] = MV_YAML_FLOAT,
                [TAG_NULL] = MV_YAML_NULL,
        };
        if (tag == TAG_FLOAT && value.type == MV_YAML_INT &&
            value.magnitude <= (unsigned long long)INT64_MAX + value.boolean) {
                double number = (double)value.magnitude;
                value = (struct mv_yaml_scalar){ .type = MV_YAML_FLOAT,
                                                 .number = value.boolean ? -number : number };
        }
        bool fits = is_text || tag == TAG_NONE ||
                    (tag == TAG_TIMESTAMP ? is_timestamp(text) : value.type == wanted[tag]);
        if (!fits)
                return mv_err_set(err, MV_ETYPE, "cannot decode `%.*s` as a !!%s",
                                  (int)(text.n < 80 ? text.n : 80), text.p ? text.p : "", tag_names[tag]);
        *ret = value;
        return 0;
}

/* --- printing --- */

/* Shortest decimal digits that read back as the same number: value = 0.DIGITS * 10^point. */
struct decimal {
        char digits[24];
        int n, point;
};

static bool reads_back(const struct decimal *d, double value, bool narrow) {
        char text[48];
        snprintf(text, sizeof text, "0.%.*se%d", d->n, d->digits, d->point);
        double again = strtod(text, NULL);
        return narrow ? (float)again == (float)value : again == value;
}

/* The next larger number of that many digits. */
static void round_up(struct decimal *d) {
        int i = d->n - 1;
        while (i >= 0 && d->digits[i] == '9')
                d->digits[i--] = '0';
        if (i >= 0)
                d->digits[i]++;
        else {
                d->digits[0] = '1';
                d->point++;
        }
}

/* value is finite and not negative. narrow: it is a float that was widened. */
static struct decimal shortest(double value, bool narrow) {
        struct decimal d = { .digits = "0", .n = 1, .point = 1 };
        if (value == 0)
                return d;
        for (int n = 1; n <= 17; n++) {
                char text[48];
                snprintf(text, sizeof text, "%.*e", n - 1, value);
                char *e = strchr(text, 'e');
                d = (struct decimal){ .n = n, .point = (int)strtol(e + 1, NULL, 10) + 1 };
                d.digits[0] = text[0];
                if (n > 1)
                        memcpy(d.digits + 1, text + 2, (size_t)n - 1);
                if (reads_back(&d, value, narrow))
                        break;
                /* At a power of two the room above is wider than below: the nearest may fail where the
                 * next fits. */
                struct decimal above = d;
                round_up(&above);
                if (reads_back(&above, value, narrow)) {
                        d = above;
                        break;
                }
        }
        while (d.n > 1 && d.digits[d.n - 1] == '0')
                d.n--;
        return d;
}

static size_t print_plain(const struct decimal *d, char *out) {
        size_t at = 0;
        if (d->point <= 0)
                out[at++] = '0';
        for (int i = d->point < 0 ? d->point : 0; i < d->n || i < d->point; i++) {
                if (i == d->point)
                        out[at++] = '.';
                out[at++] = i < 0 || i >= d->n ? '0' : d->digits[i];
        }
        return at;
}

static size_t print_exponent(const struct decimal *d, char *out, int width) {
        int exponent = d->point - 1;
        int n = snprintf(out, MV_YAML_NUMBER_SIZE - 1, "%c%s%.*se%c%0*d", d->digits[0], d->n > 1 ? "." : "",
                         d->n - 1, d->digits + 1, exponent < 0 ? '-' : '+', width,
                         exponent < 0 ? -exponent : exponent);
        return (size_t)n;
}

struct mv_str mv_yaml_scalar_print(const struct mv_yaml_scalar *scalar, char *out) {
        if (scalar->type == MV_YAML_INT) {
                int n = snprintf(out, MV_YAML_NUMBER_SIZE, "%s%llu", scalar->boolean ? "-" : "",
                                 scalar->magnitude);
                return (struct mv_str){ out, (size_t)n };
        }
        double value = fabs(scalar->number);
        size_t sign = signbit(scalar->number) ? 1 : 0;
        struct decimal d = shortest(value, false);
        out[0] = '-';
        bool plain = value == 0 || (value >= 1e-6 && value < 1e21);
        size_t n = plain ? print_plain(&d, out + sign) : print_exponent(&d, out + sign, 1);
        return (struct mv_str){ out, sign + n };
}

bool mv_yaml_scalar_key(const struct mv_yaml_scalar *scalar, char *out, struct mv_str *ret) {
        switch (scalar->type) {
        case MV_YAML_NULL:
                return false;
        case MV_YAML_BOOL:
                *ret = scalar->boolean ? MV_STR("true") : MV_STR("false");
                return true;
        case MV_YAML_INT:
                if (!scalar->boolean && scalar->magnitude > INT64_MAX)
                        return false;
                *ret = mv_yaml_scalar_print(scalar, out);
                return true;
        case MV_YAML_TEXT:
                *ret = scalar->text;
                return true;
        case MV_YAML_FLOAT:
                break;
        }
        if (isnan(scalar->number)) {
                *ret = MV_STR(".nan");
                return true;
        }
        /* What a float cannot hold becomes infinite. */
        bool negative = signbit(scalar->number),
             huge = fabs(scalar->number) >= (double)FLT_MAX * (1 + 0x1p-25);
        if (huge) {
                *ret = negative ? MV_STR("-.inf") : MV_STR(".inf");
                return true;
        }
        float value = fabsf((float)scalar->number);
        size_t sign = negative ? 1 : 0;
        struct decimal d = shortest((double)value, true);
        out[0] = '-';
        bool plain = value == 0 || (d.point > -4 && d.point <= 6);
        size_t n = plain ? print_plain(&d, out + sign) : print_exponent(&d, out + sign, 2);
        *ret = (struct mv_str){ out, sign + n };
        return true;
}
