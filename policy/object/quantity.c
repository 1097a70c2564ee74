/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/object/quantity.h"

#include <stdio.h>

enum {
        MAX_DIGITS = 36,        /* two more fit into every __int128, for printing */
        NANO = -9,              /* the smallest power of ten that is kept */
        FAST_DIGITS = 18,       /* of Kubernetes' int64 form */
        CANONICAL_LARGEST = 18, /* E */
};

static const char *const decimal_suffixes[] = { "n", "u", "m", "", "k", "M", "G", "T", "P", "E" };
static const char *const binary_suffixes[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };

/* What the letter of a suffix stands for, as a power of 1000 or 1024; 0: none. */
static int power_of(char letter) {
        switch (letter) {
        case 'n':
                return -3;
        case 'u':
                return -2;
        case 'm':
                return -1;
        case 'k':
        case 'K':
                return 1;
        case 'M':
                return 2;
        case 'G':
                return 3;
        case 'T':
                return 4;
        case 'P':
                return 5;
        case 'E':
                return 6;
        default:
                return 0;
        }
}

/* The text of a quantity, taken apart. */
struct parts {
        bool negative;
        bool empty;                            /* not a single digit before the suffix */
        struct mv_str whole, fraction, suffix; /* whole without leading zeros */
        enum mv_quantity_format format;
        int64_t exponent; /* of 10, or of 2 for the binary format */
};

static size_t count_digits(struct mv_str s, size_t at) {
        size_t n = 0;
        while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
                n++;
        return n;
}

/* Into number and suffix; false when the text has another form. Like Kubernetes it lets either part be
 * empty. */
static bool split(struct mv_str text, struct parts *ret) {
        size_t at = 0;
        if (!text.n)
                return false;
        ret->negative = text.p[0] == '-';
        if (text.p[0] == '-' || text.p[0] == '+')
                at++;
        size_t number = at;
        while (at < text.n && text.p[at] == '0')
                at++;
        size_t zeros = at - number;
        ret->whole = (struct mv_str){ text.p + at, count_digits(text, at) };
        at += ret->whole.n;
        ret->fraction = (struct mv_str){ text.p + at, 0 };
        if (at < text.n && text.p[at] == '.') {
                at++;
                ret->fraction = (struct mv_str){ text.p + at, count_digits(text, at) };
                at += ret->fraction.n;
        }
        ret->empty = !zeros && !ret->whole.n && !ret->fraction.n;
        size_t start = at;
        while (at < text.n && text.p[at] && strchr("eEinumkKMGTP", text.p[at]))
                at++;
        if (at < text.n && (text.p[at] == '-' || text.p[at] == '+'))
                at++;
        at += count_digits(text, at);
        ret->suffix = (struct mv_str){ text.p + start, at - start };
        return at == text.n;
}

/* Go's int64 of the digits behind `e`, cut to 32 bits as Kubernetes does. */
static bool read_exponent(struct mv_str s, int64_t *ret) {
        bool negative = s.n && s.p[0] == '-';
        if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
                s = mv_str_skip(s, 1);
        unsigned long long value = 0;
        if (!s.n || count_digits(s, 0) != s.n)
                return false;
        for (size_t i = 0; i < s.n; i++)
                if (__builtin_mul_overflow(value, 10ull, &value) ||
                    __builtin_add_overflow(value, (unsigned long long)(s.p[i] - '0'), &value))
                        return false;
        if (value > (unsigned long long)INT64_MAX + negative)
                return false;
        *ret = (int32_t)(uint32_t)(negative ? -value : value);
        return true;
}

static bool read_suffix(struct parts *parts) {
        const size_t n = parts->suffix.n;
        const char letter = n ? parts->suffix.p[0] : '\0';
        const int power = power_of(letter);
        if (!n || (n == 1 && power && letter != 'K')) {
                parts->format = MV_QUANTITY_DECIMAL;
                parts->exponent = 3 * power;
                return true;
        }
        if (n == 2 && parts->suffix.p[1] == 'i' && power > 0 && letter != 'k') {
                parts->format = MV_QUANTITY_BINARY;
                parts->exponent = 10 * power;
                return true;
        }
        if (parts->suffix.n < 2 || (parts->suffix.p[0] != 'e' && parts->suffix.p[0] != 'E'))
                return false;
        parts->format = MV_QUANTITY_EXPONENT;
        return read_exponent(mv_str_skip(parts->suffix, 1), &parts->exponent);
}

/* The digits of the number with its point left out, without zeros at the front. */
struct digits {
        struct mv_str a, b;
};

static char digit_at(const struct digits *d, size_t i) {
        return i < d->a.n ? d->a.p[i] : d->b.p[i - d->a.n];
}

static void normalize(struct mv_quantity *q) {
        if (!q->mantissa)
                q->exponent = 0;
        if (q->mantissa > 0 && q->mantissa <= INT64_MAX) { /* nearly always, and much cheaper */
                uint64_t small = (uint64_t)q->mantissa;
                for (; small % 10 == 0; q->exponent++)
                        small /= 10;
                q->mantissa = small;
                return;
        }
        while (q->mantissa && q->mantissa % 10 == 0) {
                q->mantissa /= 10;
                q->exponent++;
        }
}

/* mantissa * 10^exponent of digits that mean 0.D * 10^point... kept from NANO on, the rest rounded up.
 * False when they are too many. */
static bool read_decimal(const struct parts *parts, struct mv_quantity *ret) {
        struct digits d = { parts->whole, parts->fraction };
        size_t n = d.a.n + d.b.n, first = 0;
        while (first < n && digit_at(&d, first) == '0')
                first++;
        while (n > first && digit_at(&d, n - 1) == '0')
                n--;
        if (first == n)
                return true; /* zero */
        /* Digit i stands for 10^(top - i). */
        int64_t top = parts->exponent + (int64_t)d.a.n - 1;
        bool rest = false;
        if (top - (int64_t)(n - 1) < NANO) { /* digits below a billionth */
                int64_t keep = top - NANO + 1;
                rest = true;
                n = keep > (int64_t)first ? (size_t)keep : first;
        }
        if (n - first > MAX_DIGITS)
                return false;
        for (size_t i = first; i < n; i++)
                ret->mantissa = ret->mantissa * 10 + (digit_at(&d, i) - '0');
        int64_t exponent = n > first ? top - (int64_t)(n - 1) : NANO;
        if (rest) {
                ret->mantissa++;
                exponent = NANO;
        }
        if (exponent > INT32_MAX - 2 * MAX_DIGITS)
                return false;
        ret->exponent = (int32_t)exponent;
        return true;
}

/* Digits * 2^exponent, at most 2^63-1, in billionths. */
static void read_binary(const struct parts *parts, struct mv_quantity *ret) {
        unsigned long long units;
        if (!parts->fraction.n &&
            mv_str_to_unsigned(parts->whole, (unsigned long long)INT64_MAX >> parts->exponent, &units)) {
                ret->mantissa = units << parts->exponent;
                return;
        }
        const __int128 cap = (__int128)INT64_MAX * 1000000000;
        const __int128 unit = (__int128)1000000000 << parts->exponent; /* at most 2^60 * 10^9 < 2^90 */
        __int128 whole = 0;
        for (size_t i = 0; i < parts->whole.n && whole <= INT64_MAX; i++)
                whole = whole * 10 + (parts->whole.p[i] - '0');
        /* 0.d1d2... * unit = (d1 * unit + 0.d2... * unit) / 10, and rounding down at each step rounds
         * down once. */
        __int128 fraction = 0;
        bool rest = false;
        for (size_t i = parts->fraction.n; i-- > 0;) {
                fraction += (parts->fraction.p[i] - '0') * unit;
                rest = rest || fraction % 10;
                fraction /= 10;
        }
        bool huge = whole > cap / unit;
        __int128 total = huge ? cap : whole * unit + fraction + rest;
        ret->mantissa = total > cap ? cap : total;
        ret->exponent = NANO;
        if (ret->mantissa > 0 && ret->mantissa < 1000000000)
                ret->format = MV_QUANTITY_DECIMAL;
}

/* Whether Kubernetes takes the text for canonical and keeps it. text is not "0". */
static bool is_kept(const struct parts *parts) {
        struct digits d = { parts->whole.n ? parts->whole : MV_STR("0"), parts->fraction };
        size_t n = d.a.n + d.b.n;
        if (parts->format == MV_QUANTITY_BINARY) {
                /* The int64 form: no point with digits behind it, and few enough digits. */
                if (d.b.n || 15 - (int64_t)d.a.n - (int64_t)((double)parts->exponent * 3 / 10) - 1 < 0)
                        return false;
                int64_t value = 0;
                for (size_t i = 0; i < d.a.n; i++)
                        value = value * 10 + (d.a.p[i] - '0');
                return (value & 7) != 0;
        }
        int64_t scale = parts->exponent - (int64_t)d.b.n;
        if (n > FAST_DIGITS || scale < NANO || scale % 3 || digit_at(&d, 0) == '0')
                return false;
        return n < 3 || digit_at(&d, n - 1) != '0' || digit_at(&d, n - 2) != '0' ||
               digit_at(&d, n - 3) != '0';
}

const char mv_quantity_wrong_format[] = "quantities must match the regular expression "
                                        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

int mv_quantity_parse(struct mv_str text, struct mv_quantity *ret, struct mv_err *err) {
        struct mv_quantity q = { .format = MV_QUANTITY_DECIMAL };
        struct parts parts = { 0 };
        if (!split(text, &parts))
                return mv_err_set(err, MV_ETYPE, "%s", mv_quantity_wrong_format);
        if (!read_suffix(&parts))
                return mv_err_set(err, MV_ETYPE, "unable to parse quantity's suffix");
        /* A number without digits is 0 to Kubernetes, unless it has to look closer. */
        bool closer = parts.format == MV_QUANTITY_BINARY ? parts.exponent >= 50 : parts.exponent < NANO;
        if (parts.empty && closer)
                return mv_err_set(err, MV_ETYPE, "unable to parse numeric part of quantity");
        q.format = parts.format;
        q.verbatim = !mv_str_is(text, "0") && is_kept(&parts);
        if (parts.format == MV_QUANTITY_BINARY)
                read_binary(&parts, &q);
        else if (!read_decimal(&parts, &q))
                return mv_err_set(err, MV_ELIMIT, "a quantity of more than %d digits", MAX_DIGITS);
        if (parts.negative)
                q.mantissa = -q.mantissa;
        normalize(&q);
        *ret = q;
        return 0;
}

int mv_quantity_sign(const struct mv_quantity *q) {
        return (q->mantissa > 0) - (q->mantissa < 0);
}

static unsigned __int128 magnitude(const struct mv_quantity *q) {
        return q->mantissa < 0 ? -(unsigned __int128)q->mantissa : (unsigned __int128)q->mantissa;
}

static int length(unsigned __int128 n) {
        int digits = 0;
        for (; n; n /= 10)
                digits++;
        return digits;
}

static unsigned __int128 scale_up(unsigned __int128 n, int64_t powers) {
        while (powers-- > 0)
                n *= 10;
        return n;
}

int mv_quantity_compare(const struct mv_quantity *a, const struct mv_quantity *b) {
        int sign = mv_quantity_sign(a);
        if (sign != mv_quantity_sign(b) || !sign)
                return sign - mv_quantity_sign(b);
        unsigned __int128 x = magnitude(a), y = magnitude(b);
        int64_t difference = (int64_t)a->exponent - b->exponent;
        int64_t order = difference + length(x) - length(y);
        if (!order) {
                /* As many digits before the point: scaled to one exponent both still fit. */
                x = scale_up(x, difference);
                y = scale_up(y, -difference);
                order = (x > y) - (x < y);
        }
        return order < 0 ? -sign : order > 0 ? sign : 0;
}

/* The value in units of 10^scale. */
static int64_t scaled(const struct mv_quantity *q, int scale) {
        bool negative = q->mantissa < 0;
        unsigned __int128 n = magnitude(q), limit = (unsigned __int128)INT64_MAX + negative;
        int64_t powers = (int64_t)q->exponent - scale;
        for (; powers > 0 && n && n <= limit; powers--)
                n *= 10;
        bool rest = false;
        for (; powers < 0 && n; powers++) {
                rest = rest || n % 10;
                n /= 10;
        }
        n += rest;
        if (n > limit)
                return negative ? INT64_MIN : INT64_MAX;
        return negative ? (int64_t)-n : (int64_t)n;
}

int64_t mv_quantity_value(const struct mv_quantity *q) {
        return scaled(q, 0);
}

int64_t mv_quantity_milli_value(const struct mv_quantity *q) {
        return scaled(q, -3);
}

static size_t print_integer(unsigned __int128 n, char *out) {
        char reversed[48];
        size_t digits = 0;
        do {
                reversed[digits++] = (char)('0' + (int)(n % 10));
                n /= 10;
        } while (n);
        for (size_t i = 0; i < digits; i++)
                out[i] = reversed[digits - 1 - i];
        return digits;
}

/* Binary as it stands: a whole number of at least 1024 (that was capped, so it fits). */
static bool is_whole_binary(const struct mv_quantity *q, uint64_t *ret) {
        if (q->format != MV_QUANTITY_BINARY || q->exponent < 0)
                return false;
        unsigned __int128 n = scale_up(magnitude(q), q->exponent);
        *ret = (uint64_t)n;
        return n >= 1024;
}

struct mv_str mv_quantity_print(const struct mv_quantity *q, char *out) {
        size_t at = 0;
        uint64_t whole;
        unsigned __int128 n = magnitude(q);
        const char *suffix = "";
        char exponent_text[16];
        if (q->mantissa < 0)
                out[at++] = '-';
        if (!n)
                suffix = "";
        else if (is_whole_binary(q, &whole)) {
                int times = 0;
                for (; whole % 1024 == 0; times++)
                        whole /= 1024;
                n = whole;
                suffix = binary_suffixes[times];
        } else {
                int64_t exponent = q->exponent;
                for (; exponent % 3; exponent--)
                        n *= 10;
                /* Larger than any suffix: more zeros, or, for very many, an exponent. */
                if (q->format != MV_QUANTITY_EXPONENT && exponent > CANONICAL_LARGEST &&
                    length(n) + exponent - CANONICAL_LARGEST <= MAX_DIGITS) {
                        n = scale_up(n, exponent - CANONICAL_LARGEST);
                        exponent = CANONICAL_LARGEST;
                }
                if (q->format == MV_QUANTITY_EXPONENT || exponent > CANONICAL_LARGEST) {
                        snprintf(exponent_text, sizeof exponent_text, "e%d", (int)exponent);
                        suffix = exponent ? exponent_text : "";
                } else
                        suffix = decimal_suffixes[(exponent - NANO) / 3];
        }
        at += print_integer(n, out + at);
        size_t suffix_length = strlen(suffix);
        memcpy(out + at, suffix, suffix_length + 1);
        return (struct mv_str){ out, at + suffix_length };
}

struct mv_str mv_quantity_string(const struct mv_quantity *q, struct mv_str text, char *out) {
        return q->verbatim ? text : mv_quantity_print(q, out);
}
