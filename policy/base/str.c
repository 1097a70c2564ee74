/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/str.h"

struct mv_str mv_str_cut(struct mv_str s, size_t n) {
        if (s.n <= n)
                return s;
        while (n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
                n--;
        return (struct mv_str){ .p = s.p, .n = n };
}

int mv_str_compare(struct mv_str a, struct mv_str b) {
        size_t n = a.n < b.n ? a.n : b.n;
        /* The first byte tells most texts apart. */
        int order = n ? (unsigned char)a.p[0] - (unsigned char)b.p[0] : 0;
        if (!order && n)
                order = memcmp(a.p, b.p, n);
        if (order)
                return order;
        return a.n < b.n ? -1 : a.n > b.n;
}

size_t mv_str_find_byte(struct mv_str s, char c) {
        const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
        return hit ? (size_t)(hit - s.p) : s.n;
}

bool mv_str_to_unsigned(struct mv_str s, unsigned long long limit, unsigned long long *ret) {
        unsigned long long value = 0;
        if (s.n == 0)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
                unsigned digit = (unsigned)(s.p[i] - '0');
                if (__builtin_mul_overflow(value, 10ull, &value) ||
                    __builtin_add_overflow(value, (unsigned long long)digit, &value) || value > limit)
                        return false;
        }
        *ret = value;
        return true;
}

bool mv_str_is_among(struct mv_str s, const char *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (mv_str_is(s, texts[i]))
                        return true;
        return false;
}

bool mv_str_contains(struct mv_str s, struct mv_str part) {
        for (size_t i = 0; s.n >= part.n && i <= s.n - part.n; i++)
                if (mv_str_starts_with(mv_str_skip(s, i), part))
                        return true;
        return false;
}

size_t mv_str_character(struct mv_str s) {
        if (!s.n)
                return 0;
        const unsigned char *p = (const unsigned char *)s.p;
        size_t length = p[0] < 0x80                    ? 1
                        : p[0] >= 0xc2 && p[0] < 0xe0  ? 2
                        : (p[0] & 0xf0) == 0xe0        ? 3
                        : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                       : 0;
        if (!length || length > s.n)
                return 0;
        for (size_t i = 1; i < length; i++)
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
            (p[0] == 0xf4 && p[1] > 0x8f))
                return 0;
        return length;
}
